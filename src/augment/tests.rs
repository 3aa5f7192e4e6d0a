//! The room from its door.

mod translate;
mod waves;

use proptest::prelude::*;

use super::similarity::{Encoded, Lexical, SimilarityModel};
use super::*;
use crate::domain::{Decision, FailReason, Question, QuestionId, Sample, Stage};
use crate::job::{Attempt, JobError, NoProgress};
use crate::providers::{
    Ask, Augmenter, Family, Offline, Outcome, Parent, Partition, Proposal, ProviderError,
};
use crate::seeds;

fn seeds() -> Vec<Question> {
    seeds::sample::questions().unwrap()
}

fn lexical(seeds: &[Question]) -> Lexical {
    Lexical::new(seeds.iter().map(|q| q.text.as_str()))
}

/// Says what it was told to, whatever it is asked.
struct Parrot(Vec<Option<String>>);

impl Augmenter for Parrot {
    fn name(&self) -> String {
        "parrot".into()
    }
    fn version(&self) -> String {
        "1".into()
    }
    fn families(&self, _: &Question) -> Vec<Family> {
        vec![Family { name: "f".into(), partition: Partition::Train }]
    }
    fn paraphrase(&self, _: &Question, ask: &Ask) -> Result<Vec<Proposal>, ProviderError> {
        Ok((0..ask.n)
            .map(|i| Proposal {
                outcome: match self.0.get(i % self.0.len().max(1)) {
                    Some(Some(t)) => Outcome::Text(t.clone()),
                    _ => Outcome::Failed(FailReason::Provider { detail: "silence".into() }),
                },
                template: Some("t".into()),
                family: Some("f".into()),
                substitutions: vec![],
                reply: None,
            })
            .collect())
    }
    fn substitute(
        &self,
        s: &Question,
        _: Parent<'_>,
        ask: &Ask,
    ) -> Result<Vec<Proposal>, ProviderError> {
        self.paraphrase(s, ask)
    }
    fn plan(&self, a: usize, b: usize) -> usize {
        a + b
    }
}

fn grow(seed: &Question, a: &dyn Augmenter, settings: &Settings) -> Vec<Sample> {
    let all = seeds();
    run(seed, a, &lexical(&all), 0.3, settings, &[], Some("r1")).unwrap()
}

