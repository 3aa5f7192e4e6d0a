//! Drawing answers to a question: the question above, then one answer, or two beside each other.

use ratatui::layout::Rect;

use super::Rate;
use super::draw_item::{LOW, SIDE_BY_SIDE};
use crate::domain::StudyType;
use crate::study::session::ItemView;
use crate::text::{self, LaidLine, Resolved};
use crate::tui::pen::Pen;
use crate::tui::theme::Role;

/// Rows that a question takes at most, of every four that there are.
const QUESTION_SHARE: u16 = 3;

impl Rate {
    /// Draws the question and the answers; gives the row below them. In windows of a few rows all
    /// of it is one text that scrolls.
    pub(super) fn draw_answers(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        item: &ItemView<'_>,
        tall: bool,
    ) -> u16 {
        let one = item.study_type == StudyType::Appropriateness;
        let mut texts: Vec<(&str, &str)> = Vec::new();
        if one {
            texts.push(("answer", item.left));
        } else {
            texts.extend([("A", item.left), ("B", item.right)]);
        }
        if !tall {
            let context = item.context.map(|c| ("?", c));
            let names = if one { vec![("=", item.left)] } else { texts };
            self.draw_in_one(pen, area, context.into_iter().chain(names).collect());
            return area.bottom();
        }
        let mode = pen.looks.direction;
        let style = pen.style(Role::Text);
        let frame = if pen.looks.plain { (1, 1) } else { (4, 2) };
        let mut rest = area;
        if let Some(question) = item.context {
            let width = area.width.min(144);
            let cells = usize::from(width.saturating_sub(frame.0).max(1));
            let laid = text::lay_out(question, cells, mode);
            let height = (laid.lines.len() as u16 + frame.1)
                .min((area.height * QUESTION_SHARE / 8).max(frame.1 + 1))
                .min(area.height);
            let below = laid.lines.len().saturating_sub(usize::from(height - frame.1.min(height)));
            let more = if below > 0 { " · o shows all of it" } else { "" };
            let at = Rect { x: area.x + (area.width - width) / 2, width, height, ..area };
            let inner = pen.pane(at, &format!("question{more}"), false);
            pen.laid(padded(pen, inner), &laid.lines, 0, style, &[]);
            rest = Rect { y: at.bottom(), height: area.height - height, ..area };
        }
        let n = texts.len() as u16;
        let beside = n > 1 && rest.width >= SIDE_BY_SIDE && mode != Resolved::Terminal;
        let columns = if beside { n } else { 1 };
        let width = (rest.width / columns).min(if beside { 72 } else { 96 });
        let cells = usize::from(width.saturating_sub(frame.0).max(1));
        let laid: Vec<_> = texts.iter().map(|(_, t)| text::lay_out(t, cells, mode)).collect();
        let x = rest.x + (rest.width - columns * width) / 2;
        // as much as the longer one needs: the scale stands near the texts
        let most = laid.iter().map(|l| l.lines.len()).max().unwrap_or(0) as u16 + frame.1;
        let each = if beside || n == 1 {
            most.max(LOW).min(rest.height)
        } else {
            most.max(LOW / 2).min(rest.height / n)
        };
        let areas: Vec<Rect> = (0..n)
            .map(|i| {
                let (dx, dy) = if beside { (i * width, 0) } else { (0, i * each) };
                Rect { x: x + dx, y: rest.y + dy, width, height: each }
            })
            .collect();
        let rows = usize::from(each.saturating_sub(frame.1));
        self.most = laid.iter().map(|l| l.lines.len().saturating_sub(rows)).max().unwrap_or(0);
        self.scroll = self.scroll.min(self.most);
        for ((at, laid), (name, _)) in areas.iter().zip(&laid).zip(&texts) {
            let skip = self.scroll.min(laid.lines.len().saturating_sub(rows));
            let more = match (skip, laid.lines.len().saturating_sub(skip + rows)) {
                (0, 0) => String::new(),
                (_, 0) => " · above: k".into(),
                (_, n) => format!(" · {n} more lines: j"),
            };
            let inner = pen.pane(*at, &format!("{name}{more}"), false);
            pen.laid(padded(pen, inner), &laid.lines, skip, style, &[]);
        }
        areas.last().map_or(rest.y, |a| a.bottom())
    }

    fn draw_in_one(&mut self, pen: &mut Pen<'_>, area: Rect, texts: Vec<(&str, &str)>) {
        let cells = usize::from(area.width.saturating_sub(3).max(1));
        let lines: Vec<(&str, LaidLine)> = texts
            .into_iter()
            .flat_map(|(name, t)| {
                let laid = text::lay_out(t, cells, pen.looks.direction);
                laid.lines
                    .into_iter()
                    .enumerate()
                    .map(move |(i, l)| (if i == 0 { name } else { " " }, l))
            })
            .collect();
        self.most = lines.len().saturating_sub(usize::from(area.height));
        self.scroll = self.scroll.min(self.most);
        let shown = lines.iter().skip(self.scroll).take(usize::from(area.height));
        let (accent, style) = (pen.style(Role::Accent), pen.style(Role::Text));
        for (y, (name, line)) in (area.y..).zip(shown) {
            pen.put_safe(area.x, y, 1, name, accent);
            let row = Rect { x: area.x + 2, y, width: cells as u16, height: 1 };
            pen.laid(row, std::slice::from_ref(line), 0, style, &[]);
        }
        if self.scroll < self.most {
            let key = pen.style(Role::Key);
            let row = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
            pen.right(row, if pen.looks.plain { "j" } else { "↓" }, key);
        }
    }
}

fn padded(pen: &Pen<'_>, inner: Rect) -> Rect {
    let pad = u16::from(!pen.looks.plain);
    Rect { x: inner.x + pad, width: inner.width.saturating_sub(2 * pad), ..inner }
}
