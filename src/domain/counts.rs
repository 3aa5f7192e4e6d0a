//! Option counts: how many respondents of a country chose each option of a question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AnswerCode, MissingKind};

/// Which weights stand behind the counts. Every figure made from them says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// Each respondent counts once.
    Unweighted,
    /// `W_WEIGHT`: the survey's post-stratification weight within a country.
    WWeight,
    /// `W_WEIGHT` x `S018` (the survey's equilibrated weight, 1000 per country).
    S018,
}

impl Weighting {
    /// As printed beside figures.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unweighted => "unweighted",
            Self::WWeight => "W_WEIGHT",
            Self::S018 => "W_WEIGHT x S018",
        }
    }
}

/// Sums for one option.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Respondents.
    pub n: u64,
    /// Sum of weights.
    pub w: f64,
    /// Sum of squared weights, for the effective n.
    pub w2: f64,
}

impl Tally {
    /// Adds one respondent with a weight.
    pub fn add(&mut self, weight: f64) {
        self.n += 1;
        self.w += weight;
        self.w2 += weight * weight;
    }

    /// Adds another tally, of other respondents.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.w += other.w;
        self.w2 += other.w2;
    }
}

/// Counts of one question in one country: valid codes and missing kinds apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptionCounts {
    /// The weights behind `w`.
    pub weighting: Weighting,
    /// By valid code, scale or not.
    pub valid: BTreeMap<u8, Tally>,
    /// By kind of absence.
    pub missing: BTreeMap<MissingKind, Tally>,
}

impl OptionCounts {
    /// No respondents yet.
    pub fn new(weighting: Weighting) -> Self {
        Self { weighting, valid: BTreeMap::new(), missing: BTreeMap::new() }
    }

    /// Adds one respondent.
    pub fn add(&mut self, answer: AnswerCode, weight: f64) {
        match answer {
            AnswerCode::Valid(code) => self.valid.entry(code).or_default().add(weight),
            AnswerCode::Missing(kind) => self.missing.entry(kind).or_default().add(weight),
        }
    }

    /// Adds `n` respondents of weight 1, for counts that come without rows.
    pub fn add_many(&mut self, answer: AnswerCode, n: u64) {
        let t = Tally { n, w: n as f64, w2: n as f64 };
        match answer {
            AnswerCode::Valid(code) => self.valid.entry(code).or_default().merge(&t),
            AnswerCode::Missing(kind) => self.missing.entry(kind).or_default().merge(&t),
        }
    }

    /// Adds another count of other respondents.
    pub fn merge(&mut self, other: &Self) {
        for (code, t) in &other.valid {
            self.valid.entry(*code).or_default().merge(t);
        }
        for (kind, t) in &other.missing {
            self.missing.entry(*kind).or_default().merge(t);
        }
    }

    /// Respondents with a valid answer.
    pub fn valid_n(&self) -> u64 {
        self.valid.values().map(|t| t.n).sum()
    }

    /// Respondents without one, of all kinds.
    pub fn missing_n(&self) -> u64 {
        self.missing.values().map(|t| t.n).sum()
    }

    /// Kish's effective n of the valid answers: (sum w)^2 / sum w^2. `None` without answers.
    pub fn effective_n(&self) -> Option<f64> {
        let (w, w2) = self.valid.values().fold((0.0, 0.0), |(a, b), t| (a + t.w, b + t.w2));
        (w2 > 0.0).then(|| w * w / w2)
    }

    /// True when the question was put to nobody: no valid answer, and every respondent is coded
    /// "not asked" (or there are no respondents).
    pub fn not_asked(&self) -> bool {
        self.valid_n() == 0
            && self.missing.iter().all(|(k, t)| *k == MissingKind::NotAsked || t.n == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_n_is_n_without_weights_and_less_with_them() {
        let mut c = OptionCounts::new(Weighting::WWeight);
        assert_eq!(c.effective_n(), None);
        c.add(AnswerCode::Valid(1), 1.0);
        c.add(AnswerCode::Valid(2), 1.0);
        assert_eq!(c.effective_n(), Some(2.0));
        c.add(AnswerCode::Valid(2), 4.0);
        assert!((c.effective_n().unwrap() - 36.0 / 18.0).abs() < 1e-12);
    }

    #[test]
    fn a_question_with_one_dont_know_was_asked() {
        let mut c = OptionCounts::new(Weighting::Unweighted);
        c.add_many(AnswerCode::Missing(MissingKind::NotAsked), 1000);
        assert!(c.not_asked());
        c.add(AnswerCode::Missing(MissingKind::DontKnow), 1.0);
        assert!(!c.not_asked());
    }
}
