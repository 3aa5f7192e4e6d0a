//! Robustness: items before and after a change.

use std::path::Path;

use super::{Aim, Comparison, Document, Fate, ItemRow, Items, PairItem, Section};
use crate::evaluate::EvaluateError;
use crate::evaluate::classify::parser::Reading;
use crate::evaluate::locked::Locked;
use crate::evaluate::robustness::job::{Said, Texts, changed_text};
use crate::evaluate::robustness::{Change, RobustnessPlan};
use crate::stats::bootstrap::{Resampling, paired_difference};
use crate::stats::significance::mcnemar;

struct Run {
    plan: RobustnessPlan,
    texts: Texts,
    said: Said,
}

fn open(run_dir: &Path) -> Result<Run, EvaluateError> {
    let last = super::last(run_dir)?;
    let plan = Locked::<RobustnessPlan>::read(&last)?.plan;
    let texts = Texts::read(&last, &plan)?;
    Ok(Run { texts, said: Said::of(&last)?, plan })
}

impl Run {
    fn change(&self, aim: &Aim) -> Option<Change> {
        self.plan.changes.iter().copied().find(|c| c.to_string() == aim.split)
    }

    /// What was read of an item under a change; of the item as it is where the change leaves it so.
    fn reading(&self, model: &str, at: usize, change: Option<Change>) -> Option<Reading> {
        let (item, _, wanted) = &self.texts.items[at];
        let changed = change.map(|c| changed_text(&self.plan, &self.said, item, *wanted, c));
        match changed {
            Some(None) => None,
            Some(Some(text)) if text != item.text => self.said.reading(model, item.number, change),
            _ => self.said.reading(model, item.number, None),
        }
    }

    fn word(&self, r: Option<Reading>) -> String {
        match r {
            Some(Reading::Label(i)) => {
                self.texts.parser.labels().get(i).cloned().unwrap_or_default()
            }
            Some(Reading::Refusal) => "refused".into(),
            Some(Reading::Invalid(why)) => why.word().into(),
            None => "no reply".into(),
        }
    }
}

fn fate(r: Option<Reading>, gold: usize) -> Fate {
    match r {
        Some(Reading::Label(i)) if i == gold => Fate::Right,
        Some(Reading::Label(_)) => Fate::Wrong,
        Some(Reading::Refusal) => Fate::Refused,
        Some(Reading::Invalid(_)) => Fate::Invalid,
        None => Fate::Missing,
    }
}

pub(super) fn items(run_dir: &Path, aim: &Aim) -> Result<Items, EvaluateError> {
    let run = open(run_dir)?;
    let change = run.change(aim);
    let rows = (0..run.texts.items.len())
        .map(|at| {
            let (item, gold, _) = &run.texts.items[at];
            let read = run.reading(&aim.model, at, change);
            let before = run.reading(&aim.model, at, None);
            ItemRow {
                key: item.number.to_string(),
                part: change.map_or_else(String::new, |_| format!("before: {}", run.word(before))),
                gold: item.gold.clone(),
                said: run.word(read),
                score: None,
                baseline: None,
                fate: fate(read, *gold),
            }
        })
        .collect();
    Ok(Items { unit: "item", rows, ..Items::default() })
}

pub(super) fn document(
    run_dir: &Path,
    aim: &Aim,
    key: &str,
    show: bool,
) -> Result<Document, EvaluateError> {
    let run = open(run_dir)?;
    let change = run.change(aim);
    let at = run.texts.items.iter().position(|(i, ..)| i.number.to_string() == key);
    let at = at.ok_or_else(|| super::no_item(key))?;
    let (item, _, wanted) = &run.texts.items[at];
    let hidden = run.plan.set.task.kind.may_abuse();
    let visible = show || !hidden;
    let mut sections = vec![
        Section::new("Gold label", item.gold.clone()),
        Section::new("Read as, unchanged", run.word(run.reading(&aim.model, at, None))),
        Section::new("Text", item.text.clone()).unless(visible),
    ];
    if let Some(c) = change {
        let read = run.word(run.reading(&aim.model, at, change));
        sections.insert(2, Section::new(format!("Read as, under {c}"), read));
        let text = changed_text(&run.plan, &run.said, item, *wanted, c);
        let text = text.unwrap_or_else(|| "there is no such text".into());
        sections.push(Section::new(format!("Text under {c}"), text).unless(visible));
    }
    Ok(Document {
        title: format!("{} {key} · {}", run.plan.set.task.name, aim.model),
        language: run.plan.set.task.language.clone(),
        may_abuse: hidden,
        sections,
    })
}

pub(super) fn compare(run_dir: &Path, aim: &Aim, with: &str) -> Result<Comparison, EvaluateError> {
    let run = open(run_dir)?;
    let change = run.change(aim);
    let (mut a, mut b, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..run.texts.items.len() {
        let (item, gold, _) = &run.texts.items[at];
        let (x, y) = (run.reading(&aim.model, at, change), run.reading(with, at, change));
        if x.is_none() || y.is_none() {
            continue;
        }
        let right = |r| f64::from(u8::from(fate(r, *gold) == Fate::Right));
        a.push(right(x));
        b.push(right(y));
        items.push(PairItem {
            key: item.number.to_string(),
            part: aim.split.clone(),
            gold: item.gold.clone(),
            a: run.word(x),
            b: run.word(y),
            diff: right(x) - right(y),
        });
    }
    let wins = super::tally(&items);
    let how = Resampling { draws: run.plan.draws, seed: run.plan.seed, ..Resampling::default() };
    let e = paired_difference(&a, &b, "item", &how).ok();
    Ok(Comparison {
        a: aim.model.clone(),
        b: with.to_owned(),
        metric: "accuracy".into(),
        unit: "item".into(),
        wins,
        diff: e.as_ref().map(|e| e.value),
        ci: e.and_then(|e| e.interval).map(|i| [i.lo, i.hi]),
        p: mcnemar(wins[0] as u64, wins[2] as u64).ok().filter(|_| !items.is_empty()),
        test: "exact McNemar test",
        note: if items.is_empty() { "they have no item in common".into() } else { String::new() },
        items,
    })
}
