//! The room from its door: reference figures of the sample survey, scorers whose result is known,
//! resuming, and a lock that holds.

use std::collections::BTreeMap;

use super::Framing;
use super::*;
use crate::domain::prompt::Prompt;
use crate::domain::{
    Cell, CultureId, Distribution, OptionScores, QuestionId, Split, Survey, TestText,
};
use crate::job::{Attempt, JobError, NoProgress};
use crate::seeds;

/// The nine cultures of the paper: all of the sample but Greek.
fn nine() -> Vec<CultureId> {
    seeds::sample::cultures()
        .unwrap()
        .into_iter()
        .map(|c| c.id)
        .filter(|id| id.as_str() != "greek")
        .collect()
}

fn seed_texts(survey: &Survey) -> Vec<TestText> {
    crate::dataset::test_texts(survey, &[], &[], 0)
}

/// Mean over all cells, each culture and question counting once.
fn mean_of(scores: &ArmScores, m: Metric) -> f64 {
    let cells = &scores.cells[&m];
    cells.values().map(|v| v[0]).sum::<f64>() / cells.len() as f64
}

fn figures(survey: &Survey, reference: &Reference<'_>) -> Vec<(Baseline, f64)> {
    let texts = seed_texts(survey);
    let trained: Vec<QuestionId> = survey.questions.iter().map(|q| q.id.clone()).collect();
    Baseline::ALL
        .into_iter()
        .map(|b| {
            let cells =
                baseline_cells(b, Split::SeedWording, reference, &texts, &trained, 1).unwrap();
            (b, mean_of(&cells, Metric::Jsd))
        })
        .collect()
}

fn assert_figures(found: &[(Baseline, f64)], expected: &[(Baseline, f64)]) {
    for (which, expected) in expected {
        let x = found.iter().find(|(b, _)| b == which).unwrap().1;
        assert!((x - expected).abs() < 6e-5, "{}: {x:.5}, not {expected}", which.label());
    }
}

/// The published reference figures (1-JSD, nine cultures, unweighted, mean over the 430 answered
/// cells) hold with the cells in whose end options were not offered, pooled as if they were.
#[test]
fn with_all_answered_cells_the_baselines_are_the_published_ones() {
    let survey = seeds::sample::survey().unwrap();
    let mut truth = BTreeMap::new();
    for c in survey.cultures.iter().filter(|c| nine().contains(&c.id)) {
        for q in &survey.questions {
            let countries: Vec<Distribution> = c
                .countries
                .iter()
                .filter_map(|k| match survey.cell(k, q) {
                    Cell::Answered(cell) => Some(cell.distribution),
                    _ => None,
                })
                .collect();
            if let Ok(d) = Distribution::mean(&countries) {
                truth.insert((c.id.clone(), q.id.clone()), d);
            }
        }
    }
    assert_eq!(truth.len(), 430);
    let reference = Reference::new(&survey, &nine()).with_truth(truth);
    // Design: .897 .650 .894 .979 .937 .929; further digits worked out independently in Python.
    assert_figures(
        &figures(&survey, &reference),
        &[
            (Baseline::Uniform, 0.8969),
            (Baseline::OwnMode, 0.6500),
            (Baseline::MeanForeign, 0.8943),
            (Baseline::BestForeign, 0.9787),
            (Baseline::MixtureOfOthers, 0.9374),
            (Baseline::SameLength, 0.9291),
        ],
    );
}

/// The same worked out again without those cells (418 are left; Spanish from Mexico alone on
/// Q33-41), by an independent script over the same counts.
#[test]
fn without_options_not_offered_the_baselines_are_a_little_higher() {
    let survey = seeds::sample::survey().unwrap();
    let reference = Reference::new(&survey, &nine());
    let found = figures(&survey, &reference);
    assert_figures(
        &found,
        &[
            (Baseline::Uniform, 0.9034),
            (Baseline::OwnMode, 0.6446),
            (Baseline::MeanForeign, 0.9015),
            (Baseline::BestForeign, 0.9806),
            (Baseline::MixtureOfOthers, 0.9417),
            (Baseline::SameLength, 0.9296),
        ],
    );
    // Split-half is drawn: .9985 in the design.
    let ceiling = found.iter().find(|(b, _)| *b == Baseline::SplitHalf).unwrap().1;
    assert!((ceiling - 0.9985).abs() < 2e-4, "{ceiling}");
    // The nearest seed of a seed's own wording is itself.
    let lookup = found.iter().find(|(b, _)| *b == Baseline::NearestSeed).unwrap().1;
    assert!((lookup - 1.0).abs() < 1e-9, "{lookup}");
}

