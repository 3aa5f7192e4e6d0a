//! Bad files first; then each kind of file; then the reference data, where it is at hand.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::domain::{Direction, Form, Scale};
use crate::seeds::{read_scale, sample};

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

fn run(paths: &[PathBuf], known: &Survey) -> Result<Imported, SeedsError> {
    import(paths, known, &ImportOptions::default(), &|_| {})
}

fn scale(text: &str) -> Scale {
    read_scale(text, None).unwrap().scale
}

fn known(questions: &[(&str, &str)]) -> Survey {
    let questions = questions
        .iter()
        .map(|(id, options)| Question {
            id: QuestionId::new(*id).unwrap(),
            topic: crate::domain::Topic("social values".into()),
            language: "en".into(),
            text: "x".into(),
            form: Form::Statement,
            scale: scale(options),
            notes: vec![],
        })
        .collect();
    Survey { questions, ..Survey::default() }
}

const AGREE: &str = "1. Strongly agree 2. Agree 3. Disagree 4. Strongly disagree";

fn key(country: &str, question: &str) -> (CountryCode, QuestionId) {
    (CountryCode::new(country).unwrap(), QuestionId::new(question).unwrap())
}

#[test]
fn files_that_are_nothing_known_say_what_was_seen_and_what_is_expected() {
    let files = Files::new();
    for (name, content, words) in [
        ("a.csv", &b"x,y\n1,2\n"[..], vec!["`x`, `y`", "Expected one of", "WVQ.jsonl"]),
        ("b.jsonl", b"{\"seed\":1}\n", vec!["keys seed"]),
        ("c.json", b"[1]", vec!["JSON array", "one object a line"]),
        ("d.csv", b"", vec!["is empty"]),
        ("e.csv", b"\n\n", vec!["is empty"]),
        ("f.csv", b"\xFE\xFF\0a", vec!["UTF-16"]),
        ("g.sav", b"$FL2@(#) SPSS", vec!["SPSS", "export"]),
        ("h.csv", b"\xE4,b\n", vec!["not UTF-8", "line 1, byte 1"]),
    ] {
        let e = run(&[files.put(name, content)], &Survey::default()).unwrap_err().to_string();
        for w in words {
            assert!(e.contains(w), "{name}: {e:?} lacks {w:?}");
        }
    }
    let e = run(&["/nowhere/x.csv".into()], &Survey::default()).unwrap_err().to_string();
    assert!(e.contains("/nowhere/x.csv"), "{e}");
}

#[test]
fn one_bad_file_does_not_lose_the_others() {
    let files = Files::new();
    let bad = files.put("bad.csv", "x,y\n");
    let good = files.put("good.csv", "country,question,code,respondents\nIRQ,Q27,1,5\n");
    let out = run(&[bad.clone(), good], &Survey::default()).unwrap();
    assert_eq!(out.refused[0].0, bad);
    assert_eq!(out.counts.len(), 1);
}

