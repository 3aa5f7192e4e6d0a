//! The forms of a study: a new one, the plan of one that has none, an amendment of a fixed one.
//! Beside the fields stands what it would be; what is sent are the program's own commands.

mod draw;
mod fields;
mod look;
#[cfg(test)]
mod tests;

use crossterm::event::{KeyCode, KeyEvent};

use super::Leading;
use crate::domain::StudyId;
use crate::study::live::Live;
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Effect, Taken, Tone};
use crate::tui::widgets::{FieldKind, Form, FormEvent};

use look::{Ask, Looked};

/// Which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A new study.
    New,
    /// The plan of this one.
    Plan(StudyId),
    /// A change of this one, which is fixed.
    Amend(StudyId),
}

/// A form that is open.
#[derive(Debug)]
pub(super) struct Setup {
    pub kind: Kind,
    pub form: Form,
    /// What it would be.
    look: Load<Looked>,
    /// Something was typed since the last look was asked for.
    pub stale: bool,
    /// Something was typed at all.
    touched: bool,
    sending: Load<()>,
    /// What was sent and refused.
    pub wrong: Option<String>,
}

impl Setup {
    fn new(kind: Kind, form: Form) -> Self {
        Self {
            kind,
            form,
            look: Load::default(),
            stale: false,
            touched: false,
            sending: Load::default(),
            wrong: None,
        }
    }

    /// The study that the form is about.
    fn study(&self) -> Option<StudyId> {
        match &self.kind {
            Kind::New => StudyId::new(self.form.value("name")).ok(),
            Kind::Plan(s) | Kind::Amend(s) => Some(s.clone()),
        }
    }

    pub fn is_sending(&self) -> bool {
        self.sending.is_asked()
    }

    /// Asks what it would be, unless a field is wrong by itself.
    fn ask(&mut self, cx: &mut Cx<'_>) {
        self.stale = true;
        if self.form.fields.iter().any(|f| f.wrong().is_some()) {
            return;
        }
        self.stale = false;
        let Some(ask) = Ask::of(self) else { return };
        self.look.ask(cx, Lane::Slow, move |a| look::look(a, ask));
    }

    /// An answer came: what is wrong stands at its field. A name that nobody typed and that is
    /// taken gives way to a free one; true then.
    fn looked(&mut self) -> bool {
        let Some(looked) = self.look.get() else { return false };
        if self.kind == Kind::New
            && !self.touched
            && looked.taken.iter().any(|n| n == self.form.value("name"))
        {
            let free = (1..).map(|n| format!("study-{n}")).find(|n| !looked.taken.contains(n));
            self.touched = true;
            self.form.set("name", &free.unwrap_or_default());
            return true;
        }
        self.form.refused = looked.outcome.as_ref().err().cloned();
        let field = self.form.fields.iter_mut().find(|f| f.name == "pilot");
        if let Some(FieldKind::Choice { options, .. }) = field.map(|f| &mut f.kind)
            && options.len() == 1
        {
            options.extend(looked.studies.iter().cloned());
        }
        false
    }
}

impl Leading {
    pub(super) fn new_study(&mut self, cx: &mut Cx<'_>) {
        let form = fields::new_study(cx.shared.survey.as_deref());
        self.open_form(Kind::New, form, cx);
    }

    /// The plan of a study that has none; an amendment of one that is fixed.
    pub(super) fn change_study(&mut self, cx: &mut Cx<'_>) {
        let Some(live) = self.load.get() else { return };
        let study = live.study.clone();
        match live.planned {
            None => self.open_form(Kind::Plan(study), fields::plan(live), cx),
            Some(_) => {
                let form = fields::amend(live);
                self.open_form(Kind::Amend(study), form, cx);
            }
        }
    }

    fn open_form(&mut self, kind: Kind, form: Form, cx: &mut Cx<'_>) {
        let mut setup = Setup::new(kind, form);
        setup.ask(cx);
        self.setup = Some(setup);
    }

    pub(super) fn setup_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        let Some(setup) = &mut self.setup else { return Taken::No };
        match setup.form.key(key) {
            FormEvent::Back => {
                let alone = self.study.is_none();
                self.setup = None;
                if alone {
                    self.back(cx);
                }
            }
            FormEvent::Send => self.confirm(cx),
            FormEvent::Changed => {
                setup.wrong = None;
                setup.touched = true;
                setup.ask(cx);
            }
            // a letter on a choice is not another screen
            FormEvent::Ignored if matches!(key.code, KeyCode::Char(_)) => {}
            FormEvent::Ignored => return Taken::No,
            FormEvent::Moved | FormEvent::Wrong => {}
        }
        Taken::Yes
    }

    pub(super) fn setup_paste(&mut self, text: &str, cx: &mut Cx<'_>) {
        if let Some(setup) = &mut self.setup {
            setup.form.paste(text);
            setup.wrong = None;
            setup.ask(cx);
        }
    }

    /// Asks before anything is made: what is fixed stays fixed.
    fn confirm(&mut self, cx: &mut Cx<'_>) {
        let Some(setup) = &mut self.setup else { return };
        if setup.sending.is_asked() {
            return;
        }
        if setup.stale || setup.look.is_asked() {
            return cx.note(Tone::Plain, "still counting what it would be: Enter again");
        }
        match fields::lines(setup) {
            Err(wrong) => {
                setup.form.refused = Some(wrong);
                // leads to the field
                setup.form.key(KeyCode::Enter.into());
            }
            Ok(_) => cx.ask(Effect::Confirm(fields::question(setup), "study.make")),
        }
    }

    /// Carries the form's commands out, one after another.
    pub(super) fn make(&mut self, cx: &mut Cx<'_>) {
        let Some(setup) = &mut self.setup else { return };
        let Ok(lines) = fields::lines(setup) else { return };
        setup.wrong = None;
        setup.sending.ask(cx, Lane::Outside, move |a| {
            for (i, line) in lines.iter().enumerate() {
                a.command(line).map_err(|e| match i {
                    0 => e,
                    _ => WorkError {
                        message: format!("the study is made, and not planned yet: {}", e.message),
                        hint: e.hint,
                    },
                })?;
            }
            Ok(())
        });
    }

    pub(super) fn setup_answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        let Some(setup) = &mut self.setup else { return };
        if setup.look.accept(answer) {
            if setup.looked() {
                setup.ask(cx);
            }
            return;
        }
        if !setup.sending.accept(answer) {
            return;
        }
        if setup.sending.take().is_none() {
            setup.wrong = setup.sending.error().map(ToString::to_string);
            return;
        }
        let said = match setup.kind {
            Kind::New if setup.form.is_on("fix") => "the study is made and fixed",
            Kind::New => "the study is made: a plan fixes it (p)",
            Kind::Plan(_) => "the study is fixed: it changes only by an amendment now",
            Kind::Amend(_) => "the amendment is logged",
        };
        let study = setup.study();
        self.setup = None;
        cx.note(Tone::Good, said);
        if let Some(study) = study {
            self.open(study, cx);
        }
    }
}

/// People of a study who did not leave, for the amendment's help.
fn people(live: &Live) -> Vec<String> {
    let here = live
        .raters
        .iter()
        .filter(|r| r.kind == crate::store::RaterKind::Human && r.withdrawn.is_none());
    here.map(|r| r.rater.to_string()).collect()
}
