//! The command line of `compare`, `sweep` and `report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{OnArgs, StartArgs};
use crate::domain::{CultureId, DatasetId};

/// `polyculture compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Models; every other row is compared with the first, pair by pair
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<String>,
    /// Models without tuning, asked with the culture's name: the arm "culture prompt"
    #[arg(long, value_delimiter = ',', value_name = "MODEL")]
    pub base: Vec<String>,
    /// Texts about cultures for the arm "context": JSONL with culture and text
    #[arg(long, value_name = "FILE")]
    pub context: Option<PathBuf>,
    /// Controls: another culture's name, a made-up culture's name, no culture's name
    #[arg(long)]
    pub controls: bool,
    /// Cultures; all by default
    #[arg(long, value_delimiter = ',')]
    pub cultures: Vec<CultureId>,
    /// Also score the held-out questions of this dataset's split
    #[arg(long)]
    pub dataset: Option<DatasetId>,
    /// Answers drawn to each prompt from models that give no log-probabilities
    #[arg(long, default_value_t = 20, value_name = "K")]
    pub draws_per_prompt: u32,
    /// Longest drawn answer in tokens; models that reason first need hundreds
    #[arg(long, default_value_t = crate::evaluate::ANSWER_TOKENS)]
    pub reply_tokens: u32,
    /// Held-out paraphrases of a question that are put, at most
    #[arg(long, default_value_t = 2)]
    pub paraphrases: usize,
    /// Pay again: do not take equal replies from earlier runs of this workspace
    #[arg(long)]
    pub fresh: bool,
    /// Random seed of bootstrap and sign flips
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub spend: super::args_calls::SpendArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub start: StartArgs,
}

/// What a sweep varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help of the flag says it")]
pub enum SweepArg {
    Ablation,
    Samples,
    Policies,
    Language,
}

/// `polyculture sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// ablation: seeds, + stage 1, + both stages; samples: --counts; policies: label policies; language: English against local-language texts
    #[arg(value_enum)]
    pub what: SweepArg,
    /// Sample counts, all seeds together (nested: the smaller ones lie in the larger)
    #[arg(long, value_delimiter = ',', default_value = "50,100,500,1000")]
    pub counts: Vec<usize>,
    /// Training seeds of every arm
    #[arg(long, default_value_t = 5)]
    pub seeds: u64,
    /// Recipe: a preset or a TOML file
    #[arg(long, default_value = "tiny")]
    pub recipe: String,
    /// The model that the recipe tunes, where it names none: path:DIR or hub:ORG/NAME
    #[arg(long, value_name = "MODEL")]
    pub base: Option<String>,
    /// The local language of `language`, such as ar: its texts come from `polyculture translate`
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,
    /// Optimiser steps of every model, the same for all arms
    #[arg(long)]
    pub steps: Option<u64>,
    /// Cultures; all by default
    #[arg(long, value_delimiter = ',')]
    pub cultures: Vec<CultureId>,
    /// Questions that no model is trained on
    #[arg(long, default_value_t = 8)]
    pub hold_out_questions: usize,
    /// Random seed of the split and of the tests
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only say what it would take: runs, time, disk, memory
    #[arg(long)]
    pub dry_run: bool,
    /// Hand the whole sweep to the engine as a run that takes no thread, and come back at once; its
    /// chart goes into `exports/` unless --chart says where
    #[arg(long, conflicts_with = "dry_run")]
    pub start: bool,
    /// Draw the result into a file: .svg, .png, .csv or .md
    #[arg(long, value_name = "FILE", value_parser = chart_file)]
    pub chart: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub on: OnArgs,
}

fn chart_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|e| e.to_str()) {
        Some("svg" | "png" | "csv" | "md") => Ok(path),
        _ => Err("expected a file that ends in .svg, .png, .csv or .md".into()),
    }
}

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ReportFormat {
    Md,
    Json,
    Csv,
    Html,
}

/// `polyculture report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// One study by itself instead of the workspace
    #[arg(long)]
    pub study: Option<crate::domain::StudyId>,
    /// md: a page; json: everything; csv: the evaluation rows; html: a page with charts, one file
    #[arg(long, value_enum, default_value_t = ReportFormat::Md)]
    pub format: ReportFormat,
    /// Where to; standard output by default
    #[arg(short, long)]
    pub output: Option<PathBuf>,
}
