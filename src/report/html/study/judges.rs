//! Model judges, each by itself and beside people.

use super::estimate;
use crate::report::StudyReport;
use crate::report::html::page::{Cell, Page};
use crate::store::VerdictClass;
use crate::study::judge::JudgeResults;

fn word(class: VerdictClass) -> &'static str {
    match class {
        VerdictClass::Score => "a score",
        VerdictClass::Refused => "refused",
        VerdictClass::CutOff => "cut off",
        VerdictClass::Unparsable => "unreadable",
        VerdictClass::Failed => "no reply",
    }
}

pub(super) fn judges(p: &mut Page, r: &StudyReport) {
    if r.results.judges.is_empty() {
        return p.line("No model judged this study: `polyculture judge` lets one.");
    }
    p.note(
        "Judges are in none of the figures above. Seed first is the score; the swapped order only \
            measures how far the place decides.",
    );
    for j in &r.results.judges {
        one(p, j);
    }
    if let Some(a) = r.results.among_judges.as_ref().and_then(|a| a.figure("alpha-ordinal")) {
        let ends = a.interval.map(|i| format!(" [{:.2}, {:.2}]", i.lo, i.hi)).unwrap_or_default();
        let value = a.value.map_or("undefined".into(), |v| format!("{v:.2}"));
        p.line(&format!("Among the judges alone: ordinal alpha {value}{ends}."));
    }
}

fn one(p: &mut Page, j: &JudgeResults) {
    p.heading(j.judge.rater.as_str());
    p.line(&format!(
        "Model {}, prompt {}, guideline {}.",
        j.judge.model, j.judge.prompt, j.judge.guideline
    ));
    if let Some(shared) = &j.wrote_too {
        p.raw("<p role=\"note\"><strong>");
        p.raw(&crate::report::html::page::escape(&format!(
            "It may favour its own: texts of the study were written by `{shared}` too."
        )));
        p.raw("</strong></p>\n");
    }
    let classes: Vec<Vec<Cell>> = j
        .verdicts
        .iter()
        .map(|(class, n)| vec![Cell::Words(word(*class).into()), Cell::Number(n.to_string())])
        .collect();
    p.table(&["what replies came to, both orders", ">number"], &classes);
    let row = |what: &str, value: String| vec![Cell::Words(what.into()), Cell::Number(value)];
    let mut rows = vec![
        row("mean score", estimate(j.mean.as_ref())),
        row("the same score in both orders", format!("{} of {}", j.orders.same, j.orders.pairs)),
        row("seed first - sample first", estimate(j.orders.difference.as_ref())),
        row("controls missed", format!("{} of {}", j.control_failures.len(), j.controls)),
    ];
    if let Some(b) = &j.beside_people {
        let alpha = |f: &Option<crate::study::Figure>| {
            f.as_ref().and_then(|f| f.value).map_or("undefined".into(), |v| format!("{v:.2}"))
        };
        rows.extend([
            row("items rated by people too", b.items.to_string()),
            row("Spearman with people's mean", estimate(b.spearman.as_ref())),
            row("Kendall's tau-b with people's mean", estimate(b.kendall.as_ref())),
            row("judge - people, points", estimate(b.difference.as_ref())),
            row("ordinal alpha of people", alpha(&b.alpha_people)),
            row("ordinal alpha of people and the judge", alpha(&b.alpha_with_judge)),
        ]);
    }
    if let Some(t) = &j.threshold {
        let share = estimate(t.share.as_ref());
        rows.push(row(
            "the judge's score from which 90 % of people say 4 or 5",
            format!("{:.0} (on the other half: {share})", t.similarity),
        ));
    }
    p.table(&["figure", ">value"], &rows);
    p.raw("<h4>Alternative-annotator test</h4>\n");
    let a = &j.alternative;
    match (a.winning_rate, a.passes, a.advantage) {
        (Some(rate), Some(passes), advantage) => p.line(&format!(
            "{}: it wins against {:.0} % of {} people (epsilon {}, q {}, 50 % are needed){}.",
            if passes { "Passed" } else { "Not passed" },
            100.0 * rate,
            a.people.len(),
            a.spec.epsilon,
            a.spec.q,
            advantage.map(|v| format!("; mean advantage {v:.2}")).unwrap_or_default()
        )),
        _ => p.line(&format!(
            "No outcome: {}.",
            a.undefined.as_deref().unwrap_or("too few people or items")
        )),
    }
    let rows: Vec<Vec<Cell>> = a
        .people
        .iter()
        .map(|x| {
            vec![
                Cell::Words(x.rater.to_string()),
                Cell::Number(x.items.to_string()),
                Cell::Number(format!("{:.2}", x.advantage)),
                Cell::Number(format!("{:.2}", x.own)),
                Cell::Number(format!("{:.4}", x.p)),
                Cell::Number(format!("{:.4}", x.adjusted)),
                Cell::Words(if x.beaten { "yes" } else { "no" }.into()),
            ]
        })
        .collect();
    let head = [
        "against",
        ">items",
        ">judge as close",
        ">person as close",
        ">p",
        ">p adjusted",
        "judge wins",
    ];
    p.table(&head, &rows);
}
