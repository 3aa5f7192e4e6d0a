//! The Rate screen by its keys, on a real workspace.

use super::*;
use crate::domain::*;
use crate::store::{Item, ItemKind, Rater, RaterKind, StudyRecord, Workspace as Store};
use crate::study::fix_plan;
use crate::text::Resolved;
use crate::tui::app::Msg;
use crate::tui::data::Access;
use crate::tui::testing::{Bench, assert_screen};

const PAIRS: [(&str, &str, &str); 5] = [
    ("en", "Work should come before spare time.", "Spare time comes second, after work."),
    ("ar", "العمل قبل وقت الفراغ.", "وقت الفراغ يأتي بعد العمل."),
    ("bn", "অবসরের আগে কাজ।", "কাজের পরে অবসর।"),
    ("zh", "工作应当先于闲暇。", "闲暇应当在工作之后。"),
    ("ko", "일이 여가보다 먼저다.", "여가는 일 다음이다."),
];

fn study() -> StudyId {
    StudyId::new("pilot").unwrap()
}

/// A study of these pairs for one person, in the order given and never swapped.
fn fill(store: &mut Store, pairs: &[(&str, &str, &str)]) {
    fill_as(store, pairs, StudyType::Similarity);
}

fn fill_as(store: &mut Store, pairs: &[(&str, &str, &str)], study_type: StudyType) {
    let items: Vec<Item> = pairs
        .iter()
        .enumerate()
        .map(|(n, (language, a, b))| Item {
            id: ItemId::new(format!("i{n}")).unwrap(),
            kind: ItemKind::Sample,
            k: Some(1),
            seed: QuestionId::new("Q27").unwrap(),
            sample: None,
            language: (*language).into(),
            culture: None,
            seed_text: (*a).into(),
            sample_text: (*b).into(),
            sha256: "00".into(),
            repeat_of: None,
            expected: None,
            context: study_type
                .is_pair()
                .then(|| "How?".to_owned())
                .filter(|_| study_type != StudyType::Similarity),
            sensitive: false,
            origin: crate::store::ItemOrigin::default(),
        })
        .collect();
    let record = StudyRecord {
        id: study(),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        study_type,
        k: 1,
        seed: 7,
        spec: serde_json::json!({}),
        fixed: None,
    };
    let languages = pairs.iter().map(|p| p.0.to_owned()).collect();
    let person = Rater {
        id: RaterId::new("r1").unwrap(),
        kind: RaterKind::Human,
        languages,
        cultures: Vec::new(),
        consent: None,
    };
    store.write(|tx| tx.put_study(&record, &items)).unwrap();
    fix_plan(store, &study(), &[person]).unwrap();
}

fn bench(size: (u16, u16)) -> Bench {
    Bench::filled(size, |store| fill(store, &PAIRS)).at(ScreenId::Rate)
}

/// At the first pair.
fn rating(size: (u16, u16)) -> Bench {
    let mut b = bench(size);
    step(&mut b, "enter");
    step(&mut b, "enter");
    step(&mut b, "enter");
    b
}

/// Keys one by one, each carried out before the next.
fn step(b: &mut Bench, keys: &str) {
    for key in keys.split_whitespace() {
        b.keys(key).settle();
    }
}

fn scores(b: &Bench) -> Vec<u8> {
    let place = b.place();
    let store = place.read().unwrap();
    let ratings = store.read().current_ratings(&study()).unwrap();
    let mut out: Vec<_> = ratings.iter().map(|r| (r.position, r.score.unwrap_or(0))).collect();
    out.sort_unstable();
    out.into_iter().map(|r| r.1).collect()
}

