//! From scored prompts to one number a (culture, question): prompts, orders and symbols are
//! averaged first, then the texts of a question.

use std::collections::{BTreeMap, BTreeSet};

use super::{EvaluateError, Metric, Plan, PlannedModel, Reference, ResultLine, metric};
use crate::domain::{CultureId, Distribution, OptionScores, QuestionId, Scale, Split, TestText};

/// A culture and a question.
pub type CellId = (CultureId, QuestionId);

/// Scores by cell, one value a training seed, in the order of the arm's seeds.
pub type Cells = BTreeMap<CellId, Vec<f64>>;

/// What an arm did on one split.
#[derive(Debug, Clone, Default)]
pub struct ArmScores {
    /// The arm, as printed.
    pub arm: String,
    /// The split; `None` only before it is filled.
    pub split: Option<Split>,
    /// Training seeds.
    pub seeds: Vec<u64>,
    /// By metric.
    pub cells: BTreeMap<Metric, Cells>,
    /// Shares by rank, averaged over prompts and texts, one entry a training seed: for the
    /// correlation of deviations.
    pub shares: BTreeMap<CellId, Vec<Vec<f64>>>,
    /// Mean probability mass on listed options.
    pub listed_mass: f64,
}

/// What one model did on one split.
#[derive(Debug, Default)]
struct ModelScores {
    cells: BTreeMap<Metric, BTreeMap<CellId, Mean>>,
    shares: BTreeMap<CellId, (Vec<f64>, f64)>,
    mass: Mean,
}

#[derive(Debug, Default, Clone, Copy)]
struct Mean {
    sum: f64,
    n: f64,
}

impl Mean {
    fn add(&mut self, x: f64) {
        self.sum += x;
        self.n += 1.0;
    }

    fn get(self) -> f64 {
        self.sum / self.n
    }
}

/// The mean distribution over the prompt variants that got an answer (`None` where none did), and
/// the mean mass on listed options over all of them.
fn average(scores: &super::TextScores) -> Result<(Option<Distribution>, f64), EvaluateError> {
    let parts: Vec<Distribution> = scores
        .scores
        .iter()
        .filter(|s| s.has_answer())
        .map(OptionScores::distribution)
        .collect::<Result<_, _>>()?;
    let mass = scores.scores.iter().map(OptionScores::listed_mass).sum::<f64>()
        / scores.scores.len().max(1) as f64;
    let mean = if parts.is_empty() { None } else { Some(Distribution::mean(&parts)?) };
    Ok((mean, mass))
}

/// Sums up all results of a plan: one entry an arm and split, arms in the order of the plan.
///
/// # Errors
/// A score that is NaN, or a model without results.
pub fn aggregate(
    plan: &Plan,
    reference: &Reference<'_>,
    texts: &[TestText],
    lines: &[ResultLine],
) -> Result<Vec<ArmScores>, EvaluateError> {
    let splits: BTreeMap<&str, Split> =
        texts.iter().map(|t| (t.text_id.as_str(), t.split)).collect();
    let mut by_model: BTreeMap<(String, Split), ModelScores> = BTreeMap::new();
    let foreign: BTreeSet<String> = plan
        .models
        .iter()
        .filter(|m| plan.foreign_control && has_foreign_control(plan, m))
        .map(PlannedModel::key)
        .collect();
    let mut as_others: Vec<(&ResultLine, CultureId, Distribution)> = Vec::new();
    for line in lines {
        let Some(&split) = splits.get(line.text_id.as_str()) else { continue };
        let model = by_model.entry((line.model.clone(), split)).or_default();
        for culture in &line.cultures {
            let Some(truth) = reference.truth(&culture.culture, &line.question) else { continue };
            let Some(question) = reference.survey().question(&line.question) else { continue };
            let (mean, mass) = average(culture)?;
            model.mass.add(mass);
            let Some(mean) = mean else { continue };
            if foreign.contains(&line.model) {
                as_others.push((line, culture.culture.clone(), mean.clone()));
            }
            let id = (culture.culture.clone(), line.question.clone());
            add_cell(model, id, &question.scale, truth, &mean)?;
        }
    }
    for (line, named, mean) in &as_others {
        let Some(&split) = splits.get(line.text_id.as_str()) else { continue };
        let Some(question) = reference.survey().question(&line.question) else { continue };
        let to = by_model.entry((foreign_key(&line.model), split)).or_default();
        to.mass.add(1.0);
        for culture in reference.cultures().iter().filter(|c| c.id != *named) {
            let Some(truth) = reference.truth(&culture.id, &line.question) else { continue };
            let id = (culture.id.clone(), line.question.clone());
            add_cell(to, id, &question.scale, truth, mean)?;
        }
    }
    let mut out = Vec::new();
    for arm in arms(plan) {
        let models: Vec<&PlannedModel> = plan.models.iter().filter(|m| m.arm == arm).collect();
        for &split in &plan.splits {
            let scored: Vec<(&PlannedModel, &ModelScores)> = models
                .iter()
                .filter_map(|m| Some((*m, by_model.get(&(m.key(), split))?)))
                .collect();
            if scored.is_empty() {
                continue; // no text of this split
            }
            if let Some((m, _)) = scored.iter().find(|(_, s)| s.cells.is_empty()) {
                return Err(EvaluateError::Model {
                    model: m.reference.clone(),
                    reason: format!(
                        "none of its replies to the {} texts names a listed option: look at them \
                         in replies.jsonl",
                        split.as_str()
                    ),
                });
            }
            if scored.len() < models.len() {
                return Err(EvaluateError::BadPlan(format!(
                    "arm `{arm}` has results of {} of its {} models: all runs count, so none is left out",
                    scored.len(),
                    models.len()
                )));
            }
            if models.iter().any(|m| m.trained_for.is_some()) {
                out.push(one_culture(arm, split, &scored, true));
                out.push(one_culture(arm, split, &scored, false));
            } else {
                out.push(seeded(arm, split, &scored));
                let others: Vec<(&PlannedModel, &ModelScores)> = models
                    .iter()
                    .filter_map(|m| Some((*m, by_model.get(&(foreign_key(&m.key()), split))?)))
                    .collect();
                if others.len() == models.len() {
                    out.push(seeded(&format!("{arm}, foreign culture's name"), split, &others));
                }
            }
        }
    }
    Ok(out)
}

