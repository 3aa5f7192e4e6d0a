//! `polyculture runs ..` and `polyculture engine ..`: what the engine runs, ran and will run.

use std::borrow::Cow;
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

use super::args::{EngineCommand, RunsCommand, StartArgs};
use super::args_workbench::LooksArgs;
use super::output::{note, table};
use super::{Context, Failure};
use crate::domain::RunId;
use crate::engine::protocol::ListAsk;
use crate::engine::{Client, EngineError, Foreground, daemon, follow, wait_in_foreground};
use crate::ingest::ingest;
use crate::job::{MetricsRow, RunView, StateName, read_jsonl};
use crate::launch::{self, LaunchError, Place, Prepared, submit};
use crate::store::engine::Pool;

impl From<EngineError> for Failure {
    fn from(e: EngineError) -> Self {
        let hint = match &e {
            EngineError::Refused(r) => r.hint.clone(),
            _ => None,
        };
        let mut f = if e.exit_code() == 3 { Self::engine(&e) } else { Self::usage(&e) };
        e.code().clone_into(&mut f.code);
        f.hint = hint;
        f
    }
}

impl From<LaunchError> for Failure {
    fn from(e: LaunchError) -> Self {
        match e {
            LaunchError::Place(e) => e.into(),
            LaunchError::Store(e) => e.into(),
            LaunchError::Engine(e) => e.into(),
            LaunchError::Dataset(e) => e.into(),
            LaunchError::Study(e) => e.into(),
            LaunchError::Classify(e) => e.into(),
            LaunchError::Files(e) => Self::workspace(e),
            LaunchError::Unknown(_) | LaunchError::Domain(_) => Self::not_found(e),
            other => Self::usage(other),
        }
    }
}

/// Hands a run to the engine, on the terms that were given; with `--wait` follows it to its end.
///
/// # Errors
/// It cannot be started; or, followed, it did not succeed.
pub fn start(
    ctx: &Context,
    place: &Place,
    prepared: &Prepared,
    how: &StartArgs,
) -> Result<Option<RunView>, Failure> {
    let placed = sent(ctx, prepared)?;
    let mut client = Client::connect_or_start()?;
    super::engine_life::warn_of_logout(&client);
    let mut prepared = placed.into_owned();
    how.terms.apply(&mut prepared.run);
    for model in launch::awaited_models(&prepared) {
        note(&format!("{model} is not there yet: it is looked up when this run starts"));
    }
    let run = submit(&mut client, place, &prepared)?;
    if !how.wait {
        show_started(ctx, &run)?;
        return Ok(None);
    }
    follow_run(ctx, &mut client, &run.id)
}

/// Says of a run that was added how to follow it.
pub(super) fn show_started(ctx: &Context, run: &RunView) -> Result<(), Failure> {
    ctx.out.show(run, || {
        let word = run.state.word();
        format!("{} {word}\n  follow it:  polyculture runs logs -f {}\n", run.id, run.id)
    })
}

/// The run, to where the command line sends it.
fn sent<'a>(ctx: &Context, prepared: &'a Prepared) -> Result<Cow<'a, Prepared>, Failure> {
    let Some(ask) = &ctx.slurm else { return Ok(Cow::Borrowed(prepared)) };
    let mut prepared = prepared.clone();
    launch::on_slurm(&mut prepared.run, ask)?;
    Ok(Cow::Owned(prepared))
}

/// Many runs of one command, as one array of SLURM.
fn start_array(
    ctx: &Context,
    place: &Place,
    one: &Prepared,
    (of, at_once): (u32, Option<u32>),
    how: &StartArgs,
) -> Result<(), Failure> {
    if ctx.slurm.is_none() {
        return Err(Failure::usage("--array is one submission of SLURM").hint("say --on slurm too"));
    }
    let mut one = sent(ctx, one)?.into_owned();
    how.terms.apply(&mut one.run);
    let mut all = vec![one; of as usize];
    launch::as_array(&mut all, &launch::array_name("array"), at_once);
    let mut client = Client::connect_or_start()?;
    let mut runs = Vec::new();
    for prepared in &all {
        runs.push(submit(&mut client, place, prepared)?);
    }
    if how.wait {
        for run in &mut runs {
            *run = client.wait(&run.id, &mut |_, _| ())?;
        }
    }
    ctx.out.list(&runs, None, || runs.iter().map(|r| format!("{}\n", line(r))).collect())?;
    if how.wait { runs.iter().try_for_each(ended) } else { Ok(()) }
}

