//! What an evaluation can be asked of: for forms that offer it.

use super::{LaunchError, Place};
use crate::config::UserConfig;
use crate::evaluate::classify::{Kind, Library, is_sample};

/// A model that can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedModel {
    /// As commands take it: an alias, `run:ID`, `provider:NAME/MODEL`.
    pub name: String,
    /// True for a service: its calls are counted and may cost.
    pub service: bool,
    /// Requests a minute that its settings allow.
    pub per_minute: Option<u64>,
}

/// Models of the registry, then those of the user's providers.
///
/// # Errors
/// The database or the configuration cannot be read.
pub fn offered_models(place: &Place) -> Result<Vec<OfferedModel>, LaunchError> {
    let mut out: Vec<OfferedModel> = Vec::new();
    // The newest first: it is the likeliest to be wanted.
    for m in place.read()?.read().models()?.into_iter().rev() {
        let name = m.alias.unwrap_or_else(|| match m.run {
            Some(run) => format!("run:{run}"),
            None => m.id.to_string(),
        });
        out.push(OfferedModel { name, service: false, per_minute: None });
    }
    let config = UserConfig::load().map_err(|e| LaunchError::Unknown(e.to_string()))?;
    for p in config.providers.values() {
        if let Some(model) = &p.model {
            out.push(OfferedModel {
                name: format!("provider:{}/{model}", p.name),
                service: true,
                per_minute: p.requests_per_minute.map(|n| n as u64),
            });
        }
    }
    for l in config.local.values() {
        if let Some(model) = &l.model {
            let name = format!("provider:{}/{model}", l.name);
            out.push(OfferedModel { name, service: false, per_minute: None });
        }
    }
    Ok(out)
}

/// Words that choose classification tasks whose texts are here: groups first, then single tasks.
///
/// # Errors
/// A task file that is wrong.
pub fn offered_tasks(place: &Place) -> Result<Vec<String>, LaunchError> {
    let library = Library::open(&place.folder().tasks())?;
    let mut here = Vec::new();
    for t in library.tasks() {
        if !library.is_missing(t)? {
            here.push(t);
        }
    }
    let mut out = vec!["samples".to_owned()];
    let others = || here.iter().filter(|t| !is_sample(t));
    if others().count() > 1 {
        out.push("all".into());
        out.extend(
            Kind::ALL
                .into_iter()
                .filter(|k| others().any(|t| t.kind == *k))
                .map(|k| format!("kind:{k}")),
        );
        let mut cultures: Vec<&str> = others().map(|t| t.culture.as_str()).collect();
        cultures.sort_unstable();
        cultures.dedup();
        out.extend(cultures.into_iter().map(|c| format!("culture:{c}")));
    }
    out.extend(others().map(|t| t.name.clone()));
    out.extend(here.iter().filter(|t| is_sample(t)).map(|t| t.name.clone()));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_workspace_offers_its_own_samples_and_no_texts_that_are_not_here() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::init(&dir.path().join("w"), false).unwrap();
        let tasks = offered_tasks(&place).unwrap();
        assert_eq!(tasks[0], "samples");
        assert!(tasks.len() > 1 && !tasks.contains(&"all".to_owned()), "{tasks:?}");
    }
}
