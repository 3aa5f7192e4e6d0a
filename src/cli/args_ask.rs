//! `polyculture ask`, as types.

use clap::Args;

/// `polyculture ask`
#[derive(Debug, Args)]
pub struct AskArgs {
    /// Who answers: path:DIR, run:ID, hub:ORG/NAME, an alias, or a provider of your configuration
    #[arg(long, value_name = "MODEL")]
    pub model: String,
    /// Instructions before the question
    #[arg(long, default_value = "")]
    pub system: String,
    /// 0 takes the likeliest word each time
    #[arg(long, default_value_t = 0.0)]
    pub temperature: f64,
    /// Draw from the likeliest words whose shares reach this
    #[arg(long, default_value_t = 1.0)]
    pub top_p: f64,
    /// Longest reply, in tokens
    #[arg(long, default_value_t = 256)]
    pub max_tokens: u32,
    /// Replies to draw
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub draws: u32,
    /// Random seed
    #[arg(long)]
    pub seed: Option<u64>,
    /// Text at which a reply ends; may be given several times
    #[arg(long)]
    pub stop: Vec<String>,
    /// The question
    pub text: String,
}
