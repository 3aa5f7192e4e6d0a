//! Files of ratings, whoever wrote them: which tool's by their content, and what they hold.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::store::Item;
use crate::study::rating_file::{BadLine, Beside, RatingFile, read_ratings};
use crate::study::{Rating, StudyError};
use crate::table::{CsvReader, CsvRow, FileStart, TableError};

use super::told::{Index, Parsed, question, score};
use super::{argilla, label_studio, potato};

/// Who wrote a file of ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RatingFormat {
    /// A plain long table: rater, item, score.
    Csv,
    /// Label Studio: JSON, JSON-MIN or CSV.
    LabelStudio,
    /// Argilla: records with responses, as JSON or JSON lines.
    Argilla,
    /// Potato: `annotated_instances.jsonl`, `user_state.json`, TSV or CSV.
    Potato,
}

impl RatingFormat {
    /// `csv`, `label-studio`, `argilla`, `potato`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::LabelStudio => "label-studio",
            Self::Argilla => "argilla",
            Self::Potato => "potato",
        }
    }
}

/// How a file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Who wrote it; found by its content without.
    pub format: Option<RatingFormat>,
    /// The question whose answers are the scores, where a file asks several.
    pub question: Option<String>,
    /// One bad line refuses the file.
    pub strict: bool,
}

/// Rows of a text table as objects, with what is wrong with others.
type Rows = (Vec<(u64, Map<String, Value>)>, Vec<(u64, String)>);

/// What a file holds, before it is known whose it is.
enum Content {
    /// A text table.
    Table(Vec<String>),
    /// Records of JSON with their number, and lines that are none.
    Records(Vec<(u64, Map<String, Value>)>, Vec<(u64, String)>),
}

/// Reads ratings of any of the formats. Items keep the name that the file has for them.
///
/// # Errors
/// As [`read_ratings`]; the file is of none of the formats; several questions have scores and none
/// was named.
pub fn read_ratings_as(path: &Path, options: &ReadOptions) -> Result<RatingFile, StudyError> {
    read(path, options, None).map(|(file, _)| file)
}

/// [`read_ratings_as`] for a study: items are found by name or by their texts.
pub(super) fn read_for(
    path: &Path,
    options: &ReadOptions,
    items: &[Item],
    names: &BTreeMap<String, usize>,
) -> Result<(RatingFile, RatingFormat), StudyError> {
    read(path, options, Some(&Index::new(items, names)))
}

fn read(
    path: &Path,
    options: &ReadOptions,
    index: Option<&Index<'_>>,
) -> Result<(RatingFile, RatingFormat), StudyError> {
    let content = content(path)?;
    let format = match options.format {
        Some(format) => format,
        None => detect(&content).ok_or_else(|| StudyError::UnknownRatings {
            path: path.to_owned(),
            found: describe(&content),
        })?,
    };
    if format == RatingFormat::Csv {
        let known = index.map(Index::known);
        return Ok((read_ratings(path, known.as_ref(), options.strict)?, format));
    }
    let mut parsed = Parsed::default();
    parse(&mut parsed, path, content, format)?;
    let mut file = RatingFile::default();
    assemble(&mut file, parsed, path, options.question.as_deref(), index)?;
    file.check(path, options.strict)?;
    Ok((file, format))
}

