//! Evaluations whose answers are words: models, prompts and items, frozen and locked.

use std::collections::BTreeMap;

use super::runs::new_run;
use super::{LaunchError, Place, Prepared, named_source};
use crate::evaluate::forgetting::{Bench, ForgettingItem, ForgettingPlan, forgetting_prompt};
use crate::evaluate::locked::Locked;
use crate::evaluate::open_ended::{OpenQuestion, Party, WinRatePlan};
use crate::job::{JobError, RunKind};
use crate::providers::prompts::PromptFile;

/// A model by any of its names, as plans have it.
///
/// # Errors
/// No such model.
pub fn party(place: &Place, name: &str) -> Result<Party, LaunchError> {
    Ok(Party { name: name.to_owned(), source: named_source(place, name)? })
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
pub fn win_rate(place: &Place, request: &WinRateRequest) -> Result<Prepared, LaunchError> {
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
    Ok(locked_run(place, label, request.threads, locked).file("questions.jsonl", questions))
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
pub fn forgetting(place: &Place, request: &ForgettingRequest) -> Result<Prepared, LaunchError> {
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
    Ok(locked_run(place, label, request.threads, locked).file("items.jsonl", items))
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
