//! The form that grows samples from the marked seeds: the same command as in a shell, with what it
//! would ask and cost said before it starts.

use super::{Over, Seeds};
use crate::augment::Settings;
use crate::domain::{QuestionId, RunId};
use crate::launch::{KnownSpeaker, known_speakers};
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Tone};
use crate::tui::theme::Role;
use crate::tui::widgets::{
    Field, Form, FormEvent, budget_args, budget_fields, positive, share_or_nothing, shell_line,
    thousands,
};

/// The form and what is known around it.
#[derive(Debug)]
pub struct Augment {
    seeds: Vec<QuestionId>,
    /// All seeds of the workspace: the command then names none.
    all: bool,
    threshold: String,
    /// `None` until the providers are known.
    pub form: Option<Form>,
    speakers: Load<Vec<KnownSpeaker>>,
    estimate: Load<serde_json::Value>,
    /// What the estimate was asked for.
    asked: Vec<String>,
    started: Load<serde_json::Value>,
}

fn encoder_or_nothing(text: &str) -> Option<String> {
    let t = text.trim();
    let fine = t.is_empty() || t.starts_with("path:") || t.starts_with("hub:");
    (!fine).then(|| "path:DIR or hub:ORG/NAME, or nothing for the lexical filter".into())
}

impl Seeds {
    pub(super) fn open_augment(&mut self, cx: &mut Cx<'_>) {
        let chosen: Vec<QuestionId> = match &self.compare {
            Some(c) => c.list.chosen().into_iter().map(|r| r.id.clone()).collect(),
            None => self.list.chosen().into_iter().map(|r| r.id.clone()).collect(),
        };
        self.augment(chosen, "", cx);
    }

    /// `threshold`: what stands in its field; empty: calibrated.
    pub(super) fn augment(&mut self, seeds: Vec<QuestionId>, threshold: &str, cx: &mut Cx<'_>) {
        if seeds.is_empty() {
            cx.note(Tone::Plain, "there is no seed to grow from: n reads questions from a file");
            return;
        }
        let all = cx.shared.survey.as_ref().is_some_and(|s| s.questions.len() == seeds.len());
        let mut this = Augment {
            seeds,
            all,
            threshold: threshold.to_owned(),
            form: None,
            speakers: Load::default(),
            estimate: Load::default(),
            asked: Vec::new(),
            started: Load::default(),
        };
        this.speakers.ask(cx, Lane::Read, |a| Ok(known_speakers(a.place())?));
        self.over = Over::Augment(Box::new(this));
    }
}

impl Augment {
    fn make_form(&mut self) {
        let usual = Settings::default();
        let speakers = self.speakers.get().cloned().unwrap_or_default();
        let mut names: Vec<String> = speakers.iter().map(|s| s.name.clone()).collect();
        if names.is_empty() {
            names.push("offline".into());
        }
        let names_of_services = names.iter().any(|n| n != "offline");
        let title = match self.seeds.as_slice() {
            [one] => format!("Grow samples from {one}"),
            many => format!("Grow samples from {} seeds", many.len()),
        };
        let mut fields = vec![
            Field::choice("provider", "Provider", names, 0, "who proposes; left and right choose"),
            Field::line(
                "model",
                "Model",
                "",
                crate::tui::widgets::anything,
                "of the service, where it has several; its own default when empty",
            ),
            Field::line(
                "templates",
                "Templates",
                &usual.templates.to_string(),
                positive,
                "paraphrases wanted, per seed (the paper's n = 5)",
            ),
            Field::line(
                "keep",
                "Keep",
                &usual.keep.to_string(),
                positive,
                "samples kept, per seed, both stages together (the paper's m = 10)",
            ),
            Field::line(
                "threshold",
                "Threshold",
                &self.threshold,
                share_or_nothing,
                "similarity with the seed from which on a text is kept; empty: calibrated on the cross-seed pairs",
            ),
            Field::line(
                "encoder",
                "Encoder",
                "",
                encoder_or_nothing,
                "sentence encoder of the filter: path:DIR or hub:ORG/NAME; empty: lexical",
            ),
            Field::line(
                "seed",
                "Random seed",
                "1",
                positive,
                "the same seed gives the same samples",
            ),
        ];
        // Rules ask nobody: there is nothing to limit.
        if names_of_services {
            fields.extend(budget_fields());
        }
        fields.push(Field::toggle(
            "held-out",
            "Held-out test set",
            false,
            "other template families and other words: for tests, never trained on",
        ));
        self.form = Some(Form::new(title, "Start", fields));
    }

    /// What the form stands for.
    fn args(&self) -> Vec<String> {
        let mut args = vec!["augment".to_owned()];
        let Some(form) = &self.form else { return args };
        let mut put = |flag: &str, value: String| args.extend([flag.to_owned(), value]);
        if !self.all {
            let ids: Vec<&str> = self.seeds.iter().map(QuestionId::as_str).collect();
            put("--seeds", ids.join(","));
        }
        let model = form.value("model");
        let provider = form.value("provider");
        let named = if model.is_empty() || provider == "offline" {
            provider.to_owned()
        } else {
            format!("{provider}/{model}")
        };
        put("--provider", named);
        put("--templates", form.value("templates").to_owned());
        put("--keep", form.value("keep").to_owned());
        for (flag, name) in [("--threshold", "threshold"), ("--encoder", "encoder")] {
            if !form.value(name).is_empty() {
                put(flag, form.value(name).to_owned());
            }
        }
        put("--seed", form.value("seed").to_owned());
        if form.is_on("held-out") {
            args.push("--held-out".to_owned());
        }
        args.extend(budget_args(form));
        args
    }

