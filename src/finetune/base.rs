//! What a run begins from: a new small model, all weights of a model folder, or an adapter on one.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checkpoint::{BaseState, Restored, Saved};
use super::{FinetuneError, ModelChoice, ModelRef, Recipe, TinyModel, TrainingSet};
use crate::embedded::decoder::{Adapter, TokenIds};
use crate::embedded::training::OptimizerState;
use crate::embedded::{ChatTokenizer, Decoder, DecoderConfig, tokenizer};
use crate::job::{Attempt, JobError};
use crate::providers::local::identity;

/// Characters that answers are made of: codes and letters.
const ANSWERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// `base.json` of a run's input: where the model that was asked for was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenBase {
    /// As in the recipe: `hub:ORG/NAME`, `path:DIR`, `run:ID`, an alias.
    pub reference: String,
    /// Its folder.
    pub folder: PathBuf,
}

impl FrozenBase {
    /// The file's name.
    pub const FILE: &'static str = "base.json";
}

/// Refuses a folder that holds an adapter: it is no model to train on.
///
/// # Errors
/// With the way out.
pub fn refuse_adapter(folder: &Path) -> Result<(), FinetuneError> {
    if folder.join("adapter_config.json").exists() && !folder.join("config.json").exists() {
        return Err(FinetuneError::Plan(format!(
            "{} holds an adapter, not a model to train on: merge it first \
             (`polyculture models merge MODEL -o DIR`) and name path:DIR",
            folder.display()
        )));
    }
    Ok(())
}

/// The base of a run, before its weights are read.
#[derive(Debug)]
pub(super) struct Base {
    /// What checkpoints say of it.
    pub(super) state: BaseState,
}

impl Base {
    /// The base that the frozen input names; `None` for a model from scratch.
    pub(super) fn of(attempt: &Attempt, recipe: &Recipe) -> Result<Option<Self>, JobError> {
        let frozen: FrozenBase = match &recipe.model {
            ModelChoice::Tiny(_) => return Ok(None),
            _ if attempt.input(FrozenBase::FILE).exists() => {
                attempt.read_input(FrozenBase::FILE)?
            }
            // A folder that was written by hand, without the launcher.
            ModelChoice::Named(ModelRef::Path(dir)) => {
                FrozenBase { reference: format!("path:{}", dir.display()), folder: dir.clone() }
            }
            ModelChoice::Named(other) => {
                return Err(JobError::Work(format!(
                    "{other}: no {} in the input says where it lies",
                    FrozenBase::FILE
                )));
            }
            ModelChoice::Asked(_) => {
                return Err(JobError::Work(
                    "the recipe names no model: start it with --base path:DIR or hub:ORG/NAME"
                        .into(),
                ));
            }
        };
        let FrozenBase { reference, folder } = frozen;
        let failed = |e: FinetuneError| JobError::Work(e.to_string());
        refuse_adapter(&folder).map_err(failed)?;
        let sha256 =
            identity(&[&folder]).map_err(|(path, source)| JobError::Io { path, source })?;
        Ok(Some(Self { state: BaseState { reference, folder, sha256 } }))
    }

    /// Its sizes, where the embedded decoder knows its family.
    pub(super) fn config(&self) -> Result<DecoderConfig, FinetuneError> {
        Ok(DecoderConfig::load(&self.state.folder)?)
    }
}

/// What the trainer is made of.
pub(super) struct Start {
    pub(super) model: Decoder,
    pub(super) adapter: Option<Adapter>,
    pub(super) tokenizer: ChatTokenizer,
    pub(super) optimizer: Option<OptimizerState>,
}

impl Start {
    /// From a checkpoint where there is one, from the base or from scratch otherwise.
    pub(super) fn new(
        recipe: &Recipe,
        set: &TrainingSet<'_>,
        base: Option<&Base>,
        restored: Option<Restored>,
    ) -> Result<Self, FinetuneError> {
        let (saved, optimizer) = restored.map(|r| (r.saved, r.optimizer)).unzip();
        if let Some(Saved::Whole(m)) = saved {
            let (model, tokenizer) = *m;
            return Ok(Self { model, adapter: None, tokenizer, optimizer });
        }
        let (model, tokenizer) = match (base, &recipe.model) {
            (Some(b), _) => {
                let model = Decoder::load(&b.state.folder)?;
                let tokenizer = ChatTokenizer::load(&b.state.folder, model.config().vocab_size)?;
                (model, tokenizer)
            }
            (None, ModelChoice::Tiny(t)) => tiny(t, recipe.seed, set)?,
            (None, _) => return Err(FinetuneError::Plan("no model to train".into())),
        };
        let adapter = match (saved, &recipe.lora) {
            (Some(Saved::Adapter(a)), _) => Some(a),
            (_, Some(settings)) => {
                Some(Adapter::new(model.config(), settings.clone(), recipe.seed)?)
            }
            (_, None) => None,
        };
        Ok(Self { model, adapter, tokenizer, optimizer })
    }
}

/// A new tiny model with its tokenizer.
fn tiny(
    t: &TinyModel,
    seed: u64,
    set: &TrainingSet<'_>,
) -> Result<(Decoder, ChatTokenizer), FinetuneError> {
    let tokenizer = tokenizer::train(&set.texts(), &[ANSWERS], t.vocab_size, t.lower_case)?;
    let mut config = t.config(tokenizer.vocab_size())?;
    let (bos, eos, pad) = tokenizer.special_ids();
    (config.bos_token_id, config.eos_token_id, config.pad_token_id) =
        (Some(TokenIds::One(bos)), Some(TokenIds::One(eos)), Some(i64::from(pad)));
    Ok((Decoder::random(config, t.init_std, seed)?, tokenizer))
}

impl TinyModel {
    /// The sizes as a model's, for a vocabulary.
    ///
    /// # Errors
    /// Sizes that do not fit each other.
    pub fn config(&self, vocab_size: usize) -> Result<DecoderConfig, FinetuneError> {
        Ok(DecoderConfig::llama(
            vocab_size,
            self.hidden_size,
            self.intermediate_size,
            self.layers,
            self.heads,
            self.kv_heads,
        )?)
    }
}
