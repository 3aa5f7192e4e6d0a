//! Running SLURM's programs: in an environment without anything that changes what they print or
//! ask, and never longer than a time limit.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::SlurmError;

/// Seconds that a program of SLURM may take; decimals are allowed.
const TIMEOUT_VARIABLE: &str = "POLYCULTURE_SLURM_TIMEOUT";

/// How long a program that has ended may take to have said what it said.
const LAST_WORDS: Duration = Duration::from_secs(2);

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
fn timeout() -> Duration {
    super::seconds_of(TIMEOUT_VARIABLE, 30.0)
}

/// Runs a program to its end, or kills it when its time is up.
pub(super) fn ask(
    access: &Access,
    env: &BTreeMap<String, String>,
    program: &str,
    arguments: &[String],
) -> Result<Said, SlurmError> {
    ask_within(timeout(), access, env, program, arguments)
}

fn ask_within(
    most: Duration,
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
    let deadline = Instant::now() + most;
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
        let s = most.as_secs_f64();
        return Err(SlurmError::Unreachable(format!("`{program}` did not answer in {s} s")));
    };
    // Something that a site's wrapper left in the background may hold a pipe open: what it holds
    // was not said in time.
    let text = |t: Option<Receiver<String>>| {
        let left = deadline.saturating_duration_since(Instant::now()).max(LAST_WORDS);
        t.map_or(Some(String::new()), |t| t.recv_timeout(left).ok())
    };
    match (text(out), text(err)) {
        (Some(out), Some(err)) => Ok(Said { code: status.code(), out, err }),
        _ => Err(SlurmError::Unreachable(format!(
            "`{program}` ended, and what it said did not: something holds its output open"
        ))),
    }
}

/// Reads a pipe on a thread of its own, so that a full one blocks nobody.
fn drain(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = tell.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_leaves_something_behind_at_its_pipe_holds_nobody_up_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("squeue");
        let draft = dir.path().join("draft");
        std::fs::write(&draft, "#!/bin/sh\necho 12\nsleep 1000 &\necho $! > \"$1\"\n").unwrap();
        // Put there by a process of its own: a file that a child of another thread still has open for
        // writing cannot be executed.
        let put = ["-c", "cp \"$1\" \"$2\" && chmod 755 \"$2\"", "sh"];
        let put = Command::new("sh").args(put).args([&draft, &program]).status();
        assert!(put.unwrap().success());
        let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let pid = dir.path().join("pid");
        let words = [pid.display().to_string()];
        let said = ask_within(
            Duration::from_secs(2),
            &Access::of(&env),
            &BTreeMap::new(),
            &program.display().to_string(),
            &words,
        );
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL).unwrap();
        assert!(matches!(said, Err(SlurmError::Unreachable(_))), "{said:?}");
    }
}
