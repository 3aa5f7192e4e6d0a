//! `agree DIR OUT`: steps on the base, adapter and batches of a folder that `agree.py` wrote;
//! gradients of the first step, losses, and weights after the last one go to OUT.

use std::error::Error;
use std::fs;
use std::path::Path;

use polyculture::embedded::Decoder;
use polyculture::embedded::adapter;
use polyculture::embedded::decoder::save_tensors;
use polyculture::embedded::training::{AdamWSettings, StepSettings, TailTargets, Trainer};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Settings {
    lr: f64,
    weight_decay: f64,
    max_grad_norm: f64,
    threads: usize,
    piece: usize,
    recompute: bool,
    /// Train the adapter of the folder, or all weights.
    adapter: bool,
}

/// See above.
pub(crate) fn run(dir: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let s: Settings = serde_json::from_str(&fs::read_to_string(dir.join("settings.json"))?)?;
    let batches = super::batches(&dir.join("batches.jsonl"))?;
    let base = dir.join("base");
    let model = Decoder::load(&base)?;
    let delta =
        if s.adapter { Some(adapter::load(&dir.join("adapter"), model.config())?) } else { None };
    let optimizer = AdamWSettings { weight_decay: s.weight_decay, ..AdamWSettings::default() };
    let settings = StepSettings {
        tails: TailTargets::All,
        threads: s.threads,
        piece: s.piece,
        recompute: s.recompute,
    };
    let mut trainer = Trainer::new(model, delta, optimizer, settings)?;
    let mut losses = Vec::new();
    for (i, batch) in batches.iter().enumerate() {
        let r = trainer.step(batch, s.lr, s.max_grad_norm, i as u64)?;
        losses.push((r.loss, r.grad_norm));
        if i == 0 {
            let regions = trainer.trained();
            save_tensors(&out.join("gradients.safetensors"), regions, trainer.gradients())?;
        }
    }
    fs::write(out.join("losses.json"), json!(losses).to_string())?;
    match trainer.adapter() {
        None => {
            fs::create_dir_all(out.join("model"))?;
            trainer.model().save(&out.join("model"))?;
        }
        Some(a) => {
            let folder = out.join("adapter");
            fs::create_dir_all(&folder)?;
            adapter::save(&folder, a, Some(&base.display().to_string()))?;
            adapter::merge_folder(&base, &folder, &out.join("merged"))?;
        }
    }
    Ok(())
}
