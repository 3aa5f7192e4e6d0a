//! Scores, agreement, groups and the calibration of the encoder.

use super::estimate;
use crate::chart::{
    Bar, BarChart, Chart, Distribution, Group as Bars, IntervalPoint, IntervalSeries, Intervals,
    LineChart, Marker, Series,
};
use crate::domain::StudyType;
use crate::report::StudyReport;
use crate::report::html::agreement::{figure_table, headline};
use crate::report::html::page::{Cell, Page};
use crate::study::{AgreementReport, By, Figure, Groups};

/// Names of the scores.
fn scale(of: StudyType) -> Vec<String> {
    match of {
        StudyType::Preference => ["first", "tie", "second"].map(str::to_owned).to_vec(),
        StudyType::Similarity | StudyType::Appropriateness => {
            (1..=5).map(|n| n.to_string()).collect()
        }
    }
}

/// What stands beside the number of each score in a narrow column.
fn ends(of: StudyType) -> Vec<String> {
    let words = match of {
        StudyType::Preference => return scale(of),
        StudyType::Similarity => ["different", "", "", "", "same"],
        StudyType::Appropriateness => ["not at all", "", "", "", "entirely"],
    };
    words.map(str::to_owned).to_vec()
}

/// The figure that says how high scores are.
fn level(of: StudyType) -> (&'static str, &'static str) {
    match of {
        StudyType::Preference => ("win-rate", "win rate of the first"),
        StudyType::Similarity | StudyType::Appropriateness => ("mean", "mean score"),
    }
}

/// Shares of the scores.
fn shares(a: &AgreementReport, of: StudyType) -> Vec<f64> {
    let n = a.ratings.max(1) as f64;
    a.distribution.iter().take(usize::from(of.top())).map(|c| *c as f64 / n).collect()
}

pub(super) fn scores(p: &mut Page, r: &StudyReport) {
    let of = r.record.study_type;
    let Some(a) = &r.results.agreement else {
        let why = r.results.undefined.as_deref().unwrap_or("no rating yet");
        return p.line(&format!("No figures: {why}."));
    };
    p.line(&format!(
        "{} ratings of {} items by {} raters; {} items have two ratings or more. Intervals resample \
         {} {}s; those of means and shares resample raters too.",
        a.ratings, a.items, a.raters, a.paired_items, a.units, a.unit
    ));
    let bars: Vec<Bar> = scale(of)
        .into_iter()
        .zip(a.distribution)
        .map(|(label, n)| Bar { label, value: n as f64, ..Bar::default() })
        .collect();
    let title = format!("Scores given, n = {}", a.ratings);
    p.chart(&Chart::Bars(BarChart { title, rows: bars, ..BarChart::default() }), (560, 150));
    let rows: Vec<Vec<Cell>> = scale(of)
        .into_iter()
        .zip(a.distribution)
        .zip(shares(a, of))
        .map(|((label, n), share)| {
            let share = format!("{:.1} %", 100.0 * share);
            vec![Cell::Words(label), Cell::Number(n.to_string()), Cell::Number(share)]
        })
        .collect();
    p.table(&["score", ">ratings", ">share"], &rows);
    p.heading("Agreement");
    p.note(
        "Alpha, AC2 and raw agreement belong together: pairs that a filter let through are mostly \
         scored 4 and 5, which lowers alpha however well raters agree.",
    );
    headline(p, a, of);
    figure_table(p, a);
    for note in a.notes.iter().filter(|n| !r.results.notes.contains(n)) {
        p.note(note);
    }
    if let Some(e) = &a.effects {
        p.heading("What scores vary by");
        let share = |what: &str, e: Option<&crate::stats::Estimate>| {
            vec![Cell::Words(what.into()), Cell::Number(estimate(e))]
        };
        let rows = [
            share("items", e.items.as_ref()),
            share("raters: lenient and severe", e.raters.as_ref()),
            share("the rest: raters who differ about an item, and chance", e.rest.as_ref()),
        ];
        p.table(&["share of the variance", ">with interval"], &rows);
    }
}

