//! What a sweep varies, as datasets: one arm each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::dataset::{Arm, DatasetSpec, Stages};
use crate::domain::{CultureId, LabelPolicy, QuestionId};

/// What is varied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum SweepKind {
    /// Seeds only, + stage 1, + both stages (paper, section 5.3).
    Ablation,
    /// So many texts, seeds counted first (paper: 50, 100, 500, 1,000).
    Samples {
        /// The counts, ascending.
        counts: Vec<usize>,
    },
    /// English texts against texts of a local language (paper, section 5.4).
    Language {
        /// BCP 47.
        language: String,
    },
    /// How answers become targets.
    Policies,
}

impl SweepKind {
    /// A word for names of datasets and models.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ablation => "ablation",
            Self::Samples { .. } => "samples",
            Self::Language { .. } => "language",
            Self::Policies => "policies",
        }
    }
}

/// A sweep as it is asked for; equal specs are one sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepSpec {
    /// What is varied.
    pub kind: SweepKind,
    /// Training seeds of every arm: 1, 2, ..
    pub seeds: u64,
    /// The recipe, as TOML, without its seed; every arm gets equal optimiser steps.
    pub recipe: String,
    /// Cultures in view; empty = all.
    pub cultures: Vec<CultureId>,
    /// Questions that no model is trained on.
    pub held_out_questions: usize,
    /// Held-out paraphrases of a question, at most.
    pub paraphrases: usize,
    /// Seed of the split and of the tests.
    pub seed: u64,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepArm {
    /// As printed.
    pub label: String,
    /// Behind the sweep's name.
    pub name: String,
    /// What its models are trained on.
    pub dataset: DatasetSpec,
}

/// The arms of a sweep, in the order of its table; the last one is what the others are compared
/// with.
pub fn arms(spec: &SweepSpec, held_out: &[QuestionId]) -> Vec<SweepArm> {
    let base = DatasetSpec {
        name: String::new(),
        policy: LabelPolicy::Distribution,
        arm: Arm::One,
        stages: Stages::Both,
        texts: None,
        rated: None,
        language: None,
        cultures: spec.cultures.clone(),
        held_out_questions: held_out.to_vec(),
        allow: BTreeSet::new(),
    };
    let arm = |label: String, name: &str, dataset: DatasetSpec| SweepArm {
        label,
        dataset: DatasetSpec { name: name.to_owned(), ..dataset },
        name: name.to_owned(),
    };
    match &spec.kind {
        SweepKind::Ablation => [
            ("seeds only", "seeds-only", Stages::SeedsOnly),
            ("seeds + stage 1", "stage-1", Stages::Templates),
            ("seeds + both stages", "both-stages", Stages::Both),
        ]
        .into_iter()
        .map(|(label, name, stages)| {
            arm(label.into(), name, DatasetSpec { stages, ..base.clone() })
        })
        .collect(),
        SweepKind::Samples { counts } => counts
            .iter()
            .map(|&n| {
                let dataset = DatasetSpec { texts: Some(n), ..base.clone() };
                arm(format!("{n} texts"), &format!("texts-{n}"), dataset)
            })
            .collect(),
        SweepKind::Language { language } => vec![
            arm(
                format!("texts in {language}"),
                language,
                DatasetSpec { language: Some(language.clone()), ..base.clone() },
            ),
            arm("texts in the survey's language".into(), "own", base),
        ],
        SweepKind::Policies => [
            LabelPolicy::Median,
            LabelPolicy::RoundedMean,
            LabelPolicy::Mode,
            LabelPolicy::Distribution,
        ]
        .into_iter()
        .map(|policy| {
            let word = policy.as_str();
            arm(format!("policy {word}"), word, DatasetSpec { policy, ..base.clone() })
        })
        .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_differ_in_one_thing_only() {
        for kind in
            [SweepKind::Ablation, SweepKind::Samples { counts: vec![50, 100] }, SweepKind::Policies]
        {
            let spec = SweepSpec {
                kind,
                seeds: 1,
                recipe: String::new(),
                cultures: vec![],
                held_out_questions: 0,
                paraphrases: 1,
                seed: 1,
            };
            let all = arms(&spec, &[]);
            for a in &all {
                let same = DatasetSpec {
                    name: all[0].dataset.name.clone(),
                    stages: if spec.kind == SweepKind::Ablation {
                        all[0].dataset.stages
                    } else {
                        a.dataset.stages
                    },
                    policy: if spec.kind == SweepKind::Policies {
                        all[0].dataset.policy
                    } else {
                        a.dataset.policy
                    },
                    texts: if spec.kind.word() == "samples" {
                        all[0].dataset.texts
                    } else {
                        a.dataset.texts
                    },
                    ..a.dataset.clone()
                };
                assert_eq!(same, all[0].dataset);
            }
        }
    }
}
