//! Theme files: those inside the binary, and a user's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ratatui::style::Modifier;
use serde::Deserialize;
use thiserror::Error;

use super::{Look, Paint, Role, Theme};

/// The themes inside the binary: name and file.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("sixteen", include_str!("../../../themes/sixteen.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// A theme that cannot be used.
#[derive(Debug, Error)]
pub enum ThemeError {
    /// No theme of that name.
    #[error("no theme `{name}`: there are {known}; your own stand as NAME.toml in {folder}")]
    Unknown {
        /// As asked for.
        name: String,
        /// The known ones.
        known: String,
        /// Where a user's own would stand.
        folder: PathBuf,
    },
    /// A file that is no theme.
    #[error("{file}: {reason}")]
    Bad {
        /// The file.
        file: String,
        /// What was expected.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    background: Option<String>,
    roles: BTreeMap<String, Written>,
    #[serde(default)]
    series: Series,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Series {
    colours: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "as theme files write them")]
struct Written {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
    dim: bool,
}

/// Names of all themes: the built-in ones, then those of `folder`.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN.iter().map(|(n, _)| (*n).to_owned()).collect();
    let mut own: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some(e.file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
        .filter(|n| !names.contains(n))
        .collect();
    own.sort();
    names.append(&mut own);
    names
}

/// Reads a theme by name; a user's own file goes before a built-in theme of the same name.
///
/// # Errors
/// There is none of that name, or its file is no theme.
pub fn load(name: &str, folder: &Path) -> Result<Theme, ThemeError> {
    let own = folder.join(format!("{name}.toml"));
    if let Ok(text) = std::fs::read_to_string(&own) {
        return parse(&own.display().to_string(), &text);
    }
    match BUILT_IN.iter().find(|(n, _)| *n == name) {
        Some((_, text)) => parse(&format!("themes/{name}.toml"), text),
        None => Err(ThemeError::Unknown {
            name: name.to_owned(),
            known: names(folder).join(", "),
            folder: folder.to_owned(),
        }),
    }
}

/// Reads a theme's text.
///
/// # Errors
/// It does not parse, misses a role, names an unknown role or colour.
pub(super) fn parse(file: &str, text: &str) -> Result<Theme, ThemeError> {
    let bad = |reason: String| ThemeError::Bad { file: file.to_owned(), reason };
    let written: File = toml::from_str(text).map_err(|e| bad(e.to_string()))?;
    let paint = |what: &str, text: &str| {
        Paint::parse(text).ok_or_else(|| {
            bad(format!("{what}: `{text}` is no colour: write #rrggbb, or a name such as cyan"))
        })
    };
    let mut roles = BTreeMap::new();
    for (role, name) in Role::ALL {
        let w =
            written.roles.get(name).ok_or_else(|| bad(format!("the role `{name}` is missing")))?;
        let mut modifier = Modifier::empty();
        for (on, m) in [
            (w.bold, Modifier::BOLD),
            (w.italic, Modifier::ITALIC),
            (w.underline, Modifier::UNDERLINED),
            (w.reverse, Modifier::REVERSED),
            (w.dim, Modifier::DIM),
        ] {
            modifier.set(m, on);
        }
        let fg = w.fg.as_deref().map(|c| paint(name, c)).transpose()?;
        let bg = w.bg.as_deref().map(|c| paint(name, c)).transpose()?;
        roles.insert(role, Look { fg, bg, modifier });
    }
    if let Some(unknown) = written.roles.keys().find(|k| !Role::ALL.iter().any(|(_, n)| n == k)) {
        return Err(bad(format!("there is no role `{unknown}`")));
    }
    let series =
        written.series.colours.iter().map(|c| paint("series", c)).collect::<Result<Vec<_>, _>>()?;
    let background = match &written.background {
        Some(c) => Some(
            paint("background", c)?.rgb().ok_or_else(|| bad("background: write #rrggbb".into()))?,
        ),
        None => None,
    };
    Ok(Theme { name: written.name, background, roles, series })
}
