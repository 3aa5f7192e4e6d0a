//! Augmentation and translation over an endpoint: the real binary, its engine, and a server on
//! loopback that answers as a model would.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use polyculture::providers::{Ask, Offline, Partition, Scope};
use serde_json::{Value, json};

mod common;
use common::Place;

/// What the server was asked and has answered.
#[derive(Default)]
struct Seen {
    answered: Vec<String>,
    /// Holds every call from this number on: the test kills the job then.
    hold_from: Option<usize>,
    held: usize,
}

struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let texts = Arc::new(texts());
        let shared = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, texts) = (shared.clone(), texts.clone());
                std::thread::spawn(move || serve(stream, &seen, &texts));
            }
        });
        Self { port, seen }
    }

    fn answered(&self) -> Vec<String> {
        self.seen.lock().unwrap().answered.clone()
    }
}

/// Paraphrases of every seed, by its wording: those of the rules.
fn texts() -> BTreeMap<String, Vec<String>> {
    let offline = Offline::new().unwrap();
    let ask = |side| Ask { n: 0, rng_seed: 0, scope: Scope::of(side) };
    polyculture::seeds::sample::questions()
        .unwrap()
        .into_iter()
        .map(|q| {
            let all = offline.all_paraphrases(&q, &ask(Partition::Train));
            (q.text.clone(), all.iter().filter_map(|p| p.text().map(str::to_owned)).collect())
        })
        .collect()
}

fn serve(mut stream: TcpStream, seen: &Mutex<Seen>, texts: &BTreeMap<String, Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let asked: Value = serde_json::from_str(&body).unwrap();
    let said = answer(
        asked["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap(),
        texts,
    );
    {
        let mut seen = seen.lock().unwrap();
        if seen.hold_from.is_some_and(|n| seen.answered.len() >= n) {
            seen.held += 1;
            drop(seen);
            // Never answered: the connection ends with the job.
            let _ = reader.read(&mut [0]);
            return;
        }
        seen.answered.push(body);
    }
    let reply = json!({
        "id": "x", "object": "chat.completion", "model": "test-model",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": said}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
    })
    .to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{reply}",
        reply.len()
    );
}

fn answer(user: &str, texts: &BTreeMap<String, Vec<String>>) -> String {
    if user.contains("into French") {
        let text = user.trim().lines().last().unwrap();
        let words = [
            "le monde",
            "les gens",
            "une vie",
            "que nous",
            "dans la ville",
            "avec soin",
            "pour eux",
            "sur la place",
            "des enfants",
            "qui sont",
            "du pays",
            "plus tard",
        ];
        let mut sum: usize = text.bytes().map(usize::from).sum();
        let mut out = String::from("C'est");
        while out.len() < text.len() {
            out += " ";
            out += words[sum % words.len()];
            sum = sum / 3 + 7 * out.len();
        }
        return out + if text.ends_with('?') { " ?" } else { "." };
    }
    if user.contains("\"synonyms\"") {
        return "{\"words\": [{\"word\": \"parents\", \"synonyms\": [\"mother and father\"]}]}"
            .into();
    }
    let family: usize = user
        .split("How to build each sentence: ")
        .nth(1)
        .unwrap()
        .split('\n')
        .next()
        .unwrap()
        .len();
    let (_, all) = texts.iter().find(|(seed, _)| user.contains(seed.as_str())).unwrap();
    let pick = |i: usize| all[(family + i) % all.len()].clone();
    format!("<think>two of them</think>Sure:\n1. \"{}\"\n2. \"{}\"\n", pick(0), pick(5))
}

impl Place {
    fn new(server: &Server, more: &str) -> Self {
        Self::configured(&format!(
            "[providers.loop]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:{}/v1\"\nmodel = \"m\"\nin_flight = 1\n{more}",
            server.port
        ))
    }

    fn fails(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(!out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stderr).unwrap()
    }

