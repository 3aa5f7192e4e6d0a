//! What can be wrong with a workspace's place or its settings.

use std::path::PathBuf;

use thiserror::Error;

/// A workspace that cannot be found, made or read.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The folder has no `polyculture.toml`.
    #[error(
        "{path} is no workspace: it has no polyculture.toml. Make one with `polyculture init {path}`"
    )]
    NotAWorkspace {
        /// The folder.
        path: PathBuf,
    },
    /// `init` on a folder that is one already.
    #[error("{path} is a workspace already: nothing was changed")]
    AlreadyAWorkspace {
        /// The folder.
        path: PathBuf,
    },
    /// A settings file that does not parse.
    #[error("{path}{}: {reason}", line.map(|n| format!(", line {n}")).unwrap_or_default())]
    BadSettings {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: Option<usize>,
        /// What was expected.
        reason: String,
    },
    /// A provider that the user's configuration does not define.
    #[error(
        "no provider `{name}`: {path} defines {}. Add a table [providers.{name}] with kind, base_url and model",
        if known.is_empty() { "none" } else { known }
    )]
    NoProvider {
        /// The name given.
        name: String,
        /// The user's configuration.
        path: PathBuf,
        /// The names there are, comma separated.
        known: String,
    },
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Neither a home folder nor a place named by the environment.
    #[error("no home folder is known: name a workspace with -w DIR or POLYCULTURE_WORKSPACE")]
    NoHome,
}
