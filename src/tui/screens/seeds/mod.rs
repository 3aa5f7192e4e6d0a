//! The Seeds screen: topics and questions, what every culture answered, and growing samples.

mod answers;
mod augment;
mod commands;
mod compare;
mod details;
mod draw;
mod heat;
mod import;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use self::augment::Augment;
use self::compare::Compare;
use self::details::Details;
use self::import::Import;
use self::rows::{Counts, SeedRow};
use crate::domain::{CultureId, Question, QuestionId, Survey};
use crate::seeds::Answers;
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Exportable, Screen, ScreenId, Shared, Taken, Told, Tone};
use crate::tui::widgets::{Form, FormEvent, ListControl, Memory};

pub use commands::COMMANDS;

/// What stands beside the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum View {
    /// The answers of all cultures to the question.
    #[default]
    Answers,
    /// Distances between cultures on the question.
    Distances,
    /// Question x culture.
    Heat,
}

const VIEWS: [(View, &str); 3] =
    [(View::Answers, "answers"), (View::Distances, "distances"), (View::Heat, "heat")];

/// What stands over the list.
#[derive(Debug, Default)]
enum Over {
    #[default]
    Nothing,
    Details,
    Augment(Box<Augment>),
    Import(Box<Import>),
    /// Which cultures are shown.
    Cultures(Form),
    /// Which two are compared.
    Pick(Form),
}

/// Its state.
#[derive(Debug)]
pub struct Seeds {
    list: Memory<SeedRow>,
    view: View,
    /// The heat map shows distances to the overall mean, not mean answers.
    by_distance: bool,
    over: Over,
    compare: Option<Compare>,
    details: Details,
    answers: Load<Arc<Answers>>,
    /// The survey that the answers are of, or will be.
    known: Option<Arc<Survey>>,
    counts: Load<Counts>,
    /// Cultures left out; all are shown at first.
    hidden: BTreeSet<CultureId>,
    /// Put under the cursor once it is there.
    wanted: Option<QuestionId>,
    /// The run that was started here last.
    run: Option<crate::domain::RunId>,
    /// Where rows were drawn: for the mouse.
    rows_at: Rect,
}

impl Default for Seeds {
    fn default() -> Self {
        Self {
            list: rows::list(),
            view: View::default(),
            by_distance: false,
            over: Over::default(),
            compare: None,
            details: Details::default(),
            answers: Load::default(),
            known: None,
            counts: Load::default(),
            hidden: BTreeSet::new(),
            wanted: None,
            run: None,
            rows_at: Rect::ZERO,
        }
    }
}

impl Seeds {
    /// Asks for what is missing: answers once a survey, counts whenever the store changed.
    fn look(&mut self, cx: &mut Cx<'_>) {
        if let Some(survey) = &cx.shared.survey
            && self.known.as_ref().is_none_or(|k| !Arc::ptr_eq(k, survey))
        {
            let survey = Arc::clone(survey);
            self.known = Some(Arc::clone(&survey));
            self.answers.ask(cx, Lane::Read, move |_| Ok(Arc::new(Answers::of(&survey))));
        }
        self.counts.ask(cx, Lane::Slow, |a| a.read(|r| r.sample_counts_by_seed()));
        self.fill(cx.shared);
    }

    fn fill(&mut self, shared: &Shared) {
        let Some(survey) = &shared.survey else { return };
        let answers = self.answers.get().map(AsRef::as_ref);
        self.list.set_rows(rows::rows(survey, answers, self.counts.get()));
        if let Some(id) = &self.wanted
            && self.list.stand_on(Some(id.as_str()))
        {
            self.wanted = None;
        }
        if let Some(c) = &mut self.compare {
            c.fill(survey, answers);
        }
    }

