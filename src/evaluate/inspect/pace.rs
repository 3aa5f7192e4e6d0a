//! How long a run took: what a person may expect of the next one like it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::job::ExitFile;

/// How long the last attempt of a run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Seconds between its start and its end.
    pub seconds: f64,
    /// Lines of results in that time.
    pub results: u64,
}

/// Of a run that ended; `None` where its folder does not say.
pub fn pace(run_dir: &Path) -> Option<Pace> {
    let last = super::attempts(run_dir).ok()?.pop()?;
    let exit = ExitFile::read(last.dir()).ok()??;
    let seconds = exit.ended.duration_since(exit.started?).as_secs_f64();
    let file = File::open(last.file("results.jsonl")).ok()?;
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let (mut results, mut line) = (0, Vec::new());
    while lines.read_until(b'\n', &mut line).ok()? > 0 {
        results += 1;
        line.clear();
    }
    (exit.code == Some(0)).then_some(Pace { seconds, results })
}
