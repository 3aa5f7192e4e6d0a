//! `[notify]` of the user's configuration: who is told when a run ends, and how.

use serde::Deserialize;

/// What the terminal of a waiting command, or of the workbench, is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TerminalNotice {
    /// Nothing.
    #[default]
    Off,
    /// The bell.
    Bell,
    /// A notification of the terminal's desktop (OSC 9), for terminals that know it.
    Osc9,
}

/// `[notify]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotifySettings {
    /// The terminal of a waiting command, and of the workbench.
    pub terminal: TerminalNotice,
    /// `notify-send`, where the engine was started on a desktop.
    pub desktop: bool,
    /// A program and its arguments; it gets the run's JSON on its standard input. Empty: none.
    pub command: Vec<String>,
    /// Seconds after which the program is ended.
    pub time_limit_s: u32,
    /// The ends that are told (`failed`, `lost`, ..); empty: all.
    pub on: Vec<String>,
    /// Runs that took less are not told to the terminal and the desktop, seconds.
    pub after_s: u32,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            terminal: TerminalNotice::Off,
            desktop: false,
            command: Vec::new(),
            time_limit_s: 30,
            on: Vec::new(),
            after_s: 0,
        }
    }
}

/// The names of ends, as in `--json`.
const ENDS: [&str; 7] =
    ["succeeded", "failed", "cancelled", "timed_out", "out_of_memory", "lost", "skipped"];

impl NotifySettings {
    /// What is wrong with it: the field, and what was expected.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.command.first().is_some_and(|c| c.trim().is_empty()) {
            return Err(("command", "expected a program and its arguments".into()));
        }
        if !(1..=3600).contains(&self.time_limit_s) {
            return Err(("time_limit_s", "expected 1 to 3600 seconds".into()));
        }
        match self.on.iter().find(|w| !ENDS.contains(&w.as_str())) {
            Some(word) => {
                Err(("on", format!("`{word}` is no end: expected some of {}", ENDS.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// True when this end is to be told.
    pub fn tells(&self, state: &str) -> bool {
        self.on.is_empty() || self.on.iter().any(|w| w == state)
    }
}

impl TerminalNotice {
    /// The bytes that tell `text`, which must hold no control characters; `None` when off.
    pub fn bytes(self, text: &str) -> Option<String> {
        match self {
            Self::Off => None,
            Self::Bell => Some("\x07".into()),
            Self::Osc9 => {
                let clean: String = text.chars().filter(|c| !c.is_control()).collect();
                Some(format!("\x1b]9;{clean}\x07"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_settings_are_refused_and_no_text_breaks_out_of_its_notice() {
        for (text, field) in [
            ("command = [\"\"]", "command"),
            ("time_limit_s = 0", "time_limit_s"),
            ("on = [\"done\"]", "on"),
        ] {
            let settings: NotifySettings = toml::from_str(text).unwrap();
            assert_eq!(settings.check().unwrap_err().0, field, "{text}");
        }
        assert!(toml::from_str::<NotifySettings>("sound = true").is_err());
        let fine: NotifySettings = toml::from_str("on = [\"lost\"]").unwrap();
        assert!(fine.check().is_ok() && fine.tells("lost") && !fine.tells("succeeded"));
        let bytes = TerminalNotice::Osc9.bytes("a\x07b\x1b]0;c").unwrap();
        assert_eq!(bytes, "\x1b]9;ab]0;c\x07");
        assert_eq!(TerminalNotice::Off.bytes("a"), None);
    }
}
