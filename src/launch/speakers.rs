//! Who can be asked for texts: what a form offers where a provider is named.

use super::{LaunchError, Place};
use crate::config::UserConfig;

/// A name that [`named_source`](super::named_source) understands, and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSpeaker {
    /// As `--provider` takes it.
    pub name: String,
    /// A few words on it.
    pub about: String,
}

/// The rules, the providers of the user's configuration, and the registered models, in this order.
///
/// # Errors
/// The configuration or the workspace cannot be read.
pub fn known_speakers(place: &Place) -> Result<Vec<KnownSpeaker>, LaunchError> {
    let config = UserConfig::load().map_err(|e| LaunchError::Unknown(e.to_string()))?;
    let mut out = vec![KnownSpeaker {
        name: "offline".into(),
        about: "rules and a lexicon for English: no calls, no cost".into(),
    }];
    out.extend(config.providers.values().map(|p| KnownSpeaker {
        name: p.name.clone(),
        about: match &p.model {
            Some(m) => format!("service at {}, model {m}", p.base_url),
            None => format!("service at {}; it needs a model: {}/MODEL", p.base_url, p.name),
        },
    }));
    out.extend(config.local.values().map(|l| KnownSpeaker {
        name: l.name.clone(),
        about: format!("model folder {}", l.path.display()),
    }));
    for m in place.read()?.read().models()? {
        let name = m.alias.clone().unwrap_or_else(|| m.id.to_string());
        if !out.iter().any(|k| k.name == name) {
            out.push(KnownSpeaker { name, about: format!("registered model ({})", m.kind) });
        }
    }
    Ok(out)
}
