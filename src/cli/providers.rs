//! `polyculture providers ..` and `polyculture replies ..`.

use serde_json::{Value, json};

use super::args_providers::{ProvidersCommand, RepliesCommand};
use super::output::table;
use super::{Context, Failure};
use crate::config::{KeyStyle, PROVIDER_EXAMPLE, ProviderSettings, Structured, UserConfig};
use crate::domain::RunId;
use crate::providers::openai::{Probe, probe};
use crate::providers::replies::{ReplyKey, find};
use crate::text::display_lines;

/// Runs one of the commands.
///
/// # Errors
/// A configuration that does not parse, an unknown provider, one that does not answer.
pub fn run(ctx: &Context, command: &ProvidersCommand) -> Result<(), Failure> {
    let config = UserConfig::load().map_err(of_config)?;
    match command {
        ProvidersCommand::List => list(ctx, &config),
        ProvidersCommand::Show { name } => {
            let provider = config.provider(name).map_err(Failure::not_found)?;
            let doc = describe(provider);
            ctx.out.show(&doc, || lines(&doc))
        }
        ProvidersCommand::Test { name, model } => {
            config.provider(name).map_err(Failure::not_found)?;
            let found = probe(&config, name, model.as_deref().unwrap_or(""))
                .map_err(|e| Failure::failed(e).file(&config.file))?;
            ctx.out.show(&found, || said(&found))
        }
    }
}

fn of_config(e: crate::config::ConfigError) -> Failure {
    match &e {
        crate::config::ConfigError::BadSettings { path, line, .. } => {
            let (path, line) = (path.clone(), line.map(|n| n as u64));
            Failure::bad_input(&e).file(path).line(line)
        }
        _ => Failure::workspace(e),
    }
}

fn describe(p: &ProviderSettings) -> Value {
    let price = p.model.as_deref().and_then(|m| p.prices(m));
    json!({
        "name": p.name,
        "kind": "openai",
        "base_url": p.base_url,
        "model": p.model,
        "key": p.key.words(),
        "key_found": p.key.is_there(),
        "auth": match &p.key_style { KeyStyle::Bearer => "bearer", KeyStyle::Header(h) => h },
        "headers": p.headers.keys().collect::<Vec<_>>(),
        "query": p.query.keys().collect::<Vec<_>>(),
        "requests_per_minute": p.requests_per_minute,
        "tokens_per_minute": p.tokens_per_minute,
        "in_flight": p.in_flight,
        "connect_timeout_s": p.connect_timeout_s,
        "reply_timeout_s": p.reply_timeout_s,
        "retries": p.retries,
        "proxy": p.proxy.as_ref().map(|_| "set"),
        "extra_body": p.extra_body,
        "structured": match p.structured {
            Structured::Auto => "auto",
            Structured::JsonSchema => "json_schema",
            Structured::JsonObject => "json_object",
            Structured::None => "none",
        },
        "price": price.map(|q| json!({"prompt": q.prompt, "completion": q.completion,
            "currency": q.currency})),
    })
}

fn lines(doc: &Value) -> String {
    let Some(fields) = doc.as_object() else { return String::new() };
    let word = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    fields
        .iter()
        .filter(|(_, v)| !v.is_null())
        .map(|(name, v)| format!("{name:<20} {}\n", crate::text::display(&word(v))))
        .collect()
}

fn list(ctx: &Context, config: &UserConfig) -> Result<(), Failure> {
    let items: Vec<Value> = config.providers.values().map(describe).collect();
    ctx.out.list(&items, None, || {
        if items.is_empty() {
            let example: String = PROVIDER_EXAMPLE.lines().map(|l| format!("  {l}\n")).collect();
            return format!("No providers. Define one in {}:\n\n{example}", config.file.display());
        }
        let rows: Vec<Vec<String>> = config
            .providers
            .values()
            .map(|p| {
                let found = if p.key.is_there() == Some(false) { " (not found)" } else { "" };
                vec![
                    p.name.clone(),
                    p.base_url.clone(),
                    p.model.clone().unwrap_or_else(|| "-".into()),
                    format!("{}{found}", p.key.words()),
                ]
            })
            .collect();
        table(&["provider", "address", "model", "key"], &rows)
    })
}

fn said(p: &Probe) -> String {
    let yes = |b: bool| if b { "yes" } else { "no" };
    let mut out = format!(
        "{} answered in {:.0} ms as `{}`\n  structured output   {}\n  log-probabilities   {}\n  token counts        {}\n",
        p.provider,
        p.latency_ms,
        crate::text::display(&p.answered_by),
        p.structured,
        yes(p.log_probs),
        yes(p.usage),
    );
    if !p.refuses.is_empty() {
        out.push_str(&format!("  does not take       {}\n", p.refuses));
    }
    out.push_str(&format!(
        "  the test took       {} calls, {} tokens",
        p.calls,
        p.tokens.prompt + p.tokens.completion
    ));
    if let Some(cost) = p.cost {
        out.push_str(&format!(", {cost:.6}"));
    }
    out.push('\n');
    if p.answered_by != p.model {
        out.push_str(&format!("  note: `{}` was asked for\n", crate::text::display(&p.model)));
    }
    out
}

/// `polyculture replies ..`
///
/// # Errors
/// No reply of that key.
pub fn replies(ctx: &Context, command: &RepliesCommand) -> Result<(), Failure> {
    let RepliesCommand::Show { key, run } = command;
    let key: ReplyKey = key.parse().map_err(Failure::usage)?;
    let place = ctx.place()?;
    let files = crate::launch::reply_files(&place, run.as_ref());
    let reply = find(&files, &key)
        .map_err(Failure::workspace)?
        .ok_or_else(|| Failure::not_found(missing(&key, run.as_ref())))?;
    ctx.out.show(&reply, || {
        let failed = reply.failed.as_ref().map(|f| format!(", failed: {f}")).unwrap_or_default();
        format!(
            "{} at {}, HTTP {}{failed}, {} + {} tokens\n\n{}\n",
            crate::text::display(&reply.by),
            reply.at,
            reply.status,
            reply.usage.prompt,
            reply.usage.completion,
            display_lines(&reply.body)
        )
    })
}

fn missing(key: &ReplyKey, run: Option<&RunId>) -> String {
    match run {
        Some(run) => format!("run {run} has no reply {key}"),
        None => format!("no run of this workspace has a reply {key}"),
    }
}
