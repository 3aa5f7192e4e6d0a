//! The embedded trainer on a GPU, from the command line: refusals of a program or a machine without
//! one, and, built with the feature `cuda`, whole runs against libraries that pretend to be the
//! driver and cuBLAS (`tests/cuda/pretended.c`). No real GPU is asked.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::process::Output;

use common::Place;
use polyculture::embedded::decoder::Family;
use polyculture::embedded::device::{BUILT_IN, presence};
use serde_json::{Value, json};

mod common;
mod torch;

const GPU: &str = "GPU-aaaa0000-0000-0000-0000-000000000001";

/// A workspace with a dataset, on a machine with one GPU that a file pretends.
struct Machine {
    place: Place,
    env: Vec<(&'static str, String)>,
}

impl Machine {
    fn new() -> Self {
        let place = Place::configured("");
        place.ok(&["dataset", "build", "d", "--culture", "german"]);
        let gpus = json!({"devices": [{"index": 0, "uuid": GPU, "name": "Pretend",
            "memory_total": 80u64 << 30, "memory_used": 1 << 20, "utilization": 0,
            "processes": []}]});
        let file = place.file("gpus.json", gpus.to_string());
        Self { place, env: vec![("POLYCULTURE_PRETEND_GPUS", file)] }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut c = self.place.command(&[&["--json"], args].concat());
        c.env_remove("CUDA_VISIBLE_DEVICES").env_remove("POLYCULTURE_PRETEND_CUDA");
        c.envs(self.env.iter().map(|(k, v)| (*k, v.as_str()))).output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> Value {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {out:?}");
        serde_json::from_slice(&out.stdout).unwrap()
    }

    fn refused(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(!out.status.success(), "{args:?}: {out:?}");
        let doc: Value = serde_json::from_slice(&out.stdout).unwrap();
        doc["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// A recipe that trains an adapter for six steps.
    fn recipe(&self, device: &str) -> String {
        let base = torch::base(self.place.0.path(), Family::Llama, |_| {});
        let more = format!("steps = 6\ncheckpoint_every = 4\n{device}");
        self.place.file("r.toml", torch::recipe(&base, "local", true, &more, ""))
    }

    fn check(&self, what: &str) -> Value {
        let all = self.ok(&["doctor"]);
        let found = all["items"].as_array().unwrap().iter().find(|c| c["check"] == what);
        found.unwrap_or_else(|| panic!("{all}")).clone()
    }
}

#[test]
fn without_cuda_a_run_that_wants_it_is_refused_before_it_starts_with_the_way_out() {
    if presence().is_ok() {
        println!("skipped: CUDA is here");
        return;
    }
    let m = Machine::new();
    let recipe = m.recipe("");
    let tune = ["finetune", "--dataset", "d", "--recipe", &recipe, "--device", "cuda"];
    let in_recipe = m.place.file("cuda.toml", {
        let text = std::fs::read_to_string(&recipe).unwrap();
        text.replace("steps = 6", "steps = 6\ndevice = \"cuda\"") + "\n[resources]\ngpus = 1\n"
    });
    let by_recipe = ["finetune", "--dataset", "d", "--recipe", &in_recipe];
    for args in [&tune[..], &by_recipe, &[&tune[..], &["--even-if-it-does-not-fit"]].concat()] {
        let e = m.refused(args);
        let missing = if BUILT_IN { "libcuda.so.1 does not load" } else { "--features cuda" };
        assert!(e.contains(missing) && e.contains("device = \"cpu\""), "{args:?}: {e}");
    }
    assert_eq!(m.ok(&["runs", "list"])["items"], json!([]), "nothing was left behind");
    let doctor = m.check("cuda");
    assert_eq!(doctor["ok"], true, "{doctor}");
    let says = if BUILT_IN { "built in, but libcuda.so.1 does not load" } else { "not built in" };
    assert!(doctor["says"].as_str().unwrap().starts_with(says), "{doctor}");
    let e = m.refused(&["doctor", "--cuda"]);
    assert!(e.contains("no CUDA device"), "{e}");
}

#[cfg(feature = "cuda")]
mod built_in {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    impl Machine {
        /// With libraries in the place of the driver's; none where there is no C compiler.
        fn with_libraries() -> Option<Self> {
            let mut m = Self::new();
            let libraries = m.place.path("lib");
            std::fs::create_dir(&libraries).unwrap();
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/pretended.c");
            let made = Command::new("cc")
                .args(["-O2", "-shared", "-fPIC", "-o"])
                .arg(libraries.join("libcuda.so"))
                .arg(source)
                .status();
            match made {
                Ok(s) => assert!(s.success(), "the pretended library does not compile"),
                Err(e) => {
                    println!("skipped: no C compiler ({e})");
                    return None;
                }
            }
            std::os::unix::fs::symlink("libcuda.so", libraries.join("libcublas.so")).unwrap();
            m.env.push(("LD_LIBRARY_PATH", libraries.display().to_string()));
            Some(m)
        }

        fn pretend(&mut self, how: &str) {
            self.env.retain(|e| e.0 != "POLYCULTURE_PRETEND_CUDA");
            self.env.push(("POLYCULTURE_PRETEND_CUDA", how.into()));
        }

        fn result(&self, run: &Value) -> Value {
            let folder = self.place.ws().join("runs").join(run["id"].as_str().unwrap());
            let text = std::fs::read_to_string(folder.join("attempt-1/results.jsonl")).unwrap();
            serde_json::from_str(text.lines().next().unwrap()).unwrap()
        }
    }

    #[test]
    fn a_run_trains_on_the_leased_gpu_with_the_processors_losses() {
        let Some(m) = Machine::with_libraries() else { return };
        let recipe = m.recipe("");
        let tune = |name: &str, device: &str| {
            let run = m.ok(&[
                "finetune",
                "--dataset",
                "d",
                "--recipe",
                &recipe,
                "--name",
                name,
                "--device",
                device,
                "--wait",
            ]);
            assert_eq!(run["state"], "succeeded", "{run}");
            m.result(&run)
        };
        let (cpu, cuda) = (tune("one", "cpu"), tune("two", "cuda"));
        assert_eq!(cpu["device"], json!({"kind": "cpu"}));
        let used = &cuda["device"];
        assert_eq!(used["kind"], "cuda", "{cuda}");
        assert_eq!(used["name"], format!("Pretended GPU ({GPU})"));
        assert!(used["largest_difference"].as_f64().unwrap() < 1e-5, "{cuda}");
        let loss = |x: &Value| x["loss"].as_f64().unwrap();
        assert!((loss(&cpu) - loss(&cuda)).abs() < 1e-4 * loss(&cpu), "{cpu}, {cuda}");
        let says = m.check("cuda")["says"].as_str().unwrap().to_owned();
        assert!(says.contains("driver and cuBLAS load, 1 to be seen"), "{says}");
    }

    #[test]
    fn what_is_wrong_with_a_gpu_ends_the_run_with_the_reason() {
        let Some(mut m) = Machine::with_libraries() else { return };
        let recipe = m.recipe("");
        let tune =
            ["finetune", "--dataset", "d", "--recipe", &recipe, "--device", "cuda", "--wait"];
        for (how, says) in [
            ("tf32", "does not multiply as the processor does"),
            ("room=300000", "has no room for the model"),
        ] {
            m.pretend(how);
            let out = m.run(&tune);
            let said = String::from_utf8(out.stdout).unwrap();
            assert!(!out.status.success() && said.contains(says), "{how}: {said}");
        }
        m.pretend("none");
        let e = m.refused(&tune);
        assert!(e.contains("the driver shows no GPU"), "{e}");
    }

    #[test]
    fn a_gpu_that_is_lost_leaves_its_steps_and_the_next_attempt_goes_on() {
        let Some(mut m) = Machine::with_libraries() else { return };
        let recipe = m.recipe("");
        let tune = |m: &Machine| {
            m.ok(&["finetune", "--dataset", "d", "--recipe", &recipe, "--device", "cuda", "--wait"])
        };
        let whole = tune(&m);
        // The check takes some fifteen products, a step some twenty: in the middle of the run.
        m.pretend("lost=100");
        m.env.push(("POLYCULTURE_RETRY_FIRST_MS", "1".into()));
        let run = tune(&m);
        assert_eq!((&run["state"], &run["attempt"]), (&json!("succeeded"), &json!(2)), "{run}");
        let folder = m.place.ws().join("runs").join(run["id"].as_str().unwrap());
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let failure: Value = serde_json::from_str(&read("attempt-1/failure.json")).unwrap();
        assert_eq!(failure["kind"], "transient", "{failure}");
        let said = failure["message"].as_str().unwrap();
        assert!(said.contains(&format!("Pretended GPU ({GPU}) was lost: ")), "{said}");
        assert!(said.contains("is kept as a checkpoint"), "{said}");
        let text = read("attempt-2/results.jsonl");
        let result: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let from = result["resumed_from"].as_u64().unwrap();
        assert!((1..6).contains(&from) && said.contains(&format!("step {from} is kept")), "{said}");
        // Products of the same device repeat bit for bit.
        assert_eq!(result["loss"], m.result(&whole)["loss"]);
    }

    #[test]
    fn doctor_tries_the_gpu_and_refuses_one_that_rounds() {
        let Some(mut m) = Machine::with_libraries() else { return };
        let found = m.ok(&["doctor", "--cuda"]);
        assert!(found["device"].as_str().unwrap().starts_with("Pretended GPU"), "{found}");
        assert!(found["largest_difference"].as_f64().unwrap() < 1e-5, "{found}");
        let words = m.place.command(&["doctor", "--cuda"]).envs(m.env.clone()).output().unwrap();
        assert!(words.stderr.is_empty(), "memory was kept? {words:?}");
        let words = String::from_utf8(words.stdout).unwrap();
        assert!(words.contains("products agree with the processor's"), "{words}");
        m.pretend("old");
        m.ok(&["doctor", "--cuda"]);
        m.pretend("tf32");
        let e = m.refused(&["doctor", "--cuda"]);
        assert!(e.contains("does not multiply as the processor does"), "{e}");
    }
}
