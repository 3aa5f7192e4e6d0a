//! Right or wrong, and what a set comes to: shares with intervals, and the paired difference.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::answers::{harness_match, read_match};
use super::job::Replies;
use super::numbers::{last_number, strict_number};
use super::{Bench, ForgettingItem, ForgettingPlan};
use crate::evaluate::EvaluateError;
use crate::evaluate::figures::{FigureRow, TaskResult};
use crate::evaluate::locked::Locked;
use crate::providers::{ChatReply, Finish, declines, without_reasoning};
use crate::stats::bootstrap::{Resampling, paired_difference};
use crate::stats::proportion::wilson;
use crate::stats::significance::mcnemar;

/// What a reply to an item came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graded {
    /// Right by the strict rule.
    pub strict: bool,
    /// Right by the flexible one.
    pub flexible: bool,
    /// What it was: `answered`, `refused`, `cut off`, `no answer found`, or `failed`.
    pub class: String,
    /// Why there is no reply.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Graded {
    /// No reply came back.
    pub fn failed(detail: String) -> Self {
        Self { strict: false, flexible: false, class: "failed".into(), detail }
    }

    /// True where no reply came back.
    pub fn is_failed(&self) -> bool {
        self.class == "failed"
    }
}

/// Grades a reply.
pub fn grade(bench: Bench, item: &ForgettingItem, reply: &ChatReply) -> Graded {
    let said = without_reasoning(&reply.text);
    let text = said.as_deref().unwrap_or_default();
    let (strict, flexible) = match bench {
        Bench::Gsm8k => {
            (strict_number(text).map(|n| n == item.gold), last_number(text).map(|n| n == item.gold))
        }
        Bench::Bbh => (Some(harness_match(text, &item.gold)), read_match(text, &item.gold)),
    };
    let right = strict == Some(true) || flexible == Some(true);
    let class = if right {
        "answered"
    } else if declines(reply) {
        "refused"
    } else if said.is_none() || reply.finish == Finish::Length {
        "cut off"
    } else if flexible.is_none() {
        "no answer found"
    } else {
        "answered"
    };
    Graded {
        strict: strict == Some(true),
        flexible: flexible == Some(true),
        class: class.into(),
        detail: String::new(),
    }
}

const METRICS: [&str; 2] = ["strict-match", "flexible-extract"];

fn right(g: &Graded, metric: &str) -> bool {
    if metric == METRICS[0] { g.strict } else { g.flexible }
}

/// All rows of a run.
pub(super) fn sum_up(
    locked: &Locked<ForgettingPlan>,
    items: &[ForgettingItem],
    said: &Replies,
) -> Result<TaskResult, EvaluateError> {
    let plan = &locked.plan;
    let mut parts: Vec<Option<&str>> = vec![None];
    let names: BTreeSet<&str> = items.iter().map(|i| i.part.as_str()).collect();
    if names.len() > 1 {
        parts.extend(names.into_iter().map(Some));
    }
    let graded = |model: &str, item: &ForgettingItem| {
        said.get(&(model.to_owned(), item.id.clone())).map(|l| &l.graded).filter(|g| !g.is_failed())
    };
    let mut rows = Vec::new();
    for part in parts {
        let here: Vec<&ForgettingItem> =
            items.iter().filter(|i| part.is_none_or(|p| p == i.part)).collect();
        let split = part.unwrap_or("all");
        for metric in METRICS {
            for (m, model) in plan.models.iter().enumerate() {
                let found: Vec<&Graded> =
                    here.iter().filter_map(|i| graded(&model.name, i)).collect();
                let k = found.iter().filter(|g| right(g, metric)).count();
                rows.push(match wilson(k as u64, found.len() as u64, 0.95, "item") {
                    Ok(e) => FigureRow::of(&model.name, split, metric, &e),
                    Err(why) => FigureRow::undefined(&model.name, split, metric, why),
                });
                if m > 0 {
                    let base = &plan.models[0].name;
                    let pairs: Vec<(bool, bool)> = here
                        .iter()
                        .filter_map(|i| {
                            let (a, b) = (graded(&model.name, i)?, graded(base, i)?);
                            Some((right(a, metric), right(b, metric)))
                        })
                        .collect();
                    rows.push(difference(plan, [&model.name, base], split, metric, &pairs));
                }
            }
        }
    }
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for model in &plan.models {
        let of = counts.entry(model.name.clone()).or_default();
        for item in items {
            let class = said
                .get(&(model.name.clone(), item.id.clone()))
                .map_or("failed", |l| l.graded.class.as_str());
            *of.entry(class.to_owned()).or_default() += 1;
        }
    }
    Ok(TaskResult {
        task: plan.task.word().into(),
        plan: serde_json::to_value(plan).unwrap_or_default(),
        plan_sha256: locked.sha256.clone(),
        rows,
        counts,
        notes: notes(plan),
    })
}

fn notes(plan: &ForgettingPlan) -> Vec<String> {
    let shots = match plan.task {
        Bench::Gsm8k => format!("{} worked examples in every prompt", plan.shots.len()),
        Bench::Bbh => format!("worked examples for {} subtasks", plan.worked.len()),
    };
    vec![
        format!(
            "Unit: item; Wilson intervals; {shots}. Differences: over items that both models answered, bootstrap over items ({} draws), p: exact McNemar test.",
            plan.draws
        ),
        "Refused, cut-off and unreadable replies count as wrong; calls without a reply are left out.".into(),
    ]
}

fn difference(
    plan: &ForgettingPlan,
    [model, base]: [&String; 2],
    split: &str,
    metric: &str,
    pairs: &[(bool, bool)],
) -> FigureRow {
    let name = format!("{metric} difference");
    let how = Resampling { draws: plan.draws, seed: plan.seed, ..Resampling::default() };
    let side = |of: fn(&(bool, bool)) -> bool| -> Vec<f64> {
        pairs.iter().map(|p| f64::from(u8::from(of(p)))).collect()
    };
    let (a, b) = (side(|p| p.0), side(|p| p.1));
    let only = |x: bool, y: bool| pairs.iter().filter(|p| **p == (x, y)).count() as u64;
    let (gained, lost) = (only(true, false), only(false, true));
    let row = match paired_difference(&a, &b, "item", &how) {
        Ok(e) => FigureRow::of(model, split, &name, &e),
        Err(why) => FigureRow::undefined(model, split, &name, why),
    };
    FigureRow {
        against: Some(base.clone()),
        p: mcnemar(gained, lost).ok().filter(|_| !pairs.is_empty()),
        note: if split == "all" && !pairs.is_empty() {
            format!("{gained} items gained, {lost} lost")
        } else {
            row.note.clone()
        },
        ..row
    }
}
