//! Watching long files, for `benches/watch/run.py`.
//!
//! `watch events FILE BYTES` writes an event file of four scalars a step (transformers' tags);
//! `watch log FILE LINES` a log of transformers 5 with its progress bars; `watch metrics FILE ROWS`
//! rows of our own. `watch first DIR` reads a folder for the first time and prints one JSON object;
//! `watch refresh DIR FILE BYTES` reads it, then appends BYTES of FILE's own end again and again and
//! times each look. Without arguments (`cargo bench --bench watch`) it does a small round of all.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use polyculture::job::watch::Watch;
use serde_json::json;

/// One step of a generator that needs no crate: SplitMix64, as a number from 0 to 1.
fn noise(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

struct Sum([u32; 256]);

impl Sum {
    fn new() -> Self {
        let mut t = [0u32; 256];
        for (i, slot) in t.iter_mut().enumerate() {
            *slot = (0..8).fold(
                i as u32,
                |c, _| {
                    if c & 1 == 1 { 0x82F6_3B78 ^ (c >> 1) } else { c >> 1 }
                },
            );
        }
        Self(t)
    }

    fn masked(&self, bytes: &[u8]) -> [u8; 4] {
        let c = bytes
            .iter()
            .fold(!0u32, |c, b| (c >> 8) ^ self.0[((c ^ u32::from(*b)) & 255) as usize]);
        (!c).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
    }
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 128 {
        out.push(n as u8 | 128);
        n >>= 7;
    }
    out.push(n as u8);
}

fn record(sum: &Sum, message: &[u8], out: &mut impl Write) -> Result<u64> {
    let n = (message.len() as u64).to_le_bytes();
    out.write_all(&n)?;
    out.write_all(&sum.masked(&n))?;
    out.write_all(message)?;
    out.write_all(&sum.masked(message))?;
    Ok(message.len() as u64 + 16)
}

fn events(path: &Path, bytes: u64) -> Result<()> {
    let sum = Sum::new();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let start = 1_790_000_000.0f64;
    let mut message = vec![9];
    message.extend(start.to_le_bytes());
    message.extend(b"\x1a\x0dbrain.Event:2");
    let mut written = record(&sum, &message, &mut out)?;
    let (mut state, mut step) = (7u64, 0u64);
    while written < bytes {
        step += 1;
        let x = noise(&mut state);
        let loss = 1.0 + 3.0 / (1.0 + step as f64 / 1e4) + 0.2 * x;
        let rows = [
            ("train/loss", loss),
            ("train/grad_norm", 0.5 + x),
            ("train/learning_rate", 1e-4 / (1.0 + step as f64 / 1e5)),
            ("train/epoch", step as f64 / 1e5),
        ];
        for (tag, value) in rows {
            message.clear();
            message.push(9);
            message.extend((start + step as f64 * 0.5).to_le_bytes());
            message.push(16);
            varint(step, &mut message);
            message.extend([42, tag.len() as u8 + 9, 10, tag.len() as u8 + 7, 10, tag.len() as u8]);
            message.extend(tag.as_bytes());
            message.push(21);
            message.extend((value as f32).to_le_bytes());
            written += record(&sum, &message, &mut out)?;
        }
    }
    Ok(out.flush()?)
}

/// A log of so many lines: each a row of metrics between its bars, every tenth something else.
fn log(path: &Path, lines: u64) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut state = 7u64;
    for n in 1..=lines {
        let x = noise(&mut state);
        if n % 10 == 0 {
            writeln!(out, "[INFO] step {n}: the loader waited {x:.4} s for its workers")?;
            continue;
        }
        let bar = |n: u64| {
            format!(
                "{:3}%|██        | {n}/{lines} [{:02}:{:02}<9:59:59,  9.25it/s]",
                n * 100 / lines,
                n / 60,
                n % 60
            )
        };
        let loss = 1.0 + 3.0 / (1.0 + n as f64 / 1e4) + 0.2 * x;
        write!(
            out,
            "\r{}\r{}\r{{'loss': '{loss:.4}', 'grad_norm': '{x:.4}', 'learning_rate': '1e-05', 'epoch': '{:.4}'}}\n\r{}",
            bar(n - 1),
            " ".repeat(40),
            n as f64 / 1e4,
            bar(n)
        )?;
    }
    Ok(out.flush()?)
}