fn content(path: &Path) -> Result<Content, StudyError> {
    let bytes = std::fs::read(path).map_err(TableError::io(path))?;
    let skip = FileStart::of(&bytes).skip(path)?;
    let text = String::from_utf8_lossy(&bytes[skip..]);
    if !text.trim_start().starts_with(['{', '[']) {
        return Ok(Content::Table(CsvReader::open(path)?.columns().names().to_vec()));
    }
    let object = |v: Value| match v {
        Value::Object(o) => Ok(o),
        other => {
            let short: String = other.to_string().chars().take(40).collect();
            Err(format!("expected an object, found {short}"))
        }
    };
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut put = |n: u64, v: Result<Map<String, Value>, String>| match v {
        Ok(o) => good.push((n, o)),
        Err(why) => bad.push((n, why)),
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Array(list)) => {
            (1..).zip(list).for_each(|(n, v)| put(n, object(v)));
        }
        Ok(Value::Object(mut o)) => match o.get_mut("items").map(Value::take) {
            // a page of Argilla's service
            Some(Value::Array(list)) => (1..).zip(list).for_each(|(n, v)| put(n, object(v))),
            Some(other) => {
                o.insert("items".into(), other);
                put(1, Ok(o));
            }
            None => put(1, Ok(o)),
        },
        Ok(other) => put(1, object(other)),
        Err(whole) => {
            let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
            let first = lines.first().and_then(|l| serde_json::from_str::<Value>(l).ok());
            if first.is_none_or(|v| !v.is_object()) {
                let line = whole.line() as u64;
                let reason = whole.to_string();
                return Err(TableError::BadJson { path: path.to_owned(), line, reason }.into());
            }
            for (n, line) in (1..).zip(text.lines()).filter(|(_, l)| !l.trim().is_empty()) {
                let v = serde_json::from_str::<Value>(line).map_err(|e| format!("not JSON ({e})"));
                put(n, v.and_then(object));
            }
        }
    }
    Ok(Content::Records(good, bad))
}

fn detect(content: &Content) -> Option<RatingFormat> {
    match content {
        Content::Table(columns) => {
            let has = |name: &str| columns.iter().any(|c| c == name);
            if columns.iter().any(|c| c.contains(potato::BETWEEN)) {
                Some(RatingFormat::Potato)
            } else if has("annotation_id") && has("lead_time") {
                Some(RatingFormat::LabelStudio)
            } else {
                Some(RatingFormat::Csv)
            }
        }
        Content::Records(records, _) => records.iter().find_map(|(_, r)| {
            let has = |key: &str| r.contains_key(key);
            if has("instance_id_to_label_to_value") || has("label_annotations") {
                Some(RatingFormat::Potato)
            } else if (has("annotations") || has("completions")) && has("data")
                || has("annotation_id") && (has("annotator") || has("lead_time"))
            {
                Some(RatingFormat::LabelStudio)
            } else if argilla::is_record(r) {
                Some(RatingFormat::Argilla)
            } else {
                None
            }
        }),
    }
}

/// The first record's keys.
fn describe(content: &Content) -> String {
    let names: Vec<&str> = match content {
        Content::Table(columns) => columns.iter().map(String::as_str).collect(),
        Content::Records(records, _) => {
            records.first().map(|(_, r)| r.keys().map(String::as_str).collect()).unwrap_or_default()
        }
    };
    let shown: Vec<&str> = names.iter().copied().take(12).collect();
    if shown.is_empty() { "no record".into() } else { shown.join(", ") }
}

fn parse(
    out: &mut Parsed,
    path: &Path,
    content: Content,
    format: RatingFormat,
) -> Result<(), StudyError> {
    let (records, bad, table) = match content {
        Content::Records(records, bad) => (records, bad, false),
        Content::Table(_) => {
            let (records, bad) = rows(path)?;
            (records, bad, true)
        }
    };
    for (n, why) in bad {
        out.bad(n, if table { format!("line {n}") } else { format!("record {n}") }, why);
    }
    let folder = path.canonicalize().ok().and_then(|p| Some(p.parent()?.file_name()?.to_owned()));
    let folder = folder.map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
    for (n, r) in &records {
        match format {
            RatingFormat::LabelStudio
                if r.contains_key("data") || r.contains_key("annotations") =>
            {
                label_studio::task(out, *n, r);
            }
            RatingFormat::LabelStudio => label_studio::min(out, *n, r),
            RatingFormat::Argilla => argilla::record(out, *n, r),
            RatingFormat::Potato if table => potato::row(out, *n, r),
            RatingFormat::Potato if r.contains_key("label_annotations") => {
                potato::line(out, *n, r, &folder);
            }
            RatingFormat::Potato if r.contains_key("instance_id_to_label_to_value") => {
                potato::state(out, r);
            }
            RatingFormat::Potato | RatingFormat::Csv => {
                let place = format!("record {n}");
                out.bad(
                    *n,
                    place,
                    "expected `label_annotations` or `instance_id_to_label_to_value`",
                );
            }
        }
    }
    Ok(())
}

