//! State, keys, state; and what stands on the screen. Each test has a real workspace.

use serde_json::json;

use super::*;
use crate::augment::sample_id;
use crate::domain::{
    Decision, FailReason, Provenance, QuestionId, RejectReason, Sample, Similarity, Stage,
    Substitution,
};
use crate::store::Workspace as Store;
use crate::tui::app::Msg;
use crate::tui::testing::{Bench, HOSTILE, assert_screen, long_word};

fn sample(seed: &str, language: &str, text: &str) -> Sample {
    let seed = QuestionId::new(seed).unwrap();
    Sample {
        id: sample_id(&seed, language, text).unwrap(),
        seed,
        language: language.into(),
        text: text.into(),
        stage: Stage::Template,
        similarity: Some(Similarity::new(0.75).unwrap()),
        decision: Decision::Kept,
        provenance: Provenance {
            provider: "offline".into(),
            version: "rules-1".into(),
            run: Some("r-0001".into()),
            template: Some("belief".into()),
            family: Some("stance".into()),
            held_out: false,
            parent: None,
            substitutions: vec![],
            seed: 1,
            reply: None,
        },
    }
}

fn like(similarity: f64, s: Sample) -> Sample {
    Sample { similarity: Some(Similarity::new(similarity).unwrap()), ..s }
}

fn dissimilar(similarity: f64, s: Sample) -> Sample {
    let why = RejectReason::Dissimilar { similarity, threshold: 0.52 };
    Sample { decision: Decision::Rejected(why), ..like(similarity, s) }
}

fn put(samples: &[Sample]) -> impl Fn(&mut Store) {
    let samples = samples.to_vec();
    move |store| {
        store.write(|tx| tx.put_samples(&samples)).unwrap();
    }
}

/// A few of every fate.
fn garden() -> Vec<Sample> {
    let mut failed = sample("Q28", "en", "");
    failed.similarity = None;
    failed.decision = Decision::Failed(FailReason::CutOff);
    let mut second =
        sample("Q27", "en", "A top goal in my life has been to make my mother and father proud.");
    second.stage = Stage::Synonym;
    second.provenance.substitutions = vec![Substitution {
        from: "parents".into(),
        to: "mother and father".into(),
        rule: "parents/1".into(),
    }];
    second.provenance.parent =
        Some(sample("Q27", "en", "One goal of my life has been making my parents proud.").id);
    vec![
        like(0.81, sample("Q27", "en", "One goal of my life has been making my parents proud.")),
        like(0.77, second),
        dissimilar(0.41, sample("Q27", "en", "Parents are proud.")),
        sample("Q28", "en", "Children suffer when their mother has a paid job."),
        failed,
    ]
}

fn bench(size: (u16, u16)) -> Bench {
    Bench::filled(size, put(&garden())).at(ScreenId::Samples)
}

fn texts(b: &Bench) -> Vec<(String, String, bool)> {
    let place = b.place();
    let store = place.read().unwrap();
    let rows = store.read().samples(&SampleFilter::default(), None, 1000).unwrap();
    rows.into_iter()
        .map(|r| (r.sample.text, r.sample.decision.as_str().to_owned(), r.by_hand))
        .collect()
}

#[test]
fn an_empty_screen_says_what_to_do_next() {
    let mut b = Bench::new((80, 24)).at(ScreenId::Samples);
    assert!(b.shows("No samples yet") && b.shows("2 shows Seeds"));
    for keys in ["a x E u enter h", "esc v v A s G g * space d o O y r X R S"] {
        b.keys(keys).settle();
        b.screen();
        b.keys("esc");
    }
    let mut b = Bench::empty((40, 10)).at(ScreenId::Samples);
    assert!(b.shows("no seeds"));
}

#[test]
fn every_fate_is_seen_with_its_reason() {
    let mut b = bench((80, 24));
    assert_screen!("samples-80x24", b);
    b.keys("j j").rest();
    assert!(b.shows("rejected: similarity 0.410 is below the threshold 0.520"));
    b.keys("j j").rest();
    assert!(b.shows("failed: the reply was cut off here"));
    assert_screen!("samples-120x40", bench((120, 40)));
    assert_screen!("samples-40x10", bench((40, 10)));
    assert_screen!("samples-plain", bench((80, 24)).plain());
}

