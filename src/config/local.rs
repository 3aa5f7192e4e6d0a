//! `[providers.NAME]` of kind `local`: model folders on this machine. They can be named without a
//! provider too (`path:DIR`, `hub:ORG/NAME`); here it is said how they are run.

use std::path::{Component, Path, PathBuf};

/// A folder of models, or one model, and how it is run.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalSettings {
    /// The name a workspace calls it by.
    pub name: String,
    /// A model folder, or a folder of model folders.
    pub path: PathBuf,
    /// An adapter on top of the model, in PEFT's layout.
    pub adapter: Option<PathBuf>,
    /// The model where none is named.
    pub model: Option<String>,
    /// A base model without a chat template is spoken to as `Question: .. Answer:`.
    pub plain: bool,
    /// Templates that know of reasoning let the model reason before it answers.
    pub thinking: bool,
    /// Replies that are written side by side.
    pub lanes: Option<usize>,
    /// GiB of keys and values that are remembered for prompts to come.
    pub memory_gb: Option<f64>,
}

impl LocalSettings {
    /// The folder of a model, by the name a workspace gives: `path` itself where that is a model,
    /// else the folder of that name inside of it. A workspace names; it cannot leave the folder.
    ///
    /// # Errors
    /// In words: no such model here.
    pub fn folder(&self, model: &str) -> Result<PathBuf, String> {
        let no = |why: String| Err(format!("provider `{}`: {why}", self.name));
        if self.path.join("config.json").is_file() {
            let own = self.path.file_name().map(|n| n.to_string_lossy().into_owned());
            let known = [self.model.as_deref(), own.as_deref()];
            if model.is_empty() || known.contains(&Some(model)) {
                return Ok(self.path.clone());
            }
            let name = self.model.clone().or(own).unwrap_or_default();
            return no(format!("it has one model, `{name}`, and none called `{model}`"));
        }
        let named = match (model, &self.model) {
            ("", None) => {
                return no(format!("name a model, as {}/MODEL", self.name));
            }
            ("", Some(default)) => default,
            (named, _) => named,
        };
        if !Path::new(named).components().all(|c| matches!(c, Component::Normal(_))) {
            return no(format!("`{named}` is not the name of a folder inside of its own"));
        }
        let folder = self.path.join(named);
        if folder.join("config.json").is_file() {
            return Ok(folder);
        }
        no(format!("no model folder {}", folder.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_names_a_model_and_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("org/small");
        std::fs::create_dir_all(&model).unwrap();
        std::fs::write(model.join("config.json"), "{}").unwrap();
        let mut p = LocalSettings {
            name: "mine".into(),
            path: dir.path().to_owned(),
            adapter: None,
            model: None,
            plain: false,
            thinking: false,
            lanes: None,
            memory_gb: None,
        };
        assert_eq!(p.folder("org/small").unwrap(), model);
        assert!(p.folder("").unwrap_err().contains("mine/MODEL"));
        assert!(p.folder("large").unwrap_err().contains("no model folder"));
        for bad in ["../x", "/etc", "org/../../x", "./org/small/.."] {
            assert!(p.folder(bad).is_err(), "{bad}");
        }
        p.model = Some("org/small".into());
        assert_eq!(p.folder("").unwrap(), model);
        p.path.clone_from(&model);
        p.model = None;
        assert_eq!(p.folder("").unwrap(), model);
        assert_eq!(p.folder("small").unwrap(), model);
        assert!(p.folder("other").unwrap_err().contains("`small`"));
    }
}
