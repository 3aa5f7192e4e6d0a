use super::*;
use crate::study::*;

fn named(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), text);
    (dir, path)
}

#[test]
fn a_file_that_is_no_study_is_refused_with_the_setting_that_is_wrong() {
    for (text, said) in [
        ("", "name"),
        ("name = \"a b\"", "study name"),
        ("name = \"s\"\nitmes = 3", "itmes"),
        ("name = \"s\"\ntype = \"beauty\"", "beauty"),
        ("name = \"s\"\nlease = \"soon\"", "14d or 12h"),
        ("name = \"s\"\nrepeats = 0.9", "0 to 0.5"),
        ("name = \"s\"\nstrata = [\"seed\", \"seed\"]", "each once"),
        ("name = \"s\"\n[select]\nsimilarity = \"0.9..0.8\"", "similarity band"),
        ("name = \"s\"\n[select]\nsimilarity = \"nan..0.8\"", "similarity band"),
        ("name = \"s\"\n[[raters]]\nid = \"r1\"\nlanguages = []", "languages of a rater"),
        ("name = \"s\"\n[[raters]]\nid = \"r1\"\n", "languages"),
        ("name = \"s\"\nitems = -1", "items"),
    ] {
        let (_dir, path) = named(text);
        let error = StudySpec::read(&path).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("ratings.csv"), "{text:?}: {error}");
    }
    assert!(StudySpec::read(Path::new("/nowhere/at/all.toml")).is_err());
}

#[test]
fn a_file_with_a_name_alone_is_a_study_and_a_full_one_survives_the_way_there_and_back() {
    let (_dir, path) = named("name = \"pilot\"");
    let least = StudySpec::read(&path).unwrap();
    assert_eq!(least, StudySpec::named(StudyId::new("pilot").unwrap(), 100, 1));
    assert!(!least.word_diff, "different words can mean the same");
    let full = StudySpec {
        study_type: StudyType::Appropriateness,
        lease: Some("14d".parse().unwrap()),
        sensitive_seeds: vec![QuestionId::new("Q33").unwrap()],
        select: Selection {
            cultures: vec![CultureId::new("korean").unwrap()],
            languages: vec!["ko".into(), "en".into()],
            stages: vec![Stage::Template],
            similarity: Some("0.8..".parse().unwrap()),
            ..Selection::default()
        },
        people: People { pay: Some("12 an hour".into()), ..People::default() },
        raters: vec![RaterSpec {
            id: RaterId::new("r001").unwrap(),
            languages: vec!["ko".into()],
            cultures: vec![CultureId::new("korean").unwrap()],
        }],
        word_diff: true,
        ..least
    };
    let (_dir, path) = named(&full.to_toml().unwrap());
    assert_eq!(StudySpec::read(&path).unwrap(), full);
    assert_eq!(StudySpec::stored(&full.to_json()), Some(full));
}

#[test]
fn settings_stored_by_older_programs_are_still_read() {
    let old = serde_json::json!({
        "name": "pilot", "items": 40, "k": 2, "anchors": 8, "repeats": 0.08, "controls": 3,
        "culture": "greek", "seed": 18_446_744_073_709_551_615u64
    });
    let read = StudySpec::stored(&old).unwrap();
    assert_eq!((read.k, read.anchors, read.seed), (2, 8, u64::MAX));
    assert_eq!(read.select.cultures[0].as_str(), "greek");
    assert!(read.word_diff, "before it could be forbidden it was allowed");
    assert_eq!(StudySpec::stored(&serde_json::json!({})), None);
    assert_eq!(StudySpec::stored(&serde_json::json!(null)), None);
}

#[test]
fn bad_raters_are_told_by_line_and_none_is_taken() {
    for (text, said) in [
        ("id,languages\n", "no rows"),
        ("id,languages\nr1,\n", "line 2: r1 declares no language"),
        ("id,languages\nr1,en\nr1,de\n", "line 3: r1 stands twice"),
        ("id,languages\na/b,en\n", "line 2"),
        ("id,languages\nr1,english\n", "no language tag"),
        ("id,languages,cultures\nr1,en,Klingon Empire\n", "culture id"),
        ("id,languages\nr1\n", "fields"),
        ("id,language\n,en\n", "no id"),
    ] {
        let (_dir, path) = named(text);
        let error = read_raters(&path).unwrap_err().to_string();
        assert!(error.contains(said), "{text:?}: {error}");
    }
    let (_dir, path) = named("id;languages;cultures\nr1;pt-BR en;portuguese\nr2;ko;\n");
    let read = read_raters(&path).unwrap();
    assert_eq!(read[0].languages, ["pt-BR", "en"]);
    assert_eq!(read[0].cultures[0].as_str(), "portuguese");
    assert!(read[1].cultures.is_empty());
}

