//! Files in the shapes of other tools, made here: bad ones first.

use serde_json::{Value, json};

use super::told::score;
use super::*;
use crate::domain::{ItemId, QuestionId, RaterId};
use crate::store::{ItemKind, ItemOrigin, NewAssignment, Rater, RaterKind, StudyRecord};

fn study() -> StudyId {
    StudyId::new("s").unwrap()
}

fn item(id: &str, seed: &str, sample: &str) -> Item {
    Item {
        id: ItemId::new(id).unwrap(),
        kind: ItemKind::Sample,
        k: Some(3),
        seed: QuestionId::new("Q1").unwrap(),
        sample: None,
        language: "en".into(),
        culture: None,
        seed_text: seed.into(),
        sample_text: sample.into(),
        context: None,
        sensitive: false,
        sha256: "00".into(),
        repeat_of: None,
        expected: None,
        origin: ItemOrigin::default(),
    }
}

/// Three items; the texts of `c` are those of `b`.
fn workspace(dir: &Path) -> Workspace {
    std::fs::create_dir_all(dir).unwrap();
    let mut ws = Workspace::create(dir).unwrap();
    let record = StudyRecord {
        id: study(),
        study_type: crate::domain::StudyType::Similarity,
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        k: 3,
        seed: 1,
        spec: Value::Null,
        fixed: None,
    };
    let items = [
        item("a", "The sun is warm", "It is  warm in the sun"),
        item("b", "Dogs bark", "A dog barks"),
        item("c", "Dogs bark", "A dog barks"),
    ];
    ws.write(|tx| tx.put_study(&record, &items)).unwrap();
    ws
}

fn import(
    ws: &mut Workspace,
    dir: &Path,
    name: &str,
    text: &str,
    options: &ImportOptions,
) -> Result<ImportReport, StudyError> {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    import_ratings_as(ws, &study(), &path, options)
}

fn plain(ws: &mut Workspace, dir: &Path, text: &Value) -> ImportReport {
    import(ws, dir, "f.json", &text.to_string(), &ImportOptions::default()).unwrap()
}

/// Item, rater, score, milliseconds, moment there, words.
type Told = (String, String, u8, Option<u32>, Option<String>, Option<String>);

fn stored(ws: &Workspace) -> Vec<Told> {
    let rows = ws.read().current_ratings(&study()).unwrap();
    rows.into_iter()
        .map(|r| {
            assert!(r.source.is_some(), "every event says where it comes from");
            let at = r.rated_at.map(|t| t.to_string());
            (r.item.to_string(), r.rater.to_string(), r.score.unwrap(), r.active_ms, at, r.comment)
        })
        .collect()
}

/// A task of Label Studio.
fn task(item: &str, annotations: &Value) -> Value {
    json!({"id": 17, "data": {"item": item, "note": "x"}, "annotations": annotations})
}

fn annotation(id: u32, who: &Value, value: &Value) -> Value {
    json!({"id": id, "completed_by": who, "lead_time": 4.288, "was_cancelled": false,
           "created_at": "2026-02-01T10:00:00.5Z", "updated_at": "2026-02-01T10:01:00Z",
           "result": [{"from_name": "similarity", "type": "choices", "value": {"choices": [value]}},
                      {"from_name": "why", "type": "textarea", "value": {"text": ["close"]}}]})
}

#[test]
fn an_answer_is_a_score_or_says_what_was_expected() {
    for (answer, expected) in [
        (json!(4), 4),
        (json!(4.0), 4),
        (json!("4"), 4),
        (json!(" 4 - unimportant details differ"), 4),
        (json!("5: the same"), 5),
        (json!("2. some details"), 2),
        (json!("scale_3"), 3),
        (json!(["1"]), 1),
    ] {
        assert_eq!(score(&answer), Ok(expected), "{answer}");
    }
    for (answer, words) in [
        (json!(0), "never rescaled"),
        (json!(6), "expected 1 to 5"),
        (json!(3.5), "whole number"),
        (json!("4th"), "expected 1 to 5"),
        (json!("4,5"), "before the words"),
        (json!("4-5"), "before the words"),
        (json!("perfectly similar"), "before the words"),
        (json!(""), "expected 1 to 5"),
        (json!(["4", "5"]), "2 answers"),
        (json!([]), "0 answers"),
        (json!(null), "expected 1 to 5"),
        (json!({"rank": 1}), "expected 1 to 5"),
    ] {
        let said = score(&answer).unwrap_err();
        assert!(said.contains(words), "{answer}: {said}");
    }
}

