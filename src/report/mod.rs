//! What a workspace holds, on one page: seeds, samples, ratings, datasets, models, evaluations,
//! with where each figure came from: Markdown, JSON, CSV, HTML. The card of one model,
//! and one study by itself.

mod card;
mod csv;
mod gather;
mod html;
mod markdown;
mod runs;
mod standing;
mod study;

pub use self::csv::csv;
pub use card::{CardError, model_card};
pub use gather::{EvaluationPart, ReportError, SamplePart, StudyPart, WorkspaceReport, gather};
pub use html::{html, html_of_study};
pub use markdown::markdown;
pub use runs::{RunPart, RunsPart, runs};
pub use standing::{Best, Standing, StudyStanding, standing};
pub use study::{Flow, PaperForm, StudyReport, StudyReportOptions, TextUsed, gather_study, paper};
