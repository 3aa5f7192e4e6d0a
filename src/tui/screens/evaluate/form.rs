//! The form that starts an evaluation: which command it stands for, what that will take, and the
//! start itself.

mod fields;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use serde_json::Value;

use super::Evaluate;
use crate::domain::RunId;
use crate::evaluate::inspect::{Pace, pace};
use crate::launch::{OfferedModel, offered_models, offered_tasks};
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Shared, Taken, Tone};
use crate::tui::theme::Role;
use crate::tui::widgets::{Form, FormEvent, shell_line, thousands};

/// What a form can be filled with.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Models of the registry and of providers.
    pub models: Vec<OfferedModel>,
    /// Datasets, newest first.
    pub datasets: Vec<String>,
    /// Words for classification tasks.
    pub tasks: Vec<String>,
    /// Cultures.
    pub cultures: Vec<String>,
}

/// The form while it is open.
#[derive(Debug)]
pub struct Launch {
    form: Option<Form>,
    choices: Load<Choices>,
    estimate: Load<Value>,
    start: Load<Value>,
    took: Load<Option<(usize, Pace)>>,
    /// A model to choose from the beginning.
    chosen: Option<String>,
    changed: bool,
}

impl Launch {
    fn new(cx: &mut Cx<'_>, chosen: Option<String>) -> Self {
        let mut choices = Load::default();
        choices.ask(cx, Lane::Read, |a| {
            let place = a.place().clone();
            let (datasets, survey) = a.read(|r| Ok((r.datasets()?, r.survey()?)))?;
            Ok(Choices {
                models: offered_models(&place)?,
                datasets: datasets.iter().rev().map(|d| d.name.to_string()).collect(),
                tasks: offered_tasks(&place)?,
                cultures: survey.cultures.iter().map(|c| c.id.to_string()).collect(),
            })
        });
        Self {
            form: None,
            choices,
            estimate: Load::default(),
            start: Load::default(),
            took: Load::default(),
            chosen,
            changed: false,
        }
    }

    /// True where something was filled in.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str, cx: &mut Cx<'_>) {
        if let Some(form) = &mut self.form {
            form.paste(text);
            self.changed = true;
            self.ask_estimate(cx);
        }
    }

    /// What keeps the form from being sent.
    fn wrong(&self) -> Option<String> {
        fields::wrong(self.form.as_ref()?)
    }

    fn args(&self) -> Option<Vec<String>> {
        let form = self.form.as_ref()?;
        let choices = self.choices.get()?;
        fields::wrong(form).is_none().then(|| fields::args(form, choices))
    }

    fn ask_estimate(&mut self, cx: &mut Cx<'_>) {
        let Some(mut args) = self.args() else {
            self.estimate.clear();
            return;
        };
        args.push("--dry-run".into());
        self.estimate.ask(cx, Lane::Outside, move |a| a.command(&args));
        let Some(task) = self.form.as_ref().map(|f| fields::task(f).to_owned()) else { return };
        self.took.ask(cx, Lane::Read, move |a| {
            let runs = a.place().folder().runs();
            let heads = a.read(|r| r.evaluation_heads(200))?;
            let mut like = heads.into_iter().filter(|h| h.task == task);
            Ok(like.find_map(|h| Some((h.models.len(), pace(&runs.join(h.run?.as_str()))?))))
        });
    }

    /// Takes an answer; true when the evaluation was started, and the form is done.
    pub fn accept(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) -> bool {
        if self.choices.accept(answer) {
            if let Some(choices) = self.choices.get() {
                let form = fields::form("survey", choices, self.chosen.as_deref());
                self.form = Some(form);
                self.ask_estimate(cx);
            }
        } else if self.start.accept(answer) {
            match (self.start.get(), self.start.error()) {
                (_, Some(e)) => cx.note(Tone::Bad, format!("not started: {e}")),
                (Some(doc), None) => {
                    let run = doc["id"].as_str().unwrap_or("the run");
                    cx.note(Tone::Good, format!("started {run}; f follows it on Runs"));
                    return true;
                }
                (None, None) => {}
            }
        } else {
            let _ = self.estimate.accept(answer) || self.took.accept(answer);
        }
        false
    }

    /// The run that was started.
    fn started(&self) -> Option<RunId> {
        self.start.get()?["id"].as_str()?.parse().ok()
    }

    /// What it stands for and will take, below the fields.
    fn below(&self) -> Vec<(String, Role)> {
        let mut out = Vec::new();
        if let Some(why) = self.wrong() {
            out.push((why, Role::Warn));
            return out;
        }
        let Some(args) = self.args() else { return out };
        if self.start.is_asked() {
            out.push(("starting ..".into(), Role::Accent));
        }
        if let Some(e) = self.start.error() {
            out.push((format!("not started: {e}"), Role::Bad));
        }
        match (self.estimate.error(), self.estimate.get()) {
            (Some(e), _) => out.push((e.to_string(), Role::Bad)),
            (None, Some(e)) => {
                out.push((estimate_words(e), Role::Text));
                out.push((self.time_words(e), Role::Text));
            }
            (None, None) => out.push(("counting calls and cost ..".into(), Role::Muted)),
        }
        out.push((shell_line(&args), Role::Accent));
        out.push(("Baselines come by themselves: they need no model.".into(), Role::Muted));
        out
    }

    fn time_words(&self, estimate: &Value) -> String {
        let calls = estimate["calls"].as_u64().unwrap_or(0);
        let names = self.form.as_ref().map(fields::models).unwrap_or_default();
        let limit = self
            .choices
            .get()
            .into_iter()
            .flat_map(|c| &c.models)
            .filter(|m| names.contains(&m.name))
            .filter_map(|m| m.per_minute)
            .min();
        if let (Some(limit), true) = (limit, calls > 0) {
            let s = calls as f64 * 60.0 / limit.max(1) as f64;
            return format!(
                "time: at least {}, by the limit of {} calls a minute",
                duration(s),
                thousands(limit)
            );
        }
        match self.took.get() {
            Some(Some((models, p))) => format!(
                "time: the last one like it took {} for {} results of {models} model{}",
                duration(p.seconds),
                thousands(p.results),
                if *models == 1 { "" } else { "s" }
            ),
            _ => "time: not known, none like it has run here yet".into(),
        }
    }

    /// Draws the form.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, _shared: &Shared) {
        match (&self.form, self.choices.error()) {
            (Some(form), _) => form.draw(pen, area, &self.below()),
            (None, Some(e)) => pen.says(
                area,
                &[
                    ("The form cannot be filled.", Role::Title),
                    (&e.message, Role::Bad),
                    ("Esc goes back", Role::Muted),
                ],
            ),
            (None, None) => pen.says(area, &[("reading models and tasks", Role::Muted)]),
        }
    }
}

