//! From answers and verdicts to the win rate, its interval and what may have made it: the place,
//! the length.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

use super::{Choice, OpenQuestion, Said, Side, WinRatePlan};
use crate::domain::CultureId;
use crate::evaluate::EvaluateError;
use crate::evaluate::figures::{FigureRow, TaskResult};
use crate::evaluate::locked::Locked;
use crate::stats::bootstrap::{Resampling, mean, statistic};
use crate::stats::proportion::wilson;
use crate::stats::significance::{Alternative, sign_flip};

/// Sign flips where there are too many patterns to enumerate.
const FLIPS: usize = 20_000;

/// What a question came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Both orders chose the first model.
    Win,
    /// Both orders chose the second model.
    Loss,
    /// Both said tie.
    Tie,
    /// The orders disagree: a tie.
    Disagree,
    /// An order was refused.
    Refused,
    /// An order was cut off, or could not be read.
    Unread,
    /// A model gave no answer, or an order no reply.
    Missing,
}

impl Outcome {
    /// +1, -1 or 0; `None` for what is no verdict.
    pub fn points(self) -> Option<f64> {
        match self {
            Self::Win => Some(1.0),
            Self::Loss => Some(-1.0),
            Self::Tie | Self::Disagree => Some(0.0),
            Self::Refused | Self::Unread | Self::Missing => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Win => "wins",
            Self::Loss => "losses",
            Self::Tie => "ties",
            Self::Disagree => "ties by disagreeing orders",
            Self::Refused => "refused by the judge",
            Self::Unread => "verdicts cut off or unparsable",
            Self::Missing => "without an answer or a reply",
        }
    }
}

/// The model that an order chose: `Some(None)` for a tie.
fn chosen(choice: Choice, shown_first: Side) -> Option<Option<Side>> {
    let other = if shown_first == Side::First { Side::Second } else { Side::First };
    match choice {
        Choice::A => Some(Some(shown_first)),
        Choice::B => Some(Some(other)),
        Choice::Tie => Some(None),
        _ => None,
    }
}

/// What a question came to, from its two verdicts.
pub fn outcome(q: &str, said: &Said) -> Outcome {
    let verdict = |side: Side| said.verdicts.get(&(q.to_owned(), side));
    let (Some(a), Some(b)) = (verdict(Side::First), verdict(Side::Second)) else {
        return Outcome::Missing;
    };
    match (chosen(a.choice, Side::First), chosen(b.choice, Side::Second)) {
        (Some(x), Some(y)) if x != y => Outcome::Disagree,
        (Some(Some(Side::First)), Some(_)) => Outcome::Win,
        (Some(Some(Side::Second)), Some(_)) => Outcome::Loss,
        (Some(None), Some(_)) => Outcome::Tie,
        _ => {
            let either = |c: Choice| a.choice == c || b.choice == c;
            if either(Choice::Failed) {
                Outcome::Missing
            } else if either(Choice::Refused) {
                Outcome::Refused
            } else {
                Outcome::Unread
            }
        }
    }
}

/// Length of a text in characters as people count them.
fn length(text: &str) -> f64 {
    text.graphemes(true).count() as f64
}

/// A question with a verdict.
struct Judged<'a> {
    question: &'a OpenQuestion,
    points: f64,
    /// Lengths of both answers.
    lengths: [f64; 2],
}

