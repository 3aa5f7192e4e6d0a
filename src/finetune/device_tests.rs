//! The training job on a device that is pretended: the same losses, what it says of itself, and what
//! is kept when the device fails.

use std::cell::Cell;
use std::path::Path;

use super::adapter_tests::{base, recipe as text};
use super::checkpoint::{self, TrainerState};
use super::job::{parse_recipe, train_on};
use super::job_tests::{losses, rows, run_folder};
use super::*;
use crate::embedded::device::pretend::Seen;
use crate::embedded::device::{Device, Fault, presence};
use crate::job::{Attempt, FailureKind, GpusFile, JobError, LeasedGpu, Progress};

const ROOM: usize = 1 << 22;

/// What was said.
#[derive(Default)]
struct Notes(Vec<String>);

impl Progress for Notes {
    fn at(&mut self, _done: u64, _total: Option<u64>, note: &str) {
        self.0.push(note.to_owned());
    }
}

/// Trains in a folder with a lease, whatever this program was built with.
fn on(
    attempt: &Attempt,
    device: DeviceChoice,
    open: &dyn Fn() -> Result<Box<dyn Device>, Fault>,
) -> (Result<TrainSummary, JobError>, Vec<String>) {
    let path = attempt.input("recipe.toml");
    let bytes = std::fs::read(&path).unwrap();
    let mut recipe = parse_recipe(&bytes, &path).unwrap();
    (recipe.device, recipe.resources.gpus) = (device, 1);
    let mut notes = Notes::default();
    let done = train_on(attempt, &mut notes, recipe, checkpoint::sha256(&bytes), open);
    (done, notes.0)
}

fn folder(dir: &Path, lora: bool) -> Attempt {
    let text = text(&base(dir, 1), lora).replace("steps = 30", "steps = 12");
    run_folder(dir, &text.replace("steps = 12", "steps = 12\neval_share = 0.3"), &rows());
    Attempt::create(dir, 1).unwrap()
}

fn near(a: &[(u64, u64)], b: &[(u64, u64)]) {
    assert_eq!(a.len(), b.len());
    let mut worst = 0.0f64;
    for (a, b) in a.iter().zip(b) {
        let (x, y) = (f64::from_bits(a.1), f64::from_bits(b.1));
        worst = worst.max(((x - y) / x).abs());
        assert!(a.0 == b.0 && worst < 1e-3, "step {}: {x}, {y}", a.0);
    }
    println!("losses differ by {worst:.1e}");
}

