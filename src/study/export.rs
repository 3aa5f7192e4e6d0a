//! Ratings out of a study: one row an event, or one row a rating that stands, with a codebook.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::StudyId;
use crate::store::{RatingRow, Reader};

use super::StudyError;

/// Which rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportWhat {
    /// The ratings that stand, one row each.
    Current,
    /// The whole log: edits, skips, flags and undos too.
    Events,
}

/// How they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// Comma-separated, UTF-8, a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// What an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportOptions {
    /// Which rows.
    pub what: ExportWhat,
    /// How they are written.
    pub format: ExportFormat,
    /// Raters' own words: only on request, they may tell who wrote them.
    pub comments: bool,
    /// When and how long raters worked: only on request.
    pub timings: bool,
}

/// When a column is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Comments,
    Timings,
}

/// A column: name, when, what it means, how it is read from a row.
struct Column(&'static str, When, &'static str, fn(&RatingRow) -> Value);

/// The first three columns are what `read_ratings` asks for, so that an export reads back.
const COLUMNS: &[Column] = &[
    Column("rater", When::Always, "pseudonym of the rater", |r| json!(r.rater)),
    Column("item", When::Always, "item of the study", |r| json!(r.item)),
    Column(
        "score",
        When::Always,
        "1 (different meaning) to 5 (same meaning); empty where the \
        event carries none",
        |r| json!(r.score),
    ),
    Column("seed", When::Always, "seed question; ratings of one seed hang together", |r| {
        json!(r.seed)
    }),
    Column(
        "rater_kind",
        When::Always,
        "human, scripted (a rule, for demonstrations) or judge (a \
        model)",
        |r| json!(r.rater_kind),
    ),
    Column(
        "item_kind",
        When::Always,
        "sample, anchor (rated by everybody), repeat (shown again), \
        control-identical, control-unrelated, control-negated; only sample and anchor belong into \
        estimates",
        |r| json!(r.item_kind),
    ),
    Column("sample", When::Always, "id of the sample; empty for controls", |r| json!(r.sample)),
    Column("culture", When::Always, "culture the pair is about; empty for all", |r| {
        json!(r.culture)
    }),
    Column("language", When::Always, "BCP 47 tag of both texts", |r| json!(r.language)),
    Column("repeat_of", When::Always, "item that this one repeats", |r| json!(r.repeat_of)),
    Column("expected_lo", When::Always, "lowest score expected of a control", |r| {
        json!(r.expected.map(|e| e.0))
    }),
    Column("expected_hi", When::Always, "highest score expected of a control", |r| {
        json!(r.expected.map(|e| e.1))
    }),
    Column("swap", When::Always, "true: the sample stood on the left", |r| json!(r.swap)),
    Column("position", When::Always, "place in this rater's order, from 0", |r| json!(r.position)),
    Column("event", When::Always, "number in the log", |r| json!(r.event)),
    Column("event_uuid", When::Always, "the event's mark, never reused", |r| json!(r.uuid)),
    Column("kind", When::Always, "submit, edit, skip, flag, undo", |r| json!(r.kind)),
    Column(
        "reason",
        When::Always,
        "why a pair was skipped or flagged: broken-text, cannot-judge, comment (only words), other",
        |r| json!(r.reason),
    ),
    Column("previous", When::Always, "event that an edit replaces or an undo takes back", |r| {
        json!(r.previous)
    }),
    Column("diff_visible", When::Always, "whether the word difference was shown", |r| {
        json!(r.diff_visible)
    }),
    Column("guideline_version", When::Always, "guideline in force", |r| json!(r.guideline_version)),
    Column("app_version", When::Always, "version of the program", |r| json!(r.app_version)),
    Column("comment", When::Comments, "the rater's words", |r| json!(r.comment)),
    Column("at", When::Timings, "when it was stored, UTC", |r| json!(r.at)),
    Column("shown_at", When::Timings, "when the pair appeared, UTC", |r| json!(r.shown_at)),
    Column("active_ms", When::Timings, "milliseconds spent on the pair, pauses left out", |r| {
        json!(r.active_ms)
    }),
];

fn columns(options: &ExportOptions) -> impl Iterator<Item = &'static Column> {
    let (comments, timings) = (options.comments, options.timings);
    COLUMNS.iter().filter(move |c| match c.1 {
        When::Always => true,
        When::Comments => comments,
        When::Timings => timings,
    })
}

/// Writes the ratings of a study. Answers the number of rows.
///
/// # Errors
/// No such study; the database cannot be read; `out` cannot be written.
pub fn export(
    reader: Reader<'_>,
    study: &StudyId,
    options: &ExportOptions,
    out: &mut dyn Write,
) -> Result<usize, StudyError> {
    reader.need_study(study)?;
    let rows = match options.what {
        ExportWhat::Current => reader.current_ratings(study)?,
        ExportWhat::Events => reader.rating_events(study)?,
    };
    match options.format {
        ExportFormat::Csv => write_csv(&rows, *options, out)?,
        ExportFormat::Jsonl => {
            for row in &rows {
                let object: Map<String, Value> =
                    columns(options).map(|c| (c.0.to_owned(), (c.3)(row))).collect();
                writeln!(out, "{}", Value::Object(object))?;
            }
        }
    }
    out.flush()?;
    Ok(rows.len())
}

fn write_csv(
    rows: &[RatingRow],
    options: ExportOptions,
    out: &mut dyn Write,
) -> Result<(), std::io::Error> {
    let mut csv = csv::Writer::from_writer(out);
    let failed = |e: csv::Error| std::io::Error::other(e);
    csv.write_record(columns(&options).map(|c| c.0)).map_err(failed)?;
    for row in rows {
        let cells = columns(&options).map(|c| match (c.3)(row) {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        });
        csv.write_record(cells).map_err(failed)?;
    }
    csv.flush()
}

/// What each column of an export means, as plain text.
pub fn codebook(options: &ExportOptions) -> String {
    let rows = match options.what {
        ExportWhat::Current => "one row for every rating that stands",
        ExportWhat::Events => "one row for every event, in the order of the log",
    };
    let mut text = format!(
        "Codebook: {rows}. An empty cell (null in JSON) means: not given.\n\
         Controls and repeats are not for estimates. Scripted raters are rules, not people.\n\n"
    );
    for c in columns(options) {
        text.extend([c.0, ": ", c.2, "\n"]);
    }
    if !options.comments {
        text += "\nComments are left out; ask for them if the consent text allows it.\n";
    }
    if !options.timings {
        text += "Times are left out; ask for them if the consent text allows it.\n";
    }
    text
}
