//! What is told of one run: its state and what it waits for in full, then its times, what it was
//! told, its attempts.

use ratatui::layout::Rect;

use super::actions::is_bad;
use super::rows::{bytes, clock, duration, state_word};
use super::{Runs, waits, waits_for_a_secret};
use crate::job::{After, ExitFile, RunView, StateName};
use crate::launch::{AttemptFacts, RunFacts};
use crate::tui::data::Link;
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::Role;
use crate::tui::widgets::{figure, thousands};

/// Lines of a fact; those that say why nothing goes on have as many as they need.
const LINES: u16 = 3;

impl Runs {
    pub(super) fn draw_facts(&self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let Some(v) = &self.about else { return };
        let (key, text) = (pen.style(Role::Muted), pen.style(Role::Text));
        let mut y = area.y;
        for f in self.facts_lines(v, shared) {
            if y >= area.bottom() {
                return;
            }
            let style = f.role.map_or(text, |r| pen.style(r));
            pen.put(area.x, y, 10, &f.name, key);
            let left = area.bottom() - y;
            let most = if f.whole { left } else { left.min(LINES) };
            let rest = Rect {
                x: area.x + 11.min(area.width),
                y,
                width: area.width.saturating_sub(11),
                height: most,
            };
            let rows = pen.text(rest, &f.value, style).clamp(1, usize::from(most));
            y += rows as u16;
        }
    }

    /// What is told of a run.
    fn facts_lines(&self, v: &RunView, shared: &Shared) -> Vec<Fact> {
        let mut out: Vec<Fact> = Vec::new();
        out.push(Fact::new("run", format!("{} · {}", v.id, v.kind.word())));
        let facts = self.facts.get().filter(|f| f.0 == v.id).map(|f| &f.1);
        let waits = self.waits_lines(v, facts, shared);
        let mut state = state_word(v.state).to_owned();
        if shared.engine.link != Link::Up && !v.state.is_final() {
            state += ", when the engine was last heard";
        }
        state += &ending(v, waits.is_empty());
        let role = is_bad(v.state).then_some(Role::Bad);
        out.push(Fact { role, whole: true, ..Fact::new("state", state) });
        out.extend(waits);
        let mut add = |name: &str, value: String| out.push(Fact::new(name, value));
        let now = shared.now;
        let at = |t: jiff::Timestamp| t.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut times = format!("queued {}", at(v.queued_at));
        if let Some(t) = v.started_at {
            times += &format!(" · started {}", clock(t, now));
            let waited = t.duration_since(v.queued_at).as_secs_f64();
            times += &format!(" (waited {})", duration(waited));
        }
        if let Some(t) = v.ended_at {
            times += &format!(" · ended {}", clock(t, now));
        }
        add("times", times + " UTC");
        let now_is = self.room.get().and_then(|r| r.as_ref()?.waiting.get(&v.id));
        match now_is.map_or(v.priority, |w| w.priority) {
            0 => {}
            n => add("priority", n.to_string()),
        }
        let live = self.list.current().filter(|r| r.view.id == v.id && v.state.is_live());
        if let Some(p) = live.and_then(|r| r.progress.as_ref()) {
            let total = p.total.map_or_else(String::new, |t| format!(" of {}", thousands(t)));
            add("progress", format!("{}{total} · {}", thousands(p.done), p.note));
        }
        if let Some(f) = facts {
            facts_of(f, v, &mut add);
        }
        if let Some((id, curves)) = self.curves.get()
            && *id == v.id
            && let Some((_, cost)) = curves.of.get("cost").and_then(|c| c.last)
        {
            let currency = facts.and_then(|f| f.currency.as_deref()).unwrap_or("");
            add("cost", format!("{} {currency} so far", figure(cost)));
        }
        add("folder", v.dir.display().to_string());
        out
    }

