//! Where things live on disk, and what a user or a workspace may set. A workspace names, the user
//! defines: hooks, keys and base URLs never come from a workspace (architecture: "Trust").

mod error;
mod local;
mod notify;
mod places;
mod providers;
mod user;
mod workspace;

pub use error::ConfigError;
pub use local::LocalSettings;
pub use notify::{NotifySettings, TerminalNotice};
pub use places::{default_workspace, torch_environment, user_config_file, user_prompts_folder};
pub use providers::{
    KeySource, KeyStyle, PROVIDER_EXAMPLE, Prices, ProviderKind, ProviderSettings, Structured,
};
pub use user::UserConfig;
pub use workspace::{MARKER, Workspace, WorkspaceSettings};

/// Who decides on this machine, for logs of decisions: the name of the account.
pub fn who() -> String {
    std::env::var("USER").ok().filter(|u| !u.is_empty()).unwrap_or_else(|| "someone".into())
}
