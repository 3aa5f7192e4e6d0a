//! `polyculture doctor`: what this machine and workspace can do, and what to mend.

use serde_json::Value;

use super::doctor_host::{self, Check};
use super::{Context, Failure};
use crate::config::UserConfig;
use crate::engine::Client;
use crate::store::network_file_system;

/// Looks around and says what it found.
///
/// # Errors
/// Only a closed standard output: trouble is what it reports.
pub fn run(ctx: &Context) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut checks = vec![Check::fine(
        "processors",
        format!("{cores}: the engine runs as many one-thread runs at a time"),
    )];
    checks.extend(workspace(ctx));
    checks.push(engine());
    checks.extend(doctor_host::checks());
    checks.push(providers());
    let items: Vec<Value> = checks.iter().map(Check::json).collect();
    ctx.out.list(&items, None, || checks.iter().map(Check::line).collect())
}

fn workspace(ctx: &Context) -> Vec<Check> {
    let place = match ctx.place() {
        Ok(place) => place,
        Err(e) => return vec![Check::bad("workspace", e.to_string())],
    };
    let root = place.folder().root().to_owned();
    let folder = match network_file_system(&root) {
        Some(fs) => Check::bad(
            "workspace",
            format!(
                "{} lies on {fs}: ratings and databases need a local file system",
                root.display()
            ),
        )
        .mend(format!("cp -r '{}' /var/tmp/", root.display())),
        None => Check::fine("workspace", root.display().to_string()),
    };
    let database =
        match place.read().map_err(Failure::from).and_then(|s| Ok(s.database().check()?)) {
            Ok(found) if found.is_empty() => Check::fine("database", "whole"),
            Ok(found) => Check::bad("database", found.join("; ")),
            Err(e) => Check::bad("database", e.to_string()),
        };
    vec![folder, database]
}

fn engine() -> Check {
    let status = match Client::connect() {
        Ok(None) => {
            return Check::fine("engine", "not running; it starts by itself at the first run");
        }
        Ok(Some(mut c)) => c.status(),
        Err(e) => Err(e),
    };
    match status {
        Ok(s) => Check::fine(
            "engine",
            format!(
                "runs as process {} since {}, {} of {} slots taken",
                s.pid, s.since, s.slots_taken, s.slots
            ),
        ),
        Err(e) => Check::bad("engine", e.to_string()).mend("polyculture engine stop"),
    }
}

/// The services of the user's configuration: whether it parses, and which keys are there. Nothing
/// is sent.
fn providers() -> Check {
    match UserConfig::load() {
        Err(e) => Check::bad("providers", e.to_string()),
        Ok(c) if c.providers.is_empty() => Check::fine(
            "providers",
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
            Check::fine("providers", format!("{words}: `polyculture providers test NAME` asks one"))
        }
    }
}
