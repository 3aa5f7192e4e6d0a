//! From a text to lines that can be printed: cleaned, shaped, wrapped, in visual order.

use std::ops::Range;

use unicode_bidi::Level;

use super::bidi::{Levels, visual_order};
use super::bidi_mode::Resolved;
use super::clusters::clusters;
use super::display::clean;
use super::mirror::mirrored;
use super::shape::{needs_shaping, shape};
use super::styles::Styles;
use super::width::cluster_width;
use super::wrap::{breaks_between, opportunities, wrap};

/// What stands where text was cut or does not fit, 1 cell.
const CUT: &str = "…";

/// A text laid out for a pane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Laid {
    /// Its lines, from top to bottom; at least one.
    pub lines: Vec<LaidLine>,
}

/// One row of a pane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaidLine {
    /// What to print, from left to right, safe for any terminal. Reading order where the terminal
    /// turns rows around itself.
    pub text: String,
    /// Its width in cells; never more than was asked for.
    pub width: usize,
    /// Whether the caller should put it at the right edge. Only in [`Resolved::App`]: elsewhere
    /// the terminal decides where a row begins.
    pub rtl: bool,
    /// The bytes of the logical display text (that is [`display_lines`](super::display_lines) of
    /// the whole text; [`display`](super::display) for a single line) that it shows, blanks at the
    /// end included. The ranges of all lines ascend; only line feeds stand between them.
    pub source: Range<usize>,
    /// Runs of one style: bytes of `text` and the style. They cover the text without gaps.
    pub spans: Vec<(Range<usize>, usize)>,
}

/// Wraps a text into lines of at most so many cells. The text passes
/// [`display_lines`](super::display_lines) first.
pub fn lay_out(text: &str, cells: usize, mode: Resolved) -> Laid {
    lay_out_styled(&[(text, 0)], cells, mode)
}

/// The same for pieces of one text, each with a style (changed words, letters that a filter
/// found): the styles survive cleaning, wrapping, shaping and reordering. A cluster that stands in
/// two pieces has the style of its first character.
pub fn lay_out_styled(pieces: &[(&str, usize)], cells: usize, mode: Resolved) -> Laid {
    let (text, styles) = clean(pieces, true);
    let mut lines = Vec::new();
    let mut start = 0;
    loop {
        let rest = &text[start..];
        let end = rest.find('\n').map_or(text.len(), |i| start + i);
        let paragraph = Paragraph::new(&text[start..end], start, mode, Breaks::Found);
        for units in wrap(&paragraph.units, cells) {
            lines.push(paragraph.line(units, cells, &styles, false));
        }
        // A line feed at the very end opens no further line.
        if end + 1 >= text.len() {
            return Laid { lines };
        }
        start = end + 1;
    }
}

/// One line: the text passes [`display`](super::display), and what does not fit is cut at the end
/// in reading order, shown by `…` (which stands on the left of right-to-left text).
pub fn lay_line(text: &str, cells: usize, mode: Resolved) -> LaidLine {
    lay_line_styled(&[(text, 0)], cells, mode)
}

/// The same for pieces with styles; `…` has the style of what it cuts off.
pub fn lay_line_styled(pieces: &[(&str, usize)], cells: usize, mode: Resolved) -> LaidLine {
    let whole: usize = pieces.iter().map(|p| p.0.len()).sum();
    // A log may have lines of megabytes: a beginning is enough, unless it holds so much that is
    // not seen that it does not fill the line.
    let mut take = 64 + cells.saturating_mul(5);
    loop {
        let (text, styles) = clean(&beginning(pieces, take), false);
        let paragraph = Paragraph::new(&text, 0, mode, Breaks::Unasked);
        let all: usize = paragraph.units.iter().map(Unit::width).sum();
        // Two cells more than fit: the last cluster may itself be cut in two, and the letter
        // before it may not know what it joins.
        if take < whole && all <= cells + 4 {
            take = take.saturating_mul(4);
            continue;
        }
        if all <= cells {
            return paragraph.line(0..paragraph.units.len(), cells, &styles, false);
        }
        let mut used = 0;
        let fits = |u: &&Unit| {
            used += u.width();
            used < cells
        };
        let end = paragraph.units.iter().take_while(fits).count();
        return paragraph.line(0..end, cells, &styles, true);
    }
}

/// The first bytes of a text in pieces, cut between characters.
fn beginning<'a>(pieces: &[(&'a str, usize)], bytes: usize) -> Vec<(&'a str, usize)> {
    let mut left = bytes;
    let mut out = Vec::new();
    for (text, style) in pieces {
        let part = &text[..text.floor_char_boundary(left.min(text.len()))];
        out.push((part, *style));
        if part.len() < text.len() {
            break;
        }
        left -= part.len();
    }
    out
}

/// What is never taken apart: a cluster, or lam and alef in their common form.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// First byte in the paragraph.
    start: usize,
    /// Bytes of the shaped text.
    shaped: Range<usize>,
    width: u8,
    /// Whether a line may begin here.
    pub may_begin: bool,
    /// Whether it leaves no trace at the end of a line.
    pub blank: bool,
}

