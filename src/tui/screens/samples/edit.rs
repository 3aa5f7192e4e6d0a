//! What is typed on this screen: the note of a rejection, the new text of a sample.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::Samples;
use super::write::What;
use crate::domain::SampleId;
use crate::tui::screen::{Cx, Effect, Taken, Tone};
use crate::tui::widgets::{LineInput, TextBox};

/// What is being typed.
#[derive(Debug)]
pub enum Typing {
    /// Why these are turned down.
    Note { input: LineInput, ids: Vec<SampleId> },
    /// A new text in place of one.
    Text {
        text: Box<TextBox>,
        id: SampleId,
        old: String,
        seed: String,
        saving: bool,
        error: Option<String>,
    },
}

impl Samples {
    pub(super) fn open_note(&mut self, cx: &mut Cx<'_>) {
        let ids = self.chosen();
        if ids.is_empty() {
            cx.note(Tone::Plain, "there is no sample under the cursor");
            return;
        }
        self.typing = Some(Typing::Note { input: LineInput::default(), ids });
    }

    pub(super) fn open_edit(&mut self, cx: &mut Cx<'_>) {
        let Some(row) = self.list.current() else {
            cx.note(Tone::Plain, "there is no sample under the cursor");
            return;
        };
        let s = &row.sample;
        let seed = cx.shared.survey.as_ref().and_then(|v| v.question(&s.seed));
        self.typing = Some(Typing::Text {
            text: Box::new(TextBox::new(&s.text)),
            id: s.id.clone(),
            old: s.text.clone(),
            seed: seed.map_or(String::new(), |q| q.text.clone()),
            saving: false,
            error: None,
        });
    }

    pub(super) fn drop_edit(&mut self, cx: &mut Cx<'_>) {
        self.typing = None;
        cx.note(Tone::Plain, "the text is as it was");
    }

    pub(super) fn type_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match &mut self.typing {
            None => Taken::No,
            Some(Typing::Note { input, ids }) => match key.code {
                KeyCode::Enter => {
                    let what = What::Reject(input.text().trim().to_owned());
                    let ids = std::mem::take(ids);
                    self.typing = None;
                    self.decisions.start(what, ids, cx);
                    self.list.unmark();
                    Taken::Yes
                }
                KeyCode::Esc => {
                    self.typing = None;
                    Taken::Yes
                }
                _ => input.key(key),
            },
            Some(Typing::Text { saving: true, .. }) => Taken::Yes,
            Some(Typing::Text { text, id, saving, error, .. }) => match key.code {
                KeyCode::Char('s') if ctrl => {
                    if text.is_changed() {
                        (*saving, *error) = (true, None);
                        let (what, ids) = (What::Edit(text.text()), vec![id.clone()]);
                        self.decisions.start(what, ids, cx);
                    } else {
                        cx.note(Tone::Plain, "nothing was changed; Esc leaves");
                    }
                    Taken::Yes
                }
                KeyCode::Esc => {
                    if text.is_changed() {
                        let said = "The new text is not saved. Throw it away?".to_owned();
                        cx.ask(Effect::Confirm(said, "samples.edit-drop"));
                    } else {
                        self.typing = None;
                    }
                    Taken::Yes
                }
                _ => text.key(key),
            },
        }
    }

    pub(super) fn type_paste(&mut self, pasted: &str) {
        match &mut self.typing {
            Some(Typing::Note { input, .. }) => input.insert(pasted),
            Some(Typing::Text { text, saving: false, .. }) => text.insert(pasted),
            _ => {}
        }
    }

    /// The database said no to an edit: the editor stays, with what was typed and why.
    pub(super) fn edit_failed(&mut self) {
        let why = self
            .decisions
            .failed()
            .find(|p| matches!(p.what, What::Edit(_)))
            .and_then(|p| p.error())
            .map(ToString::to_string);
        if let (Some(Typing::Text { saving, error, .. }), Some(why)) = (&mut self.typing, why) {
            (*saving, *error) = (false, Some(why));
            self.decisions.forget_edits();
        }
    }
}