/// The rows of a text table as objects; empty cells are left out.
fn rows(path: &Path) -> Result<Rows, StudyError> {
    let mut reader = CsvReader::open(path)?;
    let names = reader.columns().names().to_vec();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    loop {
        match reader.next_row() {
            Ok(None) => return Ok((good, bad)),
            Ok(Some(CsvRow::Record { line, fields })) => {
                let cells = names.iter().zip(fields).filter(|(_, f)| !f.trim().is_empty());
                good.push((line, cells.map(|(n, f)| (n.clone(), Value::from(f))).collect()));
            }
            Ok(Some(CsvRow::Ragged { line, found, expected })) => {
                bad.push((line, format!("{found} fields, expected {expected} as in the header")));
            }
            Err(e @ TableError::Io { .. }) => return Err(e.into()),
            Err(e) => bad.push((e.line().unwrap_or_default(), e.to_string())),
        }
    }
}

/// The ratings of what was told, and everything else by its reason.
fn assemble(
    file: &mut RatingFile,
    parsed: Parsed,
    path: &Path,
    named: Option<&str>,
    index: Option<&Index<'_>>,
) -> Result<(), StudyError> {
    file.rows = parsed.told.len() + parsed.bad.len();
    let place = |number: u64, place: String, reason: String| BadLine {
        line: number,
        record: Some(place),
        reason,
    };
    file.bad.extend(parsed.bad.into_iter().map(|(n, p, why)| place(n, p, why)));
    file.notes.extend(parsed.left_out.iter().map(|(why, n)| format!("{n} left out: {why}")));
    if parsed.told.is_empty() {
        return Ok(());
    }
    let asked = question(&parsed.told, named).map_err(|names| StudyError::WhichQuestion {
        path: path.to_owned(),
        named: named.map(str::to_owned),
        names: if names.is_empty() { "none".into() } else { names.join(", ") },
    })?;
    let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut by_text = 0;
    for told in parsed.told {
        let Some((_, answer)) = told.answers.iter().find(|(name, _)| *name == asked) else {
            let why = format!("no answer to `{asked}`: expected 1 to 5");
            file.bad.push(place(told.number, told.place, why));
            continue;
        };
        let rating = score(answer).and_then(|score| {
            if told.rater.is_empty() {
                return Err("it does not say who rated".to_owned());
            }
            let item = match index {
                Some(index) => {
                    let (item, texts) = index.find(&told)?;
                    by_text += usize::from(texts);
                    item
                }
                None => told.ids.first().cloned().ok_or("no name of an item")?,
            };
            let key = (told.rater.clone(), item.clone());
            if let Some(first) = seen.get(&key) {
                return Err(format!(
                    "rater `{}` rated item `{item}` before, in {first}; that one was kept",
                    told.rater
                ));
            }
            seen.insert(key, told.place.clone());
            Ok(Rating { item, rater: told.rater.clone(), score, cluster: told.seed.clone() })
        });
        match rating {
            Ok(rating) => {
                file.ratings.push(rating);
                file.lines.push(told.number);
                file.beside.push(Beside {
                    rated_at: told.rated_at,
                    active_ms: told.active_ms,
                    comment: told.comment,
                    record: Some(told.place),
                });
            }
            Err(why) => file.bad.push(place(told.number, told.place, why)),
        }
    }
    if by_text > 0 {
        file.notes.push(format!("{by_text} items were found by their texts, not by name"));
    }
    Ok(())
}
