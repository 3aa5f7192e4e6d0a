//! The training job in a folder of its own: resume, stops, torn checkpoints, bad input.

use std::path::Path;

use super::*;
use crate::domain::*;
use crate::job::{Attempt, JobError, MetricsRow, NoProgress, Progress, read_jsonl};

pub(super) fn survey() -> Survey {
    let question = |id: &str, text: &str| Question {
        id: QuestionId::new(id).unwrap(),
        topic: Topic("t".into()),
        language: "en".into(),
        text: text.into(),
        form: Form::Statement,
        scale: Scale::new(
            ["Yes", "Perhaps", "No"]
                .iter()
                .enumerate()
                .map(|(i, l)| ScaleOption { code: i as u8 + 1, label: (*l).into() })
                .collect(),
            ScaleKind::Ordinal,
            Direction::HigherIsLess,
        )
        .unwrap(),
        notes: vec![],
    };
    let culture = |id: &str, place: &str| Culture {
        id: CultureId::new(id).unwrap(),
        name: place.into(),
        countries: vec![CountryCode::new("GRC").unwrap()],
        place: place.into(),
        language: "el".into(),
    };
    Survey {
        questions: vec![question("Q1", "Work is a duty"), question("Q2", "Science helps people")],
        cultures: vec![culture("greek", "Greece"), culture("german", "Germany")],
        ..Survey::default()
    }
}

pub(super) fn rows() -> Vec<Example> {
    let mut out = vec![];
    for (q, text, shares) in [
        ("Q1", "Work is a duty", [0.7, 0.2, 0.1]),
        ("Q1", "Working is everyone's duty", [0.7, 0.2, 0.1]),
        ("Q2", "Science helps people", [0.1, 0.3, 0.6]),
    ] {
        for culture in ["greek", "german"] {
            let mut shares = shares;
            if culture == "german" {
                shares.reverse();
            }
            out.push(Example {
                culture: Some(CultureId::new(culture).unwrap()),
                question: QuestionId::new(q).unwrap(),
                text: text.into(),
                text_id: text.into(),
                family: "seed".into(),
                target: Target::Soft(Distribution::from_shares(&shares).unwrap()),
                effective_n: 100.0,
            });
        }
    }
    out
}

const RECIPE: &str = r#"
name = "test"
steps = 40
batch = 4
lr = 5e-3
warmup = 0.1
seed = 3
log_every = 1
checkpoint_every = 8
keep_checkpoints = 2
[model.tiny]
hidden_size = 16
intermediate_size = 24
layers = 2
heads = 2
kv_heads = 1
vocab_size = 200
init_std = 0.1
"#;

pub(super) fn run_folder(dir: &Path, recipe: &str, rows: &[Example]) {
    let input = dir.join("input");
    std::fs::create_dir_all(&input).unwrap();
    std::fs::write(input.join("recipe.toml"), recipe).unwrap();
    std::fs::write(input.join("survey.json"), serde_json::to_vec(&survey()).unwrap()).unwrap();
    let lines: String = rows.iter().map(|r| serde_json::to_string(r).unwrap() + "\n").collect();
    std::fs::write(input.join("dataset.jsonl"), lines).unwrap();
}

/// Asks to stop after so many steps.
pub(super) struct StopAt(pub(super) u64, pub(super) u64);

impl Progress for StopAt {
    fn at(&mut self, done: u64, _total: Option<u64>, _note: &str) {
        self.1 = done;
    }
    fn should_stop(&self) -> bool {
        self.1 >= self.0
    }
}

pub(super) fn losses(a: &Attempt) -> Vec<(u64, u64)> {
    read_jsonl::<MetricsRow>(&a.file("metrics.jsonl"))
        .unwrap()
        .iter()
        .map(|r| (r.step, r.values["loss"].to_bits()))
        .collect()
}

#[test]
fn a_resumed_run_continues_the_same_loss_curve_bit_for_bit() {
    let straight = tempfile::tempdir().unwrap();
    run_folder(straight.path(), RECIPE, &rows());
    let a = Attempt::create(straight.path(), 1).unwrap();
    let summary = work(&a, &mut NoProgress).unwrap();
    assert_eq!((summary.step, summary.examples, summary.resumed_from), (40, 6, None));
    let whole = losses(&a);
    assert_eq!(whole.len(), 40);

    let broken = tempfile::tempdir().unwrap();
    run_folder(broken.path(), RECIPE, &rows());
    let first = Attempt::create(broken.path(), 1).unwrap();
    let stopped = work(&first, &mut StopAt(20, 0));
    assert!(matches!(stopped, Err(JobError::Stopped)), "{stopped:?}");
    let second = Attempt::create(broken.path(), 2).unwrap();
    assert_eq!(work(&second, &mut NoProgress).unwrap().resumed_from, Some(20));
    assert_eq!([losses(&first), losses(&second)].concat(), whole);
    let weights =
        |a: &Attempt| std::fs::read(a.file("checkpoints/final/model.safetensors")).unwrap();
    assert_eq!(weights(&a), weights(&second));
}

