//! Question sets of open-ended generation: our own small one, or the user's JSONL or CSV.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::CultureId;
use crate::evaluate::EvaluateError;
use crate::table::{CsvReader, CsvRow};

/// The set that comes with the program: our own writing.
const SAMPLE: &str = include_str!("../../../sample_data/open_questions.jsonl");

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// Its name in the set.
    pub id: String,
    /// The question as it is put.
    pub question: String,
    /// The culture it is about; `None` for any.
    #[serde(default)]
    pub culture: Option<CultureId>,
    /// BCP 47 tag.
    #[serde(default = "undetermined")]
    pub language: String,
    /// What it is about.
    #[serde(default)]
    pub topic: String,
}

fn undetermined() -> String {
    "und".into()
}

/// The questions that come with the program.
///
/// # Errors
/// None in practice: a test reads them.
pub fn sample_questions() -> Result<Vec<OpenQuestion>, EvaluateError> {
    from_jsonl(SAMPLE, Path::new("open_questions.jsonl"))
}

/// Reads a set: `.jsonl` or `.json` by line, anything else as CSV with a header. `id` may be left
/// out (the line number then), `question` may not.
///
/// # Errors
/// A line that holds no question, an id that stands twice, an empty file; with file and line.
pub fn read_questions(path: &Path) -> Result<Vec<OpenQuestion>, EvaluateError> {
    let by_line = path.extension().is_some_and(|e| e == "jsonl" || e == "json");
    if by_line {
        let text = std::fs::read_to_string(path).map_err(|e| bad(path, None, e.to_string()))?;
        from_jsonl(&text, path)
    } else {
        from_csv(path)
    }
}

fn bad(path: &Path, line: Option<u64>, reason: impl Into<String>) -> EvaluateError {
    EvaluateError::BadFile { path: path.to_owned(), line, reason: reason.into() }
}

fn from_jsonl(text: &str, path: &Path) -> Result<Vec<OpenQuestion>, EvaluateError> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(default)]
        id: Option<String>,
        question: String,
        #[serde(default)]
        culture: Option<String>,
        #[serde(default)]
        language: Option<String>,
        #[serde(default)]
        topic: Option<String>,
    }
    let mut out = Vec::new();
    for (n, line) in (1u64..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let row: Row = serde_json::from_str(line).map_err(|e| bad(path, Some(n), e.to_string()))?;
        out.push((
            n,
            question(path, n, [row.id, row.culture, row.language, row.topic], row.question)?,
        ));
    }
    checked(out, path)
}

fn from_csv(path: &Path) -> Result<Vec<OpenQuestion>, EvaluateError> {
    let table = |e: crate::table::TableError| bad(path, e.line(), e.to_string());
    let mut reader = CsvReader::open(path).map_err(table)?;
    let text = reader.require(&["question", "text"]).map_err(table)?;
    let rest = ["id", "culture", "language", "topic"].map(|c| reader.columns().find(&[c]));
    let mut out = Vec::new();
    while let Some(row) = reader.next_row().map_err(table)? {
        match row {
            CsvRow::Ragged { line, found, expected } => {
                let reason = format!("{found} fields, expected {expected} as in the header");
                return Err(bad(path, Some(line), reason));
            }
            CsvRow::Record { line, fields } => {
                let cell = |i: Option<usize>| i.and_then(|i| fields.get(i)).cloned();
                let q = cell(Some(text)).unwrap_or_default();
                out.push((line, question(path, line, rest.map(cell), q)?));
            }
        }
    }
    checked(out, path)
}

fn question(
    path: &Path,
    line: u64,
    [id, culture, language, topic]: [Option<String>; 4],
    text: String,
) -> Result<OpenQuestion, EvaluateError> {
    let given = |s: Option<String>| s.map(|s| s.trim().to_owned()).filter(|s| !s.is_empty());
    if text.trim().is_empty() {
        return Err(bad(path, Some(line), "an empty question"));
    }
    let culture = given(culture)
        .map(CultureId::new)
        .transpose()
        .map_err(|e| bad(path, Some(line), e.to_string()))?;
    Ok(OpenQuestion {
        id: given(id).unwrap_or_else(|| format!("line-{line}")),
        question: text.trim().to_owned(),
        culture,
        language: given(language).unwrap_or_else(undetermined),
        topic: given(topic).unwrap_or_default(),
    })
}

fn checked(
    rows: Vec<(u64, OpenQuestion)>,
    path: &Path,
) -> Result<Vec<OpenQuestion>, EvaluateError> {
    if rows.is_empty() {
        return Err(bad(path, None, "no question in it"));
    }
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (line, q) in &rows {
        if let Some(first) = seen.insert(&q.id, *line) {
            let reason = format!("the id `{}` stands in line {first} already", q.id);
            return Err(bad(path, Some(*line), reason));
        }
    }
    Ok(rows.into_iter().map(|(_, q)| q).collect())
}
