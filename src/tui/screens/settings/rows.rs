//! The rows of the one list: every setting, in its section.

use crate::config::{KeySource, LocalSettings, ProviderSettings, UserConfig};
use crate::text::BidiMode;
use crate::tui::command::{self, When};
use crate::tui::data::WorkError;
use crate::tui::keymap::Keymap;

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A service.
    Provider(String),
    /// A folder of models.
    Local(String),
    /// Where providers are defined, and how.
    Define,
    /// A theme, or `auto`.
    Theme(String),
    /// Who puts right-to-left text in order.
    Bidi(BidiMode),
    /// Plain drawing.
    Plain,
    /// Clicks and the wheel.
    Mouse,
    /// What `doctor` says.
    Doctor,
    /// A command and its keys.
    Key(&'static str),
}

/// The sections, in their order.
pub const SECTIONS: [&str; 6] = ["providers", "themes", "directions", "drawing", "doctor", "keys"];

impl What {
    /// Its section: a place in [`SECTIONS`].
    pub fn section(&self) -> usize {
        match self {
            Self::Provider(_) | Self::Local(_) | Self::Define => 0,
            Self::Theme(_) => 1,
            Self::Bidi(_) => 2,
            Self::Plain | Self::Mouse => 3,
            Self::Doctor => 4,
            Self::Key(_) => 5,
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub what: What,
    /// Its name.
    pub name: String,
    /// What it is set to.
    pub said: String,
    /// Its place in the list.
    pub at: usize,
}

impl Row {
    /// Names the row for good.
    pub fn key(&self) -> String {
        format!("{} {}", SECTIONS[self.what.section()], self.name)
    }
}

/// What is read from the user's files.
#[derive(Debug)]
pub struct Known {
    /// The configuration, or why it cannot be read.
    pub config: Result<UserConfig, WorkError>,
    /// Where it stands.
    pub config_file: std::path::PathBuf,
    /// The theme as it is kept: a name, or `auto`.
    pub theme: String,
    /// All themes.
    pub themes: Vec<String>,
    /// The keys, or why they cannot be used.
    pub keymap: Result<Keymap, WorkError>,
    /// What `auto` means on this terminal.
    pub auto: crate::text::Resolved,
    /// Clicks and the wheel.
    pub mouse: bool,
    /// Where keys, looks and themes stand.
    pub files: [std::path::PathBuf; 3],
}

/// Who is behind an address: scheme, host and port, without the path.
pub fn host(url: &str) -> &str {
    let from = url.find("://").map_or(0, |i| i + 3);
    let end = url[from..].find('/').map_or(url.len(), |i| from + i);
    &url[..end]
}

/// Whether a key is there, in words: never the key.
pub fn key_words(key: &KeySource) -> String {
    let found = match key.is_there() {
        None => return "takes no key".into(),
        Some(true) => "present",
        Some(false) => "MISSING",
    };
    format!("key from {}: {found}", key.words())
}

fn provider(p: &ProviderSettings) -> String {
    let key = match p.key.is_there() {
        None => "no key",
        Some(true) => "key present",
        Some(false) => "key MISSING",
    };
    format!("{} · {} · {key}", p.model.as_deref().unwrap_or("no model"), host(&p.base_url))
}

fn local(l: &LocalSettings) -> String {
    format!("{} · folder {}", l.model.as_deref().unwrap_or("no model"), l.path.display())
}

fn place(when: When) -> String {
    match when {
        When::Always => "everywhere".into(),
        When::List => "lists".into(),
        When::On(s) => s.title().to_owned(),
        When::In(s, mode) => format!("{}, {mode}", s.title()),
    }
}

/// All rows.
pub fn rows(known: &Known) -> Vec<Row> {
    let mut out: Vec<(What, String, String)> = Vec::new();
    match &known.config {
        Ok(c) => {
            for p in c.providers.values() {
                out.push((What::Provider(p.name.clone()), p.name.clone(), provider(p)));
            }
            for l in c.local.values() {
                out.push((What::Local(l.name.clone()), l.name.clone(), local(l)));
            }
            out.push((What::Define, "define one".into(), known.config_file.display().to_string()));
        }
        Err(e) => out.push((What::Define, "cannot be read".into(), e.to_string())),
    }
    out.push((What::Theme("auto".into()), "auto".into(), "by the terminal's background".into()));
    for name in &known.themes {
        let builtin = crate::tui::theme::BUILT_IN.iter().any(|(n, _)| n == name);
        let said = if builtin { "built in" } else { "your own" };
        out.push((What::Theme(name.clone()), name.clone(), said.into()));
    }
    for (mode, said) in [
        (BidiMode::Auto, "as the terminal's environment suggests"),
        (BidiMode::App, "this program shapes and reorders"),
        (BidiMode::Terminal, "the terminal turns rows around"),
        (BidiMode::Off, "nobody does"),
    ] {
        out.push((What::Bidi(mode), mode.to_string(), said.into()));
    }
    out.push((What::Plain, "plain drawing".into(), String::new()));
    out.push((What::Mouse, "mouse".into(), String::new()));
    out.push((What::Doctor, "doctor".into(), "this machine and this workspace".into()));
    for c in command::all() {
        let keys = match &known.keymap {
            Ok(map) => map.keys(c.name),
            Err(_) => c.keys.iter().filter_map(|k| crate::tui::key::Key::parse(k)).collect(),
        };
        let keys: Vec<String> = keys.into_iter().map(|k| k.to_string()).collect();
        let keys = if keys.is_empty() { "no key".to_owned() } else { keys.join(" ") };
        out.push((What::Key(c.name), c.name.to_owned(), format!("{keys} · {}", place(c.when))));
    }
    out.into_iter()
        .enumerate()
        .map(|(at, (what, name, said))| Row { what, name, said, at })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_path() {
        assert_eq!(host("https://x.test:8443/openai/deployments/d"), "https://x.test:8443");
        assert_eq!(host("http://[::1]:8080/v1"), "http://[::1]:8080");
        assert_eq!(host("x"), "x");
    }

    #[test]
    fn a_key_that_is_missing_is_said_to_be_so_and_never_shown() {
        let gone = KeySource::Variable("POLYCULTURE_NO_SUCH_KEY".into());
        assert_eq!(key_words(&gone), "key from variable POLYCULTURE_NO_SUCH_KEY: MISSING");
        let command = KeySource::Command(vec!["pass".into(), "show".into(), "secret/name".into()]);
        assert_eq!(key_words(&command), "key from command pass: present");
        assert_eq!(key_words(&KeySource::None), "takes no key");
    }
}
