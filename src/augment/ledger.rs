//! What a run has written: samples of finished seeds, the marks that say which are finished, and
//! the figures of its calls.

use super::Summary;
use crate::domain::{QuestionId, Sample};
use crate::job::{Attempt, JobError, JsonlWriter, MetricsWriter};
use crate::providers::Totals;
use crate::providers::language::Answer;

/// Seeds whose marks are written together: a mark must not be durable before its samples are.
const TOGETHER: usize = 16;

/// The files of one attempt, open for appending.
pub(super) struct Ledger {
    results: JsonlWriter,
    marks: JsonlWriter,
    metrics: MetricsWriter,
    waiting: Vec<QuestionId>,
    summary: Summary,
    totals: Totals,
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
            totals: Totals::default(),
            calls: false,
            unlogged: 0,
        })
    }

    /// Replies heard of, failed calls included.
    pub fn replies(&self) -> u64 {
        self.totals.requests
    }

    /// Counts one reply. Tries are known only at the end of a wave: until then a reply that was
    /// not in the store counts as one call.
    pub fn heard(&mut self, answer: &Answer) {
        self.calls = true;
        let t = &mut self.totals;
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
    pub fn wave_done(&mut self, of_wave: &Totals, total: u64) -> Result<(), JobError> {
        let t = &mut self.totals;
        if let Some(cost) = of_wave.cost {
            t.cost = Some(t.cost.unwrap_or(0.0) + cost);
        }
        self.log(Some(total))
    }

    fn log(&mut self, total: Option<u64>) -> Result<(), JobError> {
        self.unlogged = 0;
        let (t, s) = (&self.totals, &self.summary);
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
        let mut summary = self.summary;
        summary.calls = self.calls.then_some(self.totals);
        Ok(summary)
    }
}
