//! Writing into a frame. Every text passes the one door of the text room on its way, and every
//! width is counted by one function, so that panes never drift.

use std::cell::RefCell;
use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use super::looks::Looks;
use super::pace::{Kept, Pace};
use super::theme::Role;
use crate::chart::Canvas;
use crate::text::{self, LaidLine, Resolved};

/// Lines kept laid out: what large screens show, twice.
const LINES_KEPT: usize = 512;

/// A line that is safe and in order, cut into what stands in one place each.
#[derive(Debug, Default)]
struct Line {
    text: String,
    /// Bytes and cells of every cluster.
    clusters: Vec<(u16, u16)>,
}

impl Line {
    fn of(text: String) -> Self {
        let measured = |c: &str| (c.len() as u16, text::cluster_width(c) as u16);
        let clusters = text.graphemes(true).map(measured).collect();
        Self { text, clusters }
    }
}

thread_local! {
    /// Lines of lists, which are drawn again for every key: laid out and measured once.
    static LINES: RefCell<HashMap<(u16, Resolved), HashMap<String, Line>>> = RefCell::default();
}

/// Calls `f` with a line laid out for so many cells.
fn laid<T>(text: &str, cells: u16, direction: Resolved, f: impl FnOnce(&Line) -> T) -> T {
    LINES.with_borrow_mut(|all| {
        if all.values().map(HashMap::len).sum::<usize>() >= LINES_KEPT {
            all.clear();
        }
        let lines = all.entry((cells, direction)).or_default();
        if let Some(line) = lines.get(text) {
            return f(line);
        }
        let line = Line::of(text::lay_line(text, usize::from(cells), direction).text);
        let result = f(&line);
        // What is long costs more to keep than to lay out.
        if text.len() <= 1024 {
            lines.insert(text.to_owned(), line);
        }
        result
    })
}

/// Writes into the buffer of a frame.
pub struct Pen<'a> {
    /// Theme, glyphs, directions.
    pub looks: &'a Looks,
    buffer: &'a mut Buffer,
    cursor: Option<(u16, u16)>,
    pace: Pace,
    kept: Option<&'a mut Kept>,
}

impl<'a> Pen<'a> {
    /// For one frame.
    pub fn new(looks: &'a Looks, buffer: &'a mut Buffer) -> Self {
        Self { looks, buffer, cursor: None, pace: Pace::Rest, kept: None }
    }

    /// With what the frames before have drawn beside lists.
    #[must_use]
    pub fn paced(self, pace: Pace, kept: &'a mut Kept) -> Self {
        Self { pace, kept: Some(kept), ..self }
    }

    /// How the cursor moves.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// A pane that tells of the row under the cursor. While keys move it, the pane waits: it shows
    /// the row before, then nothing, and says so.
    pub fn beside(&mut self, area: Rect, draw: impl FnOnce(&mut Self)) {
        let area = area.intersection(self.buffer.area);
        if self.pace == Pace::Rest {
            draw(self);
            if let Some(kept) = &mut self.kept {
                kept.keep(area, self.buffer);
            }
            return;
        }
        let shown = self.pace == Pace::Moved
            && self.kept.as_ref().is_some_and(|k| k.put(area, self.buffer));
        if !shown {
            self.clear(area);
        }
        self.clear(Rect { height: area.height.min(1), ..area });
        self.pane(area, self.pace.words(), false);
    }

