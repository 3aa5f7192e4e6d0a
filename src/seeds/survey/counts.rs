//! From flat sums to the domain's counts and the released means.

use std::collections::BTreeMap;

use crate::domain::{CountryCode, OptionCounts, PaperMeans, QuestionId};
use crate::seeds::report::Faults;
use crate::table::quotes::{Piece, fields};

use super::collect::{Beside, SummaryRow};
use super::layout::Layout;
use super::tally::{CountryTotal, ReleasedSums, Totals};
use super::value::{EMPTY, UNREADABLE, slot_answer};

/// What a file of respondent rows says.
#[derive(Debug, Clone)]
pub struct SurveyCounts {
    /// The columns that were read.
    pub layout: Layout,
    /// People: rows that are neither summaries nor left out.
    pub respondents: u64,
    /// Respondents by country.
    pub by_country: BTreeMap<CountryCode, u64>,
    /// Counts as they stand in the file: flipped columns are still flipped.
    pub counts: BTreeMap<(CountryCode, QuestionId), OptionCounts>,
    /// The release's means.
    pub paper_means: BTreeMap<(CountryCode, QuestionId), PaperMeans>,
    /// Summary rows found, not counted as people.
    pub summary_rows: u64,
    /// Ragged lines among the lines left out.
    pub ragged: u64,
    /// Lines left out, with their reasons.
    pub left_out: Faults,
    /// Cells that are no code.
    pub unreadable: Faults,
    /// Empty cells, counted as "other missing".
    pub empty_cells: u64,
    /// Line and byte of the first character that is not UTF-8, in no column that is read.
    pub not_utf8: Option<(u64, u64)>,
    /// What the summary rows say of the means.
    pub notes: Vec<String>,
}

impl SurveyCounts {
    pub(super) fn of(layout: Layout, totals: &Totals, beside: Beside) -> Self {
        let mut out = Self {
            respondents: totals.respondents,
            by_country: BTreeMap::new(),
            counts: BTreeMap::new(),
            paper_means: BTreeMap::new(),
            summary_rows: beside.summary_rows,
            ragged: beside.ragged,
            left_out: beside.left_out,
            unreadable: beside.unreadable,
            empty_cells: 0,
            not_utf8: beside.not_utf8,
            notes: Vec::new(),
            layout,
        };
        for (alpha, total) in &totals.countries {
            let Ok(country) = CountryCode::new(String::from_utf8_lossy(alpha)) else { continue };
            out.by_country.insert(country.clone(), total.rows);
            for (q, column) in out.layout.questions.iter().enumerate() {
                let counts = option_counts(total, q, &out.layout);
                out.counts.insert((country.clone(), column.id.clone()), counts);
                out.empty_cells += total.question(q)[usize::from(EMPTY)].n;
            }
            let released = (totals.countries.len() == 1).then_some(&beside.summaries);
            out.add_means(&country, total, released.map_or(&[][..], Vec::as_slice));
        }
        out
    }

    /// Works out the released means. A file of one country may hold the release's own `Avg` row:
    /// in most it leaves out respondent 1,001, in Iraq's and Jordan's it does not, and the
    /// released labels follow the row. So the row decides, where it agrees with the respondents.
    fn add_means(&mut self, country: &CountryCode, total: &CountryTotal, rows: &[SummaryRow]) {
        let sums: Vec<(usize, ReleasedSums)> = (0..self.layout.questions.len())
            .filter(|&q| !self.layout.questions[q].inverted)
            .filter_map(|q| total.released_sums(q).map(|s| (q, s)))
            .collect();
        let released = rows.iter().find(|r| r.name.eq_ignore_ascii_case("Avg"));
        let mut plain = false;
        if let Some(row) = released {
            let written = means_of_row(row, &self.layout);
            let agrees = |mean: fn(&ReleasedSums) -> f64| {
                sums.iter().all(|(q, s)| written[*q].is_some_and(|w| (w - mean(s)).abs() < 1e-6))
            };
            if agrees(ReleasedSums::off_by_one_mean) {
                self.notes.push(format!(
                    "line {}: the means of row `Avg` are those of the respondents above it",
                    row.line
                ));
            } else if agrees(ReleasedSums::plain_mean) {
                plain = true;
                self.notes.push(format!(
                    "line {}: row `Avg` is the mean over all respondents, without the release's \
                     habit of leaving out number 1,001; label policy `paper` follows the row",
                    row.line
                ));
            } else {
                self.notes.push(format!(
                    "line {}: row `Avg` is not the mean of the respondents above it; label policy \
                     `paper` uses the respondents",
                    row.line
                ));
            }
        }
        for (q, s) in sums {
            let all = if plain { s.plain_mean() } else { s.off_by_one_mean() };
            let means = PaperMeans { all, first_thousand: s.first_mean(), respondents: s.n };
            let id = self.layout.questions[q].id.clone();
            self.paper_means.insert((country.clone(), id), means);
        }
    }

    /// Number of unreadable cells by question, for a report.
    pub fn unreadable_cells(&self) -> u64 {
        self.unreadable.total
    }
}

fn option_counts(total: &CountryTotal, q: usize, layout: &Layout) -> OptionCounts {
    let mut counts = OptionCounts::new(layout.weighting);
    for (slot, tally) in total.question(q).iter().enumerate().filter(|(_, t)| t.n > 0) {
        match slot_answer(slot as u8) {
            Some(crate::domain::AnswerCode::Valid(code)) => {
                counts.valid.entry(code).or_default().merge(tally);
            }
            Some(crate::domain::AnswerCode::Missing(kind)) => {
                counts.missing.entry(kind).or_default().merge(tally);
            }
            // unreadable cells are reported; large codes follow
            None => debug_assert!(slot == usize::from(UNREADABLE) || slot == 31),
        }
    }
    for ((question, code), tally) in &total.large {
        if usize::from(*question) == q {
            counts.valid.entry(*code).or_default().merge(tally);
        }
    }
    counts
}

/// The means that a summary row states, by question.
fn means_of_row(row: &SummaryRow, layout: &Layout) -> Vec<Option<f64>> {
    let (mut cells, mut cell) = (Vec::new(), String::new());
    fields(&row.record, layout.delimiter.byte(), |piece| match piece {
        Piece::Bare(b) | Piece::Quoted(b) => cell.push(char::from(b)),
        Piece::End => cells.push(std::mem::take(&mut cell)),
    });
    let mut out = vec![None; layout.questions.len()];
    for &(column, field) in &layout.fields {
        if let super::layout::Field::Questions { first, count } = field {
            for i in 0..usize::from(count) {
                let mean = cells.get(column + i).and_then(|t| t.trim().parse().ok());
                out[usize::from(first) + i] = mean;
            }
        }
    }
    out
}
