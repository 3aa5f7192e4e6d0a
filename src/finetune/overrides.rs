//! What is changed of a recipe for one run: on the command line, in a form.

use serde::{Deserialize, Serialize};

use super::{Backend, DeviceChoice, FinetuneError, Length, ModelChoice, Recipe};
use crate::embedded::decoder::LoraSettings;

/// Changes to a recipe; what is `None` stays as the recipe has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Overrides {
    /// Optimiser steps.
    pub steps: Option<u64>,
    /// Passes over the dataset.
    pub epochs: Option<u64>,
    /// Top learning rate.
    pub lr: Option<f64>,
    /// Examples a step.
    pub batch: Option<usize>,
    /// Rank of the adapter; the recipe has to train one.
    pub rank: Option<usize>,
    /// Random seed.
    pub seed: Option<u64>,
    /// CPU threads.
    pub threads: Option<usize>,
    /// Share of the texts that are held out to measure the loss on.
    pub eval_share: Option<f64>,
    /// The model to tune: `path:DIR`, `hub:ORG/NAME`.
    pub base: Option<String>,
    /// Where the backend `local` trains; what it leases follows.
    pub device: Option<DeviceChoice>,
}

impl Overrides {
    /// The recipe with these changes.
    ///
    /// # Errors
    /// A value that no recipe may have, or one that means nothing to this recipe.
    pub fn apply(&self, mut recipe: Recipe) -> Result<Recipe, FinetuneError> {
        if self.steps.is_some() && self.epochs.is_some() {
            return Err(FinetuneError::Plan("either steps or epochs, not both".into()));
        }
        if let Some(n) = self.steps {
            (recipe.steps, recipe.epochs) = (Some(n), None);
        }
        if let Some(n) = self.epochs {
            (recipe.steps, recipe.epochs) = (None, Some(n));
        }
        recipe.lr = self.lr.unwrap_or(recipe.lr);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        recipe.resources.threads = self.threads.unwrap_or(recipe.resources.threads);
        recipe.eval_share = self.eval_share.unwrap_or(recipe.eval_share);
        if let Some(r) = self.rank {
            let Some(lora) = &mut recipe.lora else {
                return Err(FinetuneError::Plan(format!(
                    "the recipe `{}` trains all weights: a rank is for recipes with an adapter \
                     (lora, paper)",
                    recipe.name
                )));
            };
            // The adapter's strength is alpha / r: it stays as the recipe has it.
            let strength = lora.alpha / lora.r as f64;
            *lora = LoraSettings { r, alpha: strength * r as f64, ..lora.clone() };
        }
        if let Some(device) = self.device {
            if recipe.backend != Backend::Local {
                return Err(FinetuneError::Plan(format!(
                    "backend = \"{}\" takes no device: its GPUs are `gpus` under [resources]",
                    recipe.backend.word()
                )));
            }
            recipe.device = device;
            recipe.resources.gpus = match device {
                DeviceChoice::Auto => recipe.resources.gpus,
                DeviceChoice::Cpu => 0,
                DeviceChoice::Cuda => 1,
            };
        }
        if let Some(base) = &self.base {
            recipe.model = ModelChoice::Named(base.parse()?);
        }
        recipe.check().map_err(|(key, reason)| FinetuneError::Plan(format!("{key}: {reason}")))?;
        Ok(recipe)
    }

    /// What stands in a recipe, as changes that change nothing.
    pub fn of(recipe: &Recipe) -> Self {
        let (steps, epochs) = match recipe.length() {
            Length::Steps(n) => (Some(n), None),
            Length::Epochs(n) => (None, Some(n)),
        };
        Self {
            steps,
            epochs,
            lr: Some(recipe.lr),
            batch: Some(recipe.batch),
            rank: recipe.lora.as_ref().map(|l| l.r),
            seed: Some(recipe.seed),
            threads: Some(recipe.resources.threads),
            eval_share: Some(recipe.eval_share),
            base: None,
            device: None,
        }
    }

