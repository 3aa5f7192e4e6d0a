//! `polyculture sweep`: one thing varied, everything else equal.

use std::path::Path;

use super::args_compare::{SweepArg, SweepArgs};
use super::{Context, Failure, activities, seeds};
use crate::chart::{Chart, Palette, png};
use crate::engine::Client;
use crate::finetune::{ModelChoice, Overrides};
use crate::launch::{self, Place, submit};
use crate::sweep::{SweepError, SweepKind, SweepSpec, chart, need, plain, run as go};

impl From<SweepError> for Failure {
    fn from(e: SweepError) -> Self {
        match e {
            SweepError::Place(e) => e.into(),
            SweepError::Engine(e) => e.into(),
            SweepError::Launch(e) => e.into(),
            other => Self::failed(other),
        }
    }
}

/// How often a sweep that was lost is said again by the engine itself.
const RETRIES: u32 = 5;

/// # Errors
/// Counts that the workspace cannot make, a recipe that does not parse, a run that failed.
pub fn run(ctx: &Context, a: &SweepArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let survey = place.read()?.read().survey()?;
    seeds::pick_cultures(&survey, &a.cultures)?;
    let changes = Overrides { steps: a.steps, base: a.base.clone(), ..Overrides::default() };
    let recipe = changes.apply(activities::recipe(&a.recipe)?).map_err(Failure::usage)?;
    if let ModelChoice::Named(reference) = &recipe.model
        && !a.dry_run
    {
        super::models::fetch(reference)?;
    }
    if recipe.steps.is_none() {
        return Err(Failure::usage(
            "the arms of a sweep get equal optimiser steps: this recipe counts epochs",
        )
        .hint("say --steps N"));
    }
    let spec = SweepSpec {
        kind: kind(a)?,
        seeds: a.seeds.max(1),
        recipe: recipe.to_toml().map_err(Failure::bad_input)?,
        cultures: a.cultures.clone(),
        held_out_questions: a.hold_out_questions,
        paraphrases: 2,
        seed: a.seed,
    };
    if a.dry_run || a.start {
        let need = need(&place, &spec)?;
        if a.start {
            return start(ctx, &place, a, &need.name);
        }
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let words = need.in_words(if ctx.slurm.is_some() { 1 } else { threads });
        let mut doc = serde_json::to_value(&need).map_err(Failure::failed)?;
        doc["in_words"] = words.clone().into();
        return ctx.out.show(&doc, || words);
    }
    let mut watch = super::demo::Watcher::new();
    let report =
        go(&place, &spec, ctx.slurm.as_ref(), &mut |step, done, of| watch.at(step, done, of))?;
    watch.end();
    ctx.out.show(&report, || plain(&report))?;
    match &a.chart {
        Some(path) => draw(&chart(&report), path),
        None => Ok(()),
    }
}

/// The same command as a run of the engine: it outlives this terminal, and is retried as any run.
/// It waits for other runs, which take all threads: it takes none itself.
fn start(ctx: &Context, place: &Place, a: &SweepArgs, name: &str) -> Result<(), Failure> {
    let cwd = std::env::current_dir()?;
    let program = std::env::current_exe()?;
    let mut argv = vec![program.display().to_string()];
    // Before `--`, where nothing but our own flags stands.
    argv.extend(std::env::args().skip(1).filter(|a| a != "--start" && a != "--json"));
    if a.chart.is_none() {
        let folder = place.folder().root().join("exports");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(format!("sweep-{name}.svg"));
        argv.extend(["--chart".to_owned(), file.display().to_string()]);
    }
    let mut prepared = launch::command(place, argv, Some(format!("sweep {name}")), &cwd);
    prepared.run.resources.threads = 0;
    // Saying it again goes on where it was.
    prepared.run.terms.retries = RETRIES;
    let root = place.folder().root().display().to_string();
    prepared.run.env.insert("POLYCULTURE_WORKSPACE".into(), root);
    let mut client = Client::connect_or_start()?;
    let run = submit(&mut client, place, &prepared)?;
    super::runs::show_started(ctx, &run)
}

/// Writes a chart in the format of the file's ending.
fn draw(chart: &Chart, path: &Path) -> Result<(), Failure> {
    let size = (960, 540);
    let svg = || chart.svg(size, &Palette::LIGHT);
    let bytes = match path.extension().and_then(|e| e.to_str()) {
        Some("png") => png(&svg(), 2.0).map_err(Failure::failed)?,
        Some("csv") => chart.csv().into_bytes(),
        Some("md") => chart.markdown().into_bytes(),
        _ => svg().into_bytes(),
    };
    std::fs::write(path, bytes).map_err(|e| Failure::failed(e).file(path))?;
    super::output::note(&format!("drawn into {}", path.display()));
    Ok(())
}

fn kind(a: &SweepArgs) -> Result<SweepKind, Failure> {
    Ok(match a.what {
        SweepArg::Ablation => SweepKind::Ablation,
        SweepArg::Samples => {
            let mut counts = a.counts.clone();
            counts.sort_unstable();
            counts.dedup();
            if counts.is_empty() {
                return Err(Failure::usage("--counts: expected numbers such as 50,100,500"));
            }
            SweepKind::Samples { counts }
        }
        SweepArg::Policies => SweepKind::Policies,
        SweepArg::Language => {
            let Some(language) = a.language.clone() else {
                return Err(Failure::usage("which language? say --language ar")
                    .hint("its texts come from `polyculture translate --to ar --provider NAME`"));
            };
            SweepKind::Language { language }
        }
    })
}
