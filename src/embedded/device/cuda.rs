//! NVIDIA's GPUs by their driver and cuBLAS, both loaded when they are asked for (`cudarc`): the
//! program builds and starts where neither is. One stream, so everything happens in order.
#![allow(
    unsafe_code,
    reason = "cudarc's product and its uninitialised memory are unsafe; sizes are checked before the \
              first, and every block is written before it is read"
)]

use std::collections::HashMap;
use std::sync::Arc;

use cudarc::cublas::{result as cublas, result::CublasError, sys as blas};
use cudarc::driver::{
    CudaContext, CudaSlice, CudaStream, DevicePtr, DevicePtrMut, DriverError, sys as driver,
};

use super::{About, Block, Device, Fault, Memory, Sgemm};

/// Memory that is left to cuBLAS, which takes some at its first product, bytes.
const SPARE: u64 = 96 << 20;

/// A GPU.
#[derive(Debug)]
pub(super) struct Cuda {
    about: About,
    blocks: HashMap<u64, CudaSlice<f32>>,
    next: u64,
    blas: Handle,
    stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
}

/// cuBLAS's. Not cudarc's own: that one panics when a GPU that was lost does not let it go.
#[derive(Debug)]
struct Handle(blas::cublasHandle_t);

// SAFETY: cuBLAS's handle may be used from any thread, by one at a time; `Cuda` is borrowed mutably
// for each use.
unsafe impl Send for Handle {}

impl Handle {
    /// For the context that is bound to this thread.
    fn new(stream: &CudaStream) -> Result<Self, CublasError> {
        let handle = Self(cublas::create_handle()?);
        // SAFETY: both were just made, and the stream outlives the handle in `Cuda`.
        unsafe { cublas::set_stream(handle.0, stream.cu_stream().cast()) }?;
        Ok(handle)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is destroyed once. A lost GPU's refusal changes nothing.
        let _ = unsafe { cublas::destroy_handle(self.0) };
    }
}

/// Both libraries load; otherwise cudarc would panic at the first call.
fn libraries() -> Result<(), Fault> {
    // SAFETY: loading the driver's libraries runs their own start-up code, and nothing else.
    let (driver, blas) = unsafe { (driver::is_culib_present(), || blas::is_culib_present()) };
    if !driver {
        return Err(Fault::Absent(
            "libcuda.so.1 does not load, so there is no NVIDIA driver here (or the container was \
             started without its GPUs)"
                .into(),
        ));
    }
    if !blas() {
        return Err(Fault::Absent(
            "the driver is here, and libcublas does not load: install CUDA's libraries (12 or 13), \
             or put their folder on LD_LIBRARY_PATH (Python's nvidia-cublas has them in \
             site-packages/nvidia/cublas/lib)"
                .into(),
        ));
    }
    Ok(())
}

fn absent(e: DriverError) -> Fault {
    Fault::Absent(format!("the driver says {e}"))
}

/// See [`super::presence`].
pub(super) fn presence() -> Result<String, Fault> {
    libraries()?;
    let count = CudaContext::device_count().map_err(absent)?;
    if count < 1 {
        return Err(none());
    }
    Ok(format!("driver and cuBLAS load, {count} to be seen"))
}

fn none() -> Fault {
    let visible = std::env::var("CUDA_VISIBLE_DEVICES");
    Fault::Absent(match visible {
        Ok(v) => format!("the driver shows no GPU under CUDA_VISIBLE_DEVICES={v:?}"),
        Err(_) => "the driver shows no GPU".into(),
    })
}

impl Cuda {
    pub(super) fn open() -> Result<Self, Fault> {
        libraries()?;
        if CudaContext::device_count().map_err(absent)? < 1 {
            return Err(none());
        }
        let context = CudaContext::new(0).map_err(absent)?;
        // SAFETY: one stream only: nothing has to wait for another one's events.
        unsafe { context.disable_event_tracking() };
        let stream = context.default_stream();
        let blas = Handle::new(&stream)
            .map_err(|e| Fault::Absent(format!("cuBLAS does not start: {e}")))?;
        let about = About {
            name: context.name().map_err(absent)?,
            uuid: context.uuid().ok().map(|u| uuid(u.bytes.map(|b| b.cast_unsigned()))),
        };
        Ok(Self { about, blocks: HashMap::new(), next: 0, blas, stream, context })
    }

    fn lost(&self, reason: impl std::fmt::Display) -> Fault {
        Fault::Lost { about: self.about.to_string(), reason: reason.to_string() }
    }

    fn no_room(&self, wanted: u64) -> Fault {
        let free = self.context.mem_get_info().ok().map(|m| m.0 as u64);
        Fault::NoRoom { about: self.about.to_string(), what: "its work".into(), wanted, free }
    }

