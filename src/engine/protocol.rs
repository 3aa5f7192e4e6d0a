//! What passes through the socket: one JSON document a line.
//!
//! The engine greets with `{"hello": {..}}`. A client sends `{"id": N, "do": WORD, ..}` and gets
//! `{"id": N, "ok": ..}` or `{"id": N, "error": {code, message, hint}}`. After `subscribe`, the
//! same connection also carries lines without an id: `{"event": {seq, run}}`,
//! `{"progress": {..}}`, and, when the client was too slow to be waited for,
//! `{"resync": {seq, items}}`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::RunId;
use crate::job::{ProgressNow, RunKind, RunRecord, RunView, StateName};
use crate::store::engine::{EngineDb, EngineDbError, ListQuery};

/// The version both sides must speak.
pub const VERSION: u32 = 1;

/// The longest line either side accepts, in bytes.
pub const LONGEST_LINE: usize = 64 << 20;

/// The longest page of runs.
const LONGEST_PAGE: u32 = 20_000;

/// The engine's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the engine.
    pub protocol: u32,
    /// The engine's release.
    pub engine: String,
    /// Its process.
    pub pid: u32,
    /// What it can beyond the first release of this protocol: see [`CAN_FIND`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub can: Vec<String>,
}

/// In [`Hello::can`]: lists are filtered and paged both ways (`after`, `words`, `states`, `count`).
pub const CAN_FIND: &str = "list.find";

/// In [`Hello::can`]: dependencies, pools, delays, limits, retries, pausing, priorities.
pub const CAN_TERMS: &str = "run.terms";

/// In [`Hello::can`]: GPUs are leased, and the engine can be drained.
pub const CAN_LEASE: &str = "gpu.lease";

/// In [`Hello::can`]: a drain can be taken back, and outlives the engine.
pub const CAN_UNDRAIN: &str = "drain.undo";

/// All that this release can.
pub const CAN: [&str; 4] = [CAN_FIND, CAN_TERMS, CAN_LEASE, CAN_UNDRAIN];

/// A request, as it stands on the line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Frame {
    /// Comes back with the reply.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What a client may ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Answered by [`Status`].
    Status,
    /// Answered by nothing.
    Ping,
    /// Take in the run of this folder, whose `spec.json` is durable. Answered by [`AddedRun`].
    Add {
        /// `runs/RUN`
        dir: PathBuf,
        /// Values of the spec's secrets; kept in memory only.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        secrets: BTreeMap<String, String>,
    },
    /// Secrets for a run that waits for them. Answered by the run.
    Secrets {
        /// The run.
        run: RunId,
        /// Their values.
        secrets: BTreeMap<String, String>,
    },
    /// A page of runs, newest first. Answered by [`Page`].
    List(ListAsk),
    /// One run.
    Show {
        /// The run.
        run: RunId,
    },
    /// End it: TERM, then KILL. Answered by the run, which may still be stopping.
    Cancel {
        /// The run.
        run: RunId,
    },
    /// End it with a checkpoint, so that [`Request::Resume`] goes on from there. Answered by the
    /// run, which may still be stopping.
    Checkpoint {
        /// The run.
        run: RunId,
    },
    /// Stop its processes; they keep their memory. Answered by the run.
    Pause {
        /// The run.
        run: RunId,
    },
    /// Let a paused run go on, or give one that was stopped another attempt. Answered by the run.
    Resume {
        /// The run.
        run: RunId,
    },
    /// Change the priority of a run that waits. Answered by the run.
    Priority {
        /// The run.
        run: RunId,
        /// Higher goes first.
        priority: i32,
    },
    /// Answered by a list of [`Pool`](crate::store::engine::Pool).
    Pools,
    /// Make a pool, change it, or (without a capacity) remove it. Answered as [`Request::Pools`].
    SetPool {
        /// Its name.
        name: String,
        /// Runs at a time.
        #[serde(default)]
        capacity: Option<u32>,
    },
    /// Another attempt of an ended run. Answered by the run.
    Retry {
        /// The run.
        run: RunId,
    },
    /// Files of an attempt and their lengths. Answered by [`Files`].
    Logs {
        /// The run.
        run: RunId,
        /// The attempt; the current one when absent.
        #[serde(default)]
        attempt: Option<u32>,
    },
    /// Events from now on, or from after `since_seq`. Answered by [`Snapshot`].
    Subscribe {
        /// The newest event the client knows.
        #[serde(default)]
        since_seq: Option<i64>,
        /// Only this run.
        #[serde(default)]
        run: Option<RunId>,
    },
    /// End the engine; live runs go on under their shims.
    Stop,
    /// Start no more runs, and end the engine when the last live one has ended. Answered by
    /// [`Status`].
    Drain,
    /// Start runs again. Answered by [`Status`].
    Undrain,
}

/// Which runs a page holds. Engines without [`CAN_FIND`] know the first three.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ListAsk {
    /// Only those of this workspace.
    #[serde(default)]
    pub workspace: Option<PathBuf>,
    /// The `next` of the page before: only those that arrived before it.
    #[serde(default)]
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
    /// Only those that arrived after this one; without `before`, those next to it (0: the oldest).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Every word of this stands in the run's id, kind, label or state, in either case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// Only those in one of these states; empty: in any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<StateName>,
    /// Only those of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<RunKind>,
    /// Whether [`Page::total`] is wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub count: bool,
}

