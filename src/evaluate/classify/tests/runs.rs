//! The job on real files: killed and resumed, scored by hand, beside scikit-learn.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::evaluate::locked::checksum;
use crate::job::{Attempt, JobError, NoProgress, Progress};
use crate::providers::chat::testing::Scripted;
use crate::providers::{CallFailed, ChatModel, ModelSource};

/// A task of two labels in a file of its own.
pub fn two_labels(name: &str, pool: &str) -> Task {
    let text = format!(
        r#"
version = 1
name = "made/{name}"
title = "Made"
culture = "made"
language = "en"
kind = "offensive"
pool = "{pool}"
parser = "default"
paper_rules = "offensive"
[source]
dataset = "Made"
citation = "ours"
licence = "ours"
get = "here"
[columns]
text = ["data", "tweet"]
label = "label"
[prompt]
version = "made-1"
user = "OFF or NOT_OFF? {{text}}"
[[labels]]
gold = "OFF"
say = "OFF"
words = ["offensive", "yes"]
[[labels]]
gold = "NOT"
say = "NOT_OFF"
words = ["not offensive", "no"]
"#
    );
    Task::parse(&text, "made.toml".as_ref()).unwrap()
}

fn lines(items: impl IntoIterator<Item = (String, &'static str)>) -> String {
    items
        .into_iter()
        .map(|(t, l)| serde_json::json!({"data": t, "label": l}).to_string() + "\n")
        .collect()
}

/// A run folder with its frozen input, and its first attempt.
fn frozen(
    dir: &Path,
    sets: &[(Task, String)],
    models: &[&str],
    change: impl Fn(&mut ClassifyPlan),
) -> Attempt {
    let input = dir.join("input");
    fs::create_dir_all(&input).unwrap();
    let mut planned = Vec::new();
    for (i, (task, data)) in sets.iter().enumerate() {
        let name = format!("data-{i}.jsonl");
        fs::write(input.join(&name), data).unwrap();
        let found = check(task, &input.join(&name), ParserName::Default).unwrap();
        planned.push(PlannedSet {
            task: task.clone(),
            parser: ParserName::Default,
            data: name,
            sha256: checksum(data.as_bytes()),
            items: found.items,
            system: String::new(),
            findings: found.findings,
        });
    }
    let mut plan = ClassifyPlan::new(models.iter().map(|m| (*m).to_owned()).collect(), planned, 7);
    (plan.draws, plan.mean_draws, plan.swaps) = (2000, 500, 2000);
    change(&mut plan);
    let locked = plan.lock().unwrap();
    fs::write(input.join("plan.json"), &locked.text).unwrap();
    fs::write(input.join("plan.sha256"), &locked.sha256).unwrap();
    let sources: BTreeMap<&str, ModelSource> = models
        .iter()
        .map(|m| (*m, ModelSource::Endpoint { provider: "test".into(), model: (*m).to_owned() }))
        .collect();
    fs::write(input.join("models.json"), serde_json::to_vec(&sources).unwrap()).unwrap();
    Attempt::create(dir, 1).unwrap()
}

type Say = Arc<dyn Fn(&str, &str) -> Result<String, CallFailed> + Send + Sync>;
type Made = Result<Box<dyn ChatModel>, String>;

/// Answers by the name of the model and the user message, and counts what it was asked.
fn maker(
    asked: &Arc<AtomicUsize>,
    say: impl Fn(&str, &str) -> Result<String, CallFailed> + Send + Sync + 'static,
) -> Box<dyn FnMut(&ModelSource) -> Made> {
    let (asked, say): (_, Say) = (Arc::clone(asked), Arc::new(say));
    Box::new(move |source| {
        let ModelSource::Endpoint { model, .. } = source else { return Err("no".into()) };
        let (model, asked, say) = (model.clone(), Arc::clone(&asked), Arc::clone(&say));
        Ok(Box::new(Scripted(move |r: &crate::providers::ChatRequest| {
            asked.fetch_add(1, Ordering::Relaxed);
            say(&model, &r.messages.last().unwrap().content)
        })))
    })
}

/// 40 items; the gold of number `i`.
fn forty() -> (Task, String) {
    let gold = |i: usize| if i.is_multiple_of(4) { "OFF" } else { "NOT" };
    (two_labels("forty", "made/forty"), lines((0..40).map(|i| (format!("text {i}."), gold(i)))))
}

fn number(user: &str) -> usize {
    user.rsplit(' ').next().unwrap().trim_end_matches('.').parse().unwrap()
}

/// scikit-learn 1.9.1: with gold = OFF where i % 4 == 0 else NOT, i in 0..40,
/// said = ["REFUSED" if i % 10 == 9 else "XXX" if i % 10 == 7 else
///         ("NOT" if i % 8 == 0 else gold(i)) if i % 4 == 0 else ("OFF" if i % 6 == 1 else "NOT")]:
/// f1_score(gold, said, labels=["OFF", "NOT"], average="macro") = SKLEARN.
const SKLEARN: f64 = 0.602_780_536_246_276;

fn said(i: usize) -> String {
    match i {
        i if i % 10 == 9 => "I'm sorry, but I can't label this.".into(),
        i if i % 10 == 7 => "What a lovely text!".into(),
        i if i % 8 == 0 => "NOT_OFF".into(),
        i if i % 4 == 0 => "Answer: OFF".into(),
        i if i % 6 == 1 => "offensive".into(),
        _ => "Not offensive.".into(),
    }
}

#[test]
fn the_table_agrees_with_scikit_learn_and_counts_refusals_and_nonsense_apart() {
    let dir = tempfile::tempdir().unwrap();
    let attempt = frozen(dir.path(), &[forty()], &["a"], |_| {});
    let asked = Arc::new(AtomicUsize::new(0));
    let mut make = maker(&asked, |_, user| Ok(said(number(user))));
    let table = job::work(&attempt, &mut NoProgress, &mut make).unwrap();
    let row = &table.sets[0].models[0];
    assert!((row.macro_f1.value - SKLEARN).abs() < 1e-12, "{}", row.macro_f1.value);
    assert_eq!((row.refusals, row.invalid, row.unanswered), (4, 4, 0));
    assert_eq!(row.confusion.iter().flatten().sum::<u64>(), 40);
    assert_eq!(row.confusion[1][2], 4);
    let [lo, hi] = row.macro_f1.ci.unwrap();
    assert!(lo < row.macro_f1.value && row.macro_f1.value < hi);
    let constant = &table.sets[0].baselines[0];
    assert_eq!(constant.label.as_deref(), Some("NOT"));
    assert!((constant.macro_f1 - 60.0 / 70.0 / 2.0).abs() < 1e-12);
    assert!(table.sets[0].few, "10 items are OFF");
    assert_eq!(asked.load(Ordering::Relaxed), 40);
    let printed = plain(&table);
    assert!(printed.contains("best constant (NOT)") && printed.contains("10.0 %"), "{printed}");
    // The document of every task, for ingest and compare.
    let text = fs::read(attempt.file("evaluation.json")).unwrap();
    let general: crate::evaluate::figures::TaskResult = serde_json::from_slice(&text).unwrap();
    assert_eq!(general.task, "classification");
    assert!(general.rows.iter().any(|r| r.model == "a" && r.metric == "macro-f1"));
    assert_eq!(general.counts["made/forty by a"]["refused"], 4);
    let again: Classified = serde_json::from_slice(&text).unwrap();
    assert_eq!(again, table);
}

/// Stops after some replies, as TERM does.
struct StopAfter(Arc<AtomicUsize>, usize);

impl Progress for StopAfter {
    fn at(&mut self, _: u64, _: Option<u64>, _: &str) {}
    fn should_stop(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= self.1
    }
}

#[test]
fn a_stopped_run_goes_on_where_it_was_and_asks_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let attempt = frozen(dir.path(), &[forty()], &["a", "b"], |_| {});
    let asked = Arc::new(AtomicUsize::new(0));
    let mut make = maker(&asked, |_, user| Ok(said(number(user))));
    let stopped = job::work(&attempt, &mut StopAfter(Arc::clone(&asked), 55), &mut make);
    assert!(matches!(stopped, Err(JobError::Stopped)));
    assert_eq!(asked.load(Ordering::Relaxed), 55);
    // A torn line, as a kill leaves it, was never acknowledged.
    let results = attempt.file("results.jsonl");
    let mut text = fs::read_to_string(&results).unwrap();
    text.truncate(text.trim_end().len() - 20);
    fs::write(&results, text).unwrap();
    let second = Attempt::create(dir.path(), 2).unwrap();
    let table = job::work(&second, &mut NoProgress, &mut make).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 81, "one torn line is asked again");
    let (a, b) = (&table.sets[0].models[0], &table.sets[0].models[1]);
    assert_eq!(a.confusion, b.confusion);
    let paired = b.paired.as_ref().unwrap();
    assert_eq!((paired.difference.value, paired.p), (0.0, 1.0));
    assert_eq!(paired.p_holm, None, "few positives: no claim");
    // Once more: nothing is asked at all.
    let third = Attempt::create(dir.path(), 3).unwrap();
    assert_eq!(job::work(&third, &mut NoProgress, &mut make).unwrap(), table);
    assert_eq!(asked.load(Ordering::Relaxed), 81);
}

