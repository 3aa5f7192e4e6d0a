//! GPUs by NVML, which is loaded when it is there: a machine without the driver has no GPUs, and
//! that is no error.

use std::sync::{Mutex, PoisonError};

use nvml_wrapper::Nvml;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;

use super::{Device, GpuProcess, Gpus};

/// The library, once it could be loaded.
#[derive(Default)]
pub(super) struct Real(Mutex<Option<Nvml>>);

impl std::fmt::Debug for Real {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Real")
    }
}

impl Real {
    /// `None` where there is no driver.
    fn with<T>(
        &self,
        ask: impl FnOnce(&Nvml) -> Result<T, NvmlError>,
    ) -> Result<Option<T>, String> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            *held = match Nvml::init() {
                Ok(nvml) => Some(nvml),
                // No library; a library without its driver or without any GPU.
                Err(
                    NvmlError::LibloadingError(_)
                    | NvmlError::DriverNotLoaded
                    | NvmlError::LibraryNotFound,
                ) => return Ok(None),
                Err(e) => return Err(words(&e)),
            };
        }
        let Some(nvml) = held.as_ref() else { return Ok(None) };
        match ask(nvml) {
            Ok(t) => Ok(Some(t)),
            Err(e) => {
                // An upgraded driver wants the library loaded anew.
                *held = None;
                Err(words(&e))
            }
        }
    }
}

fn words(e: &NvmlError) -> String {
    match e {
        NvmlError::LibRmVersionMismatch => {
            "the NVIDIA driver was upgraded and not loaded again: reboot, or reload its modules"
                .into()
        }
        e => format!("NVML: {e}"),
    }
}

impl Gpus for Real {
    fn devices(&self) -> Result<Vec<Device>, String> {
        Ok(self.with(all)?.unwrap_or_default())
    }

    fn about(&self) -> String {
        match self.with(Nvml::sys_driver_version) {
            Ok(Some(version)) => format!("NVIDIA driver {version}"),
            Ok(None) => "no NVIDIA driver (libnvidia-ml.so.1 is not there)".into(),
            Err(e) => e,
        }
    }
}

fn all(nvml: &Nvml) -> Result<Vec<Device>, NvmlError> {
    let mut found = Vec::new();
    for index in 0..nvml.device_count()? {
        // One that fell off its bus, or that we may not see, is not there.
        let Ok(gpu) = nvml.device_by_index(index) else { continue };
        let Ok(uuid) = gpu.uuid() else { continue };
        let mig = gpu.mig_mode().is_ok_and(|m| m.current != 0);
        found.push(read(&gpu, index, uuid.clone(), None, mig));
        if !mig {
            continue;
        }
        for i in 0..gpu.mig_device_count().unwrap_or(0) {
            // The numbers have gaps where instances were removed.
            let Ok(instance) = gpu.mig_device_by_index(i) else { continue };
            if let Ok(own) = instance.uuid() {
                found.push(read(&instance, index, own, Some(uuid.clone()), false));
            }
        }
    }
    Ok(found)
}

fn read(
    gpu: &nvml_wrapper::Device<'_>,
    index: u32,
    uuid: String,
    parent: Option<String>,
    mig: bool,
) -> Device {
    let memory = gpu.memory_info().ok();
    let processes = gpu.running_compute_processes().ok().map(|list| {
        list.into_iter()
            .map(|p| GpuProcess {
                pid: p.pid,
                memory: match p.used_gpu_memory {
                    UsedGpuMemory::Used(bytes) => Some(bytes),
                    UsedGpuMemory::Unavailable => None,
                },
            })
            .collect()
    });
    Device {
        index,
        uuid,
        name: gpu.name().ok(),
        memory_total: memory.as_ref().map(|m| m.total),
        memory_used: memory.as_ref().map(|m| m.used),
        // NVML does not tell it of MIG instances, nor of a GPU that is cut into them.
        utilization: gpu.utilization_rates().ok().map(|u| u.gpu),
        processes,
        parent,
        mig,
    }
}
