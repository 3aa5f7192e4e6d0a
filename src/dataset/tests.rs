//! The room from its door: build, audit, leaks, exports, card.

mod local;

use std::collections::{BTreeMap, BTreeSet};

use super::FindingKind as K;
use super::*;
use crate::domain::{
    CultureId, Decision, Example, LabelPolicy, Provenance, QuestionId, RatedAtLeast, RejectReason,
    Sample, SampleId, Split, Stage, Substitution, Survey, Target,
};

fn sample(id: &str, seed: &str, text: &str, family: &str, stage: Stage) -> Sample {
    Sample {
        id: SampleId::new(id).unwrap(),
        seed: QuestionId::new(seed).unwrap(),
        language: "en".into(),
        text: text.into(),
        stage,
        similarity: None,
        decision: Decision::Kept,
        provenance: Provenance {
            provider: "offline".into(),
            version: "1".into(),
            run: None,
            template: Some(format!("{family}/a")),
            family: Some(family.into()),
            held_out: false,
            parent: None,
            substitutions: vec![],
            seed: 0,
            reply: None,
        },
    }
}

fn spec(arm: Arm) -> DatasetSpec {
    DatasetSpec {
        name: "d".into(),
        policy: LabelPolicy::Distribution,
        arm,
        stages: Stages::Both,
        texts: None,
        rated: None,
        language: None,
        cultures: vec![],
        held_out_questions: vec![],
        allow: BTreeSet::new(),
    }
}

fn of(culture: &str) -> Arm {
    Arm::Culture { culture: CultureId::new(culture).unwrap() }
}

fn sources<'a>(survey: &'a Survey, samples: &'a [Sample], held: &'a [Sample]) -> Sources<'a> {
    static NOBODY: BTreeMap<SampleId, Scores> = BTreeMap::new();
    Sources { survey, samples, held_out: held, said: &NOBODY }
}

#[test]
fn a_culture_is_trained_on_what_it_was_asked() {
    let s = fixtures::survey();
    let d = build(&spec(of("chinese")), &sources(&s, &[], &[])).unwrap();
    assert_eq!((d.examples.len(), d.refused.len()), (32, 18));
    assert!(d.refused.iter().all(|r| r.reason == Refusal::NotAsked));
    assert!(d.examples.iter().all(|e| matches!(e.target, Target::Soft(_))));
    let d = build(&spec(of("portuguese")), &sources(&s, &[], &[])).unwrap();
    assert_eq!(d.refused.len(), 9, "Brazil Q33-41: the ends were not offered");
}

#[test]
fn controls_have_the_rows_of_the_arm_they_control_for() {
    let s = fixtures::survey();
    let key = |e: &Example| (e.culture.clone(), e.text_id.clone());
    let one = build(&spec(Arm::One), &sources(&s, &[], &[])).unwrap();
    for arm in [Arm::Uniform, Arm::Blind { named: true }] {
        let control = build(&spec(arm), &sources(&s, &[], &[])).unwrap();
        assert!(control.examples.iter().map(key).eq(one.examples.iter().map(key)));
        // A control says the same to every culture.
        let mut by_text = std::collections::BTreeMap::new();
        for e in &control.examples {
            let first = by_text.entry(&e.text_id).or_insert(&e.target);
            assert_eq!(*first, &e.target);
        }
    }
    let blind = build(&spec(Arm::Blind { named: false }), &sources(&s, &[], &[])).unwrap();
    assert_eq!(blind.examples.len(), 50);
    assert!(blind.examples.iter().all(|e| e.culture.is_none()));
    let q = fixtures::question(&s, "Q27");
    let all: Vec<_> = s.cultures.iter().collect();
    let (m, n, _) = mixture(&s, &all, q).unwrap();
    assert_eq!((n, &blind.examples[0].target), (10, &Target::Soft(m)));
}

#[test]
fn stages_and_decisions_choose_the_texts() {
    let s = fixtures::survey();
    let mut rejected = sample("r", "Q27", "rejected text here", "f1", Stage::Template);
    rejected.decision = Decision::Rejected(RejectReason::ByHand { note: "no".into() });
    let samples = [
        sample("t", "Q27", "a template text of it", "f1", Stage::Template),
        sample("w", "Q27", "words exchanged in the text", "f1", Stage::Synonym),
        sample("i", "Q28", "an imported text, other words", "f1", Stage::Imported),
        rejected,
    ];
    for (stages, n) in [(Stages::SeedsOnly, 50), (Stages::Templates, 51), (Stages::Both, 53)] {
        let spec = DatasetSpec { stages, ..spec(of("turkish")) };
        let d = build(&spec, &sources(&s, &samples, &[])).unwrap();
        assert_eq!(d.examples.len() + d.refused.len(), n, "{stages:?}");
    }
}

