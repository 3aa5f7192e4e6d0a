//! `polyculture evaluate` for classification tasks, and the single replies of such a run.

use std::fs;

use super::args::EvaluateArgs;
use super::args_tasks::{EvaluateCommand, MethodArg};
use super::output::{note, table};
use super::{Context, Failure, activities, open, runs};
use crate::evaluate::classify::{
    Classified, Method, Outcome, ReplyFilter, SingleReply, Unanswered, plain, single_replies,
};
use crate::launch::{ClassifyRequest, CulturePrompt, classify};

/// True where the words name classification tasks: whatever is not a task of its own.
///
/// # Errors
/// Classification tasks and others in one command.
pub fn knows(tasks: &[String]) -> Result<bool, Failure> {
    let own = |t: &String| t == "survey" || open::knows(std::slice::from_ref(t));
    let others = tasks.iter().filter(|t| !own(t)).count();
    if others > 0 && others < tasks.len() {
        return Err(Failure::usage(
            "survey and the tasks answered in words are runs of their own: name them alone",
        ));
    }
    Ok(others > 0)
}

/// Runs the tasks.
///
/// # Errors
/// An unknown task or model, a set that is flagged; with `--wait`, a run that failed.
pub fn run(ctx: &Context, a: EvaluateArgs) -> Result<(), Failure> {
    if let Some(culture) = a.cultures.first() {
        return Err(Failure::usage(format!(
            "--cultures is for survey: name the tasks of a culture as `--tasks culture:{culture}`"
        )));
    }
    let place = ctx.place()?.awaiting(&a.start.terms.awaited());
    let c = &a.classify;
    let request = ClassifyRequest {
        models: a.model,
        tasks: a.tasks,
        parser: c.parser,
        method: match c.method {
            MethodArg::Generate => Method::Generate,
            MethodArg::Score => Method::Score,
        },
        culture_prompt: CulturePrompt::parse(&c.culture_prompt)?,
        reply_tokens: c.reply_tokens,
        allow_degenerate: c.allow_degenerate,
        unanswered: if c.count_unanswered { Unanswered::Wrong } else { Unanswered::Stop },
        draws: c.draws,
        seed: a.seed,
        threads: open::threads(),
    };
    let mut prepared = classify(&place, &request)?;
    let models = request.models.len();
    note(&format!(
        "{} tasks, {} items, {models} models: up to {} requests",
        prepared.sets,
        prepared.items,
        prepared.items * models as u64
    ));
    if !prepared.not_here.is_empty() {
        note(&format!(
            "{} tasks are left out, their texts are not here: {}",
            prepared.not_here.len(),
            prepared.not_here.join(", ")
        ));
    }
    if !open::said_before(ctx, &prepared.asked, &a.spend)? {
        return Ok(());
    }
    open::spend(&mut prepared.run, &a.spend, a.fresh);
    let Some(run) = runs::start(ctx, &place, &prepared.run, &a.start)? else { return Ok(()) };
    if !ctx.out.json {
        let text = fs::read_to_string(activities::attempt_file(&place, &run, "evaluation.json"))?;
        let result: Classified = serde_json::from_str(&text)?;
        println!("{}", plain(&result));
    }
    Ok(())
}

/// `polyculture evaluate replies ..`
///
/// # Errors
/// An unknown run, or one that is no classification.
pub fn command(ctx: &Context, command: EvaluateCommand) -> Result<(), Failure> {
    let EvaluateCommand::Replies {
        run,
        task,
        model,
        item,
        wrong,
        refused,
        invalid,
        show_text,
        limit,
    } = command;
    let place = ctx.place()?;
    let dir = place.folder().runs().join(run.as_str());
    if !dir.is_dir() {
        return Err(Failure::not_found(format!("no run {run} in this workspace"))
            .hint("`polyculture runs list --all` shows what there is"));
    }
    let filter = ReplyFilter { task, model, item, wrong, refused, invalid, limit: Some(limit) };
    let found = single_replies(&dir, &filter, show_text)?;
    ctx.out.list(&found, None, || {
        let rows: Vec<Vec<String>> = found.iter().map(|r| cells(r, show_text)).collect();
        let mut head = vec!["task", "item", "model", "gold", "read as", "reply"];
        if show_text {
            head.push("text");
        }
        let mut out = table(&head, &rows);
        if !show_text {
            out += "Texts and long replies are hidden, they may be abusive: --show-text\n";
        }
        out
    })
}

fn cells(r: &SingleReply, show_text: bool) -> Vec<String> {
    let read = match (&r.line.label, r.line.outcome) {
        (Some(label), _) => label.clone(),
        (None, Outcome::Refusal) => "refusal".into(),
        (None, _) => r.line.why.clone().unwrap_or_else(|| "-".into()),
    };
    let said = match &r.said {
        Some(said) => said.split_whitespace().collect::<Vec<_>>().join(" "),
        None if r.length > 0 => format!("({} characters)", r.length),
        None => "-".into(),
    };
    let mut out = vec![
        r.line.task.clone(),
        r.line.item.to_string(),
        r.line.model.clone(),
        r.line.gold.clone(),
        read,
        said,
    ];
    if show_text {
        out.push(r.text.clone().unwrap_or_default());
    }
    out
}
