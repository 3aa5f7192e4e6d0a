//! Identifiers as types of their own, so that a culture cannot be passed where a country is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::DomainError;

/// True for text that may stand in a file name, a URL and a command line unquoted.
fn is_plain(s: &str) -> bool {
    !s.is_empty()
        && s.len() <= 120
        && !s.starts_with(['.', '-'])
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text and makes the id.
            ///
            /// # Errors
            /// [`DomainError::BadId`] when the text has not the form named there.
            pub fn new(text: impl Into<String>) -> Result<Self, DomainError> {
                let text = text.into();
                let ok: fn(&str) -> bool = $ok;
                if ok(&text) {
                    Ok(Self(text))
                } else {
                    Err(DomainError::BadId { what: $what, value: text, expected: $expected })
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = DomainError;
            fn from_str(s: &str) -> Result<Self, DomainError> {
                Self::new(s)
            }
        }

        impl TryFrom<String> for $name {
            type Error = DomainError;
            fn try_from(s: String) -> Result<Self, DomainError> {
                Self::new(s)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// A survey question, by the survey's own column name: `Q27`. A seed is a question with its wording.
    QuestionId, "question id", "`Q` and a number, such as Q27",
    |s| s.len() <= 24 && s.strip_prefix('Q').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()) && is_plain(n))
);
id!(
    /// A culture of this project: `arabic`, `greek`. A culture is one country or several.
    CultureId, "culture id", "lower-case letters, digits, `-` or `_`, such as arabic",
    |s| is_plain(s) && s.bytes().all(|b| !b.is_ascii_uppercase())
);
id!(
    /// A country by ISO 3166 alpha-3, as in the survey's `B_COUNTRY_ALPHA`: `IRQ`.
    CountryCode, "country code", "three capital letters (ISO 3166 alpha-3), such as IRQ",
    |s| s.len() == 3 && s.bytes().all(|b| b.is_ascii_uppercase())
);
id!(
    /// A sample: a hash of seed, language and text, so that the same proposal is the same sample.
    SampleId, "sample id", "letters, digits, `-`, `_` or `.`", is_plain
);
id!(
    /// A rating study.
    StudyId, "study name", "letters, digits, `-`, `_` or `.`", is_plain
);
id!(
    /// An item of a study: one pair of seed and sample, frozen.
    ItemId, "item id", "letters, digits, `-`, `_` or `.`", is_plain
);
id!(
    /// A rater's pseudonym; scripted raters and model judges have one too.
    RaterId, "rater name", "letters, digits, `-`, `_` or `.`", is_plain
);
id!(
    /// A dataset of this workspace.
    DatasetId, "dataset name", "letters, digits, `-`, `_` or `.`", is_plain
);
id!(
    /// A model of the registry.
    ModelId, "model name", "letters, digits, `-`, `_` or `.`", is_plain
);
id!(
    /// A run of the engine: time and random part, never reused.
    RunId, "run id", "letters, digits, `-`, `_` or `.`", is_plain
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_could_leave_its_folder() {
        for bad in ["", "..", "../x", "a/b", "-rf", "a b", "x\n", ".hidden"] {
            assert!(RunId::new(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(RunId::new("20261120-1830-ab12").is_ok());
    }

    #[test]
    fn question_ids_are_the_surveys_column_names() {
        assert!(QuestionId::new("Q27").is_ok());
        assert!(QuestionId::new("Q33P").is_ok());
        assert!(QuestionId::new("27").is_err());
        assert!(QuestionId::new("Q").is_err());
    }

    #[test]
    fn ids_travel_through_json_checked() {
        assert!(serde_json::from_str::<CountryCode>("\"irq\"").is_err());
        assert_eq!(serde_json::to_string(&CountryCode::new("IRQ").unwrap()).unwrap(), "\"IRQ\"");
    }
}
