//! Drawing the Samples screen.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::edit::Typing;
use super::fetch::Scope;
use super::{Samples, diff};
use crate::chart::Chart;
use crate::domain::{Decision, same_language};
use crate::store::SampleRow;
use crate::text::{self, LaidLine};
use crate::tui::pace::Pace;
use crate::tui::pen::Pen;
use crate::tui::screen::{Exportable, Shared};
use crate::tui::theme::Role;
use crate::tui::widgets::{Column, ListControl, draw_rows, draw_scrollbar, said, thousands};

/// Bytes of a text that a pane lays out and compares.
const PANE: usize = 4_000;
/// From this width on panes stand side by side.
const WIDE: u16 = 120;

/// `rejected: similarity 0.412 is below the threshold 0.520`, with who decided.
pub fn fate_in_full(row: &SampleRow) -> String {
    let hand = if row.by_hand { " (decided by hand)" } else { "" };
    match &row.sample.decision {
        Decision::Kept => format!("kept{hand}"),
        Decision::Rejected(why) => format!("rejected: {why}{hand}"),
        Decision::Failed(why) => format!("failed: {why}{hand}"),
    }
}

/// Its role; the words say the same.
pub fn fate_role(row: &SampleRow) -> Role {
    match row.sample.decision {
        Decision::Kept => Role::Good,
        Decision::Rejected(_) => Role::Warn,
        Decision::Failed(_) => Role::Bad,
    }
}

fn fate_in_short(row: &SampleRow) -> String {
    let hand = if row.by_hand { "*" } else { "" };
    match &row.sample.decision {
        Decision::Kept => format!("kept{hand}"),
        Decision::Rejected(why) => format!("rejected{hand}: {}", why.kind()),
        Decision::Failed(why) => format!("failed{hand}: {}", why.kind()),
    }
}

/// An area cut into a head of so many rows and the rest.
fn cut(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let rest = Rect { y: area.y + rows, height: area.height - rows, ..area };
    (Rect { height: rows, ..area }, rest)
}

