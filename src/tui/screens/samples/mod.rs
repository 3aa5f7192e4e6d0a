//! The Samples screen: what grew from the seeds, why it was kept or not, and deciding on it.

mod ancestry;
mod commands;
mod diff;
mod draw;
mod edit;
mod fetch;
#[cfg(test)]
mod tests;
mod threshold;
mod write;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use self::ancestry::Pane;
use self::edit::Typing;
use self::fetch::{Scope, Totals, filter_of};
use self::threshold::Threshold;
use self::write::{Came, Decisions, What};
use crate::domain::{QuestionId, RunId, SampleId};
use crate::store::{SampleCursor, SampleFilter, SampleRow};
use crate::text;
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{
    Answer, Cx, Effect, Exportable, Screen, ScreenId, Shared, Taken, Told, Tone,
};
use crate::tui::widgets::{ListControl, Paged};

pub use commands::COMMANDS;

/// Its state.
#[derive(Debug)]
pub struct Samples {
    list: Paged<SampleRow, SampleCursor>,
    scope: Scope,
    /// Of one seed or one run only.
    base: SampleFilter,
    totals: Load<Totals>,
    /// What the totals are of.
    counted: Option<String>,
    decisions: Decisions,
    typing: Option<Typing>,
    threshold: Option<Threshold>,
    ancestry: Pane,
    /// The ancestry stands over the list.
    inside: bool,
    /// The text is shown without its differences.
    as_it_is: bool,
    /// A sample to stand on, read by its id.
    found: Load<Option<(SampleRow, u64)>>,
    wanted: Option<SampleId>,
    /// The seed whose wording stands above.
    seed_shown: Option<QuestionId>,
    rows_at: Rect,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            list: fetch::list(),
            scope: Scope::default(),
            base: SampleFilter::default(),
            totals: Load::default(),
            counted: None,
            decisions: Decisions::default(),
            typing: None,
            threshold: None,
            ancestry: Pane::default(),
            inside: false,
            as_it_is: false,
            found: Load::default(),
            wanted: None,
            seed_shown: None,
            rows_at: Rect::ZERO,
        }
    }
}

impl Samples {
    /// The screen's part of the filter, whatever the fate.
    fn base_scope(&self) -> String {
        serde_json::to_string(&self.base).unwrap_or_default()
    }

