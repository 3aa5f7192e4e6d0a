//! What a run has written: samples of finished seeds, the marks that say which are finished, and
//! the figures of its calls.

use super::Summary;
use crate::domain::{QuestionId, Sample};
use crate::job::{Attempt, JobError, JsonlWriter, MetricsWriter};
use crate::providers::budget::Price;
use crate::providers::language::Answer;
use crate::providers::{Totals, Usage};

/// Seeds whose marks are written together: a mark must not be durable before its samples are.
const TOGETHER: usize = 16;

/// The files of one attempt, open for appending.
pub(super) struct Ledger {
    results: JsonlWriter,
    marks: JsonlWriter,
    metrics: MetricsWriter,
    waiting: Vec<QuestionId>,
    summary: Summary,
    /// Of waves that are over, as the provider counted them.
    over: Totals,
    /// Of the wave that goes on, as far as replies tell.
    wave: Totals,
    /// What tokens cost, for the figures as the run goes.
    price: Option<Price>,
    calls: bool,
    /// Seeds written since figures were noted last.
    unlogged: usize,
}

impl Ledger {
    /// Opens the files; `before` are samples of finished seeds of earlier attempts.
    pub fn open(attempt: &Attempt, before: &[Sample]) -> Result<Self, JobError> {
        Ok(Self {
            results: attempt.results()?,
            marks: JsonlWriter::append(attempt.file("seeds.jsonl"))?,
            metrics: attempt.metrics()?,
            waiting: Vec::new(),
            summary: Summary::of(before),
            over: Totals::default(),
            wave: Totals::default(),
            price: match attempt.input("price.json") {
                path if path.exists() => attempt.read_input("price.json")?,
                _ => None,
            },
            calls: false,
            unlogged: 0,
        })
    }

    /// Replies heard of, failed calls included.
    pub fn replies(&self) -> u64 {
        self.over.requests + self.wave.requests
    }

    /// Counts one reply. Tries are known only at the end of a wave: until then a reply that was
    /// not in the store counts as one call.
    pub fn heard(&mut self, answer: &Answer) {
        self.calls = true;
        let t = &mut self.wave;
        t.requests += 1;
        match answer {
            Ok(r) if r.stored => t.stored += 1,
            Ok(r) => {
                t.calls += 1;
                t.usage.prompt += r.usage.prompt;
                t.usage.completion += r.usage.completion;
            }
            Err(_) => t.failed += 1,
        }
        t.cost = self.price.as_ref().map(|p| p.of(t.usage));
    }

    /// What the calls took so far.
    fn totals(&self) -> Totals {
        let (a, b) = (&self.over, &self.wave);
        Totals {
            requests: a.requests + b.requests,
            stored: a.stored + b.stored,
            calls: a.calls + b.calls,
            failed: a.failed + b.failed,
            usage: Usage {
                prompt: a.usage.prompt + b.usage.prompt,
                completion: a.usage.completion + b.usage.completion,
            },
            cost: match (a.cost, b.cost) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
            },
        }
    }

    /// What the calls took so far, in words.
    pub fn spent(&self) -> String {
        let t = self.totals();
        let failed = if t.failed > 0 { format!(", {} failed", t.failed) } else { String::new() };
        let currency = self.price.as_ref().map_or("", |p| p.currency.as_str());
        let cost = t.cost.map(|c| format!(", {c:.4} {currency}")).unwrap_or_default();
        format!("{} calls, {} stored{failed}{cost}", t.calls, t.stored)
    }

    /// Writes samples that need no mark: each is finished by itself.
    pub fn write(&mut self, samples: &[Sample]) -> Result<(), JobError> {
        for s in samples {
            self.results.write(s)?;
            self.summary.add(s);
        }
        self.unlogged += 1;
        if self.calls && self.unlogged >= TOGETHER { self.log(None) } else { Ok(()) }
    }

    /// Writes the samples of a seed that is finished.
    pub fn finished(&mut self, seed: &QuestionId, samples: &[Sample]) -> Result<(), JobError> {
        self.write(samples)?;
        self.waiting.push(seed.clone());
        if self.waiting.len() >= TOGETHER {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes everything finished so far durable, then marks it, and notes the figures.
    pub fn sync(&mut self) -> Result<(), JobError> {
        self.results.sync()?;
        if self.waiting.is_empty() {
            return Ok(());
        }
        for id in self.waiting.drain(..) {
            self.marks.write(&id)?;
        }
        Ok(())
    }

    /// Takes over what the provider itself counted over a wave: tries and cost.
    pub fn wave_done(&mut self, counted: &Totals, total: u64) -> Result<(), JobError> {
        let wave = &mut self.wave;
        wave.calls = wave.calls.max(counted.calls);
        wave.usage.prompt = wave.usage.prompt.max(counted.usage.prompt);
        wave.usage.completion = wave.usage.completion.max(counted.usage.completion);
        wave.cost = counted.cost.or(wave.cost);
        self.over = self.totals();
        self.wave = Totals::default();
        self.log(Some(total))
    }

    fn log(&mut self, total: Option<u64>) -> Result<(), JobError> {
        self.unlogged = 0;
        let (t, s) = (self.totals(), &self.summary);
        let n = |x: u64| x as f64;
        let mut values = vec![
            ("calls", n(t.calls)),
            ("stored", n(t.stored)),
            ("failed_calls", n(t.failed)),
            ("prompt_tokens", n(t.usage.prompt)),
            ("completion_tokens", n(t.usage.completion)),
            ("kept", n(s.kept)),
            ("rejected", n(s.rejected)),
            ("failed", n(s.failed)),
        ];
        values.extend(t.cost.map(|c| ("cost", c)));
        self.metrics.log(t.requests, total, &values)
    }

    /// The end: what became of all proposals, and what the calls took, where there were any.
    pub fn close(mut self) -> Result<Summary, JobError> {
        self.sync()?;
        let totals = self.totals();
        let mut summary = self.summary;
        summary.calls = self.calls.then_some(totals);
        Ok(summary)
    }
}
