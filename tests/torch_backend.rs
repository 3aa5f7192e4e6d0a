//! The training program in Python: real PyTorch on the CPU, real processes and signals. Needs
//! `POLYCULTURE_TORCH_PYTHON`; without it the tests say that they are skipped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use polyculture::embedded::decoder::Family;
use polyculture::embedded::tokenizer::ChatOptions;
use polyculture::embedded::{Decoder, Scorer};
use polyculture::finetune::{TrainSummary, checkpoint};
use polyculture::job::{Attempt, NoProgress, read_jsonl, read_progress};

mod torch;
use torch::*;

fn summary(a: &Attempt) -> TrainSummary {
    read_jsonl::<TrainSummary>(&a.file("results.jsonl")).unwrap().pop().unwrap()
}

#[test]
fn the_curve_is_that_of_the_local_trainer() {
    let Some(_) = python() else { return };
    for (what, family, lora, more) in [
        ("all weights, sampled tails", Family::Qwen2, false, "tails = \"sampled\""),
        ("all weights, hard targets", Family::Llama, false, "target = \"hard\""),
        (
            "adapter, all tails",
            Family::Llama,
            true,
            "tails = \"all\"\npiece_tokens = 200\neval_share = 0.3",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let base = base(home.path(), family, |_| {});
        let more = format!("steps = 20\ncheckpoint_every = 8\n{more}");
        let ours = run_folder(home.path(), &recipe(&base, "local", lora, &more, ""));
        let ours = Attempt::create(&ours, 1).unwrap();
        polyculture::finetune::work(&ours, &mut NoProgress).unwrap();
        let theirs = run_folder(home.path(), &recipe(&base, "torch", lora, &more, ""));
        let (theirs, code) = work(&theirs, 1);
        assert_eq!(code, 0, "{}", log(&theirs));
        let (a, b) = (metrics(&ours), metrics(&theirs));
        let gap = |name: &str, least| apart(&values(&a, name), &values(&b, name), least);
        let first = |rows, name: &str| values(rows, name)[&1];
        let first_norm =
            (first(&a, "grad_norm") - first(&b, "grad_norm")).abs() / first(&a, "grad_norm");
        eprintln!(
            "{what}: first gradient's norm apart by {first_norm:.1e}; over 20 steps losses by \
             {:.1e}, norms by {:.1e}",
            gap("loss", 20),
            gap("grad_norm", 20)
        );
        assert!(first_norm < 1e-5, "{what}: {first_norm}");
        assert!(gap("loss", 20) < 1e-4, "{what}: {}", gap("loss", 20));
        assert!(gap("lr", 20) < 1e-12);
        if more.contains("eval_share") {
            assert!(gap("eval_loss", 10) < 1e-4);
        }
        let losses = values(&b, "loss");
        assert!(
            losses[&20] < losses[&1],
            "{what}: the loss fell from {} to {}",
            losses[&1],
            losses[&20]
        );
        // What came of it is a model here.
        let done = theirs.file("checkpoints/final");
        checkpoint::verify(&done).unwrap();
        let (s, o) = (summary(&theirs), summary(&ours));
        assert_eq!((s.parameters, s.trained, s.adapter), (o.parameters, o.trained, o.adapter));
        assert_eq!((s.backend.as_str(), s.step, s.examples), ("torch", 20, o.examples));
        let folder = if lora { &base } else { &done };
        Scorer::open(folder, lora.then_some(done.as_path()), ChatOptions::default()).unwrap();
        if !lora {
            let before = Decoder::load(&base).unwrap();
            assert_ne!(Decoder::load(&done).unwrap().weights, before.weights);
        }
        assert_eq!(read_progress(theirs.dir()).unwrap().done, 20);
        let known = checkpoint::known(theirs.run_dir(), 1);
        assert!(known.iter().all(|c| c.loss.is_some_and(f64::is_finite)) && known.len() >= 2);
    }
}

#[test]
fn after_kill_9_a_retry_goes_on_from_the_newest_whole_checkpoint() {
    let Some(_) = python() else { return };
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), Family::Qwen2, |_| {});
    let more = "steps = 400\ncheckpoint_every = 20\nkeep_checkpoints = 2";
    let text =
        recipe(&base, "torch", true, more, "").replace("alpha = 8.0", "alpha = 8.0\ndropout = 0.1");
    let run = run_folder(home.path(), &text);
    let (first, mut child) = start(&run, 1);
    until("a checkpoint", || first.file("checkpoints/step-40/manifest.json").exists());
    let workers = below(child.id());
    assert!(!workers.is_empty(), "{}", log(&first));
    for p in workers {
        kill(Pid::from_raw(p), Signal::SIGKILL).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let words = std::fs::read_to_string(first.file("failure.json")).unwrap();
    assert!(words.contains("signal 9"), "{words}");
    assert!(!first.file("results.jsonl").exists(), "no false success");
    // The newest checkpoint is torn as a crash tears it: the one before it counts.
    let newest = checkpoint::list(&first.file("checkpoints"));
    let (step, torn) = newest[0].clone();
    std::fs::write(torn.join("optimizer.safetensors"), b"torn").unwrap();
    let (second, code) = work(&run, 2);
    assert_eq!(code, 0, "{}", log(&second));
    let s = summary(&second);
    assert!(s.resumed_from.is_some_and(|r| r < step && r % 20 == 0), "{:?}", s.resumed_from);
    assert_eq!(s.step, 400);
    let (a, b) = (values(&metrics(&first), "loss"), values(&metrics(&second), "loss"));
    assert_eq!(b.keys().next(), s.resumed_from.map(|r| r + 1).as_ref());
    assert_eq!(b.keys().last(), Some(&400));
    // Steps that were done twice were the same steps: data, dropout and optimiser went on.
    let same = apart(&a, &b, 1);
    assert!(same < 1e-6, "{same}");
    assert!(log(&second).contains("passed over"), "{}", log(&second));
    assert!(checkpoint::list(&second.file("checkpoints")).len() <= 4);
}

