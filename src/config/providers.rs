//! `[providers.NAME]` of the user's `config.toml`: where a service of language models is, how it is
//! spoken to, how fast, and what it costs. Only the user defines one; a workspace names it. No key
//! stands in the file: it names the variable, the command or the file that has it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::LocalSettings;

/// Which protocol a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Chat completions as OpenAI, vLLM, llama.cpp, Ollama, TGI, Azure and gateways offer them.
    Openai,
    /// Model folders on this machine, run by the embedded decoder.
    Local,
}

/// A provider of either kind, checked.
pub(super) enum Checked {
    Service(Box<ProviderSettings>),
    Local(LocalSettings),
}

/// Where the key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The service takes none.
    None,
    /// A variable of the environment of whoever starts a run.
    Variable(String),
    /// Standard output of a command: its first line.
    Command(Vec<String>),
    /// A file of this user alone (0600 or stricter): its first line.
    File(PathBuf),
}

impl KeySource {
    /// Where the key comes from, in words: never the key, and of a command only its program.
    pub fn words(&self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Variable(name) => format!("variable {name}"),
            Self::Command(words) => {
                format!("command {}", words.first().map_or("", String::as_str))
            }
            Self::File(path) => format!("file {}", path.display()),
        }
    }

    /// Whether it is there, as far as that is known without asking anybody; `None` without a key.
    pub fn is_there(&self) -> Option<bool> {
        match self {
            Self::None => None,
            Self::Variable(name) => Some(std::env::var_os(name).is_some_and(|v| !v.is_empty())),
            Self::File(path) => Some(path.is_file()),
            // It may ask a person: not for a list.
            Self::Command(_) => Some(true),
        }
    }
}

/// A provider to copy and change.
pub const PROVIDER_EXAMPLE: &str = "\
[providers.lab]
kind = \"openai\"
base_url = \"http://localhost:8000/v1\"
model = \"NAME\"
# key_env = \"VARIABLE\", key_command = \"COMMAND\" or key_file = \"FILE\" (mode 600)
";

/// How the key is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStyle {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header of this name, as Azure's `api-key`.
    Header(String),
}

/// Whether a shape of the reply is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// By schema, then as JSON, then not at all, as far as the service goes along.
    #[default]
    Auto,
    /// By schema.
    JsonSchema,
    /// As any JSON object.
    JsonObject,
    /// Never.
    None,
}

/// Money per million tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Of prompts.
    pub prompt: f64,
    /// Of replies, reasoning included.
    pub completion: f64,
    /// `USD`, `EUR`, ..
    #[serde(default = "usd")]
    pub currency: String,
}

fn usd() -> String {
    "USD".into()
}

#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected a command line, or a list of a program and its arguments")]
pub(super) enum CommandLine {
    Shell(String),
    Words(Vec<String>),
}

/// A provider as written; [`ProviderSettings`] is what became of it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub kind: ProviderKind,
    #[serde(default)]
    pub base_url: String,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub path: Option<PathBuf>,
    #[serde(default)]
    pub adapter: Option<PathBuf>,
    #[serde(default)]
    pub plain: Option<bool>,
    #[serde(default)]
    pub thinking: Option<bool>,
    #[serde(default)]
    pub lanes: Option<usize>,
    #[serde(default)]
    pub memory_gb: Option<f64>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    #[serde(default)]
    pub key_env: Option<String>,
    #[serde(default)]
    pub key_command: Option<CommandLine>,
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    #[serde(default)]
    pub auth: Option<String>,
    #[serde(default)]
    pub key_in_clear: bool,
    #[serde(default)]
    pub requests_per_minute: Option<f64>,
    #[serde(default)]
    pub tokens_per_minute: Option<f64>,
    #[serde(default)]
    pub in_flight: Option<usize>,
    #[serde(default)]
    pub connect_timeout_s: Option<f64>,
    #[serde(default)]
    pub reply_timeout_s: Option<f64>,
    #[serde(default)]
    pub retries: Option<u32>,
    #[serde(default)]
    pub proxy: Option<String>,
    #[serde(default)]
    pub extra_body: toml::Table,
    #[serde(default)]
    pub max_tokens_field: Option<String>,
    #[serde(default)]
    pub structured: Structured,
    #[serde(default)]
    pub price: Option<Prices>,
    #[serde(default)]
    pub model_prices: BTreeMap<String, Prices>,
}

