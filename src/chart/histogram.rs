//! How many values fall between edges, with a threshold.

use super::canvas::{Canvas, Glyphs, Role};
use super::export::Rows;
use super::frame::{Entry, Words, frame};
use super::palette::Palette;
use super::svg::{Anchor, MARGIN, SIZE, Svg, TITLE, fit, text_width};
use super::ticks::{Axis, number};

/// Counts between edges.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Above everything; says n.
    pub title: String,
    /// Of the horizontal axis, with its unit.
    pub x_label: String,
    /// Ascending, one more than there are counts.
    pub edges: Vec<f64>,
    /// So many values from an edge to the next.
    pub counts: Vec<u64>,
    /// A threshold: a line, and what is below it stands back.
    pub mark: Option<f64>,
}

/// Eighths of a cell from below.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

impl Histogram {
    /// So many bins of equal width over values; what is no finite number is not counted.
    pub fn of(values: &[f64], bins: usize) -> Self {
        let axis = Axis::over(values.iter().copied(), false);
        let bins = bins.max(1);
        let mut counts = vec![0u64; bins];
        for at in values.iter().filter_map(|v| axis.at(*v)) {
            counts[((at * bins as f64) as usize).min(bins - 1)] += 1;
        }
        let edge = |i: usize| {
            let share = i as f64 / bins as f64;
            axis.lo() * (1.0 - share) + axis.hi() * share
        };
        Self { edges: (0..=bins).map(edge).collect(), counts, ..Self::default() }
    }

    /// Bins with finite ascending edges: from, to, count.
    fn bins(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let pairs = self.edges.windows(2).zip(&self.counts).map(|(e, n)| (e[0], e[1], *n));
        pairs.filter(|(a, b, _)| a.is_finite() && b.is_finite() && a < b)
    }

    fn axes(&self) -> (Axis, Axis) {
        // A threshold outside of the values is drawn as well.
        let ends = self.bins().flat_map(|(a, b, _)| [a, b]).chain(self.mark);
        let most = self.bins().map(|b| b.2).max().unwrap_or(0).max(1);
        (Axis::over(ends, false), Axis::new(0.0, most as f64, false))
    }

    fn below(&self, bin: (f64, f64, u64)) -> bool {
        self.mark.is_some_and(|m| bin.0 / 2.0 + bin.1 / 2.0 < m)
    }

    /// Drawn in so many cells.
    pub fn cells(&self, width: u16, height: u16, glyphs: Glyphs) -> Canvas {
        let mut canvas = Canvas::new(width, height);
        let axes = self.axes();
        let stroke = if glyphs == Glyphs::Ascii { ":" } else { "┊" };
        let legend: Vec<Entry> = self
            .mark
            .iter()
            .map(|m| Entry { mark: stroke, name: number(*m), role: Role::Mark })
            .collect();
        let words = Words { title: &self.title, x: &self.x_label, y: "count" };
        let Some(area) = frame(&mut canvas, words, &legend, axes, glyphs) else { return canvas };
        let mut drawn = vec![0usize; area.width];
        for bin in self.bins() {
            let (Some(a), Some(b)) = (axes.0.at(bin.0), axes.0.at(bin.1)) else { continue };
            let cell = |s: f64| (s * area.width as f64).round() as usize;
            // A bin narrower than a cell is still drawn, and the higher one of a cell wins.
            let (a, b) = (cell(a).min(area.width - 1), cell(b).min(area.width));
            let high = axes.1.at(bin.2 as f64).unwrap_or(0.0) * area.height as f64 * 8.0;
            let high = (high.round() as usize).max(usize::from(bin.2 > 0));
            let role = if self.below(bin) { Role::FaintSeries(0) } else { Role::Series(0) };
            for x in a..b.max(a + 1) {
                if drawn[x] > high {
                    continue;
                }
                drawn[x] = high;
                for row in 0..area.height {
                    let part = high.saturating_sub(row * 8).min(8);
                    let glyph = match (part, glyphs) {
                        (0, _) => continue,
                        (p, Glyphs::Ascii) if p >= 4 || row == 0 => "#",
                        (_, Glyphs::Ascii) => continue,
                        (p, _) => EIGHTHS[p],
                    };
                    canvas.set(area.left + x, area.top + area.height - 1 - row, glyph, role);
                }
            }
        }
        if let Some(at) = self.mark.and_then(|m| axes.0.at(m)) {
            let x = area.left + ((at * area.width as f64) as usize).min(area.width - 1);
            (0..area.height).for_each(|y| canvas.set(x, area.top + y, stroke, Role::Mark));
        }
        if self.bins().all(|b| b.2 == 0) {
            let y = area.top + area.height / 2;
            canvas.put(area.left + 1, y, "no values yet", area.width, Role::Muted);
        }
        canvas
    }

