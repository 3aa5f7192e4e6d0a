//! Gold labels against predictions.

use serde::{Deserialize, Serialize};

use crate::stats::Undefined;

/// Counts of items by gold label (rows) and prediction (columns: the labels, then "no label").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    labels: usize,
    counts: Vec<u64>,
}

/// Precision, recall and F1 of one label; `None` where the denominator is zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelScores {
    /// Of what was called this label, the share that is.
    pub precision: Option<f64>,
    /// Of what is this label, the share that was called so.
    pub recall: Option<f64>,
    /// Harmonic mean: 2 tp / (2 tp + fp + fn).
    pub f1: Option<f64>,
    /// Items whose gold label this is.
    pub support: u64,
}

impl Confusion {
    /// An empty matrix over `labels` declared labels.
    ///
    /// # Errors
    /// Fewer than two labels: nothing could be confused.
    pub fn new(labels: usize) -> Result<Self, Undefined> {
        Undefined::unless_enough("labels", labels, 2)?;
        Ok(Self { labels, counts: vec![0; labels * (labels + 1)] })
    }

    /// Counts (gold, prediction) pairs; `None` is a reply that is no label.
    ///
    /// # Errors
    /// Fewer than two labels, or a label index beyond them.
    pub fn from_pairs(
        labels: usize,
        pairs: impl IntoIterator<Item = (usize, Option<usize>)>,
    ) -> Result<Self, Undefined> {
        let mut matrix = Self::new(labels)?;
        for (gold, predicted) in pairs {
            matrix.add(gold, predicted)?;
        }
        Ok(matrix)
    }

    /// Counts one item.
    ///
    /// # Errors
    /// A label index beyond the declared ones.
    pub fn add(&mut self, gold: usize, predicted: Option<usize>) -> Result<(), Undefined> {
        for label in std::iter::once(gold).chain(predicted) {
            if label >= self.labels {
                return Err(Undefined::BadParameter {
                    what: "label",
                    value: label.to_string(),
                    expected: "an index below the number of declared labels",
                });
            }
        }
        self.counts[gold * (self.labels + 1) + predicted.unwrap_or(self.labels)] += 1;
        Ok(())
    }

    /// Number of declared labels.
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Items of this gold label and this prediction (`None`: no label).
    pub fn count(&self, gold: usize, predicted: Option<usize>) -> u64 {
        let column = predicted.unwrap_or(self.labels);
        if gold < self.labels && column <= self.labels {
            self.counts[gold * (self.labels + 1) + column]
        } else {
            0
        }
    }

    /// All items.
    pub fn items(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Replies that were no label.
    pub fn unlabelled(&self) -> u64 {
        (0..self.labels).map(|g| self.count(g, None)).sum()
    }

    /// Declared labels that no item has: macro-F1 is degenerate then (its ceiling is below 1).
    pub fn absent(&self) -> Vec<usize> {
        (0..self.labels).filter(|l| self.scores(*l).support == 0).collect()
    }

    pub(super) fn cells(&self) -> &[u64] {
        &self.counts
    }

    /// Scores of one label; all zero or absent for a label that was not declared.
    pub fn scores(&self, label: usize) -> LabelScores {
        let hit = self.count(label, Some(label));
        let support: u64 = (0..self.labels).map(|p| self.count(label, Some(p))).sum::<u64>()
            + self.count(label, None);
        let called: u64 = (0..self.labels).map(|g| self.count(g, Some(label))).sum();
        let share = |of: u64, all: u64| (all > 0).then(|| of as f64 / all as f64);
        LabelScores {
            precision: share(hit, called),
            recall: share(hit, support),
            f1: share(2 * hit, support + called),
            support,
        }
    }

    /// Share of items whose prediction is their gold label.
    ///
    /// # Errors
    /// No items.
    pub fn accuracy(&self) -> Result<f64, Undefined> {
        Undefined::unless_enough("items", self.items() as usize, 1)?;
        let hits: u64 = (0..self.labels).map(|l| self.count(l, Some(l))).sum();
        Ok(hits as f64 / self.items() as f64)
    }

    /// Mean F1 over all declared labels, each with the same weight. A declared label that is
    /// neither there nor predicted counts 0 (as scikit-learn with `labels=` does): see
    /// [`Confusion::absent`].
    ///
    /// # Errors
    /// No items.
    pub fn macro_f1(&self) -> Result<f64, Undefined> {
        Undefined::unless_enough("items", self.items() as usize, 1)?;
        Ok(macro_f1(&self.counts, self.labels))
    }
}

/// Macro-F1 of a table of counts with `labels` rows and one column more.
pub(super) fn macro_f1(counts: &[u64], labels: usize) -> f64 {
    let width = labels + 1;
    let of = |label: usize| {
        let support: u64 = counts[label * width..][..width].iter().sum();
        let called: u64 = (0..labels).map(|g| counts[g * width + label]).sum();
        let hit = counts[label * width + label];
        if support + called == 0 { 0.0 } else { 2.0 * hit as f64 / (support + called) as f64 }
    };
    (0..labels).map(of).sum::<f64>() / labels as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLD: [usize; 9] = [0, 0, 0, 1, 1, 2, 2, 2, 2];
    const SAID: [usize; 9] = [0, 0, 1, 1, 2, 2, 2, 0, 2];

    fn matrix(labels: usize) -> Confusion {
        Confusion::from_pairs(labels, GOLD.into_iter().zip(SAID.map(Some))).unwrap()
    }

    /// scikit-learn 1.9.1: `f1_score(gold, said, average="macro")`, and with `labels=[0, 1, 2, 3]`.
    #[test]
    fn macro_f1_agrees_with_scikit_learn() {
        assert!((matrix(3).macro_f1().unwrap() - 0.638_888_888_888_888_8).abs() < 1e-12);
        assert!((matrix(4).macro_f1().unwrap() - 0.479_166_666_666_666_6).abs() < 1e-12);
        assert_eq!((matrix(3).absent(), matrix(4).absent()), (vec![], vec![3]));
        assert!((matrix(3).accuracy().unwrap() - 6.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn a_refusal_is_no_label_and_lowers_recall_only() {
        let mut m = matrix(3);
        m.add(1, None).unwrap();
        assert_eq!((m.unlabelled(), m.items(), m.count(1, None)), (1, 10, 1));
        assert_eq!(m.scores(1).recall, Some(1.0 / 3.0));
        assert_eq!(m.scores(1).precision, Some(0.5));
        let all_refused = Confusion::from_pairs(2, [(0, None), (1, None)]).unwrap();
        assert_eq!(all_refused.macro_f1(), Ok(0.0));
        assert_eq!(all_refused.scores(0).precision, None);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Confusion::new(1).is_err());
        assert!(Confusion::from_pairs(2, [(2, Some(0))]).is_err());
        assert!(Confusion::from_pairs(2, [(0, Some(2))]).is_err());
        assert!(Confusion::new(2).unwrap().macro_f1().is_err());
        assert!(Confusion::new(2).unwrap().accuracy().is_err());
        assert_eq!(matrix(3).count(7, Some(0)), 0);
    }
}
