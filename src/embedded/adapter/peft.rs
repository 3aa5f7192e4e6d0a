//! `adapter_config.json` as PEFT 0.21 writes it.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{LoraSettings, Projection};

/// The file's name.
pub(super) const FILE: &str = "adapter_config.json";

/// What an adapter's config says that we need.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterConfig {
    /// Rank, alpha, dropout, targets.
    pub settings: LoraSettings,
    /// What the adapter was trained on: a folder or a name on the hub, as its writer knew it.
    pub base: Option<String>,
}

/// Keys that say nothing about what is computed, or that we read below.
const HARMLESS: [&str; 24] = [
    "auto_mapping",
    "base_model_name_or_path",
    "ensure_weight_tying",
    "inference_mode",
    "init_lora_weights",
    "lora_alpha",
    "lora_dropout",
    "loftq_config",
    "megatron_core",
    "modules_to_save",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
    "tp_layer",
    "use_rslora",
    "eva_config",
    "bias",
    "layers_pattern",
    "corda_config",
];

impl AdapterConfig {
    /// Reads `adapter_config.json` of a folder.
    ///
    /// # Errors
    /// No such file, or something in it that we do not compute: by name.
    pub fn load(dir: &Path) -> Result<Self, EmbeddedError> {
        let path = dir.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(EmbeddedError::io(&path))?;
        let object: Map<String, Value> =
            serde_json::from_str(&text).map_err(|e| EmbeddedError::Malformed {
                path: path.clone(),
                reason: format!("not a JSON object: {e}"),
            })?;
        Self::read(&object).map_err(|reason| EmbeddedError::Refused { path, reason })
    }

    fn read(o: &Map<String, Value>) -> Result<Self, String> {
        let text = |key: &str| o.get(key).and_then(Value::as_str);
        let kind = text("peft_type").unwrap_or("none");
        if kind != "LORA" {
            return Err(format!("peft_type `{kind}`: expected LORA"));
        }
        for (key, value) in o.iter().filter(|(k, _)| !HARMLESS.contains(&k.as_str())) {
            if !empty(value) {
                return Err(format!(
                    "`{key}` is {value}, which is not computed here: merge the adapter with PEFT \
                     (merge_and_unload) and use the merged folder"
                ));
            }
        }
        if let Some(m) = o.get("modules_to_save").filter(|m| !empty(m)) {
            return Err(format!(
                "modules_to_save {m}: whole modules beside the adapter are not read here: merge it \
                 with PEFT (merge_and_unload) and use the merged folder"
            ));
        }
        if text("bias").is_some_and(|b| b != "none") {
            return Err(
                "bias: adapters with trained biases are not read here: merge with PEFT".into()
            );
        }
        // These change the base's weights when they begin: the product belongs to another base.
        if let Some(init) = text("init_lora_weights")
            && !["gaussian", "orthogonal"].contains(&init)
        {
            return Err(format!(
                "init_lora_weights `{init}` changes the base: save the adapter with PEFT's \
                 conversion (path_initial_model_for_weight_conversion)"
            ));
        }
        let number = |key: &str| {
            o.get(key).and_then(Value::as_f64).ok_or_else(|| format!("`{key}`: expected a number"))
        };
        let targets = match o.get("target_modules") {
            Some(Value::Array(names)) => names
                .iter()
                .map(|n| projection(n.as_str().unwrap_or("?")))
                .collect::<Result<Vec<_>, _>>()?,
            Some(Value::String(s)) if s == "all-linear" => Projection::ALL.into(),
            other => {
                return Err(format!(
                    "target_modules is {}: expected a list of projections such as \"q_proj\"",
                    other.unwrap_or(&Value::Null)
                ));
            }
        };
        let mut settings = LoraSettings {
            r: number("r")? as usize,
            alpha: number("lora_alpha")?,
            dropout: o.get("lora_dropout").and_then(Value::as_f64).unwrap_or(0.0),
            targets,
            rslora: o.get("use_rslora").and_then(Value::as_bool).unwrap_or(false),
        };
        settings.targets.sort_unstable();
        settings.targets.dedup();
        settings.check().map_err(|(field, why)| format!("{field}: {why}"))?;
        let base = text("base_model_name_or_path").map(str::to_owned);
        Ok(Self { settings, base })
    }