#[test]
fn what_is_not_of_this_row_is_never_shown_as_if_it_were() {
    let mut b = bench((120, 40));
    let (said, run) = ("kept", "run r-0001");
    assert!(b.shows(run) && b.shows("Q27 Making my parents proud"));
    b.keys("j");
    assert!(b.shows("the row before ..") && b.shows(run), "{}", b.screen());
    b.keys("j");
    assert!(b.shows("when the keys rest ..") && !b.shows(run), "{}", b.screen());
    b.keys("j");
    assert!(!b.shows("Making my parents proud has"), "the seed of other rows: {}", b.screen());
    b.rest();
    assert!(b.shows(run) && b.shows("Q28 ") && b.shows(said));
    // Any other key wants to see what it is about.
    b.keys("k d");
    assert!(b.shows("rejected: similarity 0.410") && !b.shows(".. ─"), "{}", b.screen());
}

#[test]
fn data_that_would_do_harm_is_drawn_in_every_size_and_look() {
    let mut rows: Vec<Sample> = HOSTILE
        .iter()
        .zip(["en", "en", "en", "ar", "bn", "ko", "zh", "en", "el"])
        .map(|(text, language)| sample("Q27", language, text))
        .collect();
    rows.push(sample("Q27", "en", &long_word()));
    let note = HOSTILE[0].to_owned();
    rows.push(Sample {
        decision: Decision::Rejected(RejectReason::ByHand { note }),
        ..sample("Q27", "en", "harmless")
    });
    for size in [(80, 24), (120, 40), (40, 10), (500, 200), (12, 4)] {
        for plain in [false, true] {
            let mut b = Bench::filled(size, put(&rows)).at(ScreenId::Samples);
            if plain {
                b = b.plain();
            }
            for _ in 0..rows.len() {
                b.screen();
                b.keys("d");
                b.screen();
                b.keys("enter").settle();
                b.screen();
                b.keys("esc E");
                b.screen();
                b.keys("esc d j").settle();
            }
        }
    }
    assert_screen!(
        "samples-scripts",
        Bench::filled((100, 30), put(&rows)).at(ScreenId::Samples).theme("light").tapped("j j j")
    );
}

#[test]
fn a_decision_shows_only_once_the_database_answered_and_can_be_taken_back() {
    let mut b = bench((80, 24));
    b.keys("j j a").settle_but(&[Lane::Write, Lane::Engine]);
    assert!(b.shows("saving") && b.shows("rejected: similarity 0.410"));
    b.settle();
    assert!(b.shows("kept (decided by hand)"), "{}", b.screen());
    assert_eq!(texts(&b)[2].1, "kept");
    b.keys("u").settle();
    assert_eq!((texts(&b)[2].1.as_str(), texts(&b)[2].2), ("rejected", false));
    b.keys("u").settle();
    assert!(b.note().unwrap().1.contains("nothing to undo"));
}

#[test]
fn what_could_not_be_saved_stays_with_what_was_typed_and_is_tried_again() {
    let mut b = bench((80, 24));
    b.keys("x").types("not about the seed").keys("enter");
    b.fail(Lane::Write, "database is locked");
    assert!(b.shows("not saved: reject 1 sample (not about the seed): database is locked"));
    assert!(b.app.unsaved().is_some());
    assert_eq!(texts(&b)[0].1, "kept");
    b.keys("r").settle();
    assert!(b.shows("rejected by hand: not about the seed"), "{}", b.screen());
    assert!(b.app.unsaved().is_none());
    b.keys("a").fail(Lane::Write, "the disk is full").keys("X");
    assert!(!b.shows("the disk is full"));
}

#[test]
fn marked_samples_are_decided_on_together_and_undone_together() {
    let mut b = bench((80, 24));
    b.keys("space space space x").types("boring").keys("enter").settle();
    let rejected = |b: &Bench| texts(b).iter().filter(|t| t.1 == "rejected" && t.2).count();
    assert_eq!(rejected(&b), 3);
    b.keys("u").settle();
    assert_eq!(rejected(&b), 0);
    // One that never became a text spoils the whole: nothing is half done.
    b.keys("* a").settle();
    assert!(b.shows("never became a text"), "{}", b.screen());
    assert!(texts(&b).iter().all(|t| !t.2));
}

#[test]
fn an_undo_takes_back_nothing_that_was_decided_elsewhere_unasked() {
    let mut b = bench((80, 24));
    b.keys("space space a").settle();
    let id = garden()[3].id.clone();
    b.written(|store| {
        let why = Decision::Rejected(RejectReason::ByHand { note: "elsewhere".into() });
        store.write(|tx| tx.set_decision(&id, &why, &crate::config::who(), "elsewhere")).unwrap();
    });
    b.keys("u").settle();
    assert!(b.note().unwrap().1.contains("elsewhere"));
    assert_eq!(texts(&b).iter().filter(|t| t.2).count(), 3);
    b.keys("u").settle();
    assert_eq!(texts(&b).iter().filter(|t| t.2).count(), 2);
}

