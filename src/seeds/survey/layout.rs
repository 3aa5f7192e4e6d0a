//! Where the columns of a survey file are, by its header.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::{QuestionId, Weighting};
use crate::seeds::SeedsError;
use crate::table::{Columns, Delimiter, column_code};

/// What is read from a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// `B_COUNTRY`: the country's ISO number; in summary rows `Avg` stands here.
    CountryNumber,
    /// `B_COUNTRY_ALPHA`
    CountryAlpha,
    /// `W_WEIGHT`
    Weight,
    /// `S018`
    S018,
    /// Answers to questions in columns side by side, from the question of this index on.
    Questions {
        /// The first question.
        first: u16,
        /// How many columns.
        count: u16,
    },
}

/// A question's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionColumn {
    /// The question as the survey names it, without the mark of inversion.
    pub id: QuestionId,
    /// The column holds flipped codes (`Q33P`).
    pub inverted: bool,
}

/// The columns of a survey file that are read, in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The delimiter.
    pub delimiter: Delimiter,
    /// Columns of the header.
    pub columns: usize,
    /// Questions that are counted; the index is their number in all tallies.
    pub questions: Vec<QuestionColumn>,
    /// Questions that were asked for and have no column.
    pub absent: Vec<QuestionId>,
    /// The weights that are used.
    pub weighting: Weighting,
    /// Whether the file has `W_WEIGHT`.
    pub has_weights: bool,
    pub(super) fields: Vec<(usize, Field)>,
}

/// Which questions of a file are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// These, by the survey's ids.
    These(BTreeSet<QuestionId>),
    /// Every column named `Q` and a number.
    All,
}

impl Layout {
    /// Finds the columns. `weighting`: `None` takes `W_WEIGHT` where the file has it.
    ///
    /// # Errors
    /// No country column, none of the questions, weights asked for that the file lacks, a file
    /// named "inverted" whose columns do not tell which scales were flipped, or a file of another
    /// wave.
    pub fn of(
        columns: &Columns,
        delimiter: Delimiter,
        path: &Path,
        wanted: &Wanted,
        weighting: Option<Weighting>,
    ) -> Result<Self, SeedsError> {
        let refuse = |reason: String| SeedsError::Refused { path: path.to_owned(), reason };
        let alpha = columns.find(&["B_COUNTRY_ALPHA"]);
        let number = columns.find(&["B_COUNTRY"]);
        if alpha.is_none() && number.is_none() {
            columns.require(&["B_COUNTRY_ALPHA", "B_COUNTRY"], path, 1, delimiter)?;
        }
        let mut fields: Vec<(usize, Field)> = Vec::new();
        fields.extend(number.map(|c| (c, Field::CountryNumber)));
        fields.extend(alpha.map(|c| (c, Field::CountryAlpha)));

        let weight = columns.find(&["W_WEIGHT"]);
        let s018 = columns.find(&["S018"]);
        let weighting = match (weighting, weight, s018) {
            (None, None, _) => Weighting::Unweighted,
            (None, Some(_), _) => Weighting::WWeight,
            (Some(w @ (Weighting::WWeight | Weighting::S018)), None, _) => {
                return Err(refuse(format!(
                    "the weights {} were asked for, and the file has no column `W_WEIGHT`: import \
                     it unweighted",
                    w.label()
                )));
            }
            (Some(Weighting::S018), _, None) => {
                return Err(refuse(
                    "the weights W_WEIGHT x S018 were asked for, and the file has no column \
                     `S018`: import it with W_WEIGHT or unweighted"
                        .into(),
                ));
            }
            (Some(w), ..) => w,
        };
        if weighting != Weighting::Unweighted {
            fields.extend(weight.map(|c| (c, Field::Weight)));
        }
        if weighting == Weighting::S018 {
            fields.extend(s018.map(|c| (c, Field::S018)));
        }

        let (questions, question_columns, absent) = question_columns(columns, wanted);
        let named_inverted = path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().to_lowercase().contains("inverted"));
        if named_inverted && !questions.iter().any(|q| q.inverted) {
            return Err(refuse(
                "its name says that scales are inverted, and no column says which (such as \
                 `Q33P`): import the plain file (WVS_Cross-National_Wave_7_csv) instead"
                    .into(),
            ));
        }
        if questions.is_empty() {
            let wave_6 = columns.find(&["V4"]).is_some() && columns.find(&["Q1"]).is_none();
            return Err(refuse(if wave_6 {
                "its questions are numbered V1, V2, ..: this is wave 6 or earlier, whose numbers \
                 mean other questions; import a wave 7 file (Q1 to Q290)"
                    .into()
            } else {
                format!(
                    "none of the questions asked for has a column; found {} (delimiter taken as \
                     {delimiter})",
                    columns.summary()
                )
            }));
        }
        fields.extend(
            question_columns
                .iter()
                .enumerate()
                .map(|(i, &c)| (c, Field::Questions { first: i as u16, count: 1 })),
        );
        fields.sort_by_key(|(c, _)| *c);
        let fields = side_by_side(fields);
        Ok(Self {
            delimiter,
            columns: columns.len(),
            questions,
            absent,
            weighting,
            has_weights: weight.is_some(),
            fields,
        })
    }
}

/// Joins questions that follow each other in columns and in number, which are read in one go.
fn side_by_side(fields: Vec<(usize, Field)>) -> Vec<(usize, Field)> {
    let mut out: Vec<(usize, Field)> = Vec::new();
    for (column, field) in fields {
        if let Field::Questions { first, .. } = field
            && let Some((start, Field::Questions { first: f, count })) = out.last_mut()
            && column == *start + usize::from(*count)
            && first == *f + *count
        {
            *count += 1;
            continue;
        }
        out.push((column, field));
    }
    out
}

/// `Q33`, `Q33P` or `Q33: Jobs scarce`, whatever its case and spaces: the question, and whether it is flipped.
fn question_of(name: &str) -> Option<(QuestionId, bool)> {
    let name = column_code(name).to_uppercase();
    let (plain, inverted) = match name.strip_suffix('P') {
        Some(plain) => (plain, true),
        None => (name.as_str(), false),
    };
    let number = plain.strip_prefix('Q')?;
    let simple = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if simple { QuestionId::new(plain).ok().map(|id| (id, inverted)) } else { None }
}

type Found = (Vec<QuestionColumn>, Vec<usize>, Vec<QuestionId>);

fn question_columns(columns: &Columns, wanted: &Wanted) -> Found {
    let mut questions: Vec<QuestionColumn> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    let mut exact = BTreeSet::new();
    for (column, name) in columns.names().iter().enumerate() {
        let Some((id, inverted)) = question_of(name) else { continue };
        if matches!(wanted, Wanted::These(ids) if !ids.contains(&id)) {
            continue;
        }
        exact.insert(id.clone());
        match questions.iter().position(|q| q.id == id) {
            // A file with both keeps the plain column.
            Some(i) if questions[i].inverted && !inverted => {
                questions[i].inverted = false;
                places[i] = column;
            }
            Some(_) => {}
            None => {
                questions.push(QuestionColumn { id, inverted });
                places.push(column);
            }
        }
    }
    let absent = match wanted {
        Wanted::These(ids) => ids.iter().filter(|id| !exact.contains(*id)).cloned().collect(),
        Wanted::All => Vec::new(),
    };
    (questions, places, absent)
}
