//! Character n-grams of a text, for likeness without a model.

use unicode_segmentation::UnicodeSegmentation;

use super::fold;

/// How often each run of `n` grapheme clusters occurs in a text, folded and with a blank put at
/// both ends, so that beginnings and endings of words count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NgramProfile {
    /// Sorted by n-gram.
    counts: Vec<(String, u32)>,
}

impl NgramProfile {
    /// Counts the n-grams of a text; `n` of 0 is taken as 1. A text shorter than `n` is one
    /// n-gram, an empty one has none.
    pub fn new(text: &str, n: usize) -> Self {
        let folded = fold(text);
        if folded.is_empty() {
            return Self { counts: Vec::new() };
        }
        let framed = format!(" {folded} ");
        let clusters: Vec<&str> = framed.graphemes(true).collect();
        let n = n.clamp(1, clusters.len());
        let mut all: Vec<String> = clusters.windows(n).map(<[&str]>::concat).collect();
        all.sort_unstable();
        let mut counts: Vec<(String, u32)> = Vec::new();
        for gram in all {
            match counts.last_mut() {
                Some((last, count)) if *last == gram => *count += 1,
                _ => counts.push((gram, 1)),
            }
        }
        Self { counts }
    }

    /// Cosine of two profiles, 0 to 1; 0 when either is empty.
    pub fn cosine(&self, other: &Self) -> f64 {
        let (mut i, mut j, mut dot) = (0, 0, 0.0);
        while let (Some((a, x)), Some((b, y))) = (self.counts.get(i), other.counts.get(j)) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    dot += f64::from(*x) * f64::from(*y);
                    i += 1;
                    j += 1;
                }
            }
        }
        let norm = self.norm() * other.norm();
        if norm > 0.0 { (dot / norm).min(1.0) } else { 0.0 }
    }

    fn norm(&self) -> f64 {
        self.counts.iter().map(|(_, c)| f64::from(*c).powi(2)).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_of_a_small_case_is_worked_out_by_hand() {
        // " ab " and " ac ": bigrams {" a", "ab", "b "} and {" a", "ac", "c "}, one in common.
        let c = NgramProfile::new("ab", 2).cosine(&NgramProfile::new("ac", 2));
        assert!((c - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn an_empty_text_resembles_nothing() {
        let empty = NgramProfile::new("  ", 3);
        assert_eq!(empty.cosine(&empty), 0.0);
        assert_eq!(empty.cosine(&NgramProfile::new("a", 3)), 0.0);
    }

    #[test]
    fn clusters_are_never_cut() {
        // One Bengali cluster of three code points is one unit.
        let p = NgramProfile::new("ক্ষি", 1);
        assert_eq!(p.counts.len(), 2, "{p:?}");
    }
}
