//! The rows that are always there: what a table without a model would say.

use std::collections::BTreeMap;

use super::aggregate::{ArmScores, CellId};
use super::{EvaluateError, Metric, Plan, Reference, metric};
use crate::domain::{Distribution, Question, QuestionId, Scale, Split, TestText};
use crate::text::NgramProfile;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Character n-grams of the nearest-seed lookup.
const GRAM: usize = 3;

/// A row that needs no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Baseline {
    /// The same share for each option.
    Uniform,
    /// A point mass on the culture's own modal answer: what a perfect one-digit label reaches.
    OwnMode,
    /// One foreign culture's answers, on average over the foreign cultures.
    MeanForeign,
    /// The foreign culture that fits the question best, known only in hindsight.
    BestForeign,
    /// The equal-weight mixture of the other cultures. Comparisons are with this row.
    MixtureOfOthers,
    /// The own culture's answers to the trained question whose wording is nearest to the text
    /// (cosine of character 3-grams); uniform where that question has another number of options.
    NearestSeed,
    /// The own culture's mean over other trained questions with the same options; uniform where
    /// there are none.
    SameScale,
    /// The own culture's mean over other trained questions with as many options, whatever they
    /// say: the reference figure .929. A weaker row than [`Baseline::SameScale`].
    SameLength,
    /// Half of the people against the other half: as near as a sample of people gets to itself.
    SplitHalf,
}

impl Baseline {
    /// All of them, in the order of printed tables.
    pub const ALL: [Self; 9] = [
        Self::Uniform,
        Self::OwnMode,
        Self::MeanForeign,
        Self::BestForeign,
        Self::MixtureOfOthers,
        Self::NearestSeed,
        Self::SameScale,
        Self::SameLength,
        Self::SplitHalf,
    ];

    /// As printed.
    pub fn label(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::OwnMode => "own mode",
            Self::MeanForeign => "mean foreign culture",
            Self::BestForeign => "best foreign culture (hindsight)",
            Self::MixtureOfOthers => "mixture of other cultures",
            Self::NearestSeed => "nearest-seed lookup",
            Self::SameScale => "own culture, same-scale questions",
            Self::SameLength => "own culture, as many options",
            Self::SplitHalf => "human split-half (ceiling)",
        }
    }
}

/// The trained questions, ready for the lookup.
struct Lookup<'a> {
    seeds: Vec<(&'a Question, NgramProfile)>,
}

impl<'a> Lookup<'a> {
    fn new(reference: &Reference<'a>, trained: &[QuestionId]) -> Self {
        let seeds = reference
            .survey()
            .questions
            .iter()
            .filter(|q| trained.contains(&q.id))
            .map(|q| (q, NgramProfile::new(&q.text, GRAM)))
            .collect();
        Self { seeds }
    }

    /// The trained question nearest to a text; the first one on ties.
    fn nearest(&self, text: &str) -> Option<&'a Question> {
        let profile = NgramProfile::new(text, GRAM);
        let mut best: Option<(&Question, f64)> = None;
        for (q, p) in &self.seeds {
            let x = p.cosine(&profile);
            if best.is_none_or(|(_, b)| x > b) {
                best = Some((q, x));
            }
        }
        best.map(|(q, _)| q)
    }
}

/// The scores of one baseline on one split, cell by cell, in every metric.
///
/// # Errors
/// A score that does not exist: a defect.
pub fn baseline_cells(
    which: Baseline,
    split: Split,
    reference: &Reference<'_>,
    texts: &[TestText],
    trained: &[QuestionId],
    seed: u64,
) -> Result<ArmScores, EvaluateError> {
    let mut out = ArmScores {
        arm: which.label().to_owned(),
        split: Some(split),
        seeds: vec![0],
        listed_mass: 1.0,
        ..ArmScores::default()
    };
    let lookup = Lookup::new(reference, trained);
    let mut by_question: BTreeMap<&QuestionId, Vec<&TestText>> = BTreeMap::new();
    for t in texts.iter().filter(|t| t.split == split) {
        by_question.entry(&t.question).or_default().push(t);
    }
    for (id, texts) in by_question {
        let Some(question) = reference.survey().question(id) else { continue };
        let nearest: Vec<Option<&Question>> = match which {
            Baseline::NearestSeed => texts.iter().map(|t| lookup.nearest(&t.text)).collect(),
            _ => Vec::new(),
        };
        for culture in reference.cultures() {
            let Some(truth) = reference.truth(&culture.id, id) else { continue };
            let cell = (culture.id.clone(), id.clone());
            let uniform = || Distribution::uniform(&question.scale);
            let pairs: Vec<(Distribution, Distribution)> = match which {
                Baseline::SplitHalf => reference.halves(&culture.id, question, seed),
                Baseline::MeanForeign | Baseline::BestForeign => reference
                    .foreign(&culture.id, id)
                    .into_iter()
                    .map(|d| (truth.clone(), d.clone()))
                    .collect(),
                Baseline::Uniform => vec![(truth.clone(), uniform())],
                Baseline::OwnMode => vec![(truth.clone(), point_mass(truth)?)],
                Baseline::MixtureOfOthers => reference
                    .mixture_of_others(&culture.id, id)
                    .map(|d| (truth.clone(), d))
                    .into_iter()
                    .collect(),
                Baseline::SameScale | Baseline::SameLength => {
                    let same = if which == Baseline::SameScale {
                        Scale::same_options
                    } else {
                        |a: &Scale, b: &Scale| a.len() == b.len()
                    };
                    let d = reference.same_scale_mean(&culture.id, question, trained, same);
                    vec![(truth.clone(), d.unwrap_or_else(uniform))]
                }
                Baseline::NearestSeed => nearest
                    .iter()
                    .map(|near| {
                        let d = near
                            .and_then(|q| reference.truth(&culture.id, &q.id))
                            .filter(|d| d.len() == truth.len());
                        (truth.clone(), d.cloned().unwrap_or_else(uniform))
                    })
                    .collect(),
            };
            put(&mut out, which, &cell, &question.scale, &pairs)?;
        }
    }
    Ok(out)
}

