//! The command line of `polyculture runs watch`.

use clap::Args;

/// What to watch, and how.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// A run's id, or any folder that a trainer writes into: ours, LLaMA-Factory, transformers,
    /// TensorBoard's event files
    #[arg(value_name = "RUN|DIR")]
    pub what: String,
    /// Go on: a line whenever there is something new; with --json one document a line
    #[arg(short, long)]
    pub follow: bool,
    /// A table once, also on a terminal
    #[arg(long, conflicts_with = "follow")]
    pub once: bool,
    /// Seconds between two looks
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = seconds)]
    pub every: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|s| (0.05..=3600.0).contains(s))
        .ok_or_else(|| "expected seconds, 0.05 to 3600".to_owned())
}
