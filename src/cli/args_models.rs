//! Arguments of `polyculture models ..`, and of the base of a fine-tune.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::finetune::DeviceChoice;

/// `polyculture models ..`
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List models
    List,
    /// The card of a model, as Markdown: what it grew from, what it was measured to do, its limits
    Card {
        /// run:ID@STEP, or its alias
        model: String,
        /// Where to; standard output by default
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Register a model, an adapter or a model of a service that no run here has trained
    Add(AddArgs),
    /// Write a model and its adapter as one folder of full weights
    Merge(MergeArgs),
    /// Print the command that serves a model (vLLM; an adapter beside its base)
    Serve(ServeArgs),
    /// Point a provider of your configuration at a served model
    Connect(ConnectArgs),
    /// One model: dataset, recipe, run, checkpoint, evaluations
    Show {
        /// run:ID@STEP, path:DIR, or its alias
        model: String,
    },
}

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

/// `polyculture models add`
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Its alias in the registry
    pub name: String,
    /// path:DIR (a model's folder or an adapter's), hub:ORG/NAME, or provider:NAME/MODEL
    pub model: String,
    /// A word on where it comes from
    #[arg(long)]
    pub note: Option<String>,
}

/// `polyculture models serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// run:ID@STEP, path:DIR, hub:ORG/NAME, or an alias
    pub model: String,
    /// Port of the server
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    /// GPUs that share the model
    #[arg(long, default_value_t = 1)]
    pub gpus: u32,
}

/// `polyculture models connect`
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// The model that is served: run:ID@STEP, path:DIR, hub:ORG/NAME, or an alias
    pub model: String,
    /// Where it is served
    #[arg(long, value_name = "URL")]
    pub base_url: String,
    /// How the server calls it; otherwise as `models serve` names it
    #[arg(long, value_name = "NAME")]
    pub served_as: Option<String>,
    /// Name of the provider; otherwise the model's
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Variable that has the server's key, where it takes one
    #[arg(long, value_name = "VARIABLE")]
    pub key_env: Option<String>,
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
    /// Where the backend local trains: auto, cpu or cuda (one leased GPU, in a program built with it)
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,
    /// Start it even if memory, disk or time will not do by the estimate
    #[arg(long)]
    pub even_if_it_does_not_fit: bool,
    /// Say what the run would take, in memory and time, and start nothing
    #[arg(long)]
    pub dry_run: bool,
}
