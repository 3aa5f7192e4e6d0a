//! `polyculture tasks ..`: what can be asked, where the texts come from, and what a set is worth.

use std::path::Path;

use serde_json::{Value, json};

use super::args_tasks::TasksCommand;
use super::output::{note, table};
use super::{Context, Failure};
use crate::evaluate::classify::parser::ParserName;
use crate::evaluate::classify::{
    Check, ClassifyError, Library, Task, Texts, check, is_sample, samples, task_file,
};

impl From<ClassifyError> for Failure {
    fn from(e: ClassifyError) -> Self {
        let (file, line) = {
            let (file, line) = e.place();
            (file.map(Path::to_owned), line)
        };
        let mut f = match e {
            ClassifyError::Unknown(_) => Self::not_found(&e),
            ClassifyError::Plan(_) => Self::usage(&e),
            ClassifyError::Job(_) | ClassifyError::Io { .. } => Self::failed(&e),
            _ => Self::bad_input(&e),
        };
        f.file = file;
        f.line(line)
    }
}

/// Runs one of the commands.
///
/// # Errors
/// An unknown task, a file that is wrong (its line is named), a set that is flagged.
pub fn run(ctx: &Context, command: TasksCommand) -> Result<(), Failure> {
    let dir = ctx.place()?.folder().tasks();
    if let TasksCommand::Add { file, name: None } = &command {
        return add_task(ctx, &dir, file);
    }
    let library = Library::open(&dir)?;
    match command {
        TasksCommand::List { culture, kind, here } => {
            let mut rows = Vec::new();
            for t in library.tasks() {
                let of = culture.as_ref().is_none_or(|c| {
                    t.culture == c.to_lowercase() || t.language == c.to_lowercase()
                });
                if of && kind.is_none_or(|k| k == t.kind) && (!here || !library.is_missing(t)?) {
                    rows.push(t);
                }
            }
            list(ctx, &library, &rows)
        }
        TasksCommand::Show { name, file } => {
            let task = library.task(&name)?;
            if file {
                return ctx.out.show(&json!({"name": task.name, "file": own_file(task)}), || {
                    own_file(task).unwrap_or_default().to_owned()
                });
            }
            show(ctx, &library, task)
        }
        TasksCommand::Check { target, name, parser } => {
            checks(ctx, &library, &target, name.as_deref(), parser)
        }
        TasksCommand::Add { file, name } => {
            let name = name.unwrap_or_default();
            let (found, added) = library.add_texts(&name, &file)?;
            ctx.out.show(&json!({"added": added, "check": found}), || {
                format!("{}\n", report(std::slice::from_ref(&found)))
            })
        }
    }
}

fn own_file(task: &Task) -> Option<&'static str> {
    task_file(&task.name).or_else(|| samples::file(&task.name))
}

fn add_task(ctx: &Context, dir: &Path, file: &Path) -> Result<(), Failure> {
    if file.extension().is_none_or(|e| e != "toml") {
        return Err(Failure::usage(format!("{}: which task are these texts for?", file.display()))
            .hint("name it: `polyculture tasks add FILE --as NAME`"));
    }
    let task = Library::add_task(dir, file)?;
    ctx.out.show(&task, || {
        format!(
            "{}: {} labels, {}\n  next: polyculture tasks add TEXTS.jsonl --as {}",
            task.name,
            task.labels.len(),
            task.kind,
            task.name
        )
    })
}

/// A task as JSON, with what is worked out.
fn document(library: &Library, task: &Task) -> Result<Value, Failure> {
    let texts = library.texts(task)?;
    let mut doc = serde_json::to_value(task)?;
    let constant = task.best_constant();
    doc["best_constant"] =
        json!(constant.map(|(i, f1)| json!({"label": task.labels[i].gold, "macro_f1": f1})));
    doc["items"] = json!(task.expected.as_ref().map(|e| e.items));
    doc["here"] = json!(texts != Texts::Missing);
    doc["sample"] = json!(is_sample(task));
    if let Texts::File(path, added) = &texts {
        doc["texts"] = json!({"path": path, "added": added});
    }
    Ok(doc)
}

fn counts(task: &Task) -> String {
    let parts: Vec<String> = task
        .labels
        .iter()
        .map(|l| format!("{} {}", l.gold, l.expected.map_or("?".into(), |n| n.to_string())))
        .collect();
    parts.join(", ")
}

fn list(ctx: &Context, library: &Library, tasks: &[&Task]) -> Result<(), Failure> {
    let docs: Vec<Value> = tasks.iter().map(|t| document(library, t)).collect::<Result<_, _>>()?;
    ctx.out.list(&docs, None, || {
        let rows: Vec<Vec<String>> = tasks
            .iter()
            .zip(&docs)
            .map(|(t, doc)| {
                let constant = t.best_constant().map_or("-".into(), |(_, f1)| format!("{f1:.3}"));
                vec![
                    t.name.clone(),
                    t.kind.to_string(),
                    t.language.clone(),
                    t.expected.as_ref().map_or("-".into(), |e| e.items.to_string()),
                    constant,
                    if doc["here"] == true { "here".into() } else { "-".into() },
                    t.source.dataset.clone(),
                    counts(t),
                ]
            })
            .collect();
        let head = ["task", "kind", "lang", "items", "constant", "texts", "dataset", "gold labels"];
        let mut out = table(&head, &rows);
        out += "\nconstant: macro-F1 of the best constant answer. Texts are the owners': \
                `polyculture tasks show NAME` says where they come from.\n";
        out
    })
}

