//! What plots with two axes share on a terminal: title, legend, axes with their numbers.

use super::canvas::{Canvas, Glyphs, Role};
use super::dots::Dots;
use super::ticks::Axis;
use crate::text::width;

/// One entry of a legend: its mark, its name, its role.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// One cell.
    pub mark: &'static str,
    /// Any script.
    pub name: String,
    /// Of the mark; the name is text.
    pub role: Role,
}

/// Where the plot lies inside of its axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// First column of the plot.
    pub left: usize,
    /// First row of the plot.
    pub top: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Words around a plot.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// Above everything.
    pub title: &'a str,
    /// Of the horizontal axis, with its unit.
    pub x: &'a str,
    /// Of the vertical axis, with its unit.
    pub y: &'a str,
}

/// Lines of the axes in a set of glyphs: vertical, tick on it, corner, horizontal, tick on it.
fn strokes(glyphs: Glyphs) -> [&'static str; 5] {
    if glyphs == Glyphs::Ascii {
        ["|", "+", "+", "-", "+"]
    } else {
        ["│", "┤", "└", "─", "┴"]
    }
}

/// Draws everything but the plot, and says where the plot goes; `None` if there is no room for one.
pub fn frame(
    canvas: &mut Canvas,
    words: Words<'_>,
    legend: &[Entry],
    axes: (Axis, Axis),
    glyphs: Glyphs,
) -> Option<Area> {
    let (w, h) = (usize::from(canvas.width), usize::from(canvas.height));
    let mut top = 0;
    if h >= 4 {
        let alone = h >= 8 || words.y.is_empty();
        let title =
            if alone { words.title.to_owned() } else { format!("{} · {}", words.title, words.y) };
        let used = canvas.put(0, 0, &title, w, Role::Title);
        top = 1;
        if h < 8 {
            draw_legend(canvas, legend, (used + 2, w), 0);
        }
    }
    if h >= 8 {
        let used = canvas.put(0, 1, words.y, w / 2, Role::Muted);
        draw_legend(canvas, legend, (used + 2, w), 1);
        top = 2;
    }
    let below = usize::from(h >= 3) + usize::from(h >= 5) + usize::from(h >= 12);
    let height = h.checked_sub(top + below).filter(|n| *n > 0)?;
    let y_ticks = axes.1.ticks((height / 2).clamp(2, 12));
    let longest = y_ticks.iter().map(|t| width(&t.1)).max().unwrap_or(0);
    let gutter = if w >= longest + 8 { longest } else { 0 };
    let left = gutter + 1;
    let area = Area { left, top, width: w.checked_sub(left).filter(|n| *n > 0)?, height };
    let [vertical, on_vertical, corner, horizontal, on_horizontal] = strokes(glyphs);
    for y in top..top + height {
        canvas.set(gutter, y, vertical, Role::Axis);
    }
    let raster = Dots::new(area.width, height, glyphs);
    let mut taken = usize::MAX;
    for (v, word) in &y_ticks {
        let Some(at) = axes.1.at(*v) else { continue };
        let row = top + raster.cell_of(raster.at(0.0, at)).1;
        if row == taken {
            continue;
        }
        taken = row;
        canvas.set(gutter, row, on_vertical, Role::Axis);
        canvas.put_right(gutter, row, word, gutter, Role::Axis);
    }
    if below >= 1 {
        let y = top + height;
        canvas.set(gutter, y, corner, Role::Axis);
        for x in left..w {
            canvas.set(x, y, horizontal, Role::Axis);
        }
        let row = (below >= 2).then_some(y + 1);
        // The label of the axis has a row of its own, or the end of the row of numbers.
        let mut end = w;
        if below >= 3 {
            let room = area.width;
            let shown = crate::text::display(words.x);
            let start = left + room.saturating_sub(width(&shown)) / 2;
            canvas.put(start, y + 2, &shown, room, Role::Muted);
        } else if let Some(row) = row
            && w >= 30
        {
            let cells = width(&crate::text::display(words.x)).min(w / 3);
            canvas.put_right(w, row, words.x, cells, Role::Muted);
            end = w.saturating_sub(cells + usize::from(cells > 0));
        }
        x_numbers(canvas, axes.0, &raster, area, row, end, on_horizontal);
    }
    Some(area)
}

fn x_numbers(
    canvas: &mut Canvas,
    axis: Axis,
    raster: &Dots,
    area: Area,
    row: Option<usize>,
    end: usize,
    stroke: &'static str,
) {
    let mut free = 0;
    for (v, word) in axis.ticks((area.width / 9).clamp(2, 14)) {
        let Some(at) = axis.at(v) else { continue };
        let x = area.left + raster.cell_of(raster.at(at, 0.0)).0;
        canvas.set(x, area.top + area.height, stroke, Role::Axis);
        let cells = width(&word);
        let start =
            x.saturating_sub(cells / 2).min(usize::from(canvas.width).saturating_sub(cells));
        if let Some(row) = row
            && start >= free
            && start + cells <= end
        {
            canvas.put(start, row, &word, cells, Role::Axis);
            free = start + cells + 1;
        }
    }
}

/// A legend that ends at the right edge: names are cut alike, then entries are counted.
fn draw_legend(canvas: &mut Canvas, legend: &[Entry], range: (usize, usize), row: usize) {
    let room = range.1.saturating_sub(range.0);
    if legend.is_empty() || room < 4 {
        return;
    }
    let full: usize = legend.iter().map(|e| width(&crate::text::display(&e.name)) + 4).sum();
    // A mark, a blank, the name, two blanks.
    let each = if full <= room + 2 { usize::MAX } else { (room / legend.len()).max(10) - 4 };
    let cells = |e: &Entry| width(&crate::text::display(&e.name)).min(each) + 4;
    let mut shown = legend.len();
    let total = |k: usize| {
        let more = if k < legend.len() { format!("+{}", legend.len() - k).len() + 2 } else { 0 };
        legend[..k].iter().map(cells).sum::<usize>() + more
    };
    while shown > 0 && total(shown) > room + 2 {
        shown -= 1;
    }
    let mut x = range.1.saturating_sub(total(shown).saturating_sub(2));
    for e in &legend[..shown] {
        canvas.put(x, row, e.mark, 1, e.role);
        canvas.put(x + 2, row, &e.name, cells(e) - 4, Role::Text);
        x += cells(e);
    }
    if shown < legend.len() {
        canvas.put(x, row, &format!("+{}", legend.len() - shown), 8, Role::Muted);
    }
}
