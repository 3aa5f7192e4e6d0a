//! Drawing one item that divides raters: both texts, all scores, what was decided.

use ratatui::layout::Rect;

use super::Leading;
use super::case::CaseView;
use crate::domain::StudyType;
use crate::store::RaterKind;
use crate::study::Case;
use crate::text::{self, Resolved};
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::{ListControl, shell_line};

/// Columns from which two texts stand side by side.
const SIDE_BY_SIDE: u16 = 72;

impl Leading {
    pub(super) fn draw_case(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let line = self.decision_line();
        let at = self.widest.position();
        let Some(view) = &mut self.case else { return };
        let Some(found) = view.load.get() else {
            let inner = pen.pane(area, &format!("Item {}", view.item), true);
            match view.load.error() {
                Some(e) => pen.says(
                    inner,
                    &[
                        ("The item cannot be read.", Role::Bad),
                        (&e.to_string(), Role::Text),
                        ("Esc goes back", Role::Muted),
                    ],
                ),
                None => pen.says(inner, &[("reading the item", Role::Muted)]),
            }
            return;
        };
        let place = match (at.at, at.of) {
            (Some(at), Some(of)) => format!(" · {at} of {of}"),
            _ => String::new(),
        };
        let culture = found.item.culture.as_ref().map_or(String::new(), |c| format!(" · {c}"));
        let head = format!(
            "Item {}{place}{culture} · {} · seed {}",
            found.item.id, found.item.language, found.item.seed
        );
        let style = pen.style(Role::Title);
        pen.put(area.x + 1, area.y, area.width.saturating_sub(2), &head, style);
        let mut y = area.y + 1;
        if let Some(question) = &found.item.context {
            let style = pen.style(Role::Text);
            let hidden = found.item.sensitive && !view.open;
            let said = if hidden { "(hidden: x shows it)" } else { question.as_str() };
            let width = area.width.saturating_sub(2);
            pen.put(area.x + 1, y, width, &format!("Asked: {said}"), style);
            y += 1;
        }
        let left = area.bottom().saturating_sub(y);
        let wanted = text_rows(found, area.width, pen.looks.direction);
        let texts = Rect { y, height: wanted.clamp(4, (left / 2).max(5)).min(left), ..area };
        let deepest = draw_texts(pen, texts, found, view.open, view.scroll);
        let below = Rect { y: texts.bottom(), height: left - texts.height, ..area };
        let lines = said_of(found, view);
        let mut top = view.scroll;
        let height = usize::from(below.height.saturating_sub(2));
        let all = pen.scrolled(below, "What raters said", &lines, &mut top);
        view.most = all.saturating_sub(height).max(deepest);
        if let Some(form) = &view.form {
            let height = 12.min(area.height);
            let at = Rect { y: area.bottom() - height, height, ..area };
            let mut says = Vec::new();
            if let Some(wrong) = &view.wrong {
                says.push((wrong.clone(), Role::Bad));
            }
            if let Some(line) = line {
                says.push((shell_line(&line), Role::Muted));
            }
            let verb = if view.sending.is_asked() { "storing .." } else { "Enter stores it" };
            says.push((format!("{verb}, Esc leaves"), Role::Muted));
            form.draw(pen, at, &says);
        }
    }
}

/// Rows that both texts take with their frames, side by side or one above the other.
fn text_rows(c: &Case, width: u16, direction: Resolved) -> u16 {
    let beside = width >= SIDE_BY_SIDE && direction != Resolved::Terminal;
    let both = [c.item.seed_text.as_str(), c.item.sample_text.as_str()];
    let shown = || both.iter().filter(|t| !t.is_empty());
    let n = shown().count().max(1) as u16;
    let cells = usize::from(if beside { width / n } else { width }.saturating_sub(4).max(1));
    let rows: Vec<u16> =
        shown().map(|t| text::lay_out(t, cells, direction).lines.len() as u16 + 2).collect();
    if beside { rows.iter().copied().max().unwrap_or(2) } else { rows.iter().sum() }
}

