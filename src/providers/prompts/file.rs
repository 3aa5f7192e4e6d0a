//! One prompt file: a header and two templates. See the files of this folder.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::PromptError;
use crate::domain::Form;
use crate::providers::{Message, Partition};

/// What is asked of the sentences of one family (prompts of stage 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyPrompt {
    /// Held out or not; the unit of the split.
    pub side: Partition,
    /// How sentences are built, for seeds that are statements; `None`: not for those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The same for seeds that are questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

impl FamilyPrompt {
    /// What to ask for, where the family applies to texts of this form.
    pub fn instruction(&self, form: Form) -> Option<&str> {
        match form {
            Form::Statement => self.statement.as_deref(),
            Form::Question => self.question.as_deref(),
        }
    }
}

/// Where a prompt was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Embedded in the binary.
    BuiltIn,
    /// A file that replaces ours.
    File(std::path::PathBuf),
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Spanned<String>,
    version: u32,
    purpose: String,
    #[serde(default = "english")]
    language: String,
    #[serde(default)]
    requires: BTreeSet<String>,
    #[serde(default)]
    offers: BTreeSet<String>,
    #[serde(default)]
    system: Option<Spanned<String>>,
    user: Spanned<String>,
    #[serde(default)]
    families: BTreeMap<String, FamilyPrompt>,
}

fn english() -> String {
    "en".into()
}

/// A prompt, read and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromptFile {
    /// Its name, and that of its file.
    pub name: String,
    /// The number its author gave it.
    pub version: u32,
    /// What it is for.
    pub purpose: String,
    /// The language it is written in (BCP 47).
    pub language: String,
    /// Placeholders that must stand in it.
    pub requires: BTreeSet<String>,
    /// Placeholders that may stand in it.
    pub offers: BTreeSet<String>,
    /// System message, a template; empty for none.
    pub system: String,
    /// User message, a template.
    pub user: String,
    /// Families of stage 1, for prompts that have them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub families: BTreeMap<String, FamilyPrompt>,
    /// Where it was read.
    pub origin: Origin,
    /// First 8 hexadecimal digits of the SHA-256 of the file.
    pub hash: String,
    /// The file itself, for freezing into a run and for export.
    #[serde(skip)]
    pub source: String,
}

/// What a prompt of some name is given: the placeholders that it must use and those it may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contract<'a> {
    pub requires: &'a BTreeSet<String>,
    pub offers: &'a BTreeSet<String>,
}

impl PromptFile {
    /// Reads a file. `contract` is that of the embedded prompt of the same name; without one the
    /// file's own `requires` and `offers` count.
    ///
    /// # Errors
    /// The line and what was expected there.
    pub(super) fn parse(
        source: &str,
        name: &str,
        origin: Origin,
        contract: Option<Contract<'_>>,
    ) -> Result<Self, PromptError> {
        let file = match &origin {
            Origin::BuiltIn => format!("prompt {name} of this build"),
            Origin::File(path) => path.display().to_string(),
        };
        let bad = |line, detail| PromptError::Bad { file: file.clone(), line, detail };
        let raw: Raw = toml::from_str(source).map_err(|e| {
            let line = e.span().map_or(1, |s| line_of(source, s.start));
            bad(line, e.message().trim().to_owned())
        })?;
        if raw.name.get_ref() != name {
            let line = line_of(source, raw.name.span().start);
            let detail = format!(
                "the prompt is called `{}` and its file `{name}.toml`: give both one name",
                raw.name.get_ref()
            );
            return Err(bad(line, detail));
        }
        let (requires, offers) = match contract {
            Some(c) => (c.requires.clone(), c.offers.clone()),
            None => (raw.requires, raw.offers),
        };
        let mut used = BTreeSet::new();
        for part in raw.system.iter().chain([&raw.user]) {
            let names = placeholders(part.get_ref())
                .map_err(|(n, detail)| bad(template_line(source, part, n), detail))?;
            for n in &names {
                if !requires.contains(n) && !offers.contains(n) {
                    let detail = format!(
                        "no placeholder `{n}` in prompt `{name}`: it may use {}",
                        join(requires.iter().chain(&offers))
                    );
                    return Err(bad(line_of_name(source, part, n), detail));
                }
            }
            used.extend(names);
        }
        if let Some(missing) = requires.iter().find(|n| !used.contains(*n)) {
            let detail = format!(
                "`{{{{ {missing} }}}}` is missing: prompt `{name}` must use {}",
                join(requires.iter())
            );
            return Err(bad(line_of(source, raw.user.span().start), detail));
        }
        let hash: String =
            Sha256::digest(source).iter().take(4).map(|b| format!("{b:02x}")).collect();
        Ok(Self {
            name: raw.name.into_inner(),
            version: raw.version,
            purpose: raw.purpose,
            language: raw.language,
            requires,
            offers,
            system: raw.system.map(Spanned::into_inner).unwrap_or_default(),
            user: raw.user.into_inner(),
            families: raw.families,
            origin,
            hash,
            source: source.to_owned(),
        })
    }

