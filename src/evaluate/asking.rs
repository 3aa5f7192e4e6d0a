//! How a job of this room asks a model: a list of open requests, each reported to whoever writes
//! its line. Shared by the tasks that ask in words.

use std::ops::ControlFlow;

use super::EvaluateError;
use crate::job::JobError;
use crate::providers::{CallFailed, ChatModel, ChatReply, ChatRequest, ModelSource, Totals};

/// Opens the model that a frozen input names.
pub type MakeChat<'a> = dyn FnMut(&ModelSource) -> Result<Box<dyn ChatModel>, String> + 'a;

/// Hears of one reply; `Break` is a wish to stop.
pub type OnAnswer<'a, T> =
    dyn FnMut(&T, Result<ChatReply, CallFailed>) -> Result<ControlFlow<()>, JobError> + 'a;

/// Asks a model everything that is open. With nothing open the model is not even opened.
///
/// # Errors
/// The model cannot be opened or asked; what the listener says; [`JobError::Stopped`] where it
/// wished to stop.
pub fn ask_open<T: Sync>(
    open: &[(T, ChatRequest)],
    name: &str,
    source: &ModelSource,
    make: &mut MakeChat<'_>,
    on_answer: &mut OnAnswer<'_, T>,
) -> Result<Totals, JobError> {
    if open.is_empty() {
        return Ok(Totals::default());
    }
    let failed =
        |reason: String| JobError::from(EvaluateError::Model { model: name.to_owned(), reason });
    let mut model = make(source).map_err(failed)?;
    let mut trouble = None;
    let mut answered = false;
    let asked = model.ask(&mut open.iter().map(|(_, r)| r.clone()), &mut |i, reply| {
        let Some((about, _)) = open.get(i as usize) else { return ControlFlow::Continue(()) };
        answered |= reply.is_ok();
        match on_answer(about, reply) {
            Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => {
                trouble = Some(JobError::Stopped);
                ControlFlow::Break(())
            }
            Err(e) => {
                trouble = Some(e);
                ControlFlow::Break(())
            }
        }
    });
    match trouble {
        Some(e) => Err(e),
        None => asked.map_err(|e| match failed(e.to_string()) {
            JobError::Work(words) => e.of_run(words, answered),
            other => other,
        }),
    }
}
