//! A small survey, a random model in a folder, and run folders for the training program.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "a test harness")]

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use polyculture::domain::*;
use polyculture::embedded::decoder::{Family, TokenIds};
use polyculture::embedded::{Decoder, DecoderConfig, tokenizer};
use polyculture::finetune::{PromptChoice, TargetKind, TrainingSet};
use polyculture::job::{Attempt, MetricsRow, NewRun, RunKind, read_jsonl};

/// No condition of these tests takes longer, on a busy machine either.
const DEADLINE: Duration = Duration::from_mins(4);

/// The Python with PyTorch that this machine's tests were given.
pub fn python() -> Option<PathBuf> {
    let python = std::env::var_os("POLYCULTURE_TORCH_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped: POLYCULTURE_TORCH_PYTHON names no Python with torch here");
    }
    python
}

pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn survey() -> Survey {
    let question = |id: &str, text: &str, n: u8| Question {
        id: QuestionId::new(id).unwrap(),
        topic: Topic("t".into()),
        language: "en".into(),
        text: text.into(),
        form: Form::Statement,
        scale: Scale::new(
            (1..=n).map(|code| ScaleOption { code, label: format!("level {code}") }).collect(),
            ScaleKind::Ordinal,
            Direction::HigherIsLess,
        )
        .unwrap(),
        notes: vec![],
    };
    let culture = |id: &str, place: &str| Culture {
        id: CultureId::new(id).unwrap(),
        name: place.into(),
        countries: vec![CountryCode::new("GRC").unwrap()],
        place: place.into(),
        language: "el".into(),
    };
    Survey {
        // Ten options: `1` is another answer than the start of `10`.
        questions: vec![
            question("Q1", "Work is a duty", 3),
            question("Q2", "Science helps people", 10),
        ],
        cultures: vec![culture("greek", "Greece"), culture("german", "Germany")],
        ..Survey::default()
    }
}

pub fn rows() -> Vec<Example> {
    let texts = [
        ("Q1", "Work is a duty"),
        ("Q1", "Working is everyone's duty"),
        ("Q1", "A duty to work is what people have"),
        ("Q2", "Science helps people"),
        ("Q2", "People are helped by science"),
    ];
    let mut out = vec![];
    for (q, text) in texts {
        for culture in ["greek", "german"] {
            let n = if q == "Q1" { 3 } else { 10 };
            let mut shares: Vec<f64> = (0..n).map(|i| f64::from(n - i)).collect();
            let sum: f64 = shares.iter().sum();
            shares.iter_mut().for_each(|s| *s /= sum);
            if culture == "german" {
                shares.reverse();
            }
            out.push(Example {
                culture: Some(CultureId::new(culture).unwrap()),
                question: QuestionId::new(q).unwrap(),
                text: text.into(),
                text_id: text.into(),
                family: "seed".into(),
                target: Target::Soft(Distribution::from_shares(&shares).unwrap()),
                effective_n: 100.0,
            });
        }
    }
    out
}

/// A folder with a small random model and a tokenizer that knows the texts.
pub fn base(dir: &Path, family: Family, change: impl Fn(&mut [f32])) -> PathBuf {
    let (survey, rows) = (survey(), rows());
    let prompts = PromptChoice::default();
    let set = TrainingSet::new(&rows, &survey, &prompts, TargetKind::Distribution).unwrap();
    let t = tokenizer::train(&set.texts(), &["0123456789ABCDEFGHIJ"], 300, true).unwrap();
    let mut c = DecoderConfig::llama(t.vocab_size(), 32, 48, 2, 4, 2).unwrap();
    c.model_type = family;
    c.eos_token_id = Some(TokenIds::One(t.special_ids().1));
    let dir = dir.join("base");
    std::fs::create_dir_all(&dir).unwrap();
    let mut model = Decoder::random(c, 0.2, 1).unwrap();
    change(&mut model.weights);
    model.save(&dir).unwrap();
    t.save(&dir).unwrap();
    dir
}