/// A provider of the user's configuration, checked.
#[derive(Clone, PartialEq)]
pub struct ProviderSettings {
    /// The name a workspace calls it by.
    pub name: String,
    /// The protocol.
    pub kind: ProviderKind,
    /// Up to, and without, `/chat/completions`; no slash at the end.
    pub base_url: String,
    /// The model where none is named.
    pub model: Option<String>,
    /// Sent with each call. Values are not printed: they may be secrets.
    pub headers: BTreeMap<String, String>,
    /// Added to the address (Azure's `api-version`).
    pub query: BTreeMap<String, String>,
    /// Where the key comes from.
    pub key: KeySource,
    /// How it is sent.
    pub key_style: KeyStyle,
    /// It may go through a network without TLS.
    pub key_in_clear: bool,
    /// Calls that may be sent in a minute.
    pub requests_per_minute: Option<f64>,
    /// Tokens of prompts and replies in a minute.
    pub tokens_per_minute: Option<f64>,
    /// Most calls under way at a time.
    pub in_flight: usize,
    /// Longest wait for a connection, in seconds.
    pub connect_timeout_s: f64,
    /// Longest wait for a whole reply, in seconds.
    pub reply_timeout_s: f64,
    /// Calls after the first for one request.
    pub retries: u32,
    /// `http://..`; without one, the system's.
    pub proxy: Option<String>,
    /// Fields that are added to the body of each call; they are part of a reply's key.
    pub extra_body: serde_json::Map<String, serde_json::Value>,
    /// What the service calls the longest reply.
    pub max_tokens_field: Option<String>,
    /// Whether a shape of the reply is asked for.
    pub structured: Structured,
    price: Option<Prices>,
    model_prices: BTreeMap<String, Prices>,
}

impl ProviderSettings {
    /// What a model costs, where the user has said so.
    pub fn prices(&self, model: &str) -> Option<&Prices> {
        self.model_prices.get(model).or(self.price.as_ref())
    }

