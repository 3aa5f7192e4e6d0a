//! Rows of the table: value, interval, and the paired difference to the mixture of the other
//! cultures. The unit is the question; training seeds are nested.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::aggregate::{ArmScores, Cells};
use super::pairs::{PairRow, pairs};
use super::variance::{VarianceShare, variance_shares};
use super::{
    Baseline, EvaluateError, LockedPlan, Metric, Plan, Reference, ResultLine, aggregate,
    baseline_cells, drawn_ceiling,
};
use crate::domain::{CultureId, QuestionId, ResourceLevel, Split, TestText};
use crate::stats::bootstrap::{
    Resampling, Seeded, nested_difference, nested_mean, nested_statistic,
};
use crate::stats::significance::{Alternative, holm, sign_flip};
use crate::stats::{Estimate, Undefined};

/// What a row of all cultures says in place of one.
pub const ALL_CULTURES: &str = "all";
/// The same over the questions that every culture answered.
pub const SHARED: &str = "all (shared questions)";
/// Sign flips where there are too many patterns to enumerate.
const FLIPS: usize = 20_000;

/// One row. Intervals are 95 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalRow {
    /// The arm or the baseline, as printed.
    pub model: String,
    /// A culture, `all` (mean over cultures, then over questions), or `all (shared questions)`.
    pub culture: String,
    /// The split.
    pub split: Split,
    /// A metric's name, `skill`, `deviation-correlation` or `listed-mass`.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// Its interval; `null` where one question leaves nothing to resample.
    pub ci: Option<[f64; 2]>,
    /// Units.
    pub n: usize,
    /// What was resampled.
    pub unit: String,
    /// The row that `diff` is against; `null` for that row itself.
    pub baseline: Option<String>,
    /// Paired difference to it.
    pub diff: Option<f64>,
    /// Interval of the difference.
    pub diff_ci: Option<[f64; 2]>,
    /// Two-sided sign-flip test of the difference over questions.
    pub p: Option<f64>,
    /// The same after Holm over the printed table: the headline metric, all cultures, all models.
    pub p_holm: Option<f64>,
    /// Training seeds behind the value; 0 for rows that need no model.
    pub seeds: usize,
    /// True for what was not in the locked plan.
    pub exploratory: bool,
}

/// `evaluation.json`: all rows, and what a reader needs to trust them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The plan's checksum, locked before scoring.
    pub plan_sha256: String,
    /// The plan.
    pub plan: Plan,
    /// Weights behind the survey's counts.
    pub weighting: Vec<String>,
    /// Questions that every culture in view answered.
    pub shared_questions: Vec<QuestionId>,
    /// Cultures and questions that are not scored, and why: not asked, options not offered.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// How each model was scored, by its key: log-probabilities, or answers drawn.
    #[serde(default)]
    pub methods: BTreeMap<String, String>,
    /// The rows.
    pub rows: Vec<EvalRow>,
    /// Every arm against one of them; empty where the plan names none.
    #[serde(default)]
    pub pairs: Vec<PairRow>,
    /// How much of a model's answers follows the culture, the prompt form and the order.
    pub variance: Vec<VarianceShare>,
}

/// Sums up results into rows.
///
/// # Errors
/// A model of the plan without results, or a score that is NaN.
pub fn evaluation(
    locked: &LockedPlan,
    reference: &Reference<'_>,
    texts: &[TestText],
    lines: &[ResultLine],
) -> Result<Evaluation, EvaluateError> {
    let plan = &locked.plan;
    let shared = reference.shared_questions();
    let arms = aggregate(plan, reference, texts, lines)?;
    let mut rows = Vec::new();
    for &split in &plan.splits {
        if texts.iter().all(|t| t.split != split) {
            continue;
        }
        let baselines: Vec<(Baseline, ArmScores)> = Baseline::ALL
            .into_iter()
            .map(|b| {
                let trained = &plan.trained_questions;
                Ok((b, baseline_cells(b, split, reference, texts, trained, plan.seed)?))
            })
            .collect::<Result<_, EvaluateError>>()?;
        let table = Table { plan, reference, split, baselines: &baselines, shared: &shared };
        for (_, scores) in &baselines {
            rows.extend(table.rows_of(scores, 0)?);
        }
        if let Some(ceiling) = drawn_ceiling(split, reference, texts, plan)? {
            rows.extend(table.rows_of(&ceiling, 0)?);
        }
        for scores in arms.iter().filter(|a| a.split == Some(split)) {
            rows.extend(table.rows_of(scores, scores.seeds.len())?);
        }
    }
    adjust(&mut rows)?;
    Ok(Evaluation {
        plan_sha256: locked.sha256.clone(),
        plan: plan.clone(),
        weighting: weighting(reference),
        shared_questions: shared,
        left_out: reference.left_out(),
        methods: lines.iter().map(|l| (l.model.clone(), l.method.clone())).collect(),
        rows,
        pairs: pairs(plan, &arms)?,
        variance: variance_shares(plan, reference, texts, lines),
    })
}

