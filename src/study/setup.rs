//! From samples to the frozen items of a study.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{CultureId, Decision, ItemId, Question, QuestionId, Sample, StudyId, Survey};
use crate::stats::dice::Dice;
use crate::store::{Item, ItemKind, ItemOrigin, StudyRecord, Workspace};

use super::StudyError;
use super::controls::controls;

/// How a study is to be. [`NewStudy::named`] gives the usual numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewStudy {
    /// Its name.
    pub name: StudyId,
    /// Samples to rate, anchors among them; as many as there are where there are fewer.
    pub items: usize,
    /// Raters an item.
    pub k: u32,
    /// Samples that everybody rates.
    pub anchors: usize,
    /// Share of samples shown a second time, 0 to 0.5.
    pub repeats: f64,
    /// Pairs with a known answer, rated by everybody.
    pub controls: usize,
    /// The culture the pairs are about; `None` for all.
    pub culture: Option<CultureId>,
    /// Random seed of selection and plan.
    pub seed: u64,
    /// Whether raters may look at the word difference. It is off until asked for, and logged.
    #[serde(default = "yes")]
    pub word_diff: bool,
}

fn yes() -> bool {
    true
}

impl NewStudy {
    /// k = 3, an anchor for every five items (20 at most), 8 % repeats, a control for every 20
    /// items (3 at least).
    pub fn named(name: StudyId, items: usize, seed: u64) -> Self {
        Self {
            name,
            items,
            k: 3,
            anchors: (items / 5).min(20),
            repeats: 0.08,
            controls: (items / 20).max(3),
            culture: None,
            seed,
            word_diff: true,
        }
    }

    fn check(&self) -> Result<(), StudyError> {
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
        Ok(())
    }
}

struct Draft {
    kind: ItemKind,
    k: Option<u32>,
    seed: QuestionId,
    sample: Option<crate::domain::SampleId>,
    language: String,
    seed_text: String,
    sample_text: String,
    repeat_of: Option<usize>,
    expected: Option<(u8, u8)>,
    origin: ItemOrigin,
}

/// Chooses the items: samples spread over seeds (no seed gives two before each gave one), some of
/// them anchors, some repeated, and controls; all in random order under numbers that tell nothing.
/// Only kept samples whose seed the survey has in the same language can enter.
///
/// # Errors
/// Settings out of range; no sample can enter.
pub fn new_study(
    samples: &[Sample],
    survey: &Survey,
    spec: &NewStudy,
) -> Result<Vec<Item>, StudyError> {
    spec.check()?;
    let mut by_seed: BTreeMap<&QuestionId, Vec<(&Sample, &Question)>> = BTreeMap::new();
    let mut usable = 0;
    for sample in samples {
        let question = survey.question(&sample.seed).filter(|q| q.language == sample.language);
        if let (Decision::Kept, Some(question), false) =
            (&sample.decision, question, sample.text.trim().is_empty())
        {
            by_seed.entry(&sample.seed).or_default().push((sample, question));
            usable += 1;
        }
    }
    if usable == 0 {
        let found = samples.len();
        return Err(StudyError::NoSamples { found, unusable: found });
    }

    let mut dice = Dice::new(spec.seed, &["items"]);
    let seeds: Vec<&Question> =
        by_seed.values().filter_map(|of| of.first()).map(|(_, q)| *q).collect();
    let mut strata: Vec<Vec<(&Sample, &Question)>> = by_seed.into_values().collect();
    for stratum in &mut strata {
        // the order of the list given must not matter
        stratum.sort_by(|a, b| a.0.id.cmp(&b.0.id));
        stratum.dedup_by(|a, b| a.0.id == b.0.id);
        dice.shuffle(stratum);
    }
    dice.shuffle(&mut strata);
    let most = strata.iter().map(Vec::len).max().unwrap_or(0);
    let chosen = (0..most)
        .flat_map(|round| strata.iter().filter_map(move |s| s.get(round)))
        .take(spec.items);
    let mut drafts: Vec<Draft> = chosen
        .enumerate()
        .map(|(i, (sample, question))| {
            let anchor = i < spec.anchors;
            Draft {
                kind: if anchor { ItemKind::Anchor } else { ItemKind::Sample },
                k: if anchor { None } else { Some(spec.k) },
                seed: sample.seed.clone(),
                sample: Some(sample.id.clone()),
                language: sample.language.clone(),
                seed_text: question.text.clone(),
                sample_text: sample.text.clone(),
                repeat_of: None,
                expected: None,
                origin: ItemOrigin::of(sample),
            }
        })
        .collect();
    add_repeats(&mut drafts, spec.repeats, &mut dice);
    for c in controls(spec.controls, &seeds, &mut dice) {
        drafts.push(Draft {
            kind: c.kind,
            k: None,
            seed: c.seed.id.clone(),
            sample: None,
            language: c.seed.language.clone(),
            seed_text: c.seed.text.clone(),
            sample_text: c.text,
            repeat_of: None,
            expected: Some(c.expected),
            origin: ItemOrigin::default(),
        });
    }
    number(drafts, spec, &mut dice)
}

