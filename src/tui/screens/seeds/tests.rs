//! State, keys, state; and what stands on the screen. Each test has a real workspace.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::chart::Chart;
use crate::domain::{
    AnswerCode, CountryCode, Direction, Form, OptionCounts, Question, QuestionId, Scale, ScaleKind,
    ScaleOption, Topic, Weighting,
};
use crate::store::Workspace as Store;
use crate::tui::data::{Lane, WorkError};
use crate::tui::screen::{Effect, Screen, ScreenId, Told};
use crate::tui::testing::{Bench, HOSTILE, assert_screen, long_word};

fn bench(size: (u16, u16)) -> Bench {
    Bench::new(size).at(ScreenId::Seeds)
}

fn question(id: &str, language: &str, text: &str, labels: [&str; 3]) -> Question {
    let option =
        |(i, label): (usize, &&str)| ScaleOption { code: i as u8 + 1, label: (*label).into() };
    let options = labels.iter().enumerate().map(option).collect();
    Question {
        id: QuestionId::new(id).unwrap(),
        topic: Topic("neighbours".into()),
        language: language.into(),
        text: text.into(),
        form: Form::Statement,
        scale: Scale::new(options, ScaleKind::Ordinal, Direction::HigherIsLess).unwrap(),
        notes: vec![],
    }
}

/// Questions in many scripts, with answers of two countries.
fn scripts(store: &mut Store) {
    let mut survey = store.read().survey().unwrap();
    survey.questions.clear();
    survey.counts.clear();
    let labels = [
        ["نعم", "ربما", "لا"],
        ["হ্যাঁ", "হয়তো", "না"],
        ["예", "아마도", "아니오"],
        ["是", "也许", "不"],
        ["Yes", "\u{1b}[5mPerhaps", "No\u{202e}"],
    ];
    for (i, text) in HOSTILE.iter().enumerate() {
        let id = format!("Q900{i}");
        survey.questions.push(question(&id, "en", text, labels[i % labels.len()]));
        for (country, n) in [("DEU", 100), ("KOR", 300)] {
            let mut counts = OptionCounts::new(Weighting::Unweighted);
            for code in 1..=3 {
                counts.add_many(AnswerCode::from_code(code).unwrap(), n / code as u64);
            }
            let key = (CountryCode::new(country).unwrap(), QuestionId::new(&id).unwrap());
            survey.counts.insert(key, counts);
        }
    }
    survey.questions.push(question("Q9099", "en", &long_word(), labels[0]));
    store.write(|tx| tx.put_survey(&survey)).unwrap();
}

#[test]
fn an_empty_workspace_says_what_to_do_next() {
    let mut b = Bench::empty((80, 24)).at(ScreenId::Seeds);
    assert!(b.shows("There are no seeds here yet") && b.shows("n reads questions"));
    for keys in ["a enter", "v v v m c p S R o y r", "g G j k space * s", "n esc"] {
        b.keys(keys).settle();
        b.screen();
        b.keys("esc");
    }
}

#[test]
fn the_answers_of_all_cultures_stand_below_the_list() {
    assert_screen!("seeds-80x24", bench((80, 24)));
    assert_screen!("seeds-120x40", bench((120, 40)));
    assert_screen!("seeds-40x10", bench((40, 10)));
    assert_screen!("seeds-plain", bench((80, 24)).plain());
    assert_screen!("seeds-mono", bench((80, 24)).theme("mono"));
}

#[test]
fn what_was_not_asked_is_said_plainly() {
    let mut b = bench((80, 24));
    let survey = b.app.shared.survey.clone().unwrap();
    let (q, c) = survey
        .questions
        .iter()
        .find_map(|q| {
            let c = survey
                .cultures
                .iter()
                .find(|c| survey.usable(c, q).is_err_and(|e| e.contains("not asked")))?;
            Some((q.id.clone(), c.name.clone()))
        })
        .unwrap();
    b.keys("/").types(q.as_str()).keys("enter").settle();
    let screen = b.screen();
    let line = screen.lines().find(|l| l.contains(&c) && l.contains("not asked"));
    assert!(line.is_some(), "{q} {c}\n{screen}");
    b.keys("v");
    assert!(b.shows("not asked"), "{}", b.screen());
    b.keys("esc v");
    assert!(b.shows("- not asked"));
}

#[test]
fn distances_say_their_unit_and_how_many_answered() {
    let mut b = bench((100, 30));
    b.keys("v");
    assert!(
        b.shows("Jensen-Shannon distance, base 2, 0 to 1") && b.shows(" n 1,"),
        "{}",
        b.screen()
    );
    assert_screen!("seeds-distances", b);
    // Fewer cultures: those that were picked.
    b.keys("p *").keys("space l l space enter");
    assert!(b.shows("Arabic") && b.shows("Chinese") && !b.shows("Turkish"), "{}", b.screen());
}

