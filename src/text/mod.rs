//! Text as people read it: words, differences, near-duplicates, cleaning, width.
//!
//! Works on any script, knows no question and no culture. Nothing here draws: [`display`] makes
//! text safe to print, [`lay_out`] makes lines of it, the faces decide where. The way of a text to
//! the screen: `docs/text.md`.

mod bidi;
mod bidi_mode;
mod clusters;
mod diff;
mod digits;
mod display;
mod distance;
mod fuzzy;
pub mod html;
mod layout;
mod mirror;
mod ngram;
mod normal;
mod script;
mod shape;
mod styles;
mod token;
mod width;
mod wrap;

pub use bidi::{Direction, direction};
pub use bidi_mode::{BidiMode, Resolved, TextError};
pub use diff::{Change, Piece, diff, diff_words};
pub use digits::{ascii_digits, digit_value};
pub use display::{TAB_WIDTH, display, display_lines};
pub use distance::{edits_between, similarity, token_edits};
pub use fuzzy::{FuzzyMatch, fuzzy};
pub use layout::{Laid, LaidLine, lay_line, lay_line_styled, lay_out, lay_out_styled};
pub use ngram::NgramProfile;
pub use normal::{fold, nfc};
pub use script::{Script, script_of, script_share};
pub use token::{Token, TokenKind, folded_words, tokens, words};
pub use width::{ambiguous_width, cluster_width, pad, truncate, width};