fn metrics(path: &Path, rows: u64) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut state = 7u64;
    for n in 1..=rows {
        let at = jiff::Timestamp::from_second(1_790_000_000 + n as i64)?;
        let x = noise(&mut state);
        writeln!(
            out,
            "{{\"at\":\"{at}\",\"step\":{n},\"total\":{rows},\"values\":{{\"grad_norm\":{x},\"loss\":{},\"lr\":0.0001,\"tokens_per_s\":{}}}}}",
            1.0 + 3.0 / (1.0 + n as f64 / 1e4) + 0.2 * x,
            1000.0 + 100.0 * x
        )?;
    }
    Ok(out.flush()?)
}

fn peak_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn first(dir: &Path) -> Result<Watch> {
    let start = Instant::now();
    let mut watch = Watch::open(dir)?;
    watch.refresh()?;
    let seconds = start.elapsed().as_secs_f64();
    let of: serde_json::Map<String, serde_json::Value> = watch
        .curves()
        .of
        .iter()
        .map(|(name, c)| {
            let finite = c.raw.iter().map(|p| p.1).filter(|y| y.is_finite());
            let highest = finite.fold(f64::NEG_INFINITY, f64::max);
            (name.clone(), json!({"n": c.n, "last": c.last, "lowest": c.lowest, "highest": highest, "points": c.raw.len()}))
        })
        .collect();
    println!("{}", json!({"seconds": seconds, "peak_mib": peak_mib(), "curves": of}));
    Ok(watch)
}

/// Appends the last `bytes` of a file to it (whole pieces of it, as far as the reader goes) and
/// looks, many times.
fn refresh(dir: &Path, file: &Path, bytes: u64) -> Result<()> {
    let mut tail = Vec::new();
    let mut f = File::open(file)?;
    let size = f.seek(SeekFrom::End(0))?;
    f.seek(SeekFrom::Start(size - bytes.min(size)))?;
    f.read_to_end(&mut tail)?;
    let mut watch = first(dir)?;
    let mut out = OpenOptions::new().append(true).open(file)?;
    let (mut grown, mut same, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..200 {
        out.write_all(&tail)?;
        let start = Instant::now();
        watch.refresh()?;
        grown.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        watch.refresh()?;
        same.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        std::hint::black_box(watch.known(jiff::Timestamp::now()));
        known.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let say = |mut ms: Vec<f64>| {
        ms.sort_by(f64::total_cmp);
        json!({"median_ms": ms[ms.len() / 2], "p99_ms": ms[ms.len() * 99 / 100], "most_ms": ms[ms.len() - 1]})
    };
    println!(
        "{}",
        json!({"appended": tail.len(), "grown": say(grown), "same": say(same), "known": say(known)})
    );
    Ok(())
}

fn small() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for (name, file) in
        [("a", "events.out.tfevents.1.h"), ("b", "train.log"), ("c", "metrics.jsonl")]
    {
        let folder = dir.path().join(name);
        fs::create_dir(&folder)?;
        let file = folder.join(file);
        match name {
            "a" => events(&file, 10 << 20)?,
            "b" => log(&file, 20_000)?,
            _ => metrics(&file, 100_000)?,
        }
        println!("{}", file.display());
        first(&folder)?;
        first(&folder)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => small(),
        ["events", file, n] => events(Path::new(file), n.parse().context("bytes")?),
        ["log", file, n] => log(Path::new(file), n.parse().context("lines")?),
        ["metrics", file, n] => metrics(Path::new(file), n.parse().context("rows")?),
        ["first", dir] => first(Path::new(dir)).map(drop),
        ["refresh", dir, file, n] => {
            refresh(Path::new(dir), Path::new(file), n.parse().context("bytes")?)
        }
        _ => bail!("expected events|log|metrics FILE N, first DIR, or refresh DIR FILE BYTES"),
    }
}
