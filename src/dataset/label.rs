//! Label policies: how a culture's answers to a question become what a model should say.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::paper::{PaperHalf, paper_label};
use crate::domain::{
    Cell, CellFlag, CountryCode, Culture, CultureId, Distribution, LabelPolicy, Question,
    QuestionId, Scale, ScaleKind, Survey, Target,
};

/// A label of one culture and question.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// What the model should answer.
    pub target: Target,
    /// Respondents behind it (Kish's effective n); 0 where unknown.
    pub effective_n: f64,
    /// What a reader must know.
    pub notes: Vec<LabelNote>,
}

/// Something about a label that is said and never hidden.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum LabelNote {
    /// Several codes were equally right; the chosen one is the lowest (half up for means).
    Tie {
        /// All of them.
        codes: Vec<u8>,
        /// The one taken.
        chosen: u8,
    },
    /// The culture's mean is over some of its countries only.
    Countries {
        /// Those that answered.
        with: Vec<CountryCode>,
        /// Those that did not, or had another form of the scale.
        without: Vec<CountryCode>,
    },
    /// A country's cell carries a flag.
    Flag {
        /// The country.
        country: CountryCode,
        /// Its flag.
        flag: CellFlag,
    },
    /// Policy `paper` from counts: the order of respondents is not known.
    Approximate {
        /// Why.
        why: String,
    },
    /// Policy `paper` made this label from "not asked" codes, as the release did.
    NeverAsked {
        /// The country.
        country: CountryCode,
    },
    /// Policy `paper` made a label that is no option of the scale, as the release did.
    OutOfScale {
        /// The label.
        code: u8,
    },
}

impl fmt::Display for LabelNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join =
            |c: &[CountryCode]| c.iter().map(CountryCode::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::Tie { codes, chosen } => write!(f, "codes {codes:?} tie; {chosen} taken"),
            Self::Countries { with, without } => {
                write!(f, "from {} only; nothing from {}", join(with), join(without))
            }
            Self::Flag { country, flag } => match flag {
                CellFlag::OptionNotOffered { codes } => {
                    write!(f, "{country}: codes {codes:?} were not offered")
                }
                CellFlag::OffScale { codes } => {
                    write!(f, "{country}: codes {codes:?} are not on the scale and do not count")
                }
                CellFlag::Outlier { code, share, median_elsewhere } => write!(
                    f,
                    "{country}: outlier, {:.0} % chose {code}, elsewhere {:.0} %",
                    share * 100.0,
                    median_elsewhere * 100.0
                ),
            },
            Self::Approximate { why } => write!(f, "approximate: {why}"),
            Self::NeverAsked { country } => {
                write!(f, "never asked in {country}: the label is a missing code, as released")
            }
            Self::OutOfScale { code } => {
                write!(f, "{code} is no option of the scale: a missing code, as released")
            }
        }
    }
}

/// Why a culture has no label for a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum Refusal {
    /// The question was not asked in any of its countries.
    NotAsked,
    /// Asked, and nobody gave a valid answer.
    AllMissing,
    /// No data was imported.
    NoData,
    /// There is no text of it in the language wanted.
    NoText {
        /// The language.
        language: String,
    },
    /// Options at the ends of the scale were not offered: they are not zeros.
    OptionNotOffered {
        /// Those codes.
        codes: Vec<u8>,
    },
    /// The policy needs an order, and the options have none.
    NoOrder {
        /// The policy.
        policy: LabelPolicy,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked"),
            Self::AllMissing => f.write_str("asked, and nobody gave a valid answer"),
            Self::NoData => f.write_str("no data imported"),
            Self::NoText { language } => write!(
                f,
                "no text in `{language}`: `polyculture translate --to {language}` makes one"
            ),
            Self::OptionNotOffered { codes } => write!(f, "options {codes:?} were not offered"),
            Self::NoOrder { policy } => write!(
                f,
                "policy `{}` needs ordered options, and these are names only",
                policy.as_str()
            ),
        }
    }
}

/// A culture and question without a label. Listed, never trained as zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The culture; `None` for the mixture of all.
    pub culture: Option<CultureId>,
    /// The question.
    pub question: QuestionId,
    /// Why.
    pub reason: Refusal,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let culture = self.culture.as_ref().map_or("all cultures", CultureId::as_str);
        write!(f, "{} in {culture}: {}", self.question, self.reason)
    }
}

