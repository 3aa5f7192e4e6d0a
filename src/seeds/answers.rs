//! What every culture answered to every question, worked out once: for screens that compare them.

use crate::domain::{
    Cell, Culture, CultureCell, Direction, Distribution, Question, QuestionId, ScaleKind, Survey,
};
use crate::stats::bootstrap::{self, Resampling};
use crate::stats::{Estimate, divergence};

/// What is known of one culture and question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// People answered.
    Given {
        /// Shares, n, countries, flags.
        cell: CultureCell,
        /// Share of the respondents of these countries without a valid answer, 0 to 1.
        missing: f64,
        /// Whether it may be compared and trained on; false where options were not offered.
        usable: bool,
    },
    /// The question was not asked in any of its countries.
    NotAsked,
    /// It was asked, and nobody gave a valid answer.
    AllMissing {
        /// Respondents.
        missing: u64,
    },
    /// Nothing was imported for its countries.
    NoData,
}

impl Answer {
    fn of(survey: &Survey, culture: &Culture, question: &Question) -> Self {
        if let Some(cell) = survey.culture_cell(culture, question) {
            let all: u64 = cell
                .countries
                .iter()
                .filter_map(|k| survey.counts(k, &question.id))
                .map(|c| c.valid_n() + c.missing_n())
                .sum();
            let missing = if all == 0 { 0.0 } else { 1.0 - cell.n as f64 / all as f64 };
            let usable = !cell.has_option_not_offered();
            return Self::Given { cell, missing: missing.max(0.0), usable };
        }
        let cells: Vec<Cell> = culture.countries.iter().map(|c| survey.cell(c, question)).collect();
        let missing: u64 = cells
            .iter()
            .map(|c| if let Cell::AllMissing { missing } = c { *missing } else { 0 })
            .sum();
        match (missing, cells.iter().any(|c| matches!(c, Cell::NotAsked))) {
            (1.., _) => Self::AllMissing { missing },
            (_, true) => Self::NotAsked,
            _ => Self::NoData,
        }
    }

    /// The shares that may be compared.
    pub fn usable(&self) -> Option<&Distribution> {
        match self {
            Self::Given { cell, usable: true, .. } => Some(&cell.distribution),
            _ => None,
        }
    }

    /// Valid answers.
    pub fn n(&self) -> u64 {
        if let Self::Given { cell, .. } = self { cell.n } else { 0 }
    }

    /// Why there is nothing to compare; empty where there is.
    pub fn why_not(&self) -> &'static str {
        match self {
            Self::Given { usable: true, .. } => "",
            Self::Given { .. } => "options were not offered",
            Self::NotAsked => "not asked",
            Self::AllMissing { .. } => "no valid answer",
            Self::NoData => "no data",
        }
    }
}

/// The answers to one question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionAnswers {
    /// The question.
    pub id: QuestionId,
    /// By culture, in the survey's order.
    pub cultures: Vec<Answer>,
    /// Equal-weight mean over the cultures with usable answers.
    pub overall: Option<Distribution>,
    ordinal: bool,
    less: bool,
}

impl QuestionAnswers {
    fn of(survey: &Survey, question: &Question) -> Self {
        let cultures: Vec<Answer> =
            survey.cultures.iter().map(|c| Answer::of(survey, c, question)).collect();
        let overall = Distribution::mean(cultures.iter().filter_map(Answer::usable)).ok();
        Self {
            id: question.id.clone(),
            cultures,
            overall,
            ordinal: question.scale.kind() == ScaleKind::Ordinal,
            less: question.scale.direction() == Direction::HigherIsLess,
        }
    }

    fn usable(&self, culture: usize) -> Option<&Distribution> {
        self.cultures.get(culture).and_then(Answer::usable)
    }

    /// Cultures with usable answers.
    pub fn answered(&self) -> usize {
        self.cultures.iter().filter(|a| a.usable().is_some()).count()
    }

    /// Jensen-Shannon distance of two cultures' answers (base 2, 0 to 1); `None` where one of them
    /// has no usable answers.
    pub fn distance(&self, a: usize, b: usize) -> Option<f64> {
        divergence::js_distance(self.usable(a)?.shares(), self.usable(b)?.shares()).ok()
    }

    /// Jensen-Shannon distance to the equal-weight mean of all cultures.
    pub fn from_overall(&self, culture: usize) -> Option<f64> {
        let overall = self.overall.as_ref()?;
        divergence::js_distance(self.usable(culture)?.shares(), overall.shares()).ok()
    }

    /// The mean answer on the scale from 0 to 1, where 1 is the end that says more (agrees, often,
    /// right); `None` for scales without an order.
    pub fn mean_position(&self, culture: usize) -> Option<f64> {
        let d = self.usable(culture).filter(|_| self.ordinal)?;
        let at = d.mean_rank() / (d.len() - 1).max(1) as f64;
        Some(if self.less { 1.0 - at } else { at })
    }
}

/// Two cultures over all questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    /// Mean Jensen-Shannon distance with its interval over questions; `None` for fewer than two.
    pub mean: Option<Estimate>,
    /// Questions that both answered.
    pub n: usize,
}

/// All questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// In the survey's order.
    pub questions: Vec<QuestionAnswers>,
}

impl Answers {
    /// Works them out. Takes seconds for hundreds of questions in dozens of countries.
    pub fn of(survey: &Survey) -> Self {
        Self {
            questions: survey.questions.iter().map(|q| QuestionAnswers::of(survey, q)).collect(),
        }
    }

    /// Of one question.
    pub fn question(&self, id: &QuestionId) -> Option<&QuestionAnswers> {
        self.questions.iter().find(|q| &q.id == id)
    }

    /// Mean distance of two cultures over the questions that both answered, with a 95 % interval by
    /// the bootstrap over questions.
    pub fn between(&self, a: usize, b: usize) -> Between {
        let values: Vec<f64> = self.questions.iter().filter_map(|q| q.distance(a, b)).collect();
        let n = values.len();
        Between { mean: bootstrap::mean(&values, "question", &Resampling::seeded(1)).ok(), n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_is_compared_with_nothing() {
        let survey = crate::seeds::sample::survey().unwrap();
        let answers = Answers::of(&survey);
        assert_eq!(answers.questions.len(), survey.questions.len());
        let mut empty = 0;
        for (q, of) in survey.questions.iter().zip(&answers.questions) {
            for (i, c) in survey.cultures.iter().enumerate() {
                assert_eq!(of.cultures[i].usable().is_some(), survey.usable(c, q).is_ok());
                if of.cultures[i].usable().is_none() {
                    empty += 1;
                    assert!(!of.cultures[i].why_not().is_empty());
                    assert_eq!((of.distance(i, 0), of.mean_position(i)), (None, None));
                    assert_eq!(of.from_overall(i), None);
                }
            }
        }
        assert!(empty > 0, "the sample has questions that were not asked somewhere");
    }

    #[test]
    fn distances_are_symmetric_and_means_lie_on_the_scale() {
        let answers = Answers::of(&crate::seeds::sample::survey().unwrap());
        for q in &answers.questions {
            for a in 0..q.cultures.len() {
                for b in 0..a {
                    assert_eq!(q.distance(a, b), q.distance(b, a));
                }
                assert!(q.mean_position(a).is_none_or(|x| (0.0..=1.0).contains(&x)));
                assert!(q.distance(a, a).is_none_or(|x| x < 1e-6));
            }
        }
        let near = answers.between(0, 1);
        assert!(near.n > 10 && near.mean.is_some_and(|m| m.value > 0.0 && m.value < 1.0));
    }
}
