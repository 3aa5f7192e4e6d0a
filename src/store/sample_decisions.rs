//! What people decide about samples: logged for ever, and undone by a further entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Decision, RejectReason, Sample, SampleId};

use super::codec::{from_json, from_time, from_word, json, now};
use super::samples::reason_of;
use super::{Reader, StoreError, Tx};

/// One entry of the decision log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionChange {
    /// Number of the entry.
    pub id: i64,
    /// The sample.
    pub sample: SampleId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What stood before.
    pub from: Decision,
    /// What stands since.
    pub to: Decision,
    /// Their words.
    pub note: String,
    /// The entry that this one takes back.
    pub undoes: Option<i64>,
}

const COLUMNS: &str = "id, sample, at, who, from_detail, to_detail, note, undoes";

fn change(r: &rusqlite::Row<'_>) -> rusqlite::Result<DecisionChange> {
    Ok(DecisionChange {
        id: r.get(0)?,
        sample: from_word(r, 1)?,
        at: from_time(r, 2)?,
        who: r.get(3)?,
        from: from_json(r, 4)?,
        to: from_json(r, 5)?,
        note: r.get(6)?,
        undoes: r.get(7)?,
    })
}

impl Tx<'_> {
    /// A person's decision. It holds against later runs.
    ///
    /// # Errors
    /// No such sample, or the database cannot be written.
    pub fn set_decision(
        &self,
        id: &SampleId,
        to: &Decision,
        who: &str,
        note: &str,
    ) -> Result<DecisionChange, StoreError> {
        self.decide(id, to, true, who, note, None)
    }

    /// Takes back the last decision of `who` that was not taken back yet. Returns the new entry,
    /// or `None` when there is nothing left.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn undo_decision(&self, who: &str) -> Result<Option<DecisionChange>, StoreError> {
        let last = self.one(
            "SELECT id, sample, from_detail, from_by_hand FROM decision_log d \
             WHERE who = ?1 AND undoes IS NULL \
             AND NOT EXISTS (SELECT 1 FROM decision_log u WHERE u.undoes = d.id) \
             ORDER BY id DESC LIMIT 1",
            [who],
            |r| {
                let sample: SampleId = from_word(r, 1)?;
                let from: Decision = from_json(r, 2)?;
                Ok((r.get::<_, i64>(0)?, sample, from, r.get::<_, bool>(3)?))
            },
        )?;
        let Some((entry, sample, from, by_hand)) = last else { return Ok(None) };
        self.decide(&sample, &from, by_hand, who, "undone", Some(entry)).map(Some)
    }

    /// Puts a corrected text in place of a sample. An id belongs to a text, so the correction is
    /// a sample of its own with the old one as its parent, and the old one is rejected by hand: two
    /// entries of the log. Where there is a sample of that text already, it is decided on.
    ///
    /// # Errors
    /// No such sample; the corrected text is the old one.
    pub fn edit_sample(
        &self,
        old: &SampleId,
        corrected: &Sample,
        who: &str,
    ) -> Result<(), StoreError> {
        if *old == corrected.id {
            return Err(StoreError::Refused {
                path: self.path.to_owned(),
                rule: format!("the corrected text of {old} is the same as before"),
            });
        }
        let note = format!("edited into {}", corrected.id);
        let to = Decision::Rejected(RejectReason::ByHand { note: note.clone() });
        self.set_decision(old, &to, who, &note)?;
        let words = format!("edit of {old}");
        if self.sample(&corrected.id)?.is_none() {
            // It begins as turned down, so that undoing the edit leaves it out of use.
            let mut first = corrected.clone();
            first.provenance.parent = Some(old.clone());
            let note = format!("{words}, taken back");
            first.decision = Decision::Rejected(RejectReason::ByHand { note });
            self.put_samples(std::slice::from_ref(&first))?;
        }
        self.set_decision(&corrected.id, &corrected.decision, who, &words)?;
        Ok(())
    }

    fn decide(
        &self,
        id: &SampleId,
        to: &Decision,
        by_hand: bool,
        who: &str,
        note: &str,
        undoes: Option<i64>,
    ) -> Result<DecisionChange, StoreError> {
        let before = self
            .sample(id)?
            .ok_or_else(|| StoreError::not_found(self.path, "sample", id.as_str()))?;
        let detail = self.sql(json(to))?;
        self.run(
            "INSERT INTO decision_log \
             (sample, at, who, from_detail, from_by_hand, to_detail, note, undoes) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                id.as_str(),
                now(),
                who,
                self.sql(json(&before.sample.decision))?,
                before.by_hand,
                &detail,
                note,
                undoes,
            ),
        )?;
        let entry = self.conn.last_insert_rowid();
        self.run(
            "UPDATE sample SET decision = ?2, reason = ?3, detail = ?4, by_hand = ?5, at = ?6 \
             WHERE id = ?1",
            (id.as_str(), to.as_str(), reason_of(to), &detail, by_hand, now()),
        )?;
        self.one(&format!("SELECT {COLUMNS} FROM decision_log WHERE id = ?1"), [entry], change)?
            .ok_or_else(|| StoreError::not_found(self.path, "decision", entry.to_string()))
    }
}

impl Reader<'_> {
    /// The history of one sample, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn decisions_of(&self, id: &SampleId) -> Result<Vec<DecisionChange>, StoreError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM decision_log WHERE sample = ?1 ORDER BY id"),
            [id.as_str()],
            change,
        )
    }
}
