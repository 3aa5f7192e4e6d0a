//! `polyculture prompts ..`, as types.

use std::path::PathBuf;

use clap::Subcommand;

/// `polyculture prompts ..`
#[derive(Debug, Subcommand)]
pub enum PromptsCommand {
    /// List the prompts with their versions, and which of them you replaced
    List,
    /// One prompt, as its file has it
    Show {
        /// paraphrase, synonyms, translate, ..
        name: String,
    },
    /// Write the prompts in force as files, to be edited and put into your configuration folder
    Export {
        /// Where to; made if missing
        dir: PathBuf,
        /// Write over files that are there
        #[arg(long)]
        force: bool,
    },
}