#[test]
fn released_seeds_are_read_line_by_line_with_every_trap_named() {
    let files = Files::new();
    let text = concat!(
        r#"{"topic": "T & U", "q_id": "27", "q_content": "A goal.", "option": "1. Yes 2. No"}"#,
        "\n",
        r#"{"q_id": "31", "option": "1. A 2. B 4. C 4. D", "q_content": "b", "topic": "T"}"#,
        "\n",
        r#"{"topic": "T", "q_id": "32", "q_content": "no options"}"#,
        "\n",
        r#"{"topic": "T", "q_id": "33", "q_content": "none", "option": ""}"#,
        "\n",
        r#"{"topic": "T", "q_id": "27", "q_content": "again", "option": "1. Yes 2. No"}"#,
        "\n",
        r#"{"topic": "T", "q_id": 158, "q_content": "c?", "option": "1. Disagree 10. Agree "}"#,
        "\n",
        r#"{"topic": "T", "q_id": "xx", "q_content": "c", "option": "1. Yes 2. No"}"#,
        "\n",
        r#"{"topic": "T", "q_id": "34", "q_content": "", "option": "1. Yes 2. No"}"#,
        "\n",
        "not json\n",
        r#"{"topic": "T", "q_id": "35", "q_con"#,
    );
    let path = files.put("WVQ.jsonl", text);
    let out = run(std::slice::from_ref(&path), &Survey::default()).unwrap();
    let ids: Vec<_> = out.questions.iter().map(|q| q.id.to_string()).collect();
    assert_eq!(ids, ["Q27", "Q158"]);
    let first = &out.questions[0];
    assert_eq!((first.text.as_str(), first.form), ("A goal", Form::Statement));
    assert_eq!(first.topic.0, "t & u");
    let second = &out.questions[1];
    assert_eq!((second.form, second.scale.len()), (Form::Question, 10));
    assert!(second.scale.end_labels_only());
    let report = &out.files[0];
    let faults: Vec<(u64, &str)> =
        report.left_out.first.iter().map(|f| (f.line, f.text.as_str())).collect();
    let expected = [
        (2, "code 4 stands twice"),
        (3, "no `option`"),
        (4, "no options"),
        (5, "already on line 1"),
        (7, "`Qxx` is not a question id"),
        (8, "no wording"),
        (9, "not JSON"),
        (10, "ends inside this line"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for ((line, text), (want_line, words)) in faults.iter().zip(expected) {
        assert_eq!(*line, want_line);
        assert!(text.contains(words), "line {line}: {text:?} lacks {words:?}");
    }
    // with the right scale at hand, the code that stands twice is repaired, and said
    let out = run(&[path], &known(&[("Q31", AGREE)])).unwrap();
    let q31 = out.questions.iter().find(|q| q.id.as_str() == "Q31").unwrap();
    assert_eq!(q31.scale.codes(), [1, 2, 3, 4]);
    assert_eq!(q31.scale.direction(), Direction::HigherIsLess);
    assert!(out.files[0].warnings.iter().any(|w| w.contains("line 2, Q31") && w.contains("twice")));
}

#[test]
fn a_line_that_is_not_utf8_does_not_lose_the_other_seeds() {
    let files = Files::new();
    let good = r#"{"topic":"T","q_id":"28","q_content":"b","option":"1. Yes 2. No"}"#;
    let text = [&b"{\"q_id\": \"27\", \"q_content\": \"\xE4\"}\n"[..], good.as_bytes()].concat();
    let out = run(&[files.put("x.jsonl", text)], &Survey::default()).unwrap();
    assert_eq!(out.questions.len(), 1);
    assert!(out.files[0].left_out.first[0].text.contains("line 1, byte"));
}

#[test]
fn questionnaires_in_other_languages_keep_language_and_script() {
    let files = Files::new();
    let text = "\u{feff}question;language;wording;options;direction\r\n\
        Q27;ar;هدف رئيسي;١. موافق ٢. غير موافق;higher-is-less\r\n\
        27;pt-BR;Um objetivo; 1. Concordo 2. Discordo ;\r\n\
        Q27;ar;هدف;١. موافق ٢. غير موافق;\r\n\
        Q28;??;x;1. a 2. b;\r\n\
        Q29;el;\"Ένας; στόχος;\";1. Ναι 2. Όχι;sideways\r\n\
        Q30;el;\"Ένας στόχος;\";1. Ναι 2. Όχι;\r\n\
        Q31;el\r\n\
        ;el;x;1. a 2. b;\r\n\
        Q32;el;;1. a 2. b;\r\n\
        Q33;el;x;;\r\n";
    let out = run(&[files.put("q.csv", text)], &Survey::default()).unwrap();
    let got: Vec<_> =
        out.questions.iter().map(|q| (q.id.to_string(), q.language.as_str(), q.form)).collect();
    assert_eq!(
        got,
        [
            ("Q27".into(), "ar", Form::Statement),
            ("Q27".into(), "pt-br", Form::Statement),
            ("Q30".into(), "el", Form::Question),
        ]
    );
    assert_eq!(out.questions[0].scale.direction(), Direction::HigherIsLess);
    let report = &out.files[0];
    let faults: Vec<u64> = report.left_out.first.iter().map(|f| f.line).collect();
    assert_eq!(faults, [4, 5, 6, 8, 9, 10, 11]);
    assert!(report.warnings.iter().any(|w| w.contains("line 3, Q27") && w.contains("direction")));
}

#[test]
fn option_counts_are_checked_row_by_row() {
    let files = Files::new();
    let text = "country,name,question,code,respondents\n\
        IRQ,Iraq,Q27,1,10\nIRQ,Iraq,Q27,-4,5\nIRQ,Iraq,Q27,1,3\nirq,x,Q27,1,3\n\
        IRQ,Iraq,27x,one,3\nIRQ,Iraq,Q27,2,-3\nIRQ,Iraq,Q27,999,3\nIRQ\n";
    let out = run(&[files.put("c.csv", text)], &Survey::default()).unwrap();
    let counts = &out.counts[&key("IRQ", "Q27")];
    assert_eq!((counts.valid_n(), counts.missing_n()), (10, 5));
    assert_eq!(counts.weighting, Weighting::Unweighted);
    let lines: Vec<u64> = out.files[0].left_out.first.iter().map(|f| f.line).collect();
    assert_eq!(lines, [4, 5, 6, 7, 8, 9]);
}

#[test]
fn respondent_rows_become_counts_and_summary_rows_are_no_people() {
    let files = Files::new();
    let text = "B_COUNTRY,B_COUNTRY_ALPHA,Q27,Q999\n\
        368,IRQ,1,1\n368,IRQ,4,1\n368,IRQ,-4,1\n368,IRQ,9,1\n\
        Avg,,2.5,1\nAvg_First,,2.5,1\nAvg_Last,,2.5,1\n";
    let out =
        run(&[files.put("Iraq.csv", text)], &known(&[("Q27", AGREE), ("Q28", AGREE)])).unwrap();
    let report = &out.files[0];
    assert_eq!(report.kind, FileKind::CountryAnswers);
    assert_eq!(report.respondents, 4);
    assert_eq!(out.counts.len(), 1);
    assert_eq!(out.paper_means[&key("IRQ", "Q27")].all, 2.5);
    for words in ["no column for Q28", "not on the scale in Q27"] {
        assert!(report.warnings.iter().any(|w| w.contains(words)), "{:?}", report.warnings);
    }
    for words in ["unweighted", "3 summary rows", "Avg"] {
        assert!(report.notes.iter().any(|w| w.contains(words)), "{:?}", report.notes);
    }
}

#[test]
fn columns_may_carry_their_labels() {
    let files = Files::new();
    let text = "B_COUNTRY_ALPHA: ISO 3166-1 alpha-3;W_WEIGHT: Weight;Q27: Goal: parents\nIRQ;1;2\n";
    let out = run(&[files.put("iq.csv", text)], &known(&[("Q27", AGREE)])).unwrap();
    assert_eq!(out.files[0].kind, FileKind::OfficialSurvey);
    assert_eq!(out.counts[&key("IRQ", "Q27")].valid[&2].n, 1);
}

#[test]
fn a_country_with_every_answer_missing_is_reported() {
    let files = Files::new();
    let text = "B_COUNTRY_ALPHA,W_WEIGHT,Q27\nIRQ,1,-4\nIRQ,1,-1\nJOR,1,2\n";
    let out = run(&[files.put("w.csv", text)], &known(&[("Q27", AGREE)])).unwrap();
    let warnings = &out.files[0].warnings;
    assert!(warnings.iter().any(|w| w.contains("IRQ: every answer")), "{warnings:?}");
    assert!(!warnings.iter().any(|w| w.contains("JOR")), "{warnings:?}");
    assert_eq!(out.counts[&key("JOR", "Q27")].weighting, Weighting::WWeight);
}

#[test]
fn flipped_columns_are_turned_back_on_a_known_scale_or_left_out_with_the_reason() {
    let files = Files::new();
    let text = "B_COUNTRY_ALPHA,W_WEIGHT,Q27P,Q28P,Q29\nIRQ,1,1,1,1\nIRQ,1,-2,4,2\n";
    let path = files.put("wvs.csv", text);
    let options = ImportOptions { every_question: true, ..Default::default() };
    let known = known(&[("Q27", AGREE), ("Q29", AGREE)]);
    let out = import(std::slice::from_ref(&path), &known, &options, &|_| {}).unwrap();
    let q27 = &out.counts[&key("IRQ", "Q27")];
    assert_eq!((q27.valid.get(&1), q27.valid[&4].n, q27.missing_n()), (None, 1, 1));
    assert_eq!(out.counts[&key("IRQ", "Q29")].valid[&1].n, 1);
    assert!(!out.counts.contains_key(&key("IRQ", "Q28")));
    assert!(!out.paper_means.contains_key(&key("IRQ", "Q27")));
    assert!(out.files[0].warnings.iter().any(|w| w.contains("Q28P") && w.contains("not known")));
    // a questionnaire in the same import makes the scale known, whatever the order of the files
    let questions =
        files.put("q.csv", format!("question,language,wording,options\nQ28,en,x,{AGREE}\n"));
    let out = import(&[path, questions], &known, &options, &|_| {}).unwrap();
    assert_eq!(out.counts[&key("IRQ", "Q28")].valid[&4].n, 1);
    assert_eq!(out.counts[&key("IRQ", "Q28")].valid[&1].n, 1);
}

#[test]
fn an_inverted_file_that_does_not_say_which_scales_is_refused() {
    let files = Files::new();
    let text = "B_COUNTRY_ALPHA,W_WEIGHT,Q27\nIRQ,1,1\n";
    let path = files.put("WVS_Cross-National_Wave_7_inverted_csv_v6_0.csv", text);
    let e = run(&[path], &known(&[("Q27", AGREE)])).unwrap_err().to_string();
    assert!(e.contains("inverted") && e.contains("plain file"), "{e}");
    let text = "B_COUNTRY_ALPHA,W_WEIGHT,Q28P\nIRQ,1,1\n";
    let options = ImportOptions { every_question: true, ..Default::default() };
    let e = import(&[files.put("i.csv", text)], &Survey::default(), &options, &|_| {});
    assert!(e.unwrap_err().to_string().contains("all its columns are flipped"));
}

#[test]
fn questions_that_need_recoding_are_named_when_asked_for() {
    let files = Files::new();
    let text = "B_COUNTRY_ALPHA,W_WEIGHT,Q27,Q222\nIRQ,1,1,3\n";
    let path = files.put("w.csv", text);
    let wanted = [QuestionId::new("Q222").unwrap()].into();
    let options = ImportOptions { questions: Some(wanted), ..Default::default() };
    let out = import(std::slice::from_ref(&path), &Survey::default(), &options, &|_| {}).unwrap();
    assert!(out.files[0].warnings.iter().any(|w| w.contains("Q222") && w.contains("recoding")));
    assert_eq!(out.counts.len(), 1);
    let out = run(&[path], &known(&[("Q27", AGREE)])).unwrap();
    assert!(out.files[0].warnings.is_empty(), "{:?}", out.files[0].warnings);
}

#[test]
fn the_same_people_are_not_counted_twice_in_one_import() {
    let files = Files::new();
    let text = "B_COUNTRY_ALPHA,Q27\nIRQ,1\n";
    let paths = [files.put("a.csv", text), files.put("b.csv", text)];
    let out = run(&paths, &Survey::default()).unwrap();
    assert_eq!(out.counts[&key("IRQ", "Q27")].valid_n(), 1);
    assert!(out.files[1].warnings.iter().any(|w| w.contains("already imported")));
}

#[test]
fn imported_counts_replace_older_ones_with_their_means() {
    let files = Files::new();
    let mut survey = known(&[("Q27", AGREE)]);
    let rows = files.put("a.csv", "B_COUNTRY_ALPHA,Q27\nIRQ,1\nJOR,2\n");
    run(&[rows], &survey).unwrap().apply(&mut survey);
    assert_eq!(survey.paper_means.len(), 2);
    let counts = files.put("c.csv", "country,question,code,respondents\nIRQ,Q27,3,7\n");
    run(&[counts], &survey).unwrap().apply(&mut survey);
    assert_eq!(survey.counts[&key("IRQ", "Q27")].valid_n(), 7);
    assert_eq!(survey.paper_means.len(), 1, "means of other people than the counts were kept");
}

fn reference() -> Option<PathBuf> {
    let folder = std::env::var_os("POLYCULTURE_REFERENCE_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: no reference data");
    }
    folder
}

#[test]
fn released_country_files_give_their_own_summary_rows_and_the_samples_counts() {
    let Some(folder) = reference() else { return };
    let paths: Vec<PathBuf> =
        std::fs::read_dir(folder.join("answers")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(paths.len(), 7);
    let out = run(&paths, &Survey::default()).unwrap();
    assert!(out.refused.is_empty());
    let survey = sample::survey().unwrap();
    for ((country, id), counts) in &out.counts {
        let cited = &survey.counts[&(country.clone(), id.clone())];
        assert_eq!(counts.valid, cited.valid, "{country} {id}");
        assert_eq!(counts.missing, cited.missing, "{country} {id}");
    }
    assert_eq!(out.counts.len(), 7 * 50);
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        let mut alpha = "";
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            if !cells[0].starts_with("Avg") {
                alpha = cells[1];
                continue;
            }
            for (name, cell) in header.iter().zip(&cells).skip(2) {
                let means = &out.paper_means[&key(alpha, name)];
                let mine = match cells[0] {
                    "Avg" => means.all,
                    "Avg_First" => means.first_thousand,
                    _ => continue,
                };
                let written: f64 = cell.parse().unwrap();
                assert!((mine - written).abs() < 1e-8, "{alpha} {name}: {mine}, {written}");
                // the label that policy `paper` makes of it
                assert_eq!(mine.trunc(), written.trunc(), "{alpha} {name}");
            }
        }
    }
}

