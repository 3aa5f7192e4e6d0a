//! Prompts scored and tokens written per second by the embedded decoder. `benches/scorer/run.py`
//! runs this and transformers on the same folder and the same survey prompts.
//!
//! `prompts QUESTIONS CULTURES` writes prompts of the sample survey as JSON: every form and every
//! order of the options. `score|generate FOLDER PROMPTS THREADS RUNS [MAX_TOKENS LANES]` measures.
//! JSON on stdout.

use std::collections::VecDeque;
use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use polyculture::domain::prompt::{OptionOrder, Prompt, PromptForm, Symbols, Variant, render};
use polyculture::embedded::generate::{Ask, Draw, GenerateSettings, Generator};
use polyculture::embedded::{EmbeddedError, ScoreSettings, Scorer};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number =
        |i: usize| -> Fallible<usize> { Ok(args.get(i).ok_or("a number is missing")?.parse()?) };
    let doc = match args.first() {
        Some(&"prompts") => serde_json::to_value(prompts(number(1)?, number(2)?)?)?,
        Some(&"score") => score(args[1], args[2], number(3)?, number(4)?)?,
        Some(&"generate") => {
            generate(args[1], args[2], number(3)?, number(4)?, number(5)?, number(6)?)?
        }
        _ => {
            println!("nothing to do by itself: use benches/scorer/run.py");
            return Ok(());
        }
    };
    println!("{doc}");
    Ok(())
}

/// The first questions and cultures of the sample survey, as an evaluation puts them.
fn prompts(questions: usize, cultures: usize) -> Fallible<Vec<Prompt>> {
    let survey = polyculture::seeds::sample::survey()?;
    let mut out = Vec::new();
    for q in survey.questions.iter().take(questions) {
        for culture in survey.cultures.iter().take(cultures) {
            for form in PromptForm::ALL {
                for order in OptionOrder::for_scale(q.scale.kind(), q.scale.len()) {
                    let v = Variant { form, order, symbols: Symbols::Codes };
                    out.push(render(q, &q.text, Some(culture), v));
                }
            }
        }
    }
    Ok(out)
}

fn read(path: &str) -> Fallible<Vec<Prompt>> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

fn score(folder: &str, path: &str, threads: usize, runs: usize) -> Fallible<serde_json::Value> {
    let prompts = read(path)?;
    let scorer = Scorer::load(Path::new(folder))?;
    let settings = ScoreSettings { threads, prompts_a_pack: 64 };
    scorer.score(&prompts[..prompts.len().min(8)], settings)?; // warm
    let mut seconds = Vec::new();
    let mut scores = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        scores = scorer.score(&prompts, settings)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let scores: Vec<&Vec<f64>> = scores.iter().map(|s| &s.log_probs).collect();
    Ok(serde_json::json!({"seconds": seconds, "scores": scores}))
}

fn generate(
    folder: &str,
    path: &str,
    threads: usize,
    runs: usize,
    max_tokens: usize,
    lanes: usize,
) -> Fallible<serde_json::Value> {
    let prompts = read(path)?;
    let mut seconds = Vec::new();
    let mut replies: Vec<Vec<u32>> = Vec::new();
    for _ in 0..runs {
        let Scorer { model, tokenizer } = Scorer::load(Path::new(folder))?;
        let settings = GenerateSettings { threads, lanes, ..GenerateSettings::default() };
        let mut g = Generator::new(model, tokenizer, settings)?;
        let draw = Draw { temperature: 0.0, top_p: 1.0, max_tokens, stop: vec![], seed: 0 };
        let start = Instant::now();
        let mut asks = VecDeque::new();
        for (i, p) in prompts.iter().enumerate() {
            let prompt = g.tokenizer().prompt(p)?;
            asks.push_back((i as u64, Ask { prompt, draw: draw.clone() }));
        }
        replies = vec![Vec::new(); prompts.len()];
        g.run::<EmbeddedError>(&mut || Ok(asks.pop_front()), &mut |i, r| {
            if let Ok(w) = r {
                replies[i as usize] = w.tokens;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(serde_json::json!({"seconds": seconds, "replies": replies}))
}
