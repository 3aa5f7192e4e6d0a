//! Drawing the panel: where the run is, what is wrong, its curves, its GPUs, its checkpoints, the
//! end of its log.

use ratatui::layout::Rect;

use super::super::runs::rows::duration;
use super::Watching;
use crate::chart::Marker;
use crate::job::watch::{AlarmKind, Going, GpuSeen, Known};
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::Role;
use crate::tui::widgets::{CurvesView, Drawn, figure, metric_words, thousands};

/// What says whether training goes well.
const FOUR: [&str; 4] = ["loss", "lr", "grad_norm", "tokens_per_s"];

impl Watching {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let title = self
            .dir
            .as_ref()
            .map_or_else(|| "watch".to_owned(), |d| crate::text::display(&d.display().to_string()));
        if self.full {
            self.draw_log(pen, area);
            return;
        }
        let Some(lines) = self.known().map(|k| lines(k, shared)) else {
            let inner = pen.pane(area, &title, true);
            match (&self.failed, &self.dir) {
                (Some(e), _) => {
                    let said = e.to_string();
                    pen.says(
                        inner,
                        &[("The folder cannot be read.", Role::Bad), (&said, Role::Text)],
                    );
                }
                (None, Some(_)) => pen.says(inner, &[("Reading ...", Role::Muted)]),
                (None, None) => pen.says(
                    inner,
                    &[
                        ("No folder is watched.", Role::Text),
                        ("polyculture runs watch RUN|DIR shows one", Role::Accent),
                    ],
                ),
            }
            return;
        };
        let most = (area.height / 3).max(3);
        let head = (lines.len() as u16 + 2).min(most).min(area.height);
        let top = Rect { height: head, ..area };
        let inner = pen.pane(top, &title, true);
        for (i, (text, role)) in lines.iter().take(usize::from(inner.height)).enumerate() {
            let style = pen.style(*role);
            pen.put(inner.x, inner.y + i as u16, inner.width, text, style);
        }
        let rest = Rect { y: area.y + head, height: area.height - head, ..area };
        if rest.height < 4 {
            return;
        }
        let log = if self.log.path().is_some() && rest.height >= 14 {
            (rest.height / 3).min(12)
        } else {
            0
        };
        self.draw_curves(pen, Rect { height: rest.height - log, ..rest });
        if log > 0 {
            self.draw_log(pen, Rect { y: rest.bottom() - log, height: log, ..rest });
        }
    }

    fn draw_log(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let name = self.log.path().and_then(|p| p.file_name());
        let name = name.map_or_else(|| "log".into(), |n| n.to_string_lossy().into_owned());
        let title = format!("{} · {}", crate::text::display(&name), self.log.standing());
        let inner = pen.pane(area, &title, self.full);
        self.log.draw(pen, inner);
    }

    pub(super) fn markers(&self) -> Vec<Marker> {
        let Some(k) = self.known() else { return Vec::new() };
        // A mark a checkpoint is too many in a long run: the newest is the one to go on from.
        let newest = k.checkpoints.iter().rev().find(|c| c.whole);
        let mark = |c: &crate::job::watch::Saved| Marker {
            x: c.step as f64,
            label: format!("saved {}", thousands(c.step)),
        };
        newest.map(mark).into_iter().collect()
    }

    fn draw_curves(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let Some(now) = &self.now else { return };
        let curves = &*now.curves;
        let drawn: [Drawn<'_>; 1] = [("", curves)];
        let has =
            |m: &str| curves.of.contains_key(m) || curves.of.contains_key(&format!("eval_{m}"));
        let four: Vec<&str> = FOUR.into_iter().filter(|m| has(m)).collect();
        if let (None, 2.., true) = (&self.metric, four.len(), area.width >= 80 && area.height >= 16)
        {
            let rows = four.len().div_ceil(2) as u16;
            let (w, h) = (area.width / 2, area.height / rows);
            for (i, metric) in four.iter().enumerate() {
                let (dx, dy) = (i as u16 % 2, i as u16 / 2);
                let lone = i + 1 == four.len() && dx == 0;
                let width = if lone { area.width } else { w };
                let at = Rect { x: area.x + dx * w, y: area.y + dy * h, width, height: h };
                let (words, _) = metric_words(metric);
                let from = now.origin(metric);
                let inner = pen.pane(at, &format!("{words} · {from}"), false);
                let markers = if *metric == "loss" { self.markers() } else { Vec::new() };
                let mut view = CurvesView::default();
                view.show(metric);
                view.draw(pen, inner, &drawn, markers);
            }
            return;
        }
        let view = self.metric.clone().unwrap_or_default();
        let title = match view.shown(&drawn) {
            Some((metric, at, of)) => {
                let (words, _) = metric_words(&metric);
                let from = now.origin(&metric);
                format!("{words} · {from} · {at} of {of} (m)")
            }
            None => "curves".into(),
        };
        let inner = pen.pane(area, &title, false);
        let is_loss = view.shown(&drawn).is_some_and(|s| s.0 == "loss");
        let markers = if is_loss { self.markers() } else { Vec::new() };
        if curves.is_empty() {
            pen.says(
                inner,
                &[
                    ("Nothing was measured yet.", Role::Text),
                    (
                        "metrics.jsonl, trainer_log.jsonl, event files, a .log or .out file and trainer_state.json are read",
                        Role::Muted,
                    ),
                ],
            );
            return;
        }
        view.draw(pen, inner, &drawn, markers);
    }
}

