//! The command line as types. Every command, flag and default that a script may rely on.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::dataset::{ExportFormat, FindingKind};
use crate::domain::{
    CountryCode, CultureId, DatasetId, LabelPolicy, QuestionId, SampleId, StudyId,
};

pub use super::args_ask::AskArgs;
pub use super::args_calls::{AugmentArgs, MannerArgs, SpendArgs, TranslateArgs};
pub use super::args_compare::{CompareArgs, ReportArgs, ReportFormat, SweepArg, SweepArgs};
pub use super::args_judge::JudgeArgs;
pub use super::args_on::OnArgs;
pub use super::args_open::OpenArgs;
pub use super::args_prompts::PromptsCommand;
pub use super::args_providers::{BudgetArgs, ProvidersCommand, RepliesCommand};
pub use super::args_robustness::RobustnessCommand;
pub use super::args_runs::{EngineCommand, RunsCommand};
pub use super::args_tasks::{ClassifyArgs, EvaluateCommand, TasksCommand};
pub use super::args_terms::{StartArgs, TermsArgs};
pub use super::args_workbench::{LooksArgs, RateArgs};

/// A terminal workbench for growing culture-aware language models from survey seeds.
#[derive(Debug, Parser)]
#[command(name = "polyculture", version, max_term_width = 100, subcommand_required = false)]
pub struct Cli {
    /// Workspace folder; else the nearest parent folder with polyculture.toml, else the default one
    #[arg(short, long, global = true, env = "POLYCULTURE_WORKSPACE", value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// One JSON document on stdout; notes go to stderr
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub looks: LooksArgs,
    /// What to do; nothing: open the workbench
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The activities and what stands beside them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole loop on sample data: seeds, augment, study, dataset, finetune, evaluate
    Demo(DemoArgs),
    /// Make a folder a workspace, with the sample seeds in it
    Init {
        /// The folder; made if missing
        dir: PathBuf,
        /// Leave the workspace empty: no sample seeds, no counts
        #[arg(long)]
        empty: bool,
    },
    /// Survey questions and each culture's answers
    #[command(subcommand)]
    Seeds(SeedsCommand),
    /// Grow samples from seeds: paraphrase templates, synonyms in context, semantic filter
    Augment(AugmentArgs),
    /// Put seeds and samples into other languages with a language model, flagging what is none
    Translate(TranslateArgs),
    /// Texts that grew from seeds
    #[command(subcommand)]
    Samples(SamplesCommand),
    /// Rating studies
    #[command(subcommand)]
    Study(super::study::StudyCommand),
    /// Backups of the workspace's database
    #[command(subcommand)]
    Workspace(super::workspace::WorkspaceCommand),
    /// Rate, full screen: nothing else to learn
    Rate(RateArgs),
    /// Ask a model something, to hear how it talks; nothing is kept
    Ask(AskArgs),
    /// Texts with typos, look-alike letters and injections, and whether their labels survive
    #[command(subcommand)]
    Robustness(RobustnessCommand),
    /// Let a model rate a study's items, 1 to 5, in both orders
    Judge(JudgeArgs),
    /// Ratings made elsewhere
    #[command(subcommand)]
    Ratings(RatingsCommand),
    /// Training sets
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Tune a model on a dataset
    Finetune(FinetuneArgs),
    /// The model registry
    #[command(subcommand)]
    Models(super::args_models::ModelsCommand),
    /// Classification tasks: what is known, where texts come from, checks before anything is asked
    #[command(subcommand)]
    Tasks(TasksCommand),
    /// Score models: against the survey, on classification tasks, on tasks answered in words
    Evaluate(EvaluateArgs),
    /// Models beside controls and baselines, with paired tests
    Compare(CompareArgs),
    /// One thing varied, everything else equal: ablation, sample counts, label policies
    Sweep(SweepArgs),
    /// The workspace on one page: seeds, samples, ratings, datasets, models, evaluations
    Report(ReportArgs),
    /// The prompts that language models are given: read, export, replace
    #[command(subcommand)]
    Prompts(PromptsCommand),
    /// What the engine runs, ran and will run
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Services of language models that your configuration defines
    #[command(subcommand)]
    Providers(ProvidersCommand),
    /// Raw replies of models
    #[command(subcommand)]
    Replies(RepliesCommand),
    /// The local task engine
    #[command(subcommand)]
    Engine(EngineCommand),
    /// The workbench's commands and their keys
    Keys {
        /// As Markdown: the source of docs/keys.md
        #[arg(long)]
        markdown: bool,
    },
    /// What this machine and workspace can do, and what to mend
    Doctor {
        /// What the fine-tuning backend torch lacks, and the one command that installs it
        #[arg(long)]
        torch: bool,
        /// The Python to look at, instead of the one that runs would take
        #[arg(long, value_name = "PROGRAM", requires = "torch")]
        python: Option<PathBuf>,
        /// Try the GPU of the embedded trainer: products and two small trainings beside the
        /// processor's, within a minute
        #[arg(long, conflicts_with = "torch")]
        cuda: bool,
    },
    /// Print a completion script for a shell
    Completions {
        /// bash, zsh, fish, ..
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Carry out the job of an attempt folder (started by the shim)
    #[command(name = "__work", hide = true)]
    Work {
        /// The attempt's folder
        attempt: PathBuf,
    },
    /// Watch over one attempt (started by the engine)
    #[command(name = "__shim", hide = true)]
    Shim {
        /// The attempt's folder
        attempt: PathBuf,
    },
}

/// `polyculture demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Print the result table; do not open the workbench
    #[arg(long)]
    pub headless: bool,
    /// Where to make the workspace; a fresh folder under the temporary one otherwise
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Fewer questions, seeds and steps: shows that it turns, proves nothing
    #[arg(long)]
    pub quick: bool,
    /// Go through the loop in the workspace that is there, and tell every step as a line of JSON
    #[arg(long, hide = true)]
    pub steps: bool,
}

