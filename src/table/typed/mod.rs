//! Tables with typed columns, each with its meaning: one table to CSV, JSON lines, Parquet, and a
//! codebook. Held in memory whole: made for exports of studies and datasets, not for surveys.

mod codebook;
mod parquet;
#[cfg(test)]
mod tests;
mod text;

use std::io::Write;

use serde::{Deserialize, Serialize};

pub use codebook::codebook;
pub use parquet::read_parquet;
pub use text::spreadsheet_safe;

/// What a column holds. Every column may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// UTF-8.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// A double.
    Double,
    /// True or false.
    Bool,
    /// A moment in UTC, to the microsecond.
    Time,
}

impl Kind {
    /// In words, for a codebook.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "whole number",
            Self::Double => "number",
            Self::Bool => "true or false",
            Self::Time => "time, UTC",
        }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Not given.
    #[default]
    Null,
    /// Of a text column.
    Text(String),
    /// Of a column of whole numbers.
    Int(i64),
    /// Of a column of numbers.
    Double(f64),
    /// Of a yes-or-no column.
    Bool(bool),
    /// Microseconds since 1970, UTC; and the same as RFC 3339, for text formats.
    Time(i64, String),
}

impl Cell {
    /// A text, or nothing.
    pub fn text(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Null, |v| Self::Text(v.to_string()))
    }

    /// A whole number, or nothing. One beyond 64 bits is nothing.
    pub fn int(value: Option<impl TryInto<i64>>) -> Self {
        value.and_then(|v| v.try_into().ok()).map_or(Self::Null, Self::Int)
    }

    /// A number, or nothing; what is not finite is nothing.
    pub fn double(value: Option<f64>) -> Self {
        value.filter(|v| v.is_finite()).map_or(Self::Null, Self::Double)
    }

    /// Yes, no, or nothing.
    pub fn bool(value: Option<bool>) -> Self {
        value.map_or(Self::Null, Self::Bool)
    }

    /// A moment, or nothing.
    pub fn time(value: Option<jiff::Timestamp>) -> Self {
        value.map_or(Self::Null, |t| Self::Time(t.as_microsecond(), t.to_string()))
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name: lower case, digits, `_`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// What it means, for the codebook.
    pub about: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TypedTable {
    /// What one row is, for the codebook.
    pub about: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows; each has a cell a column.
    pub rows: Vec<Vec<Cell>>,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableForm {
    /// Comma-separated, UTF-8, a header line. Texts that a spreadsheet would run as a formula get
    /// an apostrophe before them ([`spreadsheet_safe`]).
    Csv,
    /// One JSON object a line; texts as they are.
    Jsonl,
    /// Apache Parquet: typed, compressed (Snappy); texts as they are.
    Parquet,
}

impl TableForm {
    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

impl TypedTable {
    /// Writes the table.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write(&self, form: TableForm, out: &mut dyn Write) -> Result<(), std::io::Error> {
        match form {
            TableForm::Csv => text::csv(self, out)?,
            TableForm::Jsonl => text::jsonl(self, out)?,
            TableForm::Parquet => parquet::write(self, out)?,
        }
        out.flush()
    }
}
