//! `polyculture` and `polyculture rate`: the screen, as types.

use clap::Args;

use crate::text::BidiMode;

/// How the screen looks, for this once. What is kept stands in `workbench.toml`, beside `config.toml`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Screen")]
pub struct LooksArgs {
    /// No boxes, no braille, no colour told without a word: for screen readers and poor links
    #[arg(long, global = true)]
    pub plain: bool,
    /// dark, light, sixteen, mono, or a theme of your own
    #[arg(long, global = true, value_name = "NAME", env = "POLYCULTURE_THEME")]
    pub theme: Option<String>,
    /// Who puts right-to-left text in order: auto, app, terminal, off
    #[arg(long, global = true, value_name = "MODE")]
    pub bidi: Option<BidiMode>,
}

/// `polyculture rate`
#[derive(Debug, Args)]
pub struct RateArgs {
    /// The study; the only one that waits for ratings by default
    #[arg(long, value_name = "STUDY")]
    pub study: Option<String>,
    /// Who rates; the only rater of the study by default, or the one named like you
    #[arg(long = "as", value_name = "RATER")]
    pub rater: Option<String>,
}
