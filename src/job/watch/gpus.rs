//! The GPUs of a run as its folder tells them: `gpus.json` (the lease) and the newest line of
//! `gpus.jsonl` (readings), both written by the engine.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::job::{LogEdge, read_log};

/// One GPU. What could not be read is `None`: "n/a", never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuSeen {
    /// Its number in the order of PCI bus ids.
    #[serde(default)]
    pub index: Option<u32>,
    /// `GPU-..` or `MIG-..`.
    #[serde(default)]
    pub uuid: String,
    /// As the driver calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// Bytes in use.
    #[serde(default)]
    pub memory_used: Option<u64>,
    /// Bytes in all.
    #[serde(default)]
    pub memory_total: Option<u64>,
    /// Share of time in which it computed, percent.
    #[serde(default)]
    pub utilization: Option<u32>,
    /// It was not there.
    #[serde(default)]
    pub gone: bool,
}

#[derive(Deserialize)]
struct Listed {
    gpus: Vec<GpuSeen>,
}

/// The leased GPUs with their newest reading; none where the folder knows of none.
pub fn read_gpus(attempt: &Path) -> Vec<GpuSeen> {
    let lease: Vec<GpuSeen> = std::fs::read(attempt.join("gpus.json"))
        .ok()
        .and_then(|b| serde_json::from_slice::<Listed>(&b).ok())
        .map_or_else(Vec::new, |s| s.gpus);
    // The last line may be torn: the one before it will do.
    let readings = read_log(&attempt.join("gpus.jsonl"), LogEdge::End, 2).unwrap_or_default();
    let newest = readings
        .rows
        .iter()
        .rev()
        .find_map(|r| serde_json::from_str::<Listed>(&r.text).ok())
        .map_or_else(Vec::new, |s| s.gpus);
    if newest.is_empty() {
        return lease;
    }
    newest
        .into_iter()
        .map(|mut g| {
            g.name = lease.iter().find(|l| l.uuid == g.uuid).and_then(|l| l.name.clone());
            g
        })
        .collect()
}
