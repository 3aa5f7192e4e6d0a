//! What raters are asked: the question, the rules, and what each score stands for. People and
//! models get the same; its version is stored with every rating.

use serde::{Deserialize, Serialize};

use super::StudyError;

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
const EXAMPLES: &str = include_str!("examples.toml");

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

/// A pair with the score it should get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// 1 to 5.
    pub score: u8,
    /// One text.
    pub left: String,
    /// The other.
    pub right: String,
    /// Why it gets that score.
    pub why: String,
}

impl Guideline {
    /// Three examples for every score, best first, and their version (`examples@1`). People see
    /// them; model judges do not, so they have a version of their own.
    ///
    /// # Errors
    /// None in practice: the file is part of the program, and a test reads it.
    pub fn examples() -> Result<(Vec<Example>, String), StudyError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            version: u32,
            example: Vec<Example>,
        }
        let file: File = toml::from_str(EXAMPLES).map_err(|e| StudyError::BadSetting {
            what: "the examples",
            value: e.to_string(),
            expected: "version and [[example]]s with score, left, right, why",
        })?;
        Ok((file.example, format!("examples@{}", file.version)))
    }

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
        let main = language.split('-').next().unwrap_or_default();
        let text = TRANSLATED.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(main));
        Self::parse(text.map_or(SIMILARITY, |(_, text)| text))
    }

    /// Reads a guideline.
    ///
    /// # Errors
    /// No TOML, an unknown key, or not one anchor for each of 5, 4, 3, 2, 1.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        let bad = |value: String, expected| StudyError::BadSetting {
            what: "the guideline",
            value,
            expected,
        };
        let g: Self = toml::from_str(text)
            .map_err(|e| bad(e.to_string(), "name, version, question, rules and [[anchor]]s"))?;
        let scores: Vec<u8> = g.anchors.iter().map(|a| a.score).collect();
        if scores != [5, 4, 3, 2, 1] {
            return Err(bad(format!("{scores:?}"), "anchors for the scores 5, 4, 3, 2, 1"));
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
    fn every_score_has_three_examples_best_first() {
        let (examples, version) = Guideline::examples().unwrap();
        let scores: Vec<u8> = examples.iter().map(|e| e.score).collect();
        assert_eq!(scores, [5, 5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1]);
        assert_eq!(version, "examples@1");
    }
}