#[test]
fn a_nan_stops_the_run_with_its_step_and_stays_in_the_metrics() {
    let Some(_) = python() else { return };
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), Family::Llama, |w| w.iter_mut().for_each(|x| *x *= 1e30));
    let run = run_folder(home.path(), &recipe(&base, "torch", false, "steps = 5", ""));
    let (a, code) = work(&run, 1);
    assert_eq!(code, 1);
    let words = std::fs::read_to_string(a.file("failure.json")).unwrap();
    assert!(words.contains("step 1: loss") && words.contains("went astray"), "{words}");
    let rows = metrics(&a);
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].values["loss"].is_finite() || !rows[0].values["grad_norm"].is_finite());
    assert!(!a.file("checkpoints/final").exists() && !a.file("results.jsonl").exists());
}

#[test]
fn four_bits_train_where_bitsandbytes_is_there() {
    let Some(_) = python() else { return };
    let probed = polyculture::finetune::backend::torch_doctor(None).unwrap();
    if !probed.packages.iter().any(|p| p.name == "bitsandbytes" && p.ok) {
        eprintln!("skipped: this Python has no bitsandbytes, nf4 is not trained");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), Family::Llama, |_| {});
    let more = "steps = 20\ncheckpoint_every = 10\neval_share = 0.3\ntarget = \"hard\"";
    let [wide, four] = ["", "quant = \"nf4\""].map(|table| {
        let run = run_folder(home.path(), &recipe(&base, "torch", true, more, table));
        let (a, code) = work(&run, 1);
        assert_eq!(code, 0, "{}", log(&a));
        a
    });
    assert_eq!(summary(&four).parameters, summary(&wide).parameters);
    let (a, b) = (values(&metrics(&wide), "loss"), values(&metrics(&four), "loss"));
    let gap = apart(&a, &b, 20);
    eprintln!("nf4 beside f32: losses apart by {gap:.1e}");
    assert!(gap > 0.0 && gap < 0.2, "{gap}");
    assert!(b[&20] < b[&1], "the loss fell from {} to {}", b[&1], b[&20]);
    checkpoint::verify(&four.file("checkpoints/final")).unwrap();
}

