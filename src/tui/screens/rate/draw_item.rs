//! Drawing the pair: side by side where there is room, one above the other where there is not.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Rate;
use super::draw::{bar, duration, last_saved, left_out, standing};
use super::draw_welcome::anchor_key;
use super::words::Purpose;
use crate::domain::StudyType;
use crate::store::Reason;
use crate::study::session::{ItemView, Saving, Session, Standing};
use crate::text::{self, Change, Laid, Resolved};
use crate::tui::looks::Looks;
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::Role;

/// Columns from which two texts stand side by side.
pub(super) const SIDE_BY_SIDE: u16 = 72;
/// Rows below which frames and anchors give way to the texts.
pub(super) const TALL: u16 = 15;

/// Rows that two short texts side by side are given, frames included.
pub(super) const LOW: u16 = 12;

/// What stands in the place of covered texts; gives the row below.
fn draw_covered(pen: &mut Pen<'_>, area: Rect, item: &ItemView<'_>) -> u16 {
    let height = area.height.min(LOW);
    let at = Rect { height, ..area };
    let inner = pen.pane(at, "covered", false);
    let warning = item.warning.unwrap_or("These texts can be hard to read.");
    let keys = "Enter shows them; that is logged. s passes over, for now or for good.";
    pen.says(inner, &[(warning, Role::Warn), (keys, Role::Text)]);
    at.bottom()
}

/// One text with the words that the other has not, as pieces with a style each: 0, or 1 for those
/// words.
fn pieces(text: &str, other: &str, side: Change) -> Vec<(String, usize)> {
    let (diff, old, new) = if side == Change::Removed {
        text::diff_words(text, other)
    } else {
        text::diff_words(other, text)
    };
    let (of, tokens) = if side == Change::Removed { (side, old) } else { (side, new) };
    let mut out = Vec::new();
    let mut done = 0;
    for piece in diff.iter().filter(|p| p.change == of) {
        let i = if side == Change::Removed { piece.old } else { piece.new };
        let Some(token) = tokens.get(i) else { continue };
        out.push((text[done..token.start].to_owned(), 0));
        out.push((text[token.start..token.end()].to_owned(), 1));
        done = token.end();
    }
    out.push((text[done..].to_owned(), 0));
    out
}

fn lay(text: &str, other: &str, side: Change, diff: bool, cells: usize, looks: &Looks) -> Laid {
    let mode = looks.direction;
    if !diff {
        return text::lay_out(text, cells, mode);
    }
    let mut owned = pieces(text, other, side);
    if looks.plain {
        // no colour, no weight: signs
        owned.iter_mut().filter(|p| p.1 == 1).for_each(|p| p.0 = format!("[{}]", p.0));
    }
    let borrowed: Vec<(&str, usize)> = owned.iter().map(|(t, s)| (t.as_str(), *s)).collect();
    text::lay_out_styled(&borrowed, cells, mode)
}

impl Rate {
    pub(super) fn draw_item(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        item: &ItemView<'_>,
        session: &Session,
        shared: &Shared,
    ) {
        let tall = area.height >= TALL;
        let mut y = area.y;
        let row =
            |y: u16| Rect { x: area.x + 1, y, width: area.width.saturating_sub(2), height: 1 };
        draw_head(pen, row(y), item, session);
        y += 1;
        if tall {
            let style = pen.style(Role::Title);
            let question = session.guideline().question.clone();
            pen.put(row(y).x, y, row(y).width, &question, style);
            y += 1;
        }
        let anchors = if tall { session.guideline().anchors.len() as u16 } else { 1 };
        let foot = anchors + 1;
        let texts = Rect { y, height: area.bottom().saturating_sub(y + foot), ..area };
        y = if item.hidden {
            draw_covered(pen, texts, item)
        } else {
            self.draw_texts(pen, texts, item, tall)
        };
        draw_scale(pen, Rect { y, height: anchors, ..row(y) }, item, session, tall);
        y += anchors;
        self.draw_state(pen, row(y), item, session, shared);
        if self.words.is_some() {
            // over the scale, the pair staying in sight
            let height = (area.height / 2).clamp(3, 9).min(area.height);
            let at = Rect { y: area.bottom() - height, height, ..area };
            self.draw_words(pen, at);
        }
    }

