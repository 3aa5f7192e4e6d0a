//! `polyculture robustness ..`, as types.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::RunId;
use crate::evaluate::robustness::Change;

/// `polyculture robustness ..`
#[derive(Debug, Subcommand)]
pub enum RobustnessCommand {
    /// Write texts with typos, look-alike letters, injections: JSONL, one changed text a line
    Perturb(PerturbArgs),
    /// Draw changed texts for a person who says whether their labels survived
    Check {
        /// Texts of `robustness perturb`
        #[arg(long, value_name = "FILE", conflicts_with = "run", required_unless_present = "run")]
        from: Option<PathBuf>,
        /// Or the texts of a run of `evaluate --tasks robustness`
        #[arg(long)]
        run: Option<RunId>,
        /// Pairs to draw
        #[arg(short, default_value_t = 50)]
        n: usize,
        /// Random seed of the draw
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The CSV to write; the person fills in its column `verdict`
        #[arg(short, long)]
        output: PathBuf,
    },
    /// Read the person's verdicts back: the share of labels that survived, with its interval
    Verdicts {
        /// The CSV
        file: PathBuf,
    },
}

/// `polyculture robustness perturb`
#[derive(Debug, Args)]
pub struct PerturbArgs {
    /// Texts: JSONL or CSV with text (or data, tweet, comment), id, label, language
    #[arg(long, value_name = "FILE", conflicts_with = "seeds", required_unless_present = "seeds")]
    pub file: Option<PathBuf>,
    /// The workspace's survey seeds instead
    #[arg(long)]
    pub seeds: bool,
    /// What is done: typos, look-alike, injection, paraphrase (seeds only), each with a strength
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "typos:0.2,look-alike:0.2",
        value_name = "KIND:STRENGTH"
    )]
    pub changes: Vec<Change>,
    /// What injections into texts ask for
    #[arg(long, default_value = "yes", value_name = "WORD")]
    pub wanted: String,
    /// Random seed: the same seed changes the same text in the same way
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where to; standard output by default
    #[arg(short, long)]
    pub output: Option<PathBuf>,
}
