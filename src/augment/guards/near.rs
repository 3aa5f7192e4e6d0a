//! Near-duplicates among the samples of one seed.

use crate::domain::RejectReason;
use crate::text::edits_between;

use super::reading::Reading;

/// The texts that were kept before, the seed first.
#[derive(Debug, Clone, Default)]
pub struct Siblings {
    kept: Vec<Reading>,
    limit: usize,
}

impl Siblings {
    /// `limit`: texts that differ by this many tokens or fewer are near-duplicates (science: 87 %
    /// of a released set differ from a sibling by two tokens or fewer).
    pub fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit }
    }

    /// Adds a text that is in use.
    pub fn keep(&mut self, text: Reading) {
        self.kept.push(text);
    }

    /// The texts in use, in order.
    pub fn kept(&self) -> impl Iterator<Item = &Reading> {
        self.kept.iter()
    }

    /// A text that repeats one in use, or nearly so: the nearest one is named.
    pub fn check(&self, text: &Reading) -> Option<RejectReason> {
        let (edits, nearest) = self
            .kept
            .iter()
            .map(|k| (edits_between(k.words(), text.words()), k))
            .min_by_key(|(edits, _)| *edits)?;
        let of = nearest.text().to_owned();
        match edits {
            0 => Some(RejectReason::Duplicate { of }),
            n if n <= self.limit => {
                Some(RejectReason::NearDuplicate { of, edits: n, likeness: None })
            }
            _ => None,
        }
    }

    /// The same by likeness: `likeness[i]` belongs to the i-th text in use.
    pub fn check_likeness(
        &self,
        text: &Reading,
        likeness: &[f64],
        limit: f64,
    ) -> Option<RejectReason> {
        let (kept, likeness) = self
            .kept
            .iter()
            .zip(likeness)
            .filter(|(_, x)| **x >= limit)
            .max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(RejectReason::NearDuplicate {
            of: kept.text().to_owned(),
            edits: edits_between(kept.words(), text.words()),
            likeness: Some(*likeness),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_text_in_use_is_named_with_its_distance() {
        let mut s = Siblings::new(2);
        assert_eq!(s.check(&Reading::new("Cats sleep")), None);
        s.keep(Reading::new("Old cats sleep all day long"));
        s.keep(Reading::new("Most cats are fond of a long sleep"));
        let check = |t: &str| s.check(&Reading::new(t)).map(|r| r.kind());
        assert_eq!(check("old cats sleep all day long."), Some("duplicate".into()));
        assert_eq!(check("Old dogs sleep all night long"), Some("near-duplicate".into()));
        assert_eq!(check("Young dogs sleep all night long"), None);
        assert_eq!(check("Dogs rest by day"), None);
    }

    #[test]
    fn likeness_rejects_what_word_counts_let_pass() {
        let mut s = Siblings::new(0);
        s.keep(Reading::new("Cats sleep"));
        s.keep(Reading::new("Dogs bark"));
        let text = Reading::new("Dogs barked loudly");
        assert!(s.check_likeness(&text, &[0.1, 0.97], 0.95).is_some());
        assert!(s.check_likeness(&text, &[0.1, 0.9], 0.95).is_none());
    }
}
