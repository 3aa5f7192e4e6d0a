//! Drawing everything around the pair: lists, welcome, guideline, breaks, the end.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw_practice::draw_practice_over;
use super::{Panel, Rate};
use crate::domain::{Score, StudyType};
use crate::store::Reason;
use crate::study::session::{BreakView, Progress, Saving, Session, Standing, Summary, View};
use crate::text;
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::Role;
use crate::tui::widgets::{Column, ListControl, draw_rows, draw_scrollbar, said};

const PICKS: [Column; 4] = [
    Column::words("study", 0),
    Column::words("rater", 16),
    Column::number("rated", 14),
    Column::words("", 18).from(70),
];

const OWN: [Column; 3] =
    [Column::number("pair", 6), Column::words("score", 14), Column::words("text A", 0)];

/// `4 min`, `1 h 05 min`; under a minute in seconds.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What reached the disk last.
pub(super) fn last_saved(session: &Session) -> Option<String> {
    let last = session.last_saved()?;
    Some(match (last.number, last.score, last.undone) {
        (0, ..) => return None,
        (n, _, true) => format!("taken back: pair {n}"),
        (n, Some(s), _) => {
            format!("saved: pair {n} = {}", score_word(session.about().study_type, s))
        }
        (n, None, _) => format!("saved: pair {n}"),
    })
}

/// What became of a pair, in a word.
pub(super) fn standing(kind: StudyType, s: Standing) -> String {
    match s {
        Standing::Open => "waits".into(),
        Standing::Rated { score, .. } => score_word(kind, score),
        Standing::PutOff => "put off".into(),
        Standing::LeftOut(reason) => left_out(reason).into(),
    }
}

/// Why a pair was left out, in two words.
pub(super) fn left_out(reason: Reason) -> &'static str {
    match reason {
        Reason::CannotJudge => "cannot judge",
        Reason::NotUnderstood => "not understood",
        Reason::BrokenText => "broken text",
        Reason::Offensive => "offensive",
        Reason::Other | Reason::Comment => "left out",
    }
}

/// A score as its study words it.
pub(super) fn score_word(kind: StudyType, score: Score) -> String {
    match (kind, score.get()) {
        (StudyType::Preference, 1) => "A".into(),
        (StudyType::Preference, 2) => "no difference".into(),
        (StudyType::Preference, _) => "B".into(),
        (_, n) => n.to_string(),
    }
}

/// A bar of `cells` cells, with brackets, readable without colour or special characters.
pub(super) fn bar(done: usize, total: usize, cells: usize, plain: bool) -> String {
    let inner = cells.saturating_sub(2).max(1);
    let full = (done * inner).checked_div(total).unwrap_or(0).min(inner);
    let (on, off) = if plain { ('#', '-') } else { ('━', '─') };
    let row: String = (0..inner).map(|i| if i < full { on } else { off }).collect();
    if plain { format!("[{row}]") } else { format!(" {row} ") }
}

