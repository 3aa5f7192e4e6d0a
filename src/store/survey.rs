//! Questions, cultures, counts: the survey as stored.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    CountryCode, Culture, MissingKind, OptionCounts, PaperMeans, Question, QuestionId, Survey,
    Tally,
};

use super::codec::{count, from_count, from_json, from_word, from_word_opt, json, word};
use super::{Reader, StoreError, Tx};

/// The language that stands in where the one wanted is missing.
const FALLBACK: &str = "en";

impl Tx<'_> {
    /// Stores questions, cultures and counts. What has the same key is replaced, nothing else is
    /// touched. Counts come without a file; see [`Tx::merge_imported`] for those that have one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_survey(&self, survey: &Survey) -> Result<(), StoreError> {
        for q in &survey.questions {
            self.put_question(q)?;
        }
        for c in &survey.cultures {
            self.put_culture(c)?;
        }
        for ((country, question), counts) in &survey.counts {
            self.put_counts(country, question, counts, None)?;
        }
        for ((country, question), means) in &survey.paper_means {
            self.put_paper_means(country, question, means)?;
        }
        Ok(())
    }

    /// Stores one wording of a question. The place in the order of the survey is kept when the
    /// question is known in any language; a new question goes to the end.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_question(&self, q: &Question) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO question (id, language, position, topic, text, form, scale, notes) \
             VALUES (?1, ?2, coalesce((SELECT position FROM question WHERE id = ?1 LIMIT 1), \
                                      (SELECT ifnull(max(position), 0) + 1 FROM question)), \
                     ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (id, language) DO UPDATE SET topic = excluded.topic, \
             text = excluded.text, form = excluded.form, scale = excluded.scale, \
             notes = excluded.notes",
            (
                q.id.as_str(),
                &q.language,
                &q.topic.0,
                &q.text,
                self.sql(word(&q.form))?,
                self.sql(json(&q.scale))?,
                self.sql(json(&q.notes))?,
            ),
        )?;
        Ok(())
    }

    /// Stores a culture with its countries; a new one goes to the end of the order.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_culture(&self, c: &Culture) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO culture (id, position, name, place, language) \
             VALUES (?1, (SELECT ifnull(max(position), 0) + 1 FROM culture), ?2, ?3, ?4) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, place = excluded.place, \
             language = excluded.language",
            (c.id.as_str(), &c.name, &c.place, &c.language),
        )?;
        self.run("DELETE FROM culture_country WHERE culture = ?1", [c.id.as_str()])?;
        for (i, country) in c.countries.iter().enumerate() {
            self.run(
                "INSERT OR IGNORE INTO culture_country (culture, position, country) \
                 VALUES (?1, ?2, ?3)",
                (c.id.as_str(), count(i as u64), country.as_str()),
            )?;
        }
        Ok(())
    }

    /// Replaces the counts of one country and question.
    pub(super) fn put_counts(
        &self,
        country: &CountryCode,
        question: &QuestionId,
        counts: &OptionCounts,
        import: Option<i64>,
    ) -> Result<(), StoreError> {
        let key = (country.as_str(), question.as_str());
        self.run("DELETE FROM count_source WHERE country = ?1 AND question = ?2", key)?;
        self.run(
            "INSERT INTO count_source (country, question, weighting, import) \
             VALUES (?1, ?2, ?3, ?4)",
            (key.0, key.1, self.sql(word(&counts.weighting))?, import),
        )?;
        let put = |code: Option<u8>, missing: Option<String>, t: &Tally| {
            self.run(
                "INSERT INTO option_count (country, question, code, missing, n, w, w2) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (key.0, key.1, code, missing, count(t.n), t.w, t.w2),
            )
        };
        for (code, t) in &counts.valid {
            put(Some(*code), None, t)?;
        }
        for (kind, t) in &counts.missing {
            put(None, Some(self.sql(word(kind))?), t)?;
        }
        Ok(())
    }

    /// Stores the release's means of one country and question (label policy `paper` only).
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_paper_means(
        &self,
        country: &CountryCode,
        question: &QuestionId,
        m: &PaperMeans,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO paper_mean \
             (country, question, mean_all, first_thousand, respondents) VALUES (?1, ?2, ?3, ?4, ?5)",
            (country.as_str(), question.as_str(), m.all, m.first_thousand, count(m.respondents)),
        )?;
        Ok(())
    }
}

