//! The confusion matrix: gold labels down, what was read across.

use ratatui::layout::Rect;

use super::behind::Behind;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::thousands;

impl Behind {
    /// Moves the cursor of the matrix.
    pub fn step(&mut self, down: i64, right: i64) {
        let Some(c) = self.confusion() else { return };
        let (rows, columns) = (c.labels.len() as i64, c.columns.len() as i64);
        self.at = (
            (self.at.0 as i64 + down).clamp(0, (rows - 1).max(0)) as usize,
            (self.at.1 as i64 + right).clamp(0, (columns - 1).max(0)) as usize,
        );
    }

    /// Narrows the list to the cell of the matrix under the cursor.
    pub fn narrow(&mut self) {
        let Some(c) = self.confusion() else { return };
        let pair = c.labels.get(self.at.0).zip(c.columns.get(self.at.1));
        self.only = pair.map(|(g, s)| (g.clone(), s.clone()));
        self.fill();
    }

    /// Draws the matrix: gold labels down, what was read across.
    pub fn draw_confusion(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let inner = pen.pane(area, &format!("Confusion · {}", self.title()), true);
        if self.failed(pen, inner) {
            return;
        }
        let Some(c) = self.confusion() else {
            let note = self.load.get().map_or_else(String::new, |f| f.note.clone());
            pen.says(
                inner,
                &[
                    ("There is no confusion matrix here.", Role::Title),
                    (&note, Role::Text),
                    ("v shows the items again", Role::Muted),
                ],
            );
            return;
        };
        let (muted, accent, text) =
            (pen.style(Role::Muted), pen.style(Role::Accent), pen.style(Role::Text));
        let label = (inner.width / 4).clamp(8, 20);
        let each = ((inner.width.saturating_sub(label)) / (c.columns.len() as u16 + 1).max(1))
            .clamp(6, 14);
        pen.put(inner.x, inner.y, label, "gold", muted);
        for (j, name) in c.columns.iter().enumerate() {
            let x = inner.x + label + j as u16 * each;
            let row = Rect {
                x,
                y: inner.y,
                width: (each - 1).min(inner.right().saturating_sub(x)),
                height: 1,
            };
            let name = crate::text::display(name);
            let name = crate::text::truncate(&name, usize::from(each - 1));
            pen.right(row, &name, if j == self.at.1 { accent } else { muted });
        }
        for (i, (name, counts)) in c.labels.iter().zip(&c.counts).enumerate() {
            let y = inner.y + 1 + i as u16;
            if y + 3 >= inner.bottom() {
                break;
            }
            pen.put(inner.x, y, label - 1, name, if i == self.at.0 { accent } else { text });
            let total: u64 = counts.iter().sum();
            for (j, n) in counts.iter().enumerate() {
                let x = inner.x + label + j as u16 * each;
                let row = Rect {
                    x,
                    y,
                    width: (each - 1).min(inner.right().saturating_sub(x)),
                    height: 1,
                };
                let share = if total == 0 { 0.0 } else { *n as f32 / total as f32 };
                let here = (i, j) == self.at;
                let style =
                    if here { pen.style(Role::Selection) } else { pen.looks.theme.heat(share) };
                pen.tint(row, style);
                let right = if i == j { "=" } else { " " };
                pen.right(
                    row,
                    &format!("{}{}{right}", if here { ">" } else { "" }, thousands(*n)),
                    style,
                );
            }
            let x = inner.x + label + counts.len() as u16 * each;
            let row =
                Rect { x, y, width: (each - 1).min(inner.right().saturating_sub(x)), height: 1 };
            pen.right(row, &thousands(total), muted);
        }
        let told = c.labels.get(self.at.0).zip(c.columns.get(self.at.1)).map(|(g, s)| {
            let n = c.counts[self.at.0][self.at.1];
            let total: u64 = c.counts[self.at.0].iter().sum();
            let share = 100.0 * n as f64 / total.max(1) as f64;
            format!(
                "{} of {} items with gold label {g} were read as {s} ({share:.1} %)",
                thousands(n),
                thousands(total)
            )
        });
        let y = inner.bottom().saturating_sub(2);
        pen.put(inner.x, y, inner.width, &told.unwrap_or_default(), text);
        let keys = "= right; Enter shows the items of this cell, v all of them";
        pen.put(inner.x, y + 1, inner.width, keys, muted);
    }
}
