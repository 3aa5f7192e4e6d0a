//! `polyculture study agreement`: figures with intervals, people and judges apart.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{bad_lines, groups};
use crate::cli::output::table;
use crate::cli::{Context, Failure, study_judges};
use crate::domain::{StudyId, StudyType};
use crate::stats::Estimate;
use crate::study::{
    AgreementReport, Among, By, RaterEffects, ReadOptions, ResultsOptions, agreement_of,
    read_ratings_as, results_by, results_with,
};
use crate::text;

/// What `study agreement` takes.
#[derive(Debug, Args)]
pub struct AgreementArgs {
    /// The study
    #[arg(long, conflicts_with = "from")]
    study: Option<StudyId>,
    /// Ratings in a file instead: CSV with rater, item, score, or what Label Studio, Argilla or
    /// Potato write
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// What the scores of the file are: similarity, preference or appropriateness
    #[arg(
        long = "type",
        default_value = "similarity",
        conflicts_with = "study",
        value_name = "TYPE"
    )]
    study_type: StudyType,
    /// Count model judges as raters like any other; they stand apart otherwise
    #[arg(long, conflicts_with = "from")]
    with_judges: bool,
    /// Group by group: culture, stage, run, provider, band (of similarity) or language
    #[arg(long, conflicts_with = "from", value_name = "WHAT")]
    by: Option<By>,
    /// Epsilon of the alternative-annotator test: 0.2 where raters are experts, 0.15 skilled, 0.1 a crowd
    #[arg(long, default_value_t = 0.15, conflicts_with = "from")]
    epsilon: f64,
    /// Bootstrap draws
    #[arg(long, default_value_t = 10_000)]
    draws: usize,
    /// Random seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Computes and prints it.
///
/// # Errors
/// No such study; a file without ratings.
pub fn run(ctx: &Context, args: AgreementArgs) -> Result<(), Failure> {
    let AgreementArgs { study, from, study_type, with_judges, by, epsilon, draws, seed } = args;
    if !(0.0..=1.0).contains(&epsilon) {
        let range = "expected a number from 0 to 1: 0.2 experts, 0.15 skilled, 0.1 a crowd";
        return Err(Failure::usage(format!("--epsilon is {epsilon}; {range}")));
    }
    match (study, from) {
        (_, Some(path)) => from_file(ctx, &path, study_type, draws, seed),
        (Some(study), None) => {
            let among = if with_judges { Among::Everyone } else { Among::People };
            match by {
                Some(by) => {
                    let store = ctx.read()?;
                    let found = results_by(store.read(), &study, by, among, draws, seed)?;
                    ctx.out.show(&found, || groups::lines(&found))
                }
                None => of_study(ctx, &study, &ResultsOptions { among, draws, seed, epsilon }),
            }
        }
        (None, None) => Err(Failure::usage("which ratings? give --study NAME or --from FILE")),
    }
}

fn report_lines(a: &AgreementReport) -> String {
    let mut out = format!(
        "{} ratings of {} items by {} raters; intervals: {} draws over {} {}s; raters kept, drawn too for means and shares\n",
        a.ratings, a.items, a.raters, a.draws, a.units, a.unit
    );
    let rows: Vec<Vec<String>> = a
        .figures
        .iter()
        .map(|f| {
            vec![
                f.name.clone(),
                f.value.map_or_else(|| "-".into(), |v| format!("{v:.4}")),
                f.interval.map_or_else(|| "-".into(), |i| format!("[{:.4}, {:.4}]", i.lo, i.hi)),
                f.items.to_string(),
                f.undefined.clone().map(|u| format!("undefined: {u}")).unwrap_or_default(),
            ]
        })
        .collect();
    out += &table(&["figure", "value", "95 % interval", "items", ""], &rows);
    let d = a.distribution;
    out += &format!("scores 1 to 5: {} {} {} {} {}\n", d[0], d[1], d[2], d[3], d[4]);
    if let Some(e) = &a.effects {
        out += &effects(e);
    }
    for n in &a.notes {
        out += &format!("note: {}\n", text::display(n));
    }
    out
}

