//! Datasets as the files that other trainers read. Each goes with the card of [`super::card`].

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DatasetError, export_table, largest_remainder};
use crate::domain::prompt::{Prompt, Variant, render};
use crate::domain::{DomainError, Example, Survey, Target};
use crate::table::typed::TableForm;

/// A file format of other trainers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// OpenAI's chat fine-tuning JSONL: `{"messages": [..]}`.
    Chat,
    /// `{"text": "### Question: .. ### Answer: .."}`, the release's form for Llama.
    Text,
    /// `{"instruction", "input", "output", "system"}`.
    Alpaca,
    /// `{"conversations": [{"from", "value"}], "system"}`.
    ShareGpt,
    /// Apache Parquet: one row a prompt and answer, with its share and its origin.
    Parquet,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 5] =
        [Self::Chat, Self::Text, Self::Alpaca, Self::ShareGpt, Self::Parquet];

    /// `chat`, `text`, `alpaca`, `sharegpt`, `parquet`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Text => "text",
            Self::Alpaca => "alpaca",
            Self::ShareGpt => "sharegpt",
            Self::Parquet => "parquet",
        }
    }

    /// The end of a file's name: `chat.jsonl`, .., `parquet`.
    pub fn extension(self) -> String {
        match self {
            Self::Parquet => "parquet".to_owned(),
            text => format!("{}.jsonl", text.as_str()),
        }
    }
}

impl std::str::FromStr for ExportFormat {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|f| f.as_str() == s).ok_or_else(|| DomainError::UnknownWord {
            what: "export format",
            value: s.into(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// How examples become rows of text.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportOptions {
    /// The format.
    pub format: ExportFormat,
    /// Answers a distribution target becomes: its shares apportioned by largest remainder.
    pub answers: u32,
    /// Prompts per example.
    pub variants: Vec<Variant>,
}

impl ExportOptions {
    /// The paper's prompt, 20 answers for a distribution.
    pub fn new(format: ExportFormat) -> Self {
        Self { format, answers: 20, variants: vec![Variant::PAPER] }
    }
}

/// One answer to one prompt of one example.
pub(super) struct Answer<'a> {
    /// The example.
    pub example: &'a Example,
    /// The prompt.
    pub prompt: &'a Prompt,
    /// Rank of the answer on the question's scale.
    pub rank: usize,
    /// Its code.
    pub code: u8,
    /// Its share of the target.
    pub share: f64,
    /// Lines that it gets in text formats.
    pub lines: u32,
}

/// Hands every answer with a share to `take`, in the order of examples, prompts and options.
///
/// # Errors
/// As [`export`], and those of `take`.
pub(super) fn each(
    examples: &[Example],
    survey: &Survey,
    options: &ExportOptions,
    mut take: impl FnMut(&Answer<'_>) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    if options.answers == 0 || options.variants.is_empty() {
        return Err(DatasetError::BadSpec(
            "an export needs at least one answer and one prompt variant".into(),
        ));
    }
    for e in examples {
        let question = survey.question(&e.question).ok_or_else(|| DatasetError::Unknown {
            what: "question",
            name: e.question.to_string(),
            known: "the survey's questions".into(),
        })?;
        let culture = match &e.culture {
            None => None,
            Some(id) => Some(survey.culture(id).ok_or_else(|| DatasetError::Unknown {
                what: "culture",
                name: id.to_string(),
                known: "the survey's cultures".into(),
            })?),
        };
        let (counts, shares) = match &e.target {
            Target::Soft(d) => (largest_remainder(d, options.answers), d.shares().to_vec()),
            Target::Hard(code) => {
                let rank = question.scale.rank(*code).ok_or_else(|| {
                    DatasetError::BadSpec(format!(
                        "{} has the label {code}, which is no option: only policy `paper` makes \
                         such labels, and they have no answer to export",
                        e.question
                    ))
                })?;
                let (mut counts, mut shares) =
                    (vec![0; question.scale.len()], vec![0.0; question.scale.len()]);
                (counts[rank], shares[rank]) = (1, 1.0);
                (counts, shares)
            }
        };
        let codes = question.scale.codes();
        for &v in &options.variants {
            let prompt = render(question, &e.text, culture, v);
            for (rank, (&lines, &share)) in counts.iter().zip(&shares).enumerate() {
                if lines > 0 || share > 0.0 {
                    let code = codes.get(rank).copied().unwrap_or_default();
                    take(&Answer { example: e, prompt: &prompt, rank, code, share, lines })?;
                }
            }
        }
    }
    Ok(())
}

/// Writes examples and returns the number of lines, or of rows. Text formats know single answers
/// only: a distribution becomes `answers` lines with the same prompt (no line for an option that
/// gets none), which an audit of the file rightly calls contradictory; the card says so. Parquet
/// has one row an answer with its share, and says how many lines it would be.
///
/// # Errors
/// A question or culture that the survey does not have, a hard label off the scale, no answer or
/// variant wanted, or a full disk.
pub fn export(
    examples: &[Example],
    survey: &Survey,
    options: &ExportOptions,
    out: &mut dyn Write,
) -> Result<u64, DatasetError> {
    let failed = |source| DatasetError::Io { path: "the exported file".into(), source };
    if options.format == ExportFormat::Parquet {
        let table = export_table(examples, survey, options)?;
        table.write(TableForm::Parquet, out).map_err(failed)?;
        return Ok(table.rows.len() as u64);
    }
    let mut lines = 0;
    each(examples, survey, options, |a| {
        let line = row(options.format, a.prompt, &a.prompt.answers[a.rank]);
        for _ in 0..a.lines {
            writeln!(out, "{line}").map_err(failed)?;
            lines += 1;
        }
        Ok(())
    })?;
    Ok(lines)
}

fn row(format: ExportFormat, p: &Prompt, answer: &str) -> Value {
    match format {
        ExportFormat::Chat => {
            let mut messages = Vec::new();
            if !p.system.is_empty() {
                messages.push(json!({"role": "system", "content": p.system}));
            }
            messages.push(json!({"role": "user", "content": p.user}));
            messages.push(json!({"role": "assistant", "content": answer}));
            json!({ "messages": messages })
        }
        // Parquet has columns instead; its texts are those of this form.
        ExportFormat::Text | ExportFormat::Parquet => {
            // The release's form; a system message, which names the culture, stands before it.
            let system = if p.system.is_empty() {
                String::new()
            } else {
                format!("### System: {}\n", p.system)
            };
            json!({"text": format!("{system}### Question: {}\n ### Answer: {answer}", p.user)})
        }
        ExportFormat::Alpaca => {
            let mut row = json!({"instruction": p.user, "input": "", "output": answer});
            if !p.system.is_empty() {
                row["system"] = json!(p.system);
            }
            row
        }
        ExportFormat::ShareGpt => {
            let mut row = json!({"conversations": [
                {"from": "human", "value": p.user}, {"from": "gpt", "value": answer}
            ]});
            if !p.system.is_empty() {
                row["system"] = json!(p.system);
            }
            row
        }
    }
}
