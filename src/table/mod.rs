//! Tables in and out: CSV and JSONL, streamed, with errors that name the file, the line and the
//! way out. Floor 0: it knows bytes, lines and columns, and nothing of surveys. No reader here
//! holds more than one record ([`LINE_LIMIT`]) in memory, whatever the file holds.

mod columns;
mod delimiter;
mod encoding;
mod error;
mod jsonl;
mod lines;
pub mod quotes;
mod records;
pub mod typed;

pub use columns::{Columns, column_code};
pub use delimiter::Delimiter;
pub use encoding::{BadByte, FileStart, UTF8_BOM, first_bad_byte};
pub use error::TableError;
pub use jsonl::{JsonlReader, JsonlRow};
pub use lines::{Line, LineReader};
pub use records::{CsvReader, CsvRow};

/// Longest line or record that is read: 16 MiB. A survey line is some kilobytes; what is longer is
/// not a table, and must not fill the memory before that is known.
pub const LINE_LIMIT: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
