//! The screen of whoever leads a study: how far it is, who needs a word, what agreement is worth,
//! and the items to decide on. It has no tab: the Rate list opens it. Raters never see it.

mod case;
mod case_draw;
mod commands;
mod draw;
mod panels;
mod setup;
#[cfg(test)]
mod tests;
mod words;

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::chart::Chart;
use crate::domain::StudyId;
use crate::study::live::{CultureLive, Live, LiveInput, Miss, RaterLive, WideItem, live};
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Effect, Exportable, Screen, ScreenId, Shared, Taken, Told};
use crate::tui::widgets::{ListControl, Memory};

use case::CaseView;
pub use commands::COMMANDS;
use setup::Setup;

/// Milliseconds between two looks at a study under way: more often nobody can read.
const EVERY: u64 = 1000;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Panel {
    /// Each rater: how far, how fast, how careful.
    #[default]
    Raters,
    /// Each culture of the items.
    Cultures,
    /// Agreement as it grows.
    Growth,
    /// Controls that were missed.
    Misses,
    /// Drift over the thirds of each rater's time.
    Drift,
    /// Items that divide raters.
    Widest,
}

impl Panel {
    const ALL: [Self; 6] =
        [Self::Raters, Self::Cultures, Self::Growth, Self::Misses, Self::Drift, Self::Widest];

    fn title(self) -> &'static str {
        match self {
            Self::Raters => "Raters",
            Self::Cultures => "Cultures",
            Self::Growth => "Agreement",
            Self::Misses => "Missed controls",
            Self::Drift => "Drift",
            Self::Widest => "Widest",
        }
    }

    fn at(self) -> usize {
        Self::ALL.iter().position(|p| *p == self).unwrap_or(0)
    }
}

/// Its state.
#[derive(Debug)]
pub struct Leading {
    study: Option<StudyId>,
    load: Load<Box<Live>>,
    /// When the last look was asked for.
    looked: Option<Timestamp>,
    /// Something changed since.
    again: bool,
    /// A tick is on its way.
    ticking: bool,
    panel: Panel,
    /// The panel explained instead of shown, from this line on.
    how: Option<usize>,
    raters: Memory<RaterLive>,
    cultures: Memory<CultureLive>,
    misses: Memory<Miss>,
    widest: Memory<WideItem>,
    case: Option<CaseView>,
    setup: Option<Setup>,
}

impl Default for Leading {
    fn default() -> Self {
        Self {
            study: None,
            load: Load::default(),
            looked: None,
            again: false,
            ticking: false,
            panel: Panel::default(),
            how: None,
            raters: Memory::new(
                |r| r.rater.to_string(),
                |r| format!("{} {} {:?}", r.rater, r.languages.join(" "), r.cultures),
                &[
                    ("name", |a, b| a.rater.cmp(&b.rater)),
                    ("most left", |a, b| b.tally.left.cmp(&a.tally.left)),
                    ("most missed", |a, b| b.missed.cmp(&a.missed)),
                    ("slowest", |a, b| {
                        let s = |r: &RaterLive| r.speed.median_s.unwrap_or(0.0);
                        s(b).total_cmp(&s(a))
                    }),
                ],
            ),
            cultures: Memory::new(
                |c| c.culture.as_ref().map_or_else(String::new, ToString::to_string),
                |c| c.culture.as_ref().map_or_else(|| "none".into(), ToString::to_string),
                &[
                    ("name", |_, _| std::cmp::Ordering::Equal),
                    ("most left", |a, b| b.tally.left.cmp(&a.tally.left)),
                ],
            ),
            misses: Memory::new(
                |m| format!("{} {}", m.rater, m.item),
                |m| format!("{} {}", m.rater, m.item),
                &[
                    ("newest", |_, _| std::cmp::Ordering::Equal),
                    ("rater", |a, b| (&a.rater, &a.item).cmp(&(&b.rater, &b.item))),
                ],
            ),
            widest: Memory::new(
                |w| w.item.to_string(),
                |w| {
                    let culture = w.culture.as_ref().map_or("", |c| c.as_str());
                    format!("{} {culture} {} {}", w.item, w.language, w.seed)
                },
                &[
                    ("widest", |_, _| std::cmp::Ordering::Equal),
                    ("not decided first", |a, b| a.decided.is_some().cmp(&b.decided.is_some())),
                    ("culture", |a, b| a.culture.cmp(&b.culture)),
                ],
            ),
            case: None,
            setup: None,
        }
    }
}

impl Leading {
    fn open(&mut self, study: StudyId, cx: &mut Cx<'_>) {
        if self.study.as_ref() != Some(&study) {
            *self = Self { study: Some(study), ..Self::default() };
        }
        self.case = None;
        self.look(cx);
    }