/// Sums up: the win rate over all questions, by culture and topic (exploratory), what the place and
/// the length have to do with it, and the counts.
///
/// # Errors
/// Parameters of the resampling out of range.
pub fn win_rate(
    locked: &Locked<WinRatePlan>,
    questions: &[OpenQuestion],
    said: &Said,
) -> Result<TaskResult, EvaluateError> {
    let plan = &locked.plan;
    let how = Resampling { draws: plan.draws, seed: plan.seed, ..Resampling::default() };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut judged: Vec<Judged<'_>> = Vec::new();
    for q in questions {
        let o = outcome(&q.id, said);
        *counts.entry(o.word().to_owned()).or_default() += 1;
        let text = |side| {
            said.answers.get(&(q.id.clone(), side)).and_then(|a| a.text.as_deref()).unwrap_or("")
        };
        if let Some(points) = o.points() {
            let lengths = [length(text(Side::First)), length(text(Side::Second))];
            judged.push(Judged { question: q, points, lengths });
        }
    }
    let mut rows = vec![rate(plan, "all", None, &judged.iter().collect::<Vec<_>>(), &how)];
    for (culture, of) in by(&judged, |q| q.culture.clone()) {
        if let Some(culture) = culture {
            let row = rate(plan, "all", Some(culture), &of, &how);
            rows.push(FigureRow { exploratory: true, ..row });
        }
    }
    for (topic, of) in by(&judged, |q| q.topic.clone()).into_iter().filter(|(t, _)| !t.is_empty()) {
        rows.push(FigureRow { exploratory: true, ..rate(plan, &topic, None, &of, &how) });
    }
    rows.extend(length_rows(plan, &judged, &how));
    rows.extend(place_rows(plan, said));
    let pair = format!("{} against {}", plan.first.name, plan.second.name);
    let mut all = BTreeMap::from([(pair, counts)]);
    for (side, party) in [(Side::First, &plan.first), (Side::Second, &plan.second)] {
        all.insert(format!("answers of {}", party.name), answers(side, questions, said));
    }
    Ok(TaskResult {
        task: plan.task.clone(),
        plan: serde_json::to_value(plan).unwrap_or_default(),
        plan_sha256: locked.sha256.clone(),
        rows,
        counts: all,
        notes: notes(plan),
    })
}

fn notes(plan: &WinRatePlan) -> Vec<String> {
    vec![
        format!(
            "Judge: {}. Win rate = (wins - losses) / questions with a verdict in both orders; positive: {} is better. Orders that disagree are ties.",
            plan.judge.name, plan.first.name
        ),
        format!(
            "Unit: question; {} draws; p: two-sided sign-flip test. A model's verdict is no person's: check it against people before relying on it.",
            plan.draws
        ),
    ]
}

fn by<'a, K: Ord>(
    judged: &'a [Judged<'a>],
    key: impl Fn(&OpenQuestion) -> K,
) -> BTreeMap<K, Vec<&'a Judged<'a>>> {
    let mut out: BTreeMap<K, Vec<&Judged<'_>>> = BTreeMap::new();
    for j in judged {
        out.entry(key(j.question)).or_default().push(j);
    }
    out
}

