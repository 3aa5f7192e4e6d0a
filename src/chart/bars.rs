//! Aligned horizontal bars with their values, intervals and notes.

use super::canvas::{Canvas, Glyphs, Role};
use super::export::{Rows, value};
use super::palette::Palette;
use super::svg::{Anchor, MARGIN, SIZE, Svg, TITLE, fit, text_width};
use super::ticks::{Axis, number};
use crate::text::{display, width};

/// One bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    /// What is measured; any script.
    pub label: String,
    /// In the chart's unit; NaN is written as "undefined" and has no bar.
    pub value: f64,
    /// Its interval, in the same unit.
    pub interval: Option<(f64, f64)>,
    /// Said after the numbers, such as `n=120`.
    pub note: String,
    /// Index into the theme's series colours.
    pub style: usize,
}

/// Bars on a common scale that contains 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BarChart {
    /// Above everything.
    pub title: String,
    /// Of all values.
    pub unit: String,
    /// From the top.
    pub rows: Vec<Bar>,
    /// The upper end of the scale; the highest value or interval without one.
    pub max: Option<f64>,
}

/// Eighths of a cell from the left.
const EIGHTHS: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// Fills `share` of `room` cells from the left with a bar.
pub(super) fn bar(
    canvas: &mut Canvas,
    place: (usize, usize),
    room: usize,
    share: f64,
    glyphs: Glyphs,
    role: Role,
) {
    let (x, y) = place;
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    if glyphs == Glyphs::Ascii {
        let n = (share * room as f64).round() as usize;
        (0..n).for_each(|i| canvas.set(x + i, y, "#", role));
        return;
    }
    let mut eighths = (share * room as f64 * 8.0).round() as usize;
    // What is not nothing is seen.
    if share > 0.0 && room > 0 {
        eighths = eighths.max(1);
    }
    (0..eighths / 8).for_each(|i| canvas.set(x + i, y, "█", role));
    if !eighths.is_multiple_of(8) {
        canvas.set(x + eighths / 8, y, EIGHTHS[eighths % 8], role);
    }
}

/// Values with as many decimals for all.
fn alike(values: &[f64]) -> Vec<String> {
    let largest = values.iter().filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(v.abs()));
    let whole = values.iter().filter(|v| v.is_finite()).all(|v| v.fract() == 0.0);
    let decimals = match largest {
        l if l >= 1e4 || (l > 0.0 && l < 1e-2) => None,
        _ if whole => Some(0),
        l if l >= 100.0 => Some(1),
        l if l >= 10.0 => Some(2),
        _ => Some(3),
    };
    let say = |v: &f64| match decimals {
        _ if v.is_nan() => "undefined".to_owned(),
        Some(d) if v.is_finite() => format!("{v:.d$}"),
        _ => number(*v),
    };
    values.iter().map(say).collect()
}

impl BarChart {
    fn scale(&self) -> Axis {
        let ends = self.rows.iter().flat_map(|r| {
            let (lo, hi) = r.interval.unwrap_or((r.value, r.value));
            [r.value, lo, hi]
        });
        let finite = ends.filter(|v| v.is_finite());
        let (lo, mut hi) = finite.fold((0.0f64, 0.0f64), |(lo, hi), v| (lo.min(v), hi.max(v)));
        if let Some(most) = self.max.filter(|m| m.is_finite() && *m > lo) {
            hi = most;
        }
        Axis::new(lo, if lo == hi { 1.0 } else { hi }, false)
    }

    /// Value, interval and note of each row, as wide as there is room for them.
    fn words(&self, room: usize) -> Vec<String> {
        let values = alike(&self.rows.iter().map(|r| r.value).collect::<Vec<_>>());
        let ends: Vec<f64> =
            self.rows.iter().filter_map(|r| r.interval).flat_map(|(a, b)| [a, b]).collect();
        let mut ends = alike(&ends).into_iter();
        // A word in place of a number is not lined up with the numbers.
        let numbers = self.rows.iter().zip(&values).filter(|(r, _)| !r.value.is_nan());
        let longest = numbers.map(|(_, v)| width(v)).max().unwrap_or(0);
        let rows: Vec<[String; 3]> = self
            .rows
            .iter()
            .zip(values)
            .map(|(r, v)| {
                let interval = r.interval.map_or_else(String::new, |_| {
                    let (lo, hi) = (ends.next(), ends.next());
                    format!(" [{}, {}]", lo.unwrap_or_default(), hi.unwrap_or_default())
                });
                let space = if r.note.is_empty() { "" } else { " " };
                [format!("{v:>longest$}"), interval, format!("{space}{}", display(&r.note))]
            })
            .collect();
        let interval = rows.iter().map(|r| width(&r[1])).max().unwrap_or(0);
        let say = |with_interval: bool, with_note: bool| -> Vec<String> {
            rows.iter()
                .map(|[v, i, n]| {
                    let cells = if v.starts_with('u') { 0 } else { interval };
                    let i = if with_interval { crate::text::pad(i, cells) } else { String::new() };
                    format!("{v}{i}{}", if with_note { n } else { "" }).trim_end().to_owned()
                })
                .collect()
        };
        let fits = |words: &[String]| words.iter().all(|w| width(w) <= room);
        let choices = [say(true, true), say(true, false), say(false, true)];
        choices.into_iter().find(|w| fits(w)).unwrap_or_else(|| say(false, false))
    }

