//! Practice before the first pair: a few worked pairs with feedback. What a rater gave is stored
//! and shown to the researcher; it shuts nobody out, and after the second round the study begins
//! whatever came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::pairs::Example;
use crate::domain::{RaterId, StudyId};
use crate::store::{Practice, Reader};

/// At most so many rounds; the second asks only what was far off in the first.
pub const ROUNDS: u32 = 2;

/// How near an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nearness {
    /// The score of the guideline.
    Right,
    /// One beside it.
    Near,
    /// Further off.
    Far,
}

/// How near `given` came to the score expected.
pub fn nearness(given: u8, expected: u8) -> Nearness {
    match given.abs_diff(expected) {
        0 => Nearness::Right,
        1 => Nearness::Near,
        _ => Nearness::Far,
    }
}

/// The name of the `i`th pair of practice, from 0.
pub fn practice_name(i: usize) -> String {
    format!("p{}", i + 1)
}

/// What is asked next, as round and index; `None` where practice is over. Answers are this rater's,
/// in order: a session that was cut off goes on where it was.
pub fn practice_next(pairs: &[Example], answers: &[Practice]) -> Option<(u32, usize)> {
    let given = |round: u32, i: usize| {
        answers.iter().find(|a| a.round == round && a.item == practice_name(i))
    };
    for round in 1..=ROUNDS {
        for (i, pair) in pairs.iter().enumerate() {
            let asked = round == 1
                || given(round - 1, i)
                    .is_some_and(|a| nearness(a.given.get(), pair.score) == Nearness::Far);
            if asked && given(round, i).is_none() {
                return Some((round, i));
            }
        }
    }
    None
}

/// What came of a rater's practice, for the researcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualificationResult {
    /// Who.
    pub rater: RaterId,
    /// Rounds begun.
    pub rounds: u32,
    /// Pairs answered in the first round.
    pub asked: usize,
    /// Of them with the score expected.
    pub right: usize,
    /// One beside it.
    pub near: usize,
    /// Further off.
    pub far: usize,
    /// Of those far off, how many were right or near in the last round.
    pub mended: usize,
}

/// The practice of all raters of a study who did any, by name.
///
/// # Errors
/// The database cannot be read.
pub fn qualifications(
    reader: Reader<'_>,
    study: &StudyId,
) -> Result<Vec<QualificationResult>, StudyError> {
    let mut by: BTreeMap<RaterId, Vec<Practice>> = BTreeMap::new();
    for answer in reader.practice(study)? {
        by.entry(answer.rater.clone()).or_default().push(answer);
    }
    let near = |p: &Practice| {
        let (given, lo, hi) = (p.given.get(), p.expected.0.get(), p.expected.1.get());
        if (lo..=hi).contains(&given) {
            Nearness::Right
        } else {
            nearness(given, if given < lo { lo } else { hi })
        }
    };
    let result = |(rater, answers): (RaterId, Vec<Practice>)| {
        let first: Vec<&Practice> = answers.iter().filter(|a| a.round == 1).collect();
        let count = |n: Nearness| first.iter().filter(|a| near(a) == n).count();
        QualificationResult {
            rounds: answers.iter().map(|a| a.round).max().unwrap_or(0),
            asked: first.len(),
            right: count(Nearness::Right),
            near: count(Nearness::Near),
            far: count(Nearness::Far),
            mended: answers.iter().filter(|a| a.round > 1 && near(a) != Nearness::Far).count(),
            rater,
        }
    };
    Ok(by.into_iter().map(result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Score;

    fn pair(score: u8) -> Example {
        Example {
            score,
            context: None,
            left: "a".into(),
            right: "b".into(),
            why: "c".into(),
            practice: true,
        }
    }

    fn answer(round: u32, i: usize, given: u8, expected: u8) -> Practice {
        let score = |n| Score::new(n).unwrap();
        Practice {
            uuid: uuid::Uuid::now_v7(),
            rater: RaterId::new("r1").unwrap(),
            round,
            item: practice_name(i),
            given: score(given),
            expected: (score(expected), score(expected)),
        }
    }

    #[test]
    fn the_second_round_asks_what_was_far_off_and_there_is_no_third() {
        let pairs = [pair(5), pair(3), pair(1)];
        assert_eq!(practice_next(&[], &[]), None);
        assert_eq!(practice_next(&pairs, &[]), Some((1, 0)));
        let mut answers = vec![answer(1, 0, 4, 5), answer(1, 1, 5, 3)];
        // cut off here, it goes on here
        assert_eq!(practice_next(&pairs, &answers), Some((1, 2)));
        answers.push(answer(1, 2, 1, 1));
        assert_eq!(practice_next(&pairs, &answers), Some((2, 1)), "near is no second round");
        answers.push(answer(2, 1, 1, 3));
        assert_eq!(practice_next(&pairs, &answers), None, "far again, and still it is over");
        let right = [answer(1, 0, 5, 5), answer(1, 1, 3, 3), answer(1, 2, 2, 1)];
        assert_eq!(practice_next(&pairs, &right), None);
    }
}
