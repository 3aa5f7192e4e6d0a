//! Flags of commands that ask language models, and `polyculture translate`, as types.

use clap::{Args, ValueEnum};

use super::args::WaitArgs;
use crate::domain::QuestionId;

/// What a run may spend, and whether it starts at all.
#[derive(Debug, Clone, Args)]
pub struct SpendArgs {
    /// Stop before a call more than this is sent, tries included
    #[arg(long, value_name = "N", help_heading = "Language models")]
    pub max_calls: Option<u64>,
    /// Stop before prompts and replies together take more tokens than this
    #[arg(long, value_name = "N", help_heading = "Language models")]
    pub max_spend_tokens: Option<u64>,
    /// Stop before more than this is spent, in the currency of your price list
    #[arg(long, value_name = "AMOUNT", help_heading = "Language models")]
    pub max_cost: Option<f64>,
    /// Say what would be asked, with tokens and cost, and start nothing
    #[arg(long, help_heading = "Language models")]
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
    pub max_tokens: Option<u32>,
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
    pub wait: WaitArgs,
}

/// Which texts are translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum WhatArg {
    Seeds,
    Samples,
    Both,
}
