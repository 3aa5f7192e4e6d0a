//! Samples: stored once each, read in pages.

use serde::{Deserialize, Serialize};

use crate::domain::{Decision, QuestionId, Sample, SampleId, Similarity};

use super::codec::{from_count, from_json, from_time, from_word, json, now, unreadable};
use super::sample_filter::{DecisionKind, SampleFilter, SampleOrder};
use super::sample_pages::PageFrom;
use super::{Reader, StoreError, Tx};

pub(super) const COLUMNS: &str =
    "row, id, seed, language, text, stage, similarity, detail, provenance, by_hand, at";

/// A sample with what the store knows about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRow {
    /// Order of arrival.
    pub row: i64,
    /// The sample.
    pub sample: Sample,
    /// True when a person decided; a later run does not change it.
    pub by_hand: bool,
    /// Time of the last change.
    pub at: jiff::Timestamp,
}

impl SampleRow {
    /// Where the next page begins.
    pub fn cursor(&self) -> SampleCursor {
        SampleCursor { row: self.row, similarity: self.sample.similarity.map(Similarity::get) }
    }
}

/// The last row of a page. Opaque to callers; it travels as JSON in `next`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SampleCursor {
    pub(super) row: i64,
    pub(super) similarity: Option<f64>,
}

impl SampleCursor {
    /// The cursor of a row in order of arrival, whether there is such a row or not.
    pub fn at(row: i64) -> Self {
        Self { row, similarity: None }
    }
}

/// What [`Tx::put_samples`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PutReport {
    /// New samples.
    pub added: u64,
    /// Known samples whose decision, similarity or ancestry was brought up to date.
    pub updated: u64,
    /// Known samples that a person had decided on: left as they were.
    pub kept_by_hand: u64,
}

/// How many samples share a fate and a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCount {
    /// The fate.
    pub decision: DecisionKind,
    /// The reason's short name; empty for kept ones.
    pub reason: String,
    /// Samples.
    pub n: u64,
}

/// The short name of a decision's reason; failures count by their kind.
pub(super) fn reason_of(d: &Decision) -> String {
    match d {
        Decision::Kept => String::new(),
        Decision::Rejected(r) => r.kind(),
        Decision::Failed(f) => f.kind(),
    }
}

impl Tx<'_> {
    /// Stores samples by their id. Again with the same id: brought up to date, unless a person
    /// decided on that sample. The text belongs to the id and never changes.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_samples(&self, samples: &[Sample]) -> Result<PutReport, StoreError> {
        let mut report = PutReport::default();
        for s in samples {
            let by_hand: Option<bool> =
                self.one("SELECT by_hand FROM sample WHERE id = ?1", [s.id.as_str()], |r| {
                    r.get(0)
                })?;
            match by_hand {
                Some(true) => report.kept_by_hand += 1,
                Some(false) => report.updated += 1,
                None => report.added += 1,
            }
            if by_hand != Some(true) {
                self.put_sample(s)?;
            }
        }
        Ok(report)
    }

    fn put_sample(&self, s: &Sample) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO sample (id, seed, language, text, stage, similarity, decision, reason, \
             detail, provider, run, family, provenance, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
             ON CONFLICT (id) DO UPDATE SET stage = excluded.stage, \
             similarity = excluded.similarity, decision = excluded.decision, \
             reason = excluded.reason, detail = excluded.detail, provider = excluded.provider, \
             run = excluded.run, family = excluded.family, provenance = excluded.provenance, \
             at = excluded.at",
            (
                s.id.as_str(),
                s.seed.as_str(),
                &s.language,
                &s.text,
                s.stage.as_str(),
                s.similarity.map(Similarity::get),
                s.decision.as_str(),
                reason_of(&s.decision),
                self.sql(json(&s.decision))?,
                &s.provenance.provider,
                &s.provenance.run,
                &s.provenance.family,
                self.sql(json(&s.provenance))?,
                now(),
            ),
        )?;
        Ok(())
    }
}

