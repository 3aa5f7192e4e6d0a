//! `polyculture augment` and `translate`.

use std::fs;

use super::activities::attempt_file;
use super::args::{AugmentArgs, StartArgs};
use super::args_calls::{MannerArgs, SpendArgs, TranslateArgs, WhatArg};
use super::output::note;
use super::{Context, Failure, runs};
use crate::augment::translate::{TranslateSettings, What};
use crate::augment::{Settings, Summary};
use crate::launch::{
    Place, Prepared, PreparedCalls, Speaker, augment, augment_with, named_source, translate,
};
use crate::providers::estimate::Estimate;
use crate::providers::language::Manner;
use crate::providers::prompts::Library;
use crate::providers::{Partition, Scope};

/// `polyculture augment`
///
/// # Errors
/// Settings that no run could follow, an unknown seed or provider; with `--wait`, a run that
/// failed.
pub fn grow(ctx: &Context, a: AugmentArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let partition = if a.held_out { Partition::HeldOut } else { Partition::Train };
    let by_rules = a.provider == "offline";
    let settings = Settings {
        manner: (!by_rules).then(|| manner(Manner::default(), &a.manner)),
        provider: a.provider,
        scope: Scope::of(partition),
        templates: a.templates,
        synonyms: if a.held_out { 0 } else { Settings::default().synonyms },
        keep: a.keep,
        threshold: a.threshold,
        false_accept: a.false_accept,
        encoder: a.encoder.as_deref().map(super::encoder::resolve).transpose()?,
        near_duplicate_likeness: (a.near_likeness < 1.0).then_some(a.near_likeness),
        seed: a.seed,
        ..Settings::default()
    };
    let prepared = if by_rules {
        if a.spend.dry_run {
            note("offline asks nobody: no calls, no cost");
            return Ok(());
        }
        augment(&place, &a.seeds, &settings)?
    } else {
        let speaker = speaker(&place, &settings.provider, &a.spend)?;
        let ready = augment_with(&place, &a.seeds, &settings, &speaker)?;
        match said(ctx, ready, &speaker, &a.spend)? {
            Some(prepared) => prepared,
            None => return Ok(()),
        }
    };
    finish(ctx, &place, &prepared, &a.start)
}

/// `polyculture translate`
///
/// # Errors
/// A tag that is none, nothing to translate, a provider that cannot be asked; with `--wait`, a run
/// that failed.
pub fn translated(ctx: &Context, a: TranslateArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    if a.provider == "offline" {
        return Err(Failure::usage("`offline` is rules for English and cannot translate")
            .hint("name a provider of your configuration, or a model: --provider NAME/MODEL"));
    }
    let what = match a.what {
        WhatArg::Seeds => What::Seeds,
        WhatArg::Samples => What::Samples,
        WhatArg::Both => What::Both,
    };
    let mut settings = TranslateSettings::new(&a.provider, a.to, what);
    settings.manner = manner(settings.manner, &a.manner);
    settings.seed = a.seed;
    let speaker = speaker(&place, &a.provider, &a.spend)?;
    let ready = translate(&place, &a.seeds, &settings, &speaker)?;
    match said(ctx, ready, &speaker, &a.spend)? {
        Some(prepared) => finish(ctx, &place, &prepared, &a.start),
        None => Ok(()),
    }
}

fn manner(usual: Manner, a: &MannerArgs) -> Manner {
    Manner {
        temperature: a.temperature.unwrap_or(usual.temperature),
        top_p: a.top_p.unwrap_or(usual.top_p),
        max_tokens: a.reply_tokens.unwrap_or(usual.max_tokens),
        ..usual
    }
}

fn speaker(place: &Place, name: &str, a: &SpendArgs) -> Result<Speaker, Failure> {
    Ok(Speaker {
        name: name.to_owned(),
        source: named_source(place, name)?,
        budget: a.budget.budget(),
        threads: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
        prompts: Library::of_user(),
    })
}

/// Says what the run will take. `None`: that was all that was asked for.
fn said(
    ctx: &Context,
    ready: PreparedCalls,
    speaker: &Speaker,
    a: &SpendArgs,
) -> Result<Option<Prepared>, Failure> {
    let e = &ready.estimate;
    if a.budget.max_cost.is_some() && e.cost_at_most.is_none() {
        return Err(Failure::usage(format!(
            "--max-cost needs a price, and your configuration has none for {}",
            speaker.name
        ))
        .hint(
            "add `price = { prompt = .., completion = .. }` to the provider, or use --max-calls",
        ));
    }
    if a.dry_run {
        ctx.out.show(&e, || format!("{}: {}", speaker.name, plan(e)))?;
        return Ok(None);
    }
    note(&format!("{}: {}", speaker.name, plan(e)));
    Ok(Some(ready.prepared))
}

/// Calls, tokens and money, as one line.
pub fn plan(e: &Estimate) -> String {
    let cost = match (&e.cost_at_most, &e.currency) {
        (Some(cost), Some(currency)) => format!("at most {cost:.2} {currency}"),
        _ => "no price known".into(),
    };
    format!(
        "up to {} calls, about {} tokens of prompts, at most {} of replies; {cost}",
        e.calls, e.prompt_tokens, e.completion_tokens_at_most
    )
}

fn finish(
    ctx: &Context,
    place: &Place,
    prepared: &Prepared,
    start: &StartArgs,
) -> Result<(), Failure> {
    let Some(run) = runs::start(ctx, place, prepared, start)? else { return Ok(()) };
    if ctx.out.json {
        return Ok(());
    }
    let text = fs::read_to_string(attempt_file(place, &run, "summary.json"))?;
    let s: Summary = serde_json::from_str(&text)?;
    println!(
        "{} proposed = {} kept + {} rejected + {} failed",
        s.proposed, s.kept, s.rejected, s.failed
    );
    for (reason, n) in &s.by_reason {
        println!("  {n:>5}  {reason}");
    }
    if let Some(c) = &s.calls {
        let cost = c.cost.map(|x| format!(", cost {x:.4}")).unwrap_or_default();
        println!(
            "{} requests: {} calls, {} from the reply store, {} failed; {} + {} tokens{cost}",
            c.requests, c.calls, c.stored, c.failed, c.usage.prompt, c.usage.completion
        );
    }
    Ok(())
}
