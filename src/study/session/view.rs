//! What a screen draws.

use crate::domain::{RaterId, Score, StudyId};
use crate::store::Reason;
use crate::study::ConsentText;

/// What is on the screen now.
#[derive(Debug, Clone, PartialEq)]
pub enum View<'a> {
    /// Where the rater stands before they begin.
    Welcome(Welcome<'a>),
    /// The guideline; its words are in [`super::Session::guideline`].
    Guideline {
        /// True before the first pair: [`super::Act::Begin`] goes on.
        first: bool,
    },
    /// A pair.
    Item(ItemView<'a>),
    /// A break, asked for or proposed.
    Break(BreakView),
    /// Nothing waits any more.
    Done(Summary),
}

/// The welcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Welcome<'a> {
    /// The study.
    pub study: &'a StudyId,
    /// Who rates.
    pub rater: &'a RaterId,
    /// What the rater has to agree to; `None` where they did.
    pub consent: Option<&'a ConsentText>,
    /// Whether the consent is being saved, or could not be.
    pub saving: Saving<'a>,
}

/// A pair of texts in the order of showing. Nothing tells which one is the seed.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemView<'a> {
    /// On the left, or above.
    pub left: &'a str,
    /// On the right, or below.
    pub right: &'a str,
    /// BCP 47 tag of both.
    pub language: &'a str,
    /// Place in the rater's order, from 1.
    pub number: usize,
    /// Pairs in all.
    pub total: usize,
    /// What became of it before.
    pub standing: Standing,
    /// Why it was flagged, in order.
    pub flags: &'a [Reason],
    /// The rater's own words about it, in order.
    pub comments: &'a [String],
    /// Whether the word difference is shown.
    pub diff: bool,
    /// Whether the study allows to show it.
    pub diff_allowed: bool,
    /// What happens to the last act.
    pub saving: Saving<'a>,
}

/// What became of a pair, by what is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits.
    Open,
    /// Rated; the number is that of the event that stands.
    Rated {
        /// The score that stands.
        score: Score,
        /// The event.
        event: i64,
    },
    /// Put off.
    PutOff,
    /// The rater cannot judge it.
    CannotJudge,
}

/// The state of the one write that can be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving<'a> {
    /// Nothing is unsaved.
    Idle,
    /// On its way to the disk; not saved yet.
    Now,
    /// Not saved. The session stays where it is.
    Failed {
        /// What happened and what to do.
        message: &'a str,
    },
}

/// The last write that reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSaved {
    /// Number of the pair, from 1; 0 for the consent.
    pub number: usize,
    /// The score, for ratings.
    pub score: Option<Score>,
    /// True where a rating was taken back.
    pub undone: bool,
}

/// How far the rater is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Pairs rated or found impossible to judge.
    pub done: usize,
    /// Pairs put off.
    pub put_off: usize,
    /// Pairs in all.
    pub total: usize,
    /// Estimate of the time left in milliseconds: the median of this rater's times, for every pair
    /// that is not done. `None` before the third rating.
    pub left_ms: Option<u64>,
}

/// A break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakView {
    /// True where the rater asked for it.
    pub asked: bool,
    /// Pairs done since the last one.
    pub items: usize,
    /// Active milliseconds since the last one.
    pub active_ms: u64,
}

/// The rater's own work at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Pairs in all.
    pub total: usize,
    /// Pairs rated.
    pub rated: usize,
    /// How often each score 1 to 5 was given.
    pub scores: [usize; 5],
    /// Pairs put off: [`super::Act::Begin`] shows them again.
    pub put_off: usize,
    /// Pairs found impossible to judge.
    pub cannot_judge: usize,
    /// Pairs flagged.
    pub flagged: usize,
    /// Comments.
    pub comments: usize,
    /// Active time in milliseconds.
    pub active_ms: u64,
}

/// A row of the list of one's own pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own<'a> {
    /// Number, from 1; [`super::Act::GoTo`] goes there.
    pub number: usize,
    /// The text on the left.
    pub left: &'a str,
    /// What became of the pair.
    pub standing: Standing,
}
