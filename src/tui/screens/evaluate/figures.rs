//! Figures in words and cells.

use ratatui::layout::Rect;

use crate::evaluate::leaderboard::{Better, Figure, Leaderboard, RowKind, better};
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::thousands;

/// What stands below the table.
pub fn legend(table: &Leaderboard) -> String {
    let mut parts = Vec::new();
    let marks = table.legend();
    if !marks.is_empty() {
        parts.push(marks);
    }
    if table.rows.iter().any(|r| r.kind != RowKind::Model) {
        parts.push("~ needs no model, ^ ceiling".into());
    }
    if better(&table.slice.metric) == Better::Lower {
        parts.insert(0, "less is better".into());
    }
    parts.join(" · ")
}

/// A value as a cell shows it.
pub fn number(v: f64) -> String {
    match v.abs() {
        x if x >= 10_000.0 => format!("{v:.1e}"),
        x if x >= 100.0 => format!("{v:.0}"),
        x if x >= 10.0 => format!("{v:.1}"),
        _ => format!("{v:.3}"),
    }
}

/// p as people write it.
pub fn p_words(p: f64) -> String {
    if p < 0.001 { "p < .001".into() } else { format!("p = {p:.3}") }
}

/// Value, interval, n, unit.
pub fn value_words(f: &Figure, metric: &str) -> String {
    let Some(v) = f.value else { return format!("{metric}: undefined") };
    let mut out = format!("{metric} {}", number(v));
    match f.ci {
        Some([lo, hi]) => out += &format!(", 95 % [{}, {}]", number(lo), number(hi)),
        None => out += ", no interval",
    }
    let unit = if f.unit.is_empty() { "units" } else { &f.unit };
    let s = if f.n == 1 || f.unit.ends_with('s') || f.unit.contains(' ') { "" } else { "s" };
    out += &format!("; n = {} {unit}{}", thousands(f.n), if f.unit.is_empty() { "" } else { s });
    if f.seeds > 0 {
        out += &format!(", {} training seed{}", f.seeds, if f.seeds == 1 { "" } else { "s" });
    }
    out
}

/// Difference, interval, test.
pub fn difference_words(f: &Figure) -> Option<String> {
    let d = f.diff?;
    let against = f.against.as_deref().unwrap_or("its baseline");
    let mut out = format!("{d:+.3} to {against}");
    if let Some([lo, hi]) = f.diff_ci {
        out += &format!(", 95 % [{lo:+.3}, {hi:+.3}]");
    }
    match (f.p, f.p_holm) {
        (_, Some(h)) => out += &format!("; paired test, {} after Holm", p_words(h)),
        (Some(p), None) => out += &format!("; paired test, {}, not corrected", p_words(p)),
        (None, None) => out += "; not tested",
    }
    Some(out)
}

/// One cell of the table, on its heat.
pub fn draw_cell(
    pen: &mut Pen<'_>,
    cell: Rect,
    figure: Option<&Figure>,
    metric: &str,
    range: Option<(f64, f64)>,
    here: bool,
) {
    let Some(f) = figure else {
        let style = pen.style(if here { Role::Selection } else { Role::Muted });
        pen.right(cell, if here { "> -" } else { "-" }, style);
        return;
    };
    let Some(v) = f.value else {
        let style = pen.style(if here { Role::Selection } else { Role::Warn });
        pen.right(cell, if here { ">undef" } else { "undef" }, style);
        return;
    };
    let (lo, hi) = range.unwrap_or((0.0, 1.0));
    let share = if hi > lo { ((v - lo) / (hi - lo)) as f32 } else { 0.5 };
    let share = if better(metric) == Better::Lower { 1.0 - share } else { share };
    let style = if here { pen.style(Role::Selection) } else { pen.looks.theme.heat(share) };
    pen.tint(cell, style);
    let mark = f.mark(metric).as_str();
    // Marks stand behind the number, so that numbers line up.
    let text = format!("{}{}{mark:<2}", if here { ">" } else { "" }, number(v));
    pen.right(cell, &text, style);
}
