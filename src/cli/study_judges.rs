//! The judges' part of `polyculture study agreement`: apart from people, always.

use super::judge::word;
use super::output::table;
use crate::stats::Estimate;
use crate::study::judge::{Alternative, JudgeResults};
use crate::text;

/// The lines of all judges; empty without any.
pub fn lines(judges: &[JudgeResults]) -> String {
    judges.iter().map(one).collect()
}

fn one(j: &JudgeResults) -> String {
    let name = text::display(&j.judge.model);
    let mut out = format!(
        "\nmodel judge {}: {name}, prompt {}, guideline {} (not among the raters above)\n",
        j.judge.rater, j.judge.prompt, j.judge.guideline
    );
    if let Some(family) = &j.wrote_too {
        out += &format!(
            "  MARKED: {} wrote texts of this study too; it may favour its own\n",
            text::display(family)
        );
    }
    let classes: Vec<String> =
        j.verdicts.iter().map(|(class, n)| format!("{n} {}", word(*class))).collect();
    out += &format!("  verdicts, both orders: {}\n", classes.join(", "));
    let d = j.distribution;
    out += &format!("  scores 1 to 5 (seed first): {} {} {} {} {}\n", d[0], d[1], d[2], d[3], d[4]);
    let mut rows = vec![row("mean score", j.mean.as_ref())];
    rows.push(row("seed first - sample first", j.orders.difference.as_ref()));
    if let Some(p) = &j.beside_people {
        rows.push(row("Spearman with people", p.spearman.as_ref()));
        rows.push(row("Kendall with people", p.kendall.as_ref()));
        rows.push(row("judge - people", p.difference.as_ref()));
    }
    for line in table(&["figure", "value", "95 % interval", "n", "unit"], &rows).lines() {
        out += &format!("  {line}\n");
    }
    out += &format!(
        "  order: the same score in {} of {} items, at most one apart in {}\n",
        j.orders.same, j.orders.pairs, j.orders.within_one
    );
    out += &format!("  controls: {} rated, {} missed\n", j.controls, j.control_failures.len());
    if let Some(p) = &j.beside_people {
        let value = |f: &Option<crate::study::Figure>| {
            f.as_ref().and_then(|f| f.value).map_or_else(|| "-".into(), |v| format!("{v:.4}"))
        };
        out += &format!(
            "  ordinal alpha over the {} items that {} people and the judge rated: people {}, with the judge {}\n",
            p.items,
            p.people,
            value(&p.alpha_people),
            value(&p.alpha_with_judge)
        );
        for u in &p.undefined {
            out += &format!("  undefined: {u}\n");
        }
        out += &alternative(&j.alternative);
    }
    if let Some(t) = &j.threshold {
        let share = t.share.as_ref().map_or_else(|| "-".into(), |e| format!("{e}"));
        out += &format!(
            "  its score {} or more: people say 4 or 5 in {share}, on the half of the seeds that did not choose it\n",
            t.similarity
        );
    }
    out
}

/// The alternative-annotator test in lines.
fn alternative(a: &Alternative) -> String {
    let head = format!("  alternative-annotator test, epsilon {}: ", a.spec.epsilon);
    let (Some(rate), Some(rho), Some(passes)) = (a.winning_rate, a.advantage, a.passes) else {
        return head + &format!("undefined: {}\n", a.undefined.as_deref().unwrap_or("no data"));
    };
    let mut out = head;
    out += &format!(
        "{}; winning rate {rate:.2} over {} people, average advantage {rho:.3}\n",
        if passes { "passes" } else { "does not pass" },
        a.people.len()
    );
    for p in &a.people {
        out += &format!(
            "    against {}: as close as the others in {:.2} of {} items (the person {:.2}), p {:.4}, adjusted {:.4}{}\n",
            p.rater,
            p.advantage,
            p.items,
            p.own,
            p.p,
            p.adjusted,
            if p.beaten { ", won" } else { "" }
        );
    }
    for (rater, items) in &a.left_out {
        out += &format!("    {rater} is left out: {items} items of {} needed\n", a.spec.min_units);
    }
    out
}

fn row(name: &str, e: Option<&Estimate>) -> Vec<String> {
    let dash = || "-".to_owned();
    vec![
        name.to_owned(),
        e.map_or_else(dash, |e| format!("{:.4}", e.value)),
        e.and_then(|e| e.interval).map_or_else(dash, |i| format!("[{:.4}, {:.4}]", i.lo, i.hi)),
        e.map_or_else(dash, |e| e.n.to_string()),
        e.map_or_else(dash, |e| e.unit.clone()),
    ]
}
