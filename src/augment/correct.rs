//! A text that a person corrected.

use crate::domain::{Decision, Sample};
use crate::text::nfc;

use super::{AugmentError, sample_id};

/// The sample that stands for a corrected text: of the same seed and language, kept, without a
/// similarity until something measures it. The store ties it to the old one
/// ([`Tx::edit_sample`](crate::store::Tx::edit_sample)).
///
/// # Errors
/// The text is empty, or the old one.
pub fn corrected(old: &Sample, text: &str) -> Result<Sample, AugmentError> {
    let text = nfc(text.trim()).into_owned();
    if text.is_empty() {
        return Err(AugmentError::Settings("the new text is empty: write one, or reject it".into()));
    }
    if text == old.text {
        return Err(AugmentError::Settings("the new text is the same as before".into()));
    }
    let id = sample_id(&old.seed, &old.language, &text)
        .map_err(|e| AugmentError::Settings(e.to_string()))?;
    Ok(Sample { id, text, similarity: None, decision: Decision::Kept, ..old.clone() })
}
