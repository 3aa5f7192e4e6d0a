//! The command line of evaluation tasks, and the flags of `evaluate` for classification.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::RunId;
use crate::evaluate::classify::Kind;
use crate::evaluate::classify::parser::ParserName;

/// `polyculture tasks ..`
#[derive(Debug, Subcommand)]
pub enum TasksCommand {
    /// The tasks that are known: culture, kind, size, best constant answer, whether the texts are here
    List {
        /// Only of this culture: an id or a language tag
        #[arg(long)]
        culture: Option<String>,
        /// Only of this kind
        #[arg(long)]
        kind: Option<Kind>,
        /// Only those whose texts are here
        #[arg(long)]
        here: bool,
    },
    /// One task: labels, prompt, counts, where its texts come from
    Show {
        /// Its name
        name: String,
        /// Print its file, to copy and change
        #[arg(long)]
        file: bool,
    },
    /// Look for what would spoil a score before anything is asked: oracle ceiling, one class, gold
    /// labels that are empty or undeclared, repeated texts
    Check {
        /// A task, `samples`, `kind:hate`, `culture:korean`, `all`; or a file of texts (with --as);
        /// or a task file
        target: String,
        /// The task that a file of texts is for
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// How replies are read; the task's own by default, and `paper` beside it
        #[arg(long)]
        parser: Option<ParserName>,
    },
    /// Put texts (JSONL as released) or a task file (TOML) into the workspace
    Add {
        /// The file
        file: PathBuf,
        /// The task that the texts are for
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
    },
}

/// Flags of `polyculture evaluate` for classification tasks.
#[derive(Debug, Clone, Args)]
pub struct ClassifyArgs {
    /// How replies are read: default, or paper (the released parser, for reproduction)
    #[arg(long, value_name = "NAME", help_heading = "Classification tasks")]
    pub parser: Option<ParserName>,
    /// How labels are given: generate (a reply is parsed) or score (log-probabilities of the words)
    #[arg(long, default_value = "generate", help_heading = "Classification tasks")]
    pub method: MethodArg,
    /// Name a culture in the prompts: own (the task's), made-up, or a culture's id
    #[arg(long, value_name = "CULTURE", num_args = 0..=1, default_missing_value = "own",
        default_value = "none", help_heading = "Classification tasks")]
    pub culture_prompt: String,
    /// Longest reply, in tokens
    #[arg(long, default_value_t = 64, value_name = "N", help_heading = "Classification tasks")]
    pub reply_tokens: u32,
    /// Run sets whose oracle ceiling is below 1, or that are flagged otherwise
    #[arg(long, help_heading = "Classification tasks")]
    pub allow_degenerate: bool,
    /// Score items that got no reply as wrong; otherwise the run fails, and retried asks for them
    #[arg(long, help_heading = "Classification tasks")]
    pub count_unanswered: bool,
    /// Draws of each interval
    #[arg(
        long,
        default_value_t = 100_000,
        value_name = "N",
        help_heading = "Classification tasks"
    )]
    pub draws: usize,
}

/// How labels are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs, reason = "the help of the flag says it")]
pub enum MethodArg {
    Generate,
    Score,
}

/// `polyculture evaluate ..`
#[derive(Debug, Clone, Subcommand)]
pub enum EvaluateCommand {
    /// Single replies of a run over classification tasks; texts stay hidden unless asked for
    Replies {
        /// The run
        run: RunId,
        /// Only of this task
        #[arg(long)]
        task: Option<String>,
        /// Only by this model
        #[arg(long)]
        model: Option<String>,
        /// Only this item, counted from 0
        #[arg(long)]
        item: Option<u32>,
        /// Only wrong ones
        #[arg(long)]
        wrong: bool,
        /// Only refusals
        #[arg(long)]
        refused: bool,
        /// Only replies that are no label
        #[arg(long)]
        invalid: bool,
        /// Show the texts and long replies; they may be abusive
        #[arg(long)]
        show_text: bool,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}
