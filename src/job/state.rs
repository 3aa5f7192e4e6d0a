//! The states of a run. Each carries its own times, so that an ended run without an end, or a
//! queued one with an exit code, cannot be written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The names of the states, as in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants of `RunState` say what they mean")]
pub enum StateName {
    Queued,
    Blocked,
    Delayed,
    Starting,
    Running,
    Paused,
    Stopping,
    Succeeded,
    Failed,
    Cancelled,
    TimedOut,
    OutOfMemory,
    Lost,
    Skipped,
}

impl StateName {
    /// All states, in the order of a run's life.
    pub const ALL: [Self; 14] = [
        Self::Queued,
        Self::Blocked,
        Self::Delayed,
        Self::Starting,
        Self::Running,
        Self::Paused,
        Self::Stopping,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::OutOfMemory,
        Self::Lost,
        Self::Skipped,
    ];

    /// As in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Blocked => "blocked",
            Self::Delayed => "delayed",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::OutOfMemory => "out_of_memory",
            Self::Lost => "lost",
            Self::Skipped => "skipped",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// True when nothing more happens unless somebody retries it.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Failed
                | Self::Cancelled
                | Self::TimedOut
                | Self::OutOfMemory
                | Self::Lost
                | Self::Skipped
        )
    }

    /// True while an attempt may have processes.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Paused | Self::Stopping)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are the times that their names say")]
pub enum RunState {
    /// Waits for free slots.
    Queued { queued_at: Timestamp },
    /// Waits for something named: a secret, another run.
    Blocked { queued_at: Timestamp, reason: String },
    /// Waits for a time. `reason`: why, where it is another attempt after one that died.
    Delayed { queued_at: Timestamp, until: Timestamp, reason: Option<String> },
    /// Committed to start; its shim may or may not live yet. `note`: where it waits, such as in
    /// SLURM's queue.
    Starting { queued_at: Timestamp, starting_at: Timestamp, note: Option<String> },
    /// The work runs. `note`: what is unusual about it, such as a shim that died.
    Running { queued_at: Timestamp, started_at: Timestamp, note: Option<String> },
    /// Its processes are stopped; memory is kept.
    Paused { queued_at: Timestamp, started_at: Timestamp, paused_at: Timestamp },
    /// Was asked to end and has not yet.
    Stopping { queued_at: Timestamp, started_at: Option<Timestamp>, stopping_at: Timestamp },
    /// Exit code 0 of work that nobody had asked to stop.
    Succeeded { queued_at: Timestamp, started_at: Timestamp, ended_at: Timestamp },
    /// Another exit, or no start at all (`exit` is `None`, `reason` says why).
    Failed {
        queued_at: Timestamp,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        exit: Option<Exit>,
        reason: Option<String>,
    },
    /// Ended after it was asked to, whatever its exit.
    Cancelled {
        queued_at: Timestamp,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        exit: Option<Exit>,
    },
    /// Its time limit passed.
    TimedOut {
        queued_at: Timestamp,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        exit: Option<Exit>,
    },
    /// The kernel, or the GPU's allocator, refused memory.
    OutOfMemory {
        queued_at: Timestamp,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        exit: Option<Exit>,
        reason: Option<String>,
    },
    /// Nobody saw its end: never a success.
    Lost {
        queued_at: Timestamp,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        reason: String,
    },
    /// A dependency ended so that it must not start.
    Skipped { queued_at: Timestamp, ended_at: Timestamp, reason: String },
}

/// A state as one row of a table or one JSON object.
#[derive(Debug, Clone, PartialEq)]
pub struct FlatState {
    /// Its name.
    pub name: StateName,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When this state was entered, or until when it is delayed, where the other times do not say.
    pub since: Option<Timestamp>,
    /// When its work started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// Why, in words.
    pub reason: Option<String>,
}

impl RunState {
    /// The state's name.
    pub fn name(&self) -> StateName {
        match self {
            Self::Queued { .. } => StateName::Queued,
            Self::Blocked { .. } => StateName::Blocked,
            Self::Delayed { .. } => StateName::Delayed,
            Self::Starting { .. } => StateName::Starting,
            Self::Running { .. } => StateName::Running,
            Self::Paused { .. } => StateName::Paused,
            Self::Stopping { .. } => StateName::Stopping,
            Self::Succeeded { .. } => StateName::Succeeded,
            Self::Failed { .. } => StateName::Failed,
            Self::Cancelled { .. } => StateName::Cancelled,
            Self::TimedOut { .. } => StateName::TimedOut,
            Self::OutOfMemory { .. } => StateName::OutOfMemory,
            Self::Lost { .. } => StateName::Lost,
            Self::Skipped { .. } => StateName::Skipped,
        }
    }