fn show(ctx: &Context, library: &Library, task: &Task) -> Result<(), Failure> {
    let doc = document(library, task)?;
    ctx.out.show(&doc, || {
        let mut out = format!("{}\n{}\n\n", task.name, task.title);
        let mut line = |what: &str, text: String| out += &format!("{what:<11} {text}\n");
        line("kind", task.kind.to_string());
        if let Some(s) = &task.settled {
            line("", s.clone());
        }
        line("culture", format!("{} ({})", task.culture, task.language));
        line("pool", task.pool.clone());
        if let Some(e) = &task.expected {
            let empty = match e.empty_gold {
                0 => String::new(),
                n => format!(", {n} without a gold label"),
            };
            line("items", format!("{}{empty}", e.items));
        }
        for l in &task.labels {
            let n = l.expected.map_or_else(|| "?".into(), |n| n.to_string());
            line("label", format!("{} ({n}): the model says {}", l.gold, l.say));
        }
        if let Some((i, f1)) = task.best_constant() {
            line("constant", format!("always {}: macro-F1 {f1:.3}", task.labels[i].gold));
        }
        line("parser", task.parser.to_string());
        line("dataset", task.source.dataset.clone());
        line("by", task.source.citation.clone());
        if let Some(url) = &task.source.url {
            line("page", url.clone());
        }
        line("licence", task.source.licence.clone());
        line("get it", task.source.get.clone());
        line(
            "texts",
            match library.texts(task) {
                Ok(Texts::Embedded(_)) => "inside the program".into(),
                Ok(Texts::File(path, _)) => path.display().to_string(),
                _ => format!("not here: `polyculture tasks add FILE --as {}`", task.name),
            },
        );
        for n in &task.notes {
            line("note", n.clone());
        }
        out += &format!("\nprompt {}\n", task.prompt.version);
        for l in task.prompt.system.lines().chain(task.prompt.user.lines()) {
            out += &format!("  {l}\n");
        }
        crate::text::display_lines(&out)
    })
}

/// Checks under the task's parser, and under the released one where it has rules.
fn both(
    parser: Option<ParserName>,
    task: &Task,
    of: impl Fn(ParserName) -> Result<Check, ClassifyError>,
) -> Result<Vec<Check>, ClassifyError> {
    if let Some(p) = parser {
        return Ok(vec![of(p)?]);
    }
    let mut out = vec![of(task.parser)?];
    if task.paper_rules.is_some() && task.parser != ParserName::Paper {
        out.push(of(ParserName::Paper)?);
    }
    Ok(out)
}

fn checks(
    ctx: &Context,
    library: &Library,
    target: &str,
    name: Option<&str>,
    parser: Option<ParserName>,
) -> Result<(), Failure> {
    let path = Path::new(target);
    let mut found: Vec<Check> = Vec::new();
    if let Some(name) = name {
        let task = library.task(name)?;
        found = both(parser, task, |p| check(task, path, p))?;
    } else if path.extension().is_some_and(|e| e == "toml") && path.is_file() {
        let text = std::fs::read_to_string(path)?;
        let task = Task::parse(&text, path)?;
        return ctx
            .out
            .show(&task, || format!("{}: a task of {} labels", task.name, task.labels.len()));
    } else if path.is_file() {
        return Err(Failure::usage(format!("{target}: which task are these texts for?"))
            .hint("name it with --as: `polyculture tasks list` shows what there is"));
    } else {
        let tasks = library.select(&[target.to_owned()])?;
        let alone = tasks.len() == 1;
        for task in tasks {
            if !alone && library.is_missing(task)? {
                note(&format!("{}: its texts are not here", task.name));
                continue;
            }
            found.extend(both(parser, task, |p| library.check(task, p))?);
        }
    }
    ctx.out.list(&found, None, || report(&found))?;
    let stopped = found.iter().filter(|c| c.stops().next().is_some()).count();
    if stopped > 0 {
        let mut f = Failure::failed(format!("{stopped} of {} checks are flagged", found.len()))
            .hint("`polyculture evaluate` refuses such a set unless --allow-degenerate is given");
        f.told = true;
        return Err(f);
    }
    Ok(())
}

fn report(found: &[Check]) -> String {
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|c| {
            let counts: Vec<String> = c
                .counts
                .iter()
                .map(|(g, n)| format!("{} {n}", if g.is_empty() { "\"\"" } else { g }))
                .collect();
            vec![
                c.task.clone(),
                c.parser.to_string(),
                c.items.to_string(),
                c.ceiling.map_or("-".into(), |x| format!("{x:.3}")),
                c.best_constant.as_ref().map_or("-".into(), |(_, x)| format!("{x:.3}")),
                counts.join(", "),
            ]
        })
        .collect();
    let head = ["task", "parser", "items", "ceiling", "constant", "gold labels"];
    let mut out = table(&head, &rows);
    for c in found {
        for f in &c.findings {
            let mark = if f.stops { "!" } else { "note:" };
            out += &format!("{} ({}) {mark} {}\n", c.task, c.parser, f.message);
        }
    }
    crate::text::display_lines(&out)
}
