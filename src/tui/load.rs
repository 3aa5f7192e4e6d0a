//! Something that is read off the screen's task: what is known of it now.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::data::{Access, Lane, WorkError};
use super::screen::{Answer, Cx, Ticket};

/// A value that is asked for, awaited, and kept on show while it is asked for again.
#[derive(Debug)]
pub struct Load<T> {
    asked: Option<(Ticket, Arc<AtomicBool>)>,
    value: Option<T>,
    error: Option<WorkError>,
}

impl<T> Default for Load<T> {
    fn default() -> Self {
        Self { asked: None, value: None, error: None }
    }
}

impl<T: Send + 'static> Load<T> {
    /// Asks for it. An earlier ask that is not answered yet is forgotten.
    pub fn ask(
        &mut self,
        cx: &mut Cx<'_>,
        lane: Lane,
        job: impl FnOnce(&mut Access) -> Result<T, WorkError> + Send + 'static,
    ) {
        if let Some((_, stale)) = self.asked.take() {
            stale.store(true, Ordering::Relaxed);
        }
        let stale = Arc::new(AtomicBool::new(false));
        let ticket = cx.work(
            lane,
            // What is written is never dropped, whoever asked for it.
            (!matches!(lane, Lane::Write | Lane::Files)).then(|| Arc::clone(&stale)),
            Box::new(move |a| job(a).map(|v| Box::new(v) as Box<dyn Any + Send>)),
        );
        self.asked = Some((ticket, stale));
    }

    /// Takes an answer that belongs here; true when it was ours. A value replaces the one before;
    /// an error stands beside it.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        if self.asked.as_ref().is_none_or(|(t, _)| *t != answer.ticket) {
            return false;
        }
        self.asked = None;
        match answer.value.take() {
            Some(Ok(v)) => match v.downcast::<T>() {
                Ok(v) => {
                    self.value = Some(*v);
                    self.error = None;
                }
                Err(_) => self.error = Some(WorkError::lost()),
            },
            Some(Err(e)) => self.error = Some(e),
            None => {}
        }
        true
    }

    /// What is known.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// What is known, to be changed in place.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }

    /// Puts a value there that nobody had to read.
    pub fn set(&mut self, value: T) {
        self.value = Some(value);
        self.error = None;
    }

    /// Takes it out.
    pub fn take(&mut self) -> Option<T> {
        self.value.take()
    }

    /// Why the last ask failed.
    pub fn error(&self) -> Option<&WorkError> {
        self.error.as_ref()
    }

    /// True while an answer is awaited.
    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if let Some((_, stale)) = self.asked.take() {
            stale.store(true, Ordering::Relaxed);
        }
        self.value = None;
        self.error = None;
    }
}
