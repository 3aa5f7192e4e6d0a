//! Control sequences from the terminal: function keys, keys with modifiers, mouse, focus.

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::Input;
use super::parser::{key, typed};

/// A sequence longer than this is garbage.
const LIMIT: usize = 64;

/// What stands behind `ESC [`. The counts are of bytes behind it.
pub(super) enum Csi {
    /// Not all of it has come.
    More,
    /// So many bytes, and what they say.
    Done(usize, Option<Input>),
    /// So many bytes, then a paste.
    Paste(usize),
}

/// Reads what stands behind `ESC [`.
pub(super) fn read(bytes: &[u8]) -> Csi {
    match bytes {
        // The Linux console's F1 to F5.
        [b'['] => return Csi::More,
        [b'[', c @ b'A'..=b'E', ..] => {
            return Csi::Done(2, Some(key(KeyCode::F(c - b'A' + 1), KeyModifiers::NONE)));
        }
        // A mouse report of a kind that we never ask for: three bytes, any.
        [b'M', rest @ ..] => {
            return if rest.len() < 3 { Csi::More } else { Csi::Done(4, None) };
        }
        _ => {}
    }
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0x20..=0x3f if at < LIMIT => {}
            0x40..=0x7e => {
                let parameters = bytes.get(..at).unwrap_or_default();
                let parameters = std::str::from_utf8(parameters).unwrap_or("");
                if (parameters, *byte) == ("200", b'~') {
                    return Csi::Paste(at + 1);
                }
                return Csi::Done(at + 1, event(parameters, *byte));
            }
            // A new sequence, or no sequence at all: what came is dropped.
            0x1b => return Csi::Done(at, None),
            _ => return Csi::Done(at + 1, None),
        }
    }
    Csi::More
}

/// The keys that CSI and SS3 name by a letter.
pub(super) fn function_key(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'E' => KeyCode::KeypadBegin,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

fn event(parameters: &str, last: u8) -> Option<Input> {
    if let Some(report) = parameters.strip_prefix('<') {
        return mouse(report, last);
    }
    // Answers about the terminal itself, which we never ask for.
    if parameters.starts_with(['?', '>', '=']) {
        return None;
    }
    let mut fields = parameters.split(';');
    let first = fields.next().unwrap_or("");
    let number: u32 = first.split(':').next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let modifiers = modifiers(fields.next().unwrap_or(""))?;
    match last {
        b'I' if parameters.is_empty() => Some(Input::Focus(true)),
        b'O' if parameters.is_empty() => Some(Input::Focus(false)),
        b'Z' => Some(key(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT)),
        b'~' if number == 27 => coded(fields.next()?.parse().ok()?, modifiers),
        b'~' => Some(key(numbered(number)?, modifiers)),
        b'u' => coded(number, modifiers),
        // `CSI row ; column R` would be an answer: a key has 1 there or nothing.
        letter if number == 1 => Some(key(function_key(letter)?, modifiers)),
        _ => None,
    }
}

/// `modifiers:kind`; `None` for the release of a key.
fn modifiers(field: &str) -> Option<KeyModifiers> {
    let mut parts = field.split(':');
    let mask: u8 = parts.next().and_then(|m| m.parse().ok()).unwrap_or(1);
    if parts.next() == Some("3") {
        return None;
    }
    let mask = mask.saturating_sub(1);
    let names = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ];
    let named = names.into_iter().filter(|(bit, _)| mask & bit != 0);
    Some(named.fold(KeyModifiers::NONE, |all, (_, one)| all | one))
}

fn numbered(number: u32) -> Option<KeyCode> {
    let f = |base: u32| u8::try_from(number - base).ok().map(KeyCode::F);
    match number {
        1 | 7 => Some(KeyCode::Home),
        2 => Some(KeyCode::Insert),
        3 => Some(KeyCode::Delete),
        4 | 8 => Some(KeyCode::End),
        5 => Some(KeyCode::PageUp),
        6 => Some(KeyCode::PageDown),
        11..=15 => f(10),
        17..=21 => f(11),
        23..=26 => f(12),
        28 | 29 => f(13),
        31..=34 => f(14),
        _ => None,
    }
}

/// A key told by its code point (`CSI u`, `modifyOtherKeys`).
fn coded(code: u32, modifiers: KeyModifiers) -> Option<Input> {
    let shift = modifiers.contains(KeyModifiers::SHIFT);
    let code = match code {
        8 | 127 => KeyCode::Backspace,
        9 if shift => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 | 57414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        _ => {
            let c = char::from_u32(code)?;
            let private = ('\u{E000}'..='\u{F8FF}').contains(&c);
            if c.is_control() || private {
                return None;
            }
            let c = if shift && c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c };
            return Some(typed(c, modifiers));
        }
    };
    Some(key(code, modifiers))
}

/// `button;column;row`, pressed (`M`) or released (`m`).
fn mouse(report: &str, last: u8) -> Option<Input> {
    let mut fields = report.split(';').map(|n| n.parse::<u16>().ok());
    let (button, column, row) = (fields.next()??, fields.next()??, fields.next()??);
    let which = match button & 0b11 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let moved = button & 32 != 0;
    let kind = match (button & 0b1100_0000, which, last) {
        (64, _, b'M') => match button & 0b11 {
            0 => MouseEventKind::ScrollUp,
            1 => MouseEventKind::ScrollDown,
            2 => MouseEventKind::ScrollLeft,
            _ => MouseEventKind::ScrollRight,
        },
        (0, Some(which), b'M') if moved => MouseEventKind::Drag(which),
        (0, None, b'M') if moved => MouseEventKind::Moved,
        (0, Some(which), b'M') => MouseEventKind::Down(which),
        (0, Some(which), b'm') => MouseEventKind::Up(which),
        _ => return None,
    };
    let named = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers = named
        .into_iter()
        .filter(|(bit, _)| button & bit != 0)
        .fold(KeyModifiers::NONE, |all, (_, one)| all | one);
    Some(Input::Mouse(MouseEvent {
        kind,
        column: column.saturating_sub(1),
        row: row.saturating_sub(1),
        modifiers,
    }))
}
