//! Survey seeds: importing questions and answers, the cultures, the sample data, and synthetic
//! surveys in the official format. Pure reading: what is imported is handed over as the domain's
//! types; writing it to a workspace is the caller's.

mod answers;
pub mod countries;
mod error;
pub mod import;
mod report;
pub mod sample;
mod scale_text;
pub mod survey;
pub mod synth;

pub use answers::{Answer, Answers, Between, QuestionAnswers};
pub use error::SeedsError;
pub use report::{Fault, Faults, FileKind, FileReport, ImportProgress};
pub use scale_text::{ReadScale, read_scale};
