//! `polyculture finetune`, `evaluate` and `models`.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::args::{EvaluateArgs, FinetuneArgs};
use super::args_models::ModelsCommand;
use super::output::table;
use super::{Context, Failure, open, runs, seeds, survey_task};
use crate::domain::RunId;
use crate::evaluate::{Plan, PlannedModel};
use crate::finetune::{Estimate, ModelChoice, ModelRef, Overrides, Recipe, preset, preset_names};
use crate::job::RunView;
use crate::launch::{self, FinetuneRequest, Place, SurveyInput, finetune};

/// A file that a run's last attempt wrote.
pub fn attempt_file(place: &Place, run: &RunView, name: &str) -> std::path::PathBuf {
    place.folder().runs().join(run.id.as_str()).join(format!("attempt-{}", run.attempt)).join(name)
}

/// A recipe by the name of a preset or the path of a file.
///
/// # Errors
/// Neither, or a file that does not parse (its line is named).
pub fn recipe(name: &str) -> Result<Recipe, Failure> {
    let path = Path::new(name);
    let text = match preset(name) {
        Some(text) => text.to_owned(),
        None if path.is_file() => {
            fs::read_to_string(path).map_err(|e| Failure::bad_input(e).file(path))?
        }
        None => {
            let known: Vec<&str> = preset_names().collect();
            return Err(Failure::not_found(format!(
                "no recipe `{name}`: expected a TOML file or one of {}",
                known.join(", ")
            )));
        }
    };
    Recipe::parse(&text, name).map_err(Failure::bad_input)
}

/// `polyculture finetune`
///
/// # Errors
/// An unknown dataset, a recipe that does not parse; with `--wait`, a run that failed.
pub fn tune(ctx: &Context, a: FinetuneArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let c = a.changes;
    let changes = Overrides {
        steps: c.steps,
        epochs: c.epochs,
        lr: c.lr,
        batch: c.batch,
        rank: c.rank,
        seed: c.seed,
        threads: c.threads,
        eval_share: c.eval_share,
        device: c.device,
        base: a.base.base,
    };
    let recipe = changes.apply(recipe(&a.recipe)?).map_err(Failure::usage)?;
    if let ModelChoice::Named(reference) = &recipe.model
        && !c.dry_run
    {
        super::models::fetch(reference)?;
    }
    let request =
        FinetuneRequest { dataset: a.dataset, recipe, alias: a.name, python: a.base.python };
    let mut prepared = finetune(&place, &request)?;
    prepared.anyway = c.even_if_it_does_not_fit;
    let estimate = prepared.input::<Estimate>("estimate.json");
    if c.dry_run {
        let doc = json!({"estimate": estimate, "memory": estimate.map(|e| e.memory()),
            "in_words": estimate.map(|e| e.to_string()),
            "does_not_fit": launch::check_fit(&place, &prepared).err().map(|e| e.to_string())});
        return ctx.out.show(&doc, || {
            let words = estimate.map_or_else(|| "no estimate".to_owned(), |e| e.to_string());
            match doc["does_not_fit"].as_str() {
                Some(why) => format!("{words}\nIt does not fit: {why}"),
                None => words,
            }
        });
    }
    if let Some(e) = estimate {
        super::output::note(&e.to_string());
    }
    runs::start(ctx, &place, &prepared, &a.start).map(drop)
}