fn weighting(reference: &Reference<'_>) -> Vec<String> {
    let mut out: Vec<String> =
        reference.survey().counts.values().map(|c| c.weighting.label().to_owned()).collect();
    out.sort();
    out.dedup();
    out
}

/// Holm over the printed table.
fn adjust(rows: &mut [EvalRow]) -> Result<(), EvaluateError> {
    let printed: Vec<usize> = (0..rows.len())
        .filter(|&i| {
            let r = &rows[i];
            r.seeds > 0
                && r.metric == Metric::Jsd.as_str()
                && r.culture == ALL_CULTURES
                && r.p.is_some()
        })
        .collect();
    if printed.is_empty() {
        return Ok(());
    }
    let p: Vec<f64> = printed.iter().filter_map(|&i| rows[i].p).collect();
    let adjusted = holm(&p).map_err(undefined("Holm adjustment"))?;
    for (&i, p) in printed.iter().zip(adjusted) {
        rows[i].p_holm = Some(p);
    }
    Ok(())
}

fn undefined(what: &str) -> impl FnOnce(Undefined) -> EvaluateError {
    let what = what.to_owned();
    move |source| EvaluateError::Undefined { what, source }
}

struct Table<'a> {
    plan: &'a Plan,
    reference: &'a Reference<'a>,
    split: Split,
    baselines: &'a [(Baseline, ArmScores)],
    shared: &'a [QuestionId],
}

