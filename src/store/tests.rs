//! The room's door, tested on real files.

use std::path::Path;
use std::sync::Barrier;

use serde_json::json;

use super::workspace::TEST_SCHEMA;
use super::*;
use crate::domain::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn workspace(dir: &Path) -> Workspace {
    Workspace::create(dir).unwrap()
}

fn question(id: &str, language: &str) -> Question {
    let options = (1..=4).map(|code| ScaleOption { code, label: format!("{language} {code}") });
    Question {
        id: QuestionId::new(id).unwrap(),
        topic: Topic("social values".into()),
        language: language.into(),
        text: format!("{id} in {language}"),
        form: Form::Statement,
        scale: Scale::new(options.collect(), ScaleKind::Ordinal, Direction::HigherIsLess).unwrap(),
        notes: vec!["a note".into()],
    }
}

fn survey() -> Survey {
    let mut s = Survey {
        questions: vec![question("Q28", "en"), question("Q27", "en")],
        cultures: vec![Culture {
            id: CultureId::new("arabic").unwrap(),
            name: "Arabic".into(),
            countries: vec![CountryCode::new("JOR").unwrap(), CountryCode::new("IRQ").unwrap()],
            place: "Iraq and Jordan".into(),
            language: "ar".into(),
        }],
        ..Survey::default()
    };
    let mut counts = OptionCounts::new(Weighting::WWeight);
    counts.add(AnswerCode::Valid(1), 0.75);
    counts.add(AnswerCode::Valid(200), 1.25);
    counts.add(AnswerCode::Missing(MissingKind::NotAsked), 1.0);
    let key = (CountryCode::new("IRQ").unwrap(), QuestionId::new("Q27").unwrap());
    s.counts.insert(key.clone(), counts);
    let means = PaperMeans { all: 1.5, first_thousand: 1.25, respondents: 1200 };
    s.paper_means.insert(key, means);
    s
}

fn import(sha: &str) -> ImportRecord {
    ImportRecord {
        kind: "survey".into(),
        file: "wvs.csv".into(),
        sha256: sha.into(),
        report: json!({"rows": 3}),
    }
}

fn sample(n: usize) -> Sample {
    Sample {
        id: SampleId::new(format!("s{n}")).unwrap(),
        seed: QuestionId::new(format!("Q{}", 27 + n % 3)).unwrap(),
        language: "en".into(),
        text: format!("Text number {n}, 100% sure_"),
        stage: if n.is_multiple_of(2) { Stage::Template } else { Stage::Synonym },
        similarity: (!n.is_multiple_of(4))
            .then(|| Similarity::new(1.0 / (n % 7 + 1) as f64).unwrap()),
        decision: match n % 5 {
            0 => Decision::Rejected(RejectReason::Broken {
                guard: "quotes".into(),
                detail: "one".into(),
            }),
            1 => Decision::Failed(FailReason::NoRule { detail: "none".into() }),
            _ => Decision::Kept,
        },
        provenance: Provenance {
            provider: "offline".into(),
            version: "1".into(),
            run: Some(format!("run-{}", n % 2)),
            template: None,
            family: Some("cleft".into()),
            parent: None,
            substitutions: vec![],
            seed: 7,
            reply: None,
        },
    }
}

// ---- opening -----------------------------------------------------------------------------

#[test]
fn what_is_no_workspace_is_refused_with_its_reason() {
    let dir = folder();
    let path = dir.path().join(Workspace::FILE);
    let open = || Workspace::open(dir.path(), Access::Write).map(|_| ()).unwrap_err();
    assert!(matches!(open(), StoreError::Missing { .. }));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(open(), StoreError::NotADatabase { .. }), "an emptied file");
    std::fs::write(&path, b"seed_id,text\nQ27,hello\n".repeat(100)).unwrap();
    assert!(matches!(open(), StoreError::NotADatabase { .. }), "a CSV");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(open(), StoreError::NotADatabase { .. }), "a folder");
    std::fs::remove_dir(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (x); PRAGMA application_id = 99;").unwrap();
    drop(other);
    assert!(matches!(open(), StoreError::ForeignDatabase { found: 99, .. }));
    assert!(Workspace::create(dir.path()).is_err(), "creating does not take it over either");
}

#[test]
fn a_newer_schema_is_refused_by_both_versions_and_left_alone() {
    let dir = folder();
    drop(workspace(dir.path()));
    let path = dir.path().join(Workspace::FILE);
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 900).unwrap();
    drop(conn);
    for access in [Access::Read, Access::Write] {
        let e = Workspace::open(dir.path(), access).map(|_| ()).unwrap_err();
        let said = e.to_string();
        assert!(matches!(e, StoreError::NewerSchema { found: 900, .. }), "{said}");
        assert!(said.contains("900") && said.contains(&Workspace::schema_version().to_string()));
    }
}

