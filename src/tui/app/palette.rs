//! Everything by name: the palette.

use super::App;
use crate::text;
use crate::tui::command::{self, Command, When};
use crate::tui::widgets::LineInput;

/// The palette's line and the row under its cursor.
#[derive(Debug, Default)]
pub struct Palette {
    /// Being typed.
    pub input: LineInput,
    /// The row.
    pub at: usize,
}

impl Palette {
    /// What matches, best first; without a pattern, what works here comes first.
    pub fn matches(&self, app: &App) -> Vec<&'static Command> {
        let pattern = self.input.text();
        let here = |c: &Command| match c.when {
            When::On(s) | When::In(s, _) => s == app.at,
            When::Always | When::List => true,
        };
        let mut found: Vec<(i32, &'static Command)> = command::all()
            .filter(|c| app.allows(c))
            .filter_map(|c| {
                if pattern.trim().is_empty() {
                    return Some((i32::from(here(c)), c));
                }
                let haystack = format!("{} {}", c.name.replace(['.', '-'], " "), c.doc);
                let score = text::fuzzy(pattern, &haystack)?.score;
                Some((score + i32::from(here(c)), c))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, c)| c).collect()
    }

    pub(super) fn chosen(&self, app: &App) -> Option<&'static Command> {
        let found = self.matches(app);
        found.get(self.at.min(found.len().saturating_sub(1))).copied()
    }
}
