//! The registry beyond what runs put there: models and adapters from elsewhere, models of services,
//! and how a model of it is served to others.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{LaunchError, Place, base_of_adapter, model_folder};
use crate::domain::ModelId;
use crate::embedded::DecoderConfig;
use crate::embedded::adapter::AdapterConfig;
use crate::finetune::{FinetuneError, ModelRef};
use crate::job::JobError;
use crate::store::{Access, ModelRecord, Workspace};

/// Ranks that vLLM can be told of.
const VLLM_RANKS: [usize; 9] = [1, 8, 16, 32, 64, 128, 256, 320, 512];

/// Where a model of a service lies, as `provider:NAME/MODEL`; none for one in a folder.
pub fn remote_of(m: &ModelRecord) -> Option<ModelRef> {
    let named = m.card["trained"]["remote"].as_str().or(m.card["remote"].as_str());
    named.and_then(|n| n.parse().ok())
}

/// A model of the registry by alias, id or run.
///
/// # Errors
/// The database cannot be read.
pub fn registered(place: &Place, reference: &ModelRef) -> Result<Option<ModelRecord>, LaunchError> {
    let store = place.read()?;
    let reader = store.read();
    Ok(match reference {
        ModelRef::Alias(alias) => match reader.model_by_alias(alias.as_str())? {
            Some(m) => Some(m),
            None => reader.model(alias)?,
        },
        ModelRef::Run { run, .. } => reader.models_of_run(run)?.pop(),
        _ => None,
    })
}

/// Registers a model that no run here has trained: a folder, an adapter, one of a service.
///
/// # Errors
/// No such folder or provider, a name that is taken, a folder that is no model.
pub fn register(
    place: &Place,
    alias: &ModelId,
    reference: &ModelRef,
    note: Option<&str>,
) -> Result<ModelRecord, LaunchError> {
    let (kind, checkpoint, mut card) = match reference {
        ModelRef::Provider { .. } => ("provider", None, json!({"remote": reference.to_string()})),
        ModelRef::Path(_) | ModelRef::Hub { .. } => {
            let folder = model_folder(place, reference)?;
            let folder = std::path::absolute(&folder).map_err(JobError::io(&folder))?;
            let base = base_of_adapter(&folder)?;
            if base.is_none() {
                DecoderConfig::load(&folder).map_err(FinetuneError::from)?;
            }
            let kind = if matches!(reference, ModelRef::Path(_)) { "path" } else { "hub" };
            let card = json!({"reference": reference.to_string(), "adapter": base.is_some(),
                "base": base});
            (kind, Some(folder.display().to_string()), card)
        }
        ModelRef::Run { .. } | ModelRef::Alias(_) => {
            return Err(LaunchError::Unknown(format!(
                "{reference} is of the registry already: expected path:DIR, hub:ORG/NAME or \
                 provider:NAME/MODEL"
            )));
        }
    };
    if let Some(n) = note {
        card["note"] = n.into();
    }
    let record = ModelRecord {
        id: alias.clone(),
        alias: Some(alias.to_string()),
        kind: kind.into(),
        run: None,
        checkpoint,
        dataset: None,
        recipe: Value::Null,
        created: Timestamp::now(),
        card,
    };
    let known = place.read()?.read().model(alias)?;
    if known.is_some_and(|k| k.run.is_some()) {
        return Err(LaunchError::Unknown(format!("`{alias}` is a model that a run here trained")));
    }
    let mut store = Workspace::open(place.folder().root(), Access::Write)?;
    store.write(|tx| tx.put_model(&record))?;
    Ok(record)
}

/// How a model is served by an OpenAI-compatible server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServePlan {
    /// How clients call it.
    pub name: String,
    /// The command, word by word.
    pub words: Vec<String>,
    /// Where it answers on the machine of the server.
    pub base_url: String,
}