#[test]
fn cultures_are_compared_on_the_questions_they_share() {
    let survey = seeds::sample::survey().unwrap();
    let id = |c: &str| CultureId::new(c).unwrap();
    // 50 less the 18 never asked in China; less the 9 whose ends were not offered in Brazil, where
    // all nine are compared (Q36, not asked in Iraq and Jordan, is among those).
    let shared = |c: &[CultureId]| Reference::new(&survey, c).shared_questions().len();
    assert_eq!(shared(&[id("chinese"), id("german")]), 32);
    assert_eq!(shared(&nine()), 23);
    let e = Reference::new(&survey, &nine());
    // 9 x 50 cells less 418.
    assert_eq!(e.left_out().len(), 32);
    assert!(e.left_out().iter().any(|l| l.starts_with("Q36") && l.contains("not asked")));
}

/// Answers from a function of the prompt.
struct Fixed<F>(F);

impl<F: FnMut(&Prompt) -> Vec<f64>> Scorer for Fixed<F> {
    fn score(&mut self, prompts: &[Prompt]) -> Result<Vec<OptionScores>, String> {
        Ok(prompts.iter().map(|p| OptionScores { log_probs: (self.0)(p) }).collect())
    }
}

fn small_survey() -> Survey {
    let mut survey = seeds::sample::survey().unwrap();
    survey.questions.retain(|q| ["Q27", "Q28", "Q122", "Q158"].contains(&q.id.as_str()));
    survey.cultures.retain(|c| ["german", "korean", "english"].contains(&c.id.as_str()));
    survey
}

fn plan(survey: &Survey) -> Plan {
    let model = PlannedModel {
        reference: "path:m".into(),
        arm: "a model".into(),
        seed: 1,
        trained_for: None,
        framing: Framing::Named,
        changed: None,
    };
    let trained = survey.questions.iter().map(|q| q.id.clone()).collect();
    Plan { draws: 500, ..Plan::new(vec![model], trained, 3) }
}

fn attempt(dir: &std::path::Path, plan: &Plan, survey: &Survey, texts: &[TestText]) -> Attempt {
    let input = dir.join("input");
    std::fs::create_dir_all(&input).unwrap();
    let locked = plan.lock().unwrap();
    std::fs::write(input.join("plan.json"), &locked.text).unwrap();
    std::fs::write(input.join("plan.sha256"), &locked.sha256).unwrap();
    std::fs::write(input.join("survey.json"), serde_json::to_vec(survey).unwrap()).unwrap();
    let lines: String = texts.iter().map(|t| serde_json::to_string(t).unwrap() + "\n").collect();
    std::fs::write(input.join("texts.jsonl"), lines).unwrap();
    Attempt::create(dir, 1).unwrap()
}

fn headline<'a>(e: &'a Evaluation, model: &str) -> &'a EvalRow {
    e.rows.iter().find(|r| r.model == model && r.culture == "all" && r.metric == "1-jsd").unwrap()
}

#[test]
fn a_uniform_model_scores_what_the_uniform_row_says() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let attempt = attempt(dir.path(), &plan(&survey), &survey, &texts);
    let e = job::work(&attempt, &mut NoProgress, &mut |_| {
        Ok(Box::new(Fixed(|p: &Prompt| vec![-5.0; p.answers.len()])))
    })
    .unwrap();
    let (model, uniform) = (headline(&e, "a model"), headline(&e, "uniform"));
    assert!((model.value - uniform.value).abs() < 1e-9);
    assert_eq!(model.n, 4);
    assert_eq!(model.unit, "question");
    let skill = e.rows.iter().find(|r| r.model == "a model" && r.metric == "skill").unwrap();
    assert!(skill.value.abs() < 1e-9);
    let mass = e.rows.iter().find(|r| r.metric == "listed-mass").unwrap();
    assert!(mass.value < 0.1, "{}", mass.value);
    assert!(plain(&e).contains("a model") && markdown(&e).contains("| a model |"));
}

