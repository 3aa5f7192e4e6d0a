//! What stands over the screen: filter line, palette, help, questions, export.

use crossterm::event::{KeyCode, KeyEvent};

use super::App;
use super::palette::Palette;
use crate::tui::key::Key;
use crate::tui::screen::{Effect, Exportable, Taken, Tone};
use crate::tui::widgets::LineInput;

/// What stands over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// The list's filter, in the footer.
    Filter {
        /// Being typed.
        input: LineInput,
        /// As it was.
        before: String,
    },
    /// Every key that works here.
    Help {
        /// Lines scrolled away.
        scroll: u16,
    },
    /// Everything by name.
    Palette(Palette),
    /// A question; `y` runs the command.
    Confirm {
        /// The question.
        text: String,
        /// The command's name.
        command: &'static str,
    },
    /// Which format.
    Export {
        /// What is exported.
        what: Box<Exportable>,
        /// The formats.
        formats: Vec<&'static str>,
        /// The one under the cursor.
        at: usize,
    },
}

impl Overlay {
    pub(super) fn palette() -> Self {
        Self::Palette(Palette::default())
    }

    pub(super) fn export(what: Exportable) -> Self {
        let mut formats = Vec::new();
        if what.chart.is_some() {
            formats.extend(["svg", "png"]);
        }
        formats.extend(["csv", "md"]);
        Self::Export { what: Box::new(what), formats, at: 0 }
    }

    pub(super) fn paste(&mut self, text: &str) {
        match self {
            Self::Filter { input, .. } => input.insert(text),
            Self::Palette(p) => p.input.insert(text),
            _ => {}
        }
    }
}

impl App {
    pub(super) fn overlay_changed(&mut self) {
        if let Some(Overlay::Filter { input, .. }) = &self.overlay {
            let text = input.text().to_owned();
            self.set_filter(&text);
        }
        if let Some(Overlay::Palette(p)) = &mut self.overlay {
            p.at = 0;
        }
    }

    fn set_filter(&mut self, text: &str) {
        self.with_screen(|s, cx| {
            if let Some(list) = s.list() {
                list.set_filter(text);
            }
            s.moved(cx);
        });
    }

    pub(super) fn overlay_key(&mut self, event: KeyEvent, key: Key) {
        let quit = self.keymap.keys("app.quit").contains(&key);
        if quit {
            self.overlay = None;
            self.effects.push(Effect::Quit);
            return;
        }
        // A picture may be of an overlay too.
        if matches!(event.code, KeyCode::F(_)) && self.keymap.keys("app.shot").contains(&key) {
            self.effects.push(Effect::Shot);
            return;
        }
        let Some(mut overlay) = self.overlay.take() else { return };
        let stays = match &mut overlay {
            Overlay::Filter { input, before } => match event.code {
                KeyCode::Enter => false,
                KeyCode::Esc => {
                    let before = before.clone();
                    self.set_filter(&before);
                    false
                }
                KeyCode::Up | KeyCode::Down => {
                    let by = if event.code == KeyCode::Up { -1 } else { 1 };
                    self.before = self.pace;
                    self.move_list(|l| l.step(by));
                    true
                }
                _ => {
                    if input.key(event) == Taken::Yes {
                        let text = input.text().to_owned();
                        self.set_filter(&text);
                    }
                    true
                }
            },
            Overlay::Help { scroll } => match event.code {
                KeyCode::Char('j') | KeyCode::Down => {
                    *scroll = scroll.saturating_add(1);
                    true
                }
                KeyCode::Char('k') | KeyCode::Up => {
                    *scroll = scroll.saturating_sub(1);
                    true
                }
                KeyCode::PageDown | KeyCode::Char(' ') => {
                    *scroll = scroll.saturating_add(10);
                    true
                }
                KeyCode::PageUp => {
                    *scroll = scroll.saturating_sub(10);
                    true
                }
                _ => false,
            },
            Overlay::Palette(p) => match event.code {
                KeyCode::Esc => false,
                KeyCode::Enter => {
                    let chosen = p.chosen(self);
                    if let Some(c) = chosen {
                        self.run_from_palette(c);
                    }
                    return;
                }
                KeyCode::Up => {
                    p.at = p.at.saturating_sub(1);
                    true
                }
                KeyCode::Down | KeyCode::Tab => {
                    p.at += 1;
                    true
                }
                _ => {
                    if p.input.key(event) == Taken::Yes {
                        p.at = 0;
                    }
                    true
                }
            },
            Overlay::Confirm { command, .. } => {
                if event.code == KeyCode::Char('y') {
                    let command = *command;
                    self.run_named(command);
                } else {
                    self.with_screen(|s, _| s.refused());
                    self.note = Some((Tone::Plain, "left as it is".into()));
                }
                return;
            }
            Overlay::Export { what, formats, at } => match event.code {
                KeyCode::Left | KeyCode::Up | KeyCode::Char('h' | 'k') => {
                    *at = at.saturating_sub(1);
                    true
                }
                KeyCode::Right | KeyCode::Down | KeyCode::Tab | KeyCode::Char('l' | 'j') => {
                    *at = (*at + 1).min(formats.len() - 1);
                    true
                }
                KeyCode::Enter => {
                    let format = formats[*at];
                    self.effects.push(Effect::ExportOf { what: what.clone(), format });
                    false
                }
                _ => false,
            },
        };
        if stays {
            self.overlay = Some(overlay);
        }
    }
}