    /// The question under the cursor.
    fn question<'a>(&self, shared: &'a Shared) -> Option<&'a Question> {
        let id = match &self.compare {
            Some(c) => c.list.current().map(|r| &r.id),
            None => self.list.current().map(|r| &r.id),
        };
        shared.survey.as_ref()?.question(id?)
    }

    /// Indexes of the cultures that are shown.
    fn shown(&self, survey: &Survey) -> Vec<usize> {
        let all = survey.cultures.iter().enumerate();
        all.filter(|(_, c)| !self.hidden.contains(&c.id)).map(|(i, _)| i).collect()
    }

    fn next_view(&mut self, _: &mut Cx<'_>) {
        let at = VIEWS.iter().position(|v| v.0 == self.view).unwrap_or(0);
        self.view = VIEWS[(at + 1) % VIEWS.len()].0;
    }

    fn next_measure(&mut self, _: &mut Cx<'_>) {
        if self.view == View::Heat {
            self.by_distance = !self.by_distance;
        }
        self.view = View::Heat;
    }

    fn refresh(&mut self, cx: &mut Cx<'_>) {
        self.known = None;
        self.look(cx);
        cx.note(Tone::Plain, "reading everything again");
    }

    fn open_cultures(&mut self, cx: &mut Cx<'_>) {
        let Some(survey) = &cx.shared.survey else { return };
        self.over = Over::Cultures(answers::cultures_form(survey, &self.hidden));
    }

    fn open_compare(&mut self, cx: &mut Cx<'_>) {
        let Some(survey) = &cx.shared.survey else { return };
        if survey.cultures.len() < 2 {
            cx.note(Tone::Warn, "two cultures are needed: import answers of another country (n)");
            return;
        }
        self.over = Over::Pick(compare::form(survey, self.compare.as_ref()));
    }

    fn close_compare(&mut self, _: &mut Cx<'_>) {
        self.compare = None;
    }

    fn show_samples(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.list.current() {
            cx.go(ScreenId::Samples, Some(Told::Seed(row.id.clone())));
        }
    }

    fn show_run(&mut self, cx: &mut Cx<'_>) {
        match self.run.clone() {
            Some(run) => cx.go(ScreenId::Runs, Some(Told::Run(run))),
            None => cx.note(Tone::Plain, "nothing was started here yet: a opens the form"),
        }
    }

    fn close_form(&mut self, _: &mut Cx<'_>) {
        self.over = Over::Nothing;
    }

    /// A form has its answer: what it was for is done.
    fn form_event(&mut self, event: FormEvent, cx: &mut Cx<'_>) {
        if event == FormEvent::Back {
            self.over = Over::Nothing;
            return;
        }
        match &mut self.over {
            Over::Augment(a) => a.event(event, cx),
            Over::Import(i) => i.event(event, cx),
            Over::Cultures(form) if event == FormEvent::Send => {
                let Some(survey) = &cx.shared.survey else { return };
                self.hidden = answers::hidden_of(form, survey);
                self.over = Over::Nothing;
            }
            Over::Pick(form) if event == FormEvent::Send => {
                let Some(survey) = &cx.shared.survey else { return };
                let mut picked = Compare::of(form, survey);
                picked.fill(survey, self.answers.get().map(AsRef::as_ref));
                picked.ask(cx, self.answers.get());
                self.compare = Some(picked);
                self.over = Over::Nothing;
            }
            _ => {}
        }
    }

    fn form(&mut self) -> Option<&mut Form> {
        match &mut self.over {
            Over::Augment(a) => a.form.as_mut(),
            Over::Import(i) => Some(&mut i.form),
            Over::Cultures(f) | Over::Pick(f) => Some(f),
            Over::Nothing | Over::Details => None,
        }
    }
}

impl Screen for Seeds {
    fn id(&self) -> ScreenId {
        ScreenId::Seeds
    }

