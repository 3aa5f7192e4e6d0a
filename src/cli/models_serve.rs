//! `polyculture models add`, `serve` and `connect`: models from elsewhere, and models for others.

use serde_json::json;

use super::args_models::{AddArgs, ConnectArgs, ServeArgs};
use super::{Context, Failure};
use crate::config::UserConfig;
use crate::domain::ModelId;
use crate::finetune::ModelRef;
use crate::launch::{connect_provider, register, registered, remote_of, serve_plan};

fn reference(name: &str) -> Result<ModelRef, Failure> {
    name.parse().map_err(Failure::usage)
}

/// `polyculture models add`
///
/// # Errors
/// No such model, or a name that is taken.
pub fn add(ctx: &Context, a: &AddArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let reference = reference(&a.model)?;
    if let ModelRef::Provider { provider, .. } = &reference {
        UserConfig::load()?.provider(provider).map_err(Failure::not_found)?;
    }
    let alias: ModelId = a.name.parse().map_err(Failure::usage)?;
    let record = register(&place, &alias, &reference, a.note.as_deref())?;
    ctx.out.show(&record, || {
        format!("{alias} is {reference}\n  next: polyculture evaluate --model {alias} --wait")
    })
}

/// `polyculture models serve`
///
/// # Errors
/// No such model, or one that lies at a service already.
pub fn serve(ctx: &Context, a: &ServeArgs) -> Result<(), Failure> {
    let plan = serve_plan(&ctx.place()?, &reference(&a.model)?, a.port, a.gpus)?;
    let doc = json!({"name": plan.name, "command": plan.words, "line": plan.line(),
        "base_url": plan.base_url});
    ctx.out.show(&doc, || {
        format!(
            "{}\n\nthen, here:\n  polyculture models connect {} --base-url {}",
            plan.line(),
            a.model,
            plan.base_url
        )
    })
}

/// `polyculture models connect`
///
/// # Errors
/// No such model, a provider of that name, an address that is none.
pub fn connect(ctx: &Context, a: &ConnectArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let reference = reference(&a.model)?;
    let record = registered(&place, &reference)?;
    if let Some(remote) = record.as_ref().and_then(remote_of) {
        return Err(Failure::bad_input(format!("{} is a model of a service: {remote}", a.model)));
    }
    let plan = serve_plan(&place, &reference, 8000, 1)?;
    let served = a.served_as.clone().unwrap_or(plan.name);
    let provider = a.provider.clone().unwrap_or_else(|| {
        served.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    });
    let provider: ModelId = provider.parse().map_err(Failure::usage)?;
    let config = UserConfig::load()?;
    let entry =
        connect_provider(&config.file, &provider, &a.base_url, &served, a.key_env.as_deref())?;
    let doc = json!({"provider": provider, "model": served, "config": config.file,
        "entry": entry});
    ctx.out.show(&doc, || {
        format!(
            "{}:\n\n{entry}\n  next: polyculture providers test {provider}\n        polyculture ask \
             --model provider:{provider}/{served} \"..\"",
            config.file.display()
        )
    })
}
