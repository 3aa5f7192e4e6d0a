//! The only room with SQL: `workspace.db` as typed functions, with its numbered migrations.
//!
//! [`Workspace`] opens the file, `read()` gives a [`Reader`], `write(|tx| ..)` one durable
//! transaction ([`Tx`]). No rule of an activity lives here; no SQL lives anywhere else.

mod codec;
mod connection;
#[cfg(test)]
pub(crate) mod damage;
mod database;
mod datasets;
pub mod engine;
mod error;
mod evaluation_heads;
mod evaluations;
mod filesystem;
mod imports;
mod ingest;
mod migrate;
mod models;
mod sample_decisions;
mod sample_filter;
mod sample_pages;
mod sample_words;
mod samples;
mod seed_sources;
mod study;
mod survey;
mod survey_merge;
#[cfg(test)]
mod tests;
mod transaction;
mod workspace;

pub use database::{Access, Database};
pub use datasets::DatasetRecord;
pub use error::StoreError;
pub use evaluation_heads::EvaluationHead;
pub use evaluations::{EvaluationFilter, EvaluationRecord, EvaluationRow};
pub use filesystem::{network_file_system, refuse_network_file_system};
pub use imports::ImportRecord;
pub use ingest::IngestedRun;
pub use migrate::{Migration, Schema};
pub use models::ModelRecord;
pub use sample_decisions::DecisionChange;
pub use sample_filter::{DecisionKind, SampleFilter, SampleOrder};
pub use sample_pages::PageFrom;
pub use samples::{PutReport, SampleCount, SampleCursor, SampleRow};
pub use seed_sources::CountSource;
pub use study::{
    Action, Adjudication, Amendment, Assignment, Carried, Change, Consent, ConsentGiven, EventKind,
    Item, ItemKind, ItemOrigin, JUDGE_SLOTS, JudgeRecord, NewAssignment, NewEvent, NewView,
    PeopleSaid, Practice, Rater, RaterKind, RaterProgress, RatingRow, Reason, Reclaimed, Shown,
    StudyKey, StudyRecord, StudyText, TextKind, TextSource, VerdictClass, VerdictRow, View,
    ViewKind, Withdrawal,
};
pub use survey_merge::{MergeReport, MergeRule};
pub use transaction::{Interrupter, Reader, Tx};
pub use workspace::Workspace;