/// A recipe; `more` comes before the tables.
pub fn recipe(base: &Path, backend: &str, lora: bool, more: &str, torch: &str) -> String {
    let adapter = if lora {
        "[lora]\nr = 4\nalpha = 8.0\ntargets = [\"q_proj\", \"v_proj\", \"up_proj\"]\n"
    } else {
        ""
    };
    let table = if backend == "torch" { format!("[torch]\n{torch}\n") } else { String::new() };
    format!(
        "name = \"test\"\nbackend = \"{backend}\"\nbatch = 4\nlr = 5e-3\nwarmup = 0.1\nseed = 3\n\
         weight_decay = 0.01\nlog_every = 1\n{more}\n{adapter}{table}\n\
         [model]\nfrom = \"path:{}\"\n",
        base.display()
    )
}

/// A run's folder without an engine.
pub fn run_folder(home: &Path, recipe: &str) -> PathBuf {
    let mut run = NewRun::new(RunKind::Finetune, home);
    run.env = BTreeMap::new();
    let made = run.create(&home.join("runs"), |input| {
        std::fs::write(input.join("recipe.toml"), recipe).unwrap();
        std::fs::write(input.join("survey.json"), serde_json::to_vec(&survey()).unwrap()).unwrap();
        let lines: String =
            rows().iter().map(|r| serde_json::to_string(r).unwrap() + "\n").collect();
        std::fs::write(input.join("dataset.jsonl"), lines).unwrap();
        Ok(())
    });
    made.unwrap().0
}

/// Starts the next attempt of a run as its shim would: in a group of its own, with a log.
pub fn start(run: &Path, number: u32) -> (Attempt, Child) {
    start_with(run, number, &[])
}

/// The same with more in its environment.
pub fn start_with(run: &Path, number: u32, env: &[(&str, &str)]) -> (Attempt, Child) {
    let attempt = Attempt::create(run, number).unwrap();
    let log = std::fs::File::create(attempt.file("out.log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_polyculture"))
        .arg("__work")
        .arg(attempt.dir())
        .envs(env.iter().copied())
        .current_dir(run)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    (attempt, child)
}

/// Carries an attempt through; its exit code.
pub fn work(run: &Path, number: u32) -> (Attempt, i32) {
    let (attempt, mut child) = start(run, number);
    let code = child.wait().unwrap().code().unwrap();
    (attempt, code)
}

pub fn log(a: &Attempt) -> String {
    std::fs::read_to_string(a.file("out.log")).unwrap_or_default()
}

pub fn metrics(a: &Attempt) -> Vec<MetricsRow> {
    read_jsonl(&a.file("metrics.jsonl")).unwrap()
}

/// One value by step.
pub fn values(rows: &[MetricsRow], name: &str) -> BTreeMap<u64, f64> {
    rows.iter().filter_map(|r| Some((r.step, *r.values.get(name)?))).collect()
}

/// The largest relative difference, over the steps that both have; they must share `least`.
pub fn apart(a: &BTreeMap<u64, f64>, b: &BTreeMap<u64, f64>, least: usize) -> f64 {
    let both: Vec<f64> = a
        .iter()
        .filter_map(|(step, x)| b.get(step).map(|y| (x - y).abs() / x.abs().max(1e-12)))
        .collect();
    assert!(both.len() >= least, "{} steps in common: {a:?} {b:?}", both.len());
    both.into_iter().fold(0.0, f64::max)
}

/// Processes below one, by `/proc`.
pub fn below(pid: u32) -> Vec<i32> {
    let mut found = Vec::new();
    let Ok(dir) = std::fs::read_dir("/proc") else { return found };
    let all: Vec<(i32, u32)> = dir
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|p| {
            let stat = std::fs::read_to_string(format!("/proc/{p}/stat")).ok()?;
            let rest = &stat[stat.rfind(')')? + 1..];
            Some((p, rest.split_ascii_whitespace().nth(1)?.parse().ok()?))
        })
        .collect();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for (p, _) in all.iter().filter(|x| x.1 == parent) {
            found.push(*p);
            parents.push(u32::try_from(*p).unwrap());
        }
    }
    found
}