#[test]
fn two_processes_have_the_curve_of_one_and_stop_and_go_on_together() {
    let Some(_) = python() else { return };
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), Family::Llama, |_| {});
    // Long enough that a test which is held up for seconds still meets it running.
    let more = "steps = 200\ncheckpoint_every = 50\neval_share = 0.3\npiece_tokens = 200";
    let one = run_folder(home.path(), &recipe(&base, "torch", true, more, ""));
    let (one, code) = work(&one, 1);
    assert_eq!(code, 0, "{}", log(&one));
    let curve = values(&metrics(&one), "loss");
    for parallel in ["ddp", "fsdp"] {
        let table = format!("processes = 2\nparallel = \"{parallel}\"");
        let two = run_folder(home.path(), &recipe(&base, "torch", true, more, &table));
        let (first, mut child) = start(&two, 1);
        let step = || read_progress(first.dir()).map_or(0, |p| p.done);
        until("the first steps", || step() > 0 || child_ended(&first));
        // A terminal that closes: torchrun would end its workers.
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap());
        for p in below(child.id()) {
            let _ = kill(Pid::from_raw(p), Signal::SIGHUP);
        }
        if parallel == "ddp" {
            let seen = step();
            until("steps after HUP", || step() > seen || child_ended(&first));
            killpg(group, Signal::SIGTERM).unwrap();
            let code = child.wait().unwrap().code();
            assert_eq!(code, Some(143), "{}", log(&first));
            let saved = checkpoint::list(&first.file("checkpoints"));
            checkpoint::verify(&saved[0].1).unwrap();
            let (second, code) = work(&two, 2);
            assert_eq!(code, 0, "{}", log(&second));
            assert_eq!(summary(&second).resumed_from, Some(saved[0].0));
            let whole = [metrics(&first), metrics(&second)].concat();
            let gap = apart(&curve, &values(&whole, "loss"), 200);
            eprintln!(
                "two processes, {parallel}, stopped at {}: losses apart by {gap:.1e}",
                saved[0].0
            );
            assert!(gap < 1e-4, "{parallel}: {gap}");
        } else {
            assert!(child.wait().unwrap().success(), "{}", log(&first));
            let gap = apart(&curve, &values(&metrics(&first), "loss"), 200);
            eprintln!("two processes, {parallel}: losses apart by {gap:.1e}");
            assert!(gap < 1e-4, "{parallel}: {gap}");
            checkpoint::verify(&first.file("checkpoints/final")).unwrap();
        }
    }
}

#[test]
fn accelerate_launch_starts_it_as_well_and_its_workers_stop_and_go_on() {
    let Some(_) = python() else { return };
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), Family::Llama, |_| {});
    let more = "steps = 300\ncheckpoint_every = 100";
    let one = run_folder(home.path(), &recipe(&base, "torch", true, more, ""));
    let (one, code) = work(&one, 1);
    assert_eq!(code, 0, "{}", log(&one));
    // A file of settings in somebody's home must not change the test.
    let line = format!(
        "{{python}} -m accelerate.commands.launch --config_file {} --multi_gpu \
         --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no \
         --main_process_port 0",
        home.path().join("accelerate.yaml").display()
    );
    std::fs::write(home.path().join("accelerate.yaml"), "distributed_type: 'NO'\n").unwrap();
    let env = [("POLYCULTURE_TORCH_LAUNCH", line.as_str())];
    let two = run_folder(home.path(), &recipe(&base, "torch", true, more, "processes = 2"));
    // On a CPU it starts one process, whatever it is told, unless it is told of GPUs: that is said.
    let alone = line.replace("--multi_gpu", "--cpu");
    let (none, mut child) = start_with(&two, 1, &[("POLYCULTURE_TORCH_LAUNCH", alone.as_str())]);
    assert_eq!(child.wait().unwrap().code(), Some(1), "{}", log(&none));
    let words = std::fs::read_to_string(none.file("failure.json")).unwrap();
    assert!(words.contains("started 1 here") && words.contains("--multi_gpu"), "{words}");
    let (first, mut child) = start_with(&two, 2, &env);
    until("the first steps", || {
        read_progress(first.dir()).is_some_and(|p| p.done > 0) || child_ended(&first)
    });
    killpg(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(143), "{}", log(&first));
    assert!(log(&first).contains("2 processes on 1 machines"), "{}", log(&first));
    let saved = checkpoint::list(&first.file("checkpoints"));
    checkpoint::verify(&saved[0].1).unwrap();
    let (second, mut child) = start_with(&two, 3, &env);
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(0), "{}", log(&second));
    assert_eq!(summary(&second).resumed_from, Some(saved[0].0));
    let whole = [metrics(&first), metrics(&second)].concat();
    let gap = apart(&values(&metrics(&one), "loss"), &values(&whole, "loss"), 300);
    eprintln!("two processes of accelerate: losses apart by {gap:.1e}");
    assert!(gap < 1e-4, "{gap}");
    checkpoint::verify(&second.file("checkpoints/final")).unwrap();
}

fn child_ended(a: &Attempt) -> bool {
    let failed = a.file("failure.json").exists();
    assert!(!failed, "{}", log(a));
    failed
}