/// Raters named one by one, the farthest from the others first.
const LEANINGS: usize = 10;

fn effects(e: &RaterEffects) -> String {
    let share = |of: &Option<Estimate>| {
        of.as_ref().map_or_else(
            || "-".into(),
            |e| {
                let ends = e.interval.map(|i| format!(" [{:.2}, {:.2}]", i.lo, i.hi));
                format!("{:.2}{}", e.value, ends.unwrap_or_default())
            },
        )
    };
    let mut out = format!(
        "scores vary by items {}, raters {}, rest {} (shares of the variance)\n",
        share(&e.items),
        share(&e.raters),
        share(&e.rest)
    );
    let mut by: Vec<_> = e.leanings.iter().collect();
    by.sort_by(|a, b| b.points.value.abs().total_cmp(&a.points.value.abs()));
    let rows: Vec<Vec<String>> = by
        .iter()
        .take(LEANINGS)
        .map(|l| {
            let ends = l.points.interval.map(|i| format!("[{:+.3}, {:+.3}]", i.lo, i.hi));
            vec![
                text::display(&l.rater),
                format!("{:+.3}", l.points.value),
                ends.unwrap_or_else(|| "-".into()),
                l.ratings.to_string(),
            ]
        })
        .collect();
    out += &table(&["rater", "leans (points)", "95 % interval", "ratings"], &rows);
    if by.len() > LEANINGS {
        out += &format!("  {} more raters lean less; --json has all\n", by.len() - LEANINGS);
    }
    out
}

fn from_file(
    ctx: &Context,
    path: &Path,
    study_type: StudyType,
    draws: usize,
    seed: u64,
) -> Result<(), Failure> {
    let file = read_ratings_as(path, &ReadOptions::default())?;
    let report = agreement_of(study_type, &file.ratings, draws, seed)
        .map_err(|e| Failure::bad_input(e).file(path))?;
    let doc = json!({"file": path, "rows": file.rows, "bad": file.bad, "notes": file.notes, "agreement": report});
    ctx.out.show(&doc, || {
        let notes: String =
            file.notes.iter().map(|n| format!("note: {}\n", text::display(n))).collect();
        bad_lines(&file.bad) + &notes + &report_lines(&report)
    })
}

fn of_study(ctx: &Context, study: &StudyId, options: &ResultsOptions) -> Result<(), Failure> {
    let store = ctx.read()?;
    let r = results_with(store.read(), study, options)?;
    ctx.out.show(&r, || {
        let mut out = String::new();
        for n in &r.notes {
            out += &format!("note: {}\n", text::display(n));
        }
        match (&r.agreement, &r.undefined) {
            (Some(a), _) => out += &report_lines(a),
            (None, Some(u)) => out += &format!("undefined: {u}\n"),
            (None, None) => out += "no ratings yet\n",
        }
        out += &format!(
            "controls: {} rated, {} missed (shown, never dropped)\n",
            r.controls,
            r.control_failures.len()
        );
        let c = &r.repeats;
        if let Some(distance) = c.mean_distance {
            out += &format!(
                "repeats: {} pairs, {} with the same score, {} at most one apart, {distance:.2} points apart on average\n",
                c.pairs, c.same, c.within_one
            );
        }
        for (head, counts) in [("not scored", &r.not_scored), ("marked by raters", &r.flagged)] {
            let reasons: Vec<String> = counts.iter().map(|(why, n)| format!("{n} {why}")).collect();
            if !reasons.is_empty() {
                out += &format!("{head}: {}\n", reasons.join(", "));
            }
        }
        out += &study_judges::lines(&r.judges);
        if let Some(a) = &r.among_judges {
            out += &format!("\namong the judges alone:\n{}", report_lines(a));
        }
        out
    })
}