    /// Drawn in so many pixels.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        let total = self.bins().fold(0u64, |sum, b| sum.saturating_add(b.2));
        let about = format!("{total} values by {}", self.x_label);
        let mut svg = Svg::new(size, palette, &self.title, &about);
        svg.title(&self.title);
        let axes = self.axes();
        let p = palette;
        let top = MARGIN + TITLE + 34.0;
        let bottom = (svg.height - 44.0).max(top + 10.0);
        let y_ticks = axes.1.ticks((((bottom - top) / 45.0) as usize).clamp(2, 8));
        let gutter = y_ticks.iter().map(|t| text_width(&t.1, SIZE)).fold(0.0, f64::max);
        let left = MARGIN + gutter + 8.0;
        let right = (svg.width - MARGIN - 8.0).max(left + 10.0);
        let px = |v: f64| axes.0.at(v).map_or(left, |s| left + s * (right - left));
        let py = |v: f64| axes.1.at(v).map_or(bottom, |s| bottom - s * (bottom - top));
        svg.text(MARGIN, top - 9.0, "count", Anchor::Start, p.muted);
        for (v, word) in &y_ticks {
            svg.line((left, py(*v)), (right, py(*v)), p.grid, 1.0, "");
            svg.text(left - 6.0, py(*v) + 4.0, word, Anchor::End, p.muted);
        }
        for bin in self.bins() {
            let (a, b, y) = (px(bin.0), px(bin.1), py(bin.2 as f64));
            let mut color = p.series(0).to_string();
            if self.below(bin) {
                // A half of the colour: what the threshold leaves out.
                color += "\" fill-opacity=\"0.4";
            }
            svg.rect(a + 0.5, y, b - a - 1.0, bottom - y, &color);
        }
        svg.line((left, bottom), (right, bottom), p.axis, 1.0, "");
        let mut free = 0.0;
        for (v, word) in axes.0.ticks((((right - left) / 70.0) as usize).clamp(2, 14)) {
            let half = text_width(&word, SIZE) / 2.0;
            svg.line((px(v), bottom), (px(v), bottom + 4.0), p.axis, 1.0, "");
            if px(v) - half >= free && px(v) + half <= svg.width {
                svg.text(px(v), bottom + 17.0, &word, Anchor::Middle, p.muted);
                free = px(v) + half + 4.0;
            }
        }
        let label = fit(&self.x_label, SIZE, right - left);
        svg.text(f64::midpoint(left, right), bottom + 34.0, &label, Anchor::Middle, p.muted);
        if let Some(m) = self.mark.filter(|m| m.is_finite()) {
            let x = px(m);
            svg.line((x, top), (x, bottom), p.mark, 1.5, "4 3");
            let near = x > f64::midpoint(left, right);
            let (anchor, at) = if near { (Anchor::End, x - 5.0) } else { (Anchor::Start, x + 5.0) };
            svg.text(at, top - 9.0, &number(m), anchor, p.mark);
        }
        svg.done()
    }

    fn table(&self) -> Rows {
        let mut t = Rows::new(["from", "to", "count"]);
        for (a, b, n) in self.edges.windows(2).zip(&self.counts).map(|(e, n)| (e[0], e[1], n)) {
            t.push([a.to_string(), b.to_string(), n.to_string()]);
        }
        t
    }

    /// One row a bin.
    pub fn csv(&self) -> String {
        self.table().csv()
    }

    /// One row a bin.
    pub fn markdown(&self) -> String {
        self.table().markdown(&format!("{} ({})", self.title, self.x_label))
    }
}
