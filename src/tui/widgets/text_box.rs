//! Several lines of text under the cursor: edited samples, comments, prompts.
//!
//! The editing is `tui-textarea`'s; the drawing is ours, since every text passes the one door on its
//! way to the terminal. While it is edited a text stands in reading order, unshaped: the cursor is
//! then where the next letter goes, in any script.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use tui_textarea::{Input, Key, TextArea};

use crate::text::{self, Resolved};
use crate::tui::pen::Pen;
use crate::tui::screen::Taken;
use crate::tui::theme::Role;

/// At most so many bytes may stand in it.
const LONGEST: usize = 64 << 10;

/// The lines.
#[derive(Debug, Clone)]
pub struct TextBox {
    area: TextArea<'static>,
    before: String,
    /// Rows scrolled away.
    top: usize,
}

impl TextBox {
    /// With a text in it, the cursor at its end.
    pub fn new(text: &str) -> Self {
        let lines = text.split('\n').map(str::to_owned).collect();
        let mut area = TextArea::new(lines);
        area.move_cursor(tui_textarea::CursorMove::Bottom);
        area.move_cursor(tui_textarea::CursorMove::End);
        Self { area, before: text.to_owned(), top: 0 }
    }

    /// What stands there.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether it differs from what stood there at first.
    pub fn is_changed(&self) -> bool {
        self.text() != self.before
    }

    /// Puts text in; control characters become blanks, line breaks stay.
    pub fn insert(&mut self, pasted: &str) {
        let room = LONGEST.saturating_sub(self.text().len());
        let clean: String = pasted[..pasted.floor_char_boundary(room)]
            .replace("\r\n", "\n")
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect();
        self.area.insert_str(clean);
    }

    /// A key; editing keys are taken: letters, Enter, arrows, Ctrl-W, Ctrl-Z (take back), Ctrl-Y
    /// (do again). Esc, Tab and Ctrl-S are not.
    pub fn key(&mut self, key: KeyEvent) -> Taken {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let shift = key.modifiers.contains(KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Char('z') if ctrl => {
                self.area.undo();
                return Taken::Yes;
            }
            KeyCode::Char('y') if ctrl => {
                self.area.redo();
                return Taken::Yes;
            }
            KeyCode::Char(c) if !ctrl && !alt => {
                if !c.is_control()
                    && self.area.lines().iter().map(String::len).sum::<usize>() < LONGEST
                {
                    self.area.insert_char(c);
                }
                return Taken::Yes;
            }
            _ => {}
        }
        let key = match key.code {
            KeyCode::Enter => Key::Enter,
            KeyCode::Backspace => Key::Backspace,
            KeyCode::Delete => Key::Delete,
            KeyCode::Left => Key::Left,
            KeyCode::Right => Key::Right,
            KeyCode::Up => Key::Up,
            KeyCode::Down => Key::Down,
            KeyCode::Home => Key::Home,
            KeyCode::End => Key::End,
            KeyCode::PageUp => Key::PageUp,
            KeyCode::PageDown => Key::PageDown,
            KeyCode::Char(c @ ('a' | 'e' | 'k' | 'w' | 'h' | 'd' | 'b' | 'f')) if ctrl => {
                Key::Char(c)
            }
            _ => return Taken::No,
        };
        self.area.input(Input { key, ctrl, alt, shift });
        Taken::Yes
    }

    /// Draws the rows around the cursor; puts the terminal's cursor there.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, focused: bool) {
        if area.width < 2 || area.height == 0 {
            return;
        }
        let style = pen.style(Role::Input);
        let cells = usize::from(area.width) - 1;
        let at = self.area.cursor();
        let mut rows: Vec<String> = Vec::new();
        let mut cursor = (0, 0);
        for (i, line) in self.area.lines().iter().enumerate() {
            let first = rows.len();
            let laid = text::lay_out(line, cells, Resolved::Off).lines;
            if i == at.0 {
                let byte = line.char_indices().nth(at.1).map_or(line.len(), |(b, _)| b);
                let shown = text::display(&line[..byte]);
                let row = laid.iter().rposition(|l| l.source.start <= shown.len()).unwrap_or(0);
                let start = laid.get(row).map_or(0, |l| l.source.start).min(shown.len());
                let start = shown.floor_char_boundary(start);
                cursor = (text::width(&shown[start..]).min(cells), first + row);
            }
            rows.extend(laid.into_iter().map(|l| l.text));
        }
        let height = usize::from(area.height);
        self.top = self.top.min(cursor.1).max((cursor.1 + 1).saturating_sub(height));
        let blank = " ".repeat(usize::from(area.width));
        for y in 0..area.height {
            pen.put_safe(area.x, area.y + y, area.width, &blank, style);
            if let Some(row) = rows.get(self.top + usize::from(y)) {
                pen.put_safe(area.x, area.y + y, area.width, row, style);
            }
        }
        if focused {
            pen.set_cursor(area.x + cursor.0 as u16, area.y + (cursor.1 - self.top) as u16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_binary_becomes_harmless_and_stays_short() {
        let mut t = TextBox::new("");
        t.insert("\u{1b}[31m\r\nx\0");
        assert_eq!(t.text(), " [31m\nx ");
        t.insert(&"好".repeat(1 << 16));
        assert!(t.text().len() <= LONGEST);
    }

    #[test]
    fn what_was_typed_can_be_taken_back() {
        let mut t = TextBox::new("one");
        assert!(!t.is_changed());
        t.key(KeyCode::Char('!').into());
        assert_eq!((t.text().as_str(), t.is_changed()), ("one!", true));
        t.key(KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL));
        assert_eq!(t.text(), "one");
        assert_eq!(t.key(KeyCode::Esc.into()), Taken::No);
        assert_eq!(t.key(KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL)), Taken::No);
    }
}
