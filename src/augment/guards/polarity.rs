//! Does the text still say yes where its seed says yes? English.
//!
//! A paraphrase may turn a word into its opposite and turn the rest as well ("earns more than he"
//! becomes "he earns less than she"). So the turns are counted: negations gained or lost, words
//! exchanged for their opposites, sides exchanged. An even number is the same meaning.

use super::reading::Reading;
use super::roles::sides_exchanged;

/// Which turn was seen, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// A negation too many or too few.
    Negation(String),
    /// A word and its opposite.
    Antonym(String),
    /// The two sides of a comparison changed places.
    Roles(String),
}

/// Opposites; a trailing `*` stands for any ending.
const OPPOSITES: &[(&[&str], &[&str])] = &[
    (&["more", "greater"], &["less", "fewer"]),
    (&["most"], &["least", "fewest"]),
    (&["many"], &["few"]),
    (&["better", "superior"], &["worse", "inferior", "poorer"]),
    (&["best"], &["worst"]),
    (&["good"], &["bad"]),
    (
        &["increas*", "rais*", "heighten*", "boost*"],
        &["decreas*", "reduc*", "lower", "lowers", "lowered", "lowering", "diminish*", "lessen*"],
    ),
    (&["agree", "agrees", "agreed"], &["disagree", "disagrees", "disagreed"]),
    (&["strengthen*"], &["weaken*", "undermin*"]),
    (&["always", "invariably"], &["sometimes", "occasionally", "rarely", "seldom"]),
    (&["frequently", "often"], &["rarely", "seldom", "infrequently"]),
    (&["right"], &["wrong"]),
    (&["true"], &["false", "untrue"]),
    (&["easier", "easy"], &["harder", "hard", "difficult"]),
    (&["healthier", "healthy"], &["sicker", "sick", "unhealthy", "unhealthier"]),
    (&["rich", "wealthy"], &["poor"]),
    (&["accept", "accepts", "accepted"], &["reject*"]),
    (&["allow*", "permit*"], &["forbid*", "prohibit*", "ban", "bans", "banned"]),
    (&["support*"], &["oppos*"]),
    (&["first"], &["last"]),
    (&["win", "wins"], &["lose", "loses"]),
    (&["high", "higher"], &["low", "lower"]),
    (&["create*", "creating"], &["destroy*"]),
    (&["help*"], &["hinder*", "harm", "harms", "harmed"]),
    (&["benefi*", "advantage*"], &["harm", "harms", "drawback*", "disadvantage*"]),
    (&["improv*"], &["worsen*"]),
    (&["safe", "safer"], &["dangerous", "unsafe"]),
    (&["trust*"], &["distrust*", "mistrust*"]),
    (&["majority"], &["minority"]),
    (&["cause", "causes"], &["prevent", "prevents", "avoid", "avoids", "solve", "solves"]),
    (&["public"], &["private"]),
    (&["immigra*"], &["emigra*"]),
    (&["employer", "employers"], &["employee", "employees"]),
    (&["buy", "buys"], &["sell", "sells"]),
    (&["young", "younger"], &["old", "older"]),
    (&["scarce", "scarcity", "shortage"], &["plentiful", "abundant", "abundance", "plenty"]),
    (&["lazy"], &["diligent", "industrious", "hardworking", "active"]),
    (&["suffer*"], &["thriv*", "flourish*"]),
    (&["proud", "pride"], &["ashamed", "shame"]),
    (&["fair", "fairly", "fairness"], &["unfair", "unfairly", "unfairness"]),
    (&["important", "importance"], &["unimportant", "insignificant"]),
    (&["acceptable"], &["unacceptable"]),
    (&["certain", "certainly"], &["uncertain", "unlikely"]),
    (&["likely"], &["unlikely"]),
    (&["necessary"], &["unnecessary"]),
    (&["possible"], &["impossible"]),
    (&["genuine", "real"], &["fake", "sham", "false"]),
    (&["equal", "equally"], &["unequal", "unequally"]),
    (&["legal"], &["illegal"]),
    (&["moral"], &["immoral"]),
    (&["honest"], &["dishonest"]),
    (&["before"], &["after"]),
    (&["too"], &["insufficiently"]),
    (&["favors", "favours", "favor", "favour"], &["disfavor*", "disfavour*"]),
];

