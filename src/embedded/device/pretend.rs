//! A device that is none: memory of its own, BLAS's product in three loops, room that ends, and a
//! loss at a chosen request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{About, Block, Device, Fault, Memory, Sgemm};

/// What was done to a pretended device; shared with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Counts>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Floats in use now and at most.
    pub(crate) used: usize,
    pub(crate) most: usize,
    /// Block and floats of each upload.
    pub(crate) uploads: Vec<(u64, usize)>,
    pub(crate) products: usize,
    /// Requests so far.
    pub(crate) requests: usize,
    /// It is lost at this request.
    pub(crate) lost_at: Option<usize>,
    /// Its first product is wrong by this share.
    pub(crate) wrong: f32,
}

impl Seen {
    pub(crate) fn get(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap()
    }

    /// A device with room for so many floats.
    pub(crate) fn device(&self, room: usize) -> Box<dyn Device> {
        let about = About { name: "Pretended".into(), uuid: Some("GPU-1".into()) };
        Box::new(Pretend { about, room, blocks: HashMap::new(), next: 7, seen: self.clone() })
    }
}

#[derive(Debug)]
struct Pretend {
    about: About,
    room: usize,
    blocks: HashMap<u64, Vec<f32>>,
    next: u64,
    seen: Seen,
}

impl Pretend {
    fn request(&self) -> Result<(), Fault> {
        let mut seen = self.seen.get();
        seen.requests += 1;
        if seen.lost_at.is_some_and(|at| seen.requests >= at) {
            let reason = "CUDA_ERROR_ECC_UNCORRECTABLE".into();
            return Err(Fault::Lost { about: self.about.to_string(), reason });
        }
        Ok(())
    }
}

impl Device for Pretend {
    fn about(&self) -> &About {
        &self.about
    }

    fn memory(&mut self) -> Result<Memory, Fault> {
        self.request()?;
        let free = self.room - self.seen.get().used;
        Ok(Memory { free: 4 * free as u64, total: 4 * self.room as u64 })
    }

    fn allocate(&mut self, floats: usize) -> Result<Block, Fault> {
        self.request()?;
        let mut seen = self.seen.get();
        if seen.used + floats > self.room {
            return Err(Fault::NoRoom {
                about: self.about.to_string(),
                what: "its work".into(),
                wanted: 4 * floats as u64,
                free: Some(4 * (self.room - seen.used) as u64),
            });
        }
        seen.used += floats;
        seen.most = seen.most.max(seen.used);
        let id = self.next;
        self.next += 1;
        // What is read before it was written spoils everything that it meets.
        self.blocks.insert(id, vec![f32::NAN; floats]);
        Ok(Block { id, floats })
    }

    fn free(&mut self, block: Block) {
        let was = self.blocks.remove(&block.id).expect("a block is freed once");
        self.seen.get().used -= was.len();
    }

    fn upload(&mut self, to: Block, values: &[f32]) -> Result<(), Fault> {
        self.request()?;
        self.seen.get().uploads.push((to.id, values.len()));
        self.blocks.get_mut(&to.id).unwrap()[..values.len()].copy_from_slice(values);
        Ok(())
    }

    fn download(&mut self, from: Block, to: &mut [f32]) -> Result<(), Fault> {
        self.request()?;
        to.copy_from_slice(&self.blocks[&from.id][..to.len()]);
        Ok(())
    }

    /// The definition of BLAS, element by element.
    fn sgemm(&mut self, call: &Sgemm, a: Block, b: Block, c: Block) -> Result<(), Fault> {
        self.request()?;
        let Sgemm { turn_a, turn_b, m, n, k, lda, ldb, ldc } = *call;
        let (x, y) = (&self.blocks[&a.id], &self.blocks[&b.id]);
        let mut out = self.blocks[&c.id].clone();
        for j in 0..n {
            for i in 0..m {
                let mut sum = 0.0f32;
                for l in 0..k {
                    let left = if turn_a { x[l + i * lda] } else { x[i + l * lda] };
                    let right = if turn_b { y[j + l * ldb] } else { y[l + j * ldb] };
                    sum += left * right;
                }
                out[i + j * ldc] = sum;
            }
        }
        let mut seen = self.seen.get();
        if seen.products == 0 {
            out[0] *= 1.0 + seen.wrong;
        }
        seen.products += 1;
        drop(seen);
        self.blocks.insert(c.id, out);
        Ok(())
    }
}