    fn heading(&self) -> String {
        match (self.title.is_empty(), self.unit.is_empty()) {
            (_, true) => self.title.clone(),
            (true, false) => self.unit.clone(),
            (false, false) => format!("{} ({})", self.title, self.unit),
        }
    }

    /// Drawn in so many cells. Rows that do not fit are counted in the last one.
    pub fn cells(&self, width: u16, height: u16, glyphs: Glyphs) -> Canvas {
        let mut canvas = Canvas::new(width, height);
        let (w, h) = (usize::from(width), usize::from(height));
        let heading = self.heading();
        let top = usize::from(h >= 3 && !heading.is_empty());
        if top == 1 {
            canvas.put(0, 0, &heading, w, Role::Title);
        }
        if self.rows.is_empty() {
            canvas.put(0, top, "no values yet", w, Role::Muted);
            return canvas;
        }
        let cells = |s: &str| crate::text::width(&display(s));
        let longest = self.rows.iter().map(|r| cells(&r.label)).max().unwrap_or(0);
        let label = longest.min(w * 2 / 5);
        let words = self.words(w.saturating_sub(label + 2) * 3 / 5);
        let said = words.iter().map(|s| cells(s.trim_end())).max().unwrap_or(0);
        let left = label + usize::from(label > 0);
        let room = w.saturating_sub(left + said + 1);
        let axis = self.scale();
        let zero = axis.at(0.0).unwrap_or(0.0);
        let fits = h.saturating_sub(top);
        let shown = if self.rows.len() > fits { fits.saturating_sub(1) } else { self.rows.len() };
        for (i, (r, words)) in self.rows.iter().zip(&words).take(shown).enumerate() {
            let y = top + i;
            canvas.put(0, y, &r.label, label, Role::Text);
            if let Some(at) = axis.at(r.value) {
                signed(&mut canvas, (left, y), room, (zero, at), glyphs, Role::Series(r.style));
            }
            if let Some((lo, hi)) = r.interval
                && room > 0
                && let (Some(lo), Some(hi)) = (axis.at(lo), axis.at(hi))
            {
                whisker(&mut canvas, (left, y), room, (lo, hi), glyphs);
            }
            canvas.put(left + room + 1, y, words, said, Role::Text);
        }
        if shown < self.rows.len() {
            let more = format!("+{} more", self.rows.len() - shown);
            canvas.put(0, top + shown, &more, w, Role::Muted);
        }
        canvas
    }

