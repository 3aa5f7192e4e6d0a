//! Carrying out what the program's step asks for. Files are written and read on a lane of their own.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{End, Event, Loop};
use crate::engine::notify;
use crate::tui::app::{Msg, permitted};
use crate::tui::data::Lane;
use crate::tui::screen::{Effect, Job, ScreenId, Tone};
use crate::tui::terminal::Copied;
use crate::tui::{settings, shot};

impl Loop {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if !permitted(&self.app.shared, self.app.at(), &effect) {
                continue;
            }
            match effect {
                Effect::Work { to, ticket, lane, job, stale } => {
                    self.workers.put(to, ticket, lane, job, stale);
                }
                Effect::Copy(text) => {
                    let copied = self.terminal.copy(&text);
                    let sent = matches!(copied, Copied::Sent { .. });
                    self.say(if sent { Tone::Plain } else { Tone::Warn }, copied.to_string());
                }
                Effect::Ended(runs) => {
                    let send = self.send.clone();
                    self.files(move || {
                        if let Some(bytes) = notice(&runs) {
                            drop(send.send(Event::Tell(bytes)));
                        }
                    });
                }
                Effect::Pager(text) => self.page(&text),
                Effect::Export { name, bytes } => self.export(name, || Ok(bytes)),
                Effect::ExportOf { what, format } => {
                    let name = format!("{}.{format}", what.name);
                    self.export(name, move || what.bytes(format));
                }
                Effect::Theme { name, keep } => {
                    if keep {
                        self.user.keep(|u| u.theme.clone_from(&name));
                        self.keep_looks();
                    }
                    self.set_theme(&name);
                }
                Effect::Bidi(mode) => {
                    self.user.keep(|u| u.bidi = mode);
                    self.app.shared.looks.bidi = mode;
                    let to = mode.resolve(|n| std::env::var(n).ok());
                    self.app.shared.looks.direction = to;
                    let _ = self.terminal.set_bidi(to == crate::text::Resolved::App);
                    self.keep_looks();
                }
                Effect::Plain => {
                    let plain = !self.user.now.plain;
                    self.user.keep(|u| u.plain = plain);
                    self.app.shared.looks.plain = plain;
                    self.keep_looks();
                    self.dirty = true;
                }
                Effect::Mouse => {
                    let mouse = !self.user.now.mouse;
                    self.user.keep(|u| u.mouse = mouse);
                    let _ = self.terminal.set_mouse(mouse);
                    self.keep_looks();
                    let on = if mouse { "on" } else { "off" };
                    self.say(Tone::Plain, format!("the mouse is {on}"));
                }
                Effect::Again(ms) => {
                    let send = self.send.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(ms)).await;
                        drop(send.send(Event::Msg(Msg::Tick)));
                    });
                }
                Effect::Rest(ms) => self.rest = Some(Instant::now() + Duration::from_millis(ms)),
                Effect::Suspend => self.suspend(),
                Effect::Redraw => {
                    let (w, h) = self.terminal.size();
                    let _ = self.terminal.resized(w, h);
                }
                Effect::Shot => {
                    let (w, h) = self.terminal.size();
                    let mut frame =
                        ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, w, h));
                    self.app.draw(&mut frame);
                    let background = self.app.shared.looks.theme.background;
                    let name = format!("screen-{}.svg", self.app.at().title().to_lowercase());
                    self.export(name, move || Ok(shot::svg(&frame, background).into_bytes()));
                }
                Effect::Quit => self.ends = Some(End::Left),
                // Done by the program's own step already.
                Effect::Go(..) | Effect::Note(..) | Effect::Confirm(..) => {}
            }
        }
    }

    pub(super) fn say(&mut self, tone: Tone, text: String) {
        drop(self.app.update(Msg::Note(tone, text), jiff::Timestamp::now()));
        self.dirty = true;
    }

    /// Has a theme read. It holds once it is there, if it is still wanted then.
    pub(super) fn set_theme(&mut self, name: &str) {
        name.clone_into(&mut self.user.now.theme);
        let (name, depth, background) = (name.to_owned(), self.depth, self.background);
        let send = self.send.clone();
        self.files(move || {
            let (theme, said) = settings::theme_or_automatic(&name, depth, background);
            drop(send.send(Event::Theme(name, theme.ok().map(Box::new), said)));
        });
    }

    /// Work on files, off this task: what comes of it comes back as an event.
    fn files(&mut self, work: impl FnOnce() + Send + 'static) {
        let job: Job = Box::new(move |_| {
            work();
            Ok(Box::new(()))
        });
        // Ticket 0 is nobody's.
        self.workers.put(self.app.at(), 0, Lane::Files, job, None);
    }

    /// Where only rating or watching is offered the file stays as it is: it may be that of an
    /// account which many raters share.
    fn keep_looks(&mut self) {
        if self.app.shared.alone {
            return;
        }
        let (kept, send) = (self.user.kept.clone(), self.send.clone());
        self.files(move || {
            if let Err(e) = kept.save(&settings::looks_file()) {
                let said = format!("not kept for the next start: {e}");
                drop(send.send(Event::Msg(Msg::Note(Tone::Warn, said))));
            }
        });
    }

    pub(super) fn suspend(&mut self) {
        if self.app.shared.alone && self.app.at() == ScreenId::Rate {
            self.say(Tone::Plain, "rating is not put aside: q leaves, all is saved".into());
            return;
        }
        match self.terminal.suspend() {
            Ok(true) => {}
            Ok(false) => {
                let said = "there is no shell to go back to: Ctrl-C leaves";
                self.say(Tone::Plain, said.into());
            }
            Err(e) => self.ends = Some(End::Failed(e)),
        }
        let (w, h) = self.terminal.size();
        drop(self.app.update(Msg::Resize(w, h), jiff::Timestamp::now()));
        self.dirty = true;
    }

    /// The person's pager on a text, the terminal being whole meanwhile.
    fn page(&mut self, text: &str) {
        if self.app.shared.alone {
            return;
        }
        let pager = std::env::var("PAGER").ok().filter(|p| !p.trim().is_empty());
        let pager = pager.unwrap_or_else(|| "less".into());
        let text = crate::text::display_lines(text);
        let shown = self.terminal.outside(|| {
            let mut child =
                Command::new("sh").arg("-c").arg(&pager).stdin(Stdio::piped()).spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A pager that is left early closes its end.
                drop(io::Write::write_all(&mut stdin, text.as_bytes()));
            }
            child.wait()
        });
        self.dirty = true;
        match shown {
            Ok(Ok(s)) if s.success() => {}
            Ok(Ok(s)) => self.say(Tone::Warn, format!("the pager `{pager}` ended with {s}")),
            Ok(Err(e)) | Err(e) => self.say(Tone::Bad, format!("the pager `{pager}`: {e}")),
        }
    }

    /// Makes a file in `exports/` and says where it is.
    fn export(
        &mut self,
        name: String,
        bytes: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
    ) {
        let folder = self.app.shared.place.folder().root().join("exports");
        let send = self.send.clone();
        self.files(move || {
            // Names come from data too: only what is harmless in a file's name stays.
            let name: String = name
                .chars()
                .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
                .collect();
            let file = folder.join(name.trim_start_matches('.'));
            let written = bytes().and_then(|bytes| {
                std::fs::create_dir_all(&folder)
                    .and_then(|()| std::fs::write(&file, bytes))
                    .map_err(|e| e.to_string())
            });
            let (tone, said) = match written {
                Ok(()) => (Tone::Good, format!("written: {}", file.display())),
                Err(e) => (Tone::Bad, format!("{}: {e}", file.display())),
            };
            drop(send.send(Event::Msg(Msg::Note(tone, said))));
        });
    }
}

/// The bytes that tell the terminal of ends, by the user's `[notify]`. A configuration that does
/// not parse tells nobody here: the Settings screen and `doctor` say what is wrong with it.
fn notice(ended: &[crate::job::RunView]) -> Option<String> {
    let settings = crate::config::UserConfig::load().ok()?.notify;
    let told: Vec<_> = ended
        .iter()
        .filter(|r| settings.tells(r.state.word()))
        .filter(|r| notify::took(r) >= f64::from(settings.after_s))
        .collect();
    let mut text = notify::sentence(told.last()?);
    if told.len() > 1 {
        text.push_str(&format!(", and {} more", told.len() - 1));
    }
    settings.terminal.bytes(&text)
}
