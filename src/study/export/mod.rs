//! A study as tables: ratings, the whole log, items, raters, assignments, judges' verdicts,
//! adjudications, amendments. Pseudonyms only; raters' own words, times, and texts that may hurt
//! only on request.

mod people;
mod ratings;
mod things;

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::domain::StudyId;
use crate::store::Reader;
use crate::table::typed::{self, Cell, Column, Kind, TypedTable};

use super::StudyError;

pub use crate::table::typed::TableForm as ExportFormat;

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportWhat {
    /// The ratings that stand, one row each.
    Current,
    /// The whole log: edits, skips, flags and undos too.
    Events,
    /// The items with their origin.
    Items,
    /// The raters, by pseudonym.
    Raters,
    /// Who was given what.
    Assignments,
    /// What model judges said, both orders, refusals and unreadable replies too.
    Verdicts,
    /// The researcher's word on items.
    Adjudications,
    /// What was changed after the plan was fixed.
    Amendments,
}

impl ExportWhat {
    /// All tables.
    pub const ALL: [Self; 8] = [
        Self::Current,
        Self::Events,
        Self::Items,
        Self::Raters,
        Self::Assignments,
        Self::Verdicts,
        Self::Adjudications,
        Self::Amendments,
    ];

    /// The name of its file, without an end.
    pub fn file_stem(self) -> &'static str {
        match self {
            Self::Current => "ratings",
            Self::Events => "events",
            Self::Items => "items",
            Self::Raters => "raters",
            Self::Assignments => "assignments",
            Self::Verdicts => "verdicts",
            Self::Adjudications => "adjudications",
            Self::Amendments => "amendments",
        }
    }
}

/// What an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportOptions {
    /// Which table.
    pub what: ExportWhat,
    /// How it is written.
    pub format: ExportFormat,
    /// Raters' own words: only on request, they may tell who wrote them.
    pub comments: bool,
    /// When and how long raters worked: only on request.
    pub timings: bool,
    /// Texts of items that are marked as sensitive: only on request.
    pub sensitive: bool,
}

impl ExportOptions {
    /// A table without what is given only on request.
    pub fn plain(what: ExportWhat, format: ExportFormat) -> Self {
        Self { what, format, comments: false, timings: false, sensitive: false }
    }
}

/// When a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Comments,
    Timings,
}

/// A column: name, kind, when, what it means, how it is read from a row.
struct Field<R>(&'static str, Kind, When, &'static str, fn(&R) -> Cell);

/// The table of some rows.
fn build<R>(about: &str, fields: &[Field<R>], rows: &[R], options: &ExportOptions) -> TypedTable {
    let fields: Vec<&Field<R>> = fields
        .iter()
        .filter(|f| match f.2 {
            When::Always => true,
            When::Comments => options.comments,
            When::Timings => options.timings,
        })
        .collect();
    TypedTable {
        about: about.to_owned(),
        columns: fields
            .iter()
            .map(|f| Column { name: f.0.to_owned(), kind: f.1, about: f.3.to_owned() })
            .collect(),
        rows: rows.iter().map(|r| fields.iter().map(|f| (f.4)(r)).collect()).collect(),
    }
}

/// A table of a study.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn export_table(
    reader: Reader<'_>,
    study: &StudyId,
    options: &ExportOptions,
) -> Result<TypedTable, StudyError> {
    reader.need_study(study)?;
    Ok(match options.what {
        ExportWhat::Current => ratings::table(&reader.current_ratings(study)?, options),
        ExportWhat::Events => ratings::table(&reader.rating_events(study)?, options),
        ExportWhat::Items => things::items(&reader.items(study)?, options),
        ExportWhat::Raters => people::raters(&people::read(reader, study)?, options),
        ExportWhat::Assignments => people::assignments(&reader.assignments(study)?, options),
        ExportWhat::Verdicts => people::verdicts(&people::judged(reader, study)?, options),
        ExportWhat::Adjudications => things::adjudications(&reader.adjudications(study)?, options),
        ExportWhat::Amendments => things::amendments(&reader.amendments(study)?, options),
    })
}

/// Writes a table of a study. Answers the number of rows.
///
/// # Errors
/// As [`export_table`]; `out` cannot be written.
pub fn export(
    reader: Reader<'_>,
    study: &StudyId,
    options: &ExportOptions,
    out: &mut dyn Write,
) -> Result<usize, StudyError> {
    let table = export_table(reader, study, options)?;
    table.write(options.format, out)?;
    Ok(table.rows.len())
}

/// What each column of an export means, as plain text.
pub fn codebook(options: &ExportOptions) -> String {
    let empty = match options.what {
        ExportWhat::Current | ExportWhat::Events => ratings::table(&[], options),
        ExportWhat::Items => things::items(&[], options),
        ExportWhat::Raters => people::raters(&[], options),
        ExportWhat::Assignments => people::assignments(&[], options),
        ExportWhat::Verdicts => people::verdicts(&[], options),
        ExportWhat::Adjudications => things::adjudications(&[], options),
        ExportWhat::Amendments => things::amendments(&[], options),
    };
    let mut text = typed::codebook(&empty);
    if !options.comments {
        text += "\nComments are left out; ask for them if the consent text allows it.\n";
    }
    if !options.timings {
        text += "Times are left out; ask for them if the consent text allows it.\n";
    }
    if options.format == ExportFormat::Csv {
        text += "An apostrophe stands before a text that a spreadsheet would run as a formula (it \
                 begins with =, +, -, @, a tab or a line break): JSON and Parquet have it without.\n";
    }
    text
}
