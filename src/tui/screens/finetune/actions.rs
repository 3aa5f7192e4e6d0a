//! What keys do on the Fine-tune screen.

use crossterm::event::KeyEvent;

use super::forms::{FormKind, Open, dataset_form, recipe_form};
use super::sweep_form::sweep_form;
use super::{Finetune, Focus, Panel, data};
use crate::tui::data::Lane;
use crate::tui::screen::{Cx, Effect, ScreenId, Taken, Told, Tone};
use crate::tui::widgets::{Drawn, FormEvent, ListControl};

impl Finetune {
    pub(super) fn new_run(&mut self, cx: &mut Cx<'_>) {
        let all = self.datasets.rows();
        if all.is_empty() {
            cx.note(Tone::Plain, "a model needs a dataset to learn from: this makes one");
            self.new_dataset(cx);
            return;
        }
        let sorted: Vec<_> = all.iter().collect();
        let key = self.datasets.current_key();
        let at = sorted.iter().position(|d| Some(d.name.to_string()) == key).unwrap_or(0);
        self.form = Some(recipe_form(&sorted, at, cx.shared.survey.as_deref()));
        self.ask_estimate(cx);
    }

    pub(super) fn new_dataset(&mut self, cx: &mut Cx<'_>) {
        let taken: Vec<String> = self.datasets.rows().iter().map(data::key).collect();
        self.form = Some(dataset_form(cx.shared.survey.as_deref(), &taken));
    }

    pub(super) fn new_sweep(&mut self, cx: &mut Cx<'_>) {
        self.form = Some(sweep_form(cx.shared.survey.as_deref()));
        self.ask_estimate(cx);
    }

