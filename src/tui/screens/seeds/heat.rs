//! The heat map question x culture. It is the list of seeds in another dress: filter, order, marks
//! and cursor are the list's.

use super::answers::short;
use crate::chart::{HeatCell, HeatScale, HeatTable};
use crate::domain::{QuestionId, Survey};
use crate::seeds::{Answer, Answers};

/// What the cells show, in words.
pub fn measure(by_distance: bool) -> (&'static str, &'static str) {
    if by_distance {
        (
            "distance to the mean of all cultures",
            "Jensen-Shannon distance, base 2, 0 to 1; - not asked, x not comparable",
        )
    } else {
        (
            "mean answer",
            "0 to 1, where 1 is the end that agrees, or says more; - not asked, x not comparable",
        )
    }
}

/// The table for some questions, each with its label.
pub fn table(
    rows: &[(String, &QuestionId)],
    survey: &Survey,
    answers: &Answers,
    shown: &[usize],
    by_distance: bool,
) -> HeatTable {
    let (title, unit) = measure(by_distance);
    let cell = |id: &QuestionId, c: usize| {
        let of = answers.question(id);
        let value =
            of.and_then(|o| if by_distance { o.from_overall(c) } else { o.mean_position(c) });
        let text = match value {
            Some(v) => short(v),
            None => match of.and_then(|o| o.cultures.get(c)) {
                Some(Answer::NotAsked) | None => "-".into(),
                Some(Answer::NoData) => "?".into(),
                Some(_) => "x".into(),
            },
        };
        HeatCell { value, text, mark: String::new() }
    };
    HeatTable {
        title: title.into(),
        unit: unit.into(),
        columns: shown
            .iter()
            .filter_map(|i| survey.cultures.get(*i))
            .map(|c| c.name.clone())
            .collect(),
        rows: rows
            .iter()
            .map(|(label, id)| (label.clone(), shown.iter().map(|c| cell(id, *c)).collect()))
            .collect(),
        scale: HeatScale::Sequential,
        range: Some((0.0, 1.0)),
        note: "? no data imported · x no usable answers".into(),
    }
}
