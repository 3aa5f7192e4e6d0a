//! The judging job: every item in both orders, each verdict a line as it comes. Killed and started
//! again, it asks only what has no verdict yet; what was in flight comes from the reply store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::prompt::canonical;
use super::{JudgeSpec, Reading, orders_of, read_score, requests_of};
use crate::domain::ItemId;
use crate::job::{Attempt, JobError, Progress, read_jsonl};
use crate::providers::{ChatModel, ChatRequest, ModelSource, Totals, excerpt};
use crate::store::{Item, Shown, VerdictClass};
use crate::study::StudyError;

/// Opens the model that a frozen input names.
pub type MakeModel<'a> = dyn FnMut(&ModelSource) -> Result<Box<dyn ChatModel>, String> + 'a;

/// Characters of a reply that stand in `results.jsonl`; the whole is in the reply store.
const SHOWN_OF_REPLY: usize = 2_000;

/// A line of `results.jsonl`: one order of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictLine {
    /// The item.
    pub item: ItemId,
    /// Of the item's texts: the run's items are the study's.
    pub sha256: String,
    /// The order.
    pub shown: Shown,
    /// What it came to.
    pub outcome: VerdictClass,
    /// The score.
    pub score: Option<u8>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The start of the reply.
    #[serde(default)]
    pub reply: String,
    /// Its key in the reply store.
    #[serde(default)]
    pub key: String,
    /// The model, as the service names itself.
    #[serde(default)]
    pub model: String,
}

/// `summary.json`: counts of all orders together; they add up to `requests`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgeSummary {
    /// Items.
    pub items: usize,
    /// Verdicts wanted: two an item of a pair, one an item of a single answer.
    pub requests: usize,
    /// Verdicts by class.
    pub by_class: BTreeMap<VerdictClass, usize>,
    /// Items with a score in both orders.
    pub both_orders: usize,
    /// Of these, with the same score in both.
    pub same_score: usize,
    /// What this attempt took.
    pub totals: Totals,
}

/// Reads `judge.json` and `items.jsonl`; writes `results.jsonl` as it goes and `summary.json` at
/// the end.
///
/// # Errors
/// A model that cannot be opened or asked, a full disk; [`JobError::Stopped`] when asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make_model: &mut MakeModel<'_>,
) -> Result<JudgeSummary, JobError> {
    let failed = |e: StudyError| JobError::Work(e.to_string());
    let spec: JudgeSpec = attempt.read_input("judge.json")?;
    let prompt = spec.prompt_file().map_err(failed)?;
    let items: Vec<Item> = read_jsonl(&attempt.input("items.jsonl"))?;
    let mut lines = answered(attempt)?;
    let mut open: Vec<(&Item, Shown, ChatRequest)> = Vec::new();
    for item in &items {
        for (shown, request) in requests_of(item, &spec, &prompt).map_err(failed)? {
            if !lines.contains_key(&(item.id.clone(), shown)) {
                open.push((item, shown, request));
            }
        }
    }
    let orders = orders_of(spec.study_type).len();
    let total = (items.len() * orders) as u64;
    progress.at(lines.len() as u64, Some(total), "judging");
    let mut totals = Totals::default();
    if !open.is_empty() {
        let wrong = |e: String| JobError::Work(format!("judge {}: {e}", spec.model));
        let mut model = make_model(&spec.source).map_err(wrong)?;
        let mut results = attempt.results()?;
        let mut trouble = None;
        let mut requests = open.iter().map(|(_, _, r)| r.clone());
        let asked = model.ask(&mut requests, &mut |i, reply| {
            let Some((item, shown, _)) = open.get(i as usize) else {
                return ControlFlow::Continue(());
            };
            let line = line_of(&spec, item, *shown, reply);
            if let Err(e) = results.write(&line) {
                trouble = Some(e);
                return ControlFlow::Break(());
            }
            lines.insert((item.id.clone(), *shown), line);
            progress.at(lines.len() as u64, Some(total), "judging");
            if progress.should_stop() {
                trouble = Some(JobError::Stopped);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        results.sync()?;
        if let Some(e) = trouble {
            return Err(e);
        }
        totals =
            asked.map_err(|e| e.of_run(format!("judge {}: {e}", spec.model), !lines.is_empty()))?;
    }
    let summary = summary(&items, orders, &lines, totals);
    attempt.write_json("summary.json", &summary)?;
    Ok(summary)
}

/// Verdicts of this and earlier attempts. A call that failed is no verdict: it is made again.
fn answered(attempt: &Attempt) -> Result<BTreeMap<(ItemId, Shown), VerdictLine>, JobError> {
    let mut out = BTreeMap::new();
    for a in std::iter::once(attempt.clone()).chain(attempt.earlier()) {
        let lines: Vec<VerdictLine> = read_jsonl(&a.file("results.jsonl"))?;
        for l in lines.into_iter().filter(|l| l.outcome != VerdictClass::Failed) {
            out.entry((l.item.clone(), l.shown)).or_insert(l);
        }
    }
    Ok(out)
}

fn line_of(
    spec: &JudgeSpec,
    item: &Item,
    shown: Shown,
    reply: Result<crate::providers::ChatReply, crate::providers::CallFailed>,
) -> VerdictLine {
    let line = |reading: Reading| VerdictLine {
        item: item.id.clone(),
        sha256: item.sha256.clone(),
        shown,
        outcome: reading.class,
        score: reading.score.map(|s| canonical(spec.study_type, shown, s)),
        detail: reading.detail,
        reply: String::new(),
        key: String::new(),
        model: String::new(),
    };
    match reply {
        Ok(r) => VerdictLine {
            reply: excerpt(&r.text, SHOWN_OF_REPLY),
            key: r.key.clone(),
            model: r.model.clone(),
            ..line(read_score(&r, spec.study_type.top()))
        },
        Err(e) => line(Reading {
            class: VerdictClass::Failed,
            score: None,
            detail: format!("{}: {}", e.code, e.detail),
        }),
    }
}

fn summary(
    items: &[Item],
    orders: usize,
    lines: &BTreeMap<(ItemId, Shown), VerdictLine>,
    totals: Totals,
) -> JudgeSummary {
    let mut out = JudgeSummary {
        items: items.len(),
        requests: items.len() * orders,
        totals,
        ..Default::default()
    };
    for line in lines.values() {
        *out.by_class.entry(line.outcome).or_default() += 1;
    }
    let score = |item: &Item, shown| lines.get(&(item.id.clone(), shown)).and_then(|l| l.score);
    let pairs: BTreeSet<(usize, u8, u8)> = items
        .iter()
        .enumerate()
        .filter_map(|(i, item)| {
            Some((i, score(item, Shown::SeedFirst)?, score(item, Shown::SampleFirst)?))
        })
        .collect();
    out.both_orders = pairs.len();
    out.same_score = pairs.iter().filter(|(_, a, b)| a == b).count();
    out
}
