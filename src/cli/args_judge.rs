//! `polyculture judge`, as types.

use clap::Args;

use super::args::StartArgs;
use super::args_calls::SpendArgs;
use crate::domain::{RaterId, StudyId};

/// `polyculture judge`
#[derive(Debug, Args)]
pub struct JudgeArgs {
    /// The study
    #[arg(long)]
    pub study: StudyId,
    /// Who judges: a provider of your configuration, or a model (path:DIR, run:ID, an alias)
    #[arg(long, value_name = "NAME[/MODEL]")]
    pub provider: String,
    /// The judge's name among the raters; made from the model by default
    #[arg(long = "as", value_name = "RATER")]
    pub rater: Option<RaterId>,
    /// What is asked: a prompt by name, or a TOML file with name, version, system and user; by
    /// default the one named as the study's type: similarity, preference or appropriateness
    #[arg(long, value_name = "NAME|FILE")]
    pub prompt: Option<String>,
    /// Pay again: do not take equal replies from earlier runs of this workspace
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub spend: SpendArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub start: StartArgs,
}
