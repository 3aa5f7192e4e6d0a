//! A table whose cells have a colour by their value, beside the number itself.

use super::bars::height_for;
use super::canvas::{Canvas, Glyphs, Role};
use super::export::{Rows, value};
use super::palette::Palette;
use super::svg::{Anchor, MARGIN, SIZE, Svg, TITLE, fit, text_width};
use super::ticks::{Axis, number};
use crate::text::{display, width};

/// One cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatCell {
    /// What gives the colour, in the table's unit; `None` where there is no figure.
    pub value: Option<f64>,
    /// What stands in the cell; the value itself if empty.
    pub text: String,
    /// A mark of significance after it.
    pub mark: String,
}

/// How values become heat.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum HeatScale {
    /// From the lowest to the highest.
    #[default]
    Sequential,
    /// Both ways from a middle, such as 0 for differences.
    Diverging(f64),
}

/// A table of heat.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatTable {
    /// Above everything.
    pub title: String,
    /// Of the values.
    pub unit: String,
    /// Heads.
    pub columns: Vec<String>,
    /// Label and cells, from the top; missing cells are empty.
    pub rows: Vec<(String, Vec<HeatCell>)>,
    /// Colours.
    pub scale: HeatScale,
    /// The lower and the upper end of the scale; those of the values without them.
    pub range: Option<(f64, f64)>,
    /// What the marks mean, said below.
    pub note: String,
}