#[test]
fn a_model_that_knows_the_answers_is_above_the_mixture_and_near_the_ceiling() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let attempt = attempt(dir.path(), &plan(&survey), &survey, &texts);
    let truth = Reference::new(&survey, &[]);
    let cultures = survey.cultures.clone();
    let questions = survey.questions.clone();
    let known: Vec<(String, String, Vec<f64>)> = questions
        .iter()
        .flat_map(|q| cultures.iter().map(move |c| (q.clone(), c.clone())))
        .filter_map(|(q, c)| {
            let d = truth.truth(&c.id, &q.id)?;
            let text = q.text.trim_end_matches(['.', '?']).to_owned();
            Some((text, c.place, d.shares().iter().map(|p| p.max(1e-12).ln()).collect()))
        })
        .collect();
    let e = job::work(&attempt, &mut NoProgress, &mut |_| {
        let known = known.clone();
        Ok(Box::new(Fixed(move |p: &Prompt| {
            let all = format!("{}\n{}", p.system, p.user);
            let found =
                known.iter().find(|(text, place, _)| all.contains(text) && all.contains(place));
            found.unwrap().2.clone()
        })))
    })
    .unwrap();
    let model = headline(&e, "a model");
    assert!(model.value > 0.9999, "{}", model.value);
    assert!(model.diff.unwrap() > 0.0 && model.diff_ci.unwrap()[0] > 0.0);
    let corr = e
        .rows
        .iter()
        .find(|r| r.model == "a model" && r.metric == "deviation-correlation")
        .unwrap();
    assert!(corr.value > 0.999);
}

#[test]
fn answering_the_first_printed_option_averages_out_over_the_orders() {
    let dir = tempfile::tempdir().unwrap();
    let mut survey = small_survey();
    survey.questions.retain(|q| q.id.as_str() == "Q27");
    let texts = seed_texts(&survey);
    let attempt = attempt(dir.path(), &plan(&survey), &survey, &texts);
    job::work(&attempt, &mut NoProgress, &mut |_| {
        Ok(Box::new(Fixed(|p: &Prompt| {
            // which option is printed first?
            let place = |a: &str| {
                let marks = [format!("{a}. "), format!("{a} = ")];
                marks.iter().filter_map(|m| p.user.find(m.as_str())).min().unwrap_or(usize::MAX)
            };
            let first = (0..p.answers.len()).min_by_key(|&r| place(&p.answers[r])).unwrap();
            (0..p.answers.len()).map(|r| if r == first { -0.1 } else { -9.0 }).collect()
        })))
    })
    .unwrap();
    let lines: Vec<ResultLine> = crate::job::read_jsonl(&attempt.file("results.jsonl")).unwrap();
    let scores = &lines[0].cultures[0].scores;
    let mean: Vec<f64> = (0..4)
        .map(|r| {
            scores.iter().map(|s| s.distribution().unwrap().shares()[r]).sum::<f64>()
                / scores.len() as f64
        })
        .collect();
    assert!((mean[0] - mean[3]).abs() < 1e-6 && mean[0] > 0.4, "{mean:?}");
}

#[test]
fn a_stopped_evaluation_goes_on_with_the_texts_that_are_left() {
    struct After(u32);
    impl crate::job::Progress for After {
        fn at(&mut self, _: u64, _: Option<u64>, _: &str) {
            self.0 = self.0.saturating_sub(1);
        }
        fn should_stop(&self) -> bool {
            self.0 == 0
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut survey = seeds::sample::survey().unwrap();
    survey.questions.truncate(9);
    let texts = seed_texts(&survey);
    let plan = plan(&survey);
    let first = attempt(dir.path(), &plan, &survey, &texts);
    let mut scored = 0usize;
    let mut make = |_: &str| -> Result<Box<dyn Scorer>, String> {
        Ok(Box::new(Fixed(|p: &Prompt| vec![-1.0; p.answers.len()])))
    };
    assert!(matches!(job::work(&first, &mut After(2), &mut make), Err(JobError::Stopped)));
    let before: Vec<ResultLine> = crate::job::read_jsonl(&first.file("results.jsonl")).unwrap();
    assert_eq!(before.len(), 4);
    let second = Attempt::create(dir.path(), 2).unwrap();
    let e = job::work(&second, &mut NoProgress, &mut |_| {
        scored += 1;
        Ok(Box::new(Fixed(|p: &Prompt| vec![-1.0; p.answers.len()])))
    })
    .unwrap();
    let after: Vec<ResultLine> = crate::job::read_jsonl(&second.file("results.jsonl")).unwrap();
    assert_eq!(after.len(), 5);
    assert_eq!(headline(&e, "a model").n, 9);
}

#[test]
fn a_plan_that_was_changed_after_its_lock_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let attempt = attempt(dir.path(), &plan(&survey), &survey, &seed_texts(&survey));
    let path = dir.path().join("input/plan.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"draws\": 500", "\"draws\": 501");
    std::fs::write(&path, text).unwrap();
    let e = job::work(&attempt, &mut NoProgress, &mut |_| Err("never asked".into())).unwrap_err();
    assert!(e.to_string().contains("locked"), "{e}");
}

#[test]
fn a_model_that_cannot_be_loaded_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let attempt = attempt(dir.path(), &plan(&survey), &survey, &seed_texts(&survey));
    let e =
        job::work(&attempt, &mut NoProgress, &mut |_| Err("no such folder".into())).unwrap_err();
    assert!(e.to_string().contains("path:m") && e.to_string().contains("no such folder"), "{e}");
}

