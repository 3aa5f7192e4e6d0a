//! The Evaluate screen: evaluations, the leaderboard of one, what stands behind a cell, two models
//! side by side, and the form that starts another one.

mod behind;
mod board;
mod board_draw;
mod commands;
mod confusion;
mod document;
mod draw;
mod duel;
mod exports;
mod figures;
mod form;
mod listed;
mod plates;
#[cfg(test)]
mod tests;

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Exportable, Screen, ScreenId, Shared, Taken, Told};
use crate::tui::widgets::ListControl;

pub use commands::COMMANDS;

use behind::Behind;
use board::Board;
use document::Page;
use duel::Duel;
use form::Launch;
use listed::Listed;

/// How deep the person has gone; Esc goes one level up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Level {
    /// The list of evaluations.
    #[default]
    List,
    /// The table of one.
    Table,
    /// Bars of all arms with their intervals.
    Bars,
    /// Questions or items behind a cell.
    Items,
    /// Gold labels against what was read.
    Confusion,
    /// Two models side by side.
    Compare,
    /// One item in full.
    Document,
}

/// Its state.
#[derive(Debug, Default)]
pub struct Evaluate {
    level: Level,
    /// Where a document goes back to.
    under: Level,
    listed: Listed,
    board: Board,
    behind: Behind,
    duel: Duel,
    page: Page,
    form: Option<Launch>,
    /// An evaluation to open once the list is there.
    wanted: Option<String>,
    /// The run that the form started last.
    started: Option<crate::domain::RunId>,
}

impl Evaluate {
    fn open_current(&mut self, cx: &mut Cx<'_>) {
        let Some(head) = self.listed.list.current().cloned() else {
            cx.note(crate::tui::screen::Tone::Plain, "there is no evaluation yet: n starts one");
            return;
        };
        self.board.open(head, cx);
        self.level = Level::Table;
    }

    /// The evaluation beside the list, on wide terminals.
    fn preview(&mut self, cx: &mut Cx<'_>) {
        if self.level == Level::List
            && cx.shared.size.0 >= 120
            && let Some(head) = self.listed.list.current().cloned()
            && self.board.head.as_ref().is_none_or(|h| h.id != head.id)
        {
            self.board.open(head, cx);
        }
    }

    /// The folder of the run behind the evaluation in view.
    fn run_dir(&self, shared: &Shared) -> Option<std::path::PathBuf> {
        let run = self.board.head.as_ref()?.run.as_ref()?;
        Some(shared.place.folder().runs().join(run.as_str()))
    }
}

impl Screen for Evaluate {
    fn id(&self) -> ScreenId {
        ScreenId::Evaluate
    }

    fn mode(&self) -> &'static str {
        if self.form.is_some() {
            return "form";
        }
        match self.level {
            Level::List => "browse",
            Level::Table => "table",
            Level::Bars => "bars",
            Level::Items => "items",
            Level::Confusion => "confusion",
            Level::Compare => "compare",
            Level::Document => "document",
        }
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.listed.ask(cx);
        if self.board.head.is_some() {
            self.board.ask(cx);
        }
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        match what {
            Told::Evaluation(id) => {
                self.form = None;
                self.level = Level::List;
                self.wanted = Some(id);
                self.listed.ask(cx);
            }
            Told::Run(run) => self.told(Told::Evaluation(run.to_string()), cx),
            Told::Model(name) => self.open_form(cx, Some(name)),
            Told::Start(_) => self.open_form(cx, None),
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
        if let Some(form) = &mut self.form {
            form.paste(text, cx);
        }
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_>) {
        if !matches!(event.kind, MouseEventKind::Down(MouseButton::Left)) || self.form.is_some() {
            return;
        }
        let (x, y) = (event.column, event.row);
        let hit = match self.level {
            Level::List => self.listed.click(x, y),
            Level::Table => self.board.click(x, y),
            Level::Items => self.behind.click(x, y),
            Level::Compare => self.duel.click(x, y),
            Level::Bars | Level::Confusion | Level::Document => false,
        };
        if hit {
            self.moved(cx);
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        if self.form.is_some() {
            return None;
        }
        match self.level {
            Level::List => Some(&mut self.listed.list),
            Level::Table | Level::Bars => Some(&mut self.board.list),
            Level::Items => Some(&mut self.behind.list),
            Level::Compare => Some(&mut self.duel.list),
            Level::Confusion | Level::Document => None,
        }
    }

    fn moved(&mut self, cx: &mut Cx<'_>) {
        self.preview(cx);
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.listed.accept(answer) {
            if let Some(id) = self.wanted.take() {
                if self.listed.list.stand_on(Some(&id)) {
                    self.open_current(cx);
                } else {
                    cx.note(
                        crate::tui::screen::Tone::Plain,
                        "this evaluation has no figures yet: 7 shows its run",
                    );
                }
            }
            self.preview(cx);
        } else if self.board.accept(answer)
            || self.behind.accept(answer)
            || self.duel.accept(answer)
            || self.page.accept(answer)
        {
        } else if let Some(form) = &mut self.form
            && form.accept(answer, cx)
        {
            self.take_started();
            self.form = None;
            self.listed.ask(cx);
        }
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        // Only what is in view is read again.
        match self.level {
            Level::List => self.listed.ask(cx),
            _ => self.board.ask(cx),
        }
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({
            "chosen": self.listed.list.current_key(),
            "order": self.listed.list.order_number(),
            "filter": self.listed.list.filter(),
            "open": (self.level != Level::List).then(|| self.board.head.as_ref().map(|h| h.id.clone())),
            "across": self.board.across,
            "column": self.board.column,
        })
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        if let Some(n) = saved["order"].as_u64() {
            self.listed.list.set_order(n as usize);
        }
        if let Some(text) = saved["filter"].as_str() {
            self.listed.list.set_filter(text);
        }
        if let Ok(across) = serde_json::from_value(saved["across"].clone()) {
            self.board.across = across;
        }
        self.board.column = saved["column"].as_u64().unwrap_or(0) as usize;
        self.wanted = saved["open"].as_str().map(str::to_owned);
    }

    fn unsaved(&self) -> Option<String> {
        let form = self.form.as_ref()?;
        form.is_changed().then(|| "The form of an evaluation is filled in and not started.".into())
    }

    fn export(&self, shared: &Shared) -> Option<Exportable> {
        self.exported(shared)
    }
}
