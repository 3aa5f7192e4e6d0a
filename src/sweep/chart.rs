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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{EvalRow, Evaluation, Plan};
    use crate::sweep::SweepSpec;

    fn row(model: &str, split: Split, value: f64, ci: Option<[f64; 2]>) -> EvalRow {
        EvalRow {
            model: model.into(),
            culture: "all".into(),
            split,
            metric: Metric::Jsd.as_str().into(),
            value,
            ci,
            n: 12,
            unit: "question".into(),
            baseline: None,
            diff: None,
            diff_ci: None,
            p: None,
            p_holm: None,
            seeds: 5,
            exploratory: false,
        }
    }

    fn report(rows: Vec<EvalRow>) -> SweepReport {
        let counts = vec![50, 100, 500, 1000];
        SweepReport {
            name: "samples-1234".into(),
            arms: counts.iter().map(|n| format!("{n} texts")).collect(),
            spec: SweepSpec {
                kind: SweepKind::Samples { counts },
                seeds: 5,
                recipe: String::new(),
                cultures: vec![],
                held_out_questions: 0,
                paraphrases: 1,
                seed: 1,
            },
            evaluation: Evaluation {
                plan_sha256: String::new(),
                plan: Plan::new(vec![], vec![], 1),
                weighting: vec![],
                shared_questions: vec![],
                left_out: vec![],
                methods: std::collections::BTreeMap::new(),
                rows,
                pairs: vec![],
                variance: vec![],
            },
            runs: vec![],
        }
    }

    #[test]
    fn a_sweep_without_rows_is_an_empty_chart_and_one_of_counts_has_a_band() {
        let Chart::Intervals(none) = chart(&report(vec![])) else { panic!("another chart") };
        assert_eq!((none.series.len(), none.places.len()), (0, 4));
        let split = Split::HeldOutParaphrase;
        let mut rows: Vec<EvalRow> = [(50, 0.80), (100, 0.84), (500, 0.90), (1000, 0.91)]
            .into_iter()
            .map(|(n, v)| row(&format!("{n} texts"), split, v, Some([v - 0.02, v + 0.02])))
            .collect();
        rows.push(row(Baseline::MixtureOfOthers.label(), split, 0.83, Some([0.8, 0.86])));
        let made = chart(&report(rows));
        let Chart::Intervals(c) = &made else { panic!("another chart") };
        assert_eq!(c.places, ["50", "100", "500", "1000"]);
        assert_eq!(c.series.len(), 2);
        let svg = made.svg((800, 400), &crate::chart::Palette::LIGHT);
        assert!(
            svg.contains("<polygon") && svg.contains(">1000<") && svg.contains("5 training seeds")
        );
        assert!(made.csv().contains("held-out paraphrase,500,0.9,0.88,0.92,12"), "{}", made.csv());
        let cells = made.cells(80, 20, crate::chart::Glyphs::Braille).to_text();
        assert!(cells.contains("1000") && cells.contains("mixture"), "{cells}");
    }
}
