//! Answers of groups to one question: options as columns, groups as rows, bars on one scale.

use super::bars::{bar, height_for};
use super::canvas::{Canvas, Glyphs, Role};
use super::export::Rows;
use super::palette::Palette;
use super::svg::{Anchor, MARGIN, SIZE, Svg, TITLE, fit, text_width};
use crate::text::{display, width};

/// The answers of one group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// Such as a culture; any script.
    pub label: String,
    /// A share from 0 to 1 for each option; `None` if the group was not asked.
    pub shares: Option<Vec<f64>>,
    /// Said after the bars, such as `n=1200, 3 % missing`.
    pub note: String,
    /// Index into the theme's series colours.
    pub style: usize,
}

/// Distributions of answers, aligned so that one option is compared from top to bottom. Where the
/// columns would be too narrow, each group is one bar whose parts carry the number of their option.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distribution {
    /// Above everything.
    pub title: String,
    /// Options in their order.
    pub options: Vec<String>,
    /// Groups from the top.
    pub rows: Vec<Group>,
    /// One bar a group from the start.
    pub stacked: bool,
}

const NOT_ASKED: &str = "not asked";

fn percent(share: Option<f64>) -> String {
    match share {
        Some(s) if s.is_finite() && s > 0.0 && s < 0.005 => "<1%".into(),
        Some(s) if s.is_finite() => format!("{:.0}%", s * 100.0),
        _ => "-".into(),
    }
}

impl Distribution {
    fn largest(&self) -> f64 {
        let shares = self.rows.iter().filter_map(|r| r.shares.as_ref()).flatten();
        shares.copied().filter(|s| s.is_finite()).fold(0.0, f64::max).max(1e-9)
    }

    fn share(row: &Group, option: usize) -> Option<f64> {
        row.shares.as_ref().and_then(|s| s.get(option)).copied()
    }

    /// Drawn in so many cells. Rows that do not fit are counted in the last one.
    pub fn cells(&self, width: u16, height: u16, glyphs: Glyphs) -> Canvas {
        let mut canvas = Canvas::new(width, height);
        let (w, h) = (usize::from(width), usize::from(height));
        let mut top = usize::from(h >= 4 && !self.title.is_empty());
        if top == 1 {
            canvas.put(0, 0, &self.title, w, Role::Title);
        }
        if self.rows.is_empty() || self.options.is_empty() {
            canvas.put(0, top, "no answers", w, Role::Muted);
            return canvas;
        }
        let cells = |s: &str| crate::text::width(&display(s));
        let longest =
            |f: fn(&Group) -> &String| self.rows.iter().map(|r| cells(f(r))).max().unwrap_or(0);
        let label = longest(|r| &r.label).min(w / 4).max(4.min(w));
        let mut note = longest(|r| &r.note);
        let k = self.options.len();
        // Notes go before bars do.
        if w < label + 2 + note + k * 7 {
            note = note.min((w / 5).max(8)).min(note);
        }
        if w < label + 2 + note + k * 5 {
            note = 0;
        }
        let room = w.saturating_sub(label + 1 + note + usize::from(note > 0));
        let each = room / k;
        let stacked = self.stacked || each < 7;
        if !stacked && h > top + 1 {
            for (i, o) in self.options.iter().enumerate() {
                let words = format!("{} {o}", i + 1);
                canvas.put(label + 1 + i * each, top, &words, each - 1, Role::Muted);
            }
            top += 1;
        }
        // Stacked bars name their options below, where there is room.
        let fits = h.saturating_sub(top);
        let shown = if self.rows.len() > fits { fits.saturating_sub(1) } else { self.rows.len() };
        let largest = self.largest();
        for (i, r) in self.rows.iter().take(shown).enumerate() {
            let y = top + i;
            canvas.put(0, y, &r.label, label, Role::Text);
            if note > 0 {
                canvas.put_right(w, y, &r.note, note, Role::Muted);
            }
            if r.shares.is_none() {
                canvas.put(label + 1, y, NOT_ASKED, room, Role::Muted);
            } else if stacked {
                stack(&mut canvas, (label + 1, y), room, r, k, glyphs);
            } else {
                for o in 0..k {
                    let (x, share) = (label + 1 + o * each, Self::share(r, o));
                    canvas.put_right(x + 4, y, &percent(share), 4, Role::Text);
                    let part = share.unwrap_or(0.0) / largest;
                    bar(&mut canvas, (x + 5, y), each - 6, part, glyphs, Role::Series(r.style));
                }
            }
        }
        let mut y = top + shown;
        if shown < self.rows.len() {
            canvas.put(0, y, &format!("+{} more", self.rows.len() - shown), w, Role::Muted);
            y += 1;
        }
        if stacked {
            self.key(&mut canvas, y);
        }
        canvas
    }

    /// The options by their numbers, in the rows that are left.
    fn key(&self, canvas: &mut Canvas, from: usize) {
        let w = usize::from(canvas.width);
        let (mut x, mut y) = (0, from);
        for (i, o) in self.options.iter().enumerate() {
            let words = format!("{} {o}", i + 1);
            let cells = width(&display(&words)).min(w);
            if x > 0 && x + cells > w {
                (x, y) = (0, y + 1);
            }
            canvas.put(x, y, &words, cells, Role::Muted);
            x += cells + 2;
        }
    }

