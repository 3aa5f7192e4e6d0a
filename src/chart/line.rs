//! Curves over a number, such as a loss over steps.

use super::canvas::{Canvas, Glyphs, Role};
use super::dots::{Dots, mark};
use super::export::Rows;
use super::frame::{Area, Entry, Words, frame};
use super::palette::Palette;
use super::points::downsample;
use super::svg::{Anchor, MARGIN, SIZE, Svg, TITLE, fit, text_width};
use super::ticks::{Axis, number};

/// One curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// For the legend; an empty name is not in it.
    pub name: String,
    /// `(x, y)` in the order they were measured. A y that is no finite number breaks the curve.
    pub points: Vec<(f64, f64)>,
    /// Index into the theme's series colours and into the marks.
    pub style: usize,
    /// Behind the others: raw values beside smoothed ones. Not in the legend.
    pub faint: bool,
}

/// A vertical line with a word, such as the best checkpoint.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marker {
    /// Where.
    pub x: f64,
    /// What.
    pub label: String,
}

/// Curves on common axes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LineChart {
    /// Above everything; says n where there is one.
    pub title: String,
    /// Of the horizontal axis, with its unit.
    pub x_label: String,
    /// Of the vertical axis, with its unit.
    pub y_label: String,
    /// Curves.
    pub series: Vec<Series>,
    /// Powers of ten on the vertical axis; values that are not positive are then not drawn, but
    /// marked.
    pub log_y: bool,
    /// Vertical lines.
    pub markers: Vec<Marker>,
}

impl LineChart {
    fn axes(&self) -> (Axis, Axis) {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let x = Axis::over(points().filter(|p| p.1.is_finite()).map(|p| p.0), false);
        let y = Axis::over(points().filter(|p| p.0.is_finite()).map(|p| p.1), self.log_y);
        (x, y.padded(0.05))
    }

    /// Places on the horizontal axis where a value has none on the vertical one, each once: a raw
    /// value and its smoothed one are lost together.
    fn lost(&self, axes: (Axis, Axis)) -> Vec<f64> {
        let points = self.series.iter().flat_map(|s| &s.points);
        let lost = points.filter(|p| p.0.is_finite() && axes.1.at(p.1).is_none());
        let mut lost: Vec<f64> = lost.map(|p| p.0).collect();
        lost.sort_unstable_by(f64::total_cmp);
        lost.dedup();
        lost
    }

    fn lost_words(&self, n: usize) -> String {
        let why = if self.log_y { "NaN, infinite or not positive" } else { "NaN or infinite" };
        format!("{n} not drawn: {why}")
    }

    fn in_order(&self) -> impl Iterator<Item = &Series> {
        let behind = self.series.iter().filter(|s| s.faint);
        behind.chain(self.series.iter().filter(|s| !s.faint))
    }

    /// Drawn in so many cells.
    pub fn cells(&self, width: u16, height: u16, glyphs: Glyphs) -> Canvas {
        let mut canvas = Canvas::new(width, height);
        let axes = self.axes();
        let lost = self.lost(axes);
        let cross = if glyphs == Glyphs::Ascii { "!" } else { "×" };
        let mut legend: Vec<Entry> = self
            .series
            .iter()
            .filter(|s| !s.faint && !s.name.is_empty())
            .map(|s| Entry {
                mark: mark(s.style, glyphs),
                name: s.name.clone(),
                role: Role::Series(s.style),
            })
            .collect();
        if !lost.is_empty() {
            legend.push(Entry { mark: cross, name: self.lost_words(lost.len()), role: Role::Bad });
        }
        let words = Words { title: &self.title, x: &self.x_label, y: &self.y_label };
        let Some(area) = frame(&mut canvas, words, &legend, axes, glyphs) else {
            return canvas;
        };
        let raster = self.raster(area, axes, glyphs);
        raster.0.onto(&mut canvas, area.left, area.top);
        for (x, y, style) in raster.1 {
            let shape = mark(style, glyphs);
            canvas.set(area.left + x, area.top + y, shape, Role::Series(style));
        }
        let column = |x: f64| {
            let at = axes.0.at(x)?;
            Some(area.left + raster.0.cell_of(raster.0.at(at, 0.0)).0)
        };
        for x in lost {
            if let Some(x) = column(x) {
                canvas.set(x, area.top + area.height - 1, cross, Role::Bad);
            }
        }
        let stroke = if glyphs == Glyphs::Ascii { ":" } else { "┊" };
        for m in &self.markers {
            let Some(x) = column(m.x) else { continue };
            for y in area.top..area.top + area.height {
                if canvas.cells[y][x].text == " " {
                    canvas.set(x, y, stroke, Role::Mark);
                }
            }
            // To the right of its line, or to the left where the edge is near.
            let (cells, right) = (crate::text::width(&m.label), usize::from(width) - x - 1);
            if cells <= right || right > x - area.left {
                canvas.put(x + 1, area.top, &m.label, right, Role::Mark);
            } else {
                canvas.put_right(x, area.top, &m.label, x - area.left, Role::Mark);
            }
        }
        if self.series.iter().all(|s| s.points.iter().all(|p| !p.1.is_finite())) {
            canvas.put(
                area.left + 1,
                area.top + area.height / 2,
                "no values yet",
                area.width,
                Role::Muted,
            );
        }
        canvas
    }