impl Rate {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        if area.height == 0 || area.width < 8 {
            return;
        }
        if let Some(form) = &self.form {
            let width = area.width.min(76);
            let height = area.height.min(16);
            let at = Rect { x: area.x + (area.width - width) / 2, width, height, ..area };
            form.draw(pen, at, &self.form_says());
            return;
        }
        match self.panel {
            Panel::Skip => {
                self.draw_session(pen, area, shared);
                Self::draw_skip(pen, area);
            }
            Panel::Pick => self.draw_picks(pen, area),
            Panel::Own => self.draw_own(pen, area),
            Panel::Reader => self.draw_reader(pen, area),
            Panel::Session => self.draw_session(pen, area, shared),
        }
    }

    fn draw_session(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let Some(session) = self.session.take() else { return self.draw_opening(pen, area) };
        match session.view() {
            View::Welcome(w) => {
                self.draw_welcome(pen, area, &w, &session, shared);
            }
            View::Guideline { first } => self.draw_guide(pen, area, &session, first),
            View::Practice(p) => self.draw_practice(pen, area, &p, &session),
            View::PracticeOver { counts } => draw_practice_over(pen, area, counts, &session),
            View::Item(item) => self.draw_item(pen, area, &item, &session, shared),
            View::Break(b) => {
                draw_break(pen, area, b, session.progress(), !session.has_unsaved());
            }
            View::Done(s) => draw_done(pen, area, &s, &session, shared.alone),
        }
        self.session = Some(session);
    }

    fn draw_opening(&self, pen: &mut Pen<'_>, area: Rect) {
        match self.opening.error().or(self.making.error()) {
            Some(e) => {
                let hint = e.hint.clone().unwrap_or_default();
                pen.says(
                    area,
                    &[
                        ("This study cannot be rated now.", Role::Title),
                        ("", Role::Text),
                        (&e.message, Role::Bad),
                        (&hint, Role::Text),
                        ("", Role::Text),
                        ("r tries again; q leaves", Role::Muted),
                    ],
                );
            }
            None => pen.says(area, &[("opening the study", Role::Muted)]),
        }
    }

    fn draw_picks(&mut self, pen: &mut Pen<'_>, area: Rect) {
        if self.picks.rows().is_empty() {
            match self.picks_load.error() {
                Some(e) => {
                    let hint = e.hint.clone().unwrap_or_default();
                    pen.says(area, &[(&e.message, Role::Bad), (&hint, Role::Text), ("r tries again", Role::Muted)]);
                }
                None if self.picks_load.is_asked() => {
                    pen.says(area, &[("reading the studies", Role::Muted)]);
                }
                None => pen.says(area, &[
                    ("No study yet.", Role::Title),
                    ("", Role::Text),
                    ("In a study people compare seeds with the samples that grew from them, two texts and a score from 1 to 5.", Role::Text),
                    ("", Role::Text),
                    ("n  rate 20 kept samples of your own now", Role::Accent),
                    ("A study with several raters: `polyculture study new`, then `study plan`.", Role::Muted),
                ]),
            }
            return;
        }
        let title = format!("Who rates what · {}", said(self.picks.position()));
        let inner = pen.pane(area, &title, true);
        let height = usize::from(inner.height.saturating_sub(1));
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let rows: Vec<(Vec<(String, Style)>, bool, bool)> = self
            .picks
            .window(height)
            .into_iter()
            .map(|(p, here, marked)| {
                let rated =
                    if p.of > 0 { format!("{} of {}", p.done, p.of) } else { String::new() };
                let end = match (&p.rater, p.planned) {
                    (Some(_), _) if p.done == p.of => "done",
                    (Some(_), _) => "",
                    (None, true) => "no people in it",
                    (None, false) => "not planned yet",
                };
                let rater = p.rater.as_ref().map_or("-", |r| r.as_str());
                let cells = vec![
                    (p.study.to_string(), text),
                    (rater.to_owned(), text),
                    (rated, text),
                    (end.to_owned(), muted),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &PICKS, &rows, true);
        draw_scrollbar(pen, inner, self.picks.position());
    }

    fn draw_own(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let title = format!("Your pairs · {} · by {}", said(self.own.position()), self.own.order());
        let inner = pen.pane(area, &title, true);
        let height = usize::from(inner.height.saturating_sub(1));
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let kind = self.session.as_ref().map_or(StudyType::default(), |s| s.about().study_type);
        let rows: Vec<(Vec<(String, Style)>, bool, bool)> = self
            .own
            .window(height)
            .into_iter()
            .map(|(o, here, marked)| {
                let style = if matches!(o.standing, Standing::Rated { .. }) { text } else { muted };
                let cells = vec![
                    (o.number.to_string(), muted),
                    (standing(kind, o.standing), style),
                    (o.left.clone(), text),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &OWN, &rows, true);
        draw_scrollbar(pen, inner, self.own.position());
    }

    /// Paragraphs that scroll: each with its role.
    pub(super) fn draw_pages(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        title: &str,
        parts: &[(String, Role)],
    ) {
        let wide = Rect { width: area.width.min(96), ..area };
        let inner = pen.pane(wide, title, true);
        let cells = usize::from(inner.width.max(1));
        let lines: Vec<_> = parts
            .iter()
            .flat_map(|(t, role)| {
                let laid = text::lay_out(t, cells, pen.looks.direction);
                laid.lines.into_iter().map(move |l| (l, *role))
            })
            .collect();
        self.most = lines.len().saturating_sub(usize::from(inner.height));
        self.scroll = self.scroll.min(self.most);
        self.page = i64::from(inner.height.saturating_sub(1));
        let shown = lines.iter().skip(self.scroll).take(usize::from(inner.height));
        for (y, (line, role)) in (inner.y..).zip(shown) {
            let style = pen.style(*role);
            let row = Rect { y, height: 1, ..inner };
            pen.laid(row, std::slice::from_ref(line), 0, style, &[]);
        }
        if self.scroll < self.most {
            let muted = pen.style(Role::Key);
            let more = format!(" {} more lines: j ", self.most - self.scroll);
            pen.right(
                Rect { y: wide.bottom() - 1, width: wide.width.saturating_sub(2), ..wide },
                &more,
                muted,
            );
        }
    }

    fn draw_reader(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let text = self.pair_text().unwrap_or_default();
        let parts: Vec<(String, Role)> = text.lines().map(|l| (l.to_owned(), Role::Text)).collect();
        self.draw_pages(pen, area, "The pair · Esc goes back", &parts);
    }
}

fn draw_break(pen: &mut Pen<'_>, area: Rect, b: BreakView, p: Progress, saved: bool) {
    let head = if b.asked { "A break." } else { "Time for a break." };
    let since = format!("{} pairs in {} since the last one.", b.items, duration(b.active_ms));
    let left = p.left_ms.map_or(String::new(), |ms| format!(", about {}", duration(ms)));
    let saved = if saved { " Everything is saved." } else { " The last act is NOT saved yet." };
    let rest = format!("{} of {} are done{left} to go.{saved}", p.done, p.total);
    pen.says(
        area,
        &[
            (head, Role::Title),
            ("", Role::Text),
            (&since, Role::Text),
            (&rest, Role::Text),
            ("Look away for a minute: tired eyes rate everything alike.", Role::Muted),
            ("", Role::Text),
            ("Enter goes on. The clock of the pair stands meanwhile.", Role::Accent),
        ],
    );
}

fn draw_done(pen: &mut Pen<'_>, area: Rect, s: &Summary, session: &Session, alone: bool) {
    let rated = format!("{} of {} pairs rated in {}.", s.rated, s.total, duration(s.active_ms));
    let [one, two, three, four, five] = s.scores;
    let scores = match session.about().study_type {
        StudyType::Preference => {
            format!("The one on the left or above {one}, no difference {two}, the other {three}.")
        }
        _ => format!("Scores 1 to 5: {one} {two} {three} {four} {five}."),
    };
    let other = format!(
        "{} put off, {} left out, {} flagged, {} comments.",
        s.put_off, s.left_out, s.flagged, s.comments
    );
    let again = if s.put_off > 0 { "Enter shows the pairs you put off." } else { "" };
    let leave = if alone {
        "q leaves.".to_owned()
    } else {
        let study = session.study();
        format!("Esc goes back to the list. Results: polyculture study agreement --study {study}")
    };
    let (last, role) = match session.saving() {
        Saving::Failed { message } => (message.to_owned(), Role::Bad),
        Saving::Now => ("saving ..".into(), Role::Muted),
        Saving::Idle => (last_saved(session).unwrap_or_default(), Role::Good),
    };
    let head = if s.put_off > 0 { "Only those you put off are left." } else { "Done. Thank you." };
    pen.says(
        area,
        &[
            (head, Role::Title),
            ("", Role::Text),
            (&last, role),
            (&rated, Role::Text),
            (&scores, Role::Text),
            (&other, Role::Text),
            ("", Role::Text),
            (again, Role::Accent),
            ("v lists your ratings, to change one; u takes the last one back.", Role::Muted),
            (&leave, Role::Muted),
        ],
    );
}
