//! Rows of the list of seeds.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::domain::{QuestionId, Survey};
use crate::seeds::Answers;
use crate::store::DecisionKind;
use crate::tui::widgets::Memory;

/// How many samples each seed has, by fate.
pub type Counts = Vec<(QuestionId, DecisionKind, u64)>;

/// One seed.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedRow {
    /// Its place in the survey.
    pub at: usize,
    /// Its id.
    pub id: QuestionId,
    /// Its topic.
    pub topic: String,
    /// Its wording.
    pub text: String,
    /// BCP 47 tag of the wording.
    pub language: String,
    /// Cultures with usable answers; `None` until they are worked out.
    pub cultures: Option<usize>,
    /// Samples that were kept.
    pub kept: u64,
    /// Samples in all.
    pub samples: u64,
}

/// Ways to sort.
const ORDERS: &[(&str, fn(&SeedRow, &SeedRow) -> Ordering)] = &[
    ("survey", |a, b| a.at.cmp(&b.at)),
    ("id", |a, b| natural(a.id.as_str()).cmp(&natural(b.id.as_str()))),
    ("topic", |a, b| a.topic.cmp(&b.topic).then(a.at.cmp(&b.at))),
    ("cultures", |a, b| b.cultures.cmp(&a.cultures).then(a.at.cmp(&b.at))),
    ("samples", |a, b| b.samples.cmp(&a.samples).then(a.at.cmp(&b.at))),
];

/// Letters, then the number: Q9 stands before Q10.
fn natural(id: &str) -> (&str, u64, &str) {
    let start = id.find(|c: char| c.is_ascii_digit()).unwrap_or(id.len());
    let digits = id[start..].find(|c: char| !c.is_ascii_digit()).map_or(id.len(), |n| start + n);
    (&id[..start], id[start..digits].parse().unwrap_or(0), &id[digits..])
}

/// An empty list.
pub fn list() -> Memory<SeedRow> {
    Memory::new(
        |r| r.id.as_str().to_owned(),
        |r| format!("{} {} {}", r.id, r.topic, r.text),
        ORDERS,
    )
}

/// The rows of a survey, with what is known so far.
pub fn rows(survey: &Survey, answers: Option<&Answers>, counts: Option<&Counts>) -> Vec<SeedRow> {
    let mut samples: HashMap<&QuestionId, (u64, u64)> = HashMap::new();
    for (seed, fate, n) in counts.into_iter().flatten() {
        let of = samples.entry(seed).or_default();
        of.1 += n;
        if *fate == DecisionKind::Kept {
            of.0 += n;
        }
    }
    // Answers of another state of the survey are found by id, not by place.
    let known: HashMap<&QuestionId, usize> =
        answers.into_iter().flat_map(|a| &a.questions).map(|q| (&q.id, q.answered())).collect();
    survey
        .questions
        .iter()
        .enumerate()
        .map(|(at, q)| {
            let (kept, all) = samples.get(&q.id).copied().unwrap_or_default();
            SeedRow {
                at,
                id: q.id.clone(),
                topic: q.topic.0.clone(),
                text: q.text.clone(),
                language: q.language.clone(),
                cultures: known.get(&q.id).copied(),
                kept,
                samples: all,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_people_count() {
        let mut ids = ["Q106", "Q27", "Q9b", "P5", "Q9"];
        ids.sort_by_key(|i| natural(i));
        assert_eq!(ids, ["P5", "Q9", "Q9b", "Q27", "Q106"]);
    }
}
