//! Several figures of each series around a circle, such as scores by culture.

use std::f64::consts::TAU;

use super::canvas::{Canvas, Glyphs, Role};
use super::dots::{Dots, mark};
use super::export::{Rows, value};
use super::palette::Palette;
use super::svg::{Anchor, MARGIN, SIZE, Svg, TITLE, fit, text_width};
use super::ticks::{Axis, number};
use crate::text::{display, width};

/// Figures around a circle: the middle is `min`, the rim is `max`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Radar {
    /// Above everything.
    pub title: String,
    /// Clockwise from the top.
    pub axes: Vec<String>,
    /// A name and a value for each axis; NaN where there is none.
    pub series: Vec<(String, Vec<f64>)>,
    /// In the middle.
    pub min: f64,
    /// At the rim.
    pub max: f64,
}

impl Radar {
    fn axis(&self) -> Axis {
        if self.min.is_finite() && self.max.is_finite() {
            return Axis::new(self.min, self.max, false);
        }
        Axis::over(self.series.iter().flat_map(|s| s.1.iter().copied()), false)
    }

    /// The direction of an axis: right and down.
    fn towards(&self, i: usize) -> (f64, f64) {
        let turn = TAU * i as f64 / self.axes.len().max(1) as f64;
        (turn.sin(), -turn.cos())
    }

    /// How far out a series is on an axis, from 0 to 1.
    fn out(&self, series: usize, i: usize) -> Option<f64> {
        self.series[series].1.get(i).and_then(|v| self.axis().at(*v))
    }

    /// Drawn in so many cells; as a list of numbers where there is no room for a circle.
    pub fn cells(&self, width: u16, height: u16, glyphs: Glyphs) -> Canvas {
        let mut canvas = Canvas::new(width, height);
        let (w, h) = (usize::from(width), usize::from(height));
        let top = usize::from(h >= 3 && !self.title.is_empty());
        if top == 1 {
            canvas.put(0, 0, &self.title, w, Role::Title);
        }
        if self.axes.is_empty() || self.series.is_empty() {
            canvas.put(0, top, "no figures yet", w, Role::Muted);
            return canvas;
        }
        if w < 36 || h < 12 || self.axes.len() < 3 {
            self.list(&mut canvas, top);
            return canvas;
        }
        self.legend(&mut canvas, top, glyphs);
        let top = top + 1;
        let rows = h - top - 1;
        let named = self.axes.iter().map(|a| crate::text::width(&display(a))).max().unwrap_or(0);
        let side = named.min(w / 4) + 1;
        // A cell is about twice as high as wide: dots are square in braille.
        let columns = (w - 2 * side).min(rows.saturating_sub(2) * 2 + 1);
        let left = (w - columns) / 2;
        let mut dots = Dots::new(columns, rows - 2, glyphs);
        let place = |i: usize, r: f64, dots: &Dots| {
            let (x, y) = self.towards(i);
            dots.at(0.5 + x * r * 0.5, 0.5 - y * r * 0.5)
        };
        for i in 0..self.axes.len() {
            let (a, b) = (place(i, 0.0, &dots), place(i, 1.0, &dots));
            dots.line(a, b, Role::Axis, ".");
        }
        let mut marks = Vec::new();
        for s in 0..self.series.len() {
            let role = Role::Series(s);
            for i in 0..self.axes.len() {
                let next = (i + 1) % self.axes.len();
                let Some(r) = self.out(s, i) else { continue };
                let a = place(i, r, &dots);
                marks.push((dots.cell_of(a), s));
                if let Some(r) = self.out(s, next) {
                    let b = place(next, r, &dots);
                    dots.line(a, b, role, mark(s, glyphs));
                }
            }
        }
        dots.onto(&mut canvas, left, top + 1);
        for ((x, y), s) in marks {
            canvas.set(left + x, top + 1 + y, mark(s, glyphs), Role::Series(s));
        }
        for (i, name) in self.axes.iter().enumerate() {
            let (x, y) = self.towards(i);
            let cell = dots.cell_of(place(i, 1.0, &dots));
            let row = match y {
                y if y < -0.95 => top,
                y if y > 0.95 => top + rows - 1,
                _ => top + 1 + cell.1,
            };
            let cells = crate::text::width(&display(name));
            if x > 0.05 {
                canvas.put(left + cell.0 + 2, row, name, w, Role::Text);
            } else if x < -0.05 {
                canvas.put_right((left + cell.0).saturating_sub(1), row, name, w, Role::Text);
            } else {
                canvas.put((w / 2).saturating_sub(cells / 2), row, name, w, Role::Text);
            }
        }
        let ends = format!("middle {}, rim {}", number(self.axis().lo()), number(self.axis().hi()));
        canvas.put(0, h - 1, &ends, w, Role::Muted);
        canvas
    }

    fn legend(&self, canvas: &mut Canvas, y: usize, glyphs: Glyphs) {
        let w = usize::from(canvas.width);
        let each = (w / self.series.len().max(1)).max(8);
        let mut x = 0;
        for (i, (name, _)) in self.series.iter().enumerate() {
            if x + 6 > w {
                break;
            }
            canvas.put(x, y, mark(i, glyphs), 1, Role::Series(i));
            x += 2 + canvas.put(x + 2, y, name, each - 4, Role::Text) + 2;
        }
    }

