//! What was looked at, and for how long: logged, so that a lost connection takes nothing of it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::store::{EventKind, NewView, RatingRow, View, ViewKind};

use super::load::Entry;
use super::{Effect, Session, What};

impl Session {
    fn view_of(&self, i: usize, kind: ViewKind) -> Option<NewView> {
        Some(NewView {
            uuid: Uuid::now_v7(),
            assignment: self.loaded.entries.get(i)?.assignment,
            rater: self.loaded.rater.clone(),
            kind,
            active_ms: Some(u32::try_from(self.clock.active_ms()).unwrap_or(u32::MAX)),
        })
    }

    /// Logs that something is to be shown; it is shown once that is on the disk.
    pub(super) fn log_first(&mut self, i: usize, kind: ViewKind, now: Timestamp) -> Option<Effect> {
        let view = self.view_of(i, kind)?;
        Some(self.send(What::View(view), now))
    }

    /// Notes the time on a pair that is left without a rating; it is stored with the next write.
    pub(super) fn note_time(&mut self, i: usize, kind: ViewKind) {
        let Some(view) = self.view_of(i, kind) else { return };
        let before = self.loaded.entries.get(i).map_or(0, |e| e.logged_ms);
        if view.active_ms.map_or(0, u64::from) > before {
            self.unlogged.retain(|v| v.assignment != view.assignment);
            self.unlogged.push(view);
        }
    }

    /// After reading the study again: what is known here of pairs that stand as they stood.
    pub(super) fn keep_seen(&mut self, before: &[Entry]) {
        let mut gone = Vec::new();
        for old in before {
            let new = self.loaded.entries.iter_mut().find(|e| e.assignment == old.assignment);
            match new {
                Some(e) if e.standing == old.standing => {
                    e.spent_ms = e.spent_ms.max(old.spent_ms);
                    e.diff_seen |= old.diff_seen;
                    e.revealed |= old.revealed;
                }
                _ => gone.push(old.assignment),
            }
        }
        self.unlogged.retain(|v| !gone.contains(&v.assignment));
    }

    /// The time of a view was spent, whatever became of the view.
    pub(super) fn spent(&mut self, view: &NewView) {
        let entry = self.loaded.entries.iter_mut().find(|e| e.assignment == view.assignment);
        if let Some(e) = entry {
            e.spent_ms = e.spent_ms.max(view.active_ms.map_or(0, u64::from));
        }
    }

    /// These are on the disk.
    pub(super) fn logged(&mut self, views: &[NewView]) {
        for view in views {
            self.unlogged.retain(|v| v.uuid != view.uuid);
            let entry = self.loaded.entries.iter_mut().find(|e| e.assignment == view.assignment);
            if let Some(e) = entry {
                let ms = view.active_ms.map_or(0, u64::from);
                e.logged_ms = e.logged_ms.max(ms);
                e.spent_ms = e.spent_ms.max(ms);
            }
        }
    }
}

/// Gives pairs back what was logged of them since they were rated last. Which came first is told by
/// the times of storing, a view in the transaction of its rating being older.
pub(super) fn replay_views(entries: &mut [Entry], views: &[View], events: &[RatingRow]) {
    for e in entries {
        let last = events
            .iter()
            .rev()
            .find(|r| {
                r.assignment == e.assignment
                    && matches!(r.kind, EventKind::Submit | EventKind::Edit | EventKind::Skip)
            })
            .map(|r| r.at);
        for v in views.iter().filter(|v| v.assignment == e.assignment) {
            // once seen, always seen
            e.revealed |= v.kind == ViewKind::Revealed;
            if last.is_some_and(|last| v.at <= last) {
                continue;
            }
            e.diff_seen |= v.kind == ViewKind::Diff;
            e.spent_ms = e.spent_ms.max(v.active_ms.map_or(0, u64::from));
        }
        e.logged_ms = e.spent_ms;
    }
}
