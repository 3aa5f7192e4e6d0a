//! Whether a run fits, beside its memory: the disk that its checkpoints take, and the time that it
//! may take. Pure: the figures of the machine come from outside.

use super::{Backend, Estimate, FinetuneError, Recipe};

/// Disk that stays free for everybody else, bytes.
const SPARE: u64 = 256 << 20;
/// How far an estimate by the speed of products may be above a limit and still be tried; measured
/// speeds are taken as they are.
const ROUGH: f64 = 1.5;

/// Whose memory a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryNeed {
    /// This machine's, bytes; 0 where it is not known.
    pub machine: u64,
    /// Of each leased GPU, bytes.
    pub gpu: Option<u64>,
}

impl MemoryNeed {
    /// Of a run of this estimate. The embedded trainer keeps everything in the machine's memory, and
    /// its weights on the GPU beside; PyTorch has all of it on the GPU.
    pub fn new(estimate: &Estimate, recipe: &Recipe) -> Self {
        match (recipe.backend, recipe.resources.gpus) {
            (Backend::Local, _) => Self { machine: estimate.memory(), gpu: estimate.gpu },
            (_, 0) => Self { machine: estimate.memory(), gpu: None },
            _ => Self { machine: 0, gpu: Some(estimate.memory()) },
        }
    }
}

/// The disk that a run takes at its worst moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskNeed {
    /// One checkpoint, bytes: what is trained (or the whole model) and the optimiser's two means.
    pub checkpoint: u64,
    /// So many stand there at once: those that are kept, the best, the final one.
    pub count: u64,
}

impl DiskNeed {
    /// Of a run of this estimate.
    pub fn new(estimate: &Estimate, recipe: &Recipe) -> Self {
        const FLOAT: u64 = 4;
        let means = 2 * FLOAT * estimate.trained;
        let weights =
            if recipe.lora.is_some() { FLOAT * estimate.trained } else { estimate.weights };
        let saves = match recipe.checkpoint_every {
            0 => 0,
            every => estimate.steps.saturating_sub(1) / every,
        };
        // The new one is written before the oldest goes; the best stays beside the newest.
        let kept = (recipe.keep_checkpoints.max(1) as u64 + 2).min(saves);
        Self { checkpoint: weights + means, count: kept + 1 }
    }

    /// All of it, bytes.
    pub fn bytes(self) -> u64 {
        self.checkpoint.saturating_mul(self.count)
    }

    /// Refuses what the disk cannot hold.
    ///
    /// # Errors
    /// The figures, and the ways out.
    pub fn check(
        self,
        free: Option<u64>,
        folder: &str,
        recipe: &Recipe,
    ) -> Result<(), FinetuneError> {
        let Some(free) = free.filter(|f| self.bytes() + SPARE > *f) else { return Ok(()) };
        let mut ways = Vec::new();
        if self.count > 2 {
            ways.push(format!(
                "a smaller keep_checkpoints (now {}) or a larger checkpoint_every (now {})",
                recipe.keep_checkpoints, recipe.checkpoint_every
            ));
        }
        if recipe.lora.is_none() {
            ways.push("an adapter instead of all weights (--recipe lora)".into());
        }
        ways.push("`polyculture runs prune` frees checkpoints that nothing needs".into());
        Err(FinetuneError::Plan(format!(
            "this run needs about {} of disk for {} checkpoints of {}; {folder} has {} free. Ways \
             out: {}",
            size(self.bytes()),
            self.count,
            size(self.checkpoint),
            size(free),
            ways.join("; ")
        )))
    }
}

/// How long a run takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeNeed {
    /// Seconds.
    pub seconds: f64,
    /// By what an earlier run of the same shape did; otherwise by the speed of products.
    pub measured: bool,
}

impl TimeNeed {
    /// By the examples a second of an earlier run, or by the estimate.
    pub fn new(estimate: &Estimate, recipe: &Recipe, examples_per_s: Option<f64>) -> Option<Self> {
        if let Some(speed) = examples_per_s.filter(|s| *s > 0.0) {
            let examples = estimate.steps as f64 * recipe.batch as f64;
            return Some(Self { seconds: examples / speed, measured: true });
        }
        estimate.seconds.map(|seconds| Self { seconds, measured: false })
    }

    /// Refuses what cannot end within the recipe's `time_limit`.
    ///
    /// # Errors
    /// The figures, and the ways out.
    pub fn check(self, steps: u64, recipe: &Recipe) -> Result<(), FinetuneError> {
        let limit = recipe.resources.time_limit.as_deref();
        let Some(limit) = limit.and_then(|t| t.parse::<jiff::SignedDuration>().ok()) else {
            return Ok(());
        };
        let limit = limit.as_secs_f64();
        if self.seconds <= limit * if self.measured { 1.0 } else { ROUGH } {
            return Ok(());
        }
        let fit = (steps as f64 * limit / self.seconds).floor();
        let steps = if fit < 1.0 { String::new() } else { format!(", or --steps {fit:.0}") };
        let how = if self.measured { "as the last run of this shape went" } else { "roughly" };
        Err(FinetuneError::Plan(format!(
            "this run takes about {} ({how}), and its time_limit is {}. Ways out: a longer \
             time_limit{steps}; its checkpoints stay, and `polyculture runs retry` goes \
             on from them",
            time(self.seconds),
            time(limit)
        )))
    }
}

