//! How fast a run goes: only steps of this attempt count, and only time that was measured.

use crate::job::curves::seconds_left;

/// How much of the usual gap stays at each row.
const MEMORY: f64 = 0.9;
/// A run is silent too long after so many usual gaps ..
pub const STALL_GAPS: f64 = 5.0;
/// .. and so many times the longest gap of this attempt (an evaluation, a checkpoint) ..
pub const STALL_LONGEST: f64 = 2.0;
/// .. and so many seconds.
pub const STALL_LEAST: f64 = 60.0;

/// Steps over time, of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    pub(super) first: Option<(f64, u64)>,
    pub(super) last: Option<(f64, u64)>,
    /// Seconds from a row to the next one, usually.
    pub(super) gap: Option<f64>,
    pub(super) longest: f64,
}

impl Pace {
    /// A new attempt begins: what came before does not count.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// `step` was reached at `seconds`, by any clock that this attempt stays with. A step or a
    /// time that goes back begins anew: a resume, or a clock that was set.
    pub fn at(&mut self, seconds: f64, step: u64) {
        if !seconds.is_finite() {
            return;
        }
        match self.last {
            Some((t, s)) if step >= s && seconds >= t => {
                if step > s {
                    let gap = seconds - t;
                    let usual = self.gap.map_or(gap, |g| MEMORY * g + (1.0 - MEMORY) * gap);
                    self.gap = Some(usual);
                    self.longest = self.longest.max(gap);
                    self.last = Some((seconds, step));
                }
            }
            _ => {
                self.restart();
                (self.first, self.last) = (Some((seconds, step)), Some((seconds, step)));
            }
        }
    }

    /// The newest step.
    pub fn step(&self) -> Option<u64> {
        self.last.map(|l| l.1)
    }

    /// When it was reached.
    pub fn time(&self) -> Option<f64> {
        self.last.map(|l| l.0)
    }

    /// Steps a second since the attempt began.
    pub fn per_second(&self) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let elapsed = last.0 - first.0;
        (elapsed > 0.0 && last.1 > first.1).then(|| (last.1 - first.1) as f64 / elapsed)
    }

    /// Seconds to `total` at the pace of this attempt.
    pub fn seconds_left(&self, total: u64) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        seconds_left(first.1, last.1, total, last.0 - first.0)
    }

    /// Seconds of silence after which the run is said to stall; `None` until there is a usual gap.
    pub fn patience(&self) -> Option<f64> {
        let gap = self.gap?;
        Some((STALL_GAPS * gap).max(STALL_LONGEST * self.longest).max(STALL_LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resumed_at_900_of_1000_ten_steps_in_a_minute_leave_540_seconds() {
        let mut p = Pace::default();
        assert_eq!((p.seconds_left(1000), p.patience()), (None, None));
        for step in 0..=950u32 {
            p.at(1000.0 + f64::from(step), step.into());
        }
        // Killed after step 950, resumed from the checkpoint of step 900.
        p.at(5000.0, 900);
        assert_eq!(p.seconds_left(1000), None, "no pace yet");
        for n in 1..=10u32 {
            p.at(5000.0 + 6.0 * f64::from(n), u64::from(900 + n));
        }
        assert_eq!(p.seconds_left(1000), Some(540.0));
    }

    #[test]
    fn a_clock_set_back_begins_anew_and_a_row_without_a_step_changes_nothing() {
        let mut p = Pace::default();
        p.at(f64::NAN, 1);
        assert_eq!(p.step(), None);
        p.at(100.0, 10);
        p.at(110.0, 20);
        p.at(300.0, 20);
        assert_eq!((p.time(), p.per_second()), (Some(110.0), Some(1.0)));
        p.at(50.0, 30);
        assert_eq!((p.step(), p.seconds_left(40)), (Some(30), None));
    }

    #[test]
    fn an_evaluation_that_takes_long_each_time_is_no_stall() {
        let mut p = Pace::default();
        let mut t = 0.0;
        for step in 0..200u64 {
            t += if step % 50 == 49 { 400.0 } else { 1.0 };
            p.at(t, step);
        }
        assert!(p.patience().unwrap() >= 800.0);
        let mut quick = Pace::default();
        (0..9u32).for_each(|n| quick.at(f64::from(n), n.into()));
        assert_eq!(quick.patience(), Some(STALL_LEAST));
    }
}
