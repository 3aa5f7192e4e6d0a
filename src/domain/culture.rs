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
