//! Numbered migrations of `engine.db`; `PRAGMA user_version` counts those applied.

use std::cmp::Ordering;

use rusqlite::{Transaction, params};

use super::runs::words;
use super::{EngineDb, EngineDbError};

const MIGRATIONS: &[&str] = &[
    // 1: runs and events.
    "CREATE TABLE runs (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        id         TEXT NOT NULL UNIQUE,
        request_id TEXT NOT NULL UNIQUE,
        kind       TEXT NOT NULL,
        label      TEXT,
        dir        TEXT NOT NULL,
        workspace  TEXT NOT NULL,
        attempt    INTEGER NOT NULL,
        priority   INTEGER NOT NULL,
        threads    INTEGER NOT NULL,
        turn       INTEGER NOT NULL,           -- place in the queue; a retry gets a new one
        ingested   INTEGER NOT NULL DEFAULT 0, -- results of the ended attempt are merged
        state      TEXT NOT NULL,
        queued_at  INTEGER NOT NULL,           -- times: Unix milliseconds
        since      INTEGER,
        started_at INTEGER,
        ended_at   INTEGER,
        exit_code  INTEGER,
        signal     INTEGER,
        reason     TEXT
    ) STRICT;
    CREATE INDEX runs_by_state ON runs(state, priority DESC, turn);
    CREATE INDEX runs_by_turn ON runs(turn);
    CREATE TABLE events (
        seq     INTEGER PRIMARY KEY AUTOINCREMENT,
        at      INTEGER NOT NULL,
        run     TEXT NOT NULL,
        view    TEXT NOT NULL                  -- the run's public JSON after the transition
    ) STRICT;",
    // 2: what filters look through; filled in below.
    "ALTER TABLE runs ADD COLUMN words TEXT NOT NULL DEFAULT '';",
    // 3: all that a filter asks, in the order of lists.
    "CREATE INDEX runs_found ON runs(seq, state, kind, words);",
    // 4: pools, GPUs asked for and leased, and who waits for whom.
    "ALTER TABLE runs ADD COLUMN gpus INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN pool TEXT;
    CREATE INDEX runs_with_gpus ON runs(state) WHERE gpus > 0;
    CREATE TABLE gpu_leases (
        gpu     TEXT PRIMARY KEY,              -- UUID of the GPU or of a MIG instance
        run     TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        place   INTEGER NOT NULL,              -- in CUDA_VISIBLE_DEVICES
        since   INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE pools (
        name     TEXT PRIMARY KEY,
        capacity INTEGER NOT NULL              -- runs at a time
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE waits (
        run       TEXT NOT NULL,               -- waits
        other     TEXT NOT NULL,               -- for this one's end
        condition TEXT NOT NULL,               -- ok, any, fail
        PRIMARY KEY (run, other, condition)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX waits_by_other ON waits(other);",
    // 5: what is looked at after every change of the queue: who waits for a clock, and the queue of
    // those that run elsewhere.
    "CREATE INDEX runs_due ON runs(since) WHERE state = 'delayed';
    CREATE INDEX runs_elsewhere ON runs(priority DESC, turn)
        WHERE state = 'queued' AND threads = 0;",
];

/// The migration after which `words` is to be filled in.
const WORDS: usize = 2;

/// Fills in `words` of the runs that are there: folding letters is more than SQLite knows.
fn fill_words(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut read = tx.prepare("SELECT seq, id, kind, label FROM runs")?;
    let mut write = tx.prepare("UPDATE runs SET words = ?2 WHERE seq = ?1")?;
    let mut rows = read.query([])?;
    while let Some(r) = rows.next()? {
        let (id, kind): (String, String) = (r.get(1)?, r.get(2)?);
        let label: Option<String> = r.get(3)?;
        write.execute(params![r.get::<_, i64>(0)?, words(&id, &kind, label.as_deref())])?;
    }
    Ok(())
}

impl EngineDb {
    /// Refuses a database of another schema: for connections that only read.
    pub(super) fn check_schema(&self) -> Result<(), EngineDbError> {
        let found: i64 =
            self.conn.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(self.at())?;
        let known = MIGRATIONS.len() as i64;
        let path = self.path.clone();
        match found.cmp(&known) {
            Ordering::Equal => Ok(()),
            Ordering::Less => Err(EngineDbError::Older { path, found, known }),
            Ordering::Greater => Err(EngineDbError::Newer { path, found, known }),
        }
    }

    /// Applies what is missing. True when the database was empty.
    pub(super) fn migrate(&mut self) -> Result<bool, EngineDbError> {
        let at = self.at();
        let found: i64 =
            self.conn.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(&at)?;
        let known = MIGRATIONS.len() as i64;
        if found > known {
            return Err(EngineDbError::Newer { path: self.path.clone(), found, known });
        }
        for (i, sql) in MIGRATIONS.iter().enumerate().skip(found.max(0) as usize) {
            let tx = self.conn.transaction().map_err(&at)?;
            tx.execute_batch(sql).map_err(&at)?;
            if i + 1 == WORDS {
                fill_words(&tx).map_err(&at)?;
            }
            tx.pragma_update(None, "user_version", i as i64 + 1).map_err(&at)?;
            tx.commit().map_err(&at)?;
        }
        Ok(found == 0)
    }
}
