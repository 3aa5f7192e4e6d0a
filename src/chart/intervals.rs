//! Values with intervals over named places in an order: sample counts, label policies, stages. One
//! line a series, its interval as a band; places stand at equal distances, whatever they count.

use super::canvas::{Canvas, Glyphs, Role};
use super::dots::{Dots, mark};
use super::export::{Rows, value};
use super::frame::{Entry, Words, frame};
use super::palette::Palette;
use super::svg::{Anchor, MARGIN, SIZE, Svg, TITLE, fit, text_width};
use super::ticks::{Axis, number};
use crate::text::width;

/// A value at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalPoint {
    /// The value.
    pub value: f64,
    /// Its interval, low and high, where there is one.
    pub interval: Option<(f64, f64)>,
    /// Units behind it.
    pub n: usize,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IntervalSeries {
    /// For the legend.
    pub name: String,
    /// One a place, in their order; `None` where nothing was measured.
    pub points: Vec<Option<IntervalPoint>>,
    /// Index into the theme's series colours and into the marks.
    pub style: usize,
}

/// Lines with bands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intervals {
    /// Above everything; says what an interval is.
    pub title: String,
    /// What the places are.
    pub x_label: String,
    /// Of the vertical axis, with its unit.
    pub y_label: String,
    /// The places, from left to right.
    pub places: Vec<String>,
    /// The lines.
    pub series: Vec<IntervalSeries>,
}

/// A point as drawn: value, low, high; a value that is no finite number is not drawn.
fn drawn(p: Option<&Option<IntervalPoint>>) -> Option<(f64, f64, f64)> {
    let p = p?.as_ref().filter(|p| p.value.is_finite())?;
    let ends = p.interval.filter(|i| i.0.is_finite() && i.1.is_finite());
    let (low, high) = ends.unwrap_or((p.value, p.value));
    Some((p.value, low.min(high), low.max(high)))
}

impl Intervals {
    fn axes(&self) -> (Axis, Axis) {
        let points = self.series.iter().flat_map(|s| s.points.iter().map(|p| drawn(Some(p))));
        let ends = points.flatten().flat_map(|(v, low, high)| [v, low, high]);
        let last = self.places.len().saturating_sub(1) as f64;
        (Axis::new(0.0, last, false).padded(0.08), Axis::over(ends, false).padded(0.05))
    }

    /// Values that are no finite numbers.
    fn lost(&self) -> usize {
        let points = self.series.iter().flat_map(|s| s.points.iter().flatten());
        points.filter(|p| !p.value.is_finite()).count()
    }

    fn lost_words(&self) -> Option<String> {
        let n = self.lost();
        (n > 0).then(|| format!("{n} not drawn: NaN or infinite"))
    }

    /// Moves series apart a little, so that their intervals do not lie on each other.
    fn nudge(&self, i: usize) -> f64 {
        let n = self.series.len().max(1) as f64;
        (i as f64 - (n - 1.0) / 2.0) * 0.12 / n
    }

