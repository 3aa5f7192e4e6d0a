//! The table of a sweep, with a bar a value: the chart of the paper's ablation in lines of text.

use super::SweepReport;
use crate::domain::Split;
use crate::evaluate::{self, Metric};

/// Cells of the widest bar.
const BAR: usize = 30;

/// One bar an arm: 1-JSD with its interval on the split that shows most.
fn chart(r: &SweepReport) -> String {
    let splits = [Split::HeldOutParaphrase, Split::HeldOutQuestion, Split::SeedWording];
    let rows_of = |split: Split| -> Vec<_> {
        r.arms
            .iter()
            .filter_map(|arm| {
                r.evaluation.rows.iter().find(|row| {
                    &row.model == arm
                        && row.split == split
                        && row.metric == Metric::Jsd.as_str()
                        && row.culture == "all"
                })
            })
            .collect()
    };
    let Some((split, rows)) =
        splits.into_iter().map(|s| (s, rows_of(s))).find(|(_, rows)| !rows.is_empty())
    else {
        return String::new();
    };
    let ends = rows.iter().flat_map(|r| r.ci.unwrap_or([r.value, r.value]));
    let (lo, hi) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)));
    let span = (hi - lo).max(1e-9);
    let place = |x: f64| (((x - lo) / span) * (BAR - 1) as f64).round() as usize;
    let width = rows.iter().map(|r| r.model.chars().count()).max().unwrap_or(0);
    let mut out = format!(
        "1-JSD on {} ({} questions), 95 % intervals, axis {lo:.3} to {hi:.3}\n",
        split.as_str(),
        rows[0].n
    );
    for row in rows {
        let [a, b] = row.ci.unwrap_or([row.value, row.value]);
        let line: String = (0..BAR)
            .map(|i| match i {
                _ if i == place(row.value) => 'o',
                _ if i >= place(a) && i <= place(b) => '-',
                _ => ' ',
            })
            .collect();
        out += &format!("  {:<width$}  |{line}|  {:.3}\n", row.model, row.value);
    }
    out
}

/// As lines of text.
pub fn plain(r: &SweepReport) -> String {
    format!("sweep {}\n{}\n{}", r.name, chart(r), evaluate::plain(&r.evaluation))
}

/// As Markdown.
pub fn markdown(r: &SweepReport) -> String {
    format!(
        "## Sweep {}\n\n```text\n{}```\n\n{}",
        r.name,
        chart(r),
        evaluate::markdown(&r.evaluation)
    )
}
