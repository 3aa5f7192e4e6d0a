//! Prompts as files that a person can read, version and replace: a name, a version, and the two
//! messages with `{{ slots }}`. What was asked is known by name, version and checksum.

use std::fmt::Write as _;

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Message, ProviderError};

/// A prompt as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFile {
    /// What it is called in provenance.
    pub name: String,
    /// Counts up with every change of the wording.
    pub version: u32,
    /// SHA-256 of the file's text, in hexadecimal: tells two files that claim one version apart.
    pub sha256: String,
    /// The file's text, for freezing it with a run.
    pub text: String,
    system: String,
    user: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: u32,
    #[serde(default)]
    #[allow(dead_code, reason = "for the reader of the file")]
    about: String,
    #[serde(default)]
    system: String,
    user: String,
}

impl PromptFile {
    /// Reads a prompt; `file` is for messages.
    ///
    /// # Errors
    /// No TOML, a key missing or unknown, a template that does not parse.
    pub fn parse(text: &str, file: &str) -> Result<Self, ProviderError> {
        let wrong = |detail: String| ProviderError::Rules { file: file.to_owned(), detail };
        let raw: Raw = toml::from_str(text).map_err(|e| {
            wrong(format!("{e}; expected the keys name, version, user and, if wanted, system"))
        })?;
        let mut environment = Environment::new();
        for (key, template) in [("system", &raw.system), ("user", &raw.user)] {
            environment
                .add_template_owned(key, template.clone())
                .map_err(|e| wrong(format!("`{key}`: {e}")))?;
        }
        let sha256 = Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, b| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{b:02x}");
            hex
        });
        Ok(Self {
            name: raw.name,
            version: raw.version,
            sha256,
            text: text.to_owned(),
            system: raw.system,
            user: raw.user,
        })
    }

    /// `similarity@1`
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The messages with the slots filled. A system text that comes out empty is left out. Values
    /// are put in as they are: braces in a text are not read as slots.
    ///
    /// # Errors
    /// A slot without a value.
    pub fn render<S: Serialize>(&self, values: &S) -> Result<Vec<Message>, ProviderError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let fill = |template: &str| {
            environment
                .render_str(template, values)
                .map_err(|e| ProviderError::Rules { file: self.reference(), detail: e.to_string() })
        };
        let (system, user) = (fill(&self.system)?, fill(&self.user)?);
        let mut out = Vec::with_capacity(2);
        if !system.trim().is_empty() {
            out.push(Message::system(system.trim()));
        }
        out.push(Message::user(user.trim()));
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_that_is_no_prompt_is_refused_by_name() {
        for (text, word) in [
            ("not toml", "name, version"),
            ("name = \"x\"\nversion = 1", "user"),
            ("name = \"x\"\nversion = 1\nuser = \"a\"\nusr = \"b\"", "usr"),
            ("name = \"x\"\nversion = 1\nuser = \"{{ a\"", "user"),
        ] {
            let e = PromptFile::parse(text, "mine.toml").unwrap_err().to_string();
            assert!(e.contains("mine.toml") && e.contains(word), "{e}");
        }
    }

    #[test]
    fn a_slot_without_a_value_is_an_error_and_values_are_no_templates() {
        let p = PromptFile::parse("name = \"x\"\nversion = 2\nuser = \"<{{ a }}>\"", "f").unwrap();
        assert_eq!(p.reference(), "x@2");
        assert!(p.render(&json!({})).is_err());
        let messages = p.render(&json!({"a": "{{ b }} <&>"})).unwrap();
        assert_eq!(messages, [Message::user("<{{ b }} <&>>")]);
    }
}