    /// Why it does not work now, in full: one line a run that it waits for.
    fn waits_lines(&self, v: &RunView, facts: Option<&RunFacts>, shared: &Shared) -> Vec<Fact> {
        let spec = facts.and_then(|f| f.spec.as_ref());
        let threads = spec.map(|s| s.resources.threads);
        let room = self.room.get().and_then(Option::as_ref);
        let Some(mut why) = waits::why(v, &shared.engine, room, threads, shared.now) else {
            return Vec::new();
        };
        if let (StateName::Delayed, Some(t)) = (v.state, v.until) {
            let told = v.reason.as_ref().map_or_else(String::new, |r| format!(" · {r}"));
            why = format!("not before {} UTC{told}", t.strftime("%Y-%m-%d %H:%M:%S"));
        }
        if v.state == StateName::Paused {
            let said = format!("{why}, on GPUs too; c lets it go on, S frees it with a checkpoint");
            return vec![Fact { whole: true, ..Fact::new("paused", said) }];
        }
        // The word stands before it already.
        let why = why.strip_prefix("waits ").unwrap_or(&why).to_owned();
        let fact =
            |value| Fact { role: Some(Role::Warn), whole: true, ..Fact::new("waits", value) };
        let after = spec.map_or(&[][..], |s| &s.after);
        let others = self.others.get().filter(|o| o.0 == v.id).map_or(&[][..], |o| &o.1);
        if v.state != StateName::Blocked || after.is_empty() || waits_for_a_secret(v) {
            return vec![fact(why)];
        }
        let one = |a: &After| {
            // What was heard last is newer than what was read.
            let heard = shared.engine.runs.get(&a.run).map(|r| &r.view);
            let other = heard.or_else(|| others.iter().find(|o| o.id == a.run));
            fact(format!("for {}", waits::dependency(&a.run, a.condition, other)))
        };
        after.iter().map(one).collect()
    }
}

/// What stands in one line: a word, the value, how it is meant.
struct Fact {
    name: String,
    value: String,
    role: Option<Role>,
    /// It is never cut while there is room.
    whole: bool,
}

impl Fact {
    fn new(name: &str, value: String) -> Self {
        Self { name: name.to_owned(), value, role: None, whole: false }
    }
}

/// ` · exit code 3 · why`.
fn ending(v: &RunView, with_reason: bool) -> String {
    let mut out = String::new();
    match (v.exit_code, v.signal) {
        (Some(c), _) => out += &format!(" · exit code {c}"),
        (None, Some(s)) => out += &format!(" · signal {s}"),
        (None, None) => {}
    }
    if let Some(r) = v.reason.as_ref().filter(|_| with_reason) {
        out += &format!(" · {r}");
    }
    out
}

fn facts_of(f: &RunFacts, v: &RunView, add: &mut impl FnMut(&str, String)) {
    if let Some(t) = &f.trouble {
        add("spec", t.clone());
    }
    for (name, value) in &f.told {
        add(name, value.clone());
    }
    if let Some(spec) = &f.spec {
        let r = &spec.resources;
        let memory = r.memory_mib.map_or(String::new(), |m| format!(" · about {m} MiB of memory"));
        let threads =
            if r.threads == 1 { "1 thread".into() } else { format!("{} threads", r.threads) };
        let gpus = match r.gpus {
            0 => String::new(),
            1 => " · 1 GPU".into(),
            n => format!(" · {n} GPUs"),
        };
        let pool = v.pool.as_ref().map_or(String::new(), |p| format!(" · a place in pool {p}"));
        add("takes", format!("{threads}{gpus}{pool}{memory}"));
    }
    if !f.inputs.is_empty() {
        let some: Vec<String> =
            f.inputs.iter().map(|(n, b)| format!("{n} {}", bytes(*b))).collect();
        add("input", some.join(", "));
    }
    add("results", f.results.clone());
    for a in &f.attempts {
        add(&format!("attempt {}", a.number), attempt_words(a, v));
    }
}

fn attempt_words(a: &AttemptFacts, v: &RunView) -> String {
    let mut out = match (&a.exit, &a.run) {
        (Some(e), _) => end_words(e),
        (None, Some(r)) if a.number == v.attempt => format!("process {}", r.work.pid),
        (None, Some(_)) => "its end was not seen".into(),
        (None, None) => "not started".into(),
    };
    if let Some(why) = &a.failure {
        out += &format!(": {why}");
    }
    if let (Some(e), Some(r)) = (&a.exit, &a.run) {
        let took = e.ended.duration_since(e.started.unwrap_or(r.started)).as_secs_f64();
        out += &format!(" · {}", duration(took));
    }
    let size: u64 = a.files.iter().map(|f| f.1).sum();
    if !a.files.is_empty() {
        out += &format!(" · {} files, {}", a.files.len(), bytes(size));
    }
    out
}

fn end_words(e: &ExitFile) -> String {
    match (&e.lost, e.code, e.signal) {
        (Some(why), ..) => format!("lost: {why}"),
        (None, Some(c), _) => format!("exit code {c}"),
        (None, None, Some(s)) => format!("ended by signal {s}"),
        (None, None, None) => e.note.clone().unwrap_or_else(|| "ended before it started".into()),
    }
}
