//! Waiting for a run at the terminal: a bar on stderr, and Ctrl-C that leaves the run going.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Client, EngineError, notify};
use crate::config::UserConfig;
use crate::domain::RunId;
use crate::job::{ProgressNow, RunView, interrupt_flag};

/// How the waiting ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Foreground {
    /// The run ended.
    Ended(RunView),
    /// Ctrl-C: the run goes on, and the way back was printed.
    Left,
}

/// Waits for a run, with a progress bar when stderr is a terminal. Ctrl-C ends the waiting only.
///
/// # Errors
/// The run is unknown, or the engine cannot be reached again.
pub fn wait_in_foreground(client: &mut Client, run: &RunId) -> Result<Foreground, EngineError> {
    let interrupt = interrupt_flag();
    let bar =
        if stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(120));
    let mut styled = false;
    let ended = client.wait_until(
        run,
        &mut |view, progress| show(&bar, &mut styled, view, progress),
        &|| interrupt.load(Relaxed),
    );
    bar.finish_and_clear();
    if let Some(view) = ended? {
        tell_terminal(&view);
        return Ok(Foreground::Ended(view));
    }
    interrupt.store(false, Relaxed);
    eprintln!("{run} goes on in the background.");
    eprintln!("  watch it:  polyculture runs logs -f {run}");
    eprintln!("  end it:    polyculture runs cancel {run}");
    Ok(Foreground::Left)
}

/// Bell or OSC 9, where the user's `[notify]` wants it and somebody sits there.
fn tell_terminal(view: &RunView) {
    let mut err = stderr();
    if !err.is_terminal() {
        return;
    }
    // A broken configuration is for `doctor` to say.
    let Ok(settings) = UserConfig::load().map(|c| c.notify) else { return };
    if settings.tells(view.state.word())
        && notify::took(view) >= f64::from(settings.after_s)
        && let Some(bytes) = settings.terminal.bytes(&notify::sentence(view))
    {
        let _ = err.write_all(bytes.as_bytes()).and_then(|()| err.flush());
    }
}

fn show(bar: &ProgressBar, styled: &mut bool, view: &RunView, progress: Option<&ProgressNow>) {
    let Some(progress) = progress else {
        bar.set_message(view.state.word());
        return;
    };
    if let Some(total) = progress.total {
        if !*styled
            && let Ok(style) = ProgressStyle::with_template(
                "{wide_bar} {pos}/{len}  {elapsed} (left: {eta})  {msg}",
            )
        {
            bar.set_style(style);
            *styled = true;
        }
        bar.set_length(total);
    }
    bar.set_position(progress.done);
    bar.set_message(progress.note.clone());
}
