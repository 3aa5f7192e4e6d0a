//! Tests that assume little, and the price of making many of them.
//! Pairs are flipped in sign; p values of one printed table are adjusted together.

mod adjust;
mod mcnemar;
mod sign_flip;

pub use adjust::{benjamini_yekutieli, holm};
pub use mcnemar::mcnemar;
pub use sign_flip::{Alternative, SignFlip, sign_flip, sums_by_cluster};
