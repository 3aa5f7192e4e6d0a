//! Where a session stands, and what there is to draw.

use crate::domain::{RaterId, Score, StudyId};
use crate::store::{NewView, Reader};
use crate::study::{About, Example, Guideline, StudyError};

use super::clock::Clock;
use super::load::Entry;
use super::view::{BreakView, ItemView, LastSaved, Own, Progress, Saving, Summary, View, Welcome};
use super::{Loaded, Standing, Write, load};

/// A break is proposed after so many pairs ..
pub const BREAK_AFTER_ITEMS: usize = 40;
/// .. or after so many active milliseconds, whichever comes first.
pub const BREAK_AFTER_MS: u64 = 25 * 60_000;

/// Where the session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Welcome,
    /// Before the first pair.
    FirstGuideline,
    /// A pair of practice; the score once it is saved.
    Practice {
        round: u32,
        i: usize,
        given: Option<Score>,
    },
    /// Practice is over.
    PracticeOver,
    /// Opened over a pair or the end.
    Guideline(Option<usize>),
    Item(usize),
    Break {
        asked: bool,
        then: Option<usize>,
    },
    Done,
}

/// A write that failed.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) write: Write,
    /// What happened and what to do.
    pub(super) message: String,
    /// True where it may have been stored all the same.
    pub(super) unsure: bool,
}

/// One rater in one study.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) loaded: Loaded,
    pub(super) place: Place,
    pub(super) clock: Clock,
    /// True on the second way through, over what was put off.
    pub(super) again: bool,
    pub(super) diff: bool,
    /// Time on pairs that is not in the log yet; it goes with the next write.
    pub(super) unlogged: Vec<NewView>,
    /// The write under way. While there is one, no other is made.
    pub(super) pending: Option<Write>,
    /// True where an earlier try of it may have been stored.
    pub(super) unsure: bool,
    /// The write that failed, and what is said of it.
    pub(super) failed: Option<Failed>,
    /// The study has to be read again before anything is written.
    pub(super) stale: bool,
    pub(super) last_saved: Option<LastSaved>,
    pub(super) since_break: (usize, u64),
    pub(super) notice: Option<String>,
}

impl Session {
    /// Reads the rater's part and stands at the welcome.
    ///
    /// # Errors
    /// As [`load`].
    pub fn open(reader: Reader<'_>, study: &StudyId, rater: &RaterId) -> Result<Self, StudyError> {
        Self::new(load(reader, study, rater)?)
    }

    /// A session over what was read.
    ///
    /// # Errors
    /// None today; opening can ask for more than reading one day.
    pub fn new(loaded: Loaded) -> Result<Self, StudyError> {
        Ok(Self {
            loaded,
            place: Place::Welcome,
            clock: Clock::default(),
            again: false,
            diff: false,
            unlogged: Vec::new(),
            pending: None,
            failed: None,
            unsure: false,
            stale: false,
            last_saved: None,
            since_break: (0, 0),
            notice: None,
        })
    }

    /// The study.
    pub fn study(&self) -> &StudyId {
        &self.loaded.study
    }

    /// The rater.
    pub fn rater(&self) -> &RaterId {
        &self.loaded.rater
    }

    /// The guideline in force.
    pub fn guideline(&self) -> &Guideline {
        &self.loaded.texts.guideline
    }

    /// True while practice is not over.
    pub fn practice_waits(&self) -> bool {
        let (texts, done) = (&self.loaded.texts, &self.loaded.practised);
        crate::study::qualification::practice_next(&texts.practice, done).is_some()
    }

    /// What the study tells about itself.
    pub fn about(&self) -> &About {
        &self.loaded.about
    }

    /// Its examples.
    pub fn examples(&self) -> &[Example] {
        &self.loaded.texts.examples
    }

    /// The last write that reached the disk in this session.
    pub fn last_saved(&self) -> Option<LastSaved> {
        self.last_saved
    }

    /// One sentence on why the last act did nothing, where it did nothing.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// True while a write is under way or failed: leaving now would lose it.
    pub fn has_unsaved(&self) -> bool {
        self.pending.is_some() || self.failed.is_some()
    }

    /// The write that is not on the disk yet. It can be kept and carried out later: it is stored
    /// once however often it is carried out.
    pub fn unsaved(&self) -> Option<&Write> {
        self.pending.as_ref().or(self.failed.as_ref().map(|f| &f.write))
    }

    /// The assignment of the pair shown: a name for it that lasts.
    pub fn here(&self) -> Option<i64> {
        match self.place {
            Place::Item(i) => self.loaded.entries.get(i).map(|e| e.assignment),
            _ => None,
        }
    }