    fn by_rules(&self) -> bool {
        self.form.as_ref().is_none_or(|f| f.value("provider") == "offline")
    }

    /// Asks again for calls and cost where the form would ask a service.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let wrong = self.form.as_ref().is_none_or(|f| f.wrong().is_some());
        if wrong || self.by_rules() {
            return;
        }
        let args = self.args();
        if args == self.asked {
            return;
        }
        self.asked.clone_from(&args);
        let mut args = args;
        args.push("--dry-run".to_owned());
        self.estimate.ask(cx, Lane::Outside, move |a| a.command(&args));
    }

    /// A key did this to the form.
    pub fn event(&mut self, event: FormEvent, cx: &mut Cx<'_>) {
        match event {
            FormEvent::Changed => self.look(cx),
            FormEvent::Send if !self.started.is_asked() => {
                let args = self.args();
                self.started.ask(cx, Lane::Outside, move |a| a.command(&args));
            }
            _ => {}
        }
    }

    /// Takes an answer that belongs here; gives the run once it is started.
    pub fn accept(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) -> Option<RunId> {
        if self.speakers.accept(answer) {
            self.make_form();
            self.look(cx);
            return None;
        }
        if self.estimate.accept(answer) || !self.started.accept(answer) {
            return None;
        }
        let doc = self.started.take()?;
        let run = doc["id"].as_str().and_then(|id| RunId::new(id).ok())?;
        cx.note(Tone::Good, format!("started {run}: samples arrive on 3; R shows the run"));
        Some(run)
    }

    /// Lines below the form: what would be asked, what it costs, the command.
    pub fn below(&self) -> Vec<(String, Role)> {
        let mut out = Vec::new();
        let Some(form) = &self.form else {
            return vec![("looking who can be asked ..".into(), Role::Muted)];
        };
        if let Some(e) = self.speakers.error() {
            out.push((format!("only the rules can be asked: {e}"), Role::Warn));
        }
        let about =
            self.speakers.get().and_then(|s| s.iter().find(|k| k.name == form.value("provider")));
        if let Some(k) = about {
            out.push((format!("{}: {}", k.name, k.about), Role::Text));
        }
        out.push(self.plan(form));
        let or = |name: &str, usual: &str| match form.value(name) {
            "" => usual.to_owned(),
            set => set.to_owned(),
        };
        out.push((
            format!(
                "filter: {}; threshold: {}",
                or("encoder", "lexical"),
                or("threshold", "calibrated on the cross-seed pairs, 5 % false accepts")
            ),
            Role::Text,
        ));
        if let Some(e) = self.started.error() {
            out.push((format!("not started: {e}"), Role::Bad));
        }
        if self.started.is_asked() {
            out.push(("starting ..".into(), Role::Accent));
        }
        out.push((format!("Enter does what this does: {}", shell_line(&self.args())), Role::Muted));
        out
    }

    fn plan(&self, form: &Form) -> (String, Role) {
        let number = |name: &str| form.value(name).parse::<usize>().unwrap_or(0);
        let seeds = match self.seeds.len() {
            1 => "1 seed".to_owned(),
            n => format!("{} seeds", thousands(n as u64)),
        };
        let settings = Settings {
            templates: number("templates"),
            keep: number("keep"),
            synonyms: if form.is_on("held-out") { 0 } else { Settings::default().synonyms },
            ..Settings::default()
        };
        let kept = thousands((self.seeds.len() * settings.keep) as u64);
        if self.by_rules() {
            let most = thousands(settings.proposals_at_most(self.seeds.len()) as u64);
            let said = format!(
                "{seeds}: at most {most} proposals, {kept} kept; rules: 0 calls, no cost, seconds"
            );
            return (said, Role::Text);
        }
        if let Some(e) = self.estimate.error() {
            return (format!("what it would cost is not known: {e}"), Role::Warn);
        }
        match self.estimate.get() {
            Some(doc) if !self.estimate.is_asked() => {
                let n = |k: &str| thousands(doc[k].as_u64().unwrap_or(0));
                let cost = match (doc["cost_at_most"].as_f64(), doc["currency"].as_str()) {
                    (Some(c), Some(currency)) => format!("cost at most {c:.2} {currency}"),
                    _ => "no price known: set one in the configuration".into(),
                };
                let said = format!(
                    "{seeds}: up to {} calls, {} tokens of prompts, at most {} of replies; {cost}; \
                     at most {kept} kept",
                    n("calls"),
                    n("prompt_tokens"),
                    n("completion_tokens_at_most")
                );
                (said, Role::Text)
            }
            _ => ("counting calls and cost ..".into(), Role::Muted),
        }
    }
}
