//! The command line: a face without rules of the domain. It reads words, calls the rooms below,
//! and answers in lines for people or in one JSON document.

mod activities;
pub mod args;
mod args_ask;
mod args_calls;
mod args_compare;
mod args_judge;
mod args_models;
mod args_on;
mod args_open;
mod args_prompts;
mod args_providers;
mod args_robustness;
mod args_runs;
mod args_tasks;
mod args_terms;
mod args_watch;
mod args_workbench;
mod ask;
mod augment;
mod classify;
mod compare;
mod context;
mod dataset;
mod demo;
mod doctor;
mod doctor_cuda;
mod doctor_host;
mod doctor_torch;
mod encoder;
mod engine_life;
mod failure;
mod gpus;
mod judge;
mod keys;
mod models;
mod models_serve;
mod open;
mod output;
mod prompts;
mod providers;
mod prune;
mod report;
mod robustness;
mod runs;
mod samples;
mod samples_import;
mod samples_stats;

mod seeds;
mod seeds_import;
mod study;
mod study_judges;
mod survey_task;
mod sweep;
mod tasks;
mod watch;
mod workbench;
mod workspace;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use serde_json::json;

use args::{Cli, Command};
pub use context::Context;
pub use failure::{Exit, Failure};
pub use output::Output;

use crate::launch::ScreenFace;

/// Runs one command line; the process exits with what is returned.
pub fn main(args: impl IntoIterator<Item = OsString>, screen: ScreenFace) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors; everything else is wrong usage.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { Exit::Usage.code() } else { 0 });
        }
    };
    let json = cli.json;
    match dispatch(cli, screen) {
        Ok(code) => code,
        Err(e) => {
            report(&e, json);
            ExitCode::from(e.exit.code())
        }
    }
}

fn report(e: &Failure, json: bool) {
    if json {
        if !e.told {
            let doc = json!({"error": e});
            let _ = writeln!(std::io::stdout(), "{doc:#}");
        }
    } else {
        let _ =
            writeln!(std::io::stderr(), "error: {}", crate::text::display_lines(&e.to_string()));
    }
}

fn dispatch(cli: Cli, screen: ScreenFace) -> Result<ExitCode, Failure> {
    let ctx = Context::new(cli.json, cli.workspace, screen);
    let looks = cli.looks;
    let Some(command) = cli.command else {
        workbench::workbench(&ctx, &looks)?;
        return Ok(ExitCode::SUCCESS);
    };
    let ctx = match command.on() {
        Some(on) => ctx.on(on.ask()?),
        None => ctx,
    };
    match command {
        Command::Seeds(c) => seeds::run(&ctx, c)?,
        Command::Samples(c) => samples::run(&ctx, c)?,
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "polyculture",
                &mut std::io::stdout(),
            );
        }
        Command::Man => clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?,
        Command::Demo(a) => demo::demo(&ctx, a, &looks)?,
        Command::Init { dir, empty } => init(&ctx, &dir, empty)?,
        Command::Augment(a) => augment::grow(&ctx, a)?,
        Command::Translate(a) => augment::translated(&ctx, a)?,
        Command::Dataset(c) => dataset::run(&ctx, c)?,
        Command::Finetune(a) => activities::tune(&ctx, a)?,
        Command::Models(c) => activities::models(&ctx, &c)?,
        Command::Tasks(c) => tasks::run(&ctx, c)?,
        Command::Evaluate(a) => activities::score(&ctx, a)?,
        Command::Sweep(a) => sweep::run(&ctx, &a)?,
        Command::Report(a) => report::run(&ctx, &a)?,
        Command::Compare(a) => compare::run(&ctx, a)?,
        Command::Runs(c) => runs::run(&ctx, c, &looks)?,
        Command::Engine(c) => return runs::engine(&ctx, c),
        Command::Work { attempt } => return Ok(crate::work::main(&attempt)),
        Command::Shim { attempt } => return Ok(crate::engine::shim::main(&attempt)),
        Command::Prompts(c) => prompts::run(&ctx, c)?,
        Command::Ask(a) => ask::run(&ctx, a)?,
        Command::Robustness(c) => robustness::run(&ctx, c)?,
        Command::Judge(a) => judge::run(&ctx, a)?,
        Command::Keys { markdown } => keys::run(&ctx, markdown)?,
        Command::Rate(a) => workbench::rate(&ctx, a, &looks)?,
        Command::Study(c) => study::run(&ctx, c)?,
        Command::Workspace(c) => workspace::run(&ctx, &c)?,
        Command::Ratings(c) => study::ratings(&ctx, c)?,
        Command::Providers(c) => providers::run(&ctx, &c)?,
        Command::Replies(c) => providers::replies(&ctx, &c)?,
        Command::Doctor { torch: true, python, .. } => {
            doctor_torch::run(&ctx, python.as_deref())?;
        }
        Command::Doctor { cuda: true, .. } => doctor_cuda::run(&ctx)?,
        Command::Doctor { .. } => doctor::run(&ctx)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn init(ctx: &Context, dir: &std::path::Path, empty: bool) -> Result<(), Failure> {
    let place = crate::launch::Place::init(dir, empty)?;
    let survey = place.read()?.read().survey()?;
    let doc = json!({"workspace": place.folder().root(), "seeds": survey.questions.len(),
        "cultures": survey.cultures.len()});
    ctx.out.show(&doc, || {
        format!(
            "{}: a workspace with {} seeds and {} cultures\n  next: polyculture -w {} augment --wait",
            place.folder().root().display(),
            survey.questions.len(),
            survey.cultures.len(),
            dir.display()
        )
    })
}

/// `polyculture` alone: the workbench, which needs a terminal.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