    /// One row an axis, one column a series.
    fn list(&self, canvas: &mut Canvas, top: usize) {
        let (w, h) = (usize::from(canvas.width), usize::from(canvas.height));
        let label = self.axes.iter().map(|a| width(&display(a))).max().unwrap_or(0).min(w / 2);
        let each = 8;
        let columns = (w.saturating_sub(label) / each).min(self.series.len());
        let head = usize::from(h > top + 1);
        for s in 0..columns {
            let end = label + (s + 1) * each;
            if head == 1 {
                canvas.put_right(end, top, &self.series[s].0, each - 1, Role::Series(s));
            }
            for i in 0..self.axes.len() {
                let v = self.series[s].1.get(i).copied().filter(|v| !v.is_nan());
                let said = v.map_or_else(|| "-".into(), number);
                canvas.put_right(end, top + head + i, &said, each - 1, Role::Text);
            }
        }
        for (i, a) in self.axes.iter().enumerate() {
            canvas.put(0, top + head + i, a, label, Role::Text);
        }
    }

    /// Drawn in so many pixels.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        let about = self.series.iter().map(|(name, values)| {
            let pairs = self.axes.iter().zip(values).map(|(a, v)| format!("{a} {}", number(*v)));
            format!("{name}: {}", pairs.collect::<Vec<_>>().join(", "))
        });
        let about = about.collect::<Vec<_>>().join("; ");
        let mut svg = Svg::new(size, palette, &self.title, &about);
        svg.title(&self.title);
        let p = palette;
        let mut top = MARGIN + TITLE + 16.0;
        if self.axes.is_empty() || self.series.is_empty() {
            svg.text(MARGIN, top + SIZE, "no figures yet", Anchor::Start, p.muted);
            return svg.done();
        }
        let mut x = MARGIN + 4.0;
        for (i, (name, _)) in self.series.iter().enumerate() {
            let name = fit(name, SIZE, svg.width - 2.0 * MARGIN - 30.0);
            let room = text_width(&name, SIZE) + 28.0;
            if x + room > svg.width - MARGIN && x > MARGIN + 4.0 {
                (x, top) = (MARGIN + 4.0, top + 18.0);
            }
            svg.shape(x, top - 4.0, i);
            svg.text(x + 9.0, top, &name, Anchor::Start, p.text);
            x += room;
        }
        let side =
            self.axes.iter().map(|a| text_width(a, SIZE)).fold(0.0, f64::max).min(svg.width / 4.0);
        let (high, wide) = (svg.height - top - 62.0, svg.width - 2.0 * (side + 16.0));
        let radius = (high.min(wide) / 2.0).max(10.0);
        let middle = (svg.width / 2.0, top + 28.0 + radius);
        let at = |i: usize, r: f64| {
            let (x, y) = self.towards(i);
            (middle.0 + x * r * radius, middle.1 + y * r * radius)
        };
        let scale = self.axis();
        for ring in 1..=4 {
            let r = f64::from(ring) / 4.0;
            let mut around: Vec<_> = (0..self.axes.len()).map(|i| at(i, r)).collect();
            around.extend(around.first().copied());
            svg.polyline(&around, p.grid, 1.0, 1.0);
        }
        for (i, name) in self.axes.iter().enumerate() {
            svg.line(middle, at(i, 1.0), p.grid, 1.0, "");
            let (x, y) = at(i, 1.0);
            let (dx, dy) = self.towards(i);
            let anchor = match dx {
                d if d > 0.05 => Anchor::Start,
                d if d < -0.05 => Anchor::End,
                _ => Anchor::Middle,
            };
            let name = fit(name, SIZE, side.max(40.0));
            svg.text(x + dx * 8.0, y + dy * 8.0 + 4.0 + dy * 4.0, &name, anchor, p.text);
        }
        for ring in [0.0, 0.5, 1.0] {
            let v = scale.lo() * (1.0 - ring) + scale.hi() * ring;
            let place = (middle.0 + 4.0, middle.1 - ring * radius - 3.0);
            svg.text(place.0, place.1 + 12.0, &number(v), Anchor::Start, p.muted);
        }
        for s in 0..self.series.len() {
            let color = p.series(s);
            let n = self.axes.len();
            let points: Vec<Option<(f64, f64)>> =
                (0..n).map(|i| self.out(s, i).map(|r| at(i, r))).collect();
            let known: Vec<(f64, f64)> = points.iter().flatten().copied().collect();
            if known.len() == n {
                svg.polygon(&known, color, 2.0, 0.08);
            } else {
                // A missing figure leaves the shape open.
                for i in 0..n {
                    if let (Some(a), Some(b)) = (points[i], points[(i + 1) % n]) {
                        svg.line(a, b, color, 2.0, "");
                    }
                }
            }
            known.iter().for_each(|q| svg.shape(q.0, q.1, s));
        }
        svg.done()
    }

    fn table(&self, say: fn(Option<f64>) -> String) -> Rows {
        let mut t = Rows::new(std::iter::once("").chain(self.series.iter().map(|s| s.0.as_str())));
        for (i, a) in self.axes.iter().enumerate() {
            let row = self.series.iter().map(|s| say(s.1.get(i).copied().filter(|v| !v.is_nan())));
            t.push(std::iter::once(a.clone()).chain(row));
        }
        t
    }

    /// One row an axis, one column a series.
    pub fn csv(&self) -> String {
        self.table(value).csv()
    }

    /// One row an axis, one column a series.
    pub fn markdown(&self) -> String {
        self.table(|v| v.map_or_else(|| "-".into(), number)).markdown(&self.title)
    }
}
