//! Classification tasks: declared in small files, checked by an oracle before anything is asked,
//! run against any model, summed up over the declared labels with intervals and paired tests.
//!
//! [`Task`] says what is asked; [`parser`] reads replies; `docs/tasks.md` is the page for users.

mod error;
mod kind;
pub mod parser;
mod task;

pub use error::ClassifyError;
pub use kind::Kind;
pub use task::{ColumnNames, Expected, Label, Source, Task, TaskPrompt, best_constant};
