//! Writing SVG: numbers, escaped text, shapes. No metrics of a font are known here: a cell of a
//! terminal is taken as 0.62 em, which is on the wide side for the fonts of the list.

use std::fmt::Write as _;

use super::palette::{Paint, Palette};
use crate::text::html::escape_html;
use crate::text::{display, truncate, width};

/// Fonts that are on nearly every system; the last names are those of the renderer itself.
pub const FONTS: &str = "system-ui, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Arial, sans-serif";

/// Width of a cell of text, in shares of the font's size.
const CELL: f64 = 0.62;

/// Text for XML: markup escaped, control characters made visible, what XML forbids replaced.
pub fn escape(text: &str) -> String {
    escape_html(&display(text))
}

/// A coordinate: two decimals, none that say nothing.
pub fn n(v: f64) -> String {
    let v = if v.is_finite() { v.clamp(-1e6, 1e6) } else { 0.0 };
    let s = format!("{v:.2}");
    let s = s.trim_end_matches('0').trim_end_matches('.');
    if s == "-0" { "0".into() } else { s.to_owned() }
}

/// Pixels that text takes, about.
pub fn text_width(text: &str, size: f64) -> f64 {
    width(&display(text)) as f64 * size * CELL
}

/// The text cut to so many pixels, about.
pub fn fit(text: &str, size: f64, room: f64) -> String {
    let cells = (room / (size * CELL)).max(0.0) as usize;
    truncate(&display(text), cells).into_owned()
}

/// Where text stands to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// Ends there.
    End,
}

/// A drawing while it is written.
#[derive(Debug)]
pub struct Svg<'a> {
    out: String,
    /// Its colours.
    pub palette: &'a Palette,
    /// Pixels across.
    pub width: f64,
    /// Pixels down.
    pub height: f64,
}

/// Size of ordinary words in pixels.
pub const SIZE: f64 = 12.0;
/// Size of titles in pixels.
pub const TITLE: f64 = 15.0;
/// Room at the edges in pixels.
pub const MARGIN: f64 = 12.0;

