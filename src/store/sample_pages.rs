//! Pages of the list of samples, in both directions and from either end, where a sample stands in
//! it, and how similarities are spread. No page costs more for standing deep in the list.

use serde::{Deserialize, Serialize};

use super::codec::from_count;
use super::sample_filter::{Conditions, SampleFilter, SampleOrder};
use super::samples::{COLUMNS, SampleCursor, SampleRow, sample_row};
use super::{Reader, StoreError};

/// Where a page stands. The cursor's own sample is in [`PageFrom::At`] only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageFrom {
    /// At the beginning of the list.
    First,
    /// At its end: the page holds the last samples.
    Last,
    /// Right after this one.
    After(SampleCursor),
    /// Right before this one.
    Before(SampleCursor),
    /// This one and what follows.
    At(SampleCursor),
}

/// A stretch of a list within which one key orders it. Samples without similarity are a stretch of
/// their own: NULL compares with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stretch {
    Whole,
    Without,
    With,
}

/// The stretches of an order, from the beginning of the list.
fn stretches(order: SampleOrder) -> Vec<Stretch> {
    match order {
        SampleOrder::Arrival => vec![Stretch::Whole],
        SampleOrder::SimilarityUp => vec![Stretch::Without, Stretch::With],
        SampleOrder::SimilarityDown => vec![Stretch::With, Stretch::Without],
    }
}

fn stretch_of(order: SampleOrder, cursor: SampleCursor) -> Stretch {
    match (order, cursor.similarity) {
        (SampleOrder::Arrival, _) => Stretch::Whole,
        (_, None) => Stretch::Without,
        (_, Some(_)) => Stretch::With,
    }
}

impl Stretch {
    fn narrow(self, c: &mut Conditions) {
        match self {
            Self::Whole => {}
            Self::Without => c.plain("similarity IS NULL"),
            Self::With => c.plain("similarity IS NOT NULL"),
        }
    }

    /// Adds that a sample stands beyond the cursor: `sign` is one of < > >=.
    fn beyond(self, c: &mut Conditions, sign: &str, cursor: SampleCursor) {
        match (self, cursor.similarity) {
            (Self::With, Some(similarity)) => {
                c.params.push(similarity.into());
                c.params.push(cursor.row.into());
                let n = c.params.len();
                c.plain(format!("(similarity, row) {sign} (?{}, ?{n})", n - 1));
            }
            _ => c.add(&format!("row {sign} ?"), cursor.row),
        }
    }

    fn by(self, ascending: bool) -> &'static str {
        match (self, ascending) {
            (Self::With, true) => "similarity, row",
            (Self::With, false) => "similarity DESC, row DESC",
            (_, true) => "row",
            (_, false) => "row DESC",
        }
    }
}

impl Reader<'_> {
    /// A page of at most `limit` samples, always in the order of the list. Fewer than `limit` come
    /// only where the list ends.
    ///
    /// # Errors
    /// The database cannot be read, or the read was stopped.
    pub fn samples_page(
        &self,
        filter: &SampleFilter,
        order: SampleOrder,
        from: PageFrom,
        limit: u32,
    ) -> Result<Vec<SampleRow>, StoreError> {
        let (forward, cursor, included) = match from {
            PageFrom::First => (true, None, false),
            PageFrom::Last => (false, None, false),
            PageFrom::After(c) => (true, Some(c), false),
            PageFrom::Before(c) => (false, Some(c), false),
            PageFrom::At(c) => (true, Some(c), true),
        };
        let ascending = forward == (order != SampleOrder::SimilarityDown);
        let sign = match (ascending, included) {
            (true, false) => ">",
            (true, true) => ">=",
            (false, false) => "<",
            (false, true) => "<=",
        };
        let mut parts = stretches(order);
        if !forward {
            parts.reverse();
        }
        if let Some(c) = cursor {
            let own = stretch_of(order, c);
            parts = parts.into_iter().skip_while(|p| *p != own).collect();
        }
        let limit = limit as usize;
        let mut rows = self.snapshot(|r| {
            let mut rows: Vec<SampleRow> = Vec::new();
            for (i, part) in parts.into_iter().enumerate() {
                if rows.len() >= limit {
                    break;
                }
                let mut c = filter.listed(order);
                part.narrow(&mut c);
                if let Some(cursor) = cursor.filter(|_| i == 0) {
                    part.beyond(&mut c, sign, cursor);
                }
                let sql = format!(
                    "SELECT {COLUMNS} FROM sample{} ORDER BY {} LIMIT {}",
                    c.sql(),
                    part.by(ascending),
                    limit - rows.len()
                );
                rows.extend(r.all(&sql, rusqlite::params_from_iter(c.params), sample_row)?);
            }
            Ok(rows)
        })?;
        if !forward {
            rows.reverse();
        }
        Ok(rows)
    }

    /// How many samples of the list stand before the cursor's. Counts them one by one (tens of
    /// milliseconds a million): for a label that may come late.
    ///
    /// # Errors
    /// The database cannot be read, or the read was stopped.
    pub fn samples_before(
        &self,
        filter: &SampleFilter,
        order: SampleOrder,
        cursor: SampleCursor,
    ) -> Result<u64, StoreError> {
        let own = stretch_of(order, cursor);
        let sign = if order == SampleOrder::SimilarityDown { ">" } else { "<" };
        self.snapshot(|r| {
            let mut n = 0;
            for part in stretches(order) {
                let mut c = filter.conditions();
                part.narrow(&mut c);
                if part == own {
                    part.beyond(&mut c, sign, cursor);
                }
                // by itself SQLite would walk the table, whose rows are ten times as long
                let index = if *filter == SampleFilter::default() && part == Stretch::Whole {
                    " INDEXED BY sample_by_fate"
                } else {
                    ""
                };
                let sql = format!("SELECT count(*) FROM sample{index}{}", c.sql());
                let one =
                    r.one(&sql, rusqlite::params_from_iter(c.params), |r| from_count(r, 0))?;
                n += one.unwrap_or(0);
                if part == own {
                    break;
                }
            }
            Ok(n)
        })
    }

    /// How many samples of a filter are at least this similar: what a threshold would keep.
    ///
    /// # Errors
    /// The database cannot be read, or the read was stopped.
    pub fn count_at_least(&self, filter: &SampleFilter, threshold: f64) -> Result<u64, StoreError> {
        let least = filter.min_similarity.map_or(threshold, |m| m.max(threshold));
        self.count_samples(&SampleFilter { min_similarity: Some(least), ..filter.clone() })
    }

    /// How many samples of a filter have which similarity: `bins` bins of equal width from 0 to 1,
    /// each with its lower end in it, and the last one with both. Similarities below 0 count in
    /// the first bin; samples without one are left out.
    ///
    /// # Errors
    /// The database cannot be read, or the read was stopped.
    pub fn similarity_histogram(
        &self,
        filter: &SampleFilter,
        bins: usize,
    ) -> Result<Vec<u64>, StoreError> {
        let mut counts = vec![0u64; bins];
        if bins == 0 {
            return Ok(counts);
        }
        let mut c = filter.conditions();
        c.plain("similarity IS NOT NULL");
        let sql = format!("SELECT similarity FROM sample{}", c.sql());
        let fill = || {
            let mut statement = self.conn.prepare_cached(&sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(c.params))?;
            while let Some(row) = rows.next()? {
                let s: f64 = row.get(0)?;
                let bin = (s.max(0.0) * bins as f64) as usize;
                counts[bin.min(bins - 1)] += 1;
            }
            Ok(())
        };
        self.sql(fill())?;
        Ok(counts)
    }
}