    fn samples(&self, more: &[&str]) -> Vec<Value> {
        let doc = self.json(&[&["samples", "list", "--limit", "1000"], more].concat());
        doc["items"].as_array().unwrap().clone()
    }
}

const SEEDS: &str = "Q27,Q28";

#[test]
fn an_endpoint_grows_and_translates_samples_and_is_asked_nothing_twice() {
    let server = Server::start();
    let p = Place::new(&server, "");
    // Bad inputs first, and nothing is asked for any of them.
    let augment = |more: &[&str]| -> Vec<String> {
        ["augment", "--provider", "loop", "--seeds", SEEDS]
            .iter()
            .chain(more)
            .map(|s| (*s).to_owned())
            .collect()
    };
    let strs =
        |v: &Vec<String>| v.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
    let fails = |more: &[&str]| {
        let args = strs(&augment(more));
        p.fails(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(p.fails(&["augment", "--provider", "nobody"]).contains("nobody"));
    assert!(fails(&["--temperature", "9"]).contains("expected 0 to 2"));
    assert!(fails(&["--max-cost", "1"]).contains("needs a price"));
    assert!(p.fails(&["translate", "--to", "klingon", "--provider", "loop"]).contains("klingon"));
    assert!(p.fails(&["translate", "--to", "fr", "--provider", "offline"]).contains("offline"));
    assert!(
        p.fails(&["translate", "--to", "en", "--provider", "loop"])
            .contains("nothing to translate")
    );
    let plan = p.json(&["augment", "--provider", "loop", "--seeds", SEEDS, "--dry-run"]);
    assert_eq!(plan["calls"], 22, "six families and five parents a seed");
    assert!(plan["prompt_tokens"].as_u64().unwrap() > 1000);
    assert!(server.answered().is_empty());

    let text = p.ok(&["augment", "--provider", "loop", "--seeds", SEEDS, "--wait"]);
    assert!(text.contains("from the reply store"), "{text}");
    let asked = server.answered().len();
    let kept = p.samples(&["--decision", "kept"]);
    assert!(kept.len() >= 10, "{}", kept.len());
    assert_eq!(kept[0]["provenance"]["provider"], "openai:loop/m");
    assert!(kept[0]["provenance"]["reply"].is_string());

    // The same again, with nothing kept in between: every reply is there already.
    let ids: Vec<&str> = kept.iter().map(|s| s["id"].as_str().unwrap()).collect();
    p.ok(&[vec!["samples", "reject"], ids.clone()].concat());
    let text = p.ok(&["augment", "--provider", "loop", "--seeds", SEEDS, "--wait"]);
    assert!(text.contains(" 0 calls"), "{text}");
    assert_eq!(server.answered().len(), asked, "nothing was asked twice");
    p.ok(&[vec!["samples", "accept"], ids].concat());

    // A prompt of the user's own, beside the configuration.
    p.ok(&["prompts", "export", p.path("prompts").to_str().unwrap()]);
    let mine = p.path("prompts/translate.toml");
    let text = fs::read_to_string(&mine).unwrap();
    fs::write(
        &mine,
        text.replace("version = 1", "version = 42").replace("{{ text }}", "{{ txt }}"),
    )
    .unwrap();
    let e = p.fails(&["translate", "--to", "fr", "--provider", "loop"]);
    assert!(e.contains("translate.toml, line") && e.contains("`txt`"), "{e}");
    fs::write(&mine, text.replace("version = 1", "version = 42")).unwrap();
    let listed = p.ok(&["prompts", "list"]);
    assert!(listed.contains("translate-42-") && listed.contains("paraphrase-1-"), "{listed}");

    p.ok(&["translate", "--to", "fr", "--provider", "loop", "--seeds", SEEDS, "--wait"]);
    let french = p.samples(&["--stage", "translation", "--language", "fr"]);
    assert_eq!(french.len(), kept.len() + 2, "both seeds and every kept sample");
    let good: Vec<&Value> = french.iter().filter(|s| s["decision"]["decision"] == "kept").collect();
    assert!(good.len() > 4, "{french:#?}");
    assert!(
        good.iter()
            .all(|s| { s["provenance"]["version"].as_str().unwrap().starts_with("translate-42-") })
    );
    let e = p.fails(&[
        "translate",
        "--to",
        "fr",
        "--provider",
        "loop",
        "--seeds",
        "Q27",
        "--what",
        "seeds",
    ]);
    assert!(e.contains("nothing to translate"), "{e}");

    // English against French training text, of the same seeds.
    let local = p.json(&["dataset", "build", "french", "--culture", "german", "--language", "fr"]);
    let own = p.json(&["dataset", "build", "english", "--culture", "german"]);
    assert_eq!(local["rows"].as_u64().unwrap(), good.len() as u64);
    assert!(own["rows"].as_u64().unwrap() >= 50);
    let card = fs::read_to_string(p.path("w/datasets/french/card.md")).unwrap();
    assert!(card.contains("French (`fr`)"), "{card}");
}

#[test]
fn a_job_that_is_killed_in_the_middle_goes_on_and_pays_for_nothing_twice() {
    let server = Server::start();
    server.seen.lock().unwrap().hold_from = Some(9);
    let p = Place::new(&server, "");
    let run = p.json(&["augment", "--provider", "loop", "--seeds", SEEDS]);
    let id = run["id"].as_str().unwrap().to_owned();
    let attempt = p.path(&format!("w/runs/{id}/attempt-1"));
    // The tenth call is under way: nine replies are paid for.
    while server.seen.lock().unwrap().held == 0 {
        std::thread::yield_now();
        assert!(!attempt.join("exit.json").exists(), "the job ended early");
    }
    let started: Value =
        serde_json::from_str(&fs::read_to_string(attempt.join("run.json")).unwrap()).unwrap();
    let pid = started["work"]["pid"].as_u64().unwrap();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    let _ = p.run(&["runs", "wait", &id]);
    server.seen.lock().unwrap().hold_from = None;
    p.ok(&["runs", "retry", &id]);
    let _ = p.run(&["runs", "wait", &id]);
    let mut answered = server.answered();
    let n = answered.len();
    answered.sort();
    answered.dedup();
    assert_eq!(answered.len(), n, "a call was paid twice");
    let kept = p.samples(&["--decision", "kept"]);
    assert!(kept.len() >= 10, "{}", kept.len());
}

#[test]
fn a_limit_stops_the_run_and_what_was_spent_is_said() {
    let server = Server::start();
    let p = Place::new(&server, "price = { prompt = 1000.0, completion = 2000.0 }\n");
    let plan = p.json(&["augment", "--provider", "loop", "--seeds", SEEDS, "--dry-run"]);
    assert!(plan["cost_at_most"].as_f64().unwrap() > 1.0);
    assert_eq!(plan["currency"], "USD");
    // A call is 100 + 50 tokens: 0.2 USD.
    let out =
        p.run(&["augment", "--provider", "loop", "--seeds", SEEDS, "--max-calls", "5", "--wait"]);
    assert!(!out.status.success());
    assert_eq!(server.answered().len(), 5);
    let runs = p.json(&["runs", "list"]);
    let id = runs["items"][0]["id"].as_str().unwrap().to_owned();
    let log = p.ok(&["runs", "logs", &id]);
    assert!(log.contains("limit"), "{log}");
    // Without the limit the rest is asked for, and the five are not paid again.
    let text = p.ok(&["augment", "--provider", "loop", "--seeds", SEEDS, "--wait"]);
    let n = server.answered().len();
    assert!(text.contains(&format!("{} calls, 5 from the reply store", n - 5)), "{text}");
    assert!(text.contains(&format!("cost {:.4}", (n - 5) as f64 * 0.2)), "{text}");
}
