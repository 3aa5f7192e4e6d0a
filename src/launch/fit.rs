//! Will it fit: memory, GPU, disk and time of a fine-tune against this machine, before it is handed
//! over.

use std::path::Path;

use super::{LaunchError, Place, Prepared};
use crate::domain::{Example, Survey};
use crate::embedded::device;
use crate::engine::gpu::{self, Ceiling};
use crate::finetune::backend::{Request, backend};
use crate::finetune::{
    DiskNeed, Estimate, MemoryNeed, ModelChoice, Recipe, StepTokens, TimeNeed, TrainingSet,
    check_device, check_gpu, machine_memory,
};

/// What to say to a refusal.
const ANYWAY: &str = "--even-if-it-does-not-fit starts it all the same";

/// Refuses a run that cannot fit. What is not known refuses nothing.
///
/// # Errors
/// What does not fit, with the figures and the ways out.
pub fn check_fit(place: &Place, prepared: &Prepared) -> Result<(), LaunchError> {
    let recipe = prepared.text("recipe.toml").and_then(|t| Recipe::parse(&t, "recipe.toml").ok());
    // A node of a cluster has what this host may lack.
    if let Some(recipe) = recipe.as_ref().filter(|_| prepared.run.slurm.is_none()) {
        check_device(recipe, device::presence)?;
    }
    let (Some(estimate), Some(mut recipe)) = (prepared.input::<Estimate>("estimate.json"), recipe)
    else {
        return Ok(());
    };
    if prepared.anyway {
        return Ok(());
    }
    // `--time-limit` goes before the recipe's.
    if let Some(seconds) = prepared.run.terms.time_limit_s {
        recipe.resources.time_limit = Some(format!("{seconds}s"));
    }
    fits(place, prepared, &estimate, &recipe)
        .map_err(|e| LaunchError::Unusable(format!("{e}; {ANYWAY}")))
}

fn fits(
    place: &Place,
    prepared: &Prepared,
    estimate: &Estimate,
    recipe: &Recipe,
) -> Result<(), LaunchError> {
    // Another machine's memory is its scheduler's business.
    if prepared.run.slurm.is_none() {
        let need = MemoryNeed::new(estimate, recipe);
        if need.machine > 0 {
            estimate.check(machine_memory(), recipe)?;
        }
        if let Some(gpu) = need.gpu {
            check_gpu(gpu, smallest_gpu(prepared, recipe.resources.gpus), recipe.backend)?;
        }
    }
    let runs = place.folder().runs();
    let need = DiskNeed::new(estimate, recipe);
    need.check(free_disk(&runs), &runs.display().to_string(), recipe)?;
    let speed = if prepared.run.slurm.is_none() { last_speed(place, recipe) } else { None };
    if let Some(time) = TimeNeed::new(estimate, recipe, speed) {
        time.check(estimate.steps, recipe)?;
    }
    Ok(())
}

/// What a fine-tune will take, as far as it is known before it starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needs {
    /// Memory, bytes.
    pub memory: u64,
    /// Disk at its worst moment, bytes.
    pub disk: u64,
    /// How long.
    pub time: Option<TimeNeed>,
}

/// What training a recipe on these rows will take; `None` where it is done by a service.
///
/// # Errors
/// A base that is not there, rows that the recipe cannot learn from.
pub fn needs(
    place: &Place,
    recipe: &Recipe,
    rows: &[Example],
    survey: &Survey,
) -> Result<Option<Needs>, LaunchError> {
    let base = super::base::frozen_base(place, recipe)?;
    let asked = Request { recipe, base: base.as_ref(), rows, survey, python: None };
    let Some(mut estimate) = backend(recipe.backend).estimate(&asked)? else { return Ok(None) };
    let speed = last_speed(place, recipe);
    if let (None, None, ModelChoice::Tiny(tiny)) = (speed, estimate.seconds, &recipe.model) {
        // Its tokenizer is made in the run: tokens are guessed.
        let set = TrainingSet::new(rows, survey, &recipe.prompts, recipe.target)?;
        let (config, tokens) = (tiny.config(tiny.vocab_size)?, StepTokens::guess(&set, recipe));
        estimate = Estimate::on_this_machine(&config, recipe, set.len(), tokens)?;
    }
    Ok(Some(Needs {
        memory: estimate.memory(),
        disk: DiskNeed::new(&estimate, recipe).bytes(),
        time: TimeNeed::new(&estimate, recipe, speed),
    }))
}

/// Memory of the smallest GPU that a run would get if it got the largest ones.
fn smallest_gpu(prepared: &Prepared, count: u32) -> Option<u64> {
    let devices = gpu::open().devices().ok()?;
    let ceiling = Ceiling::of(&prepared.run.env).ok()?;
    let mut memory: Vec<u64> = ceiling
        .pass(&devices)
        .ok()?
        .into_iter()
        .filter(|d| !d.mig && (d.parent.is_none() || count == 1))
        .filter_map(|d| d.memory_total)
        .collect();
    memory.sort_unstable_by(|a, b| b.cmp(a));
    memory.get(count as usize - 1).copied()
}

/// Free bytes of the file system of a folder, or of the nearest one above it that exists.
fn free_disk(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|d| d.exists())?;
    let s = nix::sys::statvfs::statvfs(there).ok()?;
    #[allow(clippy::unnecessary_cast, reason = "the types differ between libc's targets")]
    let free = s.blocks_available() as u64 * s.fragment_size() as u64;
    Some(free)
}

/// Examples a second of the newest model whose recipe has the same shape: what is learned in how
/// large pieces by what, whatever the length, seed and learning rate.
fn last_speed(place: &Place, recipe: &Recipe) -> Option<f64> {
    let store = place.read().ok()?;
    let models = store.read().models().ok()?;
    models.iter().rev().find_map(|m| {
        let text = m.recipe["toml"].as_str()?;
        let other = Recipe::parse(text, "recipe.toml").ok()?;
        if shape(&other) != shape(recipe) {
            return None;
        }
        m.card["trained"]["examples_per_s"].as_f64()
    })
}

fn shape(r: &Recipe) -> String {
    let mut same = r.clone();
    same.name = String::new();
    same.seed = 0;
    same.lr = 0.0;
    same.log_every = 1;
    same.checkpoint_every = 0;
    same.resources.time_limit = None;
    (same.steps, same.epochs) = (None, None);
    serde_json::to_string(&same).unwrap_or_default()
}
