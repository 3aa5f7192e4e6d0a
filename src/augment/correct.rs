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
        return Err(AugmentError::ByHand("the new text is empty: write one, or reject it".into()));
    }
    if text == old.text {
        return Err(AugmentError::ByHand("the new text is the same as before".into()));
    }
    let id = sample_id(&old.seed, &old.language, &text)
        .map_err(|e| AugmentError::ByHand(e.to_string()))?;
    Ok(Sample { id, text, similarity: None, decision: Decision::Kept, ..old.clone() })
}

/// Whether a person may keep this sample.
///
/// # Errors
/// It never became a text.
pub fn acceptable(sample: &Sample) -> Result<(), AugmentError> {
    if sample.text.trim().is_empty() {
        let why = format!("{} never became a text: there is nothing to keep", sample.id);
        return Err(AugmentError::ByHand(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Provenance, QuestionId, SampleId, Stage};

    fn sample(text: &str) -> Sample {
        Sample {
            id: SampleId::new("s-1").unwrap(),
            seed: QuestionId::new("Q27").unwrap(),
            language: "en".into(),
            text: text.into(),
            stage: Stage::Template,
            similarity: None,
            decision: Decision::Kept,
            provenance: Provenance {
                provider: "offline".into(),
                version: "1".into(),
                run: None,
                template: None,
                family: None,
                held_out: false,
                parent: None,
                substitutions: vec![],
                seed: 1,
                reply: None,
            },
        }
    }

    #[test]
    fn an_empty_or_unchanged_text_is_no_correction() {
        assert!(corrected(&sample("one"), " \n").is_err());
        assert!(corrected(&sample("one"), " one ").is_err());
        assert!(acceptable(&sample("")).is_err());
        let new = corrected(&sample("one"), "two\n").unwrap();
        assert_eq!((new.text.as_str(), new.decision), ("two", Decision::Kept));
        assert_ne!(new.id, sample("one").id);
    }
}
