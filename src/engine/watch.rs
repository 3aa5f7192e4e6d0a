//! The engine's clock: progress of live runs to subscribers, and results that grew to the merge.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::protocol::Push;
use super::{lifecycle, log};
use crate::domain::RunId;
use crate::job::{Attempt, ProgressNow, RunRecord, RunSpec, StateName, read_progress};

/// One look at the live runs.
const TICK: Duration = Duration::from_millis(250);
/// Ticks between two looks at `results.jsonl`.
const MERGE_EVERY: u32 = 4;
/// Events kept for subscribers that come back.
const KEEP_EVENTS: u32 = 20_000;
/// Ticks between two prunings.
const PRUNE_EVERY: u32 = 2_400;

/// What was seen of a run at the last look.
#[derive(Debug, Default)]
pub(super) struct Seen {
    attempt: u32,
    progress: Option<ProgressNow>,
    files: BTreeMap<String, u64>,
    merged: u64,
}

/// Looks until the engine ends. A thread of its own: it touches the disk.
pub(super) fn keep_watch(core: &Arc<Core>) {
    let mut seen = HashMap::<RunId, Seen>::new();
    let mut ticks = 0u32;
    loop {
        std::thread::sleep(TICK);
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(PRUNE_EVERY)
            && let Err(e) = core.lock().db.drop_old_events(KEEP_EVENTS)
        {
            log::say(format_args!("old events are not dropped: {e}"));
        }
        let live = live(core);
        seen.retain(|id, _| live.iter().any(|r| r.id == *id));
        for record in &live {
            let entry = seen.entry(record.id.clone()).or_default();
            if entry.attempt != record.attempt {
                *entry = Seen { attempt: record.attempt, ..Seen::default() };
            }
            look(core, record, entry, ticks.is_multiple_of(MERGE_EVERY));
        }
    }
}

fn live(core: &Core) -> Vec<RunRecord> {
    let inner = core.lock();
    inner
        .live
        .keys()
        .filter_map(|id| inner.db.get(id).ok().flatten())
        .filter(|r| matches!(r.state.name(), StateName::Running | StateName::Stopping))
        .collect()
}

pub(super) fn look(core: &Core, record: &RunRecord, seen: &mut Seen, merge: bool) {
    let dir = record.dir.join(format!("attempt-{}", record.attempt));
    if core.is_watched() {
        let progress = read_progress(&dir);
        let files = super::requests::lengths(&dir);
        if progress != seen.progress || files != seen.files {
            let (run, attempt) = (record.id.clone(), record.attempt);
            (seen.progress, seen.files) = (progress.clone(), files.clone());
            core.tell_progress(&record.id, &Push::Progress { run, attempt, progress, files });
        }
    }
    if !merge || !record.kind.is_activity() {
        return;
    }
    let length = std::fs::metadata(dir.join("results.jsonl")).map_or(0, |m| m.len());
    if length > seen.merged {
        let ready = RunSpec::read(&record.dir).and_then(|s| Ok((s, Attempt::open(dir)?)));
        let merged = match ready {
            Ok((spec, attempt)) => lifecycle::merge(core, &spec, &attempt, false),
            Err(e) => Err(e.to_string()),
        };
        match merged {
            Ok(()) => seen.merged = length,
            Err(e) => {
                log::say(format_args!("run {}: its results are not merged yet: {e}", record.id));
            }
        }
    }
}

/// Merges what an engine that died had left.
pub(super) fn merge_leftovers(core: &Core) {
    let left = core.lock().db.not_ingested();
    let left = match left {
        Ok(left) => left,
        Err(e) => return log::say(format_args!("runs to be merged cannot be listed: {e}")),
    };
    for record in left {
        let dir = record.dir.join(format!("attempt-{}", record.attempt));
        let merged = RunSpec::read(&record.dir)
            .and_then(|s| Ok((s, Attempt::open(dir)?)))
            .map_err(|e| e.to_string())
            .and_then(|(spec, attempt)| lifecycle::merge(core, &spec, &attempt, true))
            .and_then(|()| {
                core.lock().db.set_ingested(&record.id, record.attempt).map_err(|e| e.to_string())
            });
        if let Err(e) = merged {
            log::say(format_args!("run {}: its results are not merged: {e}", record.id));
        }
    }
}
