//! Bytes of the terminal become keys, mouse reports, pastes and answers.
//!
//! Our own, because crossterm's reader hides what we need: it reads until it would block (on a
//! terminal that died in the middle of a sequence it spins), takes an answer to a question for
//! typed letters, keeps a paste of any size, and reads an escape sequence that SSH cut in two as
//! Escape and letters. The words (`KeyEvent`, `MouseEvent`) are crossterm's.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Input;
use super::csi::{self, Csi};

/// A paste keeps so many bytes; the rest is dropped.
pub const PASTE_LIMIT: usize = 1024 * 1024;

const PASTE_END: &[u8] = b"\x1b[201~";
/// Answers longer than this are garbage.
const STRING_LIMIT: usize = 4096;
/// How long the rest of a sequence may be under way before what came is dropped.
const SEQUENCE_PATIENCE: Duration = Duration::from_secs(1);
/// How long a paste may pause before it counts as ended: its end may never come.
const PASTE_PATIENCE: Duration = Duration::from_secs(10);

/// Reads a stream of bytes, cut anywhere.
#[derive(Debug)]
pub(super) struct Parser {
    waiting: Vec<u8>,
    paste: Option<Paste>,
    escape_patience: Duration,
}

#[derive(Debug, Default)]
struct Paste {
    text: Vec<u8>,
    /// The last bytes, which may be the beginning of the end.
    tail: Vec<u8>,
}

/// What stands at the beginning of the waiting bytes.
enum Step {
    /// Not all of it has come.
    More,
    /// So many bytes, and what they say.
    Done(usize, Option<Input>),
    /// So many bytes, then a paste.
    Paste(usize),
}

impl Parser {
    /// `escape_patience`: how long after ESC the rest of a sequence may come. Longer makes the
    /// Escape key slow, shorter tears sequences on bad links.
    pub(super) fn new(escape_patience: Duration) -> Self {
        Self { waiting: Vec::new(), paste: None, escape_patience }
    }

    /// Takes bytes as they come and adds what they say.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<Input>) {
        let mut rest = bytes.to_vec();
        loop {
            if let Some(paste) = &mut self.paste {
                let Some(after) = paste.take(&rest) else { return };
                out.push(paste.finish());
                self.paste = None;
                rest = after;
            }
            self.waiting.append(&mut rest);
            match self.read(out) {
                Some(behind) => {
                    self.paste = Some(Paste::default());
                    rest = behind;
                }
                None => return,
            }
        }
    }

    /// Reads the waiting bytes; returns those behind the beginning of a paste.
    fn read(&mut self, out: &mut Vec<Input>) -> Option<Vec<u8>> {
        let mut at = 0;
        let mut behind = None;
        while let Some(rest) = self.waiting.get(at..).filter(|r| !r.is_empty()) {
            match step(rest) {
                Step::More => break,
                Step::Done(n, input) => {
                    at += n.max(1);
                    out.extend(input);
                }
                Step::Paste(n) => {
                    behind = Some(rest.get(n..).unwrap_or_default().to_vec());
                    at = self.waiting.len();
                    break;
                }
            }
        }
        self.waiting.drain(..at.min(self.waiting.len()));
        behind
    }

    /// How long to wait for more before [`Self::give_up`]; `None`: nothing is half read.
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.paste.is_some() {
            return Some(PASTE_PATIENCE);
        }
        match self.waiting.len() {
            0 => None,
            1 | 2 if self.waiting[0] == 0x1b => Some(self.escape_patience),
            _ => Some(SEQUENCE_PATIENCE),
        }
    }

    /// Nothing more came: an ESC was the key, a half sequence was garbage, a paste has ended.
    pub(super) fn give_up(&mut self, out: &mut Vec<Input>) {
        if let Some(mut paste) = self.paste.take() {
            let tail = std::mem::take(&mut paste.tail);
            paste.keep(&tail);
            out.push(paste.finish());
        }
        match std::mem::take(&mut self.waiting).as_slice() {
            [0x1b] => out.push(key(KeyCode::Esc, KeyModifiers::NONE)),
            // The beginnings of sequences, typed with Alt.
            [0x1b, c] if c.is_ascii_graphic() => out.push(typed(char::from(*c), KeyModifiers::ALT)),
            _ => {}
        }
    }
}

impl Paste {
    /// Takes bytes; returns those behind the end, once that came.
    fn take(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut all = std::mem::take(&mut self.tail);
        all.extend_from_slice(bytes);
        if let Some(end) = memchr::memmem::find(&all, PASTE_END) {
            self.keep(all.get(..end).unwrap_or_default());
            return Some(all.get(end + PASTE_END.len()..).unwrap_or_default().to_vec());
        }
        let (text, tail) = all.split_at(all.len().saturating_sub(PASTE_END.len() - 1));
        self.keep(text);
        self.tail = tail.to_vec();
        None
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = PASTE_LIMIT.saturating_sub(self.text.len());
        self.text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Terminals send line ends as the Enter key does; a text has `\n`.
    fn finish(&mut self) -> Input {
        let bytes = std::mem::take(&mut self.text);
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n").replace('\r', "\n");
        Input::Paste(text)
    }
}

pub(super) fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Key(KeyEvent::new(code, modifiers))
}

