//! The arms of the demo: which datasets, which models, how many training seeds.

use std::collections::BTreeSet;

use crate::dataset::{Arm, DatasetSpec, Stages};
use crate::domain::{Culture, CultureId, LabelPolicy, QuestionId};
use crate::finetune::{FinetuneError, Recipe, preset};

/// How much of the demo is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Training seeds of every arm (science: five).
    pub seeds: u64,
    /// Optimiser steps of every model, the same for all arms.
    pub steps: Option<u64>,
    /// Questions that no model is trained on.
    pub held_out_questions: usize,
    /// Held-out paraphrases of a question, at most.
    pub paraphrases: usize,
    /// One-culture models.
    pub cultures: usize,
}

impl Size {
    /// The demo of the README.
    pub const FULL: Self =
        Self { seeds: 5, steps: None, held_out_questions: 8, paraphrases: 2, cultures: usize::MAX };
    /// Shows that it turns, proves nothing.
    pub const QUICK: Self =
        Self { seeds: 1, steps: Some(30), held_out_questions: 8, paraphrases: 1, cultures: 2 };
}

/// One dataset and the models trained on it.
#[derive(Debug, Clone)]
pub struct Arms {
    /// As printed.
    pub label: String,
    /// Name of the dataset, and start of the models' aliases.
    pub name: String,
    /// What it holds.
    pub spec: DatasetSpec,
    /// The culture, for one-culture models.
    pub culture: Option<CultureId>,
    /// Training seeds.
    pub seeds: u64,
}

/// All arms, in the order of the printed table.
pub(super) fn arms(cultures: &[Culture], held_out: &[QuestionId], size: Size) -> Vec<Arms> {
    let spec = |name: &str, arm: Arm, stages: Stages| DatasetSpec {
        name: name.to_owned(),
        policy: LabelPolicy::Distribution,
        arm,
        stages,
        texts: None,
        rated: None,
        language: None,
        cultures: Vec::new(),
        held_out_questions: held_out.to_vec(),
        allow: BTreeSet::new(),
    };
    let arm = |label: &str, name: &str, arm: Arm, stages: Stages| Arms {
        label: label.to_owned(),
        name: name.to_owned(),
        spec: spec(name, arm, stages),
        culture: None,
        seeds: size.seeds,
    };
    let mut out = vec![
        arm("tiny, uniform targets", "uniform", Arm::Uniform, Stages::Both),
        arm(
            "tiny, culture-blind (mixture targets)",
            "blind",
            Arm::Blind { named: true },
            Stages::Both,
        ),
        arm("tiny, seeds only", "seeds-only", Arm::One, Stages::SeedsOnly),
        arm("tiny, seeds + stage 1", "stage-1", Arm::One, Stages::Templates),
        arm("tiny, seeds + both stages", "both-stages", Arm::One, Stages::Both),
    ];
    for c in cultures.iter().take(size.cultures) {
        let name = format!("only-{}", c.id);
        let own = Arm::Culture { culture: c.id.clone() };
        out.push(Arms {
            label: "tiny, one model a culture".into(),
            spec: spec(&name, own, Stages::Both),
            name,
            culture: Some(c.id.clone()),
            seeds: 1,
        });
    }
    out
}

/// The recipe of an arm: the preset `tiny`, the same number of steps for all. A one-culture dataset
/// has a tenth of the rows, so a tenth of the batch holds the same texts.
pub(super) fn recipe(
    arm: &Arms,
    cultures: usize,
    seed: u64,
    size: Size,
) -> Result<Recipe, FinetuneError> {
    let text = preset("tiny").unwrap_or_default();
    let mut recipe = Recipe::parse(text, "preset tiny")?;
    recipe.seed = seed;
    if let Some(steps) = size.steps {
        recipe.steps = Some(steps);
        recipe.checkpoint_every = steps;
    }
    if arm.culture.is_some() {
        recipe.batch = recipe.batch.div_ceil(cultures.max(1));
    }
    Ok(recipe)
}
