//! The chart of a sweep: one place an arm, one line a split, the intervals as bands.

use super::{SweepKind, SweepReport};
use crate::chart::{Chart, IntervalPoint, IntervalSeries, Intervals};
use crate::domain::Split;
use crate::evaluate::{Baseline, Metric};

/// 1-JSD of every arm on each split, with its 95 % interval. The interval is over questions, with
/// the training seeds nested in them: it holds both what another set of questions and what another
/// seed of randomness would change. The mixture of the other cultures stands beside as what needs
/// no model.
pub fn chart(r: &SweepReport) -> Chart {
    let splits = [Split::HeldOutParaphrase, Split::HeldOutQuestion, Split::SeedWording];
    let row = |model: &str, split: Split| {
        r.evaluation.rows.iter().find(|row| {
            row.model == model
                && row.split == split
                && row.metric == Metric::Jsd.as_str()
                && row.culture == "all"
        })
    };
    let mut series = Vec::new();
    let mixture = Baseline::MixtureOfOthers.label();
    for split in splits {
        let points: Vec<Option<IntervalPoint>> = r
            .arms
            .iter()
            .map(|arm| {
                let row = row(arm, split)?;
                let interval = row.ci.map(|[low, high]| (low, high));
                Some(IntervalPoint { value: row.value, interval, n: row.n })
            })
            .collect();
        if points.iter().all(Option::is_none) {
            continue;
        }
        series.push(IntervalSeries {
            name: split.as_str().to_owned(),
            points,
            style: series.len(),
        });
        // One value for all arms: a level line, without its interval, which would hide theirs.
        if series.len() == 1
            && let Some(row) = row(mixture, split)
        {
            let point = IntervalPoint { value: row.value, interval: None, n: row.n };
            series.push(IntervalSeries {
                name: format!("{mixture} ({})", split.as_str()),
                points: vec![Some(point); r.arms.len()],
                style: 7,
            });
        }
    }
    let x_label = match &r.spec.kind {
        SweepKind::Samples { .. } => "texts, seeds counted first",
        SweepKind::Policies => "label policy",
        SweepKind::Ablation => "what the models were trained on",
        SweepKind::Language { .. } => "language of the texts",
    };
    // `50 texts` is a place named 50 on an axis of texts.
    let short = |arm: &String| {
        let cut = arm.strip_suffix(" texts").or_else(|| arm.strip_prefix("policy "));
        cut.unwrap_or(arm).to_owned()
    };
    Chart::Intervals(Intervals {
        title: format!(
            "sweep {}: {} training seeds, 95 % intervals over questions and seeds",
            r.name, r.spec.seeds
        ),
        x_label: x_label.into(),
        y_label: "1-JSD".into(),
        places: r.arms.iter().map(short).collect(),
        series,
    })
}
