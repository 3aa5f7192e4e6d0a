//! Means over sets: by kind, by culture, over the eight kinds. Sets that share texts are one pool:
//! its sets are averaged first, and its texts are drawn together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ClassifyError;
use super::kind::Kind;
use super::plan::ClassifyPlan;
use super::results::Answer;
use super::rows::{Figure, Golds, baselines, place, scored_labels, undefined};
use crate::stats::Interval;
use crate::stats::bootstrap::Resampling;
use crate::stats::classification::{Answered, Draws, Texts, two_sided};
use crate::stats::significance::holm;

/// Pools that share this part of the smaller one's texts are one.
const SHARED: f64 = 0.1;

/// A mean of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanRow {
    /// `kind`, `culture` or `all`.
    pub over: String,
    /// Which kind or culture; `eight kinds` for all.
    pub name: String,
    /// The model.
    pub model: String,
    /// Pools.
    pub pools: usize,
    /// Sets in them.
    pub sets: usize,
    /// Mean macro-F1 over pools.
    pub macro_f1: Figure,
    /// The same of the best constant answers.
    pub best_constant: f64,
    /// The first model of the plan, for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Minus that one.
    pub difference: Option<Figure>,
    /// Two-sided, after Holm over the rows of this table.
    pub p_holm: Option<f64>,
    /// The same before it.
    pub p: Option<f64>,
}

/// Rows, and which pools were found to be one.
pub(super) fn means(
    plan: &ClassifyPlan,
    golds: &[Golds],
    answers: &[Vec<Vec<Answer>>],
) -> Result<(Vec<MeanRow>, Vec<String>), ClassifyError> {
    let (pools, merged) = pools(plan, golds);
    let counted: Vec<usize> = (0..plan.sets.len())
        .filter(|s| !plan.sets[*s].is_degenerate() && golds[*s].asked() > 0)
        .collect();
    let mut groups: Vec<(&str, String, Vec<usize>)> = Vec::new();
    let mut push = |over, name: String, keep: &dyn Fn(usize) -> bool| {
        let sets: Vec<usize> = counted.iter().copied().filter(|s| keep(*s)).collect();
        if !sets.is_empty() {
            groups.push((over, name, sets));
        }
    };
    for kind in Kind::ALL {
        push("kind", kind.to_string(), &|s| plan.sets[s].task.kind == kind);
    }
    let cultures: BTreeSet<&str> = plan.sets.iter().map(|s| s.task.culture.as_str()).collect();
    let is_kind = |s: usize| plan.sets[s].task.kind != Kind::Values;
    for culture in cultures {
        push("culture", culture.to_owned(), &|s| {
            plan.sets[s].task.culture == culture && is_kind(s)
        });
    }
    push("all", "eight kinds".into(), &is_kind);
    // A mean over one set is that set's row again.
    let jobs: Vec<(usize, usize)> = (0..groups.len())
        .filter(|g| groups[*g].2.len() > 1)
        .flat_map(|g| (0..plan.models.len()).map(move |m| (g, m)))
        .collect();
    let mut rows: Vec<MeanRow> = jobs
        .par_iter()
        .map(|(g, m)| {
            let (over, name, sets) = &groups[*g];
            let of = Group { plan, golds, answers, pools: &pools, sets };
            of.row(over, name, *m)
        })
        .collect::<Result<_, _>>()?;
    let p: Vec<f64> = rows.iter().filter_map(|r| r.p).collect();
    let adjusted = holm(&p).map_err(|e| undefined("Holm adjustment of means", e))?;
    for (row, p) in rows.iter_mut().filter(|r| r.p.is_some()).zip(adjusted) {
        row.p_holm = Some(p);
    }
    Ok((rows, merged))
}

/// The pool of each set: as declared, and one where texts say so.
fn pools(plan: &ClassifyPlan, golds: &[Golds]) -> (Vec<String>, Vec<String>) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let of: Vec<usize> = plan
        .sets
        .iter()
        .map(|s| {
            let next = names.len();
            *names.entry(s.task.pool.as_str()).or_insert(next)
        })
        .collect();
    let mut texts: HashMap<u64, BTreeSet<usize>> = HashMap::new();
    for (golds, pool) in golds.iter().zip(&of) {
        for (_, _, text) in golds.scored() {
            texts.entry(text).or_default().insert(*pool);
        }
    }
    let mut sizes = vec![0u64; names.len()];
    let mut shared: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for pools in texts.values() {
        for a in pools {
            sizes[*a] += 1;
            for b in pools.range(a + 1..) {
                *shared.entry((*a, *b)).or_default() += 1;
            }
        }
    }
    let name = |i: usize| names.iter().find(|(_, n)| **n == i).map_or("", |(s, _)| *s);
    let mut root: Vec<usize> = (0..names.len()).collect();
    let mut merged = Vec::new();
    for ((a, b), n) in shared {
        if n as f64 >= SHARED * sizes[a].min(sizes[b]) as f64 {
            let (ra, rb) = (root[a], root[b]);
            root.iter_mut().filter(|r| **r == rb).for_each(|r| *r = ra);
            merged.push(format!("{} and {} share {n} texts", name(a), name(b)));
        }
    }
    (of.iter().map(|p| name(root[*p]).to_owned()).collect(), merged)
}

