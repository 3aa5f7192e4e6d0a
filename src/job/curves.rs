//! What a run measured, as curves: read by offset, only the growth, thinned as it is read. A
//! spike and a NaN stay visible whatever the number of points.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::watch::index;
use super::watch::pace::Pace;
use super::watch::spikes::{Level, Spike};
use super::watch::tail::{Look, Tail};
use super::{JobError, MetricsRow};
use crate::chart::downsample;

/// Points kept of a curve, at most; twice as many before they are thinned to a quarter.
pub(super) const KEPT: usize = 4_000;
/// How much of the smoothed value stays at each row (0: nothing).
pub const SMOOTHING: f64 = 0.9;

/// One curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// `(step, value)` as measured, thinned.
    pub raw: Vec<(f64, f64)>,
    /// The same, smoothed over every row before it was thinned.
    pub smooth: Vec<(f64, f64)>,
    /// Rows that had a value.
    pub n: u64,
    /// Of these, NaN and infinite ones.
    pub not_finite: u64,
    /// The newest value.
    pub last: Option<(u64, f64)>,
    /// The lowest finite value, the first where there are several.
    pub lowest: Option<(u64, f64)>,
    /// The first step whose value was NaN or infinite.
    pub first_not_finite: Option<u64>,
    /// Values far above what was usual before them, the newest ones last.
    pub spikes: Vec<Spike>,
    pub(super) level: Level,
    pub(super) mean: f64,
    pub(super) weight: f64,
}

impl Curve {
    /// One more value.
    pub fn add(&mut self, step: u64, value: f64) {
        self.n += 1;
        self.last = Some((step, value));
        let x = step as f64;
        self.raw.push((x, value));
        if value.is_finite() {
            self.level.take(step, value, &mut self.spikes);
            if self.lowest.is_none_or(|l| value < l.1) {
                self.lowest = Some((step, value));
            }
            // Bias-corrected, as `chart::smooth`, and so put that what stays equal stays equal to
            // the last bit: a chart would blow the rounding up.
            self.weight = SMOOTHING * self.weight + (1.0 - SMOOTHING);
            self.mean += (1.0 - SMOOTHING) / self.weight * (value - self.mean);
            self.smooth.push((x, self.mean));
        } else {
            self.not_finite += 1;
            self.first_not_finite.get_or_insert(step);
            self.smooth.push((x, value));
        }
        for points in [&mut self.raw, &mut self.smooth] {
            if points.len() > 2 * KEPT {
                *points = downsample(points, KEPT / 4);
            }
        }
    }

    /// Goes on with what a later start measured, in place of the steps that it did again.
    pub fn follow(&mut self, later: &Self) {
        let Some(first) = later.raw.first() else { return };
        if self.n == 0 {
            self.clone_from(later);
            return;
        }
        self.cut(first.0 as u64);
        self.n += later.n;
        self.not_finite += later.not_finite;
        self.first_not_finite = self.first_not_finite.or(later.first_not_finite);
        self.last = later.last;
        let lower = |l: (u64, f64)| self.lowest.is_none_or(|m| l.1 < m.1);
        if later.lowest.is_some_and(lower) {
            self.lowest = later.lowest;
        }
        self.spikes.extend_from_slice(&later.spikes);
        self.raw.extend_from_slice(&later.raw);
        self.smooth.extend_from_slice(&later.smooth);
        (self.level, self.mean, self.weight) = (later.level, later.mean, later.weight);
        for points in [&mut self.raw, &mut self.smooth] {
            if points.len() > 2 * KEPT {
                *points = downsample(points, KEPT / 4);
            }
        }
    }

    /// A resumed attempt began at `step`: what was measured from there on was lost with the old one.
    pub fn cut(&mut self, step: u64) {
        self.spikes.retain(|s| s.step < step);
        for points in [&mut self.raw, &mut self.smooth] {
            points.retain(|p| p.0 < step as f64);
        }
        // A best value of steps that were done again is not the model's any more.
        if self.lowest.is_some_and(|l| l.0 >= step) {
            let best = self.raw.iter().filter(|p| p.1.is_finite());
            let best = best.min_by(|a, b| a.1.total_cmp(&b.1));
            self.lowest = best.map(|p| (p.0 as u64, p.1));
        }
    }
}

/// The curves of a run, over all of its attempts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curves {
    /// By the name of what was measured.
    pub of: BTreeMap<String, Curve>,
    /// The attempt read last; 0: none.
    pub attempt: u32,
    /// Steps in all, where known.
    pub total: Option<u64>,
    /// Lines that are no rows of metrics.
    pub unreadable: u64,
    /// Of the newest attempt.
    pub(super) pace: Pace,
    pub(super) tail: Tail,
    /// Bytes of the files of the attempts before, as they were read.
    pub(super) before: Vec<u64>,
    /// The newest attempt's first row is to come: it may take the place of steps done before.
    pub(super) fresh: bool,
    /// The offset that the index beside the file was written at.
    pub(super) indexed: u64,
}

