//! The Runs screen: everything the engine knows, live; what one run was told, did, prints and
//! measures. It outlives the engine: the last known rows stay, with a word that says so.

mod actions;
mod commands;
mod draw;
mod facts;
pub(crate) mod rows;
#[cfg(test)]
mod tests;
pub(crate) mod waits;

use ratatui::layout::Rect;

use crate::domain::RunId;
use crate::job::{Curves, RunView, StateName};
use crate::launch::RunFacts;
use crate::tui::data::{Lane, Link};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Exportable, Screen, ScreenId, Shared, Told};
use crate::tui::widgets::{CurvesView, ListControl, LogView, Paged};

use actions::Act;
pub(crate) use actions::waits_for_a_secret;
pub use commands::COMMANDS;
use rows::{Row, VIEWS};
use waits::Room;

/// What stands beside the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Pane {
    #[default]
    Facts,
    Log,
    Metrics,
}

impl Pane {
    /// What stands beside it where there is room for two.
    fn beside(self) -> Self {
        if self == Self::Log { Self::Metrics } else { Self::Log }
    }
}

/// Its state.
#[derive(Debug)]
pub struct Runs {
    list: Paged<Row, i64>,
    total: Load<u64>,
    /// What the total was counted for.
    counted: Option<(String, String)>,
    /// The newest run that was heard of: a newer one makes the list read its first page again.
    newest: Option<RunId>,
    link: Link,
    /// The run that the panes beside the list are about, as last known.
    about: Option<RunView>,
    facts: Load<(RunId, RunFacts)>,
    /// The runs that it waits for.
    others: Load<(RunId, Vec<RunView>)>,
    /// What the engine has to give, while somebody waits.
    room: Load<Option<Room>>,
    /// The moves of runs that the room was asked after, and the run that was asked for by name.
    roomed: Option<(u64, Option<RunId>)>,
    curves: Load<(RunId, Curves)>,
    /// How long the metrics were when they were last asked for.
    heard: u64,
    curves_view: CurvesView,
    log: LogView,
    /// Which attempt's log: the newest where absent.
    attempt: Option<u32>,
    /// The log has the whole screen.
    full: bool,
    pane: Pane,
    done: Load<actions::Done>,
    tail: Load<String>,
    /// Runs that a confirmation asks about, and what is then done to them.
    asked: Option<(Act, Vec<RunId>)>,
    /// A run that another screen sent the person here for.
    sought: Load<Option<(i64, RunView)>>,
    /// Where the list was drawn last: for the mouse.
    body: Rect,
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            list: Paged::new(rows::key, rows::cursor, rows::ORDERS, rows::fetch),
            total: Load::default(),
            counted: None,
            newest: None,
            link: Link::Unknown,
            about: None,
            facts: Load::default(),
            others: Load::default(),
            room: Load::default(),
            roomed: None,
            curves: Load::default(),
            heard: 0,
            curves_view: CurvesView::default(),
            log: LogView::default(),
            attempt: None,
            full: false,
            pane: Pane::default(),
            done: Load::default(),
            tail: Load::default(),
            asked: None,
            sought: Load::default(),
            body: Rect::ZERO,
        }
    }
}

impl Runs {
    /// Asks for all that is missing in view.
    fn pump(&mut self, cx: &mut Cx<'_>) {
        self.list.pump(cx);
        let wanted = (self.list.scope().to_owned(), self.list.filter().to_owned());
        if self.counted.as_ref() != Some(&wanted) && !self.total.is_asked() {
            self.counted = Some(wanted.clone());
            self.total.ask(cx, Lane::Slow, move |a| rows::count(a, &wanted.0, &wanted.1));
        }
        self.follow_row(cx);
        self.read_room(cx);
        self.log.pump(cx);
    }

    /// Asks what the engine has to give, where a run in view waits and something moved since.
    fn read_room(&mut self, cx: &mut Cx<'_>) {
        let waits = |s: StateName| !s.is_final() && !s.is_live();
        if cx.shared.engine.link != Link::Up
            || self.room.is_asked()
            || !self.list.rows().any(|r| waits(r.view.state))
        {
            return;
        }
        // One that is older than the newest ones is asked for by its name.
        let known = self.room.get().and_then(Option::as_ref);
        let also = self.list.current().map(|r| &r.view).filter(|v| {
            waits(v.state) && known.is_none_or(|room| !room.waiting.contains_key(&v.id))
        });
        let also = also.map(|v| v.id.clone());
        let moves = cx.shared.engine.moves;
        let behind = self.roomed.as_ref().is_none_or(|r| r.0 != moves);
        if behind || also.is_some() && self.roomed.as_ref().is_none_or(|r| r.1 != also) {
            self.roomed = Some((moves, also.clone()));
            self.room.ask(cx, Lane::Engine, move |a| Room::read(a, also.as_ref()));
        }
    }

    /// Asks after the runs that this one waits for.
    fn read_others(&mut self, cx: &mut Cx<'_>) {
        let Some((id, facts)) = self.facts.get() else { return };
        let Some(spec) = facts.spec.as_ref().filter(|s| !s.after.is_empty()) else { return };
        let (id, after) = (id.clone(), spec.after.clone());
        self.others.ask(cx, Lane::Engine, move |a| Ok((id, actions::shown(a, &after)?)));
    }