/// Refuses what the GPUs that a run may lease cannot hold; `smallest`: the memory of the smallest
/// of those that it would get, bytes. Sharing one model out over several GPUs is the recipe's
/// business, and not counted here.
///
/// # Errors
/// The figures, and the ways out.
pub fn check_gpu(need: u64, smallest: Option<u64>, backend: Backend) -> Result<(), FinetuneError> {
    let Some(have) = smallest.filter(|s| need > *s) else { return Ok(()) };
    let ways = if backend == Backend::Local {
        "a smaller model, device = \"cpu\" with gpus = 0, backend = \"torch\" with nf4 or bf16"
    } else {
        "an adapter (--recipe lora), a smaller piece_tokens, recompute = true, nf4 or bf16 weights in \
         [torch]"
    };
    Err(FinetuneError::Plan(format!(
        "this run needs about {} on each GPU; the GPU that it may lease has {}. Ways out: {ways}, \
         or a larger GPU",
        size(need),
        size(have)
    )))
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match mib {
        m if m < 1.0 => format!("{:.0} KiB", m * 1024.0),
        m if m < 1000.0 => format!("{m:.0} MiB"),
        m => format!("{:.1} GiB", m / 1024.0),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::preset;

    const GIB: u64 = 1 << 30;

    fn recipe(name: &str, change: fn(&mut Recipe)) -> Recipe {
        let mut r = Recipe::parse(preset(name).unwrap(), name).unwrap();
        change(&mut r);
        r
    }

    fn estimate(trained: u64, seconds: Option<f64>) -> Estimate {
        Estimate {
            weights: 4 * GIB,
            optimizer: 0,
            activations: 0,
            trained,
            tokens_a_step: 100.0,
            steps: 100,
            seconds,
            gpu: None,
        }
    }

    #[test]
    fn a_disk_that_cannot_hold_the_checkpoints_is_refused_with_the_way_out() {
        let full = recipe("full", |r| (r.checkpoint_every, r.keep_checkpoints) = (10, 2));
        let need = DiskNeed::new(&estimate(GIB, None), &full);
        assert_eq!((need.checkpoint, need.count), (12 * GIB, 5));
        let e = need.check(Some(20 * GIB), "/w/runs", &full).unwrap_err().to_string();
        for part in ["60.0 GiB", "5 checkpoints", "/w/runs has 20.0 GiB", "--recipe lora", "prune"]
        {
            assert!(e.contains(part), "{part}: {e}");
        }
        assert!(need.check(Some(61 * GIB), "/w", &full).is_ok());
        assert!(need.check(None, "/w", &full).is_ok(), "nothing is known");
        let once = recipe("full", |r| r.checkpoint_every = 0);
        assert_eq!(DiskNeed::new(&estimate(GIB, None), &once).count, 1);
        let lora = recipe("lora", |r| r.checkpoint_every = 60);
        let need = DiskNeed::new(&estimate(GIB / 100, None), &lora);
        assert!(need.bytes() < GIB && need.count == 2, "{need:?}");
    }

    #[test]
    fn a_time_limit_that_cannot_be_kept_is_refused_with_the_steps_that_fit() {
        let limited = recipe("tiny", |r| {
            r.batch = 10;
            r.resources.time_limit = Some("10s".into());
        });
        let rough = TimeNeed::new(&estimate(1, Some(14.0)), &limited, None).unwrap();
        assert!(rough.check(100, &limited).is_ok(), "rough figures are not taken at their word");
        let rough = TimeNeed::new(&estimate(1, Some(40.0)), &limited, None).unwrap();
        let e = rough.check(100, &limited).unwrap_err().to_string();
        assert!(e.contains("--steps 25") && e.contains("time_limit is 10 s"), "{e}");
        // 1000 examples at 50 a second.
        let measured = TimeNeed::new(&estimate(1, Some(1.0)), &limited, Some(50.0)).unwrap();
        assert_eq!(measured, TimeNeed { seconds: 20.0, measured: true });
        assert!(measured.check(100, &limited).unwrap_err().to_string().contains("--steps 50"));
        // Not one step fits: none is offered.
        let slow = TimeNeed::new(&estimate(1, Some(1.0)), &limited, Some(0.5)).unwrap();
        let e = slow.check(100, &limited).unwrap_err().to_string();
        assert!(!e.contains("--steps"), "{e}");
        let free = recipe("tiny", |r| r.resources.time_limit = None);
        assert!(measured.check(100, &free).is_ok());
        assert_eq!(TimeNeed::new(&estimate(1, None), &free, None), None);
    }

    #[test]
    fn a_gpu_that_is_too_small_is_named() {
        let (torch, local) = (Backend::Torch, Backend::Local);
        assert!(check_gpu(10 * GIB, None, torch).is_ok());
        assert!(check_gpu(GIB, Some(2 * GIB), torch).is_ok());
        let e = check_gpu(10 * GIB, Some(8 * GIB), torch).unwrap_err().to_string();
        assert!(e.contains("10.0 GiB") && e.contains("8.0 GiB") && e.contains("[torch]"), "{e}");
        let e = check_gpu(10 * GIB, Some(8 * GIB), local).unwrap_err().to_string();
        assert!(e.contains("device = \"cpu\"") && !e.contains("recompute"), "{e}");
    }

    #[test]
    fn the_embedded_trainer_needs_the_machines_memory_on_a_gpu_too() {
        let mut e = estimate(GIB, None);
        let local = recipe("lora", |r| r.resources.gpus = 1);
        e.gpu = Some(5 * GIB);
        assert_eq!(MemoryNeed::new(&e, &local), MemoryNeed { machine: 4 * GIB, gpu: e.gpu });
        e.gpu = None;
        let torch = recipe("lora-torch", |_| {});
        assert_eq!(MemoryNeed::new(&e, &torch), MemoryNeed { machine: 0, gpu: Some(4 * GIB) });
        let cpu = recipe("lora-torch", |r| r.resources.gpus = 0);
        assert_eq!(MemoryNeed::new(&e, &cpu), MemoryNeed { machine: 4 * GIB, gpu: None });
    }
}
