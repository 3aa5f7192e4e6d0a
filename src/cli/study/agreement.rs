//! `polyculture study agreement`: figures with intervals, people and judges apart.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::bad_lines;
use crate::cli::output::table;
use crate::cli::{Context, Failure, study_judges};
use crate::domain::StudyId;
use crate::study::{AgreementReport, Among, agreement, read_ratings, results_among};
use crate::text;

/// What `study agreement` takes.
#[derive(Debug, Args)]
pub struct AgreementArgs {
    /// The study
    #[arg(long, conflicts_with = "from")]
    study: Option<StudyId>,
    /// Ratings in a file instead: CSV with rater, item, score
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Count model judges as raters like any other; they stand apart otherwise
    #[arg(long, conflicts_with = "from")]
    with_judges: bool,
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
    let AgreementArgs { study, from, with_judges, draws, seed } = args;
    match (study, from) {
        (_, Some(path)) => from_file(ctx, &path, draws, seed),
        (Some(study), None) => {
            let among = if with_judges { Among::Everyone } else { Among::People };
            of_study(ctx, &study, among, draws, seed)
        }
        (None, None) => Err(Failure::usage("which ratings? give --study NAME or --from FILE")),
    }
}

fn report_lines(a: &AgreementReport) -> String {
    let mut out = format!(
        "{} ratings of {} items by {} raters; intervals: {} draws over {} {}s, raters kept\n",
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
    for n in &a.notes {
        out += &format!("note: {}\n", text::display(n));
    }
    out
}

fn from_file(ctx: &Context, path: &Path, draws: usize, seed: u64) -> Result<(), Failure> {
    let file = read_ratings(path, None, false)?;
    let report =
        agreement(&file.ratings, draws, seed).map_err(|e| Failure::bad_input(e).file(path))?;
    let doc = json!({"file": path, "rows": file.rows, "bad": file.bad, "agreement": report});
    ctx.out.show(&doc, || bad_lines(&file.bad) + &report_lines(&report))
}

fn of_study(
    ctx: &Context,
    study: &StudyId,
    among: Among,
    draws: usize,
    seed: u64,
) -> Result<(), Failure> {
    let store = ctx.read()?;
    let r = results_among(store.read(), study, among, draws, seed)?;
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
        out += &study_judges::lines(&r.judges);
        if let Some(a) = &r.among_judges {
            out += &format!("\namong the judges alone:\n{}", report_lines(a));
        }
        out
    })
}
