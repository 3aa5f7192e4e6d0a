//! What raters are asked, and what a score then means.

use serde::{Deserialize, Serialize};

/// The kind of judgement a study collects. All are stored as scores; what a score means differs.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum StudyType {
    /// How similar in meaning seed and sample are, 1 (different) to 5 (the same). The paper's.
    #[default]
    Similarity,
    /// Which of two models' answers to a question is better: 1 the first, 2 a tie, 3 the second.
    /// First and second are those of the item, whatever side they stood on.
    Preference,
    /// How fitting one answer is in the rater's culture, 1 (not at all) to 5 (entirely).
    Appropriateness,
}

impl StudyType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Similarity, Self::Preference, Self::Appropriateness];

    /// The word as stored and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Similarity => "similarity",
            Self::Preference => "preference",
            Self::Appropriateness => "appropriateness",
        }
    }

    /// The highest score; the lowest is 1.
    pub fn top(self) -> u8 {
        match self {
            Self::Preference => 3,
            Self::Similarity | Self::Appropriateness => 5,
        }
    }

    /// True where two texts stand beside each other and their sides are drawn.
    pub fn is_pair(self) -> bool {
        matches!(self, Self::Similarity | Self::Preference)
    }

    /// True where only people of the item's culture may rate.
    pub fn needs_culture(self) -> bool {
        matches!(self, Self::Appropriateness)
    }
}

impl std::fmt::Display for StudyType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for StudyType {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|t| t.as_str() == s).ok_or_else(|| {
            format!("`{s}` is no type of study: expected similarity, preference or appropriateness")
        })
    }
}
