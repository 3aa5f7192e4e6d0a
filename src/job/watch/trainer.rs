//! The files of transformers' `Trainer` and of LLaMA-Factory: `trainer_state.json`, rewritten at
//! each checkpoint with all that was logged, and `trainer_log.jsonl`, a line a log.

use std::path::{Path, PathBuf};

use super::loose::{Loose, read_loose};
use super::names;
use super::stdout::{self, Bar, Piece, Steps};
use super::tail::{Look, Tail};
use crate::job::{Curves, JobError};

/// Reads `trainer_log.jsonl`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LlamaLog {
    pub tail: Tail,
    pub curves: Curves,
    /// Its newest row was the last step.
    pub ended: bool,
}

impl LlamaLog {
    pub fn new(path: PathBuf) -> Self {
        Self { tail: Tail::new(path), ..Self::default() }
    }

    /// True when there was something new.
    pub fn refresh(&mut self) -> Result<bool, JobError> {
        let mut look = self.tail.look()?;
        if look == Look::Replaced {
            *self = Self::new(self.tail.path().to_owned());
            look = self.tail.look()?;
        }
        if look != Look::Grown {
            return Ok(false);
        }
        let mut tail = std::mem::take(&mut self.tail);
        let mut news = false;
        let done = tail.feed_lines(&mut |line| {
            news = true;
            if self.line(line).is_none() && !line.iter().all(u8::is_ascii_whitespace) {
                self.curves.unreadable += 1;
            }
        });
        self.tail = tail;
        done.map(|_| news)
    }

    fn line(&mut self, line: &[u8]) -> Option<()> {
        let text = std::str::from_utf8(line).ok()?;
        let (mut step, mut total, mut elapsed) = (None, None, None);
        let mut values: Vec<(&str, f64)> = Vec::new();
        read_loose(text, &mut |path, value| {
            let [name] = path else { return };
            match (*name, value) {
                ("current_steps", v) => step = v.number(),
                ("total_steps", v) => total = v.number(),
                ("elapsed_time", Loose::Text(t)) => elapsed = stdout::clock(t),
                (name, v) if !names::is_position(name) => {
                    values.extend(v.number().map(|x| (name, x)));
                }
                _ => {}
            }
        })?;
        let step = step.filter(|s| *s >= 0.0)? as u64;
        let c = &mut self.curves;
        if c.pace().step().is_some_and(|s| step < s) {
            c.cut(step);
        }
        c.total = total.filter(|t| *t > 0.0).map(|t| t as u64).or(c.total);
        self.ended = c.total == Some(step);
        if let Some(t) = elapsed {
            c.pace_mut().at(t, step);
        }
        for (name, x) in values {
            c.value(&names::ours(name), step, x);
        }
        Some(())
    }
}

/// Reads a log that holds what transformers prints.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Output {
    pub tail: Tail,
    pub curves: Curves,
    pub steps: Steps,
    pub ended: bool,
    begun: u64,
}

impl Output {
    pub fn new(path: PathBuf) -> Self {
        Self { tail: Tail::new(path), ..Self::default() }
    }

    /// True when there was something new. `every`: `logging_steps`, where it is known.
    pub fn refresh(&mut self, every: Option<u64>) -> Result<bool, JobError> {
        let mut look = self.tail.look()?;
        if look == Look::Replaced {
            *self = Self::new(self.tail.path().to_owned());
            look = self.tail.look()?;
        }
        if look != Look::Grown {
            return Ok(false);
        }
        if self.begun == 0 {
            self.steps.every = every;
        }
        self.begun += 1;
        let mut tail = std::mem::take(&mut self.tail);
        let done = tail.feed(&mut |bytes| {
            let mut from = 0;
            for end in memchr::memchr2_iter(b'\n', b'\r', bytes) {
                self.piece(&bytes[from..end]);
                from = end + 1;
            }
            from
        });
        self.tail = tail;
        // A bar is ended by the next one: the newest is looked at without waiting for that.
        if let Piece::Bar(bar) = stdout::piece(&done?) {
            self.bar(bar);
        }
        Ok(true)
    }

