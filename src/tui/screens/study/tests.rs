//! The researcher's screen by its keys, on a real workspace.

use std::sync::{Arc, Mutex};

use crate::domain::*;
use crate::store::{
    Action, Item, ItemKind, ItemOrigin, NewEvent, Rater, RaterKind, Reason, StudyRecord,
    Workspace as Store,
};
use crate::study::{Decision, adjudicate, fix_plan};
use crate::tui::screen::ScreenId;
use crate::tui::testing::{Bench, assert_screen};

const PAIRS: [(&str, &str, &str, &str); 4] = [
    ("ar", "arabic", "العمل قبل وقت الفراغ.", "وقت الفراغ يأتي بعد العمل."),
    ("bn", "bengali", "অবসরের আগে কাজ।", "কাজের পরে অবসর।"),
    ("zh", "chinese", "工作应当先于闲暇。", "闲暇应当在工作之后。"),
    (
        "en",
        "english",
        "Work should come before spare time.",
        "Spare time comes second, after work.",
    ),
];

fn study() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn item(n: usize) -> Item {
    let (language, culture, a, b) = PAIRS[n % PAIRS.len()];
    let control = n == 4;
    Item {
        id: ItemId::new(format!("i{n}")).unwrap(),
        kind: if control { ItemKind::ControlIdentical } else { ItemKind::Anchor },
        k: None,
        seed: QuestionId::new(format!("Q{n}")).unwrap(),
        sample: None,
        language: language.into(),
        culture: Some(CultureId::new(culture).unwrap()),
        seed_text: a.into(),
        sample_text: if control { a } else { b }.into(),
        context: None,
        sensitive: n == 3,
        sha256: "00".into(),
        repeat_of: None,
        expected: control.then_some((5, 5)),
        origin: ItemOrigin::default(),
    }
}

fn people() -> Vec<Rater> {
    (1..=3)
        .map(|n| Rater {
            id: RaterId::new(format!("r{n}")).unwrap(),
            kind: RaterKind::Human,
            languages: PAIRS.iter().map(|p| p.0.to_owned()).collect(),
            cultures: Vec::new(),
            consent: None,
        })
        .collect()
}

fn fill(store: &mut Store, planned: bool) {
    let record = StudyRecord {
        id: study(),
        study_type: StudyType::Similarity,
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        k: 3,
        seed: 7,
        spec: serde_json::json!({}),
        fixed: None,
    };
    let items: Vec<Item> = (0..5).map(item).collect();
    store.write(|tx| tx.put_study(&record, &items)).unwrap();
    if planned {
        fix_plan(store, &study(), &people()).unwrap();
    }
}

fn rate(store: &mut Store, rater: &str, of: &str, score: u8) {
    let all = store.read().assignments(&study()).unwrap();
    let a = all
        .iter()
        .find(|a| a.content.rater.as_str() == rater && a.content.item.as_str() == of)
        .unwrap();
    let action = Action::Submit(Score::new(score).unwrap());
    let mut e = NewEvent::new(a.id, RaterId::new(rater).unwrap(), action);
    e.active_ms = Some(8_000);
    store.submit_rating(&e).unwrap();
    if (rater, of) == ("r2", "i0") {
        let mut flag = NewEvent::new(a.id, RaterId::new(rater).unwrap(), Action::Flag);
        flag.reason = Some(Reason::Comment);
        flag.comment = Some("المعنى مختلف قليلا".into());
        store.submit_rating(&flag).unwrap();
    }
}

/// Two raters are done, the third has two pairs to go and missed the control.
fn rated(store: &mut Store) {
    fill(store, true);
    for (rater, scores) in [("r1", [5, 4, 3, 2, 5]), ("r2", [1, 4, 2, 2, 5])] {
        for (n, score) in scores.into_iter().enumerate() {
            rate(store, rater, &format!("i{n}"), score);
        }
    }
    for (of, score) in [("i0", 4), ("i1", 4), ("i4", 2)] {
        rate(store, "r3", of, score);
    }
}

/// On the screen of the study.
fn bench(size: (u16, u16), fill: impl FnOnce(&mut Store)) -> Bench {
    Bench::filled(size, fill).at(ScreenId::Rate).tapped("m")
}

fn step(b: &mut Bench, keys: &str) {
    for key in keys.split_whitespace() {
        b.keys(key).settle();
    }
}

#[test]
fn without_a_plan_the_screen_says_how_to_make_one_and_esc_leads_back() {
    let mut b = bench((80, 24), |s| fill(s, false));
    assert!(b.shows("Nobody rates this study yet") && b.shows("study plan --study pilot"));
    assert!(b.shows("not planned yet"), "{}", b.screen());
    step(&mut b, "tab tab");
    assert!(b.shows("No sample is rated yet"), "{}", b.screen());
    step(&mut b, "esc");
    assert!(b.shows("Who rates what"), "{}", b.screen());
}

#[test]
fn the_panels_show_the_study_in_both_sizes() {
    for (w, h) in [(80, 24), (120, 40)] {
        let mut b = bench((w, h), rated);
        assert!(b.shows("13 of 15 rated") && b.shows("2 left"), "{}", b.screen());
        for said in ["1/1", "raters", "alpha", "expected", "anchors 1", "decided"] {
            assert!(b.shows(said), "{said}: {}", b.screen());
            step(&mut b, "tab");
        }
        assert!(b.shows("[Raters]"), "six panels: {}", b.screen());
    }
}

