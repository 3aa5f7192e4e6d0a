//! What became of all proposals of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Decision, QuestionId, Sample};
use crate::providers::Totals;

/// Counts: proposed = kept + rejected + failed, in all and for every seed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Proposals.
    pub proposed: u64,
    /// In use.
    pub kept: u64,
    /// Turned down.
    pub rejected: u64,
    /// Never became a text.
    pub failed: u64,
    /// Rejections and failures by their short reason.
    pub by_reason: BTreeMap<String, u64>,
    /// Kept samples of each seed.
    pub by_seed: BTreeMap<QuestionId, u64>,
    /// What the calls of this attempt took; `None` for rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<Totals>,
}

impl Summary {
    /// Counts one sample.
    pub fn add(&mut self, s: &Sample) {
        self.proposed += 1;
        let kept = self.by_seed.entry(s.seed.clone()).or_default();
        match &s.decision {
            Decision::Kept => {
                self.kept += 1;
                *kept += 1;
            }
            Decision::Rejected(r) => {
                self.rejected += 1;
                *self.by_reason.entry(r.kind()).or_default() += 1;
            }
            Decision::Failed(f) => {
                self.failed += 1;
                *self.by_reason.entry(f.kind()).or_default() += 1;
            }
        }
    }

    /// Of these samples.
    pub fn of<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let mut out = Self::default();
        samples.into_iter().for_each(|s| out.add(s));
        out
    }
}
