//! Folders that are broken in one way each, made on the fly: every one is refused with the name of
//! what is wrong and the way out.

use std::path::Path;

use super::tests::{folder, opened};
use crate::embedded::Decoder;
use crate::embedded::decoder::{Region, save_tensors};
use crate::embedded::tokenizer::testing::{Shape, tokenizer_json, write_tokenizer};
use crate::providers::ReplyPlaces;

/// Breaks a good folder, and gives the refusal.
fn refusal(break_it: impl FnOnce(&Path)) -> String {
    let dir = folder(Shape::Turns);
    opened(dir.path(), &ReplyPlaces::default()).unwrap();
    break_it(dir.path());
    let e = opened(dir.path(), &ReplyPlaces::default()).err().unwrap().to_string();
    assert!(e.contains("local:m"), "{e}");
    e
}

fn edit(path: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut v = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    change(&mut v);
    std::fs::write(path, v.to_string()).unwrap();
}

/// Writes the weights again, changed.
fn weights(dir: &Path, change: impl FnOnce(&mut Vec<Region>, &mut Vec<f32>)) {
    let m = Decoder::load(dir).unwrap();
    let (mut regions, mut flat) = (m.layout().regions.clone(), m.weights.clone());
    change(&mut regions, &mut flat);
    save_tensors(&dir.join("model.safetensors"), &regions, &flat).unwrap();
}

#[test]
fn weights_that_are_missing_misshapen_or_not_numbers_are_named() {
    let e = refusal(|d| weights(d, |regions, _| drop(regions.remove(4))));
    assert!(e.contains("v_proj") && e.contains("missing"), "{e}");
    let e = refusal(|d| {
        weights(d, |regions, _| regions[7].shape = vec![regions[7].shape[0] / 2, 64]);
    });
    assert!(e.contains("shape") && e.contains("expected"), "{e}");
    let e = refusal(|d| weights(d, |regions, flat| flat[regions[8].start] = f32::INFINITY));
    assert!(e.contains("broken"), "{e}");
    let e = refusal(|d| {
        let path = d.join("model.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(e.contains("model.safetensors"), "{e}");
}

#[test]
fn pickles_and_other_families_are_refused() {
    let e = refusal(|d| {
        std::fs::rename(d.join("model.safetensors"), d.join("pytorch_model.bin")).unwrap();
    });
    assert!(e.contains("pickle") && e.contains("safetensors"), "{e}");
    let e =
        refusal(|d| std::fs::write(d.join("model.safetensors"), b"\x80\x04\x95pickled").unwrap());
    assert!(e.contains("not a safetensors file"), "{e}");
    let e = refusal(|d| edit(&d.join("config.json"), |c| c["model_type"] = "mamba".into()));
    assert!(e.contains("mamba") && e.contains("llama"), "{e}");
    let e = refusal(|d| std::fs::remove_file(d.join("config.json")).unwrap());
    assert!(e.contains("config.json"), "{e}");
}

#[test]
fn foreign_tokenizers_are_refused() {
    // Larger than the model's vocabulary.
    let e = refusal(|d| {
        std::fs::write(d.join("tokenizer.json"), tokenizer_json(Shape::Turns, 700).to_string())
            .unwrap();
    });
    assert!(e.contains("outside of the model's vocabulary"), "{e}");
    // One token with an id far outside.
    let e = refusal(|d| {
        edit(&d.join("tokenizer.json"), |t| {
            let n = t["model"]["vocab"].as_object().unwrap().len();
            let last = t["model"]["vocab"].as_object().unwrap().keys().next_back().unwrap().clone();
            t["model"]["vocab"][&last] = (n as u64 + 5000).into();
        });
    });
    assert!(e.contains("vocabulary"), "{e}");
    // Of a model with a much larger vocabulary.
    let e = refusal(|d| {
        let c = crate::embedded::DecoderConfig::llama(4000, 32, 48, 1, 4, 2).unwrap();
        Decoder::random(c, 0.1, 1).unwrap().save(d).unwrap();
    });
    assert!(e.contains("4000") && e.contains("does not belong"), "{e}");
    // The config's end token is not in it.
    let e = refusal(|d| {
        std::fs::write(d.join("generation_config.json"), r#"{"eos_token_id": [1, 90000]}"#)
            .unwrap();
    });
    assert!(e.contains("90000"), "{e}");
    // Of another kind altogether.
    let e = refusal(|d| std::fs::write(d.join("tokenizer.json"), "{\"a\": 1}").unwrap());
    assert!(e.contains("not a tokenizer"), "{e}");
}

#[test]
fn a_missing_tokenizer_says_what_to_do() {
    let e = refusal(|d| {
        std::fs::rename(d.join("tokenizer.json"), d.join("tokenizer.model")).unwrap();
    });
    assert!(e.contains("tokenizer.model") && e.contains("save_pretrained"), "{e}");
    let e = refusal(|d| std::fs::remove_file(d.join("tokenizer.json")).unwrap());
    assert!(e.contains("expected the tokenizer here"), "{e}");
}

#[test]
fn templates_that_are_missing_or_broken_say_what_to_do() {
    let config = |d: &Path| d.join("tokenizer_config.json");
    let e = refusal(|d| edit(&config(d), |c| c["chat_template"] = serde_json::Value::Null));
    assert!(e.contains("no chat template") && e.contains("plain"), "{e}");
    let e = refusal(|d| edit(&config(d), |c| c["chat_template"] = "{% if x %}".into()));
    assert!(e.contains("template says"), "{e}");
    let e = refusal(|d| edit(&config(d), |c| c["chat_template"] = "Always the same.".into()));
    assert!(e.contains("leaves out"), "{e}");
    let e = refusal(|d| {
        let named = serde_json::json!([{"name": "tools", "template": "x"}]);
        edit(&config(d), |c| c["chat_template"] = named);
    });
    assert!(e.contains("tools") && e.contains("default"), "{e}");
    let e = refusal(|d| std::fs::write(config(d), "not json").unwrap());
    assert!(e.contains("tokenizer_config.json"), "{e}");
}

#[test]
fn named_templates_and_templates_in_files_are_found() {
    let dir = folder(Shape::Inst);
    let config = dir.path().join("tokenizer_config.json");
    let good = Shape::Inst.template();
    let named = serde_json::json!([
        {"name": "tool_use", "template": "{{ raise_exception('no') }}"},
        {"name": "default", "template": good}]);
    edit(&config, |c| c["chat_template"] = named);
    opened(dir.path(), &ReplyPlaces::default()).unwrap();
    // The file of its own wins.
    edit(&config, |c| c["chat_template"] = "{% broken".into());
    std::fs::write(dir.path().join("chat_template.jinja"), good).unwrap();
    opened(dir.path(), &ReplyPlaces::default()).unwrap();
    write_tokenizer(dir.path(), Shape::Inst);
}
