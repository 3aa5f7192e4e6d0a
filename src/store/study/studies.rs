//! Studies, their items and their raters.

use rusqlite::Row;

use crate::domain::{ItemId, RaterId, StudyId};
use crate::store::codec::{from_json, from_time, from_word, from_word_opt, json, time, unreadable};
use crate::store::codec::{now, word};
use crate::store::{Reader, StoreError, Tx};

use super::{Consent, Item, Rater, StudyRecord};

const ITEM: &str = "id, kind, k, seed, sample, language, culture, seed_text, sample_text, sha256, \
                    repeat_of, lo, hi, origin, context, sensitive";
const STUDY: &str = "id, created, k, seed, spec, fixed, type";
const RATER: &str = "id, kind, languages, consent_version, consent_at, cultures";

impl Tx<'_> {
    /// Makes a study with its items, in the order given.
    ///
    /// # Errors
    /// The name is taken, an item stands twice, a repeat points at no item.
    pub fn put_study(&self, study: &StudyRecord, items: &[Item]) -> Result<(), StoreError> {
        if self.study(&study.id)?.is_some() {
            return Err(self.refused(format!(
                "a study named {} exists; choose another name (studies are never overwritten)",
                study.id
            )));
        }
        self.run(
            "INSERT INTO study (id, created, k, seed, spec, type) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                study.id.as_str(),
                time(study.created),
                study.k,
                study.seed.to_string(),
                self.sql(json(&study.spec))?,
                study.study_type.as_str(),
            ),
        )?;
        self.put_items(&study.id, items)?;
        if let Some(fixed) = study.fixed {
            // last: a fixed study takes no more items
            let to = (study.id.as_str(), time(fixed));
            self.run("UPDATE study SET fixed = ?2 WHERE id = ?1", to)?;
        }
        Ok(())
    }

    /// Adds items after those that are there. A fixed study takes those that an amendment names.
    ///
    /// # Errors
    /// An item stands twice, a repeat points at no item, the study is fixed.
    pub fn put_items(&self, study: &StudyId, items: &[Item]) -> Result<(), StoreError> {
        let next = self.one(
            "SELECT ifnull(max(position) + 1, 0) FROM item WHERE study = ?1",
            [study.as_str()],
            |r| r.get::<_, i64>(0),
        )?;
        for (position, i) in (next.unwrap_or(0)..).zip(items) {
            self.run(
                &format!(
                    "INSERT INTO item (study, position, {ITEM}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, \
                     ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
                ),
                rusqlite::params![
                    study.as_str(),
                    position,
                    i.id.as_str(),
                    self.sql(word(&i.kind))?,
                    i.k,
                    i.seed.as_str(),
                    i.sample.as_ref().map(AsRef::<str>::as_ref),
                    &i.language,
                    i.culture.as_ref().map(AsRef::<str>::as_ref),
                    &i.seed_text,
                    &i.sample_text,
                    &i.sha256,
                    i.repeat_of.as_ref().map(AsRef::<str>::as_ref),
                    i.expected.map(|e| e.0),
                    i.expected.map(|e| e.1),
                    self.sql(json(&i.origin))?,
                    &i.context,
                    i.sensitive,
                ],
            )?;
        }
        Ok(())
    }

    /// Adds a rater, or brings languages and consent of a known one up to date.
    ///
    /// # Errors
    /// The study is not there, or the rater is known as another kind.
    pub fn put_rater(&self, study: &StudyId, rater: &Rater) -> Result<(), StoreError> {
        self.need_study(study)?;
        if let Some(known) = self.rater(study, &rater.id)?
            && known.kind != rater.kind
        {
            return Err(self.refused(format!(
                "rater {} is known as {:?} in study {study}; a kind never changes: take another \
                 name",
                rater.id, known.kind
            )));
        }
        self.run(
            "INSERT INTO rater (study, id, kind, languages, consent_version, consent_at, cultures) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (study, id) DO UPDATE SET \
             languages = excluded.languages, cultures = excluded.cultures, \
             consent_version = ifnull(excluded.consent_version, consent_version), \
             consent_at = ifnull(excluded.consent_at, consent_at)",
            (
                study.as_str(),
                rater.id.as_str(),
                self.sql(word(&rater.kind))?,
                self.sql(json(&rater.languages))?,
                rater.consent.as_ref().map(|c| &c.version),
                rater.consent.as_ref().map(|c| time(c.at)),
                self.sql(json(&rater.cultures))?,
            ),
        )?;
        Ok(())
    }

    /// Marks the study as fixed, now.
    ///
    /// # Errors
    /// It is not there, or was fixed before.
    pub fn fix_study(&self, study: &StudyId) -> Result<(), StoreError> {
        self.need_study(study)?;
        let changed = self.run(
            "UPDATE study SET fixed = ?2 WHERE id = ?1 AND fixed IS NULL",
            (study.as_str(), now()),
        )?;
        if changed == 0 {
            return Err(
                self.refused(format!("study {study} was planned before; its plan stays as it is"))
            );
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// A refusal in words.
    pub(super) fn refused(&self, rule: String) -> StoreError {
        StoreError::Refused { path: self.path.to_owned(), rule }
    }

    /// A study that has to be there.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the names there are.
    pub fn need_study(&self, id: &StudyId) -> Result<StudyRecord, StoreError> {
        if let Some(study) = self.study(id)? {
            return Ok(study);
        }
        let names: Vec<String> =
            self.studies()?.into_iter().map(|s| s.id.as_str().to_owned()).collect();
        let hint = if names.is_empty() {
            "; there is none yet: `polyculture study new` makes one".to_owned()
        } else {
            format!("; there are {}", names.join(", "))
        };
        Err(StoreError::NotFound {
            path: self.path.to_owned(),
            what: "study",
            name: id.as_str().to_owned(),
            hint,
        })
    }

    /// One study.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn study(&self, id: &StudyId) -> Result<Option<StudyRecord>, StoreError> {
        self.one(&format!("SELECT {STUDY} FROM study WHERE id = ?1"), [id.as_str()], study_row)
    }

    /// All studies, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn studies(&self) -> Result<Vec<StudyRecord>, StoreError> {
        self.all(&format!("SELECT {STUDY} FROM study ORDER BY created, id"), [], study_row)
    }

    /// Items of a study in their order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn items(&self, study: &StudyId) -> Result<Vec<Item>, StoreError> {
        self.all(
            &format!("SELECT {ITEM} FROM item WHERE study = ?1 ORDER BY position"),
            [study.as_str()],
            item_row,
        )
    }

    /// One item.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn item(&self, study: &StudyId, id: &ItemId) -> Result<Option<Item>, StoreError> {
        self.one(
            &format!("SELECT {ITEM} FROM item WHERE study = ?1 AND id = ?2"),
            [study.as_str(), id.as_str()],
            item_row,
        )
    }

    /// Raters of a study by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn raters(&self, study: &StudyId) -> Result<Vec<Rater>, StoreError> {
        self.all(
            &format!("SELECT {RATER} FROM rater WHERE study = ?1 ORDER BY id"),
            [study.as_str()],
            rater_row,
        )
    }

    /// One rater.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn rater(&self, study: &StudyId, id: &RaterId) -> Result<Option<Rater>, StoreError> {
        self.one(
            &format!("SELECT {RATER} FROM rater WHERE study = ?1 AND id = ?2"),
            [study.as_str(), id.as_str()],
            rater_row,
        )
    }
}

