//! What may be opened, and what is said of the rest.

use std::sync::Barrier;

use super::super::workspace::TEST_SCHEMA;
use super::*;

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
