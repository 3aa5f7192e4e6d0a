//! Ratings from a long table: rater, item, score, and perhaps the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::{CsvReader, CsvRow, TableError};

use super::{Rating, StudyError};

const RATER: [&str; 8] =
    ["rater", "rater_id", "annotator", "annotator_id", "worker", "worker_id", "coder", "user"];
const ITEM: [&str; 7] = ["item", "item_id", "sample", "sample_id", "unit", "unit_id", "task"];
const SCORE: [&str; 4] = ["score", "rating", "value", "label"];
const CLUSTER: [&str; 4] = ["seed", "seed_id", "cluster", "question"];

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// 1-based line of the file; in a file of records: the record's number.
    pub line: u64,
    /// What it is called where it is no line: `record 3, annotation 1001`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// What is wrong, and what was expected.
    pub reason: String,
}

impl BadLine {
    /// A line of a text table.
    pub(super) fn line(line: u64, reason: String) -> Self {
        Self { line, record: None, reason }
    }

    /// Where it is, in words.
    pub fn place(&self) -> String {
        self.record.clone().unwrap_or_else(|| format!("line {}", self.line))
    }
}

/// What another tool says beside a score.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// When it was made there.
    pub rated_at: Option<Timestamp>,
    /// How long it took there, in milliseconds.
    pub active_ms: Option<u32>,
    /// The rater's words.
    pub comment: Option<String>,
    /// What the record is called, where it is no line.
    pub record: Option<String>,
}

/// What a file of ratings holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingFile {
    /// The good rows, in file order.
    pub ratings: Vec<Rating>,
    /// Line of each good row.
    pub lines: Vec<u64>,
    /// The others.
    pub bad: Vec<BadLine>,
    /// All rows below the header.
    pub rows: usize,
    /// What stands beside each good row; empty for a plain table.
    #[serde(default)]
    pub beside: Vec<Beside>,
    /// What a reader must know: what was left out, and why.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl RatingFile {
    /// The first bad lines in one sentence.
    pub(super) fn first_bad(&self) -> String {
        if self.bad.is_empty() && !self.notes.is_empty() {
            return self.notes.join("; ");
        }
        if self.bad.is_empty() {
            return "the file has no rows below its header".to_owned();
        }
        let shown: Vec<String> =
            self.bad.iter().take(3).map(|b| format!("{}: {}", b.place(), b.reason)).collect();
        let more = self.bad.len() - shown.len();
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        shown.join("; ") + &tail
    }

    /// Refuses a file with bad lines where none is accepted.
    pub(super) fn check(&self, path: &Path, strict: bool) -> Result<(), StudyError> {
        let path = path.to_owned();
        if strict && !self.bad.is_empty() {
            let (bad, rows) = (self.bad.len(), self.rows);
            return Err(StudyError::Strict { path, bad, rows, first: self.first_bad() });
        }
        if self.ratings.is_empty() {
            let first = self.first_bad();
            return Err(StudyError::NoRatings { path, rows: self.rows, first });
        }
        Ok(())
    }
}

