//! The translation job from its door: real folders, scripted replies.

use super::super::translate::*;
use super::super::{Summary, sample_id};
use crate::domain::{Decision, Question, Sample, Stage};
use crate::job::{Attempt, JobError, NoProgress, read_jsonl};
use crate::providers::chat::testing::Scripted;
use crate::providers::{CallFailed, ChatRequest};
use crate::seeds;

fn seeds(n: usize) -> Vec<Question> {
    seeds::sample::questions().unwrap().into_iter().take(n).collect()
}

fn kept_sample(q: &Question, text: &str) -> Sample {
    let mut s: Sample = serde_json::from_value(serde_json::json!({
        "id": sample_id(&q.id, "en", text).unwrap(), "seed": q.id, "language": "en", "text": text,
        "stage": "template", "similarity": null, "decision": {"decision": "kept"},
        "provenance": {"provider": "offline", "version": "1", "family": "viewpoint"},
    }))
    .unwrap();
    s.provenance.held_out = text.contains("held");
    s
}

fn folder(units: &[Unit], settings: &TranslateSettings) -> (tempfile::TempDir, Attempt) {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input");
    std::fs::create_dir_all(&input).unwrap();
    std::fs::write(input.join("translate.json"), serde_json::to_vec(settings).unwrap()).unwrap();
    let rows: String = units.iter().map(|u| serde_json::to_string(u).unwrap() + "\n").collect();
    std::fs::write(input.join("units.jsonl"), rows).unwrap();
    let attempt = Attempt::create(dir.path(), 1).unwrap();
    (dir, attempt)
}

fn job(
    attempt: &Attempt,
    say: impl FnMut(&ChatRequest) -> Result<String, CallFailed> + Send,
) -> Result<Summary, JobError> {
    work(attempt, &mut NoProgress, &mut Scripted(say))
}

fn results(attempt: &Attempt) -> Vec<Sample> {
    read_jsonl(&attempt.file("results.jsonl")).unwrap()
}

fn french(n: usize) -> String {
    format!(
        "Le numéro {} des buts de ma vie est que mes parents soient fiers.",
        ["un", "deux", "trois", "quatre"][n % 4]
    )
}

#[test]
fn what_is_translated_is_what_was_asked_for_and_is_not_there_yet() {
    let seeds = seeds(2);
    let sample = kept_sample(&seeds[0], "My parents' pride is held dear.");
    let mut rejected = kept_sample(&seeds[0], "Something else.");
    rejected.decision = Decision::Failed(crate::domain::FailReason::CutOff);
    let targets = || vec!["fr".into(), "ar".into(), "en-GB".into()];
    let all = |what, samples: &[Sample]| {
        units(&seeds, samples, &TranslateSettings::new("m", targets(), what))
    };
    let samples = [sample.clone(), rejected];
    assert_eq!(all(What::Seeds, &samples).len(), 4, "no English into English");
    assert_eq!(all(What::Samples, &samples).len(), 2);
    let both = all(What::Both, &samples);
    assert_eq!(both.len(), 6);
    assert!(both.iter().any(|u| u.held_out && u.parent == Some(sample.id.clone())));
    let mut done = sample.clone();
    done.language = "fr".into();
    done.stage = Stage::Translation;
    done.provenance.parent = Some(sample.id.clone());
    assert_eq!(all(What::Samples, &[sample, done]).len(), 1, "only Arabic is open");
    for bad in ["", "x", "french", "f r", "../etc"] {
        assert!(
            TranslateSettings::new("m", vec![bad.into()], What::Both).check().is_err(),
            "{bad}"
        );
    }
    assert!(TranslateSettings::new("m", vec![], What::Both).check().is_err());
    assert!(
        TranslateSettings::new("m", vec!["pt-BR".into(), "zh-Hant".into()], What::Both)
            .check()
            .is_ok()
    );
}