    /// The file, as PEFT reads it.
    pub(super) fn to_json(&self) -> Value {
        let s = &self.settings;
        // PEFT reads alpha as an integer where it is one.
        let alpha = if s.alpha.fract() == 0.0 { json!(s.alpha as i64) } else { json!(s.alpha) };
        json!({
            "auto_mapping": null,
            "base_model_name_or_path": self.base,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "lora_alpha": alpha,
            "lora_dropout": s.dropout,
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": s.r,
            "target_modules": s.targets,
            "task_type": "CAUSAL_LM",
            "use_dora": false,
            "use_rslora": s.rslora,
        })
    }
}

/// null, false, an empty list, object or text.
fn empty(v: &Value) -> bool {
    match v {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
    }
}

/// `q_proj`, `self_attn.q_proj`, or `model.layers.0.self_attn.q_proj` (PEFT writes each layer where
/// all linear modules were asked for). A layer that is left out is missed when its tensors are read.
fn projection(name: &str) -> Result<Projection, String> {
    let short = name
        .strip_prefix("model.layers.")
        .and_then(|rest| rest.split_once('.'))
        .filter(|(layer, _)| layer.bytes().all(|b| b.is_ascii_digit()))
        .map_or(name, |(_, path)| path);
    Projection::ALL.into_iter().find(|p| p.name() == short || p.path() == short).ok_or_else(|| {
        let known: Vec<&str> = Projection::ALL.iter().map(|p| p.name()).collect();
        format!("target_modules names `{name}`: expected some of {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str, value: Value) -> Result<AdapterConfig, String> {
        let settings = LoraSettings { r: 4, alpha: 8.0, ..LoraSettings::default() };
        let mut v = AdapterConfig { settings, base: Some("org/name".into()) }.to_json();
        v[field] = value;
        AdapterConfig::read(v.as_object().unwrap())
    }

    #[test]
    fn what_we_would_leave_out_is_refused_by_name() {
        let cases = [
            ("peft_type", json!("IA3"), "IA3"),
            ("use_dora", json!(true), "use_dora"),
            ("rank_pattern", json!({"q_proj": 3}), "rank_pattern"),
            ("alpha_pattern", json!({"q_proj": 3}), "alpha_pattern"),
            ("layers_to_transform", json!([0]), "layers_to_transform"),
            ("modules_to_save", json!(["lm_head"]), "lm_head"),
            ("fan_in_fan_out", json!(true), "fan_in_fan_out"),
            ("lora_bias", json!(true), "lora_bias"),
            ("bias", json!("all"), "bias"),
            ("something_of_next_year", json!({"x": 1}), "something_of_next_year"),
            ("init_lora_weights", json!("pissa"), "pissa"),
            ("target_modules", json!(["q_proj", "lm_head"]), "lm_head"),
            ("target_modules", json!(".*q_proj"), "target_modules"),
            ("r", json!(0), "rank 0"),
            ("r", json!("8"), "`r`"),
            ("lora_dropout", json!(1.0), "dropout"),
        ];
        for (field, value, word) in cases {
            let e = read(field, value.clone()).unwrap_err();
            assert!(e.contains(word), "{field} {value}: {e}");
        }
    }

    #[test]
    fn a_config_is_written_as_it_is_read_and_targets_may_be_paths() {
        let c = read("revision", Value::Null).unwrap();
        assert_eq!((c.settings.r, c.settings.alpha, c.base.as_deref()), (4, 8.0, Some("org/name")));
        let again = AdapterConfig::read(c.to_json().as_object().unwrap()).unwrap();
        assert_eq!(again, c);
        let names = json!(["mlp.up_proj", "q_proj", "model.layers.1.self_attn.q_proj"]);
        let some = read("target_modules", names).unwrap();
        assert_eq!(some.settings.targets, [Projection::Q, Projection::Up]);
        assert_eq!(read("target_modules", json!("all-linear")).unwrap().settings.targets.len(), 7);
    }
}
