//! The tables of `polyculture study agreement --by ..`.

use crate::cli::output::table;
use crate::domain::StudyType;
use crate::study::{Figure, Group, Groups};
use crate::text;

/// One row a group, people first; then each judge beside them.
pub fn lines(g: &Groups) -> String {
    if g.groups.is_empty() {
        return format!("{}: no ratings yet\n", g.study);
    }
    let preference = g.study_type == StudyType::Preference;
    let shares: &[&str] = if preference {
        &["share-first", "share-tie", "share-second", "win-rate"]
    } else {
        &["mean", "share-4-5"]
    };
    let mut head = vec![g.by.as_str(), "items", "raters", "ratings"];
    head.extend(shares);
    head.extend(["alpha-ordinal", "ac2-quadratic", "raw"]);
    let rows: Vec<Vec<String>> = g
        .groups
        .iter()
        .map(|group| {
            let a = group.agreement.as_ref();
            let count = |of: Option<usize>| of.map_or_else(|| "0".into(), |n| n.to_string());
            let mut row = vec![
                text::display(&group.name),
                count(a.map(|a| a.items)),
                count(a.map(|a| a.raters)),
                count(a.map(|a| a.ratings)),
            ];
            row.extend(head[4..].iter().map(|name| cell(group.figure(name))));
            row
        })
        .collect();
    let mut out = format!("{} by {}, people; 95 % intervals in brackets\n", g.study, g.by.as_str());
    for note in &g.notes {
        out += &format!("note: {}\n", text::display(note));
    }
    out += &table(&head, &rows);
    let judged: Vec<Vec<String>> = g.groups.iter().flat_map(judges).collect();
    if !judged.is_empty() {
        out += "model judges beside people, on items that both rated\n";
        let head = [
            g.by.as_str(),
            "judge",
            "items",
            "people",
            "judge's mean",
            "judge - people",
            "within 1",
        ];
        // on a scale of three everything is near
        let columns =
            if g.study_type == StudyType::Preference { head.len() - 1 } else { head.len() };
        let judged: Vec<Vec<String>> = judged.iter().map(|row| row[..columns].to_vec()).collect();
        out += &table(&head[..columns], &judged);
    }
    out
}

fn judges(group: &Group) -> impl Iterator<Item = Vec<String>> {
    group.judges.iter().map(|j| {
        let apart = j.difference.as_ref().map_or_else(
            || "-".into(),
            |e| {
                let ends = e.interval.map(|i| format!(" [{:+.2}, {:+.2}]", i.lo, i.hi));
                format!("{:+.2}{}", e.value, ends.unwrap_or_default())
            },
        );
        vec![
            text::display(&group.name),
            j.judge.to_string(),
            j.items.to_string(),
            format!("{:.2}", j.people),
            format!("{:.2}", j.mean),
            apart,
            format!("{:.2}", j.within_one),
        ]
    })
}

/// `4.10 [3.95, 4.22]`, or why there is none.
fn cell(figure: Option<&Figure>) -> String {
    let Some(value) = figure.and_then(|f| f.value) else { return "-".into() };
    match figure.and_then(|f| f.interval) {
        Some(i) => format!("{value:.2} [{:.2}, {:.2}]", i.lo, i.hi),
        None => format!("{value:.2}"),
    }
}
