//! Drawing practice: a pair as in the study, then what to make of the answer.

use ratatui::layout::Rect;

use super::Rate;
use super::draw::score_word;
use super::draw_item::{TALL, draw_scale};
use crate::domain::{Score, StudyType};
use crate::study::Nearness;
use crate::study::session::{ItemView, PracticeView, Saving, Session, Standing};
use crate::tui::pen::Pen;
use crate::tui::theme::Role;

impl Rate {
    pub(super) fn draw_practice(
        &mut self,
        pen: &mut Pen<'_>,
        area: Rect,
        p: &PracticeView<'_>,
        session: &Session,
    ) {
        let kind = session.about().study_type;
        let one = kind == StudyType::Appropriateness;
        let item = ItemView {
            study_type: kind,
            context: p.pair.context.as_deref(),
            hidden: false,
            warning: None,
            left: if one { &p.pair.right } else { &p.pair.left },
            right: if one { "" } else { &p.pair.right },
            language: "",
            number: p.number,
            total: p.of,
            standing: p.given.map_or(Standing::Open, |g| Standing::Rated { score: g.0, event: 0 }),
            flags: &[],
            comments: &[],
            diff: false,
            diff_allowed: false,
            saving: p.saving,
        };
        let tall = area.height >= TALL;
        let row =
            |y: u16| Rect { x: area.x + 1, y, width: area.width.saturating_sub(2), height: 1 };
        let mut y = area.y;
        let again = if p.round > 1 { ", once more" } else { "" };
        let head = format!("practice {} of {}{again}: it counts for nothing", p.number, p.of);
        pen.put(row(y).x, y, row(y).width, &head, pen.style(Role::Title));
        y += 1;
        if tall {
            let question = session.guideline().question.clone();
            pen.put(row(y).x, y, row(y).width, &question, pen.style(Role::Title));
            y += 1;
        }
        // feedback takes the place of the scale, and a row more in each direction
        let scale = if tall { session.guideline().anchors.len() as u16 } else { 1 };
        let foot = if p.given.is_some() && !tall { 3 } else { scale + 1 };
        let texts = Rect { y, height: area.bottom().saturating_sub(y + foot), ..area };
        y = self.draw_texts(pen, texts, &item, tall);
        let Some((given, near)) = p.given else {
            draw_scale(pen, Rect { y, height: scale, ..row(y) }, &item, session, tall);
            let (said, role) = match p.saving {
                Saving::Idle => ("rate it as you would in the study", Role::Muted),
                Saving::Now => ("saving ..", Role::Muted),
                Saving::Failed { message } => (message, Role::Bad),
            };
            let at = row(area.bottom().saturating_sub(1).min(y + scale));
            pen.put(at.x, at.y, at.width, said, pen.style(role));
            return;
        };
        let wanted = Score::new(p.pair.score).map(|s| score_word(kind, s)).unwrap_or_default();
        let given = score_word(kind, given);
        let (verdict, role) = match near {
            Nearness::Right => (format!("Right: {given}."), Role::Good),
            Nearness::Near => {
                (format!("Near: you gave {given}, we would give {wanted}."), Role::Warn)
            }
            Nearness::Far => {
                (format!("Far off: you gave {given}, we would give {wanted}."), Role::Bad)
            }
        };
        let below = Rect { y, height: area.bottom().saturating_sub(y), ..row(y) };
        pen.says(
            below,
            &[(&verdict, role), (&p.pair.why, Role::Text), ("Enter goes on.", Role::Accent)],
        );
    }
}

pub(super) fn draw_practice_over(
    pen: &mut Pen<'_>,
    area: Rect,
    [right, near, far]: [usize; 3],
    session: &Session,
) {
    let counts = format!("{right} right, {near} near, {far} far off.");
    let thing = session.about().item_word();
    let go = format!("Enter shows the first {thing}.");
    pen.says(
        area,
        &[
            ("Practice is over.", Role::Title),
            ("", Role::Text),
            (&counts, Role::Text),
            ("Your answers are kept with the study; nobody is shut out by them.", Role::Muted),
            ("The guideline stays one key away: g. A rating can always be changed.", Role::Muted),
            ("", Role::Text),
            (&go, Role::Accent),
        ],
    );
}
