//! The model folder: `config.json` and `model.safetensors` (one file or several with an index), as
//! transformers writes and reads them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::tensors::{Tensors, fill, save_tensors};
use super::{Decoder, DecoderConfig, Layout};
use crate::embedded::EmbeddedError;

/// Endings that mean pickled weights: they run code when opened.
const PICKLES: [&str; 4] = [".bin", ".pt", ".pth", ".ckpt"];

/// The index of weights that are cut into several files.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files that hold a folder's weights: one, or those that the index names.
fn weight_files(dir: &Path) -> Result<Vec<PathBuf>, EmbeddedError> {
    let single = dir.join("model.safetensors");
    if single.exists() {
        return Ok(vec![single]);
    }
    let path = dir.join("model.safetensors.index.json");
    if path.exists() {
        let text = std::fs::read_to_string(&path).map_err(EmbeddedError::io(&path))?;
        let index: Index = serde_json::from_str(&text).map_err(bad(&path))?;
        let mut names: Vec<&String> = index.weight_map.values().collect();
        names.sort();
        names.dedup();
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            // An index from elsewhere must not make us read outside its folder.
            let plain = Path::new(name).file_name().is_some_and(|f| f == name.as_str());
            let file = dir.join(name);
            if !plain || !file.exists() {
                return Err(EmbeddedError::Malformed {
                    path,
                    reason: format!("it names `{name}`, which is no file of this folder"),
                });
            }
            files.push(file);
        }
        return Ok(files);
    }
    let others = std::fs::read_dir(dir).map_err(EmbeddedError::io(dir))?;
    let mut others: Vec<String> =
        others.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    others.sort();
    let ends = |o: &&String, ends: &[&str]| ends.iter().any(|e| o.ends_with(e));
    let reason = if let Some(p) = others.iter().find(|o| ends(o, &PICKLES)) {
        format!(
            "only {p} is there, and a pickle runs code when it is opened: convert it to safetensors \
             first"
        )
    } else if let Some(g) = others.iter().find(|o| ends(o, &[".gguf"])) {
        format!(
            "only {g} is there: expected the model's original folder with safetensors weights, or \
             run this file with a server and name it as an endpoint"
        )
    } else if others.iter().any(|o| o == "adapter_config.json") {
        "an adapter without its base: name the base as the model and this folder as its adapter"
            .into()
    } else {
        "no such file: expected the weights here".into()
    };
    Err(EmbeddedError::Refused { path: single, reason })
}

/// What some checkpoints hold beside the model's own tensors, and every reader leaves out.
fn superfluous(name: &str, tied: bool) -> bool {
    tied && name == "lm_head.weight" || name.ends_with(".rotary_emb.inv_freq")
}

fn bad<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> EmbeddedError {
    let path: PathBuf = path.to_owned();
    move |e| EmbeddedError::Malformed { path, reason: e.to_string() }
}

impl Decoder {
    /// Writes `config.json` and `model.safetensors` into an existing folder.
    ///
    /// # Errors
    /// The disk is full.
    pub fn save(&self, dir: &Path) -> Result<(), EmbeddedError> {
        let path = dir.join("config.json");
        let text = serde_json::to_string_pretty(self.config()).map_err(bad(&path))?;
        std::fs::write(&path, text).map_err(EmbeddedError::io(&path))?;
        save_tensors(&dir.join("model.safetensors"), &self.layout().regions, &self.weights)
    }

