//! A window on a list of any length: pages come by keyset, both ways, as the cursor nears an edge.
//! Never is a row skipped by counting, never is the whole list loaded.

use std::collections::{BTreeSet, VecDeque};

use super::{ListControl, Position};
use crate::tui::data::{Access, Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx};

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum PageEdge<C> {
    /// The first.
    First,
    /// The last.
    Last,
    /// After this row.
    After(C),
    /// Before this row.
    Before(C),
    /// Around this row, which may be gone.
    From(C),
}

/// Rows of one page, in the list's order.
#[derive(Debug, Clone)]
pub struct Page<R> {
    /// The rows; fewer than asked for: the list ends there.
    pub rows: Vec<R>,
}

/// How many rows a page has.
pub const PAGE: usize = 200;
/// Rows kept in memory: the window forgets those far from the cursor.
const WINDOW: usize = 3 * PAGE;

/// Reads one page: filter text, index of the order, which page, how many rows.
pub type Fetch<R, C> = fn(&mut Access, &Ask<C>) -> Result<Page<R>, WorkError>;

/// What a page is asked for with.
#[derive(Debug, Clone)]
pub struct Ask<C> {
    /// The filter's text.
    pub filter: String,
    /// Index of the order.
    pub order: usize,
    /// Anything else the screen filters by, in its own words.
    pub scope: String,
    /// Which page.
    pub edge: PageEdge<C>,
    /// At most so many rows.
    pub limit: usize,
}

/// The list.
pub struct Paged<R, C> {
    rows: VecDeque<R>,
    /// The window begins at the list's first row, ends at its last.
    at_start: bool,
    at_end: bool,
    /// Of the window's first row in the whole list, where known.
    offset: Option<u64>,
    total: Option<u64>,
    cursor: usize,
    top: usize,
    height: usize,
    filter: String,
    scope: String,
    order: usize,
    orders: &'static [&'static str],
    marked: BTreeSet<String>,
    wanted: Option<PageEdge<C>>,
    /// Rows of the window that a refresh leaves out at its start.
    refreshed_from: Option<usize>,
    under_way: Option<PageEdge<C>>,
    page: Load<Page<R>>,
    key: fn(&R) -> String,
    cursor_of: fn(&R) -> C,
    fetch: Fetch<R, C>,
}

impl<R, C> std::fmt::Debug for Paged<R, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paged")
            .field("rows", &self.rows.len())
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

