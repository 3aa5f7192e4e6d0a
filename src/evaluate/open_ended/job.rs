//! The job of a win rate: both models answer, then the judge is asked in both orders. Every answer
//! and every verdict is a line as it comes; killed and started again, only what has no line yet is
//! asked.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Choice, OpenQuestion, WinRatePlan, read_choice, win_rate};
use crate::evaluate::asking::{MakeChat, ask_open};
use crate::evaluate::figures::TaskResult;
use crate::evaluate::locked::Locked;
use crate::job::{Attempt, JobError, Progress, read_jsonl};
use crate::providers::prompts::PromptFile;
use crate::providers::{ChatRequest, Finish, Sampling, declines, excerpt};

/// Characters of a verdict that stand in `results.jsonl`; the whole is in the reply store.
const SHOWN_OF_VERDICT: usize = 2_000;

/// Which of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The model whose win rate it is.
    First,
    /// The model it is held against.
    Second,
}

/// A line of `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// A model's answer.
    Answer(Answer),
    /// A judge's choice.
    Verdict(Verdict),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub question: String,
    /// Whose.
    pub side: Side,
    /// The answer, whole and without reasoning; `None` where no reply came back.
    pub text: Option<String>,
    /// True where the model declined.
    pub refused: bool,
    /// True where the answer met the limit of tokens.
    pub cut_off: bool,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Key in the reply store.
    pub key: String,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The question.
    pub question: String,
    /// Whose answer was shown first.
    pub shown_first: Side,
    /// What was chosen.
    pub choice: Choice,
    /// Why there is no verdict.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The start of the reply.
    pub reply: String,
    /// Key in the reply store.
    pub key: String,
}

/// Everything said so far.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Answers by question and side; only those that came back.
    pub answers: BTreeMap<(String, Side), Answer>,
    /// Verdicts by question and the side shown first.
    pub verdicts: BTreeMap<(String, Side), Verdict>,
}

impl Said {
    fn take(&mut self, line: Line) {
        match line {
            Line::Answer(a) => {
                self.answers.insert((a.question.clone(), a.side), a);
            }
            Line::Verdict(v) => {
                self.verdicts.insert((v.question.clone(), v.shown_first), v);
            }
        }
    }

    /// Lines of this attempt and the earlier ones. A call that failed is made again, so its line
    /// is left out; of several lines on one thing the first counts.
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
                let (failed, known) = match &line {
                    Line::Answer(x) => {
                        (x.text.is_none(), out.answers.contains_key(&(x.question.clone(), x.side)))
                    }
                    Line::Verdict(x) => (
                        x.choice == Choice::Failed,
                        out.verdicts.contains_key(&(x.question.clone(), x.shown_first)),
                    ),
                };
                if !failed && !known {
                    out.take(line);
                }
            }
        }
        Ok(out)
    }
}

