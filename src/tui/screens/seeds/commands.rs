//! Commands of the Seeds screen.

use super::Seeds;
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, ScreenId};

const fn on(
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Seeds, &mut Cx<'_>),
) -> Command {
    Command { name, keys, when: When::On(ScreenId::Seeds), doc, hint, run: Run::Seeds(run) }
}

const fn within(
    mode: &'static str,
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Seeds, &mut Cx<'_>),
) -> Command {
    Command { name, keys, when: When::In(ScreenId::Seeds, mode), doc, hint, run: Run::Seeds(run) }
}

/// Its commands. Those of a form are taken by the form itself; they stand here for the footer.
pub const COMMANDS: &[Command] = &[
    within(
        "browse",
        "seeds.augment",
        &["a"],
        "Grow samples from the marked seeds",
        "augment",
        Seeds::open_augment,
    ),
    within(
        "browse",
        "seeds.details",
        &["enter", "i"],
        "The seed in full: wordings, scale, missing codes, sources",
        "details",
        Seeds::open_details,
    ),
    within(
        "browse",
        "seeds.view",
        &["v"],
        "Next view: answers, distances, heat map of question x culture",
        "view",
        Seeds::next_view,
    ),
    within(
        "browse",
        "seeds.compare",
        &["c"],
        "Compare two cultures over all questions",
        "compare",
        Seeds::open_compare,
    ),
    within(
        "browse",
        "seeds.cultures",
        &["p"],
        "Pick the cultures that are shown",
        "cultures",
        Seeds::open_cultures,
    ),
    within(
        "browse",
        "seeds.measure",
        &["m"],
        "Heat map: mean answer, or distance to the overall mean",
        "measure",
        Seeds::next_measure,
    ),
    within(
        "browse",
        "seeds.import",
        &["n"],
        "Read questions, answers or counts from a file",
        "import",
        Seeds::open_import,
    ),
    within(
        "browse",
        "seeds.samples",
        &["S"],
        "Show the samples of this seed",
        "samples",
        Seeds::show_samples,
    ),
    within(
        "browse",
        "seeds.run",
        &["R"],
        "Show the run that was started here",
        "",
        Seeds::show_run,
    ),
    within(
        "browse",
        "seeds.pager",
        &["o"],
        "Show the seed with all its answers in the pager",
        "",
        Seeds::pager,
    ),
    within("browse", "seeds.copy", &["y"], "Copy the seed's wording", "", Seeds::copy),
    on("seeds.refresh", &["r"], "Read everything again", "", Seeds::refresh),
    within(
        "compare",
        "seeds.compare-pick",
        &["c"],
        "Compare two other cultures",
        "cultures",
        Seeds::open_compare,
    ),
    within(
        "compare",
        "seeds.compare-question",
        &["enter", "i"],
        "The question in full",
        "details",
        Seeds::open_details,
    ),
    within(
        "compare",
        "seeds.compare-close",
        &["v", "esc"],
        "Back to the list of seeds",
        "back",
        Seeds::close_compare,
    ),
    within("details", "seeds.details-down", &["j", "down"], "Further down", "", |s, _| s.scroll(1)),
    within("details", "seeds.details-up", &["k", "up"], "Further up", "", |s, _| s.scroll(-1)),
    within(
        "details",
        "seeds.details-page-down",
        &["pagedown", "space", "ctrl-d"],
        "A page down",
        "",
        |s, _| s.scroll(10),
    ),
    within("details", "seeds.details-page-up", &["pageup", "ctrl-u"], "A page up", "", |s, _| {
        s.scroll(-10);
    }),
    within("details", "seeds.details-first", &["home", "g"], "To the beginning", "", |s, _| {
        s.scroll(-100_000);
    }),
    within(
        "details",
        "seeds.details-next",
        &["tab", "right"],
        "The next seed",
        "next seed",
        |s, cx| s.other_details(1, cx),
    ),
    within(
        "details",
        "seeds.details-before",
        &["shift-tab", "left"],
        "The seed before",
        "seed before",
        |s, cx| s.other_details(-1, cx),
    ),
    within(
        "details",
        "seeds.details-augment",
        &["a"],
        "Grow samples from this seed",
        "augment",
        Seeds::open_augment,
    ),
    within("details", "seeds.details-pager", &["o"], "Show it in the pager", "pager", Seeds::pager),
    within("details", "seeds.details-copy", &["y"], "Copy the wording", "copy", Seeds::copy),
    within(
        "details",
        "seeds.details-close",
        &["enter", "i", "esc"],
        "Back",
        "back",
        Seeds::close_details,
    ),
    within("form", "seeds.form-send", &["enter"], "Send the form", "do it", |_, _| {}),
    within("form", "seeds.form-next", &["tab", "down"], "Next field", "next field", |_, _| {}),
    within("form", "seeds.form-close", &["esc"], "Leave the form", "leave", Seeds::close_form),
];
