//! The form's fields by task, and the command line that they stand for.

use super::Choices;
use crate::tui::widgets::{
    Field, FieldKind, Form, anything, budget_args, budget_fields, count_or_nothing, positive,
    something,
};

/// Tasks in the order of the form: as commands name them, and in words.
const KINDS: [(&str, &str); 6] = [
    ("survey", "survey: how near to people's answers"),
    ("classification", "classification: hate, stance, spam, .. by macro-F1"),
    ("win-rate", "win rate: two models, a judge chooses"),
    ("gsm8k", "gsm8k: what tuning cost in arithmetic"),
    ("bbh", "bbh: what tuning cost in reasoning"),
    ("robustness", "robustness: typos, look-alike letters, injections"),
];

const FRAMINGS: [&str; 2] =
    ["the culture's name", "the culture's name, and controls: another's, a made-up one's, none"];

/// The chosen task, as commands name it.
pub fn task(form: &Form) -> &'static str {
    let said = form.value("kind");
    KINDS.iter().find(|(_, words)| *words == said).map_or("survey", |(name, _)| name)
}

fn many_models(choices: &Choices, chosen: Option<&str>) -> Vec<Field> {
    let options: Vec<(String, bool)> =
        choices.models.iter().map(|m| (m.name.clone(), chosen == Some(m.name.as_str()))).collect();
    let help =
        "Space chooses; the others are compared with the first. Registry first, then providers";
    let mut out = Vec::new();
    if !options.is_empty() {
        out.push(Field::many("models", "Models", options, help));
    }
    let label = if out.is_empty() { "Models" } else { "Other models" };
    let help = "path:DIR, hub:ORG/NAME, run:ID@STEP, provider:NAME/MODEL, with commas between";
    out.push(Field::line("others", label, "", anything, help));
    out
}

fn one_model(name: &'static str, label: &str, choices: &Choices, at: usize, help: &str) -> Field {
    let options: Vec<String> = choices.models.iter().map(|m| m.name.clone()).collect();
    if options.is_empty() {
        return Field::line(name, label, "", something, help);
    }
    Field::choice(name, label, options, at, help)
}

/// The form for a task.
pub fn form(task: &str, choices: &Choices, chosen: Option<&str>) -> Form {
    let at = KINDS.iter().position(|(name, _)| *name == task).unwrap_or(0);
    let kinds = KINDS.iter().map(|(_, words)| (*words).to_owned()).collect();
    let help = "Left and right choose the task; the other fields follow it";
    let mut fields = vec![Field::choice("kind", "Task", kinds, at, help)];
    let limit = Field::line("limit", "Only so many", "", count_or_nothing, "Items; empty: all");
    match task {
        "win-rate" => {
            fields.push(one_model("first", "Model", choices, 0, "Whose win rate it is"));
            fields.push(one_model("second", "Against", choices, 1, "What it is held against"));
            fields.push(one_model("judge", "Judge", choices, 2, "Who chooses between the answers"));
            let help = "JSONL or CSV with question, culture, topic; empty: our own";
            fields.push(Field::line("questions", "Questions", "", anything, help));
            let help = "A file with the judge's prompt; empty: the one that comes with the program";
            fields.push(Field::line("judge-prompt", "Judge's prompt", "", anything, help));
        }
        "gsm8k" | "bbh" => {
            fields.extend(many_models(choices, chosen));
            let help = "The set as it is published: a file, or for bbh a folder";
            fields.push(Field::line("file", "File", "", something, help));
            if task == "bbh" {
                let help = "Worked examples: SUBTASK.txt or a folder of them; empty: none";
                fields.push(Field::line("cot", "Worked examples", "", anything, help));
            } else {
                let help = "A file of worked examples in the same form; empty: five of our own";
                fields.push(Field::line("examples", "Worked examples", "", anything, help));
            }
            fields.push(limit);
        }
        "robustness" => {
            fields.extend(many_models(choices, chosen));
            let tasks = choices.tasks.iter().filter(|t| t.contains('/')).cloned().collect();
            let help = "The classification task whose texts are changed";
            fields.push(Field::choice("on", "On", tasks, 0, help));
            let help = "typos, look-alike, injection, paraphrase, each with a strength from 0 to 1";
            fields.push(Field::line(
                "changes",
                "Changes",
                "typos:0.2,look-alike:0.2",
                something,
                help,
            ));
            fields.push(limit);
        }
        "classification" => {
            fields.extend(many_models(choices, chosen));
            let tasks = choices.tasks.iter().map(|t| (t.clone(), t == "samples")).collect();
            let help = "By name, kind or culture; only those whose texts are here (`polyculture tasks list`)";
            fields.push(Field::many("tasks", "Tasks", tasks, help));
            let mut framing = vec!["none".to_owned(), "own".into(), "made-up".into()];
            framing.extend(choices.cultures.iter().cloned());
            let help = "Which culture the prompts name: none, the task's own, a made-up one, or one for all";
            fields.push(Field::choice("framing", "Framing", framing, 0, help));
            let methods = vec!["generate".to_owned(), "score".into()];
            let help = "generate: a reply is parsed; score: log-probabilities of the label words";
            fields.push(Field::choice("method", "Labels by", methods, 0, help));
        }
        _ => {
            fields.extend(many_models(choices, chosen));
            let cultures = choices.cultures.iter().map(|c| (c.clone(), true)).collect();
            fields.push(Field::many("cultures", "Cultures", cultures, "* chooses all or none"));
            let framings = FRAMINGS.iter().map(|f| (*f).to_owned()).collect();
            let help = "What the prompts call the people who answer";
            fields.push(Field::choice("framing", "Framing", framings, 0, help));
            let help =
                "Texts about cultures, JSONL with culture and text: models are asked with them too";
            fields.push(Field::line("context", "Context", "", anything, help));
            let mut sets = vec!["all seeds and held-out paraphrases".to_owned()];
            sets.extend(choices.datasets.iter().map(|d| format!("held-out split of {d}")));
            let help = "A dataset's split adds the questions that its models never saw";
            fields.push(Field::choice("dataset", "Questions", sets, 0, help));
            let help = "Answers drawn to each prompt from services that give no log-probabilities";
            fields.push(Field::line("draws", "Draws a prompt", "20", positive, help));
        }
    }
    fields.extend(budget_fields());
    Form::new("Start an evaluation", "Start", fields)
}

