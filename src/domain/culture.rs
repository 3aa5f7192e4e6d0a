//! A culture: one country or several, and how prompts name its people.

use serde::{Deserialize, Serialize};

use super::{CountryCode, CultureId};

/// A culture of the project. Its answers are the equal-weight mean of its countries'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culture {
    /// `arabic`
    pub id: CultureId,
    /// `Arabic`
    pub name: String,
    /// ISO 3166 alpha-3 codes of its countries; at least one.
    pub countries: Vec<CountryCode>,
    /// How a prompt names the place: `Iraq and Jordan`.
    pub place: String,
    /// BCP 47 tag of its main language: `ar`.
    pub language: String,
}

/// How much text of a language there is on the web that language models learn from.
///
/// Ours to settle: high from 2 % of the pages of Common Crawl on (its published language
/// statistics, crawls of 2024 and 2025), as works on multilingual models draw the line between
/// tenths and single per cents. Of the sample cultures: German, English, Spanish, Chinese and
/// Portuguese are high; Turkish, Arabic, Korean, Greek and Bengali low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceLevel {
    /// 2 % of the pages or more.
    High,
    /// Less.
    Low,
}

impl ResourceLevel {
    /// Languages with at least 2 % of the pages.
    const HIGH: [&'static str; 9] = ["en", "ru", "de", "ja", "zh", "es", "fr", "it", "pt"];

    /// By the primary subtag of a BCP 47 tag.
    pub fn of_language(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        if Self::HIGH.contains(&primary.as_str()) { Self::High } else { Self::Low }
    }

    /// As printed in place of a culture.
    pub fn label(self) -> &'static str {
        match self {
            Self::High => "high-resource languages",
            Self::Low => "low-resource languages",
        }
    }
}