    /// Drawn in so many cells: a line, and at each place its interval.
    pub fn cells(&self, width_: u16, height: u16, glyphs: Glyphs) -> Canvas {
        let mut canvas = Canvas::new(width_, height);
        let mut legend: Vec<Entry> = self
            .series
            .iter()
            .map(|s| Entry {
                mark: mark(s.style, glyphs),
                name: s.name.clone(),
                role: Role::Series(s.style),
            })
            .collect();
        let cross = if glyphs == Glyphs::Ascii { "!" } else { "×" };
        legend.extend(self.lost_words().map(|name| Entry { mark: cross, name, role: Role::Bad }));
        let words = Words { title: &self.title, x: &self.x_label, y: &self.y_label };
        let axes = self.axes();
        let Some(area) = frame(&mut canvas, words, &legend, axes, glyphs) else { return canvas };
        let mut dots = Dots::new(area.width, area.height, glyphs);
        let mut marks = Vec::new();
        for (i, s) in self.series.iter().enumerate() {
            let (role, letter) = (Role::Series(s.style), mark(s.style, glyphs));
            let mut before = None;
            for place in 0..self.places.len() {
                let Some((v, low, high)) = drawn(s.points.get(place)) else {
                    before = None;
                    continue;
                };
                let x = axes.0.at(place as f64 + self.nudge(i)).unwrap_or(0.0);
                let at = |y: f64| dots.at(x, axes.1.at(y).unwrap_or(0.0));
                let (dot, ends) = (at(v), (at(low), at(high)));
                let bar = if glyphs == Glyphs::Ascii { "|" } else { letter };
                dots.line(ends.0, ends.1, Role::FaintSeries(s.style), bar);
                dots.line(before.unwrap_or(dot), dot, role, ".");
                before = Some(dot);
                marks.push((dots.cell_of(dot), s.style));
            }
        }
        dots.onto(&mut canvas, area.left, area.top);
        for ((x, y), style) in marks {
            canvas.set(area.left + x, area.top + y, mark(style, glyphs), Role::Series(style));
        }
        // The numbers of the axis are those of places: their names take that row.
        let row = area.top + area.height + 1;
        if row < usize::from(height) {
            for x in area.left.saturating_sub(2)..usize::from(width_) {
                canvas.set(x, row, " ", Role::Axis);
            }
            let room = (area.width / self.places.len().max(1)).saturating_sub(1);
            for (i, name) in self.places.iter().enumerate() {
                let Some(at) = axes.0.at(i as f64) else { continue };
                let x = area.left + dots.cell_of(dots.at(at, 0.0)).0;
                let cells = width(&crate::text::display(name)).min(room);
                let start = x.saturating_sub(cells / 2).max(area.left);
                canvas.put(start, row, name, cells, Role::Axis);
            }
        }
        canvas
    }

