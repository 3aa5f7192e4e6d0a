//! Samples of others, through the same guards and the same filter: the released files, and plain
//! CSV or JSONL with `seed_id` and `text`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::guards::{Guards, Reading, Siblings};
use super::similarity::SimilarityModel;
use super::{AugmentError, Settings, Summary, sample_id};
use crate::domain::{
    Decision, Provenance, Question, QuestionId, RejectReason, Sample, Similarity, Stage, Survey,
};
use crate::table::{CsvReader, CsvRow, JsonlReader, JsonlRow, TableError};

/// Bad lines that are named one by one.
const NAMED: usize = 20;

/// What an import saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Rows that were read as samples.
    pub rows: u64,
    /// What became of them.
    pub summary: Summary,
    /// Lines that were not read: number and reason, the first twenty.
    pub bad_lines: Vec<(u64, String)>,
    /// How many there are in all.
    pub bad_lines_total: u64,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// The line each sample stood on, in the order of the samples.
    #[serde(skip)]
    pub lines: Vec<u64>,
}

impl ImportReport {
    fn bad(&mut self, line: u64, reason: impl Into<String>) {
        self.bad_lines_total += 1;
        if self.bad_lines.len() < NAMED {
            self.bad_lines.push((line, reason.into()));
        }
    }
}

/// One row, before it is judged.
struct Row {
    line: u64,
    seed: QuestionId,
    text: String,
    /// The seed's wording as the file has it: the guards compare with what the sample was made of.
    original: Option<String>,
}

/// Reads a file. A bad line is named and left out; the others are judged.
///
/// # Errors
/// The file cannot be read, or is none of the known forms; the filter gave no usable number.
pub fn import(
    path: &Path,
    survey: &Survey,
    filter: &dyn SimilarityModel,
    threshold: f64,
    settings: &Settings,
) -> Result<(Vec<Sample>, ImportReport), AugmentError> {
    let mut report = ImportReport::default();
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let first = first_byte(path)?;
    let rows = if first == Some(b'{') {
        jsonl(path, survey, &mut report)?
    } else {
        csv(path, survey, &mut report)?
    };
    report.rows = rows.len() as u64;
    let mut by_seed: BTreeMap<QuestionId, Vec<Row>> = BTreeMap::new();
    for row in rows {
        by_seed.entry(row.seed.clone()).or_default().push(row);
    }
    let mut out: Vec<(u64, Sample)> = Vec::new();
    for (id, rows) in by_seed {
        let Some(seed) = survey.question(&id) else { continue };
        out.extend(judge(seed, &rows, &name, filter, threshold, settings)?);
    }
    out.sort_by_key(|(line, _)| *line);
    report.lines = out.iter().map(|(line, _)| *line).collect();
    let samples: Vec<Sample> = out.into_iter().map(|(_, s)| s).collect();
    report.summary = Summary::of(&samples);
    report.notes.extend(filter.note());
    Ok((samples, report))
}

fn judge(
    seed: &Question,
    rows: &[Row],
    file: &str,
    filter: &dyn SimilarityModel,
    threshold: f64,
    settings: &Settings,
) -> Result<Vec<(u64, Sample)>, AugmentError> {
    let readings: Vec<Reading> = rows.iter().map(|r| Reading::new(&r.text)).collect();
    let mut siblings = Siblings::new(settings.near_duplicate_edits);
    let original =
        rows.iter().find_map(|r| r.original.clone()).unwrap_or_else(|| seed.text.clone());
    siblings.keep(Reading::new(&original));
    let guards = Guards::new(&original, &seed.language);
    let texts: Vec<&str> = rows.iter().map(|r| r.text.as_str()).collect();
    let scores: Vec<Similarity> = filter.similarity(&original, &texts)?;
    let mut out: Vec<(u64, Sample)> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let relatives: Vec<&Reading> =
            readings.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, r)| r).collect();
        let reason = guards
            .check(&readings[i], None, &relatives)
            .or_else(|| {
                (scores[i].get() < threshold)
                    .then(|| RejectReason::Dissimilar { similarity: scores[i].get(), threshold })
            })
            .or_else(|| siblings.check(&readings[i]));
        if reason.is_none() {
            siblings.keep(readings[i].clone());
        }
        let mut id = sample_id(&seed.id, &seed.language, &row.text)
            .map_err(|e| AugmentError::Settings(e.to_string()))?;
        if out.iter().any(|(_, s)| s.id == id) {
            // The same text twice: two rows in the counts, so two ids.
            id = crate::domain::SampleId::new(format!("{id}.{}", row.line))
                .map_err(|e| AugmentError::Settings(e.to_string()))?;
        }
        out.push((
            row.line,
            Sample {
                id,
                seed: seed.id.clone(),
                language: seed.language.clone(),
                text: row.text.clone(),
                stage: Stage::Imported,
                similarity: Some(scores[i]),
                decision: reason.map_or(Decision::Kept, Decision::Rejected),
                provenance: Provenance {
                    provider: format!("file:{file}"),
                    version: format!("line {}", row.line),
                    run: None,
                    template: None,
                    family: None,
                    held_out: false,
                    parent: None,
                    substitutions: Vec::new(),
                    seed: 0,
                    reply: None,
                },
            },
        ));
    }
    Ok(out)
}

