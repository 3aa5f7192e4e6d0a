//! Calls of an augmentation through the provider, with its limits and its reply store, against an
//! endpoint that runs elsewhere: `run.py` starts both and puts a peer beside.
//!
//!     cargo bench -q --bench augment_calls -- --config config.toml --calls 10000 --store DIR
//!
//! Prints one JSON document: calls, seconds, CPU seconds of this process (user and system).

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use polyculture::config::UserConfig;
use polyculture::providers::{ChatModel, ChatRequest, Message, ReplyPlaces, Sampling, openai};

fn cpu() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let time = usage.user_time() + usage.system_time();
    Ok(time.num_microseconds() as f64 / 1e6)
}

/// A request like that of the first stage: instructions, a statement, five paraphrases wanted.
fn request(i: usize) -> ChatRequest {
    let system = "You rewrite survey statements. Keep the meaning, change the sentence structure, \
                  use everyday words, and do not answer the statement. Write one rewriting a line, \
                  numbered, and nothing else.";
    let user = format!(
        "Statement {i}: One of the aims of people in this town has been to make life easier for \
         those who come after them.\nWrite 5 rewritings."
    );
    let sampling =
        Sampling { temperature: 0.7, top_p: 1.0, max_tokens: 300, stop: vec![], seed: Some(1) };
    ChatRequest::new(vec![Message::system(system), Message::user(user)], sampling)
}

fn main() -> Result<()> {
    let (mut config, mut calls, mut store) = (None, 10_000usize, None);
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(name) = args.next() {
        let value = args.next().with_context(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--config" => config = Some(PathBuf::from(value)),
            "--calls" => calls = value.parse()?,
            "--store" => store = Some(PathBuf::from(value)),
            other => anyhow::bail!("unknown option {other}"),
        }
    }
    let Some(config) = config else {
        println!("augment_calls: run benches/augment_calls/run.py");
        return Ok(());
    };
    let config = UserConfig::read(&config)?;
    let places =
        ReplyPlaces { write: store.map(|d| d.join("replies.jsonl")), ..ReplyPlaces::default() };
    let mut model = openai::open(&config, "bench", "", &places)?;
    let (start, cpu_start) = (Instant::now(), cpu()?);
    let mut replies = 0usize;
    let totals = model.ask(&mut (0..calls).map(request), &mut |_, reply| {
        replies += usize::from(reply.is_ok());
        ControlFlow::Continue(())
    })?;
    let (seconds, cpu_seconds) = (start.elapsed().as_secs_f64(), cpu()? - cpu_start);
    ensure!(replies == calls, "{replies} of {calls} were answered: {totals:?}");
    println!(
        "{}",
        serde_json::json!({"calls": calls, "sent": totals.calls, "seconds": seconds,
            "cpu_seconds": cpu_seconds})
    );
    Ok(())
}
