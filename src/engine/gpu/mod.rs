//! GPUs: which there are, who holds which, and what a run sees of them. `docs/gpus.md`.

mod ceiling;
mod choose;
mod device;
mod keep;
mod pretend;
mod real;
mod release;
mod tend;
#[cfg(test)]
mod tests;

pub use ceiling::{Ceiling, ORDER, PCI_ORDER, VISIBLE};
pub use choose::{Choice, FREE_MEMORY, FREE_USE, Taken, choose, load, most};
pub use device::{Device, GpuProcess, Gpus, mib};
pub(super) use keep::{Keeper, Round, equip, start};
pub use pretend::PRETEND_VARIABLE;
pub(super) use release::give_back;
pub(super) use tend::tend;

/// The GPUs of this machine: by NVML, or those that [`PRETEND_VARIABLE`] names.
pub fn open() -> Box<dyn Gpus> {
    match std::env::var_os(PRETEND_VARIABLE).filter(|f| !f.is_empty()) {
        Some(file) => Box::new(pretend::Pretend(file.into())),
        None => Box::new(real::Real::default()),
    }
}
