//! The guards from outside: sentences of our own, good and bad.

use proptest::prelude::*;

use super::*;

fn verdict(seed: &str, parent: Option<&str>, text: &str) -> String {
    let parent = parent.map(Reading::new);
    Guards::new(seed, "en")
        .check(&Reading::new(text), parent.as_ref(), &[])
        .map_or_else(|| "good".into(), |r| r.kind())
}

#[test]
fn good_paraphrases_pass_every_guard() {
    for (seed, text) in [
        (
            "A village without a baker is no place to live",
            "No one can live well in a village that has no baker",
        ),
        ("Old people deserve a seat on the bus", "A seat on the bus is owed to older people."),
        ("How often does it rain in your town?", "In your town, how frequently is there rain?"),
        (
            "Women cook better soup than men do",
            "Compared with men, women are better at cooking soup.",
        ),
        (
            "Do you think that the town should or should not have the right to close the park?",
            "In your opinion, should the town have the right to close the park?",
        ),
        ("People who don’t sleep turn grumpy", "Those who do not get sleep become grumpy."),
        ("My dog’s main joy in life is a walk", "A walk is the chief joy of my dog’s life."),
    ] {
        assert_eq!(verdict(seed, None, text), "good", "{text}");
    }
}

#[test]
fn every_kind_of_fault_is_named() {
    for (seed, parent, text, kind) in [
        ("Women drive like men", None, "Womales drive like men", "broken/word-fragment"),
        (
            "Cats love fish",
            Some("Cats are fond of fresh fish"),
            "Cats are fond of fish",
            "broken/deleted-word",
        ),
        ("Cats love fish", None, "Cats love the of fish", "broken/deleted-word"),
        ("Cats love fish", None, "Cats (mostly love fish", "broken/quotes"),
        ("Do cats love fish?", None, "Lamp you say cats love fish?", "broken/auxiliary"),
        ("Cats love fish", None, "An cat loves fish", "broken/article"),
        ("Cats love fish", None, "A cats loves fish, or a cats.", "broken/agreement"),
        ("Cats love fish", None, "By and tall, cats love fish", "broken/fixed-phrase"),
        ("Cats love fish", None, "Cats love love fish", "broken/doubled-word"),
        ("Cats love fish", None, "Cats love fish and", "broken/unfinished"),
        ("Cats love fish", None, "…", "broken/unfinished"),
        ("Cats love fish", None, "", "broken/unfinished"),
        ("Cats love fish", None, "all cats love fish", "broken/lower-case-start"),
        ("Cats love fish", None, "All three cats love fish", "meaning/number"),
        ("Cats love fish", None, "Greek cats love fish", "meaning/named-place"),
        ("Cats love fish", None, "Cats do not love fish", "meaning/negation"),
        ("Cats eat more fish", None, "Cats eat less fish", "meaning/antonym"),
        ("Men eat more fish than women", None, "Women eat more fish than men", "meaning/roles"),
    ] {
        assert_eq!(verdict(seed, parent, text), kind, "{text}");
    }
}

#[test]
fn other_languages_are_judged_by_what_holds_for_them() {
    let check = |language: &str, seed: &str, text: &str| {
        Guards::new(seed, language).check(&Reading::new(text), None, &[]).map(|r| r.kind())
    };
    assert_eq!(check("de", "Katzen lieben Fisch", "Den Fisch lieben die Katzen"), None);
    assert_eq!(
        check("de", "Katzen lieben Fisch", "Katzen lieben den den Fisch").as_deref(),
        Some("broken/doubled-word")
    );
    assert_eq!(check("ar", "القطط تحب السمك", "تحب القطط السمك كثيرا"), None);
    assert_eq!(check("zh", "猫喜欢吃鱼", "猫常常喜欢吃鱼肉"), None);
    assert_eq!(
        check("ko", "고양이는 생선을 좋아한다", "고양이는 (생선을 좋아한다").as_deref(),
        Some("broken/quotes")
    );
    assert_eq!(
        check("es", "Los gatos comen", "Los gatos de Madrid comen").as_deref(),
        Some("meaning/named-place")
    );
}

proptest! {
    #[test]
    fn no_text_upsets_the_guards(seed in "\\PC{0,40}", text in any::<String>(), parent in "\\PC{0,40}") {
        for language in ["en", "de", "es", "zh"] {
            let _ = Guards::new(&seed, language)
                .check(&Reading::new(&text), Some(&Reading::new(&parent)), &[&Reading::new("men and women")]);
        }
    }

    #[test]
    fn wordy_text_does_not_upset_the_guards_either(
        words in prop::collection::vec(prop::sample::select(vec![
            "no", "other", "not", "only", "than", "a", "an", "the", "men", "women", ",", "?", "you",
            "one", "8", "don't", "or", "should", "in", "of", "by", "and", "(", "\"", "womales", "n't",
        ]), 0..12)
    ) {
        let text = words.join(" ");
        let _ = Guards::new("Men do not eat more than women", "en").check(&Reading::new(&text), None, &[]);
    }

    #[test]
    fn a_seed_never_changes_its_own_meaning(text in "[A-Z][a-z]{1,8}( [a-z]{1,8}){1,8}") {
        let guards = Guards::new(&text, "en");
        prop_assert_eq!(guards.meaning(&Reading::new(&text), None), None);
    }
}
