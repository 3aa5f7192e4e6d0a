//! Two cultures beside each other over all questions.

use std::cmp::Ordering;
use std::sync::Arc;

use super::answers::short;
use crate::domain::{CultureId, Question, QuestionId, Survey};
use crate::seeds::{Answers, Between};
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx};
use crate::tui::widgets::{Field, Form, Memory};

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Its place in the survey.
    pub at: usize,
    /// Its id.
    pub id: QuestionId,
    /// Its wording.
    pub text: String,
    /// Jensen-Shannon distance; `None` where one of the two has no usable answers.
    pub distance: Option<f64>,
    /// The answers of both, and n.
    pub sides: [Side; 2],
}

/// The answers of one of the two.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// Shares by ascending code; empty without.
    pub shares: Vec<f64>,
    /// Valid answers.
    pub n: u64,
    /// Why there are none.
    pub why_not: &'static str,
}

const ORDERS: &[(&str, fn(&Pair, &Pair) -> Ordering)] = &[
    ("distance", |a, b| {
        let key = |p: &Pair| p.distance.unwrap_or(-1.0);
        key(b).total_cmp(&key(a)).then(a.at.cmp(&b.at))
    }),
    ("nearest", |a, b| {
        let key = |p: &Pair| p.distance.unwrap_or(2.0);
        key(a).total_cmp(&key(b)).then(a.at.cmp(&b.at))
    }),
    ("survey", |a, b| a.at.cmp(&b.at)),
];

/// The comparison.
#[derive(Debug)]
pub struct Compare {
    /// The two.
    pub of: [CultureId; 2],
    /// Questions, the most different first.
    pub list: Memory<Pair>,
    /// Over all questions.
    pub between: Load<Between>,
    at: Option<(usize, usize)>,
}

/// Which two.
pub fn form(survey: &Survey, now: Option<&Compare>) -> Form {
    let names: Vec<String> = survey.cultures.iter().map(|c| c.name.clone()).collect();
    let place = |i: usize| {
        now.and_then(|n| survey.cultures.iter().position(|c| c.id == n.of[i])).unwrap_or(i)
    };
    Form::new(
        "Compare two cultures",
        "Compare",
        vec![
            Field::choice("a", "First", names.clone(), place(0), "left and right choose"),
            Field::choice("b", "Second", names, place(1), "left and right choose"),
        ],
    )
}

impl Compare {
    /// As the form says.
    pub fn of(form: &Form, survey: &Survey) -> Self {
        let id = |name: &str| {
            let found = survey.cultures.iter().find(|c| c.name == form.value(name));
            found.or(survey.cultures.first()).map(|c| c.id.clone())
        };
        let none = || CultureId::new("none").ok();
        let of = [id("a").or_else(none), id("b").or_else(none)];
        Self {
            of: of.map(|i| i.unwrap_or_else(|| survey.cultures[0].id.clone())),
            list: Memory::new(
                |r| r.id.as_str().to_owned(),
                |r| format!("{} {}", r.id, r.text),
                ORDERS,
            ),
            between: Load::default(),
            at: None,
        }
    }

    /// Rows from what is known.
    pub fn fill(&mut self, survey: &Survey, answers: Option<&Answers>) {
        let place = |id: &CultureId| survey.cultures.iter().position(|c| &c.id == id);
        let (Some(a), Some(b)) = (place(&self.of[0]), place(&self.of[1])) else { return };
        self.at = Some((a, b));
        let Some(answers) = answers else { return };
        let row = |(at, q): (usize, &Question)| {
            let of = answers.question(&q.id)?;
            let side = |c: usize| {
                let answer = &of.cultures.get(c)?;
                let shares = answer.usable().map_or(Vec::new(), |d| d.shares().to_vec());
                Some(Side { shares, n: answer.n(), why_not: answer.why_not() })
            };
            Some(Pair {
                at,
                id: q.id.clone(),
                text: q.text.clone(),
                distance: of.distance(a, b),
                sides: [side(a)?, side(b)?],
            })
        };
        self.list.set_rows(survey.questions.iter().enumerate().filter_map(row).collect());
    }

    /// Asks for the mean over all questions, once.
    pub fn ask(&mut self, cx: &mut Cx<'_>, answers: Option<&Arc<Answers>>) {
        let (Some((a, b)), Some(answers)) = (self.at, answers) else { return };
        let answers = Arc::clone(answers);
        self.between.ask(cx, Lane::Read, move |_| Ok(answers.between(a, b)));
    }

    /// Takes an answer that belongs here.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        self.between.accept(answer)
    }

    /// Names of the two.
    pub fn names<'a>(&self, survey: &'a Survey) -> [&'a str; 2] {
        let name = |id: &CultureId| survey.culture(id).map_or("?", |c| c.name.as_str());
        [name(&self.of[0]), name(&self.of[1])]
    }
}

/// Shares as per cent, by ascending code: `12 34 40 14`.
pub fn percents(side: &Side) -> String {
    if side.shares.is_empty() {
        return side.why_not.to_owned();
    }
    let all: Vec<String> = side.shares.iter().map(|s| format!("{:.0}", s * 100.0)).collect();
    all.join(" ")
}

/// The mean with its interval, in words.
pub fn between_words(b: &Between) -> String {
    match &b.mean {
        Some(m) => match m.interval {
            Some(i) => format!(
                "mean distance {:.3} [{:.3}, {:.3}] over {} questions (95 % bootstrap over questions)",
                m.value, i.lo, i.hi, b.n
            ),
            None => format!("mean distance {:.3} over {} questions", m.value, b.n),
        },
        None => format!("{} questions that both answered: no mean", b.n),
    }
}

/// The distance of a row, for tables.
pub fn distance_words(p: &Pair) -> String {
    p.distance.map_or_else(|| "-".into(), short)
}
