//! Which samples become items: those that may enter, drawn evenly over the strata with a seed of
//! chance, some of them anchors, some repeated, and controls. Pure: the same input gives the same
//! items, whatever the order of the list.

use std::collections::BTreeMap;

use crate::domain::{
    CultureId, Decision, QuestionId, Sample, SampleId, Stage, StudyType, primary_language,
    same_language,
};
use crate::stats::dice::Dice;
use crate::store::{ItemKind, ItemOrigin};

use super::StudyError;
use super::seeds::{Seed, Seeds};
use super::spec::StudySpec;
use super::spec_parts::Stratum;

/// Width of the similarity bands that items are drawn evenly over.
const BAND: f64 = 0.05;
/// English samples may stand in for a culture's own language.
const ENGLISH: &str = "en";

/// An item before it has a name.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub kind: ItemKind,
    pub k: Option<u32>,
    pub seed: QuestionId,
    pub sample: Option<SampleId>,
    pub language: String,
    pub culture: Option<CultureId>,
    pub seed_text: String,
    pub sample_text: String,
    pub context: Option<String>,
    pub origin: ItemOrigin,
    pub sensitive: bool,
    pub repeat_of: Option<usize>,
    pub expected: Option<(u8, u8)>,
}

impl Draft {
    /// Raters of one group may rate the same items.
    pub fn group(&self) -> Group {
        (self.culture.clone(), primary_language(&self.language))
    }

    /// What tells two candidates apart, whatever the order they came in.
    fn key(&self) -> (Group, &QuestionId, Option<&SampleId>, &str, &str) {
        (self.group(), &self.seed, self.sample.as_ref(), &self.seed_text, &self.sample_text)
    }
}

/// Culture and language.
pub(super) type Group = (Option<CultureId>, String);

/// The label of an item in a stratum: `0.85`, `template`, `arabic`; `-` where there is none.
pub(super) fn label(
    stratum: Stratum,
    culture: Option<&CultureId>,
    language: &str,
    seed: &QuestionId,
    origin: &ItemOrigin,
) -> String {
    let or_none = |x: Option<&str>| x.unwrap_or("-").to_owned();
    match stratum {
        Stratum::Culture => or_none(culture.map(CultureId::as_str)),
        Stratum::Language => primary_language(language),
        Stratum::Stage => or_none(origin.stage.map(Stage::as_str)),
        Stratum::Band => origin.similarity.map_or_else(|| "-".to_owned(), band),
        Stratum::Run => or_none(origin.run.as_deref()),
        Stratum::Provider => or_none(origin.provider.as_deref()),
        Stratum::Seed => seed.to_string(),
    }
}

/// `0.85-0.90` for 0.87.
fn band(x: f64) -> String {
    // 1 itself belongs to the last band
    let step = ((x + 1e-9) / BAND).floor().min(1.0 / BAND - 1.0);
    format!("{:.2}-{:.2}", step * BAND, (step + 1.0) * BAND)
}

/// Every sample that may enter, for every culture it may enter for.
///
/// # Errors
/// An unknown culture; a culture whose language the selection leaves out; nothing to choose from.
pub(super) fn candidates(
    spec: &StudySpec,
    samples: &[Sample],
    seeds: &Seeds,
    encoders: &BTreeMap<String, String>,
) -> Result<Vec<Draft>, StudyError> {
    let targets = targets(spec, seeds)?;
    let by_id: BTreeMap<&SampleId, &Sample> = samples.iter().map(|s| (&s.id, s)).collect();
    let mut out = Vec::new();
    let mut unusable = 0;
    for sample in samples {
        let parent = sample.provenance.parent.as_ref().and_then(|p| by_id.get(p)).copied();
        let seed = seeds.get(&sample.seed, &sample.language);
        let usable = sample.decision == Decision::Kept
            && !sample.text.trim().is_empty()
            && !Seeds::is_wording(sample);
        let (Some(seed), true) = (seed, usable) else {
            unusable += 1;
            continue;
        };
        if !selected(spec, sample, parent) {
            continue;
        }
        for (culture, languages) in &targets {
            if languages.is_empty() || languages.iter().any(|l| same_language(l, &sample.language))
            {
                let mut d = draft(spec, sample, parent, seed, culture.as_ref());
                let run = |s: &Sample| encoders.get(s.provenance.run.as_ref()?).cloned();
                if d.origin.similarity.is_some() {
                    d.origin.encoder = match sample.similarity {
                        Some(_) => run(sample),
                        None => parent.and_then(run),
                    };
                }
                out.push(d);
            }
        }
    }
    if out.is_empty() && (spec.select.cultures.is_empty() || unusable == samples.len()) {
        return Err(StudyError::NoSamples { found: samples.len(), unusable });
    }
    for (culture, languages) in &targets {
        if let Some(c) = culture
            && !out.iter().any(|d| d.culture.as_ref() == Some(c))
        {
            return Err(StudyError::NoSamplesFor {
                culture: c.clone(),
                languages: languages.join(", "),
            });
        }
    }
    Ok(out)
}

