//! How a study is to be: what a form writes, a TOML file holds and the database keeps.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::{CultureId, Lease, QuestionId, RaterId, StudyId, StudyType};
use crate::store::{Rater, RaterKind};

use super::StudyError;
use super::spec_parts::{People, RaterSpec, Selection, Stratum};

/// Anchors of a group of raters, where nothing else is said: about what the design asks for.
const ANCHORS: usize = 20;
/// Pairs of practice before the study.
const PRACTICE: usize = 5;

/// A study as it is set up. [`StudySpec::named`] gives the usual numbers; a file needs a name only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct StudySpec {
    /// Its name.
    pub name: StudyId,
    /// What raters judge.
    #[serde(rename = "type")]
    pub study_type: StudyType,
    /// Items to rate, anchors among them; as many as there are where there are fewer.
    pub items: usize,
    /// Raters an item.
    pub k: u32,
    /// Items that everybody rates who may: spread evenly over cultures and languages.
    pub anchors: usize,
    /// Share of items shown a second time, 0 to 0.5.
    pub repeats: f64,
    /// Items with a known answer, rated by everybody who may: spread evenly over cultures and
    /// languages.
    pub controls: usize,
    /// Random seed of selection and plan.
    pub seed: u64,
    /// Whether raters may look at the word difference. Off unless asked for: different words can
    /// mean the same. Each look is logged.
    pub word_diff: bool,
    /// Pairs of practice with feedback before the first item; 0 for none.
    pub qualification: usize,
    /// How long an item stays with a rater who does not come; `None`: without an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// What items are drawn evenly over.
    pub strata: Vec<Stratum>,
    /// Seeds whose texts stay hidden until a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sensitive_seeds: Vec<QuestionId>,
    /// Which samples may enter.
    #[serde(skip_serializing_if = "Selection::is_everything")]
    pub select: Selection,
    /// What people are told and paid.
    #[serde(skip_serializing_if = "People::is_empty")]
    pub people: People,
    /// Who rates, where that is known already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raters: Vec<RaterSpec>,
}

/// The same with everything but the name left out at will.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: StudyId,
    #[serde(default, rename = "type")]
    study_type: StudyType,
    items: Option<usize>,
    k: Option<u32>,
    anchors: Option<usize>,
    repeats: Option<f64>,
    controls: Option<usize>,
    seed: Option<u64>,
    word_diff: Option<bool>,
    qualification: Option<usize>,
    lease: Option<Lease>,
    strata: Option<Vec<Stratum>>,
    #[serde(default)]
    sensitive_seeds: Vec<QuestionId>,
    #[serde(default)]
    select: Selection,
    #[serde(default)]
    people: People,
    #[serde(default)]
    raters: Vec<RaterSpec>,
    /// Of studies made before 0.2: one culture for all items.
    culture: Option<CultureId>,
}

impl From<Written> for StudySpec {
    fn from(w: Written) -> Self {
        let mut select = w.select;
        select.cultures.extend(w.culture);
        let usual = Self::named(w.name, w.items.unwrap_or(100), w.seed.unwrap_or(1))
            .over(select.cultures.len());
        Self {
            study_type: w.study_type,
            k: w.k.unwrap_or(usual.k),
            anchors: w.anchors.unwrap_or(usual.anchors),
            repeats: w.repeats.unwrap_or(usual.repeats),
            controls: w.controls.unwrap_or(usual.controls),
            word_diff: w.word_diff.unwrap_or(usual.word_diff),
            qualification: w.qualification.unwrap_or(usual.qualification),
            lease: w.lease,
            strata: w.strata.unwrap_or(usual.strata),
            sensitive_seeds: w.sensitive_seeds,
            select,
            people: w.people,
            raters: w.raters,
            name: usual.name,
            items: usual.items,
            seed: usual.seed,
        }
    }
}

