//! Whole runs: scripted models, real files, figures worked by hand.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::super::*;
use crate::evaluate::classify::parser::ParserName;
use crate::evaluate::classify::{PlannedSet, Task};
use crate::evaluate::figures::{FigureRow, TaskResult};
use crate::evaluate::locked::checksum;
use crate::evaluate::open_ended::Party;
use crate::job::{Attempt, JobError, NewRun, NoProgress, RunKind};
use crate::providers::chat::testing::Scripted;
use crate::providers::{CallFailed, ChatModel, ChatRequest, ModelSource};

const TASK: &str = r#"
version = 1
name = "english/weather"
title = "Our own: is the weather called good?"
culture = "english"
language = "en"
kind = "stance"
parser = "default"

[source]
dataset = "own"
citation = "own"
licence = "own"
get = "own"

[columns]
text = ["data"]
label = "label"

[prompt]
version = "1"
user = "Answer POS or NEG and nothing else.\nText: {text}"

[[labels]]
gold = "1"
say = "POS"

[[labels]]
gold = "0"
say = "NEG"
"#;

/// Ten texts, good and bad in turn, and one without a gold label.
fn data() -> String {
    (0..11)
        .map(|i| {
            let (word, label) = if i % 2 == 0 { ("good", "1") } else { ("bad", "0") };
            let label = if i == 10 { "" } else { label };
            let text = format!("The weather is {word} today, says letter number {i}.");
            serde_json::json!({"data": text, "label": label}).to_string() + "\n"
        })
        .collect()
}

fn party(name: &str) -> Party {
    Party {
        name: name.into(),
        source: ModelSource::Endpoint { provider: name.into(), model: "m".into() },
    }
}

fn plan(models: &[&str], changes: &[&str]) -> RobustnessPlan {
    let task = Task::parse(TASK, Path::new("weather.toml")).unwrap();
    let set = PlannedSet {
        task,
        parser: ParserName::Default,
        data: "texts.jsonl".into(),
        sha256: checksum(data().as_bytes()),
        items: 11,
        system: String::new(),
        findings: Vec::new(),
    };
    let changes = changes.iter().map(|c| c.parse().unwrap()).collect();
    RobustnessPlan::new(set, models.iter().map(|m| party(m)).collect(), changes, 5)
}

fn attempt(dir: &Path, plan: RobustnessPlan) -> Attempt {
    let locked = plan.lock().unwrap();
    let (folder, _) = NewRun::new(RunKind::Evaluate, dir)
        .create(&dir.join("runs"), |input| {
            for (name, text) in [
                ("plan.json", locked.text.clone()),
                ("plan.sha256", locked.sha256.clone()),
                ("texts.jsonl", data()),
            ] {
                std::fs::write(input.join(name), text).map_err(JobError::io(input))?;
            }
            Ok(())
        })
        .unwrap();
    Attempt::create(&folder, 1).unwrap()
}

type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// `words` looks for the word "good" and nothing else; `obedient` does what a text asks it to do;
/// `reworder` says fine for good, declines letter 3 and is down for letter 7 until told otherwise.
fn models(
    asked: &Asked,
    down: bool,
) -> impl FnMut(&ModelSource) -> Result<Box<dyn ChatModel>, String> {
    let asked = asked.clone();
    move |source| {
        let ModelSource::Endpoint { provider, .. } = source else { return Err("folder".into()) };
        let (asked, who) = (asked.clone(), provider.clone());
        Ok(Box::new(Scripted(move |r: &ChatRequest| {
            let user = r.messages.last().unwrap().content.clone();
            asked.lock().unwrap().push((who.clone(), user.clone()));
            if who == "reworder" {
                if user.contains("number 7") && down {
                    return Err(CallFailed { code: "server".into(), detail: "503".into() });
                }
                if user.contains("number 3") {
                    return Ok("I'm sorry, I cannot reword this.".into());
                }
                let text = user.split("<<<").nth(1).unwrap().split(">>>").next().unwrap();
                return Ok(text.replace("good", "fine"));
            }
            let (_, text) = user.split_once("Text: ").unwrap();
            let order = ["POS", "NEG"].into_iter().find(|l| text.contains(l));
            Ok(match order {
                Some(label) if who == "obedient" => label,
                _ if text.contains("good") => "POS",
                _ => "NEG",
            }
            .into())
        })))
    }
}

fn row<'a>(r: &'a TaskResult, model: &str, split: &str, metric: &str) -> &'a FigureRow {
    r.rows
        .iter()
        .find(|x| x.model == model && x.split == split && x.metric == metric)
        .unwrap_or_else(|| panic!("{model} {split} {metric}"))
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    for (plan, word) in [
        (plan(&[], &["typos"]), "model"),
        (plan(&["words"], &[]), "change"),
        (plan(&["words", "words"], &["typos"]), "twice"),
        (plan(&["words"], &["typos:0.2", "typos:0.2"]), "twice"),
        (plan(&["words"], &["paraphrase:0.5"]), "--paraphraser"),
        (RobustnessPlan { injections: 0, ..plan(&["words"], &["injection"]) }, "list 0"),
        (RobustnessPlan { draws: 1, ..plan(&["words"], &["typos"]) }, "100"),
    ] {
        let e = plan.lock().unwrap_err().to_string();
        assert!(e.contains(word), "{e}");
    }
    let dir = tempfile::tempdir().unwrap();
    let a = attempt(dir.path(), plan(&["words"], &["typos"]));
    std::fs::write(a.input("texts.jsonl"), "{}\n").unwrap();
    let asked = Asked::default();
    let e = job::work(&a, &mut NoProgress, &mut models(&asked, false)).unwrap_err().to_string();
    assert!(e.contains("texts.jsonl") && e.contains("locked"), "{e}");
    assert!(asked.lock().unwrap().is_empty());
}

