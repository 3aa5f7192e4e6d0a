//! The table of commands as a list: for `polyculture keys` and the documentation.

use super::command::{self, When};
use super::keymap::{Keymap, KeymapError};
use super::screen::ScreenId;
use super::settings;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its keys, as keymaps write them.
    pub keys: Vec<String>,
    /// What it does.
    pub doc: &'static str,
}

/// The keymap of this user.
///
/// # Errors
/// Their `keys.toml` cannot be used.
pub fn keymap_in_use() -> Result<Keymap, KeymapError> {
    Keymap::load(&settings::keys_file())
}

/// Commands by the place where they can be given: everywhere, lists, then each screen and its
/// states.
pub fn commands_by_place(keymap: &Keymap) -> Vec<(String, Vec<Row>)> {
    let mut places: Vec<(String, Vec<Row>)> = Vec::new();
    let title = |s: ScreenId| s.title();
    for c in command::all() {
        let place = match c.when {
            When::Always => "Everywhere".to_owned(),
            When::List => "Lists".to_owned(),
            When::On(s) => title(s).to_owned(),
            When::In(s, mode) => format!("{}, {mode}", title(s)),
        };
        let keys = keymap.keys(c.name).iter().map(ToString::to_string).collect();
        let row = Row { name: c.name, keys, doc: c.doc };
        match places.iter_mut().find(|(p, _)| *p == place) {
            Some((_, rows)) => rows.push(row),
            None => places.push((place, vec![row])),
        }
    }
    places
}
