//! One line of text under the cursor: filters, numbers, names. Long texts use a text area.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use crate::text;
use crate::tui::pen::Pen;
use crate::tui::screen::Taken;

/// At most so many bytes: a line, not a file.
const LONGEST: usize = 4_096;

/// The line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineInput {
    text: String,
    /// Byte before which the cursor stands.
    at: usize,
}

impl LineInput {
    /// With a text in it, the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Another text.
    pub fn set(&mut self, text: impl Into<String>) {
        *self = Self::new(text);
    }

    /// Puts text in; line breaks and control characters become blanks.
    pub fn insert(&mut self, pasted: &str) {
        for c in pasted.chars() {
            let c = if c.is_control() { ' ' } else { c };
            if self.text.len() + c.len_utf8() > LONGEST {
                break;
            }
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    fn before(&self) -> usize {
        self.text[..self.at].grapheme_indices(true).next_back().map_or(0, |(i, _)| i)
    }

    fn after(&self) -> usize {
        self.text[self.at..].graphemes(true).next().map_or(self.at, |g| self.at + g.len())
    }

    /// A key; editing keys are taken, Enter, Esc, Tab, up and down are not.
    pub fn key(&mut self, key: KeyEvent) -> Taken {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('a') if ctrl => self.at = 0,
            KeyCode::Char('e') if ctrl => self.at = self.text.len(),
            KeyCode::Char('u') if ctrl => drop(self.text.drain(..std::mem::take(&mut self.at))),
            KeyCode::Char('k') if ctrl => self.text.truncate(self.at),
            KeyCode::Char('w') if ctrl => {
                let kept = self.text[..self.at].trim_end();
                let start = kept
                    .rfind(char::is_whitespace)
                    .map_or(0, |i| i + kept[i..].chars().next().map_or(1, char::len_utf8));
                self.text.drain(start..self.at);
                self.at = start;
            }
            KeyCode::Char(c)
                if !ctrl && !key.modifiers.contains(KeyModifiers::ALT) && !c.is_control() =>
            {
                let mut buffer = [0; 4];
                self.insert(c.encode_utf8(&mut buffer));
            }
            KeyCode::Backspace => {
                let start = self.before();
                self.text.drain(start..self.at);
                self.at = start;
            }
            KeyCode::Delete => {
                let end = self.after();
                self.text.drain(self.at..end);
            }
            KeyCode::Left => self.at = self.before(),
            KeyCode::Right => self.at = self.after(),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => return Taken::No,
        }
        Taken::Yes
    }

    /// Draws the end of the text that holds the cursor; puts the terminal's cursor there.
    pub fn draw(&self, pen: &mut Pen<'_>, row: Rect, style: Style, focused: bool) {
        if row.width == 0 {
            return;
        }
        pen.put_safe(row.x, row.y, row.width, &" ".repeat(usize::from(row.width)), style);
        let room = usize::from(row.width).saturating_sub(1);
        let head = text::display(&self.text[..self.at]);
        // Drop clusters at the left until the cursor is in view.
        let mut start = 0;
        let mut cells = text::width(&head);
        for cluster in head.graphemes(true) {
            if cells <= room {
                break;
            }
            cells -= text::cluster_width(cluster);
            start += cluster.len();
        }
        let shown = format!("{}{}", &head[start..], text::display(&self.text[self.at..]));
        pen.put_safe(row.x, row.y, row.width, &shown, style);
        if focused {
            pen.set_cursor(row.x + cells as u16, row.y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ctrl(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    #[test]
    fn editing_goes_by_what_a_reader_takes_for_a_letter() {
        let mut line = LineInput::new("cafe\u{301} কি");
        line.key(KeyCode::Backspace.into());
        assert_eq!(line.text(), "cafe\u{301} ");
        line.key(KeyCode::Backspace.into());
        line.key(KeyCode::Backspace.into());
        assert_eq!(line.text(), "caf");
        line.key(ctrl('a'));
        line.key(KeyCode::Char('好').into());
        line.key(KeyCode::Delete.into());
        assert_eq!(line.text(), "好af");
        line.set("one two  three");
        line.key(ctrl('w'));
        assert_eq!(line.text(), "one two  ");
        line.key(ctrl('u'));
        assert_eq!(line.text(), "");
    }

    #[test]
    fn pasted_binary_becomes_harmless_and_stays_short() {
        let mut line = LineInput::default();
        line.insert("\u{1b}[31m\nx\0");
        assert_eq!(line.text(), " [31m x ");
        line.insert(&"x".repeat(1 << 20));
        assert!(line.text().len() <= LONGEST);
    }

    proptest! {
        #[test]
        fn no_sequence_of_keys_breaks_a_cluster(keys in proptest::collection::vec(0u8..9, 0..40)) {
            let mut line = LineInput::new("ক্ষা 👨‍👩‍👧 e\u{301} שלום");
            for k in keys {
                line.key(match k {
                    0 => KeyCode::Left.into(),
                    1 => KeyCode::Right.into(),
                    2 => KeyCode::Backspace.into(),
                    3 => KeyCode::Delete.into(),
                    4 => KeyCode::Char('x').into(),
                    5 => ctrl('w'),
                    6 => ctrl('k'),
                    7 => KeyCode::Home.into(),
                    _ => KeyCode::End.into(),
                });
                prop_assert!(line.text.is_char_boundary(line.at));
            }
        }
    }
}