impl Reader<'_> {
    /// The survey with English wordings, in the order of the survey.
    ///
    /// # Errors
    /// The database cannot be read, or holds what is no survey.
    pub fn survey(&self) -> Result<Survey, StoreError> {
        self.survey_in(FALLBACK)
    }

    /// The survey worded in `language`. A question without that wording comes in English, or in
    /// the first language it has; `Question::language` says which.
    ///
    /// # Errors
    /// The database cannot be read, or holds what is no survey.
    pub fn survey_in(&self, language: &str) -> Result<Survey, StoreError> {
        self.snapshot(|r| {
            Ok(Survey {
                questions: r.wordings(language)?,
                cultures: r.cultures()?,
                counts: r.counts()?,
                paper_means: r.paper_means()?,
            })
        })
    }

    /// Another value after every change of the survey: seeds and counts come in by imports, which
    /// are logged, and once when the workspace is made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn survey_stamp(&self) -> Result<[u64; 4], StoreError> {
        let count =
            |sql: &str| Ok::<_, StoreError>(self.one(sql, [], |r| from_count(r, 0))?.unwrap_or(0));
        Ok([
            count("SELECT ifnull(max(id), 0) FROM import_log")?,
            count("SELECT count(*) FROM question")?,
            count("SELECT count(*) FROM culture")?,
            count("SELECT count(*) FROM count_source")?,
        ])
    }

    /// How many questions the survey has, in whatever language.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn question_count(&self) -> Result<u64, StoreError> {
        let n = self.one("SELECT count(DISTINCT id) FROM question", [], |r| from_count(r, 0))?;
        Ok(n.unwrap_or(0))
    }

    /// Languages that questions are stored in, with how many questions each has.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn question_languages(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.all(
            "SELECT language, count(*) FROM question GROUP BY language ORDER BY language",
            [],
            |r| Ok((r.get(0)?, from_count(r, 1)?)),
        )
    }

    /// Cultures in the order of the project.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn cultures(&self) -> Result<Vec<Culture>, StoreError> {
        let mut cultures =
            self.all("SELECT id, name, place, language FROM culture ORDER BY position", [], |r| {
                Ok(Culture {
                    id: from_word(r, 0)?,
                    name: r.get(1)?,
                    countries: Vec::new(),
                    place: r.get(2)?,
                    language: r.get(3)?,
                })
            })?;
        let countries = self.all(
            "SELECT culture, country FROM culture_country ORDER BY culture, position",
            [],
            |r| Ok((r.get::<_, String>(0)?, from_word::<CountryCode>(r, 1)?)),
        )?;
        for (culture, country) in countries {
            if let Some(c) = cultures.iter_mut().find(|c| c.id.as_str() == culture) {
                c.countries.push(country);
            }
        }
        Ok(cultures)
    }

    fn wordings(&self, language: &str) -> Result<Vec<Question>, StoreError> {
        let rows = self.all(
            "SELECT id, topic, language, text, form, scale, notes FROM question \
             ORDER BY position, id, language = ?1 DESC, language = ?2 DESC, language",
            [language, FALLBACK],
            |r| {
                Ok(Question {
                    id: from_word(r, 0)?,
                    topic: crate::domain::Topic(r.get(1)?),
                    language: r.get(2)?,
                    text: r.get(3)?,
                    form: from_word(r, 4)?,
                    scale: from_json(r, 5)?,
                    notes: from_json(r, 6)?,
                })
            },
        )?;
        let mut seen = BTreeSet::new();
        Ok(rows.into_iter().filter(|q| seen.insert(q.id.clone())).collect())
    }

    fn counts(&self) -> Result<BTreeMap<(CountryCode, QuestionId), OptionCounts>, StoreError> {
        let sources =
            self.all("SELECT country, question, weighting FROM count_source", [], |r| {
                Ok(((from_word(r, 0)?, from_word(r, 1)?), OptionCounts::new(from_word(r, 2)?)))
            })?;
        let mut counts: BTreeMap<(CountryCode, QuestionId), OptionCounts> =
            sources.into_iter().collect();
        let rows = self.all(
            "SELECT country, question, code, missing, n, w, w2 FROM option_count",
            [],
            |r| {
                let tally = Tally { n: from_count(r, 4)?, w: r.get(5)?, w2: r.get(6)? };
                Ok((
                    (from_word::<CountryCode>(r, 0)?, from_word::<QuestionId>(r, 1)?),
                    r.get::<_, Option<u8>>(2)?,
                    from_word_opt::<MissingKind>(r, 3)?,
                    tally,
                ))
            },
        )?;
        for (key, code, missing, tally) in rows {
            // the foreign key keeps every count tied to its source
            let Some(c) = counts.get_mut(&key) else { continue };
            if let Some(code) = code {
                c.valid.insert(code, tally);
            }
            if let Some(kind) = missing {
                c.missing.insert(kind, tally);
            }
        }
        Ok(counts)
    }

    fn paper_means(&self) -> Result<BTreeMap<(CountryCode, QuestionId), PaperMeans>, StoreError> {
        let rows = self.all(
            "SELECT country, question, mean_all, first_thousand, respondents FROM paper_mean",
            [],
            |r| {
                let means = PaperMeans {
                    all: r.get(2)?,
                    first_thousand: r.get(3)?,
                    respondents: from_count(r, 4)?,
                };
                Ok(((from_word(r, 0)?, from_word(r, 1)?), means))
            },
        )?;
        Ok(rows.into_iter().collect())
    }
}