const NEGATORS: &[&str] = &[
    "not", "never", "no", "none", "nobody", "nothing", "neither", "cannot", "without", "hardly",
    "barely", "scarcely",
];

/// Phrases whose negator turns nothing around, or offers both sides.
const NOT_A_TURN: &[&[&str]] = &[
    &["or", "should", "not"],
    &["or", "not"],
    &["or", "should", "it", "not"],
    &["not", "only"],
    &["not", "just"],
    &["not", "merely"],
    &["not", "simply"],
    &["no", "matter"],
    &["no", "doubt"],
    &["without", "doubt"],
    &["without", "question"],
    &["nothing", "but"],
    &["none", "other"],
    &["no", "less"],
];

/// Words that deny without a negator. They never reject by themselves; they answer for a negator
/// that is gone, or explain one that came.
const SOFT: &[&str] = &[
    "unemployed",
    "jobless",
    "idle",
    "idleness",
    "unemployment",
    "lack",
    "lacks",
    "lacking",
    "absence",
    "absent",
    "fail",
    "fails",
    "failing",
    "refuse",
    "refuses",
    "refrain",
    "avoid",
    "avoids",
    "insufficient",
    "insufficiently",
    "inadequate",
    "inadequately",
    "unable",
    "unwilling",
    "little",
    "few",
    "unimportant",
    "irrelevant",
    "unnecessary",
    "needless",
    "insignificant",
    "minor",
    "insufficiency",
    "neglect",
    "neglecting",
    "deny",
    "denies",
    "abstain",
    "shun",
    "inactive",
    "minimal",
    "limited",
    "shortage",
    "scarcity",
    "scarce",
    "dearth",
    "paucity",
    "unimportance",
    "irrelevance",
    "dispensable",
    "stay",
    "leisure",
    "inferior",
    "too",
    "less",
    "workless",
    "except",
    "unless",
    "rather",
    "instead",
];

/// The first turn that is left over, if their number is odd.
pub(super) fn turned(text: &Reading, seed: &Reading) -> Option<Turn> {
    let mut ours = negations(text);
    let theirs = negations(seed);
    // "X is as good as Y" and "Y is no better than X": an equal is not exceeded.
    if ours == theirs + 1 && seed.has_phrase(&["just", "as"]) && not_more(text) {
        ours -= 1;
    }
    let flips = opposites(text, seed);
    let roles = sides_exchanged(text, seed);
    let turns = ours.abs_diff(theirs) + flips.len() + usize::from(roles.is_some());
    if turns.is_multiple_of(2) {
        return None;
    }
    if ours != theirs {
        // "People without work" for "who don't work": the soft words answer for the lost negator.
        let soft_here = SOFT.iter().any(|w| text.has(w) && !seed.has(w));
        let soft_there = SOFT.iter().any(|w| seed.has(w) && !text.has(w));
        if (ours < theirs && soft_here) || (ours > theirs && soft_there) {
            return None;
        }
        let said = if ours > theirs { "came in" } else { "was lost" };
        return Some(Turn::Negation(format!(
            "a negation {said} ({theirs} in the seed, {ours} here)"
        )));
    }
    if let Some((from, to)) = flips.into_iter().next() {
        return Some(Turn::Antonym(format!("`{from}` became `{to}`")));
    }
    roles.map(Turn::Roles)
}

/// "no better than", "not more than": nothing is ahead of the other.
fn not_more(text: &Reading) -> bool {
    text.words.windows(2).any(|w| {
        ["no", "not", "isn't"].contains(&w[0].as_str())
            && ["more", "greater", "better", "higher", "superior", "less"].contains(&w[1].as_str())
    })
}

