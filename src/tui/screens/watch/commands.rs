//! What can be done on the panel of a watched folder.

use super::Watching;
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, ScreenId, Tone};

const ON: When = When::On(ScreenId::Watch);

const fn command(
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Watching, &mut Cx<'_>),
) -> Command {
    Command { name, keys, when: ON, doc, hint, run: Run::Watch(run) }
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command("watch.metric", &["m", "right"], "Next metric, large", "metric", |s, cx| {
        s.turn(1, cx);
    }),
    command("watch.metric-back", &["M", "left"], "Metric before, large", "", |s, cx| {
        s.turn(-1, cx);
    }),
    command("watch.all", &["a"], "The four metrics that matter, side by side", "all", |s, cx| {
        s.together(cx);
    }),
    command(
        "watch.log",
        &["tab", "enter"],
        "The log on the whole screen, or back",
        "log",
        |s, cx| {
            s.toggle_log(cx);
        },
    ),
    command("watch.follow", &["f"], "Follow the end of the log, or stop", "follow", |s, cx| {
        let on = !s.log.follows();
        s.log.set_follow(on);
        cx.note(Tone::Plain, if on { "the log follows its end" } else { "the log stands still" });
        s.log.pump(cx);
    }),
    command("watch.older", &["n"], "Older match of the search in the log", "", |s, cx| {
        s.log.search_again(true);
        s.log.pump(cx);
    }),
    command("watch.newer", &["N"], "Newer match of the search in the log", "", |s, cx| {
        s.log.search_again(false);
        s.log.pump(cx);
    }),
    command("watch.refresh", &["r", "f5"], "Look at the folder now", "", |s, cx| s.look(cx)),
];
