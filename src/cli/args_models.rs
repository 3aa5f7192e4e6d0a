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
}
