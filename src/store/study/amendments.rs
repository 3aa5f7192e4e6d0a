//! What changed after a plan was fixed: append-only, and the key that the tables ask for.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, StudyId};
use crate::store::codec::{from_json, from_time, json, now};
use crate::store::{Reader, StoreError, Tx};

/// What an amendment lets in. Raters, items and texts that are not named here are refused by the
/// tables of a fixed study.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Raters who come, or who declare other languages or cultures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raters: Vec<RaterId>,
    /// Items that come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemId>,
    /// Texts that come, as `KIND/LANGUAGE@VERSION`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// Raters whose unrated items were given to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<RaterId>,
    /// What else there is to say, for those who read the log.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// An amendment as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Amendment {
    /// Its number in the study, from 1.
    pub n: u32,
    /// When.
    pub at: Timestamp,
    /// Who made it: a person's name as they gave it, or the command.
    pub who: String,
    /// Why.
    pub reason: String,
    /// What it lets in.
    pub change: Change,
}

impl Tx<'_> {
    /// Logs an amendment and answers its number. What it names may be written afterwards, in the
    /// same transaction or later.
    ///
    /// # Errors
    /// No such study; an empty reason.
    pub fn amend(
        &self,
        study: &StudyId,
        who: &str,
        reason: &str,
        change: &Change,
    ) -> Result<u32, StoreError> {
        self.need_study(study)?;
        if reason.trim().is_empty() {
            return Err(self.refused("an amendment needs a reason".to_owned()));
        }
        let last = self.one(
            "SELECT ifnull(max(n), 0) FROM study_amendment WHERE study = ?1",
            [study.as_str()],
            |r| r.get::<_, u32>(0),
        )?;
        let n = last.unwrap_or(0) + 1;
        self.run(
            "INSERT INTO study_amendment (study, n, at, who, reason, change) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (study.as_str(), n, now(), who, reason, self.sql(json(change))?),
        )?;
        Ok(n)
    }
}

impl Reader<'_> {
    /// Amendments of a study in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn amendments(&self, study: &StudyId) -> Result<Vec<Amendment>, StoreError> {
        self.all(
            "SELECT n, at, who, reason, change FROM study_amendment WHERE study = ?1 ORDER BY n",
            [study.as_str()],
            row,
        )
    }
}

fn row(r: &Row<'_>) -> rusqlite::Result<Amendment> {
    Ok(Amendment {
        n: r.get(0)?,
        at: from_time(r, 1)?,
        who: r.get(2)?,
        reason: r.get(3)?,
        change: from_json(r, 4)?,
    })
}