#[test]
fn files_of_no_known_tool_are_refused_and_say_what_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(dir.path());
    for (text, words) in [
        ("{}", "no ratings that are known here"),
        ("[]", "no ratings that are known here"),
        ("[{\"text\": \"x\", \"label\": 4}]", "label_annotations"),
        ("[{\"id\": 1,", "line 1"),
        ("[1, 2]", "no ratings that are known here"),
        ("", "empty"),
    ] {
        let e = import(&mut ws, dir.path(), "f.json", text, &ImportOptions::default());
        let said = e.unwrap_err().to_string();
        assert!(said.contains(words), "{text}: {said}");
    }
    assert!(ws.read().rating_events(&study()).unwrap().is_empty());
}

#[test]
fn label_studio_tasks_keep_times_words_and_leave_models_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(dir.path());
    let mut skipped = annotation(1003, &json!(12), &json!("4"));
    skipped["was_cancelled"] = json!(true);
    let mut texts = task("", &json!([annotation(1004, &json!(10), &json!("2"))]));
    texts["data"] = json!({"one": "It is warm in the sun", "two": "The sun  is warm"});
    let mut twice = texts.clone();
    twice["data"] = json!({"one": "Dogs bark", "two": "A dog barks"});
    let mut first = task(
        "b",
        &json!([
            annotation(1001, &json!(10), &json!("4 - details differ")),
            annotation(1002, &json!({"id": 11, "email": "x@y.z"}), &json!("9")),
            skipped,
        ]),
    );
    first["predictions"] = json!([{"model_version": "m1", "result": []}]);
    let file = json!([
        first,
        texts,
        twice,
        task("ghost", &json!([annotation(9, &json!(1), &json!("3"))])),
        5
    ]);
    let report = plain(&mut ws, dir.path(), &file);
    assert_eq!((report.format, report.stored), (RatingFormat::LabelStudio, 2));
    let at = Some("2026-02-01T10:01:00Z".to_owned());
    let words = Some("close".to_owned());
    assert_eq!(
        stored(&ws),
        [
            ("a".into(), "label-studio-10".into(), 2, Some(4288), at.clone(), words.clone()),
            ("b".into(), "label-studio-10".into(), 4, Some(4288), at, words),
        ]
    );
    let bad: Vec<String> =
        report.bad.iter().map(|b| format!("{}: {}", b.place(), b.reason)).collect();
    assert_eq!(bad.len(), 4, "{bad:?}");
    assert!(bad[0].starts_with("record 1, annotation 1002: score 9: expected 1 to 5"), "{bad:?}");
    assert!(bad[1].contains("record 3") && bad[1].contains("fit 2 items (b, c)"), "{bad:?}");
    assert!(bad[2].contains("no item `ghost`"), "{bad:?}");
    assert!(bad[3].starts_with("record 5: expected an object"), "{bad:?}");
    let notes = report.notes.join("; ");
    assert!(notes.contains("model `m1`") && notes.contains("skipped there"), "{notes}");
    assert!(notes.contains("1 items were found by their texts"), "{notes}");
    // once more changes nothing
    assert_eq!((plain(&mut ws, dir.path(), &file).known, stored(&ws).len()), (2, 2));
    // and with --strict nothing is taken
    let mut other = workspace(&dir.path().join("other"));
    let read = ReadOptions { strict: true, ..ReadOptions::default() };
    let strict = ImportOptions { read, raters: None };
    assert!(import(&mut other, dir.path(), "f.json", &file.to_string(), &strict).is_err());
    assert!(other.read().rating_events(&study()).unwrap().is_empty());
}

#[test]
fn label_studio_min_needs_the_question_where_it_asks_several() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(dir.path());
    let one = |item: &str, who: u32| {
        json!({"id": 1, "item": item, "annotator": who, "annotation_id": who, "lead_time": 2.0,
               "closeness": 3, "fluency": "5"})
    };
    let file = json!([one("a", 1), one("a", 2)]).to_string();
    let said = import(&mut ws, dir.path(), "f.json", &file, &ImportOptions::default());
    let said = said.unwrap_err().to_string();
    assert!(said.contains("--question") && said.contains("closeness, fluency"), "{said}");
    let asks = |question: &str| {
        let read = ReadOptions { question: Some(question.into()), ..ReadOptions::default() };
        ImportOptions { read, raters: None }
    };
    let said = import(&mut ws, dir.path(), "f.json", &file, &asks("style")).unwrap_err();
    assert!(said.to_string().contains("nobody answered `style`"), "{said}");
    let report = import(&mut ws, dir.path(), "f.json", &file, &asks("closeness")).unwrap();
    assert_eq!((report.stored, report.new_raters), (2, 2));
    assert!(stored(&ws).iter().all(|r| r.2 == 3 && r.3 == Some(2000)));
    let csv = "id,item,annotator,annotation_id,lead_time,closeness\n1,b,3,7,1.5,4\n1,b,4,8,1,\n";
    let report = import(&mut ws, dir.path(), "f.csv", csv, &ImportOptions::default()).unwrap();
    assert_eq!((report.format, report.stored), (RatingFormat::LabelStudio, 1));
    assert!(report.bad[0].reason.contains("no answer to `closeness`"), "{:?}", report.bad);
}

