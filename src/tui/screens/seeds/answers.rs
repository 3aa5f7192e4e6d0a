//! The answers of cultures to one question, as charts.

use std::collections::BTreeSet;

use super::Seeds;
use crate::chart::{Distribution, Group, HeatCell, HeatScale, HeatTable};
use crate::domain::{CultureId, Question, Survey};
use crate::seeds::{Answer, Answers};
use crate::tui::screen::Shared;
use crate::tui::widgets::{Field, Form, thousands};

/// What is said after a culture's bars: n, the missing share, or why there are none.
pub fn note(answer: &Answer) -> String {
    match answer {
        Answer::Given { cell, missing, usable } => {
            let mut text = format!("n {}, {:.0}% missing", thousands(cell.n), missing * 100.0);
            if !usable {
                text += ", ends not offered";
            } else if !cell.without.is_empty() {
                let out: Vec<String> = cell.without.iter().map(ToString::to_string).collect();
                text += &format!(", without {}", out.join(" "));
            }
            text
        }
        Answer::AllMissing { missing } => format!("asked {}, none valid", thousands(*missing)),
        Answer::NotAsked => String::new(),
        Answer::NoData => "no data imported".into(),
    }
}

/// Bars of all cultures shown. Shares stand by ascending code.
pub fn distribution(
    q: &Question,
    survey: &Survey,
    answers: &Answers,
    shown: &[usize],
) -> Distribution {
    let of = answers.question(&q.id);
    let label = |c: &u8| {
        let words = q.scale.label(*c).unwrap_or("");
        if words == c.to_string() { String::new() } else { words.to_owned() }
    };
    Distribution {
        title: String::new(),
        options: q.scale.codes().iter().map(label).collect(),
        rows: shown
            .iter()
            .filter_map(|i| Some((i, survey.cultures.get(*i)?)))
            .map(|(i, c)| {
                let answer = of.and_then(|o| o.cultures.get(*i));
                Group {
                    label: c.name.clone(),
                    shares: match answer {
                        Some(Answer::Given { cell, .. }) => {
                            Some(cell.distribution.shares().to_vec())
                        }
                        Some(Answer::NotAsked) => None,
                        // No shares, and not for want of asking: the note says why.
                        _ => Some(vec![f64::NAN; q.scale.len()]),
                    },
                    note: answer.map(note).unwrap_or_default(),
                    style: *i,
                }
            })
            .collect(),
        stacked: false,
    }
}

/// Distances between the cultures shown, on one question.
pub fn distances(q: &Question, survey: &Survey, answers: &Answers, shown: &[usize]) -> HeatTable {
    let of = answers.question(&q.id);
    let name = |i: usize| survey.cultures.get(i).map_or(String::new(), |c| c.name.clone());
    let row = |a: usize| {
        let cells = shown.iter().map(|b| match of.and_then(|o| o.distance(a, *b)) {
            _ if a == *b => HeatCell { value: None, text: "·".into(), mark: String::new() },
            Some(d) => HeatCell { value: Some(d), text: short(d), mark: String::new() },
            None => HeatCell { value: None, text: "-".into(), mark: String::new() },
        });
        let n = of.and_then(|o| o.cultures.get(a)).map_or(0, Answer::n);
        let n = if n == 0 { "not asked".into() } else { format!("n {}", thousands(n)) };
        (format!("{} {n}", name(a)), cells.collect())
    };
    HeatTable {
        title: format!("{}: distance between cultures", q.id),
        unit: "Jensen-Shannon distance, base 2, 0 to 1".into(),
        columns: shown.iter().map(|i| name(*i)).collect(),
        rows: shown.iter().map(|i| row(*i)).collect(),
        scale: HeatScale::Sequential,
        range: Some((0.0, 1.0)),
        note: "- : one of the two was not asked, or has no usable answers".into(),
    }
}

/// `.34`: two digits are enough to compare, and three cells fit many cultures.
pub fn short(share: f64) -> String {
    let text = format!("{share:.2}");
    text.strip_prefix('0').map_or(text.clone(), str::to_owned)
}

/// Which cultures are shown.
pub fn cultures_form(survey: &Survey, hidden: &BTreeSet<CultureId>) -> Form {
    let options =
        survey.cultures.iter().map(|c| (c.name.clone(), !hidden.contains(&c.id))).collect();
    let help = "Space chooses, * all or none; answers, distances and the heat map show these";
    Form::new("Cultures shown", "Show", vec![Field::many("of", "Cultures", options, help)])
}

/// The cultures that the form leaves out.
pub fn hidden_of(form: &Form, survey: &Survey) -> BTreeSet<CultureId> {
    let chosen = form.values("of");
    survey
        .cultures
        .iter()
        .filter(|c| !chosen.contains(&c.name.as_str()))
        .map(|c| c.id.clone())
        .collect()
}

impl Seeds {
    /// The seed with all its answers, as text: for the pager.
    pub(super) fn in_words(&self, shared: &Shared) -> Option<String> {
        let survey = shared.survey.as_ref()?;
        let q = self.question(shared)?;
        let mut out = format!("{}  {}  ({})\n\n{}\n\n", q.id, q.topic, q.language, q.text);
        for o in q.scale.options() {
            out += &format!("{:>4}  {}\n", o.code, o.label);
        }
        let answers = self.answers.get()?;
        for (c, a) in survey.cultures.iter().zip(&answers.question(&q.id)?.cultures) {
            out += &format!("\n{} ({}): ", c.name, c.place);
            if let Answer::Given { cell, .. } = a {
                out += &format!("{}\n", note(a));
                for (code, share) in q.scale.codes().iter().zip(cell.distribution.shares()) {
                    out += &format!("{code:>4}  {:5.1} %\n", share * 100.0);
                }
            } else {
                out += &format!("{}\n", a.why_not());
            }
        }
        Some(out)
    }
}
