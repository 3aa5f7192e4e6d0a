//! What keys do to runs.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::rows::VIEWS;
use super::{Pane, Runs};
use crate::domain::RunId;
use crate::engine::at_rest;
use crate::job::{After, RunView, StateName};
use crate::tui::data::{Access, Lane, WorkError};
use crate::tui::screen::{Cx, Effect, Tone};
use crate::tui::widgets::ListControl;

/// What the pager is given of a log, in bytes from its end.
const TAIL: u64 = 1 << 20;
/// So many of the runs that one waits for are asked after.
const OTHERS: usize = 20;

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
        self.ask_first(
            Act::Cancel,
            |name, live| {
                if live {
                    format!(
                        "Cancel `{name}`? It is told to stop, writes a checkpoint if it can, and is \
                         ended after its grace."
                    )
                } else {
                    format!("Cancel `{name}` before it starts?")
                }
            },
            "Cancel",
            cx,
        );
    }

    pub(super) fn ask_stop(&mut self, cx: &mut Cx<'_>) {
        self.ask_first(
            Act::Stop,
            |name, live| {
                if live {
                    format!(
                        "Stop `{name}` with a checkpoint? Work that writes none begins again \
                         when it is resumed."
                    )
                } else {
                    format!("Take `{name}` out of the queue? c puts it back.")
                }
            },
            "Stop",
            cx,
        );
    }

    /// Asks before what loses work. `one`: the question for one run, by its name and whether it is
    /// live; `many`: the verb for several.
    fn ask_first(
        &mut self,
        act: Act,
        one: impl Fn(&str, bool) -> String,
        many: &str,
        cx: &mut Cx<'_>,
    ) {
        let chosen = self.chosen();
        let text = match (&chosen[..], &self.about) {
            ([], _) => return,
            ([id], Some(v)) if v.id == *id && v.state.is_final() => {
                let said = format!("it has ended already: {}", super::rows::state_word(v.state));
                cx.note(Tone::Plain, said);
                return;
            }
            ([id], Some(v)) if v.id == *id => one(&name(v), v.state.is_live()),
            ([id], _) => one(id.as_str(), true),
            (all, _) => format!("{many} the {} marked runs that have not ended?", all.len()),
        };
        self.asked = Some((act, chosen));
        let command = if act == Act::Stop { "runs.stop-now" } else { "runs.cancel-now" };
        cx.ask(Effect::Confirm(text, command));
    }

    pub(super) fn cancel_now(&mut self, cx: &mut Cx<'_>) {
        self.act_now(Act::Cancel, cx);
    }

    pub(super) fn stop_now(&mut self, cx: &mut Cx<'_>) {
        self.act_now(Act::Stop, cx);
    }

    /// What was asked about before, or the chosen runs.
    fn act_now(&mut self, act: Act, cx: &mut Cx<'_>) {
        let runs = match self.asked.take() {
            Some((about, runs)) if about == act => runs,
            _ => self.chosen(),
        };
        self.act(runs, act, cx);
    }

    pub(super) fn retry(&mut self, cx: &mut Cx<'_>) {
        let only = |v: &RunView| {
            let said = format!("it has not ended ({}): x cancels it first", v.state.word());
            let gives = waits_for_a_secret(v);
            (!v.state.is_final() && !gives).then_some(said)
        };
        self.act_where(Act::Retry, only, cx);
    }

    pub(super) fn pause(&mut self, cx: &mut Cx<'_>) {
        let only = |v: &RunView| {
            let said = format!("it is {}: only a running run is paused", v.state.word());
            (!matches!(v.state, StateName::Running | StateName::Paused)).then_some(said)
        };
        self.act_where(Act::Pause, only, cx);
    }

    pub(super) fn resume(&mut self, cx: &mut Cx<'_>) {
        let only = |v: &RunView| {
            let said = match v.state {
                StateName::Running | StateName::Paused | StateName::Cancelled => return None,
                s if s.is_final() => format!("it ended ({}): r tries it again", s.word()),
                s => format!("it is {}: it is neither paused nor stopped", s.word()),
            };
            Some(said)
        };
        self.act_where(Act::Resume, only, cx);
    }

    pub(super) fn go_first(&mut self, cx: &mut Cx<'_>) {
        self.act_where(Act::Priority(1), waits_for_its_turn, cx);
    }

    pub(super) fn go_last(&mut self, cx: &mut Cx<'_>) {
        self.act_where(Act::Priority(-1), waits_for_its_turn, cx);
    }

    /// Does it, unless only one run is chosen and it is no run for that.
    fn act_where(
        &mut self,
        act: Act,
        why_not: impl Fn(&RunView) -> Option<String>,
        cx: &mut Cx<'_>,
    ) {
        let runs = self.chosen();
        if let ([id], Some(v)) = (&runs[..], &self.about)
            && v.id == *id
            && let Some(said) = why_not(v)
        {
            cx.note(Tone::Plain, said);
            return;
        }
        self.act(runs, act, cx);
    }

    fn act(&mut self, runs: Vec<RunId>, what: Act, cx: &mut Cx<'_>) {
        if runs.is_empty() {
            return;
        }
        self.list.unmark();
        // On a lane of its own kind: a lane's asks are forgotten when others come, writes are not.
        self.done.ask(cx, Lane::Write, move |a| act(a, &runs, what));
    }

    pub(super) fn told_of_action(&mut self, cx: &mut Cx<'_>) {
        match (self.done.take(), self.done.error()) {
            (Some(done), _) => {
                for row in self.list.rows_mut() {
                    if let Some(v) = done.told.iter().find(|v| v.id == row.view.id) {
                        row.view = v.clone();
                    }
                }
                // Priorities and reasons are the room's.
                self.roomed = None;
                let (tone, text) = done.words();
                cx.note(tone, text);
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

/// What is done to runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Cancel,
    Stop,
    Retry,
    Pause,
    Resume,
    /// Before (above 0) or behind others, by so much.
    Priority(i32),
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Done {
    act: Act,
    /// The runs that were told, as they stand now.
    told: Vec<RunView>,
    /// How many refused, and the first one's words.
    refused: Option<(usize, String)>,
}

impl Done {
    fn words(&self) -> (Tone, String) {
        let mut text = match &self.told[..] {
            [] => String::new(),
            [one] => {
                let now = match self.act {
                    Act::Priority(_) => format!("priority {}", one.priority),
                    Act::Retry => {
                        let word = super::rows::state_word(one.state);
                        format!("{word}, attempt {}", one.attempt)
                    }
                    _ => super::rows::state_word(one.state).to_owned(),
                };
                let more = match self.act {
                    Act::Pause => " · it keeps its memory, on GPUs too; c lets it go on",
                    Act::Stop => " · c goes on from its checkpoint",
                    _ => "",
                };
                format!("{}: {now}{more}", name(one))
            }
            many => format!("{} runs told", many.len()),
        };
        match &self.refused {
            None => (Tone::Good, text),
            Some((n, why)) => {
                if !text.is_empty() {
                    text += "; ";
                }
                (Tone::Warn, format!("{text}{n} refused: {why}"))
            }
        }
    }
}

/// True where it waits for a secret: trying again gives it from this program's environment.
pub fn waits_for_a_secret(v: &RunView) -> bool {
    v.state == StateName::Blocked && v.reason.as_ref().is_some_and(|r| r.contains("the secret"))
}

/// Why its priority means nothing.
fn waits_for_its_turn(v: &RunView) -> Option<String> {
    let waits = !v.state.is_final() && !v.state.is_live();
    (!waits).then(|| format!("it does not wait for its turn: it is {}", v.state.word()))
}

fn name(v: &RunView) -> String {
    v.label.clone().unwrap_or_else(|| v.id.to_string())
}

/// Tells runs; of several, those that it means nothing to are counted.
fn act(a: &mut Access, runs: &[RunId], act: Act) -> Result<Done, WorkError> {
    let mut done = Done { act, told: Vec::new(), refused: None };
    for id in runs {
        let told = a.engine(|c| match act {
            Act::Cancel => c.cancel(id),
            Act::Stop => c.checkpoint(id),
            Act::Retry => c.retry(id),
            Act::Pause => c.pause(id),
            // One that was stopped is tried again with its secrets.
            Act::Resume if c.show(id)?.state == StateName::Cancelled => c.retry(id),
            Act::Resume => c.resume(id),
            Act::Priority(by) => {
                let now = c.show(id)?.priority;
                c.priority(id, now.saturating_add(by))
            }
        });
        match told {
            Ok(v) => done.told.push(v),
            Err(e) if runs.len() == 1 => return Err(e),
            Err(e) => {
                let (n, why) = done.refused.take().unwrap_or((0, e.to_string()));
                done.refused = Some((n + 1, why));
            }
        }
    }
    Ok(done)
}

/// Runs as they stand, those that are still known.
pub(super) fn shown(a: &mut Access, after: &[After]) -> Result<Vec<RunView>, WorkError> {
    let mut out = Vec::new();
    for one in after.iter().take(OTHERS) {
        match a.look(|c| c.show(&one.run)) {
            Ok(Some(v)) => out.push(v),
            Ok(None) => {
                out.extend(at_rest::show(&a.state_dir()?, &one.run)?.map(|(_, v)| v));
            }
            // It is gone: its id is all that is known.
            Err(_) => {}
        }
    }
    Ok(out)
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