impl<R: Send + 'static, C: Clone + PartialEq + Send + 'static> Paged<R, C> {
    /// `key` names a row for good, `cursor_of` is where a page goes on from it, `fetch` reads one.
    pub fn new(
        key: fn(&R) -> String,
        cursor_of: fn(&R) -> C,
        orders: &'static [&'static str],
        fetch: Fetch<R, C>,
    ) -> Self {
        Self {
            rows: VecDeque::new(),
            at_start: false,
            at_end: false,
            offset: None,
            total: None,
            cursor: 0,
            top: 0,
            height: 1,
            filter: String::new(),
            scope: String::new(),
            order: 0,
            orders,
            marked: BTreeSet::new(),
            wanted: Some(PageEdge::First),
            refreshed_from: None,
            under_way: None,
            page: Load::default(),
            key,
            cursor_of,
            fetch,
        }
    }

    /// Asks for whatever is wanted now. Call after every command and answer.
    pub fn pump(&mut self, cx: &mut Cx<'_>) {
        if self.wanted.is_none() && self.under_way.is_none() && !self.rows.is_empty() {
            let near = self.height.max(PAGE / 4);
            if !self.at_end && self.cursor + near >= self.rows.len() {
                self.wanted = self.rows.back().map(self.cursor_of).map(PageEdge::After);
            } else if !self.at_start && self.cursor < near {
                self.wanted = self.rows.front().map(self.cursor_of).map(PageEdge::Before);
            }
        }
        let Some(edge) = self.wanted.take() else { return };
        let ask = Ask {
            filter: self.filter.clone(),
            order: self.order,
            scope: self.scope.clone(),
            edge: edge.clone(),
            limit: PAGE,
        };
        self.under_way = Some(edge);
        let fetch = self.fetch;
        self.page.ask(cx, Lane::Page, move |a| fetch(a, &ask));
    }

    /// Takes an answer that belongs here; true when it was ours.
    pub fn accept(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) -> bool {
        if !self.page.accept(answer) {
            return false;
        }
        let edge = self.under_way.take();
        if let (Some(edge), Some(page)) = (edge, self.page.take()) {
            self.take_page(edge, page.rows);
            self.pump(cx);
        }
        // What failed is asked for again by the next key, never in a circle.
        true
    }

    fn take_page(&mut self, edge: PageEdge<C>, rows: Vec<R>) {
        let (n, full) = (rows.len(), rows.len() >= PAGE);
        match edge {
            PageEdge::First | PageEdge::From(_) => {
                let first = matches!(edge, PageEdge::First);
                let refreshed = self.refreshed_from.take();
                let was = self.current().map(self.key).filter(|_| refreshed.is_some());
                let line = self.cursor.saturating_sub(self.top);
                let dropped = refreshed.unwrap_or(0);
                self.rows = rows.into();
                (self.at_start, self.at_end) = (first, !full);
                self.offset = if first { Some(0) } else { self.offset.map(|o| o + dropped as u64) };
                // After a refresh the cursor stays on its row; where that is gone, on the one that
                // took its place.
                let key = self.key;
                let at = was.and_then(|k| self.rows.iter().position(|r| key(r) == k));
                self.cursor = at
                    .unwrap_or_else(|| self.cursor.saturating_sub(dropped))
                    .min(n.saturating_sub(1));
                self.top = self.cursor.saturating_sub(line);
            }
            PageEdge::Last => {
                self.rows = rows.into();
                (self.at_start, self.at_end) = (!full, true);
                self.offset = self.total.map(|t| t.saturating_sub(n as u64));
                self.cursor = n.saturating_sub(1);
            }
            PageEdge::After(_) => {
                self.rows.extend(rows);
                self.at_end = !full;
                while self.rows.len() > WINDOW && self.cursor > PAGE {
                    self.rows.pop_front();
                    self.at_start = false;
                    self.offset = self.offset.map(|o| o + 1);
                    self.cursor -= 1;
                    self.top = self.top.saturating_sub(1);
                }
            }
            PageEdge::Before(_) => {
                for row in rows.into_iter().rev() {
                    self.rows.push_front(row);
                }
                self.at_start = !full;
                self.cursor += n;
                self.top += n;
                self.offset = if self.at_start {
                    Some(0)
                } else {
                    self.offset.map(|o| o.saturating_sub(n as u64))
                };
                while self.rows.len() > WINDOW && self.cursor + PAGE < self.rows.len() {
                    self.rows.pop_back();
                    self.at_end = false;
                }
            }
        }
        if self.at_start && self.at_end {
            self.total = Some(self.rows.len() as u64);
            self.offset = Some(0);
        }
    }

    /// Reads the rows in view again: somebody changed something.
    pub fn refresh(&mut self) {
        // A page that holds what stands above and below the cursor.
        let from = self.cursor.saturating_sub(PAGE / 2);
        if self.at_start && self.cursor == 0 {
            // Who looks at the top wants to see what comes.
            (self.refreshed_from, self.wanted) = (None, Some(PageEdge::First));
            return;
        }
        let first = self.at_start && from == 0;
        self.refreshed_from = Some(if first { 0 } else { from });
        self.wanted = Some(match self.rows.get(from) {
            Some(row) if !first => PageEdge::From((self.cursor_of)(row)),
            _ => PageEdge::First,
        });
    }

    /// Starts over: another filter, order or scope.
    fn restart(&mut self) {
        (self.cursor, self.top) = (0, 0);
        // No row of the old list is looked for in the new one.
        self.refreshed_from = None;
        self.total = None;
        self.wanted = Some(PageEdge::First);
    }

    /// Anything else to filter by, in the screen's own words; it comes back in [`Ask::scope`].
    pub fn set_scope(&mut self, scope: &str) {
        if self.scope != scope {
            scope.clone_into(&mut self.scope);
            self.restart();
        }
    }

    /// As set.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Starts at this row (its cursor), the first in view.
    pub fn start_from(&mut self, at: C) {
        self.restart();
        self.offset = None;
        self.wanted = Some(PageEdge::From(at));
    }

    /// How many rows the filter leaves, counted elsewhere.
    pub fn set_total(&mut self, total: Option<u64>) {
        self.total = total;
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&R> {
        self.rows.get(self.cursor)
    }

    /// The row under the cursor, to be changed in place before the database's answer is back.
    pub fn current_mut(&mut self) -> Option<&mut R> {
        self.rows.get_mut(self.cursor)
    }

    /// Every row in memory.
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.iter()
    }

    /// How many rows stand before the window's first: counted elsewhere, after
    /// [`start_from`](Self::start_from).
    pub fn set_offset(&mut self, before: u64) {
        self.offset = Some(before);
    }

    /// Every row in memory, to be changed in place.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut R> {
        self.rows.iter_mut()
    }

    /// Keys of the marked rows; of the one under the cursor when none is marked.
    pub fn chosen(&self) -> Vec<String> {
        if self.marked.is_empty() {
            return self.current().map(self.key).into_iter().collect();
        }
        self.marked.iter().cloned().collect()
    }

    /// No row is marked any more.
    pub fn unmark(&mut self) {
        self.marked.clear();
    }

    /// True when there is nothing, and nothing is awaited.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.at_start && self.at_end
    }

    /// True until the first page is there.
    pub fn is_waiting(&self) -> bool {
        self.rows.is_empty() && (self.under_way.is_some() || self.wanted.is_some())
    }

    /// Why the last page could not be read.
    pub fn error(&self) -> Option<&WorkError> {
        self.page.error()
    }

    /// The index of the order.
    pub fn order_number(&self) -> usize {
        self.order
    }

    /// Sets the index of the order.
    pub fn set_order(&mut self, n: usize) {
        self.order = n.min(self.orders.len().saturating_sub(1));
        self.restart();
    }

    /// The rows to draw in `height` lines: (row, under the cursor, marked).
    pub fn window(&mut self, height: usize) -> Vec<(&R, bool, bool)> {
        self.height = height.max(1);
        let len = self.rows.len();
        let edge = if self.height > 6 { 2 } else { 0 };
        if self.cursor < self.top + edge {
            self.top = self.cursor.saturating_sub(edge);
        }
        if self.cursor + edge >= self.top + self.height {
            self.top = self.cursor + edge + 1 - self.height;
        }
        self.top = self.top.min(len.saturating_sub(self.height));
        let this = &*self;
        this.rows
            .iter()
            .enumerate()
            .skip(this.top)
            .take(this.height)
            .map(|(i, row)| (row, i == this.cursor, this.marked.contains(&(this.key)(row))))
            .collect()
    }

    /// Puts the cursor on the row drawn `line` lines below the top: for the mouse.
    pub fn click(&mut self, line: usize) {
        if self.top + line < self.rows.len() {
            self.cursor = self.top + line;
        }
    }
}

