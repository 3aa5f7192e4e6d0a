//! Text as people read it: words, differences, near-duplicates, cleaning, width.
//!
//! Works on any script, knows no question and no culture. Nothing here draws: [`display`] makes
//! text safe to print, the faces decide where.

mod diff;
mod digits;
mod display;
mod distance;
mod ngram;
mod normal;
mod script;
mod token;
mod width;

pub use diff::{Change, Piece, diff, diff_words};
pub use digits::{ascii_digits, digit_value};
pub use display::{TAB_WIDTH, display, display_lines};
pub use distance::{edits_between, similarity, token_edits};
pub use ngram::NgramProfile;
pub use normal::{fold, nfc};
pub use script::{Script, script_of, script_share};
pub use token::{Token, TokenKind, folded_words, tokens, words};
pub use width::{cluster_width, pad, truncate, width};
