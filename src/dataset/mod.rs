//! Datasets: label policies, splits, audit, exports.
//!
//! Everything here is a pure function from a survey and samples to examples, findings or text;
//! the only files read are those that `audit` is given. No model and no database.

mod apportion;
mod audit;
mod build;
mod card;
mod error;
mod export;
mod export_table;
mod external;
#[cfg(test)]
pub(crate) mod fixtures;
mod label;
mod leak;
mod normal;
mod paper;
mod split;
mod wording;

pub use apportion::largest_remainder;
pub use audit::{AuditLabel, AuditReport, AuditRow, Finding, FindingKind, audit, rows_of};
pub use build::{
    Arm, CellNote, Dataset, DatasetSpec, RatedCount, Scores, Sources, Stages, build, mixture,
};
pub use card::{CardFile, card};
pub use error::DatasetError;
pub use export::{ExportFormat, ExportOptions, export};
pub use export_table::export_table;
pub use external::{ExternalFile, read_external};
pub use label::{Label, LabelNote, Refusal, Refused, labels, target};
pub use leak::{Dropped, Separation, leaks, separate};
pub use normal::{normal_text, word_edits};
pub use paper::{PaperHalf, PaperLabel, paper_label};
pub use split::{
    HeldOutCountry, held_out_questions, hold_out_country, test_texts, without_countries,
};

#[cfg(test)]
mod released;
#[cfg(test)]
mod tests;