/// The labels of a culture for a question: one, or for policy `paper` the two of the release
/// (rows 1-550 and rows 551-1100 of a released set).
///
/// # Errors
/// The culture has no answers that may be used, and why.
pub fn labels(
    survey: &Survey,
    culture: &Culture,
    question: &Question,
    policy: LabelPolicy,
) -> Result<Vec<Label>, Refused> {
    let refuse = |reason| Refused {
        culture: Some(culture.id.clone()),
        question: question.id.clone(),
        reason,
    };
    if policy == LabelPolicy::Paper {
        let n: u64 = culture
            .countries
            .iter()
            .filter_map(|c| survey.counts(c, &question.id))
            .map(crate::domain::OptionCounts::valid_n)
            .sum();
        return [PaperHalf::First, PaperHalf::Second]
            .into_iter()
            .map(|half| {
                let p = paper_label(survey, culture, question, half)
                    .ok_or_else(|| refuse(Refusal::NoData))?;
                Ok(Label { target: Target::Hard(p.code), effective_n: n as f64, notes: p.notes })
            })
            .collect();
    }
    let Some(cell) = survey.culture_cell(culture, question) else {
        return Err(refuse(why_no_answer(survey, culture, question)));
    };
    if let Some(codes) = cell.flags.iter().find_map(|(_, f)| match f {
        CellFlag::OptionNotOffered { codes } => Some(codes.clone()),
        _ => None,
    }) {
        return Err(refuse(Refusal::OptionNotOffered { codes }));
    }
    let (target, mut notes) =
        target(&cell.distribution, &question.scale, policy).map_err(refuse)?;
    if !cell.without.is_empty() {
        notes.push(LabelNote::Countries { with: cell.countries, without: cell.without });
    }
    notes.extend(cell.flags.into_iter().map(|(country, flag)| LabelNote::Flag { country, flag }));
    Ok(vec![Label { target, effective_n: cell.effective_n, notes }])
}

/// The strongest statement that holds for all countries of a culture without any answer.
fn why_no_answer(survey: &Survey, culture: &Culture, question: &Question) -> Refusal {
    let cells: Vec<Cell> = culture.countries.iter().map(|c| survey.cell(c, question)).collect();
    if cells.iter().any(|c| matches!(c, Cell::AllMissing { .. })) {
        Refusal::AllMissing
    } else if cells.contains(&Cell::NotAsked) {
        Refusal::NotAsked
    } else {
        Refusal::NoData
    }
}

