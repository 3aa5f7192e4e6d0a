//! What a rater agrees to, with its version.

use serde::{Deserialize, Serialize};

use super::StudyError;

const CONSENT: &str = include_str!("consent.toml");
/// The same in other languages, by the first part of their BCP 47 tags.
const TRANSLATED: [(&str, &str); 9] = [
    ("ar", include_str!("../../sample_data/consent/ar.toml")),
    ("bn", include_str!("../../sample_data/consent/bn.toml")),
    ("de", include_str!("../../sample_data/consent/de.toml")),
    ("el", include_str!("../../sample_data/consent/el.toml")),
    ("es", include_str!("../../sample_data/consent/es.toml")),
    ("ko", include_str!("../../sample_data/consent/ko.toml")),
    ("pt", include_str!("../../sample_data/consent/pt.toml")),
    ("tr", include_str!("../../sample_data/consent/tr.toml")),
    ("zh", include_str!("../../sample_data/consent/zh.toml")),
];

/// The words of the consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentText {
    /// Its name.
    pub name: String,
    /// Counts up with every change of the wording.
    pub version: u32,
    /// What is agreed to.
    pub lines: Vec<String>,
}

impl ConsentText {
    /// The text that is part of the program.
    ///
    /// # Errors
    /// None in practice: a test reads it.
    pub fn current() -> Result<Self, StudyError> {
        Self::parse(CONSENT)
    }

    /// The program's own text as its file has it, and the language that it is in: the one asked
    /// for where there is one, else English.
    pub fn built_in(language: &str) -> (&'static str, &'static str) {
        let main = language.split('-').next().unwrap_or_default();
        let text = TRANSLATED.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(main));
        text.copied().unwrap_or(("en", CONSENT))
    }

    /// Reads a text with name, version and lines.
    ///
    /// # Errors
    /// No TOML of that form, or no words.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        let expected = "name, version and lines";
        let bad = |value| StudyError::BadSetting { what: "the consent", value, expected };
        let read: Self = toml::from_str(text).map_err(|e| bad(e.to_string()))?;
        if read.lines.iter().all(|l| l.trim().is_empty()) {
            return Err(bad("without words".into()));
        }
        Ok(read)
    }

    /// A text as somebody wrote it, every paragraph a line. Its name and version come from
    /// outside.
    ///
    /// # Errors
    /// It has no words.
    pub fn plain(name: &str, version: u32, text: &str) -> Result<Self, StudyError> {
        let mut lines = vec![String::new()];
        for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
            let item = line.starts_with("- ") || line.starts_with("* ") || line.starts_with('#');
            if line.is_empty() || item {
                lines.push(String::new());
            }
            let line = line.trim_start_matches(['#', '*', '-']).trim_start();
            if let Some(last) = lines.last_mut() {
                if !last.is_empty() && !line.is_empty() {
                    last.push(' ');
                }
                last.push_str(line);
            }
        }
        lines.retain(|l| !l.is_empty());
        if lines.is_empty() {
            return Err(StudyError::BadSetting {
                what: "the consent",
                value: "without words".into(),
                expected: "a text",
            });
        }
        Ok(Self { name: name.to_owned(), version, lines })
    }

    /// `consent@1`, as stored with the rater.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consent_is_readable_and_says_that_times_are_kept() {
        let c = ConsentText::current().unwrap();
        assert_eq!(c.reference(), "consent@1");
        assert!(c.lines.iter().any(|l| l.contains("how long")));
    }

    #[test]
    fn every_language_says_as_much_and_who_it_is() {
        let english = ConsentText::current().unwrap();
        for (tag, text) in TRANSLATED {
            let c = ConsentText::parse(text).unwrap();
            assert_eq!(c.reference(), format!("consent.{tag}@1"));
            assert_eq!(c.lines.len(), english.lines.len(), "{tag}");
            assert!(c.lines[0].contains('1') && c.lines[0].contains('5'), "{tag}");
        }
        assert_eq!(ConsentText::built_in("zh-Hant").0, "zh");
        assert_eq!(ConsentText::built_in("fi").0, "en");
    }

    #[test]
    fn a_text_as_it_was_written_keeps_its_paragraphs() {
        assert!(ConsentText::plain("own", 1, " \n\n").is_err());
        assert!(ConsentText::parse("name = \"x\"\nversion = 1\nlines = [\" \"]").is_err());
        let c = ConsentText::plain("own", 2, "# Title\n\nOne line\nand on.\n- a\n- b\n").unwrap();
        assert_eq!(c.lines, ["Title", "One line and on.", "a", "b"]);
        assert_eq!(c.reference(), "own@2");
    }
}