    /// Drawn in so many pixels; as high as the rows need it, wider where the columns do.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        let top = MARGIN + TITLE + 34.0;
        let k = self.options.len().max(1);
        let text = |f: fn(&Group) -> &String, most: f64| {
            self.rows.iter().map(|r| text_width(f(r), SIZE)).fold(0.0, f64::max).min(most)
        };
        let (label, note) = (text(|r| &r.label, 180.0), text(|r| &r.note, 220.0));
        let wide = 2.0 * MARGIN + label + note + 16.0 + k as f64 * 64.0;
        let high = height_for(size.1, top + MARGIN, self.rows.len(), (20.0, 32.0));
        let size = (size.0.max(wide.min(20_000.0) as u32), high);
        let about: Vec<String> = self.rows.iter().map(|r| self.in_words(r)).collect();
        let mut svg = Svg::new(size, palette, &self.title, &about.join("; "));
        svg.title(&self.title);
        if self.rows.is_empty() || self.options.is_empty() {
            svg.text(MARGIN, top, "no answers", Anchor::Start, palette.muted);
            return svg.done();
        }
        let left = MARGIN + label + 8.0;
        let right = svg.width - MARGIN - note - if note > 0.0 { 8.0 } else { 0.0 };
        let column = (right - left) / k as f64;
        let each = ((svg.height - top - MARGIN) / self.rows.len() as f64).clamp(20.0, 32.0);
        for (i, o) in self.options.iter().enumerate() {
            let x = left + i as f64 * column;
            let words = fit(&format!("{} {o}", i + 1), SIZE, column - 8.0);
            svg.text(x, top - 8.0, &words, Anchor::Start, palette.muted);
            svg.line(
                (x, top - 2.0),
                (x, top + each * self.rows.len() as f64),
                palette.axis,
                1.0,
                "",
            );
        }
        let largest = self.largest();
        for (i, r) in self.rows.iter().enumerate() {
            let y = top + i as f64 * each;
            let base = y + each / 2.0 + 4.0;
            svg.text(MARGIN + label, base, &fit(&r.label, SIZE, label), Anchor::End, palette.text);
            svg.text(right + 8.0, base, &fit(&r.note, SIZE, note), Anchor::Start, palette.muted);
            if r.shares.is_none() {
                svg.text(left + 6.0, base, NOT_ASKED, Anchor::Start, palette.muted);
                continue;
            }
            for o in 0..k {
                let share = Self::share(r, o);
                let x = left + o as f64 * column;
                let part = share.filter(|s| s.is_finite()).unwrap_or(0.0).max(0.0) / largest;
                let long = part * (column - 44.0);
                svg.rect(x, y + each * 0.2, long, each * 0.6, &palette.series(r.style).to_string());
                svg.text(x + long + 4.0, base, &percent(share), Anchor::Start, palette.text);
            }
        }
        svg.done()
    }

    fn in_words(&self, r: &Group) -> String {
        let shares = (0..self.options.len()).map(|o| percent(Self::share(r, o)));
        let said = if r.shares.is_none() {
            NOT_ASKED.to_owned()
        } else {
            shares.collect::<Vec<_>>().join(" ")
        };
        format!("{}: {said}", r.label)
    }

    fn table(&self, say: fn(Option<f64>) -> String) -> Rows {
        let head = std::iter::once("group".to_owned()).chain(self.options.iter().cloned());
        let mut t = Rows::new(head.chain(["note".to_owned()]));
        for r in &self.rows {
            let mut cells = vec![r.label.clone()];
            cells.extend((0..self.options.len()).map(|o| say(Self::share(r, o))));
            let note = if r.shares.is_none() { NOT_ASKED } else { &r.note };
            cells.push(note.to_owned());
            t.push(cells);
        }
        t
    }

    /// One row a group, one column an option: shares from 0 to 1.
    pub fn csv(&self) -> String {
        self.table(super::export::value).csv()
    }

    /// One row a group, one column an option: per cent.
    pub fn markdown(&self) -> String {
        self.table(percent).markdown(&self.title)
    }
}

/// One bar whose parts begin with the number of their option.
fn stack(
    canvas: &mut Canvas,
    (x, y): (usize, usize),
    room: usize,
    row: &Group,
    options: usize,
    glyphs: Glyphs,
) {
    let fill = if glyphs == Glyphs::Ascii { "=" } else { "▒" };
    let shares: Vec<f64> = (0..options)
        .map(|o| Distribution::share(row, o).filter(|s| s.is_finite()).unwrap_or(0.0).max(0.0))
        .collect();
    let total = shares.iter().sum::<f64>();
    if !(total.is_finite() && total > 0.0) {
        return;
    }
    let mut before = 0.0;
    for (o, s) in shares.iter().enumerate() {
        let cell = |v: f64| ((v / total * room as f64).round() as usize).min(room);
        let (a, b) = (cell(before), cell(before + s));
        before += s;
        (a..b).for_each(|i| canvas.set(x + i, y, fill, Role::Series(o)));
        let number = (o + 1).to_string();
        if b - a >= number.len() {
            canvas.put(x + a, y, &number, b - a, Role::Series(o));
        }
    }
}
