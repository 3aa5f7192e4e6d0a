//! The user's own `config.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::providers::{Checked, ProviderSettings, Written};
use super::{ConfigError, LocalSettings, NotifySettings, user_config_file};
use crate::job::SlurmAsk;

/// What the user's `config.toml` may say. Unknown keys are an error, so that a misspelt one is
/// seen.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    providers: BTreeMap<String, Spanned<Written>>,
    notify: Option<Spanned<NotifySettings>>,
    slurm: Option<Spanned<SlurmAsk>>,
    torch: Torch,
}

/// `[torch]`
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Torch {
    python: Option<PathBuf>,
}

/// The user's configuration.
#[derive(Debug, Clone, Default)]
pub struct UserConfig {
    /// Where it stands; the file may be missing.
    pub file: PathBuf,
    /// The providers of language models, by name.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// The providers of kind `local`, by name.
    pub local: BTreeMap<String, LocalSettings>,
    /// Who is told when a run ends.
    pub notify: NotifySettings,
    /// What runs ask of SLURM where they do not say it themselves.
    pub slurm: Option<SlurmAsk>,
    /// The Python of the fine-tuning backend `torch`.
    pub torch_python: Option<PathBuf>,
}

impl UserConfig {
    /// Reads the user's file, or the one that `POLYCULTURE_CONFIG` names. A missing file is an
    /// empty one, unless it was named.
    ///
    /// # Errors
    /// It cannot be read, does not parse, or defines something impossible: with its line.
    pub fn load() -> Result<Self, ConfigError> {
        if let Some(named) = std::env::var_os("POLYCULTURE_CONFIG").filter(|v| !v.is_empty()) {
            return Self::read(Path::new(&named));
        }
        let file = user_config_file()?;
        if file.exists() { Self::read(&file) } else { Ok(Self { file, ..Self::default() }) }
    }

    /// Reads one file.
    ///
    /// # Errors
    /// As [`UserConfig::load`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::Io { path: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let line_at = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let bad = |line, reason| ConfigError::BadSettings { path: file.to_owned(), line, reason };
        let written: File = toml::from_str(text)
            .map_err(|e| bad(e.span().map(|s| line_at(s.start)), without_values(e.message())))?;
        let (mut providers, mut local) = (BTreeMap::new(), BTreeMap::new());
        for (name, settings) in written.providers {
            let span = settings.span();
            let checked = settings.into_inner().check(&name).map_err(|(field, says)| {
                // The line of the field, else of the table's first.
                let table = text.get(span.start..).unwrap_or("");
                let within = table
                    .lines()
                    .position(|l| !field.is_empty() && l.trim_start().starts_with(field))
                    .unwrap_or(0);
                let field = if field.is_empty() || field.ends_with('_') {
                    String::new()
                } else {
                    format!("{field}: ")
                };
                bad(Some(line_at(span.start) + within), format!("provider `{name}`: {field}{says}"))
            })?;
            match checked {
                Checked::Service(s) => drop(providers.insert(name, *s)),
                Checked::Local(l) => drop(local.insert(name, l)),
            }
        }
        let notify = match written.notify {
            None => NotifySettings::default(),
            Some(settings) => {
                let at = line_at(settings.span().start);
                let settings = settings.into_inner();
                settings
                    .check()
                    .map_err(|(field, says)| bad(Some(at), format!("notify: {field}: {says}")))?;
                settings
            }
        };
        let slurm = match written.slurm {
            Some(ask) => {
                let line = line_at(ask.span().start);
                let ask = ask.into_inner();
                ask.check().map_err(|e| bad(Some(line), e))?;
                if ask.array.is_some() {
                    return Err(bad(Some(line), "an array is said with the run".into()));
                }
                Some(ask)
            }
            None => None,
        };
        Ok(Self {
            file: file.to_owned(),
            providers,
            local,
            notify,
            slurm,
            torch_python: written.torch.python,
        })
    }

    /// One provider.
    ///
    /// # Errors
    /// There is none of that name; the message says which there are.
    pub fn provider(&self, name: &str) -> Result<&ProviderSettings, ConfigError> {
        self.providers.get(name).ok_or_else(|| ConfigError::NoProvider {
            name: name.to_owned(),
            path: self.file.clone(),
            known: {
                let mut known: Vec<&str> =
                    self.providers.keys().chain(self.local.keys()).map(String::as_str).collect();
                known.sort_unstable();
                known.join(", ")
            },
        })
    }
}

