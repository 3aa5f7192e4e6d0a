//! What the survey says of the cultures in view: the truths that scores are taken against.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::domain::{Cell, Culture, CultureId, Distribution, Question, QuestionId, Scale, Survey};

/// Random halvings behind the human ceiling.
const HALVINGS: u32 = 20;

/// The usable answers of the cultures in view, and what follows from them alone.
#[derive(Debug, Clone)]
pub struct Reference<'a> {
    survey: &'a Survey,
    cultures: Vec<&'a Culture>,
    truth: BTreeMap<(CultureId, QuestionId), Distribution>,
}

impl<'a> Reference<'a> {
    /// Looks up every cell of the cultures. Questions not asked, and options not offered, are no
    /// cells.
    pub fn new(survey: &'a Survey, cultures: &[CultureId]) -> Self {
        let cultures: Vec<&Culture> = survey
            .cultures
            .iter()
            .filter(|c| cultures.is_empty() || cultures.contains(&c.id))
            .collect();
        let mut truth = BTreeMap::new();
        for c in &cultures {
            for q in &survey.questions {
                if let Ok(cell) = survey.usable(c, q) {
                    truth.insert((c.id.clone(), q.id.clone()), cell.distribution);
                }
            }
        }
        Self { survey, cultures, truth }
    }

    /// Cells as given, for figures of cells that are not usable.
    #[cfg(test)]
    pub(super) fn with_truth(
        mut self,
        truth: BTreeMap<(CultureId, QuestionId), Distribution>,
    ) -> Self {
        self.truth = truth;
        self
    }

    /// What of the cultures in view cannot be scored, and why, in words.
    pub fn left_out(&self) -> Vec<String> {
        self.cultures
            .iter()
            .flat_map(|c| self.survey.questions.iter().map(move |q| (c, q)))
            .filter_map(|(c, q)| self.survey.usable(c, q).err())
            .collect()
    }

    /// The survey.
    pub fn survey(&self) -> &'a Survey {
        self.survey
    }

    /// Cultures in view, in the order of the survey.
    pub fn cultures(&self) -> &[&'a Culture] {
        &self.cultures
    }

    /// A culture's own answers; `None` where it was not asked, or not with the whole scale.
    pub fn truth(&self, culture: &CultureId, question: &QuestionId) -> Option<&Distribution> {
        self.truth.get(&(culture.clone(), question.clone()))
    }

    /// The answers of every other culture to a question.
    pub fn foreign(&self, culture: &CultureId, question: &QuestionId) -> Vec<&Distribution> {
        self.cultures
            .iter()
            .filter(|c| &c.id != culture)
            .filter_map(|c| self.truth(&c.id, question))
            .collect()
    }

    /// The equal-weight mean of the other cultures; `None` where nobody else was asked.
    pub fn mixture_of_others(
        &self,
        culture: &CultureId,
        question: &QuestionId,
    ) -> Option<Distribution> {
        Distribution::mean(self.foreign(culture, question)).ok()
    }

    /// The equal-weight mean of all cultures in view.
    pub fn mean(&self, question: &QuestionId) -> Option<Distribution> {
        Distribution::mean(self.cultures.iter().filter_map(|c| self.truth(&c.id, question))).ok()
    }

    /// The culture's mean answer to other questions whose scale is the same by `same`.
    pub fn same_scale_mean(
        &self,
        culture: &CultureId,
        question: &Question,
        among: &[QuestionId],
        same: fn(&Scale, &Scale) -> bool,
    ) -> Option<Distribution> {
        let parts: Vec<&Distribution> = self
            .survey
            .questions
            .iter()
            .filter(|q| {
                q.id != question.id && among.contains(&q.id) && same(&q.scale, &question.scale)
            })
            .filter_map(|q| self.truth(culture, &q.id))
            .collect();
        Distribution::mean(parts).ok()
    }

    /// Questions that every culture in view answered with the whole scale.
    pub fn shared_questions(&self) -> Vec<QuestionId> {
        self.survey
            .questions
            .iter()
            .filter(|q| self.cultures.iter().all(|c| self.truth(&c.id, &q.id).is_some()))
            .map(|q| q.id.clone())
            .collect()
    }

    /// Random halves of the people behind a cell: (half, other half),
    /// twenty times. The halves of a culture of several countries are pooled as the culture is.
    /// Empty where counts have no whole respondents.
    pub fn halves(
        &self,
        culture: &CultureId,
        question: &Question,
        seed: u64,
    ) -> Vec<(Distribution, Distribution)> {
        let Some(c) = self.survey.culture(culture) else { return Vec::new() };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(
            seed ^ fold(culture.as_str()) ^ fold(question.id.as_str()).rotate_left(17),
        );
        let people: Vec<Vec<usize>> = c
            .countries
            .iter()
            .filter(|k| {
                matches!(self.survey.cell(k, question), Cell::Answered(x) if x.not_offered().is_empty())
            })
            .filter_map(|k| self.survey.counts(k, &question.id))
            .map(|counts| ranks_of_people(counts, &question.scale))
            .collect();
        (0..HALVINGS).filter_map(|_| one_halving(&people, question.scale.len(), &mut rng)).collect()
    }
}

/// FNV-1a: the same on every machine, for seeds only.
fn fold(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

/// One entry a respondent. Weights cannot be halved by people, so the ceiling of weighted counts
/// is that of the unweighted people behind them.
fn ranks_of_people(counts: &crate::domain::OptionCounts, scale: &Scale) -> Vec<usize> {
    scale
        .codes()
        .iter()
        .enumerate()
        .flat_map(|(rank, code)| {
            let n = counts.valid.get(code).map_or(0, |t| t.n);
            std::iter::repeat_n(rank, usize::try_from(n).unwrap_or(0))
        })
        .collect()
}

fn one_halving(
    countries: &[Vec<usize>],
    options: usize,
    rng: &mut Xoshiro256PlusPlus,
) -> Option<(Distribution, Distribution)> {
    let mut halves: [Vec<Distribution>; 2] = [Vec::new(), Vec::new()];
    for people in countries {
        let mut counts = [vec![0.0; options], vec![0.0; options]];
        // A random half: selection sampling (Knuth, volume 2, algorithm S).
        let mut left = people.len() / 2;
        for (i, &rank) in people.iter().enumerate() {
            let remaining = people.len() - i;
            let first = rng.random_range(0..remaining) < left;
            left -= usize::from(first);
            counts[usize::from(!first)][rank] += 1.0;
        }
        for (half, counts) in halves.iter_mut().zip(&counts) {
            half.push(Distribution::from_weights(counts).ok()?);
        }
    }
    Some((Distribution::mean(&halves[0]).ok()?, Distribution::mean(&halves[1]).ok()?))
}