    /// Asks for what is in view and not known yet.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let scope = self.scope.narrow(self.base.clone());
        self.list.set_scope(&serde_json::to_string(&scope).unwrap_or_default());
        if let Some(id) = self.wanted.take() {
            self.find(id, cx);
        } else if !self.found.is_asked() {
            self.list.pump(cx);
        }
        let now = format!("{}{}", self.base_scope(), self.list.filter());
        if self.counted.as_ref() != Some(&now) {
            self.totals.clear();
            self.count(cx);
            self.counted = Some(now);
        }
        self.put_total();
    }

    fn count(&mut self, cx: &mut Cx<'_>) {
        let filter = filter_of(&self.base_scope(), self.list.filter());
        self.totals.ask(cx, Lane::Slow, move |a| Totals::read(a, &filter));
    }

    fn put_total(&mut self) {
        if let Some(t) = self.totals.get() {
            self.list.set_total(Some(t.of(self.scope)));
        }
    }

    /// Looks for a sample and its place in the list.
    fn find(&mut self, id: SampleId, cx: &mut Cx<'_>) {
        let filter = filter_of(self.list.scope(), self.list.filter());
        let order = fetch::order_of(self.list.order_number());
        self.found.ask(cx, Lane::Read, move |a| {
            a.read(|r| {
                let Some(row) = r.sample(&id)? else { return Ok(None) };
                let before = r.samples_before(&filter, order, row.cursor())?;
                Ok(Some((row, before)))
            })
        });
    }

    fn chosen(&self) -> Vec<SampleId> {
        self.list.chosen().into_iter().filter_map(|k| SampleId::new(k).ok()).collect()
    }

    fn accept(&mut self, cx: &mut Cx<'_>) {
        let ids = self.chosen();
        if ids.is_empty() {
            cx.note(Tone::Plain, "there is no sample under the cursor");
            return;
        }
        self.decisions.start(What::Accept, ids, cx);
        self.list.unmark();
    }

    fn undo(&mut self, cx: &mut Cx<'_>) {
        self.decisions.undo(cx);
    }

    fn next_scope(&mut self, cx: &mut Cx<'_>) {
        self.turn_scope(1, cx);
    }

    fn scope_before(&mut self, cx: &mut Cx<'_>) {
        self.turn_scope(Scope::ALL.len() - 1, cx);
    }

    fn turn_scope(&mut self, by: usize, cx: &mut Cx<'_>) {
        let at = Scope::ALL.iter().position(|s| *s == self.scope).unwrap_or(0);
        self.scope = Scope::ALL[(at + by) % Scope::ALL.len()];
        self.look(cx);
    }

    fn show_everything(&mut self, cx: &mut Cx<'_>) {
        self.base = SampleFilter::default();
        self.scope = Scope::All;
        self.list.set_filter("");
        self.look(cx);
    }

    fn only_this_seed(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.list.current() {
            self.base.seed = Some(row.sample.seed.clone());
            self.wanted = Some(row.sample.id.clone());
            self.look(cx);
        }
    }

    fn toggle_diff(&mut self, _: &mut Cx<'_>) {
        self.as_it_is = !self.as_it_is;
    }

    fn open_ancestry(&mut self, cx: &mut Cx<'_>) {
        if self.list.current().is_none() {
            cx.note(Tone::Plain, "there is no sample under the cursor");
            return;
        }
        self.inside = true;
        self.read_ancestry(cx);
    }

    fn read_ancestry(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.list.current() {
            self.ancestry.ask(&row.sample, cx);
        }
    }

    fn close_ancestry(&mut self, _: &mut Cx<'_>) {
        self.inside = false;
    }

    fn other_ancestry(&mut self, by: i64, cx: &mut Cx<'_>) {
        self.list.step(by);
        self.list.pump(cx);
        self.read_ancestry(cx);
    }

    fn scroll(&mut self, by: i64) {
        let last = self.ancestry.rows.saturating_sub(1) as i64;
        self.ancestry.top =
            (self.ancestry.top as i64).saturating_add(by).clamp(0, last.max(0)) as usize;
    }

    fn show_run(&mut self, cx: &mut Cx<'_>) {
        let run = self.list.current().and_then(|r| r.sample.provenance.run.clone());
        match run.and_then(|r| RunId::new(r).ok()) {
            Some(run) => cx.go(ScreenId::Runs, Some(Told::Run(run))),
            None => {
                cx.note(Tone::Plain, "no run made this sample: it was imported or written by hand");
            }
        }
    }

    fn show_seed(&mut self, cx: &mut Cx<'_>) {
        let seed = self.list.current().map(|r| Told::Seed(r.sample.seed.clone()));
        cx.go(ScreenId::Seeds, seed);
    }

    /// Label, text and language of the seed and of the sample.
    fn pair(&self, shared: &Shared) -> Option<[(String, String, String); 2]> {
        let s = &self.list.current()?.sample;
        let q = shared.survey.as_ref().and_then(|v| v.question(&s.seed));
        let seed = q.map_or_else(String::new, |q| q.text.clone());
        let language = q.map_or_else(|| "en".into(), |q| q.language.clone());
        Some([
            (format!("Seed {}", s.seed), seed, language),
            (
                format!("Sample {} ({})", s.id, s.decision.as_str()),
                s.text.clone(),
                s.language.clone(),
            ),
        ])
    }

    fn pager(&mut self, cx: &mut Cx<'_>) {
        if let Some([seed, sample]) = self.pair(cx.shared) {
            let text = format!("{}\n\n{}\n\n\n{}\n\n{}\n", seed.0, seed.1, sample.0, sample.1);
            cx.ask(Effect::Pager(text));
        }
    }

    fn page(&mut self, cx: &mut Cx<'_>) {
        let Some(pair) = self.pair(cx.shared) else { return };
        let texts: Vec<(&str, &str, &str)> =
            pair.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        let id = self.list.current().map_or("sample", |r| r.sample.id.as_str());
        let html = text::html::pair_page(&format!("{} and {id}", pair[0].0), &texts);
        // The program writes it into exports/ and says where it is.
        cx.ask(Effect::Export { name: format!("{id}.html"), bytes: html.into_bytes() });
    }

    fn copy(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.list.current() {
            let text = row.sample.text.clone();
            cx.ask(Effect::Copy(text));
        }
    }

    fn ancestry_pager(&mut self, cx: &mut Cx<'_>) {
        let lines = self.ancestry_lines(cx.shared);
        let text: Vec<String> = lines.into_iter().map(|l| l.0).collect();
        cx.ask(Effect::Pager(text.join("\n")));
    }

    fn retry(&mut self, cx: &mut Cx<'_>) {
        if !self.decisions.again(cx) {
            self.list.refresh();
            self.list.pump(cx);
            self.count(cx);
        }
    }

    fn forget(&mut self, cx: &mut Cx<'_>) {
        if self.decisions.forget() {
            cx.note(Tone::Plain, "given up: nothing was changed");
        }
    }

    /// Rows that the database has changed stand so in the list, without reading the page again.
    fn put(&mut self, rows: Vec<SampleRow>) {
        for new in rows {
            if let Some(old) = self.list.rows_mut().find(|r| r.sample.id == new.sample.id) {
                *old = new;
            }
        }
    }
}