#[test]
fn an_edit_is_kept_in_the_editor_until_it_is_saved() {
    let mut b = bench((80, 24));
    b.keys("E").types(" Always.").keys("ctrl-s");
    b.fail(Lane::Write, "database is locked");
    assert!(b.shows("not saved: database is locked") && b.shows("Always."));
    assert!(b.app.unsaved().is_some());
    b.keys("esc n");
    assert!(b.shows("Always."), "another key than y throws nothing away");
    b.keys("ctrl-s").settle();
    assert!(!b.shows("New text in place"));
    let all = texts(&b);
    assert_eq!((all[0].1.as_str(), all[0].2), ("rejected", true));
    assert_eq!(
        all.last().unwrap().0,
        "One goal of my life has been making my parents proud. Always."
    );
    b.keys("u").settle();
    let all = texts(&b);
    assert_eq!((all[0].1.as_str(), all.last().unwrap().1.as_str()), ("kept", "rejected"));
}

#[test]
fn the_editor_takes_any_script_and_throws_nothing_away_unasked() {
    let mut b = bench((80, 24));
    b.keys("E enter").types("好").msg(Msg::Paste("\u{1b}[31m مرحبا".into()));
    assert!(b.shows("好"));
    assert_screen!("samples-editor", b);
    b.keys("esc");
    assert!(b.shows("Throw it away?"));
    b.keys("y");
    assert!(!b.shows("New text in place"));
    assert_eq!(texts(&b).len(), garden().len());
}

fn thousand() -> Vec<Sample> {
    (0..1000)
        .map(|i| like(f64::from(i) / 1000.0, sample("Q27", "en", &format!("sentence number {i}"))))
        .collect()
}

#[test]
fn long_lists_come_in_pages_from_both_ends() {
    let mut b = Bench::filled((80, 24), put(&thousand())).at(ScreenId::Samples);
    assert!(b.shows("1 of 1,000") && b.shows("sentence number 0"));
    for _ in 0..60 {
        b.keys("pagedown").settle();
    }
    let down = b.screen();
    b.keys("G").settle();
    assert!(b.shows("1,000 of 1,000") && b.shows("sentence number 999"), "{down}");
    for _ in 0..150 {
        b.keys("pageup").settle();
    }
    assert!(b.shows("1 of 1,000"), "{}", b.screen());
    b.keys("s s").settle();
    assert!(b.shows("by most similar") && b.shows("0.999"));
}

#[test]
fn samples_that_arrive_do_not_move_the_row_under_the_cursor() {
    let all = thousand();
    let mut b = Bench::filled((80, 24), put(&all[..900])).at(ScreenId::Samples);
    b.keys("s s").settle();
    for _ in 0..40 {
        b.keys("pagedown").settle();
    }
    let here = |b: &mut Bench| {
        b.screen()
            .lines()
            .position(|l| l.contains("│> "))
            .zip(b.screen().lines().find(|l| l.contains("│> ")).map(str::to_owned))
    };
    let before = here(&mut b).unwrap();
    b.written(put(&all[900..])).settle();
    assert_eq!(here(&mut b).unwrap(), before);
    assert!(b.shows("of 1,000"), "{}", b.screen());
    // They are there when they are looked for.
    b.keys("g").settle();
    assert!(b.shows("0.999"));
}

#[test]
fn fates_filters_and_orders_narrow_the_list() {
    let mut b = bench((80, 24));
    assert!(
        b.shows("[all 5]") && b.shows("kept 3") && b.shows("rejected 1") && b.shows("failed 1")
    );
    b.keys("v v").settle();
    assert!(b.shows("1 of 1") && b.shows("Parents are proud.") && b.shows("[rejected 1]"));
    b.keys("v v v /").types("seed:Q28 paid").keys("enter").settle();
    assert!(b.shows("1 of 1") && b.shows("Children suffer"), "{}", b.screen());
    b.keys("esc").settle();
    assert!(b.shows("1 of 5"));
    b.keys("/").types("zzz").keys("enter").settle();
    assert!(b.shows("No sample passes here"));
    b.keys("A").settle();
    assert!(b.shows("of 5"));
}

