//! What a file is, by its first lines.

use std::path::Path;

use crate::seeds::{FileKind, SeedsError};
use crate::table::{CsvReader, JsonlReader, LineReader, TableError};

pub(super) const QUESTION: &[&str] = &["question", "question_id", "q_id", "id"];
pub(super) const WORDING: &[&str] = &["wording", "text", "q_content"];
pub(super) const OPTIONS: &[&str] = &["options", "option", "scale"];
pub(super) const COUNTRY: &[&str] = &["country", "country_code", "B_COUNTRY_ALPHA"];
pub(super) const RESPONDENTS: &[&str] = &["respondents", "n", "count"];

/// Lines of a JSONL file that are looked at before giving up.
const LOOKED_AT: usize = 20;

/// Recognises a file by its content.
///
/// # Errors
/// The file cannot be read, is no UTF-8 text, or is none of the known kinds.
pub fn sniff(path: &Path) -> Result<FileKind, SeedsError> {
    let mut lines = LineReader::open(path)?;
    let first = loop {
        match lines.next_line() {
            Ok(None) => {
                let expected = "a header line, or one JSON object a line";
                return Err(TableError::Empty { path: path.to_owned(), expected }.into());
            }
            Ok(Some(line)) => {
                if let Some(c) = line.text.trim_start().chars().next() {
                    break Some(c);
                }
            }
            // A damaged first line may still be one of JSON lines.
            Err(e @ (TableError::NotUtf8 { .. } | TableError::NulByte { .. })) => {
                if path.extension().is_some_and(|e| e == "jsonl") {
                    break Some('{');
                }
                return Err(e.into());
            }
            Err(e) => return Err(e.into()),
        }
    };
    match first {
        Some('{') => sniff_jsonl(path),
        Some('[') => Err(unknown(path, "a JSON array; write one object a line".into())),
        _ => sniff_csv(path),
    }
}

fn unknown(path: &Path, reason: String) -> SeedsError {
    SeedsError::Unknown { path: path.to_owned(), reason }
}

fn sniff_jsonl(path: &Path) -> Result<FileKind, SeedsError> {
    let mut rows = JsonlReader::open(path)?;
    let mut seen = String::from("no line is a whole JSON object");
    for _ in 0..LOOKED_AT {
        let Some(row) = rows.next_row()? else { break };
        let Ok(object) = row.value else { continue };
        if object.contains_key("q_id") && object.contains_key("q_content") {
            return Ok(FileKind::ReleasedSeeds);
        }
        let keys: Vec<&str> = object.keys().take(12).map(String::as_str).collect();
        seen = format!("JSON objects with the keys {}", keys.join(", "));
    }
    Err(unknown(path, seen))
}

fn sniff_csv(path: &Path) -> Result<FileKind, SeedsError> {
    let reader = CsvReader::open(path)?;
    let columns = reader.columns();
    let has = |names: &[&str]| columns.find(names).is_some();
    if has(QUESTION) && has(WORDING) && has(OPTIONS) {
        return Ok(FileKind::Questionnaire);
    }
    if has(COUNTRY) && has(QUESTION) && has(&["code"]) && has(RESPONDENTS) {
        return Ok(FileKind::OptionCounts);
    }
    let wave_6 = has(&["V4"]) && has(&["V2"]);
    if has(&["B_COUNTRY_ALPHA", "B_COUNTRY"]) || wave_6 {
        let official = has(&["W_WEIGHT"]) || wave_6;
        return Ok(if official { FileKind::OfficialSurvey } else { FileKind::CountryAnswers });
    }
    Err(unknown(
        path,
        format!(
            "a table with the columns {} (delimiter taken as {})",
            columns.summary(),
            reader.delimiter()
        ),
    ))
}
