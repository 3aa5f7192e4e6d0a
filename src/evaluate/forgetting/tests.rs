//! The room from its door: bad files first, grades, then a difference worked by hand.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::*;
use crate::evaluate::figures::FigureRow;
use crate::evaluate::locked::Locked;
use crate::evaluate::open_ended::Party;
use crate::job::{Attempt, JobError, NewRun, NoProgress, RunKind};
use crate::providers::chat::testing::Scripted;
use crate::providers::{CallFailed, ChatModel, ChatReply, ChatRequest, Finish, ModelSource, Usage};

fn file(dir: &Path, name: &str, text: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/forgetting").join(name)
}

#[test]
fn files_that_are_not_gsm8k_are_refused_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let good = b"{\"question\":\"1+1?\",\"answer\":\"#### 2\"}\n".as_slice();
    for (name, tail, words) in [
        ("a.jsonl", b"not json\n".as_slice(), &["line 2", "question"][..]),
        ("b.jsonl", b"{\"question\":\"2+2?\",\"answer\":\"4\"}\n", &["line 2", "####"]),
        ("c.jsonl", b"{\"question\":\"2+2?\",\"answer\":\"#### four\"}\n", &["line 2", "number"]),
        ("d.jsonl", b"{\"question\":\" \",\"answer\":\"#### 4\"}\n", &["line 2", "empty"]),
        ("e.jsonl", b"{\"question\":\"\xff\"}\n", &["line 2", "UTF-8"]),
        ("f.jsonl", b"{\"input\":\"2+2?\",\"target\":\"4\"}\n", &["line 2", "question"]),
    ] {
        let path = file(dir.path(), name, &[good, tail].concat());
        let e = read_gsm8k(&path).unwrap_err().to_string();
        assert!(e.contains(name) && words.iter().all(|w| e.contains(w)), "{name}: {e}");
    }
    assert!(
        read_gsm8k(&file(dir.path(), "g.jsonl", b"\n\n"))
            .unwrap_err()
            .to_string()
            .contains("no item")
    );
    assert!(read_gsm8k(&dir.path().join("none")).is_err());
    let bom = file(dir.path(), "h.jsonl", &[b"\xef\xbb\xbf".as_slice(), good].concat());
    assert_eq!(read_gsm8k(&bom).unwrap()[0].gold, "2");
}

#[test]
fn files_that_are_not_bbh_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text, word) in [
        ("a.json", "[]", "examples"),
        ("b.json", "{\"examples\": []}", "no example"),
        ("c.json", "{\"examples\": [{\"input\": \"x\"}]}", "target"),
        ("d.json", "{\"examples\": [{\"input\": \"x\", \"target\": \" \"}]}", "example 1"),
    ] {
        let e = read_bbh(&file(dir.path(), name, text.as_bytes())).unwrap_err().to_string();
        assert!(e.contains(word), "{name}: {e}");
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(read_bbh(empty.path()).unwrap_err().to_string().contains("no .json"));
    assert!(read_cot(empty.path()).unwrap_err().to_string().contains("no .txt"));
    assert!(read_cot(&file(dir.path(), "x.txt", b"notice\n-----\n \n")).is_err());
}

#[test]
fn our_samples_read_and_their_own_answers_are_right() {
    let sums = read_gsm8k(&sample("gsm8k.jsonl")).unwrap();
    assert_eq!(sums.len(), 8);
    assert_eq!((sums[3].gold.as_str(), sums[7].gold.as_str()), ("15.75", "1008"));
    for s in sums.iter().chain(&own_shots().unwrap()) {
        let g = grade(Bench::Gsm8k, s, &reply(&s.worked, Finish::Stop));
        assert!(g.strict && g.flexible, "{}", s.id);
    }
    let puzzles = read_bbh(&sample("bbh")).unwrap();
    assert_eq!(puzzles.len(), 8);
    for p in &puzzles {
        let said = format!("So the answer is {}.", p.gold);
        let g = grade(Bench::Bbh, p, &reply(&said, Finish::Stop));
        assert!(g.strict && g.flexible, "{}", p.id);
    }
    let cot = read_cot(&sample("bbh-cot")).unwrap();
    assert!(cot["odd_one_out"].starts_with("Find the word"), "the notice is left out");
}

