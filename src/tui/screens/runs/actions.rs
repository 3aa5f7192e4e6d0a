//! What keys do to runs.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::rows::VIEWS;
use super::{Pane, Runs};
use crate::domain::RunId;
use crate::engine::at_rest;
use crate::job::{RunView, StateName};
use crate::tui::data::{Access, Lane, WorkError};
use crate::tui::screen::{Cx, Effect, Tone};
use crate::tui::widgets::ListControl;

/// What the pager is given of a log, in bytes from its end.
const TAIL: u64 = 1 << 20;

impl Runs {
    fn chosen(&self) -> Vec<RunId> {
        self.list.chosen().into_iter().filter_map(|id| RunId::new(id).ok()).collect()
    }

    pub(super) fn open_log(&mut self, cx: &mut Cx<'_>) {
        if self.list.current().is_some() {
            self.full = true;
            self.pump(cx);
        }
    }

    pub(super) fn close_log(&mut self, cx: &mut Cx<'_>) {
        if self.log.filter().is_empty() {
            self.full = false;
        } else {
            // As everywhere: the first Esc clears what was looked for.
            self.log.set_filter("");
        }
        self.pump(cx);
    }

    pub(super) fn follow(&mut self, cx: &mut Cx<'_>) {
        let on = !self.log.follows();
        self.log.set_follow(on);
        if !self.full {
            self.pane = Pane::Log;
        }
        let said = if on { "the log follows its end" } else { "the log stands still" };
        cx.note(Tone::Plain, said);
        self.pump(cx);
    }

    pub(super) fn next_pane(&mut self, cx: &mut Cx<'_>) {
        self.pane = match self.pane {
            Pane::Facts => Pane::Log,
            Pane::Log => Pane::Metrics,
            Pane::Metrics => Pane::Facts,
        };
        self.pump(cx);
    }

    pub(super) fn next_series(&mut self, _cx: &mut Cx<'_>) {
        self.pane = Pane::Metrics;
        self.curves_view.next(1);
    }

    pub(super) fn series_back(&mut self, _cx: &mut Cx<'_>) {
        self.pane = Pane::Metrics;
        self.curves_view.next(-1);
    }

    pub(super) fn next_view(&mut self, cx: &mut Cx<'_>) {
        let at = VIEWS.iter().position(|v| v.0 == self.list.scope()).unwrap_or(0);
        let next = VIEWS[(at + 1) % VIEWS.len()].0;
        self.list.set_scope(next);
        cx.note(Tone::Plain, format!("shown: {next}"));
        self.pump(cx);
    }

    pub(super) fn attempt_before(&mut self, cx: &mut Cx<'_>) {
        let Some(view) = &self.about else { return };
        if view.attempt <= 1 {
            cx.note(Tone::Plain, "this run has one attempt");
            return;
        }
        let shown = self.attempt.unwrap_or(view.attempt);
        let next = if shown > 1 { shown - 1 } else { view.attempt };
        self.attempt = (next != view.attempt).then_some(next);
        cx.note(Tone::Plain, format!("log of attempt {next} of {}", view.attempt));
        if !self.full {
            self.pane = Pane::Log;
        }
        self.pump(cx);
    }

    pub(super) fn search(&mut self, back: bool, cx: &mut Cx<'_>) {
        self.log.search_again(back);
        self.pump(cx);
    }

    pub(super) fn copy(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.list.current() {
            cx.ask(Effect::Copy(row.view.id.to_string()));
        }
    }

    pub(super) fn look_again(&mut self, cx: &mut Cx<'_>) {
        self.list.refresh();
        self.counted = None;
        self.log.look_again();
        self.read_facts(cx);
        self.pump(cx);
    }

    pub(super) fn pager(&mut self, cx: &mut Cx<'_>) {
        let Some(path) = self.log.path().map(Path::to_owned) else { return };
        self.tail.ask(cx, Lane::Engine, move |_| Ok(tail(&path)?));
    }

    pub(super) fn show_tail(&mut self, cx: &mut Cx<'_>) {
        match (self.tail.take(), self.tail.error()) {
            (Some(text), _) if text.is_empty() => cx.note(Tone::Plain, "nothing was printed yet"),
            (Some(text), _) => cx.ask(Effect::Pager(text)),
            (None, Some(e)) => cx.note(Tone::Bad, e.to_string()),
            (None, None) => {}
        }
    }

    pub(super) fn ask_cancel(&mut self, cx: &mut Cx<'_>) {
        self.to_cancel = self.chosen();
        let text = match (&self.to_cancel[..], &self.about) {
            ([], _) => return,
            ([_], Some(v)) if v.state.is_final() => {
                let said = format!("it has ended already: {}", super::rows::state_word(v.state));
                cx.note(Tone::Plain, said);
                return;
            }
            ([_], Some(v)) => {
                let name = v.label.clone().unwrap_or_else(|| v.id.to_string());
                if v.state.is_live() {
                    format!(
                        "Cancel `{name}`? It is told to stop, writes a checkpoint if it can, and is \
                         ended after its grace."
                    )
                } else {
                    format!("Cancel `{name}` before it starts?")
                }
            }
            (many, _) => format!("Cancel the {} marked runs that have not ended?", many.len()),
        };
        cx.ask(Effect::Confirm(text, "runs.cancel-now"));
    }

