//! How models are named, and what the registry knows of one.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::FinetuneError;
use crate::domain::{CultureId, DatasetId, ModelId, RunId};

/// The name of a model, as on the command line and in recipes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ModelRef {
    /// `run:ID` (its final checkpoint) or `run:ID@STEP`.
    Run {
        /// The run that trained it.
        run: RunId,
        /// A step's checkpoint; `None` = the final one.
        step: Option<u64>,
    },
    /// `path:DIR`: a model folder.
    Path(PathBuf),
    /// `hub:ORG/NAME`
    Hub {
        /// Owner on the hub.
        org: String,
        /// Repository.
        name: String,
    },
    /// `provider:NAME/MODEL`; a model's name may hold further slashes and colons.
    Provider {
        /// The provider of the user's configuration.
        provider: String,
        /// What the provider calls the model.
        model: String,
    },
    /// A name of the registry.
    Alias(ModelId),
}

impl FromStr for ModelRef {
    type Err = FinetuneError;
    fn from_str(s: &str) -> Result<Self, FinetuneError> {
        let no = || FinetuneError::ModelRef(s.to_owned());
        if s.chars().any(char::is_control) {
            return Err(no());
        }
        let Some((kind, rest)) = s.split_once(':') else {
            return ModelId::new(s).map(Self::Alias).map_err(|_| no());
        };
        match kind {
            "run" => {
                let (run, step) = match rest.split_once('@') {
                    None => (rest, None),
                    Some((run, step)) => (run, Some(step.parse().map_err(|_| no())?)),
                };
                Ok(Self::Run { run: RunId::new(run).map_err(|_| no())?, step })
            }
            "path" if !rest.is_empty() => Ok(Self::Path(rest.into())),
            "hub" => {
                let (org, name) = rest.split_once('/').ok_or_else(no)?;
                // The id's form is what may stand in a path of the hub's cache.
                for part in [org, name] {
                    ModelId::new(part).map_err(|_| no())?;
                }
                Ok(Self::Hub { org: org.into(), name: name.into() })
            }
            "provider" => {
                let (provider, model) = rest.split_once('/').ok_or_else(no)?;
                ModelId::new(provider).map_err(|_| no())?;
                if model.trim().is_empty() {
                    return Err(no());
                }
                Ok(Self::Provider { provider: provider.into(), model: model.into() })
            }
            _ => Err(no()),
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { run, step: None } => write!(f, "run:{run}"),
            Self::Run { run, step: Some(step) } => write!(f, "run:{run}@{step}"),
            Self::Path(p) => write!(f, "path:{}", p.display()),
            Self::Hub { org, name } => write!(f, "hub:{org}/{name}"),
            Self::Provider { provider, model } => write!(f, "provider:{provider}/{model}"),
            Self::Alias(a) => write!(f, "{a}"),
        }
    }
}

impl TryFrom<String> for ModelRef {
    type Error = FinetuneError;
    fn try_from(s: String) -> Result<Self, FinetuneError> {
        s.parse()
    }
}

impl From<ModelRef> for String {
    fn from(m: ModelRef) -> String {
        m.to_string()
    }
}

/// What the registry knows of a model: where its weights are and what they grew from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Its alias.
    pub model: ModelId,
    /// The culture it was tuned for; `None` = several, or none.
    #[serde(default)]
    pub culture: Option<CultureId>,
    /// What it was trained from: `tiny`, or the name of a base model.
    pub base: String,
    /// The dataset.
    pub dataset: DatasetId,
    /// The recipe's name.
    pub recipe: String,
    /// SHA-256 of the recipe file as the run read it.
    pub recipe_sha256: String,
    /// The run.
    pub run: RunId,
    /// The checkpoint's folder, relative to the run's.
    pub checkpoint: PathBuf,
    /// Steps done in it.
    pub step: u64,
    /// RFC 3339 UTC.
    pub created_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_names_no_model_is_refused() {
        for bad in [
            "",
            "run:",
            "run:a/b",
            "run:x@",
            "run:x@y",
            "run:x@-1",
            "path:",
            "hub:x",
            "hub:a/",
            "hub:a/b/c",
            "hub:../x",
            "provider:x",
            "provider:/m",
            "provider:a/",
            "s3:x/y",
            "a b",
            "../x",
            "a\nb",
            "path:a\u{1b}[2J",
        ] {
            assert!(bad.parse::<ModelRef>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn every_form_is_written_as_it_was_read() {
        for good in [
            "run:20261120-ab",
            "run:20261120-ab@40",
            "path:/models/x y",
            "path:rel/dir",
            "hub:org/name-7b",
            "provider:lab/meta/llama:70b",
            "greek-one",
        ] {
            assert_eq!(good.parse::<ModelRef>().unwrap().to_string(), good);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fail_otherwise_than_by_an_error(s in ".{0,40}") {
            if let Ok(m) = s.parse::<ModelRef>() {
                prop_assert_eq!(m.to_string().parse::<ModelRef>().unwrap(), m);
            }
        }
    }
}
