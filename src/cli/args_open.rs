//! Flags of `polyculture evaluate` for tasks whose answers are words: win-rate, gsm8k, bbh,
//! robustness.

use std::path::PathBuf;

use clap::Args;

use crate::evaluate::robustness::Change;

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
    /// gsm8k: the JSONL file; bbh: a JSON file or a folder of them
    #[arg(long, value_name = "FILE|DIR", help_heading = "Tasks answered in words")]
    pub file: Option<PathBuf>,
    /// gsm8k: a file of worked examples in the same form (`train.jsonl`); five of our own by default
    #[arg(long, value_name = "FILE", help_heading = "Tasks answered in words")]
    pub examples: Option<PathBuf>,
    /// gsm8k: how many of them stand in a prompt
    #[arg(long, default_value_t = 5, value_name = "N", help_heading = "Tasks answered in words")]
    pub shots: usize,
    /// bbh: worked examples, SUBTASK.txt or a folder of them
    #[arg(long, value_name = "FILE|DIR", help_heading = "Tasks answered in words")]
    pub cot: Option<PathBuf>,
    /// robustness: the classification task whose texts are changed (`polyculture tasks list`)
    #[arg(long, value_name = "TASK", help_heading = "Tasks answered in words")]
    pub texts_of: Option<String>,
    /// robustness and survey: what is done to the texts, each with a strength from 0 to 1: typos,
    /// look-alike, injection, paraphrase
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "KIND:STRENGTH",
        help_heading = "Tasks answered in words"
    )]
    pub changes: Vec<Change>,
    /// robustness: who rewords texts for the change `paraphrase`
    #[arg(long, value_name = "MODEL", help_heading = "Tasks answered in words")]
    pub paraphraser: Option<String>,
    /// Only so many items (of every subtask; robustness: drawn by the seed)
    #[arg(long, value_name = "N", help_heading = "Tasks answered in words")]
    pub limit: Option<usize>,
    /// win-rate: how the judge is asked, a TOML file with name, version, system and user
    #[arg(long, value_name = "FILE", help_heading = "Tasks answered in words")]
    pub judge_prompt: Option<PathBuf>,
}
