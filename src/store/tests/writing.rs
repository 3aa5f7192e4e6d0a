//! Transactions, full disks, backups.

use super::*;

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
