//! The parts of a study's settings: which samples, over what they are spread, who rates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::{CultureId, RaterId, Stage};

/// Samples that may enter; an empty list holds for all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Cultures the study is about: each gets items in its language, or in English where
    /// `languages` names that. Without one, items belong to no culture.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cultures: Vec<CultureId>,
    /// Languages of the samples (BCP 47; a region does not matter).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Runs that made them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// Stages that made them; a translated sample counts as what it was translated from, or as
    /// `translation`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Providers that made them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// Similarity with the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<Band>,
}

impl Selection {
    /// True where nothing is left out.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// A range of similarities: its lower end belongs to it, its upper end only where that is 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Band {
    /// From here.
    pub from: f64,
    /// To here.
    pub to: f64,
}

impl Band {
    /// Whether a similarity lies in the band.
    pub fn holds(self, x: f64) -> bool {
        x >= self.from && (x < self.to || self.to >= 1.0)
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

impl FromStr for Band {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{s}` is no similarity band: expected two numbers from -1 to 1 such as 0.8..0.9, \
                 either of them left out at will"
            )
        };
        let (from, to) = s.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str, without: f64| match text.trim() {
            "" => Ok(without),
            t => t.parse::<f64>().map_err(|_| wrong()),
        };
        let band = Self { from: number(from, -1.0)?, to: number(to.trim_start_matches('='), 1.0)? };
        let inside = |x: f64| (-1.0..=1.0).contains(&x);
        if inside(band.from) && inside(band.to) && band.from < band.to {
            Ok(band)
        } else {
            Err(wrong())
        }
    }
}

impl TryFrom<String> for Band {
    type Error = String;
    fn try_from(s: String) -> Result<Self, String> {
        s.parse()
    }
}

impl From<Band> for String {
    fn from(b: Band) -> Self {
        b.to_string()
    }
}

/// What items are spread over evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stratum {
    /// The culture an item is for.
    Culture,
    /// The language of its texts.
    Language,
    /// The stage that made the sample.
    Stage,
    /// Its similarity with the seed, in steps of 0.05.
    Band,
    /// The run that made it.
    Run,
    /// The provider that made it.
    Provider,
    /// The seed it grew from.
    Seed,
}

impl Stratum {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Culture,
        Self::Language,
        Self::Stage,
        Self::Band,
        Self::Run,
        Self::Provider,
        Self::Seed,
    ];

    /// The word as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Culture => "culture",
            Self::Language => "language",
            Self::Stage => "stage",
            Self::Band => "band",
            Self::Run => "run",
            Self::Provider => "provider",
            Self::Seed => "seed",
        }
    }

    /// Several, with commas.
    pub fn list(strata: &[Self]) -> String {
        strata.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for Stratum {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let all = || Self::list(&Self::ALL);
        let found = Self::ALL.into_iter().find(|x| x.as_str() == s);
        found.ok_or_else(|| format!("`{s}` is nothing to draw evenly over: expected {}", all()))
    }
}

/// What people who rate are told and paid; all of it goes into the report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Whom to ask, and whom to tell that one leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The approval of an ethics board, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ethics: Option<String>,
    /// What raters are paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pay: Option<String>,
    /// What in the texts may hurt; shown before the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_warning: Option<String>,
}

impl People {
    /// True where nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A rater before the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaterSpec {
    /// Pseudonym.
    pub id: RaterId,
    /// Languages they read well (BCP 47).
    pub languages: Vec<String>,
    /// Cultures they are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cultures: Vec<CultureId>,
}
