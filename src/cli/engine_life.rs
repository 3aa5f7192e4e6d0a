//! `polyculture engine drain`, `install` and `uninstall`, and the word about logouts.

use std::time::Duration;

use serde_json::json;

use super::output::note;
use super::{Context, Failure};
use crate::engine::install::{self, Installed};
use crate::engine::logout::Host;
use crate::engine::{Client, StateDir};

/// No more starts; the engine ends with the last live run.
///
/// # Errors
/// The engine cannot be reached, or is too old to be drained.
pub fn drain(ctx: &Context, wait: bool) -> Result<(), Failure> {
    let Some(mut client) = Client::connect()? else {
        note("no engine runs");
        return Ok(());
    };
    let status = client.drain()?;
    let live: i64 = ["starting", "running", "paused", "stopping"]
        .iter()
        .filter_map(|s| status.runs.get(*s))
        .sum();
    if wait {
        while Client::connect()?.is_some() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    ctx.out.show(&json!({"draining": true, "live": live, "ended": wait}), || {
        let queued = status.runs.get("queued").copied().unwrap_or(0);
        let kept = "queued ones wait for the next engine";
        if wait {
            format!("the engine has ended; {queued} {kept}")
        } else {
            format!("the engine starts no more runs and ends with the last of {live}; {kept}")
        }
    })
}

/// Runs are started again.
///
/// # Errors
/// The engine cannot be reached, or is too old for that.
pub fn undrain(ctx: &Context) -> Result<(), Failure> {
    let status = Client::connect_or_start()?.undrain()?;
    ctx.out.show(&json!({"draining": status.draining}), || "the engine starts runs again".into())
}

/// The engine after a reboot.
///
/// # Errors
/// systemd or cron refused.
pub fn install(ctx: &Context, print: bool) -> Result<(), Failure> {
    let (state, host) = (StateDir::find()?, Host::here());
    if print {
        let (how, text) = install::plan(&state, &host)?;
        return ctx.out.show(&json!({"how": how, "text": text}), || match &how {
            Installed::Systemd { file, .. } => format!("# {}\n{text}", file.display()),
            Installed::Cron { .. } => text.clone(),
        });
    }
    let how = install::install(&state, &host)?;
    ctx.out.show(&how, || match &how {
        Installed::Systemd { file, lingers } => {
            let linger = if *lingers {
                ""
            } else {
                "\n  without lingering it starts at your first login only: loginctl enable-linger"
            };
            format!("{}: the engine starts with your systemd{linger}", file.display())
        }
        Installed::Cron { .. } => "your crontab starts the engine after a reboot".into(),
    })
}

/// Undoes it.
///
/// # Errors
/// systemd or cron refused.
pub fn uninstall(ctx: &Context) -> Result<(), Failure> {
    let any = install::uninstall()?;
    ctx.out.show(&json!({"uninstalled": any}), || {
        if any {
            "the engine no longer starts by itself after a reboot"
        } else {
            "nothing was installed"
        }
        .into()
    })
}

/// When a command had to start the engine: says once whether runs end with the login.
pub fn warn_of_logout(client: &Client) {
    if !client.launched() {
        return;
    }
    let told = client.state().dir().join("logout.told");
    if told.exists() {
        return;
    }
    let host = Host::here();
    for outlook in [host.logout(), host.shared_memory()] {
        if !outlook.survives {
            note(&format!("note: runs may not survive your logout: {}", outlook.why));
            if let Some(mend) = outlook.mend {
                note(&format!("  mend it:  {mend}"));
            }
        }
    }
    // Said once; `doctor` says it any time.
    let _ = std::fs::write(told, "");
}
