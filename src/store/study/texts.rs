//! The words that raters of a study read, frozen.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::domain::StudyId;
use crate::store::codec::{from_time, from_word, time, word};
use crate::store::{Reader, StoreError, Tx};

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextKind {
    /// What people agree to before anything else.
    Consent,
    /// How to rate.
    Guideline,
    /// Examples for each score.
    Examples,
    /// Practice pairs with the scores expected and why.
    Qualification,
}

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextSource {
    /// Written for this study.
    Study,
    /// The program's, kept as they were when first shown.
    Program,
}

/// A text of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyText {
    /// What it is for.
    pub kind: TextKind,
    /// BCP 47 tag.
    pub language: String,
    /// Its version, such as `similarity.ar@1`.
    pub version: String,
    /// SHA-256 of the body, in hexadecimal.
    pub sha256: String,
    /// The words, in the form in which the study room reads them.
    pub body: String,
    /// Whose.
    pub source: TextSource,
    /// When it was stored.
    pub at: Timestamp,
}

impl StudyText {
    /// How an amendment names it: `KIND/LANGUAGE@VERSION`.
    pub fn name(&self) -> String {
        let kind = match self.kind {
            TextKind::Consent => "consent",
            TextKind::Guideline => "guideline",
            TextKind::Examples => "examples",
            TextKind::Qualification => "qualification",
        };
        format!("{kind}/{}@{}", self.language, self.version)
    }
}

impl Tx<'_> {
    /// Stores a text. The same text again changes nothing; false then.
    ///
    /// # Errors
    /// Another text has this kind, language and version; the study is fixed and no amendment
    /// names the text.
    pub fn put_study_text(&self, study: &StudyId, text: &StudyText) -> Result<bool, StoreError> {
        let known = self.study_texts(study)?.into_iter().find(|t| t.name() == text.name());
        if let Some(known) = known {
            if known.sha256 == text.sha256 {
                return Ok(false);
            }
            return Err(self.refused(format!(
                "study {study} has another text named {}; give the new one another version",
                text.name()
            )));
        }
        // the newest is in force: by order, whatever a clock that was set back says
        let newest = self
            .study_texts(study)?
            .into_iter()
            .filter(|t| t.kind == text.kind && t.language == text.language)
            .map(|t| t.at)
            .max();
        let after = newest.map(|n| n.saturating_add(jiff::SignedDuration::from_micros(1)));
        let at = after.transpose().ok().flatten().map_or(text.at, |n| text.at.max(n));
        self.run(
            "INSERT INTO study_text (study, kind, language, version, sha256, body, source, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                study.as_str(),
                self.sql(word(&text.kind))?,
                &text.language,
                &text.version,
                &text.sha256,
                &text.body,
                self.sql(word(&text.source))?,
                time(at),
            ),
        )?;
        Ok(true)
    }
}

impl Reader<'_> {
    /// Texts of a study, oldest first; of one kind and language the newest is in force.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn study_texts(&self, study: &StudyId) -> Result<Vec<StudyText>, StoreError> {
        self.all(
            "SELECT kind, language, version, sha256, body, source, at FROM study_text \
             WHERE study = ?1 ORDER BY at, kind, language, version",
            [study.as_str()],
            row,
        )
    }
}

fn row(r: &Row<'_>) -> rusqlite::Result<StudyText> {
    Ok(StudyText {
        kind: from_word(r, 0)?,
        language: r.get(1)?,
        version: r.get(2)?,
        sha256: r.get(3)?,
        body: r.get(4)?,
        source: from_word(r, 5)?,
        at: from_time(r, 6)?,
    })
}
