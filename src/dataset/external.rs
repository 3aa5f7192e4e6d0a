//! Training files of others, read for the audit: chat JSONL, `### Question / ### Answer` text
//! JSONL, Alpaca, ShareGPT, and our own examples.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::{AuditLabel, AuditRow, DatasetError, normal_text};
use crate::domain::{CultureId, Example, QuestionId, Target};

/// A line longer than this is refused unread: no training row is that long.
const LONGEST_LINE: u64 = 16 << 20;

/// What is known of a file beside its lines.
#[derive(Debug, Clone, Default)]
pub struct ExternalFile {
    /// Whose answers the file says it holds, where the user knows; for the survey's checks.
    pub culture: Option<CultureId>,
    /// Questions by [`normal_text`] of their wording or of a sample's: how rows without a question
    /// id are resolved.
    pub texts: HashMap<String, QuestionId>,
}

/// Reads a file of any of the known formats, told apart line by line.
///
/// # Errors
/// The file cannot be read; a line is too long, not UTF-8, not JSON, or in no known format, by its
/// number.
pub fn read_external(path: &Path, known: &ExternalFile) -> Result<Vec<AuditRow>, DatasetError> {
    let io = |source| DatasetError::Io { path: path.to_owned(), source };
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let mut rows = Vec::new();
    let mut bytes = Vec::new();
    let mut line = 0u64;
    loop {
        bytes.clear();
        reader.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes).map_err(io)?;
        if bytes.is_empty() {
            return Ok(rows);
        }
        line += 1;
        let bad = |reason: String| DatasetError::Line { path: path.to_owned(), line, reason };
        if bytes.len() as u64 > LONGEST_LINE {
            return Err(bad(format!("longer than {LONGEST_LINE} bytes: this is no training file")));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| bad(format!("not UTF-8 after byte {}", e.valid_up_to())))?;
        let text = if line == 1 { text.trim_start_matches('\u{feff}') } else { text }.trim();
        if text.is_empty() {
            continue;
        }
        let value: Value = serde_json::from_str(text).map_err(|e| bad(format!("not JSON: {e}")))?;
        rows.push(row(&value, &name, line, known).map_err(bad)?);
    }
}

fn row(v: &Value, file: &str, row: u64, known: &ExternalFile) -> Result<AuditRow, String> {
    if v.get("question").is_some() && v.get("target").is_some() {
        let e: Example =
            serde_json::from_value(v.clone()).map_err(|e| format!("not an example: {e}"))?;
        return Ok(AuditRow {
            file: file.to_owned(),
            row,
            prompt: format!("{} {}", e.question, e.text),
            text: e.text,
            culture: e.culture.map(Into::into),
            question: Some(e.question),
            range: None,
            label: match e.target {
                Target::Hard(c) => AuditLabel::Code(i64::from(c)),
                Target::Soft(d) => AuditLabel::Soft(d),
            },
        });
    }
    let (system, user, answer) = turns(v)?;
    let (text, range) = asked(&user);
    let question = known
        .texts
        .get(&normal_text(text))
        .or_else(|| {
            // A statement stands behind the question that the prompt makes of it.
            let bare = text.trim().strip_prefix("Do you agree with ")?;
            known.texts.get(&normal_text(bare))
        })
        .cloned();
    let text = text.trim().strip_prefix("Do you agree with ").unwrap_or(text).trim().to_owned();
    Ok(AuditRow {
        file: file.to_owned(),
        row,
        prompt: format!("{system}\n{user}"),
        text,
        culture: known.culture.as_ref().map(ToString::to_string),
        question,
        range,
        label: match answer.trim().parse() {
            Ok(code) => AuditLabel::Code(code),
            Err(_) => AuditLabel::Unreadable(answer.trim().chars().take(40).collect()),
        },
    })
}

