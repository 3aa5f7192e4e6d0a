//! `polyculture study report`: a study on one page, or the table that goes into a paper.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::report::{self, PaperForm, ReportError, StudyReportOptions};

/// What `study report` takes.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// html: the whole study, one file; markdown, latex: the table of a paper; json: all of it
    #[arg(long, value_enum, default_value_t = StudyForm::Html)]
    format: StudyForm,
    /// Bootstrap draws
    #[arg(long, default_value_t = StudyReportOptions::default().draws)]
    draws: usize,
    /// Epsilon of the alternative-annotator test: 0.2 where raters are experts, 0.15 skilled, 0.1 a crowd
    #[arg(long, default_value_t = StudyReportOptions::default().epsilon)]
    epsilon: f64,
    /// The share of 4 and 5 that a threshold of similarity should give
    #[arg(long, default_value_t = StudyReportOptions::default().share)]
    share: f64,
    /// Where to; standard output by default
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help of the flag says it")]
pub enum StudyForm {
    Html,
    Markdown,
    Latex,
    Json,
}

/// Writes it.
///
/// # Errors
/// As [`write`]; settings out of their range.
pub fn run(ctx: &Context, a: &ReportArgs) -> Result<(), Failure> {
    if a.draws == 0 || !(0.0..=1.0).contains(&a.epsilon) || !(a.share > 0.0 && a.share <= 1.0) {
        return Err(Failure::usage(format!(
            "--draws {}, --epsilon {}, --share {}: expected draws of 1 or more, an epsilon from 0 to \
             1, a share above 0 and up to 1",
            a.draws, a.epsilon, a.share
        )));
    }
    let options = StudyReportOptions { draws: a.draws, epsilon: a.epsilon, share: a.share };
    write(ctx, &a.study, a.format, &options, a.output.as_deref())
}

/// Writes the report of a study.
///
/// # Errors
/// No such study; an unreadable workspace; a file that cannot be written.
pub fn write(
    ctx: &Context,
    study: &StudyId,
    form: StudyForm,
    options: &StudyReportOptions,
    output: Option<&Path>,
) -> Result<(), Failure> {
    let store = ctx.read()?;
    let r = report::gather_study(store.read(), study, options).map_err(|e| match e {
        ReportError::Store(e) => e.into(),
        ReportError::Study(e) => e.into(),
        other @ ReportError::Csv(_) => Failure::failed(other),
    })?;
    let form = if ctx.out.json { StudyForm::Json } else { form };
    let text = match form {
        StudyForm::Html => report::html_of_study(&r),
        StudyForm::Markdown => report::paper(&r, PaperForm::Markdown),
        StudyForm::Latex => report::paper(&r, PaperForm::Latex),
        StudyForm::Json => serde_json::to_string_pretty(&r)? + "\n",
    };
    crate::cli::report::write(output, &text)
}
