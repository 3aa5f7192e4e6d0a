//! The house keeps its shape: imports go down, files stay small, nothing is unfinished.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor, ground floor first; the table of `src/lib.rs`.
const FLOORS: [&[&str]; 8] = [
    &["text", "stats", "table", "chart"],
    &["domain", "job", "config"],
    &["store", "embedded"],
    &["providers"],
    &["seeds", "augment", "study", "dataset", "finetune", "evaluate"],
    &["engine", "report", "work", "ingest"],
    &["launch", "demo", "sweep"],
    &["tui", "cli"],
];

/// Imports between rooms of one floor that are meant: ids in the job contract and in the settings,
/// what the settings may say of SLURM (the job contract's own words),
/// the width of labels in charts, and the demo and the sweep, which drive the launcher that the
/// faces above it drive too.
const SIDEWAYS: [(&str, &str); 6] = [
    ("job", "domain"),
    ("config", "domain"),
    ("config", "job"),
    ("chart", "text"),
    ("demo", "launch"),
    ("sweep", "launch"),
];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn all() -> Vec<(String, PathBuf)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files
        .into_iter()
        .map(|f| {
            let room =
                f.strip_prefix(&src).unwrap().iter().next().unwrap().to_string_lossy().into_owned();
            (room.trim_end_matches(".rs").to_owned(), f)
        })
        .collect()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|f| f.contains(&room))
}

#[test]
fn a_room_imports_only_from_floors_below() {
    let mut wrong = Vec::new();
    for (room, file) in all() {
        // Tests at a room's door may look over the fence for sample data.
        if file.iter().any(|p| p == "tests.rs" || p == "tests") {
            continue;
        }
        let Some(here) = floor(&room) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        for (n, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for part in code.split("crate::").skip(1) {
                let other: String =
                    part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if other == room {
                    continue;
                }
                if let Some(there) = floor(&other)
                    && there >= here
                    && !SIDEWAYS.contains(&(room.as_str(), other.as_str()))
                {
                    wrong.push(format!("{}:{}: {room} -> {other}", file.display(), n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that go up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_floor() {
    for (room, file) in all() {
        assert!(
            room == "main" || room == "lib" || floor(&room).is_some(),
            "{} is in no room of the table",
            file.display()
        );
    }
}

#[test]
fn no_file_is_longer_than_600_lines() {
    for (_, file) in all() {
        let n = fs::read_to_string(&file).unwrap().lines().count();
        assert!(n <= 600, "{} has {n} lines: it wants to be two files", file.display());
    }
}
