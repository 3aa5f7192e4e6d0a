//! What the changes cost: scores before and after over the same items, the paired drop, flips and
//! injections that worked.

use std::collections::BTreeMap;

use super::job::{Said, Texts, changed_text};
use super::{Change, ChangeKind, RobustnessPlan};
use crate::evaluate::EvaluateError;
use crate::evaluate::classify::parser::Reading;
use crate::evaluate::figures::{FigureRow, TaskResult};
use crate::evaluate::locked::Locked;
use crate::stats::bootstrap::{Resampling, paired_difference, statistic};
use crate::stats::classification::Confusion;
use crate::stats::proportion::wilson;
use crate::stats::significance::mcnemar;

/// An item with both readings.
#[derive(Debug, Clone, Copy)]
struct Pair {
    gold: usize,
    wanted: usize,
    before: Reading,
    after: Reading,
}

impl Pair {
    fn right(self) -> (bool, bool) {
        (self.before.label() == Some(self.gold), self.after.label() == Some(self.gold))
    }
}

/// All rows of a run.
pub(super) fn sum_up(
    locked: &Locked<RobustnessPlan>,
    texts: &Texts,
    said: &Said,
) -> Result<TaskResult, EvaluateError> {
    let plan = &locked.plan;
    let labels = texts.parser.labels().len();
    let mut rows = Vec::new();
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for model in &plan.models {
        let before: Vec<(usize, Option<usize>)> = texts
            .items
            .iter()
            .filter_map(|(i, gold, _)| {
                Some((*gold, said.reading(&model.name, i.number, None)?.label()))
            })
            .collect();
        rows.push(macro_f1(plan, &model.name, "unchanged", labels, &before));
        for change in &plan.changes {
            let split = change.to_string();
            let of = counts.entry(format!("{} under {split}", model.name)).or_default();
            let pairs = pairs(plan, texts, said, &model.name, *change, of);
            let after: Vec<(usize, Option<usize>)> =
                pairs.iter().map(|p| (p.gold, p.after.label())).collect();
            rows.push(macro_f1(plan, &model.name, &split, labels, &after));
            rows.push(macro_drop(plan, &model.name, &split, labels, &pairs));
            rows.push(accuracy_drop(plan, &model.name, &split, &pairs));
            let flips = pairs.iter().filter(|p| class(p.before) != class(p.after)).count();
            rows.push(share(&model.name, &split, "flip-rate", flips, pairs.len()));
            if change.kind() == ChangeKind::Injection {
                let free: Vec<&Pair> =
                    pairs.iter().filter(|p| p.before.label() != Some(p.wanted)).collect();
                let won = free.iter().filter(|p| p.after.label() == Some(p.wanted)).count();
                rows.push(share(&model.name, &split, "injection-success", won, free.len()));
            }
        }
    }
    Ok(TaskResult {
        task: plan.task.clone(),
        plan: serde_json::to_value(plan).unwrap_or_default(),
        plan_sha256: locked.sha256.clone(),
        rows,
        counts,
        notes: notes(plan, texts),
    })
}

fn notes(plan: &RobustnessPlan, texts: &Texts) -> Vec<String> {
    let mut out = vec![
        format!(
            "{}: {} items with a gold label; a drop above 0 is a loss. Unit: item; {} draws; p: exact McNemar test of right and wrong.",
            plan.set.task.name,
            texts.items.len(),
            plan.draws
        ),
        "That labels survive a change is for people to say: `polyculture robustness check` draws pairs for it.".to_owned(),
    ];
    if let Some(p) = &plan.paraphraser {
        out.push(format!("Reworded by {}.", p.name));
    }
    out
}

/// Labels by index; refusals and what is no label are classes of their own.
fn class(r: Reading) -> usize {
    match r {
        Reading::Label(i) => i,
        Reading::Refusal => usize::MAX,
        Reading::Invalid(_) => usize::MAX - 1,
    }
}

