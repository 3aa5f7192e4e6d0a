//! `polyculture sweep`: one thing varied, everything else equal.

use std::path::Path;

use super::args_compare::{SweepArg, SweepArgs};
use super::{Context, Failure, activities, seeds};
use crate::chart::{Chart, Palette, png};
use crate::sweep::{SweepError, SweepKind, SweepSpec, chart, plain, run as go};

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

/// # Errors
/// Counts that the workspace cannot make, a recipe that does not parse, a run that failed.
pub fn run(ctx: &Context, a: &SweepArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let survey = place.read()?.read().survey()?;
    seeds::pick_cultures(&survey, &a.cultures)?;
    let mut recipe = activities::recipe(&a.recipe)?;
    if let Some(steps) = a.steps {
        (recipe.steps, recipe.epochs) = (Some(steps), None);
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