impl ServePlan {
    /// The command as a line of shell.
    pub fn line(&self) -> String {
        let plain = |w: &String| {
            !w.is_empty()
                && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=,@+".contains(&b))
        };
        let word = |w: &String| {
            if plain(w) { w.clone() } else { format!("'{}'", w.replace('\'', "'\\''")) }
        };
        self.words.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// vLLM's command for a model: a whole one, or a base with an adapter.
///
/// # Errors
/// No such model, or it lies at a service already.
pub fn serve_plan(
    place: &Place,
    reference: &ModelRef,
    port: u16,
    gpus: u32,
) -> Result<ServePlan, LaunchError> {
    let record = registered(place, reference)?;
    if let Some(remote) = record.as_ref().and_then(remote_of) {
        return Err(LaunchError::Unknown(format!("{reference} is served already: it is {remote}")));
    }
    let folder = model_folder(place, reference)?;
    let folder = std::path::absolute(&folder).map_err(JobError::io(&folder))?;
    let name = match (record.and_then(|m| m.alias), reference) {
        (Some(alias), _) => alias,
        (None, ModelRef::Run { run, .. }) => run.to_string(),
        (None, ModelRef::Hub { name, .. }) => name.clone(),
        (None, _) => last_part(&folder),
    };
    let words = vllm(&folder, base_of_adapter(&folder)?.as_deref(), &name, port, gpus)?;
    Ok(ServePlan { name, words, base_url: format!("http://localhost:{port}/v1") })
}

fn last_part(folder: &Path) -> String {
    folder.file_name().map_or_else(|| "model".into(), |n| n.to_string_lossy().into_owned())
}

fn vllm(
    folder: &Path,
    base: Option<&Path>,
    name: &str,
    port: u16,
    gpus: u32,
) -> Result<Vec<String>, LaunchError> {
    let shown = |p: &Path| p.display().to_string();
    let mut words: Vec<String> = vec!["vllm".into(), "serve".into()];
    match base {
        None => words.extend([shown(folder), "--served-model-name".into(), name.to_owned()]),
        Some(base) => {
            let r = AdapterConfig::load(folder).map_err(FinetuneError::from)?.settings.r;
            let rank = VLLM_RANKS.into_iter().find(|k| *k >= r).unwrap_or(r);
            words.extend([
                shown(base),
                "--enable-lora".into(),
                "--max-lora-rank".into(),
                rank.to_string(),
                "--lora-modules".into(),
                format!("{name}={}", folder.display()),
            ]);
        }
    }
    words.extend(["--port".into(), port.to_string()]);
    if gpus > 1 {
        words.extend(["--tensor-parallel-size".into(), gpus.to_string()]);
    }
    Ok(words)
}

/// Adds a provider that points at a served model to the user's configuration. What stands there
/// stays as it is, comments too.
///
/// # Errors
/// A name that is taken or is none, an address that is none, a file that cannot be written; nothing
/// was changed then.
pub fn connect(
    config: &Path,
    provider: &ModelId,
    base_url: &str,
    model: &str,
    key_env: Option<&str>,
) -> Result<String, LaunchError> {
    let io = |e| LaunchError::Files(JobError::io(config)(e));
    let old = match std::fs::read_to_string(config) {
        Ok(t) => t,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(io(e)),
    };
    let no = |e: &dyn std::fmt::Display| LaunchError::Unknown(e.to_string());
    let quoted = |s: &str| toml::Value::String(s.to_owned()).to_string();
    let key = key_env.map(|k| format!("key_env = {}\n", quoted(k))).unwrap_or_default();
    let entry = format!(
        "[providers.{}]\nkind = \"openai\"\nbase_url = {}\nmodel = {}\n{key}",
        quoted(provider.as_str()),
        quoted(base_url),
        quoted(model)
    );
    let tables: toml::Table = toml::from_str(&old).map_err(|e| no(&e))?;
    if tables.get("providers").and_then(|p| p.get(provider.as_str())).is_some() {
        return Err(LaunchError::Unknown(format!(
            "{} has a provider `{provider}` already: name another one with --provider",
            config.display()
        )));
    }
    let gap = if old.is_empty() || old.ends_with("\n\n") {
        ""
    } else if old.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let new = format!("{old}{gap}{entry}");
    // Read as it will be read: what is wrong with it is said before anything is changed.
    let dir = config.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    std::fs::create_dir_all(&dir).map_err(io)?;
    let trial = tempfile::Builder::new()
        .prefix(".config-")
        .tempfile_in(&dir)
        .and_then(|t| std::fs::write(t.path(), &new).map(|()| t))
        .map_err(io)?;
    crate::config::UserConfig::read(trial.path()).map_err(|e| no(&e))?;
    crate::job::write_atomically(config, new.as_bytes())?;
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_added_once_and_what_stood_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let name = ModelId::new("served").unwrap();
        let e = connect(&file, &name, "gopher://x", "m", None).unwrap_err().to_string();
        assert!(e.contains("https://") && !file.exists(), "{e}");
        std::fs::write(&file, "# mine\n[torch]\npython = \"/p\"").unwrap();
        connect(&file, &name, "http://localhost:8000/v1", "greek \"one\"", None).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# mine\n[torch]\npython = \"/p\"\n\n[providers."), "{text}");
        let config = crate::config::UserConfig::read(&file).unwrap();
        assert_eq!(config.provider("served").unwrap().model.as_deref(), Some("greek \"one\""));
        assert_eq!(config.torch_python.as_deref(), Some(Path::new("/p")));
        let e = connect(&file, &name, "http://localhost:8000/v1", "m", None).unwrap_err();
        assert!(e.to_string().contains("already") && e.to_string().contains("--provider"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn an_adapter_is_served_beside_its_base_with_a_rank_that_vllm_takes() {
        let dir = tempfile::tempdir().unwrap();
        let adapter = dir.path();
        let config = serde_json::json!({"peft_type": "LORA", "r": 20, "lora_alpha": 2,
            "target_modules": ["q_proj"], "base_model_name_or_path": "/m/base"});
        std::fs::write(adapter.join("adapter_config.json"), config.to_string()).unwrap();
        let words = vllm(adapter, Some(Path::new("/m/b a")), "greek", 8001, 2).unwrap();
        let plan = ServePlan { name: "greek".into(), words, base_url: String::new() };
        let line = plan.line();
        let lora = format!("--lora-modules greek={}", adapter.display());
        assert!(
            line.starts_with("vllm serve '/m/b a' --enable-lora --max-lora-rank 32 "),
            "{line}"
        );
        assert!(line.contains(&lora) && line.ends_with("--port 8001 --tensor-parallel-size 2"));
        let words = vllm(Path::new("/m/x"), None, "x", 8000, 1).unwrap().join(" ");
        assert_eq!(words, "vllm serve /m/x --served-model-name x --port 8000");
    }
}
