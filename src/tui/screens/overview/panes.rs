//! Drawing the Overview.

use ratatui::layout::Rect;

use super::super::runs::{waits::why, waits_for_a_secret};
use super::next::{Step, left};
use crate::report::{Standing, StudyStanding};
use crate::study::Figure;
use crate::tui::data::RunNow;
use crate::tui::pen::Pen;
use crate::tui::screen::{ScreenId, Shared};
use crate::tui::theme::Role;
use crate::tui::widgets::thousands;

/// The activities.
pub const ROWS: usize = 6;
/// Their screens.
pub const SCREENS: [ScreenId; ROWS] = [
    ScreenId::Seeds,
    ScreenId::Samples,
    ScreenId::Rate,
    ScreenId::Finetune,
    ScreenId::Finetune,
    ScreenId::Evaluate,
];

/// One activity.
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// How many of what.
    pub counts: String,
    /// How good; empty where nothing can be said.
    pub health: String,
    role: Role,
}

/// The activities in figures, each with its unit.
pub fn lines(s: &Standing) -> Vec<Line> {
    let n = |n: usize| thousands(n as u64);
    let line = |name, counts: String, health: String, role| Line { name, counts, health, role };
    let proposed = s.kept + s.rejected + s.failed;
    let samples = match (&s.first_reason, proposed) {
        (_, 0) => String::new(),
        (Some((reason, count)), _) => {
            format!(
                "{} % kept; most rejected as {reason} ({})",
                percent(s.kept, proposed),
                thousands(*count)
            )
        }
        (None, _) => format!("{} % kept", percent(s.kept, proposed)),
    };
    let (rated, agreement) = match s.studies.last() {
        None => ("no study".to_owned(), String::new()),
        Some(st) => (study_counts(st), study_health(st)),
    };
    let best = s.best.as_ref().map_or(String::new(), |b| {
        let value = b.row.value.unwrap_or(f64::NAN);
        let interval =
            b.interval().map_or(String::new(), |(lo, hi)| format!(" [{lo:.3}, {hi:.3}]"));
        let n = b.row.extra["n"].as_u64().map_or(String::new(), |n| {
            format!(", n {} {}s", thousands(n), b.row.extra["unit"].as_str().unwrap_or("item"))
        });
        format!("best: {} {} {value:.3}{interval}{n}, {}", b.row.model, b.row.metric, b.row.split)
    });
    vec![
        line(
            "Seeds",
            format!("{} questions, {} cultures", n(s.seeds), n(s.cultures)),
            String::new(),
            Role::Text,
        ),
        line(
            "Samples",
            format!(
                "{} kept, {} rejected{}",
                thousands(s.kept),
                thousands(s.rejected),
                if s.failed > 0 {
                    format!(", {} failed", thousands(s.failed))
                } else {
                    String::new()
                }
            ),
            samples,
            if s.failed > 0 { Role::Warn } else { Role::Text },
        ),
        line("Rate", rated, agreement, Role::Text),
        line(
            "Datasets",
            n(s.datasets),
            if s.datasets > 0 && s.untrained > 0 {
                format!("{} not trained on yet", n(s.untrained))
            } else {
                String::new()
            },
            Role::Text,
        ),
        line("Models", n(s.models), String::new(), Role::Text),
        line("Evaluate", n(s.evaluations), best, Role::Text),
    ]
}

fn percent(part: u64, of: u64) -> u64 {
    (part * 100 + of / 2) / of.max(1)
}

fn study_counts(st: &StudyStanding) -> String {
    let items: usize = st.status.items.values().sum();
    format!(
        "{}: {} of {} ratings, {} items",
        st.id,
        thousands(st.status.rated),
        thousands(st.status.assigned),
        thousands(items as u64)
    )
}

fn study_health(st: &StudyStanding) -> String {
    if let Some(why) = &st.undefined {
        return format!("agreement undefined: {why}");
    }
    let figures: Vec<String> = st.agreement.iter().map(figure).collect();
    let mut said = figures.join(", ");
    if st.status.scripted > 0 {
        said += " (scripted raters, no people)";
    }
    said
}

fn figure(f: &Figure) -> String {
    let name = match f.name.as_str() {
        "alpha-ordinal" => "alpha",
        "ac2-quadratic" => "AC2",
        other => other,
    };
    match (f.value, f.interval) {
        (Some(v), Some(i)) => format!("{name} {v:.2} [{:.2}, {:.2}]", i.lo, i.hi),
        (Some(v), None) => format!("{name} {v:.2}"),
        (None, _) => format!("{name} undefined"),
    }
}