/// Reads `plan.json` (locked by `plan.sha256`) and `questions.jsonl`; writes `results.jsonl` as it
/// goes and `evaluation.json` at the end.
///
/// # Errors
/// A plan that changed, a model that cannot be opened or asked, a full disk;
/// [`JobError::Stopped`] when asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make: &mut MakeChat<'_>,
) -> Result<TaskResult, JobError> {
    let locked: Locked<WinRatePlan> = Locked::read(attempt)?;
    let plan = &locked.plan;
    plan.check()?;
    plan.inputs.check(attempt)?;
    let [answer, pairwise] = plan.prompts()?;
    let questions: Vec<OpenQuestion> = read_jsonl(&attempt.input("questions.jsonl"))?;
    let mut said = Said::of(attempt)?;
    let mut results = attempt.results()?;
    let total = (questions.len() * 4) as u64;
    for (side, party) in [(Side::First, &plan.first), (Side::Second, &plan.second)] {
        let open: Vec<(&OpenQuestion, ChatRequest)> = questions
            .iter()
            .filter(|q| !said.answers.contains_key(&(q.id.clone(), side)))
            .map(|q| Ok((q, ask(&answer, q, &[], plan.answer_tokens)?)))
            .collect::<Result<_, JobError>>()?;
        let mut done = (said.answers.len() + said.verdicts.len()) as u64;
        ask_open(&open, party.name.as_str(), &party.source, make, &mut |q, reply| {
            let line = Line::Answer(answer_of(q, side, reply));
            results.write(&line)?;
            said.take(line);
            done += 1;
            progress.at(done, Some(total), &format!("{} answers", party.name));
            Ok(if progress.should_stop() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        results.sync()?;
    }
    let mut open: Vec<((&OpenQuestion, Side), ChatRequest)> = Vec::new();
    for q in &questions {
        let text = |side| said.answers.get(&(q.id.clone(), side)).and_then(|a| a.text.clone());
        let (Some(first), Some(second)) = (text(Side::First), text(Side::Second)) else { continue };
        for side in [Side::First, Side::Second] {
            if said.verdicts.contains_key(&(q.id.clone(), side)) {
                continue;
            }
            let shown = if side == Side::First { [&first, &second] } else { [&second, &first] };
            let request = ask(&pairwise, q, &shown, plan.verdict_tokens)?;
            open.push(((q, side), request));
        }
    }
    let mut done = (said.answers.len() + said.verdicts.len()) as u64;
    ask_open(&open, &plan.judge.name, &plan.judge.source, make, &mut |(q, side), reply| {
        let line = Line::Verdict(verdict_of(q, *side, reply));
        results.write(&line)?;
        said.take(line);
        done += 1;
        progress.at(done, Some(total), "judging");
        Ok(if progress.should_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    results.sync()?;
    let out = win_rate(&locked, &questions, &said)?;
    attempt.write_json("evaluation.json", &out)?;
    Ok(out)
}

/// What is asked about a question; `shown` are two answers, for a judge.
///
/// # Errors
/// The prompt asks for something that no question has.
pub fn ask(
    prompt: &PromptFile,
    q: &OpenQuestion,
    shown: &[&String],
    tokens: u32,
) -> Result<ChatRequest, JobError> {
    let or_empty = |i: usize| {
        shown.get(i).map_or("", |s| if s.trim().is_empty() { "(no text)" } else { s.as_str() })
    };
    let messages = prompt
        .render(json!({
            "question": q.question, "culture": q.culture, "language": q.language,
            "topic": q.topic, "first": or_empty(0), "second": or_empty(1),
        }))
        .map_err(|e| JobError::Work(e.to_string()))?;
    Ok(ChatRequest::new(messages, Sampling::greedy(tokens)))
}

type Reply = Result<crate::providers::ChatReply, crate::providers::CallFailed>;

fn answer_of(q: &OpenQuestion, side: Side, reply: Reply) -> Answer {
    let base = Answer {
        question: q.id.clone(),
        side,
        text: None,
        refused: false,
        cut_off: false,
        detail: String::new(),
        key: String::new(),
    };
    match reply {
        Ok(r) => {
            let text = crate::providers::without_reasoning(&r.text);
            let said = text.as_deref().unwrap_or_default().trim().to_owned();
            Answer {
                // A long text that holds "I cannot" somewhere is an answer.
                refused: declines(&r) && said.chars().count() < 300,
                cut_off: r.finish == Finish::Length || text.is_none(),
                text: Some(said),
                key: r.key,
                ..base
            }
        }
        Err(e) => Answer { detail: format!("{}: {}", e.code, e.detail), ..base },
    }
}

fn verdict_of(q: &OpenQuestion, shown_first: Side, reply: Reply) -> Verdict {
    let base = Verdict {
        question: q.id.clone(),
        shown_first,
        choice: Choice::Failed,
        detail: String::new(),
        reply: String::new(),
        key: String::new(),
    };
    match reply {
        Ok(r) => {
            let (choice, detail) = read_choice(&r);
            Verdict {
                choice,
                detail,
                reply: excerpt(&r.text, SHOWN_OF_VERDICT),
                key: r.key,
                ..base
            }
        }
        Err(e) => Verdict { detail: format!("{}: {}", e.code, e.detail), ..base },
    }
}
