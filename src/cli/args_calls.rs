//! `polyculture augment` and `translate`, and the flags of commands that ask language models, as
//! types.

use clap::{Args, ValueEnum};

use super::args::{BudgetArgs, StartArgs};
use crate::domain::QuestionId;

/// What a run may spend, and whether it starts at all.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Language models")]
pub struct SpendArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub budget: BudgetArgs,
    /// Say what would be asked, with tokens and cost, and start nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How replies are drawn.
#[derive(Debug, Clone, Args)]
pub struct MannerArgs {
    /// 0 = the likeliest words each time; 0.8 for augmentation and 0 for translation by default
    #[arg(long, value_name = "0-2", help_heading = "Language models")]
    pub temperature: Option<f64>,
    /// Nucleus, up to 1
    #[arg(long, value_name = "0-1", help_heading = "Language models")]
    pub top_p: Option<f64>,
    /// Longest reply in tokens, reasoning included; 2048 by default
    #[arg(long, value_name = "N", help_heading = "Language models")]
    pub reply_tokens: Option<u32>,
}

/// `polyculture augment`
#[derive(Debug, Args)]
pub struct AugmentArgs {
    /// Seeds to grow from; all by default
    #[arg(long, value_delimiter = ',', value_name = "Q27,Q28")]
    pub seeds: Vec<QuestionId>,
    /// Who proposes: offline (rules), a provider of your configuration, or a model (path:DIR, run:ID,
    /// an alias)
    #[arg(long, default_value = "offline", value_name = "NAME[/MODEL]")]
    pub provider: String,
    /// Paraphrases asked for, per seed
    #[arg(long, default_value_t = 5)]
    pub templates: usize,
    /// Samples kept, per seed
    #[arg(long, default_value_t = 10)]
    pub keep: usize,
    /// Similarity threshold; calibrated on the cross-seed pairs by default
    #[arg(long)]
    pub threshold: Option<f64>,
    /// False-accept rate of the calibration
    #[arg(long, default_value_t = 0.05)]
    pub false_accept: f64,
    /// Sentence encoder for the filter: path:DIR or hub:ORG/NAME; lexical without
    #[arg(long)]
    pub encoder: Option<String>,
    /// With an encoder: texts of a seed at or above this cosine are near-duplicates; 1 for never
    #[arg(long, default_value_t = crate::augment::NEAR_LIKENESS, value_name = "0-1")]
    pub near_likeness: f64,
    /// Random seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Grow the held-out test paraphrases instead: other template families, other words
    #[arg(long)]
    pub held_out: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub manner: MannerArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub spend: SpendArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub start: StartArgs,
}

/// `polyculture translate`
#[derive(Debug, Args)]
pub struct TranslateArgs {
    /// Target languages (BCP 47)
    #[arg(long, value_delimiter = ',', required = true, value_name = "ar,bn")]
    pub to: Vec<String>,
    /// Who translates: a provider of your configuration, or a model (path:DIR, run:ID, an alias)
    #[arg(long, value_name = "NAME[/MODEL]")]
    pub provider: String,
    /// Which texts
    #[arg(long, value_enum, default_value_t = WhatArg::Both)]
    pub what: WhatArg,
    /// Only these seeds and their samples; all by default
    #[arg(long, value_delimiter = ',', value_name = "Q27,Q28")]
    pub seeds: Vec<QuestionId>,
    /// Random seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub manner: MannerArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub spend: SpendArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub start: StartArgs,
}

/// Which texts are translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum WhatArg {
    Seeds,
    Samples,
    Both,
}
