//! Checkpoints: a model folder, or an adapter's, with the optimiser's state, and a manifest that is
//! written last. A checkpoint counts only when every file is there with the size and hash of the
//! manifest.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DeviceUsed, FinetuneError};
use crate::embedded::decoder::{Adapter, DecoderConfig, Region, load_tensors, save_tensors};
use crate::embedded::training::OptimizerState;
use crate::embedded::{ChatTokenizer, Decoder, adapter};
use crate::job::write_atomically;

/// The file that makes a folder a checkpoint.
pub const MANIFEST: &str = "manifest.json";
const OPTIMIZER: &str = "optimizer.safetensors";
const TRAINER: &str = "trainer.json";

/// Size and hash of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// `manifest.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Steps done.
    pub step: u64,
    /// Every other file of the folder.
    pub files: BTreeMap<String, FileEntry>,
}

/// `trainer.json`: what continuing needs beside weights and optimiser, and where they came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub total: u64,
    /// Steps the optimiser has taken.
    pub optimizer_step: u64,
    /// Mean loss since the checkpoint before, nats.
    pub loss: Option<f64>,
    /// Mean loss on the texts that were held out, nats; none where none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_loss: Option<f64>,
    /// What worked out the products of the last steps, where the embedded trainer did them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceUsed>,
    /// SHA-256 of `recipe.toml` as this run read it.
    pub recipe_sha256: String,
    /// SHA-256 of `dataset.jsonl` as this run read it.
    pub dataset_sha256: String,
    /// What the model grew from; none where it was new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseState>,
}

impl TrainerState {
    /// Before the first step.
    pub fn begin(
        total: u64,
        recipe_sha256: String,
        dataset_sha256: String,
        base: Option<BaseState>,
    ) -> Self {
        Self {
            step: 0,
            total,
            optimizer_step: 0,
            loss: None,
            eval_loss: None,
            device: None,
            recipe_sha256,
            dataset_sha256,
            base,
        }
    }
}

/// The model that a run began from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseState {
    /// How it was asked for: `hub:ORG/NAME`, `path:DIR`.
    pub reference: String,
    /// Its folder on the machine of the run.
    pub folder: PathBuf,
    /// SHA-256 over its config, tokenizer and weights, see [`crate::providers::local::identity`].
    pub sha256: String,
}

impl BaseState {
    /// What PEFT looks for: a name on the hub, or a folder.
    pub fn for_peft(&self) -> String {
        self.reference
            .strip_prefix("hub:")
            .map_or_else(|| self.folder.display().to_string(), str::to_owned)
    }
}

/// What is saved: a whole model with its tokenizer, or an adapter.
#[derive(Debug, Clone, Copy)]
pub enum Saving<'a> {
    /// A folder that stands for itself.
    Whole(&'a Decoder, &'a ChatTokenizer),
    /// An adapter in PEFT's layout; tokenizer and weights are the base's.
    Adapter(&'a Adapter),
}

impl Saving<'_> {
    fn regions(&self) -> &[Region] {
        match self {
            Self::Whole(m, _) => &m.layout().regions,
            Self::Adapter(a) => a.regions(),
        }
    }
}

/// What was saved.
#[derive(Debug)]
pub enum Saved {
    /// A whole model with its tokenizer.
    Whole(Box<(Decoder, ChatTokenizer)>),
    /// An adapter.
    Adapter(Adapter),
}

/// A checkpoint read back.
#[derive(Debug)]
pub struct Restored {
    /// The model or adapter.
    pub saved: Saved,
    /// The optimiser's means.
    pub optimizer: OptimizerState,
    /// Where it stood.
    pub state: TrainerState,
}

/// Hash of bytes, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::with_capacity(64), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// Size and hash of a file, which may be larger than the memory that is left.
fn entry(path: &Path) -> std::io::Result<FileEntry> {
    let mut file = fs::File::open(path)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut piece = vec![0u8; 1 << 20];
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok(FileEntry { size, sha256: hex(&hash.finalize()) });
        }
        hash.update(&piece[..n]);
        size += n as u64;
    }
}

/// The optimiser's two means as tensors of one file.
fn optimizer_layout(regions: &[Region]) -> Vec<Region> {
    let n = length(regions);
    let named = |what: &str, shift: usize| {
        let what = what.to_owned();
        regions.iter().map(move |r| Region {
            name: format!("{what}.{}", r.name),
            shape: r.shape.clone(),
            start: r.start + shift,
        })
    };
    named("mean", 0).chain(named("square", n)).collect()
}

