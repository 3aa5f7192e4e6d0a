//! Units crossed with training seeds: five trainings of one arm answer the same questions.

use rayon::prelude::*;

use super::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// Scores of one arm: one row a unit, one column a training seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Seeded {
    scores: Vec<f64>,
    seeds: usize,
}

impl Seeded {
    /// From rows of equal length: `rows[unit][seed]`.
    ///
    /// # Errors
    /// No rows, no seeds, ragged rows, or a score that is not finite.
    pub fn from_rows(rows: &[Vec<f64>]) -> Result<Self, Undefined> {
        Undefined::unless_enough("units", rows.len(), 1)?;
        let seeds = rows[0].len();
        Undefined::unless_enough("training seeds", seeds, 1)?;
        for row in rows {
            Undefined::unless_parallel(seeds, row.len())?;
        }
        let scores = rows.concat();
        Undefined::unless_finite(&scores)?;
        Ok(Self { scores, seeds })
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.scores.len() / self.seeds
    }

    /// Number of training seeds.
    pub fn seeds(&self) -> usize {
        self.seeds
    }

    /// Each unit's mean over its seeds: what a sign-flip test takes.
    pub fn unit_means(&self) -> Vec<f64> {
        self.scores.chunks(self.seeds).map(|r| r.iter().sum::<f64>() / r.len() as f64).collect()
    }

    /// Mean over the picked units and the picked seeds (as weights that sum to 1).
    fn mean_of(&self, units: &[usize], weights: &[f64]) -> f64 {
        let sum: f64 = units
            .iter()
            .map(|&u| {
                let row = &self.scores[u * self.seeds..][..self.seeds];
                row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>()
            })
            .sum();
        sum / units.len() as f64
    }

    /// Draws as many seeds as there are. One draw holds for all units: a training that went badly
    /// went badly on every question, and drawing per question would average that away.
    fn draw_seeds(&self, stream: &mut Stream, weights: &mut Vec<f64>) {
        weights.clear();
        weights.resize(self.seeds, 0.0);
        (0..self.seeds).for_each(|_| weights[stream.below(self.seeds)] += 1.0);
        for w in weights {
            *w /= self.seeds as f64;
        }
    }
}

/// Mean score of an arm: units resampled, and inside each draw its training seeds.
///
/// # Errors
/// Bad parameters of the resampling.
pub fn nested_mean(arm: &Seeded, unit: &str, how: &Resampling) -> Result<Estimate, Undefined> {
    how.check()?;
    let n = arm.units();
    let value = arm.unit_means().iter().sum::<f64>() / n as f64;
    let draws: Vec<f64> = (0..how.draws)
        .into_par_iter()
        .map_init(
            || (vec![0; n], Vec::new()),
            |(picked, weights), draw| {
                let mut stream = Stream::of(how.seed, draw);
                stream.pick(picked);
                arm.draw_seeds(&mut stream, weights);
                arm.mean_of(picked, weights)
            },
        )
        .collect();
    Ok(Estimate::from_draws(value, &draws, how.level, n, unit))
}

/// Paired difference a - b: units are drawn once for both arms, training seeds for each arm alone
/// (seed 3 of one arm has nothing to do with seed 3 of another). The numbers of seeds may differ.
///
/// # Errors
/// Arms with different numbers of units, or bad parameters of the resampling.
pub fn nested_difference(
    a: &Seeded,
    b: &Seeded,
    unit: &str,
    how: &Resampling,
) -> Result<Estimate, Undefined> {
    how.check()?;
    Undefined::unless_parallel(a.units(), b.units())?;
    let n = a.units();
    let mean = |arm: &Seeded| arm.unit_means().iter().sum::<f64>() / n as f64;
    let draws: Vec<f64> = (0..how.draws)
        .into_par_iter()
        .map_init(
            || (vec![0; n], Vec::new()),
            |(picked, weights), draw| {
                let mut stream = Stream::of(how.seed, draw);
                stream.pick(picked);
                a.draw_seeds(&mut stream, weights);
                let of_a = a.mean_of(picked, weights);
                b.draw_seeds(&mut stream, weights);
                of_a - b.mean_of(picked, weights)
            },
        )
        .collect();
    Ok(Estimate::from_draws(mean(a) - mean(b), &draws, how.level, n, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bootstrap::paired_difference;

    fn width(e: &Estimate) -> f64 {
        e.interval.map(|i| i.hi - i.lo).unwrap()
    }

    fn grid(units: usize, seed_effect: &[f64]) -> Vec<Vec<f64>> {
        (0..units)
            .map(|u| seed_effect.iter().map(|s| s + (u * 37 % 11) as f64 / 11.0).collect())
            .collect()
    }

    #[test]
    fn tables_that_are_no_arm_are_refused() {
        assert!(Seeded::from_rows(&[]).is_err());
        assert!(Seeded::from_rows(&[vec![]]).is_err());
        assert!(Seeded::from_rows(&[vec![1.0, 2.0], vec![1.0]]).is_err());
        assert!(Seeded::from_rows(&[vec![f64::INFINITY]]).is_err());
    }

    #[test]
    fn with_one_seed_the_arm_is_a_paired_difference_of_units() {
        let (a, b) = (grid(40, &[0.3]), grid(40, &[0.0]));
        let (fa, fb) = (a.concat(), b.concat());
        let how = Resampling { draws: 2000, ..Resampling::default() };
        let nested = nested_difference(
            &Seeded::from_rows(&a).unwrap(),
            &Seeded::from_rows(&b).unwrap(),
            "question",
            &how,
        )
        .unwrap();
        let plain = paired_difference(&fa, &fb, "question", &how).unwrap();
        assert!((nested.value - plain.value).abs() < 1e-12);
        // The difference is the same on every question: no width at all.
        assert!(width(&nested) < 1e-9 && width(&plain) < 1e-9);
    }

    #[test]
    fn luck_of_the_training_seed_widens_the_interval() {
        let how = Resampling { draws: 2000, ..Resampling::default() };
        let calm = Seeded::from_rows(&grid(60, &[0.0; 5])).unwrap();
        let wild = Seeded::from_rows(&grid(60, &[-1.0, -0.5, 0.0, 0.5, 1.0])).unwrap();
        let e_calm = nested_mean(&calm, "question", &how).unwrap();
        let e_wild = nested_mean(&wild, "question", &how).unwrap();
        assert!((e_calm.value - e_wild.value).abs() < 1e-12);
        // Five seeds of standard deviation .707: the mean of a draw has .316, so +-.62.
        assert!(width(&e_calm) < 0.2 && (1.0..1.4).contains(&width(&e_wild)), "{e_wild}");
        let d = nested_difference(&wild, &calm, "question", &how).unwrap();
        assert!((1.0..1.4).contains(&width(&d)), "{d}");
    }

    #[test]
    fn arms_on_different_questions_do_not_compare() {
        let a = Seeded::from_rows(&grid(3, &[0.0])).unwrap();
        let b = Seeded::from_rows(&grid(4, &[0.0])).unwrap();
        assert!(nested_difference(&a, &b, "question", &Resampling::default()).is_err());
    }
}
