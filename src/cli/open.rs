//! `polyculture evaluate` for tasks whose answers are words.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::args::{EvaluateArgs, StartArgs};
use super::args_calls::SpendArgs;
use super::output::note;
use super::{Context, Failure, activities, augment, runs};
use crate::config::UserConfig;
use crate::evaluate::EvaluateError;
use crate::evaluate::figures::{TaskResult, plain_figures};
use crate::evaluate::forgetting::{
    Bench, ForgettingItem, own_shots, read_bbh, read_cot, read_gsm8k,
};
use crate::evaluate::open_ended::{open_prompts, read_questions, sample_questions};
use crate::evaluate::robustness::Change;
use crate::launch::{
    ForgettingRequest, Place, Prepared, PreparedTask, RobustnessRequest, WinRateRequest,
    forgetting, party, price, robustness, win_rate,
};
use crate::providers::estimate::{Estimate, estimate};
use crate::providers::prompts::{PromptFile, parse_like};
use crate::providers::{ChatRequest, ModelSource};

/// Tasks that this file knows.
pub const TASKS: [&str; 4] = ["win-rate", "gsm8k", "bbh", "robustness"];

impl From<EvaluateError> for Failure {
    fn from(e: EvaluateError) -> Self {
        match e {
            EvaluateError::BadFile { ref path, line, .. } => {
                let path = path.clone();
                Self::bad_input(e).file(path).line(line)
            }
            other => Self::usage(other),
        }
    }
}

/// True where one of the tasks is answered in words.
pub fn knows(tasks: &[String]) -> bool {
    tasks.iter().any(|t| TASKS.contains(&t.as_str()))
}

/// Runs the task.
///
/// # Errors
/// A model, judge or file that is missing; with `--wait`, a run that failed.
pub fn run(ctx: &Context, a: &EvaluateArgs) -> Result<(), Failure> {
    let [task] = a.tasks.as_slice() else {
        return Err(Failure::usage(format!(
            "{} are tasks of their own: one a command",
            TASKS.join(", ")
        )));
    };
    let place = ctx.place()?.awaiting(&a.start.terms.awaited());
    let mut task = match task.as_str() {
        "win-rate" => prepare_win_rate(&place, a)?,
        "gsm8k" => prepare_forgetting(&place, a, Bench::Gsm8k)?,
        "bbh" => prepare_forgetting(&place, a, Bench::Bbh)?,
        "robustness" => prepare_robustness(&place, a)?,
        other => return Err(Failure::not_found(format!("no task `{other}`"))),
    };
    if !said_before(ctx, &task.asked, &a.spend)? {
        return Ok(());
    }
    spend(&mut task.prepared, &a.spend, a.fresh);
    show(ctx, &place, &task.prepared, &a.start)
}

/// Says what a run will take of services. False where that is all that was wanted.
///
/// # Errors
/// A configuration that cannot be read; standard output is closed.
pub fn said_before(
    ctx: &Context,
    asked: &[(ModelSource, Vec<ChatRequest>)],
    a: &SpendArgs,
) -> Result<bool, Failure> {
    let config = UserConfig::load().map_err(Failure::bad_input)?;
    let mut sum = Estimate::default();
    for (source, requests) in asked {
        if !matches!(source, ModelSource::Endpoint { .. }) {
            continue;
        }
        let e = estimate(requests, price(&config, source).as_ref());
        sum.calls += e.calls;
        sum.prompt_tokens += e.prompt_tokens;
        sum.completion_tokens_at_most += e.completion_tokens_at_most;
        if let Some(cost) = e.cost_at_most {
            sum.cost_at_most = Some(sum.cost_at_most.unwrap_or(0.0) + cost);
            sum.currency = e.currency;
        }
    }
    let words = || match sum.calls {
        0 => "every model is in a folder: no calls, no cost".to_owned(),
        _ => augment::plan(&sum),
    };
    if a.dry_run {
        ctx.out.show(&sum, words)?;
        return Ok(false);
    }
    if sum.calls > 0 {
        note(&words());
    }
    Ok(true)
}

/// Sets the limits of a run.
pub fn spend(prepared: &mut Prepared, a: &SpendArgs, fresh: bool) {
    prepared.fresh = fresh;
    prepared.budget = a.budget.budget();
}

/// Starts a run, and prints its figures where it was waited for.
///
/// # Errors
/// It cannot be started, or did not succeed.
fn show(
    ctx: &Context,
    place: &Place,
    prepared: &Prepared,
    start: &StartArgs,
) -> Result<(), Failure> {
    let Some(run) = runs::start(ctx, place, prepared, start)? else { return Ok(()) };
    if !ctx.out.json {
        let text = fs::read_to_string(activities::attempt_file(place, &run, "evaluation.json"))?;
        let result: TaskResult = serde_json::from_str(&text)?;
        println!("{}", plain_figures(&result));
    }
    Ok(())
}

/// Threads for embedded models.
pub fn threads() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as u32)
}

