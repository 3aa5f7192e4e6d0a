//! Splits: which questions and countries training never sees, and the texts of the test sets.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{DatasetError, largest_remainder};
use crate::domain::{
    CountryCode, Culture, CultureId, Decision, Distribution, Question, QuestionId, Sample, Split,
    Survey, TestText,
};

/// Chooses `n` questions to hold out, stratified by topic and answer options, the same for the
/// same seed. Of every stratum at least one question stays in training, so that the held-out ones
/// have a trained neighbour with their scale. Returned in the order of the survey.
///
/// # Errors
/// More are wanted than the strata can give.
pub fn held_out_questions(
    survey: &Survey,
    n: usize,
    seed: u64,
) -> Result<Vec<QuestionId>, DatasetError> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let mut strata: BTreeMap<String, Vec<&QuestionId>> = BTreeMap::new();
    for q in &survey.questions {
        strata.entry(stratum(q)).or_default().push(&q.id);
    }
    let can_give: usize = strata.values().map(|s| s.len() - 1).sum();
    if n > can_give {
        return Err(DatasetError::BadSpec(format!(
            "{n} questions cannot be held out: with one of each topic and scale left in training, \
             at most {can_give} of {} can",
            survey.questions.len()
        )));
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut room: Vec<usize> = strata.values().map(|s| s.len() - 1).collect();
    let mut take = vec![0usize; room.len()];
    // In proportion to what each stratum can give; what is then cut off is given out again.
    let mut left = n;
    while left > 0 {
        let weights: Vec<f64> = room.iter().map(|&r| r as f64).collect();
        let Ok(shares) = padded(&weights) else { break };
        let wanted = largest_remainder(&shares, u32::try_from(left).unwrap_or(u32::MAX));
        for (i, r) in room.iter_mut().enumerate() {
            let k = (wanted[i] as usize).min(*r).min(left);
            take[i] += k;
            *r -= k;
            left -= k;
        }
    }
    let mut chosen: BTreeSet<&QuestionId> = BTreeSet::new();
    for (ids, &k) in strata.values().zip(&take) {
        let mut ids = ids.clone();
        shuffle(&mut ids, &mut rng);
        chosen.extend(ids.into_iter().take(k));
    }
    Ok(survey.questions.iter().map(|q| &q.id).filter(|id| chosen.contains(id)).cloned().collect())
}

/// Weights as shares; a single stratum gets an empty second one, as a distribution needs two.
fn padded(weights: &[f64]) -> Result<Distribution, crate::domain::DomainError> {
    let mut w = weights.to_vec();
    if w.len() < 2 {
        w.push(0.0);
    }
    Distribution::from_weights(&w)
}

fn stratum(q: &Question) -> String {
    let mut key = q.topic.0.clone();
    for o in q.scale.codes() {
        key.push('\u{1f}');
        key.push_str(&o.to_string());
        key.push_str(q.scale.label(*o).unwrap_or_default());
    }
    key
}

/// Fisher-Yates with the high bits of a 64-bit product: the same on every platform.
fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for i in (1..items.len()).rev() {
        let j = ((u128::from(rng.next_u64()) * (i as u128 + 1)) >> 64) as usize;
        items.swap(i, j);
    }
}

/// A survey without some countries: cultures are pooled again without them, and a culture that
/// loses its last country is gone.
#[must_use]
pub fn without_countries(survey: &Survey, countries: &[CountryCode]) -> Survey {
    let mut s = survey.clone();
    for culture in &mut s.cultures {
        culture.countries.retain(|c| !countries.contains(c));
    }
    s.cultures.retain(|c| !c.countries.is_empty());
    s.counts.retain(|(c, _), _| !countries.contains(c));
    s.paper_means.retain(|(c, _), _| !countries.contains(c));
    s
}

/// A country held out: what to train on, and what to score against.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOutCountry {
    /// The survey without the country.
    pub training: Survey,
    /// The whole survey, with the country as a culture of its own beside the pooled ones (which
    /// are worked out again without it).
    pub test: Survey,
    /// That culture.
    pub culture: CultureId,
}

