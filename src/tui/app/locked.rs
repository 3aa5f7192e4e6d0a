//! What can be done where only rating is offered: a list of names, and nothing besides. A command
//! that is new is not on it, whatever screen it belongs to.

use super::App;
use crate::tui::command::Command;
use crate::tui::screen::{Effect, ScreenId, Shared};

/// The commands of `polyculture rate`. Leaving the study, the list of studies, a study of one's
/// own, filters, exports, pictures of the screen, suspension and the palette are not among them.
pub(super) const RATING: &[&str] = &[
    "app.help",
    "app.quit",
    "app.leave",
    "app.back",
    "app.redraw",
    "app.plain",
    "list.down",
    "list.up",
    "list.page-down",
    "list.page-up",
    "list.first",
    "list.last",
    "list.sort",
    "rate.1",
    "rate.2",
    "rate.3",
    "rate.4",
    "rate.5",
    "rate.undo",
    "rate.skip",
    "rate.guide",
    "rate.cannot-judge",
    "rate.broken",
    "rate.comment",
    "rate.flag",
    "rate.diff",
    "rate.retry",
    "rate.back",
    "rate.next",
    "rate.front",
    "rate.own",
    "rate.pause",
    "rate.read",
    "rate.page",
    "rate.down",
    "rate.up",
    "rate.page-down",
    "rate.page-up",
    "rate.a",
    "rate.tie",
    "rate.reveal",
    "rate.skip-meaning",
    "rate.skip-broken",
    "rate.skip-judge",
    "rate.skip-offends",
    "rate.skip-later",
    "rate.skip-words",
    "rate.skip-close",
    "rate.practice-1",
    "rate.practice-2",
    "rate.practice-3",
    "rate.practice-4",
    "rate.practice-5",
    "rate.practice-a",
    "rate.practice-tie",
    "rate.practice-b",
    "rate.practice-guide",
    "rate.practice-retry",
    "rate.practice-down",
    "rate.practice-up",
    "rate.practice-on",
    "rate.feedback-guide",
    "rate.begin",
    "rate.welcome-retry",
    "rate.welcome-down",
    "rate.welcome-up",
    "rate.guide-on",
    "rate.guide-down",
    "rate.guide-up",
    "rate.guide-page",
    "rate.guide-back",
    "rate.go-on",
    "rate.again",
    "rate.done-own",
    "rate.done-undo",
    "rate.done-back",
    "rate.done-guide",
    "rate.done-retry",
    "rate.go",
    "rate.own-close",
    "rate.reader-close",
    "rate.reader-down",
    "rate.reader-up",
    "rate.reader-page",
    "rate.reader-back",
    "rate.try-again",
];

/// The commands of `polyculture runs watch` besides those of its panel.
const WATCHING: &[&str] = &[
    "app.help",
    "app.quit",
    "app.leave",
    "app.back",
    "app.redraw",
    "app.plain",
    "app.export",
    "app.shot",
    "app.filter",
];

impl App {
    /// True when the command may be given at all: where only rating or watching is offered, what
    /// is not on their list is not.
    pub(super) fn allows(&self, c: &Command) -> bool {
        if !self.shared.alone {
            return true;
        }
        if self.at == ScreenId::Watch {
            let of_watch = c.name.starts_with("watch.") || c.name.starts_with("list.");
            return of_watch || WATCHING.contains(&c.name);
        }
        RATING.contains(&c.name)
    }
}

/// The second door: what may be carried out, whoever asked for it. Where only rating is offered
/// nothing starts a program, writes a file of its own, fills a clipboard or stops the process.
pub fn permitted(shared: &Shared, at: ScreenId, effect: &Effect) -> bool {
    if !shared.alone {
        return true;
    }
    let always = matches!(
        effect,
        Effect::Work { .. }
            | Effect::Again(_)
            | Effect::Rest(_)
            | Effect::Redraw
            | Effect::Plain
            | Effect::Quit
            | Effect::Go(..)
            | Effect::Note(..)
            | Effect::Confirm(..)
    );
    let of_watch = matches!(
        effect,
        Effect::Export { .. }
            | Effect::ExportOf { .. }
            | Effect::Shot
            | Effect::Copy(_)
            | Effect::Ended(_)
            | Effect::Theme { .. }
            | Effect::Bidi(_)
    );
    always || at == ScreenId::Watch && of_watch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::command;

    #[test]
    fn the_list_of_rating_names_only_commands_that_are_and_no_way_out() {
        for name in RATING {
            assert!(command::all().any(|c| c.name == *name), "{name} is no command");
        }
        for name in [
            "app.palette",
            "app.suspend",
            "app.export",
            "app.shot",
            "app.filter",
            "app.overview",
            "app.settings",
            "rate.open",
            "rate.new",
            "rate.refresh",
            "rate.leave",
        ] {
            assert!(command::all().any(|c| c.name == name), "{name} is no command any more");
            assert!(!RATING.contains(&name), "{name}");
        }
    }
}
