//! One item that divides raters: what there is to read, and the form of the decision.

use crossterm::event::{KeyCode, KeyEvent};

use super::Leading;
use crate::domain::ItemId;
use crate::study::{Case, StudyError, case};
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Taken, Tone};
use crate::tui::widgets::{Field, Form, FormEvent, ListControl, anything, something};

/// An item that is read, and maybe decided on.
#[derive(Debug)]
pub(super) struct CaseView {
    pub item: ItemId,
    pub load: Load<Box<Case>>,
    /// Whose scores they are is shown.
    pub names: bool,
    /// Sensitive texts are shown.
    pub open: bool,
    pub scroll: usize,
    /// How far it can be scrolled, as of the last drawing.
    pub most: usize,
    pub form: Option<Form>,
    /// The form takes a decision back.
    pub undo: bool,
    pub sending: Load<()>,
    /// Why the decision was refused.
    pub wrong: Option<String>,
}

impl CaseView {
    fn new(item: ItemId) -> Self {
        Self {
            item,
            load: Load::default(),
            names: false,
            open: false,
            scroll: 0,
            most: 0,
            form: None,
            undo: false,
            sending: Load::default(),
            wrong: None,
        }
    }

    pub fn is_typing(&self) -> bool {
        self.form.is_some()
    }

    pub fn has_words(&self) -> bool {
        let filled = |f: &Form| !f.value("reason").is_empty() || !f.value("note").is_empty();
        self.form.as_ref().is_some_and(filled)
    }

    pub fn paste(&mut self, text: &str) {
        if let Some(form) = &mut self.form {
            form.paste(text);
        }
    }
}

/// What each score means, for the choice.
fn scores(top: u8) -> Vec<String> {
    match top {
        3 => ["1 the first is better", "2 a tie", "3 the second is better"]
            .map(str::to_owned)
            .to_vec(),
        _ => (1..=top).map(|n| n.to_string()).collect(),
    }
}

impl Leading {
    fn read_case(&mut self, cx: &mut Cx<'_>) {
        let (Some(study), Some(view)) = (self.study.clone(), &mut self.case) else { return };
        let item = view.item.clone();
        view.load.ask(cx, Lane::Read, move |a| {
            let place = a.place().clone();
            let store = place.read()?;
            let found = case(store.read(), &study, &item);
            found.map(Box::new).map_err(|e: StudyError| WorkError::new(e.to_string()))
        });
    }

    pub(super) fn open_case(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.widest.current() {
            self.case = Some(CaseView::new(row.item.clone()));
            self.read_case(cx);
        }
    }

    pub(super) fn close_case(&mut self, cx: &mut Cx<'_>) {
        self.case = None;
        self.look(cx);
    }

    pub(super) fn next_case(&mut self, by: i64, cx: &mut Cx<'_>) {
        self.widest.step(by);
        let names = self.case.as_ref().is_some_and(|c| c.names);
        self.open_case(cx);
        if let Some(case) = &mut self.case {
            case.names = names;
        }
    }

    pub(super) fn toggle_names(&mut self) {
        if let Some(case) = &mut self.case {
            case.names = !case.names;
        }
    }

    pub(super) fn toggle_text(&mut self) {
        if let Some(case) = &mut self.case {
            case.open = !case.open;
        }
    }

    pub(super) fn scroll(&mut self, by: i64) {
        if let Some(case) = &mut self.case {
            let to = (case.scroll as i64).saturating_add(by);
            case.scroll = usize::try_from(to).unwrap_or(0).min(case.most);
        }
    }

    pub(super) fn decide(&mut self, undo: bool, cx: &mut Cx<'_>) {
        let Some(view) = &mut self.case else { return };
        let Some(found) = view.load.get() else { return };
        if undo && found.decided().is_none() {
            return cx.note(Tone::Plain, "no decision stands on this item: `d` makes one");
        }
        let top = found.study_type.top();
        // the middle of what was given is where most decisions begin
        let given = found.given();
        let middle = given.get(given.len() / 2).copied().unwrap_or(top.div_ceil(2));
        let at = found.decided().map_or(middle, |s| s.get());
        let mut fields = vec![
            Field::line("reason", "Reason", "", something, "It stands beside the score for good"),
            Field::line("note", "Note", "", anything, "What else there is to say; may be empty"),
        ];
        if !undo {
            let help =
                "Left and right choose. Ratings stay as they are: the decision stands beside them";
            let choice = Field::choice("score", "Score", scores(top), usize::from(at) - 1, help);
            fields.insert(0, choice);
        }
        let (title, verb) =
            if undo { ("Take the decision back", "Take back") } else { ("Decide", "Store") };
        view.form = Some(Form::new(title, verb, fields));
        view.undo = undo;
        view.wrong = None;
    }

    /// The command that the form stands for.
    pub(super) fn decision_line(&self) -> Option<Vec<String>> {
        let (study, view) = (self.study.as_ref()?, self.case.as_ref()?);
        let form = view.form.as_ref()?;
        let mut line: Vec<String> =
            ["study", "adjudicate", "--study", study.as_str(), "--item", view.item.as_str()]
                .map(str::to_owned)
                .to_vec();
        if view.undo {
            line.push("--undo".into());
        } else {
            line.push("--score".into());
            line.push(form.value("score").chars().take(1).collect());
        }
        // with an equals sign, so that words that begin with a dash stay words
        line.push(format!("--reason={}", form.value("reason")));
        if !form.value("note").is_empty() {
            line.push(format!("--note={}", form.value("note")));
        }
        Some(line)
    }

    pub(super) fn case_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        let Some(view) = &mut self.case else { return Taken::No };
        let Some(form) = &mut view.form else { return Taken::No };
        let top = view.load.get().map_or(5, |c| c.study_type.top());
        match form.key(key) {
            FormEvent::Back => view.form = None,
            // on the choice a digit is the score, not another screen
            FormEvent::Ignored => match key.code {
                KeyCode::Char(c) => {
                    let digit = c.to_digit(10).filter(|d| (1..=u32::from(top)).contains(d));
                    if let Some(d) = digit {
                        form.choose("score", d as usize - 1);
                    }
                }
                _ => return Taken::No,
            },
            FormEvent::Send if view.sending.is_asked() => {}
            FormEvent::Send => {
                let Some(line) = self.decision_line() else { return Taken::Yes };
                if let Some(view) = &mut self.case {
                    view.sending.ask(cx, Lane::Outside, move |a| a.command(&line).map(|_| ()));
                }
            }
            FormEvent::Changed | FormEvent::Moved | FormEvent::Wrong => view.wrong = None,
        }
        Taken::Yes
    }

    pub(super) fn case_answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        let Some(view) = &mut self.case else { return };
        if view.load.accept(answer) {
            return;
        }
        if !view.sending.accept(answer) {
            return;
        }
        match view.sending.take() {
            Some(()) => {
                let said = if view.undo { "the decision is taken back" } else { "decided" };
                view.form = None;
                cx.note(Tone::Good, said);
                self.read_case(cx);
                self.look(cx);
            }
            None => view.wrong = view.sending.error().map(ToString::to_string),
        }
    }
}
