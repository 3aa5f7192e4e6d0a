//! `polyculture study ..`: one file a command, its arguments beside its code.

mod adjudicate;
mod agreement;
mod amend;
mod calibrate;
mod export;
mod groups;
mod import;
mod keys;
mod new;
mod plan;
mod report;
mod rights;
mod status;
mod texts;
mod verify;

use clap::Subcommand;

use super::args::RatingsCommand;
use super::{Context, Failure};
use crate::study::{BadLine, StudyError};
use crate::text;

pub use import::ImportArgs;
pub use report::{StudyForm, write as report};

impl From<StudyError> for Failure {
    fn from(e: StudyError) -> Self {
        match e {
            StudyError::Store(e) => e.into(),
            other => Self::bad_input(other),
        }
    }
}

/// `polyculture study ..`
#[derive(Debug, Subcommand)]
pub enum StudyCommand {
    /// Make a study of kept samples, or of models' answers
    New(Box<new::NewArgs>),
    /// Assign items to raters: k raters an item, seeded, balanced
    Plan(plan::PlanArgs),
    /// Change a fixed study, logged: raters, items, k, leases
    Amend(amend::AmendArgs),
    /// Give pseudonyms to people, their names kept apart
    Raters(rights::RatersArgs),
    /// Erase all that a rater did who leaves
    Withdraw(rights::WithdrawArgs),
    /// Play the log again and compare it with what stands
    Verify(verify::VerifyArgs),
    /// Carry a study to another workspace
    Move(verify::MoveArgs),
    /// How far each rater is
    Status(status::StatusArgs),
    /// Decide on items that divide raters, or list them
    Adjudicate(adjudicate::AdjudicateArgs),
    /// Agreement with intervals: alpha, AC2, raw agreement
    Agreement(agreement::AgreementArgs),
    /// What a similarity means to people, and the threshold for a wished share of 4 and 5
    Calibrate(calibrate::CalibrateArgs),
    /// Write the study as tables: ratings, events, items, raters, verdicts, ..
    Export(export::ExportArgs),
    /// Print authorized_keys lines that tie a key to a rater and allow nothing but rating
    Keys(keys::KeysArgs),
    /// Give the study a consent, a guideline, examples or practice of its own, or list them
    Texts(texts::TextsArgs),
    /// The study on one page, or the table of a paper
    Report(report::ReportArgs),
}

/// Lines of a file that are named one by one.
const NAMED: usize = 10;

/// Runs one of the commands.
///
/// # Errors
/// An unknown study, a plan that cannot be, a file without ratings.
pub fn run(ctx: &Context, command: StudyCommand) -> Result<(), Failure> {
    match command {
        StudyCommand::New(a) => new::run(ctx, &a),
        StudyCommand::Plan(a) => plan::run(ctx, &a),
        StudyCommand::Amend(a) => amend::run(ctx, a),
        StudyCommand::Raters(a) => rights::raters(ctx, &a),
        StudyCommand::Withdraw(a) => rights::leave(ctx, &a),
        StudyCommand::Verify(a) => verify::run(ctx, &a),
        StudyCommand::Move(a) => verify::carry(ctx, &a),
        StudyCommand::Status(a) => status::run(ctx, &a),
        StudyCommand::Adjudicate(a) => adjudicate::run(ctx, a),
        StudyCommand::Agreement(a) => agreement::run(ctx, a),
        StudyCommand::Calibrate(a) => calibrate::run(ctx, &a),
        StudyCommand::Export(a) => export::run(ctx, a),
        StudyCommand::Keys(a) => keys::run(ctx, a),
        StudyCommand::Texts(a) => texts::run(ctx, &a),
        StudyCommand::Report(a) => report::run(ctx, &a),
    }
}

/// `polyculture ratings import`
///
/// # Errors
/// An unknown study; with `--strict`, any bad line.
pub fn ratings(ctx: &Context, command: RatingsCommand) -> Result<(), Failure> {
    let RatingsCommand::Import(args) = command;
    import::run(ctx, args)
}

fn bad_lines(bad: &[BadLine]) -> String {
    let mut out = String::new();
    for b in bad.iter().take(NAMED) {
        out +=
            &format!("  {}: not read: {}\n", text::display(&b.place()), text::display(&b.reason));
    }
    if bad.len() > NAMED {
        out += &format!("  {} lines were not read in all\n", bad.len());
    }
    out
}
