//! `polyculture` on a terminal: the workbench; `polyculture rate`: its rating screen alone.

use std::io::{BufRead, BufReader, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args_workbench::{LooksArgs, RateArgs};
use super::demo::Line;
use super::{Context, Failure};
use crate::launch::{BesideWork, NotOpened, Opening, Place, Tone};
use crate::store::refuse_network_file_system;
use crate::study::begin_rating;
use crate::study::session::{load, who};

fn opened(result: Result<(), NotOpened>) -> Result<(), Failure> {
    result.map_err(|e| {
        if e.usage { Failure::usage(e.message) } else { Failure::failed(Said(e.message)) }
    })
}

/// A message that is an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

fn no_terminal() -> Failure {
    Failure::usage("this is no terminal: the workbench needs one on its input and its output")
        .hint("`polyculture help` lists the commands; `polyculture demo` prints its table anywhere")
}

fn opening(place: Place, looks: &LooksArgs) -> Opening {
    Opening {
        place,
        rate: None,
        watch: None,
        theme: looks.theme.clone(),
        bidi: looks.bidi,
        plain: looks.plain,
        beside: None,
    }
}

/// Opens the workbench.
///
/// # Errors
/// No terminal; a workspace, a keymap or a theme that cannot be used.
pub fn workbench(ctx: &Context, looks: &LooksArgs) -> Result<(), Failure> {
    if !is_terminal() {
        return Err(no_terminal());
    }
    opened((ctx.screen.open)(opening(ctx.place()?, looks)))
}

/// Opens the rating screen, with nothing else to be reached.
///
/// # Errors
/// As [`workbench`].
pub fn rate(ctx: &Context, args: RateArgs, looks: &LooksArgs) -> Result<(), Failure> {
    if !is_terminal() {
        return Err(no_terminal());
    }
    let place = ctx.place()?;
    // what is wrong is said here, before the terminal is taken
    refuse_network_file_system(place.folder().root())?;
    let (study, rater) = {
        let store = place.read()?;
        let user = std::env::var("USER").ok();
        let (study, rater) =
            who(store.read(), args.study.as_deref(), args.rater.as_deref(), user.as_deref())?;
        begin_rating(&mut place.write()?, &study, &rater)?;
        load(store.read(), &study, &rater)?;
        (study.into(), rater.into())
    };
    let opening = opening(place, looks);
    opened((ctx.screen.open)(Opening { rate: Some((Some(study), Some(rater))), ..opening }))
}

/// Opens the panel of one folder, with nothing else to be reached.
///
/// # Errors
/// As [`workbench`].
pub fn watch(ctx: &Context, dir: std::path::PathBuf, looks: &LooksArgs) -> Result<(), Failure> {
    let opening = opening(ctx.place()?, looks);
    opened((ctx.screen.open)(Opening { watch: Some(dir), ..opening }))
}

/// Opens the workbench on the demo's workspace, and goes through the loop beside it: in a process of
/// its own, so that leaving the screen stops nothing.
///
/// # Errors
/// As [`workbench`]; the folder is a workspace already.
pub fn watch_demo(
    ctx: &Context,
    place: Place,
    quick: bool,
    looks: &LooksArgs,
) -> Result<(), Failure> {
    let folder = place.folder().root().to_owned();
    let mut steps = start_demo(&folder, quick)?;
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let work = BesideWork(Box::new(move |say| {
        let mut last = String::new();
        if let Some(out) = steps.stdout.take() {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let Ok(line) = serde_json::from_str(&line) else { continue };
                let (tone, text) = told(line);
                if text != last {
                    say(tone, text.clone());
                    last = text;
                }
            }
        }
        drop(steps.wait());
        ended.store(true, Ordering::Relaxed);
    }));
    opened((ctx.screen.open)(Opening { beside: Some(work), ..opening(place, looks) }))?;
    let back = format!("polyculture -w {}", folder.display());
    super::output::note(&if over.load(Ordering::Relaxed) {
        format!("the demo's workspace stays: {back}")
    } else {
        format!("the demo goes on without the screen; to watch it again: {back}")
    });
    Ok(())
}

/// The demo's steps, in a process that no key and no hang-up of this terminal reaches.
fn start_demo(folder: &Path, quick: bool) -> Result<Child, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--workspace").arg(folder).args(["demo", "--steps"]);
    if quick {
        command.arg("--quick");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    Ok(command.spawn()?)
}

fn told(line: Line) -> (Tone, String) {
    match line {
        Line::Step(step, done, of) => (Tone::Plain, format!("demo: {step} ({done} of {of})")),
        Line::Ended(seconds) => {
            let part = "6 shows the result, every other screen its part";
            (Tone::Good, format!("demo: done in {seconds:.0} s; {part}"))
        }
        Line::Failed(e) => (Tone::Bad, format!("demo: {e}")),
    }
}

/// True where a screen can be drawn and keys be read.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
