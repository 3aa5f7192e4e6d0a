//! What people said about samples: which scores count, and which samples they leave.

use super::*;
use crate::store::JUDGE_SLOTS;

fn study(name: &str) -> StudyId {
    StudyId::new(name).unwrap()
}

/// The sample `sN`.
fn id(n: usize) -> SampleId {
    sample(n).id
}

fn item(name: &str, kind: ItemKind, of: usize) -> Item {
    let whole = json!({
        "id": name, "kind": kind, "k": null, "seed": "Q27", "sample": id(of), "language": "en",
        "culture": null, "seed_text": "a", "sample_text": "b", "sha256": "00",
        "repeat_of": (kind == ItemKind::Repeat).then_some("i1"), "expected": null,
    });
    serde_json::from_value(whole).unwrap()
}

/// A study of these items with three people, a script and a judge; everybody has every item.
fn put_study(ws: &mut Workspace, name: &str, kind: StudyType, items: &[Item]) {
    let record = StudyRecord {
        id: study(name),
        study_type: kind,
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        k: 3,
        seed: 1,
        spec: json!({}),
        fixed: None,
    };
    let raters = [
        ("p1", RaterKind::Human),
        ("p2", RaterKind::Human),
        ("p3", RaterKind::Human),
        ("script", RaterKind::Scripted),
        ("judge", RaterKind::Judge),
    ];
    ws.write(|tx| {
        tx.put_study(&record, items)?;
        for (slot, (rater, kind)) in (0..).zip(raters) {
            let rater = RaterId::new(rater).unwrap();
            let whole = json!({"id": rater, "kind": kind, "languages": ["en"], "cultures": [], "consent": null});
            tx.put_rater(&record.id, &serde_json::from_value(whole).unwrap())?;
            for (position, item) in (0..).zip(items) {
                let a = NewAssignment {
                    item: item.id.clone(),
                    slot: slot + if kind == RaterKind::Judge { JUDGE_SLOTS } else { 0 },
                    rater: rater.clone(),
                    position,
                    swap: false,
                    lease_until: None,
                };
                tx.assign(&record.id, &a)?;
            }
        }
        Ok(())
    })
    .unwrap();
}

fn rate(ws: &mut Workspace, name: &str, rater: &str, item: usize, action: Action) -> i64 {
    let rater = RaterId::new(rater).unwrap();
    let all = ws.read().assignments_of(&study(name), &rater).unwrap();
    ws.submit_rating(&NewEvent::new(all[item].id, rater, action)).unwrap()
}

fn score(n: u8) -> Action {
    Action::Submit(Score::new(n).unwrap())
}

fn left(ws: &Workspace, at_least: f64, by: u32, of: Option<&str>) -> Vec<String> {
    let rated = RatedAtLeast::new(at_least, by, of.map(study)).unwrap();
    let said = ws.read().people_said(rated.study.as_ref(), &SampleFilter::default()).unwrap();
    let filter = SampleFilter { rated: Some(rated.clone()), ..SampleFilter::default() };
    let found: Vec<_> = ws.read().all_samples(&filter).unwrap().into_iter().map(|s| s.id).collect();
    // the rule in SQL and the rule in Rust are one rule
    let by_rule: Vec<_> =
        said.iter().filter(|(_, s)| rated.holds(s.ratings, s.sum, s.raters)).map(|s| s.0).collect();
    assert_eq!(found.iter().collect::<Vec<_>>(), by_rule);
    assert_eq!(ws.read().count_samples(&filter).unwrap(), found.len() as u64);
    found.into_iter().map(|s| s.to_string()).collect()
}

#[test]
fn only_standing_scores_of_people_on_the_samples_themselves_count() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    ws.write(|tx| tx.put_samples(&(1..=6).map(sample).collect::<Vec<_>>())).unwrap();
    put_study(
        &mut ws,
        "one",
        StudyType::Similarity,
        &[
            item("i1", ItemKind::Sample, 1),
            item("i2", ItemKind::Anchor, 2),
            item("i3", ItemKind::Repeat, 3),
            item("i4", ItemKind::ControlIdentical, 4),
        ],
    );
    assert_eq!(left(&ws, 1.0, 1, None), Vec::<String>::new(), "nobody said anything");
    // a mean of exactly 4 by three people; the anchor by two
    for (rater, a, b) in [("p1", 5, 5), ("p2", 4, 4), ("p3", 3, 5)] {
        rate(&mut ws, "one", rater, 0, score(a));
        let e = rate(&mut ws, "one", rater, 1, score(b));
        if rater == "p3" {
            rate(&mut ws, "one", rater, 1, Action::Undo { previous: e });
        }
        // repeats and controls are no opinion about a sample
        rate(&mut ws, "one", rater, 2, score(5));
        rate(&mut ws, "one", rater, 3, score(5));
    }
    // neither scripts nor judges are people
    for other in ["script", "judge"] {
        rate(&mut ws, "one", other, 0, score(1));
        rate(&mut ws, "one", other, 1, score(1));
    }
    assert_eq!(left(&ws, 4.0, 3, None), ["s1"]);
    assert_eq!(left(&ws, 4.0, 2, None), ["s1", "s2"]);
    assert_eq!(left(&ws, 4.01, 2, None), ["s2"]);
    assert_eq!(left(&ws, 1.0, 4, None), Vec::<String>::new());
    // a second study: means go over both, unless one is named
    put_study(&mut ws, "two", StudyType::Similarity, &[item("x", ItemKind::Sample, 1)]);
    rate(&mut ws, "two", "p1", 0, score(1));
    assert_eq!(left(&ws, 4.0, 2, None), ["s2"]);
    assert_eq!(left(&ws, 3.25, 4, None), ["s1"]);
    assert_eq!(left(&ws, 4.0, 2, Some("one")), ["s1", "s2"]);
    assert_eq!(left(&ws, 1.0, 1, Some("two")), ["s1"]);
    // how fitting an answer is says nothing about likeness
    put_study(&mut ws, "fit", StudyType::Appropriateness, &[item("y", ItemKind::Sample, 5)]);
    rate(&mut ws, "fit", "p1", 0, score(5));
    assert_eq!(left(&ws, 1.0, 1, Some("fit")), Vec::<String>::new());
    let said = ws.read().people_said(None, &SampleFilter::default()).unwrap();
    let one = &said[&id(1)];
    assert_eq!((one.ratings, one.raters, one.sum, one.high), (4, 4, 13, 2));
    let some = SampleFilter { seed: Some(sample(2).seed), ..SampleFilter::default() };
    assert_eq!(ws.read().people_said(Some(&study("one")), &some).unwrap().len(), 1);
}
