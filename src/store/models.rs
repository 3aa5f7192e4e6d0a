//! The model registry: model, dataset, recipe, run and checkpoint tied together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{DatasetId, ModelId, RunId};

use super::codec::{from_json, from_time, from_word, from_word_opt, json, time};
use super::{Reader, StoreError, Tx};

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Its id.
    pub id: ModelId,
    /// A short name of the user's; unique.
    pub alias: Option<String>,
    /// `local`, `torch`, `openai`, `path`, `hub`, `provider`.
    pub kind: String,
    /// The run that trained it.
    pub run: Option<RunId>,
    /// The checkpoint folder, relative to the workspace where it lies inside.
    pub checkpoint: Option<String>,
    /// What it was trained on.
    pub dataset: Option<DatasetId>,
    /// The recipe as it was used; `null` for models that came from elsewhere.
    pub recipe: serde_json::Value,
    /// When it was registered.
    pub created: Timestamp,
    /// The model card: culture, size, steps, limits.
    pub card: serde_json::Value,
}

const COLUMNS: &str = "id, alias, kind, run, checkpoint, dataset, recipe, created, card";

fn model(r: &rusqlite::Row<'_>) -> rusqlite::Result<ModelRecord> {
    Ok(ModelRecord {
        id: from_word(r, 0)?,
        alias: r.get(1)?,
        kind: r.get(2)?,
        run: from_word_opt(r, 3)?,
        checkpoint: r.get(4)?,
        dataset: from_word_opt(r, 5)?,
        recipe: from_json(r, 6)?,
        created: from_time(r, 7)?,
        card: from_json(r, 8)?,
    })
}

impl Tx<'_> {
    /// Stores a model, or brings it up to date (a resumed run has a later checkpoint).
    ///
    /// # Errors
    /// The alias belongs to another model; the database cannot be written.
    pub fn put_model(&self, m: &ModelRecord) -> Result<(), StoreError> {
        if let Some(alias) = &m.alias
            && let Some(other) = self.model_by_alias(alias)?
            && other.id != m.id
        {
            return Err(StoreError::Refused {
                path: self.path.to_owned(),
                rule: format!("alias `{alias}` belongs to model `{}`", other.id),
            });
        }
        self.run(
            "INSERT INTO model (id, alias, kind, run, checkpoint, dataset, recipe, created, card) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT (id) DO UPDATE SET alias = excluded.alias, kind = excluded.kind, \
             run = excluded.run, checkpoint = excluded.checkpoint, dataset = excluded.dataset, \
             recipe = excluded.recipe, card = excluded.card",
            (
                m.id.as_str(),
                &m.alias,
                &m.kind,
                m.run.as_ref().map(RunId::as_str),
                &m.checkpoint,
                m.dataset.as_ref().map(DatasetId::as_str),
                self.sql(json(&m.recipe))?,
                time(m.created),
                self.sql(json(&m.card))?,
            ),
        )?;
        Ok(())
    }
}

impl Reader<'_> {
    /// One model by its id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn model(&self, id: &ModelId) -> Result<Option<ModelRecord>, StoreError> {
        self.one(&format!("SELECT {COLUMNS} FROM model WHERE id = ?1"), [id.as_str()], model)
    }

    /// One model by its alias.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn model_by_alias(&self, alias: &str) -> Result<Option<ModelRecord>, StoreError> {
        self.one(&format!("SELECT {COLUMNS} FROM model WHERE alias = ?1"), [alias], model)
    }

    /// The models of a run, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn models_of_run(&self, run: &RunId) -> Result<Vec<ModelRecord>, StoreError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM model WHERE run = ?1 ORDER BY created, id"),
            [run.as_str()],
            model,
        )
    }

    /// All models, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn models(&self) -> Result<Vec<ModelRecord>, StoreError> {
        self.all(&format!("SELECT {COLUMNS} FROM model ORDER BY created, id"), [], model)
    }
}