    /// What to draw.
    pub fn view(&self) -> View<'_> {
        match self.place {
            Place::Welcome => View::Welcome(Welcome {
                study: &self.loaded.study,
                rater: &self.loaded.rater,
                consent: (!self.loaded.consented).then_some(&self.loaded.texts.consent),
                language: &self.loaded.texts.consent_language,
                changed: self.loaded.consent_changed,
                about: &self.loaded.about,
                practice: if self.is_fresh() { self.loaded.texts.practice.len() } else { 0 },
                takes_ms: self.takes_ms(),
                saving: self.saving(),
            }),
            Place::FirstGuideline => View::Guideline { first: true },
            Place::Guideline(_) => View::Guideline { first: false },
            Place::Practice { round, i, given } => match self.practice_view(round, i, given) {
                Some(p) => View::Practice(p),
                None => View::Guideline { first: true },
            },
            Place::PracticeOver => View::PracticeOver { counts: self.practice_counts() },
            Place::Break { asked, .. } => {
                let (items, active_ms) = self.since_break;
                View::Break(BreakView { asked, items, active_ms })
            }
            Place::Done => View::Done(self.summary()),
            Place::Item(i) => match self.loaded.entries.get(i) {
                Some(e) => View::Item(self.item(i, e)),
                None => View::Done(self.summary()),
            },
        }
    }

    fn item<'a>(&'a self, i: usize, e: &'a Entry) -> ItemView<'a> {
        ItemView {
            study_type: self.loaded.about.study_type,
            context: e.context.as_deref(),
            hidden: e.sensitive && !e.revealed,
            warning: self.loaded.about.content_warning.as_deref(),
            left: &e.left,
            right: &e.right,
            language: &e.language,
            number: i + 1,
            total: self.loaded.total(),
            standing: e.shown_standing(),
            flags: &e.flags,
            comments: &e.comments,
            diff: self.diff,
            diff_allowed: self.loaded.word_diff,
            saving: self.saving(),
        }
    }

    /// The state of the one write that can be under way.
    pub fn saving(&self) -> Saving<'_> {
        match (&self.pending, &self.failed) {
            (Some(_), _) => Saving::Now,
            (None, Some(f)) => Saving::Failed { message: &f.message },
            (None, None) => Saving::Idle,
        }
    }

    /// How far the rater is.
    pub fn progress(&self) -> Progress {
        let entries = &self.loaded.entries;
        let is = |f: fn(&Standing) -> bool| entries.iter().filter(|e| f(&e.standing)).count();
        let done = is(|s| matches!(s, Standing::Rated { .. } | Standing::LeftOut(_)));
        let left = (entries.len() - done) as u64;
        let mut times = self.loaded.times.clone();
        times.sort_unstable();
        Progress {
            done,
            put_off: is(|s| *s == Standing::PutOff),
            total: entries.len(),
            left_ms: (times.len() >= 3).then(|| times[times.len() / 2] * left),
        }
    }

    /// The pairs that the rater has seen, in their order: each can be gone to and changed.
    pub fn own(&self) -> Vec<Own<'_>> {
        let front = self.front().unwrap_or(self.loaded.total());
        self.loaded
            .entries
            .iter()
            .enumerate()
            .filter(|(i, e)| *i <= front || e.standing != Standing::Open)
            .map(|(i, e)| {
                // what is covered there is covered here
                let left = if e.sensitive && !e.revealed { "(covered)" } else { e.left.as_str() };
                Own { number: i + 1, left, standing: e.shown_standing() }
            })
            .collect()
    }

    fn summary(&self) -> Summary {
        let mut s = Summary {
            total: self.loaded.total(),
            active_ms: self.loaded.active_ms,
            ..Summary::default()
        };
        for e in &self.loaded.entries {
            match e.shown_standing() {
                Standing::Open => {}
                Standing::PutOff => s.put_off += 1,
                Standing::LeftOut(_) => s.left_out += 1,
                Standing::Rated { score, .. } => {
                    s.rated += 1;
                    s.scores[usize::from(score.get() - 1)] += 1;
                }
            }
            s.flagged += usize::from(!e.flags.is_empty());
            s.comments += e.comments.len();
        }
        s
    }

    /// True before anything was done about any pair.
    pub(super) fn is_fresh(&self) -> bool {
        self.loaded.entries.iter().all(|e| e.standing == Standing::Open)
    }

    /// What the pairs that wait will take, by this rater's pace or by a usual one.
    fn takes_ms(&self) -> u64 {
        let p = self.progress();
        let practice = if self.is_fresh() { self.loaded.texts.practice.len() } else { 0 };
        let left = (p.total - p.done + practice) as u64;
        p.left_ms.unwrap_or(left * 1000 * self.loaded.about.seconds_an_item())
    }

    /// The first pair that waits.
    pub(super) fn front(&self) -> Option<usize> {
        self.loaded.entries.iter().position(|e| e.standing == Standing::Open)
    }

    /// The pair to show after `i`: the next that waits, or the first; on the second way through,
    /// the next that was put off.
    pub(super) fn next_to_do(&self, i: usize) -> Option<usize> {
        let entries = &self.loaded.entries;
        let after =
            |standing: Standing| (i + 1..entries.len()).find(|j| entries[*j].standing == standing);
        after(Standing::Open)
            .or_else(|| self.front())
            .or_else(|| if self.again { after(Standing::PutOff) } else { None })
    }
}
