//! Each family against the figures that transformers gave for it (`tests/golden/decoder.py`, where
//! versions and configs come from). Weights are worked out on both sides from a hash.

use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Deserialize)]
struct Golden {
    tokens: Vec<u32>,
    rows: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: Value,
    log_probs: Vec<Vec<f64>>,
}

/// `weights` of the script: 24 bits of a hash of name and index, exact in `f32`.
pub(crate) fn weights(name: &str, count: usize, scale: f32) -> impl Iterator<Item = f32> {
    let seed =
        name.bytes().fold(2_166_136_261u32, |s, b| (s ^ u32::from(b)).wrapping_mul(16_777_619));
    (0..count as u32).map(move |i| {
        let x = i.wrapping_mul(2_654_435_761) ^ seed;
        let x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
        let x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
        let x = x ^ (x >> 16);
        ((x >> 8) as f32 / 8_388_608.0 - 1.0) * scale
    })
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/decoder.json")).unwrap()
}

fn model(config: &Value) -> Decoder {
    let path = std::path::Path::new("config.json");
    let config = DecoderConfig::parse(&config.to_string(), path).unwrap();
    let layout = Layout::new(&config);
    let mut flat = vec![0.0; layout.len()];
    for r in &layout.regions {
        let norm = if r.name.ends_with("norm.weight") { 1.0 } else { 0.0 };
        for (w, x) in flat[r.range()].iter_mut().zip(weights(&r.name, r.len(), 0.25)) {
            *w = norm + x;
        }
    }
    Decoder::from_weights(config, flat).unwrap()
}

/// The model of a case, by name.
pub(crate) fn base(name: &str) -> Decoder {
    model(&golden().cases.iter().find(|c| c.name == name).unwrap().config)
}

#[test]
fn each_family_gives_the_log_probabilities_of_transformers() {
    let golden = golden();
    for case in golden.cases {
        let model = model(&case.config);
        let vocab = model.config().vocab_size as u32;
        let (pack, rows) = Pack::from_sequences(&[&golden.tokens]);
        let asked: Vec<(u32, u32)> = golden
            .rows
            .iter()
            .flat_map(|&r| (0..vocab).map(move |t| (r, t)))
            .map(|(r, t)| (rows[0][r], t))
            .collect();
        let got = log_probs(&model, &pack, &asked, &mut Workspace::new()).unwrap();
        let want = case.log_probs.iter().flatten();
        let gap = got.iter().zip(want).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
        println!("{}: largest difference {gap:.1e}", case.name);
        assert!(gap < 2e-5, "{}: {gap}", case.name);
    }
}