/// A distribution turned into a target. Ties are said in the notes.
///
/// # Errors
/// `rounded-mean` and `median` over a nominal scale; `paper`, which needs raw means.
pub fn target(
    d: &Distribution,
    scale: &Scale,
    policy: LabelPolicy,
) -> Result<(Target, Vec<LabelNote>), Refusal> {
    let codes = scale.codes();
    if scale.kind() == ScaleKind::Nominal
        && matches!(policy, LabelPolicy::RoundedMean | LabelPolicy::Median)
    {
        return Err(Refusal::NoOrder { policy });
    }
    let hard = |chosen: u8, tied: Vec<u8>| {
        let notes =
            if tied.len() > 1 { vec![LabelNote::Tie { codes: tied, chosen }] } else { Vec::new() };
        Ok((Target::Hard(chosen), notes))
    };
    match policy {
        LabelPolicy::Distribution => Ok((Target::Soft(d.clone()), Vec::new())),
        LabelPolicy::Mode => {
            let tied: Vec<u8> = d.modes().into_iter().map(|r| codes[r]).collect();
            hard(tied[0], tied)
        }
        LabelPolicy::RoundedMean => {
            let mean: f64 = codes.iter().zip(d.shares()).map(|(&c, p)| f64::from(c) * p).sum();
            // The nearest option; half way goes up (round half up), also on scales with gaps.
            let gap = |c: u8| (f64::from(c) - mean).abs();
            let least = codes.iter().map(|&c| gap(c)).fold(f64::INFINITY, f64::min);
            let tied: Vec<u8> = codes.iter().copied().filter(|&c| gap(c) - least < 1e-9).collect();
            hard(tied[tied.len() - 1], tied)
        }
        LabelPolicy::Median => {
            let mut below = 0.0;
            let mut at = codes.len() - 1;
            for (r, p) in d.shares().iter().enumerate() {
                below += p;
                if below >= 0.5 - 1e-12 {
                    at = r;
                    break;
                }
            }
            // Exactly half below: every code up to the next used one is a median.
            let next = if (below - 0.5).abs() < 1e-12 {
                (at + 1..codes.len()).find(|&r| d.shares()[r] > 0.0).unwrap_or(at)
            } else {
                at
            };
            hard(codes[at], codes[at..=next].to_vec())
        }
        LabelPolicy::Paper => Err(Refusal::NoData),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    fn d(w: &[f64]) -> Distribution {
        Distribution::from_weights(w).unwrap()
    }

    #[test]
    fn a_policy_says_its_ties() {
        let scale = fixtures::scale(&[1, 2, 3, 4]);
        for (w, policy, code, ties) in [
            ([4.0, 3.0, 2.0, 1.0], LabelPolicy::Mode, 1, 0),
            ([3.0, 1.0, 3.0, 1.0], LabelPolicy::Mode, 1, 2),
            // mean 2.0 of ([1,2,3,4] x weights)
            ([4.0, 3.0, 2.0, 1.0], LabelPolicy::RoundedMean, 2, 0),
            // mean 1.5: half up
            ([1.0, 1.0, 0.0, 0.0], LabelPolicy::RoundedMean, 2, 2),
            ([4.0, 3.0, 2.0, 1.0], LabelPolicy::Median, 2, 0),
            // half of the people are at or below 1, the other half at 4
            ([1.0, 0.0, 0.0, 1.0], LabelPolicy::Median, 1, 4),
        ] {
            let (target, notes) = target(&d(&w), &scale, policy).unwrap();
            assert_eq!(target, Target::Hard(code), "{policy:?} of {w:?}");
            let said = notes.iter().map(|n| match n {
                LabelNote::Tie { codes, .. } => codes.len(),
                _ => 0,
            });
            assert_eq!(said.sum::<usize>(), ties, "{policy:?} of {w:?}");
        }
    }

    #[test]
    fn names_have_no_mean_and_no_median() {
        let scale = fixtures::nominal(&[1, 2, 3]);
        for policy in [LabelPolicy::RoundedMean, LabelPolicy::Median] {
            assert_eq!(
                target(&d(&[1.0, 1.0, 2.0]), &scale, policy),
                Err(Refusal::NoOrder { policy })
            );
        }
        assert_eq!(
            target(&d(&[1.0, 1.0, 2.0]), &scale, LabelPolicy::Mode).unwrap().0,
            Target::Hard(3)
        );
    }

    #[test]
    fn what_was_never_asked_or_not_offered_is_refused_and_never_zero() {
        let survey = fixtures::survey();
        let refused = |culture: &str, question: &str| {
            labels(
                &survey,
                fixtures::culture(&survey, culture),
                fixtures::question(&survey, question),
                LabelPolicy::Distribution,
            )
            .map(|l| l.len())
            .map_err(|r| r.reason)
        };
        let n = survey
            .questions
            .iter()
            .filter(|q| refused("chinese", q.id.as_str()) == Err(Refusal::NotAsked))
            .count();
        assert_eq!(n, 18, "science: China was never asked 18 of 50");
        assert_eq!(refused("arabic", "Q36"), Err(Refusal::NotAsked));
        assert_eq!(
            refused("portuguese", "Q33"),
            Err(Refusal::OptionNotOffered { codes: vec![1, 5] })
        );
        // Mexico alone speaks for Spanish where Argentina's form was short.
        let l = labels(
            &survey,
            fixtures::culture(&survey, "spanish"),
            fixtures::question(&survey, "Q33"),
            LabelPolicy::Distribution,
        )
        .unwrap();
        assert!(l[0].notes.iter().any(|n| matches!(n, LabelNote::Countries { with, .. }
            if with.iter().map(CountryCode::as_str).eq(["MEX"]))));
    }

    #[test]
    fn an_outlier_is_said_beside_its_label() {
        let survey = fixtures::survey();
        let l = labels(
            &survey,
            fixtures::culture(&survey, "arabic"),
            fixtures::question(&survey, "Q128"),
            LabelPolicy::Mode,
        )
        .unwrap();
        assert!(
            l[0].notes.iter().any(|n| n.to_string().contains("outlier, 82 %")),
            "science: Iraq Q128, 82 % hard to say; got {:?}",
            l[0].notes
        );
    }
}
