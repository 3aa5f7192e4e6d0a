use crate::tui::app::Msg;
use crate::tui::data::{EngineNews, Link};
use crate::tui::screen::{Effect, ScreenId, Tone};
use crate::tui::testing::Bench;

fn everything(bench: &mut Bench) {
    for n in 1..=8 {
        bench.keys(&n.to_string()).settle();
        bench.screen();
    }
}

#[test]
fn digits_switch_screens_and_q_goes_home() {
    let mut b = Bench::new((80, 24));
    for (n, id) in ScreenId::ALL.into_iter().enumerate() {
        b.keys(&(n + 1).to_string());
        assert_eq!(b.app.at(), id);
    }
    b.keys("q");
    assert_eq!(b.app.at(), ScreenId::Overview);
    b.keys("q");
    assert!(b.effects.iter().any(|e| matches!(e, Effect::Quit)));
}

#[test]
fn every_screen_is_drawn_at_every_size_without_a_panic() {
    for size in [(40, 10), (80, 24), (120, 40), (500, 200), (12, 4), (1, 1), (200, 5)] {
        let mut b = Bench::new(size);
        everything(&mut b);
        let mut b = Bench::empty(size).plain();
        everything(&mut b);
    }
}

#[test]
fn a_storm_of_sizes_and_keys_ends_where_it_should() {
    let mut b = Bench::new((80, 24));
    for i in 0..200u16 {
        b.msg(Msg::Resize(1 + i * 37 % 240, 1 + i * 13 % 80));
        b.keys(["j", "3", "enter", "esc", "2", "pagedown", "7", "?"][usize::from(i % 8)]);
        b.screen();
    }
    b.keys("esc").msg(Msg::Resize(80, 24));
    b.keys("1").settle();
    assert!(b.screen().contains("From seeds to an evaluated model"));
}

#[test]
fn help_shows_the_keys_of_the_screen_and_closes_by_any_key() {
    let mut b = Bench::new((80, 24)).at(ScreenId::Seeds);
    b.keys("?");
    let shown = b.screen();
    assert!(shown.contains("This screen") && shown.contains("Grow"), "{shown}");
    b.keys("z");
    assert!(b.app.overlay().is_none());
}

#[test]
fn the_palette_finds_by_words_and_goes_to_the_screen_of_a_command() {
    let mut b = Bench::new((80, 24));
    b.keys(":");
    b.types("show runs");
    assert!(b.screen().contains("Show Runs"), "{}", b.screen());
    b.keys("enter");
    assert_eq!(b.app.at(), ScreenId::Runs);
    b.keys("ctrl-p");
    b.types("zzqxw");
    assert!(b.screen().contains("nothing of that name"));
    b.keys("enter");
    assert!(b.app.overlay().is_none());
}

#[test]
fn a_filter_narrows_as_it_is_typed_and_esc_puts_the_old_one_back() {
    let mut b = Bench::new((80, 24)).at(ScreenId::Seeds);
    b.keys("/");
    b.types("parents");
    b.settle();
    assert!(b.screen().contains("1 of 1"), "{}", b.screen());
    b.keys("esc").settle();
    assert!(b.screen().contains("1 of 50"), "{}", b.screen());
    b.keys("/");
    b.types("parents");
    b.keys("enter").settle();
    assert!(b.app.overlay().is_none());
    // Backing out clears what is kept.
    b.keys("esc").settle();
    assert!(b.screen().contains("of 50"));
}

#[test]
fn pasted_text_goes_into_the_field_and_nowhere_else() {
    let mut b = Bench::new((80, 24)).at(ScreenId::Seeds);
    b.msg(Msg::Paste("q2x\u{1b}[2J".into()));
    assert_eq!(b.app.at(), ScreenId::Seeds);
    assert!(b.app.note().unwrap().1.contains("nowhere to go"));
    b.keys("/");
    b.msg(Msg::Paste("par\nents\u{1b}[31m".into()));
    let shown = b.screen();
    assert!(shown.contains("par ents") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn what_the_engine_says_stands_in_the_line_of_news() {
    let mut b = Bench::new((80, 24));
    b.msg(Msg::Engine(EngineNews::Link(Link::Down)));
    assert!(b.screen().contains("engine at rest"));
    b.msg(Msg::Engine(EngineNews::Link(Link::Broken("speaks another language".into()))));
    assert!(b.screen().contains("engine unusable"));
    b.msg(Msg::Engine(EngineNews::Link(Link::Up)));
    assert!(b.screen().contains("nothing runs"));
}

#[test]
fn where_one_was_is_where_one_is_again() {
    let mut b = Bench::new((80, 24)).at(ScreenId::Seeds);
    b.keys("j j j").settle();
    let saved = b.app.save();
    let mut again = Bench::new((80, 24));
    again.app.restore(&saved);
    assert_eq!(again.app.at(), ScreenId::Seeds);
    // What another release wrote is not understood and does no harm.
    again.app.restore(&serde_json::json!({"at": 7, "screens": {"Seeds": ["x"], "Samples": 3}}));
    again.app.restore(&serde_json::json!("nonsense"));
    again.screen();
}

#[test]
fn a_note_stands_until_the_next_key() {
    let mut b = Bench::new((80, 24));
    b.msg(Msg::Note(Tone::Warn, "the disk is nearly full".into()));
    assert!(b.screen().contains("the disk is nearly full"));
    b.keys("j");
    assert!(!b.screen().contains("the disk is nearly full"));
}

#[test]
fn every_theme_draws_every_screen_and_mono_has_no_colour() {
    for name in ["dark", "light", "sixteen", "mono"] {
        let mut b = Bench::new((80, 24)).theme(name);
        everything(&mut b);
        if name == "mono" {
            let buffer = b.buffer();
            let reset = ratatui::style::Color::Reset;
            assert!(buffer.content.iter().all(|c| c.fg == reset && c.bg == reset));
        }
    }
}

#[test]
fn the_survey_is_read_again_when_it_changed_and_only_then() {
    let mut bench = Bench::new((80, 24));
    let known = bench.app.shared.survey.clone().unwrap();
    // Anything may be written: as long as it is no survey, what is known stays as it is.
    bench.written(|store| store.write(|_| Ok(())).unwrap()).settle();
    assert!(std::sync::Arc::ptr_eq(&known, bench.app.shared.survey.as_ref().unwrap()));
    let mut more = known.questions[0].clone();
    more.id = "Q999".parse().unwrap();
    // The second change comes while the first is still being read.
    bench.msg(Msg::StoreChanged);
    bench.written(|store| store.write(|tx| tx.put_question(&more)).unwrap());
    bench.settle();
    let now = bench.app.shared.survey.as_ref().unwrap();
    assert_eq!(now.questions.len(), known.questions.len() + 1);
}
