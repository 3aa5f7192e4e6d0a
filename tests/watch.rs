//! `polyculture runs watch` with the real binary: on folders of any trainer, as JSON, as a stream
//! that follows a writer, in a pseudo-terminal; and on a folder that transformers itself fills,
//! where POLYCULTURE_TORCH_PYTHON names a Python that has it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod pty;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pty::Pty;
use serde_json::Value;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(home.folder()).unwrap();
        let ws = home.0.path().join("garden");
        assert!(home.command(&["init", ws.to_str().unwrap()]).status().unwrap().success());
        home
    }

    /// The folder that is watched; it is in no workspace.
    fn folder(&self) -> PathBuf {
        self.0.path().join("training")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.args(args)
            .env("POLYCULTURE_STATE_DIR", self.0.path().join("state"))
            .env("POLYCULTURE_CONFIG", self.0.path().join("config/config.toml"))
            .env("POLYCULTURE_WORKSPACE", self.0.path().join("garden"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        c
    }

    fn json(&self, args: &[&str]) -> Value {
        let out = self.command(&[&["--json", "runs", "watch"], args].concat()).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        serde_json::from_slice(&out.stdout).unwrap()
    }
}

fn rows(folder: &Path, steps: std::ops::RangeInclusive<u64>) {
    let path = folder.join("trainer_log.jsonl");
    let mut f = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    for n in steps {
        writeln!(f, "{{\"current_steps\": {n}, \"total_steps\": 50, \"loss\": {}, \"lr\": 1e-05, \"elapsed_time\": \"0:00:{n:02}\"}}", 3.0 / n as f64).unwrap();
    }
}

#[test]
fn what_is_neither_a_folder_nor_a_run_is_said_and_a_table_is_printed_without_a_terminal() {
    let home = Home::new();
    let out = home.command(&["--json", "runs", "watch", "/nowhere/at/all"]).output().unwrap();
    assert!(!out.status.success());
    let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(doc["error"]["message"].as_str().unwrap().contains("no folder and no known run"));
    let dir = home.folder();
    let dir = dir.to_str().unwrap();
    let out = home.command(&["runs", "watch", dir]).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("nothing measured yet"), "{out:?}");
    rows(&home.folder(), 1..=10);
    let out = home.command(&["runs", "watch", dir]).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    for said in ["running, step 10 of 50, 40 s left", "loss", "trainer_log.jsonl"] {
        assert!(text.contains(said), "no `{said}` in {text}");
    }
    let doc = home.json(&[dir]);
    assert_eq!((doc["step"].as_u64(), doc["eta_s"].as_f64()), (Some(10), Some(40.0)));
}

#[test]
fn a_stream_follows_its_writer_a_document_a_line() {
    let home = Home::new();
    rows(&home.folder(), 1..=2);
    let dir = home.folder();
    let args = ["--json", "runs", "watch", dir.to_str().unwrap(), "--follow", "--every", "0.05"];
    let mut child = home.command(&args).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["step"], 2);
    rows(&home.folder(), 3..=7);
    let mut seen = next();
    while seen["step"] != 7 {
        seen = next();
    }
    rows(&home.folder(), 8..=50);
    while seen["state"] != "ended" {
        seen = next();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn on_a_terminal_it_is_the_panel_alone_live_until_q() {
    let home = Home::new();
    rows(&home.folder(), 1..=10);
    fs::write(home.folder().join("train.log"), "the trainer says hello\n").unwrap();
    let dir = home.folder();
    let mut pty =
        Pty::spawn(&home.command(&["runs", "watch", dir.to_str().unwrap()]), 120, 36, &[]);
    pty.wait_for_text("step 10 of 50");
    pty.wait_for_text("the trainer says hello");
    rows(&home.folder(), 11..=20);
    pty.wait_for_text("step 20 of 50");
    pty.send("q");
    assert!(pty.wait_exit().success());
}

/// Trains a model of a few numbers with the real transformers, and prints where it can be seen.
const TRAINER: &str = r#"
import sys, torch
from torch.utils.data import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

class Numbers(Dataset):
    def __len__(self):
        return 64
    def __getitem__(self, i):
        x = torch.randint(0, 64, (16,), generator=torch.Generator().manual_seed(i))
        return {"input_ids": x, "labels": x}

torch.manual_seed(0)
out, steps, boards = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
model = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=16, intermediate_size=32,
    num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2))
