//! `polyculture` on a terminal: the workbench; `polyculture rate`: its rating screen alone.

use std::io::IsTerminal;

use super::args_workbench::{LooksArgs, RateArgs};
use super::{Context, Failure};
use crate::demo::{Size, run_in};
use crate::launch::{BesideWork, NotOpened, Opening, Place, Tone};
use crate::store::refuse_network_file_system;
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

/// Opens the workbench on the demo's workspace, and goes through the loop beside it.
///
/// # Errors
/// As [`workbench`]; the folder is a workspace already.
pub fn watch_demo(
    ctx: &Context,
    place: Place,
    size: Size,
    looks: &LooksArgs,
) -> Result<(), Failure> {
    let own = place.clone();
    let work = BesideWork(Box::new(move |say| {
        let mut last = String::new();
        let ended = run_in(&own, size, &mut |step, done, of| {
            let text = format!("demo: {step} ({done} of {of})");
            if text != last {
                say(Tone::Plain, text.clone());
                last = text;
            }
        });
        match ended {
            Ok(r) => say(
                Tone::Good,
                format!(
                    "demo: done in {:.0} s; 6 shows the result, every other screen its part",
                    r.seconds
                ),
            ),
            Err(e) => say(Tone::Bad, format!("demo: {e}")),
        }
    }));
    let folder = place.folder().root().to_owned();
    opened((ctx.screen.open)(Opening { beside: Some(work), ..opening(place, looks) }))?;
    super::output::note(&format!(
        "the demo's workspace stays: polyculture -w {}",
        folder.display()
    ));
    Ok(())
}

/// True where a screen can be drawn and keys be read.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
