//! Who is compared with whom: men and women, citizens and immigrants. English.

use super::reading::Reading;

/// Two groups that surveys set against each other.
const GROUPS: &[(&[&str], &[&str])] = &[
    (
        &[
            "man",
            "men",
            "boy",
            "boys",
            "male",
            "males",
            "husband",
            "husbands",
            "guys",
            "gentlemen",
            "father",
            "fathers",
        ],
        &[
            "woman", "women", "girl", "girls", "female", "females", "wife", "wives", "ladies",
            "gals", "mother", "mothers",
        ],
    ),
    (
        &[
            "citizen",
            "citizens",
            "locals",
            "natives",
            "nationals",
            "residents",
            "inhabitants",
            "compatriots",
        ],
        &[
            "immigrant",
            "immigrants",
            "migrant",
            "migrants",
            "foreigner",
            "foreigners",
            "newcomers",
            "outsiders",
        ],
    ),
];

/// What stands right before the side that is measured against.
const MARKERS: &[&str] = &[
    "than",
    "over",
    "before",
    "versus",
    "unlike",
    "surpass",
    "surpasses",
    "exceed",
    "exceeds",
    "outperform",
    "outperforms",
    "outweigh",
    "outweighs",
    "outearns",
    "outshine",
];

const MARKER_PAIRS: &[&[&str]] = &[
    &["compared", "to"],
    &["compared", "with"],
    &["relative", "to"],
    &["superior", "to"],
    &["ahead", "of"],
    &["instead", "of"],
    &["preference", "to"],
];

/// How many words after the marker the side may stand: "than that of her husband".
const REACH: usize = 5;

/// Side measured against: 0 or 1, for one pair of groups.
fn standard(text: &Reading, pair: (&[&str], &[&str])) -> Option<usize> {
    let words = &text.words;
    (0..words.len()).find_map(|i| {
        let one = MARKERS.contains(&words[i].as_str());
        let two = i > 0 && MARKER_PAIRS.iter().any(|p| words[i - 1] == p[0] && words[i] == p[1]);
        if !one && !two {
            return None;
        }
        words[i + 1..].iter().take(REACH).find_map(|w| {
            let w = w.strip_suffix("'s").or_else(|| w.strip_suffix('\'')).unwrap_or(w);
            if pair.0.contains(&w) {
                Some(0)
            } else if pair.1.contains(&w) {
                Some(1)
            } else {
                None
            }
        })
    })
}

/// The two sides of the seed's comparison changed places. Also two words of the seed that changed
/// places while all else stayed.
pub(super) fn sides_exchanged(text: &Reading, seed: &Reading) -> Option<String> {
    for (a, b) in GROUPS {
        if let (Some(x), Some(y)) = (standard(seed, (a, b)), standard(text, (a, b)))
            && x != y
        {
            return Some("the sides of the comparison changed places".into());
        }
    }
    two_words_exchanged(text, seed)
}

fn two_words_exchanged(text: &Reading, seed: &Reading) -> Option<String> {
    let (a, b) = (&seed.words, &text.words);
    if a.len() != b.len() {
        return None;
    }
    let at: Vec<usize> = (0..a.len()).filter(|&i| a[i] != b[i]).collect();
    let [i, j] = at.as_slice() else { return None };
    // "Tea and bread" is "bread and tea".
    let joined = *j == i + 2 && ["and", "or", "nor"].contains(&a[i + 1].as_str());
    (a[*i] == b[*j] && a[*j] == b[*i] && !joined)
        .then(|| format!("`{}` and `{}` changed places", a[*i], a[*j]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanged(seed: &str, text: &str) -> bool {
        sides_exchanged(&Reading::new(text), &Reading::new(seed)).is_some()
    }

    #[test]
    fn sides_that_changed_places_are_seen_however_the_comparison_is_put() {
        assert!(exchanged("Boys run faster than girls", "Girls run faster than boys"));
        assert!(exchanged(
            "Shops should serve citizens before immigrants",
            "Foreigners should be served ahead of the local residents"
        ));
        assert!(exchanged("A dog can bite a man", "A man can bite a dog"));
    }

    #[test]
    fn another_order_of_the_same_sides_is_no_exchange() {
        assert!(!exchanged("Boys run faster than girls", "Compared to girls, boys run faster"));
        assert!(!exchanged("Boys run faster than girls", "Boys outperform girls at running"));
        assert!(!exchanged("Tea and bread are cheap", "Bread and tea are cheap"));
        assert!(!exchanged(
            "A woman earns more than her husband",
            "Her pay exceeds that of her husband"
        ));
        assert!(!exchanged("Boys run", "Girls run faster than boys"));
    }
}
