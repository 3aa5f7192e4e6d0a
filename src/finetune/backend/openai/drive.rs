//! One attempt: find the job of an earlier one or make it, follow it to its end.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::journal::Journal;
use super::metrics::told;
use super::{PROVIDER, TRAINING, VALIDATION};
use crate::config::UserConfig;
use crate::finetune::checkpoint::sha256;
use crate::finetune::job::{failed, parse_recipe};
use crate::finetune::{Backend, FinetuneError, Recipe, TrainSummary};
use crate::job::{Attempt, JobError, MetricsWriter, Progress, StopFile};
use crate::providers::ModelSource;
use crate::providers::openai::{Rest, RestAnswer};

/// First wait between two looks at a job; it grows to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(15);
/// The name in a job's metadata.
const KEY: &str = "polyculture_run";
/// Pages of a service's list of jobs that are looked through for ours.
const PAGES: usize = 50;

struct Work<'a> {
    attempt: &'a Attempt,
    recipe: Recipe,
    rest: Rest,
    provider: String,
    model: String,
    journal: Journal,
}

/// See [`crate::finetune::backend::Trains::carry`].
pub(super) fn carry(
    attempt: &Attempt,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, JobError> {
    let began = Instant::now();
    let path = attempt.input("recipe.toml");
    let bytes = fs::read(&path).map_err(JobError::io(&path))?;
    let recipe = parse_recipe(&bytes, &path)?;
    let ModelSource::Endpoint { provider, model } = attempt.read_input(PROVIDER)? else {
        return Err(JobError::Work(format!("{PROVIDER} names no service")));
    };
    let plan = |e: &dyn std::fmt::Display| failed(FinetuneError::Plan(e.to_string()));
    let config = UserConfig::load().map_err(|e| plan(&e))?;
    let rest =
        Rest::new(config.provider(&provider).map_err(|e| plan(&e))?).map_err(|e| plan(&e))?;
    let before = Journal::newest(attempt)?;
    let mut work = Work { attempt, recipe, rest, provider, model, journal: Journal::default() };
    let resumed = work.find_or_create(before, progress)?;
    let (tuned, step) = work.follow(progress)?;
    let examples = fs::read(attempt.input(TRAINING)).map_err(JobError::io(TRAINING))?;
    let examples = examples.iter().filter(|b| **b == b'\n').count();
    Ok(TrainSummary {
        kind: "model".into(),
        checkpoint: "".into(),
        step,
        examples,
        parameters: 0,
        trained: 0,
        adapter: false,
        base: None,
        vocab_size: 0,
        loss: None,
        resumed_from: resumed.then_some(0),
        seconds: began.elapsed().as_secs_f64(),
        examples_per_s: 0.0,
        recipe_sha256: sha256(&bytes),
        backend: Backend::Openai.word().into(),
        device: None,
        remote: Some(format!("provider:{}/{tuned}", work.provider)),
    })
}

impl Work<'_> {
    /// The job of an earlier attempt goes on; a new one is made only where there is none that may
    /// cost money still. True when it was found.
    fn find_or_create(
        &mut self,
        before: Option<Journal>,
        progress: &mut dyn Progress,
    ) -> Result<bool, JobError> {
        if let Some(mut j) = before.filter(|j| j.ended.is_none()) {
            if j.job.is_none() && j.creating {
                progress.at(0, None, "looking for a job that may have been made");
                j.job = self.look_for(&j.key)?;
            }
            if let Some(job) = &j.job {
                say(&format!("going on with job {job}"));
                self.journal = j;
                self.journal.write(self.attempt)?;
                return Ok(true);
            }
            // Files that were uploaded serve again.
            self.journal = Journal { creating: false, ..j };
        }
        // The same key as long as the same job is asked for: a service that knows it makes one.
        if self.journal.key.is_empty() {
            let number = self.attempt.number();
            let run = self.attempt.run_dir().file_name().unwrap_or_default().to_string_lossy();
            self.journal.key = format!("{run}/attempt-{number}");
        }
        self.journal.write(self.attempt)?;
        if self.journal.training_file.is_none() {
            self.journal.training_file = Some(self.upload(TRAINING, progress)?);
            self.journal.write(self.attempt)?;
        }
        if self.journal.validation_file.is_none() && self.attempt.input(VALIDATION).exists() {
            self.journal.validation_file = Some(self.upload(VALIDATION, progress)?);
            self.journal.write(self.attempt)?;
        }
        if progress.should_stop() {
            return Err(JobError::Stopped);
        }
        self.create(progress)?;
        Ok(false)
    }

    fn upload(&self, name: &str, progress: &mut dyn Progress) -> Result<String, JobError> {
        progress.at(0, None, &format!("uploading {name}"));
        let path = self.attempt.input(name);
        let bytes = fs::read(&path).map_err(JobError::io(&path))?;
        let named = format!("{}-{name}", self.journal.key.replace('/', "-"));
        let answer = self
            .rest
            .upload("/files", ("purpose", "fine-tune"), &named, &bytes)
            .map_err(|e| self.silent(&format!("uploading {name}"), &e))?;
        self.id(&answer, &format!("uploading {name}"))
    }

    /// Asks for the job. Where no answer comes it is looked for, never asked for again.
    fn create(&mut self, progress: &mut dyn Progress) -> Result<(), JobError> {
        progress.at(0, None, "asking for the job");
        let settings = self.recipe.openai.clone().unwrap_or_default();
        let mut hyper = serde_json::Map::new();
        hyper.insert("n_epochs".into(), self.recipe.epochs.into());
        if self.recipe.batch > 0 {
            hyper.insert("batch_size".into(), self.recipe.batch.into());
        }
        if let Some(m) = settings.learning_rate_multiplier {
            hyper.insert("learning_rate_multiplier".into(), m.into());
        }
        let mut body = json!({
            "model": self.model,
            "training_file": self.journal.training_file,
            "seed": self.recipe.seed & 0x7fff_ffff,
            "metadata": {KEY: self.journal.key},
            "method": {"type": "supervised", "supervised": {"hyperparameters": hyper}},
        });
        if let Some(file) = &self.journal.validation_file {
            body["validation_file"] = file.as_str().into();
        }
        if let Some(suffix) = settings.suffix {
            body["suffix"] = suffix.into();
        }
        self.journal.creating = true;
        self.journal.write(self.attempt)?;
        crate::job::crash_point("service-before-create");
        let answer = self.rest.post("/fine_tuning/jobs", &body, Some(&self.journal.key));
        crate::job::crash_point("service-after-create");
        let what = "asking for the job";
        match answer {
            Ok(a) if a.status < 500 => {
                if !a.ok() {
                    // It said no: nothing was made.
                    self.journal.creating = false;
                    self.journal.write(self.attempt)?;
                }
                self.journal.job = Some(self.id(&a, what)?);
            }
            unclear => {
                let words = match &unclear {
                    Ok(a) => format!("HTTP {}: {}", a.status, a.words()),
                    Err(e) => e.clone(),
                };
                let found = self.look_for(&self.journal.key)?;
                self.journal.job = Some(found.ok_or_else(|| {
                    JobError::Work(format!(
                        "{what} at {}: {words}. No job of this run is to be found there; a retry \
                         looks again before it asks again",
                        self.rest.host()
                    ))
                })?);
            }
        }
        self.journal.write(self.attempt)?;
        say(&format!("job {}", self.journal.job.as_deref().unwrap_or_default()));
        Ok(())
    }

    /// A job with our key among the service's own.
    fn look_for(&self, key: &str) -> Result<Option<String>, JobError> {
        let what = "looking for the job of an earlier attempt";
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let name = format!("metadata[{KEY}]");
            let mut query = vec![("limit", "100"), (name.as_str(), key)];
            query.extend(after.as_deref().map(|a| ("after", a)));
            let answer =
                self.rest.get("/fine_tuning/jobs", &query).map_err(|e| self.silent(what, &e))?;
            if !answer.ok() {
                return Err(self.refused(&answer, what));
            }
            let page = answer.json();
            let jobs = page["data"].as_array().cloned().unwrap_or_default();
            // Services that do not know the filter list everything.
            let ours = jobs.iter().find(|j| j["metadata"][KEY].as_str() == Some(key));
            if let Some(id) = ours.and_then(|j| j["id"].as_str()) {
                return Ok(Some(id.to_owned()));
            }
            after = jobs.last().and_then(|j| j["id"].as_str()).map(str::to_owned);
            if after.is_none() || page["has_more"].as_bool() != Some(true) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Polls to the end: the tuned model's name and the steps done.
    fn follow(&mut self, progress: &mut dyn Progress) -> Result<(String, u64), JobError> {
        let job = self.journal.job.clone().unwrap_or_default();
        let path = format!("/fine_tuning/jobs/{job}");
        let mut metrics = self.attempt.metrics()?;
        let mut seen = HashSet::new();
        let (mut pause, mut state, mut at) = (FIRST, String::new(), (0, None));
        loop {
            if progress.should_stop() {
                return Err(self.stop(&path));
            }
            let answer = self.rest.get(&path, &[]);
            let document = match answer {
                Ok(a) if a.ok() => a.json(),
                Ok(a) if (400..500).contains(&a.status) && a.status != 429 && a.status != 408 => {
                    let what = format!("looking at job {job}, which goes on at the service");
                    return Err(self.refused(&a, &what));
                }
                other => {
                    let words = match other {
                        Ok(a) => format!("HTTP {}: {}", a.status, a.words()),
                        Err(e) => e,
                    };
                    progress.at(at.0, at.1, &format!("{}: {words}", self.rest.host()));
                    pause = rest_for(pause, progress);
                    continue;
                }
            };
            self.events(&path, &mut seen, &mut metrics, &mut at)?;
            let now = document["status"].as_str().unwrap_or("no status");
            if now != state {
                now.clone_into(&mut state);
                say(&format!("job {job}: {state}"));
                pause = FIRST;
            }
            progress.at(at.0, at.1, &state);
            match state.as_str() {
                "succeeded" => {
                    self.ended("succeeded")?;
                    let name = document["fine_tuned_model"].as_str().ok_or_else(|| {
                        JobError::Work(format!("job {job} succeeded, and names no model"))
                    })?;
                    return Ok((name.to_owned(), at.1.unwrap_or(at.0)));
                }
                "failed" | "cancelled" => {
                    self.ended(&state)?;
                    let said = document["error"]["message"].as_str().unwrap_or_default();
                    return Err(JobError::Work(format!(
                        "job {job} {state} at {}{}{said}",
                        self.rest.host(),
                        if said.is_empty() { "" } else { ": " }
                    )));
                }
                _ => pause = rest_for(pause, progress),
            }
        }
    }

    fn ended(&mut self, how: &str) -> Result<(), JobError> {
        // A job that succeeded is found again by a retry; others are not paid for again.
        if how != "succeeded" {
            self.journal.ended = Some(how.to_owned());
        }
        self.journal.write(self.attempt)
    }

    /// New events, oldest first, into metrics and log. What cannot be read now comes later.
    fn events(
        &self,
        path: &str,
        seen: &mut HashSet<String>,
        metrics: &mut MetricsWriter,
        at: &mut (u64, Option<u64>),
    ) -> Result<(), JobError> {
        let mut found: Vec<Value> = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = vec![("limit", "100")];
            query.extend(after.as_deref().map(|a| ("after", a)));
            let Ok(answer) = self.rest.get(&format!("{path}/events"), &query) else {
                return Ok(());
            };
            if !answer.ok() {
                return Ok(());
            }
            let page = answer.json();
            let events = page["data"].as_array().cloned().unwrap_or_default();
            let known = events.iter().any(|e| e["id"].as_str().is_some_and(|id| seen.contains(id)));
            after = events.last().and_then(|e| e["id"].as_str()).map(str::to_owned);
            found.extend(events);
            if known || after.is_none() || page["has_more"].as_bool() != Some(true) {
                break;
            }
        }
        // Newest came first.
        for event in found.iter().rev() {
            let told = told(event);
            if !told.id.is_empty() && !seen.insert(told.id.clone()) {
                continue;
            }
            match event["level"].as_str() {
                _ if told.words.is_empty() => {}
                Some(level @ ("warn" | "warning" | "error")) => {
                    say(&format!("{level}: {}", told.words));
                }
                _ => say(&told.words),
            }
            if let Some((step, total, values)) = told.row {
                let values: Vec<(&str, f64)> =
                    values.iter().map(|(n, x)| (n.as_str(), *x)).collect();
                metrics.log(step, total, &values)?;
                *at = (step.max(at.0), total.or(at.1));
            }
        }
        Ok(())
    }

    /// Somebody stopped the run: the job is cancelled. A TERM that nobody asked for (a machine that
    /// goes down) leaves it going: it is paid for, and a retry finds it.
    fn stop(&self, path: &str) -> JobError {
        if matches!(StopFile::read(self.attempt.dir()), Ok(None)) {
            say("the job goes on at the service; a retry takes it up");
            return JobError::Stopped;
        }
        match self.rest.post(&format!("{path}/cancel"), &json!({}), None) {
            Ok(a) if a.ok() => {
                let state = a.json()["status"].as_str().unwrap_or("cancel asked for").to_owned();
                say(&format!("cancelled at the service: {state}"));
                let ended = Journal { ended: Some("cancelled".into()), ..self.journal.clone() };
                // What cannot be written is asked of the service by a retry.
                let _ = ended.write(self.attempt);
            }
            Ok(a) => say(&format!("not cancelled: HTTP {}: {}", a.status, a.words())),
            Err(e) => say(&format!("not cancelled: {e}: the job may go on, and cost")),
        }
        JobError::Stopped
    }

    fn id(&self, answer: &RestAnswer, what: &str) -> Result<String, JobError> {
        if !answer.ok() {
            return Err(self.refused(answer, what));
        }
        answer.json()["id"].as_str().map(str::to_owned).ok_or_else(|| {
            JobError::Work(format!("{what} at {}: an answer without an id", self.rest.host()))
        })
    }

    /// The service's own words, as they are. What is said of a moment may be other in the next one.
    fn refused(&self, a: &RestAnswer, what: &str) -> JobError {
        let words = format!("{what}: {} says (HTTP {}): {}", self.rest.host(), a.status, a.words());
        let json = a.json();
        let spent = ["code", "type"].iter().any(|k| json["error"][k] == "insufficient_quota");
        if (a.status == 429 && !spent) || a.status == 408 || a.status >= 500 {
            JobError::Transient(words)
        } else {
            JobError::Work(words)
        }
    }

    /// Nothing was asked for that could be made twice.
    fn silent(&self, what: &str, words: &str) -> JobError {
        JobError::Transient(format!("{what}: no answer from {}: {words}", self.rest.host()))
    }
}

/// Waits, and looks up often enough to be stopped; the next wait is longer.
fn rest_for(pause: Duration, progress: &dyn Progress) -> Duration {
    let until = Instant::now() + pause;
    while Instant::now() < until && !progress.should_stop() {
        std::thread::sleep(Duration::from_millis(50).min(pause));
    }
    (pause * 3 / 2).min(LONGEST)
}

/// A line of the run's log.
fn say(words: &str) {
    crate::job::say(&crate::text::display_lines(words));
}
