//! Samples, decisions, pages.

use super::*;

#[test]
fn samples_are_stored_once_and_a_persons_decision_holds() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let all: Vec<Sample> = (0..10).map(sample).collect();
    assert_eq!(ws.write(|tx| tx.put_samples(&all)).unwrap().added, 10);
    assert_eq!(ws.write(|tx| tx.put_samples(&all)).unwrap().updated, 10);
    let id = all[2].id.clone();
    let no = Decision::Rejected(RejectReason::ByHand { note: "odd".into() });
    ws.write(|tx| tx.set_decision(&id, &no, "anna", "odd")).unwrap();
    assert_eq!(ws.write(|tx| tx.put_samples(&all)).unwrap().kept_by_hand, 1);
    let row = ws.read().sample(&id).unwrap().unwrap();
    assert!(row.by_hand && row.sample.decision == no);
    assert!(ws.write(|tx| tx.undo_decision("bert")).unwrap().is_none());
    let undone = ws.write(|tx| tx.undo_decision("anna")).unwrap().unwrap();
    assert_eq!(undone.to, Decision::Kept);
    assert!(ws.write(|tx| tx.undo_decision("anna")).unwrap().is_none());
    let row = ws.read().sample(&id).unwrap().unwrap();
    assert!(!row.by_hand && row.sample == all[2]);
    assert_eq!(ws.read().decisions_of(&id).unwrap().len(), 2);
    let e = ws.database().conn().execute("DELETE FROM decision_log", []).unwrap_err();
    assert!(e.to_string().contains("append-only"));
}

#[test]
fn an_edited_sample_is_a_new_one_with_the_old_one_as_parent() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let (old, mut new) = (sample(2), sample(7));
    new.stage = Stage::Imported;
    ws.write(|tx| tx.put_samples(std::slice::from_ref(&old))).unwrap();
    ws.write(|tx| tx.edit_sample(&old.id, &new, "anna")).unwrap();
    let kept = ws.read().sample(&new.id).unwrap().unwrap();
    assert_eq!(kept.sample.provenance.parent, Some(old.id.clone()));
    assert!(kept.by_hand);
    let gone = ws.read().sample(&old.id).unwrap().unwrap();
    assert_eq!(gone.sample.decision.as_str(), "rejected");
    assert!(ws.write(|tx| tx.edit_sample(&old.id, &old, "anna")).is_err());
}

#[test]
fn an_edit_that_is_taken_back_leaves_the_old_text_in_use_and_the_new_one_not() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let (old, mut new) = (sample(2), sample(7));
    new.decision = Decision::Kept;
    ws.write(|tx| tx.put_samples(std::slice::from_ref(&old))).unwrap();
    ws.write(|tx| tx.edit_sample(&old.id, &new, "anna")).unwrap();
    let decided = |ws: &Workspace, id| ws.read().sample(id).unwrap().unwrap().sample.decision;
    assert_eq!(decided(&ws, &new.id), Decision::Kept);
    for _ in 0..2 {
        assert!(ws.write(|tx| tx.undo_decision("anna")).unwrap().is_some());
    }
    assert_eq!(decided(&ws, &old.id), old.decision);
    assert_eq!(decided(&ws, &new.id).as_str(), "rejected");
}

#[test]
fn pages_hold_every_sample_once_in_every_order() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let all: Vec<Sample> = (0..57).map(sample).collect();
    ws.write(|tx| tx.put_samples(&all)).unwrap();
    for order in [SampleOrder::Arrival, SampleOrder::SimilarityUp, SampleOrder::SimilarityDown] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = ws.read().samples_by(&SampleFilter::default(), order, after, 10).unwrap();
            let Some(last) = page.last() else { break };
            // the cursor survives its journey through JSON
            let json = serde_json::to_string(&last.cursor()).unwrap();
            after = Some(serde_json::from_str(&json).unwrap());
            seen.extend(
                page.into_iter().map(|r| (r.sample.similarity.map(Similarity::get), r.row)),
            );
        }
        let mut rows: Vec<i64> = seen.iter().map(|s| s.1).collect();
        if order == SampleOrder::SimilarityUp {
            assert!(seen.windows(2).all(|w| w[0] < w[1]));
        }
        if order == SampleOrder::SimilarityDown {
            assert!(seen.windows(2).all(|w| w[0] > w[1]));
        }
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 57, "{order:?}");
    }
}

#[test]
fn filters_and_counts_agree() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let all: Vec<Sample> = (0..60).map(sample).collect();
    ws.write(|tx| tx.put_samples(&all)).unwrap();
    let n = |f: SampleFilter| ws.read().count_samples(&f).unwrap();
    let base = SampleFilter::default;
    assert_eq!(n(SampleFilter { decision: Some(DecisionKind::Rejected), ..base() }), 12);
    assert_eq!(n(SampleFilter { reason: Some("broken".into()), ..base() }), 12);
    assert_eq!(n(SampleFilter { reason: Some("broken/quotes".into()), ..base() }), 12);
    assert_eq!(n(SampleFilter { reason: Some("brok".into()), ..base() }), 0);
    assert_eq!(n(SampleFilter { contains: Some("100% SURE_".into()), ..base() }), 60);
    assert_eq!(n(SampleFilter { contains: Some("number 5,".into()), ..base() }), 1);
    assert_eq!(n(SampleFilter { run: Some("run-1".into()), ..base() }), 30);
    assert_eq!(n(SampleFilter { seed: Some(QuestionId::new("Q27").unwrap()), ..base() }), 20);
    let counts = ws.read().sample_counts(&base()).unwrap();
    assert_eq!(counts.iter().map(|c| c.n).sum::<u64>(), 60);
    let by_seed = ws.read().sample_counts_by_seed().unwrap();
    assert_eq!(by_seed.iter().map(|c| c.2).sum::<u64>(), 60);
}