/// A column of RFC 3339 text, or nothing.
pub(super) fn from_time_opt(r: &Row<'_>, i: usize) -> rusqlite::Result<Option<jiff::Timestamp>> {
    match r.get_ref(i)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => from_time(r, i).map(Some),
    }
}

/// Two columns that are both there or both absent.
pub(super) fn range(r: &Row<'_>, lo: usize, hi: usize) -> rusqlite::Result<Option<(u8, u8)>> {
    Ok(r.get::<_, Option<u8>>(lo)?.zip(r.get::<_, Option<u8>>(hi)?))
}

fn study_row(r: &Row<'_>) -> rusqlite::Result<StudyRecord> {
    let seed: String = r.get(3)?;
    Ok(StudyRecord {
        id: from_word(r, 0)?,
        created: from_time(r, 1)?,
        k: r.get(2)?,
        seed: seed.parse().map_err(|e| unreadable(r, 3, e, &seed))?,
        spec: from_json(r, 4)?,
        fixed: from_time_opt(r, 5)?,
        study_type: from_word(r, 6)?,
    })
}

fn item_row(r: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: from_word(r, 0)?,
        kind: from_word(r, 1)?,
        k: r.get(2)?,
        seed: from_word(r, 3)?,
        sample: from_word_opt(r, 4)?,
        language: r.get(5)?,
        culture: from_word_opt(r, 6)?,
        seed_text: r.get(7)?,
        sample_text: r.get(8)?,
        sha256: r.get(9)?,
        repeat_of: from_word_opt(r, 10)?,
        expected: range(r, 11, 12)?,
        origin: from_json(r, 13)?,
        context: r.get(14)?,
        sensitive: r.get(15)?,
    })
}

fn rater_row(r: &Row<'_>) -> rusqlite::Result<Rater> {
    let version: Option<String> = r.get(3)?;
    Ok(Rater {
        id: from_word(r, 0)?,
        kind: from_word(r, 1)?,
        languages: from_json(r, 2)?,
        cultures: from_json(r, 5)?,
        consent: version.zip(from_time_opt(r, 4)?).map(|(version, at)| Consent { version, at }),
    })
}
