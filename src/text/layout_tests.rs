//! Tests of shaping, wrapping and visual order.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::super::display::tests::hostile;
use super::super::{display, display_lines, width};
use super::*;

/// Sentences and how they stand on one line, from left to right. Worked out by another program:
/// `fribidi --nopad --nobreak --clean --reordernsm` (GNU FriBidi 1.0.8), non-joiners taken out.
#[rustfmt::skip]
const VISUAL: [(&str, &str); 16] = [
    (
        "القهوة بعد الصلاة عادة أهل الحي.",
        ".ﻲﺤﻟﺍ ﻞﻫﺃ ﺓﺩﺎﻋ ﺓﻼﺼﻟﺍ ﺪﻌﺑ ﺓﻮﻬﻘﻟﺍ",
    ),
    (
        "سألتُ الجارَ: «لا أعرف (2 من 5)».",
        ".«(5 ﻦﻣ 2) ﻑﺮﻋﺃ ﻻ» :ﺭَﺎﺠﻟﺍ ﺖُﻟﺄﺳ",
    ),
    (
        "قرأنا كتاب Rust في 24/7 يوما!",
        "!ﺎﻣﻮﻳ 24/7 ﻲﻓ Rust ﺏﺎﺘﻛ ﺎﻧﺃﺮﻗ",
    ),
    (
        "مُحَمَّدٌ يَشْرَبُ الشَّايَ، وَمَا يَأْكُلُ.",
        ".ﻞُﻛُﺄْﻳَ ﺎﻣَﻭَ ،ﻱَﺎﺸَّﻟﺍ ﺏُﺮَﺸْﻳَ ﺪٌﻤَّﺤَﻣُ",
    ),
    (
        "لأن الآن إلا الإنسان ألأم سلام",
        "ﻡﻼﺳ ﻡﻷﺃ ﻥﺎﺴﻧﻹﺍ ﻻﺇ ﻥﻵﺍ ﻥﻷ",
    ),
    (
        "نامه\u{200c}ها را می\u{200c}خوانم، چون گربه پشت ژاکت است.",
        ".ﺖﺳﺍ ﺖﮐﺍﮊ ﺖﺸﭘ ﻪﺑﺮﮔ ﻥﻮﭼ ،ﻢﻧﺍﻮﺧﯽﻣ ﺍﺭ ﺎﻫﻪﻣﺎﻧ",
    ),
    (
        "قیمت ۱۲۳۴ تومان (حدود 50٪) بود.",
        ".ﺩﻮﺑ (٪50 ﺩﻭﺪﺣ) ﻥﺎﻣﻮﺗ ۱۲۳۴ ﺖﻤﯿﻗ",
    ),
    (
        "گھر میں چائے پیتے ہیں، ٹرین ڈبے کے ساڑھے پانچ بجے آئی۔",
        "۔ﯽﺋﺁ ﮯﺠﺑ ﭻﻧﺎﭘ ﮯﮬﮌﺎﺳ ﮯﮐ ﮯﺑﮈ ﻦﯾﺮﭨ ،ﮟﯿﮨ ﮯﺘﯿﭘ ﮯﺋﺎﭼ ﮟﯿﻣ ﺮﮭﮔ",
    ),
    (
        "השכנים שותים קפה (בלי סוכר) ב-7:30.",
        ".7:30-ב (רכוס ילב) הפק םיתוש םינכשה",
    ),
    (
        "שָׁלוֹם עֲלֵיכֶם",
        "םכֶילֵעֲ םוֹלשָׁ",
    ),
    (
        "The word שלום means peace, 3 times.",
        "The word םולש means peace, 3 times.",
    ),
    (
        "She said \"مرحبا بكم\" and left.",
        "She said \"ﻢﻜﺑ ﺎﺒﺣﺮﻣ\" and left.",
    ),
    (
        "الغرفة [رقم ٣] هنا؛ السعر 12.5$ تقريبا",
        "ﺎﺒﻳﺮﻘﺗ $12.5 ﺮﻌﺴﻟﺍ ؛ﺎﻨﻫ [٣ ﻢﻗﺭ] ﺔﻓﺮﻐﻟﺍ",
    ),
    (
        "הספר \"C++ for Rust\" עולה 40₪ (≥ 30).",
        ".(30 ≤) 40₪ הלוע \"C++ for Rust\" רפסה",
    ),
    (
        "1. שלום",
        "םולש .1",
    ),
    (
        "abc (אבג def) 12–13",
        "abc (גבא def) 12–13",
    ),
];

fn rows(text: &str, cells: usize) -> Vec<String> {
    lay_out(text, cells, Resolved::App).lines.into_iter().map(|l| l.text).collect()
}