    pub(super) fn form_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        let Some(open) = &mut self.form else { return Taken::No };
        match open.form.key(key) {
            FormEvent::Changed => {
                self.form_changed(cx);
                Taken::Yes
            }
            FormEvent::Moved | FormEvent::Wrong => Taken::Yes,
            FormEvent::Send => {
                self.send(cx);
                Taken::Yes
            }
            FormEvent::Back => {
                self.form = None;
                self.estimate.clear();
                Taken::Yes
            }
            FormEvent::Ignored => Taken::No,
        }
    }

    pub(super) fn form_changed(&mut self, cx: &mut Cx<'_>) {
        let Some(open) = &mut self.form else { return };
        open.touched = true;
        open.wrong = None;
        open.fill();
        if open.kind == FormKind::Recipe {
            let name = open.form.value("dataset").to_owned();
            if let Some(d) = self.datasets.rows().iter().find(|d| d.name.as_str() == name) {
                open.offer_cultures(d, cx.shared.survey.as_deref());
            }
        }
        if open.kind != FormKind::Dataset {
            self.ask_estimate(cx);
        }
    }

    fn ask_estimate(&mut self, cx: &mut Cx<'_>) {
        let Some(open) = &self.form else { return };
        if open.form.wrong().is_some() {
            return;
        }
        match open.dry_line() {
            Some(line) => self.estimate.ask(cx, Lane::Outside, move |a| {
                let doc = a.command(&line)?;
                Ok(doc["in_words"].as_str().unwrap_or("no estimate").to_owned())
            }),
            None => self.estimate.clear(),
        }
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        let Some(open) = &mut self.form else { return };
        if self.starting.is_asked() || self.building.is_asked() {
            cx.note(Tone::Plain, "the form before is still being sent");
            return;
        }
        let lines = match open.lines() {
            Ok(lines) => lines,
            Err(why) => {
                open.wrong = Some(why);
                return;
            }
        };
        let kind = open.kind;
        self.sent = self.form.take();
        self.estimate.clear();
        match kind {
            FormKind::Sweep => {
                cx.note(Tone::Plain, "handing the sweep to the engine ...");
                self.starting.ask(cx, Lane::Outside, move |a| data::start(a, &lines));
            }
            FormKind::Recipe => {
                let n = lines.iter().filter(|l| l[0] == "finetune").count();
                let word = if n == 1 { "the run" } else { "the runs" };
                cx.note(Tone::Plain, format!("starting {word} ..."));
                self.starting.ask(cx, Lane::Outside, move |a| data::start(a, &lines));
            }
            FormKind::Dataset => {
                cx.note(Tone::Plain, "building the dataset ...");
                self.building.ask(cx, Lane::Outside, move |a| {
                    let doc = a.command(&lines[0])?;
                    let name = doc["dataset"].as_str().unwrap_or(&lines[0][2]).to_owned();
                    Ok(format!("{name}: {} rows", doc["rows"]))
                });
            }
        }
    }

    /// A form that was refused is there again, with what was typed and why.
    fn bring_back(&mut self, why: String) {
        if self.form.is_none()
            && let Some(open) = self.sent.take()
        {
            self.form = Some(Open { wrong: Some(why), ..open });
        }
    }

    pub(super) fn started(&mut self, cx: &mut Cx<'_>) {
        match (self.starting.take(), self.starting.error()) {
            (Some(done), _) => {
                if let (true, Some((_, e))) = (done.runs.is_empty(), &done.failed) {
                    self.bring_back(e.to_string());
                }
                let swept = self.sent.take().is_some_and(|s| s.kind == FormKind::Sweep);
                let n = done.runs.len();
                let runs = if n == 1 { "1 run".to_owned() } else { format!("{n} runs") };
                match done.failed {
                    None => {
                        let ids = done.runs.first().cloned().unwrap_or_default();
                        let more = if n > 1 { ", .." } else { "" };
                        let text = if swept {
                            format!("sweep started: {ids} (7 shows it, 6 its result)")
                        } else {
                            format!("{runs} started: {ids}{more} (Tab goes to them)")
                        };
                        cx.note(Tone::Good, text);
                    }
                    Some((line, e)) => {
                        cx.note(Tone::Bad, format!("{runs} started, then `{line}` failed: {e}"));
                    }
                }
                self.runs.refresh();
                self.counted = None;
                self.read_datasets(cx);
            }
            (None, Some(e)) => {
                let why = e.to_string();
                cx.note(Tone::Bad, why.clone());
                self.bring_back(why);
            }
            (None, None) => {}
        }
    }

    pub(super) fn built(&mut self, cx: &mut Cx<'_>) {
        match (self.building.take(), self.building.error()) {
            (Some(said), _) => {
                self.sent = None;
                cx.note(Tone::Good, format!("built {said} (t tunes on it)"));
                self.read_datasets(cx);
            }
            (None, Some(e)) => {
                let why = e.to_string();
                cx.note(Tone::Bad, why.clone());
                self.bring_back(why);
            }
            (None, None) => {}
        }
    }

    pub(super) fn read_findings(&mut self, cx: &mut Cx<'_>) {
        let Some(name) = self.datasets.current().map(|d| d.name.clone()) else { return };
        self.findings.ask(cx, Lane::Slow, move |a| data::findings(a, &name));
    }

    pub(super) fn show_findings(&mut self, cx: &mut Cx<'_>) {
        match (self.findings.take(), self.findings.error()) {
            (Some(text), _) => cx.ask(Effect::Pager(text)),
            (None, Some(e)) => cx.note(Tone::Bad, e.to_string()),
            (None, None) => {}
        }
    }

    pub(super) fn open_run(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.runs.current() {
            cx.go(ScreenId::Runs, Some(Told::Run(row.view.id.clone())));
        }
    }

    pub(super) fn toggle_overlay(&mut self, cx: &mut Cx<'_>) {
        self.overlay = !self.overlay;
        self.panel = Panel::Curves;
        let marked = self.runs.position().marked;
        let said = match (self.overlay, marked) {
            (true, 0) => "Space marks the runs to lay over each other".to_owned(),
            (true, 1) => "one run is marked: Space marks another".to_owned(),
            (true, n) if n > 8 => format!("the first 8 of {n} marked runs"),
            (true, n) => format!("{n} runs over each other"),
            (false, _) => "the run under the cursor".to_owned(),
        };
        cx.note(Tone::Plain, said);
        self.pump(cx);
    }

    /// The runs to draw with what the legend calls them.
    pub(super) fn drawn_named(&self) -> Vec<(String, &data::Measured)> {
        let drawn = self.drawn();
        drawn
            .iter()
            .filter_map(|id| {
                let m = self.measured.get(id)?;
                let label = self.runs.rows().find(|r| r.view.id == *id);
                let label = label.and_then(|r| r.view.label.clone());
                // Runs of one recipe often share their label: the id tells them apart.
                let short = super::super::runs::rows::short(id);
                let name = label.map_or_else(|| short.clone(), |l| format!("{l} {short}"));
                Some((name, m))
            })
            .collect()
    }

    pub(super) fn next_panel(&mut self, cx: &mut Cx<'_>) {
        let named = self.drawn_named();
        let drawn: Vec<Drawn<'_>> = named.iter().map(|(n, m)| (n.as_str(), &m.curves)).collect();
        let last = self.metric.shown(&drawn).is_none_or(|(_, at, of)| at == of);
        match self.panel {
            Panel::Log | Panel::Serve => {
                self.panel = Panel::Curves;
                self.metric = super::CurvesView::default();
            }
            Panel::Curves if last => self.panel = Panel::Log,
            Panel::Curves => self.metric.next(1),
        }
        self.pump(cx);
    }

    pub(super) fn other_side(&mut self, cx: &mut Cx<'_>) {
        self.focus = match self.focus {
            Focus::Datasets => Focus::Runs,
            Focus::Runs => Focus::Datasets,
        };
        self.pump(cx);
    }

    pub(super) fn follow(&mut self, cx: &mut Cx<'_>) {
        let on = !self.log.follows();
        self.log.set_follow(on);
        self.panel = Panel::Log;
        cx.note(Tone::Plain, if on { "the log follows its end" } else { "the log stands still" });
        self.pump(cx);
    }

    pub(super) fn copy_best(&mut self, cx: &mut Cx<'_>) {
        let Some(row) = self.runs.current() else { return };
        match self.measured.get(&row.view.id).and_then(data::Measured::best) {
            Some((step, ..)) => cx.ask(Effect::Copy(format!("run:{}@{step}", row.view.id))),
            None => cx.note(Tone::Plain, "this run has no checkpoint yet"),
        }
    }

    pub(super) fn connect(&mut self, cx: &mut Cx<'_>) {
        let Some(row) = self.runs.current() else { return };
        let model = format!("run:{}", row.view.id);
        self.connecting.ask(cx, Lane::Outside, move |a| data::connect(a, &model));
    }

    pub(super) fn connected(&mut self, cx: &mut Cx<'_>) {
        match (self.connecting.take(), self.connecting.error()) {
            (Some(done), _) => {
                cx.ask(Effect::Copy(done.serve.clone()));
                let (tone, text) = match &done.provider {
                    Ok(p) => {
                        (Tone::Good, format!("provider `{p}` points at it; its command is copied"))
                    }
                    Err(e) => (Tone::Warn, e.to_string()),
                };
                cx.note(tone, text);
                self.served = Some(done);
                self.panel = Panel::Serve;
            }
            (None, Some(e)) => cx.note(Tone::Bad, e.to_string()),
            (None, None) => {}
        }
    }

    pub(super) fn look_again(&mut self, cx: &mut Cx<'_>) {
        self.read_datasets(cx);
        self.audit.clear();
        self.audited = None;
        self.runs.refresh();
        self.counted = None;
        self.measured.clear();
        self.heard.clear();
        self.log.look_again();
        self.pump(cx);
    }
}