impl Unit {
    /// Cells.
    pub fn width(&self) -> usize {
        usize::from(self.width)
    }
}

/// Whether anybody asks where lines may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaks {
    Found,
    Unasked,
}

struct Paragraph<'a> {
    /// Logical display text.
    text: &'a str,
    /// Where it begins in the whole text.
    offset: usize,
    shaped: String,
    units: Vec<Unit>,
    levels: Option<Levels>,
}

impl<'a> Paragraph<'a> {
    fn new(text: &'a str, offset: usize, mode: Resolved, breaks: Breaks) -> Self {
        let all: Vec<&str> = if text.is_ascii() {
            // `display` left no control characters: every byte is a cluster.
            (0..text.len()).map(|i| &text[i..=i]).collect()
        } else {
            clusters(text).map(|(_, cluster)| cluster).collect()
        };
        let forms = (mode == Resolved::App && needs_shaping(text)).then(|| shape(&all));
        let wraps = breaks == Breaks::Found;
        let mut chances = wraps.then(|| opportunities(text)).into_iter().flatten().peekable();
        let mut shaped = String::with_capacity(text.len());
        let mut units = Vec::with_capacity(all.len());
        let (mut cluster, mut start) = (0, 0);
        while let Some(&first) = all.get(cluster) {
            let form = forms.as_ref().and_then(|f| f.get(units.len()));
            let taken = form.map_or(1, |f| f.clusters);
            let from = shaped.len();
            match form {
                Some(form) => form.write(&all[cluster..cluster + taken], &mut shaped),
                None => shaped.push_str(first),
            }
            while chances.next_if(|&byte| byte < start).is_some() {}
            let between =
                wraps && cluster.checked_sub(1).is_some_and(|p| breaks_between(all[p], first));
            units.push(Unit {
                start,
                shaped: from..shaped.len(),
                width: u8::try_from(cluster_width(&shaped[from..])).unwrap_or(2),
                may_begin: chances.peek() == Some(&start) || between,
                blank: is_blank(first),
            });
            start += all[cluster..cluster + taken].iter().map(|c| c.len()).sum::<usize>();
            cluster += taken;
        }
        let levels = if mode == Resolved::App { Levels::of(text) } else { None };
        Self { text, offset, shaped, units, levels }
    }

    fn byte(&self, unit: usize) -> usize {
        self.units.get(unit).map_or(self.text.len(), |u| u.start)
    }

    /// The units of one line in visual order; with a mark at their end in reading order where the
    /// rest of the paragraph is cut off.
    fn line(&self, units: Range<usize>, cells: usize, styles: &Styles, cut: bool) -> LaidLine {
        let source = self.offset + self.byte(units.start)..self.offset + self.byte(units.end);
        let kept = if cut {
            units.len()
        } else {
            units.len() - self.units[units.clone()].iter().rev().take_while(|u| u.blank).count()
        };
        let shown = units.start..units.start + kept;
        let mut reader = styles.reader_from(source.start);
        let mut tiles: Vec<Tile> = self.units[shown.clone()]
            .iter()
            .map(|u| Tile {
                text: if u.width() <= cells { &self.shaped[u.shaped.clone()] } else { CUT },
                width: u.width().min(cells),
                style: reader.at(self.offset + u.start),
                mirror: false,
            })
            .collect();
        if cut && cells > 0 {
            let style = reader.at(self.offset + self.byte(units.end));
            tiles.push(Tile { text: CUT, width: 1, style, mirror: false });
        }
        let mut line = LaidLine { source, ..LaidLine::default() };
        match &self.levels {
            Some(levels) => {
                line.rtl = levels.right_to_left();
                let of: Vec<Level> = (shown.start..shown.start + tiles.len())
                    .map(|i| levels.at(if shown.contains(&i) { self.byte(i) } else { usize::MAX }))
                    .collect();
                for (tile, level) in tiles.iter_mut().zip(&of) {
                    tile.mirror = level.is_rtl();
                }
                visual_order(&of).into_iter().for_each(|i| line.push(&tiles[i], cells));
            }
            None => tiles.iter().for_each(|t| line.push(t, cells)),
        }
        line
    }
}

/// One unit on a line.
struct Tile<'a> {
    text: &'a str,
    width: usize,
    style: usize,
    mirror: bool,
}

impl LaidLine {
    fn push(&mut self, tile: &Tile, cells: usize) {
        if cells == 0 {
            return;
        }
        let start = self.text.len();
        match tile.text.chars().next().filter(|_| tile.mirror).and_then(mirrored) {
            Some(other) => {
                self.text.push(other);
                self.text.extend(tile.text.chars().skip(1));
            }
            None => self.text.push_str(tile.text),
        }
        self.width += tile.width;
        match self.spans.last_mut() {
            Some((range, style)) if *style == tile.style => range.end = self.text.len(),
            _ => self.spans.push((start..self.text.len(), tile.style)),
        }
    }
}

/// Blanks at which lines break; those that hold words together are none.
fn is_blank(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    chars
        .next()
        .is_some_and(|c| c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}'))
        && chars.next().is_none()
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
