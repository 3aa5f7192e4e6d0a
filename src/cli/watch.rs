//! `polyculture runs watch`: what a training measures, live, whoever trains.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::args_watch::WatchArgs;
use super::args_workbench::LooksArgs;
use super::output::table;
use super::{Context, Failure, workbench};
use crate::domain::RunId;
use crate::engine::Client;
use crate::job::watch::{Going, Known, Watch};
use crate::text::display;

/// Watches.
///
/// # Errors
/// Neither a run nor a folder; a file of it cannot be read.
pub fn run(ctx: &Context, a: &WatchArgs, looks: &LooksArgs) -> Result<(), Failure> {
    let dir = folder(ctx, &a.what)?;
    let mut watch = Watch::open(&dir).map_err(Failure::bad_input)?;
    let terminal = workbench::is_terminal() && !ctx.out.json && !a.once && !a.follow;
    if terminal {
        return workbench::watch(ctx, dir, looks);
    }
    if !a.follow {
        watch.refresh().map_err(Failure::failed)?;
        let known = watch.known(Timestamp::now());
        return ctx.out.show(&known, || in_words(&known));
    }
    let mut out = std::io::stdout().lock();
    let mut before: Option<Known> = None;
    loop {
        watch.refresh().map_err(Failure::failed)?;
        let known = watch.known(Timestamp::now());
        if before.as_ref().is_none_or(|b| differs(b, &known)) {
            if ctx.out.json {
                serde_json::to_writer(&mut out, &known)?;
                out.write_all(b"\n")?;
            } else {
                writeln!(out, "{}", line(&known))?;
            }
            out.flush()?;
        }
        // Of another trainer nobody can say that it will not go on; of a run of ours its end.
        if known.end.is_some() {
            return Ok(());
        }
        before = Some(known);
        std::thread::sleep(Duration::from_secs_f64(a.every));
    }
}

/// True when there is more to say than that time passed.
fn differs(a: &Known, b: &Known) -> bool {
    let kinds = |k: &Known| k.alarms.iter().map(|a| (a.kind, a.metric.clone())).collect::<Vec<_>>();
    a.step != b.step
        || a.state != b.state
        || a.metrics != b.metrics
        || a.checkpoints != b.checkpoints
        || a.gpus != b.gpus
        || kinds(a) != kinds(b)
}

/// The folder of a run's id, or the folder itself.
fn folder(ctx: &Context, what: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(what);
    if path.is_dir() {
        return Ok(path.canonicalize()?);
    }
    let id: RunId = what.parse().map_err(|_| neither(what))?;
    if let Ok(place) = ctx.place() {
        let dir = place.folder().runs().join(id.as_str());
        if dir.is_dir() {
            return Ok(dir);
        }
    }
    // A run of another workspace: an engine that runs knows it.
    if let Some(mut client) = Client::connect()?
        && let Ok(view) = client.show(&id)
    {
        return Ok(view.dir);
    }
    Err(neither(what))
}

fn neither(what: &str) -> Failure {
    Failure::not_found(format!("`{what}` is no folder and no known run")).hint(
        "`polyculture runs list --all` lists the runs; a folder is one that a trainer writes into",
    )
}

/// `3 min`, `2 h 05`.
fn duration(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    match s {
        0..100 => format!("{s} s"),
        100..6_000 => format!("{} min", (s + 30) / 60),
        _ => format!("{} h {:02}", s / 3600, s % 3600 / 60),
    }
}

fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || !x.is_finite() {
        x.to_string()
    } else if (1e-3..1e6).contains(&size) {
        format!("{x:.4}")
    } else {
        format!("{x:.3e}")
    }
}

/// One line: where it is, and its losses.
fn line(k: &Known) -> String {
    let mut parts = vec![standing(k)];
    for name in ["loss", "eval_loss", "lr", "grad_norm"] {
        if let Some(m) = k.metrics.get(name) {
            parts.push(format!("{name} {}", number(m.last.unwrap_or(f64::NAN))));
        }
    }
    parts.extend(k.alarms.iter().map(|a| format!("ALARM: {}", display(&a.words))));
    parts.join(" · ")
}

fn standing(k: &Known) -> String {
    let mut out = match &k.end {
        Some(end) => end.clone(),
        None => k.state.word().to_owned(),
    };
    if let Some(step) = k.step {
        out += &format!(", step {step}");
        out += &k.total.map_or(String::new(), |t| format!(" of {t}"));
    }
    if let Some(e) = k.epoch {
        out += &format!(", epoch {e:.2}");
    }
    if let Some(s) = k.eta_s {
        out += &format!(", {} left", duration(s));
    }
    if let Some(t) = k.tokens_per_s {
        out += &format!(", {t:.0} tokens/s");
    }
    out
}

/// The whole for a terminal that is none, a pipe, or `--once`.
fn in_words(k: &Known) -> String {
    let mut out = format!("{}\n{}\n", display(&k.dir.display().to_string()), standing(k));
    for a in &k.alarms {
        out += &format!("ALARM     {}\n", display(&a.words));
    }
    if k.state == Going::Waiting {
        out += "nothing that can be read yet: metrics.jsonl, trainer_log.jsonl, event files, a .log or .out file, trainer_state.json\n";
    }
    if !k.metrics.is_empty() {
        let rows: Vec<Vec<String>> = k
            .metrics
            .iter()
            .map(|(name, m)| {
                let opt = |x: Option<f64>| x.map_or_else(|| "-".into(), number);
                vec![
                    display(name),
                    m.n.to_string(),
                    m.step.to_string(),
                    opt(m.last),
                    opt(m.smoothed),
                    opt(m.lowest.map(|l| l.1)),
                    m.not_finite.to_string(),
                    m.origin.word().to_owned(),
                ]
            })
            .collect();
        out += "\n";
        out += &table(&["metric", "n", "step", "last", "smoothed", "lowest", "NaN", "from"], &rows);
        out += "\n";
    }
    for g in &k.gpus {
        let mib = |b: Option<u64>| b.map_or_else(|| "n/a".into(), |b| format!("{} MiB", b >> 20));
        let busy = g.utilization.map_or_else(|| "n/a".into(), |u| format!("{u} %"));
        let gone = if g.gone { " GONE" } else { "" };
        out += &format!(
            "GPU {}     {} of {}, {busy}{gone}  {}\n",
            g.index.map_or_else(|| "?".into(), |i| i.to_string()),
            mib(g.memory_used),
            mib(g.memory_total),
            display(g.name.as_deref().unwrap_or(&g.uuid)),
        );
    }
    if let Some(last) = k.checkpoints.last() {
        let n = k.checkpoints.len();
        out += &format!("saved     {n}, the newest at step {}\n", last.step);
    }
    for s in &k.sources {
        let note = s.note.as_ref().map_or(String::new(), |n| format!(" ({n})"));
        let bad = match s.unreadable {
            0 => String::new(),
            n => format!(", {n} unreadable"),
        };
        out += &format!("read      {}: {} bytes{bad}{note}\n", s.origin.word(), s.bytes);
    }
    out
}
