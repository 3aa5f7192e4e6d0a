//! The Settings screen: providers, themes, directions, drawing, doctor and keys, in one list.

mod detail;
mod doing;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ratatui::layout::Rect;
use serde_json::Value;

use crate::config::{UserConfig, user_config_file};
use crate::tui::command::{self, Command, Run, When};
use crate::tui::data::WorkError;
use crate::tui::keymap::Keymap;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Exportable, Screen, ScreenId, Shared, Told};
use crate::tui::settings::{UserLooks, keys_file, looks_file, themes_folder};
use crate::tui::theme::{self, Role};
use crate::tui::widgets::{Column, ListControl, Memory, draw_rows, draw_scrollbar, said};

use rows::{Known, Row, SECTIONS, What};

macro_rules! command {
    ($name:literal, $keys:expr, $doc:literal, $hint:literal, $do:expr) => {
        Command {
            name: $name,
            keys: $keys,
            when: When::On(ScreenId::Settings),
            doc: $doc,
            hint: $hint,
            run: Run::Settings($do),
        }
    };
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command!(
        "settings.keep",
        &["enter"],
        "Keep the theme or direction, switch the setting, run doctor",
        "keep",
        Settings::keep
    ),
    command!(
        "settings.test",
        &["t"],
        "Ask the provider for a word: whether it answers, and what it can",
        "test",
        Settings::test
    ),
    command!(
        "settings.copy",
        &["y"],
        "Copy the example: a provider, or the line of a key",
        "copy",
        Settings::copy
    ),
    command!("settings.next", &["tab", "right"], "Next section", "section", |s, cx| s
        .section(1, cx)),
    command!("settings.before", &["shift-tab", "left"], "Section before", "", |s, cx| s
        .section(-1, cx)),
    command!(
        "settings.doctor",
        &["d"],
        "Run doctor: what is right, and what to mend",
        "doctor",
        Settings::look_around
    ),
    command!("settings.refresh", &["r"], "Read the files again", "", |s, cx| s.ask(cx)),
    command!(
        "settings.back",
        &["esc"],
        "Put the old theme back, clear the filter",
        "",
        Settings::back
    ),
];

/// Its state.
#[derive(Debug)]
pub struct Settings {
    list: Memory<Row>,
    known: Load<Known>,
    doctor: Load<Value>,
    test: Load<Value>,
    /// The provider that is asked now.
    testing: Option<String>,
    tested: BTreeMap<String, Result<Value, WorkError>>,
    /// A theme that is only looked at.
    trying: Option<String>,
    area: Rect,
}

impl Default for Settings {
    fn default() -> Self {
        let list = Memory::new(
            Row::key,
            |r: &Row| {
                let doc = match r.what {
                    What::Key(name) => {
                        command::all().find(|c| c.name == name).map_or("", |c| c.doc)
                    }
                    _ => "",
                };
                format!("{} {} {doc}", r.key(), r.said)
            },
            &[
                ("section", |a: &Row, b: &Row| a.at.cmp(&b.at)),
                ("name", |a: &Row, b: &Row| a.name.cmp(&b.name)),
            ],
        );
        Self {
            list,
            known: Load::default(),
            doctor: Load::default(),
            test: Load::default(),
            testing: None,
            tested: BTreeMap::new(),
            trying: None,
            area: Rect::ZERO,
        }
    }
}

/// Reads everything that the user may have set.
fn read() -> Known {
    let looks = UserLooks::load(&looks_file()).unwrap_or_default();
    let config = UserConfig::load().map_err(WorkError::from);
    let config_file = match &config {
        Ok(c) => c.file.clone(),
        Err(_) => user_config_file().unwrap_or_default(),
    };
    let folder = themes_folder();
    Known {
        config,
        config_file,
        theme: looks.theme,
        themes: theme::names(&folder),
        keymap: Keymap::load(&keys_file()).map_err(WorkError::from),
        auto: crate::text::BidiMode::Auto.resolve(|n| std::env::var(n).ok()),
        mouse: looks.mouse,
        files: [keys_file(), looks_file(), folder],
    }
}

impl Settings {
    /// What a row is set to, where that changes while the screen is open.
    fn state(&self, row: &Row, shared: &Shared) -> (String, Role) {
        let known = self.known.get();
        match &row.what {
            What::Theme(name) => {
                let kept = known.is_some_and(|k| k.theme == *name);
                let said = if kept { "kept · " } else { "" };
                (format!("{said}{}", row.said), if kept { Role::Accent } else { Role::Muted })
            }
            What::Bidi(mode) => {
                let kept = shared.looks.bidi == *mode;
                let said = if kept { "kept · " } else { "" };
                (format!("{said}{}", row.said), if kept { Role::Accent } else { Role::Muted })
            }
            What::Plain => (if shared.looks.plain { "on" } else { "off" }.into(), Role::Text),
            What::Mouse => {
                (if known.is_some_and(|k| k.mouse) { "on" } else { "off" }.into(), Role::Text)
            }
            What::Provider(name) => match self.tested.get(name) {
                _ if self.testing.as_deref() == Some(name) => ("asking it ..".into(), Role::Accent),
                Some(Ok(_)) => (format!("answers · {}", row.said), Role::Good),
                Some(Err(_)) => (format!("does not answer · {}", row.said), Role::Bad),
                None if row.said.contains("MISSING") => (row.said.clone(), Role::Warn),
                None => (row.said.clone(), Role::Muted),
            },
            What::Doctor => {
                let items = self.doctor.get().and_then(|d| d["items"].as_array());
                match items {
                    None => (row.said.clone(), Role::Muted),
                    Some(items) => {
                        let bad = items.iter().filter(|i| i["ok"] != true).count();
                        if bad == 0 {
                            ("everything is right".into(), Role::Good)
                        } else {
                            (format!("{bad} to mend"), Role::Bad)
                        }
                    }
                }
            }
            What::Define if known.is_some_and(|k| k.config.is_err()) => {
                (row.said.clone(), Role::Bad)
            }
            _ => (row.said.clone(), Role::Muted),
        }
    }