/// `polyculture models ..`
///
/// # Errors
/// An unknown model, an unreadable workspace.
pub fn models(ctx: &Context, command: &ModelsCommand) -> Result<(), Failure> {
    let store = ctx.read()?;
    match command {
        ModelsCommand::List => {
            let all = store.read().models()?;
            ctx.out.list(&all, None, || {
                if all.is_empty() {
                    return "No models yet. `polyculture finetune --dataset NAME --wait` makes one.".into();
                }
                let rows: Vec<Vec<String>> = all
                    .iter()
                    .map(|m| {
                        let loss = m.card["trained"]["loss"].as_f64();
                        vec![
                            m.alias.clone().unwrap_or_else(|| "-".into()),
                            m.kind.clone(),
                            m.run.as_ref().map_or_else(|| "-".into(), ToString::to_string),
                            m.dataset.as_ref().map_or_else(|| "-".into(), ToString::to_string),
                            m.recipe["name"].as_str().unwrap_or("-").to_owned(),
                            m.card["trained"]["step"]
                                .as_u64()
                                .map_or_else(|| "-".into(), |n| n.to_string()),
                            loss.map_or_else(|| "-".into(), |l| format!("{l:.4}")),
                        ]
                    })
                    .collect();
                table(&["model", "kind", "run", "dataset", "recipe", "steps", "loss (nats)"], &rows)
            })
        }
        ModelsCommand::Card { model, output } => super::report::card(ctx, model, output.as_deref()),
        ModelsCommand::Merge(a) => super::models::merge(ctx, a),
        ModelsCommand::Add(a) => super::models_serve::add(ctx, a),
        ModelsCommand::Serve(a) => super::models_serve::serve(ctx, a),
        ModelsCommand::Connect(a) => super::models_serve::connect(ctx, a),
        ModelsCommand::Show { model } => {
            let reference: ModelRef = model.parse().map_err(Failure::usage)?;
            let name = match &reference {
                ModelRef::Run { run, .. } => run.to_string(),
                ModelRef::Alias(a) => a.to_string(),
                other => other.to_string(),
            };
            let reader = store.read();
            let found = match reader.model_by_alias(&name)? {
                Some(m) => Some(m),
                None => match crate::domain::ModelId::new(name.clone()) {
                    Ok(id) => reader.model(&id)?,
                    Err(_) => None,
                },
            };
            let m = found.ok_or_else(|| {
                Failure::not_found(format!("no model `{model}`"))
                    .hint("`polyculture models list` shows what there is")
            })?;
            ctx.out.show(&m, || {
                format!(
                    "model       {}\nrun         {}\ndataset     {}\ncheckpoint  {}\ntrained     {}\nrecipe      {}\n\n{}",
                    m.alias.clone().unwrap_or_else(|| m.id.to_string()),
                    m.run.as_ref().map_or("-", RunId::as_str),
                    m.dataset.as_ref().map_or_else(|| "-".into(), ToString::to_string),
                    m.checkpoint.clone().unwrap_or_else(|| {
                        launch::remote_of(&m).map_or_else(|| "-".into(), |r| r.to_string())
                    }),
                    if m.run.is_some() { &m.card["trained"] } else { &m.card },
                    m.recipe["name"].as_str().unwrap_or("-"),
                    m.recipe["toml"].as_str().unwrap_or(""),
                )
            })
        }
    }
}

/// `polyculture evaluate`
///
/// # Errors
/// An unknown model, task or culture; with `--wait`, a run that failed.
pub fn score(ctx: &Context, a: EvaluateArgs) -> Result<(), Failure> {
    if let Some(command) = a.command {
        return super::classify::command(ctx, command);
    }
    if super::classify::knows(&a.tasks)? {
        return super::classify::run(ctx, a);
    }
    if open::knows(&a.tasks) {
        return open::run(ctx, &a);
    }
    let place = ctx.place()?.awaiting(&a.start.terms.awaited());
    let survey = place.read()?.read().survey()?;
    seeds::pick_cultures(&survey, &a.cultures)?;
    let put = survey_task::texts(&place, &survey, a.dataset.as_ref(), usize::MAX)?;
    let mut models: Vec<PlannedModel> =
        a.model.iter().map(|m| launch::planned_model(&place, m)).collect::<Result<_, _>>()?;
    let mut against = None;
    if !a.open.changes.is_empty() {
        let [model] = models.as_slice() else {
            return Err(Failure::usage("--changes holds one --model against itself"));
        };
        let model = model.clone();
        against = Some(model.arm.clone());
        models.extend(a.open.changes.iter().map(|c| model.under(*c)));
    }
    let plan = Plan {
        against,
        cultures: a.cultures,
        draws_per_prompt: survey_task::drawn(&models, a.draws_per_prompt),
        ..Plan::new(models, put.trained, a.seed)
    };
    let input = SurveyInput::new(plan, put.texts);
    survey_task::go(ctx, &place, &survey, &input, &a.spend, a.fresh, &a.start)
}
