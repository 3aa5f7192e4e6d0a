//! The table of commands as a list: for `polyculture keys` and the documentation.

use super::command::{self, When};
use super::keymap::Keymap;
use super::screen::ScreenId;
use super::settings;
use crate::launch::KeyRow;

/// Commands by the place where they can be given: everywhere, lists, then each screen and its
/// states.
///
/// # Errors
/// This user's `keys.toml` cannot be used.
pub fn commands_by_place() -> Result<Vec<(String, Vec<KeyRow>)>, String> {
    let keymap = Keymap::load(&settings::keys_file()).map_err(|e| e.to_string())?;
    let mut places: Vec<(String, Vec<KeyRow>)> = Vec::new();
    let title = |s: ScreenId| s.title();
    for c in command::all() {
        let place = match c.when {
            When::Always => "Everywhere".to_owned(),
            When::List => "Lists".to_owned(),
            When::On(s) => title(s).to_owned(),
            When::In(s, mode) => format!("{}, {mode}", title(s)),
        };
        let keys = keymap.keys(c.name).iter().map(ToString::to_string).collect();
        let row = KeyRow { name: c.name, keys, doc: c.doc };
        match places.iter_mut().find(|(p, _)| *p == place) {
            Some((_, rows)) => rows.push(row),
            None => places.push((place, vec![row])),
        }
    }
    Ok(places)
}
