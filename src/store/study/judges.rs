//! Model judges of a study, and what every order they were shown came to.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, RunId, StudyId};
use crate::store::codec::{from_time, from_word, time, word};
use crate::store::{Reader, StoreError, Tx};

/// The first place of judges; those below are people's.
pub const JUDGE_SLOTS: u32 = 1_000_000;

/// A judge: a model under one prompt. Another prompt is another rater.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeRecord {
    /// Its name among the raters.
    pub rater: RaterId,
    /// The model as it was asked for.
    pub model: String,
    /// `name@version` of the prompt.
    pub prompt: String,
    /// Of the prompt's file, in hexadecimal.
    pub prompt_sha256: String,
    /// `name@version` of the guideline.
    pub guideline: String,
    /// When it first judged.
    pub created: Timestamp,
}

/// In which order the two texts were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// The seed, then the sample: this order gives the score.
    SeedFirst,
    /// The sample, then the seed: measures how far the place decides.
    SampleFirst,
}

/// What an answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictClass {
    /// A score 1 to 5.
    Score,
    /// The model declined.
    Refused,
    /// The reply ended before the answer.
    CutOff,
    /// No score, or several, can be read.
    Unparsable,
    /// No reply came back.
    Failed,
}

/// One order of one item, as judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// The item.
    pub item: ItemId,
    /// The order.
    pub shown: Shown,
    /// What it came to.
    pub outcome: VerdictClass,
    /// The score, where there is one.
    pub score: Option<u8>,
    /// Why there is none.
    pub detail: String,
    /// Key in the reply store.
    pub reply: String,
    /// The model, as the service names itself.
    pub model: String,
    /// The run that asked.
    pub run: RunId,
    /// When it was merged.
    pub at: Timestamp,
}

impl Tx<'_> {
    /// Adds a judge whose rater is there, or finds it as it was.
    ///
    /// # Errors
    /// The name is known with another model, prompt or guideline.
    pub fn put_judge(&self, study: &StudyId, judge: &JudgeRecord) -> Result<(), StoreError> {
        if let Some(known) = self.judge(study, &judge.rater)? {
            let same =
                |j: &JudgeRecord| (j.model.clone(), j.prompt_sha256.clone(), j.guideline.clone());
            if same(&known) == same(judge) {
                return Ok(());
            }
            return Err(self.refused(format!(
                "judge {} of study {study} is {} under {} and stays so; take another rater name \
                 for {} under {}",
                judge.rater, known.model, known.prompt, judge.model, judge.prompt
            )));
        }
        self.run(
            "INSERT INTO judge (study, rater, model, prompt, prompt_sha256, guideline, created) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                study.as_str(),
                judge.rater.as_str(),
                &judge.model,
                &judge.prompt,
                &judge.prompt_sha256,
                &judge.guideline,
                time(judge.created),
            ),
        )?;
        Ok(())
    }

    /// Stores a verdict. One that is there stays; only a failed call gives way to an answer.
    /// True when it was stored.
    ///
    /// # Errors
    /// No such judge or item; the database cannot be written.
    pub fn put_verdict(
        &self,
        study: &StudyId,
        rater: &RaterId,
        v: &VerdictRow,
    ) -> Result<bool, StoreError> {
        let n = self.run(
            "INSERT INTO judge_verdict \
             (study, rater, item, shown, outcome, score, detail, reply, model, run, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
             ON CONFLICT (study, rater, item, shown) DO UPDATE SET \
             outcome = excluded.outcome, score = excluded.score, detail = excluded.detail, \
             reply = excluded.reply, model = excluded.model, run = excluded.run, at = excluded.at \
             WHERE judge_verdict.outcome = 'failed' AND excluded.outcome <> 'failed'",
            (
                study.as_str(),
                rater.as_str(),
                v.item.as_str(),
                self.sql(word(&v.shown))?,
                self.sql(word(&v.outcome))?,
                v.score,
                &v.detail,
                &v.reply,
                &v.model,
                v.run.as_str(),
                time(v.at),
            ),
        )?;
        Ok(n > 0)
    }
}

impl Reader<'_> {
    /// One judge.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn judge(
        &self,
        study: &StudyId,
        rater: &RaterId,
    ) -> Result<Option<JudgeRecord>, StoreError> {
        self.one(
            "SELECT rater, model, prompt, prompt_sha256, guideline, created FROM judge \
             WHERE study = ?1 AND rater = ?2",
            (study.as_str(), rater.as_str()),
            judge_row,
        )
    }

    /// The judges of a study by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn judges(&self, study: &StudyId) -> Result<Vec<JudgeRecord>, StoreError> {
        self.all(
            "SELECT rater, model, prompt, prompt_sha256, guideline, created FROM judge \
             WHERE study = ?1 ORDER BY rater",
            [study.as_str()],
            judge_row,
        )
    }

    /// What a judge said, by item and order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn verdicts(
        &self,
        study: &StudyId,
        rater: &RaterId,
    ) -> Result<Vec<VerdictRow>, StoreError> {
        self.all(
            "SELECT item, shown, outcome, score, detail, reply, model, run, at \
             FROM judge_verdict WHERE study = ?1 AND rater = ?2 ORDER BY item, shown DESC",
            (study.as_str(), rater.as_str()),
            |r| {
                Ok(VerdictRow {
                    item: from_word(r, 0)?,
                    shown: from_word(r, 1)?,
                    outcome: from_word(r, 2)?,
                    score: r.get(3)?,
                    detail: r.get(4)?,
                    reply: r.get(5)?,
                    model: r.get(6)?,
                    run: from_word(r, 7)?,
                    at: from_time(r, 8)?,
                })
            },
        )
    }
}

fn judge_row(r: &Row<'_>) -> rusqlite::Result<JudgeRecord> {
    Ok(JudgeRecord {
        rater: from_word(r, 0)?,
        model: r.get(1)?,
        prompt: r.get(2)?,
        prompt_sha256: r.get(3)?,
        guideline: r.get(4)?,
        created: from_time(r, 5)?,
    })
}
