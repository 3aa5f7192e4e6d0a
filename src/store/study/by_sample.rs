//! Ratings looked at from the samples: what people said about each.

use std::collections::BTreeMap;

use rusqlite::types::Value;

use crate::domain::{RatedAtLeast, SampleId, StudyId};
use crate::store::codec::from_word;
use crate::store::sample_filter::Conditions;
use crate::store::{Reader, SampleFilter, StoreError};

/// Scores that stand, of people, about samples: see [`RatedAtLeast`] for what counts.
const SCORES: &str = "FROM item i \
    JOIN study s ON s.id = i.study AND s.type = 'similarity' \
    JOIN assignment a ON a.study = i.study AND a.item = i.id AND a.released_at IS NULL \
    JOIN rater r ON r.study = a.study AND r.id = a.rater AND r.kind = 'human' \
    JOIN current_rating e ON e.assignment = a.id \
    WHERE i.sample IS NOT NULL AND i.kind IN ('sample', 'anchor')";

/// What people said about one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeopleSaid {
    /// Its similarity to the seed as it stands now; `None` where it was never measured.
    pub similarity: Option<f64>,
    /// Scores that stand.
    pub ratings: u32,
    /// People who gave them.
    pub raters: u32,
    /// Their sum.
    pub sum: u32,
    /// How many of them are 4 or 5.
    pub high: u32,
}

impl PeopleSaid {
    /// The mean score.
    pub fn mean(&self) -> f64 {
        f64::from(self.sum) / f64::from(self.ratings)
    }
}

/// Narrows samples to those that people rated so.
pub(in crate::store) fn rated_at_least(c: &mut Conditions, wanted: &RatedAtLeast) {
    let study = if wanted.study.is_some() { " AND i.study = ?" } else { "" };
    // as `RatedAtLeast::holds`
    let clause = format!(
        "id IN (SELECT i.sample {SCORES}{study} GROUP BY i.sample \
         HAVING count(DISTINCT i.study || '/' || a.rater) >= ? \
         AND sum(e.score) >= ? * count(*) - 1e-9)"
    );
    let study = wanted.study.iter().map(|s| Value::from(s.as_str().to_owned()));
    let numbers = [Value::from(i64::from(wanted.raters)), Value::from(wanted.score)];
    c.add_all(&clause, study.chain(numbers));
}

impl Reader<'_> {
    /// What people said, in one study or in all, about each sample of a filter that somebody rated.
    ///
    /// # Errors
    /// The database cannot be read, or the read was stopped.
    pub fn people_said(
        &self,
        study: Option<&StudyId>,
        filter: &SampleFilter,
    ) -> Result<BTreeMap<SampleId, PeopleSaid>, StoreError> {
        let mut c = filter.conditions();
        let sample = c.sql();
        let one = study.map_or(String::new(), |s| {
            c.params.push(Value::from(s.as_str().to_owned()));
            format!(" AND i.study = ?{}", c.params.len())
        });
        let sql = format!(
            "WITH said AS (SELECT i.sample AS sample, count(*) AS n, \
             count(DISTINCT i.study || '/' || a.rater) AS raters, sum(e.score) AS sum, \
             sum(e.score >= 4) AS high {SCORES}{one} GROUP BY i.sample) \
             SELECT f.id, f.similarity, said.n, said.raters, said.sum, said.high FROM said \
             JOIN (SELECT id, similarity FROM sample{sample}) f ON f.id = said.sample"
        );
        let rows = self.all(&sql, rusqlite::params_from_iter(c.params), |r| {
            let said = PeopleSaid {
                similarity: r.get(1)?,
                ratings: r.get(2)?,
                raters: r.get(3)?,
                sum: r.get(4)?,
                high: r.get(5)?,
            };
            Ok((from_word(r, 0)?, said))
        })?;
        Ok(rows.into_iter().collect())
    }
}
