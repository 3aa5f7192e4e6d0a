//! Where the hub is, where its cache is, and who asks.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::HubError;

/// A secret that does not print itself.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Wraps the secret; blank means none.
    pub fn new(secret: &str) -> Option<Self> {
        let secret = secret.trim();
        (!secret.is_empty()).then(|| Self(secret.to_owned()))
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Settings of the client.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Scheme, host and port, without a slash at the end.
    pub endpoint: String,
    /// The folder that holds `models--ORG--NAME`.
    pub cache: PathBuf,
    /// Sent to the endpoint over TLS (or to this machine) only.
    pub token: Option<Token>,
    /// Cache only.
    pub offline: bool,
    /// Wait before the second try; it doubles with each further one.
    pub retry_wait: Duration,
}

const PUBLIC_ENDPOINT: &str = "https://huggingface.co";

impl Hub {
    /// Reads the environment, with the names that the hub's own tools use.
    ///
    /// # Errors
    /// `HF_ENDPOINT` is no http address, or no home folder is known and no cache is named.
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`Hub::from_env`], from any source of variables.
    ///
    /// # Errors
    /// As there.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, HubError> {
        let get = |name: &str| get(name).filter(|v| !v.trim().is_empty());
        let endpoint = get("HF_ENDPOINT").unwrap_or_else(|| PUBLIC_ENDPOINT.into());
        let endpoint = endpoint.trim().trim_end_matches('/').to_owned();
        if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            return Err(HubError::BadName {
                what: "hub address (HF_ENDPOINT)",
                value: endpoint,
                expected: "one that begins with https:// or http://",
            });
        }
        let home = || {
            get("HF_HOME").map(PathBuf::from).or_else(|| {
                get("XDG_CACHE_HOME")
                    .map(PathBuf::from)
                    .or_else(|| get("HOME").map(|h| PathBuf::from(h).join(".cache")))
                    .map(|c| c.join("huggingface"))
            })
        };
        let cache =
            get("HF_HUB_CACHE").map(PathBuf::from).or_else(|| home().map(|h| h.join("hub")));
        let cache = cache.ok_or_else(|| {
            HubError::Setup("no home folder is known: set HF_HOME to a folder for models".into())
        })?;
        let offline = get("HF_HUB_OFFLINE").is_some_and(|v| {
            matches!(v.trim().to_lowercase().as_str(), "1" | "true" | "yes" | "on")
        });
        Ok(Self {
            endpoint,
            cache,
            token: get("HF_TOKEN").and_then(|t| Token::new(&t)),
            offline,
            retry_wait: Duration::from_secs(1),
        })
    }

    /// The token, where it may be sent: over TLS, or to this machine.
    pub(super) fn token_to_send(&self) -> Option<&Token> {
        let host = self.endpoint.strip_prefix("http://");
        let local = host.is_none_or(|h| {
            let name = h.split(['/', ':']).next().unwrap_or_default();
            matches!(name, "localhost" | "127.0.0.1")
        });
        self.token.as_ref().filter(|_| local)
    }
}
