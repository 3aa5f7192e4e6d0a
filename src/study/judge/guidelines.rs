//! The guideline that a judge is given: the study's own in the item's language, as people have it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::StudyType;
use crate::store::{Item, StudyText, TextKind};
use crate::study::{Guideline, StudyError};

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
        .map(|language| Ok((language.to_owned(), in_language(study_type, stored, language)?)))
        .collect()
}

fn in_language(
    study_type: StudyType,
    stored: &[StudyText],
    language: &str,
) -> Result<Guideline, StudyError> {
    let own = stored.iter().rev().find(|t| t.kind == TextKind::Guideline && t.language == language);
    match own {
        Some(text) => Guideline::parse(&text.body),
        None if study_type == StudyType::Similarity => Guideline::similarity_in(language),
        None => Err(StudyError::BadSetting {
            what: "the guideline",
            value: format!("none in {language}"),
            expected: "one of the study's own",
        }),
    }
}
