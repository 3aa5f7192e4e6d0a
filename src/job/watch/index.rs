//! `.metrics.idx`: what is drawn of a `metrics.jsonl`, beside it. Derived and disposable: it is
//! written by whoever reads, taken only where it fits the file, and made again where it does not.
//!
//! It holds, a curve: the first, lowest, highest and last value of each of at most 2,000 columns,
//! raw and smoothed, and what goes on from there (means, counts, pace). So a series of any length
//! is drawn from a few thousand points, and of the file itself only what came later is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::crc32c::crc32c;
use super::pace::Pace;
use super::spikes::{Level, Spike};
use super::tail::{Look, Tail};
use crate::job::{Curve, Curves};

const MAGIC: &[u8; 8] = b"pcmidx1\n";
/// Bytes that must have been read since it was written last. Less is quicker read than written.
const WORTH: u64 = 256 << 10;
/// No index of ours is longer.
const LONGEST: u64 = 256 << 20;

/// The index of a file of metrics.
pub fn path_of(metrics: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(metrics.file_stem().unwrap_or_default());
    metrics.with_file_name(name).with_added_extension("idx")
}

/// The curves up to where the index of the newest file goes. `None` where there is none that fits.
pub fn load(paths: &[PathBuf]) -> Option<Curves> {
    let newest = paths.last()?;
    let file = path_of(newest);
    if fs::metadata(&file).ok()?.len() > LONGEST {
        return None;
    }
    let bytes = fs::read(&file).ok()?;
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    if crc32c(body).to_le_bytes() != sum {
        return None;
    }
    let mut curves = decode(body.strip_prefix(MAGIC)?, newest)?;
    // Of the attempts before, each file must be as long as it was.
    if curves.attempt as usize != paths.len() || curves.before.len() + 1 != paths.len() {
        return None;
    }
    for (path, length) in paths.iter().zip(&curves.before) {
        let now = fs::metadata(path).map_or(0, |m| m.len());
        if now != *length {
            return None;
        }
    }
    curves.indexed = curves.tail.offset();
    match curves.tail.look() {
        Ok(Look::Same | Look::Grown) => Some(curves),
        _ => None,
    }
}

/// Writes the index where much was read since the last time. What cannot be written is read again.
pub fn save_if_worth(curves: &mut Curves) {
    let read = curves.tail.offset();
    if read - curves.indexed.min(read) < WORTH {
        return;
    }
    curves.indexed = read;
    let file = path_of(curves.tail.path());
    let mut bytes = MAGIC.to_vec();
    encode(curves, &mut bytes);
    bytes.extend(crc32c(&bytes).to_le_bytes());
    let own = file.with_added_extension(format!("{}.tmp", std::process::id()));
    // No fsync: a torn index does not match its sum.
    if fs::write(&own, &bytes).and_then(|()| fs::rename(&own, &file)).is_err() {
        let _ = fs::remove_file(&own);
    }
}

fn put(out: &mut Vec<u8>, n: u64) {
    out.extend(n.to_le_bytes());
}

fn put_f(out: &mut Vec<u8>, x: f64) {
    put(out, x.to_bits());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend(bytes);
}

fn put_pair(out: &mut Vec<u8>, pair: Option<(f64, f64)>) {
    put(out, pair.is_some().into());
    let (a, b) = pair.unwrap_or_default();
    put_f(out, a);
    put_f(out, b);
}

fn put_points(out: &mut Vec<u8>, points: &[(f64, f64)]) {
    put(out, points.len() as u64);
    for (x, y) in points {
        put_f(out, *x);
        put_f(out, *y);
    }
}

fn stepped(pair: Option<(u64, f64)>) -> Option<(f64, f64)> {
    pair.map(|(s, v)| (s as f64, v))
}

