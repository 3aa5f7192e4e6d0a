//! A run as the engine knows it, and as everybody sees it.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Exit, RunKind, RunState, StateName};
use crate::domain::RunId;

/// A run as the engine's database holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Order of arrival; also the cursor of lists.
    pub seq: i64,
    /// The run's id.
    pub id: RunId,
    /// What it executes.
    pub kind: RunKind,
    /// A word for people.
    pub label: Option<String>,
    /// Its folder.
    pub dir: PathBuf,
    /// Its workspace.
    pub workspace: PathBuf,
    /// Number of the current attempt, from 1.
    pub attempt: u32,
    /// Higher goes first.
    pub priority: i32,
    /// Slots it takes.
    pub threads: u32,
    /// GPUs it leases.
    pub gpus: u32,
    /// The pool whose places it takes.
    pub pool: Option<String>,
    /// Where it stands.
    pub state: RunState,
}

/// The public JSON of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// The run's id.
    pub id: RunId,
    /// What it executes.
    pub kind: RunKind,
    /// The state's name.
    pub state: StateName,
    /// Exit code, where it ended by itself.
    pub exit_code: Option<i32>,
    /// Signal number, where it ended by one.
    pub signal: Option<i32>,
    /// Number of the current attempt, from 1.
    pub attempt: u32,
    /// Why, in words.
    pub reason: Option<String>,
    /// RFC 3339 UTC.
    pub queued_at: Timestamp,
    /// RFC 3339 UTC.
    pub started_at: Option<Timestamp>,
    /// RFC 3339 UTC.
    pub ended_at: Option<Timestamp>,
    /// A word for people.
    pub label: Option<String>,
    /// The run's folder.
    pub dir: PathBuf,
    /// Until when it is delayed. RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The pool whose places it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Higher goes first; left out where it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(n: &i32) -> bool {
    *n == 0
}

impl RunRecord {
    /// As everybody sees it.
    pub fn view(&self) -> RunView {
        let flat = self.state.flat();
        let (exit_code, signal) = match flat.exit {
            Some(Exit::Code(c)) => (Some(c), None),
            Some(Exit::Signal(s)) => (None, Some(s)),
            None => (None, None),
        };
        RunView {
            id: self.id.clone(),
            kind: self.kind,
            state: flat.name,
            exit_code,
            signal,
            attempt: self.attempt,
            reason: flat.reason,
            queued_at: flat.queued_at,
            started_at: flat.started_at,
            ended_at: flat.ended_at,
            label: self.label.clone(),
            dir: self.dir.clone(),
            until: flat.since.filter(|_| flat.name == StateName::Delayed),
            pool: self.pool.clone(),
            priority: self.priority,
        }
    }
}

impl RunView {
    /// The folder of its current attempt.
    pub fn attempt_dir(&self) -> PathBuf {
        self.dir.join(format!("attempt-{}", self.attempt))
    }
}