fn rate(
    plan: &WinRatePlan,
    split: &str,
    culture: Option<CultureId>,
    judged: &[&Judged<'_>],
    how: &Resampling,
) -> FigureRow {
    let points: Vec<f64> = judged.iter().map(|j| j.points).collect();
    let row = match mean(&points, "question", how) {
        Ok(e) => FigureRow::of(&plan.first.name, split, "win-rate", &e),
        Err(why) => FigureRow::undefined(&plan.first.name, split, "win-rate", why),
    };
    FigureRow {
        against: Some(plan.second.name.clone()),
        culture,
        p: sign_flip(&points, Alternative::TwoSided, FLIPS, plan.seed).ok().map(|t| t.p),
        ..row
    }
}

/// Lengths of both, and the win rate that a straight line in the log ratio of lengths has where
/// both are equally long (the idea of length-controlled win rates, in its plainest form).
fn length_rows(plan: &WinRatePlan, judged: &[Judged<'_>], how: &Resampling) -> Vec<FigureRow> {
    let mut rows = Vec::new();
    for (i, party) in [&plan.first, &plan.second].into_iter().enumerate() {
        let lengths: Vec<f64> = judged.iter().map(|j| j.lengths[i]).collect();
        rows.push(match mean(&lengths, "question", how) {
            Ok(e) => FigureRow::of(&party.name, "all", "length-in-characters", &e),
            Err(why) => FigureRow::undefined(&party.name, "all", "length-in-characters", why),
        });
    }
    let log_ratio = |j: &Judged<'_>| ((j.lengths[0] + 1.0) / (j.lengths[1] + 1.0)).ln();
    let intercept = |picked: &[usize]| {
        let n = picked.len() as f64;
        let (mut mx, mut my) = (0.0, 0.0);
        for i in picked {
            mx += log_ratio(&judged[*i]) / n;
            my += judged[*i].points / n;
        }
        let (mut xx, mut xy) = (0.0, 0.0);
        for i in picked {
            let x = log_ratio(&judged[*i]) - mx;
            xx += x * x;
            xy += x * (judged[*i].points - my);
        }
        // Equal lengths everywhere: there is nothing to control for.
        if xx < 1e-12 { Some(my) } else { Some(my - xy / xx * mx) }
    };
    let note = "the win rate that a straight line in log(length of one / length of the other) has at equal length; beyond 1 or -1 the line says nothing";
    rows.push(match statistic(judged.len(), "question", how, intercept) {
        Ok(e) => FigureRow {
            against: Some(plan.second.name.clone()),
            exploratory: true,
            note: note.into(),
            ..FigureRow::of(&plan.first.name, "all", "win-rate-at-equal-length", &e)
        },
        Err(why) => FigureRow::undefined(&plan.first.name, "all", "win-rate-at-equal-length", why),
    });
    let unequal: Vec<&Judged<'_>> =
        judged.iter().filter(|j| j.points != 0.0 && j.lengths[0] != j.lengths[1]).collect();
    let longer =
        unequal.iter().filter(|j| (j.lengths[0] > j.lengths[1]) == (j.points > 0.0)).count();
    rows.push(share(&plan.judge.name, "longer-answer-wins", longer, unequal.len(), "question"));
    rows
}

/// How often the judge chose the place and not the answer.
fn place_rows(plan: &WinRatePlan, said: &Said) -> Vec<FigureRow> {
    let chosen: Vec<Choice> = said.verdicts.values().map(|v| v.choice).collect();
    let count = |c: Choice| chosen.iter().filter(|x| **x == c).count();
    let (a, b) = (count(Choice::A), count(Choice::B));
    let mut both = 0;
    let mut same_place = 0;
    for ((q, side), v) in &said.verdicts {
        let Some(other) = said.verdicts.get(&(q.clone(), Side::Second)) else { continue };
        if *side == Side::First && v.choice.is_verdict() && other.choice.is_verdict() {
            both += 1;
            same_place += usize::from(v.choice == other.choice && v.choice != Choice::Tie);
        }
    }
    vec![
        FigureRow {
            note: "0.5 for a judge without a liking for a place".into(),
            ..share(&plan.judge.name, "first-place-chosen", a, a + b, "verdict")
        },
        FigureRow {
            note: "both orders chose the same place, and so different models".into(),
            ..share(&plan.judge.name, "place-decides", same_place, both, "question")
        },
    ]
}

fn share(model: &str, metric: &str, k: usize, n: usize, unit: &str) -> FigureRow {
    match wilson(k as u64, n as u64, 0.95, unit) {
        Ok(e) => FigureRow::of(model, "all", metric, &e),
        Err(why) => FigureRow::undefined(model, "all", metric, why),
    }
}

fn answers(side: Side, questions: &[OpenQuestion], said: &Said) -> BTreeMap<String, usize> {
    let mut out: BTreeMap<String, usize> = BTreeMap::new();
    for q in questions {
        let class = match said.answers.get(&(q.id.clone(), side)) {
            None => "no reply",
            Some(a) if a.text.is_none() => "no reply",
            Some(a) if a.refused => "refused",
            Some(a) if a.cut_off => "cut off",
            Some(a) if a.text.as_deref() == Some("") => "empty",
            Some(_) => "answered",
        };
        *out.entry(class.to_owned()).or_default() += 1;
    }
    out
}
