//! The one table of commands: it feeds the keymap, the footer, the help, the palette and the
//! generated documentation, so that none of them can drift from the others.

use super::app::App;
use super::screen::{Cx, ScreenId};
use super::screens::{
    Evaluate, Finetune, Leading, Overview, Rate, Runs, Samples, Seeds, Settings, Watching,
};
use super::widgets::ListControl;

/// When a command can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Everywhere.
    Always,
    /// Where a list has the focus.
    List,
    /// On this screen, whatever it shows.
    On(ScreenId),
    /// On this screen while it is in this mode (see [`Screen::mode`](super::screen::Screen::mode)).
    In(ScreenId, &'static str),
}

/// Carries a command out.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "one a screen")]
pub enum Run {
    App(fn(&mut App)),
    List(fn(&mut dyn ListControl)),
    Overview(fn(&mut Overview, &mut Cx<'_>)),
    Seeds(fn(&mut Seeds, &mut Cx<'_>)),
    Samples(fn(&mut Samples, &mut Cx<'_>)),
    Rate(fn(&mut Rate, &mut Cx<'_>)),
    Finetune(fn(&mut Finetune, &mut Cx<'_>)),
    Evaluate(fn(&mut Evaluate, &mut Cx<'_>)),
    Runs(fn(&mut Runs, &mut Cx<'_>)),
    Settings(fn(&mut Settings, &mut Cx<'_>)),
    Watch(fn(&mut Watching, &mut Cx<'_>)),
    Study(fn(&mut Leading, &mut Cx<'_>)),
}

/// One command.
#[derive(Clone, Copy)]
pub struct Command {
    /// `samples.accept`: the screen, then a verb. Keymaps and the palette use it.
    pub name: &'static str,
    /// Its keys, as [`Key::parse`](super::key::Key::parse) reads them. The first is shown.
    pub keys: &'static [&'static str],
    /// When it can be given.
    pub when: When,
    /// What it does, as a sentence without its full stop.
    pub doc: &'static str,
    /// A word or two for the footer; empty: not there.
    pub hint: &'static str,
    /// Its handler.
    pub run: Run,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.name)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// All commands, in the order in which help shows them.
pub fn all() -> impl Iterator<Item = &'static Command> {
    [
        super::app::COMMANDS,
        super::widgets::LIST_COMMANDS,
        super::screens::overview::COMMANDS,
        super::screens::seeds::COMMANDS,
        super::screens::samples::COMMANDS,
        super::screens::rate::COMMANDS,
        super::screens::finetune::COMMANDS,
        super::screens::evaluate::COMMANDS,
        super::screens::runs::COMMANDS,
        super::screens::settings::COMMANDS,
        super::screens::watch::COMMANDS,
        super::screens::study::COMMANDS,
    ]
    .into_iter()
    .flatten()
}
