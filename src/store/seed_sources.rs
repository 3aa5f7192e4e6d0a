//! One seed in full: every wording, and where its counts came from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{CountryCode, Question, QuestionId, Topic, Weighting};

use super::codec::{from_json, from_time, from_word};
use super::{Reader, StoreError};

/// Where the counts of a country came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountSource {
    /// The country.
    pub country: CountryCode,
    /// The weights behind the counts.
    pub weighting: Weighting,
    /// The file as the user named it, and when it was read; `None` for the sample survey.
    pub file: Option<(String, Timestamp)>,
}

impl Reader<'_> {
    /// Every wording of a question, English first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn wordings_of(&self, id: &QuestionId) -> Result<Vec<Question>, StoreError> {
        self.all(
            "SELECT id, topic, language, text, form, scale, notes FROM question WHERE id = ?1 \
             ORDER BY language = 'en' DESC, language",
            [id.as_str()],
            |r| {
                Ok(Question {
                    id: from_word(r, 0)?,
                    topic: Topic(r.get(1)?),
                    language: r.get(2)?,
                    text: r.get(3)?,
                    form: from_word(r, 4)?,
                    scale: from_json(r, 5)?,
                    notes: from_json(r, 6)?,
                })
            },
        )
    }

    /// Where the counts of a question came from, by country.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count_sources(&self, id: &QuestionId) -> Result<Vec<CountSource>, StoreError> {
        self.all(
            "SELECT s.country, s.weighting, i.file, i.at FROM count_source s \
             LEFT JOIN import_log i ON i.id = s.import WHERE s.question = ?1 ORDER BY s.country",
            [id.as_str()],
            |r| {
                let file = match r.get::<_, Option<String>>(2)? {
                    Some(file) => Some((file, from_time(r, 3)?)),
                    None => None,
                };
                Ok(CountSource { country: from_word(r, 0)?, weighting: from_word(r, 1)?, file })
            },
        )
    }
}
