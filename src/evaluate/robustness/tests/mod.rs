//! The room from its door: changes first; runs and pairs are beside this file.

mod pairs;
mod runs;

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;
use crate::text::nfc;

fn site(item: &str) -> Site<'_> {
    Site { seed: 7, item, language: "en", wanted: "no" }
}

fn change(kind: ChangeKind, strength: f64) -> Change {
    Change::new(kind, strength).unwrap()
}

fn applied(text: &str, kind: ChangeKind, strength: f64) -> Changed {
    apply(text, change(kind, strength), &site("item-1")).unwrap()
}

/// Our own sentences in the scripts of the cultures.
const TEXTS: [&str; 11] = [
    "The new library opens on Sunday, and everyone on our street is glad about it.",
    "Η νέα βιβλιοθήκη ανοίγει την Κυριακή και όλη η γειτονιά χαίρεται.",
    "تفتح المكتبة الجديدة يوم الأحد ويفرح بها كل أهل الحي.",
    "새 도서관이 일요일에 문을 열어서 온 동네가 기뻐합니다.",
    "新图书馆星期日开门，整条街的人都很高兴。",
    "রবিবার নতুন গ্রন্থাগার খুলছে, তাই পাড়ার সবাই খুশি।",
    "Yeni kütüphane pazar günü açılıyor; bütün mahalle buna seviniyor.",
    "Die neue Bücherei öffnet am Sonntag, und die ganze Straße freut sich darüber.",
    "A nova biblioteca abre no domingo e toda a vizinhança está contente.",
    "Новая библиотека открывается в воскресенье, и вся улица рада.",
    "La nueva biblioteca abre el domingo y el barrio está contento.",
];

#[test]
fn a_change_is_read_from_its_name_and_refused_by_reason() {
    for (text, word) in [
        ("noise:0.2", "typos"),
        ("typos:much", "0 to 1"),
        ("typos:1.5", "1.5"),
        ("typos:-1", "-1"),
        ("typos:NaN", "0 to 1"),
        ("", "expected"),
    ] {
        let e = text.parse::<Change>().unwrap_err();
        assert!(e.contains(word), "{text}: {e}");
    }
    let c: Change = "look-alike:0.5".parse().unwrap();
    assert_eq!(
        (c.kind(), c.strength(), c.to_string().as_str()),
        (ChangeKind::LookAlike, 0.5, "look-alike:0.5")
    );
    assert_eq!("typos".parse::<Change>().unwrap().strength(), 0.2);
}

#[test]
fn typos_touch_every_script_and_about_as_many_words_as_asked() {
    for text in TEXTS {
        let one = applied(text, ChangeKind::Typos, 0.01);
        assert_eq!(one.edits, 1, "{text}");
        let half = applied(text, ChangeKind::Typos, 0.5);
        assert!(half.edits >= 3 && half.text != text, "{text}: {half:?}");
        let same: usize = half.text.graphemes(true).count();
        let edits = text.graphemes(true).count().abs_diff(same);
        assert!(edits <= half.edits, "one sign a word at most: {half:?}");
    }
    // Korean slips stay syllables
    let korean = applied(TEXTS[3], ChangeKind::Typos, 1.0).text;
    assert!(!korean.chars().any(|c| ('\u{1100}'..='\u{11ff}').contains(&c)), "{korean}");
}

#[test]
fn names_tags_and_links_stay_as_they_are() {
    let text = "@somebody see https://example.org/library #opening";
    assert_eq!(applied(text, ChangeKind::Typos, 1.0).text.split(' ').next(), Some("@somebody"));
    for word in ["@somebody", "https://example.org/library", "#opening"] {
        assert!(applied(text, ChangeKind::Typos, 1.0).text.contains(word));
    }
}

#[test]
fn look_alikes_come_from_other_scripts_and_read_the_same() {
    let c = applied("Peace", ChangeKind::LookAlike, 1.0);
    assert_eq!(c.edits, 5);
    assert!(c.text.chars().all(|c| !c.is_ascii()), "{c:?}");
    assert_ne!(nfc(&c.text), "Peace", "no normal form takes it back");
    assert!(applied(TEXTS[4], ChangeKind::LookAlike, 1.0).edits > 0, "Chinese");
    assert!(applied(TEXTS[2], ChangeKind::LookAlike, 1.0).edits > 0, "Arabic");
    // nothing to change is no change, and said
    let none = applied("123 !", ChangeKind::LookAlike, 1.0);
    assert_eq!((none.text.as_str(), none.edits), ("123 !", 0));
}

