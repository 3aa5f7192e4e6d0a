//! The Fine-tune screen: datasets with their audit, recipes, and the runs that train, with what
//! they measure.

mod actions;
mod commands;
mod data;
mod draw;
mod forms;
mod sweep_form;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::runs::rows::{self, Row};
use crate::domain::{DatasetId, RunId};
use crate::store::DatasetRecord;
use crate::tui::data::{Lane, Link};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Exportable, Screen, ScreenId, Shared, Taken, Told};
use crate::tui::widgets::{CurvesView, ListControl, LogView, Memory, Paged};

pub use commands::COMMANDS;
use data::{Audit, Measured, Started};
use forms::Open;

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    Datasets,
    Runs,
}

/// What stands below the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Panel {
    #[default]
    Curves,
    Log,
    /// How the run's model is served.
    Serve,
}

/// Its state.
#[derive(Debug)]
pub struct Finetune {
    datasets: Memory<DatasetRecord>,
    read: Load<Vec<DatasetRecord>>,
    audit: Load<(DatasetId, Audit)>,
    /// The dataset that was audited last, or could not be.
    audited: Option<DatasetId>,
    /// The changes of the database that the datasets were read after.
    seen: u64,
    runs: Paged<Row, i64>,
    total: Load<u64>,
    counted: Option<String>,
    focus: Focus,
    panel: Panel,
    /// Marked runs are laid over each other.
    overlay: bool,
    metric: CurvesView,
    measuring: Load<Measured>,
    /// The run that is measured now.
    asked: Option<RunId>,
    measured: BTreeMap<RunId, Measured>,
    /// How long a run's metrics were when they were last asked for.
    heard: BTreeMap<RunId, u64>,
    log: LogView,
    form: Option<Open>,
    /// The form that is being sent: it comes back when it is refused.
    sent: Option<Open>,
    estimate: Load<String>,
    starting: Load<Started>,
    building: Load<String>,
    connecting: Load<data::Connected>,
    /// The model that a provider was made for last.
    served: Option<data::Connected>,
    findings: Load<String>,
    newest: Option<RunId>,
    link: Link,
    bodies: (Rect, Rect),
}

impl Default for Finetune {
    fn default() -> Self {
        Self {
            datasets: Memory::new(data::key, data::haystack, data::ORDERS),
            read: Load::default(),
            audit: Load::default(),
            audited: None,
            seen: 0,
            runs: Paged::new(rows::key, rows::cursor, rows::ORDERS, data::fetch),
            total: Load::default(),
            counted: None,
            focus: Focus::default(),
            panel: Panel::default(),
            overlay: false,
            metric: CurvesView::default(),
            measuring: Load::default(),
            asked: None,
            measured: BTreeMap::new(),
            heard: BTreeMap::new(),
            log: LogView::default(),
            form: None,
            sent: None,
            estimate: Load::default(),
            starting: Load::default(),
            building: Load::default(),
            connecting: Load::default(),
            served: None,
            findings: Load::default(),
            newest: None,
            link: Link::Unknown,
            bodies: (Rect::ZERO, Rect::ZERO),
        }
    }
}

impl Finetune {
    fn read_datasets(&mut self, cx: &mut Cx<'_>) {
        self.seen = cx.shared.changes;
        if !self.read.is_asked() {
            self.read.ask(cx, Lane::Read, |a| a.read(|r| r.datasets()));
        }
    }