    /// Draws both texts; gives the row below them.
    pub(super) fn draw_texts(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        item: &ItemView<'_>,
        tall: bool,
    ) -> u16 {
        if area.height == 0 {
            return area.y;
        }
        if item.context.is_some() || item.study_type == StudyType::Appropriateness {
            return self.draw_answers(pen, area, item, tall);
        }
        let mode = pen.looks.direction;
        let text_style = pen.style(Role::Text);
        let marked = pen.style(Role::Match);
        if !tall {
            self.draw_small(pen, area, item, text_style, marked);
            return area.bottom();
        }
        // a terminal that turns rows around would swap what stands side by side
        let beside = area.width >= SIDE_BY_SIDE && mode != Resolved::Terminal;
        // as wide as reads well: more room stays empty
        let width = if beside { (area.width / 2).min(72) } else { area.width };
        let frame = if pen.looks.plain { (1, 1) } else { (4, 2) };
        let cells = usize::from(width.saturating_sub(frame.0).max(1));
        let laid = [
            lay(item.left, item.right, Change::Removed, item.diff, cells, pen.looks),
            lay(item.right, item.left, Change::Added, item.diff, cells, pen.looks),
        ];
        // the scale stands near the texts, and at the same place for most pairs
        let most = laid.iter().map(|l| l.lines.len()).max().unwrap_or(0) as u16 + frame.1;
        let areas = if beside {
            let x = area.x + (area.width - 2 * width) / 2;
            let at = Rect { x, width, height: most.max(LOW).min(area.height), ..area };
            [at, Rect { x: x + width, ..at }]
        } else {
            let height = most.max(LOW / 2).min(area.height / 2);
            [Rect { height, ..area }, Rect { y: area.y + height, height, ..area }]
        };
        let rows = |a: Rect| usize::from(a.height.saturating_sub(frame.1));
        self.most =
            (0..2).map(|i| laid[i].lines.len().saturating_sub(rows(areas[i]))).max().unwrap_or(0);
        self.scroll = self.scroll.min(self.most);
        for (i, name) in ["A", "B"].into_iter().enumerate() {
            let skip = self.scroll.min(laid[i].lines.len().saturating_sub(rows(areas[i])));
            let below = laid[i].lines.len().saturating_sub(skip + rows(areas[i]));
            let more = match (skip, below) {
                (0, 0) => String::new(),
                (_, 0) => " · above: k".into(),
                (_, n) => format!(" · {n} more lines: j"),
            };
            let inner = pen.pane(areas[i], &format!("{name}{more}"), false);
            let pad = u16::from(!pen.looks.plain);
            let inner =
                Rect { x: inner.x + pad, width: inner.width.saturating_sub(2 * pad), ..inner };
            pen.laid(inner, &laid[i].lines, skip, text_style, &[text_style, marked]);
        }
        areas[1].bottom()
    }

    /// Both texts as one that scrolls: for windows of a few lines.
    fn draw_small(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        item: &ItemView<'_>,
        style: Style,
        marked: Style,
    ) {
        let cells = usize::from(area.width.saturating_sub(3).max(1));
        let both = [
            ("A", lay(item.left, item.right, Change::Removed, item.diff, cells, pen.looks)),
            ("B", lay(item.right, item.left, Change::Added, item.diff, cells, pen.looks)),
        ];
        let lines: Vec<(&str, &text::LaidLine)> = both
            .iter()
            .flat_map(|(name, laid)| {
                laid.lines
                    .iter()
                    .enumerate()
                    .map(move |(i, l)| (if i == 0 { *name } else { " " }, l))
            })
            .collect();
        self.most = lines.len().saturating_sub(usize::from(area.height));
        self.scroll = self.scroll.min(self.most);
        let shown = lines.iter().skip(self.scroll).take(usize::from(area.height));
        let name_style = pen.style(Role::Accent);
        for (i, (name, line)) in shown.enumerate() {
            let y = area.y + i as u16;
            pen.put_safe(area.x, y, 1, name, name_style);
            let row = Rect { x: area.x + 2, y, width: cells as u16, height: 1 };
            pen.laid(row, std::slice::from_ref(*line), 0, style, &[style, marked]);
        }
        if self.scroll < self.most {
            let key = pen.style(Role::Key);
            let row = Rect { y: area.bottom() - 1, height: 1, ..area };
            let more = if pen.looks.plain { "j" } else { "↓" };
            pen.right(row, more, key);
        }
    }