    /// `paraphrase-1-0a1b2c3d`: goes into the provenance.
    pub fn tag(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, self.hash)
    }

    /// The messages, placeholders filled in. Values are put in as they are and never read as
    /// templates.
    ///
    /// # Errors
    /// A placeholder that was not given, or a template that fails on these values.
    pub fn render(&self, context: impl Serialize) -> Result<Vec<Message>, PromptError> {
        let values = minijinja::Value::from_serialize(&context);
        let engine = engine();
        let fill = |template: &str| {
            engine.render_str(template, &values).map_err(|e| PromptError::Bad {
                file: format!("prompt {}", self.name),
                line: e.line().unwrap_or(1),
                detail: e.to_string(),
            })
        };
        let mut messages = Vec::with_capacity(2);
        if !self.system.trim().is_empty() {
            messages.push(Message::system(fill(&self.system)?.trim()));
        }
        messages.push(Message::user(fill(&self.user)?.trim()));
        Ok(messages)
    }
}

fn engine() -> Environment<'static> {
    let mut e = Environment::new();
    e.set_undefined_behavior(UndefinedBehavior::Strict);
    e.set_trim_blocks(true);
    e
}

/// Names that a template takes from outside, or the line within it and what is wrong there.
fn placeholders(template: &str) -> Result<BTreeSet<String>, (usize, String)> {
    let engine = engine();
    let parsed = engine
        .template_from_str(template)
        .map_err(|e| (e.line().unwrap_or(1), format!("the template cannot be read: {e:#}")))?;
    Ok(parsed.undeclared_variables(false).into_iter().collect())
}

fn join<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

fn line_of(text: &str, at: usize) -> usize {
    memchr::memchr_iter(b'\n', &text.as_bytes()[..at.min(text.len())]).count() + 1
}

/// A line within a template as a line of the file. TOML cuts the break after `"""`.
fn template_line(source: &str, part: &Spanned<String>, line: usize) -> usize {
    let (start, end) = (part.span().start, part.span().end);
    let opens = source.get(start..).is_some_and(|s| {
        s.starts_with("\"\"\"\n") || s.starts_with("\"\"\"\r\n") || s.starts_with("'''\n")
    });
    (line_of(source, start) + usize::from(opens) + line - 1).min(line_of(source, end))
}

/// The line of a string on which a placeholder's name first stands inside braces.
fn line_of_name(source: &str, part: &Spanned<String>, name: &str) -> usize {
    let span = part.span();
    let Some(text) = source.get(span.clone()) else { return line_of(source, span.start) };
    let mut from = 0;
    while let Some(i) = text[from..].find(name).map(|i| from + i) {
        let before = &text[..i];
        let open = before.rfind("{{").max(before.rfind("{%"));
        let close = before.rfind("}}").max(before.rfind("%}"));
        if open > close {
            return line_of(source, span.start + i);
        }
        from = i + name.len();
    }
    line_of(source, span.start)
}
