//! What a run measured, as curves: read by offset, only the growth, thinned as it is read. A
//! spike and a NaN stay visible whatever the number of points.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;

use super::{JobError, MetricsRow};
use crate::chart::downsample;

/// Points kept of a curve, at most; twice as many before they are thinned to a quarter.
const KEPT: usize = 4_000;
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
    mean: f64,
    weight: f64,
}

impl Curve {
    fn add(&mut self, step: u64, value: f64) {
        self.n += 1;
        self.last = Some((step, value));
        let x = step as f64;
        self.raw.push((x, value));
        if value.is_finite() {
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
            self.smooth.push((x, value));
        }
        for points in [&mut self.raw, &mut self.smooth] {
            if points.len() > 2 * KEPT {
                *points = downsample(points, KEPT / 4);
            }
        }
    }

    /// A resumed attempt began at `step`: what was measured from there on was lost with the old one.
    fn cut(&mut self, step: u64) {
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
    /// First and newest row of the newest attempt.
    first: Option<(Timestamp, u64)>,
    last: Option<(Timestamp, u64)>,
    offset: u64,
}

impl Curves {
    /// Takes in what a run's attempts have written since the last time, up to `attempt`; true when
    /// there was something.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(&mut self, run_dir: &Path, attempt: u32) -> Result<bool, JobError> {
        let mut news = false;
        for n in self.attempt.max(1)..=attempt {
            if n != self.attempt {
                (self.attempt, self.offset, self.first, self.last) = (n, 0, None, None);
            }
            news |= self.read_file(&run_dir.join(format!("attempt-{n}")).join("metrics.jsonl"))?;
        }
        Ok(news)
    }

    fn read_file(&mut self, path: &Path) -> Result<bool, JobError> {
        let mut file = match File::open(path) {
            Ok(f) => f,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(JobError::io(path)(e)),
        };
        let size = file.metadata().map_err(JobError::io(path))?.len();
        if size < self.offset {
            // Another file stands there: everything is read again.
            let attempt = self.attempt;
            *self = Self { attempt, ..Self::default() };
        }
        if size == self.offset {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(JobError::io(path))?;
        let mut reader = BufReader::with_capacity(256 << 10, file);
        let mut line = Vec::new();
        let mut news = false;
        loop {
            line.clear();
            let n = reader.read_until(b'\n', &mut line).map_err(JobError::io(path))?;
            // A torn last line waits.
            if line.last() != Some(&b'\n') {
                return Ok(news);
            }
            self.offset += n as u64;
            news = true;
            match serde_json::from_slice::<MetricsRow>(&line) {
                Ok(row) => self.add(&row),
                Err(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Err(_) => self.unreadable += 1,
            }
        }
    }

    fn add(&mut self, row: &MetricsRow) {
        if self.first.is_none() && self.attempt > 1 {
            self.of.values_mut().for_each(|c| c.cut(row.step));
        }
        self.total = row.total.or(self.total);
        if let Ok(at) = row.at.parse::<Timestamp>() {
            self.first.get_or_insert((at, row.step));
            self.last = Some((at, row.step));
        }
        for (name, value) in &row.values {
            match self.of.get_mut(name) {
                Some(curve) => curve.add(row.step, *value),
                None => self.of.entry(name.clone()).or_default().add(row.step, *value),
            }
        }
    }

    /// Seconds that are left at the pace of this attempt; steps before its resume do not count.
    pub fn seconds_left(&self) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let elapsed = last.0.duration_since(first.0).as_secs_f64();
        seconds_left(first.1, last.1, self.total?, elapsed)
    }

    /// The newest step.
    pub fn step(&self) -> Option<u64> {
        self.last.map(|l| l.1)
    }

    /// Bytes read of the newest attempt's file.
    pub fn read_to(&self) -> u64 {
        self.offset
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