fn encode(c: &Curves, out: &mut Vec<u8>) {
    put(out, c.attempt.into());
    put(out, c.tail.offset());
    put_bytes(out, c.tail.last());
    put(out, c.before.len() as u64);
    c.before.iter().for_each(|n| put(out, *n));
    put(out, c.total.map_or(u64::MAX, |t| t));
    put(out, c.unreadable);
    put(out, c.fresh.into());
    let timed = |p: Option<(f64, u64)>| p.map(|(t, s)| (t, s as f64));
    put_pair(out, timed(c.pace.first));
    put_pair(out, timed(c.pace.last));
    put_pair(out, c.pace.gap.map(|g| (g, 0.0)));
    put_f(out, c.pace.longest);
    put(out, c.of.len() as u64);
    for (name, k) in &c.of {
        put_bytes(out, name.as_bytes());
        put(out, k.n);
        put(out, k.not_finite);
        put(out, k.first_not_finite.map_or(u64::MAX, |s| s));
        put_pair(out, stepped(k.last));
        put_pair(out, stepped(k.lowest));
        put_f(out, k.mean);
        put_f(out, k.weight);
        put(out, k.level.n);
        put_f(out, k.level.mean);
        put_f(out, k.level.distance);
        put(out, k.level.since);
        put(out, k.spikes.len() as u64);
        for s in &k.spikes {
            put(out, s.step);
            put_f(out, s.value);
            put_f(out, s.usual);
        }
        put_points(out, &k.raw);
        put_points(out, &k.smooth);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn n(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*head))
    }

    fn f(&mut self) -> Option<f64> {
        self.n().map(f64::from_bits)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = usize::try_from(self.n()?).ok()?;
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn pair(&mut self) -> Option<Option<(f64, f64)>> {
        let there = self.n()? == 1;
        let (a, b) = (self.f()?, self.f()?);
        Some(there.then_some((a, b)))
    }

    fn points(&mut self) -> Option<Vec<(f64, f64)>> {
        let n = usize::try_from(self.n()?).ok()?;
        let (head, rest) = self.0.split_at_checked(n.checked_mul(16)?)?;
        self.0 = rest;
        let (pairs, _) = head.as_chunks::<16>();
        let part = |p: &[u8; 16], at: usize| {
            let mut b = [0; 8];
            b.copy_from_slice(&p[at..at + 8]);
            f64::from_le_bytes(b)
        };
        Some(pairs.iter().map(|p| (part(p, 0), part(p, 8))).collect())
    }

    fn curve(&mut self) -> Option<Curve> {
        let known = |n: u64| (n != u64::MAX).then_some(n);
        let step = |p: Option<(f64, f64)>| p.map(|(s, v)| (s as u64, v));
        let mut c = Curve {
            n: self.n()?,
            not_finite: self.n()?,
            first_not_finite: known(self.n()?),
            last: step(self.pair()?),
            lowest: step(self.pair()?),
            mean: self.f()?,
            weight: self.f()?,
            level: Level { n: self.n()?, mean: self.f()?, distance: self.f()?, since: self.n()? },
            ..Curve::default()
        };
        for _ in 0..self.n()? {
            c.spikes.push(Spike { step: self.n()?, value: self.f()?, usual: self.f()? });
        }
        c.raw = self.points()?;
        c.smooth = self.points()?;
        Some(c)
    }
}

