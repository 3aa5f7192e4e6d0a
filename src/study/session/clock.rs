//! How long a rater looked at a pair, without their pauses.

use jiff::Timestamp;

/// A gap between two signs of life longer than this counts only this much, in milliseconds: nobody
/// reads two sentences for longer without touching a key.
pub const IDLE_LIMIT_MS: u64 = 60_000;

/// Active time on the pair shown. Times come from the caller; one that lies before the last one
/// (a clock set back) counts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Clock {
    shown_at: Option<Timestamp>,
    last: Option<Timestamp>,
    active_ms: u64,
}

impl Clock {
    /// A pair appears on which `before` milliseconds were spent already.
    pub(super) fn show(&mut self, now: Timestamp, before: u64) {
        *self = Self { shown_at: Some(now), last: Some(now), active_ms: before };
    }

    /// The rater is there.
    pub(super) fn touch(&mut self, now: Timestamp) {
        if let Some(last) = self.last {
            let gap = now.as_millisecond().saturating_sub(last.as_millisecond());
            self.active_ms += u64::try_from(gap).unwrap_or(0).min(IDLE_LIMIT_MS);
            self.last = Some(now);
        }
    }

    /// The clock stands until [`Clock::resume`].
    pub(super) fn pause(&mut self, now: Timestamp) {
        self.touch(now);
        self.last = None;
    }

    /// The clock runs again, where a pair is shown.
    pub(super) fn resume(&mut self, now: Timestamp) {
        if self.shown_at.is_some() {
            self.last = Some(now);
        }
    }

    /// When the pair appeared.
    pub(super) fn shown_at(&self) -> Option<Timestamp> {
        self.shown_at
    }

    /// Milliseconds so far.
    pub(super) fn active_ms(&self) -> u64 {
        self.active_ms
    }
}
