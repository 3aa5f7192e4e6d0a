//! What a rater agrees to, with its version.

use serde::{Deserialize, Serialize};

use super::StudyError;

const CONSENT: &str = include_str!("consent.toml");

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
        toml::from_str(CONSENT).map_err(|e| StudyError::BadSetting {
            what: "the consent",
            value: e.to_string(),
            expected: "name, version and lines",
        })
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
}