    fn piece(&mut self, bytes: &[u8]) {
        match stdout::piece(bytes) {
            Piece::Bar(bar) => self.bar(bar),
            Piece::Printed(p) => {
                let Self { steps, curves, ended, .. } = self;
                *ended |= p.end;
                steps.printed(p, &mut |n, p| tell(curves, n, &p.values));
            }
            Piece::Other => {}
        }
    }

    fn bar(&mut self, bar: Bar) {
        let Self { steps, curves, ended, .. } = self;
        steps.bar(bar, &mut |n, p| tell(curves, n, &p.values));
        let Some(now) = steps.newest() else { return };
        curves.total = steps.total();
        if curves.pace().step().is_some_and(|s| now.n < s) {
            // Another start writes into the same log.
            curves.pace_mut().restart();
            *ended = false;
        }
        // A bar that begins at 0 leaps to where a resumed run is: that leap is no work done.
        if now.n > 0 {
            curves.pace_mut().at(now.elapsed, now.n);
        }
    }
}

fn tell(curves: &mut Curves, step: u64, values: &[(String, f64)]) {
    for (name, x) in values {
        // Sums over the whole run are no points of a curve.
        if name.starts_with("train_") || name == "total_flos" {
            continue;
        }
        if curves.of.get(name).and_then(|c| c.last).is_some_and(|l| step < l.0) {
            curves.cut(step);
        }
        curves.value(name, step, *x);
    }
}

/// Reads `trainer_state.json`, whole, whenever it is another one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateFile {
    pub path: PathBuf,
    pub curves: Curves,
    /// `logging_steps`.
    pub every: Option<u64>,
    /// `global_step`
    pub step: Option<u64>,
    seen: Option<(u64, std::time::SystemTime)>,
}

impl StateFile {
    /// Bytes of the file that was read.
    pub fn size(&self) -> u64 {
        self.seen.map_or(0, |s| s.0)
    }

    /// True when it was read anew. A file that is being written is read at the next look.
    pub fn refresh(&mut self, path: &Path) -> Result<bool, JobError> {
        let Ok(meta) = std::fs::metadata(path) else { return Ok(false) };
        let now = meta.modified().ok().map(|m| (meta.len(), m));
        if self.path == path && self.seen.is_some() && self.seen == now {
            return Ok(false);
        }
        let text = std::fs::read_to_string(path).map_err(JobError::io(path))?;
        let mut new = Self { path: path.to_owned(), seen: now, ..Self::default() };
        if new.read(&text).is_some() {
            *self = new;
            return Ok(true);
        }
        Ok(false)
    }

    fn read(&mut self, text: &str) -> Option<()> {
        let whole = |v: Loose<'_>| v.number().filter(|x| *x >= 0.0).map(|x| x as u64);
        let mut row: Vec<(&str, f64)> = Vec::new();
        let Self { curves, every, step, .. } = self;
        read_loose(text, &mut |path, value| match (path, value) {
            (["logging_steps"], v) => *every = whole(v).filter(|n| *n > 0),
            (["max_steps"], v) => curves.total = whole(v).filter(|n| *n > 0),
            (["global_step"], v) => *step = whole(v),
            (["log_history", ""], Loose::End) => {
                let at = row.iter().find(|(n, _)| *n == "step").map(|(_, x)| *x as u64);
                let values: Vec<(String, f64)> = row
                    .drain(..)
                    .filter(|(n, _)| !names::is_position(n))
                    .map(|(n, x)| (names::ours(n), x))
                    .collect();
                if let Some(at) = at {
                    tell(curves, at, &values);
                }
            }
            (["log_history", "", name], v) => row.extend(v.number().map(|x| (*name, x))),
            _ => {}
        })?;
        Some(())
    }
}
