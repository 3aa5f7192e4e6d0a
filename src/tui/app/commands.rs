//! Commands of the program as a whole.

use super::App;
use super::overlay::Overlay;
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Effect, ScreenId, Tone};
use crate::tui::widgets::LineInput;

macro_rules! app {
    ($name:literal, $keys:expr, $doc:literal, $hint:literal, $do:expr) => {
        Command {
            name: $name,
            keys: $keys,
            when: When::Always,
            doc: $doc,
            hint: $hint,
            run: Run::App($do),
        }
    };
}

/// Commands that hold everywhere.
pub const COMMANDS: &[Command] = &[
    app!("app.overview", &["1", "alt-1"], "Show the Overview", "", |a| a.go(ScreenId::Overview)),
    app!("app.seeds", &["2", "alt-2"], "Show Seeds", "", |a| a.go(ScreenId::Seeds)),
    app!("app.samples", &["3", "alt-3"], "Show Samples", "", |a| a.go(ScreenId::Samples)),
    app!("app.rate", &["4", "alt-4"], "Show Rate", "", |a| a.go(ScreenId::Rate)),
    app!("app.finetune", &["5", "alt-5"], "Show Fine-tune", "", |a| a.go(ScreenId::Finetune)),
    app!("app.evaluate", &["6", "alt-6"], "Show Evaluate", "", |a| a.go(ScreenId::Evaluate)),
    app!("app.runs", &["7", "alt-7"], "Show Runs", "", |a| a.go(ScreenId::Runs)),
    app!("app.settings", &["8", "alt-8"], "Show Settings", "", |a| a.go(ScreenId::Settings)),
    app!(
        "app.filter",
        &["/"],
        "Filter the list: every word has to occur",
        "filter",
        App::open_filter
    ),
    app!("app.palette", &[":", "ctrl-p"], "Do anything by its name", "palette", App::open_palette),
    app!("app.help", &["?", "f1"], "Show every key that works here", "help", App::open_help),
    app!("app.back", &["esc"], "Back out: clear the filter, close what is open", "", App::back),
    app!(
        "app.leave",
        &["q"],
        "Leave the screen; on the Overview, leave the program",
        "leave",
        App::leave
    ),
    app!("app.quit", &["ctrl-c", "ctrl-q"], "Leave the program; runs go on", "", App::quit),
    app!("app.suspend", &["ctrl-z"], "Put the program aside; `fg` brings it back", "", |a| a
        .effects
        .push(Effect::Suspend)),
    app!("app.redraw", &["ctrl-l"], "Draw the whole screen again", "", |a| a
        .effects
        .push(Effect::Redraw)),
    app!(
        "app.export",
        &["e"],
        "Export what you look at: SVG, PNG, CSV, Markdown",
        "export",
        App::export
    ),
    app!("app.shot", &["f12", "ctrl-s"], "Save this screen as an SVG picture", "", |a| a
        .effects
        .push(Effect::Shot)),
    app!("app.plain", &[], "Switch plain drawing on or off: no boxes, no braille", "", |a| a
        .effects
        .push(Effect::Plain)),
];

impl App {
    fn open_filter(&mut self) {
        let before = self.with_screen(|s, _| s.list().map(|l| l.filter().to_owned()));
        match before {
            Some(before) => {
                let input = LineInput::new(before.clone());
                self.overlay = Some(Overlay::Filter { input, before });
            }
            None => self.note = Some((Tone::Plain, "there is no list to filter here".into())),
        }
    }

    fn open_palette(&mut self) {
        if !self.shared.alone {
            self.overlay = Some(Overlay::palette());
        }
    }

    fn open_help(&mut self) {
        self.overlay = Some(Overlay::Help { scroll: 0 });
    }

    fn back(&mut self) {
        self.with_screen(|s, cx| {
            if let Some(list) = s.list()
                && !list.filter().is_empty()
            {
                list.set_filter("");
                s.moved(cx);
            }
        });
    }

    fn leave(&mut self) {
        if self.at == ScreenId::Overview || self.shared.alone {
            self.quit();
        } else {
            self.go(ScreenId::Overview);
        }
    }

    fn quit(&mut self) {
        match self.unsaved() {
            Some(what) => {
                let text = format!("{what} Leave all the same?");
                self.overlay = Some(Overlay::Confirm { text, command: "app.quit-now" });
            }
            None => self.effects.push(Effect::Quit),
        }
    }

    fn export(&mut self) {
        let shared = &self.shared;
        match self.screens.look(self.at).export(shared) {
            Some(what) => self.overlay = Some(Overlay::export(what)),
            None => {
                let said = "there is no chart or table here to export (Ctrl-S saves the screen)";
                self.note = Some((Tone::Plain, said.into()));
            }
        }
    }
}
