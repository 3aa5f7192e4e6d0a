//! What is computed of new prompts: one pass of all rows that are not known, each once.

use super::forward::{Run, Span};
use crate::embedded::decoder::Pack;

/// Which rows of the prompts are computed in a pass, and what they see.
pub(super) struct Plan {
    pub(super) tokens: Vec<u32>,
    pub(super) spans: Vec<Span>,
    pub(super) wanted: Vec<u32>,
    /// By sequence: the row of each position that is computed.
    pub(super) rows: Vec<Vec<Option<usize>>>,
    /// By sequence: the place of its last row in `wanted`.
    pub(super) last: Vec<usize>,
}

impl Plan {
    /// `found`: the runs of each sequence that are known, and their length. The last token of a
    /// sequence is computed in any case: the reply begins with its numbers.
    pub(super) fn new(sequences: &[&[u32]], found: &[(Vec<Run>, usize)]) -> Self {
        let (pack, places) = Pack::from_sequences(sequences);
        // One sequence through each segment; which, does not matter.
        let mut through = vec![None; pack.segments.len()];
        let mut ends_here = vec![false; pack.segments.len()];
        let segment_of = |row: u32| pack.segments.partition_point(|s| s.rows.end <= row as usize);
        for (s, rows) in places.iter().enumerate() {
            let mut segments: Vec<usize> = rows.iter().map(|r| segment_of(*r)).collect();
            segments.dedup();
            segments.iter().for_each(|g| through[*g] = Some(s));
            segments.last().iter().for_each(|g| ends_here[**g] = true);
        }
        let mut plan = Self {
            tokens: Vec::new(),
            spans: Vec::new(),
            wanted: Vec::new(),
            rows: Vec::new(),
            last: Vec::new(),
        };
        let mut row_of = vec![None; pack.len()]; // row of the pack -> row of the pass
        for (g, segment) in pack.segments.iter().enumerate() {
            let Some(s) = through[g] else { continue };
            let first = pack.positions[segment.rows.start] as usize;
            let (runs, known) = &found[s];
            let mut from = segment.rows.start + known.saturating_sub(first);
            if ends_here[g] {
                from = from.min(segment.rows.end - 1);
            }
            if from >= segment.rows.end {
                continue;
            }
            let start = plan.tokens.len();
            for r in from..segment.rows.end {
                row_of[r] = Some(plan.tokens.len());
                plan.tokens.push(pack.tokens[r]);
            }
            let first = pack.positions[from] as usize;
            let mut here: Vec<std::ops::Range<usize>> = Vec::new();
            // Ancestors' rows that are new stand behind what is known.
            for &r in &places[s][(*known).min(first)..first] {
                let Some(row) = row_of[r as usize] else { continue };
                match here.last_mut().filter(|h| h.end == row) {
                    Some(h) => h.end += 1,
                    None => here.push(row..row + 1),
                }
            }
            plan.spans.push(Span {
                rows: start..plan.tokens.len(),
                first,
                before: shortened(runs, first.min(*known)),
                here,
            });
        }
        let mut wanted: Vec<u32> = places
            .iter()
            .filter_map(|p| p.last().and_then(|r| row_of[*r as usize]).map(|r| r as u32))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        for p in &places {
            let row = p.last().and_then(|r| row_of[*r as usize]).unwrap_or(0) as u32;
            plan.last.push(wanted.partition_point(|w| *w < row));
            plan.rows.push(p.iter().map(|r| row_of[*r as usize]).collect());
        }
        plan.wanted = wanted;
        plan
    }
}

/// The first `length` rows of runs.
fn shortened(runs: &[Run], length: usize) -> Vec<Run> {
    let mut left = length;
    let mut out = Vec::with_capacity(runs.len());
    for r in runs {
        let n = r.rows.len().min(left);
        if n == 0 {
            break;
        }
        out.push(Run { chunk: r.chunk.clone(), rows: r.rows.start..r.rows.start + n });
        left -= n;
    }
    out
}
