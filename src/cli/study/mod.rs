//! `polyculture study ..`: one file a command, its arguments beside its code.

mod agreement;
mod export;
mod new;
mod plan;
mod status;

use clap::Subcommand;

use super::args::RatingsCommand;
use super::{Context, Failure};
use crate::study::{BadLine, StudyError, import_ratings};
use crate::text;

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
    /// Agreement with intervals: alpha, AC2, raw agreement
    Agreement(agreement::AgreementArgs),
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
        StudyCommand::Agreement(a) => agreement::run(ctx, a),
        StudyCommand::Export(a) => export::run(ctx, a),
    }
}

/// `polyculture ratings import`
///
/// # Errors
/// An unknown study; with `--strict`, any bad line.
pub fn ratings(ctx: &Context, command: RatingsCommand) -> Result<(), Failure> {
    let RatingsCommand::Import { file, study, strict } = command;
    let mut store = ctx.write()?;
    let report = import_ratings(&mut store, &study, &file, strict)?;
    ctx.out.show(&report, || {
        let mut out = format!(
            "{}: {} rows: {} ratings stored, {} known already, {} new raters\n",
            file.display(),
            report.rows,
            report.stored,
            report.known,
            report.new_raters
        );
        out += &bad_lines(&report.bad);
        out
    })
}

fn bad_lines(bad: &[BadLine]) -> String {
    let mut out = String::new();
    for b in bad.iter().take(NAMED) {
        out += &format!("  line {}: not read: {}\n", b.line, text::display(&b.reason));
    }
    if bad.len() > NAMED {
        out += &format!("  {} lines were not read in all\n", bad.len());
    }
    out
}