#[test]
fn no_room_or_no_text_is_one_empty_line() {
    for (text, cells) in [("", 0), ("", 9), ("abc 好", 0), ("   ", 9), ("\n", 9)] {
        let laid = lay_out(text, cells, Resolved::App);
        assert_eq!(laid.lines.len(), 1, "{text:?}");
        assert_eq!((laid.lines[0].text.as_str(), laid.lines[0].width), ("", 0), "{text:?}");
        assert_eq!(lay_line(text, 0, Resolved::App).text, "");
    }
    assert_eq!(rows("a\n\nb\n", 9), ["a", "", "b"]);
    // A wide character where one cell is left is shown to be cut.
    assert_eq!(rows("a好", 1), ["a", "…"]);
}

#[test]
fn escape_sequences_do_not_survive_the_layout() {
    assert_eq!(rows("\u{1b}[2J\u{202e}evil\u{9b}m", 40), ["␛[2Jevil<U+009B>m"]);
    assert_eq!(lay_line("a\nb\u{7}", 9, Resolved::Off).text, "a␊b␇");
}

#[test]
fn right_to_left_sentences_stand_as_another_program_sets_them() {
    for (logical, visual) in VISUAL {
        let line = lay_line(logical, 200, Resolved::App);
        assert_eq!(line.text, visual, "{logical}");
        assert_eq!(line.width, width(visual));
        assert_eq!(rows(logical, 200), [visual]);
    }
}

#[test]
fn vowel_marks_stay_on_their_letter_also_on_the_ligature() {
    // FriBidi leaves lam and alef apart where a mark stands between; every typesetter joins them.
    assert_eq!(rows("وَلَا", 9), ["\u{fefb}\u{64e}\u{feed}\u{64e}"]);
    assert_eq!(lay_line("سلام", 9, Resolved::App).width, 3);
}

#[test]
fn lines_of_a_right_to_left_paragraph_keep_its_direction() {
    let text = "قرأنا كتاب The Rust Book في يومين فقط.";
    let laid = lay_out(text, 13, Resolved::App);
    // Each row by `fribidi --rtl`.
    let rows: Vec<&str> = laid.lines.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(rows, ["ﺏﺎﺘﻛ ﺎﻧﺃﺮﻗ", "The Rust Book", ".ﻂﻘﻓ ﻦﻴﻣﻮﻳ ﻲﻓ"]);
    assert!(laid.lines.iter().all(|l| l.rtl));
    assert!(!lay_out("one שלום two", 4, Resolved::App).lines.iter().any(|l| l.rtl));
}

#[test]
fn a_cut_stands_where_the_reader_stops() {
    assert_eq!(lay_line("one two three", 8, Resolved::App).text, "one two…");
    let line = lay_line("שלום עולם", 6, Resolved::App);
    assert_eq!((line.text.as_str(), line.width, line.rtl), ("… םולש", 6, true));
    assert_eq!(line.source, 0..9);
    assert_eq!(lay_line("好好好", 4, Resolved::App).text, "好…");
    assert_eq!(lay_line("أهلا", 3, Resolved::App).text, "ﻼﻫﺃ", "the ligature is one cell");
}

#[test]
fn where_the_terminal_turns_rows_or_nobody_does_text_goes_out_as_it_is_read() {
    let text = "سلام (שלום) one";
    for mode in [Resolved::Terminal, Resolved::Off] {
        let line = lay_line(text, 40, mode);
        assert_eq!((line.text.as_str(), line.width, line.rtl), (text, 15, false));
    }
}

#[test]
fn words_wrap_where_their_script_allows() {
    let cases: &[(&str, usize, &[&str])] = &[
        ("Ο καφές είναι έτοιμος.", 10, &["Ο καφές", "είναι", "έτοιμος."]),
        // A comma begins no line, an opening mark ends none.
        ("我们每天早上喝茶，然后去工作。", 16, &["我们每天早上喝", "茶，然后去工作。"]),
        ("他说：“茶好了”！", 8, &["他", "说：“茶", "好了”！"]),
        ("아침마다 차를 마십니다.", 13, &["아침마다 차를", "마십니다."]),
        ("কাজ শেষে আমরা চা খাই।", 8, &["কাজ শেষে", "আমরা চা", "খাই।"]),
        // No vowel is parted from the consonant that it is written around.
        ("ฉันไม่ชอบน้ำชาเย็น", 4, &["ฉันไม่", "ชอบ", "น้ำชา", "เย็น"]),
        (
            "well-known facts, e.g. https://example.org/a/b",
            16,
            &["well-known", "facts, e.g.", "https://", "example.org/a/b"],
        ),
        ("  indented line", 10, &["  indented", "line"]),
        ("trailing      blanks     ", 9, &["trailing", "blanks"]),
        ("10 000 €", 4, &["10", "000", "€"]),
        ("10\u{a0}000", 6, &["10\u{a0}000"]),
        ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
        ("a好好好", 4, &["a好", "好好"]),
    ];
    for (text, cells, expected) in cases {
        assert_eq!(&rows(text, *cells), expected, "{text}");
    }
}