/// System message, user message, answer.
fn turns(v: &Value) -> Result<(String, String, String), String> {
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(turns) =
        v.get("messages").or_else(|| v.get("conversations")).and_then(Value::as_array)
    {
        let said = |names: &[&str]| {
            turns
                .iter()
                .rev()
                .find(|t| {
                    t.get("role")
                        .or_else(|| t.get("from"))
                        .and_then(Value::as_str)
                        .is_some_and(|r| names.contains(&r))
                })
                .and_then(|t| text(t, "content").or_else(|| text(t, "value")))
        };
        let user = said(&["user", "human"]).ok_or("no user turn")?;
        let answer = said(&["assistant", "gpt"]).ok_or("no assistant turn")?;
        let system = said(&["system"]).or_else(|| text(v, "system")).unwrap_or_default();
        return Ok((system, user, answer));
    }
    if let Some(t) = text(v, "text") {
        let (before, answer) =
            t.rsplit_once("### Answer:").ok_or("`text` holds no `### Answer:`")?;
        let (system, user) =
            before.split_once("### Question:").ok_or("`text` holds no `### Question:`")?;
        let system = system.trim().trim_start_matches("### System:").trim().to_owned();
        return Ok((system, user.trim().to_owned(), answer.to_owned()));
    }
    if let (Some(user), Some(answer)) = (text(v, "instruction"), text(v, "output")) {
        let input = text(v, "input").unwrap_or_default();
        let user = if input.is_empty() { user } else { format!("{user}\n{input}") };
        return Ok((text(v, "system").unwrap_or_default(), user, answer));
    }
    Err("in no known format: expected `messages`, `text` with ### Question and ### Answer, \
         `instruction` and `output`, `conversations`, or `question` and `target`"
        .into())
}

/// The sentence between the range and the options of a prompt in the paper's form, and the range.
/// Another form is taken whole, without a range.
fn asked(user: &str) -> (&str, Option<(i64, i64)>) {
    let Some(rest) = user.trim().strip_prefix("Give me the answer from ") else {
        return (user, None);
    };
    let Some((range, rest)) = rest.split_once(':') else { return (user, None) };
    let Some((lo, hi)) = range
        .split_once(" to ")
        .and_then(|(a, b)| Some((a.trim().parse::<i64>().ok()?, b.trim().parse::<i64>().ok()?)))
    else {
        return (user, None);
    };
    let rest = rest.trim_start();
    // The first option: ` 1. ` behind the sentence.
    let end = rest
        .char_indices()
        .find(|(i, c)| {
            c.is_ascii_digit()
                && rest[..*i].ends_with(' ')
                && rest[*i..].trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(". ")
        })
        .map_or(rest.len(), |(i, _)| i);
    (&rest[..end], Some((lo.min(hi), lo.max(hi))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(lines: &str) -> Result<Vec<AuditRow>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        std::fs::write(&path, lines).unwrap();
        let texts = [(normal_text("Work is a duty"), QuestionId::new("Q40").unwrap())].into();
        read_external(&path, &ExternalFile { culture: None, texts }).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_no_training_row_is_named_by_its_line() {
        for (lines, said) in [
            ("{\"a\":1}\n", "line 1: in no known format"),
            ("{\"text\":\"hello\"}\n", "line 1: `text` holds no `### Answer:`"),
            ("\n{\"messages\":[]}", "line 2: no user turn"),
            ("{\"messages\":", "line 1: not JSON"),
            ("{\"question\":\"27\",\"target\":{}}", "line 1: not an example"),
        ] {
            let e = read(lines).unwrap_err();
            assert!(e.contains(said), "{e}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        std::fs::write(&path, b"{\"text\":\"\xff\"}\n").unwrap();
        let e = read_external(&path, &ExternalFile::default()).unwrap_err().to_string();
        assert!(e.contains("line 1: not UTF-8 after byte 9"), "{e}");
    }

    #[test]
    fn the_same_row_is_the_same_in_every_format() {
        let user = "Give me the answer from 1 to 2: Do you agree with Work is a duty? 1. Yes 2. No. You can only choose one option.";
        let u = serde_json::to_string(user).unwrap();
        let lines = [
            format!(
                r#"{{"messages":[{{"role":"user","content":{u}}},{{"role":"assistant","content":"2"}}]}}"#
            ),
            format!(
                r#"{{"conversations":[{{"from":"human","value":{u}}},{{"from":"gpt","value":"2"}}]}}"#
            ),
            format!(r#"{{"instruction":{u},"input":"","output":"2"}}"#),
            serde_json::json!({"text": format!("### Question: {user}\n ### Answer: 2")})
                .to_string(),
        ];
        let rows = read(&("\u{feff}".to_owned() + &lines.join("\n"))).unwrap();
        assert_eq!(rows.len(), 4);
        for r in &rows {
            assert_eq!(r.text, "Work is a duty?");
            assert_eq!(r.range, Some((1, 2)));
            assert_eq!(r.label, AuditLabel::Code(2));
            assert_eq!(r.question.as_ref().unwrap().as_str(), "Q40");
        }
    }

    proptest! {
        #[test]
        fn no_prompt_breaks_the_reader(s in "\\PC{0,60}") {
            for p in [s.clone(), format!("Give me the answer from {s}"), format!("Give me the answer from 1 to 3: {s}")] {
                let _ = asked(&p);
            }
        }
    }
}
