//! One item in full: prompt, reply, gold, what was read. Text that may abuse somebody is hidden
//! until a key asks for it, and is hidden again for the next item.

use std::path::PathBuf;

use ratatui::layout::Rect;

use crate::evaluate::inspect::{Aim, Document, Section, document};
use crate::text;
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx};
use crate::tui::theme::Role;
use crate::tui::widgets::thousands;

/// The page.
#[derive(Debug, Default)]
pub struct Page {
    load: Load<Document>,
    asked: Option<(Option<PathBuf>, Aim, String)>,
    show: bool,
    scroll: usize,
    rows: usize,
    height: usize,
}

/// What stands in place of a hidden text: nothing of it.
fn hidden(s: &Section, language: &str) -> String {
    format!("(hidden: {} characters, language {language}; h shows it)", thousands(s.length as u64))
}

impl Page {
    /// Asks for an item; hidden texts are hidden again.
    pub fn open(&mut self, cx: &mut Cx<'_>, dir: Option<PathBuf>, aim: Aim, key: String) {
        self.show = false;
        self.load.clear();
        self.scroll = 0;
        self.asked = Some((dir, aim, key));
        self.ask(cx);
    }

    fn ask(&mut self, cx: &mut Cx<'_>) {
        let Some((dir, aim, key)) = self.asked.clone() else { return };
        let show = self.show;
        self.load.ask(cx, Lane::Slow, move |_| match dir.filter(|d| d.is_dir()) {
            Some(dir) => Ok(document(&dir, &aim, &key, show)?),
            None => Err(WorkError::new("the folder of the run is not here")
                .hint("its prompts and replies are gone with it; the figures stay")),
        });
    }

    /// Takes the answer; true when it was this one.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        self.load.accept(answer)
    }

    /// Shows or hides a text that may abuse somebody.
    pub fn show(&mut self, cx: &mut Cx<'_>) {
        self.show = !self.show;
        if !self.show {
            // What is hidden is not kept either.
            self.load.clear();
        }
        self.ask(cx);
    }

    /// The model whose item this is.
    pub fn aim(&self) -> Option<&Aim> {
        self.asked.as_ref().map(|(_, aim, _)| aim)
    }

    /// The item.
    pub fn key(&self) -> Option<&str> {
        self.asked.as_ref().map(|(_, _, key)| key.as_str())
    }

    /// Scrolls by lines.
    pub fn scroll(&mut self, by: i64) {
        let last = self.rows.saturating_sub(self.height) as i64;
        self.scroll = (self.scroll as i64).saturating_add(by).clamp(0, last.max(0)) as usize;
    }

    /// Scrolls by pages.
    pub fn page(&mut self, by: i64) {
        self.scroll(by * self.height.saturating_sub(1).max(1) as i64);
    }

    /// The page as text for a pager: what is hidden stays hidden.
    pub fn words(&self) -> Option<String> {
        let d = self.load.get()?;
        let mut out = format!("{}\n", d.title);
        for s in &d.sections {
            let body = s.body.clone().unwrap_or_else(|| hidden(s, &d.language));
            out += &format!("\n{}\n{body}\n", s.head);
        }
        Some(out)
    }

    /// Draws the page.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let title = self
            .load
            .get()
            .map_or_else(|| self.key().unwrap_or_default().to_owned(), |d| d.title.clone());
        let inner = pen.pane(area, &title, true);
        let Some(d) = self.load.get() else {
            match self.load.error() {
                Some(e) => {
                    let way = e.hint.clone().unwrap_or_else(|| "Esc goes back".into());
                    pen.says(inner, &[(&e.message, Role::Bad), (&way, Role::Muted)]);
                }
                None => pen.says(inner, &[("reading the run's files", Role::Muted)]),
            }
            return;
        };
        let cells = usize::from(inner.width);
        let mut lines = Vec::new();
        for s in &d.sections {
            let head = text::lay_out(&s.head, cells, pen.looks.direction);
            lines.extend(head.lines.into_iter().map(|l| (l, Role::Title)));
            let (body, role) = match &s.body {
                Some(b) if b.trim().is_empty() => ("(empty)".to_owned(), Role::Muted),
                Some(b) => (b.clone(), Role::Text),
                None => (hidden(s, &d.language), Role::Warn),
            };
            let laid = text::lay_out(body.trim_end(), cells, pen.looks.direction);
            lines.extend(laid.lines.into_iter().map(|l| (l, role)));
            lines.push((text::LaidLine::default(), Role::Text));
        }
        (self.rows, self.height) = (lines.len(), usize::from(inner.height));
        self.scroll = self.scroll.min(self.rows.saturating_sub(self.height));
        for (i, (line, role)) in lines.iter().skip(self.scroll).take(self.height).enumerate() {
            let style = pen.style(*role);
            let row = Rect { y: inner.y + i as u16, height: 1, ..inner };
            pen.laid(row, std::slice::from_ref(line), 0, style, &[]);
        }
        if self.rows > self.height {
            let style = pen.style(Role::Muted);
            let at =
                format!(" {} of {} lines ", self.scroll + self.height.min(self.rows), self.rows);
            pen.right(
                Rect { y: area.bottom() - 1, height: 1, width: area.width - 2, ..area },
                &at,
                style,
            );
        }
    }
}
