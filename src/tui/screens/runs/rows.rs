//! The rows of the list: a run as last known, how a page of them is read, and what its columns say.

use jiff::Timestamp;

use super::waits::Room;
use crate::domain::RunId;
use crate::engine::protocol::ListAsk;
use crate::job::{ProgressNow, RunView, StateName, seconds_left};
use crate::tui::data::{Access, EngineNow, RunNow, WorkError};
use crate::tui::theme::Role;
use crate::tui::widgets::{Ask, Page, PageEdge, thousands};

/// A run as last known.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Order of arrival: the cursor of pages.
    pub seq: i64,
    /// As the engine last told it.
    pub view: RunView,
    /// Its newest progress, while it is live.
    pub progress: Option<ProgressNow>,
    /// Where its pace is counted from: units done, and when.
    pub base: Option<(u64, Timestamp)>,
}

/// Ways to order the list.
pub const ORDERS: &[&str] = &["newest first", "oldest first"];

/// What the list can be narrowed to, in the order of the key: name, states, only this workspace.
pub const VIEWS: &[(&str, &[StateName], bool)] = &[
    ("everything", &[], false),
    (
        "not ended",
        &[
            StateName::Queued,
            StateName::Blocked,
            StateName::Delayed,
            StateName::Starting,
            StateName::Running,
            StateName::Paused,
            StateName::Stopping,
        ],
        false,
    ),
    (
        "ended badly",
        &[
            StateName::Failed,
            StateName::TimedOut,
            StateName::OutOfMemory,
            StateName::Lost,
            StateName::Skipped,
        ],
        false,
    ),
    ("this workspace", &[], true),
];

/// A row's name.
pub fn key(row: &Row) -> String {
    row.view.id.to_string()
}

/// Where a page goes on from a row.
pub fn cursor(row: &Row) -> i64 {
    row.seq
}

/// What a page of the list asks the engine for.
fn ask(a: &Access, scope: &str, filter: &str) -> ListAsk {
    let view = VIEWS.iter().find(|v| v.0 == scope).unwrap_or(&VIEWS[0]);
    ListAsk {
        workspace: view.2.then(|| a.place().folder().root().to_owned()),
        words: filter.to_owned(),
        states: view.1.to_vec(),
        limit: 1,
        ..ListAsk::default()
    }
}

/// Reads one page.
pub fn fetch(a: &mut Access, page: &Ask<i64>) -> Result<Page<Row>, WorkError> {
    let ask = ask(a, &page.scope, &page.filter);
    fetch_with(a, page, ask)
}

/// Reads one page of what `ask` says.
pub fn fetch_with(a: &mut Access, page: &Ask<i64>, ask: ListAsk) -> Result<Page<Row>, WorkError> {
    // In the order of arrival turned round, what comes after a row is what arrived before it.
    let newest_first = page.order == 0;
    let older = |seq| (Some(seq), None);
    let newer = |seq| (None, Some(seq));
    let (before, after) = match (&page.edge, newest_first) {
        (PageEdge::First, true) | (PageEdge::Last, false) => (None, None),
        (PageEdge::First, false) | (PageEdge::Last, true) => newer(0),
        (PageEdge::After(c), true) | (PageEdge::Before(c), false) => older(*c),
        (PageEdge::Before(c), true) | (PageEdge::After(c), false) => newer(*c),
        (PageEdge::From(c), true) => older(c.saturating_add(1)),
        (PageEdge::From(c), false) => newer(c.saturating_sub(1)),
    };
    let limit = u32::try_from(page.limit).unwrap_or(u32::MAX);
    let ask = ListAsk { before, limit, after, ..ask };
    let found = a.runs(&ask)?;
    let mut rows: Vec<Row> = found
        .seqs
        .into_iter()
        .zip(found.items)
        .map(|(seq, view)| Row { seq, view, progress: None, base: None })
        .collect();
    if !newest_first {
        rows.reverse();
    }
    Ok(Page { rows })
}

/// How many runs the list has.
pub fn count(a: &mut Access, scope: &str, filter: &str) -> Result<u64, WorkError> {
    let ask = ListAsk { count: true, ..ask(a, scope, filter) };
    Ok(a.runs(&ask)?.total.unwrap_or(0))
}