    /// As flags of `polyculture finetune`: those that differ from the recipe's own values.
    pub fn flags(&self, recipe: &Recipe) -> Vec<String> {
        let own = Self::of(recipe);
        let mut out = Vec::new();
        let mut flag = |name: &str, value: Option<String>, own: Option<String>| {
            if let Some(v) = value.filter(|v| Some(v) != own.as_ref()) {
                out.push(format!("--{name}"));
                out.push(v);
            }
        };
        let word = |x: Option<u64>| x.map(|x| x.to_string());
        let size = |x: Option<usize>| x.map(|x| x.to_string());
        flag("base", self.base.clone(), None);
        flag("steps", word(self.steps), word(own.steps));
        flag("epochs", word(self.epochs), word(own.epochs));
        flag("lr", self.lr.map(|x| x.to_string()), own.lr.map(|x| x.to_string()));
        flag("batch", size(self.batch), size(own.batch));
        flag("rank", size(self.rank), size(own.rank));
        flag("seed", word(self.seed), word(own.seed));
        flag("threads", size(self.threads), size(own.threads));
        let share = |x: Option<f64>| x.map(|x| x.to_string());
        flag("device", self.device.map(|d| d.to_string()), Some(recipe.device.to_string()));
        flag("eval-share", share(self.eval_share), share(own.eval_share));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::device::BUILT_IN;
    use crate::finetune::preset;

    fn recipe(name: &str) -> Recipe {
        Recipe::parse(preset(name).unwrap(), name).unwrap()
    }

    #[test]
    fn a_device_brings_the_lease_that_it_needs() {
        let on = |device, name: &str| {
            let mut r = recipe(name);
            r.resources.gpus = 1;
            Overrides { device: Some(device), ..Overrides::default() }.apply(r)
        };
        let cpu = on(DeviceChoice::Cpu, "lora").unwrap();
        assert_eq!((cpu.device, cpu.resources.gpus), (DeviceChoice::Cpu, 0));
        let e = on(DeviceChoice::Cpu, "lora-torch").unwrap_err().to_string();
        assert!(e.contains("takes no device"), "{e}");
        let cuda = Overrides { device: Some(DeviceChoice::Cuda), ..Overrides::default() };
        match cuda.apply(recipe("lora")) {
            Ok(r) if BUILT_IN => assert_eq!(r.resources.gpus, 1),
            Err(e) if !BUILT_IN => assert!(e.to_string().contains("--features cuda"), "{e}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(cuda.flags(&recipe("lora")), ["--device", "cuda"]);
    }

    #[test]
    fn what_no_recipe_may_have_is_refused_by_name() {
        let bad = [
            (Overrides { batch: Some(0), ..Overrides::default() }, "batch"),
            (Overrides { lr: Some(f64::NAN), ..Overrides::default() }, "lr"),
            (Overrides { steps: Some(0), ..Overrides::default() }, "steps"),
            (Overrides { eval_share: Some(0.6), ..Overrides::default() }, "eval_share"),
            (Overrides { threads: Some(0), ..Overrides::default() }, "threads"),
            (Overrides { rank: Some(8), ..Overrides::default() }, "rank"),
            (Overrides { base: Some("no such".into()), ..Overrides::default() }, ""),
            (Overrides { steps: Some(1), epochs: Some(1), ..Overrides::default() }, "not both"),
        ];
        for (o, word) in bad {
            let e = o.apply(recipe("tiny")).unwrap_err().to_string();
            assert!(e.contains(word), "{o:?}: {e}");
        }
        let o = Overrides { rank: Some(5_000), ..Overrides::default() };
        assert!(o.apply(recipe("lora")).unwrap_err().to_string().contains("4096"));
    }

    #[test]
    fn a_rank_keeps_the_strength_of_the_adapter() {
        let o = Overrides { rank: Some(8), epochs: Some(3), ..Overrides::default() };
        let r = o.apply(recipe("lora")).unwrap();
        let lora = r.lora.unwrap();
        assert_eq!((lora.r, lora.alpha), (8, 16.0));
        assert_eq!((r.steps, r.epochs), (None, Some(3)));
    }

    #[test]
    fn only_what_differs_from_the_recipe_becomes_a_flag() {
        let r = recipe("tiny");
        let mut o = Overrides::of(&r);
        assert!(o.flags(&r).is_empty());
        assert_eq!(o.apply(r.clone()).unwrap(), r);
        o.lr = Some(0.001);
        o.seed = Some(7);
        assert_eq!(o.flags(&r), ["--lr", "0.001", "--seed", "7"]);
    }
}
