//! Carrying a command out.

use super::App;
use crate::tui::command::{self, Command, Run, When};
use crate::tui::screen::{Cx, Effect, ScreenId, Tone};
use crate::tui::widgets::ListControl;

impl App {
    /// True when the command may be given at all: where only rating or watching is offered, nothing else is.
    pub(super) fn allows(&self, c: &Command) -> bool {
        let watching = self.at == ScreenId::Watch;
        !self.shared.alone
            || matches!(c.run, Run::Rate(_) | Run::List(_))
            || watching && matches!(c.run, Run::Watch(_))
            || watching && matches!(c.name, "app.export" | "app.shot" | "app.filter")
            || matches!(
                c.name,
                "app.help" | "app.quit" | "app.leave" | "app.back" | "app.redraw" | "app.plain"
            )
    }

    /// Does something to the list that has the focus, and tells the screen.
    pub(super) fn move_list(&mut self, f: impl FnOnce(&mut dyn ListControl)) {
        let stood = self.with_screen(|s, _| s.list().map(|l| l.position().at));
        self.with_screen(|s, cx| {
            if let Some(list) = s.list() {
                f(list);
            }
            s.moved(cx);
        });
        let stands = self.with_screen(|s, _| s.list().map(|l| l.position().at));
        // In a long list the place may be unknown.
        if stands != stood || stands == Some(None) {
            self.hurry();
        }
    }

    pub(super) fn run(&mut self, c: &Command) {
        match c.run {
            Run::App(f) => f(self),
            Run::List(f) => self.move_list(f),
            other => {
                let mut cx = Cx::new(&self.shared, self.at, &mut self.effects, &mut self.tickets);
                let s = &mut self.screens;
                match other {
                    Run::Overview(f) => f(&mut s.overview, &mut cx),
                    Run::Seeds(f) => f(&mut s.seeds, &mut cx),
                    Run::Samples(f) => f(&mut s.samples, &mut cx),
                    Run::Rate(f) => f(&mut s.rate, &mut cx),
                    Run::Finetune(f) => f(&mut s.finetune, &mut cx),
                    Run::Evaluate(f) => f(&mut s.evaluate, &mut cx),
                    Run::Runs(f) => f(&mut s.runs, &mut cx),
                    Run::Settings(f) => f(&mut s.settings, &mut cx),
                    Run::Watch(f) => f(&mut s.watch, &mut cx),
                    Run::Study(f) => f(&mut s.study, &mut cx),
                    Run::App(_) | Run::List(_) => {}
                }
            }
        }
    }

    /// From the palette, a command of another screen goes there first.
    pub(super) fn run_from_palette(&mut self, c: &Command) {
        let (When::On(to) | When::In(to, _)) = c.when else {
            self.run(c);
            return;
        };
        if to != self.at {
            self.go(to);
        }
        let mode = self.with_screen(|s, _| s.mode());
        match c.when {
            When::In(_, wanted) if wanted != mode => {
                let said = format!("{} works while the screen is in its `{wanted}` state", c.name);
                self.note = Some((Tone::Plain, said));
            }
            _ => self.run(c),
        }
    }

    pub(super) fn run_named(&mut self, name: &str) {
        if name == "app.quit-now" {
            self.effects.push(Effect::Quit);
            return;
        }
        if let Some(c) = command::all().find(|c| c.name == name).filter(|c| self.allows(c)) {
            self.run(c);
        }
    }
}