/// Repeats are drawn among the samples that k raters rate; the same raters get them.
fn add_repeats(drafts: &mut Vec<Draft>, share: f64, dice: &mut Dice) {
    let mut originals: Vec<usize> =
        (0..drafts.len()).filter(|i| drafts[*i].kind == ItemKind::Sample).collect();
    let wanted = (share * drafts.len() as f64).round() as usize;
    dice.shuffle(&mut originals);
    for i in originals.into_iter().take(wanted) {
        let of = &drafts[i];
        drafts.push(Draft {
            kind: ItemKind::Repeat,
            k: of.k,
            seed: of.seed.clone(),
            sample: of.sample.clone(),
            language: of.language.clone(),
            seed_text: of.seed_text.clone(),
            sample_text: of.sample_text.clone(),
            repeat_of: Some(i),
            expected: None,
            origin: of.origin.clone(),
        });
    }
}

/// Gives out the names in random order; repeats stand after all others, as the table wants their
/// originals first. Names are drawn apart from the list, so that they do not tell a repeat either.
fn number(drafts: Vec<Draft>, spec: &NewStudy, dice: &mut Dice) -> Result<Vec<Item>, StudyError> {
    let width = drafts.len().to_string().len().max(3);
    let mut numbers: Vec<usize> = (1..=drafts.len()).collect();
    dice.shuffle(&mut numbers);
    let ids = numbers
        .iter()
        .map(|n| ItemId::new(format!("i{n:0width$}")))
        .collect::<Result<Vec<_>, _>>()?;
    let mut items: Vec<Item> = drafts
        .into_iter()
        .enumerate()
        .map(|(i, d)| Item {
            id: ids[i].clone(),
            kind: d.kind,
            k: d.k,
            seed: d.seed,
            sample: d.sample,
            sha256: checksum(&d.language, &d.seed_text, &d.sample_text),
            language: d.language,
            culture: spec.culture.clone(),
            seed_text: d.seed_text,
            sample_text: d.sample_text,
            repeat_of: d.repeat_of.map(|of| ids[of].clone()),
            context: None,
            sensitive: false,
            expected: d.expected,
            origin: d.origin,
        })
        .collect();
    items.sort_by(|a, b| (a.repeat_of.is_some(), &a.id).cmp(&(b.repeat_of.is_some(), &b.id)));
    Ok(items)
}

/// SHA-256 of language and both texts, each closed by a zero byte.
fn checksum(language: &str, seed_text: &str, sample_text: &str) -> String {
    let mut hash = Sha256::new();
    for text in [language, seed_text, sample_text] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Makes the study in the workspace: chooses the items and stores them.
///
/// # Errors
/// As [`new_study`]; the name is taken; the database cannot be written.
pub fn create_study(
    workspace: &mut Workspace,
    samples: &[Sample],
    survey: &Survey,
    spec: &NewStudy,
) -> Result<Vec<Item>, StudyError> {
    let items = new_study(samples, survey, spec)?;
    let record = StudyRecord {
        id: spec.name.clone(),
        created: Timestamp::now(),
        study_type: crate::domain::StudyType::default(),
        k: spec.k,
        seed: spec.seed,
        spec: serde_json::to_value(spec).unwrap_or_default(),
        fixed: None,
    };
    workspace.write(|tx| tx.put_study(&record, &items))?;
    Ok(items)
}