    /// Turns the panes to the run under the cursor.
    fn follow_row(&mut self, cx: &mut Cx<'_>) {
        let Some(view) = self.list.current().map(|r| r.view.clone()) else { return };
        let known = self.about.as_ref();
        let other = known.is_none_or(|k| k.id != view.id);
        let moved = known.is_none_or(|k| (k.state, k.attempt) != (view.state, view.attempt));
        if other {
            self.attempt = None;
            self.curves.clear();
            self.facts.clear();
        }
        if other || moved {
            self.about = Some(view.clone());
            self.read_facts(cx);
        } else {
            self.about = Some(view.clone());
        }
        let number = self.attempt.unwrap_or(view.attempt);
        self.log.open(&view.dir.join(format!("attempt-{number}")).join("out.log"));
        let heard = cx.shared.engine.runs.get(&view.id).map(|r| &r.files);
        if let Some(files) = heard
            && self.attempt.is_none()
        {
            self.log.grown(files.get("out.log").copied().unwrap_or(0));
        } else if moved && !other {
            self.log.look_again();
        }
        let length = heard.and_then(|f| f.get("metrics.jsonl").copied());
        self.read_curves(&view, other || moved, length, cx);
    }

    fn read_facts(&mut self, cx: &mut Cx<'_>) {
        let Some(view) = &self.about else { return };
        let (id, dir) = (view.id.clone(), view.dir.clone());
        self.facts.ask(cx, Lane::Read, move |_| Ok((id, RunFacts::read(&dir))));
    }

    /// Reads what the metrics grew by.
    fn read_curves(&mut self, view: &RunView, again: bool, length: Option<u64>, cx: &mut Cx<'_>) {
        let known = self.curves.get().filter(|c| c.0 == view.id).map(|c| &c.1);
        let behind = length.is_some_and(|l| l > self.heard);
        let other = known.is_none_or(|c| c.attempt != view.attempt);
        let idle = !self.curves.is_asked();
        let failed = self.curves.error().is_some();
        if !(again || idle && (behind || other && !failed)) {
            return;
        }
        self.heard = length.unwrap_or(0);
        let (id, dir, attempt) = (view.id.clone(), view.dir.clone(), view.attempt);
        // Thinned curves are small; only the growth of the file is read.
        let mut curves = known.cloned().unwrap_or_default();
        self.curves.ask(cx, Lane::Read, move |_| {
            curves.read(&dir, attempt)?;
            Ok((id, curves))
        });
    }

    /// Takes over what the engine has told since.
    fn hear(&mut self, cx: &mut Cx<'_>) {
        let engine = &cx.shared.engine;
        let mut moved = false;
        for row in self.list.rows_mut() {
            if let Some(now) = engine.runs.get(&row.view.id) {
                moved |= row.take(now);
            }
        }
        let narrowed = !self.list.filter().is_empty() || self.list.scope() != VIEWS[0].0;
        let newest = engine.runs.keys().next_back().cloned();
        let back = self.link != engine.link;
        if back || (newest.is_some() && newest != self.newest) || (moved && narrowed) {
            self.list.refresh();
            self.counted = None;
        }
        self.link = engine.link.clone();
        self.newest = newest.or_else(|| self.newest.take());
    }
}

impl Screen for Runs {
    fn id(&self) -> ScreenId {
        ScreenId::Runs
    }

    fn mode(&self) -> &'static str {
        if self.full { "log" } else { "browse" }
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        if self.list.scope().is_empty() {
            self.list.set_scope(VIEWS[0].0);
        }
        self.hear(cx);
        self.list.refresh();
        self.counted = None;
        self.log.look_again();
        self.pump(cx);
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        if let Told::Run(id) = what {
            self.full = false;
            self.seek(id, cx);
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        if self.full { Some(&mut self.log) } else { Some(&mut self.list) }
    }

    fn moved(&mut self, cx: &mut Cx<'_>) {
        self.pump(cx);
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.list.accept(answer, cx) {
            self.hear(cx);
        } else if self.total.accept(answer) {
            self.list.set_total(self.total.get().copied());
        } else if self.log.accept(answer, cx) {
            return;
        } else if self.done.accept(answer) {
            self.told_of_action(cx);
        } else if self.tail.accept(answer) {
            self.show_tail(cx);
        } else if self.sought.accept(answer) {
            self.sought_found(cx);
        } else if self.facts.accept(answer) {
            self.read_others(cx);
        } else if !self.curves.accept(answer)
            && !self.others.accept(answer)
            && !self.room.accept(answer)
        {
            return;
        }
        self.pump(cx);
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        self.hear(cx);
        self.pump(cx);
    }

    fn refused(&mut self) {
        self.asked = None;
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, cx: &mut Cx<'_>) {
        use crossterm::event::{MouseButton, MouseEventKind};
        let inside = self.body.contains((event.column, event.row).into());
        if !self.full && inside && event.kind == MouseEventKind::Down(MouseButton::Left) {
            self.list.click(usize::from(event.row - self.body.y));
            self.pump(cx);
        }
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({
            "run": self.list.current().map(rows::key),
            "view": self.list.scope(),
            "filter": self.list.filter(),
            "order": self.list.order_number(),
            "pane": self.pane as u8,
        })
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        let text = |name: &str| saved[name].as_str().unwrap_or_default().to_owned();
        if VIEWS.iter().any(|v| v.0 == text("view")) {
            self.list.set_scope(&text("view"));
        }
        self.list.set_filter(&text("filter"));
        self.list.set_order(saved["order"].as_u64().unwrap_or(0) as usize);
        self.pane = match saved["pane"].as_u64() {
            Some(1) => Pane::Log,
            Some(2) => Pane::Metrics,
            _ => Pane::Facts,
        };
    }

    fn export(&self, shared: &Shared) -> Option<Exportable> {
        self.exported(shared)
    }
}