impl Screen for Samples {
    fn id(&self) -> ScreenId {
        ScreenId::Samples
    }

    fn mode(&self) -> &'static str {
        match (&self.typing, &self.threshold, self.inside) {
            (Some(Typing::Note { .. }), ..) => "note",
            (Some(Typing::Text { .. }), ..) => "edit",
            (None, Some(_), _) => "threshold",
            (None, None, true) => "ancestry",
            _ => "browse",
        }
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
        self.changed(cx);
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        if !matches!(what, Told::Seed(_) | Told::Sample(_) | Told::SamplesOfRun(_)) {
            return;
        }
        if !matches!(self.typing, Some(Typing::Text { .. })) {
            self.typing = None;
        }
        (self.threshold, self.inside) = (None, false);
        (self.scope, self.base) = (Scope::All, SampleFilter::default());
        self.list.set_filter("");
        match what {
            Told::Seed(seed) => self.base.seed = Some(seed),
            Told::SamplesOfRun(run) => self.base.run = Some(run.as_str().to_owned()),
            Told::Sample(id) => self.wanted = Some(id),
            _ => {}
        }
        self.look(cx);
    }

    fn is_typing(&self) -> bool {
        self.typing.is_some()
    }

    fn typed(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        self.type_key(key, cx)
    }

    fn pasted(&mut self, text: &str, _: &mut Cx<'_>) {
        self.type_paste(text);
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, _: &mut Cx<'_>) {
        use crossterm::event::{MouseButton, MouseEventKind};
        let inside = self.rows_at.contains((event.column, event.row).into());
        if inside && matches!(event.kind, MouseEventKind::Down(MouseButton::Left)) {
            self.list.click(usize::from(event.row - self.rows_at.y));
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        (self.mode() == "browse").then_some(&mut self.list as &mut dyn ListControl)
    }

    fn moved(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.list.accept(answer, cx) || self.totals.accept(answer) {
            self.put_total();
            return;
        }
        if self.found.accept(answer) {
            match self.found.take().flatten() {
                Some((row, before)) => {
                    self.list.start_from(row.cursor());
                    self.list.set_offset(before);
                }
                None => cx.note(Tone::Warn, "that sample is not in this workspace"),
            }
            self.put_total();
            self.list.pump(cx);
            return;
        }
        if self.ancestry.accept(answer) {
            return;
        }
        if let Some(t) = &mut self.threshold
            && t.accept(answer)
        {
            return;
        }
        match self.decisions.accept(answer, cx) {
            Came::NotOurs => {}
            Came::Failed => self.edit_failed(),
            Came::Written(what, rows) => {
                if matches!(what, What::Edit(_)) {
                    self.typing = None;
                }
                self.put(rows);
                self.list.refresh();
                self.list.pump(cx);
                self.count(cx);
            }
        }
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        self.list.refresh();
        self.list.pump(cx);
        self.count(cx);
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({
            "sample": self.list.current().map(|r| &r.sample.id),
            "scope": Scope::ALL.iter().position(|s| *s == self.scope),
            "of": self.base,
            "filter": self.list.filter(),
            "order": self.list.order_number(),
            "as_it_is": self.as_it_is,
        })
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        let scope = saved["scope"].as_u64().and_then(|n| Scope::ALL.get(n as usize));
        self.scope = scope.copied().unwrap_or_default();
        self.base = serde_json::from_value(saved["of"].clone()).unwrap_or_default();
        self.list.set_filter(saved["filter"].as_str().unwrap_or_default());
        self.list.set_order(saved["order"].as_u64().unwrap_or(0) as usize);
        self.as_it_is = saved["as_it_is"].as_bool().unwrap_or(false);
        self.wanted = saved["sample"].as_str().and_then(|s| SampleId::new(s).ok());
    }

    fn unsaved(&self) -> Option<String> {
        if let Some(Typing::Text { text, .. }) = &self.typing
            && text.is_changed()
        {
            return Some("The new text of a sample is not saved.".into());
        }
        match self.decisions.failed().count() {
            0 => None,
            n => Some(format!("{n} decision(s) on samples could not be saved.")),
        }
    }

    fn export(&self, _: &Shared) -> Option<Exportable> {
        self.exportable()
    }
}