#[test]
fn plans_that_say_nothing_or_twice_the_same_are_refused() {
    let survey = small_survey();
    let good = plan(&survey);
    assert!(Plan { models: vec![], ..good.clone() }.lock().is_err());
    assert!(Plan { metrics: vec![], ..good.clone() }.lock().is_err());
    assert!(Plan { draws: 5, ..good.clone() }.lock().is_err());
    let twice = Plan { models: vec![good.models[0].clone(), good.models[0].clone()], ..good };
    assert!(twice.lock().unwrap_err().to_string().contains("each seed once"));
}

#[test]
fn one_culture_models_make_an_own_and_a_foreign_row() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let mut plan = plan(&survey);
    plan.models = survey
        .cultures
        .iter()
        .map(|c| PlannedModel {
            reference: format!("path:{}", c.id),
            arm: "one model a culture".into(),
            seed: 1,
            trained_for: Some(c.id.clone()),
            framing: Framing::Named,
            changed: None,
        })
        .collect();
    let attempt = attempt(dir.path(), &plan, &survey, &texts);
    let truth = Reference::new(&survey, &[]);
    let e = job::work(&attempt, &mut NoProgress, &mut |model| {
        // each model gives its own culture's answers, whoever is named
        let culture = CultureId::new(model.trim_start_matches("path:")).unwrap();
        let known: Vec<(String, Vec<f64>)> = survey
            .questions
            .iter()
            .filter_map(|q| {
                let d = truth.truth(&culture, &q.id)?;
                let text = q.text.trim_end_matches(['.', '?']).to_owned();
                Some((text, d.shares().iter().map(|p| p.max(1e-12).ln()).collect()))
            })
            .collect();
        Ok(Box::new(Fixed(move |p: &Prompt| {
            known.iter().find(|(t, _)| p.user.contains(t)).unwrap().1.clone()
        })))
    })
    .unwrap();
    assert!(headline(&e, "one model a culture, own culture").value > 0.9999);
    let foreign = headline(&e, "one model a culture, foreign cultures");
    let mean_foreign = headline(&e, "mean foreign culture");
    assert!((foreign.value - mean_foreign.value).abs() < 1e-6);
}

#[test]
fn a_file_that_was_changed_after_the_lock_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let lines: String = texts.iter().map(|t| serde_json::to_string(t).unwrap() + "\n").collect();
    let plan = plan(&survey).with_input("texts.jsonl", lines.as_bytes());
    let attempt = attempt(dir.path(), &plan, &survey, &texts);
    let mut uniform = |_: &str| -> Result<Box<dyn Scorer>, String> {
        Ok(Box::new(Fixed(|p: &Prompt| vec![-1.0; p.answers.len()])))
    };
    assert!(job::work(&attempt, &mut NoProgress, &mut uniform).is_ok());
    let easier = lines.replace("Q27", "Q28");
    std::fs::write(attempt.input("texts.jsonl"), easier).unwrap();
    let e = job::work(&attempt, &mut NoProgress, &mut uniform).unwrap_err().to_string();
    assert!(e.contains("texts.jsonl has the checksum"), "{e}");
}

