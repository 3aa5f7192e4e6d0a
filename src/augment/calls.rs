//! One wave of calls: requests drawn as there is room, each reply heard of once, figures noted,
//! stopping when asked to. What was not answered is asked again by the next attempt.

use std::ops::ControlFlow;
use std::sync::Mutex;

use super::AugmentError;
use super::ledger::Ledger;
use crate::job::{JobError, Progress};
use crate::providers::language::Answer;
use crate::providers::prompts::PromptError;
use crate::providers::{ChatModel, ChatRequest};

/// Who is asked, and who is told.
pub(super) struct Asking<'w> {
    pub model: &'w mut dyn ChatModel,
    pub ledger: &'w mut Ledger,
    pub progress: &'w mut dyn Progress,
}

impl Asking<'_> {
    /// Puts `calls` and hears of each. `later` are calls that are expected after these, for the
    /// progress.
    ///
    /// # Errors
    /// The provider cannot go on, what hears fails, the disk is full, or the job was asked to
    /// stop. What was heard before is written.
    pub fn wave<T: Sync>(
        &mut self,
        name: &str,
        calls: &[T],
        later: u64,
        request: impl Fn(&T) -> Result<ChatRequest, PromptError> + Sync,
        mut heard: impl FnMut(&T, Answer, &mut Ledger) -> Result<(), AugmentError>,
    ) -> Result<(), JobError> {
        if calls.is_empty() {
            return Ok(());
        }
        let unrendered: Mutex<Option<PromptError>> = Mutex::new(None);
        let mut requests = calls.iter().map_while(|c| match request(c) {
            Ok(r) => Some(r),
            Err(e) => {
                if let Ok(mut place) = unrendered.lock() {
                    *place = Some(e);
                }
                None
            }
        });
        let (ledger, progress) = (&mut *self.ledger, &mut *self.progress);
        let before = ledger.replies();
        let total = before + calls.len() as u64 + later;
        let mut trouble: Option<JobError> = None;
        let asked = self.model.ask(&mut requests, &mut |i, answer| {
            let call = usize::try_from(i).ok().and_then(|i| calls.get(i));
            let Some(call) = call else { return ControlFlow::Continue(()) };
            ledger.heard(&answer);
            if let Err(e) = heard(call, answer, ledger) {
                trouble = Some(super::job::failed(e));
                return ControlFlow::Break(());
            }
            let note = format!("{name}: {}", ledger.spent());
            progress.at(ledger.replies(), Some(total), &note);
            if progress.should_stop() {
                trouble = Some(JobError::Stopped);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        drop(requests);
        ledger.sync()?;
        let totals = match (trouble, asked) {
            (Some(e), _) => return Err(e),
            (None, Err(e)) => return Err(e.of_run(e.to_string(), ledger.replies() > 0)),
            (None, Ok(t)) => t,
        };
        if let Some(e) = unrendered.into_inner().ok().flatten() {
            return Err(JobError::Work(e.to_string()));
        }
        ledger.wave_done(&totals, total)?;
        let came = ledger.replies() - before;
        if came < calls.len() as u64 {
            return Err(JobError::Work(format!(
                "the provider answered {came} of {} calls for {name}: `polyculture runs retry` asks for \
                 the rest",
                calls.len()
            )));
        }
        Ok(())
    }
}
