//! What is known of a GPU, and the two ways to ask: NVML, and a file that pretends.

use serde::{Deserialize, Serialize};

/// A process on a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuProcess {
    /// Its id, as this machine's processes see it.
    pub pid: u32,
    /// Memory it holds on the GPU, bytes; none where that may not be read.
    #[serde(default)]
    pub memory: Option<u64>,
}

/// A GPU, or a MIG instance of one. What may not be read is `None`: shown as "n/a", never as 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its number in the order of PCI bus ids; of a MIG instance its GPU's.
    pub index: u32,
    /// `GPU-..`, `MIG-..`
    pub uuid: String,
    /// As the driver calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// All of its memory, bytes.
    #[serde(default)]
    pub memory_total: Option<u64>,
    /// Memory in use, bytes.
    #[serde(default)]
    pub memory_used: Option<u64>,
    /// Share of time in which it computed, percent.
    #[serde(default)]
    pub utilization: Option<u32>,
    /// Computing processes on it, everybody's.
    #[serde(default)]
    pub processes: Option<Vec<GpuProcess>>,
    /// Of a MIG instance: the UUID of its GPU.
    #[serde(default)]
    pub parent: Option<String>,
    /// The GPU is cut into MIG instances: these are leased, not the whole.
    #[serde(default)]
    pub mig: bool,
}

impl Device {
    /// A name for people: `GPU 1 (NVIDIA H200)`.
    pub fn call(&self) -> String {
        let what = if self.parent.is_some() { "MIG instance of GPU" } else { "GPU" };
        match &self.name {
            Some(name) => format!("{what} {} ({name})", self.index),
            None => format!("{what} {}", self.index),
        }
    }
}

/// A reading for people: MiB, or "n/a".
pub fn mib(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "n/a".to_owned(), |b| format!("{} MiB", b >> 20))
}

/// Someone who knows the GPUs of this machine.
pub trait Gpus: Send + Sync {
    /// The GPUs as they are now, by index; MIG instances after their GPU. None where there is no
    /// driver.
    ///
    /// # Errors
    /// There is a driver, and it does not answer: why, in words.
    fn devices(&self) -> Result<Vec<Device>, String>;

    /// Who was asked and what it said of itself, for `doctor`.
    fn about(&self) -> String;
}