#[test]
fn a_file_cut_short_is_called_damaged_and_never_replaced() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    ws.write(|tx| tx.put_samples(&(0..500).map(sample).collect::<Vec<_>>())).unwrap();
    drop(ws);
    let path = dir.path().join(Workspace::FILE);
    let whole = std::fs::metadata(&path).unwrap().len();
    for keep in [whole / 2, whole - 1, 4096, 100] {
        let bytes = std::fs::read(&path).unwrap();
        let cut = folder();
        let torn = cut.path().join(Workspace::FILE);
        std::fs::write(&torn, &bytes[..keep as usize]).unwrap();
        let e = Workspace::create(cut.path()).map(|_| ()).unwrap_err();
        assert!(
            matches!(e, StoreError::Corrupt { .. } | StoreError::NotADatabase { .. }),
            "{keep} of {whole}: {e}"
        );
        assert_eq!(std::fs::metadata(&torn).unwrap().len(), keep);
    }
}

#[test]
fn migrations_run_once_and_opening_again_changes_nothing() {
    let dir = folder();
    let ws = workspace(dir.path());
    let version = ws.database().data_version().unwrap();
    drop(ws);
    let again = workspace(dir.path());
    assert_eq!(again.database().check().unwrap(), Vec::<String>::new());
    assert!(version > 0);
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|n| !n.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn every_released_version_is_upgraded_with_its_rows() {
    for from in 1..=TEST_SCHEMA.migrations.len() {
        let dir = folder();
        let path = dir.path().join(Workspace::FILE);
        let old = Schema { migrations: &TEST_SCHEMA.migrations[..from], ..TEST_SCHEMA };
        let mut db = Database::create(&path, &old).unwrap();
        db.transaction(|tx| {
            tx.execute("INSERT INTO culture VALUES ('greek', 1, 'Greek', 'Greece', 'el')", [])
                .map_err(|e| StoreError::sql(&path, e))
        })
        .unwrap();
        drop(db);
        let ws = Workspace::open(dir.path(), Access::Read).unwrap();
        assert_eq!(ws.read().cultures().unwrap().len(), 1);
    }
}

#[test]
fn a_migration_that_fails_leaves_the_old_schema_whole() {
    const BAD: &[Migration] = &[
        TEST_SCHEMA.migrations[0],
        Migration {
            name: "0002_bad",
            sql: "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);",
        },
    ];
    let dir = folder();
    let path = dir.path().join(Workspace::FILE);
    let first = Schema { migrations: &BAD[..1], ..TEST_SCHEMA };
    drop(Database::create(&path, &first).unwrap());
    let bad = Schema { migrations: BAD, ..TEST_SCHEMA };
    assert!(Database::open(&path, &bad, Access::Write).is_err());
    let db = Database::open(&path, &first, Access::Write).unwrap();
    assert_eq!(db.check().unwrap(), Vec::<String>::new());
}

#[test]
fn of_many_who_create_at_once_all_end_in_one_database() {
    let dir = folder();
    let gate = Barrier::new(6);
    std::thread::scope(|s| {
        for i in 0..6 {
            let (dir, gate) = (dir.path(), &gate);
            s.spawn(move || {
                gate.wait();
                let mut ws = Workspace::create(dir).unwrap();
                ws.write(|tx| tx.put_samples(&[sample(i)])).unwrap();
            });
        }
    });
    let ws = Workspace::open(dir.path(), Access::Read).unwrap();
    assert_eq!(ws.read().count_samples(&SampleFilter::default()).unwrap(), 6);
}

/// Lets this thread act on files as `nobody`; only root can, everybody else is bound already.
struct AsNobody(bool);
impl AsNobody {
    fn new() -> Self {
        let root = nix::unistd::geteuid().is_root();
        if root {
            nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65_534));
        }
        Self(root)
    }
}
impl Drop for AsNobody {
    fn drop(&mut self) {
        if self.0 {
            nix::unistd::setfsuid(nix::unistd::Uid::from_raw(0));
        }
    }
}