#[test]
fn translations_are_samples_with_their_ancestry() {
    let seeds = seeds(1);
    let sample = kept_sample(&seeds[0], "My parents' pride is held dear by me in life.");
    let settings = TranslateSettings::new("m", vec!["fr".into()], What::Both);
    let all = units(&seeds, std::slice::from_ref(&sample), &settings);
    let (_dir, attempt) = folder(&all, &settings);
    let mut n = 0;
    let summary = job(&attempt, |r| {
        assert!(r.messages.last().unwrap().content.contains("into French"));
        assert_eq!(r.sampling.temperature, 0.0);
        n += 1;
        Ok(if n == 1 {
            french(0)
        } else {
            "Dans la vie, je tiens à la fierté de mes parents.".into()
        })
    })
    .unwrap();
    assert_eq!((summary.proposed, summary.kept), (2, 2), "{:#?}", results(&attempt));
    let found = results(&attempt);
    assert!(found.iter().all(|s| s.language == "fr" && s.stage == Stage::Translation));
    assert_eq!(found[0].provenance.parent, None);
    assert!(!found[0].provenance.held_out);
    let of_sample = &found[1].provenance;
    assert_eq!(of_sample.parent.as_ref(), Some(&sample.id));
    assert!(of_sample.held_out && of_sample.family.as_deref() == Some("viewpoint"));
    assert_eq!(of_sample.template.as_deref(), Some("translate"));
    assert!(of_sample.version.starts_with("translate-1-") && of_sample.reply.is_some());
}

#[test]
fn what_is_no_translation_is_rejected_or_failed_with_its_reason() {
    let seeds = seeds(6);
    let settings = TranslateSettings::new("m", vec!["ar".into()], What::Seeds);
    let all = units(&seeds, &[], &settings);
    let (_dir, attempt) = folder(&all, &settings);
    let mut replies = vec![
        Ok("I'm sorry, but I can't help with that.".to_owned()),
        Ok(seeds[1].text.clone()),
        Ok("Cuando el trabajo escasea, los hombres tienen más derecho.".to_owned()),
        Ok("نعم.\nلا.".to_owned()),
        Err(CallFailed { code: "server".into(), detail: "503".into() }),
        Ok("<think>long</think>".to_owned()),
    ]
    .into_iter();
    let summary = job(&attempt, |_| replies.next().unwrap()).unwrap();
    assert_eq!((summary.proposed, summary.kept), (6, 0));
    let kinds: Vec<(&str, u64)> = summary.by_reason.iter().map(|(k, n)| (k.as_str(), *n)).collect();
    assert_eq!(
        kinds,
        [
            ("call-failed/server", 1),
            ("refused", 1),
            ("translation/script", 1),
            ("translation/unchanged", 1),
            ("unreadable", 2)
        ]
    );
    assert_eq!(summary.rejected + summary.failed, 6);
}

#[test]
fn two_texts_with_one_translation_are_one_kept_and_one_duplicate() {
    let seeds = seeds(1);
    let sample = kept_sample(&seeds[0], "My parents' pride is dear to me in life.");
    let settings = TranslateSettings::new("m", vec!["fr".into()], What::Both);
    let (_dir, attempt) = folder(&units(&seeds, &[sample], &settings), &settings);
    let summary = job(&attempt, |_| Ok(french(0))).unwrap();
    assert_eq!((summary.kept, summary.by_reason["duplicate"]), (1, 1));
    let found = results(&attempt);
    assert_eq!(found[0].decision, Decision::Kept, "the seed's own wording goes first");
    assert_ne!(found[0].id, found[1].id);
}

struct StopAt(u64, u64);
impl crate::job::Progress for StopAt {
    fn at(&mut self, done: u64, _: Option<u64>, _: &str) {
        self.1 = done;
    }
    fn should_stop(&self) -> bool {
        self.1 >= self.0
    }
}

#[test]
fn a_translation_run_that_broke_asks_only_for_what_is_missing() {
    let seeds = seeds(4);
    let settings = TranslateSettings::new("m", vec!["fr".into()], What::Seeds);
    let all = units(&seeds, &[], &settings);
    let (dir, attempt) = folder(&all, &settings);
    let mut model = Scripted(|_: &ChatRequest| Ok(french(0)));
    let stopped = work(&attempt, &mut StopAt(2, 0), &mut model);
    assert!(matches!(stopped, Err(JobError::Stopped)));
    assert_eq!(results(&attempt).len(), 2);
    let second = Attempt::create(dir.path(), 2).unwrap();
    let mut asked = 0;
    let summary = job(&second, |_| {
        asked += 1;
        Ok(french(0))
    })
    .unwrap();
    assert_eq!((asked, summary.proposed), (2, 4));
    assert_eq!(results(&second).len(), 2);
}
