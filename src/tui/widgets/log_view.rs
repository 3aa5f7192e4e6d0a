//! A log of any size: only the rows around what is shown are in memory; it follows its end, and is
//! searched a stretch at a time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use ratatui::layout::Rect;

use super::{ListControl, Position};
use crate::job::{LogEdge, LogFound, LogPage, LogRow, find_in_log, read_log};
use crate::text;
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx};
use crate::tui::theme::Role;

/// Rows kept in memory.
const WINDOW: usize = 600;
/// Rows of one read.
const PAGE: usize = 120;
/// Growth that is not read through, but jumped over, in bytes.
const JUMP: u64 = 1 << 20;

/// How a page joins the rows in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    /// It takes their place; the cursor goes to this byte, or to the end.
    Jump(Option<u64>),
    /// It goes on after them.
    After,
    /// It comes before them.
    Before,
}

/// The view.
#[derive(Debug, Default)]
pub struct LogView {
    path: Option<PathBuf>,
    rows: VecDeque<LogRow>,
    /// As last read, and as last told.
    size: u64,
    told: u64,
    top: usize,
    height: usize,
    /// Columns that are out of view on the left.
    shift: usize,
    follow: bool,
    wanted: Option<(LogEdge, Join)>,
    under_way: Option<Join>,
    page: Load<LogPage>,
    words: String,
    /// The next search: from where, and whether backwards.
    seek: Option<(u64, bool)>,
    back: bool,
    found: Option<u64>,
    search: Load<(LogFound, u64)>,
    said: &'static str,
}

impl LogView {
    /// Shows this file from its end on; nothing changes where it is shown already.
    pub fn open(&mut self, path: &Path) {
        if self.path.as_deref() != Some(path) {
            *self = Self {
                path: Some(path.to_owned()),
                follow: true,
                height: self.height,
                wanted: Some((LogEdge::End, Join::Jump(None))),
                ..Self::default()
            };
        }
    }

    /// Shows nothing.
    pub fn close(&mut self) {
        *self = Self { height: self.height, ..Self::default() };
    }

    /// The file that is shown.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The file was heard to have so many bytes now.
    pub fn grown(&mut self, length: u64) {
        // What was heard may be older than what was read.
        self.told = self.told.max(length);
    }

    /// Looks at its end again, whether or not somebody said that it grew.
    pub fn look_again(&mut self) {
        self.told = self.size.saturating_add(1);
    }

    /// Whether it follows the end of the file.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// Follows the end of the file, or not.
    pub fn set_follow(&mut self, on: bool) {
        self.follow = on;
        if on && !self.at_end() {
            self.wanted = Some((LogEdge::End, Join::Jump(None)));
        }
    }

    /// Moves the text sideways by so many columns.
    pub fn sideways(&mut self, by: i64) {
        self.shift = (self.shift as i64).saturating_add(by).clamp(0, 4_000) as usize;
    }

    fn at_end(&self) -> bool {
        self.rows.back().is_none_or(|r| r.end >= self.size)
    }

    /// The next match of the search: an older one, or a newer one.
    pub fn search_again(&mut self, back: bool) {
        if self.words.is_empty() {
            self.said = "/ looks for a text first";
            return;
        }
        let from = match self.found {
            Some(at) if back => at,
            Some(at) => at + 1,
            None => self.bottom(),
        };
        (self.seek, self.said) = (Some((from, back)), "");
    }

    fn bottom(&self) -> u64 {
        let at = (self.top + self.height).min(self.rows.len());
        at.checked_sub(1).and_then(|i| self.rows.get(i)).map_or(0, |r| r.end)
    }

    /// Asks for whatever is wanted now. Call after every command, answer and change.
    pub fn pump(&mut self, cx: &mut Cx<'_>) {
        let Some(path) = self.path.clone() else { return };
        if let Some((from, back)) = self.seek.take() {
            let (words, path) = (self.words.clone(), path.clone());
            self.back = back;
            self.search.ask(cx, Lane::Engine, move |_| {
                let found = find_in_log(&path, &words, from, back)?;
                let LogFound::At(at) = found else { return Ok((found, 0)) };
                // Where the row of the match begins, so that it is shown whole.
                let row = read_log(&path, LogEdge::Before(at + 1), 1)?.rows.pop();
                Ok((found, row.map_or(at, |r| r.at)))
            });
        }
        if self.under_way.is_some() {
            return;
        }
        if self.wanted.is_none() {
            self.wanted = self.next_page();
        }
        let Some((edge, join)) = self.wanted.take() else { return };
        self.under_way = Some(join);
        self.page
            .ask(cx, Lane::Engine, move |_| read_log(&path, edge, PAGE).map_err(WorkError::from));
    }

