//! How far terminals agree on the cells that a cluster takes.
//!
//! They differ on Indic and South-East Asian clusters, on joined and modified emoji, and on letters
//! that East Asian settings draw wide. Where they may differ the cursor is not where we count it to
//! be, so the painter sets it anew after the run, and pane borders never drift.

use unicode_width::UnicodeWidthChar;

/// How sure the width of a cluster is, and what it joins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Every terminal draws it in as many cells.
    Sure,
    /// Sure, except where a user made ambiguous letters wide: borders and gaps are set anew.
    Soft,
    /// Sure by itself, of a script whose clusters are not: continues a doubtful run.
    Run,
    /// Terminals differ; continues a run of its script.
    Doubt,
    /// Terminals differ; never continues a run.
    Emoji,
}

impl Trust {
    /// Whether a run of a doubtful script goes on here.
    pub(super) fn continues(self) -> bool {
        matches!(self, Self::Run | Self::Doubt)
    }

    /// Whether the cursor is uncertain after it.
    pub(super) fn doubtful(self) -> bool {
        matches!(self, Self::Doubt | Self::Emoji)
    }
}

/// Judges one cluster.
pub(super) fn trust(cluster: &str) -> Trust {
    if cluster.len() == 1 {
        return Trust::Sure;
    }
    let mut chars = cluster.chars();
    let Some(first) = chars.next() else { return Trust::Sure };
    let single = chars.next().is_none();
    if cluster.chars().any(emoji_like) || (!single && ('\u{1F000}'..'\u{20000}').contains(&first)) {
        return Trust::Emoji;
    }
    match first {
        // Devanagari to Sinhala, Thai, Lao, Tibetan, Myanmar, Khmer, and the Indic of 0xA8E0.. and
        // of the supplementary plane.
        '\u{0900}'..='\u{109F}'
        | '\u{1780}'..='\u{17FF}'
        | '\u{1900}'..='\u{1CFF}'
        | '\u{A8E0}'..='\u{A8FF}'
        | '\u{A900}'..='\u{ABFF}'
        | '\u{11000}'..='\u{11FFF}' => {
            // Spacing vowel signs alone, and Thai and Lao AM, count 0 here and 1 there.
            let mark = first.width() != Some(1) || matches!(first, '\u{0E33}' | '\u{0EB3}');
            if single && !mark { Trust::Run } else { Trust::Doubt }
        }
        // Boxes, blocks and braille: what screens are drawn with. Wide ones would break any program.
        '\u{2500}'..='\u{25FF}' | '\u{2800}'..='\u{28FF}' => Trust::Sure,
        // Hangul of jamo, and jamo alone.
        '\u{1100}'..='\u{11FF}' | '\u{D7B0}'..='\u{D7FF}' => Trust::Doubt,
        // CJK, kana, Hangul syllables, full width: wide everywhere.
        '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' if single => {
            Trust::Sure
        }
        // Latin, Greek, Cyrillic: wide by the older East Asian tables.
        _ if single && first > '\u{058F}' && first.width() == first.width_cjk() => Trust::Sure,
        // A base and its marks too: one cell nearly everywhere.
        _ => Trust::Soft,
    }
}

/// Characters that make a cluster an emoji of uncertain width: joiners and selectors, flags, skin
/// tones, keycaps, symbols that are text here and emoji there, and those of recent years.
fn emoji_like(c: char) -> bool {
    matches!(c,
        '\u{FE0E}' | '\u{FE0F}' | '\u{20E3}'
        | '\u{1F1E6}'..='\u{1F1FF}'
        | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{2600}'..='\u{26FF}' | '\u{2702}'..='\u{2712}' | '\u{2714}' | '\u{2716}'
        | '\u{2721}'..='\u{27BF}' | '\u{231A}' | '\u{231B}' | '\u{23E9}'..='\u{23FF}'
        | '\u{1F6D5}'..='\u{1F6DF}' | '\u{1F6F0}'..='\u{1F6FF}' | '\u{1F7E0}'..='\u{1F8FF}'
        | '\u{1FA70}'..='\u{1FAFF}'
    )
}

/// The most cells that any terminal gives a cluster: each of its characters by itself.
pub(super) fn widest(cluster: &str) -> u16 {
    let cells: usize = cluster
        .chars()
        .filter(|c| !matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE0E}' | '\u{FE0F}'))
        .map(|c| c.width_cjk().unwrap_or(1).max(1))
        .sum();
    u16::try_from(cells.max(2)).unwrap_or(16).min(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_disagree_on_some_scripts_only() {
        use Trust::{Doubt, Emoji, Run, Soft, Sure};
        let cases = [
            ("a", Sure),
            ("好", Sure),
            ("한", Sure),
            ("│", Sure),
            ("⣿", Sure),
            ("ב", Sure),
            ("α", Soft),
            ("e\u{301}", Soft),
            ("ক", Run),
            ("কি", Doubt),
            ("ก", Run),
            ("ำ", Doubt),
            ("क्ष", Doubt),
            ("😀", Sure),
            ("👨\u{200D}👩\u{200D}👧", Emoji),
            ("❤\u{FE0F}", Emoji),
            ("🇧🇩", Emoji),
            ("☀", Emoji),
            ("✓", Sure),
        ];
        for (cluster, expected) in cases {
            assert_eq!(trust(cluster), expected, "{cluster}");
        }
    }

    #[test]
    fn the_widest_reading_counts_every_character() {
        assert_eq!(widest("👨\u{200D}👩\u{200D}👧"), 6);
        assert_eq!(widest("কি"), 2);
    }
}
