//! Evaluations whose answers are words: models, prompts and items, frozen and locked.

use std::collections::BTreeMap;

use super::runs::new_run;
use super::{LaunchError, Place, Prepared, named_source};
use crate::domain::RunId;
use crate::evaluate::classify::{Library, PlannedSet};
use crate::evaluate::forgetting::job::ask as ask_bench;
use crate::evaluate::forgetting::{Bench, ForgettingItem, ForgettingPlan, forgetting_prompt};
use crate::evaluate::locked::{Locked, checksum};
use crate::evaluate::open_ended::job::ask as ask_open;
use crate::evaluate::open_ended::{OpenQuestion, Party, WinRatePlan};
use crate::evaluate::robustness::job::{Said, Texts};
use crate::evaluate::robustness::{Change, RobustnessPlan, TextPair, pairs_of_run};
use crate::job::{Attempt, JobError, RunKind};
use crate::providers::prompts::PromptFile;
use crate::providers::{ChatRequest, ModelSource};

/// A model by any of its names, as plans have it.
///
/// # Errors
/// No such model.
pub fn party(place: &Place, name: &str) -> Result<Party, LaunchError> {
    Ok(Party { name: name.to_owned(), source: named_source(place, name)? })
}

/// A prepared run, and what it will ask of whom: for an estimate before the start.
#[derive(Debug)]
pub struct PreparedTask {
    /// The run.
    pub prepared: Prepared,
    /// Requests by model, in the order of asking.
    pub asked: Vec<(ModelSource, Vec<ChatRequest>)>,
}

/// What a win rate is asked for.
#[derive(Debug, Clone)]
pub struct WinRateRequest {
    /// The model whose win rate it is, the one it is held against, the judge.
    pub parties: [Party; 3],
    /// To answer, to choose.
    pub prompts: [PromptFile; 2],
    /// The questions.
    pub questions: Vec<OpenQuestion>,
    /// Seed of bootstrap and sign flips.
    pub seed: u64,
    /// Threads, for embedded models.
    pub threads: u32,
}

/// Prepares a win rate. The plan is locked here.
///
/// # Errors
/// A plan that cannot be carried out.
pub fn win_rate(place: &Place, request: &WinRateRequest) -> Result<PreparedTask, LaunchError> {
    let questions = WinRatePlan::frozen(&request.questions)?;
    let plan =
        WinRatePlan::new(request.parties.clone(), &request.prompts, &questions, request.seed);
    let label = format!(
        "win rate of {} against {}, {} questions",
        plan.first.name,
        plan.second.name,
        request.questions.len()
    );
    let locked = plan.lock()?;
    let plan = &locked.plan;
    let [answer, pairwise] = plan.prompts()?;
    // What will be judged is not known yet: two answers of three letters a token.
    let guess = "abc ".repeat(plan.answer_tokens as usize);
    let mut answers = Vec::new();
    let mut verdicts = Vec::new();
    for q in &request.questions {
        answers.push(ask_open(&answer, q, &[], plan.answer_tokens)?);
        let verdict = ask_open(&pairwise, q, &[&guess, &guess], plan.verdict_tokens)?;
        verdicts.extend([verdict.clone(), verdict]);
    }
    let asked = vec![
        (plan.first.source.clone(), answers.clone()),
        (plan.second.source.clone(), answers),
        (plan.judge.source.clone(), verdicts),
    ];
    let prepared = locked_run(place, label, request.threads, locked);
    Ok(PreparedTask { prepared: prepared.file("questions.jsonl", questions), asked })
}

/// What a forgetting run is asked for.
#[derive(Debug, Clone)]
pub struct ForgettingRequest {
    /// Which set.
    pub bench: Bench,
    /// The models; the others are held against the first.
    pub models: Vec<Party>,
    /// The items.
    pub items: Vec<ForgettingItem>,
    /// GSM8K: worked examples of every prompt.
    pub shots: Vec<ForgettingItem>,
    /// BBH: worked examples by subtask.
    pub worked: BTreeMap<String, String>,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Threads, for embedded models.
    pub threads: u32,
}

/// Prepares a forgetting run. The plan is locked here.
///
/// # Errors
/// A plan that cannot be carried out.
pub fn forgetting(place: &Place, request: &ForgettingRequest) -> Result<PreparedTask, LaunchError> {
    let items = rows(&request.items)?;
    let prompt = forgetting_prompt(request.bench)?;
    let mut plan =
        ForgettingPlan::new(request.bench, request.models.clone(), &prompt, &items, request.seed);
    plan.shots.clone_from(&request.shots);
    plan.worked.clone_from(&request.worked);
    let label = format!(
        "{} of {} models, {} items",
        request.bench.word(),
        plan.models.len(),
        request.items.len()
    );
    let locked = plan.lock()?;
    let prompt = locked.plan.prompt_file()?;
    let requests = request
        .items
        .iter()
        .map(|i| ask_bench(&prompt, &locked.plan, i))
        .collect::<Result<Vec<_>, _>>()?;
    let asked = locked.plan.models.iter().map(|m| (m.source.clone(), requests.clone())).collect();
    let prepared = locked_run(place, label, request.threads, locked);
    Ok(PreparedTask { prepared: prepared.file("items.jsonl", items), asked })
}