#[test]
fn the_heat_map_is_the_list_in_another_dress() {
    let mut b = bench((100, 30));
    b.keys("v v");
    assert!(b.shows("Heat map: mean answer") && b.shows("1 is the end that agrees"));
    b.keys("j j space");
    assert!(b.shows("1 marked") && b.shows(" *Q29"), "{}", b.screen());
    assert_screen!("seeds-heat", b);
    b.keys("m");
    assert!(b.shows("distance to the mean of all cultures"));
    b.keys("/").types("migration").keys("enter").settle();
    assert!(b.shows("Q122") && !b.shows("Q27 "), "{}", b.screen());
    assert_screen!("seeds-heat-wide", bench((160, 40)).tapped("v v"));
    assert_screen!("seeds-heat-plain", bench((80, 24)).plain().tapped("v v"));
}

#[test]
fn two_cultures_are_compared_with_unit_n_and_interval() {
    let mut b = bench((100, 30));
    b.keys("c right tab right enter").settle();
    assert!(b.shows("Bengali and Chinese"), "{}", b.screen());
    assert!(b.shows("mean distance 0.") && b.shows("95 % bootstrap over questions"));
    assert!(b.shows("by distance") && b.shows("Jensen-Shannon distance"));
    assert_screen!("seeds-compare", b);
    b.keys("s");
    assert!(b.shows("by nearest"));
    b.keys("enter").settle();
    assert!(b.shows("The seed in full"));
    b.keys("esc v");
    assert!(b.shows("Seeds · 1 of 50"), "{}", b.screen());
}

#[test]
fn lists_are_filtered_sorted_and_marked() {
    let mut b = bench((80, 24));
    b.keys("/").types("immigr").keys("enter").settle();
    assert!(b.shows("filter: immigr"));
    b.keys("* esc").settle();
    let n = b.screen().lines().next().is_some();
    assert!(n && b.shows("marked"));
    for order in ["id", "topic", "cultures", "samples", "survey"] {
        b.keys("s");
        assert!(b.shows(&format!("by {order}")));
    }
}

#[test]
fn details_have_every_wording_the_codes_and_the_source() {
    let mut b = Bench::filled((80, 60), |store| {
        let q = store.read().survey().unwrap().questions[0].clone();
        let labels = ["أوافق بشدة", "أوافق", "لا أوافق"];
        let mut other = question(q.id.as_str(), "ar", HOSTILE[3], labels);
        other.topic = q.topic;
        store.write(|tx| tx.put_question(&other)).unwrap();
    })
    .at(ScreenId::Seeds);
    b.keys("enter").settle();
    for text in [
        "English (en)",
        "Arabic (ar)",
        "Strongly agree",
        "-1 don't know",
        "-4 not asked",
        "IRQ (Arabic): n ",
        "unweighted",
        "World Values Survey",
    ] {
        assert!(b.shows(text), "{text}\n{}", b.screen());
    }
    b.keys("tab").settle();
    assert!(b.shows("Q28") && !b.shows("Arabic (ar)"));
    b.resize(40, 10);
    b.keys("j j pagedown pagedown G k");
    b.screen();
    b.keys("o y");
    assert!(b.effects.iter().any(|e| matches!(e, Effect::Pager(t) if t.contains("Q28"))));
}

