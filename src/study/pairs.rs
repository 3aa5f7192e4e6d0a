//! Worked pairs: a score and why. Some stand beside the guideline, others are asked for practice.

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::domain::StudyType;

/// By the first part of their BCP 47 tags; English comes first.
const PAIRS: [(&str, &str); 10] = [
    ("en", include_str!("../../sample_data/pairs/en.toml")),
    ("ar", include_str!("../../sample_data/pairs/ar.toml")),
    ("bn", include_str!("../../sample_data/pairs/bn.toml")),
    ("de", include_str!("../../sample_data/pairs/de.toml")),
    ("el", include_str!("../../sample_data/pairs/el.toml")),
    ("es", include_str!("../../sample_data/pairs/es.toml")),
    ("ko", include_str!("../../sample_data/pairs/ko.toml")),
    ("pt", include_str!("../../sample_data/pairs/pt.toml")),
    ("tr", include_str!("../../sample_data/pairs/tr.toml")),
    ("zh", include_str!("../../sample_data/pairs/zh.toml")),
];

/// A pair with the score it should get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// 1 to 5; for preferences 1 to 3, by the sides as written here.
    pub score: u8,
    /// The question asked, where the study has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// One text; empty where there is only one.
    #[serde(default)]
    pub left: String,
    /// The other.
    pub right: String,
    /// Why it gets that score.
    pub why: String,
    /// True: asked before the first pair, and not shown beside the guideline.
    #[serde(default)]
    pub practice: bool,
}

/// A file of worked pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkedPairs {
    /// Its name.
    pub name: String,
    /// Counts up with every change of the wording.
    pub version: u32,
    /// BCP 47 tag of its pairs.
    pub language: String,
    /// The pairs.
    #[serde(rename = "pair")]
    pub pairs: Vec<Example>,
}

impl WorkedPairs {
    /// The program's own pairs of similarity as their file has them, and the language that they
    /// are in: the one asked for where there is one, else English.
    pub fn built_in(language: &str) -> (&'static str, &'static str) {
        let main = language.split('-').next().unwrap_or_default();
        let text = PAIRS.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(main));
        text.copied().unwrap_or(PAIRS[0])
    }

    /// The same, read.
    ///
    /// # Errors
    /// None in practice: the files are part of the program, and a test reads them.
    pub fn similarity_in(language: &str) -> Result<Self, StudyError> {
        Self::parse(StudyType::Similarity, Self::built_in(language).1)
    }

    /// Reads a file of pairs for a type of study.
    ///
    /// # Errors
    /// No TOML, an unknown key, no pair, a score out of the type's range, a pair without a text.
    pub fn parse(kind: StudyType, text: &str) -> Result<Self, StudyError> {
        let bad =
            |value: String, expected| StudyError::BadSetting { what: "the pairs", value, expected };
        let file: Self = toml::from_str(text).map_err(|e| {
            bad(e.to_string(), "name, version, language and [[pair]]s: score, left, right, why")
        })?;
        for p in &file.pairs {
            if p.score == 0 || p.score > kind.top() {
                return Err(bad(format!("score {}", p.score), "scores of the study's scale"));
            }
            if p.right.trim().is_empty() || kind.is_pair() && p.left.trim().is_empty() {
                return Err(bad(format!("a pair without a text ({})", p.why), "both texts"));
            }
        }
        if file.pairs.is_empty() {
            return Err(bad("empty".into(), "at least one [[pair]]"));
        }
        Ok(file)
    }

    /// `examples@1`
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Those that stand beside the guideline.
    pub fn examples(&self) -> Vec<Example> {
        self.pairs.iter().filter(|p| !p.practice).cloned().collect()
    }

    /// Those that are asked for practice; where none is marked, all.
    pub fn practice(&self) -> Vec<Example> {
        let marked: Vec<Example> = self.pairs.iter().filter(|p| p.practice).cloned().collect();
        if marked.is_empty() { self.pairs.clone() } else { marked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn pairs_without_a_text_or_with_a_score_off_the_scale_are_refused() {
        let one = |score: u8, left: &str| {
            format!(
                "name = \"x\"\nversion = 1\nlanguage = \"en\"\n[[pair]]\nscore = {score}\n\
                 left = \"{left}\"\nright = \"b\"\nwhy = \"c\"\n"
            )
        };
        assert!(WorkedPairs::parse(StudyType::Similarity, &one(5, "a")).is_ok());
        assert!(WorkedPairs::parse(StudyType::Similarity, &one(0, "a")).is_err());
        assert!(WorkedPairs::parse(StudyType::Preference, &one(4, "a")).is_err());
        assert!(WorkedPairs::parse(StudyType::Similarity, &one(5, " ")).is_err());
        assert!(WorkedPairs::parse(StudyType::Appropriateness, &one(5, "")).is_ok());
        assert!(WorkedPairs::parse(StudyType::Similarity, "name = 1").is_err());
    }

    #[test]
    fn every_language_has_three_examples_a_score_best_first_and_practice_of_every_score() {
        let mut texts = BTreeSet::new();
        for (tag, text) in PAIRS {
            let file = WorkedPairs::parse(StudyType::Similarity, text).unwrap();
            assert_eq!(file.language, tag);
            let name = if tag == "en" { "examples".into() } else { format!("examples.{tag}") };
            assert_eq!(file.reference(), format!("{name}@1"));
            let scores = |of: &[Example]| of.iter().map(|e| e.score).collect::<Vec<_>>();
            assert_eq!(
                scores(&file.examples()),
                [5, 5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1],
                "{tag}"
            );
            assert_eq!(scores(&file.practice()), [5, 4, 3, 2, 1], "{tag}");
            for p in &file.pairs {
                assert!(p.left != p.right && !p.why.trim().is_empty(), "{tag}: {}", p.left);
                // no pair twice: what stands beside the guideline is no practice
                assert!(texts.insert((p.left.clone(), p.right.clone())), "{tag}: {}", p.left);
                assert_eq!(p.left, crate::text::display(&p.left), "{tag}: control characters");
            }
        }
        assert_eq!(WorkedPairs::similarity_in("fi").unwrap().language, "en");
        assert_eq!(WorkedPairs::similarity_in("pt-BR").unwrap().language, "pt");
    }
}
