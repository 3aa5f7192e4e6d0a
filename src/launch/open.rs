//! Evaluations whose answers are words: models, prompts and items, frozen and locked.

use super::runs::new_run;
use super::{LaunchError, Place, Prepared, named_source};
use crate::evaluate::locked::Locked;
use crate::evaluate::open_ended::{OpenQuestion, Party, WinRatePlan};
use crate::job::RunKind;
use crate::providers::PromptFile;

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

/// An evaluation run with its locked plan.
fn locked_run<P>(place: &Place, label: String, threads: u32, locked: Locked<P>) -> Prepared {
    let mut run = new_run(place, RunKind::Evaluate, label);
    run.resources.threads = threads;
    Prepared::new(run)
        .file("plan.json", locked.text.into_bytes())
        .file("plan.sha256", locked.sha256.into_bytes())
}
