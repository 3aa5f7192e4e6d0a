//! A judging run: the study's open items, frozen with guideline, prompt and model.

use super::runs::new_run;
use super::{LaunchError, Place, Prepared};
use crate::domain::{RaterId, StudyId};
use crate::job::RunKind;
use crate::providers::prompts::PromptFile;
use crate::providers::{ChatRequest, ModelSource};
use crate::study::Guideline;
use crate::study::judge::{JudgeSpec, checksum, guidelines, open_items, requests_of};

/// What a judging run is asked to do.
#[derive(Debug, Clone)]
pub struct JudgeRequest {
    /// The study.
    pub study: StudyId,
    /// The judge's name among the raters; made from the model where none is given.
    pub rater: Option<RaterId>,
    /// How the model is called.
    pub model: String,
    /// Where its answers come from.
    pub source: ModelSource,
    /// The prompt.
    pub prompt: PromptFile,
    /// Threads, for embedded models.
    pub threads: u32,
}

/// A prepared judging run, with what it will ask.
#[derive(Debug)]
pub struct PreparedJudge {
    /// The run.
    pub prepared: Prepared,
    /// What it was frozen as.
    pub spec: JudgeSpec,
    /// Items that the judge has not answered in all orders.
    pub items: usize,
    /// Those requests.
    pub requests: Vec<ChatRequest>,
}

/// A rater's name from a model's: `judge-lab-big-model-70b`.
///
/// # Errors
/// None in practice: what a name may not hold becomes a dash.
pub fn judge_name(model: &str) -> Result<RaterId, LaunchError> {
    let plain: String = model
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' })
        .collect();
    let tail: String =
        plain.chars().rev().take(100).collect::<Vec<_>>().into_iter().rev().collect();
    Ok(RaterId::new(format!("judge-{}", tail.trim_matches('-')))?)
}

/// Prepares rating a study's items by a model.
///
/// # Errors
/// No such study; a name that a person has, or another judge; nothing left to rate.
pub fn judge(place: &Place, request: &JudgeRequest) -> Result<PreparedJudge, LaunchError> {
    let rater = match &request.rater {
        Some(r) => r.clone(),
        None => judge_name(&request.model)?,
    };
    let store = place.read()?;
    let study = store.read().need_study(&request.study)?;
    let items = open_items(store.read(), &request.study, &rater)?;
    let stored = store.read().study_texts(&request.study)?;
    // of all items, not of those that are left: a second run of a judge asks by the same words
    let all = store.read().items(&request.study)?;
    let guidelines = guidelines(study.study_type, &stored, &all)?;
    let spec = JudgeSpec {
        study: request.study.clone(),
        rater: rater.clone(),
        model: request.model.clone(),
        source: request.source.clone(),
        study_type: study.study_type,
        guideline: match guidelines.values().next() {
            Some(first) => first.clone(),
            None => Guideline::similarity()?,
        },
        guidelines,
        prompt: request.prompt.source.clone(),
        prompt_sha256: checksum(&request.prompt.source),
    };
    if let Some(known) = store.read().judge(&request.study, &rater)? {
        let record = spec.record()?;
        if (&known.model, &known.prompt_sha256, &known.guideline)
            != (&record.model, &record.prompt_sha256, &record.guideline)
        {
            return Err(LaunchError::Unknown(format!(
                "rater {rater} of this study is {} under {} and {}, and stays so: name another one \
                 with --as",
                known.model, known.prompt, known.guideline
            )));
        }
    }
    if items.is_empty() {
        return Err(LaunchError::Unknown(format!(
            "{rater} has judged every item of study {} in all orders: nothing is asked twice",
            request.study
        )));
    }
    let mut run = new_run(
        place,
        RunKind::Judge,
        format!("{} judges {} items of {}", request.model, items.len(), request.study),
    );
    run.resources.threads = request.threads;
    let prepared = Prepared::new(run).json("judge.json", &spec)?.rows("items.jsonl", &items)?;
    let mut requests = Vec::with_capacity(2 * items.len());
    for item in &items {
        let asked = requests_of(item, &spec, &request.prompt)?;
        requests.extend(asked.into_iter().map(|(_, r)| r));
    }
    Ok(PreparedJudge { prepared, spec, items: items.len(), requests })
}
