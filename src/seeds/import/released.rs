//! The released `WVQ.jsonl`: one seed a line, `topic`, `q_id`, `q_content`, `option` in any order.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::domain::{Form, Question, QuestionId, Survey, Topic};
use crate::seeds::{FileKind, FileReport, SeedsError, read_scale};
use crate::table::JsonlReader;

use super::Imported;

pub(super) fn import(path: &Path, known: &Survey, out: &mut Imported) -> Result<(), SeedsError> {
    let mut report = FileReport::new(path, FileKind::ReleasedSeeds);
    let mut rows = JsonlReader::open(path)?;
    let mut questions: Vec<Question> = Vec::new();
    let mut lines: BTreeMap<QuestionId, u64> = BTreeMap::new();
    while let Some(row) = rows.next_row()? {
        let read = row
            .value
            .map_err(|e| e.to_string())
            .and_then(|object| question(&object, row.line, known, &mut report));
        match read {
            Err(text) => report.left_out.push(row.line, text),
            Ok(q) => {
                if let Some(first) = lines.get(&q.id) {
                    let text = format!(
                        "{} stands already on line {first}: the first one was kept; give this one \
                         its own id",
                        q.id
                    );
                    report.left_out.push(row.line, text);
                } else {
                    lines.insert(q.id.clone(), row.line);
                    questions.push(q);
                }
            }
        }
    }
    report.questions = questions.len();
    out.questions.extend(questions);
    out.files.push(report);
    Ok(())
}

/// A value as text: ids stand as `"27"` or as 27.
fn text(object: &Map<String, Value>, key: &str) -> Result<String, String> {
    match object.get(key) {
        Some(Value::String(s)) => Ok(s.trim().to_owned()),
        Some(Value::Number(n)) => Ok(n.to_string()),
        Some(_) => Err(format!("`{key}` is no text")),
        None => Err(format!("no `{key}`: expected topic, q_id, q_content and option")),
    }
}

fn question(
    object: &Map<String, Value>,
    line: u64,
    known: &Survey,
    report: &mut FileReport,
) -> Result<Question, String> {
    let id = question_id(&text(object, "q_id")?)?;
    let wording = text(object, "q_content")?;
    if wording.is_empty() {
        return Err(format!("{id} has no wording in `q_content`"));
    }
    let before = known.question(&id);
    let read = read_scale(&text(object, "option")?, before.map(|q| &q.scale))
        .map_err(|e| format!("scale of {id}: {e}"))?;
    for note in read.notes {
        let said = format!("line {line}, {id}: {note}");
        if note.contains("stood twice") || note.contains("could not be told") {
            report.warnings.push(said);
        } else {
            report.notes.push(said);
        }
    }
    let topic = match before {
        Some(q) => q.topic.clone(),
        None => Topic(text(object, "topic")?.to_lowercase()),
    };
    let (text, form) = wording_and_form(&wording, None);
    Ok(Question {
        id,
        topic,
        language: "en".into(),
        text,
        form,
        scale: read.scale,
        notes: Vec::new(),
    })
}

/// `27`, `Q27` or `q27`.
pub(super) fn question_id(text: &str) -> Result<QuestionId, String> {
    let number = text.trim().trim_start_matches(['Q', 'q']);
    QuestionId::new(format!("Q{number}")).map_err(|e| e.to_string())
}

/// A wording as the domain keeps it: statements without final stop. The form is what the question
/// mark says unless it is given.
pub(super) fn wording_and_form(wording: &str, form: Option<Form>) -> (String, Form) {
    let wording = wording.trim();
    // `?` of Latin, Arabic, full-width and Greek script
    let asks = wording.ends_with(['?', '؟', '？', ';', '\u{37e}']);
    let form = form.unwrap_or(if asks { Form::Question } else { Form::Statement });
    let text = match form {
        Form::Question => wording,
        Form::Statement => wording.trim_end_matches(['.', '。', '।', '۔']).trim_end(),
    };
    (text.to_owned(), form)
}