impl Curves {
    /// Takes in what a run's attempts have written since the last time, up to `attempt`; true when
    /// there was something. The first time, the index beside the newest file is taken where it
    /// fits, and only what came after it is read.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(&mut self, run_dir: &Path, attempt: u32) -> Result<bool, JobError> {
        let paths: Vec<PathBuf> = (1..=attempt)
            .map(|n| run_dir.join(format!("attempt-{n}")).join("metrics.jsonl"))
            .collect();
        self.read_files(&paths)
    }

    /// The same of files that follow each other, oldest first.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read_files(&mut self, paths: &[PathBuf]) -> Result<bool, JobError> {
        let mut news = false;
        if self.attempt == 0
            && let Some(known) = index::load(paths)
        {
            (*self, news) = (known, true);
        }
        match self.read_on(paths)? {
            Some(more) => news |= more,
            None => {
                // Another file stands there: everything is read again.
                *self = Self::default();
                self.read_on(paths)?;
                news = true;
            }
        }
        index::save_if_worth(self);
        Ok(news)
    }

    /// `None` when the file that was being read is another one now.
    fn read_on(&mut self, paths: &[PathBuf]) -> Result<Option<bool>, JobError> {
        let mut news = false;
        let from = (self.attempt as usize).max(1) - 1;
        for (i, path) in paths.iter().enumerate().skip(from) {
            if i + 1 != self.attempt as usize {
                if self.attempt > 0 {
                    self.before.push(self.tail.offset());
                }
                self.attempt = i as u32 + 1;
                self.pace.restart();
                (self.tail, self.indexed) = (Tail::new(path), 0);
                self.fresh = true;
            }
            match self.tail.look()? {
                Look::Replaced => return Ok(None),
                Look::Same | Look::Missing => {}
                Look::Grown => news |= self.read_tail()?,
            }
        }
        Ok(Some(news))
    }

    fn read_tail(&mut self) -> Result<bool, JobError> {
        let mut tail = std::mem::take(&mut self.tail);
        let mut news = false;
        let done = tail.feed_lines(&mut |line| {
            news = true;
            self.line(line);
        });
        self.tail = tail;
        done.map(|_| news)
    }

    fn line(&mut self, line: &[u8]) {
        match serde_json::from_slice::<MetricsRow>(line) {
            Ok(row) => self.add(&row),
            Err(_) if line.iter().all(u8::is_ascii_whitespace) => {}
            // A writer that puts NaN as the bare word, as Python's `json` does.
            Err(_) => match super::watch::ours::loose_row(line) {
                Some(row) => self.add(&row),
                None => self.unreadable += 1,
            },
        }
    }

    fn add(&mut self, row: &MetricsRow) {
        if std::mem::take(&mut self.fresh) && self.attempt > 1 {
            self.cut(row.step);
        }
        self.total = row.total.or(self.total);
        if let Ok(at) = row.at.parse::<jiff::Timestamp>() {
            self.pace.at(at.as_duration().as_secs_f64(), row.step);
        }
        for (name, value) in &row.values {
            self.value(name, row.step, *value);
        }
    }

    /// One more value of what is called `name`.
    pub fn value(&mut self, name: &str, step: u64, value: f64) {
        match self.of.get_mut(name) {
            Some(curve) => curve.add(step, value),
            None => self.of.entry(name.to_owned()).or_default().add(step, value),
        }
    }

    /// A resumed attempt began at `step`.
    pub fn cut(&mut self, step: u64) {
        self.of.values_mut().for_each(|c| c.cut(step));
    }

    /// Seconds that are left at the pace of this attempt; steps before its resume do not count.
    pub fn seconds_left(&self) -> Option<f64> {
        self.pace.seconds_left(self.total?)
    }

    /// How fast the newest attempt goes.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The same, to be told of time.
    pub fn pace_mut(&mut self) -> &mut Pace {
        &mut self.pace
    }

    /// The newest step.
    pub fn step(&self) -> Option<u64> {
        let steps = self.of.values().filter_map(|c| c.last).map(|l| l.0);
        self.pace.step().or_else(|| steps.max())
    }

    /// Bytes read of the newest attempt's file.
    pub fn read_to(&self) -> u64 {
        self.tail.offset()
    }

    /// True when nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