#[test]
fn plans_of_other_rules_and_lopsided_arms_are_refused() {
    let survey = small_survey();
    let good = plan(&survey);
    let of = |seed, culture: &str| PlannedModel {
        reference: format!("path:{culture}{seed}"),
        arm: "own".into(),
        seed,
        trained_for: Some(CultureId::new(culture).unwrap()),
        framing: Framing::Named,
        changed: None,
    };
    let table: Vec<(Plan, &str)> = vec![
        (Plan { aggregation: "best of five".into(), ..good.clone() }, "another rule"),
        (Plan { task: "mmlu".into(), ..good.clone() }, "`survey` only"),
        (Plan { forms: vec![], ..good.clone() }, "prompt form"),
        (Plan { culture_blind: vec!["nobody".into()], ..good.clone() }, "nobody"),
        (
            Plan {
                models: vec![of(1, "german"), of(2, "german"), of(1, "korean")],
                ..good.clone()
            },
            "same training seeds",
        ),
    ];
    for (plan, said) in table {
        let e = plan.lock().unwrap_err().to_string();
        assert!(e.contains(said), "{e}");
    }
    let even = vec![of(1, "german"), of(2, "german"), of(1, "korean"), of(2, "korean")];
    let locked = Plan { models: even, ..good }.lock().unwrap();
    // A lock of our own making does not help a plan of another rule.
    let text = locked.text.replace("Holm over", "nothing over");
    let forged = Plan { aggregation: "x".into(), ..locked.plan.clone() };
    assert!(LockedPlan::read(&text, &locked.sha256).is_err());
    assert!(forged.lock().is_err());
    assert_eq!(LockedPlan::read(&locked.text, &locked.sha256).unwrap(), locked);
}

#[test]
fn a_culture_blind_arm_is_asked_once_without_a_culture_and_has_no_deviations() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let plan = Plan { culture_blind: vec!["a model".into()], ..plan(&survey) };
    let attempt = attempt(dir.path(), &plan, &survey, &texts);
    let asked = std::rc::Rc::new(std::cell::Cell::new(0usize));
    let places: Vec<String> = survey.cultures.iter().map(|c| c.place.clone()).collect();
    let e = job::work(&attempt, &mut NoProgress, &mut |_| {
        let (asked, places) = (asked.clone(), places.clone());
        Ok(Box::new(Fixed(move |p: &Prompt| {
            asked.set(asked.get() + 1);
            assert!(places.iter().all(|c| !p.user.contains(c) && !p.system.contains(c)));
            (0..p.answers.len()).map(|r| -(r as f64)).collect()
        })))
    })
    .unwrap();
    // 4 texts x 3 forms x 2 orders, whatever the number of cultures.
    assert_eq!(asked.get(), 24);
    let row = |metric: &str| {
        e.rows.iter().find(|r| r.model == "a model" && r.metric == metric).unwrap().value
    };
    assert!(row("deviation-correlation").abs() < 1e-9);
    assert!(row("1-jsd") < 1.0);
    let v = &e.variance[0];
    assert!(v.culture.abs() < 1e-12 && v.prompt.abs() < 1e-12 && v.rest.abs() < 1e-12);
}

#[test]
fn a_model_that_follows_the_form_and_not_the_culture_is_said_to() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let attempt = attempt(dir.path(), &plan(&survey), &survey, &texts);
    let e = job::work(&attempt, &mut NoProgress, &mut |_| {
        Ok(Box::new(Fixed(|p: &Prompt| {
            // The lowest rank in the paper's form, the highest one in the others.
            let k = p.answers.len();
            let pick = if p.user.starts_with("Give me the answer") { 0 } else { k - 1 };
            (0..k).map(|r| if r == pick { 0.0 } else { -1e3 }).collect()
        })))
    })
    .unwrap();
    let v = &e.variance[0];
    // Positions 0, 1, 1 by form: variance 2/9; nothing else varies.
    assert!((v.prompt - 2.0 / 9.0).abs() < 1e-9, "{v:?}");
    assert!(v.culture < 1e-12 && v.order < 1e-12 && v.rest < 1e-9 && v.prompt_exceeds_culture);
    assert!(plain(&e).contains("smaller than the prompt effect"));
    assert_eq!(e.left_out, Vec::<String>::new());
}