impl ListAsk {
    /// True for what only engines with [`CAN_FIND`] understand.
    pub fn finds(&self) -> bool {
        self.after.is_some()
            || !self.words.is_empty()
            || !self.states.is_empty()
            || self.kind.is_some()
            || self.count
    }
}

/// A refusal, as everywhere in `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A word for scripts.
    pub code: String,
    /// For people.
    pub message: String,
    /// The way out.
    #[serde(default)]
    pub hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// True when the request was wrong, rather than the engine in trouble.
    pub fn is_users(&self) -> bool {
        matches!(self.code.as_str(), "no_such_run" | "not_now" | "bad_request" | "not_supported")
    }
}

/// A reply, as it stands on the line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reply<T> {
    /// Of the request.
    pub id: u64,
    /// What was asked for.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub ok: Option<T>,
    /// Or why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
}

fn none<T>() -> Option<T> {
    None
}

/// The run that `add` made, or the one its request id had made before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddedRun {
    /// The run.
    pub run: RunView,
    /// True when it was there already.
    pub known: bool,
}

/// A page of runs, as values or as the JSON in which they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T = RunView> {
    /// Newest first.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` on the last. On a page next to `after`: `None` when there
    /// is nothing newer than its first run.
    pub next: Option<i64>,
    /// The cursor of every item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seqs: Vec<i64>,
    /// How many runs pass the filter, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl Page {
    /// What a database answers.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(db: &EngineDb, ask: &ListAsk) -> Result<Self, EngineDbError> {
        let limit = ask.limit.clamp(1, LONGEST_PAGE);
        let ListAsk { workspace, before, after, words, states, .. } = ask;
        let query = ListQuery {
            workspace: workspace.as_deref(),
            before: *before,
            after: *after,
            words,
            states,
            kind: ask.kind,
            // One more than asked for tells whether there is a next page.
            limit: limit + 1,
        };
        let mut records = db.list(&query)?;
        let more = records.len() > limit as usize;
        let next = if after.is_some() && before.is_none() {
            if more {
                records.remove(0);
            }
            records.first().map(|r| r.seq)
        } else {
            records.truncate(limit as usize);
            records.last().map(|r| r.seq)
        };
        let everywhere = ListQuery { before: None, after: None, ..query };
        Ok(Self {
            seqs: records.iter().map(|r| r.seq).collect(),
            items: records.iter().map(RunRecord::view).collect(),
            next: next.filter(|_| more),
            total: if ask.count { Some(db.count(&everywhere)?) } else { None },
        })
    }
}

/// The start of a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The newest event that the items include.
    pub seq: i64,
    /// Runs as they stand; empty when the events since `since_seq` follow instead.
    pub items: Vec<RunView>,
}

/// What the engine is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Its release.
    pub version: String,
    /// Its state folder.
    pub state_dir: PathBuf,
    /// Why that is not where one would look for it.
    pub note: Option<String>,
    /// Its socket.
    pub socket: PathBuf,
    /// Since when it runs.
    pub since: Timestamp,
    /// CPU slots of its pool.
    pub slots: u32,
    /// Of these, taken.
    pub slots_taken: u32,
    /// Runs by state.
    pub runs: BTreeMap<String, i64>,
    /// It starts no more runs, and ends when the last live one has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
    /// Leased GPUs: UUID to the run.
    #[serde(default)]
    pub leases: BTreeMap<String, String>,
}

/// Files of an attempt, to be read at (file, offset, length).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// The attempt's folder.
    pub dir: PathBuf,
    /// The attempt.
    pub attempt: u32,
    /// Name to length in bytes.
    pub files: BTreeMap<String, u64>,
}

/// A line without an id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Push {
    /// A transition.
    Event {
        /// Its number.
        seq: i64,
        /// The run after it.
        run: RunView,
    },
    /// A live run got on. Not numbered, not kept.
    Progress {
        /// The run.
        run: RunId,
        /// The attempt.
        attempt: u32,
        /// Its `progress.json`.
        progress: Option<ProgressNow>,
        /// Lengths of its files.
        files: BTreeMap<String, u64>,
    },
    /// Events were dropped for this client: start again from here.
    Resync(Snapshot),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_engines_of_the_first_release_understand_lists() {
        let old = r#"{"id":1,"do":"list","workspace":null,"before":7,"limit":3}"#;
        let frame: Frame = serde_json::from_str(old).unwrap();
        let Request::List(ask) = frame.request else { panic!("another request") };
        assert_eq!(ask, ListAsk { before: Some(7), limit: 3, ..ListAsk::default() });
        assert!(!ask.finds());
        let frame = Frame { id: 1, request: Request::List(ask) };
        assert_eq!(serde_json::to_string(&frame).unwrap(), old);
        let page: Page = serde_json::from_str(r#"{"items":[],"next":null}"#).unwrap();
        assert!(page.seqs.is_empty() && page.total.is_none());
        let hello = r#"{"protocol":1,"engine":"0.1.0","pid":1}"#;
        assert!(serde_json::from_str::<Hello>(hello).unwrap().can.is_empty());
    }

    #[test]
    fn an_engine_that_would_leave_a_filter_out_is_not_asked() {
        for ask in [
            ListAsk { after: Some(0), ..ListAsk::default() },
            ListAsk { words: "x".into(), ..ListAsk::default() },
            ListAsk { states: vec![StateName::Lost], ..ListAsk::default() },
            ListAsk { kind: Some(RunKind::Judge), ..ListAsk::default() },
            ListAsk { count: true, ..ListAsk::default() },
        ] {
            assert!(ask.finds(), "{ask:?}");
        }
    }
}
