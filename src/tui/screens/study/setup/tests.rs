//! The forms of a study by their keys: bad input first.

use std::sync::{Arc, Mutex};

use crate::augment::sample_id;
use crate::domain::{Decision, Provenance, QuestionId, Sample, Similarity, Stage, StudyId};
use crate::store::Workspace as Store;
use crate::study::{NewStudy, create_study, fix_plan};
use crate::tui::screen::ScreenId;
use crate::tui::testing::{Bench, assert_screen};

fn samples() -> Vec<Sample> {
    let of = |n: usize| {
        let seed = QuestionId::new(["Q27", "Q28", "Q29", "Q30"][n % 4]).unwrap();
        let text = format!("A sample in way {n} of saying it.");
        Sample {
            id: sample_id(&seed, "en", &text).unwrap(),
            seed,
            language: "en".into(),
            text,
            stage: Stage::Template,
            similarity: Some(Similarity::new(0.75).unwrap()),
            decision: Decision::Kept,
            provenance: Provenance {
                provider: "offline".into(),
                version: "rules-1".into(),
                run: Some("r-0001".into()),
                template: None,
                family: None,
                held_out: false,
                parent: None,
                substitutions: vec![],
                seed: 1,
                reply: None,
            },
        }
    };
    (0..40).map(of).collect()
}

fn fill(store: &mut Store) {
    store.write(|tx| tx.put_samples(&samples())).unwrap();
}

fn step(b: &mut Bench, keys: &str) {
    for key in keys.split_whitespace() {
        b.keys(key).settle();
    }
}

/// Writes into the field of this label, from the first field of the form.
fn write(b: &mut Bench, downs: usize, text: &str) {
    for _ in 0..downs {
        b.keys("down");
    }
    b.keys("ctrl-u");
    b.types(text).settle();
}

type Sent = Arc<Mutex<Vec<String>>>;

fn bench(size: (u16, u16), fill: impl FnOnce(&mut Store)) -> (Bench, Sent) {
    let sent = Sent::default();
    let seen = Arc::clone(&sent);
    let b = Bench::filled(size, fill)
        .command(move |args| {
            seen.lock().unwrap().push(args.join(" "));
            Ok(serde_json::json!({}))
        })
        .at(ScreenId::Rate);
    (b, sent)
}

fn raters_file(b: &Bench, n: usize) -> String {
    let path = b.folder().join("raters.csv");
    let rows: String = (1..=n).map(|i| format!("r{i:02},en,\n")).collect();
    std::fs::write(&path, format!("id,languages,cultures\n{rows}")).unwrap();
    path.display().to_string()
}

#[test]
fn without_kept_samples_the_form_says_so_and_cannot_be_sent() {
    let (mut b, sent) = bench((80, 24), |_| {});
    step(&mut b, "N");
    assert!(b.shows("A new study") && b.shows("no sample can enter"), "{}", b.screen());
    step(&mut b, "enter");
    assert!(b.app.shared.size == (80, 24) && sent.lock().unwrap().is_empty());
    step(&mut b, "esc");
    assert!(b.shows("No study yet"), "{}", b.screen());
}

#[test]
fn a_wrong_value_is_told_at_its_field_before_anything_is_made() {
    let (mut b, sent) = bench((80, 24), fill);
    step(&mut b, "N");
    assert!(b.shows("40 samples match"), "{}", b.screen());
    write(&mut b, 7, "0.9..0.8");
    assert!(b.shows("is no similarity band"), "{}", b.screen());
    write(&mut b, 0, "");
    write(&mut b, 8, "/nowhere/raters.csv");
    assert!(b.shows("/nowhere/raters.csv"), "{}", b.screen());
    step(&mut b, "enter");
    assert!(!b.shows("Make the study") && sent.lock().unwrap().is_empty(), "{}", b.screen());
    // too few for k = 3
    let file = raters_file(&b, 2);
    write(&mut b, 0, &file);
    assert!(b.shows("need 3 raters each"), "{}", b.screen());
}

#[test]
fn load_hours_and_widths_stand_beside_the_fields_and_two_commands_make_the_study() {
    let (mut b, sent) = bench((120, 40), fill);
    step(&mut b, "N");
    let file = raters_file(&b, 6);
    write(&mut b, 9, "20");
    write(&mut b, 6, &file);
    for said in ["40 samples match", "load:", "hours in all", "interval to expect", "assumed"] {
        assert!(b.shows(said), "{said}: {}", b.screen());
    }
    assert!(b.shows("polyculture study new study-1 --items 20"), "{}", b.screen());
    step(&mut b, "enter");
    assert!(b.shows("and fix its plan"), "{}", b.screen());
    assert!(sent.lock().unwrap().is_empty(), "nothing is made before yes");
    step(&mut b, "y");
    let sent = sent.lock().unwrap();
    assert!(
        sent[0].contains("--items 20 --anchors 20") && sent[0].contains("--raters-file"),
        "{sent:?}"
    );
    assert_eq!(sent[1], "study plan --study study-1");
    assert!(b.note().unwrap().1.contains("made and fixed"), "{:?}", b.note());
}

#[test]
fn an_amendment_needs_a_reason_and_something_that_changes() {
    let planned = |s: &mut Store| {
        fill(s);
        let name = StudyId::new("pilot").unwrap();
        let survey = s.read().survey().unwrap();
        create_study(s, &samples(), &survey, &NewStudy::named(name.clone(), 10, 1)).unwrap();
        let people: Vec<_> = (1..=3)
            .map(|n| {
                crate::study::RaterSpec {
                    id: crate::domain::RaterId::new(format!("r{n}")).unwrap(),
                    languages: vec!["en".into()],
                    cultures: Vec::new(),
                }
                .person()
            })
            .collect();
        fix_plan(s, &name, &people).unwrap();
    };
    let (mut b, sent) = bench((80, 24), planned);
    step(&mut b, "m p enter");
    assert!(b.shows("Amend pilot") && b.shows("something has to stand here"), "{}", b.screen());
    write(&mut b, 0, "two fell ill");
    step(&mut b, "enter");
    assert!(b.shows("nothing changes yet"), "{}", b.screen());
    write(&mut b, 1, "r1, r2");
    step(&mut b, "enter");
    assert!(b.shows("Amend pilot?"), "{}", b.screen());
    step(&mut b, "y");
    let line = sent.lock().unwrap()[0].clone();
    assert_eq!(line, "study amend --study pilot --reason=two fell ill --release r1,r2");
}

#[test]
fn pictures_of_the_forms() {
    for (name, size) in [("study-form-80x24", (80, 24)), ("study-form-120x40", (120, 40))] {
        let (mut b, _) = bench(size, fill);
        step(&mut b, "N");
        assert_screen!(name, b);
    }
}