fn length(regions: &[Region]) -> usize {
    regions.iter().map(|r| r.range().end).max().unwrap_or(0)
}

/// Writes a checkpoint into `dir`, which is made; what stood there is replaced.
///
/// # Errors
/// The disk is full; the folder then has no manifest and does not count.
pub fn save(
    dir: &Path,
    what: Saving<'_>,
    optimizer: &OptimizerState,
    state: &TrainerState,
) -> Result<(), FinetuneError> {
    if dir.exists() {
        // The manifest goes first: half a removal must not look whole.
        let manifest = dir.join(MANIFEST);
        if manifest.exists() {
            fs::remove_file(&manifest).map_err(FinetuneError::io(&manifest))?;
        }
        fs::remove_dir_all(dir).map_err(FinetuneError::io(dir))?;
    }
    fs::create_dir_all(dir).map_err(FinetuneError::io(dir))?;
    match what {
        Saving::Whole(model, tokenizer) => {
            model.save(dir)?;
            tokenizer.save(dir)?;
        }
        Saving::Adapter(a) => {
            let base = state.base.as_ref().map(BaseState::for_peft);
            adapter::save(dir, a, base.as_deref())?;
        }
    }
    let mut flat = Vec::with_capacity(2 * optimizer.mean.len());
    flat.extend_from_slice(&optimizer.mean);
    flat.extend_from_slice(&optimizer.square);
    save_tensors(&dir.join(OPTIMIZER), &optimizer_layout(what.regions()), &flat)?;
    let path = dir.join(TRAINER);
    let text = serde_json::to_vec_pretty(state).map_err(|e| broken(dir, e))?;
    fs::write(&path, text).map_err(FinetuneError::io(&path))?;

    let mut files = BTreeMap::new();
    for file in fs::read_dir(dir).map_err(FinetuneError::io(dir))? {
        let path = file.map_err(FinetuneError::io(dir))?.path();
        let found = entry(&path).map_err(FinetuneError::io(&path))?;
        fs::File::open(&path).and_then(|f| f.sync_all()).map_err(FinetuneError::io(&path))?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        files.insert(name, found);
    }
    let manifest = Manifest { step: state.step, files };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| broken(dir, e))?;
    write_atomically(&dir.join(MANIFEST), &text).map_err(|e| broken(dir, e))
}

/// Reads the manifest and checks every file against it.
///
/// # Errors
/// Which file is missing or another.
pub fn verify(dir: &Path) -> Result<Manifest, FinetuneError> {
    let path = dir.join(MANIFEST);
    let text = fs::read(&path).map_err(|e| broken(dir, format!("no {MANIFEST}: {e}")))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|e| broken(dir, format!("{MANIFEST}: {e}")))?;
    for (name, wanted) in &manifest.files {
        // A manifest from elsewhere must not make us read outside its folder.
        if Path::new(name).components().count() != 1 || name.starts_with("..") {
            return Err(broken(
                dir,
                format!("{MANIFEST} names `{name}`, not a file of the folder"),
            ));
        }
        let found =
            entry(&dir.join(name)).map_err(|e| broken(dir, format!("{name} is missing: {e}")))?;
        if found != *wanted {
            return Err(broken(dir, format!("{name} is not the file of the manifest")));
        }
    }
    Ok(manifest)
}

/// `trainer.json` of a checkpoint.
///
/// # Errors
/// It is missing, or not what we write.
pub fn trainer_state(dir: &Path) -> Result<TrainerState, FinetuneError> {
    let path = dir.join(TRAINER);
    let text = fs::read(&path).map_err(FinetuneError::io(&path))?;
    serde_json::from_slice(&text).map_err(|e| broken(dir, format!("{TRAINER}: {e}")))
}