/// Reads a long CSV (comma, semicolon or tab; a header in any case): `rater`, `item`, `score` 1 to
/// 5, perhaps `seed` or `cluster`. Bad lines are reported by number and the others kept; with
/// `strict` one bad line refuses the file. `known` names the items there are, where that is known.
///
/// # Errors
/// The file cannot be read, a column is missing, no row is usable, or `strict` found a bad line.
pub fn read_ratings(
    path: &Path,
    known: Option<&BTreeSet<String>>,
    strict: bool,
) -> Result<RatingFile, StudyError> {
    let mut reader = CsvReader::open(path)?;
    let columns = [reader.require(&RATER)?, reader.require(&ITEM)?, reader.require(&SCORE)?];
    let cluster = reader.columns().find(&CLUSTER).filter(|c| !columns.contains(c));
    // columns of our own exports
    let rater_kind = reader.columns().find(&["rater_kind"]);
    let item_kind = reader.columns().find(&["item_kind"]);
    let event_kind = reader.columns().find(&["kind"]).filter(|_| rater_kind.is_some());
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    let mut scripted = 0;
    let mut file = RatingFile::default();
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut cluster_of: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let row = match reader.next_row() {
            Ok(None) => break,
            Ok(Some(row)) => row,
            Err(e @ TableError::Io { .. }) => return Err(e.into()),
            Err(e) => {
                file.rows += 1;
                let line = e.line().unwrap_or_default();
                file.bad.push(BadLine::line(line, e.to_string()));
                continue;
            }
        };
        file.rows += 1;
        let (line, rating) = match row {
            CsvRow::Ragged { line, found, expected } => {
                (line, Err(format!("{found} fields, expected {expected} as in the header")))
            }
            CsvRow::Record { line, fields } => {
                let word =
                    |c: Option<usize>| c.and_then(|c| fields.get(c)).map_or("", |f| f.trim());
                if matches!(word(event_kind), "skip" | "flag" | "undo") {
                    let expected = "a log of events: expected the ratings that stand, as \
                                    `study export --rows current` writes them";
                    file.bad.push(BadLine::line(line, expected.to_owned()));
                    return Err(StudyError::NoRatings {
                        path: path.to_owned(),
                        rows: file.rows,
                        first: file.first_bad(),
                    });
                }
                let why = match (word(rater_kind), word(item_kind)) {
                    ("judge", _) => Some("of model judges, who are no people"),
                    // in a study they would pass for people
                    ("scripted", _) if known.is_some() => Some("of scripts, which are no people"),
                    (_, k) if known.is_none() && !matches!(k, "" | "sample" | "anchor") => {
                        Some("of controls and repeats, which enter no estimate")
                    }
                    _ => None,
                };
                scripted += usize::from(why.is_none() && word(rater_kind) == "scripted");
                if let Some(why) = why {
                    *left_out.entry(why).or_default() += 1;
                    continue;
                }
                (line, parse(&fields, columns, cluster))
            }
        };
        let rating = rating
            .and_then(|r| match known {
                Some(known) if !known.contains(&r.item) => {
                    Err(format!("no item `{}` in the study", r.item))
                }
                _ => Ok(r),
            })
            .and_then(|r| {
                let key = (r.rater.clone(), r.item.clone());
                if let Some(first) = seen.get(&key) {
                    return Err(format!(
                        "rater `{}` rated item `{}` before, in line {first}; that one was kept",
                        r.rater, r.item
                    ));
                }
                if let Some(c) = &r.cluster {
                    let before = cluster_of.entry(r.item.clone()).or_insert_with(|| c.clone());
                    if before != c {
                        return Err(format!(
                            "item `{}` belongs to `{before}` above and to `{c}` here",
                            r.item
                        ));
                    }
                }
                seen.insert(key, line);
                Ok(r)
            });
        match rating {
            Ok(r) => {
                file.ratings.push(r);
                file.lines.push(line);
            }
            Err(reason) => file.bad.push(BadLine::line(line, reason)),
        }
    }
    if scripted > 0 {
        file.notes
            .push(format!("{scripted} ratings are of scripts: rules that count words, not people"));
    }
    file.notes.extend(left_out.iter().map(|(why, n)| format!("{n} ratings left out: {why}")));
    file.check(path, strict)?;
    Ok(file)
}

fn parse(
    fields: &[String],
    [rater, item, score]: [usize; 3],
    cluster: Option<usize>,
) -> Result<Rating, String> {
    let cell = |i: usize| fields.get(i).map_or("", |f| f.trim());
    for (name, i) in [("rater", rater), ("item", item)] {
        if cell(i).is_empty() {
            return Err(format!("no {name}"));
        }
    }
    Ok(Rating {
        item: cell(item).to_owned(),
        rater: cell(rater).to_owned(),
        score: parse_score(cell(score))?,
        cluster: cluster.map(cell).filter(|c| !c.is_empty()).map(str::to_owned),
    })
}

/// A whole number 1 to 5, also written `4.0`. Nothing is rounded and nothing rescaled.
pub(super) fn parse_score(text: &str) -> Result<u8, String> {
    let short: String = text.chars().take(40).collect();
    if text.is_empty() {
        return Err("no score: expected 1 to 5".to_owned());
    }
    match text.parse::<f64>() {
        Ok(x) if (1.0..=5.0).contains(&x) && x.fract() == 0.0 => Ok(x as u8),
        Ok(x) if x.fract() != 0.0 => {
            Err(format!("score {short}: expected a whole number 1 to 5 (nothing is rounded)"))
        }
        Ok(0.0) => Err("score 0: expected 1 to 5; a scale of 0 to 5 is never rescaled \
                        silently, recode the file"
            .to_owned()),
        Ok(_) => Err(format!("score {short}: expected 1 to 5")),
        Err(_) => Err(format!("score `{short}`: expected a number 1 to 5")),
    }
}
