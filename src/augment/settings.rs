//! What an augmentation run is asked to do.

use serde::{Deserialize, Serialize};

use super::AugmentError;
use crate::providers::language::Manner;
use crate::providers::{Partition, Scope};

/// Calibrated with all-MiniLM-L6-v2 (`docs/augmentation.md`): of 1,855 pairs of kept paraphrases of
/// one seed that differ by eight words or more none reaches it, nor does any of 1,980 such pairs (five
/// words or more) of the released samples; a fifth to a third of pairs that differ by three to seven
/// words do. Other encoders have other scales.
pub const NEAR_LIKENESS: f64 = 0.985;

/// Settings of a run, frozen in its input as `settings.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who proposes: `offline`, or the language model that `input/provider.json` names.
    pub provider: String,
    /// How a language model's replies are drawn; `None` for rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manner: Option<Manner>,
    /// Which rules may be used: training families, held-out ones, or named ones.
    pub scope: Scope,
    /// Paraphrases that stay in use per seed (the paper's n = 5): what stage 1 contributes, and
    /// what stage 2 exchanges words in.
    pub templates: usize,
    /// Proposals with exchanged words asked for, per text of stage 1; 0 leaves stage 2 out.
    pub synonyms: usize,
    /// Samples kept per seed, both stages together (the paper's m = 10).
    pub keep: usize,
    /// A fixed threshold; calibrated when `None`.
    pub threshold: Option<f64>,
    /// False-accept rate of the calibration.
    pub false_accept: f64,
    /// Texts that differ by this many tokens or fewer are near-duplicates.
    pub near_duplicate_edits: usize,
    /// With a sentence encoder: texts of one seed at or above this cosine are near-duplicates as
    /// well, however many words differ. `None`: only words count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_duplicate_likeness: Option<f64>,
    /// Sentence encoder (`path:DIR`, `hub:ORG/NAME`); lexical when `None`.
    pub encoder: Option<String>,
    /// Random seed.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: "offline".into(),
            manner: None,
            scope: Scope::of(Partition::Train),
            templates: 5,
            synonyms: 4,
            keep: 10,
            threshold: None,
            false_accept: 0.05,
            near_duplicate_edits: 2,
            near_duplicate_likeness: Some(NEAR_LIKENESS),
            encoder: None,
            seed: 1,
        }
    }
}

impl Settings {
    /// The fixed test set: held-out families, stage 1 only. No word is exchanged, so that no lexicon
    /// entry can stand on both sides.
    pub fn held_out(keep: usize, seed: u64) -> Self {
        Self {
            scope: Scope::of(Partition::HeldOut),
            templates: keep,
            synonyms: 0,
            keep,
            seed,
            ..Self::default()
        }
    }

    /// True for runs that make the test set.
    pub fn is_held_out(&self) -> bool {
        self.scope.partition == Some(Partition::HeldOut)
    }

    /// Proposals that the rules are asked for at most: seeds that have their samples ask for fewer.
    pub fn proposals_at_most(&self, seeds: usize) -> usize {
        let first = self.templates * super::growth::STAGE_1_OVER;
        let second = if self.keep > self.templates { self.templates * self.synonyms } else { 0 };
        seeds * (first + second)
    }

    /// # Errors
    /// Numbers that no run could follow.
    pub fn check(&self) -> Result<(), AugmentError> {
        let bad = |what: String| Err(AugmentError::Settings(what));
        if self.templates == 0 || self.keep == 0 {
            return bad("nothing is asked for: templates and keep must be at least 1".into());
        }
        if self.templates > 1000 || self.keep > 1000 {
            return bad("more than 1,000 texts per seed: ask for fewer".into());
        }
        if let Some(x) = self.near_duplicate_likeness
            && !(0.0..=1.0).contains(&x)
        {
            return bad(format!("the likeness of near-duplicates is {x}: expected 0 to 1"));
        }
        if let Some(m) = &self.manner {
            m.check().map_err(AugmentError::Settings)?;
        }
        if let Some(t) = self.threshold
            && !(-1.0..=1.0).contains(&t)
        {
            return bad(format!("the threshold is {t}: expected -1 to 1, such as 0.8"));
        }
        Ok(())
    }
}