    /// Drawn in so many pixels: a line, its band, and at each place its interval.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        let about: Vec<String> = self.summary();
        let about = format!("{} over {}: {}", self.y_label, self.x_label, about.join("; "));
        let mut svg = Svg::new(size, palette, &self.title, &about);
        svg.title(&self.title);
        let p = palette;
        let top = self.svg_legend(&mut svg, MARGIN + TITLE + 16.0) + 18.0;
        let bottom = (svg.height - 44.0).max(top + 10.0);
        let axes = self.axes();
        let y_ticks = axes.1.ticks((((bottom - top) / 45.0) as usize).clamp(2, 10));
        let gutter = y_ticks.iter().map(|t| text_width(&t.1, SIZE)).fold(0.0, f64::max);
        let left = MARGIN + gutter + 8.0;
        let right = (svg.width - MARGIN - 8.0).max(left + 10.0);
        let px = |v: f64| left + axes.0.at(v).unwrap_or(0.0) * (right - left);
        let py = |v: f64| bottom - axes.1.at(v).unwrap_or(0.0) * (bottom - top);
        let y_label = fit(&self.y_label, SIZE, svg.width / 2.0);
        svg.text(MARGIN, top - 9.0, &y_label, Anchor::Start, p.muted);
        for (v, word) in &y_ticks {
            svg.line((left, py(*v)), (right, py(*v)), p.grid, 1.0, "");
            svg.text(left - 6.0, py(*v) + 4.0, word, Anchor::End, p.muted);
        }
        svg.line((left, bottom), (right, bottom), p.axis, 1.0, "");
        let room = (right - left) / self.places.len().max(1) as f64 - 6.0;
        for (i, name) in self.places.iter().enumerate() {
            let x = px(i as f64);
            svg.line((x, bottom), (x, bottom + 4.0), p.axis, 1.0, "");
            svg.text(x, bottom + 17.0, &fit(name, SIZE, room), Anchor::Middle, p.muted);
        }
        let label = fit(&self.x_label, SIZE, right - left);
        svg.text(f64::midpoint(left, right), bottom + 34.0, &label, Anchor::Middle, p.muted);
        for (i, s) in self.series.iter().enumerate() {
            let color = p.series(s.style);
            for run in self.runs(s) {
                let x = |place: usize| px(place as f64 + self.nudge(i));
                if run.len() > 1 {
                    let lows = run.iter().map(|(at, p)| (x(*at), py(p.1)));
                    let highs = run.iter().rev().map(|(at, p)| (x(*at), py(p.2)));
                    let around: Vec<(f64, f64)> = lows.chain(highs).collect();
                    svg.polygon(&around, color, 0.0, 0.15);
                }
                for (at, (_, low, high)) in &run {
                    svg.line((x(*at), py(*low)), (x(*at), py(*high)), color, 1.2, "");
                }
                let line: Vec<(f64, f64)> = run.iter().map(|(at, p)| (x(*at), py(p.0))).collect();
                svg.polyline(&line, color, 2.0, 1.0);
                line.iter().for_each(|(x, y)| svg.shape(*x, *y, s.style));
            }
        }
        svg.done()
    }

    /// Stretches of places that follow each other and have a value.
    fn runs(&self, s: &IntervalSeries) -> Vec<Vec<(usize, (f64, f64, f64))>> {
        let mut out: Vec<Vec<_>> = vec![Vec::new()];
        for place in 0..self.places.len() {
            match drawn(s.points.get(place)) {
                Some(p) => out.last_mut().into_iter().for_each(|r| r.push((place, p))),
                None => out.push(Vec::new()),
            }
        }
        out.retain(|r| !r.is_empty());
        out
    }

    /// Draws the legend; gives where it ends.
    fn svg_legend(&self, svg: &mut Svg<'_>, top: f64) -> f64 {
        let (mut x, mut y) = (MARGIN + 4.0, top);
        let right = svg.width - MARGIN;
        let named = self.series.iter().map(|s| (Some(s.style), s.name.clone()));
        let all: Vec<_> =
            named.chain(self.lost_words().map(|w| (None, format!("× {w}")))).collect();
        for (style, name) in all {
            let name = fit(&name, SIZE, right - MARGIN - 20.0);
            let room = text_width(&name, SIZE) + 28.0;
            if x + room > right && x > MARGIN + 4.0 {
                (x, y) = (MARGIN + 4.0, y + 18.0);
            }
            if let Some(style) = style {
                svg.shape(x, y - 4.0, style);
            }
            let color = if style.is_some() { svg.palette.text } else { svg.palette.bad };
            svg.text(x + 9.0, y, &name, Anchor::Start, color);
            x += room;
        }
        y + 18.0
    }

    fn summary(&self) -> Vec<String> {
        let say = |s: &IntervalSeries| {
            let at = self.places.iter().zip(&s.points);
            let all =
                at.filter_map(|(place, p)| Some(format!("{place} {}", number(p.as_ref()?.value))));
            format!("{}: {}", s.name, all.collect::<Vec<_>>().join(", "))
        };
        self.series.iter().map(say).collect()
    }

    fn rows(&self, word: fn(f64) -> String) -> Rows {
        let mut t =
            Rows::new(["series", self.x_label.as_str(), self.y_label.as_str(), "low", "high", "n"]);
        for s in &self.series {
            for (place, p) in self.places.iter().zip(&s.points) {
                let Some(p) = p else { continue };
                let end = |e: Option<f64>| e.map_or_else(|| value(None), word);
                t.push([
                    s.name.clone(),
                    place.clone(),
                    word(p.value),
                    end(p.interval.map(|i| i.0)),
                    end(p.interval.map(|i| i.1)),
                    p.n.to_string(),
                ]);
            }
        }
        t
    }

    /// Every value: series, place, value, low, high, n.
    pub fn csv(&self) -> String {
        self.rows(|v| v.to_string()).csv()
    }

    /// The same in few digits.
    pub fn markdown(&self) -> String {
        self.rows(number).markdown(&self.title)
    }
}
