//! Which key gives which command. The table's own keys, then those of the user's `keys.toml`:
//!
//! ```toml
//! [keys]
//! "samples.accept" = ["y", "+"]   # replaces its keys; [] takes them away
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use thiserror::Error;

use super::command::{self, Command, When};
use super::key::Key;
use super::screen::ScreenId;

/// A keymap that cannot be used.
#[derive(Debug, Error)]
pub enum KeymapError {
    /// Two commands on one key, in one place.
    #[error(
        "{file}: the key `{key}` stands for both `{first}` and `{second}`: take it from one of them"
    )]
    Conflict {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// One command.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A command that there is not.
    #[error("{file}: no command `{name}`{near}; `polyculture keys` lists them all")]
    UnknownCommand {
        /// The file.
        file: String,
        /// As written.
        name: String,
        /// A near miss, as `: did you mean ..?`.
        near: String,
    },
    /// Something that is no key.
    #[error(
        "{file}: `{key}` for `{name}` is no key: write a letter, or enter, esc, tab, space, up, f5, ctrl-x, alt-x"
    )]
    NoKey {
        /// The file.
        file: String,
        /// The command.
        name: String,
        /// As written.
        key: String,
    },
    /// No TOML.
    #[error("{file}: {reason}")]
    Bad {
        /// The file.
        file: String,
        /// What was expected.
        reason: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    keys: BTreeMap<String, Vec<String>>,
}

/// Keys and their commands.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    bound: Vec<(Key, &'static Command)>,
}

impl Keymap {
    /// The table's keys, changed by the file where there is one.
    ///
    /// # Errors
    /// See [`KeymapError`].
    pub fn load(file: &Path) -> Result<Self, KeymapError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::with(&file.display().to_string(), &text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Self::with("the built-in keys", "")
            }
            Err(e) => {
                Err(KeymapError::Bad { file: file.display().to_string(), reason: e.to_string() })
            }
        }
    }

    /// The table's keys, changed by this text.
    ///
    /// # Errors
    /// See [`KeymapError`].
    pub fn with(file: &str, text: &str) -> Result<Self, KeymapError> {
        let own: File = toml::from_str(text)
            .map_err(|e| KeymapError::Bad { file: file.to_owned(), reason: e.to_string() })?;
        for name in own.keys.keys() {
            if !command::all().any(|c| c.name == name) {
                let near = command::all()
                    .map(|c| (strsim::jaro_winkler(c.name, name), c.name))
                    .filter(|(s, _)| *s > 0.8)
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .map_or(String::new(), |(_, n)| format!(": did you mean `{n}`?"));
                let (file, name) = (file.to_owned(), name.clone());
                return Err(KeymapError::UnknownCommand { file, name, near });
            }
        }
        let mut map = Self::default();
        for c in command::all() {
            let keys: Vec<&str> = match own.keys.get(c.name) {
                Some(keys) => keys.iter().map(String::as_str).collect(),
                None => c.keys.to_vec(),
            };
            for text in keys {
                let key = Key::parse(text).ok_or_else(|| KeymapError::NoKey {
                    file: file.to_owned(),
                    name: c.name.to_owned(),
                    key: text.to_owned(),
                })?;
                if let Some((_, first)) =
                    map.bound.iter().find(|(k, b)| *k == key && collide(b.when, c.when))
                {
                    return Err(KeymapError::Conflict {
                        file: file.to_owned(),
                        key: text.to_owned(),
                        first: first.name,
                        second: c.name,
                    });
                }
                map.bound.push((key, c));
            }
        }
        Ok(map)
    }

    /// The command of a key here: the most special place wins.
    pub fn command(
        &self,
        key: Key,
        screen: ScreenId,
        mode: &str,
        list: bool,
    ) -> Option<&'static Command> {
        self.bound
            .iter()
            .filter(|(k, c)| *k == key && holds(c.when, screen, mode, list))
            .max_by_key(|(_, c)| rank(c.when))
            .map(|(_, c)| *c)
    }

    /// The keys of a command, the first being the one to show.
    pub fn keys(&self, name: &str) -> Vec<Key> {
        self.bound.iter().filter(|(_, c)| c.name == name).map(|(k, _)| *k).collect()
    }

    /// Commands that can be given here, the most special first.
    pub fn here(&self, screen: ScreenId, mode: &str, list: bool) -> Vec<&'static Command> {
        let mut out: Vec<_> =
            command::all().filter(|c| holds(c.when, screen, mode, list)).collect();
        out.sort_by_key(|c| std::cmp::Reverse(rank(c.when)));
        out
    }
}

fn holds(when: When, screen: ScreenId, mode: &str, list: bool) -> bool {
    match when {
        When::Always => true,
        When::List => list,
        When::On(s) => s == screen,
        When::In(s, m) => s == screen && m == mode,
    }
}

fn rank(when: When) -> u8 {
    match when {
        When::Always => 0,
        When::List => 1,
        When::On(_) => 2,
        When::In(..) => 3,
    }
}

/// Whether one key could mean both at once. A more special place shadows a more general one on
/// purpose (digits rate on the Rate screen and switch screens elsewhere); equals may not meet.
fn collide(a: When, b: When) -> bool {
    match (a, b) {
        (When::Always, When::Always) | (When::List, When::List) => true,
        (When::On(a), When::On(b)) => a == b,
        (When::In(a, m), When::In(b, n)) => a == b && m == n,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_two_commands_is_an_error_that_names_both() {
        let error =
            Keymap::with("keys.toml", "[keys]\n\"app.help\" = [\"Q\"]\n\"app.quit\" = [\"Q\"]")
                .unwrap_err()
                .to_string();
        assert!(error.contains("app.help") && error.contains("app.quit"), "{error}");
    }

    #[test]
    fn what_is_no_command_or_no_key_is_named() {
        let error = Keymap::with("k", "[keys]\n\"app.hlep\" = [\"x\"]").unwrap_err().to_string();
        assert!(error.contains("did you mean `app.help`"), "{error}");
        let error =
            Keymap::with("k", "[keys]\n\"app.help\" = [\"entre\"]").unwrap_err().to_string();
        assert!(error.contains("`entre`"), "{error}");
        assert!(Keymap::with("k", "keys = 3").is_err());
    }

    #[test]
    fn the_table_has_no_conflicts_and_every_name_once() {
        let map = Keymap::with("the table", "").unwrap();
        let mut names: Vec<_> = command::all().map(|c| c.name).collect();
        let n = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), n, "a name twice");
        assert!(command::all().all(|c| !c.doc.is_empty() && !c.doc.ends_with('.')));
        assert!(!map.keys("app.quit").is_empty());
    }
}
