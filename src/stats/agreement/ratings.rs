//! The matrix that all coefficients read: units by raters, gaps allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::stats::Undefined;

/// Most different scores that a matrix holds: a coincidence table grows with their square.
pub const MAX_CATEGORIES: usize = 128;

/// No rating in this cell.
const GAP: u8 = u8::MAX;

/// Ratings of units by raters. One byte a cell: the position of the score among the categories.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratings {
    raters: usize,
    categories: Vec<f64>,
    cells: Vec<u8>,
}

/// A matrix with the names of its rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyed<U, R> {
    /// The matrix.
    pub ratings: Ratings,
    /// Unit of each row, ascending.
    pub units: Vec<U>,
    /// Rater of each column, ascending.
    pub raters: Vec<R>,
}

impl Ratings {
    /// Builds the matrix from (unit, rater, score). With a declared `scale` its values are the
    /// categories, used or not (chance agreement of AC1 and AC2 depends on how many there are, so
    /// a 1-5 scale should be declared); without, the scores seen are.
    ///
    /// # Errors
    /// A rater who rated a unit twice, a score off the scale or not finite, too many categories.
    pub fn from_triples<U, R>(
        scale: Option<&[f64]>,
        triples: impl IntoIterator<Item = (U, R, f64)>,
    ) -> Result<Keyed<U, R>, Undefined>
    where
        U: Ord + Clone + Debug,
        R: Ord + Clone + Debug,
    {
        let triples: Vec<(U, R, f64)> = triples.into_iter().collect();
        let categories = categories(scale, triples.iter().map(|t| t.2))?;
        let units: Vec<U> =
            triples.iter().map(|t| &t.0).collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let raters: Vec<R> =
            triples.iter().map(|t| &t.1).collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let row: BTreeMap<&U, usize> = units.iter().zip(0..).collect();
        let column: BTreeMap<&R, usize> = raters.iter().zip(0..).collect();
        let mut cells = vec![GAP; units.len() * raters.len()];
        for (unit, rater, score) in &triples {
            let cell = &mut cells[row[unit] * raters.len() + column[rater]];
            if *cell != GAP {
                return Err(Undefined::RatedTwice {
                    unit: format!("{unit:?}"),
                    rater: format!("{rater:?}"),
                });
            }
            *cell = position(&categories, *score)?;
        }
        Ok(Keyed { ratings: Self { raters: raters.len(), categories, cells }, units, raters })
    }

    /// Builds the matrix from rows of units, `None` where a rater gave no score.
    ///
    /// # Errors
    /// As [`Ratings::from_triples`], or ragged rows.
    pub fn from_rows(scale: Option<&[f64]>, rows: &[Vec<Option<f64>>]) -> Result<Self, Undefined> {
        let raters = rows.first().map_or(0, Vec::len);
        for row in rows {
            Undefined::unless_parallel(raters, row.len())?;
        }
        let categories = categories(scale, rows.iter().flatten().flatten().copied())?;
        let cells = rows
            .iter()
            .flatten()
            .map(|score| score.map_or(Ok(GAP), |s| position(&categories, s)))
            .collect::<Result<Vec<u8>, _>>()?;
        Ok(Self { raters, categories, cells })
    }

    /// Number of units (rows), rated or not.
    pub fn units(&self) -> usize {
        self.cells.len().checked_div(self.raters).unwrap_or(0)
    }

    /// Number of raters (columns).
    pub fn raters(&self) -> usize {
        self.raters
    }

    /// The different scores, ascending.
    pub fn categories(&self) -> &[f64] {
        &self.categories
    }

    /// Number of ratings given.
    pub fn given(&self) -> usize {
        self.cells.iter().filter(|c| **c != GAP).count()
    }

    /// Score of a unit by a rater.
    pub fn score(&self, unit: usize, rater: usize) -> Option<f64> {
        let cell = self.cells.get(unit * self.raters + rater).filter(|_| rater < self.raters)?;
        self.categories.get(usize::from(*cell)).copied()
    }

