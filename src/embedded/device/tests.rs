//! Devices through the one that is pretended: every product, what travels, room, and loss.

use super::blas::{Factor, Sgemm};
use super::check::gap;
use super::pretend::Seen;
use super::*;
use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{Adapter, Decoder, DecoderConfig, Family, LoraSettings};
use crate::embedded::matmul::Into;
use crate::embedded::parallel::Threads;
use crate::embedded::training::{AdamWSettings, AnswerTarget, StepSettings, TailTargets, Trainer};

const ROOM: usize = 1 << 22;

fn model(family: Family, tied: bool) -> Decoder {
    let mut c = DecoderConfig::llama(20, 16, 24, 3, 4, 2).unwrap();
    c.model_type = family;
    c.tie_word_embeddings = tied;
    Decoder::random(c, 0.1, 5).unwrap()
}

fn batch(at: u32) -> Vec<AnswerTarget> {
    (0..8u32)
        .map(|i| AnswerTarget {
            prompt: (0..5 + i % 3).map(|p| (at + i * 7 + p * 3) % 20).collect(),
            answers: vec![(vec![2 + i % 3, 0], 0.75), (vec![9, 0], 0.25)],
        })
        .collect()
}

fn trainer(model: Decoder, lora: bool, settings: StepSettings) -> Trainer {
    let how = LoraSettings { r: 4, alpha: 8.0, dropout: 0.1, ..LoraSettings::default() };
    let a = lora.then(|| Adapter::new(model.config(), how, 1).unwrap());
    Trainer::new(model, a, AdamWSettings::default(), settings).unwrap()
}

fn settings() -> StepSettings {
    StepSettings { tails: TailTargets::All, ..StepSettings::default() }
}

fn losses(t: &mut Trainer, steps: u64) -> Vec<f64> {
    (0..steps).map(|i| t.step(&batch(i as u32), 1e-2, 1.0, i).unwrap().loss).collect()
}

#[test]
fn a_training_on_a_device_has_the_losses_of_the_processor() {
    let small = StepSettings { piece: 13, recompute: true, ..settings() };
    let two = StepSettings { threads: 2, ..settings() };
    let cases = [
        (Family::Llama, true, true, settings()),
        (Family::Llama, true, false, settings()),
        (Family::Qwen2, false, true, small),
        (Family::Qwen3, false, false, small),
        (Family::Llama, false, false, two),
    ];
    for (family, tied, lora, how) in cases {
        let seen = Seen::default();
        let mut one = trainer(model(family, tied), lora, StepSettings { threads: 1, ..how });
        let mut other = trainer(model(family, tied), lora, how);
        let found = other.on_device(seen.device(ROOM)).unwrap();
        assert!(found.largest < 1e-5 && found.products >= 16, "{found:?}");
        let (a, b) = (losses(&mut one, 12), losses(&mut other, 12));
        let gap = a.iter().zip(&b).map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f64::max);
        println!("{family:?}, adapter {lora}: losses differ by {gap:.1e}");
        assert!(gap < 1e-4, "{family:?}, adapter {lora}: {gap}");
        assert!(a[11] < a[0], "it learned nothing");
        let (x, y) = (one.loss(&batch(3), 1).unwrap(), other.loss(&batch(3), 1).unwrap());
        assert!((x - y).abs() < 1e-4 * x.abs(), "{x}, {y}");
        assert_eq!(other.device().unwrap().to_string(), "Pretended (GPU-1)");
        drop(other);
        assert_eq!(seen.get().used, 0, "memory was kept");
    }
}

#[test]
fn frozen_weights_are_uploaded_once_and_trained_ones_again_after_each_step() {
    for lora in [true, false] {
        let m = model(Family::Llama, true);
        let held: Vec<usize> =
            held::weights(m.config(), m.layout()).iter().map(|w| w.at.len()).collect();
        let seen = Seen::default();
        let mut t = trainer(m, lora, settings());
        t.on_device(seen.device(ROOM)).unwrap();
        let first = seen.get().uploads[..held.len()].to_vec();
        let sizes: Vec<usize> = first.iter().map(|u| u.1).collect();
        assert_eq!(sizes, held, "each weight, first of all");
        let weights = |from: usize| {
            let seen = seen.get();
            seen.uploads[from..].iter().filter(|u| first.contains(u)).count()
        };
        for step in 0..3 {
            let from = seen.get().uploads.len();
            t.step(&batch(1), 1e-2, 1.0, step).unwrap();
            let again = weights(from);
            if lora || step == 0 {
                assert_eq!(again, 0, "adapter {lora}, step {step}");
            } else {
                assert_eq!(again, held.len(), "step {step}");
            }
        }
    }
}