#[test]
fn differences_are_paired_and_p_values_adjusted_over_the_model_rows() {
    let dir = tempfile::tempdir().unwrap();
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let base = plan(&survey);
    let model = |arm: &str, seed| PlannedModel {
        reference: format!("path:{arm}{seed}"),
        arm: arm.into(),
        seed,
        trained_for: None,
        framing: Framing::Named,
        changed: None,
    };
    let plan =
        Plan { models: vec![model("flat", 1), model("first", 1), model("first", 2)], ..base };
    let attempt = attempt(dir.path(), &plan, &survey, &texts);
    let e = job::work(&attempt, &mut NoProgress, &mut |m| {
        let slope = match m {
            "path:flat1" => 0.0,
            "path:first1" => 1.0,
            _ => 3.0,
        };
        Ok(Box::new(Fixed(move |p: &Prompt| {
            (0..p.answers.len()).map(|r| -slope * r as f64).collect()
        })))
    })
    .unwrap();
    let mixture = headline(&e, "mixture of other cultures");
    let mut p = Vec::new();
    for arm in ["flat", "first"] {
        let row = headline(&e, arm);
        assert_eq!(row.baseline.as_deref(), Some("mixture of other cultures"));
        assert!((row.diff.unwrap() - (row.value - mixture.value)).abs() < 1e-9);
        let skill = e.rows.iter().find(|r| r.model == arm && r.metric == "skill").unwrap();
        assert!(skill.diff.unwrap() < 0.0 && skill.diff_ci.is_some());
        p.push((row.p.unwrap(), row.p_holm.unwrap()));
    }
    assert_eq!(headline(&e, "first").seeds, 2);
    // Four questions: 16 sign patterns, so p is a multiple of 1/16, and Holm's smaller one doubles.
    for (p, _) in &p {
        assert!((p * 16.0 - (p * 16.0).round()).abs() < 1e-9, "{p}");
    }
    let (low, high) = if p[0].0 <= p[1].0 { (p[0], p[1]) } else { (p[1], p[0]) };
    assert!((low.1 - (2.0 * low.0).min(1.0)).abs() < 1e-12);
    assert!((high.1 - high.0.max(low.1)).abs() < 1e-12);
    assert_eq!(mixture.p_holm, None);
}

#[test]
fn answers_that_are_none_stop_the_job_and_are_named() {
    let survey = small_survey();
    let texts = seed_texts(&survey);
    for (log_prob, said) in [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "seed-wording")] {
        let dir = tempfile::tempdir().unwrap();
        let attempt = attempt(dir.path(), &plan(&survey), &survey, &texts);
        let e = job::work(&attempt, &mut NoProgress, &mut |_| {
            Ok(Box::new(Fixed(move |p: &Prompt| vec![log_prob; p.answers.len()])))
        })
        .unwrap_err()
        .to_string();
        assert!(e.contains(said), "{e}");
    }
}

#[test]
fn a_prompt_without_an_answer_is_left_out_and_seen_in_the_listed_mass() {
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let dir = tempfile::tempdir().unwrap();
    let attempt = attempt(dir.path(), &plan(&survey), &survey, &texts);
    let e = job::work(&attempt, &mut NoProgress, &mut |_| {
        Ok(Box::new(Fixed(|p: &Prompt| {
            // The paper's form gets no listed answer, the others the first option.
            let silent = p.user.starts_with("Give me");
            (0..p.answers.len())
                .map(|i| if !silent && i == 0 { 0.0 } else { f64::NEG_INFINITY })
                .collect()
        })))
    })
    .unwrap();
    let mass = e.rows.iter().find(|r| r.metric == "listed-mass").unwrap().value;
    assert!((mass - 2.0 / 3.0).abs() < 1e-9, "{mass}");
}

#[test]
fn a_model_that_tells_all_cultures_the_same_gains_nothing_over_its_controls() {
    let survey = small_survey();
    let texts = seed_texts(&survey);
    let dir = tempfile::tempdir().unwrap();
    let mut plan = plan(&survey);
    plan.foreign_control = true;
    plan.draws_per_prompt = Some(20);
    let named = plan.models[0].clone();
    plan.models.push(named.framed(Framing::MadeUp));
    plan.models.push(named.framed(Framing::Blind));
    let attempt = attempt(dir.path(), &plan, &survey, &texts);
    let e = job::work(&attempt, &mut NoProgress, &mut |_| {
        Ok(Box::new(Fixed(|p: &Prompt| (0..p.answers.len()).map(|i| -(i as f64)).collect())))
    })
    .unwrap();
    let value = |arm: String| headline(&e, &arm).value;
    let own = value(named.arm.clone());
    for label in ["foreign culture's name", "made-up culture", "no culture"] {
        assert!((value(format!("{}, {label}", named.arm)) - own).abs() < 1e-9, "{label}");
    }
    let ceiling = headline(&e, "20 draws a prompt from the truth (ceiling)").value;
    assert!(ceiling > 0.95 && ceiling < 1.0, "{ceiling}");
}
