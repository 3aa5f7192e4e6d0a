//! English articles and numerals against the word that follows.

use super::reading::{Part, Reading};

/// Words that begin with a vowel letter and a consonant sound.
const CONSONANT_SOUND: &[&str] = &[
    "one",
    "ones",
    "once",
    "oneself",
    "eu",
    "european",
    "europeans",
    "ewe",
    "ubiquitous",
    "ufo",
    "uk",
    "un",
    "unanimous",
    "uniform",
    "unilateral",
    "union",
    "unique",
    "unisex",
    "unit",
    "unitary",
    "united",
    "unity",
    "universal",
    "universally",
    "universe",
    "university",
    "unicameral",
    "uranium",
    "urine",
    "us",
    "usa",
    "usable",
    "usage",
    "use",
    "used",
    "useful",
    "usefully",
    "useless",
    "user",
    "usual",
    "usually",
    "utensil",
    "utility",
    "utopia",
    "utopian",
    "unified",
    "unifying",
    "eulogy",
    "euphemism",
    "eucalyptus",
    "euphoric",
];

/// Words that begin with a consonant letter and a vowel sound.
const VOWEL_SOUND: &[&str] = &[
    "hour",
    "hours",
    "hourly",
    "heir",
    "heiress",
    "heirloom",
    "honest",
    "honestly",
    "honesty",
    "honor",
    "honorable",
    "honorary",
    "honored",
    "honour",
    "honourable",
    "honoured",
    "x",
    "f",
    "l",
    "m",
    "n",
    "s",
    "r",
    "h",
    "fbi",
    "mp",
    "nhs",
    "ngo",
    "mba",
    "html",
    "sms",
    "sos",
    "x-ray",
    "lgbt",
    "lgbtq",
    "hr",
    "nba",
    "mri",
    "hiv",
    "rpg",
    "ngos",
];

/// `a` before a vowel sound, or `an` before a consonant sound.
pub(super) fn article_clash(text: &Reading) -> Option<String> {
    text.parts.windows(2).find_map(|w| {
        let (article, next) = (&w[0], &w[1]);
        let vowel = starts_with_vowel_sound(next)?;
        let clash = match article.folded.as_str() {
            // A capital A that is no first word is a letter or a grade: "vitamin A is".
            "a" => vowel && (article.raw == "a" || article.start == 0),
            "an" => !vowel,
            _ => false,
        };
        clash.then(|| format!("`{} {}`", article.raw, next.raw))
    })
}

/// `None` where the sound cannot be told from the letters.
fn starts_with_vowel_sound(next: &Part) -> Option<bool> {
    let word = next.base();
    let first = word.chars().next()?;
    if first.is_ascii_digit() {
        // 8, 80.., 800.. and 11, 18 (thousands too) begin with a vowel sound.
        return Some(first == '8' || word == "11" || word == "18");
    }
    if !next.is_word() || !first.is_ascii_alphabetic() || (word.len() == 1 && word != "x") {
        return None;
    }
    if VOWEL_SOUND.contains(&word) {
        return Some(true);
    }
    if CONSONANT_SOUND.contains(&word) {
        return Some(false);
    }
    if next.raw.len() > 1 && next.raw.chars().all(|c| c.is_ascii_uppercase()) {
        return None; // read by letters or as a word: nobody can tell
    }
    Some("aeiou".contains(first))
}

/// Words in `s` that are singular, or the same in both numbers.
const SINGULAR_IN_S: &[&str] = &[
    "always",
    "across",
    "perhaps",
    "sometimes",
    "besides",
    "whereas",
    "his",
    "its",
    "this",
    "yes",
    "as",
    "is",
    "was",
    "has",
    "does",
    "us",
    "lens",
    "gas",
    "bus",
    "bias",
    "plus",
    "means",
    "series",
    "species",
    "news",
    "politics",
    "ethics",
    "economics",
    "mathematics",
    "physics",
    "crossroads",
    "headquarters",
    "basis",
    "crisis",
    "thesis",
    "analysis",
    "emphasis",
    "hypothesis",
    "diagnosis",
    "oasis",
    "atlas",
    "canvas",
    "chaos",
    "christmas",
    "corps",
    "texas",
    "towards",
    "afterwards",
    "nowadays",
    "overseas",
    "works",
    "barracks",
    "gallows",
    "alas",
    "pancreas",
    "cosmos",
    "ethos",
    "pathos",
    "rhinoceros",
    "tennis",
    "iris",
    "pelvis",
    "penis",
    "mis",
];

/// Marks and words that close a noun phrase, so that the noun before them is its head.
const CLOSES_PHRASE: &[&str] = &[
    ".", ",", "?", "!", ";", ":", "of", "in", "on", "at", "to", "for", "from", "with", "by", "is",
    "was", "that", "which", "who", "and", "or", "than", "when", "if", "because", "has", "can",
];

/// A singular article or numeral with a plural head: `a dogs`, `is one downsides of`.
pub(super) fn number_clash(text: &Reading) -> Option<String> {
    (0..text.parts.len().saturating_sub(1)).find_map(|i| {
        let (det, noun) = (&text.parts[i], &text.parts[i + 1]);
        let singular = match det.folded.as_str() {
            "a" | "an" | "another" | "each" | "every" => true,
            // "one" is a pronoun too ("one thinks"): only after a word that asks for a noun.
            "one" => i.checked_sub(1).is_some_and(|j| {
                ["is", "are", "be", "as", "of", "with", "by"]
                    .contains(&text.parts[j].folded.as_str())
            }),
            _ => false,
        };
        let word = noun.folded.as_str();
        let plural = word.len() > 3
            && word.ends_with('s')
            && !["ss", "us", "is", "'s", "ous", "ics"].iter().any(|e| word.ends_with(e))
            && !SINGULAR_IN_S.contains(&word);
        let head = text
            .parts
            .get(i + 2)
            .is_none_or(|after| CLOSES_PHRASE.contains(&after.folded.as_str()));
        (singular && noun.is_word() && plural && head)
            .then(|| format!("`{} {}`", det.raw, noun.raw))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_follow_the_sound_not_the_letter() {
        for good in [
            "a university in an hour",
            "a European and an honest man",
            "a one-way street",
            "an umbrella, a unit, a user",
            "an MP in a UN car",
            "an 8-hour day",
            "a 10-hour day",
            "Vitamin A is good",
            "a house and an heir",
            "an old idea",
            "a uniform",
        ] {
            assert_eq!(article_clash(&Reading::new(good)), None, "{good}");
        }
        for bad in [
            "It is a apple",
            "An dog barks",
            "an university",
            "a hour",
            "A umbrella",
            "an one-off",
            "a 8-hour day",
        ] {
            assert!(article_clash(&Reading::new(bad)).is_some(), "{bad}");
        }
    }

    #[test]
    fn one_thing_is_not_several() {
        for bad in ["This is one dangers of fire", "It is a dogs.", "every cats and dogs"] {
            assert!(number_clash(&Reading::new(bad)).is_some(), "{bad}");
        }
        for good in [
            "It is one of the dangers",
            "when one sleeps in peace",
            "a series of talks",
            "a sports club",
            "each works in a bus",
            "a means to live",
            "a crisis of trust",
            "every boss, a glass",
            "one always is",
        ] {
            assert_eq!(number_clash(&Reading::new(good)), None, "{good}");
        }
    }
}