    /// What is being saved, what failed, what is known of the pair already.
    fn draw_state(
        &self,
        pen: &mut Pen<'_>,
        row: Rect,
        item: &ItemView<'_>,
        session: &Session,
        shared: &Shared,
    ) {
        let (said, role) = match item.saving {
            Saving::Failed { message } => (message.to_owned(), Role::Bad),
            Saving::Now => match self.sent_for(shared.now) {
                Some(s) => (
                    format!(
                        "saving for {s} s: another program holds the database. Nothing is lost; the pair stays until it is saved"
                    ),
                    Role::Warn,
                ),
                None => ("saving ..".into(), Role::Muted),
            },
            Saving::Idle => {
                let mut parts = Vec::new();
                match item.standing {
                    Standing::Open => {}
                    Standing::Rated { .. } => {
                        parts.push(format!(
                            "you gave {}; another key changes it",
                            standing(item.study_type, item.standing)
                        ));
                    }
                    Standing::PutOff => parts.push("put off before".into()),
                    Standing::LeftOut(reason) => {
                        parts.push(format!("left out before: {}", left_out(reason)));
                    }
                }
                if item.flags.contains(&Reason::BrokenText) {
                    parts.push("flagged: broken text".into());
                }
                if item.flags.contains(&Reason::Other) {
                    parts.push("flagged".into());
                }
                match item.comments.len() {
                    0 => {}
                    1 => parts.push("1 comment".into()),
                    n => parts.push(format!("{n} comments")),
                }
                if item.diff {
                    parts.push("word difference shown (logged)".into());
                }
                let here = session.here();
                if here.is_some_and(|h| self.draft.text(h, Purpose::Comment).is_some())
                    && self.words.is_none()
                {
                    parts.push("a comment is not sent yet: c".into());
                }
                if parts.is_empty() && item.hidden {
                    parts.push("Enter shows the texts, s passes over".into());
                } else if parts.is_empty() {
                    parts.push(format!("1 to {} rates", item.study_type.top()));
                    parts.push("? shows all keys".into());
                }
                (parts.join(" · "), Role::Muted)
            }
        };
        let style = pen.style(role);
        pen.put(row.x, row.y, row.width, &said, style);
    }

    fn draw_words(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some(words) = &self.words else { return };
        pen.clear(area);
        let what = match words.purpose {
            Purpose::Flag => "Why you flag this pair",
            Purpose::Comment => "Comment on this pair",
            Purpose::LeaveOut => "Why you pass it over",
        };
        let inner = pen.pane(area, &format!("{what} · Ctrl-S saves, Esc leaves"), true);
        words.draw(pen, inner);
    }
}

/// Number, progress, time left, what was saved last.
fn draw_head(pen: &mut Pen<'_>, row: Rect, item: &ItemView<'_>, session: &Session) {
    let p = session.progress();
    let (title, muted) = (pen.style(Role::Title), pen.style(Role::Muted));
    let number = format!(
        "{} {} of {}{}",
        session.about().item_word(),
        item.number,
        item.total,
        if pen.looks.plain { " " } else { "" }
    );
    let cells = if row.width >= 60 { 18 } else { 0 };
    let meter =
        if cells > 0 { bar(p.done, p.total, cells, pen.looks.plain) } else { String::new() };
    let percent = format!(" {} %", 100 * p.done / p.total.max(1));
    let left = p.left_ms.filter(|ms| *ms > 0);
    let left = left.map_or(String::new(), |ms| format!(" · about {} left", duration(ms)));
    let used = pen.line(
        row.x,
        row.y,
        row.width,
        &[(&number, title), (&meter, pen.style(Role::Accent)), (&percent, muted), (&left, muted)],
    );
    let Some(what) = last_saved(session) else { return };
    if usize::from(row.width.saturating_sub(used + 2)) >= text::width(&what) {
        let good = pen.style(Role::Good);
        pen.right(row, &what, good);
    }
}

pub(super) fn draw_scale(
    pen: &mut Pen<'_>,
    area: Rect,
    item: &ItemView<'_>,
    session: &Session,
    tall: bool,
) {
    let (key, word) = (pen.style(Role::Key), pen.style(Role::Text));
    let given = match item.standing {
        Standing::Rated { score, .. } => score.get(),
        _ => 0,
    };
    let kind = item.study_type;
    if !tall {
        let said = match (kind, area.width >= 44) {
            (StudyType::Similarity, true) => "1 different .. 5 same meaning",
            (StudyType::Similarity, false) => "1 differs .. 5 same",
            (StudyType::Preference, true) => {
                "1 a: A is better  2 t: no difference  3 b: B is better"
            }
            (StudyType::Preference, false) => "1 A  2 same  3 B",
            (StudyType::Appropriateness, true) => "1 not fitting at all .. 5 entirely fitting",
            (StudyType::Appropriateness, false) => "1 unfit .. 5 fits",
        };
        pen.put_safe(area.x, area.y, area.width, said, key);
        return;
    }
    for (i, a) in session.guideline().anchors.iter().enumerate() {
        let y = area.y + i as u16;
        if y >= area.bottom() {
            break;
        }
        let sign = if a.score == given { "> " } else { "  " };
        let number = format!("{} ", anchor_key(kind, a.score));
        pen.line(area.x, y, area.width, &[(sign, key), (&number, key), (&a.text, word)]);
        if a.score == given {
            let look = pen.style(Role::Selection);
            pen.tint(Rect { y, height: 1, ..area }, look);
        }
    }
}
