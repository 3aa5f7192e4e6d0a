//! What a screen draws.

use crate::domain::{RaterId, Score, StudyId, StudyType};
use crate::store::Reason;
use crate::study::{About, ConsentText, Example, Nearness};

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
    /// A pair of practice, or what to make of the answer.
    Practice(PracticeView<'a>),
    /// Practice is over: [`super::Act::Begin`] shows the first pair.
    PracticeOver {
        /// How often the answer was right, near and far in the first round.
        counts: [usize; 3],
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
    /// BCP 47 tag of the consent.
    pub language: &'a str,
    /// True where they agreed to an earlier text.
    pub changed: bool,
    /// Who runs the study, and on what terms.
    pub about: &'a About,
    /// Pairs of practice that come before the first.
    pub practice: usize,
    /// What the pairs that wait will take, in milliseconds, by this rater's pace or by a usual one.
    pub takes_ms: u64,
    /// Whether the consent is being saved, or could not be.
    pub saving: Saving<'a>,
}

/// A pair of practice.
#[derive(Debug, Clone, PartialEq)]
pub struct PracticeView<'a> {
    /// The pair, its score and why.
    pub pair: &'a Example,
    /// Its place among those of this round, from 1, and how many there are.
    pub number: usize,
    /// Pairs in this round.
    pub of: usize,
    /// Which round, from 1.
    pub round: u32,
    /// What the rater gave and how near it came; `None` before.
    pub given: Option<(Score, Nearness)>,
    /// Whether the answer is being saved, or could not be.
    pub saving: Saving<'a>,
}

/// A pair of texts in the order of showing. Nothing tells which one is the seed.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemView<'a> {
    /// What raters judge.
    pub study_type: StudyType,
    /// The question that was asked; shown above.
    pub context: Option<&'a str>,
    /// True while the texts are covered: [`super::Act::Reveal`] shows them.
    pub hidden: bool,
    /// What in the texts may hurt.
    pub warning: Option<&'a str>,
    /// On the left, or above; the only one where one answer is judged.
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
        /// The score that stands: in a view as it stands on the screen, in the log by the item's
        /// first and second text.
        score: Score,
        /// The event.
        event: i64,
    },
    /// Put off.
    PutOff,
    /// Left out, and why.
    LeftOut(Reason),
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
    /// Pairs rated or left out for a reason.
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
    /// Pairs left out for a reason.
    pub left_out: usize,
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