#[test]
fn of_two_answers_one_key_chooses_and_the_footer_says_which() {
    let two = [("en", "Boil it.", "Fry it."), ("en", "Go by bus.", "Walk.")];
    let mut b = Bench::filled((120, 40), |store| fill_as(store, &two, StudyType::Preference))
        .at(ScreenId::Rate);
    step(&mut b, "enter enter enter");
    assert!(b.shows("How?") && b.shows("Boil it.") && b.shows("1 to 3: choose"), "{}", b.screen());
    step(&mut b, "5");
    assert_eq!(scores(&b), [0u8; 0], "there is no fifth answer");
    step(&mut b, "t a");
    assert!(b.shows("Done. Thank you."), "{}", b.screen());
    let store = b.place().read().unwrap();
    let ratings = store.read().current_ratings(&study()).unwrap();
    // stored is the item's first answer or its second, wherever it stood
    let chosen = |r: &crate::store::RatingRow| match (r.position, r.swap) {
        (0, _) => Some(2),
        (_, false) => Some(1),
        (_, true) => Some(3),
    };
    assert_eq!(ratings.len(), 2);
    for r in &ratings {
        assert_eq!(r.score, chosen(r), "{r:?}");
    }
}

#[test]
fn without_a_study_the_screen_says_what_to_do_and_offers_one_of_your_own() {
    let mut b = Bench::new((80, 24)).at(ScreenId::Rate);
    assert!(b.shows("No study yet") && b.shows("n  rate 20 kept samples"));
    step(&mut b, "n");
    assert!(b.shows("Rate samples of your own") && b.shows("24 samples") | b.shows("20 samples"));
    step(&mut b, "enter");
    assert!(b.note().unwrap().1.contains("no sample can enter"), "{:?}", b.note());
    assert!(b.shows("Rate samples of your own"), "the form stays");
    step(&mut b, "esc");
    assert!(b.shows("No study yet"));
}

#[test]
fn a_rater_goes_from_the_list_to_the_end_by_keys_alone() {
    let mut b = bench((80, 24));
    assert!(b.shows("pilot") && b.shows("0 of 5"));
    step(&mut b, "enter");
    assert!(b.shows("Before you begin") && b.shows("Enter: I have read this"));
    step(&mut b, "enter");
    assert!(b.shows("Guideline similarity@1"));
    step(&mut b, "enter");
    assert!(b.shows("pair 1 of 5") && b.shows("5 Same meaning"));
    step(&mut b, "5");
    assert!(b.shows("pair 2 of 5") && b.shows("saved: pair 1 = 5"));
    step(&mut b, "4 3 2 1");
    assert!(b.shows("Done. Thank you.") && b.shows("Scores 1 to 5: 1 1 1 1 1"));
    assert_eq!(scores(&b), [5, 4, 3, 2, 1]);
    step(&mut b, "u");
    assert!(b.shows("pair 5 of 5") && b.shows("taken back: pair 5"));
    step(&mut b, "2 v");
    assert!(b.shows("Your pairs") && b.shows("5 of 5"));
    step(&mut b, "g enter");
    assert!(b.shows("pair 1 of 5") && b.shows("you gave 5"));
    step(&mut b, "3 esc");
    assert!(b.shows("5 of 5") && b.shows("done"));
    assert_eq!(scores(&b), [3, 4, 3, 2, 2]);
}

#[test]
fn whoever_rates_in_one_language_reads_the_guideline_in_it() {
    let mut b = Bench::filled((80, 24), |store| fill(store, &PAIRS[4..])).at(ScreenId::Rate);
    step(&mut b, "enter enter");
    assert!(b.shows("Guideline similarity.ko@1") && b.shows("같은 뜻"), "{}", b.screen());
}

#[test]
fn nothing_moves_before_the_save_and_a_failed_one_says_what_to_do() {
    let mut b = rating((80, 24));
    b.keys("4");
    assert!(b.shows("pair 1 of 5") && b.shows("saving .."));
    assert!(!b.shows("saved:"));
    b.keys("5");
    assert!(b.note().unwrap().1.contains("not taken"));
    b.fail(Lane::Write, "the disk is full; free space");
    assert!(b.shows("pair 1 of 5") && b.shows("the disk is full"), "{}", b.screen());
    step(&mut b, "right");
    assert!(b.shows("pair 1 of 5"));
    step(&mut b, "q");
    assert!(b.app.unsaved().is_some());
    step(&mut b, "4 r");
    assert!(b.shows("saved: pair 1 = 4"), "{}", b.screen());
    assert_eq!(scores(&b), [4]);
}