    /// As one row.
    pub fn flat(&self) -> FlatState {
        let name = self.name();
        let flat = |queued_at: &Timestamp| FlatState {
            name,
            queued_at: *queued_at,
            since: None,
            started_at: None,
            ended_at: None,
            exit: None,
            reason: None,
        };
        match self {
            Self::Queued { queued_at } => flat(queued_at),
            Self::Blocked { queued_at, reason } => {
                FlatState { reason: Some(reason.clone()), ..flat(queued_at) }
            }
            Self::Delayed { queued_at, until, reason } => {
                FlatState { since: Some(*until), reason: reason.clone(), ..flat(queued_at) }
            }
            Self::Starting { queued_at, starting_at: since, note } => {
                FlatState { since: Some(*since), reason: note.clone(), ..flat(queued_at) }
            }
            Self::Running { queued_at, started_at, note } => {
                FlatState { started_at: Some(*started_at), reason: note.clone(), ..flat(queued_at) }
            }
            Self::Paused { queued_at, started_at, paused_at } => FlatState {
                since: Some(*paused_at),
                started_at: Some(*started_at),
                ..flat(queued_at)
            },
            Self::Stopping { queued_at, started_at, stopping_at } => {
                FlatState { since: Some(*stopping_at), started_at: *started_at, ..flat(queued_at) }
            }
            Self::Succeeded { queued_at, started_at, ended_at } => FlatState {
                started_at: Some(*started_at),
                ended_at: Some(*ended_at),
                exit: Some(Exit::Code(0)),
                ..flat(queued_at)
            },
            Self::Failed { queued_at, started_at, ended_at, exit, reason }
            | Self::OutOfMemory { queued_at, started_at, ended_at, exit, reason } => FlatState {
                started_at: *started_at,
                ended_at: Some(*ended_at),
                exit: *exit,
                reason: reason.clone(),
                ..flat(queued_at)
            },
            Self::Cancelled { queued_at, started_at, ended_at, exit }
            | Self::TimedOut { queued_at, started_at, ended_at, exit } => FlatState {
                started_at: *started_at,
                ended_at: Some(*ended_at),
                exit: *exit,
                ..flat(queued_at)
            },
            Self::Lost { queued_at, started_at, ended_at, reason } => FlatState {
                started_at: *started_at,
                ended_at: Some(*ended_at),
                reason: Some(reason.clone()),
                ..flat(queued_at)
            },
            Self::Skipped { queued_at, ended_at, reason } => FlatState {
                ended_at: Some(*ended_at),
                reason: Some(reason.clone()),
                ..flat(queued_at)
            },
        }
    }

    /// Reads [`Self::flat`] back. `None` when a time or word that the state needs is missing.
    pub fn from_flat(f: FlatState) -> Option<Self> {
        let FlatState { name, queued_at, since, started_at, ended_at, exit, reason } = f;
        Some(match name {
            StateName::Queued => Self::Queued { queued_at },
            StateName::Blocked => Self::Blocked { queued_at, reason: reason? },
            StateName::Delayed => Self::Delayed { queued_at, until: since?, reason },
            StateName::Starting => Self::Starting { queued_at, starting_at: since?, note: reason },
            StateName::Running => {
                Self::Running { queued_at, started_at: started_at?, note: reason }
            }
            StateName::Paused => {
                Self::Paused { queued_at, started_at: started_at?, paused_at: since? }
            }
            StateName::Stopping => Self::Stopping { queued_at, started_at, stopping_at: since? },
            StateName::Succeeded => {
                Self::Succeeded { queued_at, started_at: started_at?, ended_at: ended_at? }
            }
            StateName::Failed => {
                Self::Failed { queued_at, started_at, ended_at: ended_at?, exit, reason }
            }
            StateName::Cancelled => {
                Self::Cancelled { queued_at, started_at, ended_at: ended_at?, exit }
            }
            StateName::TimedOut => {
                Self::TimedOut { queued_at, started_at, ended_at: ended_at?, exit }
            }
            StateName::OutOfMemory => {
                Self::OutOfMemory { queued_at, started_at, ended_at: ended_at?, exit, reason }
            }
            StateName::Lost => {
                Self::Lost { queued_at, started_at, ended_at: ended_at?, reason: reason? }
            }
            StateName::Skipped => Self::Skipped { queued_at, ended_at: ended_at?, reason: reason? },
        })
    }

    /// When it was queued.
    pub fn queued_at(&self) -> Timestamp {
        self.flat().queued_at
    }

    /// When its work started, if it did.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.flat().started_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_goes_through_its_row_and_back() {
        let t = |s| Timestamp::from_second(s).unwrap();
        for name in StateName::ALL {
            assert_eq!(StateName::from_word(name.word()), Some(name));
            assert!(!(name.is_final() && name.is_live()));
            let exit = if name == StateName::Succeeded { Exit::Code(0) } else { Exit::Signal(9) };
            let full = FlatState {
                name,
                queued_at: t(1),
                since: Some(t(2)),
                started_at: Some(t(3)),
                ended_at: Some(t(4)),
                exit: Some(exit),
                reason: Some("why".into()),
            };
            let state = RunState::from_flat(full).unwrap();
            assert_eq!(state.name(), name);
            assert_eq!(RunState::from_flat(state.flat()), Some(state));
        }
    }

    #[test]
    fn an_end_without_its_time_is_no_state() {
        for name in StateName::ALL.into_iter().filter(|n| n.is_final()) {
            let bare = FlatState {
                name,
                queued_at: Timestamp::UNIX_EPOCH,
                since: None,
                started_at: None,
                ended_at: None,
                exit: None,
                reason: None,
            };
            assert_eq!(RunState::from_flat(bare), None, "{name:?}");
        }
    }
}