/// Reads a checkpoint that [`verify`] accepts: an adapter for `base` where one is named, a whole
/// model otherwise.
///
/// # Errors
/// It is not whole, or its parts do not fit each other.
pub fn restore(dir: &Path, base: Option<&DecoderConfig>) -> Result<Restored, FinetuneError> {
    verify(dir)?;
    let state = trainer_state(dir)?;
    let saved = match base {
        Some(config) => Saved::Adapter(adapter::load(dir, config)?),
        None => {
            let model = Decoder::load(dir)?;
            let tokenizer = ChatTokenizer::load(dir, model.config().vocab_size)?;
            Saved::Whole(Box::new((model, tokenizer)))
        }
    };
    let regions = match &saved {
        Saved::Whole(m) => &m.0.layout().regions[..],
        Saved::Adapter(a) => a.regions(),
    };
    let mut mean = load_tensors(&dir.join(OPTIMIZER), &optimizer_layout(regions))?;
    let square = mean.split_off(length(regions));
    let optimizer = OptimizerState { step: state.optimizer_step, mean, square };
    Ok(Restored { saved, optimizer, state })
}

/// Folders `step-N` and `final` of `checkpoints/`, whole or not, with the step of their name;
/// `final` comes as `u64::MAX`. Newest first.
pub fn list(checkpoints: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(checkpoints) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|e| {
            let name = e.file_name();
            let name = name.to_str()?;
            let step = if name == "final" {
                u64::MAX
            } else {
                name.strip_prefix("step-")?.parse().ok()?
            };
            Some((step, e.path()))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}

/// A checkpoint as a person is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownCheckpoint {
    /// Steps done.
    pub step: u64,
    /// Its folder.
    pub dir: PathBuf,
    /// Mean training loss since the checkpoint before, nats.
    pub loss: Option<f64>,
    /// Mean loss on the texts that were held out, nats.
    pub eval_loss: Option<f64>,
}

/// Checkpoints of a run's attempts whose manifest is there, oldest first; where attempts saved the
/// same step, the newest one. Files are not checked: that reads all of them.
pub fn known(run_dir: &Path, attempt: u32) -> Vec<KnownCheckpoint> {
    let mut by_step = BTreeMap::new();
    for n in 1..=attempt {
        for (_, dir) in list(&run_dir.join(format!("attempt-{n}")).join("checkpoints")) {
            if dir.join(MANIFEST).is_file()
                && let Ok(state) = trainer_state(&dir)
            {
                let TrainerState { step, loss, eval_loss, .. } = state;
                by_step.insert(step, KnownCheckpoint { step, dir, loss, eval_loss });
            }
        }
    }
    by_step.into_values().collect()
}

/// The best of them and its loss: lowest on held-out texts where that was measured, otherwise lowest
/// in training. The last value says whether it was measured.
pub fn best(known: &[KnownCheckpoint]) -> Option<(&KnownCheckpoint, f64, bool)> {
    let least = |loss: fn(&KnownCheckpoint) -> Option<f64>| {
        known
            .iter()
            .filter_map(|c| Some((c, loss(c).filter(|l| l.is_finite())?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    };
    least(|c| c.eval_loss)
        .map(|(c, l)| (c, l, true))
        .or_else(|| least(|c| c.loss).map(|(c, l)| (c, l, false)))
}

/// Removes all but the newest `keep` and the one of lowest loss; `final` is never touched.
///
/// # Errors
/// A folder cannot be removed.
pub fn retain(checkpoints: &Path, keep: usize) -> Result<(), FinetuneError> {
    let steps: Vec<PathBuf> =
        list(checkpoints).into_iter().filter(|c| c.0 != u64::MAX).map(|c| c.1).collect();
    let states: Vec<KnownCheckpoint> = steps
        .iter()
        .filter_map(|dir| {
            let TrainerState { step, loss, eval_loss, .. } = trainer_state(dir).ok()?;
            Some(KnownCheckpoint { step, dir: dir.clone(), loss, eval_loss })
        })
        .collect();
    let best = best(&states).map(|b| b.0.dir.clone());
    for dir in steps.iter().skip(keep.max(1)) {
        if best.as_ref() == Some(dir) {
            continue;
        }
        let manifest = dir.join(MANIFEST);
        if manifest.exists() {
            fs::remove_file(&manifest).map_err(FinetuneError::io(&manifest))?;
        }
        fs::remove_dir_all(dir).map_err(FinetuneError::io(dir))?;
    }
    Ok(())
}

fn broken(dir: &Path, reason: impl std::fmt::Display) -> FinetuneError {
    FinetuneError::Checkpoint { path: dir.to_owned(), reason: reason.to_string() }
}