#[test]
fn a_run_on_a_device_has_the_losses_of_the_processor_and_says_where_it_was() {
    for lora in [true, false] {
        let (home, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (a, b) = (folder(home.path(), lora), folder(there.path(), lora));
        let (cpu, _) = on(&a, DeviceChoice::Cpu, &|| panic!("nobody asked for a device"));
        assert_eq!(cpu.unwrap().device, Some(DeviceUsed::cpu()));
        let seen = Seen::default();
        let (cuda, _) = on(&b, DeviceChoice::Cuda, &|| Ok(seen.device(ROOM)));
        let used = cuda.unwrap().device.unwrap();
        assert_eq!((used.kind.as_str(), used.name.as_deref()), ("cuda", Some("Pretended (GPU-1)")));
        assert!(used.largest_difference.unwrap() < 1e-5 && used.instead.is_none());
        near(&losses(&a), &losses(&b));
        let state = std::fs::read(b.file("checkpoints/final/trainer.json")).unwrap();
        let state: TrainerState = serde_json::from_slice(&state).unwrap();
        assert_eq!(state.device, Some(used));
        assert_eq!(seen.get().used, 0, "memory was kept");
    }
}

#[test]
fn a_device_that_is_lost_ends_the_attempt_with_its_steps_kept_and_the_next_goes_on() {
    for lora in [true, false] {
        let (home, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (whole, broken) = (folder(home.path(), lora), folder(there.path(), lora));
        let seen = Seen::default();
        on(&whole, DeviceChoice::Cuda, &|| Ok(seen.device(ROOM))).0.unwrap();
        // In the middle of a run whose checkpoints are eight steps apart.
        let middle = seen.get().requests / 2;
        let seen = Seen::default();
        seen.get().lost_at = Some(middle);
        let e = on(&broken, DeviceChoice::Cuda, &|| Ok(seen.device(ROOM))).0.unwrap_err();
        assert_eq!(e.kind(), FailureKind::Transient, "{e}");
        let kept = checkpoint::list(&broken.file("checkpoints"));
        let (step, dir) = kept.last().unwrap();
        assert!((1..12).contains(step) && *step != 8, "{kept:?}");
        let said = e.to_string();
        assert!(said.contains("Pretended (GPU-1) was lost: CUDA_ERROR_ECC"), "{said}");
        assert!(said.contains(&format!("step {step} is kept as a checkpoint")), "{said}");
        assert!(checkpoint::restore(dir, None).is_ok() || lora);
        // On another device.
        let again = Attempt::create(there.path(), 2).unwrap();
        let (done, notes) = on(&again, DeviceChoice::Cpu, &|| panic!("nobody asked"));
        assert_eq!(done.unwrap().resumed_from, Some(*step));
        let moved = "goes on on cpu, was on Pretended (GPU-1): the last bits differ";
        assert!(notes.iter().any(|n| n == moved), "{notes:?}");
        let all: Vec<_> = losses(&broken).into_iter().chain(losses(&again)).collect();
        near(&losses(&whole), &all);
    }
}

#[test]
fn without_room_cuda_refuses_and_auto_trains_on_the_processor_and_says_why() {
    let home = tempfile::tempdir().unwrap();
    let a = folder(home.path(), true);
    let small = || Ok(Seen::default().device(1000));
    let e = on(&a, DeviceChoice::Cuda, &small).0.unwrap_err();
    assert_eq!(e.kind(), FailureKind::OutOfMemory);
    assert!(e.to_string().contains("has no room for the model"), "{e}");
    assert!(checkpoint::list(&a.file("checkpoints")).is_empty());
    let (done, notes) = on(&a, DeviceChoice::Auto, &small);
    let used = done.unwrap().device.unwrap();
    assert_eq!(used.kind, "cpu");
    assert!(used.instead.unwrap().contains("no room"));
    assert!(notes.iter().any(|n| n.starts_with("trains on the CPU: Pretended")), "{notes:?}");
}

#[test]
fn a_device_that_is_not_the_leased_one_is_not_used() {
    let home = tempfile::tempdir().unwrap();
    let a = folder(home.path(), true);
    let lease = |uuid: &str| {
        let gpu = LeasedGpu { index: 0, uuid: uuid.into(), name: None, memory_total: None };
        let file = serde_json::to_vec(&GpusFile { gpus: vec![gpu] }).unwrap();
        std::fs::write(a.dir().join(GpusFile::NAME), file).unwrap();
    };
    let seen = Seen::default();
    let open = || Ok(seen.device(ROOM));
    lease("GPU-2");
    let e = on(&a, DeviceChoice::Cuda, &open).0.unwrap_err().to_string();
    assert!(e.contains("leased GPU-2") && e.contains("Pretended (GPU-1)"), "{e}");
    assert!(seen.get().uploads.is_empty());
    for uuid in ["gpu-1", "MIG-7"] {
        lease(uuid);
        assert_eq!(on(&a, DeviceChoice::Cuda, &open).0.unwrap().device.unwrap().kind, "cuda");
    }
}

#[test]
fn a_machine_without_a_device_refuses_before_and_at_the_start_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let a = folder(home.path(), true);
    let asked = Cell::new(0);
    let absent = || {
        asked.set(asked.get() + 1);
        Err(Fault::Absent("libcuda.so.1 does not load".into()))
    };
    let e = on(&a, DeviceChoice::Cuda, &absent).0.unwrap_err();
    assert_eq!((e.kind(), asked.get()), (FailureKind::Lasting, 1));
    let path = a.input("recipe.toml");
    let mut recipe = parse_recipe(&std::fs::read(&path).unwrap(), &path).unwrap();
    assert!(check_device(&recipe, || panic!("nobody asked")).is_ok());
    recipe.device = DeviceChoice::Cuda;
    let before = check_device(&recipe, || Err(Fault::Absent("no driver".into()))).unwrap_err();
    for said in [e.to_string(), before.to_string()] {
        for part in ["no CUDA device", "device = \"cpu\"", "polyculture doctor"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    assert_eq!(check_device(&recipe, presence).is_ok(), presence().is_ok());
}

#[test]
fn what_a_device_and_a_lease_say_together_is_checked_at_the_line() {
    use DeviceChoice::{Auto, Cpu, Cuda};
    // (device, gpus, built in, the key that is wrong, a word of what was expected)
    let cases = [
        (Auto, 0, false, None),
        (Cpu, 0, true, None),
        (Auto, 1, true, None),
        (Cuda, 1, true, None),
        (Cuda, 0, false, Some(("device", "--features cuda"))),
        (Cuda, 1, false, Some(("device", "backend = \"torch\""))),
        (Auto, 1, false, Some(("gpus", "--features cuda"))),
        (Cuda, 0, true, Some(("device", "gpus = 1"))),
        (Cpu, 1, true, Some(("gpus", "expected 0"))),
        (Auto, 2, true, Some(("gpus", "0 or 1"))),
        (Cuda, 4, true, Some(("gpus", "0 or 1"))),
    ];
    for (device, gpus, built_in, wrong) in cases {
        match (device.check(gpus, built_in), wrong) {
            (Ok(()), None) => {}
            (Err((key, said)), Some((at, word))) => {
                assert!(key == at && said.contains(word), "{device}, {gpus}: {key}: {said}");
            }
            other => panic!("{device}, {gpus}: {other:?}"),
        }
    }
    let torch =
        preset("lora-torch").unwrap().replace("epochs = 2", "epochs = 2\ndevice = \"cuda\"");
    let e = Recipe::parse(&torch, "r").unwrap_err().to_string();
    assert!(e.contains("cannot follow `device`"), "{e}");
    let odd = preset("lora").unwrap().replace("epochs = 2", "epochs = 2\ndevice = \"tpu\"");
    assert!(Recipe::parse(&odd, "r").unwrap_err().to_string().contains("tpu"));
}