/// The whole screen.
pub fn draw(pen: &mut Pen<'_>, area: Rect, s: &Standing, step: &Step, shared: &Shared, row: usize) {
    let wide = area.width >= 116;
    let short = area.height < 18;
    let lines = lines(s);
    // Each activity has its counts and, where there is room, a line on its health below them.
    let rows_each = if short { 1 } else { 2 };
    let pipeline_rows = (ROWS * rows_each) as u16;
    let pipeline = Rect { height: (pipeline_rows + 2).min(area.height), ..area };
    let inner = pen.pane(pipeline, "From seeds to an evaluated model", true);
    for (i, line) in lines.iter().enumerate() {
        let y = inner.y + (i * rows_each) as u16;
        if y >= inner.bottom() {
            break;
        }
        activity(pen, Rect { y, height: 1, ..inner }, line, i == row, wide && rows_each == 1);
        if rows_each == 2 && y + 1 < inner.bottom() {
            let muted = pen.style(Role::Muted);
            pen.put(inner.x + 15, y + 1, inner.width.saturating_sub(16), &line.health, muted);
        }
    }
    let rest = Rect {
        y: pipeline.bottom(),
        height: area.bottom().saturating_sub(pipeline.bottom()),
        ..area
    };
    if rest.height < 2 {
        return;
    }
    let next = Rect { height: rest.height.min(if short { 2 } else { 4 }), ..rest };
    let inside = pen.pane(next, "Next step (Enter)", false);
    let style = pen.style(Role::Accent);
    pen.text(inside, &step.says, style);
    let below =
        Rect { y: next.bottom(), height: rest.bottom().saturating_sub(next.bottom()), ..rest };
    if below.height < 3 {
        return;
    }
    if wide {
        let half = below.width / 2;
        runs(pen, Rect { width: half, ..below }, shared);
        attention(pen, Rect { x: below.x + half, width: below.width - half, ..below }, s, shared);
    } else if attention_lines(s, shared).is_empty() || below.height < 6 {
        runs(pen, below, shared);
    } else {
        let upper = below.height / 2;
        runs(pen, Rect { height: upper, ..below }, shared);
        attention(
            pen,
            Rect { y: below.y + upper, height: below.height - upper, ..below },
            s,
            shared,
        );
    }
}

fn activity(pen: &mut Pen<'_>, row: Rect, line: &Line, here: bool, wide: bool) {
    let name = pen.style(if here { Role::Accent } else { Role::Title });
    pen.put_safe(row.x + 1, row.y, 1, if here { ">" } else { " " }, name);
    pen.put(row.x + 3, row.y, 11, line.name, name);
    let style = pen.style(line.role);
    let counts = if wide { 48 } else { row.width.saturating_sub(16) };
    pen.put(row.x + 15, row.y, counts, &line.counts, style);
    if wide {
        let muted = pen.style(Role::Muted);
        pen.put(row.x + 64, row.y, row.width.saturating_sub(65), &line.health, muted);
    }
}

/// How far a run is, in words.
pub fn how_far(r: &RunNow, shared: &Shared) -> String {
    match &r.progress {
        Some(p) => {
            let of = p.total.map_or(String::new(), |t| format!(" of {}", thousands(t)));
            format!("{}{of} {}", thousands(p.done), p.note)
        }
        None => why(&r.view, &shared.engine, None, None, shared.now)
            .or_else(|| r.view.reason.clone())
            .unwrap_or_default(),
    }
}

fn runs(pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
    let open: Vec<&RunNow> = shared.engine.open().collect();
    let title = match open.len() {
        0 => "Running now".to_owned(),
        n => format!("Running now: {}", thousands(n as u64)),
    };
    let inner = pen.pane(area, &title, false);
    let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
    if open.is_empty() {
        pen.put(inner.x + 1, inner.y, inner.width, "nothing", muted);
    }
    // Those that work stand before those that wait.
    let (live, waiting): (Vec<&RunNow>, Vec<&RunNow>) =
        open.into_iter().partition(|r| r.view.state.is_live());
    for (i, r) in live.into_iter().chain(waiting).take(usize::from(inner.height)).enumerate() {
        let y = inner.y + i as u16;
        let label = r.view.label.clone().unwrap_or_else(|| r.view.kind.word().to_owned());
        let state = format!("{:<9} ", r.view.state.word());
        let far = how_far(r, shared);
        pen.line(
            inner.x + 1,
            y,
            inner.width.saturating_sub(1),
            &[(&state, muted), (&label, text), ("  ", text), (&far, muted)],
        );
    }
}

/// What somebody should look at.
fn attention_lines(s: &Standing, shared: &Shared) -> Vec<(String, Role)> {
    let mut out = Vec::new();
    for r in shared.engine.runs.values().rev() {
        use crate::job::StateName;
        let label = r.view.label.clone().unwrap_or_else(|| r.view.kind.word().to_owned());
        let why = r.view.reason.clone().unwrap_or_default();
        match r.view.state {
            StateName::Failed | StateName::Lost | StateName::OutOfMemory | StateName::TimedOut => {
                out.push((
                    format!("{label}: {} {why} (7, then r tries again)", r.view.state.word()),
                    Role::Bad,
                ));
            }
            // One that waits for other runs needs nobody.
            StateName::Blocked if waits_for_a_secret(&r.view) => {
                out.push((format!("{label} {why} (7, then r gives it)"), Role::Warn));
            }
            _ => {}
        }
    }
    if s.failed > 0 {
        out.push((format!("{} proposals failed (3 shows why)", thousands(s.failed)), Role::Warn));
    }
    for st in &s.studies {
        if st.status.planned.is_none() {
            out.push((
                format!("study {} has no plan yet: polyculture study plan", st.id),
                Role::Warn,
            ));
        } else if left(st) > 0 {
            out.push((
                format!("study {}: {} ratings to give (4)", st.id, thousands(left(st))),
                Role::Text,
            ));
        }
    }
    out
}

fn attention(pen: &mut Pen<'_>, area: Rect, s: &Standing, shared: &Shared) {
    let inner = pen.pane(area, "Needs attention", false);
    let lines = attention_lines(s, shared);
    if lines.is_empty() {
        let muted = pen.style(Role::Muted);
        pen.put(inner.x + 1, inner.y, inner.width, "nothing", muted);
    }
    for (i, (text, role)) in lines.iter().take(usize::from(inner.height)).enumerate() {
        let style = pen.style(*role);
        pen.put(inner.x + 1, inner.y + i as u16, inner.width.saturating_sub(1), text, style);
    }
}