/// Seconds from `done` to `total` at the pace of the way from `base` to `done`, which took
/// `elapsed` seconds. `None` where there is no pace yet.
pub fn seconds_left(base: u64, done: u64, total: u64, elapsed: f64) -> Option<f64> {
    let way = done.checked_sub(base).filter(|w| *w > 0)?;
    let left = total.checked_sub(done)?;
    (elapsed > 0.0).then(|| elapsed / way as f64 * left as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Attempt, MetricsWriter};
    use std::io::Write;

    fn writer(run: &Path, n: u32) -> MetricsWriter {
        Attempt::create(run, n).unwrap().metrics().unwrap()
    }

    #[test]
    fn a_run_that_measured_nothing_has_no_curves() {
        let tmp = tempfile::tempdir().unwrap();
        let mut c = Curves::default();
        assert!(!c.read(tmp.path(), 3).unwrap());
        assert!(c.is_empty() && c.seconds_left().is_none() && c.step().is_none());
    }

    #[test]
    fn only_the_growth_is_read_and_a_torn_line_waits() {
        let tmp = tempfile::tempdir().unwrap();
        let mut w = writer(tmp.path(), 1);
        w.log(1, Some(9), &[("loss", 2.0)]).unwrap();
        let mut c = Curves::default();
        assert!(c.read(tmp.path(), 1).unwrap());
        assert!(!c.read(tmp.path(), 1).unwrap());
        let path = tmp.path().join("attempt-1/metrics.jsonl");
        let mut f = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        f.write_all(b"no row\n{\"at\":\"\",\"step\":2,\"values\":{\"loss\":\"NaN\"").unwrap();
        assert!(c.read(tmp.path(), 1).unwrap());
        assert_eq!((c.unreadable, c.of["loss"].n), (1, 1));
        f.write_all(b"}}\n").unwrap();
        assert!(c.read(tmp.path(), 1).unwrap());
        let loss = &c.of["loss"];
        assert_eq!((loss.n, loss.not_finite, loss.lowest), (2, 1, Some((1, 2.0))));
        assert!(loss.raw[1].1.is_nan(), "a NaN is never hidden");
    }

    #[test]
    fn a_hundred_thousand_rows_become_few_points_that_keep_the_spike_and_the_nan() {
        let tmp = tempfile::tempdir().unwrap();
        std::fs::create_dir(tmp.path().join("attempt-1")).unwrap();
        let mut text = String::new();
        for i in 1..=100_000u64 {
            let loss = match i {
                54_321 => "99.5".to_owned(),
                77_777 => "\"NaN\"".to_owned(),
                i => format!("{}", 1.0 + 1.0 / i as f64),
            };
            let at = "2026-11-21T10:00:00Z";
            text += &format!("{{\"at\":\"{at}\",\"step\":{i},\"values\":{{\"loss\":{loss}}}}}\n");
        }
        std::fs::write(tmp.path().join("attempt-1/metrics.jsonl"), text).unwrap();
        let mut c = Curves::default();
        c.read(tmp.path(), 1).unwrap();
        let loss = &c.of["loss"];
        assert_eq!((loss.n, loss.not_finite), (100_000, 1));
        assert!(loss.raw.len() <= 2 * KEPT && loss.smooth.len() <= 2 * KEPT);
        assert!(loss.raw.contains(&(54_321.0, 99.5)));
        assert!(loss.raw.iter().any(|p| p.1.is_nan()));
        assert_eq!(loss.lowest, Some((100_000, 1.00001)));
    }

    #[test]
    fn a_resumed_attempt_takes_the_place_of_the_steps_that_it_does_again() {
        let tmp = tempfile::tempdir().unwrap();
        let mut w = writer(tmp.path(), 1);
        for (step, loss) in [(10, 3.0), (20, 2.0), (30, 0.1)] {
            w.log(step, Some(40), &[("loss", loss)]).unwrap();
        }
        let mut w = writer(tmp.path(), 2);
        w.log(25, Some(40), &[("loss", 1.5)]).unwrap();
        let mut c = Curves::default();
        c.read(tmp.path(), 2).unwrap();
        let loss = &c.of["loss"];
        assert_eq!(loss.raw, [(10.0, 3.0), (20.0, 2.0), (25.0, 1.5)]);
        assert_eq!(loss.lowest, Some((25, 1.5)));
        assert_eq!(c.step(), Some(25));
    }

    #[test]
    fn resumed_at_900_of_1000_ten_steps_in_a_minute_leave_540_seconds() {
        assert_eq!(seconds_left(900, 910, 1000, 60.0), Some(540.0));
        assert_eq!(seconds_left(900, 900, 1000, 60.0), None);
        assert_eq!(seconds_left(900, 899, 1000, 60.0), None);
        assert_eq!(seconds_left(0, 1001, 1000, 60.0), None);
        assert_eq!(seconds_left(0, 10, 1000, 0.0), None);
    }
}
