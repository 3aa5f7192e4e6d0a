//! Folders of runs as they lie on disk, for tests here and of the screen.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::evaluate::classify::{ClassifyPlan, Library, PlannedSet};
use crate::evaluate::locked::checksum;
use crate::evaluate::{Plan, PlannedModel, Reference};
use crate::seeds;

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|r| format!("{r}\n")).collect()
}

fn folder(runs: &Path, run: &str) -> [PathBuf; 2] {
    let dir = runs.join(run);
    let both = [dir.join("input"), dir.join("attempt-1")];
    both.iter().for_each(|d| fs::create_dir_all(d).unwrap());
    both
}

/// A run of two models over one of our own sets, whose texts may abuse somebody: the first is right
/// but for the first item, the second refuses every third one and calls the rest by the first
/// label. Gives the task's name and its items.
pub fn classification(runs: &Path, run: &str, models: [&str; 2]) -> (String, usize) {
    let library = Library::open(&runs.join("no-tasks")).unwrap();
    let task = library
        .select(&["samples".into()])
        .unwrap()
        .into_iter()
        .find(|t| t.kind.may_abuse())
        .unwrap();
    let [input, attempt] = folder(runs, run);
    let bytes = library.bytes(task).unwrap();
    fs::write(input.join("texts-001.jsonl"), &bytes).unwrap();
    let check = library.check(task, task.parser).unwrap();
    let set = PlannedSet {
        task: task.clone(),
        parser: task.parser,
        data: "texts-001.jsonl".into(),
        sha256: checksum(&bytes),
        items: check.items,
        system: "You label texts.".into(),
        findings: check.findings,
    };
    let mut plan = ClassifyPlan::new(models.map(str::to_owned).to_vec(), vec![set], 1);
    (plan.draws, plan.mean_draws, plan.swaps) = (500, 500, 500);
    let locked = plan.lock().unwrap();
    fs::write(input.join("plan.json"), &locked.text).unwrap();
    fs::write(input.join("plan.sha256"), &locked.sha256).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let golds: Vec<String> = text
        .lines()
        .map(|l| {
            let doc: Value = serde_json::from_str(l).unwrap();
            doc[&task.columns.label]
                .as_str()
                .map_or_else(|| doc[&task.columns.label].to_string(), str::to_owned)
        })
        .collect();
    let (mut results, mut replies) = (Vec::new(), Vec::new());
    let labels: Vec<&str> = task.labels.iter().map(|l| l.gold.as_str()).collect();
    for (m, model) in models.into_iter().enumerate() {
        for (i, gold) in golds.iter().enumerate() {
            let key = format!("{:064x}", m * 10_000 + i);
            let (label, said) = match (m, i) {
                (0, 0) => (
                    labels.iter().find(|l| *l != gold).copied(),
                    "a long reply that quotes the text",
                ),
                (0, _) => (Some(gold.as_str()), "yes"),
                (_, i) if i % 3 == 0 => (None, "I will not answer that."),
                _ => (Some(labels[0]), "yes"),
            };
            let mut line = json!({"model": model, "task": task.name, "item": i, "gold": gold,
                "outcome": if label.is_some() { "label" } else { "refusal" }, "reply": key});
            if let Some(l) = label {
                line["label"] = json!(l);
            }
            results.push(line);
            let body = json!({"choices": [{"message": {"content": said}}]}).to_string();
            replies.push(json!({"key": key, "status": 200, "at": "2026-03-01T00:00:00Z",
                "by": "openai:lab/m", "body": body}));
        }
    }
    fs::write(attempt.join("results.jsonl"), lines(&results)).unwrap();
    fs::write(attempt.join("replies.jsonl"), lines(&replies)).unwrap();
    (task.name.clone(), golds.len())
}

/// A survey run of two models on the sample seeds: the first answers as people of each culture do,
/// the second gives every option the same share.
pub fn survey(runs: &Path, run: &str, models: [&str; 2]) {
    let survey = seeds::sample::survey().unwrap();
    let texts = crate::dataset::test_texts(&survey, &[], &[], 0);
    let planned = models.iter().map(|m| PlannedModel::new(format!("path:/{m}"), *m)).collect();
    let trained = survey.questions.iter().map(|q| q.id.clone()).collect();
    let plan = Plan { draws: 500, ..Plan::new(planned, trained, 1) };
    let locked = plan.lock().unwrap();
    let [input, attempt] = folder(runs, run);
    fs::write(input.join("plan.json"), &locked.text).unwrap();
    fs::write(input.join("plan.sha256"), &locked.sha256).unwrap();
    fs::write(input.join("survey.json"), serde_json::to_vec(&survey).unwrap()).unwrap();
    let rows: Vec<Value> = texts.iter().map(|t| json!(t)).collect();
    fs::write(input.join("texts.jsonl"), lines(&rows)).unwrap();
    let reference = Reference::new(&survey, &[]);
    let mut results = Vec::new();
    for (m, planned) in plan.models.iter().enumerate() {
        for t in &texts {
            let question = survey.question(&t.question).unwrap();
            let variants = plan.variants(question);
            let mut cultures = Vec::new();
            for c in reference.cultures() {
                let Some(truth) = reference.truth(&c.id, &t.question) else { continue };
                let k = truth.len() as f64;
                let logs: Vec<f64> = truth
                    .shares()
                    .iter()
                    .map(|p| if m == 0 { p.max(1e-9).ln() } else { (1.0 / k).ln() })
                    .collect();
                let scores: Vec<Value> =
                    variants.iter().map(|_| json!({"log_probs": logs})).collect();
                cultures.push(json!({"culture": c.id, "scores": scores}));
            }
            results.push(json!({"model": planned.key(), "method": "log-probabilities",
                "question": t.question, "text_id": t.text_id, "variants": variants,
                "cultures": cultures}));
        }
    }
    fs::write(attempt.join("results.jsonl"), lines(&results)).unwrap();
}
