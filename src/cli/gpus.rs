//! `polyculture engine gpus`: which GPUs there are, what loads them, and who leased which.

use serde_json::{Value, json};

use super::output::table;
use super::{Context, Failure};
use crate::engine::{Client, gpu};

/// Asks the driver, and the engine where one runs.
///
/// # Errors
/// The driver does not answer, or standard output is closed.
pub fn run(ctx: &Context) -> Result<(), Failure> {
    let gpus = gpu::open();
    let devices = gpus.devices().map_err(|e| {
        Failure::failed(format!("the GPUs cannot be asked: {e}"))
            .hint("`nvidia-smi` says more; `polyculture doctor` checks the rest")
    })?;
    let leases = match Client::connect() {
        Ok(Some(mut c)) => c.status()?.leases,
        _ => std::collections::BTreeMap::new(),
    };
    let holder = |d: &gpu::Device| leases.get(&d.uuid).cloned();
    let items: Vec<Value> = devices
        .iter()
        .map(|d| json!({"gpu": d, "leased_to": holder(d), "load": load(d, &leases)}))
        .collect();
    ctx.out.list(&items, None, || {
        if devices.is_empty() {
            return format!("No GPUs: {}.", gpus.about());
        }
        let rows: Vec<Vec<String>> = devices
            .iter()
            .map(|d| {
                let state = holder(d)
                    .map(|run| format!("leased to {run}"))
                    .or_else(|| d.mig.then(|| "cut into MIG instances".to_owned()))
                    .or_else(|| load(d, &leases))
                    .unwrap_or_else(|| "free".into());
                vec![
                    d.index.to_string(),
                    d.uuid.clone(),
                    d.name.clone().unwrap_or_else(|| "n/a".into()),
                    gpu::mib(d.memory_used),
                    gpu::mib(d.memory_total),
                    d.utilization.map_or_else(|| "n/a".into(), |u| format!("{u} %")),
                    state,
                ]
            })
            .collect();
        table(&["gpu", "uuid", "name", "used", "memory", "busy", "state"], &rows)
    })
}

/// What others do with a GPU that is not leased.
fn load(d: &gpu::Device, leases: &std::collections::BTreeMap<String, String>) -> Option<String> {
    if leases.contains_key(&d.uuid) || d.mig { None } else { gpu::load(d) }
}
