//! `results.jsonl` of a run: what one model said to one item, a line; and all answers of a run in
//! one byte an item.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::parser::{Invalid, Reading};
use crate::job::{Attempt, JobError, JsonlWriter};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultLine {
    /// The model's reference, as the plan has it.
    pub model: String,
    /// The task's name.
    pub task: String,
    /// The item, from 0.
    pub item: u32,
    /// Its gold label, as the data writes it.
    pub gold: String,
    /// What the reply is.
    pub outcome: Outcome,
    /// The label that was read; none for refusals and invalid replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Why it is invalid, or why there is no reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The reply's key in the reply store, which has its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Log-probabilities of the label words, in the order of the task's labels, where they were
    /// scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_probs: Option<Vec<f64>>,
}

/// What a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A label.
    Label,
    /// The model would not answer.
    Refusal,
    /// No label.
    Invalid,
    /// No reply came; asked again when the run is retried.
    Unanswered,
}

/// What is known of one item: one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer(u8);

impl Answer {
    /// Not asked yet, or no reply.
    pub const OPEN: Self = Self(0);
    /// A refusal.
    pub const REFUSAL: Self = Self(255);
    /// No label.
    pub const INVALID: Self = Self(254);
    /// No reply came, and the plan counts that as wrong.
    pub const UNANSWERED: Self = Self(253);

    /// Of a reading. Tasks have fewer than 250 labels.
    pub fn of(reading: Reading) -> Self {
        match reading {
            Reading::Label(i) => u8::try_from(i + 1).map_or(Self::INVALID, Self),
            Reading::Refusal => Self::REFUSAL,
            Reading::Invalid(_) => Self::INVALID,
        }
    }

    /// The label's index.
    pub fn label(self) -> Option<usize> {
        (1..253).contains(&self.0).then(|| usize::from(self.0) - 1)
    }

    /// True where there is an answer of any kind.
    pub fn is_there(self) -> bool {
        self != Self::OPEN
    }
}

impl Invalid {
    /// As result lines write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoLabel => "no-label",
            Self::Several => "several",
            Self::CutOff => "cut-off",
            Self::TooLong => "too-long",
        }
    }
}

/// Appends result lines, some at a time. What a killed job had not written yet is in the reply
/// store, so that nothing is paid for twice.
#[derive(Debug)]
pub struct ResultWriter {
    out: JsonlWriter,
    held: Vec<u8>,
    written: Instant,
}

impl ResultWriter {
    const MOST: usize = 64 * 1024;
    const LONGEST: Duration = Duration::from_millis(500);

    /// To `results.jsonl` of an attempt.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(attempt: &Attempt) -> Result<Self, JobError> {
        Ok(Self { out: attempt.results()?, held: Vec::new(), written: Instant::now() })
    }

    /// Holds a line, and writes what is held when it is much or old.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, line: &ResultLine) -> Result<(), JobError> {
        serde_json::to_writer(&mut self.held, line)
            .map_err(|e| JobError::Work(format!("results.jsonl: {e}")))?;
        self.held.push(b'\n');
        if self.held.len() >= Self::MOST || self.written.elapsed() >= Self::LONGEST {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is held.
    ///
    /// # Errors
    /// The disk is full.
    pub fn flush(&mut self) -> Result<(), JobError> {
        self.out.write_lines(&self.held)?;
        self.held.clear();
        self.written = Instant::now();
        Ok(())
    }

    /// Writes what is held and makes it durable.
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn sync(&mut self) -> Result<(), JobError> {
        self.flush()?;
        self.out.sync()
    }
}

/// Reads result lines one by one; a torn last line is left alone, a missing file is empty.
///
/// # Errors
/// A whole line that is no result; whatever `each` says.
pub fn read_results(
    path: &Path,
    mut each: impl FnMut(ResultLine) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let file = match File::open(path) {
        Ok(f) => f,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(JobError::io(path)(e)),
    };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut number) = (Vec::new(), 0u64);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(JobError::io(path))?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        number += 1;
        each(serde_json::from_slice(&line).map_err(|e| JobError::Malformed {
            path: path.to_owned(),
            line: Some(number),
            reason: e.to_string(),
        })?)?;
    }
}
