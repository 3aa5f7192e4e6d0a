//! Model judges: a language model rates a study's items by the study's own guideline. Both orders
//! are asked; seed first gives the score, sample first tells how far the place decides. Judges
//! stand beside people and are never counted with them unless asked.

mod alternative;
mod families;
mod guidelines;
mod job;
mod prompt;
mod reading;
mod record;
mod results;

pub use alternative::{AgainstPerson, Alternative};
pub use guidelines::guidelines;
pub use job::{JudgeSummary, MakeModel, VerdictLine, work};
pub use prompt::{JudgeSpec, checksum, judge_prompt, judge_prompt_from, orders_of, requests_of};
pub use reading::{Reading, read_score};
pub use record::{open_items, put_verdicts};
pub use results::{BesidePeople, JudgeResults, OrderAgreement, judge_results};
