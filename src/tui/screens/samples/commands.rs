//! Commands of the Samples screen.

use super::Samples;
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, ScreenId};

const fn within(
    mode: &'static str,
    name: &'static str,
    keys: &'static [&'static str],
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Samples, &mut Cx<'_>),
) -> Command {
    Command {
        name,
        keys,
        when: When::In(ScreenId::Samples, mode),
        doc,
        hint,
        run: Run::Samples(run),
    }
}

/// Its commands. Those of a field are taken by the field itself; they stand here for the footer.
pub const COMMANDS: &[Command] = &[
    within("browse", "samples.accept", &["a"], "Keep the marked samples, whatever was decided before", "accept", Samples::accept),
    within("browse", "samples.reject", &["x"], "Turn the marked samples down, with a note", "reject", Samples::open_note),
    within("browse", "samples.edit", &["E"], "Write another text in the sample's place", "Edit", Samples::open_edit),
    within("browse", "samples.undo", &["u"], "Take back the last decision", "undo", Samples::undo),
    within("browse", "samples.ancestry", &["enter", "i"], "Where it came from: seed, template, exchanged words, parents, run, raw reply", "ancestry", Samples::open_ancestry),
    within("browse", "samples.scope", &["v"], "Next fate: all, kept, rejected, failed, decided by hand", "fate", Samples::next_scope),
    within("browse", "samples.scope-back", &["V"], "The fate before", "", Samples::scope_before),
    within("browse", "samples.threshold", &["h", "t"], "Similarity histogram with a threshold to move", "histogram", Samples::open_threshold),
    within("browse", "samples.diff", &["d"], "Show the changed words, or the text as it is", "diff", Samples::toggle_diff),
    within("browse", "samples.everything", &["A"], "Samples of all seeds and runs again", "", Samples::show_everything),
    within("browse", "samples.same-seed", &["S"], "Only samples of this seed", "", Samples::only_this_seed),
    within("browse", "samples.run", &["R"], "Show the run that made it", "run", Samples::show_run),
    within("browse", "samples.seed", &["2"], "Show the seed", "", Samples::show_seed),
    within("browse", "samples.pager", &["o"], "Seed and sample in the pager", "pager", Samples::pager),
    within("browse", "samples.page", &["O"], "Seed and sample as a web page: one faithful view of any script", "", Samples::page),
    within("browse", "samples.copy", &["y"], "Copy the text", "", Samples::copy),
    within("browse", "samples.retry", &["r"], "Try again what was not saved; read again", "", Samples::retry),
    within("browse", "samples.forget", &["X"], "Give up decisions that could not be saved", "", Samples::forget),
    within("ancestry", "samples.ancestry-down", &["j", "down"], "Further down", "", |s, _| s.scroll(1)),
    within("ancestry", "samples.ancestry-up", &["k", "up"], "Further up", "", |s, _| s.scroll(-1)),
    within("ancestry", "samples.ancestry-page-down", &["pagedown", "space", "ctrl-d"], "A page down", "", |s, _| s.scroll(10)),
    within("ancestry", "samples.ancestry-page-up", &["pageup", "ctrl-u"], "A page up", "", |s, _| s.scroll(-10)),
    within("ancestry", "samples.ancestry-first", &["home", "g"], "To the beginning", "", |s, _| s.scroll(-1_000_000)),
    within("ancestry", "samples.ancestry-last", &["end", "G"], "To the end", "", |s, _| s.scroll(1_000_000)),
    within("ancestry", "samples.ancestry-next", &["tab", "right"], "The next sample", "next", |s, cx| s.other_ancestry(1, cx)),
    within("ancestry", "samples.ancestry-before", &["shift-tab", "left"], "The sample before", "before", |s, cx| s.other_ancestry(-1, cx)),
    within("ancestry", "samples.ancestry-run", &["R"], "Show the run that made it", "run", Samples::show_run),
    within("ancestry", "samples.ancestry-pager", &["o"], "The raw reply and all the rest in the pager", "pager", Samples::ancestry_pager),
    within("ancestry", "samples.ancestry-retry", &["r"], "Read it again", "", |s, cx| s.read_ancestry(cx)),
    within("ancestry", "samples.ancestry-close", &["enter", "i", "esc"], "Back", "back", Samples::close_ancestry),
    within("threshold", "samples.threshold-less", &["left"], "Lower by 0.01", "lower", |s, _| s.move_threshold(-10)),
    within("threshold", "samples.threshold-more", &["right"], "Higher by 0.01", "higher", |s, _| s.move_threshold(10)),
    within("threshold", "samples.threshold-bit-less", &["down", "j"], "Lower by 0.001", "", |s, _| s.move_threshold(-1)),
    within("threshold", "samples.threshold-bit-more", &["up", "k"], "Higher by 0.001", "", |s, _| s.move_threshold(1)),
    within("threshold", "samples.threshold-list", &["enter"], "List what it would keep; nothing stored changes", "list these", Samples::list_at_threshold),
    within("threshold", "samples.threshold-augment", &["a"], "Open the form that grows samples with this threshold", "augment", Samples::augment_at_threshold),
    within("threshold", "samples.threshold-copy", &["y"], "Copy the command that grows with this threshold", "copy", Samples::copy_threshold),
    within("threshold", "samples.threshold-retry", &["r"], "Count again", "", Samples::open_threshold),
    within("threshold", "samples.threshold-close", &["h", "t", "esc"], "Back", "back", Samples::close_threshold),
    within("note", "samples.note-send", &["enter"], "Reject with this note", "reject", |_, _| {}),
    within("note", "samples.note-leave", &["esc"], "Reject nothing", "leave", |_, _| {}),
    within("edit", "samples.edit-save", &["ctrl-s"], "Save the new text: the old one stays, rejected by hand", "save", |_, _| {}),
    within("edit", "samples.edit-leave", &["esc"], "Leave the text as it was", "leave", |_, _| {}),
    within("edit", "samples.edit-drop", &[], "Throw the new text away", "", Samples::drop_edit),
];
