//! `polyculture doctor`: what this machine and workspace can do, and what to mend.

use serde_json::{Value, json};

use super::{Context, Failure};
use crate::config::UserConfig;
use crate::engine::{Client, StateDir};
use crate::store::network_file_system;

/// Looks around and says what it found.
///
/// # Errors
/// Only a closed standard output: trouble is what it reports.
pub fn run(ctx: &Context) -> Result<(), Failure> {
    let mut checks: Vec<(&str, bool, String)> = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    checks.push((
        "processors",
        true,
        format!("{cores}: the engine runs as many one-thread runs at a time"),
    ));
    match ctx.place() {
        Ok(place) => {
            let root = place.folder().root().to_owned();
            match network_file_system(&root) {
                Some(fs) => checks.push((
                    "workspace",
                    false,
                    format!("{} lies on {fs}: ratings and databases need a local file system; move it with `cp -r` to one", root.display()),
                )),
                None => checks.push(("workspace", true, root.display().to_string())),
            }
            match place.read().map_err(Failure::from).and_then(|s| Ok(s.database().check()?)) {
                Ok(found) if found.is_empty() => checks.push(("database", true, "whole".into())),
                Ok(found) => checks.push(("database", false, found.join("; "))),
                Err(e) => checks.push(("database", false, e.to_string())),
            }
        }
        Err(e) => checks.push(("workspace", false, e.to_string())),
    }
    match StateDir::find() {
        Ok(dir) => {
            let note = dir.note().map(|n| format!(" ({n})")).unwrap_or_default();
            checks.push(("engine state", true, format!("{}{note}", dir.dir().display())));
        }
        Err(e) => checks.push(("engine state", false, e.to_string())),
    }
    match Client::connect() {
        Ok(Some(mut c)) => match c.status() {
            Ok(s) => checks.push((
                "engine",
                true,
                format!(
                    "runs as process {} since {}, {} of {} slots taken",
                    s.pid, s.since, s.slots_taken, s.slots
                ),
            )),
            Err(e) => checks.push(("engine", false, e.to_string())),
        },
        Ok(None) => checks.push((
            "engine",
            true,
            "not running; it starts by itself at the first run".into(),
        )),
        Err(e) => checks.push(("engine", false, e.to_string())),
    }
    match crate::engine::slurm::doctor() {
        Ok(Some(words)) => checks.push(("slurm", true, words)),
        Ok(None) => checks.push(("slurm", true, "none here: runs stay on this host".into())),
        Err(e) => checks.push(("slurm", false, e)),
    }
    checks.push(providers());
    let items: Vec<Value> = checks
        .iter()
        .map(|(what, ok, words)| json!({"check": what, "ok": ok, "says": words}))
        .collect();
    ctx.out.list(&items, None, || {
        checks
            .iter()
            .map(|(what, ok, words)| {
                format!("{}  {what:<13} {words}\n", if *ok { "ok  " } else { "MEND" })
            })
            .collect()
    })
}

/// The services of the user's configuration: whether it parses, and which keys are there. Nothing
/// is sent.
fn providers() -> (&'static str, bool, String) {
    match UserConfig::load() {
        Err(e) => ("providers", false, e.to_string()),
        Ok(c) if c.providers.is_empty() => (
            "providers",
            true,
            format!("none besides `offline`; {} may define some", c.file.display()),
        ),
        Ok(c) => {
            let missing = c.providers.values().filter_map(|p| {
                let name = p.secret_variable()?;
                std::env::var_os(name).is_none().then(|| format!("{} needs ${name}", p.name))
            });
            let missing: Vec<String> = missing.collect();
            let names: Vec<&str> = c.providers.keys().map(String::as_str).collect();
            let mut words = names.join(", ");
            if !missing.is_empty() {
                words.push_str(&format!(" ({})", missing.join(", ")));
            }
            ("providers", true, format!("{words}: `polyculture providers test NAME` asks one"))
        }
    }
}