/// Both texts as raters saw them; gives how far they can be scrolled.
fn draw_texts(pen: &mut Pen<'_>, area: Rect, c: &Case, open: bool, scroll: usize) -> usize {
    let (first, second) = match c.study_type {
        StudyType::Similarity => ("Seed", "Sample"),
        StudyType::Preference => ("First answer", "Second answer"),
        StudyType::Appropriateness => ("", "Answer"),
    };
    let hidden = c.item.sensitive && !open;
    let swapped = c.scores.iter().filter(|s| s.swap).count();
    let stood = if c.study_type.is_pair() && !c.scores.is_empty() {
        format!(" · left for {} of {}", c.scores.len() - swapped, c.scores.len())
    } else {
        String::new()
    };
    let both = [
        (format!("{first}{stood}"), c.item.seed_text.as_str()),
        (second.to_owned(), c.item.sample_text.as_str()),
    ];
    let shown: Vec<_> = both.iter().filter(|(_, t)| !t.is_empty()).collect();
    let n = shown.len().max(1) as u16;
    // a terminal that turns rows around would swap what stands side by side
    let beside = area.width >= SIDE_BY_SIDE && pen.looks.direction != Resolved::Terminal;
    let mut deepest = 0;
    for (i, (name, words)) in shown.into_iter().enumerate() {
        let i = i as u16;
        let at = if beside {
            let width = area.width / n;
            Rect { x: area.x + i * width, width, ..area }
        } else {
            let height = area.height / n;
            Rect { y: area.y + i * height, height, ..area }
        };
        let inner = pen.pane(at, name, false);
        let pad = u16::from(!pen.looks.plain);
        let inner = Rect { x: inner.x + pad, width: inner.width.saturating_sub(2 * pad), ..inner };
        if hidden {
            let style = pen.style(Role::Muted);
            pen.text(inner, "Hidden until you ask: x shows it", style);
            continue;
        }
        let laid = text::lay_out(words, usize::from(inner.width.max(1)), pen.looks.direction);
        let most = laid.lines.len().saturating_sub(usize::from(inner.height));
        let style = pen.style(Role::Text);
        pen.laid(inner, &laid.lines, scroll.min(most), style, &[]);
        deepest = deepest.max(most);
    }
    deepest
}

/// Scores, words and decisions as lines.
fn said_of(c: &Case, view: &CaseView) -> Vec<(String, Role)> {
    let mut out = Vec::new();
    for (i, s) in c.scores.iter().enumerate() {
        let who = if view.names { s.rater.to_string() } else { format!("rater {}", i + 1) };
        let kind = match s.kind {
            RaterKind::Human => "",
            RaterKind::Scripted => ", SCRIPTED",
            RaterKind::Judge => ", model judge",
        };
        let score = match (s.score, s.cannot_judge) {
            (Some(n), _) => n.to_string(),
            (None, true) => "cannot judge".into(),
            (None, false) => "no score".into(),
        };
        let mut more = String::new();
        for (on, word) in
            [(s.broken, "broken text"), (s.flagged, "flagged"), (s.diff, "saw the word difference")]
        {
            if on {
                more += &format!(" · {word}");
            }
        }
        out.push((format!("{score}  {who}{kind}{more}"), Role::Text));
        for words in &s.comments {
            let shown = if c.item.sensitive && !view.open { "(hidden: x)" } else { words };
            out.push((format!("   {shown}"), Role::Accent));
        }
    }
    if c.scores.is_empty() {
        out.push(("Nobody rated it yet.".into(), Role::Muted));
    }
    let given = c.given();
    if given.len() > 1 {
        let mean = given.iter().copied().map(f64::from).sum::<f64>() / given.len() as f64;
        out.push((
            format!("mean {mean:.2} points over {} people; judges are not in it", given.len()),
            Role::Muted,
        ));
    }
    for d in &c.decisions {
        let score = d.score.map_or_else(|| "taken back".to_owned(), |s| s.get().to_string());
        let note = d.note.as_ref().map_or(String::new(), |n| format!(" ({n})"));
        let role = if d.n as usize == c.decisions.len() { Role::Good } else { Role::Muted };
        let when = d.at.strftime("%Y-%m-%d %H:%M");
        out.push((
            format!("decision {}: {score} · {} · {when} · {}{note}", d.n, d.who, d.reason),
            role,
        ));
    }
    if c.decisions.is_empty() {
        out.push(("Not decided: d gives it a final score.".into(), Role::Muted));
    }
    out
}