/// Waits at the terminal. `None` when Ctrl-C left the run going.
fn follow_run(ctx: &Context, client: &mut Client, run: &RunId) -> Result<Option<RunView>, Failure> {
    match wait_in_foreground(client, run)? {
        Foreground::Left => Ok(None),
        Foreground::Ended(view) => {
            ctx.out.show(&view, || line(&view))?;
            ended(&view)?;
            Ok(Some(view))
        }
    }
}

/// An end other than success is a failure of the command that waited for it.
pub fn ended(view: &RunView) -> Result<(), Failure> {
    if view.state == StateName::Succeeded {
        return Ok(());
    }
    let why = view.reason.clone().map(|r| format!(": {r}")).unwrap_or_default();
    let mut f = Failure::failed(format!("run {} ended as {}{why}", view.id, view.state.word()))
        .hint(format!("`polyculture runs logs {}` shows what it printed", view.id));
    f.told = true;
    Err(f)
}

fn line(view: &RunView) -> String {
    let took = match (view.started_at, view.ended_at) {
        (Some(a), Some(b)) => {
            format!(" in {:.1} s", (b - a).total(jiff::Unit::Second).unwrap_or(0.0))
        }
        _ => String::new(),
    };
    format!("{} {}{took}", view.id, view.state.word())
}

/// Runs one of the commands.
///
/// # Errors
/// An unknown run, an engine that cannot be reached; followed, a run that did not succeed.
pub fn run(ctx: &Context, command: RunsCommand, looks: &LooksArgs) -> Result<(), Failure> {
    match command {
        RunsCommand::Add { label, threads, array, start: how, command: argv } => {
            let place = ctx.place()?;
            let cwd = env::current_dir()?;
            let mut prepared = launch::command(&place, argv, label, &cwd);
            prepared.run.resources.threads = threads;
            prepared.run.resources.gpus = how.on.gpus_here()?;
            match array {
                Some(array) => start_array(ctx, &place, &prepared, array, &how),
                None => start(ctx, &place, &prepared, &how).map(drop),
            }
        }
        RunsCommand::List { all, filter, state, limit, after } => {
            let ask = ListAsk { words: filter, states: state, ..ListAsk::default() };
            list(ctx, all, limit, after.as_deref(), ask)
        }
        RunsCommand::Prune { yes } => super::prune::run(ctx, yes),
        RunsCommand::Show { run } => {
            let view = Client::connect_or_start()?.show(&run)?;
            ctx.out.show(&view, || {
                let mut out = format!("{}\n", line(&view));
                out += &format!("kind      {}\n", view.kind.word());
                if let Some(l) = &view.label {
                    out += &format!("label     {}\n", crate::text::display(l));
                }
                out += &format!("attempt   {}\nqueued    {}\n", view.attempt, view.queued_at);
                if let Some(t) = view.started_at {
                    out += &format!("started   {t}\n");
                }
                if let Some(t) = view.ended_at {
                    out += &format!("ended     {t}\n");
                }
                if let Some(t) = view.until {
                    out += &format!("not before {t}\n");
                }
                if let Some(p) = &view.pool {
                    out += &format!("pool      {p}\n");
                }
                if let Some(r) = &view.reason {
                    out += &format!("reason    {}\n", crate::text::display(r));
                }
                out
            })
        }
        RunsCommand::Wait { run } => {
            let mut client = Client::connect_or_start()?;
            follow_run(ctx, &mut client, &run).map(drop)
        }
        RunsCommand::Logs { run, follow } => {
            let mut client = Client::connect_or_start()?;
            let mut out = io::stdout().lock();
            follow::follow_logs(&mut client, &run, None, 0, follow, &mut out)?;
            Ok(out.flush()?)
        }
        RunsCommand::Watch(a) => super::watch::run(ctx, &a, looks),
        RunsCommand::Metrics { run } => metrics(ctx, &run),
        RunsCommand::Cancel { run } => {
            let view = Client::connect_or_start()?.cancel(&run)?;
            ctx.out.show(&view, || line(&view))
        }
        RunsCommand::Stop { run } => {
            let view = Client::connect_or_start()?.checkpoint(&run)?;
            ctx.out.show(&view, || {
                format!("{}\n  go on later:  polyculture runs resume {}\n", line(&view), view.id)
            })
        }
        RunsCommand::Pause { run } => {
            let view = Client::connect_or_start()?.pause(&run)?;
            ctx.out.show(&view, || {
                format!(
                    "{}\n  it keeps its memory, on GPUs too; `polyculture runs stop {}` frees them\n  go on:  polyculture runs resume {}\n",
                    line(&view), view.id, view.id
                )
            })
        }
        RunsCommand::Resume { run } => {
            let view = Client::connect_or_start()?.resume(&run)?;
            ctx.out.show(&view, || line(&view))
        }
        RunsCommand::Priority { run, priority } => {
            let view = Client::connect_or_start()?.priority(&run, priority)?;
            ctx.out
                .show(&view, || format!("{} {}, priority {priority}", view.id, view.state.word()))
        }
        RunsCommand::Retry { run, wait } => {
            let mut client = Client::connect_or_start()?;
            let view = client.retry(&run)?;
            if wait {
                return follow_run(ctx, &mut client, &run).map(drop);
            }
            ctx.out.show(&view, || {
                format!("{} {}, attempt {}", view.id, view.state.word(), view.attempt)
            })
        }
    }
}

