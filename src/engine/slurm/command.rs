//! Running SLURM's programs: in an environment without anything that changes what they print or
//! ask, and never longer than a time limit.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::SlurmError;

/// Seconds that a program of SLURM may take; decimals are allowed.
const TIMEOUT_VARIABLE: &str = "POLYCULTURE_SLURM_TIMEOUT";

/// What SLURM's programs need of an environment: everything else may change their answers
/// (`SBATCH_*`, `SQUEUE_FORMAT`, `SLURM_TIME_FORMAT`, `SLURM_CLUSTERS`, ..).
const KEPT: [&str; 6] = ["PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH", "SLURM_CONF"];

/// Whom we ask: runs with equal access are asked about in one question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Access(BTreeMap<String, String>);

impl Access {
    /// The way to SLURM that a run's environment says; without `SLURM_CONF` that of this process.
    pub(super) fn of(env: &BTreeMap<String, String>) -> Self {
        let own = |name: &str| std::env::var(name).ok();
        Self(
            KEPT.iter()
                .filter_map(|&name| {
                    let value = env.get(name).cloned().or_else(|| own(name))?;
                    Some((name.to_owned(), value))
                })
                .collect(),
        )
    }

    /// As an environment.
    pub(super) fn env(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// What a program said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    /// Its complaint in one line.
    pub(super) fn complaint(&self) -> String {
        let lines: Vec<&str> = self.err.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        match (lines.is_empty(), self.code) {
            (false, _) => lines.join("; "),
            (true, Some(code)) => format!("exit code {code} without a word"),
            (true, None) => "killed".into(),
        }
    }
}

/// How long a program may take.
pub(super) fn timeout() -> Duration {
    super::seconds_of(TIMEOUT_VARIABLE, 30.0)
}

/// Runs a program to its end, or kills it when its time is up.
pub(super) fn ask(
    access: &Access,
    env: &BTreeMap<String, String>,
    program: &str,
    arguments: &[String],
) -> Result<Said, SlurmError> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(env)
        .envs(access.env())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| SlurmError::Missing { program: program.into(), reason: e.to_string() })?;
    let out = child.stdout.take().map(drain);
    let err = child.stderr.take().map(drain);
    let deadline = Instant::now() + timeout();
    let mut pause = Duration::from_millis(2);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < deadline => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let Some(status) = status else {
        let s = timeout().as_secs_f64();
        return Err(SlurmError::Unreachable(format!("`{program}` did not answer in {s} s")));
    };
    let text = |t: Option<std::thread::JoinHandle<String>>| {
        t.and_then(|t| t.join().ok()).unwrap_or_default()
    };
    Ok(Said { code: status.code(), out: text(out), err: text(err) })
}

/// Reads a pipe on a thread of its own, so that a full one blocks nobody.
fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
