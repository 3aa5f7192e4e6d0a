//! The released means, kept for reproduction only.

use serde::{Deserialize, Serialize};

/// Means of raw codes, missing codes -1..-5 included as numbers, as the release of CultureLLM
/// worked them out (its `Avg` and `Avg_First` rows). They depend on the order of respondent rows,
/// so they are collected while rows stream by and are never stored per respondent.
///
/// Where there are more than 1,000 respondents, number 1,001 is counted in n but not summed in
/// `all` (science: "Label policy `paper`"). Two released files, Iraq's and Jordan's, have an `Avg`
/// row without that habit, and the released Arabic labels follow it (Q36 and Q226: 4, not 3): a
/// file's own `Avg` row decides where it agrees with its respondents.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PaperMeans {
    /// `Avg`: over all respondents, with the release's off-by-one unless the file's row has none.
    pub all: f64,
    /// `Avg_First`: over the first 1,000 respondents; equals `all` where there are fewer.
    pub first_thousand: f64,
    /// Respondents of the country.
    pub respondents: u64,
}