fn reply(text: &str, finish: Finish) -> ChatReply {
    ChatReply {
        text: text.into(),
        finish,
        refusal: None,
        usage: Usage::default(),
        model: "m".into(),
        key: "k".into(),
        stored: false,
    }
}

#[test]
fn wrong_refused_cut_off_and_empty_replies_are_told_apart() {
    let item = &read_gsm8k(&sample("gsm8k.jsonl")).unwrap()[0];
    for (text, finish, class, right) in [
        ("That makes 63.", Finish::Stop, "answered", (false, true)),
        ("#### 63", Finish::Stop, "answered", (true, true)),
        ("#### 63\nI sold 3 more.", Finish::Stop, "answered", (true, false)),
        ("#### ٦٣", Finish::Stop, "answered", (true, true)),
        ("#### 64", Finish::Stop, "answered", (false, false)),
        ("I'm sorry, I cannot help with that.", Finish::Stop, "refused", (false, false)),
        ("4 crates hold 72", Finish::Length, "cut off", (false, false)),
        ("<think>63", Finish::Stop, "cut off", (false, false)),
        ("<think>64</think>63", Finish::Stop, "answered", (false, true)),
        ("no idea", Finish::Stop, "no answer found", (false, false)),
        ("", Finish::Stop, "no answer found", (false, false)),
    ] {
        let g = grade(Bench::Gsm8k, item, &reply(text, finish));
        assert_eq!((g.class.as_str(), (g.strict, g.flexible)), (class, right), "{text}");
    }
}

fn party(name: &str) -> Party {
    Party {
        name: name.into(),
        source: ModelSource::Endpoint { provider: name.into(), model: "m".into() },
    }
}

fn attempt(dir: &Path, plan: ForgettingPlan, items: &[u8]) -> Attempt {
    let locked: Locked<ForgettingPlan> = plan.lock().unwrap();
    let (folder, _) = NewRun::new(RunKind::Evaluate, dir)
        .create(&dir.join("runs"), |input| {
            for (name, bytes) in [
                ("plan.json", locked.text.as_bytes()),
                ("plan.sha256", locked.sha256.as_bytes()),
                ("items.jsonl", items),
            ] {
                std::fs::write(input.join(name), bytes).map_err(JobError::io(input))?;
            }
            Ok(())
        })
        .unwrap();
    Attempt::create(&folder, 1).unwrap()
}

fn frozen(items: &[ForgettingItem]) -> Vec<u8> {
    items
        .iter()
        .flat_map(|i| serde_json::to_string(i).unwrap().into_bytes().into_iter().chain([b'\n']))
        .collect()
}

/// `base` knows items 1-7, `tuned` 4-7 (and fails to answer item 8).
fn models(
    asked: &Arc<Mutex<Vec<ChatRequest>>>,
) -> impl FnMut(&ModelSource) -> Result<Box<dyn ChatModel>, String> {
    let asked = asked.clone();
    let items = read_gsm8k(&sample("gsm8k.jsonl")).unwrap();
    move |source| {
        let ModelSource::Endpoint { provider, .. } = source else { return Err("folder".into()) };
        let (asked, who, items) = (asked.clone(), provider.clone(), items.clone());
        Ok(Box::new(Scripted(move |r: &ChatRequest| {
            asked.lock().unwrap().push(r.clone());
            let user = &r.messages.last().unwrap().content;
            let n = items
                .iter()
                .position(|i| user.ends_with(&format!("Question: {}\nAnswer:", i.question)));
            let n = n.unwrap() + 1;
            if who == "tuned" && n == 8 {
                return Err(CallFailed { code: "server".into(), detail: "500".into() });
            }
            let knows = n < 8 && (who == "base" || n >= 4);
            Ok(if knows { format!("#### {}", items[n - 1].gold) } else { "#### 1".into() })
        })))
    }
}

fn row<'a>(rows: &'a [FigureRow], model: &str, metric: &str) -> &'a FigureRow {
    rows.iter().find(|r| r.model == model && r.metric == metric && r.split == "all").unwrap()
}

