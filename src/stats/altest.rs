//! The alternative-annotator test (Calderon, Reichart and Dror 2025): may a judge stand in for people?
//!
//! One person is left out at a time. On each unit that person and the judge are scored against the
//! others who rated it; W is 1 for who is at least as close, so that a tie gives 1 to both. The
//! judge wins against the person where a one-sided t-test finds mean(W_person - W_judge) below
//! epsilon, after Benjamini and Yekutieli over all persons tested. What the authors' program does
//! and their text leaves open is done in the same way here: units need two people and the judge;
//! people with too few such units are left out of the rate and named; differences that do not vary
//! have p = 0 below epsilon and p = 1 at or above it.

use serde::{Deserialize, Serialize};

use super::Undefined;
use super::significance::benjamini_yekutieli;
use super::student::mean_below;

/// How near one answer is to those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scoring {
    /// Minus the root of the mean squared distance: for scores.
    NegRmse,
    /// Share of the others who said the same: for names of classes.
    Accuracy,
}

impl Scoring {
    fn of(self, answer: f64, others: &[f64]) -> f64 {
        let n = others.len() as f64;
        match self {
            Self::NegRmse => -(others.iter().map(|o| (answer - o).powi(2)).sum::<f64>() / n).sqrt(),
            Self::Accuracy => others.iter().filter(|o| **o == answer).count() as f64 / n,
        }
    }
}

/// What is asked of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AltTestSpec {
    /// How much a person may win by and still be no better than the judge, which costs less: 0.2
    /// where people are experts, 0.15 skilled, 0.1 from a crowd (the authors' advice).
    pub epsilon: f64,
    /// False discoveries accepted among the persons beaten.
    pub q: f64,
    /// Units a person needs to be tested: the t-test rests on it.
    pub min_units: usize,
    /// Persons tested that it takes.
    pub min_people: usize,
    /// How near is near.
    pub scoring: Scoring,
}

impl Default for AltTestSpec {
    fn default() -> Self {
        let scoring = Scoring::NegRmse;
        Self { epsilon: 0.15, q: 0.05, min_units: 30, min_people: 3, scoring }
    }
}

/// The judge against one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AltPerson {
    /// Column of the matrix.
    pub person: usize,
    /// Units that the person, the judge and another person rated.
    pub units: usize,
    /// Share of them on which the judge is at least as close to the others.
    pub advantage: f64,
    /// The same of the person.
    pub own: f64,
    /// One-sided p of mean(W_person - W_judge) < epsilon.
    pub p: f64,
    /// After Benjamini and Yekutieli; the judge wins where it is at most q.
    pub adjusted: f64,
    /// Does it?
    pub beaten: bool,
}

/// Outcome of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AltTest {
    /// What was asked.
    pub spec: AltTestSpec,
    /// Units with the judge and two people or more.
    pub units: usize,
    /// The persons tested, by column.
    pub people: Vec<AltPerson>,
    /// Columns left out for want of units, with the units they have.
    pub left_out: Vec<(usize, usize)>,
    /// Share of the persons tested that the judge beats.
    pub winning_rate: f64,
    /// Mean over persons of the share of units on which the judge is at least as close: the
    /// authors' rho, by which judges are compared with each other.
    pub advantage: f64,
    /// Winning rate of one half or more.
    pub passes: bool,
}

