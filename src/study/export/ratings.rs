//! Ratings: what stands, or the whole log.

use crate::store::RatingRow;
use crate::table::typed::{Cell, Kind, TypedTable};

use super::{ExportOptions, ExportWhat, Field, When, build};

/// A word of an enum, as it is stored.
pub(super) fn word(value: impl serde::Serialize) -> Cell {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Cell::Text(word),
        _ => Cell::Null,
    }
}

/// Names with a space between them; nothing for none.
pub(super) fn list<T: ToString>(names: &[T]) -> Cell {
    let names: Vec<String> = names.iter().map(T::to_string).collect();
    Cell::text((!names.is_empty()).then(|| names.join(" ")))
}

/// The first three columns are what `read_ratings` asks for, so that an export reads back.
const FIELDS: &[Field<RatingRow>] = &[
    Field("rater", Kind::Text, When::Always, "pseudonym of the rater", |r| {
        Cell::text(Some(&r.rater))
    }),
    Field("item", Kind::Text, When::Always, "item of the study", |r| Cell::text(Some(&r.item))),
    Field(
        "score",
        Kind::Int,
        When::Always,
        "similarity: 1 (different meaning) to 5 (same meaning); preference: 1 the first answer of \
         the item is better, 2 a tie, 3 the second, whatever side they stood on; appropriateness: 1 \
         (not at all) to 5 (entirely); empty where the event carries none",
        |r| Cell::int(r.score),
    ),
    Field(
        "seed",
        Kind::Text,
        When::Always,
        "seed question; ratings of one seed hang together",
        |r| Cell::text(Some(&r.seed)),
    ),
    Field(
        "rater_kind",
        Kind::Text,
        When::Always,
        "human, scripted (a rule, for demonstrations) or judge (a model)",
        |r| word(r.rater_kind),
    ),
    Field("rater_cultures", Kind::Text, When::Always, "cultures the rater declared", |r| {
        list(&r.rater_cultures)
    }),
    Field(
        "item_kind",
        Kind::Text,
        When::Always,
        "sample, anchor (rated by everybody), repeat (shown again), control-identical, \
         control-unrelated, control-negated; only sample and anchor belong into estimates",
        |r| word(r.item_kind),
    ),
    Field("sample", Kind::Text, When::Always, "id of the sample; empty for controls", |r| {
        Cell::text(r.sample.as_ref())
    }),
    Field("culture", Kind::Text, When::Always, "culture the item is about; empty for all", |r| {
        Cell::text(r.culture.as_ref())
    }),
    Field("language", Kind::Text, When::Always, "BCP 47 tag of the texts", |r| {
        Cell::text(Some(&r.language))
    }),
    Field("stage", Kind::Text, When::Always, "stage that made the sample", |r| {
        word(r.origin.stage)
    }),
    Field("run", Kind::Text, When::Always, "run that made the sample", |r| {
        Cell::text(r.origin.run.as_ref())
    }),
    Field("provider", Kind::Text, When::Always, "what wrote the sample: rules or a model", |r| {
        Cell::text(r.origin.provider.as_ref())
    }),
    Field(
        "similarity",
        Kind::Double,
        When::Always,
        "similarity of seed and sample by the encoder when the item was made",
        |r| Cell::double(r.origin.similarity),
    ),
    Field("repeat_of", Kind::Text, When::Always, "item that this one repeats", |r| {
        Cell::text(r.repeat_of.as_ref())
    }),
    Field("expected_lo", Kind::Int, When::Always, "lowest score expected of a control", |r| {
        Cell::int(r.expected.map(|e| e.0))
    }),
    Field("expected_hi", Kind::Int, When::Always, "highest score expected of a control", |r| {
        Cell::int(r.expected.map(|e| e.1))
    }),
    Field(
        "swap",
        Kind::Bool,
        When::Always,
        "true: the second text (the sample) stood on the left",
        |r| Cell::Bool(r.swap),
    ),
    Field("position", Kind::Int, When::Always, "place in this rater's order, from 0", |r| {
        Cell::int(Some(r.position))
    }),
    Field("event", Kind::Int, When::Always, "number in the log", |r| Cell::Int(r.event)),
    Field("event_uuid", Kind::Text, When::Always, "the event's mark, never reused", |r| {
        Cell::text(Some(&r.uuid))
    }),
    Field("assignment", Kind::Int, When::Always, "the assignment it belongs to", |r| {
        Cell::Int(r.assignment)
    }),
    Field("kind", Kind::Text, When::Always, "submit, edit, skip, flag, undo", |r| word(r.kind)),
    Field(
        "reason",
        Kind::Text,
        When::Always,
        "why a pair was skipped or flagged: broken-text, cannot-judge, comment (only words), other",
        |r| word(r.reason),
    ),
    Field(
        "previous",
        Kind::Int,
        When::Always,
        "event that an edit replaces or an undo takes back",
        |r| Cell::int(r.previous),
    ),
    Field("diff_visible", Kind::Bool, When::Always, "whether the word difference was shown", |r| {
        Cell::bool(r.diff_visible)
    }),
    Field("guideline_version", Kind::Text, When::Always, "guideline in force", |r| {
        Cell::text(r.guideline_version.as_ref())
    }),
    Field("app_version", Kind::Text, When::Always, "version of the program", |r| {
        Cell::text(Some(&r.app_version))
    }),
    Field(
        "source",
        Kind::Text,
        When::Always,
        "the tool, file or workspace that it was brought from; empty: made here",
        |r| Cell::text(r.source.as_ref()),
    ),
    Field("comment", Kind::Text, When::Comments, "the rater's words", |r| {
        Cell::text(r.comment.as_ref())
    }),
    Field("at", Kind::Time, When::Timings, "when it was stored", |r| Cell::time(Some(r.at))),
    Field("rated_at", Kind::Time, When::Timings, "when it was made elsewhere", |r| {
        Cell::time(r.rated_at)
    }),
    Field("shown_at", Kind::Time, When::Timings, "when the pair appeared", |r| {
        Cell::time(r.shown_at)
    }),
    Field(
        "active_ms",
        Kind::Int,
        When::Timings,
        "milliseconds spent on the pair, pauses left out; of imported ratings: the other tool's \
         lead time",
        |r| Cell::int(r.active_ms),
    ),
];

pub(super) fn table(rows: &[RatingRow], options: &ExportOptions) -> TypedTable {
    let what = if options.what == ExportWhat::Events {
        "one row for every event, in the order of the log"
    } else {
        "one row for every rating that stands"
    };
    let about = format!(
        "{what}. Controls and repeats are not for estimates. Scripted raters are rules, not people"
    );
    build(&about, FIELDS, rows, options)
}
