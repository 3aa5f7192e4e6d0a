//! The command line at its door: the real binary on real files, bad inputs first.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

mod common;
use common::Place;

impl Place {
    fn new() -> Self {
        let place = Self::empty();
        assert!(place.run(&["init", place.ws().to_str().unwrap()]).status.success());
        place
    }

    /// Exit code and the error document.
    fn fails(&self, args: &[&str]) -> (i32, Value) {
        let out = self.run(&[&["--json"], args].concat());
        let doc: Value = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{args:?}: {e}: {out:?}"));
        (out.status.code().unwrap(), doc)
    }
}

fn message(doc: &Value) -> String {
    doc["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_to_use() {
    let p = Place::new();
    let out = p.run(&[]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8(out.stderr).unwrap().contains("this is no terminal"));
    assert_eq!(p.run(&["dance"]).status.code(), Some(2));
    for (args, word) in [
        (&["seeds", "show", "Q999"][..], "Q999"),
        (&["samples", "show", "s-0000"], "s-0000"),
        (&["models", "show", "nobody"], "nobody"),
        (&["finetune", "--dataset", "none"], "none"),
        (&["finetune", "--dataset", "none", "--recipe", "none.toml"], "none.toml"),
        (&["evaluate", "--model", "nobody"], "nobody"),
        (&["evaluate", "--model", "nobody", "--tasks", "chess"], "chess"),
        (&["augment", "--provider", "oracle"], "oracle"),
        (&["augment", "--seeds", "Q999"], "Q999"),
        (&["augment", "--threshold", "7"], "7"),
        (&["augment", "--encoder", "path:/nowhere"], "/nowhere"),
        (&["dataset", "audit", "nothing"], "nothing"),
        (&["dataset", "build", "d", "--culture", "martian"], "martian"),
    ] {
        let (code, doc) = p.fails(args);
        assert_eq!(code, 2, "{args:?}: {doc}");
        assert!(message(&doc).contains(word), "{args:?}: {doc}");
    }
}

#[test]
fn a_workspace_that_cannot_be_used_exits_with_3() {
    let p = Place::new();
    let nowhere = p.0.path().join("nowhere");
    let (code, doc) = p.fails(&["-w", nowhere.to_str().unwrap(), "seeds", "list"]);
    assert_eq!((code, doc["error"]["code"].as_str()), (3, Some("workspace")), "{doc}");
    // a newer version of the program was here
    let db = p.ws().join("workspace.db");
    let conn = rusqlite::Connection::open(&db).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let (code, doc) = p.fails(&["seeds", "list"]);
    assert_eq!(code, 3);
    assert!(message(&doc).contains("99"), "{doc}");
    // not a database at all
    fs::write(&db, "this is a letter to my aunt, and it is long enough to be one").unwrap();
    let (code, doc) = p.fails(&["seeds", "list"]);
    assert_eq!(code, 3, "{doc}");
    // misspelt settings, by their line
    fs::write(p.ws().join("polyculture.toml"), "[storage]\nrun = 1\n").unwrap();
    let (code, doc) = p.fails(&["seeds", "list"]);
    assert_eq!(code, 3);
    assert!(message(&doc).contains("line 2"), "{doc}");
}

#[test]
fn a_read_only_workspace_is_read_and_refuses_to_be_written() {
    if nix::unistd::Uid::effective().is_root() {
        // root may write everywhere; the store's own test uses a read-only file instead
        println!("skipped: root ignores permissions");
        return;
    }
    let p = Place::new();
    fs::set_permissions(p.ws(), fs::Permissions::from_mode(0o555)).unwrap();
    p.ok(&["seeds", "list"]);
    let (code, _) = p.fails(&["samples", "accept", "s-0"]);
    fs::set_permissions(p.ws(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(code, 3);
}

#[test]
fn bad_files_are_named_with_their_line_and_nothing_is_lost() {
    let p = Place::new();
    let cases = [
        ("latin1.csv", &b"country,name,question,code,respondents\nIRQ,Ir\xe4k,Q27,1,3\n"[..]),
        ("empty.csv", b""),
        ("other.csv", b"a,b\n1,2\n"),
        ("utf16.csv", b"\xff\xfec\0o\0"),
        ("nul.csv", b"country,name,question,code,respondents\nIRQ,\0,Q27,1,3\n"),
    ];
    for (name, bytes) in cases {
        let path = p.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        let out = p.run(&["--json", "seeds", "import", path.to_str().unwrap()]);
        let text = String::from_utf8(out.stdout.clone()).unwrap();
        assert!(!out.status.success() || text.contains("line"), "{name}: {out:?}");
    }
    // the sample counts are still there
    let show = p.json(&["seeds", "show", "Q27", "--cultures", "arabic"]);
    assert_eq!(show["cultures"][0]["usable"], true, "{show}");
}

#[test]
fn the_sample_seeds_say_what_was_not_asked() {
    let p = Place::new();
    assert_eq!(p.json(&["seeds", "list"])["items"].as_array().unwrap().len(), 50);
    let cultures = p.json(&["seeds", "cultures"]);
    let chinese = cultures["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["culture"]["id"] == "chinese")
        .unwrap();
    assert_eq!(chinese["not_asked"].as_array().unwrap().len(), 18);
    let text = p.ok(&["seeds", "show", "Q132"]);
    assert!(text.contains("not asked") && text.contains("unweighted"), "{text}");
}

#[test]
fn a_synthetic_survey_comes_in_with_its_weights() {
    let p = Place::new();
    let csv = p.0.path().join("wave.csv");
    p.ok(&["seeds", "synth", csv.to_str().unwrap(), "--respondents", "600", "--countries", "3"]);
    let report = p.json(&["seeds", "import", csv.to_str().unwrap()]);
    assert_eq!(report["files"][0]["respondents"], 600);
    assert_eq!(report["files"][0]["weighting"], "W_WEIGHT", "{report}");
}

#[test]
fn ratings_of_a_file_give_their_agreement_and_name_the_bad_lines() {
    let p = Place::new();
    let csv = p.file(
        "r.csv",
        "rater,item,score\na,1,5\nb,1,4\na,2,1\nb,2,2\na,3,3\nb,3,3\na,4,6\nb,4,4.5\nc,1,\na,1,5\n",
    );
    let doc = p.json(&["study", "agreement", "--from", &csv]);
    let bad: Vec<u64> =
        doc["bad"].as_array().unwrap().iter().map(|b| b["line"].as_u64().unwrap()).collect();
    assert_eq!(bad, [8, 9, 10, 11]);
    let alpha = doc["agreement"]["figures"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["name"] == "alpha-ordinal")
        .unwrap();
    assert!(alpha["value"].as_f64().unwrap() > 0.7, "{alpha}");
    // unanimous is undefined, not 1
    let same = p.file("same.csv", "rater,item,score\na,1,5\nb,1,5\na,2,5\nb,2,5\n");
    let doc = p.json(&["study", "agreement", "--from", &same]);
    let alpha = doc["agreement"]["figures"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["name"] == "alpha-ordinal")
        .unwrap();
    assert!(alpha["value"].is_null() && alpha["undefined"].is_string(), "{alpha}");
}

#[test]
fn samples_grow_are_decided_on_and_become_an_audited_dataset() {
    let p = Place::new();
    let run = p.json(&["augment", "--wait", "--seeds", "Q27,Q132"]);
    assert_eq!(run["state"], "succeeded", "{run}");
    let kept = p.json(&["samples", "list", "--decision", "kept"]);
    let kept = kept["items"].as_array().unwrap();
    assert_eq!(kept.len(), 20);
    let id = kept[0]["id"].as_str().unwrap();
    p.ok(&["samples", "reject", id, "--note", "stiff"]);
    let shown = p.json(&["samples", "show", id]);
    assert_eq!(shown["sample"]["decision"]["reason"], "by-hand", "{shown}");
    assert_eq!(shown["history"].as_array().unwrap().len(), 1);
    p.ok(&["samples", "accept", id]);
    // the same run again proposes nothing new, and loses no decision of a person
    p.json(&["augment", "--wait", "--seeds", "Q27,Q132"]);
    assert_eq!(p.json(&["samples", "show", id])["by_hand"], true);
    let again = p.json(&["samples", "list", "--decision", "kept"]);
    assert_eq!(again["items"].as_array().unwrap().len(), 20);

    let built = p.json(&["dataset", "build", "two", "--culture", "german"]);
    assert_eq!(built["rows"], 50 + 20, "{}", built["refused"]);
    p.ok(&["dataset", "audit", "two"]);
    let out = p.0.path().join("chat.jsonl");
    p.ok(&["dataset", "export", "two", "--answers", "5", "-o", out.to_str().unwrap()]);
    assert!(
        fs::read_to_string(out.with_extension("card.md")).unwrap().contains("World Values Survey")
    );
    let (code, doc) = p.fails(&["dataset", "build", "two", "--culture", "greek"]);
    assert_eq!(code, 3, "the name is taken: {doc}");
}

#[test]
fn two_commands_at_once_on_one_workspace_both_come_through() {
    let p = Place::new();
    let rows: String =
        (0..40).map(|i| format!("Q27,Words of our own number {i} stand here.\n")).collect();
    let file = p.file("s.csv", format!("seed_id,text\n{rows}"));
    let children: Vec<_> = (0..4)
        .map(|_| {
            p.command(&["samples", "import", &file])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for c in children {
        let out = c.wait_with_output().unwrap();
        assert!(out.status.success(), "{out:?}");
    }
    let all = p.json(&["samples", "list"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 40);
}

fn run_folder(ws: &Path) -> PathBuf {
    let mut runs: Vec<PathBuf> =
        fs::read_dir(ws.join("runs")).unwrap().map(|e| e.unwrap().path()).collect();
    runs.sort();
    runs.pop().unwrap()
}

#[test]
fn a_fine_tune_that_is_killed_goes_on_from_its_checkpoint_and_is_registered_once() {
    let p = Place::new();
    p.ok(&["dataset", "build", "d", "--culture", "german"]);
    let recipe = p.ok(&["--help"]);
    assert!(recipe.contains("finetune"));
    let text = include_str!("../src/finetune/presets/tiny.toml")
        .replace("steps = 800", "steps = 4000")
        .replace("checkpoint_every = 400", "checkpoint_every = 5")
        .replace("batch = 128", "batch = 8");
    let recipe = p.file("r.toml", &text);
    let run = p.json(&["finetune", "--dataset", "d", "--recipe", &recipe, "--name", "mine"]);
    let id = run["id"].as_str().unwrap().to_owned();
    let folder = run_folder(&p.ws());
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    let checkpoints = folder.join("attempt-1/checkpoints");
    let complete = || {
        fs::read_dir(&checkpoints)
            .is_ok_and(|d| d.flatten().any(|e| e.path().join("manifest.json").exists()))
    };
    while !complete() {
        assert!(std::time::Instant::now() < deadline, "no checkpoint in time");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let file: Value =
        serde_json::from_slice(&fs::read(folder.join("attempt-1/run.json")).unwrap()).unwrap();
    let work = i32::try_from(file["work"]["pid"].as_i64().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(work), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    let out = p.run(&["--json", "runs", "wait", &id]);
    let end: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&end["state"], &end["signal"]), (&"failed".into(), &9.into()), "{end}");
    assert_eq!(out.status.code(), Some(1));
    // shorter, so that the test ends soon: the recipe of a run is frozen, so the retry is the same
    p.ok(&["runs", "retry", &id]);
    let log = folder.join("attempt-2/metrics.jsonl");
    let resumed = || fs::read_to_string(&log).is_ok_and(|t| t.lines().count() > 0);
    while !resumed() {
        assert!(std::time::Instant::now() < deadline, "the second attempt measured nothing");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let first: Value =
        serde_json::from_str(fs::read_to_string(&log).unwrap().lines().next().unwrap()).unwrap();
    assert!(first["step"].as_u64().unwrap() > 5, "it began again from the start: {first}");
    p.ok(&["runs", "cancel", &id]);
    let out = p.run(&["--json", "runs", "wait", &id]);
    let end: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(end["state"], "cancelled", "{end}");
    assert!(p.json(&["models", "list"])["items"].as_array().unwrap().is_empty());
}

#[test]
fn the_quick_demo_goes_through_the_whole_loop() {
    let p = Place::new();
    let dir = p.0.path().join("demo");
    let doc = p.json(&["demo", "--headless", "--quick", "--dir", dir.to_str().unwrap()]);
    assert_eq!((&doc["seeds"], &doc["cultures"]), (&50.into(), &10.into()));
    let n = |k: &str| doc["samples"][k].as_u64().unwrap();
    assert_eq!(n("proposed"), n("kept") + n("rejected") + n("failed"));
    assert!(n("kept") >= 600, "{}", doc["samples"]);
    assert_eq!(doc["ratings"]["scripted"], true);
    assert!(doc["ratings"]["n"].as_u64().unwrap() > 200, "{}", doc["ratings"]);
    assert!(doc["runs"].as_array().unwrap().iter().all(|r| r["state"] == "succeeded"));
    let rows = doc["evaluation"].as_array().unwrap();
    for model in [
        "uniform",
        "mixture of other cultures",
        "nearest-seed lookup",
        "own culture, same-scale questions",
        "human split-half (ceiling)",
        "tiny, uniform targets",
        "tiny, culture-blind (mixture targets)",
        "tiny, seeds only",
        "tiny, seeds + stage 1",
        "tiny, seeds + both stages",
        "tiny, one model a culture, own culture",
        "tiny, one model a culture, foreign cultures",
    ] {
        for split in ["held-out-paraphrase", "held-out-question"] {
            let row = rows
                .iter()
                .find(|r| {
                    r["model"] == model
                        && r["split"] == split
                        && r["culture"] == "all"
                        && r["metric"] == "1-jsd"
                })
                .unwrap_or_else(|| panic!("no row of {model} on {split}"));
            assert!(row["ci"].is_array() && row["n"].as_u64().unwrap() >= 8, "{row}");
            assert_eq!(row["unit"], "question");
        }
    }
    // the workspace of the demo is one to look into
    let ws = dir.to_str().unwrap();
    assert!(p.ok(&["-w", ws, "study", "status"]).contains("SCRIPTED"));
    assert_eq!(p.json(&["-w", ws, "models", "list"])["items"].as_array().unwrap().len(), 7);
    assert!(
        p.json(&["-w", ws, "samples", "stats"])["kept_for_training"]["n"].as_u64() == Some(500)
    );
}
