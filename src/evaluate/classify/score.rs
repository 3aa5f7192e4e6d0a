//! Labels by scoring: the label words are complete answers, and the likeliest one is taken.

use super::ClassifyError;
use super::job::{Drawn, Run};
use super::parser::Reading;
use super::results::ResultWriter;
use crate::domain::prompt::Prompt;
use crate::job::{JobError, Progress};
use crate::providers::ChatModel;

/// Prompts scored together: neighbours share their instruction.
const AT_ONCE: usize = 64;

/// Scores the open items of one model.
pub(super) fn score(
    run: &mut Run<'_>,
    model: usize,
    chat: &mut dyn ChatModel,
    progress: &mut dyn Progress,
    out: &mut ResultWriter,
) -> Result<(), ClassifyError> {
    let reference = run.locked.plan.models[model].clone();
    let mut open = run.open_of(model);
    loop {
        if progress.should_stop() {
            return Err(JobError::Stopped.into());
        }
        let mut items: Vec<(usize, Drawn)> = Vec::with_capacity(AT_ONCE);
        let mut prompts: Vec<Prompt> = Vec::with_capacity(AT_ONCE);
        for next in open.by_ref().take(AT_ONCE) {
            let (at, set, item) = next?;
            prompts.push(set.prompt(&item.text));
            items.push((at, Drawn { number: item.number, gold: item.gold }));
        }
        let Some((first, _)) = items.first() else { return Ok(()) };
        let name = run.locked.plan.sets[*first].task.name.clone();
        progress.at(run.done, Some(run.total), &format!("{reference}: {name}"));
        let failed = |reason: String| ClassifyError::Model { model: reference.clone(), reason };
        let scores = chat
            .score(&prompts)
            .ok_or_else(|| {
                failed("it gives no log-probabilities: use `--method generate`".to_owned())
            })?
            .map_err(failed)?;
        if scores.len() != prompts.len() {
            return Err(failed(format!(
                "{} scores came back for {} prompts",
                scores.len(),
                prompts.len()
            )));
        }
        for ((at, item), score) in items.iter().zip(scores) {
            let logs = score.log_probs;
            if logs.iter().any(|l| l.is_nan()) {
                return Err(failed(format!("it scores item {} with NaN", item.number)));
            }
            let best = (0..logs.len())
                .max_by(|a, b| logs[*a].total_cmp(&logs[*b]).then(b.cmp(a)))
                .ok_or_else(|| failed("it gave no scores".to_owned()))?;
            // JSON has no infinity: an impossible word is written as e^-10000.
            let logs = logs.into_iter().map(|l| l.max(-1e4)).collect();
            run.settle(model, *at, item, Reading::Label(best), None, Some(logs), out)?;
        }
    }
}