    fn draw_list(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let filter = match self.list.filter() {
            "" => String::new(),
            f => format!(" /{f}"),
        };
        let title = format!("Settings · {}{filter}", said(self.list.position()));
        let inner = pen.pane(area, &title, true);
        self.area = inner;
        if self.known.get().is_none() {
            pen.says(inner, &[("reading your files", Role::Muted)]);
            return;
        }
        if self.list.shown_len() == 0 {
            pen.says(inner, &[("nothing matches the filter; Esc clears it", Role::Muted)]);
            return;
        }
        const COLUMNS: [Column; 3] =
            [Column::words("section", 11), Column::words("name", 22), Column::words("is", 0)];
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let height = usize::from(inner.height.saturating_sub(1));
        let window: Vec<(Row, bool, bool)> =
            self.list.window(height).into_iter().map(|(r, h, m)| (r.clone(), h, m)).collect();
        let mut before = None;
        let rows: Vec<_> = window
            .into_iter()
            .map(|(r, here, marked)| {
                let section = r.what.section();
                // Its name stands at the first row of a section alone.
                let name = if before == Some(section) { "" } else { SECTIONS[section] };
                before = Some(section);
                let (said, role) = self.state(&r, shared);
                let style = pen.style(role);
                (vec![(name.to_owned(), muted), (r.name, text), (said, style)], here, marked)
            })
            .collect();
        draw_rows(pen, inner, &COLUMNS, &rows, true);
        let bar = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        draw_scrollbar(pen, bar, self.list.position());
    }
}

impl Screen for Settings {
    fn id(&self) -> ScreenId {
        ScreenId::Settings
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.ask(cx);
    }

    fn leave(&mut self, cx: &mut Cx<'_>) {
        self.put_back(cx);
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        if matches!(what, Told::Start("doctor")) {
            self.look_around(cx);
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        Some(&mut self.list)
    }

    fn moved(&mut self, cx: &mut Cx<'_>) {
        self.preview(cx);
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, cx: &mut Cx<'_>) {
        use crossterm::event::{MouseButton, MouseEventKind};
        let a = self.area;
        let inside = event.column >= a.x
            && event.column < a.right()
            && event.row > a.y
            && event.row < a.bottom();
        if inside && matches!(event.kind, MouseEventKind::Down(MouseButton::Left)) {
            self.list.click(usize::from(event.row - a.y - 1));
            self.preview(cx);
        }
    }

    fn answered(&mut self, answer: &mut Answer, _cx: &mut Cx<'_>) {
        if self.known.accept(answer) {
            if let Some(known) = self.known.get() {
                self.list.set_rows(rows::rows(known));
            }
        } else if self.test.accept(answer) {
            let outcome = match (self.test.take(), self.test.error()) {
                (Some(doc), _) => Ok(doc),
                (None, e) => Err(e.cloned().unwrap_or_else(|| WorkError::new("no answer"))),
            };
            if let Some(name) = self.testing.take() {
                self.tested.insert(name, outcome);
            }
        } else {
            let _ = self.doctor.accept(answer);
        }
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        if area.width >= 110 {
            let left = (area.width / 2).min(84);
            self.draw_list(pen, Rect { width: left, ..area }, shared);
            let rest = Rect { x: area.x + left, width: area.width - left, ..area };
            self.draw_detail(pen, rest, shared);
        } else if area.height >= 12 {
            let below = (area.height * 11 / 20).max(7);
            self.draw_list(pen, Rect { height: area.height - below, ..area }, shared);
            let rest = Rect { y: area.bottom() - below, height: below, ..area };
            self.draw_detail(pen, rest, shared);
        } else {
            self.draw_list(pen, area, shared);
        }
    }

    fn save(&self) -> Value {
        serde_json::json!({"row": self.list.current_key(), "filter": self.list.filter()})
    }

    fn restore(&mut self, saved: &Value) {
        if let Some(text) = saved["filter"].as_str() {
            self.list.set_filter(text);
        }
    }

    fn export(&self, _shared: &Shared) -> Option<Exportable> {
        let head = ["section", "name", "is"].map(str::to_owned).to_vec();
        let rows = self
            .list
            .rows()
            .iter()
            .map(|r| vec![SECTIONS[r.what.section()].to_owned(), r.name.clone(), r.said.clone()])
            .collect();
        Some(Exportable { name: "settings".into(), chart: None, table: Some((head, rows)) })
    }
}
