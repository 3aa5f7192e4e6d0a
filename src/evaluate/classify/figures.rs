//! The figures of a run in the form of every task, so that they are ingested and compared in one
//! way.

use std::collections::{BTreeMap, BTreeSet};

use super::means::MeanRow;
use super::plan::ClassifyPlan;
use super::rows::{Figure, ModelRow, SetRow};
use crate::domain::CultureId;
use crate::evaluate::figures::FigureRow;

/// One row a figure: each set and model, the answers that need no model, and the means.
pub(super) fn figure_rows(sets: &[SetRow], means: &[MeanRow]) -> Vec<FigureRow> {
    let mut out = Vec::new();
    for set in sets {
        let bare = |model: &str, metric: &str, f: Figure| FigureRow {
            model: model.to_owned(),
            culture: CultureId::new(set.culture.clone()).ok(),
            split: set.task.clone(),
            metric: metric.to_owned(),
            value: Some(f.value),
            ci: f.ci,
            n: if set.unit == "text" { set.texts } else { set.items } as usize,
            unit: set.unit.clone(),
            ..FigureRow::default()
        };
        let plain = |value| Figure { value, ci: None };
        for b in &set.baselines {
            let note = b.label.as_ref().map_or_else(String::new, |l| format!("always {l}"));
            out.push(FigureRow { note, ..bare(&b.name, "macro-f1", plain(b.macro_f1)) });
            out.push(bare(&b.name, "accuracy", plain(b.accuracy)));
        }
        for m in &set.models {
            out.push(bare(&m.model, "macro-f1", m.macro_f1));
            out.push(bare(&m.model, "accuracy", plain(m.accuracy)));
            let share = |n: u64| plain(n as f64 / set.items.max(1) as f64);
            out.push(bare(&m.model, "refused", share(m.refusals)));
            out.push(bare(&m.model, "invalid", share(m.invalid + m.unanswered)));
            for l in &m.labels {
                out.push(FigureRow {
                    n: l.support as usize,
                    value: l.f1,
                    ..bare(&m.model, &format!("f1 of {}", l.label), plain(0.0))
                });
            }
            out.extend(paired(set, m, bare(&m.model, "macro-f1", plain(0.0))));
        }
    }
    out.extend(constant_means(means));
    out.extend(means.iter().flat_map(mean_rows));
    out
}

/// The best constant answers in the means, so that no mean stands without its baseline.
fn constant_means(means: &[MeanRow]) -> Vec<FigureRow> {
    let mut seen = BTreeSet::new();
    means
        .iter()
        .filter(|r| seen.insert((&r.over, &r.name)))
        .map(|r| FigureRow {
            model: "best constant".into(),
            value: Some(r.best_constant),
            ci: None,
            note: String::new(),
            ..mean_row(r)
        })
        .collect()
}

fn paired(set: &SetRow, m: &ModelRow, row: FigureRow) -> Option<FigureRow> {
    let p = m.paired.as_ref()?;
    Some(FigureRow {
        against: Some(p.against.clone()),
        metric: "macro-f1 difference".into(),
        value: Some(p.difference.value),
        ci: p.difference.ci,
        p: p.p_holm,
        note: match (set.few, set.degenerate) {
            (_, true) => "no claim: the set is flagged".into(),
            (true, _) => "no claim: a label has fewer than 20 items".into(),
            _ => "p after Holm over the table".into(),
        },
        ..row
    })
}

fn mean_row(r: &MeanRow) -> FigureRow {
    let of_culture = r.over == "culture";
    FigureRow {
        model: r.model.clone(),
        culture: if of_culture { CultureId::new(r.name.clone()).ok() } else { None },
        split: if of_culture { "mean".into() } else { format!("{}:{}", r.over, r.name) },
        metric: "macro-f1".into(),
        value: Some(r.macro_f1.value),
        ci: r.macro_f1.ci,
        n: r.pools,
        unit: "pool of texts".into(),
        note: format!("best constant answers: {:.3}", r.best_constant),
        ..FigureRow::default()
    }
}

fn mean_rows(r: &MeanRow) -> Vec<FigureRow> {
    let row = mean_row(r);
    let difference = r.difference.map(|d| FigureRow {
        against: r.against.clone(),
        metric: "macro-f1 difference".into(),
        value: Some(d.value),
        ci: d.ci,
        p: r.p_holm,
        note: "p after Holm over the means".into(),
        ..row.clone()
    });
    std::iter::once(row).chain(difference).collect()
}

/// Items by what became of them, for each set and model.
pub(super) fn counts(sets: &[SetRow]) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut out = BTreeMap::new();
    for set in sets {
        for m in &set.models {
            let labelled = set.items - m.refusals - m.invalid - m.unanswered;
            let mut counts = BTreeMap::new();
            for (what, n) in [
                ("labelled", labelled),
                ("refused", m.refusals),
                ("invalid", m.invalid),
                ("unanswered", m.unanswered),
                ("without gold", set.left_out),
            ] {
                if n > 0 {
                    counts.insert(what.to_owned(), n as usize);
                }
            }
            out.insert(format!("{} by {}", set.task, m.model), counts);
        }
    }
    out
}

/// What a reader must know of the whole table.
pub(super) fn notes(plan: &ClassifyPlan, merged_pools: &[String]) -> Vec<String> {
    let mut out = vec![format!(
        "Macro-F1 over the declared labels; refused and invalid replies are wrong. {} draws of \
         texts, {} exchanges a test; Holm over the table; few: a label has fewer than 20 items, no \
         claim is made.",
        plan.draws, plan.swaps
    )];
    if plan.culture_prompt != "none" {
        out.push(format!("Prompts name a culture: {}.", plan.culture_prompt));
    }
    out.extend(merged_pools.iter().map(|m| format!("One pool in the means: {m}.")));
    out
}
