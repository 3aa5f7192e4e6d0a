//! Results by what items are of: culture, language, stage, run, provider, band of similarity. In each
//! group people come first, and beside them each judge on the items that both rated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::agreement::{AgreementReport, Figure, agreement_short};
use super::results::{Among, ratings};
use super::status::scripted_among;
use crate::domain::{ItemId, RaterId, StudyId, StudyType};
use crate::stats::Estimate;
use crate::stats::bootstrap::{Resampling, clustered_mean};
use crate::store::{RaterKind, RatingRow, Reader};

/// What tells the groups apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Culture of the item.
    Culture,
    /// Stage of the augmentation that grew the sample.
    Stage,
    /// The run that grew it.
    Run,
    /// Its provider.
    Provider,
    /// Band of the encoder's similarity with the seed, a twentieth wide.
    Band,
    /// Language.
    Language,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Culture, Self::Stage, Self::Run, Self::Provider, Self::Band, Self::Language];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Culture => "culture",
            Self::Stage => "stage",
            Self::Run => "run",
            Self::Provider => "provider",
            Self::Band => "band",
            Self::Language => "language",
        }
    }

    /// The group of a rating; `None` where the item does not say.
    pub fn of(self, row: &RatingRow) -> Option<String> {
        match self {
            Self::Culture => row.culture.as_ref().map(ToString::to_string),
            Self::Stage => row.origin.stage.map(|s| s.as_str().to_owned()),
            Self::Run => row.origin.run.clone(),
            Self::Provider => row.origin.provider.clone(),
            Self::Band => row.origin.similarity.map(band),
            Self::Language => Some(row.language.clone()),
        }
    }
}

impl std::str::FromStr for By {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|b| b.as_str() == s).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|b| b.as_str()).collect();
            format!("`{s}` is none of {}", all.join(", "))
        })
    }
}

/// `0.80 to 0.85`: the band of a similarity, its lower end in it.
fn band(similarity: f64) -> String {
    // 20 bands; the last holds 1 as well, and rounding must not move 0.85 into the band below
    let lower = ((similarity * 20.0 + 1e-9).floor() / 20.0).min(0.95);
    format!("{lower:.2} to {:.2}", lower + 0.05)
}

/// A judge beside people in one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeInGroup {
    /// The judge.
    pub judge: RaterId,
    /// Items of the group that it and people rated.
    pub items: usize,
    /// Mean of people on these items (of each item's mean).
    pub people: f64,
    /// Mean of the judge on them.
    pub mean: f64,
    /// Mean of (judge - mean of people) in points, interval over seeds.
    pub difference: Option<Estimate>,
    /// Share of these items on which the judge is at most one point from the mean of people.
    pub within_one: f64,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// `ko`, `sentence`, `0.80 to 0.85`; `(not said)` where the items do not say.
    pub name: String,
    /// Its figures among people; absent without a rating of theirs.
    pub agreement: Option<AgreementReport>,
    /// Judges.
    pub judges: Vec<JudgeInGroup>,
}

impl Group {
    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.agreement.as_ref().and_then(|a| a.figure(name))
    }
}

/// A study's results by groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    /// The study.
    pub study: StudyId,
    /// What it asks.
    pub study_type: StudyType,
    /// What tells groups apart.
    pub by: By,
    /// The groups, by name.
    pub groups: Vec<Group>,
    /// What a reader has to know before believing the numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Where an item does not say what group it is of.
const NOT_SAID: &str = "(not said)";

/// The results of a study by groups. Controls and repeats enter no estimate.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn results_by(
    reader: Reader<'_>,
    study: &StudyId,
    by: By,
    among: Among,
    draws: usize,
    seed: u64,
) -> Result<Groups, StudyError> {
    let study_type = reader.need_study(study)?.study_type;
    let rows = reader.current_ratings(study)?;
    let mut of: BTreeMap<String, Vec<&RatingRow>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.item_kind.enters_estimates() && r.score.is_some()) {
        of.entry(by.of(row).unwrap_or_else(|| NOT_SAID.to_owned())).or_default().push(row);
    }
    let how = Resampling { draws, seed, ..Resampling::default() };
    let groups = of
        .into_iter()
        .map(|(name, rows)| {
            let counted = rows.iter().copied();
            let counted =
                counted.filter(|r| among == Among::Everyone || r.rater_kind != RaterKind::Judge);
            let agreement = agreement_short(study_type, &ratings(counted), draws, seed).ok();
            Group { name, agreement, judges: judges(&rows, &how) }
        })
        .collect();
    let notes = scripted_among(&rows).into_iter().collect();
    Ok(Groups { study: study.clone(), study_type, by, groups, notes })
}

/// Each judge of these rows beside their people.
fn judges(rows: &[&RatingRow], how: &Resampling) -> Vec<JudgeInGroup> {
    let mut people: BTreeMap<&ItemId, (f64, f64)> = BTreeMap::new();
    let mut judged: BTreeMap<&RaterId, Vec<(&RatingRow, f64)>> = BTreeMap::new();
    for row in rows {
        let Some(score) = row.score.map(f64::from) else { continue };
        if row.rater_kind == RaterKind::Judge {
            judged.entry(&row.rater).or_default().push((row, score));
        } else if row.rater_kind == RaterKind::Human {
            let (sum, n) = people.entry(&row.item).or_default();
            *sum += score;
            *n += 1.0;
        }
    }
    judged
        .into_iter()
        .filter_map(|(judge, scores)| {
            let both: Vec<(&str, f64, f64)> = scores
                .iter()
                .filter_map(|(row, score)| {
                    let (sum, n) = people.get(&row.item)?;
                    Some((row.seed.as_str(), *score, sum / n))
                })
                .collect();
            let n = both.len() as f64;
            let apart: Vec<f64> = both.iter().map(|(_, j, p)| j - p).collect();
            let seeds: Vec<&str> = both.iter().map(|b| b.0).collect();
            (!both.is_empty()).then(|| JudgeInGroup {
                judge: judge.clone(),
                items: both.len(),
                people: both.iter().map(|b| b.2).sum::<f64>() / n,
                mean: both.iter().map(|b| b.1).sum::<f64>() / n,
                within_one: apart.iter().filter(|d| d.abs() <= 1.0).count() as f64 / n,
                difference: clustered_mean(&apart, &seeds, "seed", how).ok(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similarity_is_in_one_band_and_its_lower_end_belongs_to_it() {
        for (x, name) in [
            (0.8, "0.80 to 0.85"),
            (0.849_999, "0.80 to 0.85"),
            (0.85, "0.85 to 0.90"),
            (0.95, "0.95 to 1.00"),
            (1.0, "0.95 to 1.00"),
            (0.0, "0.00 to 0.05"),
            (-0.01, "-0.05 to 0.00"),
        ] {
            assert_eq!(band(x), name, "{x}");
        }
        for by in By::ALL {
            assert_eq!(by.as_str().parse(), Ok(by));
        }
        assert!("rater".parse::<By>().unwrap_err().contains("culture, stage"));
    }
}
