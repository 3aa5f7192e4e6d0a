//! Answer scales: every option spelt out, with kind and direction.

use serde::{Deserialize, Serialize};

use super::DomainError;

/// One option as printed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScaleOption {
    /// The survey's code.
    pub code: u8,
    /// The wording of the option. For 10-point scales the inner points repeat their number.
    pub label: String,
}

/// Whether the options have an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleKind {
    /// Ranks have a meaning; distances on ranks may be computed.
    Ordinal,
    /// Options are names only.
    Nominal,
}

/// What a higher code means with respect to the sentence that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// A higher code is more agreement (frequency, right): Q122-129, Q158-162.
    HigherIsMore,
    /// A higher code is less agreement: Q27-41.
    HigherIsLess,
    /// No direction: nominal scales.
    None,
}

/// The scale of a question. Options stand in printed order; ranks follow ascending codes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawScale", into = "RawScale")]
pub struct Scale {
    options: Vec<ScaleOption>,
    codes: Vec<u8>,
    kind: ScaleKind,
    direction: Direction,
    middle: Option<u8>,
    end_labels_only: bool,
}

#[derive(Serialize, Deserialize)]
struct RawScale {
    options: Vec<ScaleOption>,
    kind: ScaleKind,
    direction: Direction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    middle: Option<u8>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    end_labels_only: bool,
}

impl TryFrom<RawScale> for Scale {
    type Error = DomainError;
    fn try_from(r: RawScale) -> Result<Self, DomainError> {
        let mut s = Self::new(r.options, r.kind, r.direction)?;
        if let Some(m) = r.middle {
            s = s.with_middle(m)?;
        }
        s.end_labels_only = r.end_labels_only;
        Ok(s)
    }
}

impl From<Scale> for RawScale {
    fn from(s: Scale) -> Self {
        Self {
            options: s.options,
            kind: s.kind,
            direction: s.direction,
            middle: s.middle,
            end_labels_only: s.end_labels_only,
        }
    }
}

impl Scale {
    /// Checks the options and makes the scale.
    ///
    /// # Errors
    /// Fewer than two options, a code or a label twice, an empty label.
    pub fn new(
        options: Vec<ScaleOption>,
        kind: ScaleKind,
        direction: Direction,
    ) -> Result<Self, DomainError> {
        let bad = |reason: String| DomainError::BadScale { question: "a question".into(), reason };
        if options.len() < 2 {
            return Err(bad(format!(
                "{} option(s): expected at least two, such as `1. Agree 2. Disagree`",
                options.len()
            )));
        }
        let mut codes: Vec<u8> = options.iter().map(|o| o.code).collect();
        codes.sort_unstable();
        if let Some(w) = codes.windows(2).find(|w| w[0] == w[1]) {
            return Err(bad(format!(
                "code {} stands twice: every option needs its own code",
                w[0]
            )));
        }
        for (i, o) in options.iter().enumerate() {
            if o.label.trim().is_empty() {
                return Err(bad(format!("option {} has no wording", o.code)));
            }
            if options[..i].iter().any(|p| p.label.eq_ignore_ascii_case(&o.label)) {
                return Err(bad(format!("the wording `{}` stands twice", o.label)));
            }
        }
        Ok(Self { options, codes, kind, direction, middle: None, end_labels_only: false })
    }

    /// Names the code that is the middle ("hard to say"), for the sensitivity row without it.
    ///
    /// # Errors
    /// The code is not on the scale.
    pub fn with_middle(mut self, code: u8) -> Result<Self, DomainError> {
        if !self.has(code) {
            return Err(DomainError::BadScale {
                question: "a question".into(),
                reason: format!("the middle {code} is not an option"),
            });
        }
        self.middle = Some(code);
        Ok(self)
    }

    /// Marks a scale whose inner points have no wording of their own (the 10-point scales).
    #[must_use]
    pub fn with_end_labels_only(mut self) -> Self {
        self.end_labels_only = true;
        self
    }

    /// Options in printed order.
    pub fn options(&self) -> &[ScaleOption] {
        &self.options
    }

    /// Codes in ascending order: index = rank.
    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// Number of options, K.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Never true: a scale has at least two options.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Whether the code is an option.
    pub fn has(&self, code: u8) -> bool {
        self.codes.binary_search(&code).is_ok()
    }

    /// The rank (0-based, ascending code) of a code.
    pub fn rank(&self, code: u8) -> Option<usize> {
        self.codes.binary_search(&code).ok()
    }

    /// The wording of a code.
    pub fn label(&self, code: u8) -> Option<&str> {
        self.options.iter().find(|o| o.code == code).map(|o| o.label.as_str())
    }

    /// Ordinal or nominal.
    pub fn kind(&self) -> ScaleKind {
        self.kind
    }

    /// What a higher code means.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The "hard to say" code, where there is one.
    pub fn middle(&self) -> Option<u8> {
        self.middle
    }

    /// True for scales whose inner points are bare numbers.
    pub fn end_labels_only(&self) -> bool {
        self.end_labels_only
    }

    /// True when both scales have the same codes and wordings, in whatever printed order: the
    /// condition for the "same-scale questions" baseline.
    pub fn same_options(&self, other: &Self) -> bool {
        self.codes == other.codes && self.codes.iter().all(|&c| self.label(c) == other.label(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opts(codes: &[u8]) -> Vec<ScaleOption> {
        codes.iter().map(|&code| ScaleOption { code, label: format!("option {code}") }).collect()
    }

    #[test]
    fn a_scale_needs_two_options_with_their_own_codes_and_words() {
        assert!(Scale::new(opts(&[1]), ScaleKind::Ordinal, Direction::HigherIsLess).is_err());
        assert!(Scale::new(opts(&[1, 1]), ScaleKind::Ordinal, Direction::HigherIsLess).is_err());
        let mut same = opts(&[1, 2]);
        same[1].label = "Option 1".into();
        assert!(Scale::new(same, ScaleKind::Ordinal, Direction::HigherIsLess).is_err());
    }

    #[test]
    fn ranks_follow_codes_whatever_the_printed_order() {
        let s = Scale::new(opts(&[2, 1, 0]), ScaleKind::Ordinal, Direction::HigherIsMore).unwrap();
        assert_eq!(s.rank(0), Some(0));
        assert_eq!(s.options()[0].code, 2);
        let json = serde_json::to_string(&s).unwrap();
        assert_eq!(serde_json::from_str::<Scale>(&json).unwrap(), s);
    }
}
