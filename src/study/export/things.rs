//! Items, adjudications, amendments.

use crate::store::{Adjudication, Amendment, Item};
use crate::table::typed::{Cell, Kind, TypedTable};

use super::ratings::word;
use super::{ExportOptions, Field, When, build};

const ITEMS: &[Field<Item>] = &[
    Field("item", Kind::Text, When::Always, "its name in the study", |i| Cell::text(Some(&i.id))),
    Field(
        "item_kind",
        Kind::Text,
        When::Always,
        "sample, anchor (rated by everybody), repeat (shown again), control-identical, \
         control-unrelated, control-negated; only sample and anchor belong into estimates",
        |i| word(i.kind),
    ),
    Field("k", Kind::Int, When::Always, "raters it gets; empty: everybody", |i| Cell::int(i.k)),
    Field("seed", Kind::Text, When::Always, "the seed question", |i| Cell::text(Some(&i.seed))),
    Field("sample", Kind::Text, When::Always, "id of the sample; empty for controls", |i| {
        Cell::text(i.sample.as_ref())
    }),
    Field("language", Kind::Text, When::Always, "BCP 47 tag of the texts", |i| {
        Cell::text(Some(&i.language))
    }),
    Field("culture", Kind::Text, When::Always, "culture the item is about; empty for all", |i| {
        Cell::text(i.culture.as_ref())
    }),
    Field("stage", Kind::Text, When::Always, "stage that made the sample", |i| {
        word(i.origin.stage)
    }),
    Field("run", Kind::Text, When::Always, "run that made the sample", |i| {
        Cell::text(i.origin.run.as_ref())
    }),
    Field("provider", Kind::Text, When::Always, "what wrote the sample: rules or a model", |i| {
        Cell::text(i.origin.provider.as_ref())
    }),
    Field(
        "provider_version",
        Kind::Text,
        When::Always,
        "version of the rules or of the prompt",
        |i| Cell::text(i.origin.version.as_ref()),
    ),
    Field(
        "similarity",
        Kind::Double,
        When::Always,
        "similarity of seed and sample by the encoder when the item was made",
        |i| Cell::double(i.origin.similarity),
    ),
    Field("encoder", Kind::Text, When::Always, "the encoder behind the similarity", |i| {
        Cell::text(i.origin.encoder.as_ref())
    }),
    Field(
        "family",
        Kind::Text,
        When::Always,
        "family of templates, or of the writing model",
        |i| Cell::text(i.origin.family.as_ref()),
    ),
    Field("wording", Kind::Text, When::Always, "where the wording of the seed came from", |i| {
        Cell::text(i.origin.wording.as_ref())
    }),
    Field(
        "models",
        Kind::Text,
        When::Always,
        "models that wrote the texts, first and second",
        |i| super::ratings::list(&i.origin.models),
    ),
    Field("repeat_of", Kind::Text, When::Always, "item that this one repeats", |i| {
        Cell::text(i.repeat_of.as_ref())
    }),
    Field("expected_lo", Kind::Int, When::Always, "lowest score expected of a control", |i| {
        Cell::int(i.expected.map(|e| e.0))
    }),
    Field("expected_hi", Kind::Int, When::Always, "highest score expected of a control", |i| {
        Cell::int(i.expected.map(|e| e.1))
    }),
    Field("sha256", Kind::Text, When::Always, "of language and texts, as frozen", |i| {
        Cell::text(Some(&i.sha256))
    }),
    Field(
        "sensitive",
        Kind::Bool,
        When::Always,
        "true: the texts may hurt; they are left out unless they were asked for",
        |i| Cell::Bool(i.sensitive),
    ),
    Field("context", Kind::Text, When::Always, "the question asked; empty for similarity", |i| {
        Cell::text(i.context.as_ref())
    }),
    Field(
        "seed_text",
        Kind::Text,
        When::Always,
        "the seed as raters saw it; preference: the first model's answer",
        |i| Cell::text((!i.seed_text.is_empty()).then_some(&i.seed_text)),
    ),
    Field(
        "sample_text",
        Kind::Text,
        When::Always,
        "the sample as raters saw it; preference: the second model's answer; appropriateness: the \
         answer",
        |i| Cell::text((!i.sample_text.is_empty()).then_some(&i.sample_text)),
    ),
];

/// Texts of sensitive items are blanked unless they were asked for.
pub(super) fn items(items: &[Item], options: &ExportOptions) -> TypedTable {
    let mut items = items.to_vec();
    if !options.sensitive {
        for i in items.iter_mut().filter(|i| i.sensitive) {
            (i.context, i.seed_text, i.sample_text) = (None, String::new(), String::new());
        }
    }
    build("one row for every item of the study", ITEMS, &items, options)
}

const ADJUDICATIONS: &[Field<Adjudication>] = &[
    Field("item", Kind::Text, When::Always, "the item", |a| Cell::text(Some(&a.item))),
    Field("n", Kind::Int, When::Always, "which word on this item, from 1; the last stands", |a| {
        Cell::int(Some(a.n))
    }),
    Field("score", Kind::Int, When::Always, "the score; empty: left open or taken back", |a| {
        Cell::int(a.score.map(|s| s.get()))
    }),
    Field("who", Kind::Text, When::Always, "who decided", |a| Cell::text(Some(&a.who))),
    Field("reason", Kind::Text, When::Always, "why", |a| Cell::text(Some(&a.reason))),
    Field("note", Kind::Text, When::Comments, "further words", |a| Cell::text(a.note.as_ref())),
    Field("at", Kind::Time, When::Timings, "when", |a| Cell::time(Some(a.at))),
];

pub(super) fn adjudications(rows: &[Adjudication], options: &ExportOptions) -> TypedTable {
    let about = "one row for every word of the researcher on an item; raters' scores are as they \
                 were";
    build(about, ADJUDICATIONS, rows, options)
}

const AMENDMENTS: &[Field<Amendment>] = &[
    Field("n", Kind::Int, When::Always, "from 1", |a| Cell::int(Some(a.n))),
    Field("at", Kind::Time, When::Always, "when", |a| Cell::time(Some(a.at))),
    Field("who", Kind::Text, When::Always, "who", |a| Cell::text(Some(&a.who))),
    Field("reason", Kind::Text, When::Always, "why", |a| Cell::text(Some(&a.reason))),
    Field(
        "change",
        Kind::Text,
        When::Always,
        "raters, items and texts let in, raters let go, as JSON",
        |a| Cell::text(serde_json::to_string(&a.change).ok()),
    ),
];

pub(super) fn amendments(rows: &[Amendment], options: &ExportOptions) -> TypedTable {
    build("one row for every change after the plan was fixed", AMENDMENTS, rows, options)
}
