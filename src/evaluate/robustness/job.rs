//! The job: texts are reworded where the plan wants it, then every model labels every text as it is
//! and changed. A line a reply; killed and started again, it asks only what has no line yet.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Change, ChangeKind, RobustnessPlan, apply, score};
use crate::evaluate::EvaluateError;
use crate::evaluate::asking::{MakeChat, ask_open};
use crate::evaluate::classify::parser::{Parser, Reading};
use crate::evaluate::classify::{Item, Items};
use crate::evaluate::figures::TaskResult;
use crate::evaluate::locked::{Locked, checksum};
use crate::job::{Attempt, JobError, Progress, read_jsonl};
use crate::providers::{
    CallFailed, ChatReply, ChatRequest, Finish, Sampling, declines, without_reasoning,
};

/// Longest reworded text, in tokens.
const REWORDED_TOKENS: u32 = 1024;

/// A line of `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// A text said in other words.
    Reworded(Reworded),
    /// What a model said of a text.
    Label(Labelled),
}

/// A text said in other words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reworded {
    /// The item.
    pub item: u32,
    /// The change.
    pub change: Change,
    /// The text; `None` where there is none.
    pub text: Option<String>,
    /// Why not: `failed: ..`, `refused`, `cut off`, `empty`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Key in the reply store.
    pub key: String,
}

/// What a model said of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    /// The model, as the plan has it.
    pub model: String,
    /// The item.
    pub item: u32,
    /// `None`: the text as it is.
    pub change: Option<Change>,
    /// What was read; `None` where no reply came back.
    pub reading: Option<Reading>,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Key in the reply store.
    pub key: String,
}

/// A change's name as a key: strengths are numbers, which have no order of their own.
fn key(change: Option<Change>) -> String {
    change.map_or_else(String::new, |c| c.to_string())
}

/// Everything said so far.
#[derive(Debug, Clone, Default)]
pub struct Said {
    reworded: BTreeMap<(u32, String), Reworded>,
    labels: BTreeMap<(String, u32, String), Labelled>,
}

impl Said {
    fn take(&mut self, line: Line) {
        match line {
            Line::Reworded(r) => {
                self.reworded.entry((r.item, key(Some(r.change)))).or_insert(r);
            }
            Line::Label(l) => {
                let k = (l.model.clone(), l.item, key(l.change));
                self.labels.entry(k).or_insert(l);
            }
        }
    }

    /// What earlier attempts and this one wrote; a call that failed is made again.
    ///
    /// # Errors
    /// A line that is not what this job writes.
    pub fn of(attempt: &Attempt) -> Result<Self, JobError> {
        let mut out = Self::default();
        let mut attempts = attempt.earlier();
        attempts.reverse();
        attempts.push(attempt.clone());
        for a in attempts {
            for line in read_jsonl::<Line>(&a.file("results.jsonl"))? {
                let failed = match &line {
                    Line::Reworded(r) => r.detail.starts_with("failed"),
                    Line::Label(l) => l.reading.is_none(),
                };
                if !failed {
                    out.take(line);
                }
            }
        }
        Ok(out)
    }

    /// What was read of a text.
    pub fn reading(&self, model: &str, item: u32, change: Option<Change>) -> Option<Reading> {
        self.labels.get(&(model.to_owned(), item, key(change)))?.reading
    }

    /// A text in other words.
    pub fn reworded(&self, item: u32, change: Change) -> Option<&str> {
        self.reworded.get(&(item, key(Some(change))))?.text.as_deref()
    }
}

/// The texts of a run and what the plan makes of them.
#[derive(Debug)]
pub struct Texts {
    /// The items asked, with the index of their gold label and of the label that injections want.
    pub items: Vec<(Item, usize, usize)>,
    /// How replies are read.
    pub parser: Parser,
}

impl Texts {
    /// Reads and checks the set of a plan.
    ///
    /// # Errors
    /// The file is not the one that was locked, or a line is wrong.
    pub fn read(attempt: &Attempt, plan: &RobustnessPlan) -> Result<Self, JobError> {
        let path = attempt.input(&plan.set.data);
        let bytes = std::fs::read(&path).map_err(JobError::io(&path))?;
        let found = checksum(&bytes);
        if found != plan.set.sha256 {
            let (file, locked) = (plan.set.data.clone(), plan.set.sha256.clone());
            return Err(EvaluateError::PlanChanged { file, found, locked }.into());
        }
        Self::of_bytes(plan, &bytes)
    }

