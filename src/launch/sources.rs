//! From what a person calls a model, in any of the ways, to where its answers come from.

use super::{LaunchError, Place, model_source};
use crate::domain::ModelId;
use crate::finetune::ModelRef;
use crate::providers::ModelSource;

/// The source of `run:ID[@STEP]`, `path:DIR`, an alias of the registry, or
/// `[provider:]NAME[/MODEL]` for a provider of the user's configuration (its default model where
/// none is named, which is written as an empty one). A name of the registry goes before a
/// provider's.
///
/// # Errors
/// No such model; a name of no known form.
pub fn named_source(place: &Place, name: &str) -> Result<ModelSource, LaunchError> {
    let endpoint = |provider: &str, model: &str| {
        ModelId::new(provider)?;
        Ok(ModelSource::Endpoint { provider: provider.to_owned(), model: model.to_owned() })
    };
    let known_form = name
        .split_once(':')
        .is_some_and(|(kind, _)| ["run", "path", "hub", "provider"].contains(&kind));
    if !known_form {
        if let Some((provider, model)) = name.split_once('/') {
            return endpoint(provider, model);
        }
        let id = ModelId::new(name)?;
        let store = place.read()?;
        let reader = store.read();
        if reader.model_by_alias(name)?.is_none() && reader.model(&id)?.is_none() {
            return endpoint(name, "");
        }
    }
    if let Some(provider) = name.strip_prefix("provider:")
        && !provider.contains('/')
    {
        return endpoint(provider, "");
    }
    model_source(place, &name.parse::<ModelRef>()?, name)
}