#[test]
fn a_missed_control_says_who_what_was_given_and_what_was_expected() {
    let mut b = bench((120, 40), rated);
    step(&mut b, "tab tab tab");
    assert!(b.shows("[Missed controls 1]"), "{}", b.screen());
    assert!(b.shows("r3") && b.shows("identical") && b.shows("r3 rated 1 controls and missed 1"));
    step(&mut b, "i");
    assert!(b.shows("Nobody is dropped for a miss") && b.shows("study status --study pilot"));
    step(&mut b, "esc");
    assert!(b.shows("identical"), "the explanation is closed, the screen stays");
}

#[test]
fn agreement_says_its_interval_draws_and_what_it_rests_on() {
    let mut b = bench((80, 24), rated);
    step(&mut b, "tab tab");
    for said in
        ["alpha", "AC2", "raw", "10 ratings, 4 items rated twice or more", "200 draws over 4 seeds"]
    {
        assert!(b.shows(said), "{said}: {}", b.screen());
    }
}

#[test]
fn an_item_is_decided_by_the_command_that_the_form_shows() {
    let sent: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let seen = Arc::clone(&sent);
    let mut b = Bench::filled((80, 24), rated)
        .command(move |args| {
            seen.lock().unwrap().push(args.to_vec());
            Ok(serde_json::json!({}))
        })
        .at(ScreenId::Rate);
    step(&mut b, "m shift-tab");
    assert!(b.shows("[Widest 2]") && b.shows("1 4 5"), "{}", b.screen());
    step(&mut b, "enter");
    assert!(b.shows("Item i0") && b.shows("arabic") && b.shows("Not decided"), "{}", b.screen());
    assert!(b.shows("rater 1") && !b.shows("r2"), "whose scores they are is hidden");
    step(&mut b, "n");
    assert!(b.shows("r2"), "{}", b.screen());
    step(&mut b, "u");
    assert!(b.note().unwrap().1.contains("no decision stands"));
    step(&mut b, "d enter");
    assert!(b.shows("something has to stand here"), "{}", b.screen());
    b.types("a slip").settle();
    assert!(b.shows("study adjudicate --study pilot --item i0 --score 4"), "{}", b.screen());
    assert!(b.app.unsaved().is_some());
    step(&mut b, "enter");
    let line = sent.lock().unwrap()[0].join(" ");
    assert_eq!(line, "study adjudicate --study pilot --item i0 --score 4 --reason=a slip");
    assert!(b.note().unwrap().1.contains("decided") && !b.shows("Enter stores it"));
    step(&mut b, "right");
    assert!(b.shows("Item i2"), "{}", b.screen());
}

#[test]
fn a_refused_decision_stays_typed_and_says_why() {
    let mut b = Bench::filled((80, 24), rated)
        .command(|_| Err(crate::tui::data::WorkError::new("the disk is full")))
        .at(ScreenId::Rate);
    step(&mut b, "m shift-tab enter d");
    b.types("x").settle();
    step(&mut b, "tab");
    b.types("because").settle();
    step(&mut b, "enter");
    assert!(b.shows("the disk is full") && b.shows("because"), "{}", b.screen());
}

#[test]
fn texts_of_every_script_stand_right_and_decisions_are_told() {
    let mut b = bench((120, 40), |s| {
        rated(s);
        let decision = Decision {
            item: ItemId::new("i0").unwrap(),
            who: "Ελένη".into(),
            score: Some(Score::new(4).unwrap()),
            reason: "同じ意味".into(),
            note: None,
        };
        adjudicate(s, &study(), &decision).unwrap();
    });
    step(&mut b, "shift-tab enter");
    assert!(b.shows("decision 1: 4 · Ελένη") && b.shows("同じ意味"), "{}", b.screen());
    step(&mut b, "right");
    assert!(b.shows("工作应当先于闲暇"), "{}", b.screen());
}

#[test]
fn a_sensitive_text_is_hidden_until_a_key() {
    let mut b = bench((80, 24), |s| {
        fill(s, true);
        for (rater, score) in [("r1", 1), ("r2", 5)] {
            rate(s, rater, "i3", score);
        }
    });
    step(&mut b, "shift-tab");
    assert!(b.shows("(hidden)") && !b.shows("Spare time comes"), "{}", b.screen());
    step(&mut b, "enter");
    assert!(b.shows("Hidden until you ask") && !b.shows("Spare time"), "{}", b.screen());
    step(&mut b, "x");
    assert!(b.shows("Spare time comes second"), "{}", b.screen());
}

#[test]
fn a_change_is_looked_at_once_a_second_at_most() {
    let mut b = bench((80, 24), |s| fill(s, true));
    assert!(b.shows("0 of 15 rated"));
    b.written(|s| rate(s, "r1", "i0", 5)).settle();
    assert!(b.shows("0 of 15 rated"), "the look before was this very second");
    b.msg(crate::tui::app::Msg::Tick).settle();
    assert!(b.shows("1 of 15 rated"), "{}", b.screen());
}

#[test]
fn pictures_of_the_screen() {
    for (name, size, keys) in [
        ("study-cultures-80x24", (80, 24), "tab"),
        ("study-growth-80x24", (80, 24), "tab tab"),
        ("study-widest-80x24", (80, 24), "shift-tab"),
        ("study-drift-120x40", (120, 40), "tab tab tab tab"),
        ("study-case-80x24", (80, 24), "shift-tab enter"),
        ("study-case-120x40", (120, 40), "shift-tab enter"),
        ("study-how-80x24", (80, 24), "i"),
    ] {
        let mut b = bench(size, rated);
        step(&mut b, keys);
        assert_screen!(name, b);
    }
}