args = TrainingArguments(out, max_steps=steps, logging_steps=5, eval_strategy="steps", eval_steps=10,
    save_steps=10, per_device_train_batch_size=4, report_to=boards, use_cpu=True)
trainer = Trainer(model, args, train_dataset=Numbers(), eval_dataset=Numbers())
trainer.train(resume_from_checkpoint=steps > 30)
"#;

#[test]
fn what_transformers_itself_prints_and_saves_is_read_step_by_step() {
    let Some(python) = std::env::var_os("POLYCULTURE_TORCH_PYTHON") else {
        println!("skipped: POLYCULTURE_TORCH_PYTHON names no Python with torch and transformers");
        return;
    };
    let home = Home::new();
    let dir = home.folder();
    let board = Command::new(&python).args(["-c", "import tensorboard"]).output().unwrap();
    let board: &[&str] = if board.status.success() { &["tensorboard"] } else { &[] };
    if board.is_empty() {
        println!("skipped in part: no tensorboard beside transformers");
    }
    let program = home.0.path().join("train.py");
    fs::write(&program, TRAINER).unwrap();
    let train = |steps: &str, log: &str| {
        let log = fs::File::create(home.0.path().join(log)).unwrap();
        let done = Command::new(&python)
            .arg(&program)
            .args([dir.to_str().unwrap(), steps])
            .args(board)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .status()
            .unwrap();
        done.success()
    };
    assert!(train("30", "first.log"));
    // The saved state is the truth to hold the other sources against.
    let state = fs::read_to_string(dir.join("checkpoint-30/trainer_state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    let history = state["log_history"].as_array().unwrap();
    let truth = |name: &str| -> Vec<(u64, f64)> {
        let rows = history.iter().filter_map(|r| Some((r["step"].as_u64()?, r[name].as_f64()?)));
        rows.collect()
    };
    let seen = |dir: &Path| {
        let mut w = polyculture::job::watch::Watch::open(dir).unwrap();
        w.refresh().unwrap();
        let of = |name: &str| -> Vec<(u64, f64)> {
            let c = w.curves().of.get(name);
            c.map_or_else(Vec::new, |c| c.raw.iter().map(|p| (p.0 as u64, p.1)).collect())
        };
        (of("loss"), of("eval_loss"), of("lr"), w.known(jiff::Timestamp::now()))
    };
    let close = |a: &[(u64, f64)], b: &[(u64, f64)], by: f64| {
        assert_eq!(
            a.iter().map(|p| p.0).collect::<Vec<_>>(),
            b.iter().map(|p| p.0).collect::<Vec<_>>()
        );
        a.iter()
            .zip(b)
            .for_each(|(a, b)| assert!((a.1 - b.1).abs() <= by * b.1.abs(), "{a:?} {b:?}"));
    };
    let (loss, eval, _, known) = seen(&dir);
    let by = if board.is_empty() { 1e-12 } else { 1e-6 };
    close(&loss, &truth("loss"), by);
    close(&eval, &truth("eval_loss"), by);
    assert_eq!(known.checkpoints.iter().map(|c| c.step).collect::<Vec<_>>(), [10, 20, 30]);
    assert_eq!((known.step, known.total), (Some(30), Some(30)));
    // The printed lines alone: four digits, steps from the bars.
    let alone = home.0.path().join("alone");
    fs::create_dir(&alone).unwrap();
    fs::copy(home.0.path().join("first.log"), alone.join("train.log")).unwrap();
    let (loss, eval, lr, known) = seen(&alone);
    close(&loss, &truth("loss"), 5e-4);
    close(&eval, &truth("eval_loss"), 5e-4);
    close(&lr, &truth("learning_rate"), 5e-4);
    assert_eq!((known.step, known.total), (Some(30), Some(30)));
    assert_eq!(serde_json::to_value(known.state).unwrap(), "ended");
    // Resumed to 60 steps: the curves go on, each step once.
    if !train("60", "second.log") {
        println!("skipped in part: this transformers cannot resume under this torch");
        return;
    }
    let (loss, _, _, known) = seen(&dir);
    assert_eq!(
        loss.iter().map(|p| p.0).collect::<Vec<_>>(),
        (1..=12).map(|n| n * 5).collect::<Vec<_>>()
    );
    assert_eq!(known.step, Some(60));
}