#[test]
fn a_comment_is_text_until_ctrl_s_and_survives_being_left() {
    let mut b = rating((80, 24));
    step(&mut b, "c");
    b.types("q 5 is fine:").settle();
    assert!(b.shows("Ctrl-S saves") && b.shows("q 5 is fine:"));
    assert_eq!(scores(&b), [0u8; 0], "digits are text");
    b.msg(Msg::Paste("two\nlines\u{1b}[31m".into())).settle();
    step(&mut b, "esc");
    assert!(b.shows("a comment is not sent yet: c"));
    assert!(b.app.unsaved().unwrap().contains("comment"));
    step(&mut b, "c");
    assert!(b.shows("lines"));
    b.keys("ctrl-s");
    assert!(b.shows("Ctrl-S saves"), "the words stay until they are on the disk");
    b.settle();
    assert!(b.shows("1 comment") && b.app.unsaved().is_none());
    let place = b.place();
    let events = place.read().unwrap().read().rating_events(&study()).unwrap();
    assert_eq!(events[0].comment.as_deref(), Some("q 5 is fine:two\nlines[31m"));
}

#[test]
fn what_was_typed_and_what_was_not_saved_is_there_at_the_next_start() {
    let mut b = rating((80, 24));
    step(&mut b, "c");
    b.types("half a thou").settle();
    step(&mut b, "esc");
    b.keys("4");
    b.fail(Lane::Write, "locked");
    b.settle();
    // the program is gone; another one opens the same workspace
    let place = b.place();
    let again = Access::new(place.clone());
    let (study, rater) = (study(), RaterId::new("r1").unwrap());
    let mut again = again;
    let opened = work::open(&mut again, &study, &rater).unwrap();
    assert!(opened.sent);
    assert_eq!(opened.draft.words[0].text, "half a thou");
    assert_eq!(scores(&b), [4]);
    let once_more = work::open(&mut again, &study, &rater).unwrap();
    assert!(!once_more.sent, "once");
}

#[test]
fn flags_skips_and_the_guideline_are_one_key_away() {
    let mut b = rating((80, 24));
    step(&mut b, "b");
    assert!(b.shows("flagged: broken text"));
    step(&mut b, "g");
    assert!(b.shows("Examples") || b.shows("more lines"));
    step(&mut b, "j j g");
    assert!(b.shows("pair 1 of 5"));
    step(&mut b, "s");
    assert!(b.shows("Why do you pass it over?"), "{}", b.screen());
    step(&mut b, "esc s s n p");
    assert!(b.shows("A break.") && b.shows("2 pairs in"));
    step(&mut b, "enter d");
    assert!(b.shows("word difference shown"));
    step(&mut b, "f");
    b.types("odd").settle();
    step(&mut b, "ctrl-s 1 2 3");
    assert!(b.shows("Only those you put off"), "{}", b.screen());
    step(&mut b, "enter 5");
    assert!(b.shows("4 of 5 pairs rated"), "{}", b.screen());
}

#[test]
fn alone_there_is_no_way_out_but_the_door() {
    let mut b = rating((80, 24));
    b.app.shared.alone = true;
    step(&mut b, "esc");
    assert!(b.shows("pair 1 of 5"), "no list of studies");
    step(&mut b, ": 1 o");
    assert!(b.effects.iter().all(|e| !matches!(e, Effect::Pager(_) | Effect::Export { .. })));
    assert!(b.shows("The pair"), "the reader inside the program: {}", b.screen());
    step(&mut b, "esc O esc e ctrl-s");
    assert!(b.effects.iter().all(|e| !matches!(e, Effect::Export { .. } | Effect::Shot)));
}

#[test]
fn outside_the_pair_goes_to_the_pager_and_to_a_page() {
    let mut b = rating((80, 24));
    step(&mut b, "2 o O");
    assert!(b.effects.iter().any(|e| matches!(e, Effect::Pager(t) if t.contains("pair 2 of 5"))));
    let page = b.effects.iter().find_map(|e| match e {
        Effect::Export { name, bytes } => Some((name.clone(), bytes.clone())),
        _ => None,
    });
    let (name, bytes) = page.unwrap();
    assert_eq!(name, "pair-pilot-2.html");
    assert!(String::from_utf8(bytes).unwrap().contains("dir=\"auto\""));
}

