//! Raters by pseudonym, and what tells how far they can be trusted. Nobody is left out.

use std::collections::BTreeMap;

use super::{estimate, percent};
use crate::chart::{Chart, IntervalPoint, IntervalSeries, Intervals};
use crate::report::StudyReport;
use crate::report::html::page::{Cell, Page};
use crate::stats::Estimate;
use crate::store::RaterKind;
use crate::study::RaterLeaning;
use crate::study::live::{Drift, RaterLive};

fn kind(k: RaterKind) -> &'static str {
    match k {
        RaterKind::Human => "person",
        RaterKind::Scripted => "SCRIPTED",
        RaterKind::Judge => "model judge",
    }
}

fn row(r: &RaterLive, leanings: &BTreeMap<&str, &RaterLeaning>) -> Vec<Cell> {
    let number = |n: u64| Cell::Number(n.to_string());
    let of = |part: usize, whole: usize| {
        Cell::Number(if whole == 0 { "-".into() } else { format!("{part} of {whole}") })
    };
    let practice =
        r.practice.as_ref().map_or("-".into(), |q| format!("{} of {}", q.right, q.asked));
    let state = match (r.withdrawn.is_some(), r.kind) {
        (true, _) => "left",
        (false, RaterKind::Human) if !r.consented => "no consent yet",
        _ => "",
    };
    vec![
        Cell::Words(r.rater.to_string()),
        Cell::Words(kind(r.kind).into()),
        Cell::Words(r.cultures.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
        Cell::Words(r.languages.join(" ")),
        number(r.tally.of),
        number(r.tally.rated),
        number(r.tally.skipped),
        Cell::Number(r.speed.median_s.map_or("-".into(), |s| format!("{s:.1}"))),
        of(r.missed, r.controls),
        of(r.repeats.same, r.repeats.pairs),
        Cell::Number(estimate(leanings.get(r.rater.as_str()).map(|l| &l.points))),
        Cell::Number(practice),
        Cell::Words(state.into()),
    ]
}

pub(super) fn raters(p: &mut Page, r: &StudyReport) {
    let leanings: BTreeMap<&str, &RaterLeaning> = r
        .results
        .agreement
        .iter()
        .filter_map(|a| a.effects.as_ref())
        .flat_map(|e| &e.leanings)
        .map(|l| (l.rater.as_str(), l))
        .collect();
    p.note(
        "Pseudonyms. Leaning: points above (lenient) or below (severe) the mean rater on the same \
         items; few ratings pull it to zero. Nobody is left out of a figure for controls missed.",
    );
    let rows: Vec<Vec<Cell>> = r.live.raters.iter().map(|r| row(r, &leanings)).collect();
    let head = [
        "rater",
        "kind",
        "cultures",
        "languages",
        ">given",
        ">rated",
        ">skipped",
        ">median seconds",
        ">controls missed",
        ">repeats the same",
        ">leaning",
        ">practice right",
        "",
    ];
    p.table(&head, &rows);
}

/// The thirds of a drift as a line.
fn line(
    name: &str,
    style: usize,
    d: &Drift,
    of: fn(usize, &Drift) -> Option<&Estimate>,
) -> IntervalSeries {
    let point = |e: &Estimate| IntervalPoint {
        value: e.value,
        interval: e.interval.map(|i| (i.lo, i.hi)),
        n: e.n,
    };
    IntervalSeries {
        name: name.to_owned(),
        points: (0..3).map(|i| of(i, d).map(point)).collect(),
        style,
    }
}

pub(super) fn quality(p: &mut Page, r: &StudyReport) {
    let l = &r.live;
    p.line(&format!(
        "Controls: {} rated, {} missed ({}). Repeats: {} with both scores, {} the same ({}), {} at \
         most one point apart ({}).",
        l.controls,
        l.misses.len(),
        percent(l.misses.len() as f64, l.controls as f64),
        l.repeats.pairs,
        l.repeats.same,
        percent(l.repeats.same as f64, l.repeats.pairs as f64),
        l.repeats.within_one,
        percent(l.repeats.within_one as f64, l.repeats.pairs as f64),
    ));
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    for m in &l.misses {
        *by.entry(m.rater.as_str()).or_default() += 1;
    }
    let rows: Vec<Vec<Cell>> = l
        .raters
        .iter()
        .filter(|r| r.missed > 0)
        .map(|r| {
            vec![
                Cell::Words(r.rater.to_string()),
                Cell::Number(r.missed.to_string()),
                Cell::Number(r.controls.to_string()),
                Cell::Number(percent(r.missed as f64, r.controls as f64)),
            ]
        })
        .collect();
    p.table(&["raters who missed controls", ">missed", ">rated", ">share"], &rows);
    p.heading("Drift over the thirds of each rater's time");
    p.note(
        "Anchors: own score minus the mean of the others. Repeats: second score minus the first. \
         Both are 0 where nothing drifts.",
    );
    let series = vec![
        line("anchors", 0, &l.drift, |i, d| d[i].anchors.as_ref()),
        line("repeats", 1, &l.drift, |i, d| d[i].repeats.as_ref()),
    ];
    if series.iter().any(|s| s.points.iter().any(Option::is_some)) {
        p.chart(
            &Chart::Intervals(Intervals {
                title: "All people together, 95 % intervals".into(),
                x_label: "third of the time".into(),
                y_label: "points".into(),
                places: ["first", "middle", "last"].map(str::to_owned).to_vec(),
                series,
            }),
            (620, 240),
        );
    }
    let rows: Vec<Vec<Cell>> = ["first", "middle", "last"]
        .iter()
        .zip(&l.drift)
        .map(|(name, t)| {
            vec![
                Cell::Words((*name).into()),
                Cell::Number(t.ratings.to_string()),
                Cell::Number(estimate(t.anchors.as_ref())),
                Cell::Number(estimate(t.repeats.as_ref())),
            ]
        })
        .collect();
    p.table(&["third", ">ratings", ">anchors", ">repeats"], &rows);
    p.heading("Where people differ");
    p.line(&format!(
        "{} items have two scores or more; {} were decided by the researcher. Marked: {} broken texts, \
         {} flagged, {} cannot judge, {} with a comment.",
        l.compared, l.decided, l.marks.broken, l.marks.flagged, l.marks.cannot_judge, l.marks.commented
    ));
    let rows: Vec<Vec<Cell>> = l
        .widest
        .iter()
        .take(20)
        .map(|w| {
            let scores: Vec<String> = w.scores.iter().map(u8::to_string).collect();
            vec![
                Cell::Words(w.item.to_string()),
                Cell::Words(w.seed.to_string()),
                Cell::Words(w.culture.as_ref().map_or(String::new(), ToString::to_string)),
                Cell::Words(w.language.clone()),
                Cell::Number(scores.join(" ")),
                Cell::Number(w.decided.map_or("-".into(), |s| s.get().to_string())),
            ]
        })
        .collect();
    p.table(&["widest items", "seed", "culture", "language", ">scores", ">decided"], &rows);
}
