//! From what a person calls a model, in any of the ways, to where its answers come from.

use super::{LaunchError, Place, awaited, endpoint, model_source};
use crate::config::UserConfig;
use crate::domain::ModelId;
use crate::finetune::ModelRef;
use crate::providers::ModelSource;

/// The source of `run:ID[@STEP]`, `path:DIR`, an alias of the registry, or
/// `[provider:]NAME[/MODEL]` for a provider of the user's configuration (its default model where
/// none is named). A name of the registry goes before a provider's.
///
/// # Errors
/// No such model or provider; a name of no known form.
pub fn named_source(place: &Place, name: &str) -> Result<ModelSource, LaunchError> {
    let of_provider = || {
        let config = UserConfig::load().map_err(|e| LaunchError::Unknown(e.to_string()))?;
        endpoint(&config, name)
    };
    match name.split_once(':').map(|(kind, _)| kind) {
        Some("provider") => return of_provider(),
        Some("run" | "path" | "hub") => {}
        _ if name.contains('/') => return of_provider(),
        _ => {
            let id = ModelId::new(name)?;
            if let Some(made) = awaited::source(place, &ModelRef::Alias(id.clone()), name)? {
                return Ok(made);
            }
            let store = place.read()?;
            let reader = store.read();
            if reader.model_by_alias(name)?.is_none() && reader.model(&id)?.is_none() {
                return of_provider();
            }
        }
    }
    model_source(place, &name.parse::<ModelRef>()?, name)
}
