//! Before the first pair: the study's own words, consent again where they changed, practice.

use super::*;
use crate::store::{Change, StudyText, TextKind, TextSource};
use crate::study::{Nearness, own_text, put_own_texts, qualifications, text_sha256};

fn practice(s: &Session) -> PracticeView<'_> {
    match s.view() {
        View::Practice(p) => p,
        other => panic!("expected practice, got {other:?}"),
    }
}

/// A study with five pairs of practice in German, not fixed yet.
fn german(dir: &tempfile::TempDir) -> Workspace {
    let mut ws = Workspace::create(dir.path()).unwrap();
    put(&mut ws, &[item(1, "de"), item(2, "de")], serde_json::json!({"qualification": 5}));
    ws
}

fn fix(ws: &mut Workspace) {
    fix_plan(ws, &study(), &[person("r1", &["de"])]).unwrap();
}

#[test]
fn practice_tells_how_near_an_answer_came_asks_again_what_was_far_off_and_shuts_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = german(&dir);
    fix(&mut ws);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    // expected are 5 4 3 2 1
    assert_eq!((practice(&s).number, practice(&s).of, practice(&s).pair.score), (1, 5, 5));
    act(&mut s, &mut ws, Act::Begin, 1);
    assert_eq!(practice(&s).given, None, "Enter is no answer");
    for (given, near) in
        [(5, Nearness::Right), (5, Nearness::Near), (1, Nearness::Far), (2, Nearness::Right)]
    {
        act(&mut s, &mut ws, Act::Score(score(given)), 2);
        assert_eq!(practice(&s).given, Some((score(given), near)));
        act(&mut s, &mut ws, Act::Score(score(3)), 2);
        assert_eq!(practice(&s).given, Some((score(given), near)), "one answer a pair");
        act(&mut s, &mut ws, Act::Begin, 3);
    }
    // cut off here, it goes on here
    drop(s);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    assert_eq!((practice(&s).number, practice(&s).round), (5, 1));
    act(&mut s, &mut ws, Act::Guideline(true), 4);
    assert!(matches!(s.view(), View::Guideline { .. }));
    act(&mut s, &mut ws, Act::Begin, 4);
    act(&mut s, &mut ws, Act::Score(score(1)), 5);
    act(&mut s, &mut ws, Act::Begin, 5);
    assert_eq!((practice(&s).number, practice(&s).of, practice(&s).round), (1, 1, 2));
    act(&mut s, &mut ws, Act::Score(score(1)), 6);
    assert_eq!(practice(&s).given.map(|g| g.1), Some(Nearness::Far));
    act(&mut s, &mut ws, Act::Begin, 6);
    assert_eq!(s.view(), View::PracticeOver { counts: [3, 1, 1] });
    act(&mut s, &mut ws, Act::Begin, 7);
    assert_eq!(shown(&s).number, 1);
    assert_eq!(ws.read().rating_events(&study()).unwrap().len(), 0, "practice is no rating");
    let found = qualifications(ws.read(), &study()).unwrap();
    let q = &found[0];
    assert_eq!(
        (found.len(), q.rounds, q.asked, q.right, q.near, q.far, q.mended),
        (1, 2, 5, 3, 1, 1, 0)
    );
    // another day there is none
    act(&mut s, &mut ws, Act::Score(score(3)), 8);
    let mut s = open(&ws);
    act(&mut s, &mut ws, Act::Begin, 90);
    assert_eq!(shown(&s).number, 2);
}

#[test]
fn the_words_that_were_shown_are_stored_with_the_study_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = german(&dir);
    fix(&mut ws);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let texts = ws.read().study_texts(&study()).unwrap();
    let mut names: Vec<String> = texts.iter().map(StudyText::name).collect();
    names.sort();
    assert_eq!(
        names,
        ["consent/de@consent.de@1", "examples/de@examples.de@1", "guideline/de@similarity.de@1"]
    );
    assert!(texts.iter().all(|t| t.source == TextSource::Program));
    let given = ws.read().consents(&study(), &rater("r1")).unwrap();
    let consent = texts.iter().find(|t| t.kind == TextKind::Consent).unwrap();
    assert_eq!((given.len(), &given[0].sha256, given[0].at), (1, &consent.sha256, at(0)));
    assert_eq!(text_sha256(&consent.body), consent.sha256);
    act(&mut s, &mut ws, Act::Score(score(5)), 1);
    assert_eq!(ws.read().study_texts(&study()).unwrap().len(), 3);
}

#[test]
fn a_consent_that_changed_is_asked_for_again_and_an_unchanged_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = german(&dir);
    let own = |ws: &Workspace, body: &str| {
        let stored = ws.read().study_texts(&study()).unwrap();
        own_text(&stored, StudyType::Similarity, TextKind::Consent, "de", body).unwrap()
    };
    let first = own(&ws, "Bezahlt werden 15 Euro.");
    put_own_texts(&mut ws, &study(), &[first]).unwrap();
    fix(&mut ws);
    let mut s = open(&ws);
    assert!(matches!(s.view(), View::Welcome(w)
        if w.consent.is_some_and(|c| c.lines == ["Bezahlt werden 15 Euro."]) && !w.changed));
    begin(&mut s, &mut ws);
    assert!(matches!(open(&ws).view(), View::Welcome(w) if w.consent.is_none()));
    let second = own(&ws, "Bezahlt werden 20 Euro.");
    assert!(
        put_own_texts(&mut ws, &study(), std::slice::from_ref(&second)).is_err(),
        "the study is fixed"
    );
    ws.write(|tx| {
        let change = Change { texts: vec![second.name()], ..Change::default() };
        tx.amend(&study(), "lead", "the pay changed", &change).map(drop)
    })
    .unwrap();
    put_own_texts(&mut ws, &study(), &[second]).unwrap();
    let mut s = open(&ws);
    assert!(matches!(s.view(), View::Welcome(w) if w.consent.is_some() && w.changed));
    act(&mut s, &mut ws, Act::Score(score(3)), 9);
    assert!(matches!(s.view(), View::Welcome(_)), "nothing before the consent");
    act(&mut s, &mut ws, Act::Begin, 10);
    assert_eq!(ws.read().consents(&study(), &rater("r1")).unwrap().len(), 2);
    assert!(matches!(open(&ws).view(), View::Welcome(w) if w.consent.is_none()));
}

#[test]
fn a_consent_of_which_only_the_version_is_known_holds_in_whatever_language() {
    use crate::store::Consent;
    for (version, asked) in [("consent@1", false), ("own", false), ("consent@0", true)] {
        let dir = tempfile::tempdir().unwrap();
        let mut ws = german(&dir);
        let consent = Some(Consent { version: version.into(), at: at(0) });
        let person = Rater { consent, ..person("r1", &["de"]) };
        fix_plan(&mut ws, &study(), &[person]).unwrap();
        let s = open(&ws);
        assert!(matches!(s.view(), View::Welcome(w) if w.consent.is_some() == asked), "{version}");
    }
}
