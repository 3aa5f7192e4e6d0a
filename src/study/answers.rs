//! A file of models' answers, as the items of a study of preference or of appropriateness.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::{CultureId, QuestionId, StudyType};
use crate::store::{ItemKind, ItemOrigin};
use crate::table::{CsvReader, CsvRow, JsonlReader};

use super::StudyError;
use super::rating_file::BadLine;
use super::sampling::Draft;
use super::spec::StudySpec;

/// A row of the file: a question, and one model's answer or two models'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What the models were asked.
    pub question: String,
    /// The survey's question that it is, where it is one.
    #[serde(default)]
    pub seed: Option<QuestionId>,
    /// BCP 47 tag of question and answers.
    pub language: String,
    /// The culture it is about.
    #[serde(default)]
    pub culture: Option<CultureId>,
    /// The first model.
    #[serde(alias = "model")]
    pub model_a: String,
    /// Its answer.
    #[serde(alias = "answer")]
    pub answer_a: String,
    /// The second model, for preference.
    #[serde(default)]
    pub model_b: Option<String>,
    /// Its answer.
    #[serde(default)]
    pub answer_b: Option<String>,
    /// True: the texts stay hidden until a key.
    #[serde(default)]
    pub sensitive: bool,
}

/// Columns of a CSV file; the first name is ours.
const COLUMNS: [(&str, &[&str], bool); 9] = [
    ("question", &["question", "prompt"], true),
    ("seed", &["seed", "question_id"], false),
    ("language", &["language", "lang"], true),
    ("culture", &["culture"], false),
    ("model_a", &["model_a", "model"], true),
    ("answer_a", &["answer_a", "answer"], true),
    ("model_b", &["model_b"], false),
    ("answer_b", &["answer_b"], false),
    ("sensitive", &["sensitive"], false),
];

/// Reads a file of answers, JSONL where its name says so, CSV otherwise. One bad line refuses the
/// file: a study lacking items without anybody's notice is worse than a file to mend.
///
/// # Errors
/// The file cannot be read; bad lines, by number; nothing in it.
pub fn read_answers(path: &Path, study_type: StudyType) -> Result<Vec<Answer>, StudyError> {
    let rows = if path.extension().is_some_and(|e| e == "jsonl" || e == "ndjson") {
        jsonl(path)?
    } else {
        csv(path)?
    };
    let total = rows.len();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut order: BTreeMap<(String, String), bool> = BTreeMap::new();
    for (line, row) in rows {
        match row.and_then(|a| check(a, study_type)) {
            Ok(a) => good.push(canonical(a, &mut order)),
            Err(reason) => bad.push(BadLine::line(line, reason)),
        }
    }
    if !bad.is_empty() {
        let shown: Vec<String> =
            bad.iter().take(3).map(|b| format!("line {}: {}", b.line, b.reason)).collect();
        return Err(StudyError::BadAnswers {
            path: path.to_owned(),
            bad: bad.len(),
            rows: total,
            first: shown.join("; "),
        });
    }
    if good.is_empty() {
        return Err(StudyError::BadAnswers {
            path: path.to_owned(),
            bad: 0,
            rows: 0,
            first: "the file has no rows".to_owned(),
        });
    }
    Ok(good)
}

type Rows = Vec<(u64, Result<Answer, String>)>;

fn jsonl(path: &Path) -> Result<Rows, StudyError> {
    let mut reader = JsonlReader::open(path)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        let answer = row
            .value
            .map_err(|e| e.to_string())
            .and_then(|v| serde_json::from_value::<Answer>(v.into()).map_err(|e| e.to_string()));
        rows.push((row.line, answer));
    }
    Ok(rows)
}

fn csv(path: &Path) -> Result<Rows, StudyError> {
    let mut reader = CsvReader::open(path)?;
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, known, needed) in COLUMNS {
        let found =
            if needed { Some(reader.require(known)?) } else { reader.columns().find(known) };
        at.extend(found.map(|i| (name, i)));
    }
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        rows.push(match row {
            CsvRow::Ragged { line, found, expected } => {
                (line, Err(format!("{found} fields, expected {expected} as in the header")))
            }
            CsvRow::Record { line, fields } => {
                let cell = |name: &str| {
                    let text = fields.get(*at.get(name)?)?.trim();
                    (!text.is_empty()).then(|| text.to_owned())
                };
                (line, from_cells(cell))
            }
        });
    }
    Ok(rows)
}

