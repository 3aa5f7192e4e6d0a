//! What an attempt's folder says of its GPUs: `gpus.json`, the lease, and `gpus.jsonl`, readings
//! while it lived. The engine writes both; panels read them.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{JobError, read_jsonl};

/// One leased GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasedGpu {
    /// Its number in the order of PCI bus ids.
    pub index: u32,
    /// `GPU-..` or `MIG-..`.
    pub uuid: String,
    /// As the driver calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// All of its memory, bytes.
    #[serde(default)]
    pub memory_total: Option<u64>,
}

/// `gpus.json`: what the attempt was given, in the order of its `CUDA_VISIBLE_DEVICES`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpusFile {
    /// The GPUs.
    pub gpus: Vec<LeasedGpu>,
}

impl GpusFile {
    /// The file's name in the attempt folder.
    pub const NAME: &'static str = "gpus.json";

    /// Reads it; `None` when it is not there or cannot be read: a panel shows no GPU then.
    pub fn read(attempt_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(attempt_dir.join(Self::NAME)).ok()?).ok()
    }
}

/// One GPU at one moment. What could not be read is `None`: "n/a", never 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuNow {
    /// Its number in the order of PCI bus ids.
    pub index: u32,
    /// `GPU-..` or `MIG-..`.
    pub uuid: String,
    /// Memory in use, bytes, everybody's.
    pub memory_used: Option<u64>,
    /// All of its memory, bytes.
    pub memory_total: Option<u64>,
    /// Share of time in which it computed, percent.
    pub utilization: Option<u32>,
    /// It was not there: it fell off its bus, or its driver was unloaded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// One line of `gpus.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuReading {
    /// When.
    pub at: Timestamp,
    /// The leased GPUs, in the order of the lease.
    pub gpus: Vec<GpuNow>,
}

impl GpuReading {
    /// The file's name in the attempt folder.
    pub const NAME: &'static str = "gpus.jsonl";

    /// All readings of an attempt, oldest first.
    ///
    /// # Errors
    /// The file cannot be read. One that is not there holds none.
    pub fn read(attempt_dir: &Path) -> Result<Vec<Self>, JobError> {
        let path = attempt_dir.join(Self::NAME);
        if path.exists() { read_jsonl(&path) } else { Ok(Vec::new()) }
    }
}
