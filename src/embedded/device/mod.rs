//! A device beside the processor that works out the products with a model's own weights. It is asked
//! for little: memory, copies, and BLAS's product. Where the weights lie and what travels is
//! `Held`'s business, and the same for a real device and for the one that tests pretend.

mod blas;
mod check;
#[cfg(feature = "cuda")]
mod cuda;
mod fault;
mod held;
mod open;
#[cfg(test)]
pub(crate) mod pretend;
#[cfg(test)]
mod tests;
mod trial;

use std::fmt;

pub use blas::Sgemm;
pub use check::{SelfCheck, TOLERANCE};
pub use fault::Fault;
pub(crate) use held::Held;
pub use held::{STAGE, device_bytes};
pub use open::{BUILT_IN, open, presence};
pub use trial::{Trial, TrialProduct, trial};

/// Which device it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// As its driver calls it.
    pub name: String,
    /// `GPU-..`, as the driver has it; none where it has none.
    pub uuid: Option<String>,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.uuid {
            Some(uuid) => write!(f, "{} ({uuid})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A device's memory, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Nobody's.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// A piece of a device's memory. It is the holder's to free, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The device's own name for it.
    pub id: u64,
    /// Floats that it holds.
    pub floats: usize,
}

/// A device. Calls come one at a time, from any thread, and have done their work when they return.
pub trait Device: Send + fmt::Debug {
    /// Which one it is.
    fn about(&self) -> &About;

    /// Its memory now.
    ///
    /// # Errors
    /// It is lost.
    fn memory(&mut self) -> Result<Memory, Fault>;

    /// Memory for so many floats; what stands there is not said.
    ///
    /// # Errors
    /// There is no room, or it is lost.
    fn allocate(&mut self, floats: usize) -> Result<Block, Fault>;

    /// Gives memory back. A device that is lost has nothing to give back.
    fn free(&mut self, block: Block);

    /// Writes to the beginning of a block.
    ///
    /// # Errors
    /// It is lost.
    fn upload(&mut self, to: Block, values: &[f32]) -> Result<(), Fault>;

    /// Reads the beginning of a block.
    ///
    /// # Errors
    /// It is lost.
    fn download(&mut self, from: Block, to: &mut [f32]) -> Result<(), Fault>;

    /// `c = op(a) op(b)` as BLAS has it, columns first, from the beginning of each block.
    ///
    /// # Errors
    /// It is lost.
    fn sgemm(&mut self, call: &Sgemm, a: Block, b: Block, c: Block) -> Result<(), Fault>;
}
