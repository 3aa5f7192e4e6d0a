//! The panel of one folder that a trainer writes into: opened by `polyculture runs watch`, or told
//! a folder by another screen.

mod commands;
mod draw;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ratatui::layout::Rect;

use crate::job::Curves;
use crate::job::watch::{Known, Watch};
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Effect, Exportable, Screen, ScreenId, Shared, Told};
use crate::tui::widgets::{CurvesView, Drawn, ListControl, LogView};

pub use commands::COMMANDS;

/// Milliseconds between two looks.
const EVERY: u64 = 500;

/// What a look found.
#[derive(Debug)]
struct Seen {
    curves: Arc<Curves>,
    known: Known,
    log_size: u64,
}

impl Seen {
    /// Who says a curve.
    fn origin(&self, metric: &str) -> &'static str {
        let of = |name: &str| self.known.metrics.get(name).map(|m| m.origin.word());
        of(metric).or_else(|| of(&format!("eval_{metric}"))).unwrap_or("")
    }
}

/// Its state.
#[derive(Debug, Default)]
pub struct Watching {
    dir: Option<PathBuf>,
    /// What reads; only a lane's thread takes it.
    reader: Option<Arc<Mutex<Watch>>>,
    load: Load<Box<Seen>>,
    now: Option<Box<Seen>>,
    failed: Option<WorkError>,
    /// One metric large; none: the four that matter.
    metric: Option<CurvesView>,
    /// The log alone.
    full: bool,
    log: LogView,
    /// A tick is on its way.
    ticking: bool,
}

impl Watching {
    /// Watches this folder from now on.
    pub fn open(&mut self, dir: PathBuf) {
        *self = Self { dir: Some(dir), ..Self::default() };
    }

    /// Reads what is new in the folder.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let Some(dir) = self.dir.clone() else { return };
        if self.load.is_asked() {
            return;
        }
        let reader = self.reader.get_or_insert_with(|| Arc::new(Mutex::new(Watch::new(&dir))));
        let (reader, at) = (Arc::clone(reader), cx.shared.now);
        self.load.ask(cx, Lane::Slow, move |_| {
            let mut watch = reader.lock().unwrap_or_else(PoisonError::into_inner);
            watch.refresh()?;
            let (curves, log_size) = (Arc::clone(watch.curves()), watch.log_size());
            Ok(Box::new(Seen { curves, known: watch.known(at), log_size }))
        });
    }

    fn known(&self) -> Option<&Known> {
        self.now.as_ref().map(|n| &n.known)
    }

    fn turn(&mut self, by: i64, _cx: &mut Cx<'_>) {
        match &mut self.metric {
            Some(view) => view.next(by),
            None => self.metric = Some(CurvesView::default()),
        }
        self.full = false;
    }

    fn together(&mut self, _cx: &mut Cx<'_>) {
        (self.metric, self.full) = (None, false);
    }

    fn toggle_log(&mut self, cx: &mut Cx<'_>) {
        self.full = !self.full;
        self.log.pump(cx);
    }

    fn took(&mut self, cx: &mut Cx<'_>) {
        match self.load.take() {
            Some(now) => {
                let (log, size) = (now.known.log.clone(), now.log_size);
                self.now = Some(now);
                self.failed = None;
                match log {
                    Some(path) => {
                        self.log.open(&path);
                        self.log.grown(size);
                    }
                    None => self.log.close(),
                }
                self.log.pump(cx);
            }
            None => self.failed = self.load.error().cloned(),
        }
        self.tick_later(cx);
    }

    fn tick_later(&mut self, cx: &mut Cx<'_>) {
        if !self.ticking {
            self.ticking = true;
            cx.ask(Effect::Again(EVERY));
        }
    }
}

impl Screen for Watching {
    fn id(&self) -> ScreenId {
        ScreenId::Watch
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        if let Told::File(dir) = what {
            self.open(dir);
            self.look(cx);
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        Some(&mut self.log)
    }

    fn moved(&mut self, cx: &mut Cx<'_>) {
        self.log.pump(cx);
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.load.accept(answer) {
            self.took(cx);
        } else {
            self.log.accept(answer, cx);
        }
    }

    fn ticked(&mut self, cx: &mut Cx<'_>) {
        self.ticking = false;
        self.look(cx);
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn export(&self, _shared: &Shared) -> Option<Exportable> {
        let now = self.now.as_ref()?;
        let drawn: [Drawn<'_>; 1] = [("", &now.curves)];
        let (metric, ..) = self.metric.clone().unwrap_or_default().shown(&drawn)?;
        let chart = crate::chart::Chart::Line(CurvesView::chart(&metric, &drawn, self.markers()));
        Some(Exportable { name: format!("training-{metric}"), chart: Some(chart), table: None })
    }
}
