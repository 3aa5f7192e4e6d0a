//! Letters that look like letters of another script. The table is our own making, by eye: only
//! pairs that most fonts draw alike, and no pair that Unicode holds for the same letter.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::change::{Changed, Site, places};
use crate::stats::dice::Dice;

/// Letters drawn alike, a group a line: each may stand for any other of its group.
const GROUPS: [&str; 47] = [
    // Latin, Cyrillic, Greek
    "aа", "cсϲ", "eе", "iі", "jјϳ", "oоο", "pрρ", "sѕ", "vν", "xх", "yу", "hһ", "dԁ", "qԛ", "wԝ",
    "AАΑ", "BВΒ", "CСϹ", "EЕΕ", "HНΗ", "IІΙ", "JЈ", "KКΚ", "MМΜ", "NΝ", "OОΟ", "PРΡ", "SЅ", "TТΤ",
    "XХΧ", "YΥҮ", "ZΖ", "ГΓ", "ПΠ", "ФΦ", "кκ", "ıι", "óό", "GԌ", "QԚ", "WԜ", "LᏞ", "RᎡ",
    // Arabic, and the letters of Persian and Urdu
    "كک", "يی", "هہ", // Bengali and Assamese
    "রৰ",
];

/// Each letter with those that look like it.
static TABLE: LazyLock<BTreeMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut out: BTreeMap<char, Vec<char>> = BTreeMap::new();
    for group in GROUPS {
        let letters: Vec<char> = group.nfc().collect();
        for a in &letters {
            out.entry(*a).or_default().extend(letters.iter().filter(|b| *b != a));
        }
    }
    // The radicals of the Kangxi dictionary have a block of their own and are drawn like the
    // characters that they are.
    for radical in '\u{2f00}'..='\u{2fd5}' {
        let mut plain = std::iter::once(radical).nfkc();
        if let (Some(c), None) = (plain.next(), plain.next()) {
            out.entry(c).or_default().push(radical);
        }
    }
    out
});

/// Letters that look like this one; empty for most.
pub(super) fn alike(c: char) -> &'static [char] {
    TABLE.get(&c).map_or(&[], Vec::as_slice)
}

/// Puts look-alikes in the place of a share of the letters that have one.
pub(super) fn look_alike(text: &str, strength: f64, site: &Site<'_>) -> Changed {
    let mut clusters: Vec<&str> = text.graphemes(true).collect();
    let single = |c: &str| {
        let mut chars = c.chars();
        chars.next().filter(|_| chars.as_str().is_empty())
    };
    let mut eligible: Vec<usize> = (0..clusters.len())
        .filter(|i| single(clusters[*i]).is_some_and(|c| !alike(c).is_empty()))
        .collect();
    Dice::new(site.seed, &["look-alike", site.item]).shuffle(&mut eligible);
    eligible.truncate(places(strength, eligible.len()));
    let mut replaced: Vec<(usize, String)> = Vec::with_capacity(eligible.len());
    for i in eligible {
        let Some(c) = single(clusters[i]) else { continue };
        let options = alike(c);
        let mut dice = Dice::new(site.seed, &["letter", site.item, &i.to_string()]);
        replaced.push((i, options[dice.below(options.len())].to_string()));
    }
    for (i, new) in &replaced {
        clusters[*i] = new;
    }
    Changed { text: clusters.concat(), edits: replaced.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pair_is_one_letter_to_unicode_and_each_goes_both_ways() {
        for (c, others) in TABLE.iter() {
            for o in others {
                let same: Vec<char> = std::iter::once(*o).nfc().collect();
                assert!(same != [*c], "{c} {o} are canonically the same");
                assert_eq!(same.len(), 1, "{o} does not stay one letter");
            }
        }
        assert!(alike('а').contains(&'a') && alike('日').contains(&'⽇'));
        assert!(alike('ж').is_empty());
    }
}
