//! Classification tasks: declared in small files, checked by an oracle before anything is asked,
//! run against any model, summed up over the declared labels with intervals and paired tests.
//!
//! [`Task`] says what is asked; [`parser`] reads replies; `docs/tasks.md` is the page for users.

mod check;
mod data;
mod error;
mod figures;
pub mod job;
mod kind;
mod library;
mod means;
pub mod parser;
mod plan;
mod registry;
mod replies;
mod results;
mod rows;
pub mod samples;
mod score;
mod table;
mod task;

pub use check::{Check, FEWEST, Finding, FindingKind, Misread, check, check_items, oracle};
pub use data::{Item, Items};
pub use error::ClassifyError;
pub use kind::Kind;
pub use library::{Added, Library, Texts};
pub use means::MeanRow;
pub use plan::{AGGREGATION, ClassifyPlan, Method, PlannedSet, TASK, Unanswered};
pub use registry::{is_sample, registry, select, task_file};
pub use replies::{ReplyFilter, SingleReply, single_replies};
pub use results::{Answer, Outcome, ResultLine, read_results};
pub use rows::{
    BaselineRow, Classified, Figure, Golds, LabelRow, ModelRow, Paired, SetRow, classified,
};
pub use table::plain;
pub use task::{ColumnNames, Expected, Label, Source, Task, TaskPrompt, best_constant};

#[cfg(test)]
mod tests;