#[test]
fn a_torn_checkpoint_is_passed_over_for_the_newest_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    run_folder(dir.path(), RECIPE, &rows());
    let first = Attempt::create(dir.path(), 1).unwrap();
    work(&first, &mut StopAt(20, 0)).unwrap_err();
    // Kept: the newest two of 8 and 16 with the best, and 20 from the stop.
    let kept: Vec<u64> = checkpoint::list(&first.file("checkpoints")).iter().map(|c| c.0).collect();
    assert_eq!(kept, [20, 16, 8]);
    let weights = first.file("checkpoints/step-20/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    std::fs::remove_file(first.file("checkpoints/step-16/manifest.json")).unwrap();
    let e = checkpoint::verify(&first.file("checkpoints/step-20")).unwrap_err().to_string();
    assert!(e.contains("model.safetensors"), "{e}");
    let second = Attempt::create(dir.path(), 2).unwrap();
    assert_eq!(work(&second, &mut NoProgress).unwrap().resumed_from, Some(8));
}

#[test]
fn old_checkpoints_go_and_the_best_and_the_final_one_stay() {
    let dir = tempfile::tempdir().unwrap();
    run_folder(
        dir.path(),
        &RECIPE.replace("checkpoint_every = 8", "checkpoint_every = 3"),
        &rows(),
    );
    let a = Attempt::create(dir.path(), 1).unwrap();
    work(&a, &mut NoProgress).unwrap();
    let kept = checkpoint::list(&a.file("checkpoints"));
    assert!(kept.len() >= 3 && kept.len() <= 4, "{kept:?}");
    assert_eq!(kept[0].0, u64::MAX);
    assert_eq!((kept[1].0, kept[2].0), (39, 36));
    checkpoint::verify(&a.file("checkpoints/final")).unwrap();
    let scorer = crate::embedded::Scorer::load(&a.file("checkpoints/final")).unwrap();
    assert_eq!(scorer.model.config().num_hidden_layers, 2);
}

