//! Reading a run's log by offset, and following it while the run goes on.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::{Client, EngineError};
use crate::domain::RunId;
use crate::job::interrupt_flag;

/// A pause between two looks at the file.
const LOOK: Duration = Duration::from_millis(50);
/// A pause between two questions to the engine.
const ASK: Duration = Duration::from_millis(250);

/// Copies the log of an attempt (the current one without a number) from byte `from` to `out`;
/// with `follow`, until the attempt has ended or Ctrl-C was pressed. Returns the next offset.
///
/// # Errors
/// The run is unknown, the log cannot be read, or `out` cannot be written.
pub fn follow_logs(
    client: &mut Client,
    run: &RunId,
    attempt: Option<u32>,
    from: u64,
    follow: bool,
    out: &mut dyn Write,
) -> Result<u64, EngineError> {
    let files = client.logs(run, attempt)?;
    let path = files.dir.join("out.log");
    let interrupt = follow.then(interrupt_flag);
    let mut offset = from;
    let mut asked: Option<Instant> = None;
    loop {
        // First whether it has ended, then the rest of the file: nothing falls in between.
        let mut last = !follow || interrupt.is_some_and(|f| f.load(Relaxed));
        if !last && asked.is_none_or(|a| a.elapsed() >= ASK) {
            asked = Some(Instant::now());
            let view = match client.show(run) {
                Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) => {
                    client.reconnect()?;
                    client.show(run)?
                }
                other => other?,
            };
            last = view.state.is_final() || view.attempt > files.attempt;
        }
        offset = copy(&path, offset, out)?;
        if last {
            return Ok(offset);
        }
        std::thread::sleep(LOOK);
    }
}

/// Copies what a file holds from `offset` on; a missing file holds nothing yet.
fn copy(path: &Path, offset: u64, out: &mut dyn Write) -> Result<u64, EngineError> {
    let what = || path.display().to_string();
    let mut file = match File::open(path) {
        Ok(f) => f,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(offset),
        Err(e) => return Err(EngineError::io(what())(e)),
    };
    let mut at = offset;
    let mut block = vec![0u8; 64 << 10];
    file.seek(SeekFrom::Start(offset)).map_err(EngineError::io(what()))?;
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(n) => {
                out.write_all(&block[..n]).map_err(EngineError::io("output"))?;
                at += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(EngineError::io(what())(e)),
        }
    }
    if at > offset {
        out.flush().map_err(EngineError::io("output"))?;
    }
    Ok(at)
}
