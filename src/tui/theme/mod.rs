//! What things look like, by role. Themes are TOML files, four of them inside the binary; a user's
//! own stand in the `themes` folder beside the configuration file.

mod colour;
mod contrast;
mod files;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ratatui::style::{Modifier, Style};

pub use colour::Paint;
pub use contrast::contrast_ratio;
pub use files::{BUILT_IN, ThemeError, load, names};

/// What a piece of the screen is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Role {
    Text,
    Muted,
    Title,
    Accent,
    Good,
    Warn,
    Bad,
    Border,
    Focus,
    Selection,
    Marked,
    Key,
    Match,
    Added,
    Removed,
    Input,
    HeatLow,
    HeatHigh,
}

impl Role {
    /// All roles, as theme files name them.
    pub const ALL: [(Self, &'static str); 18] = [
        (Self::Text, "text"),
        (Self::Muted, "muted"),
        (Self::Title, "title"),
        (Self::Accent, "accent"),
        (Self::Good, "good"),
        (Self::Warn, "warn"),
        (Self::Bad, "bad"),
        (Self::Border, "border"),
        (Self::Focus, "focus"),
        (Self::Selection, "selection"),
        (Self::Marked, "marked"),
        (Self::Key, "key"),
        (Self::Match, "match"),
        (Self::Added, "added"),
        (Self::Removed, "removed"),
        (Self::Input, "input"),
        (Self::HeatLow, "heat_low"),
        (Self::HeatHigh, "heat_high"),
    ];
}

/// One theme.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Its name, as settings say it.
    pub name: String,
    /// The background it was made for; `None`: any.
    pub background: Option<[u8; 3]>,
    roles: BTreeMap<Role, Look>,
    series: Vec<Paint>,
}

/// Colours and weight of one role.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Look {
    /// Of the letters.
    pub fg: Option<Paint>,
    /// Behind them.
    pub bg: Option<Paint>,
    /// Bold, italic, ..
    pub modifier: Modifier,
}

impl Look {
    fn style(self) -> Style {
        let mut style = Style::new().add_modifier(self.modifier);
        if let Some(p) = self.fg {
            style = style.fg(p.colour());
        }
        if let Some(p) = self.bg {
            style = style.bg(p.colour());
        }
        style
    }
}

impl Theme {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.look(role).style()
    }

    /// Colours and weight of a role.
    pub fn look(&self, role: Role) -> Look {
        self.roles.get(&role).copied().unwrap_or_default()
    }

    /// The style of the `n`th series of a chart; they repeat. Series also differ by their markers.
    pub fn series(&self, n: usize) -> Style {
        match self.series.len() {
            0 => Style::new(),
            len => Style::new().fg(self.series[n % len].colour()),
        }
    }

    /// A heat cell's style at `share` of the scale, 0 to 1: between the two ends where they are
    /// colours, at the nearer end where they are not.
    pub fn heat(&self, share: f32) -> Style {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let (low, high) = (self.look(Role::HeatLow), self.look(Role::HeatHigh));
        match (low.bg, high.bg) {
            (Some(Paint::Rgb(a)), Some(Paint::Rgb(b))) => {
                let mix = |i: usize| {
                    (f32::from(a[i]) + (f32::from(b[i]) - f32::from(a[i])) * share).round() as u8
                };
                let bg = [mix(0), mix(1), mix(2)];
                // The letters take whichever end reads better on this ground.
                let better = |a: &[u8; 3], b: &[u8; 3]| {
                    contrast_ratio(*a, bg).total_cmp(&contrast_ratio(*b, bg))
                };
                let ends = [low.fg, high.fg].into_iter().flatten().filter_map(Paint::rgb);
                // Halfway neither may do; black or white always has 4.58 (WCAG's ratio).
                let fg = ends
                    .max_by(better)
                    .filter(|fg| contrast_ratio(*fg, bg) >= 4.5)
                    .or_else(|| [[0; 3], [255; 3]].into_iter().max_by(better));
                let mut style = Style::new().bg(Paint::Rgb(bg).colour());
                if let Some(fg) = fg {
                    style = style.fg(Paint::Rgb(fg).colour());
                }
                style
            }
            _ if share >= 0.75 => high.style(),
            _ => low.style(),
        }
    }
}