#[test]
fn argilla_records_are_read_in_every_form_and_drafts_and_models_left_out() {
    let user = "3f6c8f2e-0000-4000-8000-000000000001";
    let nested = json!([{"id": "a", "fields": {"one": "x"}, "metadata": {}, "status": "completed",
        "suggestions": {"similarity": {"value": 5, "agent": "judge-7b", "score": 0.9}},
        "responses": {"similarity": [{"value": 4, "user_id": user}]}}]);
    let service = json!({"items": [{"id": "7e", "external_id": "a", "fields": {},
        "responses": [{"user_id": user, "status": "submitted",
                       "values": {"similarity": {"value": "4"}},
                       "updated_at": "2026-03-01T09:00:00Z"},
                      {"user_id": "other", "status": "draft", "values": {"similarity": {"value": 1}}}]}],
        "total": 1});
    let flat = json!([{"id": "x", "item_id": "a", "similarity.responses": [4, 2],
        "similarity.responses.users": [user, "other"],
        "similarity.responses.status": ["submitted", "discarded"],
        "similarity.suggestion": 1, "similarity.suggestion.agent": "judge-7b"}]);
    let listed = json!([{"external_id": "a", "metadata": "{}",
        "similarity": [{"user_id": user, "value": 4, "status": "submitted"}]}]);
    for (name, file) in [("nested", nested), ("service", service), ("flat", flat), ("list", listed)]
    {
        let dir = tempfile::tempdir().unwrap();
        let mut ws = workspace(dir.path());
        let report = plain(&mut ws, dir.path(), &file);
        assert_eq!((report.format, report.stored, report.bad.len()), (RatingFormat::Argilla, 1, 0));
        let rows = stored(&ws);
        assert_eq!((rows[0].0.as_str(), rows[0].2), ("a", 4), "{name}");
        assert!(
            rows[0].1.starts_with("argilla-") && !rows[0].1.contains("3f6c"),
            "{name}: {rows:?}"
        );
        let notes = report.notes.join("; ");
        assert_eq!(notes.contains("judge-7b"), ["nested", "flat"].contains(&name), "{notes}");
        assert_eq!(notes.contains("draft"), ["service", "flat"].contains(&name), "{notes}");
    }
}

