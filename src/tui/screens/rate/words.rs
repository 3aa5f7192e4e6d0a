//! The words of a comment or a flag while they are typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};
use tui_textarea::TextArea;

use crate::text;
use crate::tui::pen::Pen;
use crate::tui::screen::Taken;
use crate::tui::theme::Role;

/// At most so many bytes: a comment, not a file.
const LONGEST: usize = 10_000;

/// What words are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Purpose {
    /// Words about the pair.
    #[default]
    Comment,
    /// Why it is flagged.
    Flag,
    /// Why it is passed over.
    LeaveOut,
}

/// What a key did to the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// They changed, or the cursor moved.
    Yes,
    /// Send them.
    Send,
    /// Leave; they are kept.
    Leave,
    /// The key is not theirs.
    No,
}

impl From<Typed> for Taken {
    fn from(t: Typed) -> Self {
        if t == Typed::No { Self::No } else { Self::Yes }
    }
}

/// A text area and what it is for.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) purpose: Purpose,
    area: TextArea<'static>,
}

impl Words {
    pub(super) fn new(purpose: Purpose, before: &str) -> Self {
        let mut words = Self { purpose, area: TextArea::default() };
        words.paste(before);
        words
    }

    pub(super) fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Puts text in; control characters stay outside.
    pub(super) fn paste(&mut self, pasted: &str) {
        let room = LONGEST.saturating_sub(self.text().len());
        let cut = pasted.floor_char_boundary(room.min(pasted.len()));
        let plain: String = pasted[..cut]
            .replace("\r\n", "\n")
            .replace(['\r', '\u{2028}', '\u{2029}'], "\n")
            .chars()
            .map(|c| if c == '\t' { ' ' } else { c })
            .filter(|c| *c == '\n' || !c.is_control())
            .collect();
        self.area.insert_str(plain);
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Typed {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return Typed::Leave,
            KeyCode::Char('s') | KeyCode::Enter if ctrl => return Typed::Send,
            // terminals that cannot tell Ctrl-Enter from Enter send Alt-Enter, or nothing
            KeyCode::Enter if key.modifiers.contains(KeyModifiers::ALT) => return Typed::Send,
            KeyCode::Char('c' | 'q' | 'z' | 'l') if ctrl => return Typed::No,
            KeyCode::F(_) => return Typed::No,
            _ => {}
        }
        if matches!(key.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Tab)
            && self.text().len() >= LONGEST
        {
            return Typed::Yes;
        }
        if key.code == KeyCode::Tab {
            self.paste(" ");
        } else {
            self.area.input(key);
        }
        Typed::Yes
    }

    /// Draws the words from the top, or so far down that the cursor is in view, and puts the
    /// terminal's cursor where the next letter goes.
    pub(super) fn draw(&self, pen: &mut Pen<'_>, area: Rect) {
        let style = pen.style(Role::Input);
        pen.tint(area, style);
        let cells = usize::from(area.width.max(1));
        let (row, column) = {
            let cursor = self.area.cursor();
            (cursor.0, cursor.1)
        };
        let mut lines = Vec::new();
        let mut at = (0, 0);
        for (i, line) in self.area.lines().iter().enumerate() {
            let laid = text::lay_out(line, cells, pen.looks.direction);
            if i == row {
                let byte: usize = line.chars().take(column).map(char::len_utf8).sum();
                let last = laid.lines.len().saturating_sub(1);
                let n = laid.lines.iter().position(|l| byte < l.source.end).unwrap_or(last);
                if let Some(l) = laid.lines.get(n) {
                    // counted in reading order: right for text that runs one way
                    let from = l.source.start.min(byte);
                    let before = text::width(line.get(from..byte).unwrap_or_default());
                    let x = if l.rtl { cells.saturating_sub(before + 1) } else { before };
                    at = (x.min(cells - 1), lines.len() + n);
                }
            }
            lines.extend(laid.lines);
        }
        let height = usize::from(area.height.max(1));
        let skip = (at.1 + 1).saturating_sub(height);
        pen.laid(area, &lines, skip, style, &[]);
        pen.set_cursor(area.x + at.0 as u16, area.y + (at.1 - skip) as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_control_characters_stay_outside_and_a_paste_has_a_limit() {
        let mut w = Words::new(Purpose::Comment, "");
        w.paste("a\u{1b}[31mb\u{7}\r\nc\td");
        assert_eq!(w.text(), "a[31mb\nc d");
        w.paste(&"好".repeat(20_000));
        assert!(w.text().len() <= LONGEST);
        assert_eq!(w.key(KeyEvent::from(KeyCode::Char('x'))), Typed::Yes);
    }

    #[test]
    fn letters_are_text_and_ctrl_s_sends() {
        let mut w = Words::new(Purpose::Flag, "old ");
        for c in "q5:".chars() {
            assert_eq!(w.key(KeyEvent::from(KeyCode::Char(c))), Typed::Yes);
        }
        w.key(KeyEvent::from(KeyCode::Enter));
        w.key(KeyEvent::from(KeyCode::Char('z')));
        assert_eq!(w.text(), "old q5:\nz");
        let ctrl_s = KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL);
        assert_eq!(w.key(ctrl_s), Typed::Send);
        assert_eq!(w.key(KeyEvent::from(KeyCode::Esc)), Typed::Leave);
    }
}
