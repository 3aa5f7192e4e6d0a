//! How every connection is set up, so that a commit that returned is on the disk.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, sample_words};

/// The oldest SQLite that may write our files: before it, two writers could damage a database at
/// the moment the WAL is reset (mended in 3.51.3).
const OLDEST_SQLITE: (i32, &str) = (3_051_003, "3.51.3");

/// How long a connection waits for another one, in all. In milliseconds.
pub(super) const BUSY_BUDGET_MS: u64 = 10_000;
/// Mean wait between two tries, in milliseconds. The wait is jittered so that fifty raters do not
/// knock in step; SQLite's own handler would grow to 100 ms, which a rater would feel.
const BUSY_STEP_MS: u64 = 5;

/// Called by SQLite for try `n` of one lock; false gives up.
fn wait_a_little(n: i32) -> bool {
    if u64::try_from(n).unwrap_or(u64::MAX) > BUSY_BUDGET_MS / BUSY_STEP_MS {
        return false;
    }
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| u64::from(d.subsec_nanos()));
    // uniform over 1 .. 9 ms, mean 5
    std::thread::sleep(Duration::from_micros(1000 + nanos.wrapping_mul(2_654_435_761) % 8000));
    true
}

pub(super) fn check_sqlite() -> Result<(), StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE.0 {
        return Err(StoreError::OldSqlite {
            found: rusqlite::version().into(),
            needed: OLDEST_SQLITE.1,
        });
    }
    Ok(())
}

/// Opens for writing; the file must exist unless `create`.
pub(super) fn writable(path: &Path, create: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let at = |e| StoreError::sql(path, e);
    let mut conn = Connection::open_with_flags(path, flags).map_err(at)?;
    common(&mut conn, path)?;
    if conn.is_readonly(rusqlite::MAIN_DB).map_err(at)? {
        return Err(StoreError::ReadOnly { path: path.to_owned() });
    }
    Ok(conn)
}

/// Turns on the write-ahead log and full synchronisation.
pub(super) fn durable(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let at = |e| StoreError::sql(path, e);
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "wal", |r| r.get(0)).map_err(at)?;
    if mode != "wal" {
        return Err(StoreError::Sql {
            path: path.to_owned(),
            source: rusqlite::Error::InvalidParameterName(format!(
                "journal mode is {mode}, expected wal"
            )),
        });
    }
    conn.pragma_update(None, "synchronous", "FULL").map_err(at)
}

/// Opens for reading only. In a folder where SQLite cannot make its `-shm` file, the database is
/// read as it stands (`immutable`), provided no write-ahead log holds newer pages.
pub(super) fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let first = Connection::open_with_flags(path, flags)
        .map_err(|e| StoreError::sql(path, e))
        .and_then(|mut conn| {
            common(&mut conn, path)?;
            touch(&conn, path)?;
            Ok(conn)
        });
    match first {
        Err(e) if cannot_make_side_files(&e) => {
            if wal_has_pages(path) {
                return Err(StoreError::ReadOnly { path: path.to_owned() });
            }
            let mut conn = Connection::open_with_flags(
                immutable_uri(path),
                flags | OpenFlags::SQLITE_OPEN_URI,
            )
            .map_err(|e| StoreError::sql(path, e))?;
            common(&mut conn, path)?;
            touch(&conn, path)?;
            Ok(conn)
        }
        other => other,
    }
}

fn touch(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get::<_, i64>(0))
        .map(|_| ())
        .map_err(|e| StoreError::sql(path, e))
}

/// True for what SQLite says where it cannot make its `-wal` and `-shm` files.
pub(super) fn cannot_make_side_files(e: &StoreError) -> bool {
    match e {
        StoreError::ReadOnly { .. } => true,
        StoreError::Sql { source, .. } => {
            source.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
        }
        _ => false,
    }
}

/// Finds a file that was cut inside its last page, which SQLite itself would read as zeros. Only
/// judged while the write-ahead log is empty before and after: then no checkpoint is under way.
///
/// # Errors
/// [`StoreError::Corrupt`]; the file cannot be read.
pub(super) fn check_length(path: &Path) -> Result<(), StoreError> {
    use std::io::Read as _;
    if wal_has_pages(path) {
        return Ok(());
    }
    // file format, section 1.3: page size at 16 (big endian, 1 = 65536), size in pages at 28
    let mut header = [0u8; 100];
    let mut file = std::fs::File::open(path).map_err(StoreError::io(path))?;
    if file.read_exact(&mut header).is_err() {
        return Err(StoreError::NotADatabase {
            path: path.to_owned(),
            reason: "shorter than a database header".into(),
        });
    }
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        n => n,
    };
    let pages = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    let length = file.metadata().map_err(StoreError::io(path))?.len();
    if header.starts_with(b"SQLite format 3\0") && length < page * pages && !wal_has_pages(path) {
        return Err(StoreError::Corrupt {
            path: path.to_owned(),
            reason: format!("{length} bytes long, its header says {}", page * pages),
        });
    }
    Ok(())
}

fn wal_has_pages(path: &Path) -> bool {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    std::fs::metadata(wal).is_ok_and(|m| m.len() > 0)
}

fn immutable_uri(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = String::from("file:");
    for &b in path.as_os_str().as_bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_') {
            uri.push(char::from(b));
        } else {
            let _ = write!(uri, "%{b:02X}");
        }
    }
    uri.push_str("?immutable=1");
    uri
}

fn common(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let mut set = || {
        conn.busy_handler(Some(wait_a_little))?;
        // a mapped file turns an I/O error into a signal
        conn.pragma_update(None, "mmap_size", 0)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        // a workspace may come from somebody else: its schema may not call functions of ours
        conn.pragma_update(None, "trusted_schema", false)?;
        conn.set_prepared_statement_cache_capacity(64);
        sample_words::register(conn)?;
        Ok(())
    };
    set().map_err(|e| StoreError::sql(path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linked_sqlite_has_the_wal_reset_mended() {
        check_sqlite().unwrap();
    }

    #[test]
    fn a_path_with_odd_characters_becomes_a_uri() {
        assert_eq!(
            immutable_uri(Path::new("/a b/ü?#%")),
            "file:/a%20b/%C3%BC%3F%23%25?immutable=1"
        );
    }
}
