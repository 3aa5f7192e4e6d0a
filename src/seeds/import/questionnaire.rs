//! Questionnaires as CSV, in any language: question id, language, wording, options; columns
//! `topic`, `form`, `direction` and `kind` may stand beside them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::domain::{Direction, Form, Question, QuestionId, Scale, ScaleKind, Survey, Topic};
use crate::seeds::{FileKind, FileReport, SeedsError, read_scale};
use crate::table::{CsvReader, CsvRow, TableError};

use super::Imported;
use super::released::{question_id, wording_and_form};
use super::sniff::{OPTIONS, QUESTION, WORDING};

/// Places of the columns.
struct Places {
    question: usize,
    wording: usize,
    options: usize,
    language: Option<usize>,
    topic: Option<usize>,
    form: Option<usize>,
    direction: Option<usize>,
    kind: Option<usize>,
}

pub(super) fn import(path: &Path, known: &Survey, out: &mut Imported) -> Result<(), SeedsError> {
    let mut reader = CsvReader::open(path)?;
    let mut report = FileReport::new(path, FileKind::Questionnaire);
    let columns = reader.columns();
    let places = Places {
        question: reader.require(QUESTION)?,
        wording: reader.require(WORDING)?,
        options: reader.require(OPTIONS)?,
        language: columns.find(&["language", "lang"]),
        topic: columns.find(&["topic"]),
        form: columns.find(&["form"]),
        direction: columns.find(&["direction"]),
        kind: columns.find(&["kind"]),
    };
    if places.language.is_none() {
        report.notes.push("no column `language`: the wordings were taken as English (en)".into());
    }
    let mut lines: BTreeMap<(QuestionId, String), u64> = BTreeMap::new();
    loop {
        let (line, read) = match reader.next_row() {
            Ok(None) => break,
            Ok(Some(CsvRow::Record { line, fields })) => {
                (line, question(&fields, &places, line, known, &mut report))
            }
            Ok(Some(CsvRow::Ragged { line, found, expected })) => (
                line,
                Err(format!(
                    "{found} fields, expected {expected} as in the header (a text with the \
                     delimiter in it needs quotes)"
                )),
            ),
            Err(e @ TableError::Io { .. }) => return Err(e.into()),
            Err(e) => (e.line().unwrap_or_default(), Err(e.to_string())),
        };
        match read {
            Err(text) => report.left_out.push(line, text),
            Ok(q) => {
                let key = (q.id.clone(), q.language.clone());
                if let Some(first) = lines.get(&key) {
                    let text = format!(
                        "{} in `{}` stands already on line {first}: the first one was kept",
                        q.id, q.language
                    );
                    report.left_out.push(line, text);
                } else {
                    lines.insert(key, line);
                    report.questions += 1;
                    out.questions.push(q);
                }
            }
        }
    }
    out.files.push(report);
    Ok(())
}

fn question(
    fields: &[String],
    places: &Places,
    line: u64,
    known: &Survey,
    report: &mut FileReport,
) -> Result<Question, String> {
    let text = |place: Option<usize>| {
        place.and_then(|p| fields.get(p)).map(|s| s.trim()).filter(|s| !s.is_empty())
    };
    let id = question_id(text(Some(places.question)).ok_or("no question id")?)?;
    let language = language_tag(text(places.language).unwrap_or("en"))?;
    let wording = text(Some(places.wording)).ok_or_else(|| format!("{id} has no wording"))?;
    let options = text(Some(places.options)).ok_or_else(|| format!("{id} has no options"))?;
    let before = known.question(&id);
    let read =
        read_scale(options, before.map(|q| &q.scale)).map_err(|e| format!("scale of {id}: {e}"))?;
    let form = text(places.form)
        .map(|w| w.parse::<Form>().map_err(|e| e.to_string()))
        .transpose()?
        .or(before.map(|q| q.form));
    let stated = text(places.direction).map(direction).transpose()?;
    let kind = text(places.kind).map(kind).transpose()?;
    let scale = restate(read.scale, kind, stated)?;
    for note in read.notes {
        let said = format!("line {line}, {id}: {note}");
        if note.contains("could not be told") {
            if stated.is_none() && kind != Some(ScaleKind::Nominal) {
                report.warnings.push(said);
            }
        } else if note.contains("stood twice") {
            report.warnings.push(said);
        } else {
            report.notes.push(said);
        }
    }
    let (text_, form) = wording_and_form(wording, form);
    let topic = text(places.topic)
        .map(|t| Topic(t.to_lowercase()))
        .or_else(|| before.map(|q| q.topic.clone()))
        .unwrap_or_else(|| Topic("other".into()));
    Ok(Question { id, topic, language, text: text_, form, scale, notes: Vec::new() })
}

/// The scale with the direction and kind of the file's own columns.
fn restate(
    scale: Scale,
    kind: Option<ScaleKind>,
    direction: Option<Direction>,
) -> Result<Scale, String> {
    if kind.is_none() && direction.is_none() {
        return Ok(scale);
    }
    let kind = kind.unwrap_or(scale.kind());
    let direction = match kind {
        ScaleKind::Nominal => Direction::None,
        ScaleKind::Ordinal => direction.unwrap_or(scale.direction()),
    };
    let mut new =
        Scale::new(scale.options().to_vec(), kind, direction).map_err(|e| e.to_string())?;
    if let Some(middle) = scale.middle() {
        new = new.with_middle(middle).map_err(|e| e.to_string())?;
    }
    Ok(if scale.end_labels_only() { new.with_end_labels_only() } else { new })
}

/// Loosely BCP 47: letters, then parts of letters and digits.
fn language_tag(text: &str) -> Result<String, String> {
    let tag = text.replace('_', "-");
    let ok = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let first_ok = (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic());
    if first_ok && parts.all(ok) {
        Ok(tag.to_ascii_lowercase())
    } else {
        Err(format!("`{text}` is no language tag: expected one such as `ar` or `pt-BR`"))
    }
}

fn direction(word: &str) -> Result<Direction, String> {
    match word.to_ascii_lowercase().as_str() {
        "higher-is-more" => Ok(Direction::HigherIsMore),
        "higher-is-less" => Ok(Direction::HigherIsLess),
        "none" => Ok(Direction::None),
        _ => Err(format!(
            "`{word}` is no direction: expected higher-is-more, higher-is-less or none"
        )),
    }
}

fn kind(word: &str) -> Result<ScaleKind, String> {
    match word.to_ascii_lowercase().as_str() {
        "ordinal" => Ok(ScaleKind::Ordinal),
        "nominal" => Ok(ScaleKind::Nominal),
        _ => Err(format!("`{word}` is no kind of scale: expected ordinal or nominal")),
    }
}
