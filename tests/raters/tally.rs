//! What raters were told, how long it took, and whether the database agrees.

use std::collections::{BTreeMap, BTreeSet};

use polyculture::store::EventKind;

use super::World;
use super::seat::{Asked, Wants};

/// What a rater was told last about one of their pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Score(u8),
    TakenBack,
}

/// Collected while raters work.
#[derive(Debug, Default)]
pub struct Tally {
    /// Milliseconds from the key of a score to the row, seen by a second connection.
    pub row: Vec<f64>,
    /// Milliseconds from the key of a score to `saved` on the screen.
    pub screen: Vec<f64>,
    /// How long the whole took.
    pub seconds: f64,
    /// What all programs wrote to their terminals.
    pub bytes: usize,
    pub kills: usize,
    /// Keys whose answer a kill cut off.
    pub cut: usize,
    told: BTreeMap<(String, usize), Told>,
    /// Scores that were under way when the program died: stored or not, both are right.
    open: BTreeMap<(String, usize), BTreeSet<u8>>,
    /// Acts that were said to be stored: scores, taken back, put off.
    pub said: [usize; 3],
    /// Takings back that were under way.
    back: BTreeSet<(String, usize)>,
}

impl Tally {
    pub fn heard(&mut self, rater: &str, asked: &Asked) {
        match asked.wants {
            Wants::Saved(n, score) => {
                self.row.extend(asked.row);
                self.screen.extend(asked.screen);
                self.said[0] += 1;
                self.told.insert((rater.to_owned(), n), Told::Score(score));
            }
            Wants::TakenBack(n) => {
                self.said[1] += 1;
                self.told.insert((rater.to_owned(), n), Told::TakenBack);
            }
            Wants::PutOff(_) => self.said[2] += 1,
            Wants::Change(_) | Wants::End => {}
        }
    }

    pub fn cut_off(&mut self, rater: &str, asked: &Asked) {
        self.cut += usize::from(asked.is_event());
        match asked.wants {
            Wants::Saved(n, score) => {
                self.open.entry((rater.to_owned(), n)).or_default().insert(score);
            }
            Wants::TakenBack(n) => {
                self.back.insert((rater.to_owned(), n));
            }
            Wants::PutOff(_) | Wants::Change(_) | Wants::End => {}
        }
    }

    /// Every rating that a rater was told of is there, none is there twice, no item has more raters
    /// than it may, and at the end every pair has its rating.
    ///
    /// # Panics
    /// Where that is not so.
    pub fn check(&self, world: &World, k: usize) {
        let current = world.current();
        let stands: BTreeMap<(String, usize), u8> = current
            .iter()
            .map(|r| ((r.rater.to_string(), r.position as usize + 1), r.score.expect("a score")))
            .collect();
        assert_eq!(stands.len(), current.len(), "a rating stands twice");
        let mut lost = Vec::new();
        for (key, told) in &self.told {
            let found = stands.get(key);
            let open = |s: &u8| self.open.get(key).is_some_and(|o| o.contains(s));
            let right = match (told, found) {
                (Told::Score(s), Some(f)) => s == f || self.back.contains(key) && open(f),
                (Told::Score(_), None) => self.back.contains(key),
                (Told::TakenBack, Some(f)) => open(f),
                (Told::TakenBack, None) => true,
            };
            if !right {
                lost.push(format!("{key:?}: told {told:?}, found {found:?}"));
            }
        }
        assert!(lost.is_empty(), "{} lost:\n{}", lost.len(), lost.join("\n"));
        let wanted: usize = world.raters().iter().map(|r| world.load(r)).sum();
        assert_eq!(current.len(), wanted, "every pair has its rating");
        let mut raters: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for r in &current {
            assert!(raters.entry(&r.item).or_default().insert(&r.rater), "{} twice", r.item);
        }
        assert!(raters.values().all(|r| r.len() == k), "an item has not {k} raters: {raters:?}");
        // the log holds what was said and no more than what was under way besides
        let events = world.events();
        let n = |kind: EventKind| events.iter().filter(|e| e.kind == kind).count();
        let stored =
            [n(EventKind::Submit) + n(EventKind::Edit), n(EventKind::Undo), n(EventKind::Skip)];
        let (all, said): (usize, usize) = (stored.iter().sum(), self.said.iter().sum());
        assert!(all >= said && all <= said + self.cut, "{stored:?} stored, {:?} said", self.said);
        if self.cut == 0 {
            assert_eq!(stored, self.said);
        }
        let uuids: BTreeSet<_> = events.iter().map(|e| &e.uuid).collect();
        assert_eq!(uuids.len(), events.len());
    }

    /// The value below which this share of a list lies.
    pub fn quantile(of: &[f64], share: f64) -> f64 {
        let mut sorted = of.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1));
        sorted.get(at - 1).copied().unwrap_or(f64::NAN)
    }
}
