//! What `evaluate` (task `survey`) and `compare` have in common: texts, cost before the start, the
//! run, its table.

use std::fs;

use super::args::StartArgs;
use super::args_calls::SpendArgs;
use super::output::note;
use super::{Context, Failure, activities, augment, runs};
use crate::config::UserConfig;
use crate::dataset::test_texts;
use crate::domain::{DatasetId, QuestionId, Survey, TestText};
use crate::evaluate::{Evaluation, PlannedModel, job, plain};
use crate::finetune::ModelRef;
use crate::launch::{self, Place, SurveyInput, evaluate, open_dataset};
use crate::providers::estimate::{Estimate, estimate};

/// Texts that are put, and the questions that training rows mention.
pub struct Texts {
    /// The texts.
    pub texts: Vec<TestText>,
    /// The questions.
    pub trained: Vec<QuestionId>,
}

/// # Errors
/// No such dataset, an unreadable workspace.
pub fn texts(
    place: &Place,
    survey: &Survey,
    dataset: Option<&DatasetId>,
    paraphrases: usize,
) -> Result<Texts, Failure> {
    let held_questions: Vec<QuestionId> = match dataset {
        Some(d) => open_dataset(place, d)?.manifest.spec.held_out_questions,
        None => Vec::new(),
    };
    let (_, held_out) = launch::samples(survey, place)?;
    let trained = survey
        .questions
        .iter()
        .map(|q| q.id.clone())
        .filter(|id| !held_questions.contains(id))
        .collect();
    Ok(Texts { texts: test_texts(survey, &held_out, &held_questions, paraphrases), trained })
}

/// True for models whose answers are drawn from an endpoint; those in folders give
/// log-probabilities.
fn is_endpoint(reference: &str) -> bool {
    matches!(reference.parse(), Ok(ModelRef::Provider { .. }))
}

/// Answers a prompt, where any model needs them drawn.
pub fn drawn(models: &[PlannedModel], k: u32) -> Option<u32> {
    models.iter().any(|m| is_endpoint(&m.reference)).then_some(k)
}

/// Says what the run will take, starts it, and prints its table where it was waited for.
///
/// # Errors
/// A plan that cannot be carried out, a limit in money without a price; a run that failed.
pub fn go(
    ctx: &Context,
    place: &Place,
    survey: &Survey,
    input: &SurveyInput,
    spend: &SpendArgs,
    fresh: bool,
    start: &StartArgs,
) -> Result<(), Failure> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    if input.plan.models.iter().any(|m| is_endpoint(&m.reference)) {
        let e = plan(survey, input)?;
        if spend.dry_run {
            return ctx.out.show(&e, || augment::plan(&e));
        }
        note(&augment::plan(&e));
    } else if spend.dry_run {
        return ctx
            .out
            .show(&Estimate::default(), || "every model is in a folder: no calls, no cost".into());
    }
    let mut prepared = evaluate(place, input, threads)?;
    prepared.fresh = fresh;
    prepared.budget = spend.budget.budget();
    let Some(run) = runs::start(ctx, place, &prepared, start)? else { return Ok(()) };
    if !ctx.out.json {
        let text = fs::read_to_string(activities::attempt_file(place, &run, "evaluation.json"))?;
        let e: Evaluation = serde_json::from_str(&text)?;
        println!("{}", plain(&e));
    }
    Ok(())
}

/// Calls, tokens and money over all endpoints of the plan.
fn plan(survey: &Survey, input: &SurveyInput) -> Result<Estimate, Failure> {
    let config = UserConfig::load().map_err(Failure::bad_input)?;
    let mut references: Vec<&str> =
        input.plan.models.iter().map(|m| m.reference.as_str()).filter(|r| is_endpoint(r)).collect();
    references.sort_unstable();
    references.dedup();
    let k = u64::from(input.draws.k);
    let mut sum = Estimate::default();
    for reference in references {
        let source = launch::endpoint(&config, reference)?;
        let requests = job::requests(
            &input.plan,
            survey,
            &input.texts,
            input.contexts.as_ref(),
            input.draws,
            &|r| r == reference,
        )
        .map_err(Failure::failed)?;
        let e = estimate(&requests, launch::price(&config, &source).as_ref());
        sum.calls += e.calls * k;
        sum.prompt_tokens += e.prompt_tokens * k;
        sum.completion_tokens_at_most += e.completion_tokens_at_most * k;
        if let Some(cost) = e.cost_at_most {
            sum.cost_at_most = Some(sum.cost_at_most.unwrap_or(0.0) + cost * k as f64);
            sum.currency = e.currency;
        }
    }
    Ok(sum)
}