    /// Drawn in so many pixels; as high as the rows need it.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        let heading = self.heading();
        let about = self.rows.iter().map(|r| format!("{} {}", r.label, number(r.value)));
        let about = about.collect::<Vec<_>>().join("; ");
        let top = MARGIN + TITLE + 14.0;
        let size = (size.0, height_for(size.1, top + MARGIN, self.rows.len(), (18.0, 34.0)));
        let mut svg = Svg::new(size, palette, &heading, &about);
        svg.title(&heading);
        if self.rows.is_empty() {
            svg.text(MARGIN, top + SIZE, "no values yet", Anchor::Start, palette.muted);
            return svg.done();
        }
        let inner = svg.width - 2.0 * MARGIN;
        let longest = self.rows.iter().map(|r| text_width(&r.label, SIZE)).fold(0.0, f64::max);
        let label = longest.min(inner * 0.4);
        let words = self.words(((inner - label) * 0.6 / (SIZE * 0.62)) as usize);
        let said = words.iter().map(|w| text_width(w.trim_end(), SIZE)).fold(0.0, f64::max);
        let left = MARGIN + label + 8.0;
        let right = (svg.width - MARGIN - said - 8.0).max(left + 4.0);
        let each = ((svg.height - top - MARGIN) / self.rows.len() as f64).clamp(18.0, 34.0);
        let axis = self.scale();
        let px = |v: f64| axis.at(v).map(|s| left + s * (right - left));
        let zero = px(0.0).unwrap_or(left);
        for (i, (r, words)) in self.rows.iter().zip(&words).enumerate() {
            let y = top + i as f64 * each;
            let middle = y + each / 2.0;
            let name = fit(&r.label, SIZE, label);
            svg.text(MARGIN + label, middle + 4.0, &name, Anchor::End, palette.text);
            if let Some(x) = px(r.value) {
                let color = palette.series(r.style).to_string();
                svg.rect(x.min(zero), y + each * 0.18, (x - zero).abs(), each * 0.64, &color);
            }
            if let Some((lo, hi)) = r.interval
                && let (Some(lo), Some(hi)) = (px(lo), px(hi))
            {
                let (c, half) = (palette.text, each * 0.16);
                svg.line((lo, middle), (hi, middle), c, 1.4, "");
                svg.line((lo, middle - half), (lo, middle + half), c, 1.4, "");
                svg.line((hi, middle - half), (hi, middle + half), c, 1.4, "");
            }
            let words = fit(words.trim(), SIZE, svg.width - right - 8.0);
            svg.text(right + 8.0, middle + 4.0, &words, Anchor::Start, palette.text);
        }
        let end = top + self.rows.len() as f64 * each;
        svg.line((zero, top), (zero, end), palette.axis, 1.0, "");
        svg.done()
    }

    fn table(&self) -> Rows {
        let mut t = Rows::new(["", &self.unit, "low", "high", "note"]);
        for r in &self.rows {
            let (lo, hi) = (r.interval.map(|i| i.0), r.interval.map(|i| i.1));
            let v = value(Some(r.value).filter(|v| !v.is_nan()));
            t.push([r.label.clone(), v, value(lo), value(hi), r.note.clone()]);
        }
        t
    }

    /// One row a bar.
    pub fn csv(&self) -> String {
        let mut t = self.table();
        t.head = ["label", "value", "low", "high", "note"].map(Into::into).to_vec();
        t.csv()
    }

    /// One row a bar.
    pub fn markdown(&self) -> String {
        self.table().markdown(&self.title)
    }
}

/// The height that is asked for, or the nearest at which rows are neither too low nor too high;
/// `around` is what else there is.
pub(super) fn height_for(asked: u32, around: f64, rows: usize, (low, high): (f64, f64)) -> u32 {
    let rows = rows.max(1) as f64;
    let (least, most) = (around + rows * low, around + rows * high);
    f64::from(asked).clamp(least, most).ceil().min(20_000.0) as u32
}

/// A bar from 0 to the value, to either side.
fn signed(
    canvas: &mut Canvas,
    place: (usize, usize),
    room: usize,
    (zero, at): (f64, f64),
    glyphs: Glyphs,
    role: Role,
) {
    if zero <= 0.0 {
        return bar(canvas, place, room, at, glyphs, role);
    }
    // Eighths only grow to the right: with values below zero, bars have whole cells.
    let full = if glyphs == Glyphs::Ascii { "#" } else { "█" };
    let cell = |s: f64| (s * room as f64).round() as usize;
    let (a, b) = (cell(zero.min(at)), cell(zero.max(at)));
    (a..b.min(room)).for_each(|i| canvas.set(place.0 + i, place.1, full, role));
    let line = if glyphs == Glyphs::Ascii { "|" } else { "│" };
    if a == b {
        canvas.set(place.0 + cell(zero).min(room.max(1) - 1), place.1, line, Role::Axis);
    }
}

/// From the lower to the upper end of an interval; the bar below it stays.
fn whisker(
    canvas: &mut Canvas,
    (left, y): (usize, usize),
    room: usize,
    (lo, hi): (f64, f64),
    glyphs: Glyphs,
) {
    let [from, line, to] =
        if glyphs == Glyphs::Ascii { ["[", "-", "]"] } else { ["├", "─", "┤"] };
    let cell = |s: f64| ((s * room as f64) as usize).min(room - 1);
    let (a, b) = (cell(lo.min(hi)), cell(lo.max(hi)));
    for i in a + 1..b {
        let blank =
            canvas.cells.get(y).and_then(|r| r.get(left + i)).is_some_and(|c| c.text == " ");
        if blank {
            canvas.set(left + i, y, line, Role::Mark);
        }
    }
    if b > a {
        canvas.set(left + a, y, from, Role::Mark);
    }
    canvas.set(left + b, y, to, Role::Mark);
}
