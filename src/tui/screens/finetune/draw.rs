//! Drawing the lists, the panels and the forms.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::runs::rows::{duration, look, state_word};
use super::forms::FormKind;
use super::{Finetune, Focus, Panel, data};
use crate::chart::{Chart, Marker};
use crate::tui::data::Link;
use crate::tui::pen::Pen;
use crate::tui::screen::{Exportable, Shared};
use crate::tui::theme::Role;
use crate::tui::widgets::{
    Column, CurvesView, Drawn, ListControl, draw_rows, draw_scrollbar, figure, said, thousands,
};

const DATASETS: [Column; 5] = [
    Column::words("dataset", 0),
    Column::words("answers of", 14).from(46),
    Column::words("policy", 12).from(62),
    Column::number("rows", 7),
    Column::words("built", 11).from(76),
];

const RUNS: [Column; 4] = [
    Column::words("state", 11),
    Column::words("run", 0),
    Column::words("progress", 22).from(52),
    Column::number("took", 8).from(40),
];

impl Finetune {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        if self.form.is_some() {
            self.draw_form(pen, area);
            return;
        }
        let wide = area.width >= 120 && area.height >= 20;
        let narrow = area.width < 70 || area.height < 14;
        if narrow {
            match self.focus {
                Focus::Datasets => self.draw_datasets(pen, area, shared),
                Focus::Runs => self.draw_runs(pen, area, shared),
            }
        } else if wide {
            let left = Rect { width: (area.width * 2 / 5).clamp(46, 80), ..area };
            let right = Rect { x: left.right(), width: area.width - left.width, ..area };
            let top = left.height / 2;
            self.draw_datasets(pen, Rect { height: top, ..left }, shared);
            self.draw_audit(pen, Rect { y: left.y + top, height: left.height - top, ..left });
            let rows = (right.height * 3 / 10).max(6);
            self.draw_runs(pen, Rect { height: rows, ..right }, shared);
            let below = Rect { y: right.y + rows, height: right.height - rows, ..right };
            if below.height >= 18 {
                let log = below.height / 3;
                self.draw_panel(pen, Rect { height: below.height - log, ..below }, shared);
                let at = Rect { y: below.bottom() - log, height: log, ..below };
                self.draw_log(pen, at);
            } else {
                self.draw_panel(pen, below, shared);
            }
        } else {
            let top = (area.height * 2 / 5).max(7);
            let half = area.width * 9 / 20;
            let lists = Rect { height: top, ..area };
            self.draw_datasets(pen, Rect { width: half, ..lists }, shared);
            let right = Rect { x: lists.x + half, width: lists.width - half, ..lists };
            self.draw_runs(pen, right, shared);
            let below = Rect { y: area.y + top, height: area.height - top, ..area };
            match self.focus {
                Focus::Datasets => self.draw_audit(pen, below),
                Focus::Runs => self.draw_panel(pen, below, shared),
            }
        }
    }

    fn draw_datasets(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let focused = self.focus == Focus::Datasets;
        let title = listed("Datasets", &self.datasets);
        let inner = pen.pane(area, &title, focused);
        if self.datasets.rows().is_empty() {
            match (self.read.error(), self.read.is_asked()) {
                (Some(e), _) => {
                    let hint = e.hint.clone().unwrap_or_else(|| "r reads again".into());
                    pen.says(
                        inner,
                        &[
                            ("The datasets cannot be read.", Role::Bad),
                            (&e.message, Role::Text),
                            (&hint, Role::Muted),
                        ],
                    );
                }
                (None, true) => pen.says(inner, &[("Reading ...", Role::Muted)]),
                (None, false) => {
                    let seeds = shared.survey.as_ref().map_or(0, |s| s.questions.len());
                    let from = format!(
                        "It holds seeds ({seeds} here), their kept samples, and each culture's answers."
                    );
                    pen.says(
                        inner,
                        &[
                            ("No dataset yet.", Role::Title),
                            (&from, Role::Text),
                            ("n  build one", Role::Accent),
                        ],
                    );
                }
            }
            return;
        }
        let height = usize::from(inner.height.saturating_sub(1));
        self.bodies.0 = Rect { y: inner.y + 1, height: height as u16, ..inner };
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let rows: Vec<(Vec<(String, Style)>, bool, bool)> = self
            .datasets
            .window(height)
            .into_iter()
            .map(|(d, here, marked)| {
                let rows = d.manifest["rows"].as_u64().map_or_else(String::new, thousands);
                let cells = vec![
                    (d.name.to_string(), text),
                    (data::arm(d), muted),
                    (d.policy.as_str().to_owned(), muted),
                    (rows, text),
                    (d.created.strftime("%m-%d %H:%M").to_string(), muted),
                ];
                (cells, here, marked)
            })
            .collect();
        if rows.is_empty() {
            pen.says(inner, &[("None matches. Esc clears the filter.", Role::Muted)]);
        }
        draw_rows(pen, inner, &DATASETS, &rows, focused);
        draw_scrollbar(pen, self.bodies.0, self.datasets.position());
    }

    fn draw_audit(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some(d) = self.datasets.current() else {
            pen.pane(area, "audit", false);
            return;
        };
        let inner = pen.pane(area, &format!("{} · audit", d.name), false);
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let mut y = inner.y;
        for (name, value, role) in self.audit_lines(d) {
            if y >= inner.bottom() {
                return;
            }
            pen.put(inner.x, y, 11, &name, muted);
            let rest = Rect {
                x: inner.x + 12.min(inner.width),
                y,
                width: inner.width.saturating_sub(12),
                height: inner.bottom() - y,
            };
            let style = role.map_or(text, |r| pen.style(r));
            y += pen.text(rest, &value, style).max(1) as u16;
        }
    }

    fn audit_lines(&self, d: &crate::store::DatasetRecord) -> Vec<(String, String, Option<Role>)> {
        let spec = &d.manifest["spec"];
        let mut out: Vec<(String, String, Option<Role>)> = Vec::new();
        let mut add = |name: &str, value: String, role| out.push((name.to_owned(), value, role));
        let known = self.audit.get().filter(|a| a.0 == d.name).map(|a| &a.1);
        match (known, self.audit.error()) {
            (Some(a), _) => {
                let (questions, cultures) = a.spread;
                let spread = format!(
                    "{} · {} distinct prompts · {questions} questions · {cultures} cultures",
                    thousands(a.rows),
                    thousands(a.distinct)
                );
                add("rows", spread, None);
                if a.findings.is_empty() {
                    add("audit", "nothing found".into(), Some(Role::Good));
                }
                for (kind, rows, share) in &a.findings {
                    let text =
                        format!("{kind}: {} rows ({:.1} %)", thousands(*rows), share * 100.0);
                    add("audit", text, Some(Role::Bad));
                }
                if a.refused > 0 {
                    let text =
                        format!("{} cells of culture and question without a label", a.refused);
                    add("left out", text, Some(Role::Warn));
                }
            }
            (None, Some(e)) => add("audit", e.to_string(), Some(Role::Bad)),
            (None, None) => add("audit", "auditing ...".into(), Some(Role::Muted)),
        }
        add("answers of", data::arm(d), None);
        add("policy", d.policy.as_str().to_owned(), None);
        let word = |v: &serde_json::Value| v.as_str().map(str::to_owned);
        let mut texts = word(&spec["stages"]).unwrap_or_default();
        if let Some(n) = spec["texts"].as_u64() {
            texts += &format!(", at most {}", thousands(n));
        }
        if let Some(l) = word(&spec["language"]) {
            texts += &format!(", in {l}");
        }
        add("texts", texts, None);
        let held = spec["held_out_questions"].as_array().map_or(0, Vec::len);
        if held > 0 {
            add("held out", format!("{held} questions"), None);
        }
        let weights: Vec<String> =
            d.manifest["weighting"].as_array().into_iter().flatten().filter_map(word).collect();
        if !weights.is_empty() {
            add("weights", weights.join("; "), None);
        }
        add("built", d.created.strftime("%Y-%m-%d %H:%M UTC").to_string(), None);
        let sha = crate::text::truncate(&d.sha256, 12).into_owned();
        add("files", format!("{} · sha256 {sha}", d.path), None);
        out
    }

    fn draw_runs(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let focused = self.focus == Focus::Runs;
        let mut title = listed("Training runs", &self.runs);
        if shared.engine.link != Link::Up {
            title += " · engine at rest";
        }
        let inner = pen.pane(area, &title, focused);
        if let Some(e) = self.runs.error() {
            pen.says(
                inner,
                &[
                    ("The runs cannot be read.", Role::Bad),
                    (&e.message, Role::Text),
                    (e.hint.as_deref().unwrap_or("r reads again; 8 has doctor"), Role::Muted),
                ],
            );
            return;
        }
        if self.runs.is_empty() {
            let filter = self.runs.filter().is_empty();
            let said = if filter {
                "No model was tuned here yet."
            } else {
                "None matches. Esc clears the filter."
            };
            pen.says(inner, &[(said, Role::Text), ("t  tune one on the dataset", Role::Accent)]);
            return;
        }
        let height = usize::from(inner.height.saturating_sub(1));
        self.bodies.1 = Rect { y: inner.y + 1, height: height as u16, ..inner };
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let plain = pen.looks.plain;
        let styles = [Role::Accent, Role::Muted, Role::Warn, Role::Good, Role::Bad]
            .map(|r| (r, pen.style(r)));
        let live = shared.engine.link == Link::Up;
        let rows: Vec<(Vec<(String, Style)>, bool, bool)> = self
            .runs
            .window(height)
            .into_iter()
            .map(|(row, here, marked)| {
                let v = &row.view;
                let (sign, role) = look(v.state, plain);
                let style = styles.iter().find(|s| s.0 == role).map_or(text, |s| s.1);
                let doubt = if live || v.state.is_final() { "" } else { "?" };
                let cells = vec![
                    (format!("{sign} {}{doubt}", state_word(v.state)), style),
                    (v.label.clone().unwrap_or_else(|| v.id.to_string()), text),
                    (row.progress_words(&shared.engine, None, shared.now), muted),
                    (row.took(shared.now), muted),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &RUNS, &rows, focused);
        draw_scrollbar(pen, self.bodies.1, self.runs.position());
    }

    fn draw_panel(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let narrow = !(shared.size.0 >= 120 && area.height >= 12);
        if self.panel == Panel::Log && narrow {
            self.draw_log(pen, area);
            return;
        }
        if let (Panel::Serve, Some(served)) = (self.panel, &self.served) {
            draw_served(pen, area, served);
            return;
        }
        let named = self.drawn_named();
        let drawn: Vec<Drawn<'_>> = named.iter().map(|(n, m)| (n.as_str(), &m.curves)).collect();
        let title = match self.metric.shown(&drawn) {
            Some((metric, at, of)) => {
                let (words, _) = crate::tui::widgets::metric_words(&metric);
                let over =
                    if self.overlay { format!(" · {} runs", drawn.len()) } else { String::new() };
                format!("{words} · {at} of {of}{over} (m)")
            }
            None => "curves".into(),
        };
        let inner = pen.pane(area, &title, false);
        if named.is_empty() {
            let said = match (self.measuring.error(), self.measuring.is_asked()) {
                (Some(e), _) => e.to_string(),
                (None, true) => "Reading ...".into(),
                (None, false) => "No run to show.".into(),
            };
            pen.says(inner, &[(&said, Role::Muted)]);
            return;
        }
        let mut top = 0;
        if let [(_, m)] = &named[..]
            && inner.height > 6
        {
            let (text, good) = (pen.style(Role::Text), pen.style(Role::Good));
            let line = standing(m);
            if !line.is_empty() {
                pen.put(inner.x, inner.y, inner.width, &line, text);
                top += 1;
            }
            pen.put(inner.x, inner.y + top, inner.width, &best_words(m, inner.width >= 100), good);
            top += 1;
        }
        let rest = Rect { y: inner.y + top, height: inner.height - top, ..inner };
        let markers = match &named[..] {
            [(_, m)] => best_marker(m).into_iter().collect(),
            _ => Vec::new(),
        };
        // Where there is room, the four that say whether training goes well stand together.
        if rest.width >= 100 && rest.height >= 20 && !self.overlay {
            let (w, h) = (rest.width / 2, rest.height / 2);
            for (i, metric) in ["loss", "lr", "grad_norm", "tokens_per_s"].iter().enumerate() {
                let (dx, dy) = (i as u16 % 2, i as u16 / 2);
                let at = Rect { x: rest.x + dx * w, y: rest.y + dy * h, width: w - 1, height: h };
                let mut view = CurvesView::default();
                view.show(metric);
                let own = if *metric == "loss" { markers.clone() } else { Vec::new() };
                let chart = Chart::Line(CurvesView::chart(metric, &drawn, own));
                pen.canvas(at, &chart.cells(w - 1, h, pen.looks.glyphs()));
            }
            return;
        }
        let is_loss = self.metric.shown(&drawn).is_some_and(|s| s.0 == "loss");
        self.metric.draw(pen, rest, &drawn, if is_loss { markers } else { Vec::new() });
    }

    fn draw_log(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let inner = pen.pane(area, &format!("log · {}", self.log.standing()), false);
        self.log.draw(pen, inner);
    }

    fn draw_form(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let Some(open) = &self.form else { return };
        let mut below: Vec<(String, Role)> = Vec::new();
        if let Some(wrong) = &open.wrong {
            below.push((wrong.clone(), Role::Bad));
        }
        match open.lines() {
            Err(why) if open.wrong.is_none() => below.push((why, Role::Warn)),
            _ => {}
        }
        if open.kind != FormKind::Dataset {
            match (self.estimate.get(), self.estimate.error(), self.estimate.is_asked()) {
                (_, _, true) => below.push(("working out what it takes ...".into(), Role::Muted)),
                (_, Some(e), _) => below.push((e.to_string(), Role::Bad)),
                (Some(e), ..) => {
                    let n = open.runs();
                    let each = if n > 1 { format!("{n} runs, each ") } else { String::new() };
                    below.push((format!("{each}{e}"), Role::Text));
                }
                (None, None, false) => {}
            }
        }
        below.extend(open.typed().into_iter().map(|l| (l, Role::Accent)));
        let width = area.width.min(96);
        let height = area.height.min(open.form.fields.len() as u16 + 14);
        let at = Rect { x: area.x + (area.width - width) / 2, width, height, ..area };
        open.form.draw(pen, at, &below);
    }

    pub(super) fn exported(&self) -> Option<Exportable> {
        if self.focus == Focus::Datasets {
            let head = ["dataset", "answers of", "policy", "rows", "built", "sha256"];
            let rows = self.datasets.rows().iter().map(|d| {
                vec![
                    d.name.to_string(),
                    data::arm(d),
                    d.policy.as_str().to_owned(),
                    d.manifest["rows"].to_string(),
                    d.created.to_string(),
                    d.sha256.clone(),
                ]
            });
            let table = Some((head.map(str::to_owned).to_vec(), rows.collect()));
            return Some(Exportable { name: "datasets".into(), chart: None, table });
        }
        let named = self.drawn_named();
        let drawn: Vec<Drawn<'_>> = named.iter().map(|(n, m)| (n.as_str(), &m.curves)).collect();
        let (metric, ..) = self.metric.shown(&drawn)?;
        let markers = match &named[..] {
            [(_, m)] if metric == "loss" => best_marker(m).into_iter().collect(),
            _ => Vec::new(),
        };
        let chart = Chart::Line(CurvesView::chart(&metric, &drawn, markers));
        Some(Exportable { name: format!("training-{metric}"), chart: Some(chart), table: None })
    }
}

fn listed(name: &str, list: &dyn ListControl) -> String {
    let mut out = format!("{name} · {}", said(list.position()));
    if !list.filter().is_empty() {
        out += &format!(" · /{}", list.filter());
    }
    out
}

/// `1,234 tokens per second · 3 min left`.
fn standing(m: &data::Measured) -> String {
    let mut out = Vec::new();
    if let Some((_, x)) = m.curves.of.get("tokens_per_s").and_then(|c| c.last) {
        out.push(format!("{} tokens/s", figure(x)));
    }
    if let Some((_, x)) = m.curves.of.get("lr").and_then(|c| c.last) {
        out.push(format!("rate {}", figure(x)));
    }
    if let Some((_, x)) = m.curves.of.get("grad_norm").and_then(|c| c.last) {
        out.push(format!("gradient norm {}", figure(x)));
    }
    match (m.state.is_final(), m.curves.seconds_left()) {
        (false, Some(s)) => out.push(format!("{} left", duration(s))),
        (true, _) => out.push(state_word(m.state).to_owned()),
        (false, None) => {}
    }
    out.join(" · ")
}

/// The best checkpoint, and where there is room its name.
fn best_words(m: &data::Measured, room: bool) -> String {
    let Some((step, loss, held_out)) = m.best() else { return "no checkpoint yet".into() };
    let which = if held_out { "of eval loss" } else { "of training loss (no eval loss)" };
    let name = if room { format!(" · run:{}@{step}", m.run) } else { String::new() };
    let n = m.checkpoints.len();
    format!("best: step {}, {} nats {which}, {n} saved{name}", thousands(step), figure(loss))
}

fn best_marker(m: &data::Measured) -> Option<Marker> {
    let (step, ..) = m.best()?;
    Some(Marker { x: step as f64, label: format!("best {}", thousands(step)) })
}

/// How a model is served to an OpenAI-compatible client, and who points at it.
fn draw_served(pen: &mut Pen<'_>, area: Rect, served: &data::Connected) {
    let inner = pen.pane(area, &format!("{} · how to serve it (m: curves)", served.model), false);
    let (muted, text) = (pen.style(Role::Muted), pen.style(Role::Text));
    let provider = match &served.provider {
        Ok(p) => {
            (format!("`{p}` asks {} (6, then n scores it; 8 tests it)", served.url), Role::Good)
        }
        Err(e) => (e.to_string(), Role::Warn),
    };
    let lines = [
        ("server", served.serve.clone(), Role::Accent),
        ("", "copied: it starts vLLM on the machine with the GPU".to_owned(), Role::Muted),
        ("provider", provider.0, provider.1),
    ];
    let mut y = inner.y;
    for (name, value, role) in lines {
        if y >= inner.bottom() {
            return;
        }
        pen.put(inner.x, y, 9, name, muted);
        let rest = Rect {
            x: inner.x + 10.min(inner.width),
            y,
            width: inner.width.saturating_sub(10),
            height: inner.bottom() - y,
        };
        let style = if role == Role::Text { text } else { pen.style(role) };
        y += pen.text(rest, &value, style).max(1) as u16;
    }
}
