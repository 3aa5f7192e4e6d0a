//! The evaluation job: score every option of every prompt, text by text, then sum up. Killed and
//! started again, it goes on with the first text that has no line yet.

use std::collections::BTreeSet;
use std::fs;

use super::drawn::{Draws, request};
use super::results::{ResultLine, TextScores};
use super::robustness::SurveyTexts;
use super::{
    Contexts, EvaluateError, Evaluation, Framing, LockedPlan, Plan, PlannedModel, Reference,
    evaluation, made_up_culture,
};
use crate::domain::prompt::{Prompt, Variant, render};
use crate::domain::{Culture, OptionScores, Question, Survey, TestText};
use crate::job::{Attempt, JobError, Progress, read_jsonl};
use crate::providers::{ChatRequest, ProviderError};

/// Texts scored between two looks at the stop flag.
const TEXTS_AT_ONCE: usize = 4;

/// Something that scores prompts: the embedded decoder, or any provider by log-probabilities or by
/// counting answers.
pub trait Scorer {
    /// Log-probabilities of the complete answers of each prompt, by rank, in the order of the
    /// prompts.
    ///
    /// # Errors
    /// In words: the model could not score them.
    fn score(&mut self, prompts: &[Prompt]) -> Result<Vec<OptionScores>, String>;

    /// Why its last scores could not be had, where a provider as a whole stopped working.
    fn trouble(&mut self) -> Option<ProviderError> {
        None
    }

    /// How it scored, in words for the table.
    fn method(&self) -> String {
        "log-probabilities".into()
    }

    /// Texts that it likes to get at once: more where calls wait for a network.
    fn texts_at_once(&self) -> usize {
        TEXTS_AT_ONCE
    }
}

/// Makes the scorer of a model reference.
pub type MakeScorer<'a> = dyn FnMut(&str) -> Result<Box<dyn Scorer>, String> + 'a;

/// Reads `plan.json` (locked by `plan.sha256`), `survey.json` and `texts.jsonl`; writes
/// `results.jsonl` as it goes and `evaluation.json` at the end.
///
/// # Errors
/// A plan that changed, a model that cannot be loaded, a full disk; [`JobError::Stopped`] when
/// asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make_scorer: &mut MakeScorer<'_>,
) -> Result<Evaluation, JobError> {
    let read = |name: &str| {
        let path = attempt.input(name);
        fs::read_to_string(&path).map_err(JobError::io(path))
    };
    let locked = LockedPlan::read(&read("plan.json")?, &read("plan.sha256")?)?;
    for name in ["survey.json", "texts.jsonl"] {
        locked.plan.check_input(name, read(name)?.as_bytes())?;
    }
    let survey: Survey = attempt.read_input("survey.json")?;
    let contexts: Option<Contexts> = if locked.plan.inputs.contains_key("contexts.json") {
        locked.plan.check_input("contexts.json", read("contexts.json")?.as_bytes())?;
        Some(attempt.read_input("contexts.json")?)
    } else {
        None
    };
    let mut texts: Vec<TestText> = read_jsonl(&attempt.input("texts.jsonl"))?;
    texts.retain(|t| locked.plan.splits.contains(&t.split));
    let reference = Reference::new(&survey, &locked.plan.cultures);
    let mut lines: Vec<ResultLine> = Vec::new();
    for earlier in std::iter::once(attempt.clone()).chain(attempt.earlier()) {
        lines.extend(read_jsonl(&earlier.file("results.jsonl"))?);
    }
    let mut done: BTreeSet<(String, String)> =
        lines.iter().map(|l| (l.model.clone(), l.text_id.clone())).collect();
    let mut results = attempt.results()?;
    let total = (locked.plan.models.len() * texts.len()) as u64;
    progress.at(done.len() as u64, Some(total), "scoring");
    for model in &locked.plan.models {
        let open: Vec<&TestText> =
            texts.iter().filter(|t| !done.contains(&(model.key(), t.text_id.clone()))).collect();
        if open.is_empty() {
            continue;
        }
        let failed =
            |reason: String| EvaluateError::Model { model: model.reference.clone(), reason };
        let mut scorer = make_scorer(&model.reference).map_err(failed)?;
        let asking = Asking {
            model,
            reference: &reference,
            plan: &locked.plan,
            contexts: contexts.as_ref(),
        };
        for some in open.chunks(scorer.texts_at_once().max(1)) {
            if progress.should_stop() {
                results.sync()?;
                return Err(JobError::Stopped);
            }
            let scored = asking.score(&mut *scorer, some);
            for line in scored.map_err(|e| away(scorer.trouble(), failed(e), &lines, model))? {
                results.write(&line)?;
                done.insert((line.model.clone(), line.text_id.clone()));
                lines.push(line);
            }
            progress.at(done.len() as u64, Some(total), &model.arm);
        }
    }
    results.sync()?;
    let out = evaluation(&locked, &reference, &texts, &lines)?;
    attempt.write_json("evaluation.json", &out)?;
    Ok(out)
}

/// A failure as what it is of: a service that has answered this run may be back later.
fn away(
    trouble: Option<ProviderError>,
    failed: EvaluateError,
    lines: &[ResultLine],
    model: &PlannedModel,
) -> JobError {
    let answered = || lines.iter().any(|l| l.model == model.key());
    match trouble {
        Some(e) => e.of_run(failed.to_string(), answered()),
        None => failed.into(),
    }
}

