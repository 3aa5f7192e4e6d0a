//! The user's folders, by the platform's conventions.

use std::path::PathBuf;

use directories::ProjectDirs;

use super::ConfigError;

fn dirs() -> Result<ProjectDirs, ConfigError> {
    ProjectDirs::from("", "", "polyculture").ok_or(ConfigError::NoHome)
}

/// The workspace that is used when none is named and none is near.
///
/// # Errors
/// No home folder is known.
pub fn default_workspace() -> Result<PathBuf, ConfigError> {
    Ok(dirs()?.data_dir().join("workspace"))
}

/// The user's configuration file; it may not exist.
///
/// # Errors
/// No home folder is known.
pub fn user_config_file() -> Result<PathBuf, ConfigError> {
    Ok(dirs()?.config_dir().join("config.toml"))
}

/// Folder of the user's own prompt files, beside the configuration file (the one that
/// `POLYCULTURE_CONFIG` names, where it does); it may not exist.
///
/// # Errors
/// No home folder is known.
pub fn user_prompts_folder() -> Result<PathBuf, ConfigError> {
    let named = std::env::var_os("POLYCULTURE_CONFIG").filter(|v| !v.is_empty());
    let file = named.map_or_else(user_config_file, |f| Ok(PathBuf::from(f)))?;
    Ok(file.with_file_name("prompts"))
}

/// The Python environment of the fine-tuning backend `torch`, made by the command that `polyculture
/// doctor --torch` prints; it may not exist.
///
/// # Errors
/// No home folder is known.
pub fn torch_environment() -> Result<PathBuf, ConfigError> {
    Ok(dirs()?.data_dir().join("torch"))
}
