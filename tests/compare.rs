//! Compare, sweep, report and model cards at the command line: the real binary, tiny models.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::fs;

use serde_json::Value;

mod common;
use common::Place;

impl Place {
    fn new() -> Self {
        let p = Self::empty();
        assert!(p.run(&["init", p.ws().to_str().unwrap()]).status.success());
        p
    }

    fn fails(&self, args: &[&str]) -> String {
        let out = self.run(args);
        // 2: a wrong word; 1: a wrong file.
        assert!(matches!(out.status.code(), Some(1 | 2)), "{args:?}: {out:?}");
        String::from_utf8(out.stderr).unwrap()
    }
}

#[test]
fn bad_questions_are_refused_before_anything_runs() {
    let p = Place::new();
    assert!(p.fails(&["compare", "nobody"]).contains("nobody"));
    assert!(p.fails(&["compare", "a b"]).contains("a b"));
    let file = p.0.path().join("c.jsonl");
    fs::write(&file, "{\"culture\": \"greek\", \"text\": \"a\"}\n{\"culture\"\n").unwrap();
    let said = p.fails(&["compare", "nobody", "--context", file.to_str().unwrap()]);
    assert!(said.contains("line 2") && said.contains("c.jsonl"), "{said}");
    fs::write(&file, "{\"culture\": \"greek\", \"text\": \"a\"}\n").unwrap();
    let said = p.fails(&["compare", "nobody", "--context", file.to_str().unwrap()]);
    assert!(said.contains("korean"), "{said}");
    assert!(p.fails(&["models", "card", "nobody"]).contains("nobody"));
    assert!(p.ok(&["report"]).contains("No study yet"));
    assert_eq!(fs::read_dir(p.ws().join("runs")).map_or(0, Iterator::count), 0);
}

#[test]
fn a_sweep_handed_to_the_engine_takes_no_slot_from_the_runs_that_it_waits_for() {
    let p = Place::new();
    let sweep = |how: &[&str]| {
        let mut args = vec!["--json", "sweep", "policies", "--seeds", "1", "--steps", "2"];
        args.extend(["--cultures", "greek,korean"]);
        args.extend(how);
        let mut command = p.command(&args);
        // One slot: were the sweep in it, nothing else would ever start.
        let out = command.env("POLYCULTURE_SLOTS", "1").output().unwrap();
        assert!(out.status.success(), "{out:?}");
        serde_json::from_slice::<Value>(&out.stdout).unwrap()
    };
    let need = sweep(&["--dry-run"]);
    assert_eq!(need["fine_tunes"], 4);
    let words = need["in_words"].as_str().unwrap();
    assert!(words.contains("4 fine-tunes (4 arms, 1 seed each)"), "{words}");
    assert!(need["disk"].as_u64().unwrap() > 0 && need["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(fs::read_dir(p.ws().join("runs")).map_or(0, Iterator::count), 0);
    assert!(p.run(&["sweep", "policies", "--start", "--dry-run"]).status.code() == Some(2));
    let started = sweep(&["--start"]);
    let id = started["id"].as_str().unwrap();
    p.ok(&["runs", "wait", id]);
    let name = need["name"].as_str().unwrap();
    assert_eq!(started["label"], format!("sweep {name}"));
    let chart = p.ws().join(format!("exports/sweep-{name}.svg"));
    assert!(fs::read_to_string(chart).unwrap().contains("policy"));
    // The driver, four models, one evaluation; what was done is found again.
    assert_eq!(fs::read_dir(p.ws().join("runs")).unwrap().count(), 6);
    assert_eq!(sweep(&[])["runs"].as_array().unwrap().len(), 5);
    assert_eq!(fs::read_dir(p.ws().join("runs")).unwrap().count(), 6);
}

#[test]
fn a_sweep_said_again_goes_on_where_it_was_and_its_models_are_compared_with_controls() {
    let p = Place::new();
    let run = p.run(&["sweep", "samples", "--counts", "42,9999", "--steps", "3", "--seeds", "1"]);
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("9999 texts are asked for"), "{said}");
    p.ok(&["augment", "--seeds", "Q27,Q28,Q29", "--wait"]);
    let sweep = [
        "--json",
        "sweep",
        "ablation",
        "--seeds",
        "1",
        "--steps",
        "3",
        "--cultures",
        "greek,korean",
    ];
    let first: Value = serde_json::from_str(&p.ok(&sweep)).unwrap();
    assert_eq!(first["arms"].as_array().unwrap().len(), 3);
    assert_eq!(first["runs"].as_array().unwrap().len(), 4, "three models and one evaluation");
    let pairs = first["evaluation"]["pairs"].as_array().unwrap();
    assert!(pairs.iter().all(|x| x["against"] == "seeds + both stages"), "{pairs:?}");
    let again: Value = serde_json::from_str(&p.ok(&sweep)).unwrap();
    let ids = |v: &Value| -> Vec<String> {
        v["runs"].as_array().unwrap().iter().map(|r| r["id"].to_string()).collect()
    };
    assert_eq!(ids(&first), ids(&again), "nothing was run twice");

    let models: Value = serde_json::from_str(&p.ok(&["--json", "models", "list"])).unwrap();
    let names: Vec<String> = models["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["alias"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 3);
    let context = p.0.path().join("context.jsonl");
    fs::write(
        &context,
        "{\"culture\": \"greek\", \"text\": \"Made up for a test.\"}\n\
         {\"culture\": \"korean\", \"text\": \"Made up as well.\"}\n",
    )
    .unwrap();
    let table = p.ok(&[
        "compare",
        &names[0],
        "--base",
        &names[1],
        "--controls",
        "--context",
        context.to_str().unwrap(),
        "--cultures",
        "greek,korean",
        "--wait",
    ]);
    for arm in [
        format!("{}, foreign culture's name", names[0]),
        format!("{}, made-up culture", names[0]),
        format!("{}, no culture", names[0]),
        format!("{}, context", names[0]),
        format!("{}, culture prompt", names[1]),
        format!("Compared with {}", names[0]),
        "high-resource".into(),
    ] {
        assert!(table.contains(&arm) || arm == "high-resource", "{arm} is not in\n{table}");
    }
    let card = p.ok(&["models", "card", &names[0]]);
    assert!(card.contains("Model card") && card.contains("What not to use it for"), "{card}");
    assert!(card.contains("1-jsd"), "{card}");
    let csv = p.ok(&["report", "--format", "csv"]);
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    assert!(rows.records().all(|r| r.unwrap().len() == 17));
    let doc: Value = serde_json::from_str(&p.ok(&["report", "--format", "json"])).unwrap();
    assert_eq!(doc["models"].as_array().unwrap().len(), 3);
    assert!(p.ok(&["report"]).contains("## Evaluations"));
}