/// What a robustness run is asked for.
#[derive(Debug, Clone)]
pub struct RobustnessRequest {
    /// The classification task.
    pub on: String,
    /// The models.
    pub models: Vec<Party>,
    /// What is done to the texts.
    pub changes: Vec<Change>,
    /// Who rewords.
    pub paraphraser: Option<Party>,
    /// Only so many items.
    pub items: Option<usize>,
    /// Longest reply with a label, in tokens.
    pub label_tokens: u32,
    /// Seed of changes and bootstrap.
    pub seed: u64,
    /// Threads, for embedded models.
    pub threads: u32,
}

/// Prepares a robustness run on a classification task of the workspace. The plan is locked here.
///
/// # Errors
/// No such task, its texts are not here or are flagged; a plan that cannot be carried out.
pub fn robustness(place: &Place, request: &RobustnessRequest) -> Result<PreparedTask, LaunchError> {
    let library = Library::open(&place.folder().tasks())?;
    let task = library.task(&request.on)?;
    let bytes = library.bytes(task)?;
    let check = library.check(task, task.parser)?;
    check.pass()?;
    let set = PlannedSet {
        system: task.prompt.system.clone(),
        task: task.clone(),
        parser: task.parser,
        data: TEXTS.into(),
        sha256: checksum(&bytes),
        items: check.items,
        findings: check.findings,
    };
    let mut plan =
        RobustnessPlan::new(set, request.models.clone(), request.changes.clone(), request.seed);
    plan.items = request.items;
    plan.label_tokens = request.label_tokens;
    if let Some(p) = &request.paraphraser {
        plan = plan.reworded_by(p.clone())?;
    }
    let changes: Vec<String> = request.changes.iter().map(ToString::to_string).collect();
    let label = format!("robustness on {} under {}", request.on, changes.join(", "));
    let locked = plan.lock()?;
    let texts = Texts::of_bytes(&locked.plan, &bytes)?;
    let requests = texts.requests(&locked.plan);
    let mut asked = Vec::new();
    if let Some(p) = &locked.plan.paraphraser {
        asked.push((p.source.clone(), texts.rewordings(&locked.plan)?));
    }
    asked.extend(locked.plan.models.iter().map(|m| (m.source.clone(), requests.clone())));
    let prepared = locked_run(place, label, request.threads, locked).file(TEXTS, bytes);
    Ok(PreparedTask { prepared, asked })
}

/// The texts of a set in a run's input.
const TEXTS: &str = "texts.jsonl";

/// Every changed text of a run of task `robustness`, from its folder.
///
/// # Errors
/// No such run, or one of another task.
pub fn robustness_pairs(place: &Place, run: &RunId) -> Result<Vec<TextPair>, LaunchError> {
    let dir = place.folder().runs().join(run.as_str());
    let mut number = 0;
    while dir.join(format!("attempt-{}", number + 1)).is_dir() {
        number += 1;
    }
    if number == 0 {
        return Err(LaunchError::Unknown(format!(
            "no run {run} in this workspace: `polyculture runs list` shows what there is"
        )));
    }
    let attempt = Attempt::open(dir.join(format!("attempt-{number}")))?;
    let task = crate::evaluate::locked::task_of(&attempt).unwrap_or_default();
    if task != "robustness" {
        return Err(LaunchError::Unknown(format!("run {run} is no run of task robustness")));
    }
    let locked: Locked<RobustnessPlan> = Locked::read(&attempt)?;
    let texts = Texts::read(&attempt, &locked.plan)?;
    Ok(pairs_of_run(&locked.plan, &texts, &Said::of(&attempt)?))
}

/// One JSON document a line.
fn rows<T: serde::Serialize>(items: &[T]) -> Result<Vec<u8>, LaunchError> {
    let mut out = Vec::new();
    for item in items {
        serde_json::to_writer(&mut out, item)
            .map_err(|e| LaunchError::Files(JobError::Work(e.to_string())))?;
        out.push(b'\n');
    }
    Ok(out)
}

/// An evaluation run with its locked plan.
fn locked_run<P>(place: &Place, label: String, threads: u32, locked: Locked<P>) -> Prepared {
    let mut run = new_run(place, RunKind::Evaluate, label);
    run.resources.threads = threads;
    Prepared::new(run)
        .file("plan.json", locked.text.into_bytes())
        .file("plan.sha256", locked.sha256.into_bytes())
}
