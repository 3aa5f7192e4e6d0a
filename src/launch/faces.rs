//! What one face asks of the other, as data: the command line and the screen do not know each other;
//! `main` puts them together.

use super::Place;
use crate::text::BidiMode;

/// How a note is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Tone {
    Good,
    Plain,
    Warn,
    Bad,
}

/// Says something while the screen is open: how it is meant, and the text.
pub type Say = Box<dyn Fn(Tone, String) + Send>;

/// A piece of work that runs on a thread of its own while the screen is open: the demo.
pub struct BesideWork(pub Box<dyn FnOnce(Say) + Send>);

impl std::fmt::Debug for BesideWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BesideWork")
    }
}

/// How to open the screen.
#[derive(Debug)]
pub struct Opening {
    /// The workspace.
    pub place: Place,
    /// Rating alone, nothing else to be reached: study and rater, where they were named.
    pub rate: Option<(Option<String>, Option<String>)>,
    /// The panel of one folder that a trainer writes into, nothing else to be reached.
    pub watch: Option<std::path::PathBuf>,
    /// A theme for this once.
    pub theme: Option<String>,
    /// Who puts right-to-left text in order, for this once.
    pub bidi: Option<BidiMode>,
    /// No boxes, no braille.
    pub plain: bool,
    /// Work that is watched.
    pub beside: Option<BesideWork>,
}

/// Why the screen did not open, or did not end as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOpened {
    /// What happened.
    pub message: String,
    /// True when something was asked for wrongly: a keymap, a theme, no terminal.
    pub usage: bool,
}

/// One command of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its name.
    pub name: &'static str,
    /// Its keys, as keymaps write them.
    pub keys: Vec<String>,
    /// What it does.
    pub doc: &'static str,
}

/// The screen, as the command line knows it.
#[derive(Debug, Clone, Copy)]
pub struct ScreenFace {
    /// Opens it and stays until it is left.
    pub open: fn(Opening) -> Result<(), NotOpened>,
    /// Its commands with this user's keys, by the place where they can be given.
    pub keys: fn() -> Result<Vec<(String, Vec<KeyRow>)>, String>,
}