/// A typed character; capitals carry Shift, as crossterm has it.
pub(super) fn typed(c: char, modifiers: KeyModifiers) -> Input {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    key(KeyCode::Char(c), modifiers | shift)
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [0x1b] => Step::More,
        [0x1b, b'[', rest @ ..] => match csi::read(rest) {
            Csi::More => Step::More,
            Csi::Paste(n) => Step::Paste(2 + n),
            Csi::Done(n, input) => Step::Done(2 + n, input),
        },
        [0x1b, b'O', rest @ ..] => match rest.first() {
            None => Step::More,
            Some(c) => match csi::function_key(*c) {
                Some(code) => Step::Done(3, Some(key(code, KeyModifiers::NONE))),
                None if *c == b'M' => Step::Done(3, Some(key(KeyCode::Enter, KeyModifiers::NONE))),
                // Not a sequence: Alt-O and whatever follows.
                None => Step::Done(2, Some(typed('O', KeyModifiers::ALT))),
            },
        },
        [0x1b, b']' | b'P' | b'X' | b'^' | b'_', ..] => string(bytes),
        [0x1b, 0x1b, ..] => Step::Done(1, Some(key(KeyCode::Esc, KeyModifiers::NONE))),
        [0x1b, rest @ ..] => match plain(rest) {
            Step::Done(n, Some(Input::Key(mut event))) => {
                event.modifiers |= KeyModifiers::ALT;
                Step::Done(n + 1, Some(Input::Key(event)))
            }
            Step::Done(n, other) => Step::Done(n + 1, other),
            more => more,
        },
        _ => plain(bytes),
    }
}

/// A key that is no sequence.
fn plain(bytes: &[u8]) -> Step {
    let control = KeyModifiers::CONTROL;
    let Some(&first) = bytes.first() else { return Step::More };
    let event = match first {
        b'\r' => key(KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => key(KeyCode::Tab, KeyModifiers::NONE),
        0x7f => key(KeyCode::Backspace, KeyModifiers::NONE),
        0 => key(KeyCode::Char(' '), control),
        c @ 0x01..=0x1a => key(KeyCode::Char(char::from(c - 1 + b'a')), control),
        c @ 0x1c..=0x1f => key(KeyCode::Char(char::from(c - 0x1c + b'4')), control),
        c if c.is_ascii() => typed(char::from(c), KeyModifiers::NONE),
        _ => return character(bytes),
    };
    Step::Done(1, Some(event))
}

fn character(bytes: &[u8]) -> Step {
    let start = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(e) if e.valid_up_to() > 0 => {
            std::str::from_utf8(start.get(..e.valid_up_to()).unwrap_or_default()).unwrap_or("")
        }
        // Cut: the rest comes. Wrong: dropped.
        Err(e) => return e.error_len().map_or(Step::More, |n| Step::Done(n, None)),
    };
    match valid.chars().next() {
        // C1 controls are no keys.
        Some(c) if c.is_control() => Step::Done(c.len_utf8(), None),
        Some(c) => Step::Done(c.len_utf8(), Some(typed(c, KeyModifiers::NONE))),
        None => Step::Done(1, None),
    }
}

/// OSC, DCS and the like: up to BEL or ESC \. Only the background's colour is of interest.
fn string(bytes: &[u8]) -> Step {
    for (at, byte) in bytes.iter().enumerate().skip(2) {
        match byte {
            0x07 => return Step::Done(at + 1, background(bytes.get(2..at).unwrap_or_default())),
            0x1b => match bytes.get(at + 1) {
                None => return Step::More,
                Some(b'\\') => {
                    return Step::Done(at + 2, background(bytes.get(2..at).unwrap_or_default()));
                }
                // A new sequence began: this one was garbage.
                Some(_) => return Step::Done(at, None),
            },
            _ if at > STRING_LIMIT => return Step::Done(at, None),
            _ => {}
        }
    }
    Step::More
}

/// `11;rgb:RRRR/GGGG/BBBB`, one to four digits a part.
fn background(content: &[u8]) -> Option<Input> {
    let text = std::str::from_utf8(content).ok()?;
    let colour = text.strip_prefix("11;")?;
    let parts = colour.strip_prefix("rgb:").or_else(|| colour.strip_prefix("rgba:"))?;
    let mut parts = parts.split('/').map(|part| {
        let most = match part.len() {
            1 => 0xf,
            2 => 0xff,
            3 => 0xfff,
            4 => 0xffff,
            _ => return None,
        };
        let value = u32::from_str_radix(part, 16).ok()?;
        u8::try_from(value * 255 / most).ok()
    });
    let (r, g, b) = (parts.next()??, parts.next()??, parts.next()??);
    Some(Input::Background { r, g, b })
}
