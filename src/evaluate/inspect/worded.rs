//! GSM8K and BBH: items, right or wrong by either rule, and the replies.

use std::path::Path;

use super::{Aim, Comparison, Document, Fate, ItemRow, Items, PairItem, Section};
use crate::evaluate::EvaluateError;
use crate::evaluate::forgetting::job::{Replies, ReplyLine, ask, replies};
use crate::evaluate::forgetting::{ForgettingItem, ForgettingPlan};
use crate::evaluate::locked::Locked;
use crate::job::read_jsonl;
use crate::providers::replies::{reply_text, stores_of};
use crate::stats::bootstrap::{Resampling, paired_difference};
use crate::stats::significance::mcnemar;

struct Run {
    plan: ForgettingPlan,
    items: Vec<ForgettingItem>,
    said: Replies,
}

fn open(run_dir: &Path) -> Result<Run, EvaluateError> {
    let last = super::last(run_dir)?;
    let plan = Locked::<ForgettingPlan>::read(&last)?.plan;
    Ok(Run { plan, items: read_jsonl(&last.input("items.jsonl"))?, said: replies(&last)? })
}

impl Run {
    fn of<'a>(&'a self, aim: &'a Aim) -> impl Iterator<Item = &'a ForgettingItem> {
        self.items.iter().filter(|i| aim.split == "all" || aim.split == i.part)
    }

    fn line(&self, model: &str, item: &str) -> Option<&ReplyLine> {
        self.said.get(&(model.to_owned(), item.to_owned()))
    }
}

fn is_right(line: &ReplyLine, metric: &str) -> bool {
    if metric == "flexible-extract" { line.graded.flexible } else { line.graded.strict }
}

fn fate(line: Option<&ReplyLine>, metric: &str) -> Fate {
    match line {
        None => Fate::Missing,
        Some(l) if is_right(l, metric) => Fate::Right,
        Some(l) => match l.graded.class.as_str() {
            "refused" => Fate::Refused,
            "cut off" | "no answer found" => Fate::Invalid,
            _ => Fate::Wrong,
        },
    }
}

/// The end of a reply in one line: there the answer stands.
fn end(line: &ReplyLine) -> String {
    line.reply.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

pub(super) fn items(run_dir: &Path, aim: &Aim) -> Result<Items, EvaluateError> {
    let run = open(run_dir)?;
    let rows = run
        .of(aim)
        .map(|i| {
            let line = run.line(&aim.model, &i.id);
            ItemRow {
                key: i.id.clone(),
                part: i.part.clone(),
                gold: i.gold.clone(),
                said: line.map_or_else(String::new, end),
                score: None,
                baseline: None,
                fate: fate(line, &aim.metric),
            }
        })
        .collect();
    Ok(Items { unit: "item", rows, ..Items::default() })
}

pub(super) fn document(run_dir: &Path, aim: &Aim, key: &str) -> Result<Document, EvaluateError> {
    let run = open(run_dir)?;
    let item = run.items.iter().find(|i| i.id == key).ok_or_else(|| super::no_item(key))?;
    let mut sections = vec![
        Section::new("Question", item.question.clone()),
        Section::new("Gold answer", item.gold.clone()),
    ];
    match run.line(&aim.model, key) {
        Some(line) => {
            let by = |right: bool| if right { "right" } else { "wrong" };
            let g = &line.graded;
            let read = format!(
                "strict-match {}, flexible-extract {}: {}",
                by(g.strict),
                by(g.flexible),
                g.class
            );
            sections.push(Section::new("Read as", read));
            let stores = stores_of(&super::attempts(run_dir)?);
            let whole = reply_text(&stores, &line.key).ok().flatten();
            sections.push(Section::new("Reply", whole.unwrap_or_else(|| line.reply.clone())));
        }
        None => sections.push(Section::new("Reply", "none came back")),
    }
    let prompt = run.plan.prompt_file()?;
    let asked: Vec<String> =
        ask(&prompt, &run.plan, item)?.messages.into_iter().map(|m| m.content).collect();
    sections.push(Section::new("Prompt in full", asked.join("\n\n")));
    Ok(Document {
        title: format!("{key} · {}", aim.model),
        language: "en".into(),
        may_abuse: false,
        sections,
    })
}

pub(super) fn compare(run_dir: &Path, aim: &Aim, with: &str) -> Result<Comparison, EvaluateError> {
    let run = open(run_dir)?;
    let (mut a, mut b, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for i in run.of(aim) {
        let (Some(x), Some(y)) = (run.line(&aim.model, &i.id), run.line(with, &i.id)) else {
            continue;
        };
        let right = |l: &ReplyLine| f64::from(u8::from(is_right(l, &aim.metric)));
        a.push(right(x));
        b.push(right(y));
        items.push(PairItem {
            key: i.id.clone(),
            part: i.part.clone(),
            gold: i.gold.clone(),
            a: fate(Some(x), &aim.metric).word().into(),
            b: fate(Some(y), &aim.metric).word().into(),
            diff: right(x) - right(y),
        });
    }
    let wins = super::tally(&items);
    let how = Resampling { draws: run.plan.draws, seed: run.plan.seed, ..Resampling::default() };
    let e = paired_difference(&a, &b, "item", &how).ok();
    Ok(Comparison {
        a: aim.model.clone(),
        b: with.to_owned(),
        metric: aim.metric.clone(),
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
