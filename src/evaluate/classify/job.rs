//! The job: every open item of every set is put to every model, each reply is parsed and written as
//! it comes, and the table is made at the end. Killed and started again, it goes on with the items
//! that have no line yet; replies that were paid for lie in the reply store.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::data::{Item, Items};
use super::parser::{Invalid, Parser, ParserName, Reading};
use super::plan::{ClassifyPlan, Method, PlannedSet, Unanswered};
use super::results::{Answer, Outcome, ResultLine, ResultWriter, read_results};
use super::rows::{Classified, Golds, classified};
use super::{ClassifyError, score};
use crate::evaluate::EvaluateError;
use crate::evaluate::asking::MakeChat;
use crate::evaluate::locked::{Locked, checksum};
use crate::job::{Attempt, JobError, Progress};
use crate::providers::{CallFailed, ChatModel, ChatReply, ChatRequest, ModelSource};

/// Replies between two words to whoever watches.
const WORD_EVERY: u64 = 64;

/// Reads `plan.json` (locked by `plan.sha256`), `models.json` and the data files that the plan names; writes `results.jsonl`
/// as it goes and `evaluation.json` at the end.
///
/// # Errors
/// A plan or data that changed, a model that cannot be opened, a provider that stopped working,
/// items without a reply (see [`Unanswered`]), a full disk; [`JobError::Stopped`] when asked to
/// stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make_model: &mut MakeChat<'_>,
) -> Result<Classified, JobError> {
    let locked = ClassifyPlan::read(attempt)?;
    let sources: BTreeMap<String, ModelSource> = attempt.read_input("models.json")?;
    let mut run = Run::open(attempt, &locked)?;
    run.resume()?;
    let mut out = ResultWriter::open(attempt)?;
    for model in 0..locked.plan.models.len() {
        if run.open_items(model) == 0 {
            continue;
        }
        let reference = &locked.plan.models[model];
        let failed = |reason| ClassifyError::Model { model: reference.clone(), reason };
        let source = sources
            .get(reference)
            .ok_or_else(|| failed("its source is not in models.json".to_owned()))?;
        let mut chat = make_model(source).map_err(failed)?;
        let done = match locked.plan.method {
            Method::Generate => run.ask(model, &mut *chat, progress, &mut out),
            Method::Score => score::score(&mut run, model, &mut *chat, progress, &mut out),
        };
        out.sync()?;
        done?;
    }
    run.settle_unanswered()?;
    let table = classified(&locked, &run.golds, &run.answers)?;
    attempt.write_json("evaluation.json", &table)?;
    Ok(table)
}

/// A run in memory: golds and answers, a few bytes an item.
pub(super) struct Run<'a> {
    attempt: &'a Attempt,
    pub(super) locked: &'a Locked<ClassifyPlan>,
    pub(super) parsers: Vec<Parser>,
    /// By set.
    pub(super) golds: Vec<Golds>,
    /// By model, then set, then item.
    pub(super) answers: Vec<Vec<Vec<Answer>>>,
    pub(super) done: u64,
    pub(super) total: u64,
    /// Why items got no reply: words for counts.
    no_reply: BTreeMap<String, u64>,
}

impl<'a> Run<'a> {
    fn open(attempt: &'a Attempt, locked: &'a Locked<ClassifyPlan>) -> Result<Self, ClassifyError> {
        let plan = &locked.plan;
        let mut parsers = Vec::new();
        let mut golds = Vec::new();
        for set in &plan.sets {
            let path = attempt.input(&set.data);
            let bytes = fs::read(&path).map_err(ClassifyError::io(&path))?;
            let found = checksum(&bytes);
            if found != set.sha256 {
                let locked = set.sha256.clone();
                let e = EvaluateError::PlanChanged { file: set.data.clone(), found, locked };
                return Err(JobError::from(e).into());
            }
            drop(bytes);
            let parser = Parser::of(&set.task, set.parser)?;
            golds.push(Golds::read(Items::open(&path, &set.task)?, &parser, set.parser)?);
            parsers.push(parser);
        }
        let one = |g: &Golds| vec![Answer::OPEN; g.len()];
        let answers =
            plan.models.iter().map(|_| golds.iter().map(one).collect::<Vec<_>>()).collect();
        let asked: usize = golds.iter().map(Golds::asked).sum();
        let total = (asked * plan.models.len()) as u64;
        Ok(Self {
            attempt,
            locked,
            parsers,
            golds,
            answers,
            done: 0,
            total,
            no_reply: BTreeMap::new(),
        })
    }