#[test]
fn items_without_a_reply_stop_the_table_until_they_are_answered_or_the_plan_counts_them() {
    let fails = |_: &str, user: &str| match number(user) {
        3 => Err(CallFailed { code: "timeout".into(), detail: "60 s".into() }),
        5 => Err(CallFailed { code: "refused".into(), detail: "content filter".into() }),
        6 => Err(CallFailed { code: "too-long".into(), detail: "9000 tokens".into() }),
        i => Ok(said(i)),
    };
    let dir = tempfile::tempdir().unwrap();
    let attempt = frozen(dir.path(), &[forty()], &["a"], |_| {});
    let asked = Arc::new(AtomicUsize::new(0));
    let mut make = maker(&asked, fails);
    let e = job::work(&attempt, &mut NoProgress, &mut make).unwrap_err().to_string();
    assert!(e.contains("1 of 40") && e.contains("timeout 1") && e.contains("retry"), "{e}");
    assert!(!attempt.file("evaluation.json").exists());
    let second = Attempt::create(dir.path(), 2).unwrap();
    let mut make = maker(&asked, |_, user| Ok(said(number(user))));
    let table = job::work(&second, &mut NoProgress, &mut make).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 41);
    let row = &table.sets[0].models[0];
    assert_eq!((row.refusals, row.invalid), (5, 5));

    let dir = tempfile::tempdir().unwrap();
    let attempt = frozen(dir.path(), &[forty()], &["a"], |p| p.unanswered = Unanswered::Wrong);
    let mut make = maker(&asked, fails);
    let table = job::work(&attempt, &mut NoProgress, &mut make).unwrap();
    assert_eq!(table.sets[0].models[0].unanswered, 1);
}

