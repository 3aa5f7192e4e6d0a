//! A whole terminal frame as SVG: the screenshots of the walkthrough. The same cells give the same
//! bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::palette::Paint;
use super::screen_glyphs::glyph;
use super::svg::{escape, n};

/// One cell of a terminal, as it is shown (reverse video already applied).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenCell {
    /// One grapheme cluster; blank or empty where nothing is drawn.
    pub text: String,
    /// Cells that it takes: 1 or 2; 0 for the second half of a wide one.
    pub width: u8,
    /// Colour of the text.
    pub fg: [u8; 3],
    /// Colour behind it.
    pub bg: [u8; 3],
    /// Heavier.
    pub bold: bool,
    /// With a line below.
    pub underline: bool,
    /// Slanted.
    pub italic: bool,
}

/// Pixels of a cell across and down, and of its font.
const CELL: (f64, f64) = (9.0, 19.0);
const FONT: f64 = 15.0;
/// Pixels around the screen.
const EDGE: f64 = 10.0;

/// Draws rows of cells on a grid of `columns`. What a row has beyond is left out.
pub fn screen_svg(columns: u16, rows: &[Vec<ScreenCell>]) -> String {
    let (w, h) =
        (f64::from(columns) * CELL.0 + 2.0 * EDGE, rows.len() as f64 * CELL.1 + 2.0 * EDGE);
    let behind = most_common(rows);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" \
         viewBox=\"0 0 {0} {1}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono', \
         Menlo, Consolas, monospace\" font-size=\"{2}\">\n<style>text{{white-space:pre}}</style>\n\
         <rect width=\"{0}\" height=\"{1}\" rx=\"6\" fill=\"{3}\"/>\n",
        n(w),
        n(h),
        n(FONT),
        Paint::Rgb(behind)
    );
    for (y, row) in rows.iter().enumerate() {
        let top = EDGE + y as f64 * CELL.1;
        let cells = placed(row, columns);
        backgrounds(&mut out, &cells, top, behind);
        texts(&mut out, &cells, top);
    }
    out.push_str("</svg>\n");
    out
}

/// The colour that most cells have behind them.
fn most_common(rows: &[Vec<ScreenCell>]) -> [u8; 3] {
    let mut seen: BTreeMap<[u8; 3], usize> = BTreeMap::new();
    rows.iter().flatten().for_each(|c| *seen.entry(c.bg).or_default() += 1);
    seen.into_iter().max_by_key(|(_, n)| *n).map_or([0; 3], |(c, _)| c)
}

/// Cells with their columns; second halves are left out.
fn placed(row: &[ScreenCell], columns: u16) -> Vec<(usize, &ScreenCell)> {
    let mut x = 0;
    let mut out = Vec::new();
    for c in row {
        if c.width == 0 {
            continue;
        }
        if x + usize::from(c.width) > usize::from(columns) {
            break;
        }
        out.push((x, c));
        x += usize::from(c.width);
    }
    out
}

fn left(x: usize) -> f64 {
    EDGE + x as f64 * CELL.0
}

fn backgrounds(out: &mut String, cells: &[(usize, &ScreenCell)], top: f64, behind: [u8; 3]) {
    for run in cells.chunk_by(|a, b| a.1.bg == b.1.bg) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        if first.1.bg == behind {
            continue;
        }
        let cells = last.0 + usize::from(last.1.width) - first.0;
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
            n(left(first.0)),
            n(top),
            n(cells as f64 * CELL.0),
            n(CELL.1),
            Paint::Rgb(first.1.bg)
        );
    }
}

/// Cells whose text may stand in one element: plain letters of one style. Everything else stands
/// alone on its place, so that no font can push its neighbours off the grid.
fn together(a: &ScreenCell, b: &ScreenCell) -> bool {
    // A border is one long line.
    let plain = |c: &ScreenCell| c.text.is_ascii() && c.width == 1;
    let border = a.text == "─" && b.text == "─";
    (plain(a) && plain(b) || border)
        && (a.fg, a.bold, a.underline, a.italic) == (b.fg, b.bold, b.underline, b.italic)
}

