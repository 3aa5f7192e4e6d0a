//! How long an item of a study waits for a rater who does not come.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long an item waits for a rater: `14d`, `12h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lease {
    hours: u32,
}

impl Lease {
    /// The longest: ten years.
    const LONGEST: u32 = 87_600;

    /// Hours, one at least.
    pub fn hours(self) -> u32 {
        self.hours
    }

    /// When a lease given at `now` ends.
    pub fn until(self, now: Timestamp) -> Timestamp {
        // at the end of time there are no leases to run out
        now.checked_add(SignedDuration::from_hours(i64::from(self.hours))).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hours.is_multiple_of(24) {
            write!(f, "{}d", self.hours / 24)
        } else {
            write!(f, "{}h", self.hours)
        }
    }
}

impl FromStr for Lease {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let hours = match s.strip_suffix('d') {
            Some(days) => days.parse::<u32>().ok().and_then(|d| d.checked_mul(24)),
            None => s.strip_suffix('h').and_then(|h| h.parse::<u32>().ok()),
        };
        match hours {
            Some(hours @ 1..=Self::LONGEST) => Ok(Self { hours }),
            _ => Err(format!("`{s}` is no lease: expected days or hours such as 14d or 12h")),
        }
    }
}

impl TryFrom<String> for Lease {
    type Error = String;
    fn try_from(s: String) -> Result<Self, String> {
        s.parse()
    }
}

impl From<Lease> for String {
    fn from(l: Lease) -> Self {
        l.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_days_or_hours_and_nothing_else() {
        for bad in ["", "14", "0d", "-1d", "1.5d", "d", "3w", "99999999999d", "4294967295d", "é"] {
            assert!(bad.parse::<Lease>().is_err(), "{bad}");
        }
        assert_eq!("14d".parse::<Lease>().unwrap().hours(), 336);
        assert_eq!("36h".parse::<Lease>().unwrap().to_string(), "36h");
        assert_eq!(serde_json::to_string(&"48h".parse::<Lease>().unwrap()).unwrap(), "\"2d\"");
        let end = "14d".parse::<Lease>().unwrap().until(Timestamp::MAX);
        assert_eq!(end, Timestamp::MAX);
    }
}