/// A prompt from a file, with the placeholders of an embedded one.
///
/// # Errors
/// It cannot be read, or is none.
pub fn prompt_file(path: &Path, like: &str) -> Result<PromptFile, Failure> {
    let text = fs::read_to_string(path).map_err(|e| Failure::bad_input(e).file(path))?;
    parse_like(&text, path, like).map_err(|e| Failure::bad_input(e).file(path))
}

fn prepare_win_rate(place: &Place, a: &EvaluateArgs) -> Result<PreparedTask, Failure> {
    let missing = |flag: &str, what: &str| Failure::usage(format!("win-rate needs {flag}: {what}"));
    let [first] = a.model.as_slice() else {
        return Err(Failure::usage("win-rate takes one --model, held against --against"));
    };
    let second = a.open.against.as_deref().ok_or_else(|| missing("--against", "another model"))?;
    let judge =
        a.open.judge.as_deref().ok_or_else(|| missing("--judge", "a model that chooses"))?;
    let questions = match &a.open.questions {
        Some(path) => read_questions(path)?,
        None => sample_questions()?,
    };
    let [answer, pairwise] = open_prompts()?;
    let pairwise = match &a.open.judge_prompt {
        Some(path) => prompt_file(path, "open-pairwise")?,
        None => pairwise,
    };
    let n = questions.len();
    note(&format!(
        "{n} questions: {n} answers each of {first} and {second}, {} verdicts of {judge}: {} requests",
        2 * n,
        4 * n
    ));
    let request = WinRateRequest {
        parties: [party(place, first)?, party(place, second)?, party(place, judge)?],
        prompts: [answer, pairwise],
        questions,
        seed: a.seed,
        threads: threads(),
    };
    Ok(win_rate(place, &request)?)
}

fn prepare_forgetting(
    place: &Place,
    a: &EvaluateArgs,
    bench: Bench,
) -> Result<PreparedTask, Failure> {
    let path = a.open.file.as_deref().ok_or_else(|| {
        Failure::usage(format!("{} needs --file: the set as it is published", bench.word())).hint(
            "polyculture ships none of it; sample_data/forgetting/ has a few items of our own",
        )
    })?;
    let mut items = match bench {
        Bench::Gsm8k => read_gsm8k(path)?,
        Bench::Bbh => read_bbh(path)?,
    };
    if let Some(limit) = a.open.limit {
        items = first_of_each(items, limit);
    }
    let shots = match (bench, &a.open.examples) {
        (Bench::Bbh, _) => Vec::new(),
        (Bench::Gsm8k, Some(path)) => read_gsm8k(path)?.into_iter().take(a.open.shots).collect(),
        (Bench::Gsm8k, None) => own_shots()?.into_iter().take(a.open.shots).collect(),
    };
    let worked = match (bench, &a.open.cot) {
        (Bench::Bbh, Some(path)) => read_cot(path)?,
        _ => BTreeMap::new(),
    };
    if shots.iter().any(|s: &ForgettingItem| items.iter().any(|i| i.question == s.question)) {
        return Err(Failure::usage(
            "an example of --examples is an item of --file: its answer would stand in the prompt",
        ));
    }
    let models = a.model.iter().map(|m| party(place, m)).collect::<Result<Vec<_>, _>>()?;
    note(&format!(
        "{} items, {} models: {} requests",
        items.len(),
        models.len(),
        items.len() * models.len()
    ));
    let request =
        ForgettingRequest { bench, models, items, shots, worked, seed: a.seed, threads: threads() };
    Ok(forgetting(place, &request)?)
}

fn first_of_each(items: Vec<ForgettingItem>, limit: usize) -> Vec<ForgettingItem> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    items
        .into_iter()
        .filter(|i| {
            let n = seen.entry(i.part.clone()).or_default();
            *n += 1;
            *n <= limit
        })
        .collect()
}

fn prepare_robustness(place: &Place, a: &EvaluateArgs) -> Result<PreparedTask, Failure> {
    let on = a.open.texts_of.clone().ok_or_else(|| {
        Failure::usage(
            "robustness needs --texts-of: the classification task whose texts are changed",
        )
        .hint("`polyculture tasks list --here` shows those whose texts are here")
    })?;
    let usual = ["typos:0.2", "look-alike:0.2", "injection:0.3"];
    let changes = if a.open.changes.is_empty() {
        usual
            .iter()
            .map(|c| c.parse())
            .collect::<Result<Vec<Change>, _>>()
            .map_err(Failure::usage)?
    } else {
        a.open.changes.clone()
    };
    let named = |name: &String| party(place, name);
    let request = RobustnessRequest {
        on,
        models: a.model.iter().map(named).collect::<Result<_, _>>()?,
        changes,
        paraphraser: a.open.paraphraser.as_ref().map(named).transpose()?,
        items: a.open.limit,
        label_tokens: a.classify.reply_tokens,
        seed: a.seed,
        threads: threads(),
    };
    Ok(robustness(place, &request)?)
}