impl Samples {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        if matches!(self.typing, Some(Typing::Text { .. })) {
            self.draw_editor(pen, area);
            return;
        }
        if self.threshold.is_some() {
            self.draw_threshold(pen, area);
            return;
        }
        if self.inside && area.width < WIDE {
            self.draw_ancestry(pen, area, shared);
            return;
        }
        let (seed, rest) =
            // Always as many: the list does not jump from row to row.
            cut(area, if area.height >= 14 { 2 } else { 1 });
        self.draw_seed(pen, seed, shared);
        let (left, side) = if rest.width >= WIDE {
            let left = (rest.width * 3 / 5).clamp(70, 130);
            let side = Rect { x: rest.x + left, width: rest.width - left, ..rest };
            (Rect { width: left, ..rest }, side)
        } else {
            let below = match rest.height {
                0..9 => 0,
                h if h < 24 => 7,
                h => h / 3,
            };
            cut(rest, rest.height - below)
        };
        let cells = usize::from(left.width.saturating_sub(2)).max(1);
        let failed: Vec<LaidLine> = self
            .decisions
            .failed()
            .flat_map(|p| {
                let why = p.error().map(ToString::to_string).unwrap_or_default();
                let said = format!("not saved: {}: {why} · r tries again, X gives up", p.words());
                text::lay_out(&said, cells, pen.looks.direction).lines
            })
            .collect();
        let (left, errors) = cut(left, left.height - (failed.len() as u16).min(left.height / 3));
        self.draw_list(pen, left, shared);
        let bad = pen.style(Role::Bad);
        let errors = Rect { x: errors.x + 1, width: cells as u16, ..errors };
        pen.laid(errors, &failed, 0, bad, &[]);
        if let Some(Typing::Note { .. }) = self.typing {
            let at =
                if side.height >= 4 { side } else { cut(area, area.height.saturating_sub(4)).1 };
            self.draw_note(pen, at);
        } else if self.inside {
            self.draw_ancestry(pen, side, shared);
        } else if side.height >= 3 {
            pen.beside(side, |pen| self.draw_text(pen, side, shared));
        }
    }

    fn draw_seed(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let Some(row) = self.list.current() else { return };
        // Another seed comes when the keys rest; the row tells its name meanwhile.
        if pen.pace() != Pace::Rest && self.seed_shown.as_ref() != Some(&row.sample.seed) {
            self.seed_shown = None;
            return;
        }
        self.seed_shown = Some(row.sample.seed.clone());
        let q = shared.survey.as_ref().and_then(|s| s.question(&row.sample.seed));
        let (title, text) = (pen.style(Role::Title), pen.style(Role::Text));
        let head = format!("{} ", row.sample.seed);
        let used = pen.put(area.x + 1, area.y, area.width, &head, title);
        let at = Rect { x: area.x + 1 + used, width: area.width.saturating_sub(used + 2), ..area };
        match q {
            Some(q) => pen.text(at, &q.text, text),
            None => pen.text(at, "this seed is not in the workspace", text),
        };
    }

    fn draw_scopes(&self, pen: &mut Pen<'_>, row: Rect) {
        let (muted, here) = (pen.style(Role::Muted), pen.style(Role::Accent));
        let mut x = row.x;
        for scope in Scope::ALL {
            let n = match self.totals.get() {
                Some(t) => thousands(t.of(scope)),
                None => "..".into(),
            };
            let (text, style) = if scope == self.scope {
                (format!("[{} {n}]", scope.word()), here)
            } else {
                (format!(" {} {n} ", scope.word()), muted)
            };
            x += pen.put(x, row.y, row.right().saturating_sub(x), &text, style);
        }
    }

    fn title(&self) -> String {
        let mut title =
            format!("Samples · {} · by {}", said(self.list.position()), self.list.order());
        if let Some(seed) = &self.base.seed {
            title += &format!(" · of {seed}");
        }
        if let Some(run) = &self.base.run {
            title += &format!(" · of run {run}");
        }
        if !self.list.filter().is_empty() {
            title += &format!(" · filter: {}", self.list.filter());
        }
        match self.decisions.on_the_way() {
            0 => title,
            _ => title + " · saving ..",
        }
    }

    fn draw_list(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let inner = pen.pane(area, &self.title(), true);
        let (bar, inner) = cut(inner, 1);
        self.draw_scopes(pen, bar);
        if let Some(e) = self.list.error().map(ToString::to_string) {
            let style = pen.style(Role::Bad);
            let (at, _) = cut(Rect { y: inner.y, ..inner }, 3);
            pen.text(at, &format!("the samples could not be read: {e}; r tries again"), style);
            if self.list.current().is_none() {
                return;
            }
        }
        if self.list.is_waiting() {
            let style = pen.style(Role::Muted);
            pen.put(inner.x, inner.y, inner.width, "reading ..", style);
            return;
        }
        if self.list.is_empty() {
            self.draw_empty(pen, inner, shared);
            return;
        }
        let columns = [
            Column::words("seed", 6),
            Column::words("stage", 8).from(60),
            Column::number("simil.", 6),
            Column::words(
                "fate (* by hand)",
                match inner.width {
                    0..60 => 9,
                    60..100 => 19,
                    _ => 24,
                },
            ),
            Column::words("lang", 5).from(90),
            Column::words("text", 0),
        ];
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let styles = [Role::Good, Role::Warn, Role::Bad].map(|r| pen.style(r));
        let position = self.list.position();
        let height = usize::from(inner.height.saturating_sub(1));
        let rows: Vec<_> = self
            .list
            .window(height)
            .into_iter()
            .map(|(r, here, marked)| {
                let s = &r.sample;
                let fate = match fate_role(r) {
                    Role::Good => styles[0],
                    Role::Warn => styles[1],
                    _ => styles[2],
                };
                let similarity =
                    s.similarity.map_or_else(|| "-".into(), |x| format!("{:.3}", x.get()));
                let cells = vec![
                    (s.seed.to_string(), muted),
                    (s.stage.as_str().to_owned(), muted),
                    (similarity, muted),
                    (fate_in_short(r), fate),
                    (s.language.clone(), muted),
                    // A long text is cut before it is laid out: only a line is shown.
                    (
                        first(&s.text, 400),
                        if matches!(s.decision, Decision::Kept) { text } else { muted },
                    ),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &columns, &rows, true);
        self.rows_at = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        draw_scrollbar(pen, self.rows_at, position);
    }

    fn draw_empty(&self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let narrowed = !self.list.filter().is_empty()
            || self.scope != Scope::All
            || self.base != crate::store::SampleFilter::default();
        let lines: &[(&str, Role)] = if narrowed {
            &[
                ("No sample passes here", Role::Title),
                ("v shows other fates, Esc clears the filter, A shows everything", Role::Text),
            ]
        } else if shared.survey.as_ref().is_some_and(|s| s.questions.is_empty()) {
            &[
                ("There are no samples, and no seeds to grow them from", Role::Title),
                ("2 shows Seeds, where n reads questions from a file", Role::Text),
            ]
        } else {
            &[
                ("No samples yet", Role::Title),
                (
                    "2 shows Seeds: mark some with Space (all: *), then a grows samples from them. They arrive here while the run works.",
                    Role::Text,
                ),
            ]
        };
        pen.says(area, lines);
    }

    /// The lines of the text under the cursor, with their styles.
    fn text_lines(
        &self,
        pen: &Pen<'_>,
        cells: usize,
        shared: &Shared,
    ) -> (Vec<LaidLine>, Vec<Style>, String) {
        let styles = [Role::Text, Role::Removed, Role::Added].map(|r| pen.style(r)).to_vec();
        let Some(row) = self.list.current() else { return (Vec::new(), styles, String::new()) };
        let s = &row.sample;
        // A page of text is more than any pane shows; Enter shows all of it.
        let text = first(&s.text, PANE);
        let mode = pen.looks.direction;
        let seed = shared.survey.as_ref().and_then(|v| v.question(&s.seed));
        let comparable = seed.filter(|q| same_language(&q.language, &s.language));
        match comparable {
            Some(q) if !self.as_it_is && !s.text.is_empty() => {
                let (gone, new) = diff::counts(&first(&q.text, PANE), &text);
                let said = format!("{gone} words gone, {new} new · d: as it is");
                (
                    diff::lines(&first(&q.text, PANE), &text, pen.looks.plain, cells, mode),
                    styles,
                    said,
                )
            }
            _ => {
                let why = match (s.text.is_empty(), self.as_it_is) {
                    (true, _) => "no text",
                    (_, true) => "as it is · d: what changed",
                    _ => "in another language than the seed: no word diff",
                };
                (text::lay_out(&text, cells, mode).lines, styles, why.into())
            }
        }
    }

    fn draw_text(&self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let Some(row) = self.list.current() else {
            pen.pane(area, "Text", false);
            return;
        };
        let cells = usize::from(area.width.saturating_sub(2)).max(1);
        let (lines, styles, said) = self.text_lines(pen, cells, shared);
        let inner = pen.pane(area, &said, false);
        let fate = pen.style(fate_role(row));
        let most = (inner.height / 2).max(1);
        let used = pen.text(Rect { height: most, ..inner }, &fate_in_full(row), fate) as u16;
        let (_, inner) = cut(inner, used.min(most));
        let base = pen.style(Role::Text);
        let used = pen.laid(inner, &lines, 0, base, &styles);
        if lines.len() > usize::from(inner.height) && inner.height > 0 {
            let muted = pen.style(Role::Muted);
            let last = Rect { y: inner.bottom() - 1, height: 1, ..inner };
            pen.right(last, " .. Enter shows all ", muted);
        }
        let (_, rest) = cut(inner, used);
        if rest.height >= 4 {
            Self::draw_short_ancestry(pen, rest, row);
        }
    }

    /// What the row itself knows of its making; Enter reads the rest.
    fn draw_short_ancestry(pen: &mut Pen<'_>, area: Rect, row: &SampleRow) {
        let p = &row.sample.provenance;
        let mut lines = vec![String::new()];
        let made = p.template.as_ref().map_or(String::new(), |t| format!(", template {t}"));
        let family = p.family.as_ref().map_or(String::new(), |f| format!(", family {f}"));
        lines.push(format!("{}{made}{family}", row.sample.stage.as_str()));
        lines.push(format!("provider {}, version {}", p.provider, p.version));
        if let Some(run) = &p.run {
            lines.push(format!("run {run}"));
        }
        for x in p.substitutions.iter().take(8) {
            lines.push(format!("{} -> {} ({})", x.from, x.to, x.rule));
        }
        if let Some(parent) = &p.parent {
            lines.push(format!("made from {parent}"));
        }
        lines.push("Enter: parents, decisions, raw reply".into());
        let muted = pen.style(Role::Muted);
        let mut y = area.y;
        for line in lines {
            if y >= area.bottom() {
                break;
            }
            let at = Rect { y, height: area.bottom() - y, ..area };
            y += pen.text(at, &line, muted).max(1) as u16;
        }
    }

    fn draw_note(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some(Typing::Note { input, ids }) = &self.typing else { return };
        pen.clear(area);
        let n = match ids.len() {
            1 => "this sample".to_owned(),
            n => format!("{n} samples"),
        };
        let inner = pen.pane(area, &format!("Reject {n}: why? (may stay empty)"), true);
        let style = pen.style(Role::Input);
        input.draw(pen, Rect { height: 1.min(inner.height), ..inner }, style, true);
        let muted = pen.style(Role::Muted);
        let at = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        pen.text(
            at,
            "Enter rejects, Esc leaves it. It stays in the list with this note; u undoes it.",
            muted,
        );
    }

    fn draw_editor(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let Some(Typing::Text { text, id, old, seed, saving, error }) = &mut self.typing else {
            return;
        };
        let (title, muted) = (pen.style(Role::Title), pen.style(Role::Muted));
        let plain = pen.style(Role::Text);
        let (top, rest) = cut(area, 2);
        let used = pen.put(top.x + 1, top.y, top.width, "seed: ", title);
        let at = Rect { x: top.x + 1 + used, width: top.width.saturating_sub(used + 2), ..top };
        pen.text(at, seed, plain);
        let (upper, lower) = cut(rest, (rest.height / 2).max(5));
        let inner = pen.pane(upper, &format!("New text in place of {id}"), true);
        text.draw(pen, inner, true);
        if lower.height < 3 {
            return;
        }
        let inner =
            pen.pane(lower, "As it will read, with what changes against the old text", false);
        let cells = usize::from(inner.width).max(1);
        let lines = diff::lines(
            &first(old, PANE),
            &first(&text.text(), PANE),
            pen.looks.plain,
            cells,
            pen.looks.direction,
        );
        let styles = [Role::Text, Role::Removed, Role::Added].map(|r| pen.style(r));
        let used = pen.laid(inner, &lines, 0, plain, &styles);
        let (_, below) = cut(inner, used);
        let (said, style) = match (error, *saving) {
            (Some(e), _) => (format!("not saved: {e}; Ctrl-S tries again"), pen.style(Role::Bad)),
            (None, true) => ("saving ..".to_owned(), muted),
            (None, false) => (
                "Ctrl-S saves it as a sample of its own that is kept; the old one stays, rejected by hand. Esc leaves.".to_owned(),
                muted,
            ),
        };
        pen.text(below, &said, style);
    }

    fn draw_threshold(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some(t) = &self.threshold else { return };
        let inner = pen.pane(area, "What a threshold would keep", true);
        let muted = pen.style(Role::Muted);
        if let Some(e) = t.error() {
            let style = pen.style(Role::Bad);
            pen.text(
                inner,
                &format!("the similarities could not be counted: {e}; r tries again"),
                style,
            );
            return;
        }
        let Some(chart) = t.chart() else {
            pen.put(inner.x, inner.y, inner.width, "counting similarities ..", muted);
            return;
        };
        if t.spread().is_some_and(|s| s.total() == 0) {
            pen.says(inner, &[
                ("No sample here has a similarity", Role::Title),
                ("Only what a threshold decides on is counted: kept samples, and those rejected as too dissimilar. h goes back; A there shows everything.", Role::Text),
            ]);
            return;
        }
        let mut words = vec![
            (t.words().unwrap_or_default(), pen.style(Role::Title)),
            (
                format!("{}. Counted: kept samples and those rejected as too dissimilar.", t.in_force()),
                muted,
            ),
            (
                "left and right move it by 0.01, up and down by 0.001. Nothing stored changes: Enter lists the samples from it on, a opens the form that grows with it:".into(),
                muted,
            ),
            (self.threshold_command(), pen.style(Role::Accent)),
        ];
        if let Some(people) = t.people() {
            words.insert(1, (people, pen.style(Role::Text)));
        }
        let width = usize::from(inner.width).max(1);
        let rows: usize =
            words.iter().map(|w| text::lay_out(&w.0, width, pen.looks.direction).lines.len()).sum();
        let (top, below) =
            cut(inner, inner.height.saturating_sub(rows as u16).max(inner.height / 3));
        let canvas = chart.cells(top.width, top.height, pen.looks.glyphs());
        pen.canvas(top, &canvas);
        let mut at = below;
        for (line, style) in &words {
            let used = pen.text(at, line, *style) as u16;
            (_, at) = cut(at, used);
        }
    }

    fn draw_ancestry(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let lines = self.ancestry_lines(shared);
        self.ancestry.rows =
            pen.scrolled(area, "Where it came from", &lines, &mut self.ancestry.top);
    }

    pub(super) fn exportable(&self) -> Option<Exportable> {
        if let Some(t) = &self.threshold {
            let chart = t.chart()?;
            return Some(Exportable {
                name: "similarity".into(),
                chart: Some(Chart::Histogram(chart)),
                table: None,
            });
        }
        let head = ["sample", "seed", "stage", "language", "similarity", "fate", "text"];
        let rows = self.list.rows().map(|r| {
            let s = &r.sample;
            vec![
                s.id.to_string(),
                s.seed.to_string(),
                s.stage.as_str().to_owned(),
                s.language.clone(),
                s.similarity.map_or_else(String::new, |x| format!("{:.4}", x.get())),
                fate_in_full(r),
                s.text.clone(),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        (!rows.is_empty()).then(|| Exportable {
            name: "samples-in-view".into(),
            chart: None,
            table: Some((head.map(str::to_owned).to_vec(), rows)),
        })
    }
}

/// The first bytes of a text, cut between characters.
fn first(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
