//! The welcome and the guideline: what is read before and beside the pairs.

use ratatui::layout::Rect;

use super::Rate;
use super::draw::{duration, score_word};
use crate::domain::{Score, StudyType};
use crate::study::session::{Saving, Session, Welcome};
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::Role;

/// What raters do in a study of this type, in a sentence.
fn what(kind: StudyType) -> &'static str {
    match kind {
        StudyType::Similarity => "You compare two sentences at a time: how near is their meaning?",
        StudyType::Preference => {
            "You read a question and two answers at a time: which of them is better?"
        }
        StudyType::Appropriateness => {
            "You read one answer at a time: how fitting is it in your culture?"
        }
    }
}

impl Rate {
    pub(super) fn draw_welcome(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        w: &Welcome<'_>,
        session: &Session,
        shared: &Shared,
    ) {
        let p = session.progress();
        let thing = w.about.item_word();
        let mut parts = vec![
            (format!("Study {}, rated by {}.", w.study, w.rater), Role::Text),
            (what(w.about.study_type).into(), Role::Text),
        ];
        let left = p.total - p.done - p.put_off;
        let time = duration(w.takes_ms);
        if p.done + p.put_off == 0 {
            let first = match w.practice {
                0 => String::new(),
                n => format!(", and {n} for practice first"),
            };
            let said = format!("{} {thing}s wait for you{first}: about {time}.", p.total);
            parts.push((said, Role::Text));
        } else {
            let said =
                format!("{} of {} {thing}s are done, {left} wait: about {time}.", p.done, p.total);
            parts.push((said, Role::Text));
            if p.put_off > 0 {
                parts.push((format!("{} were put off.", p.put_off), Role::Text));
            }
        }
        for (name, said) in
            [("Whom to ask", &w.about.contact), ("Ethics", &w.about.ethics), ("Pay", &w.about.pay)]
        {
            parts.extend(said.as_ref().map(|s| (format!("{name}: {s}"), Role::Text)));
        }
        let warning = w.about.content_warning.as_ref();
        parts.extend(warning.map(|s| (format!("Take care: {s}"), Role::Warn)));
        parts.push((String::new(), Role::Text));
        match w.consent {
            Some(consent) => {
                let head = if w.changed {
                    "Before you go on: this text has changed since you agreed to it."
                } else {
                    "Before you begin:"
                };
                parts.push((head.into(), Role::Title));
                for line in &consent.lines {
                    parts.push((format!("- {line}"), Role::Text));
                }
                parts.push((String::new(), Role::Text));
                let yes = format!("Enter: I have read this and agree ({}).", consent.reference());
                parts.push((yes, Role::Accent));
                let no = if shared.alone {
                    "q leaves; nothing is stored then."
                } else {
                    "Esc goes back; nothing is stored then."
                };
                parts.push((no.into(), Role::Muted));
            }
            None => parts.push(("Enter goes on.".into(), Role::Accent)),
        }
        match w.saving {
            Saving::Idle => {}
            Saving::Now => parts.push(("saving ..".into(), Role::Muted)),
            Saving::Failed { message } => parts.push((message.to_owned(), Role::Bad)),
        }
        self.draw_pages(pen, area, "Welcome", &parts);
    }

    pub(super) fn draw_guide(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        session: &Session,
        first: bool,
    ) {
        let g = session.guideline();
        let kind = session.about().study_type;
        let mut parts = vec![(g.question.clone(), Role::Title), (String::new(), Role::Text)];
        for a in &g.anchors {
            parts.push((format!("{}  {}", anchor_key(kind, a.score), a.text), Role::Text));
        }
        parts.push((String::new(), Role::Text));
        for rule in &g.rules {
            parts.push((format!("- {rule}"), Role::Text));
        }
        parts.push((String::new(), Role::Text));
        let keys = if kind == StudyType::Preference {
            "You cannot judge it, or a text is broken: s, then the reason. It is no shame to pass one over."
        } else {
            "A broken text (cut off, garbled, another language): b. You cannot judge it: n. To pass one over for now, or for another reason: s."
        };
        parts.push((keys.into(), Role::Text));
        if !session.examples().is_empty() {
            parts.push((String::new(), Role::Text));
            parts.push(("Examples".into(), Role::Title));
        }
        for e in session.examples() {
            let score = Score::new(e.score).map(|s| score_word(kind, s)).unwrap_or_default();
            parts.push((String::new(), Role::Text));
            parts.push((format!("{score}  {}", e.why), Role::Accent));
            parts.extend(e.context.as_ref().map(|c| (format!("   {c}"), Role::Text)));
            if e.left.is_empty() {
                parts.push((format!("   {}", e.right), Role::Text));
            } else {
                parts.push((format!("   A  {}", e.left), Role::Text));
                parts.push((format!("   B  {}", e.right), Role::Text));
            }
        }
        let practice = first && session.practice_waits();
        let go = match (practice, first) {
            (true, _) => "Enter shows the first for practice",
            (false, true) => "Enter shows the first pair",
            (false, false) => "Enter goes back to the pair",
        };
        let title = format!("Guideline {} · {go}", g.reference());
        self.draw_pages(pen, area, &title, &parts);
    }
}

/// The keys of an anchor, as its row shows them.
pub(super) fn anchor_key(kind: StudyType, score: u8) -> String {
    match (kind, score) {
        (StudyType::Preference, 1) => "1 a".into(),
        (StudyType::Preference, 2) => "2 t".into(),
        (StudyType::Preference, _) => "3 b".into(),
        _ => score.to_string(),
    }
}
