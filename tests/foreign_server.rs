//! A server that others wrote, driven through the provider: llama.cpp's own, with a tiny random
//! model that a script of ours makes. Needs a Python with `pip install xllamacpp gguf`, named by
//! `POLYCULTURE_FOREIGN_PYTHON`; skipped, and said so, without it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use polyculture::config::UserConfig;
use polyculture::domain::prompt::Prompt;
use polyculture::providers::openai::{self, OpenAi, probe};
use polyculture::providers::replies::Recorded;
use polyculture::providers::{
    ChatModel, ChatRequest, Finish, ProviderError, ReplyPlaces, ReplySchema, ask_all,
};

const VARIABLE: &str = "POLYCULTURE_FOREIGN_PYTHON";

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(name)
}

/// llama.cpp in a Python process; it ends with this.
struct Server {
    child: Child,
    base_url: String,
}

impl Server {
    fn start(python: &str, model: &Path) -> Self {
        let mut child = Command::new(python)
            .args([&script("serve_llama_cpp.py"), model])
            .arg(KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut base_url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut base_url).unwrap();
        assert!(base_url.starts_with("http://"), "the server did not start: {base_url:?}");
        Self { child, base_url: base_url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const KEY: &str = "any-words-will-do";

fn config(dir: &Path, server: &Server, key: &str) -> UserConfig {
    let key_file = dir.join("key");
    fs::write(&key_file, key).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = dir.join("config.toml");
    let text = format!(
        "[providers.llama]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"tiny-random\"\n\
         key_file = \"{}\"\nretries = 1\n",
        server.base_url,
        key_file.display()
    );
    fs::write(&file, text).unwrap();
    UserConfig::read(&file).unwrap()
}

fn open(dir: &Path, server: &Server) -> Recorded<OpenAi> {
    let write = dir.join("replies.jsonl");
    let places =
        ReplyPlaces { read: vec![write.clone()], write: Some(write), ..ReplyPlaces::default() };
    openai::open(&config(dir, server, KEY), "llama", "", &places).unwrap()
}

fn requests() -> Vec<ChatRequest> {
    (0..60)
        .map(|i| {
            let mut r = ChatRequest::greedy("Be brief.", format!("Question {}?", i / 3), 8);
            r.sampling.temperature = 0.9;
            r.sampling.seed = Some(5);
            r.draw = i % 3;
            r
        })
        .collect()
}

#[test]
fn llama_cpp_is_driven_with_everything_that_it_offers() {
    let Ok(python) = std::env::var(VARIABLE) else {
        println!("skipped: {VARIABLE} names no Python with xllamacpp and gguf");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("tiny.gguf");
    let made = Command::new(&python).args([&script("tiny_gguf.py"), &model]).status().unwrap();
    assert!(made.success());
    let server = Server::start(&python, &model);

    // What it offers.
    let found = probe(&config(dir.path(), &server, KEY), "llama", "").unwrap();
    println!("{found:?}");
    assert_eq!((found.structured, found.log_probs, found.usage), ("json_schema", true, true));

    // A wrong key: at once, in its words, without the key.
    let e = probe(&config(dir.path(), &server, "another"), "llama", "").unwrap_err();
    assert!(matches!(e, ProviderError::Refused { .. }), "{e:?}");
    assert!(e.to_string().contains("Invalid API Key") && !e.to_string().contains("another"), "{e}");

    // Many at a time; three draws of each prompt differ and are three calls.
    let mut m = open(dir.path(), &server);
    let (first, totals) = ask_all(&mut m, &requests()).unwrap();
    assert_eq!((totals.calls, totals.failed), (60, 0));
    assert!(totals.usage.prompt > 60 && totals.usage.completion > 60, "{totals:?}");
    let texts: Vec<String> = first.iter().map(|r| r.as_ref().unwrap().text.clone()).collect();
    assert!(texts.chunks(3).any(|c| c[0] != c[1]), "{texts:?}");
    assert!(first.iter().all(|r| r.as_ref().unwrap().finish == Finish::Length), "{first:?}");

    // A shape that it holds the model to, random weights or not.
    let mut shaped = ChatRequest::greedy("", "Yes or no?", 64);
    let schema = serde_json::json!({"type": "object", "required": ["answer"],
        "additionalProperties": false,
        "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}}});
    shaped.schema = Some(ReplySchema { name: "answer".into(), schema });
    let (replies, _) = ask_all(&mut m, &[shaped]).unwrap();
    let said: serde_json::Value = serde_json::from_str(&replies[0].as_ref().unwrap().text).unwrap();
    assert!(["yes", "no"].contains(&said["answer"].as_str().unwrap()), "{said}");

    // Scores: the model's own first word is the likeliest answer.
    let (replies, _) = ask_all(&mut m, &[ChatRequest::greedy("", "Choose.", 1)]).unwrap();
    let likeliest = replies[0].as_ref().unwrap().text.trim().to_owned();
    if likeliest.len() == 1 {
        let answers = vec!["~".into(), likeliest];
        let prompt = Prompt { system: String::new(), user: "Choose.".into(), answers };
        let scores = m.score(&[prompt]).unwrap().unwrap();
        assert!(scores[0].log_probs[1] > scores[0].log_probs[0], "{scores:?}");
        assert!(scores[0].listed_mass() < 0.5, "random weights choose nothing: {scores:?}");
    }

    // Longer than its context: this request fails, the next goes on.
    let long = ChatRequest::greedy("", "word ".repeat(5_000), 4);
    let (replies, _) = ask_all(&mut m, &[long, ChatRequest::greedy("", "Short?", 4)]).unwrap();
    let failed = replies[0].as_ref().unwrap_err();
    assert_eq!(failed.code, "too-long", "{failed:?}");
    assert!(replies[1].is_ok());
    drop(m);

    // It is gone: said so. It comes back elsewhere: what was answered is not asked again.
    drop(server);
    let server = Server::start(&python, &model);
    let address = server.base_url.clone();
    let mut m = open(dir.path(), &server);
    let (again, totals) = ask_all(&mut m, &requests()).unwrap();
    assert_eq!((totals.calls, totals.stored), (0, 60), "{address}");
    assert_eq!(texts, again.iter().map(|r| r.as_ref().unwrap().text.clone()).collect::<Vec<_>>());
    drop(server);
    let e = ask_all(&mut m, &[ChatRequest::greedy("", "Still there?", 4)]).unwrap_err();
    assert!(matches!(e, ProviderError::Unreachable { .. }), "{e:?}");
}