#[test]
fn a_threshold_says_what_it_would_keep_and_changes_nothing() {
    let mut rows: Vec<Sample> = thousand();
    for s in &mut rows[..520] {
        *s = dissimilar(s.similarity.unwrap().get(), s.clone());
    }
    let mut b = Bench::filled((80, 24), put(&rows)).at(ScreenId::Samples);
    b.keys("h").settle();
    assert!(b.shows("threshold 0.520: 480 of 1,000 samples"), "{}", b.screen());
    assert_screen!("samples-threshold", b);
    b.keys("right right up");
    assert!(
        b.shows("threshold 0.541: 459 of 1,000") && b.shows("21 fewer than now"),
        "{}",
        b.screen()
    );
    b.keys("left left left left");
    assert!(b.shows("threshold 0.501: 499") && b.shows("19 more than now"), "{}", b.screen());
    let before = texts(&b);
    b.keys("enter").settle();
    assert!(b.shows("filter: sim>=0.501") && b.shows("of 499"), "{}", b.screen());
    assert_eq!(texts(&b), before);
    assert!(b.note().unwrap().1.contains("polyculture augment"));
    b.keys("h").settle();
    b.keys("right a").settle();
    assert_eq!(b.app.at(), ScreenId::Seeds);
    assert!(b.shows("Grow samples from 50 seeds") && b.shows("--threshold 0.5"), "{}", b.screen());
}

#[test]
fn ancestry_goes_back_to_the_seed_and_shows_the_raw_reply_harmless() {
    let key = "ab".repeat(32);
    let mut rows = garden();
    rows[1].provenance.reply = Some(key.clone());
    let mut b = Bench::filled((80, 40), put(&rows)).at(ScreenId::Samples);
    let attempt = b.place().folder().runs().join("r-0001").join("attempt-1");
    std::fs::create_dir_all(&attempt).unwrap();
    let reply = json!({
        "key": key, "status": 200, "at": "2026-03-01T00:00:00Z", "by": "openai:lab/m", "tries": 1,
        "body": "{\"text\": \"\u{1b}[2J first words of the reply\"}",
    });
    std::fs::write(attempt.join("replies.jsonl"), format!("{reply}\n")).unwrap();
    b.keys("j enter").settle();
    for text in [
        "Seed Q27",
        "stage synonym, template belief, family stance",
        "exchanged: parents -> mother and father",
        "Made from",
        "One goal of my life has been making my parents proud.",
        "run r-0001",
        "first words of the reply",
    ] {
        assert!(b.shows(text), "{text}\n{}", b.screen());
    }
    b.keys("R");
    assert_eq!(b.app.at(), ScreenId::Runs);
}

#[test]
fn the_pair_can_be_seen_elsewhere_and_copied() {
    let mut b = bench((80, 24));
    b.keys("o O y");
    let names: Vec<String> = b
        .effects
        .iter()
        .filter_map(|e| match e {
            Effect::Pager(t) => Some(format!("pager {}", t.contains("parents proud"))),
            Effect::Export { name, bytes } => Some(format!(
                "page {} {}",
                name.ends_with(".html"),
                bytes.starts_with(b"<!doctype")
            )),
            Effect::Copy(t) => Some(format!("copy {t}")),
            _ => None,
        })
        .collect();
    assert_eq!(names[0], "pager true");
    assert_eq!(names[1], "page true true");
    assert!(names[2].starts_with("copy One goal"));
}

#[test]
fn where_one_was_is_found_again() {
    let mut b = Bench::filled((80, 24), put(&thousand())).at(ScreenId::Samples);
    b.keys("G").settle();
    b.keys("k k").settle();
    let saved = b.app.save();
    let mut again = Bench::filled((80, 24), put(&thousand()));
    again.app.restore(&saved);
    let mut again = again.at(ScreenId::Samples);
    assert!(
        again.shows("sentence number 997") && again.shows("998 of 1,000"),
        "{}",
        again.screen()
    );
}

#[test]
fn another_screen_can_send_one_here() {
    let mut b = bench((80, 24));
    b.keys("2").settle();
    assert_eq!(b.app.at(), ScreenId::Seeds);
    b.keys("S").settle();
    assert!(b.shows("of Q27") && b.shows("of 3"), "{}", b.screen());
}

#[test]
fn no_sequence_of_keys_breaks_the_screen() {
    use crate::stats::dice::Dice;
    let keys: Vec<&str> =
        "j k g G space * s a x E u enter i v V h t d A S o O y r X left right up down esc tab pageup pagedown ctrl-s b"
            .split_whitespace()
            .collect();
    let mut dice = Dice::new(7, &["keys"]);
    let mut b = Bench::filled((80, 24), put(&garden())).at(ScreenId::Samples);
    for round in 0..600 {
        b.keys(keys[dice.below(keys.len())]);
        if round % 3 == 0 {
            b.settle();
        }
        if round % 20 == 0 {
            b.keys("3");
        }
        if round % 50 == 0 {
            let (w, h) = (dice.below(200) as u16 + 1, dice.below(60) as u16 + 1);
            b.resize(w, h);
        }
        b.screen();
    }
}
