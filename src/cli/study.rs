//! `polyculture study ..` and `ratings import`: from the plan to the agreement.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{ExportRows, RatingsCommand, StudyCommand, TableFormat};
use super::output::{note, table};
use super::{Context, Failure};
use crate::domain::{RaterId, StudyId};
use crate::store::{DecisionKind, Rater, RaterKind, SampleFilter};
use crate::study::{
    AgreementReport, Among, BadLine, ExportFormat, ExportOptions, ExportWhat, NewStudy, StudyError,
    StudyStatus, agreement, codebook, create_study, export, fix_plan, import_ratings, read_ratings,
    results_among, status,
};
use crate::text;

/// Lines of a file that are named one by one.
const NAMED: usize = 10;

impl From<StudyError> for Failure {
    fn from(e: StudyError) -> Self {
        match e {
            StudyError::Store(e) => e.into(),
            other => Self::bad_input(other),
        }
    }
}

/// Runs one of the commands.
///
/// # Errors
/// An unknown study, a plan that cannot be, a file without ratings.
pub fn run(ctx: &Context, command: StudyCommand) -> Result<(), Failure> {
    match command {
        StudyCommand::New { name, items, k, seed } => {
            let mut store = ctx.write()?;
            let survey = store.read().survey()?;
            let kept =
                SampleFilter { decision: Some(DecisionKind::Kept), ..SampleFilter::default() };
            let mut samples = store.read().all_samples(&kept)?;
            samples.retain(|s| !s.provenance.held_out);
            let new = NewStudy { k, ..NewStudy::named(name.clone(), items, seed) };
            let made = create_study(&mut store, &samples, &survey, &new)?;
            ctx.out.show(&json!({"study": name, "items": made}), || {
                format!(
                    "{name}: {} items, controls and repeats included\n  next: polyculture study plan --study {name} --raters r001,r002,r003",
                    made.len()
                )
            })
        }
        StudyCommand::Plan { study, raters, languages } => {
            let mut store = ctx.write()?;
            let people: Vec<Rater> = raters
                .into_iter()
                .map(|id| Rater {
                    id,
                    kind: RaterKind::Human,
                    languages: languages.clone(),
                    consent: None,
                })
                .collect();
            let plan = fix_plan(&mut store, &study, &people)?;
            let load: Vec<(&RaterId, &usize)> = plan.load.iter().collect();
            ctx.out.show(
                &json!({"study": study, "assignments": plan.assignments.len(), "load": load}),
                || {
                    let mut out =
                        format!("{study}: {} assignments, fixed\n", plan.assignments.len());
                    for (rater, n) in &load {
                        out += &format!("  {rater}: {n} items\n");
                    }
                    out
                },
            )
        }
        StudyCommand::Status { study } => show_status(ctx, study.as_ref()),
        StudyCommand::Agreement { study, from, with_judges, draws, seed } => match (study, from) {
            (_, Some(path)) => from_file(ctx, &path, draws, seed),
            (Some(study), None) => {
                let among = if with_judges { Among::Everyone } else { Among::People };
                of_study(ctx, &study, among, draws, seed)
            }
            (None, None) => Err(Failure::usage("which ratings? give --study NAME or --from FILE")),
        },
        StudyCommand::Export { study, rows, format, comments, timings, output } => {
            let options = ExportOptions {
                what: match rows {
                    ExportRows::Events => ExportWhat::Events,
                    ExportRows::Current => ExportWhat::Current,
                },
                format: match format {
                    TableFormat::Csv => ExportFormat::Csv,
                    TableFormat::Jsonl => ExportFormat::Jsonl,
                },
                comments,
                timings,
            };
            write_export(ctx, &study, &options, output)
        }
    }
}

/// `polyculture ratings import`
///
/// # Errors
/// An unknown study; with `--strict`, any bad line.
pub fn ratings(ctx: &Context, command: RatingsCommand) -> Result<(), Failure> {
    let RatingsCommand::Import { file, study, strict } = command;
    let mut store = ctx.write()?;
    let report = import_ratings(&mut store, &study, &file, strict)?;
    ctx.out.show(&report, || {
        let mut out = format!(
            "{}: {} rows: {} ratings stored, {} known already, {} new raters\n",
            file.display(),
            report.rows,
            report.stored,
            report.known,
            report.new_raters
        );
        out += &bad_lines(&report.bad);
        out
    })
}

fn bad_lines(bad: &[BadLine]) -> String {
    let mut out = String::new();
    for b in bad.iter().take(NAMED) {
        out += &format!("  line {}: not read: {}\n", b.line, text::display(&b.reason));
    }
    if bad.len() > NAMED {
        out += &format!("  {} lines were not read in all\n", bad.len());
    }
    out
}

fn show_status(ctx: &Context, study: Option<&StudyId>) -> Result<(), Failure> {
    let store = ctx.read()?;
    let names: Vec<StudyId> = match study {
        Some(s) => vec![s.clone()],
        None => store.read().studies()?.into_iter().map(|s| s.id).collect(),
    };
    let all: Vec<StudyStatus> =
        names.iter().map(|n| status(store.read(), n)).collect::<Result<_, _>>()?;
    ctx.out.list(&all, None, || {
        if all.is_empty() {
            return "No studies yet. Make one with `polyculture study new NAME`.".into();
        }
        let mut out = String::new();
        for s in &all {
            let planned = if s.planned.is_some() { "planned" } else { "not planned yet" };
            out += &format!(
                "{}: k = {}, {planned}, {} of {} rated\n",
                s.study, s.k, s.rated, s.assigned
            );
            if let Some(n) = &s.note {
                out += &format!("  {n}\n");
            }
            let rows: Vec<Vec<String>> = s
                .raters
                .iter()
                .map(|r| {
                    vec![
                        r.rater.to_string(),
                        kind(r.kind).into(),
                        r.rated.to_string(),
                        r.assigned.to_string(),
                        r.skipped.to_string(),
                    ]
                })
                .collect();
            out += &table(&["rater", "kind", "rated", "of", "skipped"], &rows);
        }
        out
    })
}

fn kind(k: RaterKind) -> &'static str {
    match k {
        RaterKind::Human => "person",
        RaterKind::Scripted => "SCRIPTED",
        RaterKind::Judge => "model judge",
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
        out += &super::study_judges::lines(&r.judges);
        if let Some(a) = &r.among_judges {
            out += &format!("\namong the judges alone:\n{}", report_lines(a));
        }
        out
    })
}

fn write_export(
    ctx: &Context,
    study: &StudyId,
    options: &ExportOptions,
    output: Option<PathBuf>,
) -> Result<(), Failure> {
    let store = ctx.read()?;
    let Some(path) = output else {
        export(store.read(), study, options, &mut std::io::stdout().lock())?;
        return Ok(());
    };
    let file = File::create(&path).map_err(|e| Failure::failed(e).file(&path))?;
    let mut out = BufWriter::new(file);
    let rows = export(store.read(), study, options, &mut out)?;
    out.flush().map_err(|e| Failure::failed(e).file(&path))?;
    let book = path.with_extension("codebook.txt");
    std::fs::write(&book, codebook(options)).map_err(|e| Failure::failed(e).file(&book))?;
    note(&format!("{rows} rows in {}; columns explained in {}", path.display(), book.display()));
    Ok(())
}
