//! What a rater of a study reads: consent, guideline, examples and practice, in their language.
//!
//! The study's own words come before the program's, whatever their language: a study that says in
//! English who approved it and what it pays is not replaced by a text of ours in German that says
//! neither. Of one kind and language the newest is in force. The program's words are stored with
//! the study when they are first used, so that a later program shows the same.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::pairs::{Example, WorkedPairs};
use super::{ConsentText, Guideline, StudyError};
use crate::domain::{StudyId, StudyType};
use crate::store::{Reader, StudyRecord, StudyText, TextKind, TextSource, Workspace};

/// SHA-256 of a text's body, in hexadecimal.
pub fn text_sha256(body: &str) -> String {
    Sha256::digest(body.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// The words for one language.
#[derive(Debug, Clone, PartialEq)]
pub struct RaterTexts {
    /// What is agreed to.
    pub consent: ConsentText,
    /// BCP 47 tag of its language.
    pub consent_language: String,
    /// SHA-256 of its body.
    pub consent_sha256: String,
    /// How to rate.
    pub guideline: Guideline,
    /// Examples beside it; none where the study has a type or a guideline of its own without any.
    pub examples: Vec<Example>,
    /// Their version; empty where there are none.
    pub examples_version: String,
    /// Pairs of practice, at most as many as the study asks for.
    pub practice: Vec<Example>,
    /// Texts of the program that are shown and not yet stored with the study.
    pub unstored: Vec<StudyText>,
}

/// The first part of a tag.
fn main_part(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

/// The text of a kind in force: the study's own in the language, in English, in any; else the
/// program's as it was stored.
fn chosen<'a>(stored: &'a [StudyText], kind: TextKind, language: &str) -> Option<&'a StudyText> {
    let of = |source: TextSource, tag: Option<&str>| {
        let fits = |t: &&StudyText| {
            t.kind == kind
                && t.source == source
                && tag.is_none_or(|tag| main_part(&t.language).eq_ignore_ascii_case(tag))
        };
        // stored oldest first
        stored.iter().rev().find(fits)
    };
    let main = main_part(language);
    of(TextSource::Study, Some(main))
        .or_else(|| of(TextSource::Study, Some("en")))
        .or_else(|| of(TextSource::Study, None))
        .or_else(|| of(TextSource::Program, Some(main)))
}

fn of_program(kind: TextKind, language: &str, version: String, body: &str) -> StudyText {
    StudyText {
        kind,
        language: language.to_owned(),
        version,
        sha256: text_sha256(body),
        body: body.to_owned(),
        source: TextSource::Program,
        at: Timestamp::now(),
    }
}

/// Reads a consent as it is stored: with name, version and lines, or as plain text.
fn read_consent(text: &StudyText) -> Result<ConsentText, StudyError> {
    if let Ok(consent) = ConsentText::parse(&text.body) {
        return Ok(consent);
    }
    let (name, version) = text.version.rsplit_once('@').unwrap_or((&text.version, "1"));
    ConsentText::plain(name, version.parse().unwrap_or(1), &text.body)
}

impl RaterTexts {
    /// The words for whoever rates in this language (BCP 47).
    ///
    /// # Errors
    /// The database cannot be read; a stored text cannot.
    pub fn of(reader: Reader<'_>, study: &StudyRecord, language: &str) -> Result<Self, StudyError> {
        let stored = reader.study_texts(&study.id)?;
        let wanted = study.spec.get("qualification").and_then(serde_json::Value::as_u64);
        Self::among(&stored, study.study_type, language, wanted.unwrap_or(0) as usize)
    }

    /// The same from the texts that are stored with a study.
    ///
    /// # Errors
    /// A stored text cannot be read.
    pub fn among(
        stored: &[StudyText],
        kind: StudyType,
        language: &str,
        practice: usize,
    ) -> Result<Self, StudyError> {
        let mut unstored = Vec::new();
        let consent_text = match chosen(stored, TextKind::Consent, language) {
            Some(text) => text.clone(),
            None => {
                let (tag, body) = ConsentText::built_in(language);
                let version = ConsentText::parse(body)?.reference();
                let text = of_program(TextKind::Consent, tag, version, body);
                unstored.push(text.clone());
                text
            }
        };
        let guideline = match chosen(stored, TextKind::Guideline, language) {
            Some(text) => Guideline::parse_for(kind, &text.body)?,
            None => {
                let (tag, body) = Guideline::built_in(kind, language);
                let guideline = Guideline::parse_for(kind, body)?;
                let version = guideline.reference();
                unstored.push(of_program(TextKind::Guideline, tag, version, body));
                guideline
            }
        };
        let own_guideline =
            stored.iter().any(|t| t.kind == TextKind::Guideline && t.source == TextSource::Study);
        let examples = match chosen(stored, TextKind::Examples, language) {
            Some(text) => Some(WorkedPairs::parse(kind, &text.body)?),
            // our examples fit our guideline, and no other
            None if kind == StudyType::Similarity && !own_guideline => {
                let (tag, body) = WorkedPairs::built_in(language);
                let pairs = WorkedPairs::parse(kind, body)?;
                unstored.push(of_program(TextKind::Examples, tag, pairs.reference(), body));
                Some(pairs)
            }
            None => None,
        };
        let mut asked = match chosen(stored, TextKind::Qualification, language) {
            Some(text) if practice > 0 => WorkedPairs::parse(kind, &text.body)?.practice(),
            _ => match &examples {
                Some(pairs) if practice > 0 => pairs.practice(),
                _ => Vec::new(),
            },
        };
        // the best and the worst are the quickest to learn from: the middle ones stay longest
        asked.truncate(practice);
        Ok(Self {
            consent: read_consent(&consent_text)?,
            consent_language: consent_text.language,
            consent_sha256: consent_text.sha256,
            guideline,
            examples_version: examples.as_ref().map_or(String::new(), WorkedPairs::reference),
            examples: examples.map(|p| p.examples()).unwrap_or_default(),
            practice: asked,
            unstored,
        })
    }

    /// What is stored with every rating: `similarity.de@1+examples.de@1`.
    pub fn version(&self) -> String {
        let guideline = self.guideline.reference();
        if self.examples_version.is_empty() {
            guideline
        } else {
            format!("{guideline}+{}", self.examples_version)
        }
    }
}

/// A text of the study's own, as a file has it, read and checked.
///
/// # Errors
/// A file that is no such text, of the wrong scale, or in another language than said.
pub fn own_text(
    stored: &[StudyText],
    study_type: StudyType,
    kind: TextKind,
    language: &str,
    body: &str,
) -> Result<StudyText, StudyError> {
    let wrong = |value: String| StudyError::BadSetting {
        what: "the language of the file",
        value,
        expected: "the one given by --language",
    };
    let version = match kind {
        TextKind::Guideline => Guideline::parse_for(study_type, body)?.reference(),
        TextKind::Examples | TextKind::Qualification => {
            let pairs = WorkedPairs::parse(study_type, body)?;
            if !crate::domain::same_language(&pairs.language, language) {
                return Err(wrong(pairs.language));
            }
            pairs.reference()
        }
        TextKind::Consent => match ConsentText::parse(body) {
            Ok(consent) => consent.reference(),
            Err(_) => {
                let name = format!("own.{language}");
                let before =
                    |t: &&StudyText| t.kind == kind && t.version.starts_with(&format!("{name}@"));
                let same = stored.iter().filter(before).find(|t| t.body == body);
                match same {
                    Some(known) => known.version.clone(),
                    None => {
                        let n = stored.iter().filter(before).count() + 1;
                        ConsentText::plain(&name, n as u32, body)?.reference()
                    }
                }
            }
        },
    };
    Ok(StudyText {
        kind,
        language: language.to_owned(),
        version,
        sha256: text_sha256(body),
        body: body.to_owned(),
        source: TextSource::Study,
        at: Timestamp::now(),
    })
}

/// Gives a study texts of its own, before its plan is fixed; all of them or none.
///
/// # Errors
/// No such study; the study is fixed; another text of that kind, language and version is there.
pub fn put_own_texts(
    store: &mut Workspace,
    study: &StudyId,
    texts: &[StudyText],
) -> Result<usize, StudyError> {
    store.write_as(|tx| {
        let mut new = 0;
        for text in texts {
            new += usize::from(tx.put_study_text(study, text)?);
        }
        Ok(new)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: TextKind, language: &str, source: TextSource, body: &str) -> StudyText {
        let version = format!("x.{language}@1");
        StudyText { source, ..of_program(kind, language, version, body) }
    }

    #[test]
    fn the_studys_own_words_come_before_the_programs_whatever_their_language() {
        let own = text(TextKind::Consent, "en", TextSource::Study, "Paid by the hour.");
        let texts =
            RaterTexts::among(std::slice::from_ref(&own), StudyType::Similarity, "de", 0).unwrap();
        assert_eq!(texts.consent.lines, ["Paid by the hour."]);
        assert_eq!((texts.consent_language.as_str(), &texts.consent_sha256), ("en", &own.sha256));
        // what is ours is in the rater's language, and is to be stored
        assert_eq!(texts.version(), "similarity.de@1+examples.de@1");
        let kinds: Vec<TextKind> = texts.unstored.iter().map(|t| t.kind).collect();
        assert_eq!(kinds, [TextKind::Guideline, TextKind::Examples]);
        let german = text(TextKind::Consent, "de-AT", TextSource::Study, "Bezahlt.");
        let both = [own, german];
        let texts = RaterTexts::among(&both, StudyType::Similarity, "de", 0).unwrap();
        assert_eq!(texts.consent.lines, ["Bezahlt."]);
    }

    #[test]
    fn the_programs_words_as_they_were_stored_stay_in_force() {
        let body = ConsentText::built_in("en").1.replace("from 1 to 5", "of one to five");
        let old = text(TextKind::Consent, "en", TextSource::Program, &body);
        let texts = RaterTexts::among(&[old], StudyType::Similarity, "en", 0).unwrap();
        assert!(texts.consent.lines[0].contains("of one to five"));
        // but not for another language
        let old = text(TextKind::Consent, "en", TextSource::Program, &body);
        let texts = RaterTexts::among(&[old], StudyType::Similarity, "ko", 0).unwrap();
        assert_eq!(texts.consent.reference(), "consent.ko@1");
    }

    #[test]
    fn our_examples_stand_beside_our_guideline_alone() {
        let own = Guideline::built_in(StudyType::Similarity, "en").1.replace("similarity", "mine");
        let own = text(TextKind::Guideline, "en", TextSource::Study, &own);
        let texts = RaterTexts::among(&[own], StudyType::Similarity, "en", 5).unwrap();
        assert_eq!(texts.version(), "mine@1");
        assert!(texts.examples.is_empty() && texts.practice.is_empty());
        let texts = RaterTexts::among(&[], StudyType::Preference, "en", 5).unwrap();
        assert_eq!(texts.version(), "preference@1");
        let texts = RaterTexts::among(&[], StudyType::Similarity, "ar", 4).unwrap();
        assert_eq!((texts.examples.len(), texts.practice.len()), (15, 4));
    }

    #[test]
    fn a_file_of_the_wrong_kind_is_refused_and_a_plain_consent_counts_its_versions() {
        let own = |stored: &[StudyText], kind, language, body| {
            own_text(stored, StudyType::Similarity, kind, language, body)
        };
        assert!(own(&[], TextKind::Guideline, "en", "hello").is_err());
        assert!(own(&[], TextKind::Consent, "en", " ").is_err());
        let pairs = WorkedPairs::built_in("de").1;
        assert!(own(&[], TextKind::Examples, "en", pairs).is_err());
        assert_eq!(own(&[], TextKind::Examples, "de", pairs).unwrap().version, "examples.de@1");
        let first = own(&[], TextKind::Consent, "de", "Eins.").unwrap();
        let second = own(std::slice::from_ref(&first), TextKind::Consent, "de", "Zwei.").unwrap();
        assert_eq!((first.version.as_str(), second.version.as_str()), ("own.de@1", "own.de@2"));
        let again = own(&[first.clone(), second], TextKind::Consent, "de", "Eins.").unwrap();
        assert_eq!(again.name(), first.name());
    }
}