/// A model whose prompts name the culture, and that was not trained for one.
fn has_foreign_control(plan: &Plan, m: &PlannedModel) -> bool {
    !m.framing.is_same_for_all() && m.trained_for.is_none() && !plan.culture_blind.contains(&m.arm)
}

fn foreign_key(model: &str) -> String {
    format!("{model} [as others]")
}

/// One more text in a cell.
fn add_cell(
    to: &mut ModelScores,
    id: CellId,
    scale: &Scale,
    truth: &Distribution,
    mean: &Distribution,
) -> Result<(), EvaluateError> {
    for m in Metric::ALL {
        let value = metric(m, scale, truth.shares(), mean.shares());
        let Some(value) = value.map_err(|source| EvaluateError::Undefined {
            what: format!("{} of {}", m.as_str(), id.1),
            source,
        })?
        else {
            continue;
        };
        to.cells.entry(m).or_default().entry(id.clone()).or_default().add(value);
    }
    let (sum, n) = to.shares.entry(id).or_insert_with(|| (vec![0.0; mean.len()], 0.0));
    sum.iter_mut().zip(mean.shares()).for_each(|(s, p)| *s += p);
    *n += 1.0;
    Ok(())
}

/// Arms in the order of the plan.
fn arms(plan: &Plan) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for m in &plan.models {
        if !out.contains(&m.arm.as_str()) {
            out.push(&m.arm);
        }
    }
    out
}

fn seeded(arm: &str, split: Split, models: &[(&PlannedModel, &ModelScores)]) -> ArmScores {
    let mut out = ArmScores { arm: arm.to_owned(), split: Some(split), ..ArmScores::default() };
    let mut mass = Mean::default();
    for (m, scores) in models {
        out.seeds.push(m.seed);
        for (metric, cells) in &scores.cells {
            let into = out.cells.entry(*metric).or_default();
            for (id, mean) in cells {
                into.entry(id.clone()).or_default().push(mean.get());
            }
        }
        add_shares(&mut out.shares, &scores.shares);
        mass.add(scores.mass.get());
    }
    out.listed_mass = mass.get();
    // A cell that one of the seeds gave no answer to has no mean over the seeds.
    let n = out.seeds.len();
    for cells in out.cells.values_mut() {
        cells.retain(|_, v| v.len() == n);
    }
    out.shares.retain(|_, v| v.len() == n);
    out
}

/// One more training seed.
fn add_shares(
    into: &mut BTreeMap<CellId, Vec<Vec<f64>>>,
    from: &BTreeMap<CellId, (Vec<f64>, f64)>,
) {
    for (id, (sum, n)) in from {
        into.entry(id.clone()).or_default().push(sum.iter().map(|s| s / n).collect());
    }
}

/// Models of one culture each: every model on its own culture, or the mean over the foreign models
/// on each culture. Seeds are nested within cultures.
fn one_culture(
    arm: &str,
    split: Split,
    models: &[(&PlannedModel, &ModelScores)],
    own: bool,
) -> ArmScores {
    let name = format!("{arm}, {}", if own { "own culture" } else { "foreign cultures" });
    let mut out = ArmScores { arm: name, split: Some(split), ..ArmScores::default() };
    let mut seeds: Vec<u64> = models.iter().map(|(m, _)| m.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut mass = Mean::default();
    for seed in &seeds {
        let here: Vec<_> = models.iter().filter(|(m, _)| m.seed == *seed).collect();
        let mut means: BTreeMap<Metric, BTreeMap<CellId, Mean>> = BTreeMap::new();
        let mut shares: BTreeMap<CellId, (Vec<f64>, f64)> = BTreeMap::new();
        for (m, scores) in here {
            let counts = |c: &CultureId| (m.trained_for.as_ref() == Some(c)) == own;
            for (metric, cells) in &scores.cells {
                for (id, mean) in cells.iter().filter(|(id, _)| counts(&id.0)) {
                    means
                        .entry(*metric)
                        .or_default()
                        .entry(id.clone())
                        .or_default()
                        .add(mean.get());
                }
            }
            for (id, (sum, n)) in scores.shares.iter().filter(|(id, _)| counts(&id.0)) {
                let to = shares.entry(id.clone()).or_insert_with(|| (vec![0.0; sum.len()], 0.0));
                to.0.iter_mut().zip(sum).for_each(|(t, s)| *t += s / n);
                to.1 += 1.0;
            }
            mass.add(scores.mass.get());
        }
        for (metric, cells) in means {
            let into = out.cells.entry(metric).or_default();
            for (id, mean) in cells {
                into.entry(id).or_default().push(mean.get());
            }
        }
        add_shares(&mut out.shares, &shares);
    }
    out.seeds = seeds;
    out.listed_mass = mass.get();
    out
}