fn first_byte(path: &Path) -> Result<Option<u8>, AugmentError> {
    use std::io::Read;
    let file = |reason: String| AugmentError::File { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|f| f.take(4096).read_to_end(&mut bytes))
        .map_err(|e| file(e.to_string()))?;
    let start = bytes.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(&bytes);
    Ok(start.iter().copied().find(|b| !b.is_ascii_whitespace()))
}

fn table(e: &TableError, path: &Path) -> AugmentError {
    AugmentError::File { path: path.to_owned(), reason: e.to_string() }
}

/// `27` and `Q27` are the same question.
fn question_id(text: &str) -> Option<QuestionId> {
    let bare = text.trim().trim_start_matches(['Q', 'q']);
    QuestionId::new(format!("Q{bare}")).ok()
}

fn jsonl(
    path: &Path,
    survey: &Survey,
    report: &mut ImportReport,
) -> Result<Vec<Row>, AugmentError> {
    let mut reader = JsonlReader::open(path).map_err(|e| table(&e, path))?;
    let mut rows = Vec::new();
    while let Some(JsonlRow { line, value }) = reader.next_row().map_err(|e| table(&e, path))? {
        let value = match value {
            Ok(v) => v,
            Err(e) => {
                report.bad(line, e.to_string());
                continue;
            }
        };
        let word = |names: &[&str]| {
            names.iter().find_map(|n| match value.get(*n) {
                Some(Value::String(s)) => Some(s.clone()),
                Some(Value::Number(n)) => Some(n.to_string()),
                _ => None,
            })
        };
        let seed = word(&["seed_id", "seed", "q_id"]);
        let text = word(&["text", "q_content"]);
        push(&mut rows, report, survey, line, seed, text, word(&["ori_content"]));
    }
    Ok(rows)
}

fn csv(path: &Path, survey: &Survey, report: &mut ImportReport) -> Result<Vec<Row>, AugmentError> {
    let mut reader = CsvReader::open(path).map_err(|e| table(&e, path))?;
    let seed = reader.require(&["seed_id", "seed", "q_id"]).map_err(|e| table(&e, path))?;
    let text = reader.require(&["text", "q_content"]).map_err(|e| table(&e, path))?;
    let mut rows = Vec::new();
    loop {
        match reader.next_row() {
            Ok(None) => return Ok(rows),
            Ok(Some(CsvRow::Record { line, fields })) => {
                let cell = |i: usize| fields.get(i).cloned();
                push(&mut rows, report, survey, line, cell(seed), cell(text), None);
            }
            Ok(Some(CsvRow::Ragged { line, found, expected })) => report.bad(
                line,
                format!("{found} fields, the header has {expected}: a text with a delimiter needs quotes"),
            ),
            Err(e @ TableError::Io { .. }) => return Err(table(&e, path)),
            Err(e) => report.bad(e.line().unwrap_or(0), e.to_string()),
        }
    }
}

fn push(
    rows: &mut Vec<Row>,
    report: &mut ImportReport,
    survey: &Survey,
    line: u64,
    seed: Option<String>,
    text: Option<String>,
    original: Option<String>,
) {
    let Some(seed) = seed else {
        return report.bad(line, "no seed: expected `seed_id` (or `q_id`), such as Q27");
    };
    let Some(id) = question_id(&seed).filter(|id| survey.question(id).is_some()) else {
        return report.bad(line, format!("`{seed}` is no seed of this workspace"));
    };
    match text.map(|t| crate::text::nfc(t.trim()).into_owned()) {
        Some(text) if !text.is_empty() => rows.push(Row { line, seed: id, text, original }),
        _ => report.bad(line, "no text: expected `text` (or `q_content`)"),
    }
}
