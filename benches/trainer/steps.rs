//! `step FILE`: times steps as a JSON file says, and prints one JSON object.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use polyculture::embedded::Decoder;
use polyculture::embedded::decoder::{Adapter, LoraSettings};
use polyculture::embedded::training::{AdamWSettings, StepSettings, TailTargets, Trainer};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Settings {
    /// Model folder.
    base: PathBuf,
    /// Batches, one a line.
    batches: PathBuf,
    lora: LoraSettings,
    threads: usize,
    piece: usize,
    recompute: bool,
    /// Steps before the timed ones.
    warm_up: usize,
}

/// Most memory that this process held, in MiB, where the system says it.
fn peak_mib() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}

/// See above.
pub(crate) fn run(file: &Path) -> Result<(), Box<dyn Error>> {
    let s: Settings = serde_json::from_str(&fs::read_to_string(file)?)?;
    let batches = super::batches(&s.batches)?;
    let model = Decoder::load(&s.base)?;
    let adapter = Adapter::new(model.config(), s.lora, 1)?;
    let settings = StepSettings {
        tails: TailTargets::All,
        threads: s.threads,
        piece: s.piece,
        recompute: s.recompute,
    };
    let mut trainer = Trainer::new(model, Some(adapter), AdamWSettings::default(), settings)?;
    let (mut seconds, mut losses, mut examples, mut rows) = (Vec::new(), Vec::new(), 0, 0);
    for (i, batch) in batches.iter().enumerate() {
        let began = Instant::now();
        let report = trainer.step(batch, 2e-4, 1.0, i as u64)?;
        if i >= s.warm_up {
            seconds.push(began.elapsed().as_secs_f64());
            examples += batch.len();
            rows += report.rows;
        }
        losses.push(report.loss);
    }
    println!(
        "{}",
        json!({"seconds": seconds, "losses": losses, "examples": examples, "rows": rows,
               "peak_mib": peak_mib()})
    );
    Ok(())
}