/// Chooses these models, where they are offered.
pub fn choose(form: &mut Form, names: &[String]) {
    for f in &mut form.fields {
        if let ("models", FieldKind::Many { options, .. }) = (f.name, &mut f.kind) {
            options.iter_mut().for_each(|o| o.1 = names.contains(&o.0));
        }
    }
}

/// The chosen models, the offered ones first.
pub fn models(form: &Form) -> Vec<String> {
    let mut out: Vec<String> = form.values("models").into_iter().map(str::to_owned).collect();
    for name in ["first", "second", "judge"] {
        let one = form.value(name);
        if !one.is_empty() {
            out.push(one.to_owned());
        }
    }
    let others = form.value("others").split(',').map(str::trim).filter(|m| !m.is_empty());
    out.extend(others.map(str::to_owned));
    out
}

/// What keeps the form from being sent. Models may be named in either field.
pub fn wrong(form: &Form) -> Option<String> {
    if models(form).is_empty() {
        return Some("Choose a model with Space, or name one: path:DIR, hub:ORG/NAME".into());
    }
    form.fields
        .iter()
        .filter(|f| f.name != "models")
        .find_map(|f| Some(format!("{}: {}", f.label, f.wrong()?)))
}

/// The command line, without the program's name.
pub fn args(form: &Form, choices: &Choices) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let flag = |out: &mut Vec<String>, name: &str, value: &str| {
        if !value.is_empty() {
            out.extend([name.to_owned(), value.to_owned()]);
        }
    };
    let task = task(form);
    // `compare` holds the models against each other and has the arms that need none of tuning.
    let controls = task == "survey" && form.value("framing") == FRAMINGS[1];
    let context = if task == "survey" { form.value("context") } else { "" };
    if controls || !context.is_empty() {
        out.push("compare".into());
        out.extend(models(form));
        if controls {
            out.push("--controls".into());
        }
        flag(&mut out, "--context", context);
    } else {
        out.push("evaluate".into());
        if task == "win-rate" {
            flag(&mut out, "--model", form.value("first"));
            flag(&mut out, "--against", form.value("second"));
            flag(&mut out, "--judge", form.value("judge"));
        } else {
            for m in models(form) {
                flag(&mut out, "--model", &m);
            }
        }
        match task {
            "classification" => {
                for t in form.values("tasks") {
                    flag(&mut out, "--tasks", t);
                }
            }
            other => flag(&mut out, "--tasks", other),
        }
    }
    match task {
        "survey" => {
            let cultures = form.values("cultures");
            if cultures.len() < choices.cultures.len() {
                flag(&mut out, "--cultures", &cultures.join(","));
            }
            let dataset = form.value("dataset").strip_prefix("held-out split of ");
            flag(&mut out, "--dataset", dataset.unwrap_or(""));
            if form.value("draws") != "20" {
                flag(&mut out, "--draws-per-prompt", form.value("draws"));
            }
        }
        "classification" => {
            // `--culture-prompt` takes a value or none: written together, it cannot take another.
            if form.value("framing") != "none" {
                out.push(format!("--culture-prompt={}", form.value("framing")));
            }
            if form.value("method") != "generate" {
                flag(&mut out, "--method", form.value("method"));
            }
        }
        "win-rate" => {
            flag(&mut out, "--questions", form.value("questions"));
            flag(&mut out, "--judge-prompt", form.value("judge-prompt"));
        }
        "robustness" => {
            flag(&mut out, "--texts-of", form.value("on"));
            flag(&mut out, "--changes", form.value("changes"));
            flag(&mut out, "--limit", form.value("limit"));
        }
        _ => {
            flag(&mut out, "--file", form.value("file"));
            flag(&mut out, "--cot", form.value("cot"));
            flag(&mut out, "--examples", form.value("examples"));
            flag(&mut out, "--limit", form.value("limit"));
        }
    }
    out.extend(budget_args(form));
    out
}
