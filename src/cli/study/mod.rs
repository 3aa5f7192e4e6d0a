//! `polyculture study ..`: one file a command, its arguments beside its code.

mod adjudicate;
mod agreement;
mod calibrate;
mod export;
mod groups;
mod import;
mod new;
mod plan;
mod status;

use clap::Subcommand;

use super::args::RatingsCommand;
use super::{Context, Failure};
use crate::study::{BadLine, StudyError};
use crate::text;

pub use import::ImportArgs;

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
    /// Make a study of kept samples
    New(new::NewArgs),
    /// Assign items to raters: k raters an item, seeded, balanced
    Plan(plan::PlanArgs),
    /// How far each rater is
    Status(status::StatusArgs),
    /// Decide on items that divide raters, or list them
    Adjudicate(adjudicate::AdjudicateArgs),
    /// Agreement with intervals: alpha, AC2, raw agreement
    Agreement(agreement::AgreementArgs),
    /// What a similarity means to people, and the threshold for a wished share of 4 and 5
    Calibrate(calibrate::CalibrateArgs),
    /// Write ratings as a long table
    Export(export::ExportArgs),
}

/// Lines of a file that are named one by one.
const NAMED: usize = 10;

/// Runs one of the commands.
///
/// # Errors
/// An unknown study, a plan that cannot be, a file without ratings.
pub fn run(ctx: &Context, command: StudyCommand) -> Result<(), Failure> {
    match command {
        StudyCommand::New(a) => new::run(ctx, a),
        StudyCommand::Plan(a) => plan::run(ctx, a),
        StudyCommand::Status(a) => status::run(ctx, &a),
        StudyCommand::Adjudicate(a) => adjudicate::run(ctx, a),
        StudyCommand::Agreement(a) => agreement::run(ctx, a),
        StudyCommand::Calibrate(a) => calibrate::run(ctx, &a),
        StudyCommand::Export(a) => export::run(ctx, a),
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