impl<R: Send + 'static, C: Clone + PartialEq + Send + 'static> ListControl for Paged<R, C> {
    fn step(&mut self, by: i64) {
        let last = self.rows.len().saturating_sub(1) as i64;
        self.cursor = (self.cursor as i64).saturating_add(by).clamp(0, last) as usize;
    }

    fn page(&mut self, by: i64) {
        self.step(by.saturating_mul(self.height.saturating_sub(1).max(1) as i64));
    }

    fn first(&mut self) {
        if self.at_start {
            self.cursor = 0;
        } else {
            (self.cursor, self.top) = (0, 0);
            self.refreshed_from = None;
            self.wanted = Some(PageEdge::First);
        }
    }

    fn last(&mut self) {
        if self.at_end {
            self.cursor = self.rows.len().saturating_sub(1);
        } else {
            self.wanted = Some(PageEdge::Last);
        }
    }

    fn mark(&mut self) {
        if let Some(key) = self.current().map(self.key) {
            if !self.marked.remove(&key) {
                self.marked.insert(key);
            }
            self.step(1);
        }
    }

    fn mark_all(&mut self) {
        // Marks what is in memory: a million marks would be a command, not a selection.
        let all: Vec<String> = self.rows.iter().map(self.key).collect();
        if all.iter().all(|k| self.marked.contains(k)) {
            self.marked.clear();
        } else {
            self.marked.extend(all);
        }
    }

    fn next_order(&mut self) {
        if !self.orders.is_empty() {
            self.set_order((self.order + 1) % self.orders.len());
        }
    }

    fn order(&self) -> &str {
        self.orders.get(self.order).copied().unwrap_or("")
    }

    fn set_filter(&mut self, text: &str) {
        if self.filter != text {
            text.clone_into(&mut self.filter);
            self.restart();
        }
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn position(&self) -> Position {
        Position {
            at: self.offset.filter(|_| !self.rows.is_empty()).map(|o| o + self.cursor as u64 + 1),
            of: self.total,
            marked: self.marked.len(),
        }
    }
}
