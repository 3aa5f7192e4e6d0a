//! What cannot be opened, and why.

use super::*;

fn refusal(ws: &Workspace, name: &str) -> StudyError {
    Session::open(ws.read(), &study(), &rater(name)).map(|_| ()).unwrap_err()
}

#[test]
fn an_unknown_study_names_those_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let ws = place(&dir, 2);
    let e = load(ws.read(), &StudyId::new("other").unwrap(), &rater("r1")).unwrap_err();
    assert!(e.to_string().contains("pilot"), "{e}");
}

#[test]
fn a_study_without_a_plan_says_how_to_plan_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    put(&mut ws, &[item(1, "en")], serde_json::json!({}));
    assert!(refusal(&ws, "r1").to_string().contains("study plan --study pilot"));
}

#[test]
fn an_unknown_rater_is_refused_without_telling_the_names_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let ws = place(&dir, 2);
    let said = refusal(&ws, "r2").to_string();
    assert!(said.contains("no rater r2") && !said.contains("r1"), "{said}");
}

#[test]
fn nobody_rates_under_the_name_of_a_script() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    put(&mut ws, &[item(1, "en")], serde_json::json!({}));
    let scripted = Rater { kind: RaterKind::Scripted, ..person("r1", &["en"]) };
    fix_plan(&mut ws, &study(), &[scripted]).unwrap();
    assert!(refusal(&ws, "r1").to_string().contains("a script"));
}

#[test]
fn a_rater_of_another_language_is_told_which_ones_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    put(&mut ws, &[item(1, "el")], serde_json::json!({}));
    let raters = [person("r1", &["en"]), person("r2", &["el"])];
    fix_plan(&mut ws, &study(), &raters).unwrap();
    let said = refusal(&ws, "r1").to_string();
    assert!(said.contains("pairs in el") && said.contains("declared en"), "{said}");
}

#[test]
fn a_rater_with_nothing_to_do_is_told_so_and_one_whose_pairs_were_taken_back_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    put(&mut ws, &[item(1, "en")], serde_json::json!({}));
    fix_plan(&mut ws, &study(), &[person("r1", &["en"]), person("r2", &["en"])]).unwrap();
    let all = ws.read().assignments(&study()).unwrap();
    let (busy, idle) =
        if all[0].content.rater == rater("r1") { ("r1", "r2") } else { ("r2", "r1") };
    assert!(refusal(&ws, idle).to_string().contains("nothing to rate"));
    ws.write(|tx| tx.release(all[0].id)).unwrap();
    assert!(refusal(&ws, busy).to_string().contains("taken back"));
}

#[test]
fn a_study_of_ones_own_is_made_in_one_step_and_its_name_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    let own = OwnStudy { rater: rater("me"), items: 5, languages: vec![], seed: 1 };
    assert!(matches!(own_study(&mut ws, &own), Err(StudyError::NoSamples { .. })));
    assert_eq!(ws.read().studies().unwrap(), [], "nothing half made stays behind");
    let survey = crate::seeds::sample::survey().unwrap();
    let question = survey.questions[0].clone();
    let samples: Vec<Sample> = (0..30)
        .map(|n| Sample {
            id: SampleId::new(format!("s{n}")).unwrap(),
            seed: question.id.clone(),
            language: question.language.clone(),
            text: format!("a text of number {n}"),
            stage: Stage::Template,
            similarity: None,
            decision: Decision::Kept,
            provenance: Provenance {
                provider: "offline".into(),
                version: "1".into(),
                run: None,
                template: None,
                family: None,
                held_out: n == 0,
                parent: None,
                substitutions: Vec::new(),
                seed: 0,
                reply: None,
            },
        })
        .collect();
    ws.write(|tx| tx.put_survey(&survey).and_then(|()| tx.put_samples(&samples))).unwrap();
    let first = own_study(&mut ws, &own).unwrap();
    let second = own_study(&mut ws, &own).unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("own-1", "own-2"));
    let s = Session::open(ws.read(), &first, &rater("me")).unwrap();
    assert!(matches!(s.view(), View::Welcome(Welcome { consent: None, .. })));
    // five samples and three controls; a repeat where 8 % of them are half a pair
    assert_eq!(s.progress().total, 8);
    let greek = OwnStudy { languages: vec!["el".into()], ..own };
    assert!(matches!(own_study(&mut ws, &greek), Err(StudyError::NoSamples { .. })));
}