    /// Reads the study now. What is computed runs on the thread of the read, never on the screen's.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let Some(study) = self.study.clone() else { return };
        self.again = false;
        self.looked = Some(cx.shared.now);
        let now = cx.shared.now;
        self.load.ask(cx, Lane::Slow, move |a| {
            let input = a.read(|r| LiveInput::read(r, &study))?;
            Ok(Box::new(live(&input, now)))
        });
    }

    /// Something changed: one look at a time, and not more than one a second.
    fn look_soon(&mut self, cx: &mut Cx<'_>) {
        let since =
            self.looked.map_or(i64::MAX, |at| cx.shared.now.as_millisecond() - at.as_millisecond());
        if !self.load.is_asked() && since >= EVERY as i64 {
            return self.look(cx);
        }
        self.again = true;
        self.tick_later(cx);
    }

    fn tick_later(&mut self, cx: &mut Cx<'_>) {
        if !self.ticking {
            self.ticking = true;
            cx.ask(Effect::Again(EVERY));
        }
    }

    fn took(&mut self, cx: &mut Cx<'_>) {
        if let Some(live) = self.load.get() {
            self.raters.set_rows(live.raters.clone());
            self.cultures.set_rows(live.cultures.clone());
            self.misses.set_rows(live.misses.clone());
            self.widest.set_rows(live.widest.clone());
        }
        if self.again {
            self.tick_later(cx);
        }
    }

    fn turn(&mut self, by: usize) {
        self.panel = Panel::ALL[(self.panel.at() + by) % Panel::ALL.len()];
        self.how = None;
    }

    #[expect(clippy::unused_self, reason = "a command's handler")]
    fn back(&mut self, cx: &mut Cx<'_>) {
        cx.go(ScreenId::Rate, None);
    }

    fn enter_row(&mut self, cx: &mut Cx<'_>) {
        match self.panel {
            Panel::Widest => self.open_case(cx),
            _ => self.how = Some(0),
        }
    }

    /// The chart looked at.
    fn chart(&self) -> Option<Chart> {
        let live = self.load.get()?;
        (!live.growth.points.is_empty()).then(|| Chart::Line(panels::growth_chart(live)))
    }
}

impl Screen for Leading {
    fn id(&self) -> ScreenId {
        ScreenId::Study
    }

    fn mode(&self) -> &'static str {
        if self.setup.is_some() {
            return "form";
        }
        match &self.case {
            Some(c) if c.is_typing() => "deciding",
            Some(_) => "case",
            None if self.how.is_some() => "how",
            None => "live",
        }
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn told(&mut self, what: Told, cx: &mut Cx<'_>) {
        match what {
            Told::Study(study) => self.open(study, cx),
            Told::Start("study") => {
                self.study = None;
                self.load.clear();
                self.new_study(cx);
            }
            _ => {}
        }
    }

    fn is_typing(&self) -> bool {
        self.setup.is_some() || self.case.as_ref().is_some_and(CaseView::is_typing)
    }

    fn typed(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        if self.setup.is_some() { self.setup_key(key, cx) } else { self.case_key(key, cx) }
    }

    fn pasted(&mut self, text: &str, cx: &mut Cx<'_>) {
        self.setup_paste(text, cx);
        if let Some(case) = &mut self.case {
            case.paste(text);
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        if self.setup.is_some() || self.case.is_some() || self.how.is_some() {
            return None;
        }
        match self.panel {
            Panel::Raters | Panel::Drift => Some(&mut self.raters),
            Panel::Cultures => Some(&mut self.cultures),
            Panel::Misses => Some(&mut self.misses),
            Panel::Widest => Some(&mut self.widest),
            Panel::Growth => None,
        }
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.load.accept(answer) {
            self.took(cx);
        } else {
            self.setup_answered(answer, cx);
            self.case_answered(answer, cx);
        }
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        if self.study.is_some() {
            self.look_soon(cx);
        }
    }

    fn ticked(&mut self, cx: &mut Cx<'_>) {
        self.ticking = false;
        if self.again {
            if self.load.is_asked() {
                self.tick_later(cx);
            } else {
                self.look(cx);
            }
        }
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn save(&self) -> serde_json::Value {
        match &self.study {
            Some(study) => serde_json::json!({ "study": study }),
            None => serde_json::Value::Null,
        }
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        self.study = saved["study"].as_str().and_then(|s| StudyId::new(s).ok());
    }

    fn unsaved(&self) -> Option<String> {
        if self.setup.as_ref().is_some_and(|s| s.is_sending()) {
            return Some("A study is being made.".into());
        }
        let typed = self.case.as_ref().is_some_and(CaseView::has_words);
        typed.then(|| "A decision was begun and is not stored.".into())
    }

    fn export(&self, _shared: &Shared) -> Option<Exportable> {
        let study = self.study.as_ref()?;
        if self.panel == Panel::Growth {
            let name = format!("agreement-{study}");
            return Some(Exportable { name, chart: self.chart(), table: None });
        }
        let (name, table) = self.table()?;
        Some(Exportable { name: format!("{name}-{study}"), chart: None, table: Some(table) })
    }
}
