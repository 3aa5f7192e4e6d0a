//! Arguments of `polyculture models merge`, and of the base of a fine-tune.

use std::path::PathBuf;

use clap::Args;

/// `polyculture models merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// A model with an adapter: run:ID@STEP, path:DIR (the adapter's folder), or its alias
    pub model: String,
    /// Base of the adapter; the one that the adapter names otherwise
    #[arg(long, value_name = "path:DIR|hub:ORG/NAME")]
    pub base: Option<String>,
    /// A new folder for the merged model
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

/// What is tuned.
#[derive(Debug, Args)]
pub struct BaseArgs {
    /// Model to tune, instead of the recipe's: path:DIR or hub:ORG/NAME
    #[arg(long, value_name = "path:DIR|hub:ORG/NAME")]
    pub base: Option<String>,
    /// Python of the backend torch: otherwise POLYCULTURE_TORCH_PYTHON, `[torch] python` of the
    /// configuration, the environment in the data folder, or python3
    #[arg(long, value_name = "PROGRAM")]
    pub python: Option<PathBuf>,
}

/// What is changed of a recipe.
#[derive(Debug, Args)]
pub struct RecipeArgs {
    /// Random seed; the recipe's otherwise
    #[arg(long)]
    pub seed: Option<u64>,
    /// Optimiser steps; the recipe's otherwise
    #[arg(long, conflicts_with = "epochs")]
    pub steps: Option<u64>,
    /// Passes over the dataset; the recipe's otherwise
    #[arg(long)]
    pub epochs: Option<u64>,
    /// Top learning rate; the recipe's otherwise
    #[arg(long)]
    pub lr: Option<f64>,
    /// Examples a step; the recipe's otherwise
    #[arg(long)]
    pub batch: Option<usize>,
    /// Rank of the adapter, for recipes that train one; its strength stays the recipe's
    #[arg(long)]
    pub rank: Option<usize>,
    /// CPU threads; the recipe's otherwise
    #[arg(long)]
    pub threads: Option<usize>,
    /// Share of the texts that no step learns from, 0 to 0.5: the loss on them is measured as the run
    /// goes, and tells the best checkpoint
    #[arg(long)]
    pub eval_share: Option<f64>,
    /// Say what the run would take, in memory and time, and start nothing
    #[arg(long)]
    pub dry_run: bool,
}