fn list(
    ctx: &Context,
    all: bool,
    limit: usize,
    after: Option<&str>,
    ask: ListAsk,
) -> Result<(), Failure> {
    let place = if all { None } else { Some(ctx.place()?) };
    let before = after
        .map(|a| {
            a.parse::<i64>().map_err(|_| Failure::usage(format!("`{a}` is no `next` of a page")))
        })
        .transpose()?;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let workspace = place.map(|p| p.folder().root().to_owned());
    let ask = ListAsk { workspace, before, limit, ..ask };
    let mut engine = Client::connect_or_start()?;
    if ctx.out.json {
        let page = engine.find_raw(&ask)?;
        return ctx.out.list(&page.items, page.next.map(|n| n.to_string()), String::new);
    }
    let page = engine.find(&ask)?;
    ctx.out.list(&page.items, page.next.map(|n| n.to_string()), || {
        if page.items.is_empty() {
            return "No runs yet. `polyculture augment`, `finetune`, `evaluate` and `runs add -- CMD` start them.".into();
        }
        let rows: Vec<Vec<String>> = page
            .items
            .iter()
            .map(|v| {
                vec![
                    v.id.to_string(),
                    v.kind.word().into(),
                    v.state.word().into(),
                    v.attempt.to_string(),
                    v.queued_at.strftime("%m-%d %H:%M:%S").to_string(),
                    v.label.clone().unwrap_or_default(),
                ]
            })
            .collect();
        table(&["run", "kind", "state", "attempt", "queued (UTC)", "label"], &rows)
    })
}