pub(super) fn sample_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<SampleRow> {
    let similarity = match r.get::<_, Option<f64>>(6)? {
        None => None,
        Some(x) => Some(Similarity::new(x).map_err(|e| unreadable(r, 6, e, &x.to_string()))?),
    };
    Ok(SampleRow {
        row: r.get(0)?,
        sample: Sample {
            id: from_word(r, 1)?,
            seed: from_word(r, 2)?,
            language: r.get(3)?,
            text: r.get(4)?,
            stage: from_word(r, 5)?,
            similarity,
            decision: from_json(r, 7)?,
            provenance: from_json(r, 8)?,
        },
        by_hand: r.get(9)?,
        at: from_time(r, 10)?,
    })
}

impl Reader<'_> {
    /// One sample.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sample(&self, id: &SampleId) -> Result<Option<SampleRow>, StoreError> {
        self.one(&format!("SELECT {COLUMNS} FROM sample WHERE id = ?1"), [id.as_str()], sample_row)
    }

    /// A page in order of arrival: at most `limit` samples after `after`
    /// ([`SampleRow::cursor`] of the last row seen).
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn samples(
        &self,
        filter: &SampleFilter,
        after: Option<SampleCursor>,
        limit: u32,
    ) -> Result<Vec<SampleRow>, StoreError> {
        self.samples_by(filter, SampleOrder::Arrival, after, limit)
    }

    /// A page in the order wanted.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn samples_by(
        &self,
        filter: &SampleFilter,
        order: SampleOrder,
        after: Option<SampleCursor>,
        limit: u32,
    ) -> Result<Vec<SampleRow>, StoreError> {
        let from = after.map_or(PageFrom::First, PageFrom::After);
        self.samples_page(filter, order, from, limit)
    }

    /// All samples of a filter, in order of arrival. For datasets and exports; screens page.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn all_samples(&self, filter: &SampleFilter) -> Result<Vec<Sample>, StoreError> {
        let c = filter.conditions();
        let sql = format!("SELECT {COLUMNS} FROM sample{} ORDER BY row", c.sql());
        self.all(&sql, rusqlite::params_from_iter(c.params), |r| Ok(sample_row(r)?.sample))
    }

    /// How many samples a filter holds.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count_samples(&self, filter: &SampleFilter) -> Result<u64, StoreError> {
        let c = filter.conditions();
        let sql = format!("SELECT count(*) FROM sample{}", c.sql());
        Ok(self.one(&sql, rusqlite::params_from_iter(c.params), |r| from_count(r, 0))?.unwrap_or(0))
    }

    /// How many samples there are by fate and reason: they add up to the proposals.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sample_counts(&self, filter: &SampleFilter) -> Result<Vec<SampleCount>, StoreError> {
        let c = filter.conditions();
        // grouping by an index would walk all samples to count those of one seed or run
        let few = filter.seed.is_some() || filter.run.is_some();
        let by = if few { "+decision, +reason" } else { "decision, reason" };
        let sql = format!(
            "SELECT decision, reason, count(*) FROM sample{} GROUP BY {by} \
             ORDER BY decision, count(*) DESC, reason",
            c.sql()
        );
        self.all(&sql, rusqlite::params_from_iter(c.params), |r| {
            Ok(SampleCount { decision: from_word(r, 0)?, reason: r.get(1)?, n: from_count(r, 2)? })
        })
    }

    /// How many samples each seed has, by fate.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sample_counts_by_seed(
        &self,
    ) -> Result<Vec<(QuestionId, DecisionKind, u64)>, StoreError> {
        self.all(
            "SELECT seed, decision, count(*) FROM sample GROUP BY seed, decision \
             ORDER BY seed, decision",
            [],
            |r| Ok((from_word(r, 0)?, from_word(r, 1)?, from_count(r, 2)?)),
        )
    }
}
