//! Rows of a list as columns: the same look everywhere.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Position;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// Its width in cells; 0: the rest, shared.
    pub width: u16,
    /// Numbers stand to the right.
    pub right: bool,
    /// Left out when the area is narrower than this.
    pub from: u16,
}

impl Column {
    /// A column of words.
    pub const fn words(name: &'static str, width: u16) -> Self {
        Self { name, width, right: false, from: 0 }
    }

    /// A column of numbers.
    pub const fn number(name: &'static str, width: u16) -> Self {
        Self { name, width, right: true, from: 0 }
    }

    /// Only in areas at least so wide.
    #[must_use]
    pub const fn from(self, width: u16) -> Self {
        Self { from: width, ..self }
    }
}

/// The x and width of every column that is shown; `None` for one that is left out.
fn places(columns: &[Column], area: Rect) -> Vec<Option<(u16, u16)>> {
    let mark = 2;
    let shown: Vec<bool> = columns.iter().map(|c| area.width >= c.from).collect();
    let fixed: u16 = columns
        .iter()
        .zip(&shown)
        .filter(|(c, s)| **s && c.width > 0)
        .map(|(c, _)| c.width + 1)
        .sum();
    let open = columns.iter().zip(&shown).filter(|(c, s)| **s && c.width == 0).count() as u16;
    let rest = area.width.saturating_sub(mark + fixed);
    let mut x = area.x + mark;
    columns
        .iter()
        .zip(shown)
        .map(|(c, shown)| {
            let width = match (shown, c.width) {
                (false, _) => return None,
                (true, 0) => (rest / open.max(1)).saturating_sub(1),
                (true, w) => w,
            };
            let left = area.right().saturating_sub(x);
            let place = (x, width.min(left));
            x += width + 1;
            Some(place)
        })
        .collect()
}

/// A heading and the rows below it. Each row: its cells with their styles, whether the cursor is on
/// it, whether it is marked. The first line of `area` is the heading.
pub fn draw_rows(
    pen: &mut Pen<'_>,
    area: Rect,
    columns: &[Column],
    rows: &[(Vec<(String, Style)>, bool, bool)],
    focused: bool,
) {
    let places = places(columns, area);
    let muted = pen.style(Role::Muted);
    let cell = |pen: &mut Pen<'_>, place: (u16, u16), right: bool, y: u16, text: &str, style| {
        if right {
            let row = Rect { x: place.0, y, width: place.1, height: 1 };
            pen.right(row, text, style);
        } else {
            pen.put(place.0, y, place.1, text, style);
        }
    };
    for (c, place) in columns.iter().zip(&places) {
        if let Some(place) = place {
            cell(pen, *place, c.right, area.y, c.name, muted);
        }
    }
    for (i, (cells, here, marked)) in rows.iter().enumerate() {
        let y = area.y + 1 + i as u16;
        if y >= area.bottom() {
            break;
        }
        for ((c, place), (text, style)) in columns.iter().zip(&places).zip(cells) {
            if let Some(place) = place {
                cell(pen, *place, c.right, y, text, *style);
            }
        }
        // Told by signs as well as by colour.
        let sign = match (here, marked) {
            (true, true) => ">*",
            (true, false) => "> ",
            (false, true) => " *",
            (false, false) => "  ",
        };
        let style = pen.style(match (marked, here) {
            (true, _) => Role::Marked,
            (false, true) => Role::Selection,
            (false, false) => Role::Text,
        });
        pen.put_safe(area.x, y, 2, sign, style);
        if *here && focused {
            let look = pen.style(Role::Selection);
            pen.tint(Rect { y, height: 1, ..area }, look);
        }
    }
}

/// `12 of 345 · 3 marked`, for a pane's title.
pub fn said(p: Position) -> String {
    let mut text = match (p.at, p.of) {
        (Some(at), Some(of)) => format!("{} of {}", thousands(at), thousands(of)),
        (Some(at), None) => format!("{} of …", thousands(at)),
        (None, Some(of)) => thousands(of),
        (None, None) => String::new(),
    };
    if p.marked > 0 {
        text += &format!(" · {} marked", p.marked);
    }
    text
}

/// `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Where the window is in the list, as a bar at the right edge of the rows.
pub fn draw_scrollbar(pen: &mut Pen<'_>, area: Rect, position: Position) {
    let (Some(at), Some(of)) = (position.at, position.of) else { return };
    let height = u64::from(area.height);
    if pen.looks.plain || of <= height || height < 2 || area.width == 0 {
        return;
    }
    let y = area.y + ((at.saturating_sub(1)) * (height - 1) / (of - 1).max(1)) as u16;
    let style = pen.style(Role::Focus);
    pen.put_safe(area.right() - 1, y.min(area.bottom() - 1), 1, "┃", style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_as_people_write_numbers() {
        let p = Position { at: Some(12_345), of: Some(1_000_000), marked: 2 };
        assert_eq!(said(p), "12,345 of 1,000,000 · 2 marked");
        assert_eq!(said(Position { at: Some(1), of: None, marked: 0 }), "1 of …");
        assert_eq!(thousands(999), "999");
    }
}