fn texts(out: &mut String, cells: &[(usize, &ScreenCell)], top: f64) {
    for run in cells.chunk_by(|a, b| together(a.1, b.1)) {
        let Some(&(x, first)) = run.first() else { continue };
        // Letters of a run have no shape; the cells of a border share one.
        let wide = (CELL.0 * run.len() as f64, CELL.1);
        if let Some(shape) = glyph(&first.text, (left(x), top), wide) {
            let _ =
                writeln!(out, "<g fill=\"{0}\" stroke=\"{0}\">{shape}</g>", Paint::Rgb(first.fg));
            continue;
        }
        let text: String =
            run.iter().map(|c| if c.1.text.is_empty() { " " } else { c.1.text.as_str() }).collect();
        let blank = text.trim_end().is_empty();
        if blank && !first.underline {
            continue;
        }
        // Blanks at the ends draw nothing, and their place is known.
        let (from, text) = if first.underline {
            (x, text.as_str())
        } else {
            (x + text.len() - text.trim_start().len(), text.trim())
        };
        let count = if run.len() == 1 { usize::from(first.width) } else { text.len() };
        let mut style = String::new();
        if first.bold {
            style += " font-weight=\"bold\"";
        }
        if first.italic {
            style += " font-style=\"italic\"";
        }
        if first.underline {
            style += " text-decoration=\"underline\"";
        }
        // Only runs of plain letters are stretched to the grid: a cluster of another script is
        // drawn as its font has it.
        if text.is_ascii() && count > 1 {
            let _ = write!(
                style,
                " textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"",
                n(count as f64 * CELL.0)
            );
        }
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\"{style} fill=\"{}\">{}</text>",
            n(left(from)),
            n(top + CELL.1 * 0.74),
            Paint::Rgb(first.fg),
            escape(text)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str, width: u8) -> ScreenCell {
        ScreenCell {
            text: text.into(),
            width,
            fg: [230; 3],
            bg: [16; 3],
            bold: false,
            underline: false,
            italic: false,
        }
    }

    #[test]
    fn a_row_that_is_too_long_and_markup_stay_inside() {
        let row: Vec<_> = "<b>&toolong".chars().map(|c| cell(&c.to_string(), 1)).collect();
        let svg = screen_svg(4, &[row, Vec::new()]);
        assert!(svg.contains(">&lt;b&gt;&amp;</text>"), "{svg}");
        assert!(!svg.contains("tool"));
    }

    #[test]
    fn a_wide_cluster_takes_two_columns() {
        let svg = screen_svg(5, &[vec![cell("好", 2), cell("", 0), cell("a", 1)]]);
        assert!(svg.contains("<text x=\"10\" y=\"24.06\" fill=\"#e6e6e6\">好</text>"), "{svg}");
        assert!(svg.contains("<text x=\"28\""), "{svg}");
    }

    #[test]
    fn runs_of_one_style_share_an_element_and_a_background() {
        let mut row: Vec<_> = "ab cd".chars().map(|c| cell(&c.to_string(), 1)).collect();
        row[3].bold = true;
        row[4].bold = true;
        row[3].bg = [200, 0, 0];
        row[4].bg = [200, 0, 0];
        let svg = screen_svg(9, &[row]);
        assert_eq!(svg.matches("<text").count(), 2);
        assert!(svg.contains("font-weight=\"bold\" textLength=\"18\""));
        assert!(svg.contains("width=\"18\" height=\"19\" fill=\"#c80000\""));
    }

    #[test]
    fn lines_blocks_and_braille_are_shapes() {
        for text in ["│", "╭", "█", "▏", "▄", "▒", "⣿", "▚", "┊"] {
            let svg = screen_svg(1, &[vec![cell(text, 1)]]);
            assert!(!svg.contains("<text x"), "{text}: {svg}");
            assert!(svg.contains("<g fill"), "{text}");
        }
    }
}
