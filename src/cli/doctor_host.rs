//! What `doctor` says of the machine: logout, reboot, GPUs, CUDA, SLURM, Python, torch.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::embedded::device::{self, Fault};
use crate::engine::logout::{Host, Outlook};
use crate::engine::{StateDir, gpu, install, slurm};

/// One line of `doctor`.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was looked at.
    pub what: &'static str,
    /// Nothing to mend.
    pub ok: bool,
    /// What was found.
    pub says: String,
    /// The one command that mends it.
    pub mend: Option<String>,
}

impl Check {
    /// Nothing to mend.
    pub fn fine(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, ok: true, says: says.into(), mend: None }
    }

    /// Something to mend.
    pub fn bad(what: &'static str, says: impl Into<String>) -> Self {
        Self { ok: false, ..Self::fine(what, says) }
    }

    /// With the command.
    #[must_use]
    pub fn mend(self, command: impl Into<String>) -> Self {
        Self { mend: Some(command.into()), ..self }
    }

    /// As one document.
    pub fn json(&self) -> Value {
        let mut doc = json!({"check": self.what, "ok": self.ok, "says": self.says});
        if let Some(mend) = &self.mend {
            doc["mend"] = json!(mend);
        }
        doc
    }

    /// For people.
    pub fn line(&self) -> String {
        let word = if self.ok { "ok  " } else { "MEND" };
        let mut out = format!("{word}  {:<13} {}\n", self.what, crate::text::display(&self.says));
        if let Some(mend) = &self.mend {
            out += &format!("{:19} $ {}\n", "", crate::text::display(mend));
        }
        out
    }

    fn of(what: &'static str, outlook: Outlook) -> Self {
        Self { what, ok: outlook.survives, says: outlook.why, mend: outlook.mend }
    }
}

/// All of them.
pub fn checks() -> Vec<Check> {
    let host = Host::here();
    let mut out = vec![
        Check::of("logout", host.logout()),
        Check::of("shared memory", host.shared_memory()),
        reboot(),
        engine_state(),
    ];
    out.push(gpus());
    out.push(cuda());
    out.push(match slurm::doctor() {
        Ok(Some(words)) => Check::fine("slurm", words),
        Ok(None) => Check::fine("slurm", "none here: runs stay on this host"),
        Err(e) => Check::bad("slurm", e).mend("sinfo"),
    });
    out.extend(python());
    out
}

fn reboot() -> Check {
    match install::installed() {
        Some(how) => Check::fine("reboot", format!("the engine starts again {how}")),
        None => Check::fine(
            "reboot",
            "after one the engine starts with the next command, and goes on from there; \
             `polyculture engine install` makes it start by itself",
        ),
    }
}

fn engine_state() -> Check {
    match StateDir::find() {
        Ok(dir) => {
            let place = dir.dir().display();
            match dir.note() {
                Some(note) => Check::fine("engine state", format!("{place} ({note})")),
                None => Check::fine("engine state", format!("{place}, on a local file system")),
            }
        }
        Err(e) => Check::bad("engine state", e.to_string()),
    }
}

fn gpus() -> Check {
    let gpus = gpu::open();
    match gpus.devices() {
        Err(e) => Check::bad("gpus", e).mend("nvidia-smi"),
        Ok(devices) if devices.is_empty() => Check::fine("gpus", format!("none: {}", gpus.about())),
        Ok(devices) => {
            let said: Vec<String> = devices
                .iter()
                .map(|d| format!("{}, {}", d.call(), gpu::mib(d.memory_total)))
                .collect();
            Check::fine("gpus", format!("{}; {}", said.join("; "), gpus.about()))
        }
    }
}

/// Whether the embedded trainer can use a GPU. To have no driver is no fault.
fn cuda() -> Check {
    match device::presence() {
        Ok(words) => {
            Check::fine("cuda", format!("built in; {words}; `polyculture doctor --cuda` tries it"))
        }
        Err(_) if !device::BUILT_IN => Check::fine(
            "cuda",
            "not built in: the embedded trainer works on the CPU; `cargo install --path . \
             --features cuda` builds it in",
        ),
        Err(Fault::Absent(why)) => Check::fine("cuda", format!("built in, but {why}")),
        Err(e) => Check::fine("cuda", format!("built in, but {e}")),
    }
}

/// The Python that backend `torch` would find, and the torch in it.
fn python() -> Vec<Check> {
    let own = std::env::var_os("VIRTUAL_ENV").map(|v| PathBuf::from(v).join("bin/python"));
    let program = own.filter(|p| p.exists()).unwrap_or_else(|| PathBuf::from("python3"));
    let name = program.display().to_string();
    let Some(version) = first_line(&name, &["--version"]) else {
        return vec![
            Check::fine("python", "no python3 here; only backend `torch` needs one")
                .mend("sudo apt install python3 python3-venv"),
        ];
    };
    // The version as its package says it: importing torch takes seconds.
    let ask = "import importlib.metadata as m, sys; sys.stdout.write(m.version('torch'))";
    let torch = match first_line(&name, &["-c", ask]) {
        Some(v) => Check::fine("torch", format!("{v}; `polyculture doctor --torch` says more")),
        None => Check::fine(
            "torch",
            "not in this Python; only backend `torch` needs it. What installs it is said by:",
        )
        .mend("polyculture doctor --torch"),
    };
    vec![Check::fine("python", format!("{version} ({name})")), torch]
}

/// The first line that a program prints, if it ends well within ten seconds.
fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    let out = child.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let line = text.lines().find(|l| !l.trim().is_empty())?.trim().to_owned();
    out.status.success().then_some(line)
}