/// A point mass on the modal answer; the lowest code where modes tie, as label policy `mode`.
fn point_mass(d: &Distribution) -> Result<Distribution, EvaluateError> {
    let mode = d.modes().first().copied().unwrap_or(0);
    let w: Vec<f64> = (0..d.len()).map(|i| f64::from(u8::from(i == mode))).collect();
    Ok(Distribution::from_weights(&w)?)
}

/// Repetitions behind [`drawn_ceiling`]; their mean is shown.
const REPEATS: usize = 40;

/// What a model that knew people's answers exactly would score if it were asked by drawing: as
/// many draws a text as the plan takes (`draws_per_prompt` x prompt variants), from the truth.
///
/// # Errors
/// A score that does not exist: a defect.
pub fn drawn_ceiling(
    split: Split,
    reference: &Reference<'_>,
    texts: &[TestText],
    plan: &Plan,
) -> Result<Option<ArmScores>, EvaluateError> {
    let Some(k) = plan.draws_per_prompt else { return Ok(None) };
    let mut out = ArmScores {
        arm: format!("{k} draws a prompt from the truth (ceiling)"),
        split: Some(split),
        seeds: vec![0],
        listed_mass: 1.0,
        ..ArmScores::default()
    };
    let questions: std::collections::BTreeSet<&QuestionId> =
        texts.iter().filter(|t| t.split == split).map(|t| &t.question).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(plan.seed);
    for id in questions {
        let Some(question) = reference.survey().question(id) else { continue };
        let n = k as usize * plan.variants(question).len().max(1);
        for culture in reference.cultures() {
            let Some(truth) = reference.truth(&culture.id, id) else { continue };
            let pairs: Vec<(Distribution, Distribution)> = (0..REPEATS)
                .map(|_| Ok((truth.clone(), drawn(truth, n, &mut rng)?)))
                .collect::<Result<_, EvaluateError>>()?;
            let cell = (culture.id.clone(), id.clone());
            put(&mut out, Baseline::SplitHalf, &cell, &question.scale, &pairs)?;
        }
    }
    Ok(Some(out))
}

/// Shares of n draws.
fn drawn(
    truth: &Distribution,
    n: usize,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<Distribution, EvaluateError> {
    let mut counts = vec![0.0; truth.len()];
    for _ in 0..n {
        let mut u: f64 = rng.random();
        let mut rank = 0;
        while rank + 1 < truth.len() && u >= truth.shares()[rank] {
            u -= truth.shares()[rank];
            rank += 1;
        }
        counts[rank] += 1.0;
    }
    Ok(Distribution::from_weights(&counts)?)
}

fn put(
    out: &mut ArmScores,
    which: Baseline,
    cell: &CellId,
    scale: &Scale,
    pairs: &[(Distribution, Distribution)],
) -> Result<(), EvaluateError> {
    if pairs.is_empty() {
        return Ok(());
    }
    for m in Metric::ALL {
        let values: Vec<f64> = pairs
            .iter()
            .filter_map(|(p, q)| metric(m, scale, p.shares(), q.shares()).transpose())
            .collect::<Result<_, _>>()
            .map_err(|source| EvaluateError::Undefined { what: which.label().into(), source })?;
        if values.is_empty() {
            continue;
        }
        let value = match (which, m) {
            (Baseline::BestForeign, Metric::Wasserstein) => {
                values.iter().copied().fold(f64::INFINITY, f64::min)
            }
            (Baseline::BestForeign, _) => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            _ => values.iter().sum::<f64>() / values.len() as f64,
        };
        out.cells.entry(m).or_default().insert(cell.clone(), vec![value]);
    }
    let mean = Distribution::mean(pairs.iter().map(|(_, q)| q))?;
    out.shares.insert(cell.clone(), vec![mean.shares().to_vec()]);
    Ok(())
}