    /// Position (among the categories) of the score of a unit by a rater.
    pub(super) fn category(&self, unit: usize, rater: usize) -> Option<u8> {
        let cell = self.cells.get(unit * self.raters + rater).filter(|_| rater < self.raters)?;
        (*cell != GAP).then_some(*cell)
    }

    /// Positions (among the categories) of the scores that a unit got.
    pub(super) fn positions(&self, unit: usize) -> impl Iterator<Item = usize> + '_ {
        let row = &self.cells[unit * self.raters..][..self.raters];
        row.iter().filter(|c| **c != GAP).map(|c| usize::from(*c))
    }
}

fn categories(
    scale: Option<&[f64]>,
    scores: impl Iterator<Item = f64>,
) -> Result<Vec<f64>, Undefined> {
    let mut all: Vec<f64> = match scale {
        Some(scale) => scale.to_vec(),
        None => scores.collect(),
    };
    Undefined::unless_finite(&all)?;
    for x in &mut all {
        *x += 0.0; // -0.0 and 0.0 are one score
    }
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    if all.len() > MAX_CATEGORIES {
        return Err(Undefined::TooManyCategories { have: all.len(), most: MAX_CATEGORIES });
    }
    Ok(all)
}

fn position(categories: &[f64], score: f64) -> Result<u8, Undefined> {
    let found = categories.iter().position(|c| *c == score).and_then(|at| u8::try_from(at).ok());
    found.ok_or_else(|| {
        let scale: Vec<String> = categories.iter().map(ToString::to_string).collect();
        Undefined::OffScale { score: score.to_string(), scale: scale.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_become_a_matrix_with_gaps_in_key_order() {
        let t = [("b", 2, 5.0), ("a", 9, 1.0), ("b", 9, 4.0)];
        let k = Ratings::from_triples(None, t).unwrap();
        assert_eq!((k.units, k.raters), (vec!["a", "b"], vec![2, 9]));
        let r = k.ratings;
        assert_eq!((r.units(), r.raters(), r.given()), (2, 2, 3));
        assert_eq!(r.categories(), [1.0, 4.0, 5.0]);
        assert_eq!([r.score(0, 0), r.score(0, 1)], [None, Some(1.0)]);
        assert_eq!([r.score(1, 0), r.score(1, 1)], [Some(5.0), Some(4.0)]);
        assert_eq!([r.score(0, 2), r.score(2, 0)], [None, None]);
    }

    #[test]
    fn bad_ratings_are_refused_by_name() {
        let twice = Ratings::from_triples(None, [("s1", "r1", 1.0), ("s1", "r1", 1.0)]);
        assert_eq!(
            twice.unwrap_err().to_string(),
            "unit \"s1\" was rated twice by rater \"r1\": keep one rating"
        );
        let scale = [1.0, 2.0, 3.0];
        let off = Ratings::from_triples(Some(&scale), [("s1", "r1", 2.5)]);
        assert_eq!(off.unwrap_err().to_string(), "score 2.5 is not on the scale (1, 2, 3)");
        assert!(Ratings::from_triples(None, [(1, 1, f64::NAN)]).is_err());
        assert!(Ratings::from_triples(Some(&scale), [(1, 1, f64::NAN)]).is_err());
        let many = (0..200).map(|i| (i, 1, f64::from(i)));
        assert!(matches!(
            Ratings::from_triples(None, many),
            Err(Undefined::TooManyCategories { have: 200, .. })
        ));
        assert!(Ratings::from_rows(None, &[vec![None], vec![]]).is_err());
    }

    #[test]
    fn no_ratings_make_an_empty_matrix() {
        let k = Ratings::from_triples::<u32, u32>(None, []).unwrap();
        assert_eq!((k.ratings.units(), k.ratings.raters(), k.ratings.given()), (0, 0, 0));
    }
}
