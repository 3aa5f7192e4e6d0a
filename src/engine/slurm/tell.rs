//! What people are told of a run of SLURM while it lives.

use super::super::EngineError;
use super::carry::Carrier;
use super::identity::JobFile;
use super::log;
use super::parse::{Phase, phase};
use super::poll::Look;
use crate::job::{RunFile, RunState};

impl Carrier {
    /// Why there is no job yet.
    pub(super) fn note_waiting(&self, words: &str) {
        self.change(|record| match record {
            RunState::Starting { queued_at, starting_at, note } => {
                let text = Some(format!("not at SLURM yet: {words}"));
                (*note != text).then_some(RunState::Starting {
                    queued_at: *queued_at,
                    starting_at: *starting_at,
                    note: text,
                })
            }
            _ => None,
        });
    }

    /// Where its job stands.
    pub(super) fn note(&self, job: &JobFile, look: &Look, run: Option<&RunFile>) {
        let text = tell(job, look);
        self.change(|state| match (state, run) {
            (
                RunState::Starting { queued_at, .. } | RunState::Running { queued_at, .. },
                Some(run),
            ) => {
                let next = RunState::Running {
                    queued_at: *queued_at,
                    started_at: run.started,
                    note: Some(text),
                };
                (*state != next).then_some(next)
            }
            (RunState::Starting { queued_at, starting_at, .. }, None) => {
                let next = RunState::Starting {
                    queued_at: *queued_at,
                    starting_at: *starting_at,
                    note: Some(text),
                };
                (*state != next).then_some(next)
            }
            _ => None,
        });
    }

    /// What keeps us from looking at it.
    pub(super) fn note_trouble(&self, words: &str) {
        let text = Some(words.to_owned());
        self.change(|state| {
            let mut next = state.clone();
            match &mut next {
                RunState::Starting { note, .. } | RunState::Running { note, .. } => {
                    *note = text;
                }
                _ => return None,
            }
            (*state != next).then_some(next)
        });
    }

    /// Commits what `next` says, if the run is still at this attempt.
    fn change(&self, next: impl FnOnce(&RunState) -> Option<RunState>) {
        let number = self.attempt().number();
        let change = || -> Result<(), EngineError> {
            let mut inner = self.sup.core.lock();
            let Some(mut record) = inner.db.get(&self.sup.spec.id)? else { return Ok(()) };
            if record.attempt != number {
                return Ok(());
            }
            let Some(state) = next(&record.state) else { return Ok(()) };
            self.sup.core.transition(&mut inner, &mut record, number, state, false)
        };
        if let Err(e) = change() {
            log::say(format_args!("run {}: its state could not be noted: {e}", self.sup.spec.id));
        }
    }
}

/// A state with its reason.
pub(super) fn words(state: &str, reason: &str) -> String {
    if reason.is_empty() || reason == "None" { state.into() } else { format!("{state} ({reason})") }
}

/// A job in one line, for people.
fn tell(job: &JobFile, look: &Look) -> String {
    let mut text = format!("SLURM job {}", job.job);
    match &look.line {
        None => text += ": submitted",
        Some(line) => match phase(&line.state) {
            Phase::Waiting => {
                text += &format!(", queued there: {}", words(&line.state, &line.reason));
            }
            Phase::OnNode if line.state == "RUNNING" => text += &format!(" on {}", line.nodes),
            Phase::OnNode => text += &format!(" on {}: {}", line.nodes, line.state),
            Phase::Ended(_) | Phase::Unknown => {
                text += &format!(": {}", words(&line.state, &line.reason));
            }
        },
    }
    if look.trouble.is_none() && look.gone_since.is_some() {
        text += "; SLURM knows it no more";
    }
    if let Some(trouble) = &look.trouble {
        text += &format!("; unreachable: {trouble}");
    }
    text
}
