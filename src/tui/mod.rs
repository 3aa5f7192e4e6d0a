//! The workbench on screen.
//!
//! One loop (`run`) waits for whatever comes first: a signal, a key, an answer, news of the engine
//! or of the database. [`app::App::update`] is a pure step from a message to the next state and
//! the effects to carry out; [`data`] does the reading and writing on its own threads; [`pen::Pen`]
//! is the only way text gets into a frame. `docs/workbench.md` tells the rest.

pub mod app;
pub mod command;
pub mod data;
mod export;
pub mod key;
pub mod keymap;
mod keys_list;
pub mod load;
pub mod looks;
pub mod pace;
pub mod pen;
#[cfg(test)]
mod product;
mod run;
pub mod screen;
pub mod screens;
mod settings;
mod shot;
pub mod terminal;
#[cfg(test)]
pub mod testing;
pub mod theme;
pub mod widgets;

pub use keys_list::commands_by_place;
pub use run::{TuiError, open};
pub use settings::UserLooks;

/// The screen as the command line knows it.
pub const FACE: crate::launch::ScreenFace =
    crate::launch::ScreenFace { open: |o| Ok(open(o)?), keys: commands_by_place };