impl StudySpec {
    /// k = 3, an anchor for every five items (20 at most), 8 % repeats, a control for every 20
    /// items (3 at least), no word difference, drawn evenly over cultures and seeds.
    pub fn named(name: StudyId, items: usize, seed: u64) -> Self {
        Self {
            name,
            study_type: StudyType::default(),
            items,
            k: 3,
            anchors: (items / 5).min(ANCHORS),
            repeats: 0.08,
            controls: (items / 20).max(3),
            seed,
            word_diff: false,
            qualification: PRACTICE,
            lease: None,
            strata: vec![Stratum::Culture, Stratum::Seed],
            sensitive_seeds: Vec::new(),
            select: Selection::default(),
            people: People::default(),
            raters: Vec::new(),
        }
    }

    /// The usual anchors and controls for so many cultures: each has its own raters, who need
    /// items in common and controls of their own.
    #[must_use]
    pub fn over(self, cultures: usize) -> Self {
        let groups = cultures.max(1);
        Self {
            anchors: (self.items / 5).min(ANCHORS * groups),
            controls: (self.items / 20).max(3 * groups),
            ..self
        }
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// The file cannot be read, a setting is unknown or of the wrong form.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let wrong = |reason: String| StudyError::BadSpec { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        let spec: Self = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        spec.check().map_err(|e| wrong(e.to_string()))?;
        Ok(spec)
    }

    /// As a TOML file holds it.
    ///
    /// # Errors
    /// None in practice: every field has a form in TOML.
    pub fn to_toml(&self) -> Result<String, StudyError> {
        toml::to_string(self).map_err(|e| StudyError::BadSetting {
            what: "the study",
            value: e.to_string(),
            expected: "settings that TOML can hold (a seed of chance below 2^63)",
        })
    }

    /// What a study record holds; `None` where it was written by something else (a test, an import
    /// of long ago). Studies made before the word difference could be forbidden allowed it.
    pub fn stored(value: &serde_json::Value) -> Option<Self> {
        let mut value = value.clone();
        value.as_object_mut()?.entry("word_diff").or_insert(true.into());
        serde_json::from_value(value).ok()
    }

    /// As a study record keeps it.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Checks what can be checked without samples and raters.
    ///
    /// # Errors
    /// [`StudyError::BadSetting`] with what would have been accepted.
    pub fn check(&self) -> Result<(), StudyError> {
        let bad = |what, value: String, expected| StudyError::BadSetting { what, value, expected };
        if self.items == 0 {
            return Err(bad("number of items", "0".into(), "1 or more"));
        }
        if self.k == 0 {
            return Err(bad("k", "0".into(), "1 or more raters an item (2 for agreement)"));
        }
        if !(0.0..=0.5).contains(&self.repeats) {
            return Err(bad("share of repeats", self.repeats.to_string(), "0 to 0.5"));
        }
        if self.anchors > self.items {
            let expected = "no more than there are items";
            return Err(bad("number of anchors", self.anchors.to_string(), expected));
        }
        if self.strata.iter().enumerate().any(|(i, s)| self.strata[..i].contains(s)) {
            return Err(bad("strata", Stratum::list(&self.strata), "each once"));
        }
        let mut names: Vec<&RaterId> = self.raters.iter().map(|r| &r.id).collect();
        names.sort();
        if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
            return Err(bad("a rater's name", twice[0].to_string(), "each rater once"));
        }
        if let Some(mute) = self.raters.iter().find(|r| r.languages.is_empty()) {
            return Err(bad("languages of a rater", mute.id.to_string(), "one or more each"));
        }
        Ok(())
    }

    /// The raters of the file, as people who have not consented yet.
    pub fn people_of(&self) -> Vec<Rater> {
        self.raters.iter().map(RaterSpec::person).collect()
    }
}

impl RaterSpec {
    /// A person of this name.
    pub fn person(&self) -> Rater {
        Rater {
            id: self.id.clone(),
            kind: RaterKind::Human,
            languages: self.languages.clone(),
            cultures: self.cultures.clone(),
            consent: None,
        }
    }
}