    /// What is missing beside what is shown.
    fn next_page(&mut self) -> Option<(LogEdge, Join)> {
        if self.follow && self.told > self.size {
            let last = self.rows.back();
            return Some(match last {
                Some(r) if self.told - r.end.min(self.told) < JUMP => {
                    (LogEdge::From(if r.whole { r.end } else { r.at }), Join::After)
                }
                _ => (LogEdge::End, Join::Jump(None)),
            });
        }
        let first = self.rows.front()?;
        if first.at > 0 && self.top < self.height.max(20) && self.rows.len() < WINDOW + PAGE {
            return Some((LogEdge::Before(first.at), Join::Before));
        }
        let last = self.rows.back()?;
        if last.end < self.size && self.top + 2 * self.height.max(10) >= self.rows.len() {
            return Some((LogEdge::From(last.end), Join::After));
        }
        None
    }

    /// Takes an answer that belongs here; true when it was ours.
    pub fn accept(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) -> bool {
        if self.page.accept(answer) {
            if let (Some(join), Some(page)) = (self.under_way.take(), self.page.take()) {
                self.take(join, page);
            }
        } else if self.search.accept(answer) {
            match self.search.take() {
                Some((LogFound::At(at), row)) => self.show(at, row),
                Some((LogFound::NotUpTo(at), _)) => self.seek = Some((at, self.back)),
                Some((LogFound::Nowhere, _)) => {
                    self.said = if self.back { "no older match" } else { "no newer match" };
                }
                None => {}
            }
        } else {
            return false;
        }
        if self.page.error().is_none() {
            self.pump(cx);
        }
        true
    }

    /// Brings a byte into view, of the row that begins at `row`.
    fn show(&mut self, at: u64, row: u64) {
        self.found = Some(at);
        self.follow = false;
        match self.rows.iter().position(|r| r.at <= at && at < r.end) {
            Some(i) => self.top = i.saturating_sub(self.height / 2),
            None => self.wanted = Some((LogEdge::From(row), Join::Jump(Some(at)))),
        }
    }

    fn take(&mut self, join: Join, page: LogPage) {
        if page.size < self.size && !matches!(join, Join::Jump(_)) {
            // Another file stands there now.
            (self.size, self.told, self.follow) = (0, 0, true);
            self.wanted = Some((LogEdge::End, Join::Jump(None)));
            return;
        }
        // This is the truth now, whatever was heard.
        (self.size, self.told) = (page.size, page.size);
        match join {
            Join::Jump(to) => {
                self.rows = page.rows.into();
                self.top = match to {
                    Some(at) => self.rows.iter().rposition(|r| r.at <= at).unwrap_or(0),
                    None if self.follow => self.rows.len(),
                    None => 0,
                };
            }
            Join::After => {
                // The line that was being written comes again, longer.
                if let (Some(new), Some(old)) = (page.rows.first(), self.rows.back())
                    && new.at == old.at
                {
                    self.rows.pop_back();
                }
                self.rows.extend(page.rows);
                if self.follow {
                    self.top = self.rows.len();
                }
                while self.rows.len() > WINDOW && self.top > PAGE {
                    self.rows.pop_front();
                    self.top -= 1;
                }
            }
            Join::Before => {
                self.top += page.rows.len();
                for row in page.rows.into_iter().rev() {
                    self.rows.push_front(row);
                }
                while self.rows.len() > WINDOW && self.top + 3 * self.height < self.rows.len() {
                    self.rows.pop_back();
                }
            }
        }
    }

    /// A few words on where it stands: `3.2 MB · 45 % · follows`.
    pub fn standing(&self) -> String {
        let mut out = size(self.size);
        if self.size > 0 && !self.at_bottom() {
            let share = self.bottom() as f64 / self.size as f64 * 100.0;
            out += &format!(" · {share:.0} %");
        }
        if self.follow {
            out += " · follows";
        }
        if !self.words.is_empty() {
            let state = if self.search.is_asked() { "searching" } else { self.said };
            out += &format!(" · /{} {state}", text::truncate(&self.words, 20));
        }
        out.trim_end().to_owned()
    }