/// Cultures with the languages that their items may be in; no culture where none is named, and no
/// language for all.
pub(super) fn targets(
    spec: &StudySpec,
    seeds: &Seeds,
) -> Result<Vec<(Option<CultureId>, Vec<String>)>, StudyError> {
    let wanted = &spec.select.languages;
    if spec.select.cultures.is_empty() {
        return Ok(vec![(None, wanted.clone())]);
    }
    let mut out: Vec<(Option<CultureId>, Vec<String>)> = Vec::new();
    for id in &spec.select.cultures {
        if out.iter().any(|(c, _)| c.as_ref() == Some(id)) {
            continue;
        }
        let Some(culture) = seeds.cultures().iter().find(|c| &c.id == id) else {
            let known: Vec<&str> = seeds.cultures().iter().map(|c| c.id.as_str()).collect();
            return Err(StudyError::UnknownCulture {
                culture: id.to_string(),
                known: known.join(", "),
            });
        };
        let fits = |l: &String| same_language(l, &culture.language) || same_language(l, ENGLISH);
        let languages: Vec<String> = match wanted.as_slice() {
            [] => vec![culture.language.clone()],
            some => some.iter().filter(|l| fits(l)).cloned().collect(),
        };
        if languages.is_empty() {
            return Err(StudyError::NoSamplesFor {
                culture: id.clone(),
                languages: format!("{} (not among the languages chosen)", culture.language),
            });
        }
        out.push((Some(id.clone()), languages));
    }
    Ok(out)
}

fn selected(spec: &StudySpec, sample: &Sample, parent: Option<&Sample>) -> bool {
    let select = &spec.select;
    let among = |list: &[String], x: Option<&str>| {
        list.is_empty() || x.is_some_and(|x| list.iter().any(|l| l == x))
    };
    let made_by = |f: fn(&Sample) -> Option<&str>, list: &[String]| {
        among(list, f(sample)) || parent.is_some_and(|p| among(list, f(p)))
    };
    !sample.provenance.held_out
        && made_by(|s| s.provenance.run.as_deref(), &select.runs)
        && made_by(|s| Some(&s.provenance.provider), &select.providers)
        && (select.stages.is_empty()
            || select.stages.contains(&sample.stage)
            || parent.is_some_and(|p| select.stages.contains(&p.stage)))
        && select
            .similarity
            .is_none_or(|band| similarity(sample, parent).is_some_and(|x| band.holds(x)))
}

/// A translation is compared with no seed by the filter: it has the similarity of its source.
fn similarity(sample: &Sample, parent: Option<&Sample>) -> Option<f64> {
    sample.similarity.or_else(|| parent.and_then(|p| p.similarity)).map(|s| s.get())
}

fn draft(
    spec: &StudySpec,
    sample: &Sample,
    parent: Option<&Sample>,
    seed: &Seed,
    culture: Option<&CultureId>,
) -> Draft {
    Draft {
        kind: ItemKind::Sample,
        k: Some(spec.k),
        seed: sample.seed.clone(),
        sample: Some(sample.id.clone()),
        language: sample.language.clone(),
        culture: culture.cloned(),
        seed_text: seed.text.clone(),
        sample_text: sample.text.clone(),
        context: None,
        origin: ItemOrigin {
            similarity: similarity(sample, parent),
            wording: Some(seed.wording.to_owned()),
            ..ItemOrigin::of(sample)
        },
        sensitive: spec.sensitive_seeds.contains(&sample.seed),
        repeat_of: None,
        expected: None,
    }
}

/// One cell of the strata: its labels, and what is left in it by seed.
struct Cell {
    labels: Vec<String>,
    seeds: Vec<(String, Vec<Draft>)>,
}

