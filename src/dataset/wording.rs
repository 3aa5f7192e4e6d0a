//! In which language the texts of a dataset are: the survey's own, or a local one made by
//! translation. The prompt's frame and its options stay as they are.

use std::collections::BTreeMap;

use super::Stages;
use super::leak::in_stage;
use crate::domain::{Decision, Question, QuestionId, Sample, SampleId, Stage, same_language};

/// The texts a dataset is made of.
pub(super) struct Wording<'a> {
    /// How each question is asked: text and its id. Questions without one are left out.
    pub seeds: BTreeMap<&'a QuestionId, (&'a str, &'a str)>,
    /// Kept samples of the stages wanted.
    pub samples: Vec<&'a Sample>,
}

/// Texts in `language`, or in each question's own. A translated sample belongs to the stage of the
/// text that it was made from, and goes with it when that one is turned down.
pub(super) fn wording<'a>(
    language: Option<&str>,
    stages: Stages,
    questions: &[&'a Question],
    samples: &'a [Sample],
) -> Wording<'a> {
    let by_id: BTreeMap<&SampleId, &Sample> =
        samples.iter().filter(|s| s.decision == Decision::Kept).map(|s| (&s.id, s)).collect();
    let by_question: BTreeMap<&QuestionId, &'a Question> =
        questions.iter().map(|q| (&q.id, *q)).collect();
    let mut out = Wording { seeds: BTreeMap::new(), samples: Vec::new() };
    for q in questions {
        if language.is_none_or(|l| same_language(l, &q.language)) {
            out.seeds.insert(&q.id, (&q.text, q.id.as_str()));
        }
    }
    for s in samples.iter().filter(|s| s.decision == Decision::Kept) {
        let Some(q) = by_question.get(&s.seed) else { continue };
        let wanted = language.unwrap_or(&q.language);
        if !same_language(&s.language, wanted) {
            continue;
        }
        match (s.stage, &s.provenance.parent) {
            (Stage::Translation, None) => {
                out.seeds.entry(&q.id).or_insert((&s.text, s.id.as_str()));
            }
            (Stage::Translation, Some(parent)) => {
                let stage = by_id.get(parent).filter(|p| in_stage(p, stages));
                out.samples.extend(stage.map(|_| s));
            }
            _ if in_stage(s, stages) => out.samples.push(s),
            _ => {}
        }
    }
    out
}

/// What a sample is known by across languages: the text that it was made from.
pub(super) fn origin(s: &Sample) -> &str {
    match (s.stage, &s.provenance.parent) {
        (Stage::Translation, Some(parent)) => parent.as_str(),
        _ => s.id.as_str(),
    }
}
