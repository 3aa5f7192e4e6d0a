//! What was planned, what became of it, and what was changed.

use super::percent;
use crate::domain::StudyType;
use crate::report::StudyReport;
use crate::report::html::page::{Cell, Page, short};
use crate::store::{ItemKind, RaterKind};

fn kind(k: ItemKind) -> &'static str {
    match k {
        ItemKind::Sample => "samples",
        ItemKind::Anchor => "anchors (rated by everybody)",
        ItemKind::Repeat => "repeats",
        ItemKind::ControlIdentical => "controls: identical",
        ItemKind::ControlUnrelated => "controls: unrelated",
        ItemKind::ControlNegated => "controls: negated",
    }
}

fn list(of: &std::collections::BTreeMap<String, usize>, unit: &str) -> String {
    let parts: Vec<String> = of.iter().map(|(name, n)| format!("{name} ({n} {unit})")).collect();
    if parts.is_empty() { "none".into() } else { parts.join(", ") }
}

pub(super) fn design(p: &mut Page, r: &StudyReport) {
    let (s, l) = (&r.record, &r.live);
    let asked = match s.study_type {
        StudyType::Similarity => {
            "similarity of seed and sample, 1 (different) to 5 (the same meaning)"
        }
        StudyType::Preference => "which of two answers is better: the first, a tie, the second",
        StudyType::Appropriateness => {
            "how fitting an answer is in the rater's culture, 1 (not at all) to 5 (entirely)"
        }
    };
    let of = |k: RaterKind| l.raters.iter().filter(|r| r.kind == k).count();
    let cultures: Vec<String> =
        l.cultures.iter().filter_map(|c| c.culture.as_ref()).map(ToString::to_string).collect();
    let words = |text: String| Cell::Words(text);
    let day = |t: jiff::Timestamp| t.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let mut rows = vec![
        ("asked", asked.to_owned()),
        ("raters an item", s.k.to_string()),
        (
            "raters",
            format!(
                "{} people, {} scripted, {} model judges",
                of(RaterKind::Human),
                of(RaterKind::Scripted),
                of(RaterKind::Judge)
            ),
        ),
        (
            "cultures of the items",
            if cultures.is_empty() { "none".into() } else { cultures.join(", ") },
        ),
        ("seed of choice and plan", s.seed.to_string()),
        ("made", day(s.created)),
        ("plan fixed", s.fixed.map_or("not yet".into(), day)),
    ];
    let dates = r.dates.map_or("none yet".into(), |(a, b)| format!("{} to {}", day(a), day(b)));
    rows.push(("ratings from - to", dates));
    rows.push(("guideline", list(&r.guidelines, "ratings")));
    rows.push(("consent text", list(&r.consents, "people")));
    let rows: Vec<Vec<Cell>> =
        rows.into_iter().map(|(k, v)| vec![words(k.into()), words(v)]).collect();
    p.table(&["what", "this study"], &rows);
    let kinds: Vec<Vec<Cell>> = l
        .items
        .iter()
        .map(|(k, n)| vec![words(kind(*k).into()), Cell::Number(n.to_string())])
        .collect();
    p.table(&["items", ">number"], &kinds);
    let texts: Vec<Vec<Cell>> = r
        .texts
        .iter()
        .map(|t| {
            vec![
                words(t.kind.clone()),
                words(t.language.clone()),
                words(t.version.clone()),
                words(short(&t.sha256)),
            ]
        })
        .collect();
    p.table(&["texts raters read", "language", "version", "SHA-256"], &texts);
}

pub(super) fn flow(p: &mut Page, r: &StudyReport) {
    let f = &r.flow;
    let steps = [
        ("items", f.items),
        ("given to people", f.assigned),
        ("rated", f.rated),
        ("in the estimates", f.entered),
    ];
    p.raw("<ol class=\"flow\">");
    for (what, n) in steps {
        p.raw(&format!("<li><strong>{n}</strong><span>{what}</span></li>"));
    }
    p.raw("</ol>\n");
    let row = |what: &str, n: usize, why: &str| {
        vec![Cell::Words(what.into()), Cell::Number(n.to_string()), Cell::Words(why.into())]
    };
    let rows = vec![
        row("items planned", f.items, ""),
        row("of these, for estimates", f.estimated, "samples and anchors"),
        row("of these, rated by somebody", f.rated_items, ""),
        row("given to people", f.assigned, "an item and a person"),
        row("taken back", f.released, "a lease that ran out, a rater who left, an amendment"),
        row("rated", f.rated, "a score stands"),
        row("cannot judge", f.cannot_judge, "no score"),
        row("put off or skipped", f.skipped, "no score"),
        row("open", f.open, "not touched yet"),
        row("marked as broken text", f.broken, "with a score or without"),
        row("scores of controls and repeats", f.checks, "in no estimate"),
        row("scores in the estimates", f.entered, ""),
        row("people who left", f.withdrawn, "all they did was erased"),
        row("scores erased with them", usize::try_from(f.erased).unwrap_or(usize::MAX), ""),
    ];
    p.table(&["step", ">number", "what it is"], &rows);
    p.heading("Progress by culture");
    let rows: Vec<Vec<Cell>> = r
        .live
        .cultures
        .iter()
        .map(|c| {
            let name = c.culture.as_ref().map_or("(of no culture)".into(), ToString::to_string);
            let number = |n: u64| Cell::Number(n.to_string());
            vec![
                Cell::Words(name),
                Cell::Number(c.items.to_string()),
                Cell::Number(c.raters.to_string()),
                number(c.tally.of),
                number(c.tally.rated),
                number(c.tally.skipped),
                Cell::Number(percent(c.tally.rated as f64, c.tally.of as f64)),
            ]
        })
        .collect();
    let head = ["culture", ">items", ">people", ">given", ">rated", ">skipped", ">done"];
    p.table(&head, &rows);
}

pub(super) fn changes(p: &mut Page, r: &StudyReport) {
    if r.amendments.is_empty() {
        p.line("Nothing was changed after the plan was fixed.");
    }
    let rows: Vec<Vec<Cell>> = r
        .amendments
        .iter()
        .map(|a| {
            let c = &a.change;
            let mut what: Vec<String> = [
                (c.raters.len(), "raters let in"),
                (c.items.len(), "items let in"),
                (c.texts.len(), "texts let in"),
                (c.released.len(), "raters let go"),
            ]
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}"))
            .collect();
            what.extend(c.more.keys().cloned());
            vec![
                Cell::Words(a.n.to_string()),
                Cell::Words(a.at.strftime("%Y-%m-%d %H:%M").to_string()),
                Cell::Words(a.who.clone()),
                Cell::Words(a.reason.clone()),
                Cell::Words(what.join(", ")),
            ]
        })
        .collect();
    p.table(&["amendment", "when (UTC)", "who", "why", "what"], &rows);
    let left: Vec<Vec<Cell>> = r
        .withdrawals
        .iter()
        .map(|w| {
            vec![
                Cell::Words(w.at.strftime("%Y-%m-%d").to_string()),
                Cell::Number(w.ratings.to_string()),
                Cell::Number(w.events.to_string()),
                Cell::Number(w.comments.to_string()),
            ]
        })
        .collect();
    p.table(&["somebody left on", ">ratings erased", ">events", ">comments"], &left);
    let from: Vec<Vec<Cell>> = r
        .sources
        .iter()
        .map(|(s, n)| vec![Cell::Words(s.clone()), Cell::Number(n.to_string())])
        .collect();
    p.table(&["ratings brought from", ">ratings"], &from);
    for note in &r.live.notes {
        p.note(note);
    }
}