    /// The curves as dots, and where the marks of the series stand.
    fn raster(
        &self,
        area: Area,
        axes: (Axis, Axis),
        glyphs: Glyphs,
    ) -> (Dots, Vec<(usize, usize, usize)>) {
        let mut dots = Dots::new(area.width, area.height, glyphs);
        let mut marks = Vec::new();
        let many = self.series.iter().filter(|s| !s.faint).count() > 1;
        for s in self.in_order() {
            let (role, letter) = if s.faint {
                (Role::FaintSeries(s.style), ".")
            } else {
                (Role::Series(s.style), mark(s.style, glyphs))
            };
            let mut before: Option<(i64, i64)> = None;
            let mut last = None;
            let mut alone = true;
            let (step, mut next) = (area.width / 4 + 1, s.style % 8 * area.width / 16);
            for (x, y) in downsample(&s.points, dots.width()) {
                let (Some(x), Some(y)) = (axes.0.at(x), axes.1.at(y)) else {
                    if alone && let Some(at) = last {
                        marks.push(at);
                    }
                    (before, last) = (None, None);
                    continue;
                };
                let dot = dots.at(x, y);
                alone = before.is_none();
                dots.line(before.unwrap_or(dot), dot, role, letter);
                before = Some(dot);
                let cell = dots.cell_of(dot);
                last = Some((cell.0, cell.1, s.style));
                if many && !s.faint && cell.0 >= next {
                    marks.extend(last);
                    next = cell.0 + step;
                }
            }
            if !s.faint {
                marks.extend(last);
            }
        }
        (dots, marks)
    }