fn from_cells(cell: impl Fn(&str) -> Option<String>) -> Result<Answer, String> {
    let need = |name: &str| cell(name).ok_or_else(|| format!("no {name}"));
    let sensitive = match cell("sensitive").unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "0" | "no" | "false" => false,
        "1" | "yes" | "true" => true,
        other => return Err(format!("sensitive is `{other}`: expected yes, no or nothing")),
    };
    Ok(Answer {
        question: need("question")?,
        seed: cell("seed").map(QuestionId::new).transpose().map_err(|e| e.to_string())?,
        language: need("language")?,
        culture: cell("culture").map(CultureId::new).transpose().map_err(|e| e.to_string())?,
        model_a: need("model_a")?,
        answer_a: need("answer_a")?,
        model_b: cell("model_b"),
        answer_b: cell("answer_b"),
        sensitive,
    })
}

fn check(a: Answer, study_type: StudyType) -> Result<Answer, String> {
    for (name, text) in
        [("question", &a.question), ("language", &a.language), ("model", &a.model_a)]
    {
        if text.trim().is_empty() {
            return Err(format!("no {name}"));
        }
    }
    if a.answer_a.trim().is_empty() {
        return Err(
            "no answer: leave the line out, or say in another column that it is missing".to_owned()
        );
    }
    match (study_type, &a.model_b, &a.answer_b) {
        (StudyType::Preference, Some(m), Some(t))
            if !m.trim().is_empty() && !t.trim().is_empty() =>
        {
            if *m == a.model_a {
                return Err(format!("model_a and model_b are both `{m}`"));
            }
        }
        (StudyType::Preference, ..) => {
            return Err("preference needs model_b and answer_b beside model_a and answer_a".into());
        }
        (_, None, None) => {}
        _ => {
            return Err(
                "appropriateness is judged of one answer: leave out model_b and answer_b, \
                        and give each answer a line of its own"
                    .into(),
            );
        }
    }
    if study_type.needs_culture() && a.culture.is_none() {
        return Err("no culture: only people of a culture say what is fitting in it".into());
    }
    Ok(a)
}

/// One model is the first in all lines, whatever the order of the columns: results count by it.
fn canonical(a: Answer, order: &mut BTreeMap<(String, String), bool>) -> Answer {
    let (Some(b), Some(text)) = (a.model_b.clone(), a.answer_b.clone()) else { return a };
    if order.contains_key(&(b.clone(), a.model_a.clone())) {
        return Answer {
            model_a: b,
            answer_a: text,
            model_b: Some(a.model_a),
            answer_b: Some(a.answer_a),
            ..a
        };
    }
    order.insert((a.model_a.clone(), b), true);
    a
}

/// The answers as items that may be drawn. A question of no survey gets a name of its own, by the
/// order in which it first appears.
///
/// # Errors
/// No line is of the cultures and languages chosen.
pub(super) fn candidates(spec: &StudySpec, answers: &[Answer]) -> Result<Vec<Draft>, StudyError> {
    let mut names: BTreeMap<&str, QuestionId> = BTreeMap::new();
    let mut out = Vec::new();
    for a in answers {
        let next = names.len() + 1;
        let name = match names.get(a.question.as_str()) {
            Some(name) => name.clone(),
            None => QuestionId::new(format!("Q{next}.asked"))?,
        };
        names.insert(&a.question, name.clone());
        let select = &spec.select;
        let wanted = (select.cultures.is_empty()
            || a.culture.as_ref().is_some_and(|c| select.cultures.contains(c)))
            && (select.languages.is_empty()
                || select.languages.iter().any(|l| crate::domain::same_language(l, &a.language)));
        if !wanted {
            continue;
        }
        let pair = spec.study_type == StudyType::Preference;
        let models: Vec<String> =
            std::iter::once(a.model_a.clone()).chain(a.model_b.clone()).collect();
        let (first, second) = match (&a.answer_b, pair) {
            (Some(b), true) => (a.answer_a.clone(), b.clone()),
            _ => (String::new(), a.answer_a.clone()),
        };
        let seed = a.seed.clone().unwrap_or(name);
        out.push(Draft {
            kind: ItemKind::Sample,
            k: Some(spec.k),
            sensitive: a.sensitive || spec.sensitive_seeds.contains(&seed),
            seed,
            sample: None,
            language: a.language.clone(),
            culture: a.culture.clone(),
            seed_text: first,
            sample_text: second,
            context: Some(a.question.clone()),
            origin: ItemOrigin {
                provider: Some(models.join(" / ")),
                models,
                ..ItemOrigin::default()
            },
            repeat_of: None,
            expected: None,
        });
    }
    if out.is_empty() {
        return Err(StudyError::NoSamples { found: answers.len(), unusable: answers.len() });
    }
    Ok(out)
}