/// A parser's message without the text it quotes: a key may have been put in the wrong place.
fn without_values(message: &str) -> String {
    match message.split_once("string \"").and_then(|(a, rest)| Some((a, rest.rsplit_once('"')?.1)))
    {
        Some((before, after)) => format!("{before}string{after}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{KeySource, KeyStyle, Structured};
    use super::*;

    fn parse(text: &str) -> Result<UserConfig, String> {
        UserConfig::parse(Path::new("/home/ada/config.toml"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn impossible_settings_are_named_with_file_and_line() {
        let with = |line: &str| {
            format!(
                "# mine\n[providers.a]\nkind = \"openai\"\nbase_url = \"https://x.test/v1\"\n{line}\n"
            )
        };
        for (line, says) in [
            ("colour = 1", "colour"),
            ("key = \"abc\"", "unknown field"),
            ("in_flight = 0", "1 to 10000"),
            ("in_flight = \"hush\"", "line 5"),
            ("requests_per_minute = -1", "above 0"),
            ("requests_per_minute = nan", "above 0"),
            ("key_env = \"no-name-of-a-variable\"", "not a key"),
            ("headers = { Authorization = \"Bearer hush\" }", "keys do not stand in this file"),
            ("auth = \"a b\"", "bearer"),
            ("proxy = \"socks5://x\"", "http://"),
            ("structured = \"maybe\"", "json_schema"),
            ("extra_body = { messages = [] }", "`messages` is not to be set"),
            ("key_env = \"A\"\nkey_file = \"b\"", "not several"),
            ("key_command = \"\"", "expected a command"),
            ("price = { prompt = -1, completion = 0 }", "at least 0"),
        ] {
            let e = parse(&with(line)).unwrap_err();
            assert!(e.starts_with("/home/ada/config.toml, line 5"), "{line}: {e}");
            assert!(e.contains(says), "{line}: {e}");
            assert!(!e.contains("hush") && !e.contains("no-name"), "{e}");
        }
        for (url, says) in [
            ("ftp://x", "https://"),
            ("https://", "a host"),
            ("https://me:hush@x.test", "no user or password"),
            ("https://x.test/v1?api-version=1", "query"),
        ] {
            let e = parse(&format!("[providers.a]\nkind = \"openai\"\nbase_url = \"{url}\"\n"))
                .unwrap_err();
            assert!(e.contains("line 3") && e.contains(says) && !e.contains("hush"), "{e}");
        }
        let e =
            parse("[providers.a]\nkind = \"mind-reader\"\nbase_url = \"https://x\"\n").unwrap_err();
        assert!(e.contains("openai"), "{e}");
        let e = parse("[provider.a]\n").unwrap_err();
        assert!(e.contains("line 1") && e.contains("provider"), "{e}");
        let clear = "[providers.a]\nkind = \"openai\"\nbase_url = \"http://gpu.test:8000/v1\"\nkey_env = \"K\"\n";
        assert!(parse(clear).unwrap_err().contains("in clear"));
        assert!(parse(&format!("{clear}key_in_clear = true\n")).is_ok());
    }

    #[test]
    fn everything_that_can_be_said_is_understood() {
        let config = parse(
            r#"
            [providers.azure]
            kind = "openai"
            base_url = "https://x.test/openai/deployments/d/chat/completions/"
            model = "m"
            key_env = "AZURE_KEY"
            auth = "Api-Key"
            headers = { x-team = "hush" }
            query = { api-version = "2024-10-21" }
            requests_per_minute = 600
            tokens_per_minute = 1e6
            in_flight = 8
            connect_timeout_s = 2.5
            reply_timeout_s = 60
            retries = 2
            proxy = "http://proxy.test:3128"
            extra_body = { top_k = 5, chat_template_kwargs = { enable_thinking = false } }
            max_tokens_field = "max_completion_tokens"
            structured = "json_object"
            price = { prompt = 1.5, completion = 6 }
            [providers.azure.model_prices.small]
            prompt = 0.5
            completion = 1
            currency = "EUR"

            [providers.here]
            kind = "openai"
            base_url = "http://localhost:8080/v1"
            key_command = ["pass", "show", "x"]

            [providers.there]
            kind = "openai"
            base_url = "http://[::1]:8080/v1/"
            key_file = "/home/ada/key"
            "#,
        )
        .unwrap();
        let p = config.provider("azure").unwrap();
        assert_eq!(p.base_url, "https://x.test/openai/deployments/d");
        assert_eq!(p.key_style, KeyStyle::Header("api-key".into()));
        assert_eq!(p.secret_variable(), Some("AZURE_KEY"));
        assert_eq!(p.structured, Structured::JsonObject);
        assert_eq!(p.prices("m").unwrap().currency, "USD");
        assert_eq!(p.prices("small").unwrap().currency, "EUR");
        assert_eq!(p.extra_body["chat_template_kwargs"]["enable_thinking"], false);
        assert!(!format!("{config:?}").contains("hush"));
        let here = config.provider("here").unwrap();
        assert_eq!(here.key, KeySource::Command(["pass", "show", "x"].map(str::to_owned).into()));
        assert_eq!((here.in_flight, here.retries), (64, 6));
        assert!(matches!(config.provider("there").unwrap().key, KeySource::File(_)));
        let e = config.provider("elsewhere").unwrap_err().to_string();
        assert!(e.contains("azure, here, there") && e.contains("config.toml"), "{e}");
    }

    #[test]
    fn model_folders_are_a_provider_of_their_own_kind() {
        let with = |line: &str| parse(&format!("[providers.m]\nkind = \"local\"\n{line}\n"));
        for (line, says) in [
            ("", "expected a model folder"),
            ("path = \"models\"", "from the root"),
            ("path = \"/m\"\nbase_url = \"https://x\"", "belongs to a service"),
            ("path = \"/m\"\nkey_env = \"K\"", "belongs to a service"),
            ("path = \"/m\"\nlanes = 0", "1 to 1024"),
            ("path = \"/m\"\nmemory_gb = -1", "0 to 4096"),
        ] {
            let e = with(line).unwrap_err();
            assert!(e.contains(says), "{line}: {e}");
        }
        let e = parse("[providers.a]\nkind = \"openai\"\nbase_url = \"https://x\"\nlanes = 3\n");
        assert!(e.unwrap_err().contains("belongs to kind `local`"));
        let config = with("path = \"/models\"\nmodel = \"small\"\nthinking = true").unwrap();
        let m = &config.local["m"];
        assert_eq!((m.path.to_str(), m.thinking, m.plain), (Some("/models"), true, false));
        assert!(config.provider("m").is_err(), "not a service");
        assert!(config.provider("x").unwrap_err().to_string().contains('m'));
    }
}