fn title(by: By) -> &'static str {
    match by {
        By::Culture => "By culture of the item",
        By::Stage => "By stage that made the sample",
        By::Run => "By run",
        By::Provider => "By provider",
        By::Band => "By similarity of the encoder",
        By::Language => "By language",
    }
}

pub(super) fn groups(p: &mut Page, r: &StudyReport) {
    if r.groups.is_empty() {
        p.line("The items do not say which groups they are of, or nothing is rated yet.");
    }
    for g in &r.groups {
        p.heading(title(g.by));
        group(p, g);
    }
}

/// The lower end of a band's name.
fn lower(band: &str) -> String {
    band.split(" to ").next().unwrap_or(band).to_owned()
}

fn group(p: &mut Page, g: &Groups) {
    let of = g.study_type;
    let (key, words) = level(of);
    let point = |f: &Figure| {
        let interval = f.interval.map(|i| (i.lo, i.hi));
        Some(IntervalPoint { value: f.value?, interval, n: f.items })
    };
    let rated: Vec<_> = g.groups.iter().filter(|g| g.agreement.is_some()).collect();
    p.raw("<div class=\"charts\">");
    if g.by == By::Band {
        // bands have an order, so a line may join them
        let chart = Intervals {
            title: format!("{words}, 95 % intervals"),
            x_label: "similarity, from".to_owned(),
            y_label: words.to_owned(),
            places: rated.iter().map(|g| lower(&g.name)).collect(),
            series: vec![IntervalSeries {
                name: words.to_owned(),
                points: rated.iter().map(|g| g.figure(key).and_then(point)).collect(),
                style: 0,
            }],
        };
        p.chart(&Chart::Intervals(chart), (620, 260));
    } else {
        let bar = |group: &crate::study::Group| {
            let f = group.figure(key)?;
            Some(Bar {
                label: group.name.clone(),
                value: f.value.unwrap_or(f64::NAN),
                interval: f.interval.map(|i| (i.lo, i.hi)),
                note: format!("n={} items", f.items),
                style: 0,
            })
        };
        let chart = BarChart {
            title: format!("{words}, 95 % intervals"),
            unit: if of == StudyType::Preference { "share" } else { "score" }.to_owned(),
            rows: rated.iter().filter_map(|g| bar(g)).collect(),
            max: Some(if of == StudyType::Preference { 1.0 } else { f64::from(of.top()) }),
        };
        p.chart(&Chart::Bars(chart), (620, 260));
    }
    let bars = rated.iter().map(|g| Bars {
        label: g.name.clone(),
        shares: g.agreement.as_ref().map(|a| shares(a, of)),
        note: g.agreement.as_ref().map(|a| format!("n={}", a.ratings)).unwrap_or_default(),
        style: 0,
    });
    p.chart(
        &Chart::Distribution(Distribution {
            title: "Scores given".into(),
            options: ends(of),
            rows: bars.collect(),
            stacked: false,
        }),
        (620, 260),
    );
    p.raw("</div>\n");
    let columns: [(&str, &str); 5] = match of {
        StudyType::Preference => [
            ("win-rate", ">win rate of the first"),
            ("share-tie", ">ties"),
            ("alpha-nominal", ">alpha, nominal"),
            ("ac1", ">AC1"),
            ("raw", ">raw agreement"),
        ],
        StudyType::Similarity | StudyType::Appropriateness => [
            ("mean", ">mean"),
            ("share-4-5", ">share of 4 and 5"),
            ("alpha-ordinal", ">alpha, ordinal"),
            ("ac2-quadratic", ">AC2"),
            ("raw", ">raw agreement"),
        ],
    };
    let cell = |f: Option<&Figure>| {
        let value = f.and_then(|f| Some((f.value?, f.interval)));
        Cell::Number(value.map_or_else(
            || "undefined".into(),
            |(v, i)| {
                let ends = i.map(|i| format!(" [{:.2}, {:.2}]", i.lo, i.hi));
                format!("{v:.2}{}", ends.unwrap_or_default())
            },
        ))
    };
    let rows: Vec<Vec<Cell>> = g
        .groups
        .iter()
        .map(|g| {
            let count = |of: fn(&AgreementReport) -> usize| {
                Cell::Number(g.agreement.as_ref().map_or(0, of).to_string())
            };
            let mut row = vec![
                Cell::Words(g.name.clone()),
                count(|a| a.items),
                count(|a| a.ratings),
                count(|a| a.raters),
            ];
            row.extend(columns.iter().map(|(key, _)| cell(g.figure(key))));
            row
        })
        .collect();
    let head: Vec<&str> = [g.by.as_str(), ">items", ">ratings", ">raters"]
        .into_iter()
        .chain(columns.iter().map(|(_, title)| *title))
        .collect();
    p.table(&head, &rows);
    let judged: Vec<Vec<Cell>> = g
        .groups
        .iter()
        .flat_map(|g| g.judges.iter().map(move |j| (g, j)))
        .map(|(g, j)| {
            vec![
                Cell::Words(g.name.clone()),
                Cell::Words(j.judge.to_string()),
                Cell::Number(j.items.to_string()),
                Cell::Number(format!("{:.2}", j.people)),
                Cell::Number(format!("{:.2}", j.mean)),
                Cell::Number(estimate(j.difference.as_ref())),
                Cell::Number(format!("{:.0} %", 100.0 * j.within_one)),
            ]
        })
        .collect();
    let head = [
        g.by.as_str(),
        "judge",
        ">items of both",
        ">people's mean",
        ">judge's mean",
        ">judge - people",
        ">within one point",
    ];
    // on a scale of three everything is near
    let columns = if g.study_type == StudyType::Preference { head.len() - 1 } else { head.len() };
    let judged: Vec<Vec<Cell>> =
        judged.into_iter().map(|row| row.into_iter().take(columns).collect()).collect();
    p.table(&head[..columns], &judged);
}

