//! Rows of our `metrics.jsonl` from writers whose JSON is Python's: NaN and infinities as bare
//! words.

use super::loose::{Loose, read_loose};
use crate::job::MetricsRow;

/// The row in a line that strict JSON is not.
pub fn loose_row(line: &[u8]) -> Option<MetricsRow> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let mut row = MetricsRow::default();
    let mut step = None;
    let end = read_loose(text, &mut |path, value| match (path, value) {
        (["at"], Loose::Text(t)) => t.clone_into(&mut row.at),
        (["step"], v) => step = v.number().filter(|x| *x >= 0.0).map(|x| x as u64),
        (["total"], v) => row.total = v.number().filter(|x| *x >= 0.0).map(|x| x as u64),
        (["values", name], v) => {
            if let Some(x) = v.number() {
                row.values.insert((*name).to_owned(), x);
            }
        }
        _ => {}
    })?;
    row.step = step?;
    (end == text.len()).then_some(row)
}
