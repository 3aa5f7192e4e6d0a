//! The form for a study of one's own: kept samples, one rater, one step.

use crossterm::event::KeyEvent;

use super::Rate;
use crate::domain::RaterId;
use crate::study::session::{OwnStudy, own_study};
use crate::tui::data::{Lane, WorkError};
use crate::tui::screen::{Cx, Taken, Tone};
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Form, FormEvent, anything, positive};

/// Seconds for a pair, for the estimate before anything was rated.
const SECONDS_A_PAIR: usize = 12;

fn a_name(text: &str) -> Option<String> {
    RaterId::new(text.trim()).err().map(|e| e.to_string())
}

fn a_seed(text: &str) -> Option<String> {
    text.trim().parse::<u64>().err().map(|_| "a whole number".into())
}

impl Rate {
    pub(super) fn new_form(&mut self, cx: &mut Cx<'_>) {
        if cx.shared.alone {
            return;
        }
        let form = Form::new(
            "Rate samples of your own",
            "Rate",
            vec![
                Field::line(
                    "items",
                    "Samples",
                    "20",
                    positive,
                    "Kept samples, drawn by chance, spread over the seeds; as many as there are where there are fewer",
                ),
                Field::line(
                    "rater",
                    "Rater name",
                    "me",
                    a_name,
                    "Ratings are stored under this name: letters, digits, - and _",
                ),
                Field::line(
                    "languages",
                    "Languages",
                    "",
                    anything,
                    "Tags such as `en ar`; empty: all there are",
                ),
                Field::line(
                    "seed",
                    "Random seed",
                    "1",
                    a_seed,
                    "The same seed draws the same samples in the same order",
                ),
            ],
        );
        self.form = Some(form);
    }

    fn own(&self) -> Option<OwnStudy> {
        let form = self.form.as_ref()?;
        Some(OwnStudy {
            rater: RaterId::new(form.value("rater")).ok()?,
            items: form.value("items").parse().ok()?,
            languages: form
                .value("languages")
                .split([' ', ','])
                .filter(|l| !l.is_empty())
                .map(str::to_owned)
                .collect(),
            seed: form.value("seed").parse().ok()?,
        })
    }

    pub(super) fn form_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        let Some(form) = &mut self.form else { return Taken::No };
        match form.key(key) {
            FormEvent::Back => self.form = None,
            FormEvent::Send if self.making.is_asked() => {}
            FormEvent::Send => {
                let Some(own) = self.own() else { return Taken::Yes };
                cx.note(Tone::Plain, "choosing samples ..");
                self.making.ask(cx, Lane::Write, move |a| {
                    let study = own_study(a.writer()?, &own).map_err(|e| {
                        WorkError::new(e.to_string()).hint("samples grow on the Seeds screen")
                    })?;
                    Ok((study, own.rater))
                });
            }
            FormEvent::Ignored => return Taken::No,
            FormEvent::Changed | FormEvent::Moved | FormEvent::Wrong => {}
        }
        Taken::Yes
    }

    /// What sending the form would do.
    pub(super) fn form_says(&self) -> Vec<(String, Role)> {
        let Some(own) = self.own() else { return Vec::new() };
        let controls = (own.items / 20).max(3);
        let repeats = (own.items as f64 * 0.08).round() as usize;
        let pairs = own.items + controls + repeats;
        let minutes = (pairs * SECONDS_A_PAIR).div_ceil(60);
        vec![
            (
                format!(
                    "{pairs} pairs, about {minutes} min: {} samples, {controls} controls, \
                     {repeats} repeats",
                    own.items
                ),
                Role::Text,
            ),
            (
                "Stored as the study own-N; go on another day with `polyculture rate --study \
                 own-N`"
                    .into(),
                Role::Muted,
            ),
            ("Enter makes it and begins, Esc leaves".into(), Role::Muted),
        ]
    }
}
