//! The guideline that a judge is given: the study's own in the item's language, as people have it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::StudyType;
use crate::store::{Item, StudyText};
use crate::study::{Guideline, RaterTexts, StudyError};

/// The guideline in force for each language of these items.
///
/// # Errors
/// A stored guideline that cannot be read.
pub fn guidelines(
    study_type: StudyType,
    stored: &[StudyText],
    items: &[Item],
) -> Result<BTreeMap<String, Guideline>, StudyError> {
    let languages: BTreeSet<&str> = items.iter().map(|i| i.language.as_str()).collect();
    languages
        .into_iter()
        .map(|language| {
            let texts = RaterTexts::among(stored, study_type, language, 0)?;
            Ok((language.to_owned(), texts.guideline))
        })
        .collect()
}
