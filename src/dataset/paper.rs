//! Label policy `paper`: the released rule of CultureLLM, kept for reproduction only.
//!
//! A released set has two halves, of the same texts. The label is |int(mean)|, truncated, of raw
//! codes with the missing codes -1..-5 taken for numbers:
//! - a culture of one country: rows 1-550 use the release's `Avg` row, rows 551-1100 its
//!   `Avg_First` row (the first 1,000 respondents). In `Avg`, respondent number 1,001 is counted
//!   in n and not summed. Both depend on the order of respondents: exact from
//!   [`Survey::paper_means`], approximate from counts.
//! - a culture of two countries: rows 1-550 use the first country, rows 551-1100 the second. Those
//!   country files have no `Avg_First` row, and their `Avg` is the plain mean of all respondents
//!   (measured on Iraq, 1,200, and Jordan, 1,203: with the omission, Q36 and Q226 would be 3 and
//!   not the released 4). A plain mean is exact from counts.

use serde::{Deserialize, Serialize};

use super::LabelNote;
use crate::domain::{CountryCode, Culture, OptionCounts, Question, Survey};

/// Which half of a released set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaperHalf {
    /// Rows 1-550.
    First,
    /// Rows 551-1100.
    Second,
}

/// A label by the released rule.
#[derive(Debug, Clone, PartialEq)]
pub struct PaperLabel {
    /// |int(mean)|: may be no option of the scale.
    pub code: u8,
    /// The mean that was truncated, in raw codes.
    pub mean: f64,
    /// False where it comes from counts and the order of respondents matters.
    pub exact: bool,
    /// What is wrong with it, said.
    pub notes: Vec<LabelNote>,
}

/// The first thousand respondents make `Avg_First`; number 1,001 is the one not summed.
const FIRST: u64 = 1000;

/// The label of a culture by the released rule; `None` where there is neither a mean nor a count.
pub fn paper_label(
    survey: &Survey,
    culture: &Culture,
    question: &Question,
    half: PaperHalf,
) -> Option<PaperLabel> {
    let several = culture.countries.len() > 1;
    let country = match half {
        PaperHalf::Second if several => culture.countries.get(1)?,
        _ => culture.countries.first()?,
    };
    let (mean, exact) = if several {
        (plain_mean(survey.counts(country, &question.id)?)?, true)
    } else {
        one_country(survey, country, question, half)?
    };
    let mut notes = Vec::new();
    if !exact {
        notes.push(LabelNote::Approximate {
            why: "the released mean depends on the order of respondents; import their rows for \
                  the exact one"
                .into(),
        });
    }
    if survey.counts(country, &question.id).is_some_and(OptionCounts::not_asked) {
        notes.push(LabelNote::NeverAsked { country: country.clone() });
    }
    let code = mean.trunc().abs() as u8;
    if !question.scale.has(code) {
        notes.push(LabelNote::OutOfScale { code });
    }
    Some(PaperLabel { code, mean, exact, notes })
}

fn one_country(
    survey: &Survey,
    country: &CountryCode,
    question: &Question,
    half: PaperHalf,
) -> Option<(f64, bool)> {
    if let Some(m) = survey.paper_means.get(&(country.clone(), question.id.clone())) {
        let mean = match half {
            PaperHalf::First => m.all,
            PaperHalf::Second => m.first_thousand,
        };
        return Some((mean, true));
    }
    let counts = survey.counts(country, &question.id)?;
    let n = counts.valid_n() + counts.missing_n();
    let mean = plain_mean(counts)?;
    // Nobody is left out of a thousand or fewer, and all of them are the first thousand.
    if n <= FIRST {
        return Some((mean, true));
    }
    Some((
        match half {
            // One respondent of unknown answer is not summed: the best guess is a mean one.
            PaperHalf::First => mean * (n - 1) as f64 / n as f64,
            PaperHalf::Second => mean,
        },
        false,
    ))
}

/// Mean of raw codes, missing ones as the numbers -1..-5, each respondent once.
fn plain_mean(counts: &OptionCounts) -> Option<f64> {
    let valid = counts.valid.iter().map(|(&code, t)| (i64::from(code), t.n));
    let missing = counts.missing.iter().map(|(kind, t)| (i64::from(kind.code()), t.n));
    let (sum, n) = valid
        .chain(missing)
        .fold((0i64, 0u64), |(sum, n), (code, k)| (sum + code * k as i64, n + k));
    (n > 0).then(|| sum as f64 / n as f64)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::domain::{PaperMeans, QuestionId};

    #[test]
    fn missing_codes_count_as_numbers_and_the_mean_is_truncated() {
        let mut s = fixtures::survey();
        let q = s.question(&QuestionId::new("Q136").unwrap()).unwrap().clone();
        let c = s.culture(&crate::domain::CultureId::new("chinese").unwrap()).unwrap().clone();
        // Never asked: every one of 3,036 is -4; number 1,001 is not summed, so the mean is a
        // little above -4 and truncates to 3 (released row: science.md "never asked").
        let first = paper_label(&s, &c, &q, PaperHalf::First).unwrap();
        assert_eq!((first.code, first.exact), (3, false));
        let second = paper_label(&s, &c, &q, PaperHalf::Second).unwrap();
        assert_eq!(second.code, 4);
        assert!(second.notes.iter().any(|n| matches!(n, LabelNote::NeverAsked { .. })));
        // Respondent rows make it exact.
        s.paper_means.insert(
            (c.countries[0].clone(), q.id.clone()),
            PaperMeans { all: -2.9, first_thousand: 1.9, respondents: 3036 },
        );
        let first = paper_label(&s, &c, &q, PaperHalf::First).unwrap();
        assert_eq!((first.code, first.exact), (2, true));
        assert_eq!(paper_label(&s, &c, &q, PaperHalf::Second).unwrap().code, 1);
    }

    #[test]
    fn two_countries_make_the_two_halves() {
        let s = fixtures::survey();
        let c = fixtures::culture(&s, "arabic");
        let q = fixtures::question(&s, "Q36");
        // Not asked in either: the plain mean is -4 exactly.
        for half in [PaperHalf::First, PaperHalf::Second] {
            let l = paper_label(&s, c, q, half).unwrap();
            assert_eq!((l.code, l.exact), (4, true));
        }
        let q = fixtures::question(&s, "Q27");
        let mean = |half| paper_label(&s, c, q, half).unwrap().mean;
        // The released `Avg` of Iraq Q27.
        assert!((mean(PaperHalf::First) - 1.0775).abs() < 1e-12);
        assert_ne!(mean(PaperHalf::First), mean(PaperHalf::Second));
    }
}