fn decode(bytes: &[u8], metrics: &Path) -> Option<Curves> {
    let mut r = Reader(bytes);
    let attempt = u32::try_from(r.n()?).ok()?;
    let offset = r.n()?;
    let tail = Tail::at(metrics, offset, r.bytes()?.to_vec());
    let mut before = Vec::new();
    for _ in 0..r.n()? {
        before.push(r.n()?);
    }
    let total = Some(r.n()?).filter(|t| *t != u64::MAX);
    let (unreadable, fresh) = (r.n()?, r.n()? == 1);
    let timed = |p: Option<(f64, f64)>| p.map(|(t, s)| (t, s as u64));
    let pace = Pace {
        first: timed(r.pair()?),
        last: timed(r.pair()?),
        gap: r.pair()?.map(|g| g.0),
        longest: r.f()?,
    };
    let mut of = BTreeMap::new();
    for _ in 0..r.n()? {
        let name = std::str::from_utf8(r.bytes()?).ok()?.to_owned();
        of.insert(name, r.curve()?);
    }
    Some(Curves { of, attempt, total, unreadable, pace, tail, before, fresh, indexed: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn row(i: u64) -> String {
        let loss = match i {
            54_321 => "99.5".to_owned(),
            77_777 => "\"NaN\"".to_owned(),
            i => format!("{}", 1.0 + (i as f64 * 0.7).sin() / (1.0 + i as f64 / 1000.0)),
        };
        let at = jiff::Timestamp::from_second(1_790_000_000 + i as i64).unwrap();
        format!(
            "{{\"at\":\"{at}\",\"step\":{i},\"total\":200000,\"values\":{{\"loss\":{loss},\"lr\":{}}}}}\n",
            1e-3 / i as f64
        )
    }

    fn written(dir: &Path, n: u64) -> PathBuf {
        let path = dir.join("metrics.jsonl");
        fs::write(&path, (1..=n).map(row).collect::<String>()).unwrap();
        path
    }

    fn fresh(path: &Path) -> Curves {
        let mut c = Curves::default();
        c.read_files(&[path.to_owned()]).unwrap();
        c
    }

    /// What is drawn and said, without how it was read.
    fn shown(c: &Curves) -> String {
        format!("{:?} {:?} {:?} {:?}", c.of, c.total, c.seconds_left(), c.read_to())
    }

    #[test]
    fn a_hundred_thousand_points_are_drawn_from_the_index_without_reading_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), 100_000);
        let first = fresh(&path);
        assert!(path_of(&path).is_file() && path_of(&path).ends_with(".metrics.idx"));
        // Everything but the last line is made unreadable, in place: who reads it would notice.
        let size = fs::metadata(&path).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &vec![b'#'; size as usize - 100], 0)
            .unwrap();
        let again = fresh(&path);
        assert_eq!(shown(&again), shown(&first));
        let points: usize = again.of.values().map(|c| c.raw.len()).sum();
        assert!(points <= 2 * 8_000, "{points}");
        // And goes on with what comes.
        let mut f = fs::OpenOptions::new().append(true).open(&path).unwrap();
        f.write_all(row(100_001).as_bytes()).unwrap();
        assert_eq!(fresh(&path).of["loss"].n, 100_001);
    }

    #[test]
    fn with_the_index_and_without_it_the_curves_are_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), 40_000);
        fresh(&path);
        let mut f = fs::OpenOptions::new().append(true).open(&path).unwrap();
        (40_001..45_000).for_each(|i| f.write_all(row(i).as_bytes()).unwrap());
        let with = fresh(&path);
        fs::remove_file(path_of(&path)).unwrap();
        assert_eq!(shown(&with), shown(&fresh(&path)));
    }

    #[test]
    fn an_index_that_is_torn_strange_or_of_another_file_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), 20_000);
        let truth = shown(&fresh(&path));
        let index = path_of(&path);
        let good = fs::read(&index).unwrap();
        for bad in
            [&good[..good.len() / 2], b"", b"pcmidx1\n\0\0\0\0", &[good.as_slice(), b"x"].concat()]
        {
            fs::write(&index, bad).unwrap();
            assert_eq!(shown(&fresh(&path)), truth);
        }
        fs::write(&index, &good).unwrap();
        fs::write(&path, row(1)).unwrap();
        assert_eq!(fresh(&path).of["loss"].n, 1, "the file was cut");
        fs::write(&path, (1..=20_000).map(|i| row(i + 7)).collect::<String>()).unwrap();
        assert_eq!(fresh(&path).of["loss"].last.unwrap().0, 20_007, "the file was replaced");
    }

    #[test]
    fn attempts_before_are_in_the_index_of_the_newest_one() {
        let dir = tempfile::tempdir().unwrap();
        for (n, steps) in [(1, 1..=9_000u64), (2, 8_001..=15_000)] {
            let a = dir.path().join(format!("attempt-{n}"));
            fs::create_dir(&a).unwrap();
            fs::write(a.join("metrics.jsonl"), steps.map(row).collect::<String>()).unwrap();
        }
        let read = || {
            let mut c = Curves::default();
            c.read(dir.path(), 2).unwrap();
            c
        };
        let first = read();
        assert!(dir.path().join("attempt-2/.metrics.idx").is_file());
        assert_eq!(shown(&read()), shown(&first));
        assert_eq!(first.of["loss"].n, 16_000);
        fs::write(dir.path().join("attempt-1/metrics.jsonl"), row(1)).unwrap();
        assert_eq!(read().of["loss"].n, 7_001, "the older file is another one now");
    }
}
