//! The job: every model answers every item, a line a reply as it comes. Killed and started again,
//! it asks only what has no line yet.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Bench, ForgettingItem, ForgettingPlan, Graded, grade, score};
use crate::evaluate::asking::{MakeChat, ask_open};
use crate::evaluate::figures::TaskResult;
use crate::evaluate::locked::Locked;
use crate::job::{Attempt, JobError, Progress, read_jsonl};
use crate::providers::prompts::PromptFile;
use crate::providers::{ChatRequest, Sampling, excerpt};

/// Characters of a reply that stand in `results.jsonl`; the whole is in the reply store.
const SHOWN_OF_REPLY: usize = 4_000;

/// A line of `results.jsonl`: one item answered by one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyLine {
    /// The model, as the plan has it.
    pub model: String,
    /// The item.
    pub item: String,
    /// What it came to.
    pub graded: Graded,
    /// The end of the reply, where answers stand.
    pub reply: String,
    /// Key in the reply store.
    pub key: String,
}

/// Replies by model and item.
pub type Replies = BTreeMap<(String, String), ReplyLine>;

/// Reads `plan.json` (locked by `plan.sha256`) and `items.jsonl`; writes `results.jsonl` as it goes
/// and `evaluation.json` at the end.
///
/// # Errors
/// A plan that changed, a model that cannot be opened or asked, a full disk;
/// [`JobError::Stopped`] when asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make: &mut MakeChat<'_>,
) -> Result<TaskResult, JobError> {
    let locked: Locked<ForgettingPlan> = Locked::read(attempt)?;
    let plan = &locked.plan;
    plan.check()?;
    plan.inputs.check(attempt)?;
    let prompt = plan.prompt_file()?;
    let items: Vec<ForgettingItem> = read_jsonl(&attempt.input("items.jsonl"))?;
    let mut said = replies(attempt)?;
    let mut results = attempt.results()?;
    let total = (items.len() * plan.models.len()) as u64;
    progress.at(said.len() as u64, Some(total), "asking");
    for model in &plan.models {
        let open: Vec<(&ForgettingItem, ChatRequest)> = items
            .iter()
            .filter(|i| !said.contains_key(&(model.name.clone(), i.id.clone())))
            .map(|i| Ok((i, ask(&prompt, plan, i)?)))
            .collect::<Result<_, JobError>>()?;
        ask_open(&open, &model.name, &model.source, make, &mut |item, reply| {
            let line = match reply {
                Ok(r) => ReplyLine {
                    model: model.name.clone(),
                    item: item.id.clone(),
                    graded: grade(plan.task, item, &r),
                    reply: tail(&r.text),
                    key: r.key,
                },
                Err(e) => ReplyLine {
                    model: model.name.clone(),
                    item: item.id.clone(),
                    graded: Graded::failed(format!("{}: {}", e.code, e.detail)),
                    reply: String::new(),
                    key: String::new(),
                },
            };
            results.write(&line)?;
            said.insert((line.model.clone(), line.item.clone()), line);
            progress.at(said.len() as u64, Some(total), &model.name);
            let stop = progress.should_stop();
            Ok(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        results.sync()?;
    }
    let out = score::sum_up(&locked, &items, &said)?;
    attempt.write_json("evaluation.json", &out)?;
    Ok(out)
}

/// Replies of this and earlier attempts; a call that failed is made again.
///
/// # Errors
/// A line that is not what this job writes.
pub fn replies(attempt: &Attempt) -> Result<Replies, JobError> {
    let mut out = Replies::new();
    let mut attempts = attempt.earlier();
    attempts.reverse();
    attempts.push(attempt.clone());
    for a in attempts {
        for line in read_jsonl::<ReplyLine>(&a.file("results.jsonl"))? {
            if !line.graded.is_failed() {
                out.entry((line.model.clone(), line.item.clone())).or_insert(line);
            }
        }
    }
    Ok(out)
}

/// What a model is asked about an item.
///
/// # Errors
/// The prompt asks for something that no item has.
pub fn ask(
    prompt: &PromptFile,
    plan: &ForgettingPlan,
    item: &ForgettingItem,
) -> Result<ChatRequest, JobError> {
    let shots: Vec<String> = plan
        .shots
        .iter()
        .map(|s| format!("Question: {}\nAnswer: {}", s.question, s.worked))
        .collect();
    let worked = plan.worked.get(&item.part).map_or("", String::as_str);
    let messages = prompt
        .render(json!({
            "shots": shots.join("\n\n"), "worked": worked, "question": item.question, "part": item.part,
        }))
        .map_err(|e| JobError::Work(e.to_string()))?;
    // Where a model writes the next item itself, it is done: the stops of the harness.
    let stop = match plan.task {
        Bench::Gsm8k => "Question:",
        Bench::Bbh => "\n\nQ:",
    };
    let sampling = Sampling { stop: vec![stop.to_owned()], ..Sampling::greedy(plan.tokens) };
    Ok(ChatRequest::new(messages, sampling))
}

/// The last characters: that is where answers stand.
fn tail(text: &str) -> String {
    let n = text.chars().count();
    if n <= SHOWN_OF_REPLY {
        return text.to_owned();
    }
    let from = text.char_indices().nth(n - SHOWN_OF_REPLY).map_or(0, |(i, _)| i);
    format!("…{}", excerpt(&text[from..], SHOWN_OF_REPLY))
}
