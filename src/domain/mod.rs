//! The words of the project as types: questions, scales, answers, distributions, cultures,
//! samples, prompts. Pure: no file, no clock, no database. Nonsense is unwritable here, so that
//! the rooms above need not check twice.

mod answer;
mod counts;
mod culture;
mod distribution;
mod error;
mod example;
mod ids;
mod language;
mod lease;
mod paper;
pub mod prompt;
mod question;
mod rated;
mod sample;
mod scale;
mod score;
mod scores;
mod study_type;
mod survey;
mod test_text;

pub use answer::{AnswerCode, MissingKind};
pub use counts::{OptionCounts, Tally, Weighting};
pub use culture::{Culture, ResourceLevel};
pub use distribution::Distribution;
pub use error::DomainError;
pub use example::{Example, LabelPolicy, Target};
pub use ids::{
    CountryCode, CultureId, DatasetId, ItemId, ModelId, QuestionId, RaterId, RunId, SampleId,
    StudyId,
};
pub use language::{KnownLanguage, known_language, language_name, primary_language, same_language};
pub use lease::Lease;
pub use paper::PaperMeans;
pub use question::{Form, Question, Topic};
pub use rated::RatedAtLeast;
pub use sample::{Decision, FailReason, Provenance, RejectReason, Sample, Stage, Substitution};
pub use scale::{Direction, Scale, ScaleKind, ScaleOption};
pub use score::{Score, Similarity};
pub use scores::OptionScores;
pub use study_type::StudyType;
pub use survey::{Cell, CellFlag, CountryCell, CultureCell, Survey};
pub use test_text::{Split, TestText};