    fn of_driver(&self, e: DriverError, wanted: usize) -> Fault {
        if e.0 == driver::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            self.no_room(wanted as u64)
        } else {
            self.lost(e)
        }
    }

    fn of_blas(&self, e: CublasError) -> Fault {
        if e.0 == blas::cublasStatus_t::CUBLAS_STATUS_ALLOC_FAILED {
            self.no_room(SPARE)
        } else {
            self.lost(e)
        }
    }

    fn block(&self, block: Block) -> Result<&CudaSlice<f32>, Fault> {
        self.blocks.get(&block.id).ok_or_else(|| self.lost("a block that was freed"))
    }
}

/// As `nvidia-smi` writes it.
fn uuid(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("GPU-{}", parts.join("-"))
}

impl Device for Cuda {
    fn about(&self) -> &About {
        &self.about
    }

    fn memory(&mut self) -> Result<Memory, Fault> {
        let (free, total) = self.context.mem_get_info().map_err(|e| self.lost(e))?;
        Ok(Memory { free: (free as u64).saturating_sub(SPARE), total: total as u64 })
    }

    fn allocate(&mut self, floats: usize) -> Result<Block, Fault> {
        // SAFETY: every block is written, by a copy or a product, before it is read.
        let slice = unsafe { self.stream.alloc::<f32>(floats) };
        let slice = slice.map_err(|e| self.of_driver(e, 4 * floats))?;
        let id = self.next;
        self.next += 1;
        self.blocks.insert(id, slice);
        Ok(Block { id, floats })
    }

    fn free(&mut self, block: Block) {
        // A lost device's errors are kept by cudarc, and nobody asks for them.
        let _ = self.context.bind_to_thread();
        self.blocks.remove(&block.id);
    }

    fn upload(&mut self, to: Block, values: &[f32]) -> Result<(), Fault> {
        let Some(slice) = self.blocks.get_mut(&to.id).filter(|s| s.len() >= values.len()) else {
            return Err(self.lost(format!("{} floats for a block of {}", values.len(), to.floats)));
        };
        let done = self.stream.memcpy_htod(values, slice);
        done.and_then(|()| self.stream.synchronize()).map_err(|e| self.of_driver(e, 0))
    }

    fn download(&mut self, from: Block, to: &mut [f32]) -> Result<(), Fault> {
        let part = self.block(from)?.try_slice(..to.len());
        let Some(part) = part else {
            return Err(self.lost(format!("{} floats of a block of {}", to.len(), from.floats)));
        };
        let done = self.stream.memcpy_dtoh(&part, to);
        done.and_then(|()| self.stream.synchronize()).map_err(|e| self.of_driver(e, 0))
    }

    fn sgemm(&mut self, call: &Sgemm, a: Block, b: Block, c: Block) -> Result<(), Fault> {
        let Sgemm { m, n, k, lda, ldb, ldc, .. } = *call;
        let small = call.floats().iter().zip([a, b, c]).any(|(want, have)| *want > have.floats);
        let wide = [m, n, k, lda, ldb, ldc].iter().any(|x| i32::try_from(*x).is_err());
        if small || wide {
            return Err(self.lost(format!("a product that does not fit its blocks: {call:?}")));
        }
        self.context.bind_to_thread().map_err(|e| self.lost(e))?;
        let turn = |t| {
            if t {
                blas::cublasOperation_t::CUBLAS_OP_T
            } else {
                blas::cublasOperation_t::CUBLAS_OP_N
            }
        };
        let (one, zero) = (1.0f32, 0.0f32);
        // The result's block leaves the table for the call, so that it can be borrowed to be written.
        let Some(mut to) = self.blocks.remove(&c.id) else {
            return Err(self.lost("a block that was freed"));
        };
        let done = match (self.block(a), self.block(b)) {
            (Ok(a), Ok(b)) => {
                let (x, _x) = a.device_ptr(&self.stream);
                let (y, _y) = b.device_ptr(&self.stream);
                let (z, _z) = to.device_ptr_mut(&self.stream);
                // SAFETY: the blocks live for the call and hold what it reads and writes, as
                // checked above; alpha and beta are the processor's, which is cuBLAS's default.
                let done = unsafe {
                    cublas::sgemm(
                        self.blas.0,
                        turn(call.turn_a),
                        turn(call.turn_b),
                        m as i32,
                        n as i32,
                        k as i32,
                        &raw const one,
                        x as *const f32,
                        lda as i32,
                        y as *const f32,
                        ldb as i32,
                        &raw const zero,
                        z as *mut f32,
                        ldc as i32,
                    )
                };
                done.map_err(|e| self.of_blas(e))
            }
            (Err(e), _) | (_, Err(e)) => Err(e),
        };
        self.blocks.insert(c.id, to);
        done
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        let _ = self.context.bind_to_thread();
        self.blocks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_as_the_driver_does() {
        let bytes = std::array::from_fn(|i| i as u8 * 16 + 1);
        assert_eq!(uuid(bytes), "GPU-01112131-4151-6171-8191-a1b1c1d1e1f1");
    }
}
