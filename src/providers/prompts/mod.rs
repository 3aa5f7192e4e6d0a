//! Prompts as files that a user can read, version and replace. Ours are embedded in the binary
//! (`files/`); `prompts/NAME.toml` in the user's configuration folder takes the place of one. The
//! embedded file says which placeholders a prompt of its name must and may use. A run freezes the
//! files it uses in its input, so that it can be done again after the user changed them.

mod error;
mod file;
mod library;

pub use error::PromptError;
pub use file::{FamilyPrompt, Origin, PromptFile};
pub use library::{Library, load, parse_like};

#[cfg(test)]
mod tests;
