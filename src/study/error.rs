//! What can go wrong in a study, with the way out.

use std::path::PathBuf;

use thiserror::Error;

use crate::domain::{CultureId, DomainError, ItemId, RaterId, StudyId};
use crate::providers::prompts::PromptError;
use crate::store::StoreError;
use crate::table::TableError;

/// Trouble with a study or a file of ratings.
#[derive(Debug, Error)]
pub enum StudyError {
    /// Nothing to choose from.
    #[error(
        "no sample can enter the study ({found} given, of them {unusable} not kept, without text \
         or without a seed in their language); run `polyculture augment` first, or choose another \
         filter"
    )]
    NoSamples {
        /// Samples given.
        found: usize,
        /// Those that cannot be used.
        unusable: usize,
    },
    /// A culture with nothing to rate.
    #[error(
        "culture {culture} has no sample that can enter ({languages}); `polyculture translate` makes \
         some, `--language en` allows English where its raters read that, or choose another filter"
    )]
    NoSamplesFor {
        /// The culture.
        culture: CultureId,
        /// Languages its items may be in.
        languages: String,
    },
    /// A culture that the project does not know.
    #[error("no culture `{culture}`; there are {known}")]
    UnknownCulture {
        /// What was given.
        culture: String,
        /// Those there are.
        known: String,
    },
    /// A file that is no study.
    #[error("{path}: no study can be read from it: {reason}")]
    BadSpec {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where it is known.
        reason: String,
    },
    /// A file of answers that cannot be used.
    #[error("{path}: {bad} of {rows} answers cannot be used, nothing was taken; {first}")]
    BadAnswers {
        /// The file.
        path: PathBuf,
        /// Bad rows.
        bad: usize,
        /// All rows.
        rows: usize,
        /// The first few, by line.
        first: String,
    },
    /// A file of raters that cannot be used.
    #[error("{path}: the raters cannot be read; {first}")]
    BadRaters {
        /// The file.
        path: PathBuf,
        /// The first few bad lines.
        first: String,
    },
    /// Names of people would have been written where the ratings are.
    #[error(
        "{path} is in the workspace {workspace}: the names of raters are kept apart from their \
         ratings; choose a place outside it"
    )]
    NamesInside {
        /// Where to.
        path: PathBuf,
        /// The workspace.
        workspace: PathBuf,
    },
    /// An amendment that cannot be.
    #[error("study {study} cannot be amended so: {reason}")]
    NoAmendment {
        /// The study.
        study: StudyId,
        /// Why, with what can be done instead.
        reason: String,
    },
    /// A study that cannot be carried over.
    #[error("study {study} was not moved: {reason}")]
    NotMoved {
        /// The study.
        study: StudyId,
        /// Why, with what can be done instead.
        reason: String,
    },
    /// A setting out of its range.
    #[error("{what} is {value}: expected {expected}")]
    BadSetting {
        /// Which.
        what: &'static str,
        /// What was given.
        value: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// An item with fewer possible raters than it needs.
    #[error(
        "{items} item(s) in {language} need {needed} raters each, {eligible} declare that; add \
         raters who do, or make the study with a smaller k"
    )]
    TooFewRaters {
        /// BCP 47 tag, and the culture where the items have one.
        language: String,
        /// Items concerned.
        items: usize,
        /// Raters an item needs.
        needed: u32,
        /// Raters who may have it.
        eligible: usize,
    },
    /// No such item.
    #[error(
        "study {study} has no item {item}; `polyculture study adjudicate --study {study}` lists them"
    )]
    NoItem {
        /// The study.
        study: StudyId,
        /// The name given.
        item: ItemId,
    },
    /// Ratings were asked of a study without a plan.
    #[error(
        "study {study} has no plan yet; run `polyculture study plan --study {study} --raters NAMES` first"
    )]
    NotPlanned {
        /// The study.
        study: StudyId,
    },
    /// No study has people in it.
    #[error(
        "there is no study that a person rates; `polyculture study new` and `study plan` make \
         one, or press `n` on the workbench's Rate screen for one of your own"
    )]
    NothingToRate,
    /// Several studies, and none was named.
    #[error("{n} studies wait for ratings; say which one: --study NAME")]
    WhichStudy {
        /// How many.
        n: usize,
    },
    /// A study that no person rates.
    #[error(
        "study {study} has no people in it; `polyculture study plan --study {study} --raters \
         NAMES` gives it some"
    )]
    NoPeople {
        /// The study.
        study: StudyId,
    },
    /// Several raters, and none was named.
    #[error("study {study} has several raters; say who you are: --as NAME")]
    WhichRater {
        /// The study.
        study: StudyId,
    },
    /// A rater that the study does not know. The names of the others are not told.
    #[error(
        "study {study} has no rater {rater} (it has {others} others); check the spelling, or ask \
         whoever runs the study which name is yours"
    )]
    UnknownRater {
        /// The study.
        study: StudyId,
        /// The name given.
        rater: RaterId,
        /// Raters it has.
        others: usize,
    },
    /// A name under which no person rates.
    #[error(
        "{rater} is {kind} in study {study}: no person can rate under this name; take your own"
    )]
    NotAPerson {
        /// The study.
        study: StudyId,
        /// The name given.
        rater: RaterId,
        /// What it is instead.
        kind: &'static str,
    },
    /// Everything was taken back from a rater.
    #[error(
        "study {study}: all {n} pairs of {rater} were taken back (a withdrawal, or leases that \
         ran out); ask whoever runs the study"
    )]
    AllTakenBack {
        /// The study.
        study: StudyId,
        /// The rater.
        rater: RaterId,
        /// Pairs.
        n: usize,
    },
    /// A rater who speaks none of the study's languages.
    #[error(
        "study {study} has pairs in {languages}; {rater} declared {declared}, so there is nothing \
         to rate for them"
    )]
    OtherLanguage {
        /// The study.
        study: StudyId,
        /// The rater.
        rater: RaterId,
        /// Languages of the pairs.
        languages: String,
        /// Languages of the rater.
        declared: String,
    },
    /// A rater without a pair.
    #[error("study {study}: the plan gave {rater} nothing to rate; ask whoever runs the study")]
    NothingAssigned {
        /// The study.
        study: StudyId,
        /// The rater.
        rater: RaterId,
    },
    /// Bad lines while none was to be accepted.
    #[error("{path}: {bad} of {rows} rows are bad, nothing was taken (strict); {first}")]
    Strict {
        /// The file.
        path: PathBuf,
        /// Bad rows.
        bad: usize,
        /// All rows.
        rows: usize,
        /// The first few, by line.
        first: String,
    },
    /// A table without a usable row.
    #[error("{path}: no usable rating in {rows} rows; {first}")]
    NoRatings {
        /// The file.
        path: PathBuf,
        /// Rows.
        rows: usize,
        /// The first few bad ones.
        first: String,
    },
    /// A file of none of the known forms.
    #[error(
        "{path}: no ratings that are known here ({found}); expected a CSV with rater, item and \
         score, an export of Label Studio (`data` and `annotations`, or `annotation_id`), of Argilla \
         (`responses`) or of Potato (`label_annotations`, `instance_id_to_label_to_value`, columns \
         with `:::`)"
    )]
    UnknownRatings {
        /// The file.
        path: PathBuf,
        /// Its first keys.
        found: String,
    },
    /// A file with several questions, and none was named.
    #[error(
        "{path}: {}; the file asks: {names}",
        named.as_ref().map_or_else(
            || "which answers are the scores? name the question with --question NAME".to_owned(),
            |n| format!("nobody answered `{n}`")
        )
    )]
    WhichQuestion {
        /// The file.
        path: PathBuf,
        /// The question that was named.
        named: Option<String>,
        /// Those it asks.
        names: String,
    },
    /// A prompt that cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The file cannot be read as a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name of the wrong form.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// An export could not be written.
    #[error("the export could not be written: {0}")]
    Write(#[from] std::io::Error),
}