#[test]
fn a_read_only_folder_is_read_and_not_written() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    workspace(dir.path()).write(|tx| tx.put_samples(&[sample(2)])).unwrap();
    let mode = |m| std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(m)).unwrap();
    let file = dir.path().join(Workspace::FILE);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
    mode(0o555);
    {
        let _nobody = AsNobody::new();
        let mut ws = Workspace::open(dir.path(), Access::Read).unwrap();
        assert!(ws.database().is_read_only());
        assert_eq!(ws.read().count_samples(&SampleFilter::default()).unwrap(), 1);
        let e = ws.write(|tx| tx.put_samples(&[sample(3)])).unwrap_err();
        assert!(matches!(e, StoreError::ReadOnly { .. }), "{e}");
        let e = Workspace::open(dir.path(), Access::Write).map(|_| ()).unwrap_err();
        assert!(matches!(e, StoreError::ReadOnly { .. }), "{e}");
    }
    mode(0o755);
    let empty = folder();
    std::fs::set_permissions(empty.path(), PermissionsExt::from_mode(0o555)).unwrap();
    let _nobody = AsNobody::new();
    let e = Workspace::create(empty.path()).map(|_| ()).unwrap_err();
    assert!(matches!(e, StoreError::ReadOnly { .. }), "{e}");
}

#[test]
fn an_old_schema_in_a_read_only_folder_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    const NEXT: &[Migration] =
        &[TEST_SCHEMA.migrations[0], Migration { name: "next", sql: "CREATE TABLE next (x);" }];
    let dir = folder();
    let path = dir.path().join(Workspace::FILE);
    let first = Schema { migrations: &NEXT[..1], ..TEST_SCHEMA };
    drop(Database::create(&path, &first).unwrap());
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o555)).unwrap();
    let _nobody = AsNobody::new();
    let next = Schema { migrations: NEXT, ..TEST_SCHEMA };
    let e = Database::open(&path, &next, Access::Read).map(|_| ()).unwrap_err();
    assert!(matches!(e, StoreError::OlderSchema { found: 1, known: 2, .. }), "{e}");
}

// ---- writing -----------------------------------------------------------------------------

#[test]
fn a_full_disk_is_an_error_and_what_was_committed_stays() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    ws.write(|tx| tx.put_samples(&[sample(1)])).unwrap();
    let pages: i64 = ws.database().conn().query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
    ws.database().conn().pragma_update(None, "max_page_count", pages + 2).unwrap();
    let many: Vec<Sample> = (2..2000).map(sample).collect();
    let e = ws.write(|tx| tx.put_samples(&many)).unwrap_err();
    assert!(matches!(e, StoreError::DiskFull { .. }), "{e}");
    assert_eq!(ws.read().count_samples(&SampleFilter::default()).unwrap(), 1);
    assert_eq!(ws.database().check().unwrap(), Vec::<String>::new());
}

#[test]
fn an_error_inside_a_transaction_writes_nothing() {
    #[derive(Debug)]
    struct Mine;
    impl From<StoreError> for Mine {
        fn from(_: StoreError) -> Self {
            Self
        }
    }
    let dir = folder();
    let mut ws = workspace(dir.path());
    let out: Result<(), Mine> = ws.write_as(|tx| {
        tx.put_samples(&[sample(1)])?;
        Err(Mine)
    });
    out.unwrap_err();
    assert_eq!(ws.read().count_samples(&SampleFilter::default()).unwrap(), 0);
}

#[test]
fn two_writers_on_one_file_lose_nothing() {
    let dir = folder();
    drop(workspace(dir.path()));
    std::thread::scope(|s| {
        for t in 0..4 {
            let dir = dir.path();
            s.spawn(move || {
                let mut ws = Workspace::open(dir, Access::Write).unwrap();
                for i in 0..25 {
                    ws.write(|tx| tx.put_samples(&[sample(t * 100 + i)])).unwrap();
                }
            });
        }
    });
    let ws = Workspace::open(dir.path(), Access::Read).unwrap();
    assert_eq!(ws.read().count_samples(&SampleFilter::default()).unwrap(), 100);
}

#[test]
fn a_backup_is_whole_and_overwrites_nothing() {
    let dir = folder();
    let mut ws = workspace(dir.path());
    ws.write(|tx| tx.put_survey(&survey())).unwrap();
    let target = folder();
    let to = target.path().join(Workspace::FILE);
    ws.database().backup(&to).unwrap();
    assert!(matches!(ws.database().backup(&to).unwrap_err(), StoreError::Refused { .. }));
    let copy = Workspace::open(target.path(), Access::Write).unwrap();
    assert_eq!(copy.read().survey().unwrap(), ws.read().survey().unwrap());
}

// ---- survey ------------------------------------------------------------------------------

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

// ---- samples -----------------------------------------------------------------------------

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

// ---- datasets, models, ingest, evaluations -------------------------------------------------

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
