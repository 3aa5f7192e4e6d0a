//! An adapter's product added to the weights: W + scale B A.

use std::path::Path;

use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{Adapter, Decoder, Projection};
use crate::embedded::matmul::{Into, Mat, MatMut, matmul};

/// Files of a model folder that go with the weights unchanged.
const COMPANIONS: [&str; 10] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
];

/// Adds the adapter's products to the weights of the model that it was read for.
///
/// # Panics
/// The adapter is of another model's sizes; [`super::load`] does not give such a one.
pub fn merge(model: &mut Decoder, adapter: &Adapter) {
    let (config, scale) = (model.config().clone(), adapter.settings().scale());
    for layer in 0..config.num_hidden_layers {
        for p in Projection::ALL {
            let Some((a, b)) = adapter.pair(layer, p) else { continue };
            let name = format!("model.layers.{layer}.{}.weight", p.path());
            let Some(at) = model.layout().regions.iter().find(|r| r.name == name) else { continue };
            let (at, (out, inputs), r) = (at.range(), p.shape(&config), adapter.settings().r);
            let w = MatMut::new(&mut model.weights[at], out, inputs);
            matmul(w, Into::Add, scale, Mat::new(b, out, r), Mat::new(a, r, inputs));
        }
    }
}

/// Reads a model folder, with an adapter merged into it where one is named.
///
/// # Errors
/// What is wrong with either, by name.
pub fn load_model(dir: &Path, adapter: Option<&Path>) -> Result<Decoder, EmbeddedError> {
    let mut model = Decoder::load(dir)?;
    if let Some(adapter) = adapter {
        let delta = super::load(adapter, model.config())?;
        merge(&mut model, &delta);
    }
    Ok(model)
}

/// Writes a model folder `to` of a base folder with an adapter merged into it, tokenizer and
/// generation settings included. `to` must be new or empty.
///
/// # Errors
/// What is wrong with base or adapter, a folder that is not empty, a full disk.
pub fn merge_folder(base: &Path, adapter: &Path, to: &Path) -> Result<(), EmbeddedError> {
    let occupied = std::fs::read_dir(to).is_ok_and(|mut e| e.next().is_some());
    if occupied {
        return Err(EmbeddedError::Refused {
            path: to.to_owned(),
            reason: "the folder is not empty: expected a new one".into(),
        });
    }
    let model = load_model(base, Some(adapter))?;
    std::fs::create_dir_all(to).map_err(EmbeddedError::io(to))?;
    for name in COMPANIONS {
        // A tokenizer that was saved with the adapter (it may have a template) goes before the base's.
        let Some(from) = [adapter, base].iter().map(|d| d.join(name)).find(|f| f.exists()) else {
            continue;
        };
        std::fs::copy(&from, to.join(name)).map_err(EmbeddedError::io(&from))?;
    }
    model.save(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::decoder::{
        DecoderConfig, Family, LoraSettings, Pack, Supervision, Workspace,
    };

    #[test]
    fn a_merged_folder_gives_the_loss_of_model_and_adapter_and_keeps_the_tokenizer() {
        let mut c = DecoderConfig::llama(11, 8, 12, 2, 2, 1).unwrap();
        c.model_type = Family::Qwen2;
        let m = Decoder::random(c.clone(), 0.3, 2).unwrap();
        let mut a = Adapter::new(&c, LoraSettings::default(), 1).unwrap();
        for (i, w) in a.weights.iter_mut().enumerate() {
            *w += 0.05 * (i as f32).sin();
        }
        let (pack, rows) = Pack::from_sequences(&[vec![1u32, 2, 3, 4, 5]]);
        let s = Supervision::new(rows[0].iter().map(|&r| (r, 6, 1.0)).collect());
        let ws = &mut Workspace::new();
        let want = m.adapted_loss(&a, None, &pack, &s, 1.0, ws, None).unwrap();
        let plain = m.loss(&pack, &s, 1.0, ws, None).unwrap();
        assert!((want - plain).abs() > 0.01, "the adapter does nothing");

        let dir = tempfile::tempdir().unwrap();
        let [base, adapter, out] = ["base", "adapter", "out"].map(|n| dir.path().join(n));
        std::fs::create_dir_all(&base).unwrap();
        std::fs::create_dir_all(&adapter).unwrap();
        m.save(&base).unwrap();
        std::fs::write(base.join("tokenizer.json"), "{}").unwrap();
        super::super::save(&adapter, &a, None).unwrap();
        merge_folder(&base, &adapter, &out).unwrap();
        let merged = Decoder::load(&out).unwrap();
        let got = merged.loss(&pack, &s, 1.0, ws, None).unwrap();
        assert!((got - want).abs() < 1e-4, "{got} against {want}");
        assert!(out.join("tokenizer.json").exists());
        let e = merge_folder(&base, &adapter, &out).unwrap_err().to_string();
        assert!(e.contains("not empty"), "{e}");
    }
}