/// Draws the items one by one: from the cell whose labels were drawn least so far (the first
/// stratum counts first), and in it from the seed that gave least (where seeds are a stratum);
/// the rest is chance.
pub(super) fn draw(spec: &StudySpec, mut from: Vec<Draft>, dice: &mut Dice) -> Vec<Draft> {
    from.sort_by(|a, b| a.key().cmp(&b.key()));
    from.dedup_by(|a, b| a.key() == b.key());
    let mut cells = cells(spec, from, dice);
    let mut labelled: BTreeMap<(usize, String), usize> = BTreeMap::new();
    let mut given: BTreeMap<(Option<CultureId>, String), usize> = BTreeMap::new();
    let mut out: Vec<Draft> = Vec::new();
    while out.len() < spec.items {
        let drawn = |(at, label): (usize, &String)| {
            labelled.get(&(at, label.clone())).copied().unwrap_or(0)
        };
        let next = cells
            .iter()
            .enumerate()
            .filter(|(_, c)| c.seeds.iter().any(|(_, left)| !left.is_empty()))
            .min_by_key(|(_, c)| c.labels.iter().enumerate().map(drawn).collect::<Vec<_>>())
            .map(|(i, _)| i);
        let Some(cell) = next.and_then(|i| cells.get_mut(i)) else { return out };
        let least = (0..cell.seeds.len())
            .filter_map(|i| {
                let (seed, left) = &cell.seeds[i];
                let key = (left.last()?.culture.clone(), seed.clone());
                Some((given.get(&key).copied().unwrap_or(0), i))
            })
            .min();
        let Some((seed, left)) = least.and_then(|(_, i)| cell.seeds.get_mut(i)) else { return out };
        let Some(d) = left.pop() else { return out };
        *given.entry((d.culture.clone(), seed.clone())).or_default() += 1;
        for (at, label) in cell.labels.iter().enumerate() {
            *labelled.entry((at, label.clone())).or_default() += 1;
        }
        out.push(d);
    }
    out
}

/// What may be drawn, by the labels of its strata and by seed, in random order.
fn cells(spec: &StudySpec, from: Vec<Draft>, dice: &mut Dice) -> Vec<Cell> {
    let by_seed = spec.strata.contains(&Stratum::Seed);
    let mut cells: BTreeMap<Vec<String>, BTreeMap<String, Vec<Draft>>> = BTreeMap::new();
    for d in from {
        let label = |s: &Stratum| label(*s, d.culture.as_ref(), &d.language, &d.seed, &d.origin);
        let cell = spec.strata.iter().filter(|s| **s != Stratum::Seed).map(label).collect();
        let seed = if by_seed { d.seed.to_string() } else { String::new() };
        cells.entry(cell).or_default().entry(seed).or_default().push(d);
    }
    let mut out = Vec::with_capacity(cells.len());
    for (labels, of_seed) in cells {
        let mut seeds: Vec<(String, Vec<Draft>)> = of_seed.into_iter().collect();
        for (_, drafts) in &mut seeds {
            dice.shuffle(drafts);
        }
        dice.shuffle(&mut seeds);
        out.push(Cell { labels, seeds });
    }
    dice.shuffle(&mut out);
    out
}

/// Makes some of the drawn items anchors: from each culture and language in turn.
pub(super) fn anchor(drafts: &mut [Draft], wanted: usize) {
    let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
    for (i, d) in drafts.iter().enumerate().rev() {
        groups.entry(d.group()).or_default().push(i);
    }
    let mut left = wanted.min(drafts.len());
    while left > 0 {
        for of in groups.values_mut() {
            if left > 0
                && let Some(i) = of.pop()
            {
                (drafts[i].kind, drafts[i].k) = (ItemKind::Anchor, None);
                left -= 1;
            }
        }
    }
}

/// How many of `wanted` each group gets, as even as can be.
pub(super) fn shares(wanted: usize, groups: usize) -> Vec<usize> {
    (0..groups).map(|g| wanted / groups + usize::from(g < wanted % groups)).collect()
}

/// Repeats are drawn among the items that k raters rate, as even over cultures and languages as
/// chance makes them; the same raters get them.
pub(super) fn add_repeats(drafts: &mut Vec<Draft>, share: f64, dice: &mut Dice) {
    let mut originals: Vec<usize> =
        (0..drafts.len()).filter(|i| drafts[*i].kind == ItemKind::Sample).collect();
    let wanted = (share * drafts.len() as f64).round() as usize;
    dice.shuffle(&mut originals);
    for i in originals.into_iter().take(wanted) {
        let again = Draft { kind: ItemKind::Repeat, repeat_of: Some(i), ..drafts[i].clone() };
        drafts.push(again);
    }
}

/// The texts that controls are made of, by group: seeds for similarity, answers otherwise.
pub(super) fn grounds(drafts: &[Draft], study_type: StudyType) -> BTreeMap<Group, Vec<Draft>> {
    let mut out: BTreeMap<Group, Vec<Draft>> = BTreeMap::new();
    for d in drafts.iter().filter(|d| d.repeat_of.is_none()) {
        let of = out.entry(d.group()).or_default();
        let known = match study_type {
            StudyType::Similarity => of.iter().any(|x| x.seed == d.seed),
            _ => of.iter().any(|x| x.context == d.context),
        };
        if !known {
            of.push(d.clone());
        }
    }
    out
}
