//! What can be wrong with a table file.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file or a line that cannot be read. The text names the file, the line, what was expected and
/// the way out.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// No line at all.
    #[error("{path} is empty: expected {expected}")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What should stand there.
        expected: &'static str,
    },
    /// A file that is no text table by its first bytes.
    #[error("{path} is {what}: expected a UTF-8 text file; {way_out}")]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        what: &'static str,
        /// How to get a text table from it.
        way_out: &'static str,
    },
    /// A byte that is not UTF-8.
    #[error(
        "{path}, line {line}, byte {byte} of the file: not UTF-8; save the file as \"CSV UTF-8\", or \
         convert it, for example `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`"
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: u64,
        /// 1-based byte in the file.
        byte: u64,
    },
    /// A NUL byte, which no text table holds.
    #[error(
        "{path}, line {line}, byte {byte} of the file: a NUL byte; the file is damaged, or UTF-16 \
         without its mark: export it again as UTF-8"
    )]
    NulByte {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: u64,
        /// 1-based byte in the file.
        byte: u64,
    },
    /// A line or record beyond the limit.
    #[error(
        "{path}, line {line}: longer than {limit} bytes; expected one record a line: a quote (\") \
         opened there may never close, or the file is no table"
    )]
    LongLine {
        /// The file.
        path: PathBuf,
        /// 1-based line where the record starts.
        line: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A header without a column that is needed.
    #[error(
        "{path}, line {line}: no column {missing}; found {found}. Rename the column, or check the \
         delimiter (taken as {delimiter})"
    )]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The header's line.
        line: u64,
        /// The columns looked for.
        missing: String,
        /// The columns there, cut to a readable length.
        found: String,
        /// The delimiter in words.
        delimiter: &'static str,
    },
    /// A header that names a column twice.
    #[error(
        "{path}, line {line}: the column `{name}` stands twice (columns {first} and {second}); \
         remove or rename one"
    )]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The header's line.
        line: u64,
        /// The name.
        name: String,
        /// 1-based.
        first: usize,
        /// 1-based.
        second: usize,
    },
    /// A line that is no JSON object.
    #[error("{path}, line {line}: not JSON ({reason}); expected one object a line")]
    BadJson {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// The parser's words.
        reason: String,
    },
    /// A last line that was cut off.
    #[error(
        "{path}, line {line}: the file ends inside this line ({reason}); the lines before it were \
         read, this one was not: copy or download the file again"
    )]
    TornLine {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// The parser's words.
        reason: String,
    },
}

impl TableError {
    /// Ties an I/O error to its file.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// The line the error is about, where there is one.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Io { .. } | Self::Empty { .. } | Self::NotText { .. } => None,
            Self::NotUtf8 { line, .. }
            | Self::NulByte { line, .. }
            | Self::LongLine { line, .. }
            | Self::MissingColumn { line, .. }
            | Self::DuplicateColumn { line, .. }
            | Self::BadJson { line, .. }
            | Self::TornLine { line, .. } => Some(*line),
        }
    }
}
