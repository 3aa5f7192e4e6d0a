//! `settings.json`: what people told the engine that is in no run's folder: pools, and that it
//! drains. Beside the database, so that a lost or torn one costs none of it.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use super::{EngineError, StateDir, log};
use crate::job::{JobError, now, write_atomically};
use crate::store::engine::EngineDb;

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    version: u32,
    /// Capacity of each pool.
    #[serde(default)]
    pub(super) pools: BTreeMap<String, u32>,
    /// No run is started until those that live have ended.
    #[serde(default)]
    pub(super) draining: bool,
}

impl Settings {
    /// As they were kept; `None` where nobody has told anything yet. A damaged file is kept aside.
    pub(super) fn read(state: &StateDir) -> Result<Option<Self>, EngineError> {
        let path = state.settings();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(EngineError::io(path.display().to_string())(e)),
        };
        let e = match serde_json::from_slice(&text) {
            Ok(settings) => return Ok(Some(settings)),
            Err(e) => e,
        };
        let aside =
            path.with_extension(format!("json.damaged-{}", now().strftime("%Y%m%d-%H%M%S")));
        fs::rename(&path, &aside).map_err(EngineError::io(path.display().to_string()))?;
        log::say(format_args!(
            "{} is damaged ({e}); kept as {}: pools are those of the database",
            path.display(),
            aside.display()
        ));
        Ok(None)
    }

    /// Keeps them, durably.
    pub(super) fn write(&self, state: &StateDir) -> Result<(), JobError> {
        let file = Self { version: 1, ..self.clone() };
        let text = serde_json::to_vec_pretty(&file).map_err(|e| JobError::Work(e.to_string()))?;
        write_atomically(&state.settings(), &text)
    }

    /// Changes them, durably. The caller holds the engine's lock.
    pub(super) fn change(
        state: &StateDir,
        db: &EngineDb,
        change: impl FnOnce(&mut Self),
    ) -> Result<(), EngineError> {
        let mut settings = match Self::read(state)? {
            Some(settings) => settings,
            None => Self::of_database(db)?,
        };
        change(&mut settings);
        Ok(settings.write(state)?)
    }

    /// What the database of an engine that kept no such file knows.
    fn of_database(db: &EngineDb) -> Result<Self, EngineError> {
        let pools = db.pools()?.into_iter().map(|p| (p.name, p.capacity)).collect();
        Ok(Self { pools, ..Self::default() })
    }

    /// Makes the database of a starting engine know the pools. True when it is to go on draining.
    pub(super) fn apply(state: &StateDir, db: &EngineDb) -> Result<bool, EngineError> {
        let Some(settings) = Self::read(state)? else {
            let known = Self::of_database(db)?;
            if !known.pools.is_empty() {
                known.write(state)?;
            }
            return Ok(false);
        };
        for pool in db.pools()? {
            if !settings.pools.contains_key(&pool.name) {
                db.drop_pool(&pool.name)?;
            }
        }
        for (name, capacity) in &settings.pools {
            db.set_pool(name, *capacity)?;
        }
        Ok(settings.draining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_come_back_from_the_file_and_from_the_database_of_an_engine_that_had_none() {
        let tmp = tempfile::tempdir().unwrap();
        let state = StateDir::at(tmp.path()).unwrap();
        let open = |name: &str| EngineDb::open(&tmp.path().join(name)).unwrap();
        let names = |db: &EngineDb| {
            let pools = db.pools().unwrap().into_iter();
            pools.map(|p| (p.name, p.capacity)).collect::<Vec<_>>()
        };
        let old = open("old.db");
        assert!(!Settings::apply(&state, &old).unwrap());
        assert_eq!(Settings::read(&state).unwrap(), None, "nothing was told, nothing is kept");
        old.set_pool("hub", 2).unwrap();
        assert!(!Settings::apply(&state, &old).unwrap());
        Settings::change(&state, &old, |s| {
            s.pools.insert("scratch".into(), 0);
            s.draining = true;
        })
        .unwrap();

        let new = open("new.db");
        new.set_pool("gone", 1).unwrap();
        assert!(Settings::apply(&state, &new).unwrap(), "it goes on draining");
        assert_eq!(names(&new), [("hub".into(), 2), ("scratch".into(), 0)]);

        fs::write(state.settings(), "{\"pools\":{\"hu").unwrap();
        assert!(!Settings::apply(&state, &new).unwrap());
        assert_eq!(names(&new).len(), 2, "those of the database");
        assert_eq!(Settings::read(&state).unwrap().unwrap().pools.len(), 2);
    }
}