    /// The variable that a run needs as a secret, where the key comes from one.
    pub fn secret_variable(&self) -> Option<&str> {
        match &self.key {
            KeySource::Variable(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("name", &self.name)
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("headers", &self.headers.keys())
            .field("key_style", &self.key_style)
            .finish_non_exhaustive()
    }
}

/// True where the bytes do not leave this machine.
fn is_here(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or("").split('/').next().unwrap_or("");
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

/// A field that says something impossible: its name, and what was expected.
type Wrong = (&'static str, String);

fn wrong<T>(field: &'static str, says: impl Into<String>) -> Result<T, Wrong> {
    Err((field, says.into()))
}

fn plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

impl Written {
    /// Checks what types cannot.
    pub(super) fn check(self, name: &str) -> Result<Checked, Wrong> {
        match self.kind {
            ProviderKind::Openai => self.service(name).map(|s| Checked::Service(Box::new(s))),
            ProviderKind::Local => self.folders(name).map(Checked::Local),
        }
    }

    fn folders(self, name: &str) -> Result<LocalSettings, Wrong> {
        if !plain(name) || name == "offline" {
            return wrong("", "expected a name of letters, digits, `-`, `_` and `.`");
        }
        let service = "belongs to a service: kind `local` takes path, adapter, model, plain, \
                       thinking, lanes and memory_gb";
        if !self.base_url.is_empty() {
            return wrong("base_url", service);
        }
        if self.key()? != KeySource::None {
            return wrong("key_", service);
        }
        let absolute = |field, path: Option<PathBuf>| match path {
            Some(p) if !p.is_absolute() => wrong(field, "expected a path from the root: /.."),
            other => Ok(other),
        };
        let Some(path) = absolute("path", self.path)? else {
            return wrong("path", "expected a model folder, or a folder of model folders");
        };
        if self.lanes.is_some_and(|n| n == 0 || n > 1024) {
            return wrong("lanes", "expected 1 to 1024");
        }
        if self.memory_gb.is_some_and(|n| !(n.is_finite() && (0.0..=4096.0).contains(&n))) {
            return wrong("memory_gb", "expected 0 to 4096");
        }
        Ok(LocalSettings {
            name: name.to_owned(),
            path,
            adapter: absolute("adapter", self.adapter)?,
            model: self.model,
            plain: self.plain.unwrap_or(false),
            thinking: self.thinking.unwrap_or(false),
            lanes: self.lanes,
            memory_gb: self.memory_gb,
        })
    }

    fn service(self, name: &str) -> Result<ProviderSettings, Wrong> {
        let folders = [
            ("path", self.path.is_some()),
            ("adapter", self.adapter.is_some()),
            ("plain", self.plain.is_some()),
            ("thinking", self.thinking.is_some()),
            ("lanes", self.lanes.is_some()),
            ("memory_gb", self.memory_gb.is_some()),
        ];
        if let Some((field, _)) = folders.into_iter().find(|f| f.1) {
            return wrong(field, "belongs to kind `local`, not to a service");
        }
        if !plain(name) || name == "offline" {
            return wrong(
                "",
                "expected a name of letters, digits, `-`, `_` and `.` (not `offline`, which is built in)",
            );
        }
        let url = self.base_url.trim().trim_end_matches('/');
        let url = url.strip_suffix("/chat/completions").unwrap_or(url);
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        match rest {
            None | Some("") => {
                return wrong(
                    "base_url",
                    "expected https:// or http:// and a host, such as https://api.openai.com/v1",
                );
            }
            Some(r) if r.split('/').next().is_some_and(|host| host.contains('@')) => {
                return wrong(
                    "base_url",
                    "no user or password in an address: use key_env, key_command or key_file",
                );
            }
            Some(r) if r.contains(['?', '#', ' ', '\n']) => {
                return wrong(
                    "base_url",
                    "no query in an address: use `query = { \"api-version\" = \"..\" }`",
                );
            }
            Some(_) => {}
        }
        let key = self.key()?;
        if key != KeySource::None
            && !self.key_in_clear
            && !url.starts_with("https://")
            && !is_here(url)
        {
            return wrong(
                "base_url",
                "the key would cross the network in clear: use https://, or allow it by key_in_clear = true",
            );
        }
        let key_style = match self.auth.as_deref() {
            None | Some("bearer") => KeyStyle::Bearer,
            Some(h) if plain(h) => KeyStyle::Header(h.to_ascii_lowercase()),
            Some(_) => {
                return wrong(
                    "auth",
                    "expected `bearer`, or the name of a header such as `api-key`",
                );
            }
        };
        for (field, header) in self.headers.keys().map(|h| ("headers", h)) {
            if !plain(header) {
                return wrong(field, format!("`{header}` is no header's name"));
            }
            if ["authorization", "api-key", "x-api-key"]
                .contains(&header.to_ascii_lowercase().as_str())
            {
                return wrong(
                    field,
                    format!(
                        "`{header}` is for a key, and keys do not stand in this file: use key_env, key_command or key_file, with `auth`"
                    ),
                );
            }
        }
        let positive = |field, value: Option<f64>| match value {
            Some(v) if !(v.is_finite() && v > 0.0) => wrong(field, "expected a number above 0"),
            other => Ok(other),
        };
        if self.in_flight == Some(0) || self.in_flight.is_some_and(|n| n > 10_000) {
            return wrong("in_flight", "expected 1 to 10000");
        }
        for prices in self.price.iter().chain(self.model_prices.values()) {
            if !(prices.prompt >= 0.0 && prices.completion >= 0.0) {
                return wrong("price", "expected numbers of at least 0");
            }
        }
        if let Some(proxy) = &self.proxy
            && !(proxy.starts_with("http://") || proxy.starts_with("https://"))
        {
            return wrong("proxy", "expected http:// or https:// and a host");
        }
        let mut extra_body = serde_json::Map::new();
        for (field, value) in &self.extra_body {
            if ["messages", "model", "stream", "n"].contains(&field.as_str()) {
                return wrong("extra_body", format!("`{field}` is not to be set here"));
            }
            let value = serde_json::to_value(value).map_err(|e| ("extra_body", e.to_string()))?;
            extra_body.insert(field.clone(), value);
        }
        Ok(ProviderSettings {
            name: name.to_owned(),
            kind: self.kind,
            base_url: url.to_owned(),
            model: self.model,
            headers: self.headers,
            query: self.query,
            key,
            key_style,
            key_in_clear: self.key_in_clear,
            requests_per_minute: positive("requests_per_minute", self.requests_per_minute)?,
            tokens_per_minute: positive("tokens_per_minute", self.tokens_per_minute)?,
            in_flight: self.in_flight.unwrap_or(64),
            connect_timeout_s: positive("connect_timeout_s", self.connect_timeout_s)?
                .unwrap_or(10.0),
            reply_timeout_s: positive("reply_timeout_s", self.reply_timeout_s)?.unwrap_or(300.0),
            retries: self.retries.unwrap_or(6),
            proxy: self.proxy,
            extra_body,
            max_tokens_field: self.max_tokens_field,
            structured: self.structured,
            price: self.price,
            model_prices: self.model_prices,
        })
    }

    fn key(&self) -> Result<KeySource, Wrong> {
        match (&self.key_env, &self.key_command, &self.key_file) {
            (None, None, None) => Ok(KeySource::None),
            (Some(name), None, None) => {
                let ok = !name.is_empty()
                    && !name.starts_with(|c: char| c.is_ascii_digit())
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if ok {
                    Ok(KeySource::Variable(name.clone()))
                } else {
                    // Perhaps the key itself: not repeated.
                    wrong(
                        "key_env",
                        "expected the name of a variable (letters, digits, `_`), not a key",
                    )
                }
            }
            (None, Some(CommandLine::Shell(line)), None) if !line.trim().is_empty() => {
                Ok(KeySource::Command(vec!["sh".into(), "-c".into(), line.clone()]))
            }
            (None, Some(CommandLine::Words(words)), None) if !words.is_empty() => {
                Ok(KeySource::Command(words.clone()))
            }
            (None, Some(_), None) => wrong("key_command", "expected a command"),
            (None, None, Some(path)) => Ok(KeySource::File(path.clone())),
            _ => wrong("key_", "expected one of key_env, key_command and key_file, not several"),
        }
    }
}
