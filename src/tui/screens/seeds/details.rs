//! One seed in full: every wording, the scale with its codes, what is missing where, the sources.

use super::{Over, Seeds};
use crate::domain::{
    Cell, CellFlag, Direction, MissingKind, Question, QuestionId, ScaleKind, Survey, language_name,
};
use crate::store::CountSource;
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Effect, Shared, Tone};
use crate::tui::theme::Role;
use crate::tui::widgets::{ListControl, thousands};

/// What is read for it, and the lines on every country: working those out takes a while in a survey
/// of sixty countries.
#[derive(Debug)]
struct Read {
    id: QuestionId,
    wordings: Vec<Question>,
    sources: Vec<CountSource>,
    countries: Vec<(String, Role)>,
}

/// The pane's state.
#[derive(Debug, Default)]
pub struct Details {
    read: Load<Read>,
    /// Lines scrolled away.
    pub top: usize,
    /// Lines in all, as drawn last.
    pub rows: usize,
}

impl Details {
    /// Takes an answer that belongs here.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        self.read.accept(answer)
    }

    fn ask(&mut self, id: QuestionId, cx: &mut Cx<'_>) {
        self.top = 0;
        let survey = cx.shared.survey.clone();
        self.read.ask(cx, Lane::Read, move |a| {
            let (wordings, sources) =
                a.read(|r| Ok((r.wordings_of(&id)?, r.count_sources(&id)?)))?;
            let mut countries = Vec::new();
            if let Some(survey) = survey
                && let Some(q) = survey.question(&id)
            {
                for c in &survey.cultures {
                    for k in &c.countries {
                        countries.extend(country_lines(&survey, &c.name, k, q));
                    }
                }
            }
            Ok(Read { id, wordings, sources, countries })
        });
    }
}

impl Seeds {
    pub(super) fn open_details(&mut self, cx: &mut Cx<'_>) {
        let Some(id) = self.question(cx.shared).map(|q| q.id.clone()) else {
            cx.note(Tone::Plain, "there is no seed under the cursor");
            return;
        };
        self.details.ask(id, cx);
        self.over = Over::Details;
    }

    pub(super) fn close_details(&mut self, _: &mut Cx<'_>) {
        self.over = Over::Nothing;
    }

    pub(super) fn other_details(&mut self, by: i64, cx: &mut Cx<'_>) {
        match &mut self.compare {
            Some(c) => c.list.step(by),
            None => self.list.step(by),
        }
        self.open_details(cx);
    }

    pub(super) fn scroll(&mut self, by: i64) {
        let last = self.details.rows.saturating_sub(1) as i64;
        self.details.top = (self.details.top as i64 + by).clamp(0, last.max(0)) as usize;
    }

    pub(super) fn pager(&mut self, cx: &mut Cx<'_>) {
        if let Some(text) = self.in_words(cx.shared) {
            cx.ask(Effect::Pager(text));
        }
    }

    pub(super) fn copy(&mut self, cx: &mut Cx<'_>) {
        if let Some(q) = self.question(cx.shared) {
            let text = q.text.clone();
            cx.ask(Effect::Copy(text));
        }
    }

    /// The lines of the pane.
    pub(super) fn detail_lines(&self, shared: &Shared) -> Vec<(String, Role)> {
        let Some(q) = self.question(shared) else { return Vec::new() };
        let read = self.details.read.get().filter(|r| r.id == q.id);
        let mut out = vec![(format!("{}  {}", q.id, q.topic), Role::Title)];
        match read {
            Some(read) => {
                for w in &read.wordings {
                    out.push((
                        format!("{} ({})", language_name(&w.language), w.language),
                        Role::Muted,
                    ));
                    out.push((w.text.clone(), Role::Text));
                    if w.language != q.language && w.scale.options() != q.scale.options() {
                        let labels: Vec<&str> =
                            w.scale.options().iter().map(|o| o.label.as_str()).collect();
                        out.push((labels.join(" / "), Role::Text));
                    }
                }
            }
            None => out.push((q.text.clone(), Role::Text)),
        }
        if let Some(e) = self.details.read.error() {
            out.push((format!("the wordings could not be read: {e}; r reads again"), Role::Bad));
        }
        out.push((String::new(), Role::Text));
        out.push((scale_words(q), Role::Title));
        for o in q.scale.options() {
            out.push((format!("{:>4}  {}", o.code, o.label), Role::Text));
        }
        let missing: Vec<String> =
            MissingKind::ALL.iter().map(|k| format!("{} {}", k.code(), k.label())).collect();
        out.push((format!("missing codes: {}", missing.join(" · ")), Role::Muted));
        for note in &q.notes {
            out.push((note.clone(), Role::Muted));
        }
        out.push((String::new(), Role::Text));
        out.push(("Answers by country".into(), Role::Title));
        match read {
            Some(read) => out.extend(read.countries.iter().cloned()),
            None => out.push(("reading ..".into(), Role::Muted)),
        }
        out.push((String::new(), Role::Text));
        out.push(("Sources".into(), Role::Title));
        match read {
            Some(read) if read.sources.is_empty() => {
                out.push((
                    "no counts of this question are stored: n imports answers".into(),
                    Role::Muted,
                ));
            }
            Some(read) => out.extend(source_lines(&read.sources)),
            None => {}
        }
        out
    }
}