#[test]
fn what_cannot_travel_at_once_goes_in_parts() {
    let m = model(Family::Llama, false);
    let (rows, out, cols) = (29, 48, 16);
    let at = m.layout().layers[1].gate_up.clone();
    let w = &m.weights[at.clone()];
    let x: Vec<f32> = (0..rows * cols).map(|i| (i as f32 * 0.37).sin()).collect();
    let dy: Vec<f32> = (0..rows * out).map(|i| (i as f32 * 0.11).cos()).collect();
    let mut all = Vec::new();
    for stage in [1, 100, 1 << 20] {
        let seen = Seen::default();
        let held = Held::new(seen.device(ROOM), &m, true, 64, stage).unwrap();
        held.check(&m, true, Threads::ONE).unwrap();
        let before = seen.get().products;
        let (mut y, mut dx, mut dw) =
            (vec![1.0; rows * out], vec![2.0; rows * cols], vec![3.0; out * cols]);
        held.linear(&mut y, Into::Add, &x, &at, w, rows, cols).unwrap();
        held.linear_dx(&mut dx, Into::Add, &dy, &at, w, rows, cols).unwrap();
        held.linear_dw(&mut dw, &dy, &x, rows, cols).unwrap();
        all.push((seen.get().products - before, [y, dx, dw].concat()));
    }
    let [(many, a), (some, b), (three, c)] = &all[..] else { panic!("{}", all.len()) };
    assert!(*many > *some && *some > 3 && *three == 3, "{many}, {some}, {three}");
    assert!(gap(a, c) < 1e-6 && gap(b, c) < 1e-6);
    let first = 1.0 + (0..cols).map(|l| x[l] * w[l]).sum::<f32>();
    assert!((c[0] - first).abs() < 1e-6, "it was not added");
}

#[test]
fn our_products_are_those_of_blas_turned() {
    // 2 x 3 times 3 x 4; the second lies as 4 x 3.
    let call = Sgemm::of(Factor::plain(2, 3), Factor::turned(4, 3));
    let want = Sgemm { turn_a: true, turn_b: false, m: 4, n: 2, k: 3, lda: 3, ldb: 3, ldc: 4 };
    assert_eq!(call, want);
    assert_eq!(call.floats(), [12, 6, 8]);
    let call = Sgemm::of(Factor::turned(3, 2), Factor::plain(3, 4));
    let want = Sgemm { turn_a: false, turn_b: true, m: 4, n: 2, k: 3, lda: 4, ldb: 2, ldc: 4 };
    assert_eq!(call, want);
    assert_eq!(call.floats(), [12, 6, 8]);
}

#[test]
fn a_model_without_room_is_refused_before_anything_is_uploaded() {
    let m = model(Family::Llama, true);
    let need = device_bytes(m.config(), true, settings().piece) as usize / 4;
    let seen = Seen::default();
    let mut t = trainer(m.clone(), true, settings());
    let e = t.on_device(seen.device(need / 2)).unwrap_err().to_string();
    for part in ["Pretended (GPU-1) has no room", "MiB free", "device = \"cpu\"", "nf4"] {
        assert!(e.contains(part), "{part}: {e}");
    }
    assert!(seen.get().uploads.is_empty() && seen.get().used == 0);
    assert!(t.device().is_none() && t.step(&batch(0), 1e-2, 1.0, 0).unwrap().loss > 0.0);
    // As estimated: exactly enough is enough.
    let mut t = trainer(m, false, settings());
    t.on_device(seen.device(need)).unwrap();
    assert_eq!(seen.get().most, need);
}

