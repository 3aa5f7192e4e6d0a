//! The crash matrix: SIGKILL of {engine, shim, work, all three} at every point of a run's way, with
//! the real binary and real signals. What must hold: no run lost, none twice, no false success.
//! `docs/crash-matrix.md` is written from what happens here and compared with it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]
#![allow(dead_code, reason = "the house is shared, and each test uses a part")]

#[path = "engine/house.rs"]
mod house;

use std::fs;
use std::path::PathBuf;

use house::{House, kill, process_lives};
use serde_json::Value;

/// A moment of a run's way, where its processes can be held.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    /// `starting` is committed; no shim yet.
    BeforeFork,
    /// The shim holds the lock and has said so; no work yet.
    AfterLock,
    /// The work runs and `run.json` says so; the engine has heard nothing yet.
    AfterRunFile,
    /// All know that it runs.
    Running,
    /// `exit.json` is there; the engine has not committed the end.
    AfterExitFile,
}

impl Moment {
    const ALL: [Self; 5] =
        [Self::BeforeFork, Self::AfterLock, Self::AfterRunFile, Self::Running, Self::AfterExitFile];

    /// As the table says it.
    fn words(self) -> &'static str {
        match self {
            Self::BeforeFork => "before fork",
            Self::AfterLock => "after lock",
            Self::AfterRunFile => "after run.json",
            Self::Running => "running",
            Self::AfterExitFile => "after exit.json, before the commit",
        }
    }

    /// The point at which a process is held; none where the work itself waits.
    fn point(self) -> Option<&'static str> {
        match self {
            Self::BeforeFork => Some("engine-before-fork"),
            Self::AfterLock => Some("shim-after-lock"),
            Self::AfterRunFile => Some("shim-after-run-json"),
            Self::Running => None,
            Self::AfterExitFile => Some("engine-before-end"),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Engine,
    Shim,
    Work,
    All,
}

impl Victim {
    const ALL: [Self; 4] = [Self::Engine, Self::Shim, Self::Work, Self::All];

    fn words(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Shim => "shim",
            Self::Work => "work",
            Self::All => "all three",
        }
    }
}

/// A run in a house of its own, held at a moment.
struct Held {
    house: House,
    id: String,
    /// While this file is there, the held process waits at its point.
    hold: PathBuf,
    /// The work waits for this file.
    gate: PathBuf,
    /// A line for every start of the work, another for every end.
    starts: PathBuf,
    ends: PathBuf,
}

fn hold(moment: Moment) -> Held {
    let house = House::new();
    let (hold, gate) = (house.file("hold"), house.file("gate"));
    let (starts, ends) = (house.file("starts"), house.file("ends"));
    if let Some(point) = moment.point() {
        let value = format!("{point}:hold:{}", hold.display());
        house.ok_with(&["engine", "start"], &[("POLYCULTURE_TEST_CRASH", &value)]);
    }
    let script = format!(
        "echo x >> {}; {}; echo x >> {}",
        starts.display(),
        house::until(&gate),
        ends.display()
    );
    let id = house.add(&["sh", "-c", &script]);
    if moment == Moment::AfterExitFile {
        // Its work ends by itself on the way there.
        fs::write(&gate, "").unwrap();
    }
    match moment.point() {
        // The file is made before its pid is in it.
        Some(_) => {
            house::until_true("held", || fs::read_to_string(&hold).is_ok_and(|p| !p.is_empty()));
        }
        None => house.until_state(&id, "running"),
    }
    if matches!(moment, Moment::AfterRunFile | Moment::Running) {
        house::until_true("the work's first line", || starts.exists());
    }
    Held { house, id, hold, gate, starts, ends }
}

impl Held {
    fn lines(path: &PathBuf) -> usize {
        fs::read_to_string(path).unwrap_or_default().lines().count()
    }

