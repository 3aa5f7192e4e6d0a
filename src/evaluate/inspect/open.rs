//! Win rate: questions, both answers and the judge's two verdicts.

use std::path::Path;

use super::{Aim, Comparison, Document, Fate, ItemRow, Items, PairItem, Section};
use crate::evaluate::EvaluateError;
use crate::evaluate::locked::Locked;
use crate::evaluate::open_ended::{OpenQuestion, Outcome, Said, Side, WinRatePlan, outcome};
use crate::job::read_jsonl;
use crate::stats::bootstrap::{Resampling, mean};
use crate::stats::significance::{Alternative, sign_flip};

/// Sign flips where there are too many patterns to enumerate.
const FLIPS: usize = 20_000;

struct Run {
    plan: WinRatePlan,
    questions: Vec<OpenQuestion>,
    said: Said,
}

fn open(run_dir: &Path) -> Result<Run, EvaluateError> {
    let last = super::last(run_dir)?;
    let plan = Locked::<WinRatePlan>::read(&last)?.plan;
    let questions = read_jsonl(&last.input("questions.jsonl"))?;
    Ok(Run { plan, questions, said: Said::of(&last)? })
}

impl Run {
    fn of<'a>(&'a self, aim: &'a Aim) -> impl Iterator<Item = &'a OpenQuestion> {
        self.questions.iter().filter(|q| {
            let culture = q.culture.as_ref().map_or("", |c| c.as_str());
            (aim.split == "all" || aim.split == q.topic)
                && (aim.column == "all" || aim.column == culture)
        })
    }
}

fn fate(o: Outcome) -> Fate {
    match o {
        Outcome::Win => Fate::Right,
        Outcome::Loss => Fate::Wrong,
        Outcome::Tie | Outcome::Disagree => Fate::Even,
        Outcome::Refused => Fate::Refused,
        Outcome::Unread => Fate::Invalid,
        Outcome::Missing => Fate::Missing,
    }
}

fn said(o: Outcome) -> &'static str {
    match o {
        Outcome::Win => "win",
        Outcome::Loss => "loss",
        Outcome::Tie => "tie",
        Outcome::Disagree => "tie: the orders disagree",
        Outcome::Refused => "refused by the judge",
        Outcome::Unread => "verdict cannot be read",
        Outcome::Missing => "no answer or no verdict",
    }
}

pub(super) fn items(run_dir: &Path, aim: &Aim) -> Result<Items, EvaluateError> {
    let run = open(run_dir)?;
    let rows = run
        .of(aim)
        .map(|q| {
            let o = outcome(&q.id, &run.said);
            ItemRow {
                key: q.id.clone(),
                part: q.question.clone(),
                gold: String::new(),
                said: said(o).into(),
                score: o.points(),
                baseline: None,
                fate: fate(o),
            }
        })
        .collect();
    let note = format!(
        "{} against {}, judged by {}",
        run.plan.first.name, run.plan.second.name, run.plan.judge.name
    );
    Ok(Items { unit: "question", rows, confusion: None, note })
}

pub(super) fn document(run_dir: &Path, key: &str) -> Result<Document, EvaluateError> {
    let run = open(run_dir)?;
    let q = run.questions.iter().find(|q| q.id == key).ok_or_else(|| super::no_item(key))?;
    let mut sections = vec![
        Section::new("Question", q.question.clone()),
        Section::new("Came to", said(outcome(key, &run.said))),
    ];
    for (side, party) in [(Side::First, &run.plan.first), (Side::Second, &run.plan.second)] {
        let answer = run.said.answers.get(&(key.to_owned(), side));
        let text = answer.and_then(|a| a.text.clone()).unwrap_or_else(|| "none".into());
        sections.push(Section::new(format!("Answer of {}", party.name), text));
    }
    for (side, party) in [(Side::First, &run.plan.first), (Side::Second, &run.plan.second)] {
        if let Some(v) = run.said.verdicts.get(&(key.to_owned(), side)) {
            let head =
                format!("{}, {} shown first: {:?}", run.plan.judge.name, party.name, v.choice);
            sections.push(Section::new(head, v.reply.clone()));
        }
    }
    sections.push(Section::new("How the judge was asked", run.plan.judge_prompt.clone()));
    Ok(Document {
        title: format!("{key} · {} against {}", run.plan.first.name, run.plan.second.name),
        language: q.language.clone(),
        may_abuse: false,
        sections,
    })
}

pub(super) fn compare(run_dir: &Path, aim: &Aim) -> Result<Comparison, EvaluateError> {
    let run = open(run_dir)?;
    let items: Vec<PairItem> = run
        .of(aim)
        .filter_map(|q| {
            let o = outcome(&q.id, &run.said);
            Some(PairItem {
                key: q.id.clone(),
                part: q.question.clone(),
                gold: String::new(),
                a: said(o).into(),
                b: String::new(),
                diff: o.points()?,
            })
        })
        .collect();
    let points: Vec<f64> = items.iter().map(|i| i.diff).collect();
    let how = Resampling { draws: run.plan.draws, seed: run.plan.seed, ..Resampling::default() };
    let e = mean(&points, "question", &how).ok();
    Ok(Comparison {
        a: run.plan.first.name.clone(),
        b: run.plan.second.name.clone(),
        metric: "win-rate".into(),
        unit: "question".into(),
        wins: super::tally(&items),
        diff: e.as_ref().map(|e| e.value),
        ci: e.and_then(|e| e.interval).map(|i| [i.lo, i.hi]),
        p: sign_flip(&points, Alternative::TwoSided, FLIPS, run.plan.seed).ok().map(|t| t.p),
        test: "two-sided sign flips over questions",
        note: format!(
            "judged by {}; questions without a verdict are left out",
            run.plan.judge.name
        ),
        items,
    })
}
