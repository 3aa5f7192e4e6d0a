//! Results by group and the calibration curve, from a real database.

use std::path::Path;

use super::*;
use crate::store::{Action, NewEvent, Reason, Workspace};
use crate::study::*;

fn name() -> StudyId {
    StudyId::new("s").unwrap()
}

/// 12 seeds of four samples with similarities .80 to .99; two people who say 5 from .90 on, else 2.
fn rated(dir: &Path) -> Workspace {
    let mut ws = Workspace::create(dir).unwrap();
    let mut all = samples(12, 4);
    for (n, s) in all.iter_mut().enumerate() {
        s.similarity = Some(Similarity::new(0.80 + 0.01 * (n % 20) as f64).unwrap());
        s.provenance.run = Some(format!("run-{}", n % 2));
        if n % 2 == 1 {
            s.stage = Stage::Synonym;
        }
    }
    let new = NewStudy { k: 2, ..NewStudy::named(name(), 40, 3) };
    let items = create_study(&mut ws, &all, &survey(12), &new).unwrap();
    fix_plan(&mut ws, &name(), &raters(2)).unwrap();
    for a in ws.read().assignments(&name()).unwrap() {
        let item = items.iter().find(|i| i.id == a.content.item).unwrap();
        let score = if item.origin.similarity.unwrap_or(0.0) >= 0.8999 { 5 } else { 2 };
        let action = Action::Submit(Score::new(score).unwrap());
        ws.submit_rating(&NewEvent::new(a.id, a.content.rater, action)).unwrap();
    }
    ws
}

#[test]
fn groups_hold_all_ratings_and_each_says_its_own_mean() {
    let dir = tempfile::tempdir().unwrap();
    let ws = rated(dir.path());
    assert!(
        results_by(ws.read(), &StudyId::new("none").unwrap(), By::Run, Among::People, 50, 1)
            .is_err()
    );
    let whole = results(ws.read(), &name(), 50, 1).unwrap().agreement.unwrap();
    for by in By::ALL {
        let found = results_by(ws.read(), &name(), by, Among::People, 50, 1).unwrap();
        let ratings: usize =
            found.groups.iter().filter_map(|g| g.agreement.as_ref()).map(|a| a.ratings).sum();
        assert_eq!(ratings, whole.ratings, "{by:?}");
    }
    let names = |by| -> Vec<String> {
        let found = results_by(ws.read(), &name(), by, Among::People, 50, 1).unwrap();
        found.groups.into_iter().map(|g| g.name).collect()
    };
    assert_eq!(names(By::Culture), ["(not said)"]);
    assert_eq!(names(By::Language), ["en"]);
    assert_eq!(names(By::Run), ["run-0", "run-1"]);
    assert_eq!(names(By::Stage).len(), 2);
    assert_eq!(names(By::Band), ["0.80 to 0.85", "0.85 to 0.90", "0.90 to 0.95", "0.95 to 1.00"]);
    let bands = results_by(ws.read(), &name(), By::Band, Among::People, 50, 1).unwrap();
    for (band, mean) in bands.groups.iter().zip([2.0, 2.0, 5.0, 5.0]) {
        assert_eq!(band.figure("mean").unwrap().value, Some(mean), "{}", band.name);
        assert_eq!(band.figure("alpha-ordinal").unwrap().value, None, "unanimous");
        assert_eq!(band.figure("raw").unwrap().value, Some(1.0));
    }
}

#[test]
fn the_threshold_of_the_encoder_is_where_people_begin_to_say_four_or_five() {
    let dir = tempfile::tempdir().unwrap();
    let ws = rated(dir.path());
    for bad in [0.0, 1.1, f64::NAN] {
        assert!(calibrate(ws.read(), &name(), bad, 50, 1).is_err(), "{bad}");
    }
    let c = calibrate(ws.read(), &name(), 0.9, 50, 1).unwrap();
    assert_eq!(c.curve.len(), 2, "{:?}", c.curve);
    assert_eq!((c.curve[0].share, c.curve[1].share), (0.0, 1.0));
    assert!((c.curve[1].from - 0.90).abs() < 1e-9 && c.items == 40, "{c:?}");
    let t = c.threshold.unwrap();
    assert!(t.similarity > 0.85 && t.similarity < 0.93, "{t:?}");
    assert!(t.share.unwrap().value > 0.8 && t.share_all < 0.8 && t.kept < t.reported_on);
    assert_eq!(t.chosen_on + t.reported_on, 40);
}

#[test]
fn what_was_not_scored_and_what_was_marked_is_counted_by_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    let new = NewStudy { k: 2, ..NewStudy::named(name(), 6, 3) };
    create_study(&mut ws, &samples(3, 2), &survey(3), &new).unwrap();
    fix_plan(&mut ws, &name(), &raters(2)).unwrap();
    let mut of = ws.read().assignments(&name()).unwrap();
    let items = ws.read().items(&name()).unwrap();
    // controls and repeats are not counted
    of.retain(|a| items.iter().any(|i| i.id == a.content.item && i.kind.enters_estimates()));
    let mut put = |at: usize, action, reason| {
        let a = &of[at];
        let event = NewEvent { reason, ..NewEvent::new(a.id, a.content.rater.clone(), action) };
        ws.submit_rating(&event).unwrap();
    };
    put(0, Action::Skip, Some(Reason::CannotJudge));
    put(1, Action::Skip, None);
    put(2, Action::Submit(Score::new(2).unwrap()), None);
    put(2, Action::Flag, Some(Reason::BrokenText));
    put(2, Action::Flag, Some(Reason::BrokenText));
    let found = results(ws.read(), &name(), 50, 1).unwrap();
    let counts = |of: &std::collections::BTreeMap<String, usize>| -> Vec<(String, usize)> {
        of.iter().map(|(why, n)| (why.clone(), *n)).collect()
    };
    assert_eq!(counts(&found.not_scored), [("cannot-judge".into(), 1), ("put-off".into(), 1)]);
    assert_eq!(counts(&found.flagged), [("broken-text".into(), 1)], "one rater, one item: once");
}