#[test]
fn the_released_seeds_are_fifty_with_one_scale_to_repair() {
    let Some(folder) = reference() else { return };
    let path = folder.join("seeds/WVQ.jsonl");
    let out = run(std::slice::from_ref(&path), &Survey::default()).unwrap();
    assert_eq!(out.questions.len(), 49);
    assert_eq!(out.files[0].left_out.total, 1);
    assert!(out.files[0].left_out.first[0].text.contains("scale of Q31: code 4 stands twice"));
    let out = run(&[path], &known(&[("Q31", AGREE)])).unwrap();
    assert_eq!(out.questions.len(), 50);
    assert!(out.files[0].left_out.is_empty());
    for q in &out.questions {
        let number: u32 = q.id.as_str()[1..].parse().unwrap();
        let (low, high) = crate::seeds::synth::codes_of(number as usize);
        let codes: Vec<u8> = (low..=high).collect();
        assert_eq!(q.scale.codes(), codes, "{}", q.id);
        assert_ne!(q.scale.direction(), Direction::None, "{}", q.id);
    }
}

proptest! {
    #[test]
    fn no_file_makes_the_import_panic(
        head in prop_oneof![
            Just(&b"question,wording,options\n"[..]),
            Just(&b"country,question,code,respondents\n"[..]),
            Just(&b"{\"q_id\":\"27\",\"q_content\":\"x\",\"option\":\"1. a 2. b\"}\n"[..]),
            Just(&b"B_COUNTRY_ALPHA;W_WEIGHT;Q1P;Q2\n"[..]),
            Just(&b""[..]),
        ],
        bytes in proptest::collection::vec(
            prop_oneof![Just(b','), Just(b'\n'), Just(b'"'), Just(b'1'), any::<u8>()], 0..200),
    ) {
        let files = Files::new();
        let path = files.put("f", [head, &bytes].concat());
        let _ = run(&[path], &Survey::default());
    }
}
