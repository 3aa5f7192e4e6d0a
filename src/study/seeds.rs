//! Seeds as raters read them: the survey's wording in a language, or where there is none, the kept
//! translation of the survey's wording.

use std::collections::BTreeMap;

use crate::domain::{
    Culture, Decision, Form, Question, QuestionId, Sample, Stage, Survey, Topic, primary_language,
};
use crate::store::Reader;

use super::StudyError;

/// Where a wording is from.
pub const SURVEY: &str = "survey";
/// Where a wording is from: a model's output that a filter kept.
pub const TRANSLATION: &str = "translation";

/// One seed in one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// The question.
    pub id: QuestionId,
    /// Its topic.
    pub topic: Topic,
    /// Statement or question.
    pub form: Form,
    /// BCP 47 tag of the text.
    pub language: String,
    /// The wording.
    pub text: String,
    /// `survey` or `translation`.
    pub wording: &'static str,
}

impl From<&Question> for Seed {
    fn from(q: &Question) -> Self {
        Self {
            id: q.id.clone(),
            topic: q.topic.clone(),
            form: q.form,
            language: q.language.clone(),
            text: q.text.clone(),
            wording: SURVEY,
        }
    }
}

/// All seeds in all languages there are, and the cultures of the project.
#[derive(Debug, Clone, Default)]
pub struct Seeds {
    by: BTreeMap<(QuestionId, String), Seed>,
    cultures: Vec<Culture>,
}

impl Seeds {
    /// Those of one survey, in the languages its questions stand in.
    pub fn of(survey: &Survey) -> Self {
        let mut seeds = Self { cultures: survey.cultures.clone(), ..Self::default() };
        seeds.add(survey);
        seeds
    }

    /// Everything that a workspace has; kept translations among `samples` fill the gaps.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn read(reader: Reader<'_>, samples: &[Sample]) -> Result<Self, StudyError> {
        let mut seeds = Self { cultures: reader.cultures()?, ..Self::default() };
        seeds.add(&reader.survey()?);
        for (language, _) in reader.question_languages()? {
            seeds.add(&reader.survey_in(&language)?);
        }
        seeds.add_translations(samples);
        Ok(seeds)
    }

    /// Adds the wordings of a survey; a wording that is there stays.
    pub fn add(&mut self, survey: &Survey) {
        for q in &survey.questions {
            let key = (q.id.clone(), primary_language(&q.language));
            self.by.entry(key).or_insert_with(|| q.into());
        }
    }

    /// Adds kept translations of seeds (not of samples) in languages that the survey is not
    /// worded in; of several the one with the first id.
    pub fn add_translations(&mut self, samples: &[Sample]) {
        let mut found: Vec<&Sample> = samples
            .iter()
            .filter(|s| {
                s.stage == Stage::Translation
                    && s.provenance.parent.is_none()
                    && s.decision == Decision::Kept
                    && !s.text.trim().is_empty()
            })
            .collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        for s in found {
            let Some(known) = self.any(&s.seed) else { continue };
            let seed = Seed {
                id: s.seed.clone(),
                topic: known.topic.clone(),
                form: known.form,
                language: s.language.clone(),
                text: s.text.clone(),
                wording: TRANSLATION,
            };
            self.by.entry((s.seed.clone(), primary_language(&s.language))).or_insert(seed);
        }
    }

    fn any(&self, id: &QuestionId) -> Option<&Seed> {
        self.by.range((id.clone(), String::new())..).next().map(|(_, s)| s).filter(|s| &s.id == id)
    }

    /// A seed in a language, whatever the region.
    pub fn get(&self, id: &QuestionId, language: &str) -> Option<&Seed> {
        self.by.get(&(id.clone(), primary_language(language)))
    }

    /// The cultures there are.
    pub fn cultures(&self) -> &[Culture] {
        &self.cultures
    }

    /// True for a text that is a seed's own wording by translation: it is what others are
    /// compared with, and no sample.
    pub(super) fn is_wording(sample: &Sample) -> bool {
        sample.stage == Stage::Translation && sample.provenance.parent.is_none()
    }
}