/// Runs the test. `people[unit][person]` with gaps; `judge[unit]` with gaps.
///
/// # Errors
/// Sides of different lengths, a score not finite, epsilon or q outside their ranges, fewer people
/// with enough units than asked for.
pub fn alternative_annotator(
    people: &[Vec<Option<f64>>],
    judge: &[Option<f64>],
    spec: &AltTestSpec,
) -> Result<AltTest, Undefined> {
    check(people, judge, spec)?;
    let usable =
        |u: usize| judge[u].is_some() && people[u].iter().filter(|s| s.is_some()).nth(1).is_some();
    let units: Vec<usize> = (0..people.len()).filter(|u| usable(*u)).collect();
    let columns = people.first().map_or(0, Vec::len);
    let (mut tested, mut left_out) = (Vec::new(), Vec::new());
    for person in 0..columns {
        let differences = against(people, judge, &units, person, spec.scoring);
        if differences.len() < spec.min_units.max(1) {
            left_out.push((person, differences.len()));
            continue;
        }
        let n = differences.len() as f64;
        let share =
            |w: fn(&(bool, bool)) -> bool| differences.iter().filter(|d| w(d)).count() as f64 / n;
        tested.push(AltPerson {
            person,
            units: differences.len(),
            advantage: share(|d| d.1),
            own: share(|d| d.0),
            p: p_value(&differences, spec.epsilon)?,
            adjusted: 1.0,
            beaten: false,
        });
    }
    if tested.len() < spec.min_people.max(1) {
        return Err(Undefined::TooFew {
            unit: "people with enough items that the judge and another person rated too",
            have: tested.len(),
            need: spec.min_people.max(1),
        });
    }
    let p: Vec<f64> = tested.iter().map(|t| t.p).collect();
    for (person, adjusted) in tested.iter_mut().zip(benjamini_yekutieli(&p)?) {
        person.adjusted = adjusted;
        person.beaten = adjusted <= spec.q;
    }
    let n = tested.len() as f64;
    let winning_rate = tested.iter().filter(|t| t.beaten).count() as f64 / n;
    Ok(AltTest {
        spec: *spec,
        units: units.len(),
        advantage: tested.iter().map(|t| t.advantage).sum::<f64>() / n,
        people: tested,
        left_out,
        winning_rate,
        passes: winning_rate >= 0.5,
    })
}

/// Who is at least as close, unit by unit: (the person, the judge).
fn against(
    people: &[Vec<Option<f64>>],
    judge: &[Option<f64>],
    units: &[usize],
    person: usize,
    scoring: Scoring,
) -> Vec<(bool, bool)> {
    units
        .iter()
        .filter_map(|u| {
            let (own, judged) = (people[*u][person]?, judge[*u]?);
            let others: Vec<f64> = (people[*u].iter().enumerate())
                .filter(|(p, _)| *p != person)
                .filter_map(|(_, s)| *s)
                .collect();
            let (own, judged) = (scoring.of(own, &others), scoring.of(judged, &others));
            Some((own >= judged, judged >= own))
        })
        .collect()
}

fn p_value(differences: &[(bool, bool)], epsilon: f64) -> Result<f64, Undefined> {
    let d: Vec<f64> = differences.iter().map(|(p, j)| f64::from(*p) - f64::from(*j)).collect();
    match mean_below(&d, epsilon) {
        Ok(test) => Ok(test.p),
        // no variance: the mean is the value itself, and the statistic is infinite
        Err(Undefined::NoVariance | Undefined::TooFew { .. }) if d.iter().all(|x| *x == d[0]) => {
            Ok(if d.len() > 1 && d[0] < epsilon { 0.0 } else { 1.0 })
        }
        Err(other) => Err(other),
    }
}

fn check(
    people: &[Vec<Option<f64>>],
    judge: &[Option<f64>],
    spec: &AltTestSpec,
) -> Result<(), Undefined> {
    Undefined::unless_parallel(people.len(), judge.len())?;
    let columns = people.first().map_or(0, Vec::len);
    for row in people {
        Undefined::unless_parallel(columns, row.len())?;
    }
    let all: Vec<f64> = people.iter().flatten().chain(judge).filter_map(|s| *s).collect();
    Undefined::unless_finite(&all)?;
    let bad = |what, value: f64, expected| {
        Err(Undefined::BadParameter { what, value: value.to_string(), expected })
    };
    if !(0.0..=1.0).contains(&spec.epsilon) {
        return bad("epsilon", spec.epsilon, "a number from 0 to 1: 0.2 experts, 0.1 a crowd");
    }
    if !(spec.q > 0.0 && spec.q < 1.0) {
        return bad("q", spec.q, "a number between 0 and 1, such as 0.05");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