pub(super) fn calibration(p: &mut Page, r: &StudyReport) {
    let Some(c) = &r.calibration else {
        let why = r.no_calibration.as_deref().unwrap_or("nothing to calibrate by");
        return p.line(&format!("No curve: {why}."));
    };
    let by = if c.encoders.is_empty() { "not named".into() } else { c.encoders.join(", ") };
    p.line(&format!("{} items with a similarity (encoder: {by}).", c.items));
    let mut points = Vec::new();
    for s in &c.curve {
        points.push((s.from, 100.0 * s.share));
        if s.to > s.from {
            points.push((s.to, 100.0 * s.share));
        }
    }
    let markers = c.threshold.iter().map(|t| Marker {
        x: t.similarity,
        label: format!("threshold for {:.0} %", 100.0 * c.wished),
    });
    p.chart(
        &Chart::Line(LineChart {
            title: format!("Share of 4 and 5 by similarity, n = {} items", c.items),
            x_label: "similarity of seed and sample by the encoder".into(),
            y_label: "ratings of 4 and 5, %".into(),
            series: vec![Series {
                name: "people, a curve that never falls".into(),
                points,
                ..Series::default()
            }],
            markers: markers.collect(),
            ..LineChart::default()
        }),
        (860, 280),
    );
    match (&c.threshold, &c.undefined) {
        (Some(t), _) => {
            p.line(&format!(
                "For {:.0} % of 4 and 5: keep samples at {:.3} or above. Chosen on {} items; on the \
                 {} others it keeps {}, with a share of {} (without it: {:.2}).",
                100.0 * c.wished,
                t.similarity,
                t.chosen_on,
                t.reported_on,
                t.kept,
                estimate(t.share.as_ref()),
                t.share_all
            ));
            if t.all_reach {
                p.note(
                    "Every similarity in the study reaches that share: lower ones were not rated.",
                );
            }
        }
        (None, why) => {
            p.line(&format!("No threshold: {}.", why.as_deref().unwrap_or("none was found")));
        }
    }
    let rows: Vec<Vec<Cell>> = c
        .curve
        .iter()
        .map(|s| {
            vec![
                Cell::Words(format!("{:.3} to {:.3}", s.from, s.to)),
                Cell::Number(format!("{:.1} %", 100.0 * s.share)),
                Cell::Number(s.items.to_string()),
                Cell::Number(s.ratings.to_string()),
            ]
        })
        .collect();
    p.table(&["similarity", ">4 and 5", ">items", ">ratings"], &rows);
}