impl HeatTable {
    fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.title.clone()
        } else {
            format!("{} ({})", self.title, self.unit)
        }
    }

    /// From 0 to 1.
    fn heat(&self) -> impl Fn(f64) -> Option<f64> {
        let values = self.rows.iter().flat_map(|r| &r.1).filter_map(|c| c.value);
        let axis =
            self.range.map_or_else(|| Axis::over(values, false), |(a, b)| Axis::new(a, b, false));
        let scale = self.scale;
        move |v: f64| match scale {
            HeatScale::Sequential => axis.at(v),
            HeatScale::Diverging(middle) => {
                // The same length to both sides, so that equal steps look equal.
                let far = (axis.hi() - middle).abs().max((middle - axis.lo()).abs());
                Axis::new(middle - far, middle + far, false).at(v)
            }
        }
    }

    fn words(cell: &HeatCell) -> String {
        let said = if cell.text.is_empty() {
            cell.value.map_or_else(|| "-".to_owned(), number)
        } else {
            display(&cell.text)
        };
        said + &display(&cell.mark)
    }

    /// Drawn in so many cells. Columns and rows that do not fit are counted.
    pub fn cells(&self, width: u16, height: u16, _glyphs: Glyphs) -> Canvas {
        let mut canvas = Canvas::new(width, height);
        let (w, h) = (usize::from(width), usize::from(height));
        let cells = |s: &str| crate::text::width(&display(s));
        let title = usize::from(h >= 4 && !self.heading().is_empty());
        if title == 1 {
            canvas.put(0, 0, &self.heading(), w, Role::Title);
        }
        if self.rows.is_empty() || self.columns.is_empty() {
            canvas.put(0, title, "no figures yet", w, Role::Muted);
            return canvas;
        }
        let label = self.rows.iter().map(|r| cells(&r.0)).max().unwrap_or(0).min(w / 3).max(1);
        let said = self.rows.iter().flat_map(|r| &r.1).map(|c| cells(&Self::words(c))).max();
        let said = said.unwrap_or(1).max(3);
        let heads = self.columns.iter().map(|c| cells(c)).max().unwrap_or(0);
        let room = w.saturating_sub(label + 1);
        // Heads get what is left when all columns have their numbers, within reason.
        let k = self.columns.len();
        let each = (room / k).clamp(said + 2, heads.min(14).max(said) + 2);
        let mut columns = k.min(room / each);
        let more = format!("+{}", k - columns);
        if columns < k && columns * each + more.len() > room {
            columns = columns.saturating_sub(1);
        }
        let head = usize::from(h >= 2);
        let hidden = k - columns;
        if head == 1 {
            for (i, c) in self.columns.iter().take(columns).enumerate() {
                canvas.put_right(label + 1 + (i + 1) * each - 1, title, c, each - 1, Role::Muted);
            }
            if hidden > 0 {
                canvas.put_right(w, title, &format!("+{hidden}"), 6, Role::Muted);
            }
        }
        let top = title + head;
        let note = usize::from(!self.note.is_empty() && h > top + self.rows.len());
        let fits = h.saturating_sub(top);
        let shown = if self.rows.len() > fits { fits.saturating_sub(1) } else { self.rows.len() };
        let heat = self.heat();
        for (i, (name, row)) in self.rows.iter().take(shown).enumerate() {
            let y = top + i;
            canvas.put(0, y, name, label, Role::Text);
            for j in 0..columns {
                let empty = HeatCell::default();
                let cell = row.get(j).unwrap_or(&empty);
                let role = match cell.value.and_then(&heat) {
                    None => Role::Muted,
                    Some(t) if self.scale == HeatScale::Sequential => Role::Heat(t as f32),
                    Some(t) => Role::Diverging(t as f32),
                };
                let x = label + 1 + j * each;
                // One blank between cells stays without colour.
                (0..each - 1).for_each(|d| canvas.set(x + d, y, " ", role));
                canvas.put_right(x + each - 1, y, &Self::words(cell), each - 1, role);
            }
        }
        if shown < self.rows.len() {
            let more = format!("+{} more", self.rows.len() - shown);
            canvas.put(0, top + shown, &more, w, Role::Muted);
        } else if note == 1 {
            canvas.put(0, top + shown, &self.note, w, Role::Muted);
        }
        canvas
    }

    /// Drawn in so many pixels; as high as the rows need it, wider where the columns do.
    pub fn svg(&self, size: (u32, u32), palette: &Palette) -> String {
        let heading = self.heading();
        let widest = |words: &mut dyn Iterator<Item = String>| {
            words.map(|s| text_width(&s, SIZE)).fold(0.0, f64::max)
        };
        let label = widest(&mut self.rows.iter().map(|r| r.0.clone())).min(260.0);
        let said = widest(&mut self.rows.iter().flat_map(|r| &r.1).map(Self::words));
        let heads = widest(&mut self.columns.iter().cloned());
        let least = said.max(heads.min(90.0)) + 12.0;
        let k = self.columns.len().max(1) as f64;
        let top = MARGIN + TITLE + 34.0;
        let note = if self.note.is_empty() { 0.0 } else { 22.0 };
        let needed_w = 2.0 * MARGIN + label + 8.0 + k * least;
        let high = height_for(size.1, top + note + MARGIN, self.rows.len(), (24.0, 32.0));
        let size = (size.0.max(needed_w.min(20_000.0) as u32), high);
        let about =
            format!("{} rows, {} columns: {}", self.rows.len(), self.columns.len(), self.unit);
        let mut svg = Svg::new(size, palette, &heading, &about);
        svg.title(&heading);
        let p = palette;
        if self.rows.is_empty() || self.columns.is_empty() {
            svg.text(MARGIN, top, "no figures yet", Anchor::Start, p.muted);
            return svg.done();
        }
        let left = MARGIN + label + 8.0;
        let column = ((svg.width - MARGIN - left) / k).min(140.0);
        let each = ((svg.height - top - note - MARGIN) / self.rows.len() as f64).clamp(24.0, 32.0);
        for (j, c) in self.columns.iter().enumerate() {
            let x = left + (j as f64 + 0.5) * column;
            svg.text(x, top - 8.0, &fit(c, SIZE, column - 4.0), Anchor::Middle, p.muted);
        }
        let heat = self.heat();
        let diverging = self.scale != HeatScale::Sequential;
        for (i, (name, row)) in self.rows.iter().enumerate() {
            let y = top + i as f64 * each;
            let base = y + each / 2.0 + 4.0;
            svg.text(MARGIN + label, base, &fit(name, SIZE, label), Anchor::End, p.text);
            for (j, cell) in row.iter().take(self.columns.len()).enumerate() {
                let x = left + j as f64 * column;
                let mut color = p.muted;
                if let Some(t) = cell.value.and_then(&heat) {
                    svg.rect(x + 1.0, y + 1.0, column - 2.0, each - 2.0, &p.heat(t, diverging));
                    color = p.text;
                }
                let words = fit(&Self::words(cell), SIZE, column - 4.0);
                svg.text(x + column / 2.0, base, &words, Anchor::Middle, color);
            }
        }
        let y = top + self.rows.len() as f64 * each + 16.0;
        svg.text(
            MARGIN,
            y,
            &fit(&self.note, SIZE, svg.width - 2.0 * MARGIN),
            Anchor::Start,
            p.muted,
        );
        svg.done()
    }

    fn table(&self, say: fn(&HeatCell) -> String) -> Rows {
        let head = std::iter::once(String::new()).chain(self.columns.iter().cloned());
        let mut t = Rows::new(head);
        for (name, row) in &self.rows {
            let empty = HeatCell::default();
            let cells = (0..self.columns.len()).map(|j| say(row.get(j).unwrap_or(&empty)));
            t.push(std::iter::once(name.clone()).chain(cells));
        }
        t
    }

    /// The values in full.
    pub fn csv(&self) -> String {
        self.table(|c| value(c.value)).csv()
    }

    /// What stands in the cells, with marks.
    pub fn markdown(&self) -> String {
        let mut out = self.table(Self::words).markdown(&self.heading());
        if !self.note.is_empty() {
            out += &format!("\n{}\n", display(&self.note));
        }
        out
    }

    /// Cells that the whole table takes, so that a screen knows whether it must scroll.
    pub fn natural_width(&self) -> usize {
        let cells = |s: &str| width(&display(s));
        let label = self.rows.iter().map(|r| cells(&r.0)).max().unwrap_or(0);
        let said = self.rows.iter().flat_map(|r| &r.1).map(|c| cells(&Self::words(c))).max();
        label + 1 + self.columns.len() * (said.unwrap_or(1).max(3) + 2)
    }
}