#[test]
fn what_was_locked_cannot_be_changed() {
    let asked = Arc::new(AtomicUsize::new(0));
    for file in ["data-0.jsonl", "plan.json"] {
        let dir = tempfile::tempdir().unwrap();
        let attempt = frozen(dir.path(), &[forty()], &["a"], |_| {});
        let path = attempt.input(file);
        let text = fs::read_to_string(&path).unwrap().replacen("text 1.", "text 11.", 1);
        fs::write(&path, text.replacen("\"seed\": 7", "\"seed\": 8", 1)).unwrap();
        let mut make = maker(&asked, |_, _| Ok("OFF".into()));
        let e = job::work(&attempt, &mut NoProgress, &mut make).unwrap_err().to_string();
        assert!(e.contains(file) && e.contains("locked"), "{e}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn two_models_are_compared_over_texts_and_pools_are_counted_once() {
    let gold = |i: usize| if i.is_multiple_of(2) { "OFF" } else { "NOT" };
    let data = lines((0..60).map(|i| (format!("text {i}."), gold(i))));
    let other = lines((60..120).map(|i| (format!("text {i}."), gold(i))));
    let sets = [
        (two_labels("one", "made/pool"), data.clone()),
        (two_labels("two", "made/pool"), data.clone()),
        (two_labels("three", "made/apart"), data),
        (two_labels("four", "made/other"), other),
    ];
    let dir = tempfile::tempdir().unwrap();
    let attempt = frozen(dir.path(), &sets, &["good", "poor"], |_| {});
    let asked = Arc::new(AtomicUsize::new(0));
    let mut make = maker(&asked, move |model, user| {
        let i = number(user);
        let right = model == "good" || !i.is_multiple_of(3);
        Ok(if (gold(i) == "OFF") == right { "OFF" } else { "NOT_OFF" }.into())
    });
    let table = job::work(&attempt, &mut NoProgress, &mut make).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 480);
    let poor = table.sets[0].models[1].paired.as_ref().unwrap();
    assert!(poor.difference.value < -0.3 && poor.difference.ci.unwrap()[1] < 0.0);
    assert!(poor.p < 0.01 && poor.p_holm.unwrap() >= poor.p);
    assert_eq!(table.merged_pools.len(), 1, "{:?}", table.merged_pools);
    let kind = table.means.iter().find(|m| m.over == "kind" && m.model == "poor").unwrap();
    assert_eq!((kind.pools, kind.sets), (2, 4), "three sets hold the same 60 texts");
    let [first, .., last] = table.sets.as_slice() else { unreachable!() };
    let mean = f64::midpoint(first.models[1].macro_f1.value, last.models[1].macro_f1.value);
    assert!((kind.macro_f1.value - mean).abs() < 1e-12);
    assert!(kind.p_holm.unwrap() < 0.05);
}

#[test]
fn labels_can_be_scored_where_a_model_gives_log_probabilities() {
    use crate::domain::OptionScores;
    use crate::domain::prompt::Prompt;
    use crate::providers::{ChatRequest, OnReply, ProviderError, Totals};
    struct Scores;
    impl ChatModel for Scores {
        fn name(&self) -> String {
            "scores".into()
        }
        fn ask(
            &mut self,
            _: &mut (dyn Iterator<Item = ChatRequest> + Send),
            _: &mut OnReply<'_>,
        ) -> Result<Totals, ProviderError> {
            panic!("nothing is generated")
        }
        fn score(&mut self, prompts: &[Prompt]) -> Option<Result<Vec<OptionScores>, String>> {
            Some(Ok(prompts
                .iter()
                .map(|p| {
                    assert_eq!(p.answers, ["OFF", "NOT_OFF"]);
                    let off = number(&p.user).is_multiple_of(4);
                    let log_probs =
                        if off { vec![-0.1, -3.0] } else { vec![f64::NEG_INFINITY, -0.2] };
                    OptionScores { log_probs }
                })
                .collect()))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let attempt = frozen(dir.path(), &[forty()], &["a"], |p| p.method = Method::Score);
    let table = job::work(&attempt, &mut NoProgress, &mut |_| Ok(Box::new(Scores))).unwrap();
    assert_eq!(table.sets[0].models[0].macro_f1.value, 1.0);
    // A model without them says so.
    let dir = tempfile::tempdir().unwrap();
    let attempt = frozen(dir.path(), &[forty()], &["a"], |p| p.method = Method::Score);
    let asked = Arc::new(AtomicUsize::new(0));
    let mut make = maker(&asked, |_, _| Ok("OFF".into()));
    let e = job::work(&attempt, &mut NoProgress, &mut make).unwrap_err().to_string();
    assert!(e.contains("--method generate"), "{e}");
}
