//! What a run that asks a language model takes along: where the model is, what may be spent, and
//! the prompts as they are now. Secrets and earlier replies are seen to when it is handed over.

use super::{LaunchError, Prepared, endpoints};
use crate::config::UserConfig;
use crate::providers::ModelSource;
use crate::providers::budget::{Budget, Price};
use crate::providers::estimate::Estimate;
use crate::providers::prompts::Library;

/// A language model at work for a run.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// How the user named it.
    pub name: String,
    /// Where its answers come from.
    pub source: ModelSource,
    /// What the run may spend.
    pub budget: Budget,
    /// Threads, for models in folders.
    pub threads: u32,
    /// The prompts, of which the run keeps a copy.
    pub prompts: Library,
}

/// A run that is ready, with what it will take at most.
#[derive(Debug)]
pub struct PreparedCalls {
    /// The run.
    pub prepared: Prepared,
    /// Calls, tokens, money.
    pub estimate: Estimate,
}

impl Speaker {
    /// The model's price, where the user's configuration has one.
    ///
    /// # Errors
    /// The configuration cannot be read.
    pub fn price(&self) -> Result<Option<Price>, LaunchError> {
        match &self.source {
            ModelSource::Folder { .. } | ModelSource::Made { .. } => Ok(None),
            ModelSource::Endpoint { .. } => {
                Ok(endpoints::price(&UserConfig::load().map_err(said)?, &self.source))
            }
        }
    }

    /// Adds `provider.json`, the price, the limits, and copies of the prompts.
    ///
    /// # Errors
    /// A prompt cannot be used.
    pub fn equip(
        &self,
        mut prepared: Prepared,
        prompts: &[&'static str],
    ) -> Result<Prepared, LaunchError> {
        if let ModelSource::Folder { .. } | ModelSource::Made { .. } = &self.source {
            prepared.run.resources.threads = self.threads;
        }
        prepared.budget = self.budget.clone();
        for name in prompts {
            let prompt = self.prompts.load(name).map_err(said)?;
            prepared = prepared.prompt(name, prompt.source.into_bytes());
        }
        let prepared = prepared.json("provider.json", &self.source)?;
        match self.price()? {
            Some(price) => Ok(prepared.json("price.json", &price)?),
            None => Ok(prepared),
        }
    }
}

fn said(e: impl std::fmt::Display) -> LaunchError {
    LaunchError::Unknown(e.to_string())
}