#[test]
fn names_get_pseudonyms_and_lie_outside_the_workspace_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, path) = named("name,languages\nÅse Ås,en\n\"Doe, Jane\",de\n");
    let (raters, names) = read_names(&path).unwrap();
    let ids: Vec<&str> = raters.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["r001", "r002"]);
    let workspace = dir.path().join("ws");
    std::fs::create_dir_all(workspace.join("deep")).unwrap();
    for inside in ["ws/names.csv", "ws/deep/names.csv", "ws/deep/../names.csv"] {
        let error = write_names(&dir.path().join(inside), &workspace, &names).unwrap_err();
        assert!(matches!(error, StudyError::NamesInside { .. }), "{inside}: {error}");
    }
    std::os::unix::fs::symlink(workspace.join("deep"), dir.path().join("door")).unwrap();
    assert!(write_names(&dir.path().join("door/names.csv"), &workspace, &names).is_err());
    let out = dir.path().join("names.csv");
    write_names(&out, &workspace, &names).unwrap();
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("r001,Åse Ås") && text.contains("r002,\"Doe, Jane\""), "{text}");
    assert!(write_names(&out, &workspace, &names).is_err(), "never overwritten");
    let (_dir, twice) = named("name,languages\nA,en\nA,en\n");
    assert!(read_names(&twice).unwrap_err().to_string().contains("line 2 too"));
}

const ANSWERS: &str = "question,culture,language,model_a,answer_a,model_b,answer_b\n\
    How are guests met?,korean,ko,alpha,With tea.,beta,With a bow.\n\
    How are guests met?,german,de,beta,With beer.,alpha,With cake.\n\
    What is polite?,korean,ko,alpha,To wait.,beta,To ask.\n";

#[test]
fn answers_with_gaps_are_told_by_line_and_none_is_taken() {
    let head = "question,culture,language,model_a,answer_a,model_b,answer_b\n";
    for (row, said) in [
        ("Q?,korean,ko,alpha,yes,alpha,no", "both `alpha`"),
        ("Q?,korean,ko,alpha,yes,,", "needs model_b"),
        ("Q?,korean,ko,alpha,,beta,no", "answer_a"),
        (",korean,ko,alpha,yes,beta,no", "no question"),
        ("Q?,Korean people,ko,alpha,yes,beta,no", "culture id"),
        ("Q?,korean,ko", "fields"),
    ] {
        let (_dir, path) = named(&format!("{head}{row}\n"));
        let error = read_answers(&path, StudyType::Preference).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains(said), "{row}: {error}");
    }
    let (_dir, path) = named(ANSWERS);
    let error = read_answers(&path, StudyType::Appropriateness).unwrap_err().to_string();
    assert!(error.contains("3 of 3") && error.contains("line of its own"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    std::fs::write(&path, "{\"question\":\"Q\",\"language\":\"ko\",\"model\":\"m\"}\nnot json\n")
        .unwrap();
    let error = read_answers(&path, StudyType::Appropriateness).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("line 2"), "{error}");
}

#[test]
fn answers_become_items_with_one_model_first_throughout() {
    let (_dir, path) = named(ANSWERS);
    let rows = read_answers(&path, StudyType::Preference).unwrap();
    let mut spec = StudySpec::named(StudyId::new("ab").unwrap(), 3, 1);
    let said = items_of(&spec, &Material::Answers(rows.clone())).unwrap_err().to_string();
    assert!(said.contains("--answers"), "{said}");
    spec.study_type = StudyType::Preference;
    (spec.anchors, spec.repeats) = (0, 0.0);
    let items = items_of(&spec, &Material::Answers(rows)).unwrap();
    for i in items.iter().filter(|i| i.kind == ItemKind::Sample) {
        assert_eq!(i.origin.models, ["alpha", "beta"]);
        assert!(i.context.is_some() && i.culture.is_some());
    }
    let german = items.iter().find(|i| i.language == "de" && i.kind == ItemKind::Sample).unwrap();
    assert_eq!(
        (german.seed_text.as_str(), german.sample_text.as_str()),
        ("With cake.", "With beer.")
    );
    let tie = items.iter().find(|i| i.kind == ItemKind::ControlIdentical).unwrap();
    assert_eq!((tie.expected, &tie.seed_text), (Some((2, 2)), &tie.sample_text));

    let (_dir, path) = named(
        "question,culture,language,model,answer,sensitive\nWhat is rude?,korean,ko,alpha,Words.,yes\n",
    );
    let rows = read_answers(&path, StudyType::Appropriateness).unwrap();
    spec.study_type = StudyType::Appropriateness;
    let items = items_of(&spec, &Material::Answers(rows)).unwrap();
    assert_eq!(items.len(), 1, "no control can be made of one answer");
    assert!(items[0].sensitive && items[0].seed_text.is_empty());
}