    pub(super) fn cancel_now(&mut self, cx: &mut Cx<'_>) {
        let mut runs = std::mem::take(&mut self.to_cancel);
        if runs.is_empty() {
            runs = self.chosen();
        }
        self.act(runs, false, cx);
    }

    pub(super) fn retry(&mut self, cx: &mut Cx<'_>) {
        let runs = self.chosen();
        if let ([_], Some(v)) = (&runs[..], &self.about)
            && !v.state.is_final()
        {
            let said = format!("it has not ended ({}): x cancels it first", v.state.word());
            cx.note(Tone::Plain, said);
            return;
        }
        self.act(runs, true, cx);
    }

    fn act(&mut self, runs: Vec<RunId>, retry: bool, cx: &mut Cx<'_>) {
        if runs.is_empty() {
            return;
        }
        self.list.unmark();
        // On a lane of its own kind: a lane's asks are forgotten when others come, writes are not.
        self.done.ask(cx, Lane::Write, move |a| act(a, &runs, retry));
    }

    pub(super) fn told_of_action(&mut self, cx: &mut Cx<'_>) {
        match (self.done.take(), self.done.error()) {
            (Some(views), _) => {
                let text = match &views[..] {
                    [one] => format!("{}: {}", name(one), super::rows::state_word(one.state)),
                    many => format!("{} runs told", many.len()),
                };
                for row in self.list.rows_mut() {
                    if let Some(v) = views.iter().find(|v| v.id == row.view.id) {
                        row.view = v.clone();
                    }
                }
                cx.note(Tone::Good, text);
            }
            (None, Some(e)) => cx.note(Tone::Bad, e.to_string()),
            (None, None) => {}
        }
    }

    /// Goes to a run that another screen named.
    pub(super) fn seek(&mut self, id: RunId, cx: &mut Cx<'_>) {
        self.list.set_filter("");
        self.list.set_scope(VIEWS[0].0);
        self.sought.ask(cx, Lane::Page, move |a| find(a, &id));
    }

    pub(super) fn sought_found(&mut self, cx: &mut Cx<'_>) {
        match (self.sought.take(), self.sought.error()) {
            (Some(Some((seq, _))), _) => {
                self.list.set_order(0);
                self.list.start_from(seq);
            }
            (Some(None), _) => cx.note(Tone::Warn, "the engine does not know that run (any more)"),
            (None, Some(e)) => cx.note(Tone::Bad, e.to_string()),
            (None, None) => {}
        }
    }
}

fn name(v: &RunView) -> String {
    v.label.clone().unwrap_or_else(|| v.id.to_string())
}

/// Cancels or retries runs; those that it means nothing to are passed over when there are several.
fn act(a: &mut Access, runs: &[RunId], retry: bool) -> Result<Vec<RunView>, WorkError> {
    let mut done = Vec::new();
    for id in runs {
        let told = a.engine(|c| if retry { c.retry(id) } else { c.cancel(id) });
        match told {
            Ok(v) => done.push(v),
            Err(e) if runs.len() == 1 => return Err(e),
            Err(_) => {}
        }
    }
    Ok(done)
}

/// A run and its cursor.
fn find(a: &mut Access, id: &RunId) -> Result<Option<(i64, RunView)>, WorkError> {
    use crate::engine::protocol::ListAsk;
    let ask = ListAsk { words: id.to_string(), limit: 1, ..ListAsk::default() };
    match a.look(|c| c.find(&ask))? {
        Some(page) => Ok(page.seqs.first().copied().zip(page.items.into_iter().next())),
        None => Ok(at_rest::show(&a.state_dir()?, id)?),
    }
}

/// The end of a log, from the beginning of a line on.
fn tail(path: &Path) -> std::io::Result<String> {
    let file = match File::open(path) {
        Ok(f) => f,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(e) => return Err(e),
    };
    let size = file.metadata()?.len();
    let from = size.saturating_sub(TAIL);
    let mut bytes = vec![0; (size - from) as usize];
    file.read_exact_at(&mut bytes, from)?;
    let start = match from {
        0 => 0,
        _ => memchr::memchr(b'\n', &bytes).map_or(0, |i| i + 1),
    };
    let text = String::from_utf8_lossy(&bytes[start..]).into_owned();
    Ok(if from == 0 { text } else { format!("[the last {TAIL} of {size} bytes]\n{text}") })
}

/// True for a state after which somebody should look.
pub(super) fn is_bad(state: StateName) -> bool {
    state.is_final() && !matches!(state, StateName::Succeeded | StateName::Cancelled)
}
