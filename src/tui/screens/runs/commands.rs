//! What can be done on the Runs screen.

use super::Runs;
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, ScreenId};

const HERE: When = When::In(ScreenId::Runs, "browse");
const LOG: When = When::In(ScreenId::Runs, "log");
const ON: When = When::On(ScreenId::Runs);

const fn command(
    name: &'static str,
    keys: &'static [&'static str],
    when: When,
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Runs, &mut Cx<'_>),
) -> Command {
    Command { name, keys, when, doc, hint, run: Run::Runs(run) }
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command(
        "runs.open",
        &["enter"],
        HERE,
        "Read the run's log on the whole screen",
        "log",
        Runs::open_log,
    ),
    command(
        "runs.follow",
        &["f"],
        ON,
        "Follow the end of the log, or stop",
        "follow",
        Runs::follow,
    ),
    command(
        "runs.cancel",
        &["x"],
        HERE,
        "Cancel the run, or the marked ones",
        "cancel",
        Runs::ask_cancel,
    ),
    command(
        "runs.retry",
        &["r"],
        HERE,
        "Try an ended run again, from its last checkpoint; give a run the secret it waits for",
        "retry",
        Runs::retry,
    ),
    command(
        "runs.pause",
        &["p"],
        HERE,
        "Pause the run: it stands still and keeps its memory, on GPUs too",
        "pause",
        Runs::pause,
    ),
    command(
        "runs.resume",
        &["c"],
        HERE,
        "Let a paused run go on, or a stopped one from its last checkpoint",
        "resume",
        Runs::resume,
    ),
    command(
        "runs.stop",
        &["S"],
        HERE,
        "Checkpoint and stop: c goes on from there",
        "stop",
        Runs::ask_stop,
    ),
    command(
        "runs.sooner",
        &["+"],
        HERE,
        "Raise the priority of a run that waits: higher goes first",
        "",
        Runs::go_first,
    ),
    command(
        "runs.later",
        &["-"],
        HERE,
        "Lower the priority of a run that waits",
        "",
        Runs::go_last,
    ),
    command(
        "runs.pane",
        &["m", "tab"],
        HERE,
        "Next pane beside the list: facts, log, metrics",
        "next pane",
        Runs::next_pane,
    ),
    command(
        "runs.view",
        &["v"],
        HERE,
        "Show everything, what has not ended, what ended badly, this workspace",
        "narrow",
        Runs::next_view,
    ),
    command(
        "runs.series",
        &["M", "right", "l"],
        HERE,
        "Next metric of the chart",
        "",
        Runs::next_series,
    ),
    command(
        "runs.series-back",
        &["left", "h"],
        HERE,
        "Metric of the chart before",
        "",
        Runs::series_back,
    ),
    command(
        "runs.attempt",
        &["a"],
        ON,
        "Log of the attempt before; after the first comes the newest",
        "",
        Runs::attempt_before,
    ),
    command(
        "runs.pager",
        &["o"],
        ON,
        "Open the end of the log in your pager",
        "pager",
        Runs::pager,
    ),
    command("runs.copy", &["y"], ON, "Copy the run's id", "", Runs::copy),
    command(
        "runs.refresh",
        &["R", "f5"],
        ON,
        "Read the list and the run again",
        "",
        Runs::look_again,
    ),
    command("runs.cancel-now", &[], HERE, "Cancel the run without asking", "", Runs::cancel_now),
    command("runs.stop-now", &[], HERE, "Checkpoint and stop without asking", "", Runs::stop_now),
    command("runs.log-close", &["esc", "q"], LOG, "Back to the list", "back", Runs::close_log),
    command("runs.older", &["n"], LOG, "Older match of the search", "older match", |s, cx| {
        s.search(true, cx);
    }),
    command("runs.newer", &["N"], LOG, "Newer match of the search", "newer", |s, cx| {
        s.search(false, cx);
    }),
    command("runs.right", &["right", "l"], LOG, "See what stands further right", "", |s, _| {
        s.log.sideways(20);
    }),
    command("runs.left", &["left", "h"], LOG, "Back to the left", "", |s, _| {
        s.log.sideways(-20);
    }),
];
