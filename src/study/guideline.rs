//! What raters are asked: the question, the rules, and what each score stands for. People and
//! models get the same; its version is stored with every rating.

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::domain::StudyType;

const SIMILARITY: &str = include_str!("guideline.toml");
/// The same in other languages, by the first part of their BCP 47 tags.
const TRANSLATED: [(&str, &str); 9] = [
    ("ar", include_str!("../../sample_data/guidelines/ar.toml")),
    ("bn", include_str!("../../sample_data/guidelines/bn.toml")),
    ("de", include_str!("../../sample_data/guidelines/de.toml")),
    ("el", include_str!("../../sample_data/guidelines/el.toml")),
    ("es", include_str!("../../sample_data/guidelines/es.toml")),
    ("ko", include_str!("../../sample_data/guidelines/ko.toml")),
    ("pt", include_str!("../../sample_data/guidelines/pt.toml")),
    ("tr", include_str!("../../sample_data/guidelines/tr.toml")),
    ("zh", include_str!("../../sample_data/guidelines/zh.toml")),
];
const PREFERENCE: &str = include_str!("preference.toml");
const APPROPRIATENESS: &str = include_str!("appropriateness.toml");

/// A guideline as its file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guideline {
    /// Its name.
    pub name: String,
    /// Counts up with every change of the wording.
    pub version: u32,
    /// What is asked of a pair.
    pub question: String,
    /// How to go about it.
    pub rules: Vec<String>,
    /// What each score stands for, best first.
    #[serde(rename = "anchor")]
    pub anchors: Vec<ScaleAnchor>,
}

/// What one score stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleAnchor {
    /// 1 to 5.
    pub score: u8,
    /// In words.
    pub text: String,
}

impl Guideline {
    /// The guideline of similarity studies.
    ///
    /// # Errors
    /// None in practice: the file is part of the program, and a test reads it.
    pub fn similarity() -> Result<Self, StudyError> {
        Self::parse(SIMILARITY)
    }

    /// The same in a language (BCP 47); in English where it is not worded in it. Its name tells
    /// (`similarity.ar`), and so does what is stored with every rating.
    ///
    /// # Errors
    /// None in practice: the files are part of the program, and a test reads them.
    pub fn similarity_in(language: &str) -> Result<Self, StudyError> {
        Self::parse(Self::built_in(StudyType::Similarity, language).1)
    }

    /// The program's own guideline of a type of study, as its file has it, and the language that it
    /// is in: the one asked for where there is one, else English.
    pub fn built_in(kind: StudyType, language: &str) -> (&'static str, &'static str) {
        match kind {
            StudyType::Preference => ("en", PREFERENCE),
            StudyType::Appropriateness => ("en", APPROPRIATENESS),
            StudyType::Similarity => {
                let main = language.split('-').next().unwrap_or_default();
                let text = TRANSLATED.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(main));
                text.copied().unwrap_or(("en", SIMILARITY))
            }
        }
    }

    /// Reads a guideline with five scores.
    ///
    /// # Errors
    /// No TOML, an unknown key, or not one anchor for each of 5, 4, 3, 2, 1.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        Self::parse_for(StudyType::Similarity, text)
    }

    /// Reads the guideline of a type of study. That of a preference has the anchors 1 (the left or
    /// upper answer), 2 (no difference) and 3 (the right or lower one), as they stand on the screen.
    ///
    /// # Errors
    /// No TOML, an unknown key, or not one anchor for each score of the type.
    pub fn parse_for(kind: StudyType, text: &str) -> Result<Self, StudyError> {
        let bad = |value: String, expected| StudyError::BadSetting {
            what: "the guideline",
            value,
            expected,
        };
        let g: Self = toml::from_str(text)
            .map_err(|e| bad(e.to_string(), "name, version, question, rules and [[anchor]]s"))?;
        let scores: Vec<u8> = g.anchors.iter().map(|a| a.score).collect();
        let (wanted, expected): (&[u8], _) = match kind {
            StudyType::Preference => (&[1, 2, 3], "anchors for 1, 2, 3"),
            _ => (&[5, 4, 3, 2, 1], "anchors for the scores 5, 4, 3, 2, 1"),
        };
        if scores != wanted {
            return Err(bad(format!("{scores:?}"), expected));
        }
        Ok(g)
    }

    /// `similarity@1`
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guideline_needs_an_anchor_for_every_score() {
        assert!(Guideline::parse("name = 3").is_err());
        let cut = SIMILARITY.replace("score = 3", "score = 2");
        assert!(Guideline::parse(&cut).unwrap_err().to_string().contains("5, 4, 3, 2, 1"));
        assert_eq!(Guideline::similarity().unwrap().reference(), "similarity@1");
    }

    #[test]
    fn every_language_has_the_same_rules_and_says_which_it_is() {
        let english = Guideline::similarity().unwrap();
        assert_eq!(Guideline::similarity_in("fi").unwrap(), english);
        assert_eq!(Guideline::similarity_in("").unwrap(), english);
        assert_eq!(Guideline::similarity_in("zh-Hant").unwrap().reference(), "similarity.zh@1");
        for (tag, text) in TRANSLATED {
            let g = Guideline::parse(text).unwrap();
            assert_eq!(
                (g.name.as_str(), g.version),
                (&*format!("similarity.{tag}"), english.version)
            );
            assert_eq!(g.rules.len(), english.rules.len(), "{tag}");
            assert!(g.rules[1].contains('1'), "{tag}: opposites get 1");
            assert!(g.anchors.iter().zip(&english.anchors).all(|(a, b)| a.text != b.text), "{tag}");
        }
    }

    #[test]
    fn the_other_types_have_guidelines_of_their_own() {
        for kind in [StudyType::Preference, StudyType::Appropriateness] {
            let (language, text) = Guideline::built_in(kind, "de");
            let g = Guideline::parse_for(kind, text).unwrap();
            assert_eq!((language, g.name.as_str()), ("en", kind.as_str()));
            assert_eq!(g.anchors.len(), usize::from(kind.top()));
        }
        assert!(Guideline::parse_for(StudyType::Preference, SIMILARITY).is_err());
    }
}
