//! The Overview: the five activities as a pipeline with counts and health, what runs now, what needs
//! attention, and the next step one key away.

mod next;
mod panes;
#[cfg(test)]
mod tests;

use ratatui::layout::Rect;

use crate::report::{Standing, standing};
use crate::tui::command::{Command, Run, When};
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Effect, Exportable, Screen, ScreenId, Shared};
use crate::tui::theme::Role;

use next::{Step, step};

/// Its commands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "overview.next",
        keys: &["enter"],
        when: When::On(ScreenId::Overview),
        doc: "Take the next step",
        hint: "next step",
        run: Run::Overview(Overview::take_step),
    },
    Command {
        name: "overview.down",
        keys: &["j", "down"],
        when: When::On(ScreenId::Overview),
        doc: "Next activity",
        hint: "",
        run: Run::Overview(|s, _| s.row = (s.row + 1).min(panes::ROWS - 1)),
    },
    Command {
        name: "overview.up",
        keys: &["k", "up"],
        when: When::On(ScreenId::Overview),
        doc: "Activity before",
        hint: "",
        run: Run::Overview(|s, _| s.row = s.row.saturating_sub(1)),
    },
    Command {
        name: "overview.open",
        keys: &["right", "l"],
        when: When::On(ScreenId::Overview),
        doc: "Open the activity under the cursor",
        hint: "open",
        run: Run::Overview(|s, cx| cx.go(panes::SCREENS[s.row], None)),
    },
    Command {
        name: "overview.refresh",
        keys: &["r"],
        when: When::On(ScreenId::Overview),
        doc: "Count again",
        hint: "",
        run: Run::Overview(|s, cx| s.look(cx)),
    },
];

/// Its state.
#[derive(Debug, Default)]
pub struct Overview {
    standing: Load<Standing>,
    /// Changes that came while one answer was awaited.
    again: bool,
    row: usize,
}

impl Overview {
    fn look(&mut self, cx: &mut Cx<'_>) {
        if self.standing.is_asked() {
            // One look at a time: a busy database is not asked for more than it can tell.
            self.again = true;
            return;
        }
        self.standing.ask(cx, Lane::Slow, |a| {
            let store = a.place().read()?;
            standing(store.read()).map_err(WorkError::from)
        });
    }

    fn take_step(&mut self, cx: &mut Cx<'_>) {
        match self.step(cx.shared) {
            Some(s) => cx.go(s.to, s.told),
            None => cx.ask(Effect::Note(
                crate::tui::screen::Tone::Plain,
                "the workspace is still being read".into(),
            )),
        }
    }

    fn step(&self, shared: &Shared) -> Option<Step> {
        self.standing.get().map(|s| step(s, shared))
    }
}

impl Screen for Overview {
    fn id(&self) -> ScreenId {
        ScreenId::Overview
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.standing.accept(answer) && std::mem::take(&mut self.again) {
            self.look(cx);
        }
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        match (self.standing.get(), self.standing.error()) {
            (None, Some(e)) => {
                let hint = e
                    .hint
                    .clone()
                    .unwrap_or_else(|| "press 8 and look at doctor; r tries again".to_owned());
                pen.says(
                    area,
                    &[
                        ("The workspace cannot be read.", Role::Bad),
                        (&e.message, Role::Text),
                        (&hint, Role::Muted),
                    ],
                );
            }
            (None, None) => pen.says(area, &[("Reading the workspace ...", Role::Muted)]),
            (Some(standing), _) => {
                panes::draw(pen, area, standing, &step(standing, shared), shared, self.row);
            }
        }
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({"row": self.row})
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        self.row = (saved["row"].as_u64().unwrap_or(0) as usize).min(panes::ROWS - 1);
    }

    fn export(&self, _shared: &Shared) -> Option<Exportable> {
        let rows = panes::lines(self.standing.get()?)
            .into_iter()
            .map(|l| vec![l.name.to_owned(), l.counts, l.health])
            .collect();
        let head = ["activity", "counts", "health"].map(str::to_owned).to_vec();
        Some(Exportable { name: "overview".into(), chart: None, table: Some((head, rows)) })
    }
}