/// `polyculture seeds ..`
#[derive(Debug, Subcommand)]
pub enum SeedsCommand {
    /// Read questions, answers or counts; the format is recognised
    Import {
        /// WVQ.jsonl, country CSVs, the official survey CSV, questionnaires, option counts
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Weights behind the counts; W_WEIGHT where the file has it
        #[arg(long, value_enum)]
        weight: Option<WeightArg>,
        /// Count these questions of respondent rows; the workspace's seeds by default
        #[arg(long, value_delimiter = ',', value_name = "Q27,Q28")]
        questions: Vec<QuestionId>,
        /// Count every question of respondent rows
        #[arg(long, conflicts_with = "questions")]
        every_question: bool,
        /// Only these countries
        #[arg(long, value_delimiter = ',', value_name = "GRC,FRA")]
        countries: Vec<CountryCode>,
    },
    /// List the seeds with the number of cultures that answered each
    List {
        /// Only this topic
        #[arg(long)]
        topic: Option<String>,
    },
    /// One seed: wording, scale, each culture's answers, what was not asked
    Show {
        /// Q27
        id: QuestionId,
        /// Cultures to show; all by default
        #[arg(long, value_delimiter = ',')]
        cultures: Vec<CultureId>,
    },
    /// The cultures, their countries and what data each has
    Cultures,
    /// Write a synthetic survey in the official format, for tests and benchmarks
    Synth {
        /// Where to
        file: PathBuf,
        /// Respondents
        #[arg(long, default_value_t = 5_000)]
        respondents: u64,
        /// Countries
        #[arg(long, default_value_t = 12)]
        countries: u16,
        /// Random seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// Weights for the official survey file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightArg {
    /// Each respondent counts once
    Unweighted,
    /// `W_WEIGHT`
    #[value(name = "w_weight")]
    WWeight,
    /// `W_WEIGHT` x `S018`
    #[value(name = "s018")]
    S018,
}

/// `polyculture samples ..`
#[derive(Debug, Subcommand)]
pub enum SamplesCommand {
    /// Read samples through the guards: released files, or CSV and JSONL with seed_id and text
    Import {
        /// The file
        file: PathBuf,
        /// Sentence encoder for the filter: path:DIR or hub:ORG/NAME; lexical without
        #[arg(long)]
        encoder: Option<String>,
    },
    /// List samples
    List {
        /// Only of this seed
        #[arg(long)]
        seed: Option<QuestionId>,
        /// Only with this decision
        #[arg(long, value_enum)]
        decision: Option<DecisionArg>,
        /// Only of this stage: template, synonym, imported, translation
        #[arg(long)]
        stage: Option<crate::domain::Stage>,
        /// Only in this language (BCP 47)
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 200)]
        limit: usize,
        /// Go on after this sample (the `next` of the page before)
        #[arg(long)]
        after: Option<String>,
    },
    /// One sample with its ancestry
    Show {
        /// Its id
        id: SampleId,
    },
    /// Keep samples, whatever was decided before
    Accept {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<SampleId>,
    },
    /// Turn samples down
    Reject {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<SampleId>,
        /// Why
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Put another text in a sample's place; the old one stays, rejected
    Edit {
        /// Its id
        id: SampleId,
        /// The new text
        text: String,
    },
    /// Write samples as JSONL with their whole ancestry
    Export {
        /// Only with this decision
        #[arg(long, value_enum, default_value_t = DecisionArg::Kept)]
        decision: DecisionArg,
        /// Where to; standard output by default
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Counts by decision and reason, diversity and perplexity of what was kept
    Stats,
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names are the words of the domain")]
pub enum DecisionArg {
    Kept,
    Rejected,
    Failed,
}

/// `polyculture ratings ..`
#[derive(Debug, Subcommand)]
pub enum RatingsCommand {
    /// Read ratings into a study: a long CSV, or what Label Studio, Argilla or Potato write
    Import(super::study::ImportArgs),
}

/// Which texts a dataset is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the help of the flag says it")]
pub enum TextsArg {
    Seeds,
    Stage1,
    Both,
}

/// A control dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help of the flag says it")]
pub enum ControlArg {
    Blind,
    Uniform,
}

/// What `dataset build --like` takes from the other dataset.
const LIKE_IS_ALL: [&str; 8] = [
    "cultures",
    "texts",
    "count",
    "rated_at_least",
    "language",
    "policy",
    "hold_out_questions",
    "allow",
];

/// `polyculture dataset ..`
#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Make a dataset of seeds and kept samples; the audit refuses what would spoil it
    Build {
        /// Its name
        name: DatasetId,
        /// Only this culture's answers; all cultures, each row naming its own, by default
        #[arg(long, conflicts_with = "control")]
        culture: Option<CultureId>,
        /// As this dataset is, but for whose answers it holds
        #[arg(long, value_name = "DATASET", conflicts_with_all = LIKE_IS_ALL)]
        like: Option<DatasetId>,
        /// A control instead: the mixture of all cultures, or the same share for every option
        #[arg(long, value_enum)]
        control: Option<ControlArg>,
        /// Cultures in view; all by default
        #[arg(long, value_delimiter = ',')]
        cultures: Vec<CultureId>,
        /// Seeds alone, seeds + stage 1, seeds + both stages
        #[arg(long, value_enum, default_value_t = TextsArg::Both)]
        texts: TextsArg,
        /// At most this many texts, seeds counted first; smaller sets lie in larger ones
        #[arg(long, value_name = "N")]
        count: Option<usize>,
        /// Only samples whose scores by people are at least this on the mean, 1 to 5
        #[arg(long, value_name = "SCORE")]
        rated_at_least: Option<f64>,
        /// .. by at least so many people
        #[arg(long, value_name = "RATERS", default_value_t = 1, requires = "rated_at_least")]
        by: u32,
        /// .. in this study; in all studies by default
        #[arg(long, requires = "rated_at_least")]
        study: Option<StudyId>,
        /// Use texts in this language (made by `translate`) instead of the survey's own wording
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
        /// How answers become targets: distribution, mode, rounded-mean, median, paper
        #[arg(long, default_value = "distribution")]
        policy: LabelPolicy,
        /// Questions to hold out entirely, drawn over topics and scales
        #[arg(long, default_value_t = 0)]
        hold_out_questions: usize,
        /// Random seed of the draw
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Kinds of findings that do not stop the build; they are still listed
        #[arg(long, value_delimiter = ',', value_name = "KIND")]
        allow: Vec<FindingKind>,
    },
    /// Look for contradictions, duplicates, labels off the scale, questions never asked, leaks
    Audit {
        /// A dataset of the workspace, or a file: chat, text, Alpaca, ShareGPT or own JSONL
        target: String,
        /// Whose answers the file holds
        #[arg(long)]
        culture: Option<CultureId>,
        /// Test file to look for leaks from
        #[arg(long)]
        test: Option<PathBuf>,
    },
    /// Write a dataset for other trainers, with its data card
    Export {
        /// The dataset
        name: DatasetId,
        /// Format: chat, text, alpaca, sharegpt, parquet
        #[arg(long, default_value = "chat")]
        format: ExportFormat,
        /// Answers per row into which a distribution is apportioned
        #[arg(long, default_value_t = 10)]
        answers: u32,
        /// Where to; exports/ of the workspace by default
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// List datasets
    List,
}

/// `polyculture finetune`
#[derive(Debug, Args)]
pub struct FinetuneArgs {
    /// The dataset
    #[arg(long)]
    pub dataset: DatasetId,
    /// Recipe: a TOML file, or the name of a preset: tiny, lora, full, paper, lora-torch,
    /// paper-torch, openai
    #[arg(long, default_value = "tiny")]
    pub recipe: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub base: super::args_models::BaseArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub changes: super::args_models::RecipeArgs,
    /// Alias of the model in the registry
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub start: StartArgs,
}

/// `polyculture evaluate`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct EvaluateArgs {
    /// Look at a run afterwards
    #[command(subcommand)]
    pub command: Option<EvaluateCommand>,
    /// Models: run:ID@STEP, path:DIR, hub:ORG/NAME, or aliases
    #[arg(long, value_delimiter = ',', required = true)]
    pub model: Vec<String>,
    /// Tasks: survey; classification tasks by name, kind:hate, culture:korean, all, samples;
    /// win-rate and the other tasks answered in words
    #[arg(long, value_delimiter = ',', default_value = "survey")]
    pub tasks: Vec<String>,
    /// Cultures; all by default
    #[arg(long, value_delimiter = ',')]
    pub cultures: Vec<CultureId>,
    /// Also score the held-out paraphrases of this dataset's split
    #[arg(long)]
    pub dataset: Option<DatasetId>,
    /// Answers drawn to each prompt from models that give no log-probabilities
    #[arg(long, default_value_t = 20, value_name = "K")]
    pub draws_per_prompt: u32,
    /// Pay again: do not take equal replies from earlier runs of this workspace
    #[arg(long)]
    pub fresh: bool,
    /// Random seed of the bootstrap
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub spend: super::args_calls::SpendArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub open: OpenArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub classify: ClassifyArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub start: StartArgs,
}