    fn at_bottom(&self) -> bool {
        self.at_end() && self.top + self.height >= self.rows.len()
    }

    /// Draws the rows in view.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect) {
        self.height = usize::from(area.height).max(1);
        if let Some(e) = self.page.error() {
            pen.says(area, &[("The log cannot be read.", Role::Bad), (&e.message, Role::Text)]);
            return;
        }
        if self.rows.is_empty() {
            let said = match (self.path.is_some(), self.under_way.is_some()) {
                (true, false) => "Nothing was printed yet.",
                (true, true) => "Reading ...",
                (false, _) => "",
            };
            pen.says(area, &[(said, Role::Muted)]);
            return;
        }
        let bottom = self.rows.len().saturating_sub(self.height);
        self.top = if self.follow { bottom } else { self.top.min(bottom) };
        let (plain, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let hit = pen.style(Role::Match);
        let direction = pen.looks.direction;
        for (i, row) in self.rows.iter().skip(self.top).take(self.height).enumerate() {
            let y = area.y + i as u16;
            let mut x = area.x;
            if row.continues {
                x += pen.put_safe(x, y, area.right() - x, "…", muted);
            }
            let tail = match row.cut {
                0 => String::new(),
                n => format!(" …+{}", size(n)),
            };
            let room = usize::from(area.right() - x).saturating_sub(text::width(&tail));
            let shown: &str = match row.text.char_indices().nth(self.shift) {
                Some((i, _)) => &row.text[i..],
                None => "",
            };
            let laid = text::lay_line_styled(&pieces(shown, &self.words), room, direction);
            let at = Rect { x, y, width: room as u16, height: 1 };
            pen.laid(at, std::slice::from_ref(&laid), 0, plain, &[plain, hit]);
            if !tail.is_empty() {
                let end = Rect { x: area.x, y, width: area.width, height: 1 };
                pen.right(end, &tail, muted);
            }
        }
    }
}

/// The text in pieces, what is looked for in a style of its own.
fn pieces<'a>(text: &'a str, words: &str) -> Vec<(&'a str, usize)> {
    // As wide as any screen: the rest is cut off anyway.
    let end = text.char_indices().nth(600).map_or(text.len(), |(i, _)| i);
    let text = &text[..end];
    if words.is_empty() {
        return vec![(text, 0)];
    }
    let (low, wanted) = (text.to_ascii_lowercase(), words.to_ascii_lowercase());
    let mut out = Vec::new();
    let mut done = 0;
    for (i, _) in low.match_indices(&wanted) {
        if i > done {
            out.push((&text[done..i], 0));
        }
        out.push((&text[i..i + wanted.len()], 1));
        done = i + wanted.len();
    }
    out.push((&text[done..], 0));
    out
}

fn size(n: u64) -> String {
    let x = n as f64;
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", x / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", x / 1e6),
        _ => format!("{:.1} GB", x / 1e9),
    }
}

impl ListControl for LogView {
    fn step(&mut self, by: i64) {
        let bottom = self.rows.len().saturating_sub(self.height) as i64;
        let top = if self.follow { bottom } else { self.top as i64 };
        let to = top.saturating_add(by);
        if by < 0 {
            self.follow = false;
        } else if to >= bottom && self.at_end() {
            self.follow = true;
        }
        self.top = to.clamp(0, bottom.max(0)) as usize;
    }

    fn page(&mut self, by: i64) {
        self.step(by.saturating_mul(self.height.saturating_sub(1).max(1) as i64));
    }

    fn first(&mut self) {
        self.follow = false;
        self.top = 0;
        if self.rows.front().is_some_and(|r| r.at > 0) {
            self.wanted = Some((LogEdge::From(0), Join::Jump(Some(0))));
        }
    }

    fn last(&mut self) {
        self.set_follow(true);
    }

    fn mark(&mut self) {
        self.page(1);
    }

    fn mark_all(&mut self) {}

    fn next_order(&mut self) {}

    fn order(&self) -> &'static str {
        ""
    }

    fn set_filter(&mut self, words: &str) {
        if self.words != words {
            words.clone_into(&mut self.words);
            (self.found, self.said) = (None, "");
            self.search.clear();
            self.seek = (!words.is_empty()).then(|| (self.bottom(), true));
        }
    }

    fn filter(&self) -> &str {
        &self.words
    }

    fn position(&self) -> Position {
        Position::default()
    }

    fn has_rows(&self) -> bool {
        false
    }
}
