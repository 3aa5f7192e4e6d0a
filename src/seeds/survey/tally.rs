//! Sums of a block, and of the file: flat arrays, one slot an answer.

use std::collections::BTreeMap;

use crate::domain::Tally;

use super::line::Row;
use super::value::{SLOTS, slot_code};

/// Respondents that `Avg_First` of the release is over.
const FIRST: usize = 1000;
/// Rows of a country that the released means depend on: the first thousand, and number 1,001.
const ORDERED_ROWS: usize = FIRST + 1;

/// One country of one block.
#[derive(Debug)]
pub(super) struct CountryTally {
    country: [u8; 3],
    rows: u64,
    cells: Vec<Tally>,
    large: BTreeMap<(u16, u8), Tally>,
    /// The slots of its first rows, row by row: which of them are among the country's first
    /// thousand is known only when the blocks before are.
    first_rows: Vec<u8>,
}

/// One block: its countries in order of appearance.
#[derive(Debug, Default)]
pub(super) struct BlockTally {
    countries: Vec<CountryTally>,
    last: usize,
}

impl BlockTally {
    /// Adds one respondent.
    pub(super) fn add(&mut self, row: &Row) {
        let same = self.countries.get(self.last).is_some_and(|c| c.country == row.country);
        if !same {
            self.last = self
                .countries
                .iter()
                .position(|c| c.country == row.country)
                .unwrap_or(self.countries.len());
        }
        if self.last == self.countries.len() {
            self.countries.push(CountryTally {
                country: row.country,
                rows: 0,
                cells: vec![Tally::default(); row.slots.len() * SLOTS],
                large: BTreeMap::new(),
                first_rows: Vec::new(),
            });
        }
        let country = &mut self.countries[self.last];
        let (cells, _) = country.cells.as_chunks_mut::<SLOTS>();
        for (cell, &slot) in cells.iter_mut().zip(&row.slots) {
            cell[usize::from(slot) % SLOTS].add(row.weight);
        }
        for &key in &row.large {
            country.large.entry(key).or_default().add(row.weight);
        }
        if country.rows < ORDERED_ROWS as u64 {
            country.first_rows.extend_from_slice(&row.slots);
        }
        country.rows += 1;
    }
}

/// One country of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CountryTotal {
    /// Respondents.
    pub(super) rows: u64,
    /// `SLOTS` tallies a question.
    pub(super) cells: Vec<Tally>,
    /// Codes above the slots, by question.
    pub(super) large: BTreeMap<(u16, u8), Tally>,
    /// Sum of codes over the first thousand rows, by question.
    first_sums: Vec<i64>,
    /// Codes of row 1,001, by question.
    row_1001: Vec<i64>,
    ordered_rows: usize,
}

/// What the released means are made of, for one country and question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReleasedSums {
    /// Respondents.
    pub(super) n: u64,
    /// Sum of codes over all rows.
    pub(super) all: i64,
    /// Sum of codes over the first thousand rows.
    pub(super) first: i64,
    /// The code of row 1,001; 0 where there is none.
    pub(super) row_1001: i64,
}

impl ReleasedSums {
    /// The mean over all rows.
    pub(super) fn plain_mean(&self) -> f64 {
        self.all as f64 / self.n as f64
    }

    /// The mean with row 1,001 counted and not summed.
    pub(super) fn off_by_one_mean(&self) -> f64 {
        (self.all - self.row_1001) as f64 / self.n as f64
    }

    /// The mean over the first thousand rows, or over all where there are fewer.
    pub(super) fn first_mean(&self) -> f64 {
        self.first as f64 / self.n.min(FIRST as u64) as f64
    }
}

impl CountryTotal {
    /// The tallies of a question.
    pub(super) fn question(&self, q: usize) -> &[Tally] {
        &self.cells[q * SLOTS..(q + 1) * SLOTS]
    }

    /// What the released means are made of; `None` where a cell of the question is empty,
    /// unreadable, or outside the codes of the release.
    pub(super) fn released_sums(&self, q: usize) -> Option<ReleasedSums> {
        let mut all = 0;
        for (slot, tally) in self.question(q).iter().enumerate().filter(|(_, t)| t.n > 0) {
            all += slot_code(slot as u8)? * tally.n as i64;
        }
        (self.rows > 0).then(|| ReleasedSums {
            n: self.rows,
            all,
            first: self.first_sums[q],
            row_1001: self.row_1001[q],
        })
    }
}

/// The whole file so far, blocks merged in their order.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Totals {
    pub(super) countries: BTreeMap<[u8; 3], CountryTotal>,
    pub(super) respondents: u64,
}

impl Totals {
    /// Adds the next block. Must be called in the order of blocks.
    pub(super) fn merge(&mut self, block: BlockTally) {
        for part in block.countries {
            self.respondents += part.rows;
            let questions = part.cells.len() / SLOTS;
            let total = self.countries.entry(part.country).or_insert_with(|| CountryTotal {
                rows: 0,
                cells: vec![Tally::default(); part.cells.len()],
                large: BTreeMap::new(),
                first_sums: vec![0; questions],
                row_1001: vec![0; questions],
                ordered_rows: 0,
            });
            total.rows += part.rows;
            for (sum, tally) in total.cells.iter_mut().zip(&part.cells) {
                if tally.n > 0 {
                    sum.merge(tally);
                }
            }
            for (key, tally) in &part.large {
                total.large.entry(*key).or_default().merge(tally);
            }
            for row in part.first_rows.chunks_exact(questions.max(1)) {
                if total.ordered_rows == ORDERED_ROWS {
                    break;
                }
                total.ordered_rows += 1;
                let last = total.ordered_rows == ORDERED_ROWS;
                let sums = if last { &mut total.row_1001 } else { &mut total.first_sums };
                for (sum, &slot) in sums.iter_mut().zip(row) {
                    *sum += slot_code(slot).unwrap_or(0);
                }
            }
        }
    }
}
