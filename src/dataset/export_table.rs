//! A dataset as a typed table: one row an answer, with its share and where it came from.

use super::DatasetError;
use super::export::{ExportOptions, each};
use crate::domain::{Example, Survey};
use crate::table::typed::{Cell, Column, Kind, TypedTable};

const COLUMNS: [(&str, Kind, &str); 12] = [
    ("system", Kind::Text, "the system message; empty where the prompt has none"),
    ("prompt", Kind::Text, "the user message"),
    ("completion", Kind::Text, "the answer"),
    ("share", Kind::Double, "the answer's share of the target; those of a prompt sum to 1"),
    ("copies", Kind::Int, "lines that the text formats write for it"),
    ("code", Kind::Int, "the answer's code in the survey"),
    ("culture", Kind::Text, "whose answers; empty for culture-blind rows"),
    ("question", Kind::Text, "the survey's question"),
    ("text", Kind::Text, "the sentence that is asked: the seed's wording or a sample's"),
    ("text_id", Kind::Text, "the sample, or the question for a seed's own wording"),
    ("family", Kind::Text, "template family of the text; seed for the seed's own wording"),
    ("effective_n", Kind::Double, "respondents behind the target; 0 where unknown"),
];

/// The rows of a dataset as a table.
///
/// # Errors
/// As [`super::export`].
pub fn export_table(
    examples: &[Example],
    survey: &Survey,
    options: &ExportOptions,
) -> Result<TypedTable, DatasetError> {
    let mut rows = Vec::new();
    each(examples, survey, options, |a| {
        let (e, p) = (a.example, a.prompt);
        rows.push(vec![
            Cell::text((!p.system.is_empty()).then_some(&p.system)),
            Cell::text(Some(&p.user)),
            Cell::text(p.answers.get(a.rank)),
            Cell::double(Some(a.share)),
            Cell::int(Some(a.lines)),
            Cell::int(Some(a.code)),
            Cell::text(e.culture.as_ref()),
            Cell::text(Some(&e.question)),
            Cell::text(Some(&e.text)),
            Cell::text(Some(&e.text_id)),
            Cell::text(Some(&e.family)),
            Cell::double(Some(e.effective_n)),
        ]);
        Ok(())
    })?;
    let column = |(name, kind, about): (&str, Kind, &str)| Column {
        name: name.to_owned(),
        kind,
        about: about.to_owned(),
    };
    Ok(TypedTable {
        about: "one row for every answer to every prompt of a training set".to_owned(),
        columns: COLUMNS.into_iter().map(column).collect(),
        rows,
    })
}
