//! How the screen looks for this person: theme, glyphs, directions, depth of colour.

use ratatui::style::Style;

use super::theme::{Role, Theme};
use crate::chart::{Glyphs, Role as ChartRole};
use crate::text::{BidiMode, Resolved};

/// Everything that drawing depends on beside what is drawn.
#[derive(Debug, Clone)]
pub struct Looks {
    /// Colours by role.
    pub theme: Theme,
    /// No box drawing, no braille, no spinner, stable line order.
    pub plain: bool,
    /// As set by the person.
    pub bidi: BidiMode,
    /// What that means on this terminal.
    pub direction: Resolved,
}

impl Looks {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// What charts are drawn with.
    pub fn glyphs(&self) -> Glyphs {
        if self.plain { Glyphs::Ascii } else { Glyphs::Braille }
    }

    /// The style of a chart's cell.
    pub fn chart(&self, role: &ChartRole) -> Style {
        match role {
            ChartRole::Text => self.style(Role::Text),
            ChartRole::Title => self.style(Role::Title),
            ChartRole::Muted | ChartRole::Axis => self.style(Role::Muted),
            ChartRole::Series(n) => self.theme.series(*n),
            ChartRole::FaintSeries(n) => {
                self.theme.series(*n).add_modifier(ratatui::style::Modifier::DIM)
            }
            ChartRole::Heat(share) => self.theme.heat(*share),
            // Both ends stand out; the sign is in the cell's own text.
            ChartRole::Diverging(share) => self.theme.heat((share - 0.5).abs() * 2.0),
            ChartRole::Good => self.style(Role::Good),
            ChartRole::Warn => self.style(Role::Warn),
            ChartRole::Bad => self.style(Role::Bad),
            ChartRole::Mark => self.style(Role::Accent),
        }
    }
}