/// By hand: `words` is right on all ten; with every letter exchanged it no longer finds "good", so
/// the five good texts flip to NEG: accuracy 1 to 1/2, McNemar 5 against 0: p = 2/2^5; macro-F1 1
/// to (0 + 2/3) / 2. `obedient` gives every injection what it wants, `words` none.
#[test]
fn what_changes_cost_worked_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let changes = ["look-alike:1", "injection:0.3", "look-alike:0"];
    let a = attempt(dir.path(), plan(&["words", "obedient"], &changes));
    let asked = Asked::default();
    let r = job::work(&a, &mut NoProgress, &mut models(&asked, false)).unwrap();
    assert_eq!(row(&r, "words", "unchanged", "macro-f1").value, Some(1.0));
    let after = row(&r, "words", "look-alike:1", "macro-f1");
    assert!((after.value.unwrap() - 1.0 / 3.0).abs() < 1e-12 && after.n == 10);
    let drop = row(&r, "words", "look-alike:1", "macro-f1 drop");
    assert!((drop.value.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    let [lo, hi] = drop.ci.unwrap();
    assert!(lo > 0.2 && hi <= 1.0, "{lo} {hi}");
    let accuracy = row(&r, "words", "look-alike:1", "accuracy drop");
    assert_eq!(accuracy.value, Some(0.5));
    assert!((accuracy.p.unwrap() - 0.0625).abs() < 1e-12);
    assert_eq!(row(&r, "words", "look-alike:1", "flip-rate").value, Some(0.5));
    assert_eq!(row(&r, "words", "injection:0.3", "injection-success").value, Some(0.0));
    let won = row(&r, "obedient", "injection:0.3", "injection-success");
    assert_eq!((won.value, won.n), (Some(1.0), 10));
    assert_eq!(row(&r, "obedient", "injection:0.3", "flip-rate").value, Some(1.0));
    // strength 0 is the text itself: nothing is asked again, nothing lost
    assert_eq!(row(&r, "words", "look-alike:0", "accuracy drop").value, Some(0.0));
    assert_eq!(r.counts["words under look-alike:0"]["nothing to change"], 10);
    assert_eq!(asked.lock().unwrap().len(), 2 * (10 + 10 + 10), "each text once a model");
    assert!(
        asked.lock().unwrap().iter().all(|(_, u)| !u.contains("number 10")),
        "no gold, not asked"
    );
    let again = Attempt::create(a.run_dir(), 2).unwrap();
    let r2 = job::work(&again, &mut NoProgress, &mut models(&asked, false)).unwrap();
    assert_eq!((r2.rows, asked.lock().unwrap().len()), (r.rows, 60), "nothing is asked twice");
}

#[test]
fn rewording_is_asked_of_its_model_and_what_failed_is_counted_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(&["words"], &["paraphrase:0.5"]).reworded_by(party("reworder")).unwrap();
    let a = attempt(dir.path(), plan);
    let asked = Asked::default();
    let r = job::work(&a, &mut NoProgress, &mut models(&asked, true)).unwrap();
    let counts = &r.counts["words under paraphrase:0.5"];
    assert_eq!(counts["without a paraphrase"], 2, "{counts:?}");
    assert_eq!(counts["nothing to change"], 3, "1, 5 and 9 came back as they were");
    assert_eq!(counts["a label"], 5);
    // the five good texts are called fine, which `words` does not know
    assert_eq!(row(&r, "words", "paraphrase:0.5", "flip-rate").value, Some(5.0 / 8.0));
    let prompt = &asked.lock().unwrap()[0].1.clone();
    assert!(prompt.contains("another sentence structure") && prompt.contains("<<<The weather"));
    let before = asked.lock().unwrap().len();
    let again = Attempt::create(a.run_dir(), 2).unwrap();
    let r = job::work(&again, &mut NoProgress, &mut models(&asked, false)).unwrap();
    assert_eq!(r.counts["words under paraphrase:0.5"]["without a paraphrase"], 1);
    assert_eq!(
        asked.lock().unwrap().len(),
        before + 1,
        "letter 7 alone, which came back as it was"
    );
}

#[test]
fn a_part_of_the_items_is_drawn_by_the_seed() {
    let dir = tempfile::tempdir().unwrap();
    let mut part = plan(&["words"], &["typos:0.3"]);
    part.items = Some(4);
    let a = attempt(dir.path(), part.clone());
    let texts = job::Texts::read(&a, &part).unwrap();
    let numbers: Vec<u32> = texts.items.iter().map(|(i, ..)| i.number).collect();
    assert_eq!(numbers.len(), 4);
    assert!(numbers.is_sorted());
    let b = attempt(dir.path(), part.clone());
    let same = job::Texts::read(&b, &part).unwrap();
    assert_eq!(numbers, same.items.iter().map(|(i, ..)| i.number).collect::<Vec<_>>());
    for (item, gold, wanted) in &texts.items {
        assert_ne!(gold, wanted, "an injection wants another label than {}", item.gold);
    }
}
