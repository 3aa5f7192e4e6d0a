//! `polyculture judge`: a model rates a study's items.

use std::fs;
use std::path::Path;

use super::args_judge::JudgeArgs;
use super::output::note;
use super::{Context, Failure, activities, open, runs};
use crate::domain::StudyType;
use crate::launch::{JudgeRequest, judge, named_source};
use crate::providers::prompts::PromptFile;
use crate::store::refuse_network_file_system;
use crate::study::judge::{JudgeSummary, judge_prompt, judge_prompt_from};

/// `polyculture judge`
///
/// # Errors
/// No such study, model or prompt; nothing left to judge; with `--wait`, a run that failed.
pub fn run(ctx: &Context, a: JudgeArgs) -> Result<(), Failure> {
    let place = ctx.place()?.awaiting(&a.start.terms.awaited());
    refuse_network_file_system(place.folder().root())?;
    let study_type = ctx.read()?.read().need_study(&a.study)?.study_type;
    let request = JudgeRequest {
        study: a.study,
        rater: a.rater,
        source: named_source(&place, &a.provider)?,
        model: a.provider,
        prompt: prompt(study_type, a.prompt.as_deref().unwrap_or(study_type.as_str()))?,
        threads: open::threads(),
    };
    let mut prepared = judge(&place, &request)?;
    note(&format!(
        "{} rates {} items of {} as {}: {} requests, prompt {}",
        request.model,
        prepared.items,
        request.study,
        prepared.spec.rater,
        prepared.requests.len(),
        request.prompt.tag()
    ));
    let asked = [(request.source.clone(), prepared.requests)];
    if !open::said_before(ctx, &asked, &a.spend)? {
        return Ok(());
    }
    open::spend(&mut prepared.prepared, &a.spend, a.fresh);
    let Some(run) = runs::start(ctx, &place, &prepared.prepared, &a.start)? else {
        return Ok(());
    };
    if !ctx.out.json {
        let text = fs::read_to_string(activities::attempt_file(&place, &run, "summary.json"))?;
        let s: JudgeSummary = serde_json::from_str(&text)?;
        println!("{}", lines(&s));
        println!("  next: polyculture study agreement --study {}", request.study);
    }
    Ok(())
}

/// A prompt by name, or from a file.
fn prompt(study_type: StudyType, name: &str) -> Result<PromptFile, Failure> {
    let path = Path::new(name);
    if path.is_file() {
        let text = fs::read_to_string(path).map_err(|e| Failure::bad_input(e).file(path))?;
        return judge_prompt_from(study_type, &text, path)
            .map_err(|e| Failure::bad_input(e).file(path));
    }
    judge_prompt(study_type, name).map_err(Failure::not_found)
}

fn lines(s: &JudgeSummary) -> String {
    let classes: Vec<String> =
        s.by_class.iter().map(|(class, n)| format!("{n} {}", word(*class))).collect();
    format!(
        "{} items, {} verdicts = {}\n{} items with a score in both orders, {} of them the same score",
        s.items,
        s.requests,
        classes.join(" + "),
        s.both_orders,
        s.same_score
    )
}

/// A class of verdicts, for people.
pub fn word(class: crate::store::VerdictClass) -> &'static str {
    use crate::store::VerdictClass::{CutOff, Failed, Refused, Score, Unparsable};
    match class {
        Score => "scores",
        Refused => "refused",
        CutOff => "cut off",
        Unparsable => "unparsable",
        Failed => "failed calls",
    }
}