    /// The processes that are there at this moment.
    fn victims(&self, moment: Moment, victim: Victim) -> Vec<i32> {
        let shim = || {
            let file = self.house.attempt(&self.id, 1).join("run.json");
            match moment {
                Moment::BeforeFork | Moment::AfterExitFile => None,
                Moment::AfterLock => fs::read_to_string(&self.hold).unwrap().trim().parse().ok(),
                _ => file.exists().then(|| self.house.processes(&self.id).0),
            }
        };
        let work = || {
            matches!(moment, Moment::AfterRunFile | Moment::Running)
                .then(|| self.house.processes(&self.id).1)
        };
        let engine = || self.house.engine_pid_of_lock();
        match victim {
            Victim::Engine => vec![engine()],
            Victim::Shim => shim().into_iter().collect(),
            Victim::Work => work().into_iter().collect(),
            Victim::All => [Some(engine()), shim(), work()].into_iter().flatten().collect(),
        }
    }

    /// Kills, lets everybody go on, and waits for the end that the next engine (or this one) tells.
    fn strike(&self, moment: Moment, victim: Victim) -> Option<Value> {
        let victims = self.victims(moment, victim);
        if victims.is_empty() {
            return None;
        }
        for pid in &victims {
            kill(*pid);
        }
        for pid in victims {
            house::until_true("it is dead", || !process_lives(pid));
        }
        let _ = fs::remove_file(&self.hold);
        fs::write(&self.gate, "").unwrap();
        Some(self.house.wait(&self.id))
    }
}

/// What the table says of one cell, after the promises were checked.
fn cell(moment: Moment, victim: Victim) -> String {
    let held = hold(moment);
    let at = format!("SIGKILL of {} {}", victim.words(), moment.words());
    let Some(end) = held.strike(moment, victim) else { return "not there".into() };
    let state = end["state"].as_str().unwrap().to_owned();
    let (starts, ends) = (Held::lines(&held.starts), Held::lines(&held.ends));
    // None twice: one attempt, begun at most once.
    assert_eq!(end["attempt"], 1, "{at}: {end}");
    assert!(starts <= 1, "{at}: the work began {starts} times");
    // No false success: only work that came to its end succeeded.
    assert!(state != "succeeded" || ends == 1, "{at}: a success that was none: {end}");
    // No run lost: the engine knows it, and so does its folder.
    let listed = held.house.json(&["runs", "list"]);
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{at}: {listed}");
    assert_eq!(items[0]["id"], held.id.as_str(), "{at}");
    assert!(
        held.house.attempt(&held.id, 1).join("exit.json").exists(),
        "{at}: nobody wrote its end"
    );
    // Nothing of it lives on.
    let left = house::marked(&held.id);
    assert!(left.is_empty(), "{at}: {left:?} live on");
    let began = if starts == 1 { "" } else { ", never began" };
    format!("{state}{began}")
}

#[test]
fn no_run_is_lost_none_is_started_twice_and_none_succeeds_that_did_not() {
    let mut rows = Vec::new();
    for moment in Moment::ALL {
        let cells: Vec<String> = Victim::ALL.into_iter().map(|v| cell(moment, v)).collect();
        rows.push(format!("| {} | {} |", moment.words(), cells.join(" | ")));
    }
    let head: Vec<&str> = Victim::ALL.iter().map(|v| v.words()).collect();
    let rule = vec!["---"; head.len() + 1].join("|");
    let table = format!("| SIGKILL of | {} |\n|{rule}|\n{}\n", head.join(" | "), rows.join("\n"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/crash-matrix.md");
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- matrix -->\n").expect("the mark of the table");
    let (found, after) = rest.split_once("<!-- end -->").expect("the end of the table");
    if std::env::var_os("POLYCULTURE_WRITE_MATRIX").is_some() {
        let page = format!("{before}<!-- matrix -->\n{table}<!-- end -->{after}");
        fs::write(path, page).unwrap();
        return;
    }
    assert_eq!(found, table, "POLYCULTURE_WRITE_MATRIX=1 writes docs/crash-matrix.md anew");
}