    /// The same from the bytes of the file.
    ///
    /// # Errors
    /// A line is wrong.
    pub fn of_bytes(plan: &RobustnessPlan, bytes: &[u8]) -> Result<Self, JobError> {
        let wrong = |e: crate::evaluate::classify::ClassifyError| JobError::Work(e.to_string());
        let parser = Parser::of(&plan.set.task, plan.set.parser).map_err(wrong)?;
        let all = Items::new(bytes, Path::new(&plan.set.data), &plan.set.task).map_err(wrong)?;
        let items = plan.chosen(all.collect::<Result<_, _>>().map_err(wrong)?, &parser);
        let items = items
            .into_iter()
            .filter_map(|i| {
                let gold = parser.gold(&i.gold)?;
                let wanted = plan.wanted(&i, gold);
                Some((i, gold, wanted))
            })
            .collect();
        Ok(Self { items, parser })
    }
}

impl Texts {
    fn open_rewordings(
        &self,
        plan: &RobustnessPlan,
    ) -> Result<Vec<((u32, Change), ChatRequest)>, JobError> {
        let prompt = plan.reword_prompt()?;
        let mut out = Vec::new();
        for change in plan.changes.iter().filter(|c| c.kind() == ChangeKind::Paraphrase) {
            for (item, ..) in &self.items {
                let messages = prompt
                    .render(json!({
                        "text": item.text, "degree": degree(change.strength()),
                        "language": plan.set.task.language,
                    }))
                    .map_err(EvaluateError::from)?;
                let request = ChatRequest::new(messages, Sampling::greedy(REWORDED_TOKENS));
                out.push(((item.number, *change), request));
            }
        }
        Ok(out)
    }

    /// What the model that rewords is asked.
    ///
    /// # Errors
    /// The prompt asks for something that no text has.
    pub fn rewordings(&self, plan: &RobustnessPlan) -> Result<Vec<ChatRequest>, JobError> {
        Ok(self.open_rewordings(plan)?.into_iter().map(|(_, r)| r).collect())
    }

    /// What each model is asked, rewording apart: for an estimate.
    pub fn requests(&self, plan: &RobustnessPlan) -> Vec<ChatRequest> {
        let said = Said::default();
        let mut out = Vec::new();
        for (item, _, wanted) in &self.items {
            out.push(plan.set.request(&item.text, plan.label_tokens));
            for change in &plan.changes {
                let text = changed_text(plan, &said, item, *wanted, *change);
                // a paraphrase is about as long as its text
                let text = text.unwrap_or_else(|| item.text.clone());
                let reworded = change.kind() == ChangeKind::Paraphrase;
                if reworded || text != item.text {
                    out.push(plan.set.request(&text, plan.label_tokens));
                }
            }
        }
        out
    }
}

/// An item's text under a change. `None` for a paraphrase that is not there.
pub fn changed_text(
    plan: &RobustnessPlan,
    said: &Said,
    item: &Item,
    wanted: usize,
    change: Change,
) -> Option<String> {
    if change.kind() == ChangeKind::Paraphrase {
        return said.reworded(item.number, change).map(str::to_owned);
    }
    let id = item.number.to_string();
    apply(&item.text, change, &plan.site(&id, wanted)).map(|c| c.text)
}

