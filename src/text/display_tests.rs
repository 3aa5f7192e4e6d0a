//! Tests of the door to the terminal.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;
use crate::text::nfc;

#[test]
fn nothing_that_commands_a_terminal_gets_through() {
    let cases = [
        ("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m"),
        ("\u{1b}]0;title\u{7}", "␛]0;title␇"),
        ("\u{9b}2J", "<U+009B>2J"),
        ("one\ntwo\r\nthree\rfour", "one␊two␍␊three␍four"),
        ("back\u{8}space\u{7f}", "back␈space␡"),
        ("abc\u{202e}fed\u{2066}", "abcfed"),
        ("a\u{2028}b", "a<U+2028>b"),
        ("hid\u{e0041}den", "hid<U+E0041>den"),
        ("cafe\u{301}", "café"),
    ];
    for (raw, shown) in cases {
        assert_eq!(display(raw), shown, "{raw:?}");
    }
}

#[test]
fn lines_end_with_a_feed_and_a_lone_return_is_seen() {
    assert_eq!(display_lines("a\r\nb\rc\n\rd\r\r\n"), "a\nb␍c\n␍d␍\n");
    assert_eq!(display_lines("\r\u{200e}\n"), "␍\n");
}

#[test]
fn pasted_binary_and_what_unicode_does_not_know_become_codes() {
    let binary = String::from_utf8_lossy(b"\x7fELF\x02\x01\x00\xff\xfe\x1b[2J").into_owned();
    assert_eq!(display(&binary), "␡ELF␂␁␀\u{fffd}\u{fffd}␛[2J");
    assert_eq!(display("a\u{378}\u{ffff}\u{e000}b"), "a<U+0378><U+FFFF><U+E000>b");
}

#[test]
fn what_cannot_be_seen_is_dropped_or_shown() {
    let cases = [
        // A zero-width space, a word joiner, a soft hyphen.
        ("pay\u{200b}pal\u{2060}x\u{ad}y", "paypalxy"),
        // The supplement of variation selectors carries bytes behind an emoji.
        ("☺\u{e0148}\u{e0155}", "☺<U+E0148><U+E0155>"),
        ("葛\u{e0100}", "葛\u{e0100}"),
        ("❤\u{fe0f}", "❤\u{fe0f}"),
        ("❤\u{fe0f}\u{fe01}", "❤\u{fe0f}<U+FE01>"),
        ("\u{fe0f}x", "<U+FE0F>x"),
        // Hangul fillers and vowels without a consonant have no width.
        ("\u{1160}x", "<U+1160>x"),
        ("\u{200d}\u{200d}x\n", "x␊"),
    ];
    for (raw, shown) in cases {
        assert_eq!(display(raw), shown, "{raw:?}");
    }
}

#[test]
fn a_mark_without_a_base_gets_one_so_that_it_does_not_settle_on_a_neighbour() {
    assert_eq!(display("🏽ำ"), "\u{25cc}🏽ำ");
    assert_eq!(display("\u{600}"), "<U+0600>");
    assert_eq!(display("\u{600}١٢"), "\u{600}١٢");
    assert_eq!(display("\u{301}a"), "\u{25cc}\u{301}a");
    assert_eq!(display_lines("a\n\u{64e}b\t\u{301}"), "a\n\u{25cc}\u{64e}b  \u{25cc}\u{301}");
}

#[test]
fn a_heap_of_marks_is_cut_where_it_can_be_seen() {
    let heap = format!("a{}b", "\u{316}".repeat(1_000));
    assert_eq!(display(&heap), format!("a{}<+992>b", "\u{316}".repeat(8)));
    let chain = "👩\u{200d}".repeat(3_000);
    let shown = display(&chain);
    assert!(shown.len() < 200 && shown.ends_with('>'), "{shown}");
    let jamo = display(&"\u{1100}".repeat(5_000));
    assert!(jamo.len() < 120 && jamo.ends_with("<+4969>"), "{jamo}");
    // What people write stays whole.
    for whole in ["👩🏽\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏿", "ক্ষ্ম্য", "שָׁ֑לוֹם", "مُحَمَّدٌ", "ệ"]
    {
        assert_eq!(display(whole), whole);
    }
}

