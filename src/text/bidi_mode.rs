//! Who turns right-to-left text around: this program, the terminal, or nobody.
//!
//! Facts about terminals and where they come from: `docs/text.md`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What was wrong with something that this room was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A mode of that name does not exist.
    #[error("bidi: expected `auto`, `app`, `terminal` or `off`, found `{0}`")]
    BidiMode(String),
}

/// The setting `bidi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BidiMode {
    /// As the terminal's environment suggests, see [`BidiMode::resolve`].
    #[default]
    Auto,
    /// This program shapes and reorders.
    App,
    /// The terminal does.
    Terminal,
    /// Nobody does.
    Off,
}

/// What is done in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolved {
    /// We shape, reorder and right-align; the terminal is told `CSI 8 l` (draw each character where
    /// it is written) and given `CSI 8 h` back at the end.
    App,
    /// Text goes out in reading order and the terminal turns each row around as a whole, so that
    /// nothing may stand beside it: the layout must be stacked.
    Terminal,
    /// Text goes out in reading order, and the terminal draws it from left to right.
    Off,
}

/// First version of VTE that knows right-to-left text, and `CSI 8 l` with it (0.58).
const VTE_WITH_BIDI: u32 = 5800;

impl BidiMode {
    /// What to do on the terminal that these environment variables describe. `App` where they say
    /// nothing: it is right on every terminal that leaves rows alone or obeys `CSI 8 l`.
    pub fn resolve(self, env: impl Fn(&str) -> Option<String>) -> Resolved {
        match self {
            Self::App => Resolved::App,
            Self::Terminal => Resolved::Terminal,
            Self::Off => Resolved::Off,
            Self::Auto if turned_by_terminal(&env) => Resolved::Terminal,
            Self::Auto => Resolved::App,
        }
    }
}

fn turned_by_terminal(env: &impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| env(name).is_some_and(|v| !v.is_empty());
    let term = env("TERM").unwrap_or_default();
    let program = env("TERM_PROGRAM").unwrap_or_default();
    // Turn rows around and cannot be told not to.
    if set("MLTERM")
        || set("KONSOLE_VERSION")
        || set("KONSOLE_DBUS_SESSION")
        || program == "Apple_Terminal"
        || ["mlterm", "putty", "konsole"].iter().any(|t| term.starts_with(t))
    {
        return true;
    }
    // Turns words around, one by one, unless it was configured not to (`force_ltr`).
    if set("KITTY_WINDOW_ID") || term == "xterm-kitty" {
        return true;
    }
    // Obeys `CSI 8 l`, but a multiplexer in between does not pass it on.
    let vte = env("VTE_VERSION").and_then(|v| v.parse::<u32>().ok());
    let multiplexed = set("TMUX")
        || set("STY")
        || set("ZELLIJ")
        || term.starts_with("tmux")
        || term.starts_with("screen");
    multiplexed && vte.is_some_and(|v| v >= VTE_WITH_BIDI)
}

impl fmt::Display for BidiMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::App => "app",
            Self::Terminal => "terminal",
            Self::Off => "off",
        })
    }
}

impl FromStr for BidiMode {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        match text {
            "auto" => Ok(Self::Auto),
            "app" => Ok(Self::App),
            "terminal" => Ok(Self::Terminal),
            "off" => Ok(Self::Off),
            other => Err(TextError::BidiMode(super::display(other))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(vars: &[(&str, &str)]) -> Resolved {
        BidiMode::Auto.resolve(|name| vars.iter().find(|v| v.0 == name).map(|v| v.1.to_owned()))
    }

    #[test]
    fn a_mode_that_does_not_exist_is_refused_with_those_that_do() {
        let error = "rtl\u{1b}[2J".parse::<BidiMode>().unwrap_err().to_string();
        assert_eq!(error, "bidi: expected `auto`, `app`, `terminal` or `off`, found `rtl␛[2J`");
        for mode in [BidiMode::Auto, BidiMode::App, BidiMode::Terminal, BidiMode::Off] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
            let json = serde_json::to_string(&mode).unwrap();
            assert_eq!(json, format!("\"{mode}\""));
        }
    }

    #[test]
    fn terminals_that_turn_rows_around_against_our_will_are_left_to_do_it() {
        let cases: [&[(&str, &str)]; 10] = [
            &[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "230804")],
            &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")],
            &[("TERM", "mlterm-256color")],
            &[("TERM", "xterm"), ("MLTERM", "3.9.3")],
            &[("TERM", "putty")],
            &[("TERM", "xterm-kitty")],
            &[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")],
            &[("TERM", "tmux-256color"), ("TMUX", "/tmp/s,1,0"), ("VTE_VERSION", "7600")],
            &[("TERM", "screen"), ("STY", "1.pts"), ("VTE_VERSION", "5800")],
            &[("TERM", "tmux-256color"), ("KONSOLE_VERSION", "230804")],
        ];
        for vars in cases {
            assert_eq!(auto(vars), Resolved::Terminal, "{vars:?}");
        }
    }

    #[test]
    fn terminals_that_leave_rows_alone_or_obey_get_finished_rows() {
        let cases: [&[(&str, &str)]; 9] = [
            &[],
            &[("TERM", "dumb")],
            &[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")],
            &[("TERM", "xterm-256color"), ("VTE_VERSION", "5202")],
            &[("TERM", "screen-256color"), ("VTE_VERSION", "5202")],
            &[("TERM", "alacritty"), ("VTE_VERSION", "not a number")],
            &[("TERM", "foot")],
            &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm"), ("KONSOLE_VERSION", "")],
            &[("TERM", "tmux-256color"), ("TMUX", "/tmp/s,1,0"), ("TERM_PROGRAM", "tmux")],
        ];
        for vars in cases {
            assert_eq!(auto(vars), Resolved::App, "{vars:?}");
        }
    }

    #[test]
    fn what_was_said_goes_over_what_is_guessed() {
        let konsole = |_: &str| Some("230804".to_owned());
        assert_eq!(BidiMode::App.resolve(konsole), Resolved::App);
        assert_eq!(BidiMode::Off.resolve(konsole), Resolved::Off);
        assert_eq!(BidiMode::Terminal.resolve(|_| None), Resolved::Terminal);
    }
}