    /// Asks for all that is missing in view.
    fn pump(&mut self, cx: &mut Cx<'_>) {
        self.runs.pump(cx);
        let filter = self.runs.filter().to_owned();
        if self.counted.as_ref() != Some(&filter) && !self.total.is_asked() {
            self.counted = Some(filter.clone());
            self.total.ask(cx, Lane::Slow, move |a| data::count(a, &filter));
        }
        if let Some(d) = self.datasets.current()
            && self.audited.as_ref() != Some(&d.name)
            && !self.audit.is_asked()
        {
            let name = d.name.clone();
            self.audited = Some(name.clone());
            self.audit.ask(cx, Lane::Slow, move |a| Ok((name.clone(), data::audit(a, &name)?)));
        }
        if let Some(row) = self.runs.current() {
            self.log.open(&row.view.attempt_dir().join("out.log"));
            if let Some(now) = cx.shared.engine.runs.get(&row.view.id) {
                self.log.grown(now.files.get("out.log").copied().unwrap_or(0));
            }
        }
        if self.panel == Panel::Log || cx.shared.size.0 >= 120 {
            self.log.pump(cx);
        }
        self.measure(cx);
    }

    /// The runs whose curves are drawn: the marked ones, or the one under the cursor.
    fn drawn(&self) -> Vec<RunId> {
        let under = self.runs.current().map(|r| r.view.id.clone());
        if !self.overlay {
            return under.into_iter().collect();
        }
        self.runs.chosen().into_iter().filter_map(|id| RunId::new(id).ok()).take(8).collect()
    }

    /// Reads curves and checkpoints of what is drawn, one run after the other.
    fn measure(&mut self, cx: &mut Cx<'_>) {
        if self.measuring.is_asked() {
            return;
        }
        for id in self.drawn() {
            let row = self.runs.rows().find(|r| r.view.id == id).map(|r| r.view.clone());
            let known = self.measured.get(&id);
            let length = cx.shared.engine.runs.get(&id).and_then(|r| r.files.get("metrics.jsonl"));
            let length = length.copied().unwrap_or(0);
            let grown = length > self.heard.get(&id).copied().unwrap_or(0);
            let moved = match (&row, known) {
                (Some(v), Some(m)) => (v.state, v.attempt) != (m.state, m.curves.attempt),
                (_, None) => true,
                (None, Some(_)) => false,
            };
            if !(grown || moved) {
                continue;
            }
            self.heard.insert(id.clone(), length);
            self.asked = Some(id.clone());
            let was = known.map(|m| m.curves.clone()).unwrap_or_default();
            let dir = match &row {
                Some(v) => v.dir.clone(),
                None => cx.shared.place.folder().runs().join(id.as_str()),
            };
            let state = row.as_ref().map(|v| v.state);
            let attempt = row.map(|v| v.attempt);
            self.measuring
                .ask(cx, Lane::Read, move |_| data::measure(id, &dir, attempt, state, was));
            return;
        }
    }

    /// Takes over what the engine has told since.
    fn hear(&mut self, cx: &mut Cx<'_>) {
        let engine = &cx.shared.engine;
        for row in self.runs.rows_mut() {
            if let Some(now) = engine.runs.get(&row.view.id) {
                row.take(now);
            }
        }
        let newest = engine.runs.keys().next_back().cloned();
        if self.link != engine.link || (newest.is_some() && newest != self.newest) {
            self.runs.refresh();
            self.counted = None;
        }
        self.link = engine.link.clone();
        self.newest = newest.or_else(|| self.newest.take());
    }

    fn took_measured(&mut self) {
        let asked = self.asked.take();
        let m = match (self.measuring.take(), asked) {
            (Some(m), _) => m,
            // What cannot be read is asked for again when something changes, not at once.
            (None, Some(run)) => {
                let row = self.runs.rows().find(|r| r.view.id == run).map(|r| &r.view);
                data::Measured::nothing(run.clone(), row)
            }
            (None, None) => return,
        };
        self.measured.insert(m.run.clone(), m);
        let drawn = self.drawn();
        // Curves of a few runs are kept: going back to one shows it at once.
        while self.measured.len() > 16 {
            let Some(old) = self.measured.keys().find(|k| !drawn.contains(k)).cloned() else {
                break;
            };
            self.measured.remove(&old);
            self.heard.remove(&old);
        }
    }
}

impl Screen for Finetune {
    fn id(&self) -> ScreenId {
        ScreenId::Finetune
    }

