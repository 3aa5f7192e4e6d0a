//! Studies in `workspace.db`: items, raters, assignments, and the append-only log of ratings.
//! The rules (k raters an item, one rating that stands, nothing changed afterwards) are kept by
//! constraints and triggers of `0002_study.sql`, so that no second process can break them.

mod adjudications;
mod amendments;
mod assignments;
mod by_sample;
mod carry;
mod eligible;
mod events;
mod judges;
mod places;
mod ratings;
mod reclaim;
mod records;
mod rights;
mod studies;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_fixed;
mod texts;
mod views;

pub use adjudications::{Adjudication, StudyKey};
pub use amendments::{Amendment, Change};
pub use by_sample::PeopleSaid;
pub(in crate::store) use by_sample::rated_at_least;
pub use carry::Carried;
pub use judges::{JUDGE_SLOTS, JudgeRecord, Shown, VerdictClass, VerdictRow};
pub use reclaim::Reclaimed;
pub use records::{
    Action, Assignment, Consent, EventKind, Item, ItemKind, ItemOrigin, NewAssignment, NewEvent,
    Rater, RaterKind, RaterProgress, RatingRow, Reason, StudyRecord,
};
pub use rights::{ConsentGiven, Withdrawal};
pub use texts::{StudyText, TextKind, TextSource};
pub use views::{NewView, Practice, View, ViewKind};
