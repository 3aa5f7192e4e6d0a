//! Lists: virtual, filterable, sortable, multi-selectable, the same everywhere.

use std::collections::BTreeSet;

use crate::text;

/// Where a list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Of the cursor, from 1; `None` where it is not known.
    pub at: Option<u64>,
    /// Rows that pass the filter; `None` while they are counted.
    pub of: Option<u64>,
    /// Marked rows.
    pub marked: usize,
}

/// What commands do to the list that has the focus.
pub trait ListControl {
    /// Moves the cursor by so many rows.
    fn step(&mut self, by: i64);
    /// Moves the cursor by so many pages.
    fn page(&mut self, by: i64);
    /// To the first row.
    fn first(&mut self);
    /// To the last row.
    fn last(&mut self);
    /// Marks or unmarks the row, and moves on.
    fn mark(&mut self);
    /// Marks every row that passes the filter, or unmarks all when all are marked.
    fn mark_all(&mut self);
    /// The next order.
    fn next_order(&mut self);
    /// What it is sorted by, in words.
    fn order(&self) -> &str;
    /// Other rows: those that match.
    fn set_filter(&mut self, text: &str);
    /// The filter's text.
    fn filter(&self) -> &str;
    /// Where it stands.
    fn position(&self) -> Position;
    /// Whether its rows can be marked and sorted.
    fn has_rows(&self) -> bool {
        true
    }
}

/// A list that fits into memory: thousands of rows, not millions.
#[derive(Debug)]
pub struct Memory<R: 'static> {
    rows: Vec<R>,
    shown: Vec<usize>,
    cursor: usize,
    top: usize,
    height: usize,
    filter: String,
    marked: BTreeSet<String>,
    key: fn(&R) -> String,
    haystack: fn(&R) -> String,
    orders: &'static [(&'static str, fn(&R, &R) -> std::cmp::Ordering)],
    sorted_by: usize,
}

impl<R: 'static> Memory<R> {
    /// `key` names a row for good (marks and the cursor follow it), `haystack` is what filters
    /// look through, `orders` are the ways to sort, the first being the usual one.
    pub fn new(
        key: fn(&R) -> String,
        haystack: fn(&R) -> String,
        orders: &'static [(&'static str, fn(&R, &R) -> std::cmp::Ordering)],
    ) -> Self {
        Self {
            rows: Vec::new(),
            shown: Vec::new(),
            cursor: 0,
            top: 0,
            height: 1,
            filter: String::new(),
            marked: BTreeSet::new(),
            key,
            haystack,
            orders,
            sorted_by: 0,
        }
    }

    /// Other rows. The cursor stays on the row it was on, or near it.
    pub fn set_rows(&mut self, rows: Vec<R>) {
        let was = self.current().map(self.key);
        self.rows = rows;
        let known: BTreeSet<String> = self.rows.iter().map(self.key).collect();
        self.marked.retain(|m| known.contains(m));
        self.arrange();
        self.stand_on(was.as_deref());
    }

    fn arrange(&mut self) {
        let haystack = self.haystack;
        if self.filter.is_empty() {
            self.shown = (0..self.rows.len()).collect();
        } else {
            self.shown = (0..self.rows.len())
                .filter(|i| text::fuzzy(&self.filter, &haystack(&self.rows[*i])).is_some())
                .collect();
        }
        if let Some((_, order)) = self.orders.get(self.sorted_by) {
            let rows = &self.rows;
            self.shown.sort_by(|a, b| order(&rows[*a], &rows[*b]));
        }
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }

    /// Puts the cursor on the row of this key; false when it is not shown.
    pub fn stand_on(&mut self, key: Option<&str>) -> bool {
        let Some(key) = key else { return false };
        let of = self.key;
        match self.shown.iter().position(|i| of(&self.rows[*i]) == key) {
            Some(at) => {
                self.cursor = at;
                true
            }
            None => false,
        }
    }

    /// All rows, shown or not.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&R> {
        self.shown.get(self.cursor).map(|i| &self.rows[*i])
    }

    /// Its key.
    pub fn current_key(&self) -> Option<String> {
        self.current().map(self.key)
    }

    /// The marked rows in the order shown; the one under the cursor when none is marked.
    pub fn chosen(&self) -> Vec<&R> {
        if self.marked.is_empty() {
            return self.current().into_iter().collect();
        }
        let key = self.key;
        self.rows.iter().filter(|r| self.marked.contains(&key(r))).collect()
    }

    /// Rows that pass the filter.
    pub fn shown_len(&self) -> usize {
        self.shown.len()
    }

    /// True for a marked row.
    pub fn is_marked(&self, row: &R) -> bool {
        !self.marked.is_empty() && self.marked.contains(&(self.key)(row))
    }

    /// No row is marked any more.
    pub fn unmark(&mut self) {
        self.marked.clear();
    }

    /// Sets the index of the order.
    pub fn set_order(&mut self, n: usize) {
        let was = self.current_key();
        self.sorted_by = n.min(self.orders.len().saturating_sub(1));
        self.arrange();
        self.stand_on(was.as_deref());
    }

    /// The index of the order.
    pub fn order_number(&self) -> usize {
        self.sorted_by
    }

    /// The rows to draw in `height` lines: (row, under the cursor, marked). Scrolls so that the
    /// cursor is in view.
    pub fn window(&mut self, height: usize) -> Vec<(&R, bool, bool)> {
        self.height = height.max(1);
        let len = self.shown.len();
        let edge = if self.height > 6 { 2 } else { 0 };
        if self.cursor < self.top + edge {
            self.top = self.cursor.saturating_sub(edge);
        }
        if self.cursor + edge >= self.top + self.height {
            self.top = self.cursor + edge + 1 - self.height;
        }
        self.top = self.top.min(len.saturating_sub(self.height));
        let this = &*self;
        this.shown[this.top.min(len)..(this.top + this.height).min(len)]
            .iter()
            .enumerate()
            .map(|(i, at)| {
                let row = &this.rows[*at];
                (row, this.top + i == this.cursor, this.is_marked(row))
            })
            .collect()
    }

    /// Puts the cursor on the row drawn `line` lines below the top: for the mouse.
    pub fn click(&mut self, line: usize) {
        if self.top + line < self.shown.len() {
            self.cursor = self.top + line;
        }
    }
}