fn metrics(ctx: &Context, run: &RunId) -> Result<(), Failure> {
    let files = Client::connect_or_start()?.logs(run, None)?;
    let path = files.dir.join("metrics.jsonl");
    let rows: Vec<MetricsRow> = read_jsonl(&path).map_err(|e| Failure::failed(e).file(&path))?;
    ctx.out.list(&rows, None, || {
        let Some(last) = rows.last() else {
            return format!("{run} has measured nothing (yet)");
        };
        let names: Vec<&str> = last.values.keys().map(String::as_str).collect();
        let mut head = vec!["step"];
        head.extend(&names);
        let lines: Vec<Vec<String>> =
            rows.iter()
                .map(|r| {
                    let mut cells = vec![r.step.to_string()];
                    cells.extend(names.iter().map(|n| {
                        r.values.get(*n).map_or_else(|| "-".into(), |x| format!("{x:.5}"))
                    }));
                    cells
                })
                .collect();
        table(&head, &lines)
    })
}

/// `polyculture engine ..`
///
/// # Errors
/// The engine cannot be started or reached.
pub fn engine(ctx: &Context, command: EngineCommand) -> Result<ExitCode, Failure> {
    match command {
        EngineCommand::Drain { wait: _, undo: true } => super::engine_life::undrain(ctx)?,
        EngineCommand::Drain { wait, undo: false } => super::engine_life::drain(ctx, wait)?,
        EngineCommand::Install { print } => super::engine_life::install(ctx, print)?,
        EngineCommand::Uninstall => super::engine_life::uninstall(ctx)?,
        EngineCommand::Gpus => super::gpus::run(ctx)?,
        EngineCommand::Run => return Ok(daemon::main(Arc::new(ingest))),
        EngineCommand::Start => {
            let status = Client::connect_or_start()?.status()?;
            ctx.out.show(&status, || format!("the engine runs as process {}", status.pid))?;
        }
        EngineCommand::Stop => match Client::connect()? {
            Some(mut client) => {
                client.stop()?;
                ctx.out.show(&json!({"stopped": true}), || {
                    "the engine has stopped; running work goes on and is adopted at the next start".into()
                })?;
            }
            None => note("no engine runs"),
        },
        EngineCommand::Pool { name, capacity, remove } => {
            let mut client = Client::connect_or_start()?;
            let pools = match (name, capacity) {
                (None, _) => client.pools()?,
                (Some(name), None) if !remove => {
                    let mut pools = client.pools()?;
                    pools.retain(|p| p.name == name);
                    if pools.is_empty() {
                        return Err(Failure::not_found(format!("there is no pool `{name}`")).hint(
                            format!("`polyculture engine pool {name} --capacity N` makes it"),
                        ));
                    }
                    pools
                }
                (Some(name), capacity) => client.set_pool(&name, capacity)?,
            };
            ctx.out.list(&pools, None, || {
                if pools.is_empty() {
                    return "No pools. `polyculture engine pool NAME --capacity N` makes one."
                        .into();
                }
                let row = |p: &Pool| {
                    vec![
                        p.name.clone(),
                        p.capacity.to_string(),
                        p.taken.to_string(),
                        p.waiting.to_string(),
                    ]
                };
                let rows: Vec<_> = pools.iter().map(row).collect();
                table(&["pool", "places", "taken", "waiting"], &rows)
            })?;
        }
        EngineCommand::Status => match Client::connect()? {
            Some(mut client) => {
                let s = client.status()?;
                ctx.out.show(&s, || {
                    let mut out = format!(
                        "engine {} runs as process {} since {}\nslots     {} of {} taken\nstate     {}\nsocket    {}\n",
                        s.version, s.pid, s.since, s.slots_taken, s.slots,
                        s.state_dir.display(), s.socket.display()
                    );
                    if let Some(n) = &s.note {
                        out += &format!("note      {n}\n");
                    }
                    if s.draining {
                        out += "draining  no more runs are started; `polyculture engine drain --undo` starts them again\n";
                    }
                    for (state, n) in &s.runs {
                        out += &format!("{state:<9} {n}\n");
                    }
                    out
                })?;
            }
            None => ctx.out.show(&json!({"running": false}), || {
                "no engine runs; it starts by itself at the first run".into()
            })?,
        },
    }
    Ok(ExitCode::SUCCESS)
}
