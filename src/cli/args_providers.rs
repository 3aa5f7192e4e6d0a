//! The command line of providers, of raw replies, and the limits of runs that pay for calls.

use clap::{Args, Subcommand};

use crate::domain::RunId;
use crate::providers::budget::Budget;

/// `polyculture providers ..`
#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// List the providers of your configuration
    List,
    /// One provider, without its secrets
    Show {
        /// Its name
        name: String,
    },
    /// Send a few tiny requests: latency, structured output, log-probabilities, token counts
    Test {
        /// Its name
        name: String,
        /// The model; the provider's default one otherwise
        #[arg(long)]
        model: Option<String>,
    },
}

/// `polyculture replies ..`
#[derive(Debug, Subcommand)]
pub enum RepliesCommand {
    /// One raw reply as it came from the model
    Show {
        /// Its key, as provenance and results give it
        key: String,
        /// Only look in this run
        #[arg(long)]
        run: Option<RunId>,
    },
}

/// Limits of a run that pays for calls; without one there is none.
#[derive(Debug, Clone, Default, Args)]
pub struct BudgetArgs {
    /// Stop the run after this many calls, tries included
    #[arg(long, value_name = "N")]
    pub max_calls: Option<u64>,
    /// Stop the run after this many tokens, of prompts and replies together
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u64>,
    /// Stop the run at this cost, in the currency of the provider's price list
    #[arg(long, value_name = "MONEY")]
    pub max_cost: Option<f64>,
}

impl BudgetArgs {
    /// The limits as a run freezes them.
    pub fn budget(&self) -> Budget {
        Budget { max_calls: self.max_calls, max_tokens: self.max_tokens, max_cost: self.max_cost }
    }
}