/// The screen without borders and line ends: wrapped lines as one.
fn flat(b: &mut Bench) -> String {
    let screen = b.screen().replace('│', " ");
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

type Calls = Arc<Mutex<Vec<Vec<String>>>>;

/// A bench whose commands are noted, and answered by `f`.
fn pretending(
    f: impl Fn(&[String]) -> Result<serde_json::Value, WorkError> + Send + 'static,
) -> (Bench, Calls) {
    let calls = Calls::default();
    let noted = Arc::clone(&calls);
    let b = Bench::new((80, 24)).command(move |args| {
        noted.lock().unwrap().push(args.to_vec());
        f(args)
    });
    (b.at(ScreenId::Seeds), calls)
}

#[test]
fn the_form_shows_what_it_would_do_and_does_just_that() {
    let (mut b, calls) = pretending(|_| Ok(json!({"id": "r-0007"})));
    b.keys("space space a").settle();
    assert!(b.shows("Grow samples from 2 seeds"), "{}", b.screen());
    assert!(b.shows("0 calls, no cost") && b.shows("20 kept"), "{}", b.screen());
    // Templates, then keep.
    b.keys("tab tab backspace").types("0");
    b.keys("enter").settle();
    assert!(b.shows("a whole number from 1") && calls.lock().unwrap().is_empty());
    b.keys("backspace").types("7").keys("tab tab").types("0.6").settle();
    let line = "polyculture augment --seeds Q27,Q28 --provider offline --templates 7 --keep 10 --threshold 0.6 --seed 1";
    assert!(flat(&mut b).contains(line), "{}", b.screen());
    b.keys("enter").settle();
    assert_eq!(calls.lock().unwrap()[0].join(" "), line.replace("polyculture ", ""));
    assert!(b.note().unwrap().1.contains("r-0007"), "{:?}", b.note());
    assert_eq!(b.app.at(), ScreenId::Seeds);
    b.keys("R").settle();
    assert_eq!(b.app.at(), ScreenId::Runs);
}

#[test]
fn a_form_that_fails_keeps_what_was_typed_and_says_why() {
    let (mut b, _) = pretending(|_| Err(WorkError::new("no engine").hint("start one")));
    b.keys("a").settle().keys("tab tab backspace").types("8").keys("enter").settle();
    assert!(
        b.shows("not started: no engine (start one)") && b.shows("--templates 8"),
        "{}",
        b.screen()
    );
    b.keys("esc");
    assert!(b.shows("Seeds · 1 of 50"));
}

#[test]
fn a_file_is_read_by_the_command_that_a_shell_has() {
    let (mut b, calls) = pretending(|args| {
        if args.iter().any(|a| a.contains("missing")) {
            return Err(WorkError::new("missing.csv: no such file"));
        }
        Ok(json!({"merged": {"questions": 3, "added": 12, "replaced": 0}}))
    });
    b.keys("n enter").settle();
    assert!(b.shows("something has to stand here") && calls.lock().unwrap().is_empty());
    b.types("missing.csv").keys("enter").settle();
    assert!(b.shows("not read: missing.csv: no such file"));
    b.keys("ctrl-u").types("my answers.csv").keys("tab right").settle();
    assert!(flat(&mut b).contains("seeds import 'my answers.csv' --weight unweighted"));
    b.keys("enter").settle();
    assert!(b.note().unwrap().1.contains("3 wordings, 12 new cells"));
    assert_eq!(
        calls.lock().unwrap()[1],
        ["seeds", "import", "my answers.csv", "--weight", "unweighted"]
    );
}

#[test]
fn data_that_would_do_harm_is_drawn_in_every_size_and_look() {
    for size in [(80, 24), (120, 40), (40, 10), (500, 200), (12, 4)] {
        for plain in [false, true] {
            let mut b = Bench::filled(size, scripts).at(ScreenId::Seeds);
            if plain {
                b = b.plain();
            }
            b.keys("/").types("Q90").keys("enter").settle();
            for _ in 0..=HOSTILE.len() {
                b.screen();
                b.keys("enter").settle();
                b.screen();
                b.keys("esc v");
                b.screen();
                b.keys("v m");
                b.screen();
                b.keys("v j").settle();
            }
        }
    }
    let mut b = Bench::filled((100, 30), scripts).at(ScreenId::Seeds);
    b.keys("/").types("Q90").keys("enter j j j").settle();
    assert_screen!("seeds-scripts", b);
}

#[test]
fn what_is_looked_at_is_exported() {
    let mut b = bench((80, 24));
    let name = |b: &Bench| {
        let what = b.app.screens.seeds.export(&b.app.shared).unwrap();
        (what.name, matches!(what.chart, Some(Chart::Heat(_))), what.table.is_some())
    };
    assert_eq!(name(&b), ("answers-Q27".into(), false, false));
    b.keys("v");
    assert_eq!(name(&b), ("distances-Q27".into(), true, false));
    b.keys("v");
    assert_eq!(name(&b), ("questions-by-culture".into(), true, false));
    b.keys("c enter").settle();
    assert_eq!(name(&b), ("arabic-bengali".into(), false, true));
}

#[test]
fn where_one_was_is_found_again() {
    let mut b = bench((80, 24));
    b.keys("s s j j j v").settle();
    let saved = b.app.save();
    let mut again = Bench::new((80, 24));
    again.app.restore(&saved);
    let mut again = again.at(ScreenId::Seeds);
    let line = |b: &mut Bench| b.screen();
    assert_eq!(line(&mut b), line(&mut again));
    again
        .app
        .restore(&json!({"at": 3, "screens": {"Seeds": {"view": 99, "order": "x", "seed": ""}}}));
    again.screen();
}

#[test]
fn work_that_is_awaited_or_failed_is_told() {
    let mut b = Bench::new((80, 24));
    b.keys("2").settle_but(&[Lane::Read, Lane::Slow, Lane::Engine]);
    assert!(b.shows("working out the answers"));
    b.settle();
    assert!(!b.shows("working out"));
    let told = Told::Seed(QuestionId::new("Q41").unwrap());
    b.app.screens.seeds.told(
        told,
        &mut crate::tui::screen::Cx::new(&b.app.shared, ScreenId::Seeds, &mut Vec::new(), &mut 0),
    );
    assert!(b.shows("Q41 · "), "{}", b.screen());
}

#[test]
fn no_sequence_of_keys_breaks_the_screen() {
    use crate::stats::dice::Dice;
    let keys: Vec<&str> =
        "j k g G space * s a v m c p n S R o y r enter i left right up down esc tab pageup pagedown 5 x 2"
            .split_whitespace()
            .collect();
    let mut dice = Dice::new(11, &["keys"]);
    let mut b = bench((80, 24));
    for round in 0..400 {
        b.keys(keys[dice.below(keys.len())]);
        if round % 3 == 0 {
            b.settle();
        }
        if round % 50 == 0 {
            let (w, h) = (dice.below(200) as u16 + 1, dice.below(60) as u16 + 1);
            b.resize(w, h);
        }
        b.screen();
    }
}