#[test]
fn a_device_that_is_lost_in_a_step_leaves_the_weights_of_the_step_before() {
    for lora in [true, false] {
        let seen = Seen::default();
        let mut t = trainer(model(Family::Qwen2, true), lora, settings());
        t.on_device(seen.device(ROOM)).unwrap();
        losses(&mut t, 2);
        let trained = |t: &Trainer| {
            (
                t.model().weights.clone(),
                t.adapter().map(|a| a.weights.clone()),
                t.optimizer.state.step,
            )
        };
        let before = trained(&t);
        // In the middle of the step: a whole one has some hundreds of requests.
        let (now, later) = (seen.get().requests, 61);
        seen.get().lost_at = Some(now + later);
        let e = t.step(&batch(2), 1e-2, 1.0, 2).unwrap_err();
        assert!(matches!(&e, EmbeddedError::Device(Fault::Lost { .. })), "{e}");
        assert!(e.to_string().contains("was lost: CUDA_ERROR_ECC_UNCORRECTABLE"), "{e}");
        assert_eq!(trained(&t), before);
        assert_eq!(seen.get().requests, now + later, "a lost device was asked again");
        let again = t.step(&batch(2), 1e-2, 1.0, 2).unwrap_err().to_string();
        assert_eq!(again, e.to_string());
        assert_eq!(seen.get().requests, now + later, "a lost device was asked again");
    }
}

#[test]
fn a_device_that_multiplies_wrongly_is_refused_with_the_figures() {
    let seen = Seen::default();
    // The size of what TF32 would do.
    seen.get().wrong = 3e-3;
    let mut t = trainer(model(Family::Llama, true), true, settings());
    let e = t.on_device(seen.device(ROOM)).unwrap_err();
    assert!(matches!(&e, EmbeddedError::Device(Fault::Wrong { .. })), "{e}");
    let e = e.to_string();
    for part in ["q of layer 0 (16x16), forward", "at most 1e-4", "Nothing was trained", "cpu"] {
        assert!(e.contains(part), "{part}: {e}");
    }
    assert!(t.device().is_none());
    assert_eq!(seen.get().used, 0);
}

#[test]
fn figures_that_are_none_are_never_within_the_tolerance() {
    assert!(gap(&[1.0, f32::NAN], &[1.0, 2.0]).is_infinite());
    assert!(gap(&[f32::INFINITY], &[1.0]).is_infinite());
    assert!(gap(&[1e-9], &[0.0]).is_infinite());
    assert_eq!(gap(&[0.0, -2.0], &[0.0, -2.0]), 0.0);
    assert!((gap(&[1.0, 2.002], &[1.0, 2.0]) - 1e-3).abs() < 1e-6);
}

#[test]
fn long_sums_stay_far_within_the_tolerance() {
    // One after the other in f32, as no library adds, over the longest rows of models that fit here.
    let mut c = DecoderConfig::llama(24, 16, 20_000, 1, 2, 1).unwrap();
    c.tie_word_embeddings = true;
    let m = Decoder::random(c, 0.02, 1).unwrap();
    let held = Held::new(Seen::default().device(1 << 24), &m, false, 64, STAGE).unwrap();
    let found = held.check(&m, false, Threads::ONE).unwrap();
    println!("largest difference {:.1e}", found.largest);
    assert!(found.largest < TOLERANCE / 5.0, "{found:?}");
}

#[test]
fn a_trial_compares_products_and_trainings() {
    let seen = Seen::default();
    let t = trial(&|| Ok(seen.device(ROOM)), 8, 2).unwrap();
    assert_eq!((t.about.as_str(), t.products.len()), ("Pretended (GPU-1)", 2));
    assert!(t.check.largest < 1e-5 && t.losses.iter().all(|l| *l < 1e-4), "{t:?}");
    assert!(t.products.iter().all(|p| p.processor < f64::MAX && p.device < f64::MAX));
    assert_eq!(seen.get().used, 0);
    let e = trial(&|| Err(Fault::Absent("nobody home".into())), 8, 1).unwrap_err().to_string();
    assert!(e.contains("nobody home"), "{e}");
}

#[test]
fn a_machine_without_cuda_says_what_is_missing() {
    if presence().is_ok() {
        println!("skipped: CUDA is here");
        return;
    }
    let e = open().unwrap_err();
    assert!(matches!(e, Fault::Absent(_)), "{e}");
    let said = e.to_string();
    let missing = if BUILT_IN { "lib" } else { "--features cuda" };
    assert!(said.contains(missing) && said.contains("device = \"cpu\""), "{said}");
}