    fn mode(&self) -> &'static str {
        match (&self.over, &self.compare) {
            (Over::Details, _) => "details",
            (Over::Nothing, Some(_)) => "compare",
            (Over::Nothing, None) => "browse",
            _ => "form",
        }
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        match what {
            Told::Seed(id) => {
                self.over = Over::Nothing;
                self.compare = None;
                self.list.set_filter("");
                if !self.list.stand_on(Some(id.as_str())) {
                    self.wanted = Some(id);
                }
            }
            Told::Seeds(ids) => self.augment(ids, "", cx),
            Told::Augment(ids, threshold) => self.augment(ids, &threshold, cx),
            // Whoever is sent here to begin begins with every seed.
            Told::Start("augment") => {
                let all = cx
                    .shared
                    .survey
                    .as_ref()
                    .map(|s| s.questions.iter().map(|q| q.id.clone()).collect::<Vec<_>>());
                match all {
                    Some(all) => self.augment(all, "", cx),
                    None => self.open_augment(cx),
                }
            }
            Told::Start("import") => self.open_import(cx),
            _ => {}
        }
    }

    fn is_typing(&self) -> bool {
        self.mode() == "form"
    }

    fn typed(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        let Some(form) = self.form() else { return Taken::No };
        let event = form.key(key);
        if event == FormEvent::Ignored {
            return Taken::No;
        }
        self.form_event(event, cx);
        Taken::Yes
    }

    fn pasted(&mut self, text: &str, cx: &mut Cx<'_>) {
        if let Some(form) = self.form() {
            form.paste(text);
            self.form_event(FormEvent::Changed, cx);
        }
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, _: &mut Cx<'_>) {
        use crossterm::event::{MouseButton, MouseEventKind};
        let at = self.rows_at;
        let inside = at.contains((event.column, event.row).into());
        if inside && matches!(event.kind, MouseEventKind::Down(MouseButton::Left)) {
            let line = usize::from(event.row - at.y);
            match &mut self.compare {
                Some(c) => c.list.click(line),
                None => self.list.click(line),
            }
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        match (&self.over, &mut self.compare) {
            (Over::Nothing, Some(c)) => Some(&mut c.list),
            (Over::Nothing, None) => Some(&mut self.list),
            _ => None,
        }
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.counts.accept(answer) {
            self.fill(cx.shared);
            return;
        }
        if self.answers.accept(answer) {
            self.fill(cx.shared);
            if let Some(c) = &mut self.compare {
                c.ask(cx, self.answers.get());
            }
            return;
        }
        if self.details.accept(answer) {
            return;
        }
        if let Some(c) = &mut self.compare
            && c.accept(answer)
        {
            return;
        }
        let started = match &mut self.over {
            Over::Augment(a) => a.accept(answer, cx),
            Over::Import(i) => {
                if i.accept(answer, cx) {
                    self.over = Over::Nothing;
                }
                None
            }
            _ => None,
        };
        if let Some(run) = started {
            self.run = Some(run);
            self.over = Over::Nothing;
            self.list.unmark();
        }
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({
            "seed": self.list.current_key(),
            "filter": self.list.filter(),
            "order": self.list.order_number(),
            "view": VIEWS.iter().position(|v| v.0 == self.view),
            "by_distance": self.by_distance,
            "hidden": self.hidden,
        })
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        if let Some(filter) = saved["filter"].as_str() {
            self.list.set_filter(filter);
        }
        if let Some(n) = saved["order"].as_u64() {
            self.list.set_order(n as usize);
        }
        if let Some(v) = saved["view"].as_u64().and_then(|n| VIEWS.get(n as usize)) {
            self.view = v.0;
        }
        self.by_distance = saved["by_distance"].as_bool().unwrap_or(false);
        self.hidden = serde_json::from_value(saved["hidden"].clone()).unwrap_or_default();
        self.wanted = saved["seed"].as_str().and_then(|s| QuestionId::new(s).ok());
    }

    fn export(&self, shared: &Shared) -> Option<Exportable> {
        self.exportable(shared)
    }
}