#[test]
fn people_choose_the_samples_and_never_the_seeds() {
    let s = fixtures::survey();
    let samples = [
        sample("good", "Q27", "a template text of it", "f1", Stage::Template),
        sample("bad", "Q27", "words exchanged in the text", "f1", Stage::Synonym),
        sample("once", "Q28", "an imported text, other words", "f1", Stage::Imported),
        sample("never", "Q28", "nobody has looked at this one", "f1", Stage::Synonym),
    ];
    let said: BTreeMap<_, _> = [("good", 2, 8, 2), ("bad", 3, 9, 3), ("once", 1, 5, 1)]
        .into_iter()
        .map(|(id, n, sum, raters)| (SampleId::new(id).unwrap(), Scores { n, sum, raters }))
        .collect();
    let sources = Sources { said: &said, ..sources(&s, &samples, &[]) };
    let rated = |score, by| DatasetSpec {
        rated: RatedAtLeast::new(score, by, None).ok(),
        ..spec(of("turkish"))
    };
    let d = build(&rated(4.0, 2), &sources).unwrap();
    let ids: Vec<_> =
        d.examples.iter().filter(|e| e.family != "seed").map(|e| &e.text_id).collect();
    assert_eq!(ids, ["good"]);
    assert_eq!(d.rated, Some(RatedCount { of: 4, rated: 3, used: 1, scores: 2 }));
    let words = card(&d, &s, None);
    assert!(words.contains("rated at least 4 on the mean by at least 2 people"), "{words}");
    assert!(words.contains("Of 4 kept samples 3 were rated and 1 rated so (2 scores)"), "{words}");
    let none = build(&rated(5.0, 3), &sources).unwrap_err().to_string();
    assert!(none.contains("of 4 kept samples 3 have scores of people"), "{none}");
    let seeds = DatasetSpec { stages: Stages::SeedsOnly, ..rated(4.0, 1) };
    assert!(matches!(build(&seeds, &sources), Err(DatasetError::BadSpec(_))));
}

#[test]
fn held_out_questions_stay_out_entirely() {
    let s = fixtures::survey();
    let held = held_out_questions(&s, 10, 3).unwrap();
    let samples = [sample("t", held[0].as_str(), "some other wording", "f1", Stage::Template)];
    let spec = DatasetSpec { held_out_questions: held.clone(), ..spec(of("german")) };
    let d = build(&spec, &sources(&s, &samples, &[])).unwrap();
    assert!(d.examples.iter().all(|e| !held.contains(&e.question)));
    assert_eq!(d.examples.len(), 40);
    let texts = test_texts(&s, &samples, &held, 5);
    assert_eq!(texts.iter().filter(|t| t.split == Split::HeldOutQuestion).count(), 11);
    assert_eq!(texts.iter().filter(|t| t.split == Split::SeedWording).count(), 40);
    let unknown =
        DatasetSpec { held_out_questions: vec![QuestionId::new("Q999").unwrap()], ..spec };
    assert!(build(&unknown, &sources(&s, &[], &[])).unwrap_err().to_string().contains("Q999"));
}

