//! The researcher's word on items that raters see differently; and keys tied to raters.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, Score, StudyId};
use crate::store::codec::{from_time, from_word, now, unreadable};
use crate::store::{Reader, StoreError, Tx};

use super::studies::from_time_opt;

/// One decision of a researcher. The newest of an item stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjudication {
    /// The item.
    pub item: ItemId,
    /// Its number for the item, from 1.
    pub n: u32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// The score; `None`: an earlier one is taken back.
    pub score: Option<Score>,
    /// Why.
    pub reason: String,
    /// What else there is to say.
    pub note: Option<String>,
}

/// An SSH key that lets in one rater.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyKey {
    /// Whose.
    pub rater: RaterId,
    /// `SHA256:..`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// `ssh-ed25519` and the like.
    pub kind: String,
    /// When its line was printed first.
    pub added: Timestamp,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
}

impl Tx<'_> {
    /// Stores a decision and answers its number for the item.
    ///
    /// # Errors
    /// No such item in the study; an empty reason.
    pub fn adjudicate(
        &self,
        study: &StudyId,
        item: &ItemId,
        who: &str,
        score: Option<Score>,
        reason: &str,
        note: Option<&str>,
    ) -> Result<u32, StoreError> {
        if reason.trim().is_empty() {
            return Err(self.refused("an adjudication needs a reason".to_owned()));
        }
        let last = self.one(
            "SELECT ifnull(max(n), 0) FROM adjudication WHERE study = ?1 AND item = ?2",
            (study.as_str(), item.as_str()),
            |r| r.get::<_, u32>(0),
        )?;
        let n = last.unwrap_or(0) + 1;
        self.run(
            "INSERT INTO adjudication (study, item, n, at, who, score, reason, note) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (study.as_str(), item.as_str(), n, now(), who, score.map(Score::get), reason, note),
        )?;
        Ok(n)
    }

    /// Notes that a key lets in a rater; a key taken back before is let in again.
    ///
    /// # Errors
    /// The rater is not in the study.
    pub fn put_key(
        &self,
        study: &StudyId,
        rater: &RaterId,
        fingerprint: &str,
        kind: &str,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO study_key (study, rater, fingerprint, kind, added) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET revoked = NULL",
            (study.as_str(), rater.as_str(), fingerprint, kind, now()),
        )?;
        Ok(())
    }

    /// Takes all keys of a rater back and answers how many there were.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn revoke_keys(&self, study: &StudyId, rater: &RaterId) -> Result<usize, StoreError> {
        self.run(
            "UPDATE study_key SET revoked = ?3 WHERE study = ?1 AND rater = ?2 AND revoked IS NULL",
            (study.as_str(), rater.as_str(), now()),
        )
    }
}

impl Reader<'_> {
    /// All decisions of a study by item, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn adjudications(&self, study: &StudyId) -> Result<Vec<Adjudication>, StoreError> {
        self.all(
            "SELECT item, n, at, who, score, reason, note FROM adjudication \
             WHERE study = ?1 ORDER BY item, n",
            [study.as_str()],
            |r| {
                let score = match r.get::<_, Option<u8>>(4)? {
                    None => None,
                    Some(n) => {
                        Some(Score::new(n).map_err(|e| unreadable(r, 4, e, &n.to_string()))?)
                    }
                };
                Ok(Adjudication {
                    item: from_word(r, 0)?,
                    n: r.get(1)?,
                    at: from_time(r, 2)?,
                    who: r.get(3)?,
                    score,
                    reason: r.get(5)?,
                    note: r.get(6)?,
                })
            },
        )
    }

    /// Keys of a study's raters, by rater.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn study_keys(&self, study: &StudyId) -> Result<Vec<StudyKey>, StoreError> {
        self.all(
            "SELECT rater, fingerprint, kind, added, revoked FROM study_key \
             WHERE study = ?1 ORDER BY rater, added",
            [study.as_str()],
            |r| {
                Ok(StudyKey {
                    rater: from_word(r, 0)?,
                    fingerprint: r.get(1)?,
                    kind: r.get(2)?,
                    added: from_time(r, 3)?,
                    revoked: from_time_opt(r, 4)?,
                })
            },
        )
    }
}