#[test]
fn a_word_of_5000_characters_is_broken_between_clusters() {
    for cluster in ["x", "好", "e\u{302}\u{323}", "ক্ষি", "👨\u{200d}👩\u{200d}👧", "한", "مُ"]
    {
        let word = cluster.repeat(5_000);
        let laid = lay_out(&word, 41, Resolved::App);
        let per_line = 41 / laid.lines[0].spans.len().max(cluster_width(cluster));
        assert_eq!(laid.lines.len(), 5_000usize.div_ceil(per_line), "{cluster}");
        assert!(laid.lines.iter().all(|l| l.width <= 41));
    }
}

#[test]
fn styles_follow_their_letters_around() {
    let laid = lay_line_styled(
        &[("שלום ", 1), ("one", 2), (" (", 1), ("ab", 3), (")", 1)],
        40,
        Resolved::App,
    );
    let parts: Vec<(&str, usize)> =
        laid.spans.iter().map(|(r, s)| (&laid.text[r.clone()], *s)).collect();
    assert_eq!(parts, [("one", 2), (" (", 1), ("ab", 3), (") םולש", 1)]);
}

#[test]
fn a_line_of_ten_megabytes_is_cut_without_reading_it_all() {
    let log = "error: شيء ".repeat(1_000_000);
    let line = lay_line(&log, 80, Resolved::App);
    assert_eq!(line.width, 80);
    assert_eq!(line.text, lay_line(&"error: شيء ".repeat(300), 80, Resolved::App).text);
    let hidden = format!("{}abc", "\u{200e}".repeat(100_000));
    assert_eq!(lay_line(&hidden, 80, Resolved::App).text, "abc");
}

fn modes() -> impl Strategy<Value = Resolved> {
    prop::sample::select(vec![Resolved::App, Resolved::Terminal, Resolved::Off])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn lines_are_never_wider_than_asked_and_say_how_wide_they_are(text in hostile(), cells in 0usize..30, mode in modes()) {
        let mut lines = lay_out(&text, cells, mode).lines;
        lines.push(lay_line(&text, cells, mode));
        for line in lines {
            prop_assert!(line.width <= cells);
            prop_assert_eq!(line.width, width(&line.text), "{:?}", line.text);
            prop_assert!(!line.text.chars().any(char::is_control));
        }
    }

    #[test]
    fn sources_cover_the_text_and_part_no_cluster(text in hostile(), cells in 0usize..30, mode in modes()) {
        let shown = display_lines(&text);
        let bounds: Vec<usize> = shown.grapheme_indices(true).map(|g| g.0).chain([shown.len()]).collect();
        let mut at = 0;
        for line in lay_out(&text, cells, mode).lines {
            prop_assert!(line.source.start == at || &shown[at..line.source.start] == "\n");
            prop_assert!(bounds.contains(&line.source.start) && bounds.contains(&line.source.end));
            at = line.source.end;
        }
        prop_assert!(shown[at..].is_empty() || &shown[at..] == "\n");
    }

    #[test]
    fn spans_cover_the_line_and_every_style_is_one_that_was_given(parts in prop::collection::vec(hostile(), 1..5), cells in 1usize..30, mode in modes()) {
        let pieces: Vec<(&str, usize)> = parts.iter().enumerate().map(|(i, p)| (p.as_str(), i + 1)).collect();
        let mut lines = lay_out_styled(&pieces, cells, mode).lines;
        lines.push(lay_line_styled(&pieces, cells, mode));
        for line in lines {
            let mut at = 0;
            for (range, style) in &line.spans {
                prop_assert_eq!(range.start, at);
                prop_assert!(range.end > at && (1..=pieces.len()).contains(style));
                at = range.end;
            }
            prop_assert_eq!(at, line.text.len());
        }
    }

    #[test]
    fn nothing_but_blanks_gets_lost(text in hostile(), cells in 2usize..30) {
        let sorted = |text: &str| {
            let mut all: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            all.sort_unstable();
            all
        };
        let laid: String = lay_out(&text, cells, Resolved::Off).lines.into_iter().map(|l| l.text).collect();
        prop_assert_eq!(sorted(&laid), sorted(&display_lines(&text)));
    }

    #[test]
    fn a_line_that_fits_is_the_text(text in "[a-z 好é]{0,20}") {
        let shown = display(&text);
        prop_assert_eq!(lay_line(&text, 99, Resolved::App).text, shown.trim_end());
    }
}