fn kinds(e: DatasetError) -> Vec<FindingKind> {
    match e {
        DatasetError::Refused { findings } => {
            let mut k: Vec<_> = findings.iter().map(|f| f.kind).collect();
            k.sort_unstable();
            k.dedup();
            k
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_leak_between_training_and_test_is_refused_by_its_rows() {
    let s = fixtures::survey();
    let train = [sample("t", "Q27", "it is said that parents matter a lot", "f1", Stage::Template)];
    let with_rule = |mut x: Sample, rule: &str, from: &str, to: &str| {
        x.provenance.substitutions.push(Substitution {
            from: from.into(),
            to: to.into(),
            rule: rule.into(),
        });
        x
    };
    let ruled = [with_rule(train[0].clone(), "noun/parents", "parents", "mother and father")];
    let test =
        |id: &str, text: &str, family: &str| sample(id, "Q27", text, family, Stage::Template);
    let far = "quite another way of putting this thing";
    let mut unknown = test("h", far, "f9");
    unknown.provenance.family = None;
    let cases: Vec<(&[Sample], Sample, FindingKind)> = vec![
        (&train, test("h", far, "f1"), FindingKind::SharedRule),
        (&train, unknown, FindingKind::SharedRule),
        (
            &train,
            test("h", "It is said, that parents matter a lot.", "f9"),
            FindingKind::TrainTestLeak,
        ),
        (
            &train,
            test("h", "it is said that parents matter a bit", "f9"),
            FindingKind::TrainTestLeak,
        ),
        (
            &train,
            test("h", "Statement number 27 about social values!", "f9"),
            FindingKind::TrainTestLeak,
        ),
        (
            &ruled,
            with_rule(test("h", far, "f9"), "noun/parents", "a", "b"),
            FindingKind::SharedRule,
        ),
        (
            &ruled,
            with_rule(test("h", far, "f9"), "x", "Parents", "mother and father"),
            FindingKind::SharedRule,
        ),
    ];
    for (train, held, kind) in cases {
        let e = build(&spec(of("german")), &sources(&s, train, std::slice::from_ref(&held)))
            .unwrap_err();
        assert!(e.to_string().contains("row 1") || e.to_string().contains("row"), "{e}");
        assert_eq!(kinds(e), [kind], "{}", held.text);
        let allowed = DatasetSpec { allow: [kind].into(), ..spec(of("german")) };
        let d = build(&allowed, &sources(&s, train, &[held])).unwrap();
        assert!(d.audit.rows_with(kind) > 0, "an allowed finding is still listed");
    }
    let mut marked = train.clone();
    marked[0].provenance.held_out = true;
    assert_eq!(
        kinds(build(&spec(of("german")), &sources(&s, &marked, &[])).unwrap_err()),
        [K::SharedRule]
    );
    let clean = [test("h", far, "f9")];
    assert!(build(&spec(of("german")), &sources(&s, &train, &clean)).is_ok());
}

#[test]
fn separation_takes_out_near_texts_and_says_of_what() {
    let s = fixtures::survey();
    let train = [sample("t", "Q27", "one two three four", "f1", Stage::Template)];
    let held = [
        sample("a", "Q27", "One two, three four!", "f2", Stage::Template),
        sample("b", "Q27", "one two three five", "f2", Stage::Template),
        sample("c", "Q27", "six seven eight nine", "f2", Stage::Template),
        sample("d", "Q28", "one two three four", "f2", Stage::Template),
    ];
    let sep = separate(&s.questions, &train, &held);
    assert_eq!(sep.kept.iter().map(|k| k.id.as_str()).collect::<Vec<_>>(), ["c", "d"]);
    assert_eq!(sep.dropped.iter().map(|d| d.edits).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn every_kind_of_bad_row_is_found_at_its_row() {
    let s = fixtures::survey();
    let e = |culture: &str, question: &str, text: &str, target: Target| Example {
        culture: Some(CultureId::new(culture).unwrap()),
        question: QuestionId::new(question).unwrap(),
        text: text.into(),
        text_id: "x".into(),
        family: "seed".into(),
        target,
        effective_n: 0.0,
    };
    let rows = [
        e("german", "Q27", "a", Target::Hard(1)),
        e("german", "Q27", "A!", Target::Hard(2)), // contradiction with 1
        e("german", "Q27", "a", Target::Hard(1)),  // duplicate of 1, in the contradictory group
        e("turkish", "Q27", "a", Target::Hard(2)), // another culture: fine
        e("german", "Q27", "b", Target::Hard(5)),  // no option
        e("chinese", "Q136", "c", Target::Hard(1)), // never asked
        e("portuguese", "Q33", "d", Target::Hard(2)), // option not offered
        e("german", "Q999", "e", Target::Hard(1)), // unknown question
        e("martian", "Q27", "f", Target::Hard(1)), // unknown culture
        e(
            "german",
            "Q28",
            "g",
            Target::Soft(crate::domain::Distribution::from_shares(&[0.5, 0.5]).unwrap()),
        ),
    ];
    let report = audit(&rows_of(&rows, "d"), Some(&s), &[]);
    let found: Vec<(u64, FindingKind)> = report.findings.iter().map(|f| (f.row, f.kind)).collect();
    assert_eq!(
        found,
        [
            (1, K::Contradiction),
            (2, K::Contradiction),
            (3, K::Contradiction),
            (3, K::Duplicate),
            (5, K::OutOfScale),
            (6, K::NeverAsked),
            (7, K::OptionNotOffered),
            (8, K::UnknownQuestion),
            (9, K::UnknownCulture),
            (10, K::OutOfScale),
        ]
    );
    assert!((report.share(K::Contradiction) - 0.3).abs() < 1e-12);
}

#[test]
fn the_paper_policy_is_refused_until_its_defects_are_allowed() {
    let s = fixtures::survey();
    let paper = DatasetSpec { policy: LabelPolicy::Paper, ..spec(of("chinese")) };
    let found = kinds(build(&paper, &sources(&s, &[], &[])).unwrap_err());
    assert!(found.contains(&FindingKind::NeverAsked), "{found:?}");
    assert!(found.contains(&FindingKind::Contradiction), "{found:?}");
    let allowed = DatasetSpec { allow: FindingKind::ALL.into(), ..paper };
    let d = build(&allowed, &sources(&s, &[], &[])).unwrap();
    assert_eq!(d.examples.len(), 100, "two halves of 50 seeds");
    assert!(d.notes.iter().any(|n| matches!(n.note, LabelNote::Approximate { .. })));
    let blind = DatasetSpec { policy: LabelPolicy::Paper, ..spec(Arm::Blind { named: true }) };
    assert!(matches!(build(&blind, &sources(&s, &[], &[])), Err(DatasetError::BadSpec(_))));
}

#[test]
fn an_export_apportions_shares_and_reads_back_with_the_same_answers() {
    let s = fixtures::survey();
    let d = build(&spec(of("german")), &sources(&s, &[], &[])).unwrap();
    let example = &d.examples[..1];
    let Target::Soft(shares) = &example[0].target else { panic!() };
    let wanted = largest_remainder(shares, 20);
    for format in ExportFormat::ALL.into_iter().filter(|f| *f != ExportFormat::Parquet) {
        let mut bytes = Vec::new();
        let n = export(example, &s, &ExportOptions::new(format), &mut bytes).unwrap();
        assert_eq!(n, 20);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.jsonl");
        std::fs::write(&path, &bytes).unwrap();
        let texts = [(normal_text(&example[0].text), example[0].question.clone())].into();
        let rows = read_external(&path, &ExternalFile { culture: None, texts }).unwrap();
        let mut counts = vec![0u32; 4];
        for r in &rows {
            let AuditLabel::Code(c) = r.label else { panic!("{:?}", r.label) };
            counts[c as usize - 1] += 1;
            assert_eq!(r.question.as_ref(), Some(&example[0].question), "{format:?}");
            assert!(r.prompt.contains("the land of german"), "{format:?}: {}", r.prompt);
        }
        assert_eq!(counts, wanted, "{format:?}");
    }
    // Parquet has one row an answer, with the share that the lines stand for.
    let mut bytes = Vec::new();
    let n = export(example, &s, &ExportOptions::new(ExportFormat::Parquet), &mut bytes).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.parquet");
    std::fs::write(&path, &bytes).unwrap();
    let (names, rows) = crate::table::typed::read_parquet(&path).unwrap();
    assert_eq!(
        (rows.len() as u64, names[2].as_str(), names[3].as_str()),
        (n, "completion", "share")
    );
    let (mut copies, mut sum) = (Vec::new(), 0.0);
    for r in &rows {
        use crate::table::typed::Cell;
        let (Cell::Double(share), Cell::Int(c)) = (&r[3], &r[4]) else { panic!("{r:?}") };
        sum += share;
        copies.push(*c as u32);
        assert!(matches!(&r[1], Cell::Text(t) if !t.is_empty()), "{r:?}");
    }
    copies.retain(|c| *c > 0);
    assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    assert_eq!(copies, wanted.iter().copied().filter(|c| *c > 0).collect::<Vec<_>>());
    let none = ExportOptions { answers: 0, ..ExportOptions::new(ExportFormat::Chat) };
    assert!(export(example, &s, &none, &mut Vec::new()).is_err());
}

#[test]
fn the_card_says_what_may_be_done_and_how_much_people_differ() {
    let s = fixtures::survey();
    let d = build(&spec(Arm::One), &sources(&s, &[], &[])).unwrap();
    let file = CardFile { format: ExportFormat::Chat, answers: 20, lines: 7 };
    let card = card(&d, &s, Some(file));
    for said in [
        "10.14281/18241.24",
        "non-profit",
        "unweighted",
        "policy: `distribution`",
        "k = 20 answers",
        "stereotypes",
        "- chinese: Q125 (not asked), Q132 (not asked)",
        "options [1, 5] were not offered",
    ] {
        assert!(card.contains(said), "the card does not say {said:?}:\n{card}");
    }
    // science: "Iraq-Jordan .079 JSD"
    let row = card.lines().find(|l| l.starts_with("| The arabic")).unwrap();
    assert!(row.ends_with("| 0.079 |"), "{row}");
}
