//! `polyculture ratings import`: ratings made elsewhere, into a study.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::bad_lines;
use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::study::{ImportOptions, RatingFormat, ReadOptions, import_ratings_as};
use crate::text;

/// What `ratings import` takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file
    file: PathBuf,
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Who wrote the file; found by its content
    #[arg(long, value_enum, default_value_t = FormatArg::Auto)]
    format: FormatArg,
    /// The question whose answers are the scores, where the file asks several
    #[arg(long)]
    question: Option<String>,
    /// A CSV that gives each name of the other tool its pseudonym here: name, rater
    #[arg(long, value_name = "FILE")]
    raters: Option<PathBuf>,
    /// Import nothing when a line is wrong
    #[arg(long)]
    strict: bool,
}

/// Who wrote a file of ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Found by its content
    Auto,
    /// A long table: rater, item, score
    Csv,
    /// JSON, JSON-MIN or CSV of Label Studio
    LabelStudio,
    /// Records of Argilla with responses
    Argilla,
    /// JSON lines, user_state.json or TSV of Potato
    Potato,
}

impl FormatArg {
    /// `None`: by its content.
    fn format(self) -> Option<RatingFormat> {
        match self {
            Self::Auto => None,
            Self::Csv => Some(RatingFormat::Csv),
            Self::LabelStudio => Some(RatingFormat::LabelStudio),
            Self::Argilla => Some(RatingFormat::Argilla),
            Self::Potato => Some(RatingFormat::Potato),
        }
    }
}

/// Reads and stores it.
///
/// # Errors
/// An unknown study; a file without ratings; with `--strict`, any bad line.
pub fn run(ctx: &Context, args: ImportArgs) -> Result<(), Failure> {
    let ImportArgs { file, study, format, question, raters, strict } = args;
    let read = ReadOptions { format: format.format(), question, strict };
    let mut store = ctx.write_ratings()?;
    let options = ImportOptions { read, raters };
    let report = import_ratings_as(&mut store, &study, &file, &options)?;
    ctx.out.show(&report, || {
        let mut out = format!(
            "{} ({}): {} rows: {} ratings stored, {} known already, {} new raters\n",
            file.display(),
            report.format.as_str(),
            report.rows,
            report.stored,
            report.known,
            report.new_raters
        );
        for note in &report.notes {
            out += &format!("  note: {}\n", text::display(note));
        }
        out += &bad_lines(&report.bad);
        out
    })
}
