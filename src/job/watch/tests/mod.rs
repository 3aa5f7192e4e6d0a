//! Trainers' traps, one test each.

mod board;
mod folder;
mod make;
mod printed;
mod trainer;

use std::io::Write;
use std::path::Path;

use super::{Known, Watch};

fn append(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut f = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    f.write_all(bytes.as_ref()).unwrap();
}

/// What is known of a folder that is read for the first time.
fn known(dir: &Path) -> Known {
    let mut w = Watch::open(dir).unwrap();
    w.refresh().unwrap();
    w.known(jiff::Timestamp::now())
}

fn points(w: &Watch, metric: &str) -> Vec<(f64, f64)> {
    w.curves().of.get(metric).map_or_else(Vec::new, |c| c.raw.clone())
}

fn watched(dir: &Path) -> Watch {
    let mut w = Watch::open(dir).unwrap();
    w.refresh().unwrap();
    w
}
