//! The released parser, for reproduction only. Its rules are facts about the release (file
//! `test_offensEval.py` at commit dcdb64d): the reply in lower case is searched for a few letters,
//! in a fixed order, and the first that occurs anywhere decides. So any reply that holds "not" or
//! "no" scores the negative label, all of HS1 to HS6 become HS1, and an individual (`ind` in the
//! data) is called `indv`. A reply in which nothing is found is its own label, and is wrong.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One search: letters that occur in the reply, and the label they make.
type Rule = (&'static str, &'static str);

/// The rules of a group of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaperRules {
    /// OFF or NOT: offensive and abusive language.
    Offensive,
    /// HS or NOT_HS.
    Hate,
    /// V or -.
    Vulgar,
    /// Spam or Ham.
    Spam,
    /// NOT_HS or HS1 to HS6, of which the parser only ever gives HS1.
    HateFine,
    /// non, prof, grp, indv, oth.
    OffensiveFine,
    /// HOF or NOT.
    HateOrOffensive,
    /// 1 or 0.
    YesNo,
    /// 0 hate, 1 offensive, 2 (or anything else) neither.
    HateOffensiveNeither,
}

impl PaperRules {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Offensive,
        Self::Hate,
        Self::Vulgar,
        Self::Spam,
        Self::HateFine,
        Self::OffensiveFine,
        Self::HateOrOffensive,
        Self::YesNo,
        Self::HateOffensiveNeither,
    ];

    /// As task files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offensive => "offensive",
            Self::Hate => "hate",
            Self::Vulgar => "vulgar",
            Self::Spam => "spam",
            Self::HateFine => "hate-fine",
            Self::OffensiveFine => "offensive-fine",
            Self::HateOrOffensive => "hate-or-offensive",
            Self::YesNo => "yes-no",
            Self::HateOffensiveNeither => "hate-offensive-neither",
        }
    }

    /// The labels over which the release takes its macro-F1. They are not always those of the
    /// data: `ind` is missing among [`PaperRules::OffensiveFine`], `indv` stands there.
    pub fn scored(self) -> &'static [&'static str] {
        match self {
            Self::Offensive => &["OFF", "NOT"],
            Self::Hate => &["HS", "NOT_HS"],
            Self::Vulgar => &["V", "-"],
            Self::Spam => &["Spam", "Ham"],
            Self::HateFine => &["NOT_HS", "HS1", "HS2", "HS3", "HS4", "HS5", "HS6"],
            Self::OffensiveFine => &["non", "prof", "grp", "indv", "oth"],
            Self::HateOrOffensive => &["HOF", "NOT"],
            Self::YesNo => &["0", "1"],
            Self::HateOffensiveNeither => &["0", "1", "2"],
        }
    }

    fn rules(self) -> &'static [Rule] {
        match self {
            Self::Offensive => &[("not", "NOT"), ("off", "OFF")],
            Self::Hate => &[("not", "NOT_HS"), ("hs", "HS")],
            Self::Vulgar => &[("not", "-"), ("vulgar", "V")],
            Self::Spam => &[("no", "Ham"), ("spam", "Spam")],
            Self::HateFine => &[
                ("no", "NOT_HS"),
                ("1", "HS1"),
                ("2", "HS1"),
                ("3", "HS1"),
                ("4", "HS1"),
                ("5", "HS1"),
                ("6", "HS1"),
            ],
            Self::OffensiveFine => {
                &[("no", "non"), ("prof", "prof"), ("grp", "grp"), ("indv", "indv"), ("oth", "oth")]
            }
            Self::HateOrOffensive => &[("no", "NOT"), ("hof", "HOF")],
            Self::YesNo => &[("1", "1"), ("0", "0")],
            Self::HateOffensiveNeither => &[("0", "0"), ("1", "1"), ("", "2")],
        }
    }

    /// The label that the release makes of a reply; `None` where it keeps the reply itself, which
    /// is a wrong answer to every item. An empty reply stays empty.
    pub fn read(self, reply: &str) -> Option<&'static str> {
        if reply.is_empty() {
            return None;
        }
        let lower = reply.to_lowercase();
        self.rules().iter().find(|(letters, _)| lower.contains(letters)).map(|(_, label)| *label)
    }
}

impl FromStr for PaperRules {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|r| r.as_str() == s).ok_or_else(|| {
            format!(
                "`{s}` names no rules of the released parser: expected one of {}",
                Self::ALL.map(Self::as_str).join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_released_parser_is_wrong_in_the_ways_that_it_is_known_for() {
        for (rules, reply, label) in [
            (PaperRules::Offensive, "I cannot judge this.", Some("NOT")),
            (PaperRules::Offensive, "Offensive", Some("OFF")),
            (PaperRules::Offensive, "no", None),
            (PaperRules::Hate, "HS, without another thought", Some("NOT_HS")),
            (PaperRules::HateFine, "HS5", Some("HS1")),
            (PaperRules::OffensiveFine, "ind", None),
            (PaperRules::OffensiveFine, "another", Some("non")),
            (PaperRules::Spam, "I know: spam", Some("Ham")),
            (PaperRules::YesNo, "10 times 0", Some("1")),
            (PaperRules::HateOffensiveNeither, "I cannot say", Some("2")),
            (PaperRules::HateOffensiveNeither, "", None),
        ] {
            assert_eq!(rules.read(reply), label, "{reply}");
        }
    }
}
