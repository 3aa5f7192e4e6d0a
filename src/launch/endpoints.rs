//! What a run needs that asks a service: the name of its secret, its limits, and the replies that
//! the workspace has paid for already. The service is named, never defined: its address and its key
//! come from the user's configuration when the job runs.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{LaunchError, Place, Prepared};
use crate::config::{KeySource, UserConfig};
use crate::domain::RunId;
use crate::providers::ModelSource;
use crate::providers::budget::{Budget, Price};

/// A model of a service by `NAME` (its default model), `NAME/MODEL` or `provider:NAME/MODEL`.
///
/// # Errors
/// No such provider, or it has no default model.
pub fn endpoint(config: &UserConfig, reference: &str) -> Result<ModelSource, LaunchError> {
    let rest = reference.strip_prefix("provider:").unwrap_or(reference);
    let (provider, model) = rest.split_once('/').unwrap_or((rest, ""));
    let settings = config.provider(provider).map_err(|e| LaunchError::Unknown(e.to_string()))?;
    let model = match (model, &settings.model) {
        ("", Some(default)) => default.clone(),
        ("", None) => {
            return Err(LaunchError::Unknown(format!(
                "provider `{provider}` has no default model: name one, as {provider}/MODEL"
            )));
        }
        (named, _) => named.to_owned(),
    };
    Ok(ModelSource::Endpoint { provider: provider.to_owned(), model })
}

/// What a model costs, for an estimate before the start.
pub fn price(config: &UserConfig, source: &ModelSource) -> Option<Price> {
    let ModelSource::Endpoint { provider, model } = source else { return None };
    let p = config.provider(provider).ok()?.prices(model)?;
    Some(Price { prompt: p.prompt, completion: p.completion, currency: p.currency.clone() })
}

/// Readies a run for whatever services its documents name; a run without any is as it was.
///
/// # Errors
/// See [`ask_services`]; a configuration that cannot be read.
pub(super) fn ready(place: &Place, prepared: &Prepared) -> Result<Prepared, LaunchError> {
    let sources = prepared.sources();
    if !sources.iter().any(|s| matches!(s, ModelSource::Endpoint { .. })) {
        return Ok(prepared.clone());
    }
    let config = UserConfig::load().map_err(|e| LaunchError::Unknown(e.to_string()))?;
    ask_services(place, prepared.clone(), &config, &sources, &prepared.budget)
}

/// Readies a run to ask services: names its secrets, freezes its limits, links what was answered
/// before. Folders among the sources need none of it.
///
/// # Errors
/// A key that is missing (said here, before anything is started), a limit in money without a price.
pub fn ask_services(
    place: &Place,
    mut prepared: Prepared,
    config: &UserConfig,
    sources: &[ModelSource],
    budget: &Budget,
) -> Result<Prepared, LaunchError> {
    let mut models = Vec::new();
    for source in sources {
        let ModelSource::Endpoint { provider, model } = source else { continue };
        let settings =
            config.provider(provider).map_err(|e| LaunchError::Unknown(e.to_string()))?;
        let missing = |what: String| {
            LaunchError::Unknown(format!("provider `{provider}` has no key: {what}"))
        };
        match &settings.key {
            KeySource::None | KeySource::Command(_) => {}
            KeySource::File(path) if path.is_file() => {}
            KeySource::File(path) => {
                return Err(missing(format!("there is no file {}", path.display())));
            }
            KeySource::Variable(name) => {
                if std::env::var_os(name).is_none_or(|v| v.is_empty()) {
                    return Err(missing(format!(
                        "the variable {name} is not set: export it and start the run again"
                    )));
                }
                if !prepared.run.secrets.contains(name) {
                    prepared.run.secrets.push(name.clone());
                }
            }
        }
        if budget.max_cost.is_some() && settings.prices(model).is_none() {
            return Err(LaunchError::Unknown(format!(
                "provider `{provider}`: a limit in money needs its price: add `price = {{ prompt = \
                 .., completion = .. }}` (per million tokens) to {}",
                config.file.display()
            )));
        }
        models.push(model.as_str());
    }
    if models.is_empty() {
        return Ok(prepared);
    }
    // The job's folder is another: what was named relative to this one is named in full.
    if std::env::var_os("POLYCULTURE_CONFIG").is_some()
        && let Ok(file) = std::path::absolute(&config.file)
    {
        prepared.run.env.insert("POLYCULTURE_CONFIG".into(), file.display().to_string());
    }
    if !prepared.fresh {
        for (name, file) in answered_before(place, &models) {
            prepared = prepared.link(format!("replies/{name}"), file);
        }
    }
    if budget.is_open() { Ok(prepared) } else { Ok(prepared.json(Budget::NAME, budget)?) }
}

/// The reply files of a run, or of all runs of the workspace; newest last.
pub fn reply_files(place: &Place, run: Option<&RunId>) -> Vec<PathBuf> {
    let runs = place.folder().runs();
    let folders = match run {
        Some(run) => vec![runs.join(run.as_str())],
        None => below(&runs),
    };
    let attempts = folders.iter().flat_map(|f| below(f));
    attempts.map(|a| a.join("replies.jsonl")).filter(|f| f.is_file()).collect()
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
    found.sort();
    found
}

