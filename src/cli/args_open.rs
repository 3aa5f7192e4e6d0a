//! Flags of `polyculture evaluate` for tasks whose answers are words: win-rate, gsm8k, bbh,
//! robustness.

use std::path::PathBuf;

use clap::Args;

/// What these tasks need beside the models.
#[derive(Debug, Clone, Args)]
pub struct OpenArgs {
    /// win-rate: the model that --model is held against
    #[arg(long, value_name = "MODEL", help_heading = "Tasks answered in words")]
    pub against: Option<String>,
    /// win-rate: who chooses between two answers
    #[arg(long, value_name = "MODEL", help_heading = "Tasks answered in words")]
    pub judge: Option<String>,
    /// win-rate: questions, JSONL or CSV with question, id, culture, language, topic; our own by default
    #[arg(long, value_name = "FILE", help_heading = "Tasks answered in words")]
    pub questions: Option<PathBuf>,
    /// win-rate: how the judge is asked, a TOML file with name, version, system and user
    #[arg(long, value_name = "FILE", help_heading = "Tasks answered in words")]
    pub judge_prompt: Option<PathBuf>,
}