/// Sets that one row is the mean of.
struct Group<'a> {
    plan: &'a ClassifyPlan,
    golds: &'a [Golds],
    answers: &'a [Vec<Vec<Answer>>],
    pools: &'a [String],
    sets: &'a [usize],
}

impl Group<'_> {
    fn row(&self, over: &str, name: &str, m: usize) -> Result<MeanRow, ClassifyError> {
        let mut by_pool: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for s in self.sets {
            by_pool.entry(&self.pools[*s]).or_default().push(*s);
        }
        let n = by_pool.len();
        let what = |e| undefined(&format!("mean of {name}"), e);
        let plan = self.plan;
        let mut value = [0.0; 2];
        let mut draws = vec![[0.0; 2]; plan.mean_draws];
        let mut swapped = vec![0.0; if m > 0 { plan.mean_draws } else { 0 }];
        let mut constant = 0.0;
        for (i, sets) in by_pool.values().enumerate() {
            let texts = self.texts(sets, m)?;
            let seed = plan.seed.wrapping_add(1_000_003 + i as u64);
            let how = Resampling { draws: plan.mean_draws, ..Resampling::seeded(seed) };
            let d: Draws = texts.draws(&how).map_err(what)?;
            add(&mut value, d.value);
            draws.iter_mut().zip(&d.draws).for_each(|(sum, x)| add(sum, *x));
            if m > 0 {
                let under_null = texts.swapped(plan.mean_draws, seed).map_err(what)?;
                swapped.iter_mut().zip(under_null).for_each(|(sum, x)| *sum += x / n as f64);
            }
            constant += self.constant(sets)?;
        }
        let k = n as f64;
        let figure = |value: f64, draw: &dyn Fn(&[f64; 2]) -> f64| {
            let mut all: Vec<f64> = draws.iter().map(|d| draw(d) / k).collect();
            // Drawn texts score a little lower than all texts, set by set, and a mean over many
            // sets keeps that while its spread shrinks: the draws are centred on the value.
            let drift = all.iter().sum::<f64>() / all.len() as f64 - value / k;
            all.iter_mut().for_each(|x| *x -= drift);
            Figure { value: value / k, ci: Interval::from_draws(&all, 0.95).map(|i| [i.lo, i.hi]) }
        };
        let difference = (m > 0).then(|| figure(value[0] - value[1], &|d| d[0] - d[1]));
        Ok(MeanRow {
            over: over.to_owned(),
            name: name.to_owned(),
            model: plan.models[m].clone(),
            pools: n,
            sets: self.sets.len(),
            macro_f1: figure(value[0], &|d| d[0]),
            best_constant: constant / k,
            against: (m > 0).then(|| plan.models[0].clone()),
            p: difference.map(|d| two_sided(d.value, &swapped)),
            p_holm: None,
            difference,
        })
    }

    /// The texts of a pool with what model `m` and the first one said in each of its sets.
    fn texts(&self, sets: &[usize], m: usize) -> Result<Texts, ClassifyError> {
        let labels: Vec<usize> = sets
            .iter()
            .map(|s| Ok(scored_labels(&self.plan.sets[*s])?.len()))
            .collect::<Result<_, ClassifyError>>()?;
        let mut by_text: HashMap<u64, Vec<Answered>> = HashMap::new();
        for (set, s) in sets.iter().enumerate() {
            let n = labels[set];
            let said = |m: usize, i: usize| place(self.answers[m][*s][i].label(), n);
            for (i, gold, text) in self.golds[*s].scored() {
                by_text.entry(text).or_default().push(Answered {
                    set: set as u32,
                    gold: place(gold, n),
                    said: [said(m, i), said(0, i)],
                });
            }
        }
        let what = |e| undefined("a pool of texts", e);
        let mut out = Texts::new(&labels).map_err(what)?;
        for items in by_text.into_values() {
            out.add(items).map_err(what)?;
        }
        Ok(out)
    }

    /// Mean over the sets of a pool of their best constant macro-F1.
    fn constant(&self, sets: &[usize]) -> Result<f64, ClassifyError> {
        let mut sum = 0.0;
        for s in sets {
            let labels = scored_labels(&self.plan.sets[*s])?;
            let mut gold: Vec<(String, u64)> = labels.into_iter().map(|l| (l, 0)).collect();
            for (_, label, _) in self.golds[*s].scored() {
                if let Some(g) = label {
                    gold[g].1 += 1;
                }
            }
            let all = baselines(&gold, self.golds[*s].asked() as u64);
            sum += all.first().map_or(0.0, |b| b.macro_f1);
        }
        Ok(sum / sets.len() as f64)
    }
}

fn add(sum: &mut [f64; 2], x: [f64; 2]) {
    sum[0] += x[0];
    sum[1] += x[1];
}