impl<'a> Svg<'a> {
    /// Begins a drawing. Title and description are for those who do not see it.
    pub fn new(size: (u32, u32), palette: &'a Palette, title: &str, description: &str) -> Self {
        let (w, h) = (size.0.clamp(40, 20_000), size.1.clamp(30, 20_000));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" role=\"img\" font-family=\"{FONTS}\" font-size=\"{}\">\n\
             <title>{}</title>\n<desc>{}</desc>\n",
            n(SIZE),
            escape(title),
            escape(description),
        );
        let _ =
            writeln!(out, "<rect width=\"{w}\" height=\"{h}\" fill=\"{}\"/>", palette.background);
        Self { out, palette, width: f64::from(w), height: f64::from(h) }
    }

    /// The title, above everything.
    pub fn title(&mut self, title: &str) {
        let cut = fit(title, TITLE, self.width - 2.0 * MARGIN);
        let color = self.palette.text;
        self.styled(MARGIN, MARGIN + TITLE * 0.85, &cut, Anchor::Start, color, TITLE, true);
    }

    /// Words of ordinary size. They are not cut: see [`fit`].
    pub fn text(&mut self, x: f64, y: f64, text: &str, anchor: Anchor, color: Paint) {
        self.styled(x, y, text, anchor, color, SIZE, false);
    }

    #[allow(clippy::too_many_arguments, reason = "one shape, all of its attributes")]
    fn styled(
        &mut self,
        x: f64,
        y: f64,
        text: &str,
        anchor: Anchor,
        color: Paint,
        size: f64,
        bold: bool,
    ) {
        if text.is_empty() {
            return;
        }
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let size = if size == SIZE { String::new() } else { format!(" font-size=\"{}\"", n(size)) };
        let bold = if bold { " font-weight=\"600\"" } else { "" };
        let _ = writeln!(
            self.out,
            "<text x=\"{}\" y=\"{}\"{anchor}{size}{bold} fill=\"{color}\">{}</text>",
            n(x),
            n(y),
            escape(text)
        );
    }

    /// A filled rectangle.
    pub fn rect(&mut self, x: f64, y: f64, w: f64, h: f64, fill: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"/>",
            n(x),
            n(y),
            n(w.max(0.0)),
            n(h.max(0.0))
        );
    }

    /// A straight line; `dash` as in `stroke-dasharray`, or empty.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), color: Paint, w: f64, dash: &str) {
        let dash = dashes(dash);
        let _ = writeln!(
            self.out,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{color}\" \
             stroke-width=\"{}\"{dash}/>",
            n(from.0),
            n(from.1),
            n(to.0),
            n(to.1),
            n(w)
        );
    }

    /// A line through points.
    pub fn polyline(&mut self, points: &[(f64, f64)], color: Paint, w: f64, opacity: f64) {
        if points.is_empty() {
            return;
        }
        let list: Vec<String> = points.iter().map(|p| format!("{},{}", n(p.0), n(p.1))).collect();
        let opacity =
            if opacity < 1.0 { format!(" opacity=\"{}\"", n(opacity)) } else { String::new() };
        let _ = writeln!(
            self.out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"{opacity}/>",
            list.join(" "),
            n(w)
        );
    }

    /// A closed shape through points: outlined, and filled so thinly that others show through.
    pub fn polygon(&mut self, points: &[(f64, f64)], color: Paint, w: f64, fill_opacity: f64) {
        let list: Vec<String> = points.iter().map(|p| format!("{},{}", n(p.0), n(p.1))).collect();
        let _ = writeln!(
            self.out,
            "<polygon points=\"{}\" fill=\"{color}\" fill-opacity=\"{}\" stroke=\"{color}\" \
             stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            list.join(" "),
            n(fill_opacity),
            n(w)
        );
    }

    /// The shape of the n-th series, about 8 pixels wide: what tells series apart without colour.
    pub fn shape(&mut self, x: f64, y: f64, style: usize) {
        let color = self.palette.series(style);
        let hollow = style % 2 == 1;
        let fill = if hollow { self.palette.background } else { color };
        let around: &[(f64, f64)] = match style / 2 % 4 {
            0 => {
                let _ = writeln!(
                    self.out,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"3.6\" fill=\"{fill}\" stroke=\"{color}\" \
                     stroke-width=\"1.5\"/>",
                    n(x),
                    n(y)
                );
                return;
            }
            1 => &[(-3.4, -3.4), (3.4, -3.4), (3.4, 3.4), (-3.4, 3.4)],
            2 => &[(0.0, -4.4), (4.2, 3.2), (-4.2, 3.2)],
            _ => &[(0.0, -4.8), (4.8, 0.0), (0.0, 4.8), (-4.8, 0.0)],
        };
        let list: Vec<String> =
            around.iter().map(|p| format!("{},{}", n(x + p.0), n(y + p.1))).collect();
        let _ = writeln!(
            self.out,
            "<polygon points=\"{}\" fill=\"{fill}\" stroke=\"{color}\" stroke-width=\"1.5\"/>",
            list.join(" ")
        );
    }

    /// The finished drawing.
    pub fn done(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

fn dashes(dash: &str) -> String {
    if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_label_stays_text() {
        assert_eq!(
            escape("</text><script>\"'&\u{0}\u{ffff}"),
            "&lt;/text&gt;&lt;script&gt;&quot;&#39;&amp;␀&lt;U+FFFF&gt;"
        );
    }

    #[test]
    fn coordinates_are_finite_and_short() {
        assert_eq!(n(1.0), "1");
        assert_eq!(n(-0.001), "0");
        assert_eq!(n(f64::NAN), "0");
        assert_eq!(n(1e300), "1000000");
        assert_eq!(n(1.239), "1.24");
    }
}