#[test]
fn settings_that_no_run_could_follow_are_refused() {
    for bad in [
        Settings { keep: 0, ..Settings::default() },
        Settings { templates: 0, ..Settings::default() },
        Settings { threshold: Some(1.5), ..Settings::default() },
        Settings { keep: 100_000, ..Settings::default() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
    assert!(calibrate(&seeds(), &lexical(&seeds()), 1.0, None).is_err());
    assert!(calibrate(&seeds()[..1], &lexical(&seeds()), 0.01, None).is_err());
}

#[test]
fn a_provider_that_repeats_the_seed_keeps_nothing() {
    let seed = &seeds()[0];
    let out = grow(seed, &Parrot(vec![Some(seed.text.clone())]), &Settings::default());
    let s = Summary::of(&out);
    assert_eq!(s.kept, 0);
    assert_eq!(s.by_reason["duplicate"], s.rejected);
}

#[test]
fn a_silent_provider_fails_every_proposal_and_says_so() {
    let out = grow(&seeds()[0], &Parrot(vec![None]), &Settings::default());
    let s = Summary::of(&out);
    assert_eq!((s.proposed, s.failed), (15, 15));
    let mut ids: Vec<_> = out.iter().map(|s| s.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 15, "failed proposals have ids of their own");
}

#[test]
fn the_offline_provider_gives_ten_distinct_samples_of_every_seed() {
    let all = seeds();
    let filter = lexical(&all);
    let offline = Offline::new().unwrap();
    let calibration = calibrate(&all, &filter, 0.05, None).unwrap();
    assert_eq!(calibration.pairs, 1225);
    assert!(calibration.passing <= 0.05);
    let mut short = Vec::new();
    for seed in &all {
        let out =
            run(seed, &offline, &filter, calibration.threshold, &Settings::default(), &[], None)
                .unwrap();
        let kept: Vec<&Sample> = out.iter().filter(|s| s.decision == Decision::Kept).collect();
        if kept.len() < 10 {
            short.push(format!("{}: {} {:?}", seed.id, kept.len(), Summary::of(&out).by_reason));
        }
        let stage_1 = kept.iter().filter(|s| s.stage == Stage::Template).count();
        assert!(stage_1 >= 5, "{}", seed.id);
    }
    assert!(short.is_empty(), "{short:#?}");
}

#[test]
fn held_out_texts_share_no_family_and_no_rule_with_training_texts() {
    let all = seeds();
    let filter = lexical(&all);
    let offline = Offline::new().unwrap();
    for seed in &all {
        let train = run(seed, &offline, &filter, 0.2, &Settings::default(), &[], None).unwrap();
        let held = run(seed, &offline, &filter, 0.2, &Settings::held_out(4, 1), &[], None).unwrap();
        let kept = held.iter().filter(|s| s.decision == Decision::Kept).count();
        assert!(kept >= 2, "{}: {kept} {:#?}", seed.id, Summary::of(&held));
        for h in &held {
            assert!(h.provenance.held_out);
            for t in &train {
                if let (Some(a), Some(b)) = (&h.provenance.family, &t.provenance.family) {
                    assert_ne!(a, b);
                }
                for x in &h.provenance.substitutions {
                    assert!(t.provenance.substitutions.iter().all(|y| y.rule != x.rule));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_proposal_ends_as_kept_rejected_or_failed(
        texts in prop::collection::vec(prop::option::of("[A-Za-z ,.'\"]{0,60}"), 1..8),
        templates in 1usize..6,
        keep in 1usize..12,
    ) {
        let settings = Settings { templates, keep, ..Settings::default() };
        let out = grow(&seeds()[3], &Parrot(texts), &settings);
        let s = Summary::of(&out);
        prop_assert_eq!(s.proposed, s.kept + s.rejected + s.failed);
        prop_assert_eq!(s.rejected + s.failed, s.by_reason.values().sum::<u64>());
        prop_assert!(s.kept <= keep as u64);
        let mut ids: Vec<_> = out.iter().map(|s| s.id.clone()).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), out.len());
    }
}

#[test]
fn an_encoder_that_gives_nonsense_stops_the_run_with_its_name() {
    let nan = Encoded::new("broken", Box::new(|t| Ok(vec![vec![f32::NAN; 3]; t.len()])));
    let few = Encoded::new("short", Box::new(|_| Ok(vec![vec![1.0]])));
    for model in [&nan, &few] {
        let e = model.similarity("a", &["b"]).unwrap_err().to_string();
        assert!(e.contains("encoder:"), "{e}");
    }
}

#[test]
fn with_an_encoder_texts_that_say_the_same_in_as_good_as_the_same_way_are_near_duplicates() {
    let seed = &seeds()[0];
    let texts = [
        "It has been one of my main goals in life to make my parents proud.",
        "My parents' pride was always an important aim that I followed.",
        "One of the things that I live for is that my mother and father are proud.",
    ];
    let said = Parrot(texts.iter().map(|t| Some((*t).to_owned())).collect());
    // The first two point the same way, the third does not.
    let embed = move |all: &[&str]| {
        let one = |t: &str| {
            let angle: f32 = if t == texts[0] {
                0.0
            } else if t == texts[1] {
                0.1
            } else if t == texts[2] {
                0.6
            } else {
                1.2
            };
            vec![angle.cos(), angle.sin()]
        };
        Ok(all.iter().map(|t| one(t)).collect())
    };
    let filter = Encoded::new("angles", Box::new(embed));
    for (limit, kept) in [(None, 3), (Some(0.985), 2), (Some(0.5), 1), (Some(0.3), 0)] {
        let settings =
            Settings { near_duplicate_likeness: limit, synonyms: 0, ..Settings::default() };
        let out = run(seed, &said, &filter, 0.0, &settings, &[], None).unwrap();
        let s = Summary::of(&out);
        assert_eq!(s.kept, kept, "{limit:?}: {:?}", s.by_reason);
    }
}

fn job(dir: &std::path::Path, seeds: &[Question]) -> Attempt {
    let input = dir.join("input");
    std::fs::create_dir_all(&input).unwrap();
    std::fs::write(input.join("seeds.json"), serde_json::to_vec(seeds).unwrap()).unwrap();
    let settings = serde_json::to_vec(&Settings::default()).unwrap();
    std::fs::write(input.join("settings.json"), settings).unwrap();
    Attempt::create(dir, 1).unwrap()
}

#[test]
fn a_stopped_run_goes_on_and_ends_as_if_it_had_not_been() {
    struct StopAt(u64, u64);
    impl crate::job::Progress for StopAt {
        fn at(&mut self, done: u64, _: Option<u64>, _: &str) {
            self.1 = done;
        }
        fn should_stop(&self) -> bool {
            self.1 >= self.0
        }
    }
    let seeds = &seeds()[..6];
    let filter = lexical(seeds);
    let make = || {
        |_: &Settings| -> Result<Proposer, String> {
            Ok(Proposer::Rules(Box::new(Offline::new().map_err(|e| e.to_string())?)))
        }
    };
    let straight = tempfile::tempdir().unwrap();
    let whole = work(&job(straight.path(), seeds), &mut NoProgress, &mut make(), &filter).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let first = job(dir.path(), seeds);
    let stopped = work(&first, &mut StopAt(3, 0), &mut make(), &filter);
    assert!(matches!(stopped, Err(JobError::Stopped)));
    // a fourth seed was cut short: its samples are on disk, its mark is not
    let half = std::fs::read_to_string(first.file("results.jsonl")).unwrap();
    let mut more = half.lines().last().unwrap().replace("\"Q29\"", "\"Q30\"");
    more.push('\n');
    std::fs::write(first.file("results.jsonl"), half.clone() + &more).unwrap();
    let second = Attempt::create(dir.path(), 2).unwrap();
    let resumed = work(&second, &mut NoProgress, &mut make(), &filter).unwrap();
    assert_eq!(resumed, whole);
}

#[test]
fn imported_rows_are_judged_and_bad_lines_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let survey = seeds::sample::survey().unwrap();
    let filter = lexical(&survey.questions);
    let path = dir.path().join("s.jsonl");
    let seed = &survey.questions[0].text;
    let lines = [
        format!("{{\"seed_id\":\"Q27\",\"text\":\"{seed}\"}}"),
        "{\"seed_id\":\"Q999\",\"text\":\"x\"}".into(),
        "{\"seed_id\":\"Q27\"}".into(),
        "not json".into(),
        "{\"q_id\":27,\"q_content\":\"One of the chief aims of my life has been to make my parents proud.\"}".into(),
        "{\"seed_id\":\"Q27\",\"te".into(),
    ];
    std::fs::write(&path, lines.join("\n")).unwrap();
    let (samples, report) = import(&path, &survey, &filter, 0.3, &Settings::default()).unwrap();
    assert_eq!(samples.len(), 2);
    assert_eq!(samples.iter().filter(|s| s.decision == Decision::Kept).count(), 1);
    let bad: Vec<u64> = report.bad_lines.iter().map(|(n, _)| *n).collect();
    assert_eq!(bad, [2, 3, 4, 6]);
    let csv = dir.path().join("s.csv");
    std::fs::write(&csv, "seed_id;text\nQ27;Other words\n;y\nQ27;a;b\n").unwrap();
    let (samples, report) = import(&csv, &survey, &filter, 0.3, &Settings::default()).unwrap();
    assert_eq!((samples.len(), report.bad_lines_total), (1, 2));
    std::fs::write(&csv, "a,b\n1,2\n").unwrap();
    let e = import(&csv, &survey, &filter, 0.3, &Settings::default()).unwrap_err().to_string();
    assert!(e.contains("seed_id"), "{e}");
}

#[test]
fn ids_are_of_seed_language_and_text() {
    let q = QuestionId::new("Q27").unwrap();
    let a = sample_id(&q, "en", "caf\u{e9}").unwrap();
    assert_eq!(a, sample_id(&q, "en", "cafe\u{301}").unwrap());
    assert_ne!(a, sample_id(&q, "fr", "caf\u{e9}").unwrap());
    assert_eq!(a.as_str().len(), 18);
}

/// Prints every kept and rejected text, for reading: `POLYCULTURE_PRINT=Q27 cargo test --lib
/// augment::tests::print_samples -- --nocapture`.
#[test]
fn print_samples() {
    let Ok(wanted) = std::env::var("POLYCULTURE_PRINT") else { return };
    let all = seeds();
    let filter = lexical(&all);
    let offline = Offline::new().unwrap();
    let c = calibrate(&all, &filter, 0.05, None).unwrap();
    println!("threshold {:.3} passing {:.4} {:?}", c.threshold, c.passing, c.histogram);
    for seed in
        all.iter().filter(|q| wanted == "all" || wanted.split(',').any(|w| w == q.id.as_str()))
    {
        println!("\n{} {}", seed.id, seed.text);
        for settings in [Settings::default(), Settings::held_out(4, 1)] {
            let out = run(seed, &offline, &filter, c.threshold, &settings, &[], None).unwrap();
            for s in &out {
                let why = match &s.decision {
                    Decision::Kept => "KEPT".to_owned(),
                    Decision::Rejected(r) => r.kind(),
                    Decision::Failed(_) => continue,
                };
                let held = if s.provenance.held_out { "held-out " } else { "" };
                let x = s.similarity.map_or(0.0, crate::domain::Similarity::get);
                println!("  {x:.3} {held}{:9} {why:24} {}", s.stage.as_str(), s.text);
            }
        }
    }
}