impl<R: 'static> ListControl for Memory<R> {
    fn step(&mut self, by: i64) {
        let last = self.shown.len().saturating_sub(1) as i64;
        self.cursor = (self.cursor as i64).saturating_add(by).clamp(0, last) as usize;
    }

    fn page(&mut self, by: i64) {
        self.step(by.saturating_mul(self.height.saturating_sub(1).max(1) as i64));
    }

    fn first(&mut self) {
        self.cursor = 0;
    }

    fn last(&mut self) {
        self.cursor = self.shown.len().saturating_sub(1);
    }

    fn mark(&mut self) {
        if let Some(key) = self.current_key() {
            if !self.marked.remove(&key) {
                self.marked.insert(key);
            }
            self.step(1);
        }
    }

    fn mark_all(&mut self) {
        let key = self.key;
        let all: Vec<String> = self.shown.iter().map(|i| key(&self.rows[*i])).collect();
        if all.iter().all(|k| self.marked.contains(k)) {
            self.marked.clear();
        } else {
            self.marked.extend(all);
        }
    }

    fn next_order(&mut self) {
        if !self.orders.is_empty() {
            self.set_order((self.sorted_by + 1) % self.orders.len());
        }
    }

    fn order(&self) -> &str {
        self.orders.get(self.sorted_by).map_or("", |(name, _)| name)
    }

    fn set_filter(&mut self, text: &str) {
        let was = self.current_key();
        text.clone_into(&mut self.filter);
        self.arrange();
        if !self.stand_on(was.as_deref()) {
            self.cursor = 0;
        }
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn position(&self) -> Position {
        let n = self.shown.len() as u64;
        Position {
            at: (n > 0).then_some(self.cursor as u64 + 1),
            of: Some(n),
            marked: self.marked.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(n: usize) -> Memory<usize> {
        let mut list = Memory::new(
            usize::to_string,
            |r| format!("row {r}"),
            &[("number", |a, b| a.cmp(b)), ("reverse", |a, b| b.cmp(a))],
        );
        list.set_rows((0..n).collect());
        list
    }

    #[test]
    fn an_empty_list_answers_every_command() {
        let mut l = list(0);
        l.step(1);
        l.page(-1);
        l.last();
        l.mark();
        l.mark_all();
        l.next_order();
        l.set_filter("x");
        assert_eq!(l.current(), None);
        assert!(l.window(5).is_empty() && l.chosen().is_empty());
    }

    #[test]
    fn cursor_and_marks_stay_on_their_rows_when_rows_come_and_go() {
        let mut l = list(10);
        l.step(4);
        l.mark();
        assert_eq!(l.current(), Some(&5));
        l.set_rows((3..20).collect());
        assert_eq!((l.current(), l.chosen()), (Some(&5), vec![&4]));
        l.next_order();
        assert_eq!(l.current(), Some(&5));
        l.set_filter("4");
        assert_eq!((l.shown_len(), l.current()), (2, Some(&14)));
        l.set_rows(vec![7]);
        assert_eq!(l.position(), Position { at: None, of: Some(0), marked: 0 });
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_in_the_window(
            n in 0usize..60, height in 1usize..20,
            moves in proptest::collection::vec((0u8..6, -70i64..70), 0..30),
        ) {
            let mut l = list(n);
            for (what, by) in moves {
                match what {
                    0 => l.step(by),
                    1 => l.page(by),
                    2 => l.first(),
                    3 => l.last(),
                    4 => l.mark(),
                    _ => l.next_order(),
                }
                let window = l.window(height);
                prop_assert_eq!(window.len(), n.min(height));
                prop_assert_eq!(window.iter().filter(|w| w.1).count(), usize::from(n > 0));
            }
        }
    }
}
