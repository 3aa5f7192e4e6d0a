//! What keys do on the Settings screen.

use super::rows::{Row, SECTIONS, What};
use super::{Settings, detail, read};
use crate::config::PROVIDER_EXAMPLE;
use crate::tui::command;
use crate::tui::data::Lane;
use crate::tui::screen::{Cx, Effect, Tone};
use crate::tui::widgets::ListControl;

impl Settings {
    pub(super) fn ask(&mut self, cx: &mut Cx<'_>) {
        self.known.ask(cx, Lane::Read, |_| Ok(read()));
    }

    pub(super) fn current(&self) -> Option<&What> {
        self.list.current().map(|r| &r.what)
    }

    /// Shows the theme under the cursor; the kept one elsewhere.
    pub(super) fn preview(&mut self, cx: &mut Cx<'_>) {
        match self.current().cloned() {
            Some(What::Theme(name)) => {
                if self.trying.as_ref() != Some(&name) {
                    self.trying = Some(name.clone());
                    cx.ask(Effect::Theme { name, keep: false });
                }
            }
            _ => self.put_back(cx),
        }
    }

    pub(super) fn put_back(&mut self, cx: &mut Cx<'_>) {
        let Some(tried) = self.trying.take() else { return };
        if let Some(known) = self.known.get()
            && tried != known.theme
        {
            cx.ask(Effect::Theme { name: known.theme.clone(), keep: false });
        }
    }

    pub(super) fn keep(&mut self, cx: &mut Cx<'_>) {
        match self.current().cloned() {
            Some(What::Theme(name)) => {
                if let Some(known) = self.known.get_mut() {
                    known.theme.clone_from(&name);
                }
                self.trying = None;
                cx.note(Tone::Good, format!("the theme is {name} from now on"));
                cx.ask(Effect::Theme { name, keep: true });
            }
            Some(What::Bidi(mode)) => {
                cx.note(Tone::Good, format!("directions: {mode} from now on"));
                cx.ask(Effect::Bidi(mode));
            }
            Some(What::Plain) => cx.ask(Effect::Plain),
            Some(What::Mouse) => {
                if let Some(known) = self.known.get_mut() {
                    known.mouse = !known.mouse;
                }
                cx.ask(Effect::Mouse);
            }
            Some(What::Doctor) => self.look_around(cx),
            Some(What::Provider(_)) => self.test(cx),
            Some(What::Local(_) | What::Define | What::Key(_)) => {
                cx.note(Tone::Plain, "this is set in a file; y copies what to write there");
            }
            None => {}
        }
    }

    pub(super) fn test(&mut self, cx: &mut Cx<'_>) {
        let Some(What::Provider(name)) = self.current().cloned() else {
            cx.note(Tone::Plain, "only services can be asked: put the cursor on one");
            return;
        };
        let args = ["providers", "test", name.as_str()].map(str::to_owned);
        self.testing = Some(name);
        self.test.clear();
        self.test.ask(cx, Lane::Outside, move |a| a.command(&args));
    }

    pub(super) fn look_around(&mut self, cx: &mut Cx<'_>) {
        self.list.set_filter("");
        self.list.stand_on(Some("doctor doctor"));
        self.put_back(cx);
        self.doctor.ask(cx, Lane::Outside, |a| a.command(&["doctor".to_owned()]));
    }

    pub(super) fn copy(&mut self, cx: &mut Cx<'_>) {
        let text = match self.current() {
            Some(What::Key(name)) => {
                command::all().find(|c| c.name == *name).map(detail::key_example)
            }
            Some(What::Provider(_) | What::Local(_) | What::Define) => {
                Some(PROVIDER_EXAMPLE.to_owned())
            }
            _ => None,
        };
        match text {
            Some(text) => cx.ask(Effect::Copy(text)),
            None => cx.note(Tone::Plain, "there is nothing to copy here"),
        }
    }

    /// The first row of the next section, or of the one before.
    pub(super) fn section(&mut self, by: i64, cx: &mut Cx<'_>) {
        let now = self.current().map_or(0, What::section) as i64;
        let n = SECTIONS.len() as i64;
        self.list.set_filter("");
        for step in 1..n {
            let wanted = (now + by * step).rem_euclid(n) as usize;
            let first = self.list.rows().iter().find(|r| r.what.section() == wanted);
            if let Some(key) = first.map(Row::key) {
                self.list.stand_on(Some(&key));
                break;
            }
        }
        self.preview(cx);
    }

    pub(super) fn back(&mut self, cx: &mut Cx<'_>) {
        if !self.list.filter().is_empty() {
            self.list.set_filter("");
            self.preview(cx);
            return;
        }
        let kept = self.known.get().map(|k| format!("themes {}", k.theme));
        if self.trying.is_some() {
            self.put_back(cx);
            self.list.stand_on(kept.as_deref());
        }
    }
}
