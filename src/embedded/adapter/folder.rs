//! `adapter_config.json` and `adapter_model.safetensors`, as PEFT writes and reads them.

use std::path::Path;

use super::AdapterConfig;
use super::peft::FILE;
use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{Adapter, DecoderConfig, Projection, load_tensors, save_tensors};

const WEIGHTS: &str = "adapter_model.safetensors";

/// Writes an adapter into an existing folder; `base` names what it belongs to.
///
/// # Errors
/// The disk is full.
pub fn save(dir: &Path, adapter: &Adapter, base: Option<&str>) -> Result<(), EmbeddedError> {
    let config =
        AdapterConfig { settings: adapter.settings().clone(), base: base.map(str::to_owned) };
    let path = dir.join(FILE);
    std::fs::write(&path, format!("{:#}\n", config.to_json())).map_err(EmbeddedError::io(&path))?;
    save_tensors(&dir.join(WEIGHTS), adapter.regions(), &adapter.weights)
}

/// Reads an adapter for a model of these sizes.
///
/// # Errors
/// A kind of adapter that we do not compute, or one that does not fit the model: the tensor, its
/// shape and the one expected, and which base the adapter names.
pub fn load(dir: &Path, base: &DecoderConfig) -> Result<Adapter, EmbeddedError> {
    let config = AdapterConfig::load(dir)?;
    let path = dir.join(WEIGHTS);
    if !path.exists() {
        let pickle = dir.join("adapter_model.bin").exists();
        let reason = if pickle {
            "only adapter_model.bin is there, and a pickle runs code when it is opened: save it \
             again with safe_serialization"
        } else {
            "no such file: expected the adapter's weights here"
        };
        return Err(EmbeddedError::Refused { path, reason: reason.into() });
    }
    let mut adapter = Adapter::zeroed(base, config.settings.clone())?;
    adapter.weights = load_tensors(&path, adapter.regions()).map_err(|e| misfit(e, &config))?;
    Ok(adapter)
}

/// A tensor that does not fit means another base more often than a broken file.
fn misfit(e: EmbeddedError, config: &AdapterConfig) -> EmbeddedError {
    match e {
        EmbeddedError::Tensor { name, reason } => {
            let base = config.base.as_deref().unwrap_or("no base");
            let known = Projection::ALL.iter().any(|p| name.contains(p.path()));
            let layer = if known { "" } else { " (no projection that adapters are read for here)" };
            EmbeddedError::Tensor {
                name,
                reason: format!(
                    "{reason}{layer}. The adapter does not fit this model; it names {base} as its base"
                ),
            }
        }
        e => e,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::decoder::LoraSettings;

    fn config(width: usize, layers: usize) -> DecoderConfig {
        DecoderConfig::llama(11, width, 12, layers, 2, 1).unwrap()
    }

    fn adapter(targets: &[Projection]) -> Adapter {
        let s = LoraSettings { r: 3, targets: targets.into(), ..LoraSettings::default() };
        let mut a = Adapter::new(&config(8, 2), s, 1).unwrap();
        for (i, w) in a.weights.iter_mut().enumerate() {
            *w += i as f32 * 1e-3;
        }
        a
    }

    #[test]
    fn an_adapter_comes_back_as_it_was_written() {
        for targets in [&Projection::ALL[..], &[Projection::V, Projection::Down]] {
            let dir = tempfile::tempdir().unwrap();
            let a = adapter(targets);
            save(dir.path(), &a, Some("org/base")).unwrap();
            assert_eq!(load(dir.path(), &config(8, 2)).unwrap(), a);
        }
    }

    #[test]
    fn an_adapter_that_does_not_fit_its_base_is_refused_by_tensor_shape_and_base() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), &adapter(&Projection::ALL), Some("org/base")).unwrap();
        let e = load(dir.path(), &config(16, 2)).unwrap_err().to_string();
        assert!(e.contains("[3, 8]") && e.contains("[3, 16]") && e.contains("org/base"), "{e}");
        let e = load(dir.path(), &config(8, 3)).unwrap_err().to_string();
        assert!(e.contains("layers.2") && e.contains("missing"), "{e}");
        let e = load(dir.path(), &config(8, 1)).unwrap_err().to_string();
        assert!(e.contains("layers.1") && e.contains("does not fit"), "{e}");
    }

    #[test]
    fn broken_and_pickled_adapters_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut a = adapter(&Projection::ALL);
        a.weights[3] = f32::NAN;
        save(dir.path(), &a, None).unwrap();
        let e = load(dir.path(), &config(8, 2)).unwrap_err().to_string();
        assert!(e.contains("NaN") && e.contains("lora_A"), "{e}");
        std::fs::remove_file(dir.path().join(WEIGHTS)).unwrap();
        std::fs::write(dir.path().join("adapter_model.bin"), b"x").unwrap();
        let e = load(dir.path(), &config(8, 2)).unwrap_err().to_string();
        assert!(e.contains("pickle"), "{e}");
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        let e = load(dir.path(), &config(8, 2)).unwrap_err().to_string();
        assert!(e.contains(FILE), "{e}");
    }
}
