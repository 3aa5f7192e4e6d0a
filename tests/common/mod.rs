//! What tests of the command line share: a workspace of their own, and the real binary on it.
#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a workspace (`w`), an engine's state (`s`) and a configuration (`config.toml`) of
/// its own. The engine is stopped at the end.
pub struct Place(pub tempfile::TempDir);

impl Place {
    /// With nothing in it but an empty configuration: one that is named must be there.
    pub fn empty() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.file("config.toml", "");
        place
    }

    /// With this configuration and a workspace.
    pub fn configured(config: &str) -> Self {
        let place = Self::empty();
        place.file("config.toml", config);
        place.ok(&["init", place.ws().to_str().unwrap()]);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn ws(&self) -> PathBuf {
        self.path("w")
    }

    /// Writes a file; gives its path.
    pub fn file(&self, name: &str, holds: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, holds).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.args(args)
            .current_dir(if self.ws().is_dir() { self.ws() } else { self.0.path().to_owned() })
            .env("POLYCULTURE_STATE_DIR", self.path("s"))
            .env("POLYCULTURE_CONFIG", self.path("config.toml"))
            .env_remove("POLYCULTURE_WORKSPACE")
            .stdin(Stdio::null());
        c
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command that succeeds prints.
    pub fn ok(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    }

    /// Its document.
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ =
            self.command(&["engine", "stop"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
