//! `polyculture demo`: the whole loop, watched on stderr, its table on stdout.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{DemoArgs, LooksArgs};
use super::output::note;
use super::{Context, Failure};
use crate::demo::{DemoError, DemoReport, Size, run, run_in};

impl From<DemoError> for Failure {
    fn from(e: DemoError) -> Self {
        match e {
            DemoError::Place(e) => e.into(),
            DemoError::Engine(e) => e.into(),
            DemoError::Launch(e) => e.into(),
            DemoError::Dataset(e) => e.into(),
            other => Self::failed(other),
        }
    }
}

/// Runs the demo and prints what it ends in.
///
/// # Errors
/// The folder is a workspace already, or a step failed.
pub fn demo(ctx: &Context, args: DemoArgs, looks: &LooksArgs) -> Result<(), Failure> {
    if args.steps {
        return steps(ctx, if args.quick { Size::QUICK } else { Size::FULL });
    }
    let dir = match args.dir {
        Some(dir) => dir,
        None => fresh_dir()?,
    };
    let size = if args.quick { Size::QUICK } else { Size::FULL };
    if !args.headless && !ctx.out.json && super::workbench::is_terminal() {
        let place = crate::launch::Place::init(&dir, false)?;
        return super::workbench::watch_demo(ctx, place, args.quick, looks);
    }
    note(&format!(
        "demo workspace: {} (the models are tiny and the raters are scripts)",
        dir.display()
    ));
    let mut watch = Watcher::new();
    let report = run(&dir, size, &mut |step, done, of| watch.at(step, done, of))?;
    watch.end();
    ctx.out.show(&report, || text(&report))
}

/// One line of what the demo does, for whoever watches it in another process.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// A step, how much of it is done, of how much.
    Step(String, u64, u64),
    /// It came to its end after so many seconds.
    Ended(f64),
    /// It did not.
    Failed(String),
}

/// The demo's steps alone. Whoever reads may go: the loop goes on.
fn steps(ctx: &Context, size: Size) -> Result<(), Failure> {
    let say = |line: &Line| {
        if let Ok(text) = serde_json::to_string(line) {
            let mut out = io::stdout().lock();
            drop(io::Write::write_all(&mut out, (text + "\n").as_bytes()));
            drop(io::Write::flush(&mut out));
        }
    };
    let place = ctx.place()?;
    let ended = run_in(&place, size, &mut |step, done, of| {
        say(&Line::Step(step.to_owned(), done, of));
    });
    match ended {
        Ok(report) => say(&Line::Ended(report.seconds)),
        Err(e) => {
            say(&Line::Failed(e.to_string()));
            return Err(e.into());
        }
    }
    Ok(())
}

fn fresh_dir() -> Result<PathBuf, Failure> {
    let dir = tempfile::Builder::new().prefix("polyculture-demo-").tempdir()?;
    // Kept: a newcomer looks into it afterwards.
    Ok(dir.keep())
}

fn text(r: &DemoReport) -> String {
    let s = &r.samples;
    let mut out = format!(
        "{} seeds, {} cultures; {} samples proposed = {} kept + {} rejected + {} failed\n",
        r.seeds, r.cultures, s.proposed, s.kept, s.rejected, s.failed
    );
    if r.ratings.n > 0 {
        out += &format!(
            "{} ratings of {} items by {} SCRIPTED raters (no people): ordinal alpha {}\n",
            r.ratings.n,
            r.ratings.items,
            r.ratings.raters,
            match (r.ratings.alpha_ordinal, r.ratings.alpha_ci) {
                (Some(a), Some([lo, hi])) => format!("{a:.2} [{lo:.2}, {hi:.2}] over seeds"),
                (Some(a), None) => format!("{a:.2}"),
                _ => "undefined".into(),
            }
        );
    }
    out += &format!("{} runs of the engine, {:.0} s in all\n\n", r.runs.len(), r.seconds);
    out += &r.table;
    out += &format!(
        "\nlook into it:  polyculture -w {} runs list   (or seeds, samples, models, study)\n",
        r.workspace.display()
    );
    out
}

/// Steps as a bar on a terminal, as lines elsewhere.
pub(super) struct Watcher {
    bar: ProgressBar,
    step: String,
}

impl Watcher {
    pub(super) fn new() -> Self {
        let bar =
            if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} {msg} {wide_bar} {pos}/{len}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self { bar, step: String::new() }
    }

    pub(super) fn at(&mut self, step: &str, done: u64, of: u64) {
        if self.step != step {
            step.clone_into(&mut self.step);
            if self.bar.is_hidden() {
                note(&format!("  {step}"));
            }
            self.bar.set_message(step.to_owned());
        }
        self.bar.set_length(of);
        self.bar.set_position(done);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
