//! From samples or answers to the frozen items of a study.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::domain::{ItemId, Sample, StudyType, Survey};
use crate::stats::dice::Dice;
use crate::store::{DecisionKind, Item, Reader, SampleFilter, StudyRecord, Workspace};

use super::StudyError;
use super::answers::Answer;
use super::sampling::{self, Draft};
use super::seeds::Seeds;
use super::spec::StudySpec;
use super::{answers, controls};

/// How a study is to be, by its older name.
pub type NewStudy = StudySpec;

/// What items are made of.
#[derive(Debug, Clone)]
pub enum Material {
    /// Samples beside their seeds: a study of similarity.
    Samples {
        /// Samples of any fate; those that may enter are chosen among them.
        samples: Vec<Sample>,
        /// Seeds in their languages.
        seeds: Seeds,
        /// What measured similarity in each run, where that is known.
        encoders: BTreeMap<String, String>,
    },
    /// Answers of models: a study of preference or of appropriateness.
    Answers(Vec<Answer>),
}

impl Material {
    /// The kept samples of a workspace with the seeds in all their languages.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn read(reader: Reader<'_>) -> Result<Self, StudyError> {
        let kept = SampleFilter { decision: Some(DecisionKind::Kept), ..SampleFilter::default() };
        let samples = reader.all_samples(&kept)?;
        let seeds = Seeds::read(reader, &samples)?;
        Ok(Self::Samples { samples, seeds, encoders: BTreeMap::new() })
    }
}

/// Chooses the items and names them: see `study::sampling`. All in random order under numbers
/// that tell nothing. Only kept samples whose seed is worded in their language can enter.
///
/// # Errors
/// Settings out of range; a culture that is unknown or has nothing; nothing can enter.
pub fn items_of(spec: &StudySpec, from: &Material) -> Result<Vec<Item>, StudyError> {
    spec.check()?;
    let mut dice = Dice::new(spec.seed, &["items"]);
    let (candidates, seeds) = match (from, spec.study_type) {
        (Material::Samples { samples, seeds, encoders }, StudyType::Similarity) => {
            (sampling::candidates(spec, samples, seeds, encoders)?, Some(seeds))
        }
        (Material::Answers(rows), StudyType::Preference | StudyType::Appropriateness) => {
            (answers::candidates(spec, rows)?, None)
        }
        (_, wanted) => {
            return Err(StudyError::BadSetting {
                what: "the type of the study",
                value: wanted.to_string(),
                expected: "similarity for samples, preference or appropriateness for a file of \
                           answers (--answers FILE)",
            });
        }
    };
    let mut drafts = sampling::draw(spec, candidates, &mut dice);
    sampling::anchor(&mut drafts, spec.anchors);
    let grounds = sampling::grounds(&drafts, spec.study_type);
    sampling::add_repeats(&mut drafts, spec.repeats, &mut dice);
    let shares = sampling::shares(spec.controls, grounds.len());
    for ((group, of), n) in grounds.iter().zip(shares) {
        let Some(like) = of.first() else { continue };
        drafts.extend(match seeds {
            None => controls::of_answers(n, spec.study_type, of, &mut dice),
            Some(seeds) => {
                let worded: Vec<_> =
                    of.iter().filter_map(|d| seeds.get(&d.seed, &group.1)).collect();
                let mut made = controls::of_seeds(n, &worded, like, &mut dice);
                for c in &mut made {
                    c.sensitive = spec.sensitive_seeds.contains(&c.seed);
                }
                made
            }
        });
    }
    number(drafts, &mut dice)
}

/// [`items_of`] samples and one survey, in whatever language its questions stand; kept
/// translations of seeds among the samples count as wordings.
///
/// # Errors
/// As [`items_of`].
pub fn new_study(
    samples: &[Sample],
    survey: &Survey,
    spec: &StudySpec,
) -> Result<Vec<Item>, StudyError> {
    let mut seeds = Seeds::of(survey);
    seeds.add_translations(samples);
    let (samples, encoders) = (samples.to_vec(), BTreeMap::new());
    items_of(spec, &Material::Samples { samples, seeds, encoders })
}

/// Gives out the names in random order; repeats stand after all others, as the table wants their
/// originals first. Names are drawn apart from the list, so that they do not tell a repeat either.
fn number(drafts: Vec<Draft>, dice: &mut Dice) -> Result<Vec<Item>, StudyError> {
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
        .map(|(i, d)| {
            let mut item = Item {
                id: ids[i].clone(),
                kind: d.kind,
                k: d.k,
                seed: d.seed,
                sample: d.sample,
                language: d.language,
                culture: d.culture,
                seed_text: d.seed_text,
                sample_text: d.sample_text,
                context: d.context,
                sensitive: d.sensitive,
                sha256: String::new(),
                repeat_of: d.repeat_of.map(|of| ids[of].clone()),
                expected: d.expected,
                origin: d.origin,
            };
            item.sha256 = item_checksum(&item);
            item
        })
        .collect();
    items.sort_by(|a, b| (a.repeat_of.is_some(), &a.id).cmp(&(b.repeat_of.is_some(), &b.id)));
    Ok(items)
}

/// The same items under numbers after those that are there.
pub(super) fn renumber(items: Vec<Item>, there: &[Item]) -> Result<Vec<Item>, StudyError> {
    let number = |i: &Item| i.id.as_str().trim_start_matches('i').parse::<usize>().unwrap_or(0);
    let last = there.iter().map(number).max().unwrap_or(0);
    let width = (last + items.len()).to_string().len().max(3);
    let mut out = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        let id = ItemId::new(format!("i{:0width$}", last + n + 1))?;
        out.push(Item { id, ..item });
    }
    Ok(out)
}

/// SHA-256 of language and both texts, and of the question where there is one, each closed by a
/// zero byte.
pub(super) fn item_checksum(item: &Item) -> String {
    let mut hash = Sha256::new();
    let texts = [&item.language, &item.seed_text, &item.sample_text];
    for text in texts.into_iter().chain(&item.context) {
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

/// How many items each label of a stratum has, anchors and samples only.
pub fn strata(items: &[Item], stratum: super::spec_parts::Stratum) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for i in items.iter().filter(|i| i.kind.enters_estimates()) {
        let label = sampling::label(stratum, i.culture.as_ref(), &i.language, &i.seed, &i.origin);
        *out.entry(label).or_default() += 1;
    }
    out
}

/// Makes the study in the workspace: chooses the items and stores them.
///
/// # Errors
/// As [`items_of`]; the name is taken; the database cannot be written.
pub fn create_from(
    workspace: &mut Workspace,
    spec: &StudySpec,
    from: &Material,
) -> Result<Vec<Item>, StudyError> {
    let items = items_of(spec, from)?;
    workspace.write(|tx| tx.put_study(&record(spec), &items))?;
    Ok(items)
}

/// [`create_from`] samples and one survey.
///
/// # Errors
/// As [`create_from`].
pub fn create_study(
    workspace: &mut Workspace,
    samples: &[Sample],
    survey: &Survey,
    spec: &StudySpec,
) -> Result<Vec<Item>, StudyError> {
    let items = new_study(samples, survey, spec)?;
    workspace.write(|tx| tx.put_study(&record(spec), &items))?;
    Ok(items)
}

/// A study as the database keeps it, before its plan.
pub(super) fn record(spec: &StudySpec) -> StudyRecord {
    StudyRecord {
        id: spec.name.clone(),
        study_type: spec.study_type,
        created: Timestamp::now(),
        k: spec.k,
        seed: spec.seed,
        spec: spec.to_json(),
        fixed: None,
    }
}
