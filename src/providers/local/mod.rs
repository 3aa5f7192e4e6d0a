//! Provider `local`: a chat model in a folder, run by the embedded decoder with its own chat
//! template. Replies are drawn side by side, recorded in the reply store like those of endpoints,
//! and repeat themselves: a reply is decided by its request and by the bytes of the folder.

#[cfg(test)]
mod broken_tests;
mod folder;
mod identity;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use folder::{LocalFolder, LocalOptions};
pub use identity::identity;
