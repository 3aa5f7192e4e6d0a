//! How this person wants the workbench to look: `workbench.toml` beside their `config.toml`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::theme::{self, Theme, ThemeError};
use crate::config::user_config_file;
use crate::launch::Opening;
use crate::text::BidiMode;

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserLooks {
    /// Name of the theme, or `auto`: by the terminal's background and colours.
    pub theme: String,
    /// Who puts right-to-left text in order.
    pub bidi: BidiMode,
    /// No boxes, no braille.
    pub plain: bool,
    /// Clicks and the wheel. Off: the terminal's own selection works without Shift.
    pub mouse: bool,
}

impl Default for UserLooks {
    fn default() -> Self {
        Self { theme: "auto".into(), bidi: BidiMode::Auto, plain: false, mouse: true }
    }
}

/// Folder of the user's own files; the one of `POLYCULTURE_CONFIG` where that is set.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("POLYCULTURE_CONFIG").filter(|v| !v.is_empty());
    let file = named.map(PathBuf::from).or_else(|| user_config_file().ok())?;
    Some(file.parent()?.to_owned())
}

/// Folder of the user's own themes.
pub fn themes_folder() -> PathBuf {
    folder().unwrap_or_default().join("themes")
}

/// The user's keymap; it may not exist.
pub fn keys_file() -> PathBuf {
    folder().unwrap_or_default().join("keys.toml")
}

/// The user's looks; it may not exist.
pub fn looks_file() -> PathBuf {
    folder().unwrap_or_default().join("workbench.toml")
}

impl UserLooks {
    /// Reads the file; a missing one is an empty one.
    ///
    /// # Errors
    /// It does not parse: with its line, in words.
    pub fn load(file: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(file) {
            Ok(text) => toml::from_str(&text).map_err(|e| format!("{}: {e}", file.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(format!("{}: {e}", file.display())),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), String> {
        let text = toml::to_string(self).map_err(|e| e.to_string())?;
        let said = |e: std::io::Error| format!("{}: {e}", file.display());
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(said)?;
        }
        std::fs::write(file, text).map_err(said)
    }
}

/// What is kept, and what holds now: what the command line says holds for this once.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// As the file has it.
    pub kept: UserLooks,
    /// As the screen looks.
    pub now: UserLooks,
}

impl InForce {
    /// What the file has, changed by what was asked for when the screen was opened.
    pub fn new(kept: UserLooks, opening: &Opening) -> Self {
        let mut now = kept.clone();
        now.plain |= opening.plain;
        if let Some(theme) = &opening.theme {
            now.theme.clone_from(theme);
        }
        now.bidi = opening.bidi.unwrap_or(now.bidi);
        Self { kept, now }
    }

    /// Changes what holds and what is kept: this one thing alone.
    pub fn keep(&mut self, change: impl Fn(&mut UserLooks)) {
        change(&mut self.now);
        change(&mut self.kept);
    }
}

/// The theme that `auto` means: none of colour where there is none, the sixteen where there are no
/// more, else by the background.
pub fn automatic(depth: super::terminal::ColourDepth, background: Option<[u8; 3]>) -> &'static str {
    use super::terminal::ColourDepth;
    match depth {
        ColourDepth::Mono => "mono",
        ColourDepth::Sixteen => "sixteen",
        ColourDepth::Indexed256 | ColourDepth::True => match background {
            Some(c) if theme::contrast_ratio(c, [0; 3]) > theme::contrast_ratio(c, [255; 3]) => {
                "light"
            }
            _ => "dark",
        },
    }
}

/// Reads the theme of this name; `auto` is resolved first. A theme that cannot be used is told of,
/// and the automatic one stands in: looks never keep anybody from working.
pub fn theme_or_automatic(
    name: &str,
    depth: super::terminal::ColourDepth,
    background: Option<[u8; 3]>,
) -> (Result<Theme, ThemeError>, Option<String>) {
    let folder = themes_folder();
    let auto = automatic(depth, background);
    let wanted =
        if name == "auto" || depth == super::terminal::ColourDepth::Mono { auto } else { name };
    match theme::load(wanted, &folder) {
        Ok(t) => (Ok(t), None),
        Err(e) => (theme::load(auto, Path::new("")), Some(e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::terminal::ColourDepth;

    #[test]
    fn the_theme_follows_what_the_terminal_can_and_shows() {
        assert_eq!(automatic(ColourDepth::Mono, Some([255; 3])), "mono");
        assert_eq!(automatic(ColourDepth::Sixteen, None), "sixteen");
        assert_eq!(automatic(ColourDepth::True, None), "dark");
        assert_eq!(automatic(ColourDepth::True, Some([250, 250, 245])), "light");
        assert_eq!(automatic(ColourDepth::Indexed256, Some([20, 20, 30])), "dark");
    }

    #[test]
    fn what_holds_for_this_once_is_not_kept_with_what_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let opening = Opening {
            watch: None,
            place: crate::launch::Place::init(dir.path(), true).unwrap(),
            rate: None,
            theme: Some("mono".into()),
            bidi: Some(BidiMode::Off),
            plain: true,
            beside: None,
        };
        let mut looks = InForce::new(UserLooks::default(), &opening);
        assert_eq!((looks.now.theme.as_str(), looks.now.plain), ("mono", true));
        looks.keep(|u| u.mouse = false);
        assert_eq!(looks.kept, UserLooks { mouse: false, ..UserLooks::default() });
        looks.keep(|u| u.theme = "light".into());
        assert_eq!((looks.kept.theme.as_str(), looks.now.theme.as_str()), ("light", "light"));
        assert_eq!((looks.kept.bidi, looks.now.bidi), (BidiMode::Auto, BidiMode::Off));
        assert!(looks.now.plain && !looks.kept.plain);
    }

    #[test]
    fn what_is_saved_is_read_back_and_nonsense_is_told_of() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("deep/workbench.toml");
        assert_eq!(UserLooks::load(&file).unwrap(), UserLooks::default());
        let looks = UserLooks { theme: "light".into(), plain: true, ..UserLooks::default() };
        looks.save(&file).unwrap();
        assert_eq!(UserLooks::load(&file).unwrap(), looks);
        std::fs::write(&file, "colour = 3").unwrap();
        assert!(UserLooks::load(&file).unwrap_err().contains("colour"));
    }
}
