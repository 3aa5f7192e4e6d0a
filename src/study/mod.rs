//! The rating study: items from samples, a plan of who rates what, agreement, imports, exports.
//! Rules and statistics live here; the tables and what they refuse live in [`crate::store`].
//! Controls and repeats enter no estimate; scripted raters are marked wherever they appear.

mod agreement;
mod consent;
mod controls;
mod error;
mod export;
mod guideline;
mod import;
pub mod judge;
mod plan;
mod rating_file;
mod results;
mod scripted;
pub mod session;
mod setup;
mod status;
#[cfg(test)]
mod tests;

pub use agreement::{AgreementReport, Figure, Rating, agreement};
pub use consent::ConsentText;
pub use error::StudyError;
pub use export::{ExportFormat, ExportOptions, ExportWhat, codebook, export, export_table};
pub use guideline::{Example, Guideline, ScaleAnchor};
pub use import::{
    ImportOptions, ImportReport, RatingFormat, ReadOptions, import_ratings, import_ratings_as,
    read_ratings_as,
};
pub use plan::{Plan, fix_plan, plan};
pub use rating_file::{BadLine, RatingFile, read_ratings};
pub use results::{Among, Consistency, ControlFailure, Results, results, results_among};
pub use scripted::{SCRIPTED, rate_scripted, scripted_raters, scripted_score};
pub use setup::{NewStudy, create_study, new_study};
pub use status::{StudyStatus, status};
