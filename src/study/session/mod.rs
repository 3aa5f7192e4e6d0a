//! One rater at work on one study: what is shown, what a key does, what is written, and when it
//! moves on. Pure: texts and times come in as data, writes go out as data ([`Write`]) and are
//! carried out by [`save`] elsewhere. A screen draws [`Session::view`] and hands keys to
//! [`Session::act`]; nothing here draws, waits, or reads a clock.
//!
//! Blind by construction: an entry holds its texts, their language and the question asked. Which of them is the seed, how
//! similar a filter found them, where the sample came from, what the pair is for and what others
//! gave it never reach this room's memory.

mod act;
mod acting;
mod clock;
mod effect;
mod load;
mod own;
mod practice;
mod save;
mod seen;
mod state;
#[cfg(test)]
mod tests;
mod view;
mod who;
mod write;

pub use act::Act;
pub use clock::IDLE_LIMIT_MS;
pub use effect::Effect;
pub use load::{Loaded, load};
pub use own::{OwnStudy, own_study};
pub use save::{PATIENCE, SaveError, Saved, save};
pub use state::{BREAK_AFTER_ITEMS, BREAK_AFTER_MS, Session};
pub use view::{
    BreakView, ItemView, LastSaved, Own, PracticeView, Progress, Saving, Standing, Summary, View,
    Welcome,
};
pub use who::{Pick, picks, who};
pub use write::{What, Write};
