//! Which device there is.

use super::{Device, Fault};

/// This program was built with the cargo feature `cuda`.
pub const BUILT_IN: bool = cfg!(feature = "cuda");

/// The first GPU that `CUDA_VISIBLE_DEVICES` leaves: in a run, the leased one.
///
/// # Errors
/// The program was built without CUDA, there is no driver or library, or no GPU.
pub fn open() -> Result<Box<dyn Device>, Fault> {
    #[cfg(feature = "cuda")]
    {
        Ok(Box::new(super::cuda::Cuda::open()?))
    }
    #[cfg(not(feature = "cuda"))]
    Err(Fault::Absent(WITHOUT.into()))
}

/// What is there, in words, without opening it.
///
/// # Errors
/// What is missing.
pub fn presence() -> Result<String, Fault> {
    #[cfg(feature = "cuda")]
    {
        super::cuda::presence()
    }
    #[cfg(not(feature = "cuda"))]
    Err(Fault::Absent(WITHOUT.into()))
}

#[cfg(not(feature = "cuda"))]
const WITHOUT: &str = "this program was built without it (`cargo install --path . --features cuda` \
                       builds it in; no CUDA is needed for that)";
