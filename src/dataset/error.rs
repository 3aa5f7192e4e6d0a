//! What can stop a dataset from being made.

use std::path::PathBuf;

use thiserror::Error;

use super::{Finding, RatedCount};
use crate::domain::RatedAtLeast;

/// Trouble with a dataset, with the rows it is about.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// More texts than there are, or fewer than there are seeds.
    #[error(
        "{wanted} texts are asked for: {}, or grow more samples (`polyculture augment --keep`)",
        there_are(*seeds, *all)
    )]
    Texts {
        /// Texts asked for.
        wanted: usize,
        /// Seeds that are not held out.
        seeds: usize,
        /// Seeds and kept samples together.
        all: usize,
    },
    /// The audit found something that was not allowed.
    #[error(
        "the audit refuses this dataset: {} finding(s)\n{}\nmend the rows, or allow a kind by name (for example `{}`)",
        findings.len(), list(findings), findings.first().map_or("duplicate", |f| f.kind.as_str())
    )]
    Refused {
        /// All of them, in file and row order.
        findings: Vec<Finding>,
    },
    /// A culture or question that the survey does not have.
    #[error("no {what} `{name}` in the survey: expected one of {known}")]
    Unknown {
        /// `culture` or `question`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Nothing is left after the filters.
    #[error("no example is left: {0}")]
    Empty(String),
    /// Ratings leave no sample.
    #[error(
        "no sample is {wanted}: of {} kept samples {} have scores of people; ask for less, or rate \
         more (`polyculture rate`, `polyculture study status`)",
        count.of, count.rated
    )]
    NoneRated {
        /// What was asked for.
        wanted: RatedAtLeast,
        /// What there is.
        count: RatedCount,
    },
    /// A choice that contradicts itself.
    #[error("{0}")]
    BadSpec(String),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A line of a file is none of the known formats.
    #[error("{path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// What was expected.
        reason: String,
    },
}

/// The first findings, one a line.
fn list(findings: &[Finding]) -> String {
    const SHOWN: usize = 20;
    let mut out: Vec<String> = findings.iter().take(SHOWN).map(|f| format!("  {f}")).collect();
    if findings.len() > SHOWN {
        out.push(format!("  and {} more", findings.len() - SHOWN));
    }
    out.join("\n")
}

fn there_are(seeds: usize, all: usize) -> String {
    if seeds == all {
        return format!("there are {seeds} seeds and no kept samples beside them; ask for {seeds}");
    }
    format!("there are {seeds} seeds and {all} texts in all; ask for {seeds} to {all}")
}
