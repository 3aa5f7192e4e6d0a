//! Near-duplicates, fast: every candidate of a seed is compared with every other, so words are
//! folded and hashed once and compared as numbers. Says the same as [`crate::text::token_edits`].

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::text::folded_words;

/// Texts that differ by this many words or fewer count as one (science: near-duplicates of the
/// released samples were measured at this distance).
pub const NEAR_DUPLICATE_EDITS: usize = 2;

/// The words of a text as hashes, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<u64>);

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let hash = |word: &String| {
            let mut hasher = DefaultHasher::new();
            word.hash(&mut hasher);
            hasher.finish()
        };
        Self(folded_words(text).iter().map(hash).collect())
    }

    /// Whether the texts are one and the same for a reader who counts samples.
    pub(super) fn near(&self, other: &Self) -> bool {
        self.0.len().abs_diff(other.0.len()) <= NEAR_DUPLICATE_EDITS
            && strsim::generic_levenshtein(&self.0, &other.0) <= NEAR_DUPLICATE_EDITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::token_edits;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hashed_words_say_what_words_say(a in "[ab ,]{0,12}", b in "[ab ,]{0,12}") {
            let near = Words::of(&a).near(&Words::of(&b));
            prop_assert_eq!(near, token_edits(&a, &b) <= NEAR_DUPLICATE_EDITS);
        }
    }
}
