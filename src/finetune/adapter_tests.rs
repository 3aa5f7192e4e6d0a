//! Adapters and whole models of a folder through the training job: resume, what checkpoints hold,
//! bases that changed or are none.

use std::path::{Path, PathBuf};

use super::job_tests::{StopAt, losses, rows, run_folder, survey};
use super::*;
use crate::domain::prompt::{OptionOrder, PromptForm, Symbols, Variant, render};
use crate::embedded::decoder::{Family, TokenIds};
use crate::embedded::{Decoder, DecoderConfig, ScoreSettings, Scorer, tokenizer};
use crate::job::{Attempt, JobError, NoProgress};

/// A folder with a small Qwen2 and a tokenizer that knows the texts.
pub(super) fn base(dir: &Path, seed: u64) -> PathBuf {
    let (survey, rows) = (survey(), rows());
    let prompts = PromptChoice::default();
    let set = TrainingSet::new(&rows, &survey, &prompts, TargetKind::Distribution).unwrap();
    let t = tokenizer::train(&set.texts(), &["0123456789ABC"], 260, true).unwrap();
    let mut c = DecoderConfig::llama(t.vocab_size(), 16, 24, 2, 2, 1).unwrap();
    c.model_type = Family::Qwen2;
    c.eos_token_id = Some(TokenIds::One(t.special_ids().1));
    let dir = dir.join("base");
    std::fs::create_dir_all(&dir).unwrap();
    Decoder::random(c, 0.2, seed).unwrap().save(&dir).unwrap();
    t.save(&dir).unwrap();
    dir
}

pub(super) fn recipe(base: &Path, lora: bool) -> String {
    let adapter = if lora { "[lora]\nr = 4\nalpha = 8.0\ndropout = 0.1\n" } else { "" };
    format!(
        "name = \"test\"\nsteps = 30\nbatch = 4\nlr = 2e-2\nwarmup = 0.1\nseed = 3\nlog_every = 1\n\
         checkpoint_every = 8\nkeep_checkpoints = 2\npiece_tokens = 120\n{adapter}\n\
         [model]\nfrom = \"path:{}\"\n",
        base.display()
    )
}

/// The weights of a folder's file as they lie there.
fn bytes(dir: &Path, name: &str) -> Vec<u8> {
    std::fs::read(dir.join(name)).unwrap()
}

#[test]
fn an_adapter_resumes_bit_for_bit_and_its_base_stays_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), 1);
    let before = bytes(&base, "model.safetensors");
    let straight = home.path().join("straight");
    run_folder(&straight, &recipe(&base, true), &rows());
    let a = Attempt::create(&straight, 1).unwrap();
    let summary = work(&a, &mut NoProgress).unwrap();
    assert!(summary.adapter && summary.trained < summary.parameters);
    assert_eq!(summary.base.as_ref().unwrap().folder, base);
    let whole = losses(&a);
    let mean = |part: &[(u64, u64)]| part.iter().map(|l| f64::from_bits(l.1)).sum::<f64>();
    assert!(mean(&whole[25..]) < 0.8 * mean(&whole[..5]), "it learned nothing");

    let broken = home.path().join("broken");
    run_folder(&broken, &recipe(&base, true), &rows());
    let first = Attempt::create(&broken, 1).unwrap();
    let stopped = work(&first, &mut StopAt(13, 0));
    assert!(matches!(stopped, Err(JobError::Stopped)), "{stopped:?}");
    let second = Attempt::create(&broken, 2).unwrap();
    assert_eq!(work(&second, &mut NoProgress).unwrap().resumed_from, Some(13));
    assert_eq!([losses(&first), losses(&second)].concat(), whole);
    for name in ["adapter_model.safetensors", "optimizer.safetensors"] {
        let [one, two] = [&a, &second].map(|a| bytes(&a.file("checkpoints/final"), name));
        assert!(one == two, "{name} differs");
    }
    assert!(bytes(&base, "model.safetensors") == before, "the base was written to");
}

#[test]
fn a_checkpoint_of_an_adapter_holds_the_adapter_alone_and_scores_on_its_base() {
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), 1);
    let run = home.path().join("run");
    run_folder(&run, &recipe(&base, true), &rows());
    let a = Attempt::create(&run, 1).unwrap();
    work(&a, &mut NoProgress).unwrap();
    let done = a.file("checkpoints/final");
    checkpoint::verify(&done).unwrap();
    assert!(done.join("adapter_config.json").exists());
    for absent in ["config.json", "model.safetensors", "tokenizer.json"] {
        assert!(!done.join(absent).exists(), "{absent}");
    }
    let survey = survey();
    let variant =
        Variant { form: PromptForm::Paper, order: OptionOrder::Printed, symbols: Symbols::Codes };
    let question = &survey.questions[0];
    let prompt = render(question, &question.text, Some(&survey.cultures[0]), variant);
    let score = |adapter: Option<&Path>| {
        let s = Scorer::open(&base, adapter, crate::embedded::tokenizer::ChatOptions::default())
            .unwrap();
        s.score(std::slice::from_ref(&prompt), ScoreSettings::default()).unwrap()[0].clone()
    };
    let (plain, tuned) = (score(None), score(Some(&done)));
    assert_ne!(plain, tuned);
    // Taught 0.7, 0.2, 0.1: the order is learnt.
    let lp = &tuned.log_probs;
    assert!(lp[0] > lp[1] && lp[0] > lp[2] && tuned.listed_mass() > plain.listed_mass());
    assert!(Scorer::load(&done).is_err(), "an adapter alone is no model");
}

#[test]
fn a_base_that_changed_is_trained_anew_and_an_adapter_is_no_base() {
    let home = tempfile::tempdir().unwrap();
    let folder = base(home.path(), 1);
    let run = home.path().join("run");
    run_folder(&run, &recipe(&folder, true), &rows());
    let first = Attempt::create(&run, 1).unwrap();
    work(&first, &mut StopAt(13, 0)).unwrap_err();
    base(home.path(), 2);
    let second = Attempt::create(&run, 2).unwrap();
    assert_eq!(work(&second, &mut NoProgress).unwrap().resumed_from, None);

    let other = home.path().join("other");
    let adapter = second.file("checkpoints/final");
    run_folder(&other, &recipe(&adapter, true), &rows());
    let e = work(&Attempt::create(&other, 1).unwrap(), &mut NoProgress).unwrap_err().to_string();
    assert!(e.contains("models merge"), "{e}");
    let asked = recipe(&folder, true).replace(&format!("path:{}", folder.display()), "--base");
    let nowhere = home.path().join("nowhere");
    run_folder(&nowhere, &asked, &rows());
    let e = work(&Attempt::create(&nowhere, 1).unwrap(), &mut NoProgress).unwrap_err().to_string();
    assert!(e.contains("--base"), "{e}");
}

#[test]
fn all_weights_of_a_folder_are_tuned_and_saved_as_a_model_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    let base = base(home.path(), 1);
    let run = home.path().join("run");
    run_folder(&run, &recipe(&base, false).replace("2e-2", "5e-3"), &rows());
    let a = Attempt::create(&run, 1).unwrap();
    let summary = work(&a, &mut NoProgress).unwrap();
    assert!(!summary.adapter && summary.trained == summary.parameters);
    let tuned = Scorer::load(&a.file("checkpoints/final")).unwrap();
    let before = Decoder::load(&base).unwrap();
    assert_eq!(tuned.model.config(), before.config());
    assert_ne!(tuned.model.weights, before.weights);
}