    /// Where the terminal's cursor stands after this frame: in the focused input, so that input
    /// methods compose there.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        self.cursor
    }

    /// Puts the cursor there.
    pub fn set_cursor(&mut self, x: u16, y: u16) {
        self.cursor = Some((x, y));
    }

    /// The buffer, for widgets of other crates.
    pub fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.looks.style(role)
    }

    /// Writes one line of any text from `x`, at most `cells` wide, cut with `…`; gives the cells
    /// taken. Text from data goes out in reading order of its script.
    pub fn put(&mut self, x: u16, y: u16, cells: u16, text: &str, style: Style) -> u16 {
        if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control()) {
            if text.len() <= usize::from(cells) {
                return self.put_safe(x, y, cells, text, style);
            }
            return self.put_safe(x, y, cells, &text::truncate(text, usize::from(cells)), style);
        }
        laid(text, cells, self.looks.direction, |line| {
            let mut rest = line.text.as_str();
            let clusters = line.clusters.iter().map(|(bytes, width)| {
                let (cluster, after) = rest.split_at(usize::from(*bytes));
                rest = after;
                (cluster, *width)
            });
            self.put_clusters(x, y, cells, clusters, style)
        })
    }

    /// Writes text that is safe already: laid out by the text room, or our own words.
    pub fn put_safe(&mut self, x: u16, y: u16, cells: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if y < area.y || y >= area.bottom() {
            return 0;
        }
        let end = x.saturating_add(cells).min(area.right());
        let mut at = x;
        if text.is_ascii() {
            // Most of a screen: a letter is a cluster is a cell.
            for i in 0..text.len().min(usize::from(end.saturating_sub(x))) {
                if let Some(cell) = self.buffer.cell_mut((at, y)) {
                    cell.set_symbol(&text[i..=i]).set_style(style);
                }
                at += 1;
            }
            return at - x;
        }
        let measured = |c| (c, text::cluster_width(c) as u16);
        self.put_clusters(x, y, cells, text.graphemes(true).map(measured), style)
    }

    /// Writes clusters of known widths.
    fn put_clusters<'t>(
        &mut self,
        x: u16,
        y: u16,
        cells: u16,
        clusters: impl Iterator<Item = (&'t str, u16)>,
        style: Style,
    ) -> u16 {
        let area = self.buffer.area;
        if y < area.y || y >= area.bottom() {
            return 0;
        }
        let end = x.saturating_add(cells).min(area.right());
        let mut at = x;
        for (cluster, width) in clusters {
            if width == 0 {
                continue;
            }
            if at + width > end {
                break;
            }
            if let Some(cell) = self.buffer.cell_mut((at, y)) {
                cell.set_symbol(cluster).set_style(style);
            }
            for next in at + 1..at + width {
                if let Some(cell) = self.buffer.cell_mut((next, y)) {
                    // The second half of a wide cluster: nothing is written there.
                    cell.set_symbol(" ").set_style(style);
                }
            }
            at += width;
        }
        at - x
    }

    /// One sign of one cell of our own.
    fn sign(&mut self, x: u16, y: u16, sign: &'static str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(sign).set_style(style);
        }
    }

    /// Writes pieces one after the other; gives the cells taken.
    pub fn line(&mut self, x: u16, y: u16, cells: u16, pieces: &[(&str, Style)]) -> u16 {
        let mut used = 0;
        for (text, style) in pieces {
            if used >= cells {
                break;
            }
            used += self.put(x + used, y, cells - used, text, *style);
        }
        used
    }

    /// Writes text that ends at the right edge of the row.
    pub fn right(&mut self, row: Rect, text: &str, style: Style) -> u16 {
        let width = (text::width(&text::display(text)) as u16).min(row.width);
        self.put(row.right().saturating_sub(width), row.y, width, text, style)
    }

    /// Styles an area without writing.
    pub fn tint(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, style);
    }

    /// Empties an area.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// A pane: border and title, or a title line alone in plain mode; gives what is inside.
    pub fn pane(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 4 || area.height < 2 {
            return area;
        }
        let line = self.style(if focused { Role::Focus } else { Role::Border });
        let name = self.style(if focused { Role::Accent } else { Role::Title });
        if self.looks.plain {
            let mark = if focused { "* " } else { "" };
            self.line(area.x, area.y, area.width, &[(mark, name), (title, name)]);
            return Rect { y: area.y + 1, height: area.height - 1, ..area };
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.x + 1..right {
            self.sign(x, area.y, "─", line);
            self.sign(x, bottom, "─", line);
        }
        for y in area.y + 1..bottom {
            self.sign(area.x, y, "│", line);
            self.sign(right, y, "│", line);
        }
        let corners = [
            (area.x, area.y, "╭"),
            (right, area.y, "╮"),
            (area.x, bottom, "╰"),
            (right, bottom, "╯"),
        ];
        for (x, y, corner) in corners {
            self.sign(x, y, corner, line);
        }
        if !title.is_empty() {
            let room = area.width.saturating_sub(4);
            let used = self.put(area.x + 2, area.y, room, title, name);
            self.put_safe(area.x + 1, area.y, 1, " ", line);
            self.put_safe(area.x + 2 + used, area.y, 1, " ", line);
        }
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    }

    /// Laid lines from `skip` on, right-aligned where the script runs that way. `styles` maps the
    /// style numbers of the spans. Gives the rows written.
    pub fn laid(
        &mut self,
        area: Rect,
        lines: &[LaidLine],
        skip: usize,
        style: Style,
        styles: &[Style],
    ) -> u16 {
        let mut rows = 0;
        for line in lines.iter().skip(skip).take(usize::from(area.height)) {
            let width = (line.width as u16).min(area.width);
            let x = if line.rtl { area.right() - width } else { area.x };
            let mut at = x;
            let mut done = 0;
            for (range, id) in &line.spans {
                if range.start > done {
                    at += self.put_safe(
                        at,
                        area.y + rows,
                        area.right() - at,
                        &line.text[done..range.start],
                        style,
                    );
                }
                let look = styles.get(*id).copied().unwrap_or(style);
                at += self.put_safe(
                    at,
                    area.y + rows,
                    area.right() - at,
                    &line.text[range.clone()],
                    look,
                );
                done = range.end;
            }
            self.put_safe(
                at,
                area.y + rows,
                area.right().saturating_sub(at),
                &line.text[done..],
                style,
            );
            rows += 1;
        }
        rows
    }

    /// A text of any length, wrapped; gives the rows that it takes in full.
    pub fn text(&mut self, area: Rect, text: &str, style: Style) -> usize {
        let laid = text::lay_out(text, usize::from(area.width), self.looks.direction);
        self.laid(area, &laid.lines, 0, style, &[]);
        laid.lines.len()
    }

    /// A pane of lines of any length that is scrolled: `top` is the first row in view, and is kept
    /// inside. Says at its edge where it stands. Gives how many rows there are.
    pub fn scrolled(
        &mut self,
        area: Rect,
        title: &str,
        lines: &[(String, Role)],
        top: &mut usize,
    ) -> usize {
        let inner = self.pane(area, title, true);
        let (width, direction) = (usize::from(inner.width).max(1), self.looks.direction);
        let laid: Vec<(LaidLine, Style)> = lines
            .iter()
            .flat_map(|(line, role)| {
                let style = self.style(*role);
                text::lay_out(line, width, direction).lines.into_iter().map(move |l| (l, style))
            })
            .collect();
        let height = usize::from(inner.height);
        let most = laid.len().saturating_sub(height);
        *top = (*top).min(most);
        for (i, (line, style)) in laid.iter().skip(*top).take(height).enumerate() {
            let at = Rect { y: inner.y + i as u16, height: 1, ..inner };
            self.laid(at, std::slice::from_ref(line), 0, *style, &[]);
        }
        if most > 0 {
            let width = area.width.saturating_sub(2);
            let row = Rect { y: area.bottom() - 1, height: 1, width, ..area };
            let said = format!(" line {} of {} ", (*top + height).min(laid.len()), laid.len());
            let style = self.style(Role::Muted);
            self.right(row, &said, style);
        }
        laid.len()
    }

    /// A chart.
    pub fn canvas(&mut self, area: Rect, canvas: &Canvas) {
        for (dy, row) in canvas.cells.iter().take(usize::from(area.height)).enumerate() {
            for (dx, cell) in row.iter().take(usize::from(area.width)).enumerate() {
                let style = self.looks.chart(&cell.role);
                let (x, y) = (area.x + dx as u16, area.y + dy as u16);
                // The second half of a wide cluster is empty: it keeps the style alone.
                let text = if cell.text.is_empty() { " " } else { cell.text.as_ref() };
                if let Some(to) = self.buffer.cell_mut((x, y)) {
                    to.set_symbol(text).set_style(style);
                }
            }
        }
    }

    /// An empty or failed state: what there is to say, in the middle of the area.
    pub fn says(&mut self, area: Rect, lines: &[(&str, Role)]) {
        let width = area.width.saturating_sub(4).min(64);
        let x = area.x + (area.width - width) / 2;
        let laid: Vec<_> = lines
            .iter()
            .map(|(t, r)| (text::lay_out(t, usize::from(width.max(1)), self.looks.direction), *r))
            .collect();
        let rows: usize = laid.iter().map(|(l, _)| l.lines.len()).sum();
        let mut y = area.y + area.height.saturating_sub(rows as u16) / 3;
        for (l, role) in laid {
            let left = area.bottom().saturating_sub(y);
            let style = self.style(role);
            y += self.laid(Rect { x, y, width, height: left }, &l.lines, 0, style, &[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_laid_out_for_its_width_and_direction_each() {
        for text in ["سلام عليكم يا صديقي", "한국어 문장입니다", "দুই", "a\u{1b}b"]
        {
            for cells in [1, 4, 40] {
                for direction in [Resolved::App, Resolved::Off, Resolved::App] {
                    let wanted = text::lay_line(text, usize::from(cells), direction).text;
                    laid(text, cells, direction, |line| assert_eq!(line.text, wanted));
                }
            }
        }
        for n in 0..2 * LINES_KEPT {
            laid(&format!("é{n}"), 9, Resolved::App, |line| {
                assert_eq!(line.text, format!("é{n}"));
            });
        }
    }

    #[test]
    fn ascii_is_cut_at_the_edge_and_control_characters_are_shown() {
        let looks = Looks {
            theme: crate::tui::theme::load("dark", std::path::Path::new("")).unwrap(),
            plain: false,
            bidi: crate::text::BidiMode::App,
            direction: Resolved::App,
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        let mut pen = Pen::new(&looks, &mut buffer);
        assert_eq!(pen.put(6, 0, 20, "abc", Style::new()), 2);
        assert_eq!(pen.put(0, 0, 4, "abcdef", Style::new()), 4);
        assert_eq!(pen.put(9, 0, 4, "x", Style::new()), 0);
        let row: String = buffer.content.iter().map(|c| c.symbol()).collect();
        assert_eq!(row, "abc…  ab");
    }
}