#[test]
fn a_second_attempt_of_a_finished_run_trains_no_step_and_gives_the_same_model() {
    let dir = tempfile::tempdir().unwrap();
    run_folder(dir.path(), RECIPE, &rows());
    let one = Attempt::create(dir.path(), 1).unwrap();
    work(&one, &mut NoProgress).unwrap();
    let two = Attempt::create(dir.path(), 2).unwrap();
    assert_eq!(work(&two, &mut NoProgress).unwrap().resumed_from, Some(40));
    assert!(losses(&two).is_empty());
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_names_the_step() {
    let dir = tempfile::tempdir().unwrap();
    let wild = RECIPE
        .replace("lr = 5e-3", "lr = 10.0")
        .replace("warmup = 0.1", "max_grad_norm = 1e30")
        .replace("init_std = 0.1", "init_std = 1e18");
    run_folder(dir.path(), &wild, &rows());
    let a = Attempt::create(dir.path(), 1).unwrap();
    let e = work(&a, &mut NoProgress).unwrap_err().to_string();
    assert!(e.contains("step ") && e.contains("lr"), "{e}");
    let rows: Vec<MetricsRow> = read_jsonl(&a.file("metrics.jsonl")).unwrap();
    let last = rows.last().unwrap();
    assert!(!last.values["loss"].is_finite() || !last.values["grad_norm"].is_finite());
    assert!(!a.file("checkpoints/final").exists());
}

#[test]
fn input_that_cannot_be_trained_on_is_named() {
    let mut off_scale = rows();
    off_scale[1].target = Target::Hard(9);
    let mut foreign = rows();
    foreign[2].culture = Some(CultureId::new("martian").unwrap());
    let mut unknown = rows();
    unknown[3].question = QuestionId::new("Q999").unwrap();
    let mut short = rows();
    short[4].target = Target::Soft(Distribution::from_shares(&[0.5, 0.5]).unwrap());
    let mut empty = rows();
    empty[0].text = " ".into();
    let cases: Vec<(Vec<Example>, String, &str)> = vec![
        (off_scale, RECIPE.into(), "row 2"),
        (foreign, RECIPE.into(), "martian"),
        (unknown, RECIPE.into(), "Q999"),
        (short, RECIPE.into(), "row 5"),
        (empty, RECIPE.into(), "row 1"),
        (vec![], RECIPE.into(), "no rows"),
        (rows(), RECIPE.replace("batch = 4", "batch = \"x\""), "line 4"),
        (rows(), RECIPE.replace("vocab_size = 200", "vocab_size = 9"), "vocabulary"),
    ];
    for (rows, recipe, word) in cases {
        let dir = tempfile::tempdir().unwrap();
        run_folder(dir.path(), &recipe, &rows);
        let a = Attempt::create(dir.path(), 1).unwrap();
        let e = work(&a, &mut NoProgress).unwrap_err().to_string();
        assert!(e.contains(word), "{word}: {e}");
    }
}

#[test]
fn a_text_meets_every_variant_before_one_comes_again() {
    let (survey, rows) = (survey(), rows());
    let prompts = PromptChoice::default();
    let set = TrainingSet::new(&rows, &survey, &prompts, TargetKind::Distribution).unwrap();
    let t =
        crate::embedded::tokenizer::train(&set.texts(), &["0123456789ABC"], 300, false).unwrap();
    let mut reader = t.reader();
    // One pass a step: 6 rows; 12 variants (3 forms x 2 orders x 2 symbols).
    let mut order = DataOrder::new(&set, 1, 6);
    let mut seen = std::collections::HashSet::new();
    for step in 0..12 {
        for item in order.step(step, &mut reader).unwrap() {
            assert!(seen.insert(item.prompt), "a prompt came twice in 12 passes");
        }
    }
    assert_eq!(seen.len(), 72);
}

#[test]
fn hard_targets_are_one_answer_and_ties_go_to_the_lowest_code() {
    let survey = survey();
    let mut rows = rows();
    rows[0].target = Target::Soft(Distribution::from_shares(&[0.2, 0.4, 0.4]).unwrap());
    let prompts = PromptChoice {
        forms: vec![prompt::PromptForm::Paper],
        orders: OrderChoice::Printed,
        symbols: vec![prompt::Symbols::Codes],
    };
    let set = TrainingSet::new(&rows[..1], &survey, &prompts, TargetKind::Hard).unwrap();
    let t = crate::embedded::tokenizer::train(&set.texts(), &["0123456789"], 300, true).unwrap();
    let batch = DataOrder::new(&set, 1, 1).step(0, &mut t.reader()).unwrap();
    assert_eq!(batch[0].answers, [(t.answer("2").unwrap(), 1.0)]);
}

#[test]
fn texts_that_are_held_out_are_measured_and_never_learned_from() {
    for share in [0.0, 0.01, 0.4, 0.5] {
        let (learn, unseen) = hold_out(rows(), share, 3);
        assert_eq!(learn.len() + unseen.len(), rows().len());
        assert_eq!(unseen.is_empty(), share == 0.0);
        assert!(!learn.is_empty());
        assert!(unseen.iter().all(|u| learn.iter().all(|l| l.text != u.text)));
    }
    let one: Vec<Example> = rows().into_iter().filter(|r| r.question.as_str() == "Q2").collect();
    assert!(hold_out(one, 0.5, 1).1.is_empty(), "something has to be learned from");

    let tmp = tempfile::tempdir().unwrap();
    run_folder(
        tmp.path(),
        &RECIPE.replace("log_every = 1", "log_every = 7\neval_share = 0.3"),
        &rows(),
    );
    let a = Attempt::create(tmp.path(), 1).unwrap();
    work(&a, &mut NoProgress).unwrap();
    let metrics: Vec<MetricsRow> = read_jsonl(&a.file("metrics.jsonl")).unwrap();
    let evals: Vec<(u64, f64)> =
        metrics.iter().filter_map(|m| Some((m.step, *m.values.get("eval_loss")?))).collect();
    assert!(evals.len() >= 10 && evals.iter().all(|e| e.1.is_finite()), "{evals:?}");
    // Every checkpoint has its own measure, and the best is the lowest of them.
    let known = checkpoint::known(tmp.path(), 1);
    assert!(known.iter().all(|c| evals.contains(&(c.step, c.eval_loss.unwrap()))), "{known:?}");
    let (best, loss, held_out) = checkpoint::best(&known).unwrap();
    assert!(held_out && known.iter().all(|c| c.eval_loss.unwrap() >= loss), "{best:?}");
}
