//! The form that reads a file: the same command as in a shell.

use super::{Over, Seeds};
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Tone};
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Form, FormEvent, something};

/// Weights as the command names them.
const WEIGHTS: [&str; 4] = ["of the file", "unweighted", "w_weight", "s018"];

/// The form and what came of it.
#[derive(Debug)]
pub struct Import {
    pub form: Form,
    done: Load<serde_json::Value>,
}

impl Seeds {
    pub(super) fn open_import(&mut self, _: &mut Cx<'_>) {
        self.over = Over::Import(Box::new(Import {
            form: Form::new(
                "Read questions, answers or counts",
                "Read",
                vec![
                    Field::line(
                        "file",
                        "File",
                        "",
                        something,
                        "WVQ.jsonl, country CSVs, the official survey CSV, questionnaires, option \
                     counts: the format is recognised",
                    ),
                    Field::choice(
                        "weight",
                        "Weights",
                        WEIGHTS.map(str::to_owned).to_vec(),
                        0,
                        "behind the counts of respondent rows",
                    ),
                    Field::line(
                        "countries",
                        "Countries",
                        "",
                        crate::tui::widgets::anything,
                        "only these, such as GRC,FRA; all when empty",
                    ),
                    Field::toggle(
                        "every",
                        "Every question",
                        false,
                        "count every question of respondent rows, not only the seeds of this workspace",
                    ),
                ],
            ),
            done: Load::default(),
        }));
    }
}

impl Import {
    /// What the form stands for.
    fn args(&self) -> Vec<String> {
        let mut args = vec!["seeds".to_owned(), "import".to_owned()];
        args.push(home(self.form.value("file")));
        if self.form.value("weight") != WEIGHTS[0] {
            args.extend(["--weight".to_owned(), self.form.value("weight").to_owned()]);
        }
        if !self.form.value("countries").is_empty() {
            let countries = self.form.value("countries").to_uppercase().replace(' ', "");
            args.extend(["--countries".to_owned(), countries]);
        }
        if self.form.is_on("every") {
            args.push("--every-question".to_owned());
        }
        args
    }

    /// A key did this to the form.
    pub fn event(&mut self, event: FormEvent, cx: &mut Cx<'_>) {
        if event == FormEvent::Send && !self.done.is_asked() {
            let args = self.args();
            self.done.ask(cx, Lane::Outside, move |a| a.command(&args));
        }
    }

    /// True when the file was read.
    pub fn accept(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) -> bool {
        if !self.done.accept(answer) {
            return false;
        }
        let Some(doc) = self.done.take() else { return false };
        let n = |key: &str| doc["merged"][key].as_u64().unwrap_or(0);
        let said = format!(
            "read: {} wordings, {} new cells (country x question), {} replaced",
            n("questions"),
            n("added"),
            n("replaced")
        );
        cx.note(Tone::Good, said);
        true
    }

    /// Lines below the form.
    pub fn below(&self) -> Vec<(String, Role)> {
        let mut out = Vec::new();
        if let Some(e) = self.done.error() {
            out.push((format!("not read: {e}"), Role::Bad));
        }
        if self.done.is_asked() {
            out.push(("reading the file; large surveys take a while".into(), Role::Accent));
        }
        let line = crate::tui::widgets::shell_line(&self.args());
        out.push((format!("Enter does what this does: {line}"), Role::Muted));
        out
    }
}

/// `~` is the person's home, as in a shell.
pub fn home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}
