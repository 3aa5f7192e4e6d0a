//! Adapters as PEFT writes them (`tests/golden/adapter.py`): the config is PEFT's own text, the
//! tensors have PEFT's names, and base and adapter together must say what PEFT's model says.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::embedded::Decoder;
use crate::embedded::adapter::{load, load_model};
use crate::embedded::decoder::golden_tests::{base, weights};
use crate::embedded::decoder::{Pack, Region, Supervision, Workspace, log_probs, save_tensors};

#[derive(Deserialize)]
struct Golden {
    tokens: Vec<u32>,
    rows: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    base: String,
    config: Value,
    tensors: BTreeMap<String, Vec<usize>>,
    log_probs: Vec<Vec<f64>>,
}

#[test]
fn an_adapter_that_peft_wrote_says_what_it_says_in_peft() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../../tests/golden/adapter.json")).unwrap();
    for case in golden.cases {
        let home = tempfile::tempdir().unwrap();
        let [folder, adapter] = ["base", "adapter"].map(|n| home.path().join(n));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::create_dir_all(&adapter).unwrap();
        let model: Decoder = base(&case.base);
        model.save(&folder).unwrap();
        std::fs::write(adapter.join("adapter_config.json"), case.config.to_string()).unwrap();
        let (mut regions, mut flat) = (Vec::new(), Vec::new());
        for (name, shape) in &case.tensors {
            let r = Region { name: name.clone(), shape: shape.clone(), start: flat.len() };
            flat.extend(weights(name, r.len(), 0.25));
            regions.push(r);
        }
        save_tensors(&adapter.join("adapter_model.safetensors"), &regions, &flat).unwrap();

        let (pack, rows) = Pack::from_sequences(&[&golden.tokens]);
        let vocab = model.config().vocab_size as u32;
        let ws = &mut Workspace::new();
        let asked: Vec<(u32, u32)> = golden
            .rows
            .iter()
            .flat_map(|&r| (0..vocab).map(move |t| (r, t)))
            .map(|(r, t)| (rows[0][r], t))
            .collect();
        let merged = load_model(&folder, Some(&adapter)).unwrap();
        let got = log_probs(&merged, &pack, &asked, ws).unwrap();
        let want: Vec<f64> = case.log_probs.into_iter().flatten().collect();
        let gap = got.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
        println!("{}: largest difference {gap:.1e}", case.name);
        assert!(gap < 3e-5, "{}: {gap}", case.name);

        // Beside the weights instead of inside them, as in training.
        let delta = load(&adapter, model.config()).unwrap();
        let s = Supervision::new(asked.iter().map(|&(r, t)| (r, t, 1.0)).collect());
        let loss = model.adapted_loss(&delta, None, &pack, &s, 1.0, ws, None).unwrap();
        let sum: f64 = -want.iter().sum::<f64>();
        assert!((loss - sum).abs() < 1e-5 * sum, "{}: {loss} against {sum}", case.name);
    }
}