#[test]
fn potato_files_are_read_in_every_form_and_name_their_user() {
    let dir = tempfile::tempdir().unwrap();
    let line = |id: &str, labels: &Value| {
        let time = json!({"time_string": "Time spent: 0d 0h 1m 5s "});
        json!({"id": id, "displayed_text": "x", "label_annotations": labels, "span_annotations": {},
               "behavioral_data": time})
        .to_string()
    };
    let lines = [
        line("a", &json!({"similarity": {"scale_4": "4"}})),
        line("b", &json!({"similarity": {"3": "true", "2": "false"}})),
        "not json".into(),
    ];
    let folder = dir.path().join("r001");
    std::fs::create_dir(&folder).unwrap();
    let options = ImportOptions::default();
    let name = "r001/annotated_instances.jsonl";
    let mut ws = workspace(&dir.path().join("w"));
    let report = import(&mut ws, dir.path(), name, &lines.join("\n"), &options).unwrap();
    assert_eq!((report.format, report.stored), (RatingFormat::Potato, 2));
    assert_eq!((report.bad[0].line, report.bad.len()), (3, 1));
    let rows = stored(&ws);
    assert_eq!((rows[0].2, rows[1].2, rows[0].3), (4, 3, Some(65_000)));
    assert!(!rows[0].1.contains("r001"), "a name that the study does not know is hidden: {rows:?}");

    // the file of all users does not say who rated
    std::fs::create_dir(dir.path().join("annotation_output")).unwrap();
    let name = "annotation_output/annotated_instances.jsonl";
    let said = import(&mut ws, dir.path(), name, &lines[0], &options).unwrap_err().to_string();
    assert!(said.contains("does not say who rated"), "{said}");

    let state = json!({"user_id": "12", "instance_id_to_label_to_value": {
        "a": [[{"schema": "similarity", "name": "scale_2"}, "2"]],
        "b": {"similarity": {"labels": {"5": true}}},
        "c": [[{"schema": "similarity", "name": "1"}, true], [{"schema": "similarity", "name": "4"}, true]]}});
    let report = plain(&mut ws, dir.path(), &state);
    assert_eq!((report.stored, report.bad.len()), (2, 1), "{:?}", report.bad);
    assert!(report.bad[0].reason.contains("2 answers"), "{:?}", report.bad);
    let mut machine = state.clone();
    machine["origin"] = json!({"machine_kind": "llm"});
    let path = dir.path().join("m.json");
    std::fs::write(&path, machine.to_string()).unwrap();
    let said = import_ratings(&mut ws, &study(), &path, false).unwrap_err().to_string();
    assert!(said.contains("no usable rating"), "{said}");

    let tsv = "user\tinstance_id\tdisplayed_text\tsimilarity:::3\tsimilarity:::4\n\
               77\ta\tx\t\ttrue\n77\tghost\t<b>The sun is warm</b> / It is warm in the sun\t3\t\n\
               78\tghost\tThe sun is warm | It is warm in the sun\t3\t\n";
    let report = import(&mut ws, dir.path(), "f.tsv", tsv, &options).unwrap();
    assert_eq!((report.format, report.stored), (RatingFormat::Potato, 1), "{report:?}");
    assert!(report.bad[0].reason.contains("before, in line 2"), "{:?}", report.bad);
    assert!(report.bad[1].reason.contains("all its raters"), "{:?}", report.bad);
}

#[test]
fn an_import_never_changes_who_is_a_person_and_names_come_from_a_file_where_one_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(dir.path());
    let rater = |id: &str, kind: RaterKind| Rater {
        id: RaterId::new(id).unwrap(),
        kind,
        languages: vec!["en".into()],
        cultures: Vec::new(),
        consent: None,
    };
    ws.write(|tx| {
        tx.put_rater(&study(), &rater("judge", RaterKind::Judge))?;
        tx.put_rater(&study(), &rater("r001", RaterKind::Human))?;
        let place = NewAssignment {
            item: ItemId::new("a").unwrap(),
            slot: 1_000_000,
            rater: RaterId::new("judge").unwrap(),
            position: 0,
            swap: false,
            lease_until: None,
        };
        tx.assign(&study(), &place).map(|_| ())
    })
    .unwrap();
    let csv = "rater,item,score\njudge,a,5\n";
    let report = import(&mut ws, dir.path(), "f.csv", csv, &ImportOptions::default()).unwrap();
    assert_eq!(report.stored, 0);
    assert!(report.bad[0].reason.contains("a model judge"), "{:?}", report.bad);

    let names = dir.path().join("names.csv");
    std::fs::write(&names, "name,rater\n10,r001\nann@x.y,r002\n").unwrap();
    let options = ImportOptions { raters: Some(names), ..ImportOptions::default() };
    let by = |who: Value| annotation(1, &who, &json!("4"));
    let file =
        json!([task("a", &json!([by(json!(10)), by(json!("ann@x.y")), by(json!("bob@x.y"))])),]);
    let report = import(&mut ws, dir.path(), "f.json", &file.to_string(), &options).unwrap();
    assert_eq!((report.stored, report.new_raters), (2, 1));
    let rows = stored(&ws);
    assert_eq!([rows[0].1.as_str(), rows[1].1.as_str()], ["r001", "r002"]);
    assert!(report.bad[0].reason.contains("not in the file of raters"), "{:?}", report.bad);
}

#[test]
fn agreement_reads_the_same_files_without_a_study() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f.json");
    let by = |who: u32, v: &str| annotation(who, &json!(who), &json!(v));
    let file =
        json!([task("a", &json!([by(1, "4"), by(2, "5")])), task("b", &json!([by(1, "1")]))]);
    std::fs::write(&path, file.to_string()).unwrap();
    let file = read_ratings_as(&path, &ReadOptions::default()).unwrap();
    let got: Vec<(&str, &str, u8)> =
        file.ratings.iter().map(|r| (r.item.as_str(), r.rater.as_str(), r.score)).collect();
    assert_eq!(got, [("a", "1", 4), ("a", "2", 5), ("b", "1", 1)]);
}