#[test]
fn injections_ask_for_the_answer_in_the_language_of_the_text_and_leave_the_text_whole() {
    let text = "One sentence. Another one! A third";
    for (strength, n) in [(0.1, 1), (0.5, 2), (1.0, 3)] {
        let c = applied(text, ChangeKind::Injection, strength);
        assert_eq!((c.edits, c.text.matches("no").count() >= n), (n, true), "{c:?}");
        let mut rest = c.text.as_str();
        for sentence in ["One sentence.", "Another one!", "A third"] {
            let at = rest.find(sentence).unwrap();
            rest = &rest[at..];
        }
    }
    let greek = Site { language: "el-GR", wanted: "ναι", ..site("x") };
    let c = apply(TEXTS[1], change(ChangeKind::Injection, 0.2), &greek).unwrap();
    assert!(c.text.starts_with(TEXTS[1]) && c.text.contains("ναι"), "{c:?}");
}

#[test]
fn a_paraphrase_is_a_models_work() {
    assert_eq!(apply("x", change(ChangeKind::Paraphrase, 0.5), &site("i")), None);
}

/// Marks that turn the direction of what follows.
fn controls(text: &str) -> Vec<char> {
    text.chars()
        .filter(|c| {
            matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .collect()
}

fn kinds() -> impl Strategy<Value = ChangeKind> {
    prop_oneof![Just(ChangeKind::Typos), Just(ChangeKind::LookAlike), Just(ChangeKind::Injection)]
}

/// Words of many scripts, marks, emoji and direction marks in any order.
fn mixed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned),
        2 => "\\PC{0,12}",
        1 => prop::sample::select(vec!["👩‍👧‍👦", "🇬🇷🇩🇪", "e\u{301}", "ক্ষ", "\u{202e}", "\u{200f}", "@x", "\r\n", "각"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|p| p.join(" "))
}

proptest! {
    #[test]
    fn strength_zero_is_the_text_itself(text in mixed(), kind in kinds()) {
        prop_assert_eq!(applied(&text, kind, 0.0), Changed { text, edits: 0 });
    }

    #[test]
    fn the_same_seed_item_and_strength_give_the_same_text(
        text in mixed(), kind in kinds(), strength in 0.0f64..=1.0, seed in any::<u64>()
    ) {
        let at = Site { seed, ..site("a") };
        let once = apply(&text, change(kind, strength), &at).unwrap();
        prop_assert_eq!(&once, &apply(&text, change(kind, strength), &at).unwrap());
        prop_assert_eq!(once.edits == 0, once.text == text);
    }

    #[test]
    fn direction_marks_stay_in_their_order(text in mixed(), kind in kinds(), s in 0.0f64..=1.0) {
        prop_assert_eq!(controls(&text), controls(&applied(&text, kind, s).text));
    }

    #[test]
    fn no_sign_is_cut_apart_or_joined(text in mixed(), s in 0.01f64..=1.0) {
        // Every sign of a changed text is a sign of the original or a letter that took one's place.
        for kind in [ChangeKind::Typos, ChangeKind::LookAlike] {
            let c = applied(&text, kind, s);
            let before: Vec<&str> = text.graphemes(true).collect();
            let new = c.text.graphemes(true).filter(|g| !before.contains(g)).count();
            prop_assert!(new <= c.edits, "{kind:?}: {new} new signs in {} edits", c.edits);
        }
        let c = applied(&text, ChangeKind::LookAlike, s);
        prop_assert_eq!(c.text.graphemes(true).count(), text.graphemes(true).count());
    }

    #[test]
    fn a_stronger_change_holds_the_weaker_one(text in mixed(), kind in kinds()) {
        let edits: Vec<usize> =
            [0.1, 0.4, 0.9].iter().map(|s| applied(&text, kind, *s).edits).collect();
        prop_assert!(edits.is_sorted(), "{edits:?}");
    }
}
