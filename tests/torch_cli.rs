//! The torch backend from the command line: doctor, refusals before the start, a run through the
//! engine to a model that is evaluated, registered, served and connected.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use polyculture::embedded::decoder::Family;
use serde_json::Value;

mod torch;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let p = Self(tempfile::tempdir().unwrap());
        p.ok(&["init", p.ws().to_str().unwrap()]);
        p.ok(&["dataset", "build", "d", "--culture", "german"]);
        p
    }

    fn ws(&self) -> PathBuf {
        self.0.path().join("w")
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.args(args)
            .current_dir(if self.ws().is_dir() { self.ws() } else { self.0.path().to_owned() })
            .env("POLYCULTURE_STATE_DIR", self.0.path().join("s"))
            .env("XDG_CONFIG_HOME", self.0.path())
            .env("HOME", self.0.path())
            .env_remove("POLYCULTURE_CONFIG")
            .env_remove("POLYCULTURE_WORKSPACE")
            .stdin(Stdio::null());
        c.output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).unwrap()
    }

    fn refused(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(!out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stderr).unwrap()
    }

    /// A Python that says it has these packages.
    fn python_with(&self, packages: &str) -> String {
        let says = format!(
            "#!/bin/sh\necho '{{\"python\": \"3.12.1\", \"executable\": \"x\", \"venv\": true, \
             \"packages\": {{{packages}}}}}'\n"
        );
        // Put there by a process of its own: a file that a child of another thread still has open for
        // writing cannot be executed.
        let draft = self.file("draft", &says);
        let path = self.0.path().join("python").display().to_string();
        let words = ["-c", "cp \"$1\" \"$2\" && chmod 755 \"$2\"", "sh", &draft, &path];
        assert!(Command::new("sh").args(words).status().unwrap().success());
        path
    }

    fn runs(&self) -> usize {
        std::fs::read_dir(self.ws().join("runs")).map_or(0, Iterator::count)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.run(&["engine", "stop"]);
    }
}

const GOOD: &str = "\"torch\": \"2.9.0\", \"transformers\": \"5.1.0\", \"accelerate\": \"1.9\", \
                    \"safetensors\": \"0.6\"";

fn recipe(base: &Path, more: &str) -> String {
    torch::recipe(base, "torch", true, &format!("steps = 6\n{more}"), "")
}

#[test]
fn what_a_python_lacks_is_said_before_anything_starts_with_the_command_that_mends_it() {
    let p = Place::new();
    let base = torch::base(p.0.path(), Family::Llama, |_| {});
    let lora = p.file("lora.toml", &recipe(&base, ""));
    let tune = |python: &str, recipe: &str| {
        p.refused(&["finetune", "--dataset", "d", "--recipe", recipe, "--python", python])
    };
    let e = tune("/no/such/python", &lora);
    assert!(e.contains("/no/such/python") && e.contains("doctor --torch"), "{e}");
    let python = p.python_with(GOOD);
    let e = tune(&python, &lora);
    assert!(e.contains("lacks peft (not there)"), "{e}");
    assert!(e.contains(&format!("{python} -m pip install 'peft>=")), "{e}");
    let nf4 = recipe(&base, "").replace("[torch]", "[torch]\nquant = \"nf4\"");
    let nf4 = p.file("nf4.toml", &nf4);
    let python = p.python_with(&format!("{GOOD}, \"peft\": \"0.19\""));
    let e = tune(&python, &nf4);
    assert!(e.contains("bitsandbytes") && e.contains("pip install 'bitsandbytes>="), "{e}");
    assert_eq!(p.runs(), 0, "nothing was left behind");
    // What it cannot follow stands at its line.
    let line = p.file("line.toml", &recipe(&base, "").replace("[lora]", "[openai]\n[lora]"));
    let e = tune(&python, &line);
    assert!(e.contains("line.toml, line ") && e.contains("openai"), "{e}");
    let doc = p.json(&["doctor", "--torch", "--python", &python]);
    assert_eq!(doc["packages"].as_array().unwrap().len(), 6, "{doc}");
    let all = doc["install_all"].as_str().unwrap();
    assert!(doc["install"].is_null() && all.contains("bitsandbytes"));
    let words = p.ok(&["doctor", "--torch", "--python", &python]);
    assert!(words.contains("only for quant") && words.contains("pip install"), "{words}");
}

#[test]
fn a_run_becomes_a_model_that_is_evaluated_served_and_connected() {
    let Some(_) = torch::python() else { return };
    let p = Place::new();
    let base = torch::base(p.0.path(), Family::Qwen2, |_| {});
    let recipe = p.file("r.toml", &recipe(&base, "checkpoint_every = 3"));
    let tune = ["finetune", "--dataset", "d", "--recipe", &recipe, "--name", "greek", "--wait"];
    let run = p.json(&tune);
    assert_eq!(run["state"], "succeeded", "{run}");
    let model = p.json(&["models", "show", "greek"]);
    assert_eq!((&model["kind"], &model["card"]["trained"]["step"]), (&"torch".into(), &6.into()));
    let adapter = model["checkpoint"].as_str().unwrap().to_owned();
    p.ok(&["models", "add", "friend", &format!("path:{adapter}"), "--note", "a copy"]);
    let evaluate = ["evaluate", "--model", "greek,friend", "--cultures", "german", "--wait"];
    assert_eq!(p.json(&evaluate)["state"], "succeeded");
    let card = p.ok(&["models", "card", "friend"]);
    assert!(card.contains("locked before scoring"), "an evaluation of an added adapter: {card}");
    let plan = p.json(&["models", "serve", "greek", "--port", "8011"]);
    let line = plan["line"].as_str().unwrap();
    assert!(line.contains("--enable-lora") && line.contains(&format!("greek={adapter}")), "{line}");
    assert!(line.contains(base.to_str().unwrap()), "{line}");
    p.ok(&["models", "connect", "greek", "--base-url", plan["base_url"].as_str().unwrap()]);
    let text = std::fs::read_to_string(p.0.path().join("polyculture/config.toml")).unwrap();
    assert!(text.contains("http://localhost:8011/v1"), "{text}");
    assert!(text.contains("model = \"greek\""), "{text}");
    p.ok(&["models", "add", "far", "provider:greek/greek"]);
    let far = p.json(&["models", "show", "far"]);
    assert_eq!((&far["kind"], &far["checkpoint"]), (&"provider".into(), &Value::Null));
    let e = p.refused(&["models", "serve", "far"]);
    assert!(e.contains("served already"), "{e}");
    let e = p.refused(&["models", "merge", "far", "-o", "x"]);
    assert!(e.contains("lies in no folder here"), "{e}");
    let list = p.ok(&["models", "list"]);
    assert!(list.contains("torch") && list.contains("provider") && list.contains("path"), "{list}");
}