impl Row {
    /// Takes over what the engine has told meanwhile; true when its state or attempt is another.
    pub fn take(&mut self, now: &RunNow) -> bool {
        let moved = (self.view.state, self.view.attempt) != (now.view.state, now.view.attempt);
        if self.view.attempt != now.view.attempt {
            self.base = None;
        }
        self.view = now.view.clone();
        if now.progress.is_some() {
            self.progress.clone_from(&now.progress);
        }
        self.base = base(self.base, &self.view, self.progress.as_ref());
        moved
    }

    /// Seconds that are left, at the pace seen.
    pub fn left(&self) -> Option<f64> {
        let (progress, base) = (self.progress.as_ref()?, self.base?);
        let elapsed = progress.at.duration_since(base.1).as_secs_f64();
        seconds_left(base.0, progress.done, progress.total?, elapsed)
    }

    /// `45 % · 3 min left`, or what stands in its place: why it ended so, what it waits for.
    pub fn progress_words(
        &self,
        engine: &EngineNow,
        room: Option<&Room>,
        now: Timestamp,
    ) -> String {
        if self.view.state.is_final() {
            return self.view.reason.clone().unwrap_or_default();
        }
        if let Some(why) = super::waits::why(&self.view, engine, room, None, now) {
            return why;
        }
        let Some(p) = &self.progress else { return String::new() };
        let mut out = match p.total {
            Some(0) | None => thousands(p.done),
            Some(t) => format!("{} %", p.done.min(t) * 100 / t),
        };
        if let Some(s) = self.left() {
            out += &format!(" · {} left", duration(s));
        }
        out
    }

    /// How long it has run, or ran.
    pub fn took(&self, now: Timestamp) -> String {
        let Some(start) = self.view.started_at else { return String::new() };
        let end = match self.view.ended_at {
            Some(end) => end,
            None if self.view.state.is_live() => now,
            None => return String::new(),
        };
        duration(end.duration_since(start).as_secs_f64().max(0.0))
    }
}

/// Where the pace is counted from: the attempt's start, and after a resume the first step seen,
/// because the steps before it took this attempt no time.
fn base(
    known: Option<(u64, Timestamp)>,
    view: &RunView,
    progress: Option<&ProgressNow>,
) -> Option<(u64, Timestamp)> {
    if known.is_some() {
        return known;
    }
    if view.attempt <= 1 {
        return view.started_at.map(|t| (0, t));
    }
    progress.filter(|p| p.done > 0).map(|p| (p.done, p.at))
}

/// A sign and the role of a state: never told by colour alone.
pub fn look(state: StateName, plain: bool) -> (&'static str, Role) {
    use StateName as S;
    match state {
        S::Running | S::Starting => (if plain { ">" } else { "▸" }, Role::Accent),
        S::Queued | S::Blocked | S::Delayed | S::Paused => (".", Role::Muted),
        S::Stopping => (if plain { "v" } else { "▾" }, Role::Warn),
        S::Succeeded => (if plain { "+" } else { "✓" }, Role::Good),
        S::Cancelled | S::Skipped => ("-", Role::Muted),
        S::Failed | S::TimedOut | S::OutOfMemory | S::Lost => {
            (if plain { "x" } else { "✗" }, Role::Bad)
        }
    }
}

/// A state in a person's words.
pub fn state_word(state: StateName) -> &'static str {
    match state {
        StateName::TimedOut => "timed out",
        StateName::OutOfMemory => "no memory",
        other => other.word(),
    }
}

/// `3 s`, `12 min`, `2 h 05`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    match s {
        0..100 => format!("{s} s"),
        100..6_000 => format!("{} min", (s + 30) / 60),
        6_000..172_800 => format!("{} h {:02}", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// `12:03:44` of today, `11-20 12:03` of this year, a date else; UTC, as every time here.
pub fn clock(at: Timestamp, now: Timestamp) -> String {
    let day = |t: Timestamp| t.strftime("%Y-%m-%d").to_string();
    if day(at) == day(now) {
        at.strftime("%H:%M:%S").to_string()
    } else if now.duration_since(at).as_hours() < 24 * 300 {
        at.strftime("%m-%d %H:%M").to_string()
    } else {
        day(at)
    }
}

/// Bytes for people.
pub fn bytes(n: u64) -> String {
    let x = n as f64;
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", x / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", x / 1e6),
        _ => format!("{:.1} GB", x / 1e9),
    }
}

/// The last eight signs of an id: enough to tell runs apart.
pub fn short(id: &RunId) -> String {
    let id = id.as_str();
    id.char_indices().rev().nth(7).map_or(id, |(i, _)| &id[i..]).to_owned()
}