impl Table<'_> {
    fn baseline(&self, which: Baseline) -> Option<&ArmScores> {
        self.baselines.iter().find(|(b, _)| *b == which).map(|(_, s)| s)
    }

    /// Cultures by how much text of their language models have seen; empty where all are of one
    /// group.
    fn groups(&self) -> BTreeMap<String, BTreeSet<CultureId>> {
        let mut out: BTreeMap<String, BTreeSet<CultureId>> = BTreeMap::new();
        for c in self.reference.cultures() {
            let level = ResourceLevel::of_language(&c.language);
            out.entry(level.label().to_owned()).or_default().insert(c.id.clone());
        }
        if out.len() < 2 { BTreeMap::new() } else { out }
    }

    fn how(&self) -> Resampling {
        Resampling { draws: self.plan.draws, ..Resampling::seeded(self.plan.seed) }
    }

    fn rows_of(&self, arm: &ArmScores, seeds: usize) -> Result<Vec<EvalRow>, EvaluateError> {
        let mut out = Vec::new();
        for m in Metric::ALL {
            let mut whose = vec![ALL_CULTURES.to_owned()];
            if m == Metric::Jsd {
                whose.push(SHARED.to_owned());
                whose.extend(self.groups().into_keys());
                whose.extend(self.reference.cultures().iter().map(|c| c.id.to_string()));
            }
            for culture in whose {
                out.extend(self.row(arm, seeds, m, &culture)?);
            }
        }
        out.extend(self.skill(arm, seeds)?);
        out.extend(self.correlation(arm, seeds));
        if seeds > 0
            && let Some(first) = out.first()
        {
            out.push(EvalRow {
                metric: "listed-mass".into(),
                value: arm.listed_mass,
                ci: None,
                diff: None,
                diff_ci: None,
                p: None,
                baseline: None,
                ..first.clone()
            });
        }
        Ok(out)
    }

    /// Scores by question: mean over the cultures of `culture` that both sides have.
    fn questions(
        &self,
        cells: &Cells,
        other: Option<&Cells>,
        culture: &str,
    ) -> Vec<(QuestionId, Vec<f64>)> {
        let groups = self.groups();
        let mut sums: BTreeMap<&QuestionId, (Vec<f64>, f64)> = BTreeMap::new();
        for ((c, q), values) in cells {
            let wanted = match culture {
                ALL_CULTURES => true,
                SHARED => self.shared.contains(q),
                one => c.as_str() == one || groups.get(one).is_some_and(|g| g.contains(c)),
            };
            let there = other.is_none_or(|o| o.contains_key(&(c.clone(), q.clone())));
            if wanted && there {
                let (sum, n) = sums.entry(q).or_insert_with(|| (vec![0.0; values.len()], 0.0));
                sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
                *n += 1.0;
            }
        }
        sums.into_iter()
            .map(|(q, (sum, n))| (q.clone(), sum.into_iter().map(|s| s / n).collect()))
            .collect()
    }

    fn row(
        &self,
        arm: &ArmScores,
        seeds: usize,
        m: Metric,
        culture: &str,
    ) -> Result<Option<EvalRow>, EvaluateError> {
        let Some(cells) = arm.cells.get(&m) else { return Ok(None) };
        let own = self.questions(cells, None, culture);
        if own.is_empty() {
            return Ok(None);
        }
        let name = || format!("{} of {}", m.as_str(), arm.arm);
        let seeded = seeded(&own).map_err(undefined(&name()))?;
        let value = nested_mean(&seeded, "question", &self.how()).map_err(undefined(&name()))?;
        let mut row = self.bare(arm, seeds, m.as_str(), culture, &value);
        row.exploratory = !self.plan.metrics.contains(&m);
        let mixture = self.baseline(Baseline::MixtureOfOthers);
        if let Some(base) = mixture
            && base.arm != arm.arm
            && let Some(base_cells) = base.cells.get(&m)
        {
            let a = self.questions(cells, Some(base_cells), culture);
            let b = self.questions(base_cells, Some(cells), culture);
            if !a.is_empty() {
                let (sa, sb) = (
                    self::seeded(&a).map_err(undefined(&name()))?,
                    self::seeded(&b).map_err(undefined(&name()))?,
                );
                let diff = nested_difference(&sa, &sb, "question", &self.how())
                    .map_err(undefined(&name()))?;
                row.baseline = Some(base.arm.clone());
                row.diff = Some(diff.value);
                row.diff_ci = ends(&diff);
                if culture == ALL_CULTURES {
                    let d: Vec<f64> =
                        sa.unit_means().iter().zip(sb.unit_means()).map(|(x, y)| x - y).collect();
                    let test = sign_flip(&d, Alternative::TwoSided, FLIPS, self.plan.seed)
                        .map_err(undefined(&name()))?;
                    row.p = Some(test.p);
                }
            }
        }
        Ok(Some(row))
    }

    fn bare(
        &self,
        arm: &ArmScores,
        seeds: usize,
        metric: &str,
        culture: &str,
        e: &Estimate,
    ) -> EvalRow {
        EvalRow {
            model: arm.arm.clone(),
            culture: culture.to_owned(),
            split: self.split,
            metric: metric.to_owned(),
            value: e.value,
            ci: ends(e),
            n: e.n,
            unit: e.unit.clone(),
            baseline: None,
            diff: None,
            diff_ci: None,
            p: None,
            p_holm: None,
            seeds,
            exploratory: false,
        }
    }

    /// (score - uniform) / (ceiling - uniform) of 1-JSD, all cultures: a ratio of means over
    /// questions, resampled whole, training seeds nested; with its difference to the mixture's.
    fn skill(&self, arm: &ArmScores, seeds: usize) -> Result<Option<EvalRow>, EvaluateError> {
        let jsd = |s: &ArmScores| s.cells.get(&Metric::Jsd).cloned();
        let of = |b: Baseline| self.baseline(b).and_then(jsd);
        let (Some(own), Some(uniform), Some(ceiling)) =
            (jsd(arm), of(Baseline::Uniform), of(Baseline::SplitHalf))
        else {
            return Ok(None);
        };
        let own_rows = self.questions(&own, None, ALL_CULTURES);
        let by_question = |cells: &Cells| -> Vec<f64> {
            let rows = self.questions(cells, Some(&own), ALL_CULTURES);
            rows.iter().map(|(_, v)| v.iter().sum::<f64>() / v.len() as f64).collect()
        };
        let (u, c) = (by_question(&uniform), by_question(&ceiling));
        let n = own_rows.len();
        if n == 0 || u.len() != n || c.len() != n {
            return Ok(None);
        }
        // A foreign arm may lack cells that the mixture has, never the other way round.
        let mixture = of(Baseline::MixtureOfOthers)
            .map(|m| by_question(&m))
            .filter(|m| m.len() == n && arm.arm != Baseline::MixtureOfOthers.label());
        let what = format!("skill of {}", arm.arm);
        let ratio = |picked: &[usize], w: &[Vec<f64>], from: &[f64]| {
            let (mut above, mut room) = (0.0, 0.0);
            for &q in picked {
                let a: f64 = own_rows[q].1.iter().zip(&w[0]).map(|(x, w)| x * w).sum();
                above += a - from[q];
                room += c[q] - u[q];
            }
            (room.abs() > 1e-9).then(|| above / room)
        };
        let width = own_rows[0].1.len();
        let estimate =
            nested_statistic(n, &[width], "question", &self.how(), |p, w| ratio(p, w, &u))
                .map_err(undefined(&what))?;
        let mut row = self.bare(arm, seeds, "skill", ALL_CULTURES, &estimate);
        if let Some(m) = mixture {
            let d = nested_statistic(n, &[width], "question", &self.how(), |p, w| ratio(p, w, &m))
                .map_err(undefined(&what))?;
            row.baseline = Some(Baseline::MixtureOfOthers.label().to_owned());
            row.diff = Some(d.value);
            row.diff_ci = ends(&d);
        }
        Ok(Some(row))
    }

    /// Correlation of deviations from people's all-culture mean, over cultures and options: does
    /// the model know in which way a culture differs? Within a question people's deviations sum to
    /// zero over the cultures (and over the options), so this is Pearson's correlation, and a
    /// model that tells all cultures the same gets 0 whatever it tells them.
    /// The mixture of the others moves against its culture by construction: -1.
    fn correlation(&self, arm: &ArmScores, seeds: usize) -> Option<EvalRow> {
        /// Sums of one question: x.y by seed, x.x by pair of seeds, y.y.
        struct Products {
            xy: Vec<f64>,
            xx: Vec<f64>,
            yy: f64,
        }
        let width = arm.shares.values().map(Vec::len).max()?;
        let mut sums: BTreeMap<&QuestionId, Products> = BTreeMap::new();
        for ((c, q), by_seed) in &arm.shares {
            let (Some(truth), Some(mean)) = (self.reference.truth(c, q), self.reference.mean(q))
            else {
                continue;
            };
            let deviation = |shares: &[f64]| -> Vec<f64> {
                shares.iter().zip(mean.shares()).map(|(x, m)| x - m).collect()
            };
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let y = deviation(truth.shares());
            let x: Vec<Vec<f64>> = by_seed.iter().map(|s| deviation(s)).collect();
            let s = sums.entry(q).or_insert_with(|| Products {
                xy: vec![0.0; width],
                xx: vec![0.0; width * width],
                yy: 0.0,
            });
            s.yy += dot(&y, &y);
            for (i, a) in x.iter().enumerate() {
                s.xy[i] += dot(a, &y);
                for (j, b) in x.iter().enumerate() {
                    s.xx[i * width + j] += dot(a, b);
                }
            }
        }
        let sums: Vec<Products> = sums.into_values().collect();
        let of = |picked: &[usize], w: &[Vec<f64>]| {
            let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
            for s in picked.iter().map(|&q| &sums[q]) {
                yy += s.yy;
                for (i, a) in w[0].iter().enumerate().filter(|(_, a)| **a > 0.0) {
                    xy += a * s.xy[i];
                    xx += w[0].iter().zip(&s.xx[i * width..]).map(|(b, x)| a * b * x).sum::<f64>();
                }
            }
            (xx > 1e-12 && yy > 1e-12).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
        };
        // A row without deviations of its own (the mixture of all) has no correlation.
        nested_statistic(sums.len(), &[width], "question", &self.how(), of)
            .ok()
            .map(|e| self.bare(arm, seeds, "deviation-correlation", ALL_CULTURES, &e))
    }
}

fn seeded(questions: &[(QuestionId, Vec<f64>)]) -> Result<Seeded, Undefined> {
    Seeded::from_rows(&questions.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>())
}

fn ends(e: &Estimate) -> Option<[f64; 2]> {
    e.interval.map(|i| [i.lo, i.hi])
}