/// Reply files of ended attempts that have replies of one of the models.
fn answered_before(place: &Place, models: &[&str]) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for file in reply_files(place, None) {
        let Some(attempt) = file.parent() else { continue };
        if !attempt.join("exit.json").is_file() || !speaks(&file, models) {
            continue;
        }
        let word = |p: Option<&Path>| {
            p.and_then(Path::file_name)
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let name = format!("{}-{}.jsonl", word(attempt.parent()), word(Some(attempt)));
        found.push((name, file));
    }
    found
}

/// Whether one of the first lines is a reply of one of the models (whoever hosts it).
fn speaks(file: &Path, models: &[&str]) -> bool {
    let Ok(file) = File::open(file) else { return false };
    let lines = BufReader::new(file.take(4 << 20)).split(b'\n');
    lines.map_while(Result::ok).any(|line| {
        let by =
            serde_json::from_slice::<crate::providers::replies::StoredReply>(&line).map(|r| r.by);
        by.is_ok_and(|by| {
            by.split_once(':')
                .and_then(|(_, rest)| rest.split_once('/'))
                .is_some_and(|(_, model)| models.contains(&model))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{NewRun, RunKind};

    fn config(dir: &Path, more: &str) -> UserConfig {
        let file = dir.join("config.toml");
        let text = format!(
            "[providers.lab]\nkind = \"openai\"\nbase_url = \"http://localhost:1/v1\"\nmodel = \"m\"\n{more}"
        );
        fs::write(&file, text).unwrap();
        UserConfig::read(&file).unwrap()
    }

    fn lab() -> Vec<ModelSource> {
        vec![ModelSource::Endpoint { provider: "lab".into(), model: "org/m".into() }]
    }

    #[test]
    fn a_missing_key_or_price_is_said_before_anything_is_started() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::init(&dir.path().join("w"), true).unwrap();
        let new = || Prepared::new(NewRun::new(RunKind::Evaluate, place.folder().root()));
        let money = Budget { max_cost: Some(1.0), ..Budget::default() };
        for (more, budget, says) in [
            ("key_env = \"POLYCULTURE_NO_SUCH_KEY\"", Budget::default(), "POLYCULTURE_NO_SUCH_KEY"),
            ("key_file = \"/no/such/file\"", Budget::default(), "/no/such/file"),
            ("", money, "price = {"),
        ] {
            let c = config(dir.path(), more);
            let e = ask_services(&place, new(), &c, &lab(), &budget).unwrap_err().to_string();
            assert!(e.contains(says), "{e}");
        }
        let c = config(dir.path(), "");
        assert!(endpoint(&c, "nobody/m").unwrap_err().to_string().contains("lab"));
        let m = |r| match endpoint(&c, r).unwrap() {
            ModelSource::Endpoint { provider, model } => format!("{provider} {model}"),
            ModelSource::Folder { .. } | ModelSource::Made { .. } => panic!(),
        };
        assert_eq!(
            [m("lab"), m("lab/org/x:7b"), m("provider:lab/y")],
            ["lab m", "lab org/x:7b", "lab y"]
        );
    }

    #[test]
    fn a_run_names_its_secret_and_finds_what_was_answered_before() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::init(&dir.path().join("w"), true).unwrap();
        // PATH is set wherever tests run.
        let c = config(dir.path(), "key_env = \"PATH\"");
        for (run, by, ended) in [
            ("r1", "openai:other/org/m", true),
            ("r2", "openai:lab/n", true),
            ("r3", "openai:lab/org/m", false),
        ] {
            let attempt = place.folder().runs().join(run).join("attempt-1");
            fs::create_dir_all(&attempt).unwrap();
            let line = format!(
                "{{\"key\":\"{:064}\",\"status\":200,\"at\":\"\",\"by\":\"{by}\",\"body\":\"\"}}\n",
                0
            );
            fs::write(attempt.join("replies.jsonl"), line).unwrap();
            if ended {
                fs::write(attempt.join("exit.json"), "{}").unwrap();
            }
        }
        let new = Prepared::new(NewRun::new(RunKind::Evaluate, place.folder().root()));
        let budget = Budget { max_calls: Some(3), ..Budget::default() };
        let prepared = ask_services(&place, new, &c, &lab(), &budget).unwrap();
        assert_eq!(prepared.run.secrets, ["PATH"]);
        let input = dir.path().join("input");
        fs::create_dir(&input).unwrap();
        prepared.write_input(&input).unwrap();
        assert_eq!(Budget::read(&input.join(Budget::NAME)).unwrap(), budget);
        let linked: Vec<String> = below(&input.join("replies"))
            .iter()
            .map(|p| p.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(linked, ["r1-attempt-1.jsonl"], "of any host, ended, of this model");
        assert_eq!(reply_files(&place, None).len(), 3);
        assert_eq!(reply_files(&place, Some(&RunId::new("r2").unwrap())).len(), 1);
    }
}