/// Calls, tokens and money.
fn estimate_words(e: &Value) -> String {
    let calls = e["calls"].as_u64().unwrap_or(0);
    if calls == 0 {
        return "calls: none, every model is in a folder; no cost".into();
    }
    let tokens = |name: &str| thousands(e[name].as_u64().unwrap_or(0));
    let cost = match (e["cost_at_most"].as_f64(), e["currency"].as_str()) {
        (Some(cost), Some(currency)) => format!("at most {cost:.2} {currency}"),
        _ => "no price is known: set one for the provider, or a limit in tokens".into(),
    };
    format!(
        "calls: {}; about {} tokens of prompts, at most {} of replies; cost: {cost}",
        thousands(calls),
        tokens("prompt_tokens"),
        tokens("completion_tokens_at_most"),
    )
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

impl Evaluate {
    pub(super) fn open_form(&mut self, cx: &mut Cx<'_>, model: Option<String>) {
        self.form = Some(Launch::new(cx, model));
    }

    pub(super) fn form_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        let Some(launch) = &mut self.form else { return Taken::No };
        let Some(form) = &mut launch.form else {
            if key.code == KeyCode::Esc {
                self.form = None;
                return Taken::Yes;
            }
            return Taken::No;
        };
        let before = form.value("kind").to_owned();
        match form.key(key) {
            FormEvent::Changed => {
                launch.changed = true;
                if form.value("kind") != before
                    && let Some(choices) = launch.choices.get()
                {
                    let kept = fields::models(form);
                    let kind = fields::task(form).to_owned();
                    *form = fields::form(&kind, choices, None);
                    fields::choose(form, &kept);
                }
                launch.ask_estimate(cx);
            }
            FormEvent::Back => self.form = None,
            FormEvent::Send | FormEvent::Wrong => {
                if launch.start.is_asked() {
                    return Taken::Yes;
                }
                match launch.args() {
                    Some(args) => launch.start.ask(cx, Lane::Outside, move |a| a.command(&args)),
                    None => {
                        let why = launch.wrong().unwrap_or_default();
                        cx.note(Tone::Warn, why);
                    }
                }
            }
            FormEvent::Moved => {}
            FormEvent::Ignored => {
                // A letter that no field takes is no command either: it would close the form.
                let held = KeyModifiers::CONTROL | KeyModifiers::ALT;
                let letter =
                    matches!(key.code, KeyCode::Char(_)) && !key.modifiers.intersects(held);
                return if letter { Taken::Yes } else { Taken::No };
            }
        }
        Taken::Yes
    }

    /// The run that the form started, for the key that follows it.
    pub(super) fn take_started(&mut self) {
        self.started = self.form.as_ref().and_then(Launch::started).or(self.started.take());
    }
}
