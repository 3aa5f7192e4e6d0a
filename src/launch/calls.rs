//! What a run that asks a language model takes along: where the model is, what may be spent, which
//! secret it needs, and the prompts as they are now.

use super::{LaunchError, Prepared};
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
    /// The configuration does not define the provider, or cannot be read.
    pub fn price(&self) -> Result<Option<Price>, LaunchError> {
        let ModelSource::Endpoint { provider, model } = &self.source else { return Ok(None) };
        let config = UserConfig::load().map_err(said)?;
        let settings = config.provider(provider).map_err(said)?;
        let model = if model.is_empty() { settings.model.as_deref().unwrap_or("") } else { model };
        Ok(settings.prices(model).map(|p| Price {
            prompt: p.prompt,
            completion: p.completion,
            currency: p.currency.clone(),
        }))
    }

    /// Adds `provider.json`, `budget.json`, the prompts, and the name of the secret.
    ///
    /// # Errors
    /// The configuration does not define the provider, its key is in a variable that is not set,
    /// or a prompt cannot be used.
    pub fn equip(
        &self,
        mut prepared: Prepared,
        prompts: &[&'static str],
    ) -> Result<Prepared, LaunchError> {
        match &self.source {
            ModelSource::Folder { .. } => prepared.run.resources.threads = self.threads,
            ModelSource::Endpoint { provider, .. } => {
                let config = UserConfig::load().map_err(said)?;
                let settings = config.provider(provider).map_err(said)?;
                if let Some(name) = settings.secret_variable() {
                    if std::env::var_os(name).is_none_or(|v| v.is_empty()) {
                        return Err(LaunchError::Unknown(format!(
                            "provider `{provider}` takes its key from the variable {name}, which \
                             is not set: set it in this shell and try again"
                        )));
                    }
                    prepared.run.secrets.push(name.to_owned());
                }
            }
        }
        for name in prompts {
            let prompt = self.prompts.load(name).map_err(said)?;
            prepared = prepared.prompt(name, prompt.source.into_bytes());
        }
        prepared = prepared.json("provider.json", &self.source)?;
        if !self.budget.is_open() {
            prepared = prepared.json(Budget::NAME, &self.budget)?;
        }
        Ok(prepared)
    }
}

fn said(e: impl std::fmt::Display) -> LaunchError {
    LaunchError::Unknown(e.to_string())
}