/// The lines above the curves.
fn lines(k: &Known, shared: &Shared) -> Vec<(String, Role)> {
    let plain = shared.looks.plain;
    let mut out = vec![(standing(k), role_of(k))];
    let numbers = numbers(k);
    if !numbers.is_empty() {
        out.push((numbers, Role::Text));
    }
    for a in &k.alarms {
        let sign = if plain { "ALARM:" } else { "▲" };
        let role = if a.kind == AlarmKind::Spike { Role::Warn } else { Role::Bad };
        out.push((format!("{sign} {}", crate::text::display(&a.words)), role));
    }
    for g in &k.gpus {
        out.push((gpu(g), if g.gone { Role::Bad } else { Role::Text }));
    }
    if let Some(last) = k.checkpoints.last() {
        let n = k.checkpoints.len();
        let torn = k.checkpoints.iter().filter(|c| !c.whole).count();
        let half = if torn > 0 { format!(", {torn} not whole") } else { String::new() };
        let age = k.step.and_then(|s| s.checked_sub(last.step)).unwrap_or(0);
        out.push((
            format!(
                "saved: {n}{half}, the newest at step {} ({} steps ago)",
                thousands(last.step),
                thousands(age)
            ),
            Role::Muted,
        ));
    }
    for s in &k.sources {
        if let Some(note) = &s.note {
            out.push((format!("{}: {note}", s.origin.word()), Role::Muted));
        }
    }
    out
}

fn role_of(k: &Known) -> Role {
    match (k.state, k.end.as_deref()) {
        (Going::Ended, None | Some("succeeded")) => Role::Good,
        (Going::Ended, Some(_)) | (Going::Silent, _) => Role::Bad,
        (Going::Running, _) => Role::Accent,
        (Going::Waiting, _) => Role::Muted,
    }
}

/// `running · step 1,200 of 3,000 · epoch 0.40 · 12 min left · 3,400 tokens/s`.
fn standing(k: &Known) -> String {
    let mut out = vec![k.end.clone().unwrap_or_else(|| k.state.word().to_owned())];
    if let Some(step) = k.step {
        let of = k.total.map_or(String::new(), |t| format!(" of {}", thousands(t)));
        out.push(format!("step {}{of}", thousands(step)));
    }
    if let Some(e) = k.epoch {
        out.push(format!("epoch {e:.2}"));
    }
    if let Some(s) = k.eta_s {
        out.push(format!("{} left", duration(s)));
    }
    if let Some(t) = k.tokens_per_s {
        out.push(format!("{} tokens/s", figure(t)));
    } else if let Some(s) = k.steps_per_s {
        out.push(format!("{} steps/s", figure(s)));
    }
    if let Some(s) = k.silent_s.filter(|s| *s >= 10.0) {
        out.push(format!("last step {} ago", duration(s)));
    }
    out.join(" · ")
}

/// `loss 1.204 (smoothed 1.31) · eval 1.29 · rate 1e-4 · gradient norm 0.83`.
fn numbers(k: &Known) -> String {
    let mut out = Vec::new();
    if let Some(m) = k.metrics.get("loss") {
        let smooth = m.smoothed.map_or(String::new(), |s| format!(" (smoothed {})", figure(s)));
        out.push(format!("loss {}{smooth}", figure(m.last.unwrap_or(f64::NAN))));
    }
    for (name, word) in [("eval_loss", "eval"), ("lr", "rate"), ("grad_norm", "gradient norm")] {
        if let Some(m) = k.metrics.get(name) {
            out.push(format!("{word} {}", figure(m.last.unwrap_or(f64::NAN))));
        }
    }
    out.join(" · ")
}

fn gpu(g: &GpuSeen) -> String {
    let gib = |b: Option<u64>| {
        b.map_or_else(|| "n/a".into(), |b| format!("{:.1} GiB", b as f64 / f64::from(1 << 30)))
    };
    let busy = g.utilization.map_or_else(|| "n/a".into(), |u| format!("{u} %"));
    let index = g.index.map_or_else(|| "?".into(), |i| i.to_string());
    let name = crate::text::display(g.name.as_deref().unwrap_or(&g.uuid));
    let gone = if g.gone { " · GONE" } else { "" };
    format!(
        "GPU {index} · {busy} · {} of {} · {name}{gone}",
        gib(g.memory_used),
        gib(g.memory_total)
    )
}
