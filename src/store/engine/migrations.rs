//! Numbered migrations of `engine.db`; `PRAGMA user_version` counts those applied.

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
];

impl EngineDb {
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
            tx.pragma_update(None, "user_version", i as i64 + 1).map_err(&at)?;
            tx.commit().map_err(&at)?;
        }
        Ok(found == 0)
    }
}
