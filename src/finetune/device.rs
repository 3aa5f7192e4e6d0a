//! Where the embedded trainer works its products out: the recipe's choice, what a run that has a
//! lease finds, and what its result says of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Backend, FinetuneError, Recipe};
use crate::embedded::EmbeddedError;
use crate::embedded::device::{self, About, Device, Fault};
use crate::embedded::training::Trainer;
use crate::job::{Attempt, GpusFile, JobError};

/// What a program without CUDA says.
const BUILD: &str = "this program was built without CUDA: build it with `cargo install --path . \
                     --features cuda`, or take backend = \"torch\", or train on the CPU with device = \
                     \"cpu\" and gpus = 0";

/// `device` of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// The GPU, where the run leases one and it holds its check; the processor otherwise.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The leased GPU, or no training.
    Cuda,
}

impl DeviceChoice {
    /// As in a recipe.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(super) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }

    /// Checks it against what the run leases; `built_in`: this program can use GPUs itself.
    ///
    /// # Errors
    /// The key that is wrong, and what was expected there.
    pub(super) fn check(self, gpus: u32, built_in: bool) -> Result<(), (&'static str, String)> {
        let no = |key, reason: &str| Err((key, reason.to_owned()));
        match (self, gpus) {
            (Self::Cpu | Self::Auto, 0) => Ok(()),
            (Self::Cuda, _) if !built_in => no("device", BUILD),
            (Self::Cuda, 0) => {
                no("device", "cuda trains on a leased GPU: expected gpus = 1 under [resources]")
            }
            (Self::Cpu, _) => {
                no("gpus", "device = \"cpu\" would leave a leased GPU idle: expected 0")
            }
            (Self::Auto, _) if !built_in => no("gpus", BUILD),
            (_, 1) => Ok(()),
            _ => no(
                "gpus",
                "the embedded trainer uses one GPU: expected 0 or 1, or backend = \"torch\" for \
                 several",
            ),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for DeviceChoice {
    type Err = FinetuneError;

    fn from_str(s: &str) -> Result<Self, FinetuneError> {
        [Self::Auto, Self::Cpu, Self::Cuda]
            .into_iter()
            .find(|d| d.word() == s)
            .ok_or_else(|| FinetuneError::Plan(format!("device {s:?}: expected auto, cpu or cuda")))
    }
}

/// What worked out the products of a run; in its result and its checkpoints.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeviceUsed {
    /// `cpu` or `cuda`.
    pub kind: String,
    /// The GPU: its name and UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The check at the start: largest difference from the processor, relative to the largest
    /// value of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_difference: Option<f32>,
    /// Why the processor trained a run that had a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

impl DeviceUsed {
    /// The processor.
    pub fn cpu() -> Self {
        Self { kind: DeviceChoice::Cpu.word().into(), ..Self::default() }
    }

    /// The same one, whatever its check found.
    pub fn same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name
    }
}

impl fmt::Display for DeviceUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or(&self.kind))
    }
}

/// Who opens the device of a run.
pub(super) type Opener<'a> = &'a dyn Fn() -> Result<Box<dyn Device>, Fault>;

/// Moves a trainer to where the recipe wants it.
///
/// # Errors
/// `device = "cuda"`, and the GPU cannot be used: why, and the way out.
pub(super) fn settle(
    trainer: &mut Trainer,
    recipe: &Recipe,
    attempt: &Attempt,
    open: Opener<'_>,
) -> Result<DeviceUsed, JobError> {
    if recipe.device == DeviceChoice::Cpu || recipe.resources.gpus == 0 {
        return Ok(DeviceUsed::cpu());
    }
    let tried = open().map_err(EmbeddedError::from).and_then(|device| {
        leased(attempt, device.about())?;
        let name = device.about().to_string();
        Ok((name, trainer.on_device(device)?))
    });
    match tried {
        Ok((name, check)) => Ok(DeviceUsed {
            kind: DeviceChoice::Cuda.word().into(),
            name: Some(name),
            largest_difference: Some(check.largest),
            instead: None,
        }),
        Err(e) if recipe.device == DeviceChoice::Auto => {
            Ok(DeviceUsed { instead: Some(e.to_string()), ..DeviceUsed::cpu() })
        }
        Err(e) => Err(trouble(e)),
    }
}

/// The device is the one that was leased, as far as both say who they are. A part of a GPU (MIG) is
/// leased by a name of its own, which CUDA does not always tell.
fn leased(attempt: &Attempt, about: &About) -> Result<(), Fault> {
    let Some(lease) = GpusFile::read(attempt.dir()) else { return Ok(()) };
    let Some(found) = &about.uuid else { return Ok(()) };
    let whole = |uuid: &str| uuid.starts_with("GPU-");
    if lease.gpus.iter().any(|g| g.uuid.eq_ignore_ascii_case(found) || !whole(&g.uuid)) {
        return Ok(());
    }
    let names: Vec<&str> = lease.gpus.iter().map(|g| g.uuid.as_str()).collect();
    Err(Fault::Absent(format!(
        "this run leased {}, and CUDA shows it {about}: another run may be there",
        names.join(", ")
    )))
}

/// A trainer's error as the run's.
pub(super) fn trouble(e: EmbeddedError) -> JobError {
    match e {
        EmbeddedError::Device(Fault::NoRoom { .. }) => JobError::OutOfMemory(e.to_string()),
        EmbeddedError::Device(Fault::Lost { .. }) => JobError::Transient(e.to_string()),
        e => super::job::failed(e.into()),
    }
}

/// Refuses a recipe that wants this machine's GPU where the program cannot use it; `presence` is
/// what [`device::presence`] says.
///
/// # Errors
/// What is missing, and the ways out.
pub fn check_device(
    recipe: &Recipe,
    presence: impl FnOnce() -> Result<String, Fault>,
) -> Result<(), FinetuneError> {
    if recipe.backend == Backend::Local && recipe.device == DeviceChoice::Cuda {
        presence().map_err(|e| FinetuneError::Embedded(e.into()))?;
    }
    Ok(())
}

/// The device of this machine, for a run.
pub(super) fn open() -> Result<Box<dyn Device>, Fault> {
    device::open()
}
