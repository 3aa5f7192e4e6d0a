//! Scores of a classifier from its confusion matrix, with intervals from the matrix alone.
//! Replies that are no label (refusals, nonsense) have a column of their own and are never a label.

mod alias;
mod binomial;
mod confusion;
mod resample;
mod texts;

pub use confusion::{Confusion, LabelScores};
pub use resample::resample;
pub use texts::{Answered, Compared, Draws, Texts, two_sided};