    /// Drawn in so many pixels.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        let about =
            format!("{} over {}: {}", self.y_label, self.x_label, self.summary().join("; "));
        let mut svg = Svg::new(size, palette, &self.title, &about);
        svg.title(&self.title);
        let axes = self.axes();
        let legend_y = MARGIN + TITLE + 16.0;
        let rows = self.svg_legend(&mut svg, legend_y, axes);
        let top = legend_y + rows as f64 * 18.0 + 18.0;
        let bottom = (svg.height - 44.0).max(top + 10.0);
        let y_ticks = axes.1.ticks((((bottom - top) / 45.0) as usize).clamp(2, 10));
        let gutter = y_ticks.iter().map(|t| text_width(&t.1, SIZE)).fold(0.0, f64::max);
        let left = MARGIN + gutter + 8.0;
        let right = (svg.width - MARGIN - 8.0).max(left + 10.0);
        let px = |v: f64| axes.0.at(v).map(|s| left + s * (right - left));
        let py = |v: f64| axes.1.at(v).map(|s| bottom - s * (bottom - top));
        let p = palette;
        svg.text(
            MARGIN,
            top - 9.0,
            &fit(&self.y_label, SIZE, svg.width / 2.0),
            Anchor::Start,
            p.muted,
        );
        for (v, word) in &y_ticks {
            if let Some(y) = py(*v) {
                svg.line((left, y), (right, y), p.grid, 1.0, "");
                svg.text(left - 6.0, y + 4.0, word, Anchor::End, p.muted);
            }
        }
        svg.line((left, bottom), (right, bottom), p.axis, 1.0, "");
        let mut free = 0.0;
        for (v, word) in axes.0.ticks((((right - left) / 70.0) as usize).clamp(2, 14)) {
            let Some(x) = px(v) else { continue };
            svg.line((x, bottom), (x, bottom + 4.0), p.axis, 1.0, "");
            let half = text_width(&word, SIZE) / 2.0;
            if x - half >= free && x + half <= svg.width {
                svg.text(x, bottom + 17.0, &word, Anchor::Middle, p.muted);
                free = x + half + 4.0;
            }
        }
        let label = fit(&self.x_label, SIZE, right - left);
        svg.text(f64::midpoint(left, right), bottom + 34.0, &label, Anchor::Middle, p.muted);
        for m in &self.markers {
            let Some(x) = px(m.x) else { continue };
            svg.line((x, top), (x, bottom), p.mark, 1.2, "4 3");
            let (anchor, at, room) = if x < f64::midpoint(left, right) {
                (Anchor::Start, x + 5.0, right - x)
            } else {
                (Anchor::End, x - 5.0, x - left)
            };
            svg.text(at, top + 11.0, &fit(&m.label, SIZE, room), anchor, p.mark);
        }
        for s in self.in_order() {
            let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
            for (x, y) in downsample(&s.points, (right - left) as usize) {
                match (px(x), py(y)) {
                    (Some(x), Some(y)) => runs.last_mut().into_iter().for_each(|r| r.push((x, y))),
                    _ => runs.push(Vec::new()),
                }
            }
            let opacity = if s.faint { 0.35 } else { 1.0 };
            for run in &runs {
                svg.polyline(run, p.series(s.style), if s.faint { 1.0 } else { 2.0 }, opacity);
            }
            if !s.faint {
                shapes(&mut svg, &runs, s.style, (right - left) / 4.0);
            }
        }
        for x in self.lost(axes).into_iter().filter_map(px) {
            let y = bottom - 6.0;
            svg.line((x - 3.5, y - 3.5), (x + 3.5, y + 3.5), p.bad, 1.8, "");
            svg.line((x - 3.5, y + 3.5), (x + 3.5, y - 3.5), p.bad, 1.8, "");
        }
        if self.series.iter().all(|s| s.points.iter().all(|p| !p.1.is_finite())) {
            svg.text(
                f64::midpoint(left, right),
                f64::midpoint(top, bottom),
                "no values yet",
                Anchor::Middle,
                p.muted,
            );
        }
        svg.done()
    }

    /// Draws the legend and returns its rows.
    fn svg_legend(&self, svg: &mut Svg<'_>, y: f64, axes: (Axis, Axis)) -> usize {
        let (mut x, mut row) = (MARGIN + 4.0, 0usize);
        let right = svg.width - MARGIN;
        let lost = self.lost(axes).len();
        let named = self.series.iter().filter(|s| !s.faint && !s.name.is_empty());
        let mut entries: Vec<(Option<usize>, String)> =
            named.map(|s| (Some(s.style), s.name.clone())).collect();
        if lost > 0 {
            entries.push((None, format!("× {}", self.lost_words(lost))));
        }
        let any = !entries.is_empty();
        for (style, name) in entries {
            let name = fit(&name, SIZE, right - MARGIN - 20.0);
            let room = text_width(&name, SIZE) + 28.0;
            if x + room > right && x > MARGIN + 4.0 {
                (x, row) = (MARGIN + 4.0, row + 1);
            }
            let at = y + row as f64 * 18.0;
            if let Some(style) = style {
                svg.shape(x, at - 4.0, style);
            }
            let color = if style.is_some() { svg.palette.text } else { svg.palette.bad };
            svg.text(x + 9.0, at, &name, Anchor::Start, color);
            x += room;
        }
        row + usize::from(any)
    }

    /// Each named curve in words: its points, where it began, where it is.
    fn summary(&self) -> Vec<String> {
        let say = |s: &Series| {
            let (first, last) = (s.points.first(), s.points.last());
            let y = |p: Option<&(f64, f64)>| p.map_or_else(|| "-".into(), |p| number(p.1));
            format!("{} from {} to {}, {} points", s.name, y(first), y(last), s.points.len())
        };
        self.series.iter().filter(|s| !s.faint).map(say).collect()
    }

    /// Every point: `series,x,y`.
    pub fn csv(&self) -> String {
        let mut t = Rows::new(["series", &self.x_label, &self.y_label]);
        for s in &self.series {
            for p in &s.points {
                t.push([s.name.clone(), p.0.to_string(), p.1.to_string()]);
            }
        }
        t.csv()
    }

    /// One row a curve: how many points, the first, the last, the lowest and the highest value.
    pub fn markdown(&self) -> String {
        let mut t = Rows::new(["series", "points", "first", "last", "lowest", "highest"]);
        for s in &self.series {
            let ys = || s.points.iter().map(|p| p.1);
            let finite = || ys().filter(|y| y.is_finite());
            let or_none = |v: Option<f64>| v.map_or_else(|| "-".into(), number);
            t.push([
                s.name.clone(),
                s.points.len().to_string(),
                or_none(ys().next()),
                or_none(ys().next_back()),
                or_none(finite().min_by(f64::total_cmp)),
                or_none(finite().max_by(f64::total_cmp)),
            ]);
        }
        t.markdown(&format!("{} ({} over {})", self.title, self.y_label, self.x_label))
    }
}

/// A shape at the end of a curve, on points that stand alone, and now and then between.
fn shapes(svg: &mut Svg<'_>, runs: &[Vec<(f64, f64)>], style: usize, step: f64) {
    let last = runs.iter().rev().find_map(|r| r.last());
    let mut next =
        runs.first().and_then(|r| r.first()).map_or(0.0, |p| p.0) + step * (style % 4) as f64 / 4.0;
    for run in runs {
        for p in run {
            if p.0 >= next || run.len() == 1 {
                svg.shape(p.0, p.1, style);
                next = p.0 + step;
            }
        }
    }
    if let Some(p) = last {
        svg.shape(p.0, p.1, style);
    }
}