/// Negations that turn a statement around.
fn negations(text: &Reading) -> usize {
    let words = &text.words;
    let mut count = 0;
    let exclusive = text.has_any(&["only", "just", "sole", "exclusive", "solely", "exclusively"]);
    for (i, word) in words.iter().enumerate() {
        let w = word.as_str();
        if !(NEGATORS.contains(&w) || w.ends_with("n't")) {
            continue;
        }
        let neutral = NOT_A_TURN.iter().any(|phrase| {
            (0..phrase.len()).any(|k| {
                phrase[k] == w
                    && i >= k
                    && words.len() >= i - k + phrase.len()
                    && words[i - k..i - k + phrase.len()].iter().zip(*phrase).all(|(a, b)| a == b)
            })
        });
        let bare = matches!(w, "nothing" | "none" | "no");
        let next = words.get(i + 1).map(String::as_str);
        // "Only mine is good, no other": the negator repeats what "only" says.
        let repeats = bare
            && exclusive
            && next.is_none_or(|n| ["other", "else", "alternative", "others"].contains(&n));
        // "None is good, except mine" is "only mine is good".
        let excepted =
            bare && words[i..].iter().any(|n| ["except", "besides", "save"].contains(&n.as_str()));
        if !neutral && !repeats && !excepted {
            count += 1;
        }
    }
    // "There is no other X that is good" says what "the only good X" says.
    if !exclusive && (text.has_phrase(&["no", "other"]) || text.has_phrase(&["no", "alternative"]))
    {
        count -= 1;
    }
    count
}

fn matches(word: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => word.starts_with(stem),
        None => word == pattern,
    }
}

fn first_of<'a>(text: &'a Reading, patterns: &[&str]) -> Option<&'a str> {
    text.parts
        .iter()
        .filter(|p| p.is_word())
        .map(super::reading::Part::base)
        .find(|w| patterns.iter().any(|p| matches(w, p)))
}

/// Words of the seed that became their opposites: one side stands only there, the other only here.
fn opposites(text: &Reading, seed: &Reading) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (a, b) in OPPOSITES {
        for (from, to) in [(a, b), (b, a)] {
            let (Some(x), None) = (first_of(seed, from), first_of(seed, to)) else { continue };
            let (None, Some(y)) = (first_of(text, from), first_of(text, to)) else { continue };
            out.push((x.to_owned(), y.to_owned()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(seed: &str, text: &str) -> Option<&'static str> {
        turned(&Reading::new(text), &Reading::new(seed)).map(|t| match t {
            Turn::Negation(_) => "negation",
            Turn::Antonym(_) => "antonym",
            Turn::Roles(_) => "roles",
        })
    }

    #[test]
    fn an_odd_number_of_turns_is_another_meaning() {
        let cases = [
            ("Cats are good pets", "Cats are not good pets", "negation"),
            ("People who don't walk grow tired", "People who walk grow tired", "negation"),
            ("Rain increases the harvest", "The harvest is reduced by rain", "antonym"),
            ("Buses are often late", "Buses are seldom late", "antonym"),
            ("It is important to sleep", "It is unimportant to sleep", "antonym"),
            ("Men cook better than women", "Women cook better than men", "roles"),
            ("Tea should always be hot", "Tea should never be hot", "negation"),
        ];
        for (seed, text, kind) in cases {
            assert_eq!(turn(seed, text), Some(kind), "{text}");
        }
    }

    #[test]
    fn two_turns_make_the_meaning_whole_again() {
        for (seed, text) in [
            ("It is not important to sleep", "It is unimportant to sleep"),
            ("Men cook more than women", "Women cook less than men"),
            ("Men cook more than women", "Compared to women, men cook more"),
            ("People who don't walk grow tired", "People without a walk grow tired"),
            ("People who don't work grow tired", "Jobless people grow tired"),
            ("Should the town or should it not build", "Should the town build or not"),
            ("Only my dog is good", "There is no other dog that is good but mine"),
            ("Only my dog is good", "Just my dog is good, nothing else"),
            ("Rain makes right and wrong paths alike", "Rain blurs what is wrong"),
            ("Cats are good pets", "Cats make fine pets, no doubt"),
            ("Only my dog is good", "No dog is good, except for mine"),
            ("Tea is just as good as milk", "Milk is no better than tea"),
            ("Do you agree that rain leads to quarrels?", "Does rain cause disagreements?"),
        ] {
            assert_eq!(turn(seed, text), None, "{text}");
        }
    }
}