/// Reads `plan.json` (locked by `plan.sha256`) and the texts; writes `results.jsonl` as it goes and
/// `evaluation.json` at the end.
///
/// # Errors
/// A plan or texts that changed, a model that cannot be opened or asked, a full disk;
/// [`JobError::Stopped`] when asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make: &mut MakeChat<'_>,
) -> Result<TaskResult, JobError> {
    let locked: Locked<RobustnessPlan> = Locked::read(attempt)?;
    let plan = &locked.plan;
    plan.check()?;
    let texts = Texts::read(attempt, plan)?;
    let mut said = Said::of(attempt)?;
    let mut results = attempt.results()?;
    reword(plan, &texts, &mut said, &mut results, progress, make)?;
    for model in &plan.models {
        let mut open: Vec<((u32, Option<Change>), ChatRequest)> = Vec::new();
        for (item, _, wanted) in &texts.items {
            let before = said.reading(&model.name, item.number, None);
            if before.is_none() {
                let request = plan.set.request(&item.text, plan.label_tokens);
                open.push(((item.number, None), request));
            }
            for change in &plan.changes {
                let Some(text) = changed_text(plan, &said, item, *wanted, *change) else {
                    continue;
                };
                // Where nothing could be changed, the same was asked already.
                if text != item.text
                    && said.reading(&model.name, item.number, Some(*change)).is_none()
                {
                    let request = plan.set.request(&text, plan.label_tokens);
                    open.push(((item.number, Some(*change)), request));
                }
            }
        }
        let (mut done, total) = (0, open.len() as u64);
        ask_open(&open, &model.name, &model.source, make, &mut |(item, change), reply| {
            let line = Line::Label(labelled(&model.name, *item, *change, &texts.parser, reply));
            results.write(&line)?;
            said.take(line);
            done += 1;
            progress.at(done, Some(total), &model.name);
            let stop = progress.should_stop();
            Ok(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        results.sync()?;
    }
    let out = score::sum_up(&locked, &texts, &said)?;
    attempt.write_json("evaluation.json", &out)?;
    Ok(out)
}

fn reword(
    plan: &RobustnessPlan,
    texts: &Texts,
    said: &mut Said,
    results: &mut crate::job::JsonlWriter,
    progress: &mut dyn Progress,
    make: &mut MakeChat<'_>,
) -> Result<(), JobError> {
    let Some(party) = &plan.paraphraser else { return Ok(()) };
    let mut open = texts.open_rewordings(plan)?;
    open.retain(|((item, change), _)| !said.reworded.contains_key(&(*item, key(Some(*change)))));
    let (mut done, total) = (0, open.len() as u64);
    ask_open(&open, &party.name, &party.source, make, &mut |(item, change), reply| {
        let line = Line::Reworded(reworded(*item, *change, reply));
        results.write(&line)?;
        said.take(line);
        done += 1;
        progress.at(done, Some(total), "rewording");
        let stop = progress.should_stop();
        Ok(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    results.sync()
}

/// How far a rewording may go, in words.
fn degree(strength: f64) -> &'static str {
    match strength {
        s if s < 0.34 => "change a few words and keep the rest",
        s if s < 0.67 => "use another sentence structure and other words where you can",
        _ => "say it quite differently, with hardly a word of the original",
    }
}

fn reworded(item: u32, change: Change, reply: Result<ChatReply, CallFailed>) -> Reworded {
    let base = Reworded { item, change, text: None, detail: String::new(), key: String::new() };
    let reply = match reply {
        Ok(r) => r,
        Err(e) => {
            return Reworded { detail: format!("failed: {}: {}", e.code, e.detail), ..base };
        }
    };
    let said = without_reasoning(&reply.text);
    let text = said
        .as_deref()
        .unwrap_or_default()
        .trim()
        .trim_start_matches("<<<")
        .trim_end_matches(">>>")
        .trim();
    let detail = if reply.finish == Finish::Length || said.is_none() {
        "cut off"
    } else if text.is_empty() {
        "empty"
    } else if declines(&reply) {
        // a text that declines something is rare among those to be labelled: better one less
        "refused"
    } else {
        return Reworded { text: Some(text.to_owned()), key: reply.key, ..base };
    };
    Reworded { detail: detail.into(), key: reply.key, ..base }
}

fn labelled(
    model: &str,
    item: u32,
    change: Option<Change>,
    parser: &Parser,
    reply: Result<ChatReply, CallFailed>,
) -> Labelled {
    let base = Labelled {
        model: model.to_owned(),
        item,
        change,
        reading: None,
        detail: String::new(),
        key: String::new(),
    };
    match reply {
        Ok(r) => Labelled { reading: Some(parser.read_reply(&r)), key: r.key, ..base },
        Err(e) if e.code == "refused" => Labelled { reading: Some(Reading::Refusal), ..base },
        Err(e) => Labelled { detail: format!("{}: {}", e.code, e.detail), ..base },
    }
}
