//! `polyculture compare`: models beside the arms and controls that a claim about cultures needs.

use std::fs;

use super::args_compare::CompareArgs;
use super::{Context, Failure, seeds, survey_task};
use crate::domain::Survey;
use crate::evaluate::{Contexts, Draws, Framing, Plan, PlannedModel};
use crate::launch::{self, SurveyInput};

/// # Errors
/// An unknown model, culture or dataset, a context file that cannot be used; with `--wait`, a run
/// that failed.
pub fn run(ctx: &Context, a: CompareArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let survey = place.read()?.read().survey()?;
    seeds::pick_cultures(&survey, &a.cultures)?;
    let contexts = a.context.as_ref().map(|file| context(file, &survey, &a)).transpose()?;
    let put = survey_task::texts(&place, &survey, a.dataset.as_ref(), a.paraphrases)?;
    let arms = arms(&place, &a)?;
    let plan = Plan {
        cultures: a.cultures.clone(),
        foreign_control: a.controls,
        draws_per_prompt: survey_task::drawn(&arms, a.draws_per_prompt),
        against: arms.first().map(|m| m.arm.clone()),
        ..Plan::new(arms, put.trained, a.seed)
    };
    let input = SurveyInput {
        plan,
        texts: put.texts,
        draws: Draws { max_tokens: a.reply_tokens, ..Draws::of(a.draws_per_prompt) },
        contexts,
    };
    survey_task::go(ctx, &place, &survey, &input, &a.spend, a.fresh, &a.start)
}

fn context(file: &std::path::Path, survey: &Survey, a: &CompareArgs) -> Result<Contexts, Failure> {
    let text = fs::read_to_string(file).map_err(|e| Failure::bad_input(e).file(file))?;
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let contexts = Contexts::parse(&text, &name, survey).map_err(Failure::bad_input)?;
    let in_view: Vec<_> = survey
        .cultures
        .iter()
        .filter(|c| a.cultures.is_empty() || a.cultures.contains(&c.id))
        .collect();
    contexts.check(&in_view).map_err(Failure::bad_input)?;
    Ok(contexts)
}

/// The models first, then what they are compared with.
fn arms(place: &launch::Place, a: &CompareArgs) -> Result<Vec<PlannedModel>, Failure> {
    let mut out: Vec<PlannedModel> = Vec::new();
    for reference in &a.models {
        out.push(launch::planned_model(place, reference)?);
    }
    for reference in &a.base {
        if a.models.contains(reference) {
            continue; // it is in the table already, under its own name
        }
        let named = PlannedModel::new(reference, format!("{reference}, culture prompt"));
        out.push(named);
    }
    let asked: Vec<(String, String)> = out
        .iter()
        .map(|m| (m.reference.clone(), m.arm.trim_end_matches(", culture prompt").to_owned()))
        .collect();
    for (reference, name) in &asked {
        let plain = PlannedModel::new(reference, name);
        if a.context.is_some() {
            out.push(plain.framed(Framing::Context));
        }
        if a.controls {
            out.push(plain.framed(Framing::MadeUp));
            out.push(plain.framed(Framing::Blind));
        }
    }
    Ok(out)
}