/// Holds one country out.
///
/// # Errors
/// No culture of the survey has this country.
pub fn hold_out_country(
    survey: &Survey,
    country: &CountryCode,
) -> Result<HeldOutCountry, DatasetError> {
    let owner =
        survey.cultures.iter().find(|c| c.countries.contains(country)).ok_or_else(|| {
            DatasetError::Unknown {
                what: "country",
                name: country.to_string(),
                known: survey
                    .cultures
                    .iter()
                    .flat_map(|c| c.countries.iter().map(CountryCode::as_str))
                    .collect::<Vec<_>>()
                    .join(", "),
            }
        })?;
    let id = format!("{}-{}", owner.id, country.as_str().to_lowercase());
    let culture = CultureId::new(id).map_err(|e| DatasetError::BadSpec(e.to_string()))?;
    let training = without_countries(survey, std::slice::from_ref(country));
    let mut test = training.clone();
    // Counts of the country come back for scoring; no pooled culture holds it any more.
    test.counts = survey.counts.clone();
    test.cultures.push(Culture {
        id: culture.clone(),
        countries: vec![country.clone()],
        ..owner.clone()
    });
    Ok(HeldOutCountry { training, test, culture })
}

/// The fixed test texts of all arms: the seeds' own wording, the held-out paraphrases (kept
/// samples of the held-out augmentation run, at most `per_question`, in the order of their ids,
/// which are hashes), and the held-out questions in every wording.
pub fn test_texts(
    survey: &Survey,
    held_out_samples: &[Sample],
    held_out_questions: &[QuestionId],
    per_question: usize,
) -> Vec<TestText> {
    let mut out = Vec::new();
    for q in &survey.questions {
        let held = held_out_questions.contains(&q.id);
        out.push(TestText {
            text_id: q.id.to_string(),
            question: q.id.clone(),
            family: "seed".into(),
            split: if held { Split::HeldOutQuestion } else { Split::SeedWording },
            text: q.text.clone(),
        });
        let mut samples: Vec<&Sample> = held_out_samples
            .iter()
            .filter(|s| s.seed == q.id && s.decision == Decision::Kept)
            .collect();
        samples.sort_by(|a, b| a.id.cmp(&b.id));
        out.extend(samples.into_iter().take(per_question).map(|s| TestText {
            text_id: s.id.to_string(),
            question: q.id.clone(),
            family: s.provenance.family.clone().unwrap_or_else(|| "unknown".into()),
            split: if held { Split::HeldOutQuestion } else { Split::HeldOutParaphrase },
            text: s.text.clone(),
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    #[test]
    fn more_questions_than_the_strata_can_give_are_refused() {
        let s = fixtures::survey();
        assert!(held_out_questions(&s, 50, 1).is_err());
        assert!(held_out_questions(&s, 0, 1).unwrap().is_empty());
        // 8 strata of the sample survey: one question of each stays.
        assert_eq!(held_out_questions(&s, 42, 1).unwrap().len(), 42);
        assert!(held_out_questions(&s, 43, 1).is_err());
    }

    #[test]
    fn held_out_questions_are_spread_over_topics_and_repeat_with_their_seed() {
        let s = fixtures::survey();
        let a = held_out_questions(&s, 10, 7).unwrap();
        assert_eq!(a, held_out_questions(&s, 10, 7).unwrap());
        assert_ne!(a, held_out_questions(&s, 10, 8).unwrap());
        assert_eq!(a.len(), 10);
        let topics: BTreeSet<_> =
            a.iter().map(|id| s.question(id).unwrap().topic.clone()).collect();
        assert!(topics.len() >= 5, "{topics:?}");
        // a stratum of one question would never be emptied; here: two in religion, at most one out
        assert!(a.iter().filter(|q| ["Q169", "Q170"].contains(&q.as_str())).count() <= 1);
    }

    #[test]
    fn a_held_out_country_leaves_its_culture() {
        let s = fixtures::survey();
        let jordan = CountryCode::new("JOR").unwrap();
        let h = hold_out_country(&s, &jordan).unwrap();
        assert_eq!(fixtures::culture(&h.training, "arabic").countries.len(), 1);
        assert!(h.training.counts.keys().all(|(c, _)| c != &jordan));
        assert_eq!(h.test.culture(&h.culture).unwrap().countries, [jordan]);
        let q = fixtures::question(&s, "Q27");
        let pooled = |s: &Survey| s.culture_cell(fixtures::culture(s, "arabic"), q).unwrap();
        assert_ne!(pooled(&s).distribution, pooled(&h.test).distribution);
        assert_eq!(pooled(&h.test).countries.len(), 1);
        assert!(hold_out_country(&s, &CountryCode::new("FRA").unwrap()).is_err());
    }
}