    /// Takes over what earlier attempts wrote.
    fn resume(&mut self) -> Result<(), JobError> {
        let models: HashMap<&str, usize> =
            self.locked.plan.models.iter().enumerate().map(|(i, m)| (m.as_str(), i)).collect();
        let sets: HashMap<&str, usize> = self
            .locked
            .plan
            .sets
            .iter()
            .enumerate()
            .map(|(i, s)| (s.task.name.as_str(), i))
            .collect();
        let mut files: Vec<PathBuf> =
            self.attempt.earlier().iter().map(|a| a.file("results.jsonl")).collect();
        files.push(self.attempt.file("results.jsonl"));
        for file in files {
            read_results(&file, |line| {
                let place = models.get(line.model.as_str()).zip(sets.get(line.task.as_str()));
                let Some((&m, &s)) = place else { return Ok(()) };
                let Some(answer) = self.answers[m][s].get_mut(line.item as usize) else {
                    return Ok(());
                };
                let read = match line.outcome {
                    Outcome::Label => line
                        .label
                        .as_deref()
                        .and_then(|l| self.parsers[s].gold(l))
                        .map_or(Answer::OPEN, |i| Answer::of(Reading::Label(i))),
                    Outcome::Refusal => Answer::REFUSAL,
                    Outcome::Invalid => Answer::INVALID,
                    Outcome::Unanswered => Answer::OPEN,
                };
                if !answer.is_there() && read.is_there() {
                    self.done += 1;
                    *answer = read;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn open_items(&self, model: usize) -> usize {
        let of = |s: usize| {
            let answers = &self.answers[model][s];
            (0..answers.len())
                .filter(|i| self.golds[s].is_asked(*i) && !answers[*i].is_there())
                .count()
        };
        (0..self.golds.len()).map(of).sum()
    }

    /// The open items of a model, set by set, drawn from the files as they are asked for.
    pub(super) fn open_of(&self, model: usize) -> Open<'a> {
        let open = (0..self.golds.len())
            .map(|s| {
                let answers = &self.answers[model][s];
                (0..answers.len())
                    .map(|i| self.golds[s].is_asked(i) && !answers[i].is_there())
                    .collect()
            })
            .collect();
        Open {
            attempt: self.attempt.clone(),
            sets: &self.locked.plan.sets,
            open,
            at: 0,
            items: None,
        }
    }

    /// Puts the open items of one model.
    fn ask(
        &mut self,
        model: usize,
        chat: &mut dyn ChatModel,
        progress: &mut dyn Progress,
        out: &mut ResultWriter,
    ) -> Result<(), ClassifyError> {
        let reference = self.locked.plan.models[model].clone();
        let flight = Arc::new(Mutex::new(Flight::default()));
        let max_tokens = self.locked.plan.max_tokens;
        let mut requests = Requests {
            open: self.open_of(model),
            max_tokens,
            flight: Arc::clone(&flight),
            drawn: 0,
        };
        let mut broken: Option<JobError> = None;
        progress.at(self.done, Some(self.total), &reference);
        let asked = chat.ask(&mut requests, &mut |i, reply| {
            let Some((set, item)) = lock(&flight).items.remove(&i) else {
                return ControlFlow::Continue(());
            };
            if let Err(e) = self.take(model, set, &item, reply, out) {
                broken = Some(e);
                return ControlFlow::Break(());
            }
            if self.done.is_multiple_of(WORD_EVERY) || self.done == self.total {
                let name = &self.locked.plan.sets[set].task.name;
                progress.at(self.done, Some(self.total), &format!("{reference}: {name}"));
            }
            if progress.should_stop() {
                broken = Some(JobError::Stopped);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if let Some(e) = broken {
            return Err(e.into());
        }
        if let Some(e) = lock(&flight).broken.take() {
            return Err(e);
        }
        // By this attempt or an earlier one: a service that went away may be back later.
        let answered = self.answers[model].iter().flatten().any(|a| a.is_there());
        asked.map_err(|source| ClassifyError::Provider { model: reference, source, answered })?;
        Ok(())
    }

    /// One reply: parsed, written, remembered.
    fn take(
        &mut self,
        model: usize,
        set: usize,
        item: &Drawn,
        reply: Result<ChatReply, CallFailed>,
        out: &mut ResultWriter,
    ) -> Result<(), JobError> {
        let (reading, key) = match reply {
            Ok(reply) => (self.parsers[set].read_reply(&reply), Some(reply.key)),
            Err(e) if e.code == "refused" => (Reading::Refusal, None),
            Err(e) if e.code == "too-long" => (Reading::Invalid(Invalid::TooLong), None),
            Err(e) => {
                *self.no_reply.entry(e.code.clone()).or_default() += 1;
                return out.write(&ResultLine {
                    outcome: Outcome::Unanswered,
                    why: Some(format!("{}: {}", e.code, e.detail)),
                    ..self.line(model, set, item)
                });
            }
        };
        self.settle(model, set, item, reading, key, None, out)
    }

    fn line(&self, model: usize, set: usize, item: &Drawn) -> ResultLine {
        ResultLine {
            model: self.locked.plan.models[model].clone(),
            task: self.locked.plan.sets[set].task.name.clone(),
            item: item.number,
            gold: item.gold.clone(),
            outcome: Outcome::Label,
            label: None,
            why: None,
            reply: None,
            log_probs: None,
        }
    }

    /// Writes an answer and remembers it.
    #[allow(clippy::too_many_arguments, reason = "what a line holds")]
    pub(super) fn settle(
        &mut self,
        model: usize,
        set: usize,
        item: &Drawn,
        reading: Reading,
        reply: Option<String>,
        log_probs: Option<Vec<f64>>,
        out: &mut ResultWriter,
    ) -> Result<(), JobError> {
        let mut line = ResultLine { reply, log_probs, ..self.line(model, set, item) };
        match reading {
            Reading::Label(i) => line.label = self.parsers[set].labels().get(i).cloned(),
            Reading::Refusal => line.outcome = Outcome::Refusal,
            Reading::Invalid(why) => {
                line.outcome = Outcome::Invalid;
                line.why = Some(why.word().to_owned());
            }
        }
        out.write(&line)?;
        if let Some(a) = self.answers[model][set].get_mut(item.number as usize)
            && !a.is_there()
        {
            *a = Answer::of(reading);
            self.done += 1;
        }
        Ok(())
    }

    /// Items without a reply: no table, or wrong, as the plan says.
    fn settle_unanswered(&mut self) -> Result<(), ClassifyError> {
        let models = 0..self.locked.plan.models.len();
        let missing: usize = models.clone().map(|m| self.open_items(m)).sum();
        if missing == 0 {
            return Ok(());
        }
        if self.locked.plan.unanswered == Unanswered::Stop {
            let why: Vec<String> =
                self.no_reply.iter().map(|(code, n)| format!("{code} {n}")).collect();
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
            return Err(JobError::Work(format!(
                "{missing} of {} items got no reply{why}: `polyculture runs retry` asks for these \
                 alone; a plan made with `--count-unanswered` scores them as wrong instead",
                self.total
            ))
            .into());
        }
        for m in models {
            for (s, golds) in self.golds.iter().enumerate() {
                for (i, a) in self.answers[m][s].iter_mut().enumerate() {
                    if golds.is_asked(i) && !a.is_there() {
                        *a = Answer::UNANSWERED;
                    }
                }
            }
        }
        Ok(())
    }
}

/// An item without its text.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) number: u32,
    pub(super) gold: String,
}

/// Items that were drawn and not yet answered.
#[derive(Debug, Default)]
struct Flight {
    items: HashMap<u64, (usize, Drawn)>,
    broken: Option<ClassifyError>,
}

fn lock(flight: &Mutex<Flight>) -> std::sync::MutexGuard<'_, Flight> {
    flight.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Open items, streamed. Memory: one line of one file, and a bit an item.
pub(super) struct Open<'a> {
    attempt: Attempt,
    sets: &'a [PlannedSet],
    open: Vec<Vec<bool>>,
    at: usize,
    items: Option<Items>,
}

impl<'a> Iterator for Open<'a> {
    type Item = Result<(usize, &'a PlannedSet, Item), ClassifyError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let set = self.sets.get(self.at)?;
            if self.items.is_none() {
                if !self.open[self.at].contains(&true) {
                    self.at += 1;
                    continue;
                }
                match Items::open(&self.attempt.input(&set.data), &set.task) {
                    Ok(items) => self.items = Some(items),
                    Err(e) => return Some(Err(e)),
                }
            }
            match self.items.as_mut().and_then(Iterator::next) {
                Some(Ok(item)) => {
                    if self.open[self.at].get(item.number as usize) == Some(&true) {
                        return Some(Ok((self.at, set, item)));
                    }
                }
                Some(Err(e)) => return Some(Err(e)),
                None => {
                    self.items = None;
                    self.at += 1;
                }
            }
        }
    }
}

/// Open items as requests.
struct Requests<'a> {
    open: Open<'a>,
    max_tokens: u32,
    flight: Arc<Mutex<Flight>>,
    drawn: u64,
}

impl Iterator for Requests<'_> {
    type Item = ChatRequest;

    fn next(&mut self) -> Option<ChatRequest> {
        match self.open.next()? {
            Ok((at, set, item)) => {
                let request = set.request(&item.text, self.max_tokens);
                let drawn = Drawn { number: item.number, gold: item.gold };
                lock(&self.flight).items.insert(self.drawn, (at, drawn));
                self.drawn += 1;
                Some(request)
            }
            Err(e) => {
                lock(&self.flight).broken = Some(e);
                None
            }
        }
    }
}

/// True where an item without a gold label is asked about all the same.
pub(super) fn asks_without_gold(parser: ParserName) -> bool {
    parser == ParserName::Paper
}