    fn mode(&self) -> &'static str {
        match (&self.form, self.focus) {
            (Some(_), _) => "form",
            (None, Focus::Datasets) => "datasets",
            (None, Focus::Runs) => "runs",
        }
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.read_datasets(cx);
        self.hear(cx);
        self.runs.refresh();
        self.counted = None;
        self.pump(cx);
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        match what {
            Told::Start("dataset") => self.new_dataset(cx),
            Told::Start(_) => self.new_run(cx),
            Told::Run(id) => {
                self.focus = Focus::Runs;
                self.runs.set_filter(id.as_str());
                self.pump(cx);
            }
            _ => {}
        }
    }

    fn is_typing(&self) -> bool {
        self.form.is_some()
    }

    fn typed(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        self.form_key(key, cx)
    }

    fn pasted(&mut self, text: &str, cx: &mut Cx<'_>) {
        if let Some(open) = &mut self.form {
            open.form.paste(text);
            self.form_changed(cx);
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        match (&self.form, self.focus) {
            (Some(_), _) => None,
            (None, Focus::Datasets) => Some(&mut self.datasets),
            (None, Focus::Runs) => Some(&mut self.runs),
        }
    }

    fn moved(&mut self, cx: &mut Cx<'_>) {
        self.pump(cx);
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.read.accept(answer) {
            if let Some(all) = self.read.take() {
                self.datasets.set_rows(all);
            }
        } else if self.runs.accept(answer, cx) {
            self.hear(cx);
        } else if self.total.accept(answer) {
            self.runs.set_total(self.total.get().copied());
        } else if self.measuring.accept(answer) {
            self.took_measured();
        } else if self.log.accept(answer, cx) {
            return;
        } else if self.starting.accept(answer) {
            self.started(cx);
        } else if self.building.accept(answer) {
            self.built(cx);
        } else if self.connecting.accept(answer) {
            self.connected(cx);
        } else if self.findings.accept(answer) {
            self.show_findings(cx);
        } else if !self.audit.accept(answer) && !self.estimate.accept(answer) {
            return;
        }
        self.pump(cx);
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        // Progress comes several times a second; datasets change when the database does.
        if self.seen != cx.shared.changes {
            self.read_datasets(cx);
        }
        self.hear(cx);
        self.pump(cx);
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, cx: &mut Cx<'_>) {
        use crossterm::event::{MouseButton, MouseEventKind};
        if self.form.is_some() || event.kind != MouseEventKind::Down(MouseButton::Left) {
            return;
        }
        let at = (event.column, event.row).into();
        if self.bodies.0.contains(at) {
            self.focus = Focus::Datasets;
            self.datasets.click(usize::from(event.row - self.bodies.0.y));
        } else if self.bodies.1.contains(at) {
            self.focus = Focus::Runs;
            self.runs.click(usize::from(event.row - self.bodies.1.y));
        }
        self.pump(cx);
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({
            "dataset": self.datasets.current_key(),
            "runs": self.focus == Focus::Runs,
            "log": self.panel == Panel::Log,
            "filter": [self.datasets.filter(), self.runs.filter()],
            "order": [self.datasets.order_number(), self.runs.order_number()],
        })
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        let is = |name: &str| saved[name].as_bool().unwrap_or(false);
        self.focus = if is("runs") { Focus::Runs } else { Focus::Datasets };
        self.panel = if is("log") { Panel::Log } else { Panel::Curves };
        self.datasets.set_filter(saved["filter"][0].as_str().unwrap_or_default());
        self.runs.set_filter(saved["filter"][1].as_str().unwrap_or_default());
        let n = |i: usize| saved["order"][i].as_u64().unwrap_or(0) as usize;
        self.datasets.set_order(n(0));
        self.runs.set_order(n(1));
    }

    fn unsaved(&self) -> Option<String> {
        let open = self.form.as_ref().filter(|f| f.touched)?;
        Some(format!("The form `{}` is filled in and not sent.", open.form.title))
    }

    fn export(&self, _shared: &Shared) -> Option<Exportable> {
        self.exported()
    }
}
