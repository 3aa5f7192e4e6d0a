//! What can be done on the screen of whoever leads a study.

use super::{Leading, Panel};
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, ScreenId};

const fn command(
    mode: &'static str,
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Leading, &mut Cx<'_>),
) -> Command {
    Command { name, keys, when: When::In(ScreenId::Study, mode), doc, hint, run: Run::Study(run) }
}

const fn live(
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Leading, &mut Cx<'_>),
) -> Command {
    command("live", name, keys, doc, hint, run)
}

const fn case(
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Leading, &mut Cx<'_>),
) -> Command {
    command("case", name, keys, doc, hint, run)
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    live("study.next", &["tab", "right"], "Next panel of the study", "next panel", |s, _| {
        s.turn(1);
    }),
    live("study.before", &["shift-tab", "left"], "Panel before", "", |s, _| {
        s.turn(Panel::ALL.len() - 1);
    }),
    live(
        "study.open",
        &["enter"],
        "Decide on the item under the cursor; elsewhere, where the figures come from",
        "open",
        Leading::enter_row,
    ),
    live(
        "study.how",
        &["i"],
        "Where the figures of this panel come from, or back",
        "where from",
        |s, _| s.how = Some(0),
    ),
    live(
        "study.change",
        &["p"],
        "Plan the study and fix it; amend it where it is fixed",
        "plan, amend",
        Leading::change_study,
    ),
    live("study.new", &["n"], "A new study with several raters", "new study", Leading::new_study),
    command(
        "form",
        "study.make",
        &[],
        "Make, fix or amend the study as the form says",
        "",
        Leading::make,
    ),
    live("study.refresh", &["r", "f5"], "Read the study again", "", Leading::look),
    live("study.leave", &["esc"], "Back to the list of studies", "back", Leading::back),
    // where figures come from
    command(
        "how",
        "study.how-close",
        &["esc", "i", "enter"],
        "Back to the panel",
        "back",
        |s, _| {
            s.how = None;
        },
    ),
    command("how", "study.how-down", &["j", "down"], "Scroll down", "more", |s, _| {
        s.how = s.how.map(|at| at + 1);
    }),
    command("how", "study.how-up", &["k", "up"], "Scroll up", "", |s, _| {
        s.how = s.how.map(|at| at.saturating_sub(1));
    }),
    // one item
    case(
        "study.decide",
        &["d", "enter"],
        "Give the item a final score, with a reason",
        "decide",
        |s, cx| s.decide(false, cx),
    ),
    case("study.undo", &["u"], "Take the decision that stands back", "take back", |s, cx| {
        s.decide(true, cx);
    }),
    case(
        "study.names",
        &["n"],
        "Show or hide whose scores they are (pseudonyms)",
        "names",
        |s, _| s.toggle_names(),
    ),
    case("study.reveal", &["x"], "Show or hide a text that is marked sensitive", "", |s, _| {
        s.toggle_text();
    }),
    case("study.next-item", &["right", "l"], "The next divided item", "next item", |s, cx| {
        s.next_case(1, cx);
    }),
    case("study.item-before", &["left", "h"], "The divided item before", "", |s, cx| {
        s.next_case(-1, cx);
    }),
    case("study.down", &["j", "down"], "Scroll down", "", |s, _| s.scroll(1)),
    case("study.up", &["k", "up"], "Scroll up", "", |s, _| s.scroll(-1)),
    case("study.close", &["esc"], "Back to the items", "back", Leading::close_case),
];
