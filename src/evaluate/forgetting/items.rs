//! GSM8K and BBH from files in the forms in which they are published. Nothing of them is shipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::numbers::canonical;
use crate::evaluate::EvaluateError;

/// The longest file that is read, in bytes; the published ones are below 10 MB.
const LONGEST: u64 = 200 << 20;

/// Which set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bench {
    /// Grade-school sums: the answer is a number.
    Gsm8k,
    /// Hard tasks of BIG-bench: the answer is an option, a word or a number.
    Bbh,
}

impl Bench {
    /// As in plans and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gsm8k => "gsm8k",
            Self::Bbh => "bbh",
        }
    }
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgettingItem {
    /// Its name: part and line, or part and place.
    pub id: String,
    /// BBH's subtask; `all` for GSM8K.
    pub part: String,
    /// The question as it stands in the file.
    pub question: String,
    /// The answer: a number in one spelling for GSM8K, the target as it stands for BBH.
    pub gold: String,
    /// GSM8K: the worked answer, for examples in prompts; empty for BBH.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub worked: String,
}

fn bad(path: &Path, line: Option<u64>, reason: impl Into<String>) -> EvaluateError {
    EvaluateError::BadFile { path: path.to_owned(), line, reason: reason.into() }
}

fn text_of(path: &Path) -> Result<String, EvaluateError> {
    let meta = std::fs::metadata(path).map_err(|e| bad(path, None, e.to_string()))?;
    if meta.len() > LONGEST {
        return Err(bad(
            path,
            None,
            format!("{} bytes: no published set is that long", meta.len()),
        ));
    }
    let bytes = std::fs::read(path).map_err(|e| bad(path, None, e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|b| **b == b'\n').count() as u64 + 1;
        bad(path, Some(line), "a byte that is no UTF-8")
    })?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// Reads a GSM8K file: JSON by line with `question` and `answer`, whose answer ends in `#### N`.
///
/// # Errors
/// A line that is not so, with file and line; an empty file.
pub fn read_gsm8k(path: &Path) -> Result<Vec<ForgettingItem>, EvaluateError> {
    parse_gsm8k(&text_of(path)?, path)
}

/// The same from a text; `path` is for messages.
pub(super) fn parse_gsm8k(text: &str, path: &Path) -> Result<Vec<ForgettingItem>, EvaluateError> {
    #[derive(Deserialize)]
    struct Row {
        question: String,
        answer: String,
    }
    let mut out = Vec::new();
    for (n, line) in (1u64..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let row: Row = serde_json::from_str(line).map_err(|e| {
            bad(
                path,
                Some(n),
                format!("{e}; expected {{\"question\": .., \"answer\": \"..#### N\"}}"),
            )
        })?;
        let gold = row.answer.rsplit_once("####").map(|(_, g)| g).and_then(canonical);
        let gold = gold
            .ok_or_else(|| bad(path, Some(n), "the answer does not end in `#### ` and a number"))?;
        if row.question.trim().is_empty() {
            return Err(bad(path, Some(n), "an empty question"));
        }
        out.push(ForgettingItem {
            id: format!("line-{n}"),
            part: "all".into(),
            question: row.question.trim().to_owned(),
            gold,
            worked: row.answer.trim().to_owned(),
        });
    }
    if out.is_empty() {
        return Err(bad(path, None, "no item in it"));
    }
    Ok(out)
}

/// Reads BBH: a JSON file with `examples`, or a folder of them; the file's name is the subtask's.
///
/// # Errors
/// A file that is not so; a folder without any.
pub fn read_bbh(path: &Path) -> Result<Vec<ForgettingItem>, EvaluateError> {
    #[derive(Deserialize)]
    struct File {
        examples: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        input: String,
        target: Target,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Target {
        Text(String),
        Number(serde_json::Number),
        Bool(bool),
    }
    let mut out = Vec::new();
    for file in json_files(path)? {
        let text = text_of(&file)?;
        let read: File = serde_json::from_str(&text).map_err(|e| {
            let expected = "expected {\"examples\": [{\"input\": .., \"target\": ..}]}";
            bad(&file, Some(e.line() as u64), format!("{e}; {expected}"))
        })?;
        let part = stem(&file);
        for (n, row) in (1..).zip(read.examples) {
            let gold = match row.target {
                Target::Text(t) => t,
                Target::Number(n) => n.to_string(),
                Target::Bool(b) => if b { "True" } else { "False" }.to_owned(),
            };
            if row.input.trim().is_empty() || gold.trim().is_empty() {
                return Err(bad(&file, None, format!("example {n} has no input or no target")));
            }
            out.push(ForgettingItem {
                id: format!("{part}-{n}"),
                part: part.clone(),
                question: row.input.trim().to_owned(),
                gold: gold.trim().to_owned(),
                worked: String::new(),
            });
        }
    }
    if out.is_empty() {
        return Err(bad(path, None, "no example in it"));
    }
    Ok(out)
}

fn json_files(path: &Path) -> Result<Vec<PathBuf>, EvaluateError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|e| bad(path, None, e.to_string()))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(bad(path, None, "no .json file in this folder"));
    }
    Ok(files)
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Reads BBH's worked examples, by subtask: `SUBTASK.txt`, or a folder of them. What stands before
/// a line of dashes is a notice to collectors of web pages and is left out.
///
/// # Errors
/// A file that cannot be read or holds nothing; a folder without any.
pub fn read_cot(path: &Path) -> Result<BTreeMap<String, String>, EvaluateError> {
    let files: Vec<PathBuf> = if path.is_file() {
        vec![path.to_owned()]
    } else {
        let entries = std::fs::read_dir(path).map_err(|e| bad(path, None, e.to_string()))?;
        entries
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "txt"))
            .collect()
    };
    let mut out = BTreeMap::new();
    for file in files {
        let text = text_of(&file)?;
        let text = text.replace("\r\n", "\n");
        let body = text.split_once("\n-----\n").map_or(text.as_str(), |(_, rest)| rest).trim();
        if body.is_empty() {
            return Err(bad(&file, None, "no worked example in it"));
        }
        out.insert(stem(&file), body.to_owned());
    }
    if out.is_empty() {
        return Err(bad(path, None, "no .txt file with worked examples"));
    }
    Ok(out)
}
