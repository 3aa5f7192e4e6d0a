//! People's rights: what they agreed to, and leaving with all that is theirs.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::domain::{RaterId, StudyId};
use crate::store::codec::{from_count, from_time, from_word, now, time};
use crate::store::{Reader, StoreError, Tx};

/// One consent as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentGiven {
    /// BCP 47 tag of the text that was read.
    pub language: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its body, in hexadecimal.
    pub sha256: String,
    /// When.
    pub at: Timestamp,
}

/// What stays of a rater who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Who.
    pub rater: RaterId,
    /// When.
    pub at: Timestamp,
    /// Events of the log that were erased.
    pub events: u64,
    /// Those of them with words.
    pub comments: u64,
    /// Ratings that stood until then.
    pub ratings: u64,
}

impl Tx<'_> {
    /// Logs a consent and brings the rater's row up to date.
    ///
    /// # Errors
    /// The rater is not in the study.
    pub fn put_consent(
        &self,
        study: &StudyId,
        rater: &RaterId,
        given: &ConsentGiven,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO consent_event (study, rater, language, version, sha256, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                study.as_str(),
                rater.as_str(),
                &given.language,
                &given.version,
                &given.sha256,
                time(given.at),
            ),
        )?;
        self.run(
            "UPDATE rater SET consent_version = ?3, consent_at = ?4 WHERE study = ?1 AND id = ?2",
            (study.as_str(), rater.as_str(), &given.version, time(given.at)),
        )?;
        Ok(())
    }

    /// Erases what a rater did in a study, releases all that was assigned to them, and leaves a
    /// tombstone with the counts. Of those who left before, it erases what came since, and answers
    /// the tombstone that stands.
    ///
    /// The bytes are gone from the file only after [`crate::store::Database`] was checkpointed
    /// with `secure_delete` on: the caller sees to it.
    ///
    /// # Errors
    /// The rater is not in the study; the database cannot be written.
    pub fn withdraw(&self, study: &StudyId, rater: &RaterId) -> Result<Withdrawal, StoreError> {
        let left = self.withdrawals(study)?.iter().any(|w| w.rater == *rater);
        let both = (study.as_str(), rater.as_str());
        let count =
            |sql: &str| self.one(sql, both, |r| from_count(r, 0)).map(Option::unwrap_or_default);
        let mine = "e.assignment IN (SELECT id FROM assignment WHERE study = ?1 AND rater = ?2)";
        let events = count(&format!("SELECT count(*) FROM rating_event e WHERE {mine}"))?;
        let comments = count(&format!(
            "SELECT count(*) FROM rating_event e WHERE {mine} AND e.comment IS NOT NULL"
        ))?;
        let ratings = count(&format!(
            "SELECT count(*) FROM current_rating e JOIN assignment a ON a.id = e.assignment \
             WHERE {mine} AND a.released_at IS NULL"
        ))?;
        if !left {
            self.run(
                "INSERT INTO withdrawal (study, rater, at, events, comments, ratings) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (both.0, both.1, now(), events as i64, comments as i64, ratings as i64),
            )?;
        }
        self.run(
            "UPDATE assignment SET released_at = ?3 \
             WHERE study = ?1 AND rater = ?2 AND released_at IS NULL",
            (both.0, both.1, now()),
        )?;
        // newest first: an event may name the one it changes
        let ids: Vec<i64> = self.all(
            &format!("SELECT e.id FROM rating_event e WHERE {mine} ORDER BY e.id DESC"),
            both,
            |r| r.get(0),
        )?;
        for id in ids {
            self.run("DELETE FROM rating_event WHERE id = ?1", [id])?;
        }
        self.run(
            "DELETE FROM view_event WHERE assignment IN \
             (SELECT id FROM assignment WHERE study = ?1 AND rater = ?2)",
            both,
        )?;
        self.run("DELETE FROM qualification_event WHERE study = ?1 AND rater = ?2", both)?;
        self.run("UPDATE rater SET note = NULL WHERE study = ?1 AND id = ?2", both)?;
        let done = self.withdrawals(study)?.into_iter().find(|w| w.rater == *rater);
        done.ok_or_else(|| self.refused(format!("rater {rater} is not in study {study}")))
    }
}

impl Reader<'_> {
    /// All consents of a rater, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn consents(
        &self,
        study: &StudyId,
        rater: &RaterId,
    ) -> Result<Vec<ConsentGiven>, StoreError> {
        self.all(
            "SELECT language, version, sha256, at FROM consent_event \
             WHERE study = ?1 AND rater = ?2 ORDER BY id",
            (study.as_str(), rater.as_str()),
            |r| {
                Ok(ConsentGiven {
                    language: r.get(0)?,
                    version: r.get(1)?,
                    sha256: r.get(2)?,
                    at: from_time(r, 3)?,
                })
            },
        )
    }

    /// Who left a study, by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn withdrawals(&self, study: &StudyId) -> Result<Vec<Withdrawal>, StoreError> {
        self.all(
            "SELECT rater, at, events, comments, ratings FROM withdrawal \
             WHERE study = ?1 ORDER BY rater",
            [study.as_str()],
            |r: &Row<'_>| {
                Ok(Withdrawal {
                    rater: from_word(r, 0)?,
                    at: from_time(r, 1)?,
                    events: from_count(r, 2)?,
                    comments: from_count(r, 3)?,
                    ratings: from_count(r, 4)?,
                })
            },
        )
    }
}