/// One text with the prompts that are put about it.
struct Asked<'a> {
    text: &'a TestText,
    variants: Vec<Variant>,
    cultures: Vec<crate::domain::CultureId>,
}

/// One model of the plan, about to be asked.
struct Asking<'a> {
    model: &'a PlannedModel,
    reference: &'a Reference<'a>,
    plan: &'a Plan,
    contexts: Option<&'a Contexts>,
}

impl Asking<'_> {
    fn prompt(
        &self,
        q: &Question,
        text: &str,
        culture: &Culture,
        v: Variant,
    ) -> Result<Prompt, String> {
        let blind = self.plan.culture_blind.contains(&self.model.arm);
        Ok(match self.model.framing {
            Framing::Blind => render(q, text, None, v),
            Framing::Named => render(q, text, (!blind).then_some(culture), v),
            Framing::MadeUp => {
                let people = made_up_culture().ok_or("the made-up culture has no name")?;
                render(q, text, Some(&people), v)
            }
            Framing::Context => {
                let contexts = self.contexts.ok_or("contexts.json is missing")?;
                contexts.put_before(render(q, text, Some(culture), v), culture, text)
            }
        })
    }

    /// The text as this arm gets it.
    fn changed(&self, q: &Question, text: &TestText) -> Result<String, String> {
        let Some(change) = self.model.changed else { return Ok(text.text.clone()) };
        let changed = SurveyTexts::new(self.plan.seed)
            .and_then(|s| s.changed(q, &text.text_id, &text.text, change))
            .map_err(|e| e.to_string())?;
        Ok(changed.map_or_else(|| text.text.clone(), |c| c.text))
    }

    /// Without a culture of the survey in it the prompt is the same for all: it is put once.
    fn once(&self) -> bool {
        self.model.framing.is_same_for_all() || self.plan.culture_blind.contains(&self.model.arm)
    }

    /// Every prompt about the texts, and what was asked by which.
    fn prompts<'t>(&self, texts: &[&'t TestText]) -> Result<(Vec<Prompt>, Vec<Asked<'t>>), String> {
        let once = self.once();
        let mut prompts = Vec::new();
        let mut asked = Vec::new();
        for text in texts {
            let question: &Question = self
                .reference
                .survey()
                .question(&text.question)
                .ok_or_else(|| format!("question {} is not in survey.json", text.question))?;
            let variants = self.plan.variants(question);
            let put = self.changed(question, text)?;
            let mut cultures = Vec::new();
            for culture in self.reference.cultures() {
                if self.reference.truth(&culture.id, &question.id).is_none() {
                    continue; // not asked, or not with the whole scale: nothing to score against
                }
                if !once || cultures.is_empty() {
                    for v in &variants {
                        prompts.push(self.prompt(question, &put, culture, *v)?);
                    }
                }
                cultures.push(culture.id.clone());
            }
            asked.push(Asked { text, variants, cultures });
        }
        Ok((prompts, asked))
    }

    fn score(
        &self,
        scorer: &mut dyn Scorer,
        texts: &[&TestText],
    ) -> Result<Vec<ResultLine>, String> {
        let once = self.once();
        let (prompts, asked) = self.prompts(texts)?;
        let mut scores = scorer.score(&prompts)?.into_iter();
        if scores.len() != prompts.len() {
            return Err(format!("{} scores came back for {} prompts", scores.len(), prompts.len()));
        }
        let mut out = Vec::new();
        for a in asked {
            let mut cultures: Vec<TextScores> = Vec::new();
            for culture in a.cultures {
                let scores: Vec<OptionScores> = match cultures.first() {
                    Some(first) if once => first.scores.clone(),
                    _ => scores.by_ref().take(a.variants.len()).collect(),
                };
                if scores.iter().flat_map(|s| &s.log_probs).any(|l| l.is_nan()) {
                    return Err(format!("it answers {} with NaN", a.text.text_id));
                }
                cultures.push(TextScores { culture, scores });
            }
            let line = ResultLine {
                model: self.model.key(),
                method: scorer.method(),
                question: a.text.question.clone(),
                text_id: a.text.text_id.clone(),
                variants: a.variants,
                cultures,
            };
            out.push(line.rounded());
        }
        Ok(out)
    }
}

/// What answers drawn from endpoints will take: one request a prompt and draw. `is_drawn` says of
/// a model reference whether its answers are drawn; the others cost nothing.
///
/// # Errors
/// A text about a question that the survey does not have.
pub fn requests(
    plan: &Plan,
    survey: &Survey,
    texts: &[TestText],
    contexts: Option<&Contexts>,
    draws: Draws,
    is_drawn: &dyn Fn(&str) -> bool,
) -> Result<Vec<ChatRequest>, String> {
    let reference = Reference::new(survey, &plan.cultures);
    let texts: Vec<&TestText> = texts.iter().filter(|t| plan.splits.contains(&t.split)).collect();
    let mut out = Vec::new();
    for model in plan.models.iter().filter(|m| is_drawn(&m.reference)) {
        let asking = Asking { model, reference: &reference, plan, contexts };
        let (prompts, _) = asking.prompts(&texts)?;
        out.extend(prompts.iter().map(|p| request(p, 0, draws)));
    }
    Ok(out)
}
