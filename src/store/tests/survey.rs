//! Questions, cultures and counts.

use super::*;

#[test]
fn a_survey_comes_back_as_it_was_put() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    ws.write(|tx| tx.put_survey(&survey())).unwrap();
    assert_eq!(ws.read().survey().unwrap(), survey());
    ws.write(|tx| tx.put_survey(&survey())).unwrap();
    assert_eq!(ws.read().survey().unwrap(), survey());
}

#[test]
fn wordings_in_other_languages_fall_back_to_english_and_say_so() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    ws.write(|tx| {
        tx.put_survey(&survey())?;
        tx.put_question(&question("Q27", "el"))
    })
    .unwrap();
    let el = ws.read().survey_in("el").unwrap();
    let seen: Vec<_> = el.questions.iter().map(|q| (q.id.as_str(), q.language.as_str())).collect();
    assert_eq!(seen, [("Q28", "en"), ("Q27", "el")]);
    assert_eq!(ws.read().question_languages().unwrap().len(), 2);
}

#[test]
fn an_import_replaces_keeps_or_adds_and_is_logged() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    let s = survey();
    let n = |ws: &Workspace| ws.read().survey().unwrap().counts.values().next().unwrap().valid_n();
    let merge = |ws: &mut Workspace, sha: &str, rule| {
        ws.write(|tx| tx.merge_imported(&s, &import(sha), rule)).unwrap()
    };
    assert_eq!(merge(&mut ws, "a", MergeRule::Replace).added, 1);
    assert_eq!(merge(&mut ws, "a", MergeRule::Replace).replaced, 1);
    assert_eq!(n(&ws), 2);
    assert_eq!(merge(&mut ws, "b", MergeRule::Keep).kept, 1);
    assert_eq!(merge(&mut ws, "c", MergeRule::Add).summed, 1);
    assert_eq!(n(&ws), 4);
    assert!(merge(&mut ws, "c", MergeRule::Add).already_imported);
    assert_eq!(n(&ws), 4);
    let mut other = s.clone();
    other.counts.values_mut().for_each(|c| c.weighting = Weighting::Unweighted);
    let e = ws.write(|tx| tx.merge_imported(&other, &import("d"), MergeRule::Add)).unwrap_err();
    assert!(e.to_string().contains("unweighted"), "{e}");
    assert_eq!(ws.read().imports(Some("survey")).unwrap().len(), 4);
}

#[test]
fn a_seed_has_all_its_wordings_and_says_where_its_counts_came_from() {
    let dir = folder();
    let mut w = workspace(dir.path());
    let id = QuestionId::new("Q27").unwrap();
    assert!(w.read().wordings_of(&id).unwrap().is_empty());
    w.write(|tx| {
        tx.put_survey(&survey())?;
        tx.put_question(&question("Q27", "ar"))
    })
    .unwrap();
    let languages: Vec<String> =
        w.read().wordings_of(&id).unwrap().into_iter().map(|q| q.language).collect();
    assert_eq!(languages, ["en", "ar"]);
    let record = ImportRecord {
        kind: "survey".into(),
        file: "answers.csv".into(),
        sha256: "0".into(),
        report: json!({}),
    };
    w.write(|tx| tx.merge_imported(&survey(), &record, MergeRule::Replace)).unwrap();
    let sources =
        w.read().count_sources(survey().counts.keys().next().map(|k| &k.1).unwrap()).unwrap();
    assert!(!sources.is_empty());
    assert_eq!(sources[0].file.as_ref().map(|f| f.0.as_str()), Some("answers.csv"));
}