#[test]
fn long_texts_scroll_and_forty_by_ten_is_usable() {
    let long = "A sentence that goes on. ".repeat(60);
    let pairs = [("en", long.as_str(), "Short."), ("en", "x", "y")];
    let mut b = Bench::filled((80, 24), |store| fill(store, &pairs)).at(ScreenId::Rate);
    step(&mut b, "enter enter enter");
    assert!(b.shows("more lines: j"), "{}", b.screen());
    step(&mut b, "j j");
    assert!(b.screen().contains("more lines: j"));
    b.resize(40, 10);
    assert!(b.shows("pair 1 of 2") && b.shows("1 differs"), "{}", b.screen());
    for _ in 0..120 {
        b.keys("j");
    }
    assert!(b.shows("Short.") || b.shows("goes on."), "{}", b.screen());
    step(&mut b, "3");
    assert!(b.shows("pair 2 of 2"), "{}", b.screen());
}

#[test]
fn every_state_draws_at_every_size_in_every_mode() {
    for (w, h) in [(1, 1), (12, 4), (20, 6), (40, 10), (80, 24), (120, 40), (500, 200)] {
        for direction in [Resolved::App, Resolved::Terminal, Resolved::Off] {
            for plain in [false, true] {
                let mut b = rating((80, 24));
                b.app.shared.looks.direction = direction;
                b.app.shared.looks.plain = plain;
                b.resize(w, h);
                for keys in [
                    "g", "g", "c", "esc", "d", "v", "v", "p", "enter", "s", "1", "2", "3", "4",
                    "enter",
                ] {
                    b.keys(keys).settle();
                    let screen = b.screen();
                    if plain {
                        let odd = |c: char| ('\u{2500}'..='\u{28ff}').contains(&c);
                        assert!(!screen.contains(odd), "{screen}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_terminal_that_turns_rows_around_never_gets_two_texts_side_by_side() {
    let mut b = rating((120, 40));
    let rows_with_both = |b: &mut Bench| {
        b.screen().lines().filter(|l| l.contains(" A ") && l.contains(" B ")).count()
    };
    assert!(rows_with_both(&mut b) > 0);
    b.app.shared.looks.direction = Resolved::Terminal;
    assert_eq!(rows_with_both(&mut b), 0);
}

#[test]
fn the_screens_as_they_are() {
    // the order is the plan's; each language comes once
    for (name, size) in [("80x24", (80, 24)), ("120x40", (120, 40)), ("40x10", (40, 10))] {
        let mut b = rating(size);
        for n in 1..=5 {
            assert_screen!(format!("rate-pair-{n}-{name}"), b);
            step(&mut b, "3");
        }
        assert_screen!(format!("rate-done-{name}"), b);
    }
    let mut b = bench((80, 24));
    assert_screen!("rate-list", b);
    step(&mut b, "enter");
    assert_screen!("rate-welcome", b);
    step(&mut b, "enter");
    assert_screen!("rate-guideline", b);
    step(&mut b, "enter c");
    b.types("what about the second half?");
    assert_screen!("rate-comment", b);
    step(&mut b, "esc d");
    assert_screen!("rate-diff", b);
    step(&mut b, "1 2 v");
    assert_screen!("rate-own", b);
    let mut plain = rating((80, 24)).plain();
    step(&mut plain, "d");
    assert_screen!("rate-plain", plain);
    let mut stacked = rating((80, 24));
    stacked.app.shared.looks.direction = Resolved::Off;
    stacked.resize(60, 24);
    assert_screen!("rate-stacked", stacked);
}

#[test]
fn texts_that_do_harm_are_shown_harmless_at_every_size() {
    let word = crate::tui::testing::long_word();
    let pairs: Vec<(&str, &str, &str)> =
        crate::tui::testing::HOSTILE.iter().map(|t| ("en", *t, word.as_str())).collect();
    for size in [(40, 10), (80, 24), (120, 40)] {
        let mut b = Bench::filled(size, |store| fill(store, &pairs)).at(ScreenId::Rate);
        step(&mut b, "enter enter enter");
        for _ in 0..pairs.len() {
            // the bench itself refuses frames with what a terminal would obey
            b.screen();
            b.keys("d").settle();
            b.screen();
            b.keys("4").settle();
        }
        assert!(b.shows("Done"), "{}", b.screen());
    }
}