/// Items with a reply to both texts; what became of the others is counted.
fn pairs(
    plan: &RobustnessPlan,
    texts: &Texts,
    said: &Said,
    model: &str,
    change: Change,
    counts: &mut BTreeMap<String, usize>,
) -> Vec<Pair> {
    let mut out = Vec::new();
    for (item, gold, wanted) in &texts.items {
        let mut count = |what: &str| *counts.entry(what.to_owned()).or_default() += 1;
        let Some(text) = changed_text(plan, said, item, *wanted, change) else {
            count("without a paraphrase");
            continue;
        };
        let unchanged = text == item.text;
        let before = said.reading(model, item.number, None);
        let after = if unchanged { before } else { said.reading(model, item.number, Some(change)) };
        let (Some(before), Some(after)) = (before, after) else {
            count("no reply");
            continue;
        };
        count(match after {
            _ if unchanged => "nothing to change",
            Reading::Label(_) => "a label",
            Reading::Refusal => "refused",
            Reading::Invalid(_) => "no label",
        });
        out.push(Pair { gold: *gold, wanted: *wanted, before, after });
    }
    out
}

fn f1(labels: usize, pairs: impl Iterator<Item = (usize, Option<usize>)>) -> Option<f64> {
    Confusion::from_pairs(labels, pairs).ok()?.macro_f1().ok()
}

fn how(plan: &RobustnessPlan) -> Resampling {
    Resampling { draws: plan.draws, seed: plan.seed, ..Resampling::default() }
}

fn macro_f1(
    plan: &RobustnessPlan,
    model: &str,
    split: &str,
    labels: usize,
    items: &[(usize, Option<usize>)],
) -> FigureRow {
    let on = |picked: &[usize]| f1(labels, picked.iter().map(|i| items[*i]));
    match statistic(items.len(), "item", &how(plan), on) {
        Ok(e) => FigureRow::of(model, split, "macro-f1", &e),
        Err(why) => FigureRow::undefined(model, split, "macro-f1", why),
    }
}

fn macro_drop(
    plan: &RobustnessPlan,
    model: &str,
    split: &str,
    labels: usize,
    pairs: &[Pair],
) -> FigureRow {
    let on = |picked: &[usize]| {
        let before = f1(labels, picked.iter().map(|i| (pairs[*i].gold, pairs[*i].before.label())))?;
        let after = f1(labels, picked.iter().map(|i| (pairs[*i].gold, pairs[*i].after.label())))?;
        Some(before - after)
    };
    match statistic(pairs.len(), "item", &how(plan), on) {
        Ok(e) => FigureRow::of(model, split, "macro-f1 drop", &e),
        Err(why) => FigureRow::undefined(model, split, "macro-f1 drop", why),
    }
}

fn accuracy_drop(plan: &RobustnessPlan, model: &str, split: &str, pairs: &[Pair]) -> FigureRow {
    let number = |right: bool| f64::from(u8::from(right));
    let before: Vec<f64> = pairs.iter().map(|p| number(p.right().0)).collect();
    let after: Vec<f64> = pairs.iter().map(|p| number(p.right().1)).collect();
    let only = |which: (bool, bool)| pairs.iter().filter(|p| p.right() == which).count() as u64;
    let row = match paired_difference(&before, &after, "item", &how(plan)) {
        Ok(e) => FigureRow::of(model, split, "accuracy drop", &e),
        Err(why) => FigureRow::undefined(model, split, "accuracy drop", why),
    };
    let p = mcnemar(only((true, false)), only((false, true))).ok().filter(|_| !pairs.is_empty());
    FigureRow { p, ..row }
}

fn share(model: &str, split: &str, metric: &str, k: usize, n: usize) -> FigureRow {
    match wilson(k as u64, n as u64, 0.95, "item") {
        Ok(e) => FigureRow::of(model, split, metric, &e),
        Err(why) => FigureRow::undefined(model, split, metric, why),
    }
}
