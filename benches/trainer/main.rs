//! The trainer beside PyTorch + PEFT: what it computes (`agree`) and how fast (`step` on batches of
//! `data`).
//! `benches/trainer/agree.py` and `run.py` run this and the other side on the same weights and
//! batches; alone, `cargo bench --bench trainer` prints step times of two shapes from scratch.

mod agree;
mod data;
mod scratch;
mod steps;

use std::error::Error;
use std::path::PathBuf;

use polyculture::embedded::training::AnswerTarget;
use serde::Deserialize;

/// Prompts with their answers, as the scripts write them.
#[derive(Debug, Deserialize)]
struct Item {
    prompt: Vec<u32>,
    answers: Vec<(Vec<u32>, f32)>,
}

/// One step's batch a line.
fn batches(path: &std::path::Path) -> Result<Vec<Vec<AnswerTarget>>, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    text.lines()
        .map(|l| {
            let items: Vec<Item> = serde_json::from_str(l)?;
            Ok(items
                .into_iter()
                .map(|i| AnswerTarget { prompt: i.prompt, answers: i.answers })
                .collect())
        })
        .collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let path = |i: usize| -> Result<PathBuf, Box<dyn Error>> {
        Ok(args.get(i).ok_or("a path is missing: see the scripts beside this file")?.into())
    };
    match args.first().map(String::as_str) {
        None => scratch::run(),
        Some("agree") => agree::run(&path(1)?, &path(2)?),
        Some("data") => {
            let n = |i: usize| {
                args.get(i)
                    .ok_or("a number is missing")?
                    .parse::<usize>()
                    .map_err(Box::<dyn Error>::from)
            };
            data::run(&path(1)?, n(2)?, n(3)? as u64, n(4)?)
        }
        Some("step") => steps::run(&path(1)?),
        Some(other) => {
            Err(format!("unknown argument `{other}`: agree, data, step, or none").into())
        }
    }
}