    /// Reads a model folder.
    ///
    /// # Errors
    /// The config, a tensor, or the kind of file: each by name.
    pub fn load(dir: &Path) -> Result<Self, EmbeddedError> {
        let config = DecoderConfig::load(dir)?;
        let mut tensors = Tensors::open(weight_files(dir)?)?;
        let layout = Layout::new(&config);
        let weights = fill(&mut tensors, &layout.regions)?;
        // Anything else that is left would be ignored.
        let tied = config.tie_word_embeddings;
        if let Some(name) = tensors.names().find(|n| !superfluous(n, tied)) {
            return Err(EmbeddedError::Tensor {
                name: name.to_owned(),
                reason: "not a tensor of this model: the config does not belong to these weights"
                    .into(),
            });
        }
        Self::from_weights(config, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Region;
    use super::*;

    fn model(tied: bool) -> Decoder {
        let mut c = DecoderConfig::llama(11, 8, 12, 2, 2, 1).unwrap();
        c.tie_word_embeddings = tied;
        Decoder::random(c, 0.02, 1).unwrap()
    }

    #[test]
    fn a_folder_gives_the_same_model_back() {
        for tied in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let m = model(tied);
            m.save(dir.path()).unwrap();
            assert_eq!(Decoder::load(dir.path()).unwrap(), m);
        }
    }

    #[test]
    fn weights_that_do_not_fit_are_refused_by_name() {
        let m = model(true);
        let save = |regions: &[Region], flat: &[f32]| {
            let dir = tempfile::tempdir().unwrap();
            m.save(dir.path()).unwrap();
            save_tensors(&dir.path().join("model.safetensors"), regions, flat).unwrap();
            Decoder::load(dir.path()).unwrap_err().to_string()
        };
        let all = &m.layout().regions;
        let e = save(&all[1..], &m.weights);
        assert!(e.contains("embed_tokens") && e.contains("missing"), "{e}");
        let mut extra = all.clone();
        extra.push(Region { name: "model.layers.9.x".into(), shape: vec![1], start: 0 });
        let e = save(&extra, &m.weights);
        assert!(e.contains("layers.9"), "{e}");
        let mut other = all.clone();
        other[2].shape = vec![4, 16];
        let e = save(&other, &m.weights);
        assert!(e.contains("q_proj") && e.contains("[4, 16]"), "{e}");
        let mut nan = m.weights.clone();
        nan[all[3].start] = f32::NAN;
        let e = save(all, &nan);
        assert!(e.contains("k_proj") && e.contains("NaN"), "{e}");
    }

    #[test]
    fn a_pickle_is_refused_whatever_it_is_called() {
        let dir = tempfile::tempdir().unwrap();
        let m = model(true);
        m.save(dir.path()).unwrap();
        let weights = dir.path().join("model.safetensors");
        for bytes in [&b"\x80\x02}q\x00."[..], b"PK\x03\x04 zipped pickle", b"", b"version https"] {
            std::fs::write(&weights, bytes).unwrap();
            let e = Decoder::load(dir.path()).unwrap_err().to_string();
            assert!(e.contains("not a safetensors file"), "{e}");
        }
        std::fs::remove_file(&weights).unwrap();
        std::fs::write(dir.path().join("pytorch_model.bin"), b"\x80").unwrap();
        let e = Decoder::load(dir.path()).unwrap_err().to_string();
        assert!(e.contains("pickle"), "{e}");
    }

    /// Cuts the weights of a saved folder into two files with an index.
    fn shard(dir: &Path, m: &Decoder) -> serde_json::Value {
        std::fs::remove_file(dir.join("model.safetensors")).unwrap();
        let mut map = serde_json::Map::new();
        let (a, b) = m.layout().regions.split_at(5);
        for (i, part) in [a, b].into_iter().enumerate() {
            let file = format!("model-{}-of-2.safetensors", i + 1);
            save_tensors(&dir.join(&file), part, &m.weights).unwrap();
            map.extend(part.iter().map(|r| (r.name.clone(), file.clone().into())));
        }
        serde_json::json!({"metadata": {"total_size": 1}, "weight_map": map})
    }

    #[test]
    fn weights_in_several_files_are_one_model_and_a_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let m = model(false);
        m.save(dir.path()).unwrap();
        let mut index = shard(dir.path(), &m);
        let path = dir.path().join("model.safetensors.index.json");
        std::fs::write(&path, index.to_string()).unwrap();
        assert_eq!(Decoder::load(dir.path()).unwrap(), m);
        for other in ["../model-1-of-2.safetensors", "model-3-of-2.safetensors"] {
            index["weight_map"]["lm_head.weight"] = other.into();
            std::fs::write(&path, index.to_string()).unwrap();
            let e = Decoder::load(dir.path()).unwrap_err().to_string();
            assert!(e.contains(other), "{e}");
        }
    }

    #[test]
    fn halves_are_read_as_what_they_say_and_other_types_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let m = model(true);
        m.save(dir.path()).unwrap();
        let write = |dtype: safetensors::Dtype, cut: fn(f32) -> Vec<u8>| {
            let data: Vec<Vec<u8>> = m
                .layout()
                .regions
                .iter()
                .map(|r| m.weights[r.range()].iter().copied().flat_map(cut).collect())
                .collect();
            let views = m.layout().regions.iter().zip(&data).map(|(r, d)| {
                let view = safetensors::tensor::TensorView::new(dtype, r.shape.clone(), d);
                (r.name.as_str(), view.unwrap())
            });
            let bytes = safetensors::serialize(views, None).unwrap();
            std::fs::write(dir.path().join("model.safetensors"), bytes).unwrap();
            Decoder::load(dir.path())
        };
        let bf16 = write(safetensors::Dtype::BF16, |x| x.to_le_bytes()[2..].to_vec()).unwrap();
        let gap = |a: &Decoder| {
            let cells = a.weights.iter().zip(&m.weights);
            cells.map(|(a, b)| (a - b).abs() / b.abs().max(1e-6)).fold(0.0, f32::max)
        };
        assert!(gap(&bf16) < 0.01, "{}", gap(&bf16));
        // 1.0 in halves, whatever the weight was.
        let ones = write(safetensors::Dtype::F16, |_| vec![0, 0x3c]).unwrap();
        assert!(ones.weights.iter().all(|w| *w == 1.0));
        let e = write(safetensors::Dtype::F8_E4M3, |_| vec![0]).unwrap_err().to_string();
        assert!(e.contains("F8_E4M3") && e.contains("embed_tokens"), "{e}");
    }
}