fn scale_words(q: &Question) -> String {
    let kind = match q.scale.kind() {
        ScaleKind::Ordinal => "ordered",
        ScaleKind::Nominal => "without an order",
    };
    let direction = match q.scale.direction() {
        Direction::HigherIsMore => ", a higher code says more",
        Direction::HigherIsLess => ", a higher code says less",
        Direction::None => "",
    };
    format!("Scale: {} options, {kind}{direction}", q.scale.len())
}

fn country_lines(
    survey: &Survey,
    culture: &str,
    country: &crate::domain::CountryCode,
    q: &Question,
) -> Vec<(String, Role)> {
    let head = format!("{country} ({culture}): ");
    let by_kind = || {
        let counts = survey.counts(country, &q.id)?;
        let said: Vec<String> = counts
            .missing
            .iter()
            .filter(|(_, t)| t.n > 0)
            .map(|(k, t)| format!("{} {}", k.label(), thousands(t.n)))
            .collect();
        (!said.is_empty()).then(|| format!(" ({})", said.join(", ")))
    };
    match survey.cell(country, q) {
        Cell::NotAsked => vec![(format!("{head}not asked"), Role::Warn)],
        Cell::NoData => vec![(format!("{head}no data imported"), Role::Muted)],
        Cell::AllMissing { missing } => {
            vec![(
                format!("{head}asked {}, and nobody gave a valid answer", thousands(missing)),
                Role::Warn,
            )]
        }
        Cell::Answered(cell) => {
            let mut out = vec![(
                format!(
                    "{head}n {} valid, effective {:.0}, {} missing{}",
                    thousands(cell.n),
                    cell.effective_n,
                    thousands(cell.missing),
                    by_kind().unwrap_or_default()
                ),
                Role::Text,
            )];
            out.extend(cell.flags.iter().map(|f| (format!("  ! {}", flag_words(f)), Role::Warn)));
            out
        }
    }
}

fn flag_words(flag: &CellFlag) -> String {
    match flag {
        CellFlag::OptionNotOffered { codes } => {
            format!("codes {codes:?} were not offered here: a shorter form, never counted as zeros")
        }
        CellFlag::OffScale { codes } => format!("answers off the scale: {codes:?}"),
        CellFlag::Outlier { code, share, median_elsewhere } => format!(
            "{:.0} % chose {code}, elsewhere {:.0} %",
            share * 100.0,
            median_elsewhere * 100.0
        ),
    }
}

/// Countries of one file on one line.
fn source_lines(sources: &[CountSource]) -> Vec<(String, Role)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for s in sources {
        let from = match &s.file {
            Some((file, at)) => format!("{file}, read {}", at.strftime("%Y-%m-%d %H:%M")),
            None => "the sample survey inside the program (World Values Survey, wave 7)".into(),
        };
        let name = format!("{from}, {}", s.weighting.label());
        match groups.iter_mut().find(|g| g.0 == name) {
            Some(g) => g.1.push(s.country.to_string()),
            None => groups.push((name, vec![s.country.to_string()])),
        }
    }
    groups.into_iter().map(|(name, c)| (format!("{name}: {}", c.join(" ")), Role::Text)).collect()
}
