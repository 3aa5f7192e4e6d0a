//! Macro-F1 with intervals, differences with intervals and paired tests for 58 tasks x 2 models,
//! timed. `benches/classification/run.py` runs this beside lm-evaluation-harness.
//!
//! The sets have the labels and gold counts of the registry; what the models said is drawn: right
//! with 80 and 75 %, a refusal in 2 %. Tasks of one pool share their texts.
//!
//! Arguments: `--out DIR` writes `answers.json` there for the other side; `--runs N` repeats the
//! timing; `--draws N` changes the number of draws (the plan's own default otherwise). One JSON object on stdout.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use polyculture::evaluate::classify::parser::{ParserName, Reading};
use polyculture::evaluate::classify::{
    Answer, ClassifyPlan, Golds, Kind, PlannedSet, classified, registry, set_rows,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde_json::json;

/// The sets as a plan has them, golds, answers by model and set.
struct Input {
    plan: ClassifyPlan,
    golds: Vec<Golds>,
    answers: Vec<Vec<Vec<Answer>>>,
    written: Vec<serde_json::Value>,
}

fn input(draws: Option<usize>) -> Result<Input> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_240_210);
    let mut unit = move || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut pools: BTreeMap<String, u64> = BTreeMap::new();
    let (mut sets, mut golds, mut written) = (Vec::new(), Vec::new(), Vec::new());
    let mut answers = vec![Vec::new(), Vec::new()];
    for task in registry()? {
        if task.culture == "greek" || task.kind == Kind::Values {
            continue;
        }
        let next = pools.len() as u64;
        let pool = *pools.entry(task.pool.clone()).or_insert(next);
        let mut gold: Vec<u16> = Vec::new();
        for (i, l) in task.labels.iter().enumerate() {
            let n = l.expected.with_context(|| format!("{} has no counts", task.name))?;
            gold.extend(std::iter::repeat_n(i as u16, n as usize));
        }
        for i in (1..gold.len()).rev() {
            gold.swap(i, (unit() * (i + 1) as f64) as usize);
        }
        let labels = task.labels.len();
        let mut said: Vec<Vec<Option<usize>>> = Vec::new();
        for (m, right) in [0.80, 0.75].into_iter().enumerate() {
            let own: Vec<Option<usize>> = gold
                .iter()
                .map(|g| match unit() {
                    u if u < 0.02 => None,
                    u if u < 0.02 + right => Some(usize::from(*g)),
                    _ => Some((unit() * labels as f64) as usize),
                })
                .collect();
            answers[m].push(
                own.iter()
                    .map(|l| Answer::of(l.map_or(Reading::Refusal, Reading::Label)))
                    .collect(),
            );
            said.push(own);
        }
        written.push(json!({"task": task.name, "labels": labels, "gold": gold, "a": said[0],
            "b": said[1]}));
        golds.push(Golds::from_parts(
            gold.iter().enumerate().map(|(i, g)| (Some(*g), (pool << 32) + i as u64)),
        ));
        sets.push(PlannedSet {
            parser: ParserName::Default,
            data: task.name.clone(),
            sha256: String::new(),
            items: gold.len() as u64,
            system: String::new(),
            findings: Vec::new(),
            task,
        });
    }
    let mut plan = ClassifyPlan::new(vec!["a".into(), "b".into()], sets, 7);
    if let Some(draws) = draws {
        plan.draws = draws;
    }
    Ok(Input { plan, golds, answers, written })
}

fn main() -> Result<()> {
    let (mut out, mut runs, mut draws) = (None, 5usize, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--out" => out = args.next().map(PathBuf::from),
            "--runs" => runs = args.next().context("--runs takes a number")?.parse()?,
            "--draws" => draws = Some(args.next().context("--draws takes a number")?.parse()?),
            "--bench" => {} // cargo bench adds it
            other => bail!("unknown argument `{other}`"),
        }
    }
    let Input { plan, golds, answers, written } = input(draws)?;
    let locked = plan.lock()?;
    let (mut table, mut whole) = (Vec::new(), Vec::new());
    let mut sets = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        sets = set_rows(&plan, &golds, &answers)?;
        table.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        classified(&locked, &golds, &answers)?;
        whole.push(start.elapsed().as_secs_f64());
    }
    if let Some(dir) = out {
        std::fs::write(dir.join("answers.json"), serde_json::to_vec(&written)?)?;
    }
    let figures: Vec<_> = sets
        .iter()
        .map(|s| {
            let (a, b) = (&s.models[0], &s.models[1]);
            json!({"task": s.task, "a": a.macro_f1, "b": b.macro_f1, "paired": b.paired})
        })
        .collect();
    let items: u64 = sets.iter().map(|s| s.items).sum();
    println!(
        "{}",
        json!({"tasks": sets.len(), "items": items, "draws": plan.draws, "swaps": plan.swaps,
            "seconds": table, "seconds_with_means": whole, "figures": figures})
    );
    Ok(())
}
