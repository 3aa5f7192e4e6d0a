//! One figure with everything that was stored of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither: a length, a share that only describes.
    Neither,
}

/// Which way a metric of any task is better.
pub fn better(metric: &str) -> Better {
    match metric {
        "wasserstein" | "refused" | "invalid" | "flip-rate" | "injection-success"
        | "place-decides" => Better::Lower,
        "length-in-characters" | "first-place-chosen" | "longer-answer-wins" => Better::Neither,
        m if m.ends_with(" drop") => Better::Lower,
        _ => Better::Higher,
    }
}

/// What may be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: no difference, none tested, or no claim may be made.
    None,
    /// Better; `true`: after Holm too.
    Better(bool),
    /// Worse; `true`: after Holm too.
    Worse(bool),
}

impl Mark {
    /// As it stands in a cell.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Better(false) => "+",
            Self::Better(true) => "+*",
            Self::Worse(false) => "-",
            Self::Worse(true) => "-*",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Better(false) => "better",
            Self::Better(true) => "better, after Holm too",
            Self::Worse(false) => "worse",
            Self::Worse(true) => "worse, after Holm too",
        }
    }

    /// True where the test holds after Holm's correction.
    pub fn is_corrected(self) -> bool {
        matches!(self, Self::Better(true) | Self::Worse(true))
    }
}

/// A figure. Intervals are 95 %.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// In the metric's unit; `None` where it is undefined, and `note` says why.
    pub value: Option<f64>,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
    /// Units.
    pub n: u64,
    /// What a unit is: `question`, `item`, `text`.
    pub unit: String,
    /// What it is compared with.
    pub against: Option<String>,
    /// Paired difference to that.
    pub diff: Option<f64>,
    /// Interval of the difference.
    pub diff_ci: Option<[f64; 2]>,
    /// Two-sided p of the paired test, before any correction, where that was stored.
    pub p: Option<f64>,
    /// The same after Holm over the printed table.
    pub p_holm: Option<f64>,
    /// Training seeds behind the value; 0 where none is known.
    pub seeds: u64,
    /// True for what was not in the locked plan.
    pub exploratory: bool,
    /// What a reader must know of it.
    pub note: String,
}

fn pair(v: &Value) -> Option<[f64; 2]> {
    Some([v.get(0)?.as_f64()?, v.get(1)?.as_f64()?])
}

impl Figure {
    /// From a stored row: its value and its `extra`.
    pub fn of(value: Option<f64>, extra: &Value) -> Self {
        let word = |name: &str| extra[name].as_str().map(str::to_owned);
        let note = word("note").unwrap_or_default();
        Self {
            value: value.filter(|v| v.is_finite()),
            ci: pair(&extra["ci"]),
            n: extra["n"].as_u64().unwrap_or(0),
            unit: word("unit").unwrap_or_default(),
            against: word("baseline"),
            diff: extra["diff"].as_f64(),
            diff_ci: pair(&extra["diff_ci"]),
            p: extra["p"].as_f64(),
            p_holm: extra["p_holm"].as_f64(),
            seeds: extra["seeds"].as_u64().unwrap_or(0),
            exploratory: extra["exploratory"].as_bool().unwrap_or(false),
            note,
        }
    }

    /// Takes in what a row of differences says of this figure.
    pub(super) fn compared(&mut self, value: Option<f64>, extra: &Value) {
        let d = Self::of(value, extra);
        self.against = extra["against"].as_str().map(str::to_owned);
        (self.diff, self.diff_ci) = (d.value, d.ci);
        if d.note.contains("Holm") {
            self.p_holm = d.p;
        } else {
            self.p = d.p;
        }
        if self.note.is_empty() {
            self.note = d.note;
        }
    }

    /// What may be said: a difference is marked where its interval leaves out 0, and nothing is
    /// where the rows themselves make no claim.
    pub fn mark(&self, metric: &str) -> Mark {
        let (Some(diff), Some([lo, hi])) = (self.diff, self.diff_ci) else { return Mark::None };
        if self.note.starts_with("no claim") || (lo <= 0.0 && hi >= 0.0) {
            return Mark::None;
        }
        let holds = self.p_holm.is_some_and(|p| p < 0.05);
        match (better(metric), diff > 0.0) {
            (Better::Neither, _) => Mark::None,
            (Better::Higher, true) | (Better::Lower, false) => Mark::Better(holds),
            _ => Mark::Worse(holds),
        }
    }
}
