//! Datasets, models, ingest, evaluations.

use super::*;

#[test]
fn a_dataset_name_never_changes_its_rows() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let d = DatasetRecord {
        name: DatasetId::new("arabic").unwrap(),
        created: "2026-11-20T10:00:00Z".parse().unwrap(),
        policy: LabelPolicy::RoundedMean,
        manifest: json!({"rows": 550}),
        path: "exports/arabic.jsonl".into(),
        sha256: "aa".into(),
    };
    ws.write(|tx| tx.put_dataset(&d)).unwrap();
    ws.write(|tx| tx.put_dataset(&d)).unwrap();
    assert_eq!(ws.read().datasets().unwrap(), std::slice::from_ref(&d));
    let other = DatasetRecord { sha256: "bb".into(), ..d };
    let e = ws.write(|tx| tx.put_dataset(&other)).unwrap_err();
    assert!(e.to_string().contains("another name"), "{e}");
}

#[test]
fn models_are_found_by_id_alias_and_run() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let m = ModelRecord {
        id: ModelId::new("tiny-1").unwrap(),
        alias: Some("best".into()),
        kind: "local".into(),
        run: Some(RunId::new("r1").unwrap()),
        checkpoint: Some("runs/r1/attempt-1/checkpoints/10".into()),
        dataset: None,
        recipe: json!({"lr": 1e-3}),
        created: "2026-11-20T10:00:00Z".parse().unwrap(),
        card: json!({}),
    };
    ws.write(|tx| tx.put_model(&m)).unwrap();
    let other = ModelRecord { id: ModelId::new("tiny-2").unwrap(), ..m.clone() };
    assert!(ws.write(|tx| tx.put_model(&other)).is_err(), "an alias has one model");
    let other = ModelRecord { alias: None, ..other };
    ws.write(|tx| tx.put_model(&other)).unwrap();
    assert_eq!(ws.read().model(&m.id).unwrap().as_ref(), Some(&m));
    assert_eq!(ws.read().model_by_alias("best").unwrap(), Some(m));
    assert_eq!(ws.read().models_of_run(&RunId::new("r1").unwrap()).unwrap().len(), 2);
}

#[test]
fn an_ingest_offset_is_written_with_its_rows_and_never_goes_back() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let run = RunId::new("r1").unwrap();
    let file = "attempt-1/results.jsonl";
    let failed = ws.write(|tx| {
        tx.put_samples(&[sample(1)])?;
        tx.set_ingest_offset(&run, file, 100)?;
        Err::<(), _>(StoreError::not_found(Path::new("x"), "thing", "y"))
    });
    assert!(failed.is_err());
    assert_eq!(ws.read().ingest_offset(&run, file).unwrap(), 0);
    ws.write(|tx| tx.set_ingest_offset(&run, file, 100)).unwrap();
    assert!(ws.write(|tx| tx.set_ingest_offset(&run, file, 99)).is_err());
    assert_eq!(ws.read().ingested().unwrap()[0].offset, 100);
}

#[test]
fn an_evaluation_is_locked_to_its_plan_and_its_rows_are_stored_once() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let e = EvaluationRecord {
        id: "e1".into(),
        run: None,
        task: "survey".into(),
        plan: json!({"prompts": 3}),
        plan_sha256: "aa".into(),
        created: "2026-11-20T10:00:00Z".parse().unwrap(),
    };
    let row = |question: Option<&str>, value| EvaluationRow {
        model: "tiny".into(),
        culture: None,
        split: "held-out-question".into(),
        question: question.map(|q| QuestionId::new(q).unwrap()),
        metric: "1-jsd".into(),
        value,
        extra: json!({"n": 9}),
    };
    assert!(ws.write(|tx| tx.put_evaluation_rows("e1", &[row(None, None)])).is_err());
    let rows = [row(Some("Q27"), Some(0.9)), row(None, None)];
    for _ in 0..2 {
        ws.write(|tx| {
            tx.put_evaluation(&e)?;
            tx.put_evaluation_rows("e1", &rows)
        })
        .unwrap();
    }
    let all = EvaluationFilter::default();
    assert_eq!(ws.read().evaluation_rows("e1", &all).unwrap(), rows);
    let over = EvaluationFilter { by_question: Some(false), ..all };
    assert_eq!(ws.read().evaluation_rows("e1", &over).unwrap(), rows[1..]);
    let changed = EvaluationRecord { plan_sha256: "bb".into(), ..e };
    assert!(ws.write(|tx| tx.put_evaluation(&changed)).is_err());
}

#[test]
fn evaluations_are_listed_newest_first_with_models_n_and_rows_whatever_their_plan() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    assert!(ws.read().evaluation_heads(10).unwrap().is_empty());
    let e = |id: &str, at: &str, plan| EvaluationRecord {
        id: id.into(),
        run: RunId::new(id).ok(),
        task: "t".into(),
        plan,
        plan_sha256: "aa".into(),
        created: at.parse().unwrap(),
    };
    let old = e("e1", "2026-11-20T10:00:00Z", json!(3));
    let plan =
        json!({"first": {"name": "a"}, "second": {"name": "b"}, "sets": [1, 2], "against": "b"});
    let new = e("e2", "2026-11-21T10:00:00Z", plan);
    let row = |culture: Option<&str>, metric: &str, extra| EvaluationRow {
        model: "a".into(),
        culture: culture.map(|c| CultureId::new(c).unwrap()),
        split: "all".into(),
        question: None,
        metric: metric.into(),
        value: None,
        extra,
    };
    let rows = [
        row(None, "m", json!({"n": 9})),
        row(None, "k", json!({})),
        row(Some("arabic"), "m", json!({"n": 900})),
    ];
    ws.write(|tx| {
        tx.put_evaluation(&old)?;
        tx.put_evaluation(&new)?;
        tx.put_evaluation_rows("e2", &rows)
    })
    .unwrap();
    let heads = ws.read().evaluation_heads(10).unwrap();
    assert_eq!(heads.iter().map(|h| h.id.as_str()).collect::<Vec<_>>(), ["e2", "e1"]);
    assert_eq!((heads[0].models.join("+"), heads[0].sets, heads[0].n), ("a+b".into(), 2, Some(9)));
    assert_eq!((heads[0].rows, heads[0].against.as_deref()), (3, Some("b")));
    assert_eq!((heads[1].models.len(), heads[1].n, heads[1].rows), (0, None, 0));
    assert_eq!(ws.read().evaluation_heads(1).unwrap().len(), 1);
}
