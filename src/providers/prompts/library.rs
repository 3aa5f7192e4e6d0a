//! Which prompts there are: those of the binary, and the folder whose files come first.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::file::Contract;
use super::{Origin, PromptError, PromptFile};

/// The embedded prompts. A new one is a file in `files/` and its line here.
const FILES: &[(&str, &str)] = &[
    ("appropriateness", include_str!("files/appropriateness.toml")),
    ("bbh", include_str!("files/bbh.toml")),
    ("gsm8k", include_str!("files/gsm8k.toml")),
    ("open-answer", include_str!("files/open-answer.toml")),
    ("open-pairwise", include_str!("files/open-pairwise.toml")),
    ("paraphrase", include_str!("files/paraphrase.toml")),
    ("preference", include_str!("files/preference.toml")),
    ("robust-paraphrase", include_str!("files/robust-paraphrase.toml")),
    ("similarity", include_str!("files/similarity.toml")),
    ("synonyms", include_str!("files/synonyms.toml")),
    ("translate", include_str!("files/translate.toml")),
];

/// Prompts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Library {
    folder: Option<PathBuf>,
}

/// The prompt of that name: the user's file, else the embedded one.
///
/// # Errors
/// See [`Library::load`].
pub fn load(name: &str) -> Result<PromptFile, PromptError> {
    Library::of_user().load(name)
}

impl Library {
    /// The embedded ones only.
    pub fn built_in() -> Self {
        Self { folder: None }
    }

    /// Files of this folder before the embedded ones: a run's `input/prompts`.
    pub fn of_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()) }
    }

    /// `prompts/` of the user's configuration folder before the embedded ones.
    pub fn of_user() -> Self {
        Self { folder: crate::config::user_prompts_folder().ok() }
    }

    /// Where a user's file of this name would stand.
    pub fn place_of(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|f| f.join(format!("{name}.toml")))
    }

    /// A prompt by its name.
    ///
    /// # Errors
    /// None of that name, an unreadable file, or the line at which it is wrong.
    pub fn load(&self, name: &str) -> Result<PromptFile, PromptError> {
        let unknown = || PromptError::Unknown { name: name.into(), known: self.known() };
        // A name is no path.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            return Err(unknown());
        }
        let ours = built_in(name).transpose()?;
        if let Some(path) = self.place_of(name).filter(|p| p.exists()) {
            let source = read(&path)?;
            let contract =
                ours.as_ref().map(|o| Contract { requires: &o.requires, offers: &o.offers });
            return PromptFile::parse(&source, name, Origin::File(path), contract);
        }
        ours.ok_or_else(unknown)
    }

    /// All prompts by name; one that cannot be read stands as its error.
    pub fn list(&self) -> Vec<(String, Result<PromptFile, PromptError>)> {
        self.names().into_iter().map(|n| (n.clone(), self.load(&n))).collect()
    }

    fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = FILES.iter().map(|(n, _)| (*n).to_owned()).collect();
        let entries = self.folder.as_deref().and_then(|f| fs::read_dir(f).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "toml")
                && let Some(stem) = path.file_stem().and_then(|s| s.to_str())
            {
                names.insert(stem.to_owned());
            }
        }
        names
    }

    fn known(&self) -> String {
        self.names().into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// A prompt from its text, as a plan froze it or a user wrote it: any name, but the placeholders
/// of the embedded prompt `like`. `file` is for messages.
///
/// # Errors
/// No embedded prompt `like`, or the line at which the text is wrong.
pub fn parse_like(source: &str, file: &Path, like: &str) -> Result<PromptFile, PromptError> {
    let ours = built_in(like).transpose()?.ok_or_else(|| PromptError::Unknown {
        name: like.into(),
        known: Library::built_in().known(),
    })?;
    let named: Option<String> = toml::from_str::<toml::Table>(source)
        .ok()
        .and_then(|t| t.get("name").and_then(|n| n.as_str()).map(str::to_owned));
    let contract = Contract { requires: &ours.requires, offers: &ours.offers };
    let name = named.unwrap_or_else(|| like.to_owned());
    PromptFile::parse(source, &name, Origin::File(file.to_owned()), Some(contract))
}

fn built_in(name: &str) -> Option<Result<PromptFile, PromptError>> {
    let (name, source) = FILES.iter().find(|(n, _)| *n == name)?;
    Some(PromptFile::parse(source, name, Origin::BuiltIn, None))
}

fn read(path: &Path) -> Result<String, PromptError> {
    fs::read_to_string(path)
        .map_err(|e| PromptError::Io { path: path.to_owned(), detail: e.to_string() })
}