/// By hand: base 7 of 8; tuned 4 of the 7 it answered; over those 7 it lost 3 and gained none:
/// difference -3/7, exact McNemar p = 2 / 2^3.
#[test]
fn forgetting_worked_by_hand_and_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let items = read_gsm8k(&sample("gsm8k.jsonl")).unwrap();
    let bytes = frozen(&items);
    let prompt = forgetting_prompt(Bench::Gsm8k).unwrap();
    let twice = vec![party("base"), party("base")];
    assert!(ForgettingPlan::new(Bench::Gsm8k, twice, &prompt, &bytes, 1).lock().is_err());
    let both = vec![party("base"), party("tuned")];
    let mut plan = ForgettingPlan::new(Bench::Gsm8k, both, &prompt, &bytes, 1);
    plan.shots = own_shots().unwrap();
    let a = attempt(dir.path(), plan, &bytes);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let r = job::work(&a, &mut NoProgress, &mut models(&asked)).unwrap();
    let first = asked.lock().unwrap()[0].clone();
    let text = &first.messages[0].content;
    assert_eq!(text.matches("Question: ").count(), 6, "five examples and the item: {text}");
    assert_eq!(first.sampling.stop, ["Question:"]);
    let base = row(&r.rows, "base", "strict-match");
    assert_eq!((base.value, base.n), (Some(7.0 / 8.0), 8));
    // Wilson, 7 of 8 (scipy 1.12)
    let [lo, hi] = base.ci.unwrap();
    assert!((lo - 0.529_111).abs() < 1e-5 && (hi - 0.977_583).abs() < 1e-5, "{lo} {hi}");
    let tuned = row(&r.rows, "tuned", "flexible-extract");
    assert_eq!((tuned.value, tuned.n), (Some(4.0 / 7.0), 7));
    let d = row(&r.rows, "tuned", "strict-match difference");
    assert!((d.value.unwrap() + 3.0 / 7.0).abs() < 1e-12 && d.n == 7);
    assert!((d.p.unwrap() - 0.25).abs() < 1e-12);
    assert!(d.note.contains("0 items gained, 3 lost"));
    assert_eq!(r.counts["tuned"]["failed"], 1);
    assert_eq!(r.counts["tuned"].values().sum::<usize>(), 8);
    let before = asked.lock().unwrap().len();
    let again = Attempt::create(a.run_dir(), 2).unwrap();
    let r2 = job::work(&again, &mut NoProgress, &mut models(&asked)).unwrap();
    assert_eq!(asked.lock().unwrap().len(), before + 1, "the failed call alone");
    assert_eq!(r.rows, r2.rows);
}

#[test]
fn bbh_is_asked_with_its_worked_examples_and_shown_by_subtask() {
    let dir = tempfile::tempdir().unwrap();
    let items = read_bbh(&sample("bbh")).unwrap();
    let bytes = frozen(&items);
    let prompt = forgetting_prompt(Bench::Bbh).unwrap();
    let mut plan = ForgettingPlan::new(Bench::Bbh, vec![party("base")], &prompt, &bytes, 1);
    plan.worked = read_cot(&sample("bbh-cot")).unwrap();
    let a = attempt(dir.path(), plan, &bytes);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let mut make = move |_: &ModelSource| {
        let log = log.clone();
        Ok(Box::new(Scripted(move |r: &ChatRequest| {
            log.lock().unwrap().push(r.messages[0].content.clone());
            Ok("I look at them. So the answer is (B).".into())
        })) as Box<dyn ChatModel>)
    };
    let r = job::work(&a, &mut NoProgress, &mut make).unwrap();
    let asked = asked.lock().unwrap();
    let odd = asked.iter().find(|t| t.contains("harbour")).unwrap();
    assert!(
        odd.starts_with("Find the word") && odd.ends_with("Let's think step by step."),
        "{odd}"
    );
    let number = asked.iter().find(|t| t.contains("93")).unwrap();
    assert!(number.starts_with("Q: ") && number.contains("So the answer is X"), "{number}");
    assert_eq!(row(&r.rows, "base", "strict-match").value, Some(0.25));
    let part = r.rows.iter().find(|r| r.split == "odd_one_out").unwrap();
    assert_eq!((part.value, part.n), (Some(0.5), 4));
}