#[test]
fn tabs_reach_the_next_stop_counted_in_cells() {
    assert_eq!(display("a\tb"), "a   b");
    assert_eq!(display("\t|"), "    |");
    assert_eq!(display("好\t|"), "好  |");
    assert_eq!(display_lines("ab\n\t|"), "ab\n    |");
}

#[test]
fn joiners_that_scripts_need_stay() {
    let bengali = "ক\u{9cd}\u{200d}ষ";
    assert_eq!(display(bengali), bengali);
    let persian = "می\u{200c}خواهم";
    assert_eq!(display(persian), persian);
}

/// Text as an attacker would write it: anything, and often what is special.
pub(in crate::text) fn hostile() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\r",
        "\n",
        "\r\n",
        "\t",
        "\u{1b}[",
        "\u{9b}",
        " ",
        "  ",
        "\u{a0}",
        "\u{3000}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{202e}",
        "\u{2067}",
        "\u{301}",
        "\u{338}",
        "\u{316}",
        "\u{64e}",
        "\u{651}",
        "\u{fe0f}",
        "\u{e0100}",
        "\u{e0041}",
        "\u{feff}",
        "\u{600}",
        "\u{1100}",
        "\u{1161}",
        "\u{11a8}",
        "\u{1160}",
        "\u{3164}",
        "\u{ffa0}",
        "\u{34f}",
        "\u{378}",
        "\u{e000}",
        "ل",
        "ا",
        "آ",
        "ه",
        "ـ",
        "٣",
        "ש",
        "(",
        ")",
        "«",
        "a",
        "1",
        ".",
        "-",
        "。",
        "「",
        "狗",
        "한",
        "ক্ষি",
        "কি",
        "\u{9cd}",
        "ก",
        "ำ",
        "เ",
        "👩",
        "🇬",
        "🏽",
        "e",
        "é",
        "…",
        "\u{ad}",
        "\u{1f1e6}",
        "\u{e33}",
        "\u{17d2}",
        "ក",
        ">",
        "<",
        "\u{25cc}",
        "\u{115f}",
        "\u{110bd}",
        "\u{20e3}",
    ]);
    let part = prop_oneof![
        4 => special.prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z ]{0,8}",
        1 => (prop::sample::select(vec!["\u{316}", "\u{200d}", "\u{1100}", "\u{600}", "\u{9cd}ক", "👩\u{200d}"]), 7usize..40)
            .prop_map(|(s, n)| s.repeat(n)),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_control_character_survives(text in hostile()) {
        prop_assert!(!display(&text).chars().any(char::is_control));
        prop_assert!(!display_lines(&text).chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn what_is_displayed_is_normal_and_displays_as_itself(text in hostile()) {
        for shown in [display(&text), display_lines(&text)] {
            prop_assert_eq!(nfc(&shown), shown.as_str());
            prop_assert_eq!(display_lines(&shown), shown);
        }
    }

    #[test]
    fn every_cluster_has_a_width_and_an_end(text in hostile()) {
        for cluster in display_lines(&text).graphemes(true).filter(|c| *c != "\n") {
            prop_assert!((1..=2).contains(&cluster_width(cluster)), "{:?}", cluster);
            prop_assert!(cluster.chars().count() <= MAX_POINTS, "{:?}", cluster);
        }
    }

    #[test]
    fn pieces_of_a_text_display_as_the_whole(text in hostile(), cut in 0usize..60) {
        let at = text.floor_char_boundary(cut.min(text.len()));
        let (whole, _) = clean(&[(&text[..at], 1), (&text[at..], 2)], true);
        prop_assert_eq!(whole, display_lines(&text));
    }
}
