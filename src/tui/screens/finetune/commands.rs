//! What can be done on the Fine-tune screen.

use super::Finetune;
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, ScreenId};

const DATA: When = When::In(ScreenId::Finetune, "datasets");
const RUNS: When = When::In(ScreenId::Finetune, "runs");
const FORM: When = When::In(ScreenId::Finetune, "form");
const ON: When = When::On(ScreenId::Finetune);

const fn command(
    name: &'static str,
    keys: &'static [&'static str],
    when: When,
    doc: &'static str,
    hint: &'static str,
    run: fn(&mut Finetune, &mut Cx<'_>),
) -> Command {
    Command { name, keys, when, doc, hint, run: Run::Finetune(run) }
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command("finetune.form-send", &["enter"], FORM, "Send the form", "start", |_, _| {}),
    command("finetune.form-leave", &["esc"], FORM, "Leave the form", "leave", |_, _| {}),
    command(
        "finetune.tune",
        &["enter", "t"],
        DATA,
        "Tune models on the dataset: opens the recipe",
        "tune",
        Finetune::new_run,
    ),
    command(
        "finetune.dataset",
        &["n"],
        DATA,
        "Build a new dataset",
        "new dataset",
        Finetune::new_dataset,
    ),
    command(
        "finetune.sweep",
        &["w"],
        DATA,
        "Sweep: vary sample counts, stages, policies or language, with several seeds each",
        "sweep",
        Finetune::new_sweep,
    ),
    command(
        "finetune.audit",
        &["i", "o"],
        DATA,
        "Read the data card and all that the audit found",
        "card",
        Finetune::read_findings,
    ),
    command(
        "finetune.open",
        &["enter"],
        RUNS,
        "Show the run on the Runs screen",
        "run",
        Finetune::open_run,
    ),
    command(
        "finetune.overlay",
        &["v"],
        RUNS,
        "Lay the marked runs over each other, or show one",
        "overlay",
        Finetune::toggle_overlay,
    ),
    command(
        "finetune.new",
        &["t", "n"],
        RUNS,
        "Tune models: opens the recipe",
        "tune",
        Finetune::new_run,
    ),
    command(
        "finetune.new-sweep",
        &["w"],
        RUNS,
        "Sweep: vary sample counts, stages, policies or language, with several seeds each",
        "sweep",
        Finetune::new_sweep,
    ),
    command(
        "finetune.panel",
        &["m"],
        ON,
        "Next panel: loss, learning rate, gradient norm, tokens a second, .., log",
        "panel",
        Finetune::next_panel,
    ),
    command(
        "finetune.to-runs",
        &["tab"],
        DATA,
        "To the list of runs",
        "runs",
        Finetune::other_side,
    ),
    command(
        "finetune.to-datasets",
        &["tab"],
        RUNS,
        "To the list of datasets",
        "datasets",
        Finetune::other_side,
    ),
    command(
        "finetune.follow",
        &["f"],
        RUNS,
        "Follow the end of the log, or stop",
        "",
        Finetune::follow,
    ),
    command(
        "finetune.copy",
        &["y"],
        RUNS,
        "Copy the name of the best checkpoint",
        "copy best",
        Finetune::copy_best,
    ),
    command(
        "finetune.connect",
        &["c"],
        RUNS,
        "Point a provider at the run's model, and show the command that serves it",
        "serve",
        Finetune::connect,
    ),
    command(
        "finetune.refresh",
        &["r", "f5"],
        ON,
        "Read everything again",
        "",
        Finetune::look_again,
    ),
];
