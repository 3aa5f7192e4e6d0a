//! The model folder: `config.json` and `model.safetensors`, as transformers writes and reads them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::layout::Region;
use super::{Decoder, DecoderConfig, Layout};
use crate::embedded::EmbeddedError;

/// File names that mean pickled weights: they run code when opened.
const PICKLES: [&str; 4] = ["pytorch_model.bin", "model.pt", "model.pth", "consolidated.00.pth"];

/// Writes named `f32` tensors of one flat buffer as a safetensors file.
///
/// # Errors
/// The disk is full.
pub fn save_tensors(path: &Path, regions: &[Region], flat: &[f32]) -> Result<(), EmbeddedError> {
    let bytes: Vec<u8> = flat.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut views = Vec::with_capacity(regions.len());
    for r in regions {
        let range = r.range();
        let data = &bytes[4 * range.start..4 * range.end];
        let view = TensorView::new(Dtype::F32, r.shape.clone(), data).map_err(bad(path))?;
        views.push((r.name.as_str(), view));
    }
    let meta = Some([("format".to_owned(), "pt".to_owned())].into());
    let file = safetensors::serialize(views, meta).map_err(bad(path))?;
    std::fs::write(path, file).map_err(EmbeddedError::io(path))
}

/// Reads a safetensors file into one flat buffer; `regions` are all that it may hold.
///
/// # Errors
/// A tensor is missing, extra, of another shape or type, or holds NaN or infinity: by name.
pub fn load_tensors(path: &Path, regions: &[Region]) -> Result<Vec<f32>, EmbeddedError> {
    let bytes = std::fs::read(path).map_err(EmbeddedError::io(path))?;
    if !looks_like_safetensors(&bytes) {
        return Err(EmbeddedError::Refused {
            path: path.to_owned(),
            reason: "not a safetensors file (a pickle, or a large-file pointer?): expected \
                     weights saved with safetensors"
                .into(),
        });
    }
    let file = SafeTensors::deserialize(&bytes).map_err(bad(path))?;
    let mut tensors: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let mut flat = vec![0.0; regions.iter().map(|r| r.start + r.len()).max().unwrap_or(0)];
    for r in regions {
        let no = |reason: String| EmbeddedError::Tensor { name: r.name.clone(), reason };
        let view = tensors
            .remove(&r.name)
            .ok_or_else(|| no(format!("missing: expected it with shape {:?}", r.shape)))?;
        if view.shape() != r.shape {
            return Err(no(format!("shape {:?}: expected {:?}", view.shape(), r.shape)));
        }
        let to = &mut flat[r.range()];
        match view.dtype() {
            Dtype::F32 => {
                for (x, b) in to.iter_mut().zip(view.data().as_chunks::<4>().0) {
                    *x = f32::from_le_bytes(*b);
                }
            }
            Dtype::BF16 => {
                for (x, b) in to.iter_mut().zip(view.data().as_chunks::<2>().0) {
                    *x = f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16);
                }
            }
            other => return Err(no(format!("type {other:?}: expected F32 or BF16"))),
        }
        if let Some(i) = to.iter().position(|x| !x.is_finite()) {
            return Err(no(format!("element {i} is {}: the weights are broken", to[i])));
        }
    }
    // Tied weights may be stored a second time; anything else that is left would be ignored.
    tensors.remove("lm_head.weight");
    if let Some(name) = tensors.into_keys().next() {
        return Err(EmbeddedError::Tensor {
            name,
            reason: "not a tensor of this model: the config does not belong to these weights"
                .into(),
        });
    }
    Ok(flat)
}

/// The header's length must fit the file and the header must be a JSON object.
fn looks_like_safetensors(bytes: &[u8]) -> bool {
    let Some(head) = bytes.first_chunk::<8>() else { return false };
    let n = u64::from_le_bytes(*head);
    n <= bytes.len() as u64 - 8 && bytes.get(8) == Some(&b'{')
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
        let path = dir.join("model.safetensors");
        if !path.exists() {
            let pickle = PICKLES.iter().find(|p| dir.join(p).exists());
            return Err(EmbeddedError::Refused {
                path,
                reason: pickle.map_or_else(
                    || "no such file: expected the weights here".to_owned(),
                    |p| {
                        format!(
                            "only {p} is there, and a pickle runs code when it is opened: convert \
                             it to safetensors first"
                        )
                    },
                ),
            });
        }
        let layout = Layout::new(&config);
        let weights = load_tensors(&path, &layout.regions)?;
        Self::from_weights(config, weights)
    }
}

#[cfg(test)]
mod tests {
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
}
