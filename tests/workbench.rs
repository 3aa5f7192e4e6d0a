//! The real binary in a pseudo-terminal: it opens, is worked with by keys alone, and leaves the
//! terminal as it found it, however it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod pty;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pty::Pty;

/// A workspace, an engine's state and a configuration of a test's own. The engine is stopped with it.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Self { dir };
        let done =
            home.polyculture(&["init", home.workspace().to_str().unwrap()]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        home
    }

    fn workspace(&self) -> PathBuf {
        self.dir.path().join("garden")
    }

    fn polyculture(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.env("POLYCULTURE_STATE_DIR", self.dir.path().join("state"));
        c.env("POLYCULTURE_CONFIG", self.dir.path().join("config/config.toml"));
        c.env("POLYCULTURE_WORKSPACE", self.workspace());
        c.args(args);
        c
    }

    fn open(&self, cols: u16, rows: u16) -> Pty {
        // No configuration file: an empty one stands where it is looked for.
        std::fs::create_dir_all(self.dir.path().join("config")).unwrap();
        std::fs::write(self.dir.path().join("config/config.toml"), "").unwrap();
        Pty::spawn(&self.polyculture(&[]), cols, rows, &[])
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A demo goes on without its screen; it would start the next engine.
        let steps = format!("--workspace {}.* demo --steps", self.dir.path().display());
        drop(Command::new("pkill").args(["-KILL", "-f", "--", &steps]).output());
        drop(self.polyculture(&["engine", "stop"]).output());
    }
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let home = Home::new();
    for args in [&[][..], &["rate"]] {
        let done = home.polyculture(args).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains("no terminal") && said.contains("polyculture help"), "{said}");
    }
}

#[test]
fn the_page_of_keys_is_the_table_of_commands() {
    let home = Home::new();
    let done = home.polyculture(&["keys", "--markdown"]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let page = format!(
        "# Keys\n\nMade by `polyculture keys --markdown` from the table of commands; your own keys stand \
         in `keys.toml` ([workbench.md](workbench.md)).\n\n{}",
        String::from_utf8(done.stdout).unwrap()
    );
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    if std::env::var_os("POLYCULTURE_WRITE_WALKTHROUGH").is_some() {
        std::fs::write(file, page).unwrap();
        return;
    }
    let known = std::fs::read_to_string(file).unwrap();
    let again = "POLYCULTURE_WRITE_WALKTHROUGH=1 cargo test --test workbench keys";
    assert!(known == page, "docs/keys.md is of other commands: {again}");
}

#[test]
fn a_keymap_with_a_conflict_names_both_commands_and_leaves_the_terminal_alone() {
    let home = Home::new();
    std::fs::create_dir_all(home.dir.path().join("config")).unwrap();
    let keys = "[keys]\n\"app.help\" = [\"Q\"]\n\"app.export\" = [\"Q\"]\n";
    std::fs::write(home.dir.path().join("config/keys.toml"), keys).unwrap();
    let mut p = home.open(80, 24);
    assert_eq!(p.wait_end_of_output().code(), Some(2));
    let said = p.screen_text();
    assert!(said.contains("app.help") && said.contains("app.export"), "{said}");
}

#[test]
fn it_opens_is_walked_through_and_left_by_keys_with_the_terminal_whole() {
    let home = Home::new();
    let mut p = home.open(80, 24);
    p.wait_for_text("From seeds to an evaluated model");
    for (key, says) in [
        ("2", "Q27"),
        ("3", "Samples"),
        ("4", "No study yet"),
        ("5", "No dataset yet"),
        ("6", "No evaluation yet"),
        ("7", "Runs"),
        ("8", "themes"),
        ("?", "This screen"),
    ] {
        p.send(key);
        p.wait_for_text(says);
    }
    p.send("x");
    p.send("q");
    p.wait_for_text("From seeds to an evaluated model");
    p.send("q");
    assert_eq!(p.wait_exit().code(), Some(0));
    assert!(p.is_cooked());
    assert!(p.screen(|s| !s.alternate_screen() && !s.hide_cursor() && !s.bracketed_paste()));
}

#[test]
fn samples_are_grown_and_decided_on_by_keys_alone() {
    let home = Home::new();
    let mut p = home.open(80, 24);
    p.wait_for_text("From seeds to an evaluated model");
    // The next step is to grow samples; its form is one key away, and one more starts it.
    p.send("2");
    p.wait_for_text("Making my parents proud");
    p.send("a");
    p.wait_for_text("polyculture augment --seeds Q27");
    p.send("\r");
    p.wait_for_text("10/35");
    p.send("3");
    p.wait_for_text("of 35");
    p.send("x");
    p.wait_for(
        |s| s.contents().contains("reject") || s.contents().contains("Reject"),
        "a word on rejecting",
    );
    p.send("\r");
    p.wait_for_text("rejected*: by-hand");
    p.send("u");
    p.wait_for(|s| !s.contents().contains("rejected*: by-hand"), "the decision undone");
    p.send("\u{3}");
    assert_eq!(p.wait_exit().code(), Some(0));
}

#[test]
fn where_one_was_is_where_the_next_start_begins() {
    let home = Home::new();
    let mut p = home.open(80, 24);
    p.wait_for_text("From seeds to an evaluated model");
    p.send("2");
    p.wait_for_text("> Q27");
    p.send("jjj");
    p.wait_for_text("> Q30");
    p.send("\u{3}");
    p.wait_exit();
    let p = home.open(80, 24);
    p.wait_for_text("> Q30");
}

#[test]
fn signals_and_a_lost_terminal_end_it_and_leave_nothing_behind() {
    let home = Home::new();
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut p = home.open(80, 24);
        p.wait_for_text("From seeds to an evaluated model");
        p.signal(signal);
        assert!(!p.wait_exit().success());
        assert!(p.is_cooked());
        assert!(p.screen(|s| !s.alternate_screen()));
    }
    let mut p = home.open(80, 24);
    p.wait_for_text("From seeds to an evaluated model");
    p.hang_up();
    p.wait_exit();
}

#[test]
fn a_storm_of_sizes_and_a_pasted_megabyte_change_nothing() {
    let home = Home::new();
    let mut p = home.open(80, 24);
    p.wait_for_text("From seeds to an evaluated model");
    for i in 0..60u16 {
        p.resize(20 + i * 37 % 180, 5 + i * 13 % 60);
    }
    p.resize(100, 30);
    let mut paste = b"\x1b[200~".to_vec();
    paste.extend((0..1 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80));
    paste.extend(b"\x1b[201~");
    p.send(paste);
    p.wait_for_text("nowhere to go");
    p.send("7");
    p.wait_for_text("Runs");
    p.send("\u{3}");
    assert_eq!(p.wait_exit().code(), Some(0));
    assert!(p.is_cooked());
}

#[test]
fn an_idle_screen_writes_nothing() {
    let home = Home::new();
    let mut p = home.open(120, 40);
    p.wait_for_text("engine at rest");
    p.send("2");
    p.wait_for_text("> Q27");
    // Whatever was still to come may take its time on a busy machine; what writes by the clock has
    // no three seconds without a byte.
    let silent = (0..10).any(|_| p.bytes_within(Duration::from_secs(3)) == 0);
    assert!(silent, "it never rests:\n{}", p.screen_text());
    p.send("\u{3}");
    p.wait_exit();
}

#[test]
fn the_engine_may_die_and_come_back_while_one_looks() {
    let home = Home::new();
    let mut p = home.open(80, 24);
    p.wait_for_text("engine at rest");
    let run = |label: &str| {
        let args = ["runs", "add", "--label", label, "--", "true"];
        let done = home.polyculture(&args).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    run("first");
    p.send("7");
    p.wait_for_text("first");
    assert!(home.polyculture(&["engine", "stop"]).output().unwrap().status.success());
    p.wait_for_text("engine at rest");
    assert!(p.screen(|s| s.contents().contains("first")), "{}", p.screen_text());
    run("second");
    p.wait_for_text("second");
    p.send("\u{3}");
    assert_eq!(p.wait_exit().code(), Some(0));
}

#[test]
fn a_run_is_cancelled_and_tried_again_from_its_screen() {
    let home = Home::new();
    let args = ["runs", "add", "--label", "sleeper", "--", "sleep", "600"];
    let done = home.polyculture(&args).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut p = home.open(100, 40);
    p.wait_for_text("Overview");
    p.send("7");
    p.wait_for(|s| s.contents().contains("sleeper") && s.contents().contains("running"), "it runs");
    // Asked first, and left as it is.
    p.send("x");
    p.wait_for_text("Cancel `sleeper`");
    p.send("n");
    p.wait_for_text("left as it is");
    p.send("x");
    p.wait_for_text("Cancel `sleeper`");
    p.send("y");
    p.wait_for_text("cancelled");
    p.send("r");
    p.wait_for_text("attempt 2");
    // The screen may still show the first attempt's word: the engine knows.
    pty::poll_until("the second attempt runs", || {
        let list = home.polyculture(&["--json", "runs", "list"]).output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
        let run = &list["items"][0];
        run["state"] == "running" && run["attempt"] == 2
    });
    p.send("x");
    p.wait_for_text("Cancel `sleeper`");
    p.send("y");
    p.wait_for(|s| !s.contents().contains("running"), "it ended");
    p.send("\u{3}");
    assert_eq!(p.wait_exit().code(), Some(0));
}

#[test]
fn a_run_is_paused_resumed_stopped_and_put_before_others_from_its_screen() {
    let home = Home::new();
    let add = |label: &str, more: &[&str]| {
        let mut args = vec!["--json", "runs", "add", "--label", label];
        args.extend(more);
        args.extend(["--", "sleep", "600"]);
        let done = home.polyculture(&args).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let doc: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        doc["id"].as_str().unwrap().to_owned()
    };
    let made = home.polyculture(&["engine", "pool", "narrow", "--capacity", "1"]);
    assert!({ made }.output().unwrap().status.success());
    let holder = add("holder", &["--pool", "narrow"]);
    let state = |run: &str| {
        let shown = home.polyculture(&["--json", "runs", "show", run]).output().unwrap();
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        shown["state"].as_str().unwrap().to_owned()
    };
    pty::poll_until("the first runs", || state(&holder) == "running");
    let pupil = add("pupil", &["--after-ok", &holder]);
    let later = add("later", &["--not-before", "2d"]);
    add("second", &["--pool", "narrow"]);
    let mut p = home.open(100, 40);
    p.wait_for_text("Overview");
    p.wait_for_text("1 running, 3 waiting");
    p.send("7");
    // The newest is at the top: it waits for its pool, whose use is told.
    p.wait_for_text("for pool narrow: 1 of 1 taken");
    p.send("+");
    p.wait_for_text("second: priority 1");
    p.wait_for(|s| s.contents().contains("priority   1"), "the detail tells the priority");
    p.send("--");
    p.wait_for_text("second: priority -1");
    p.send("j");
    p.wait_for_text("not before 20");
    p.send("j");
    p.wait_for_text("for `holder`");
    p.send("j");
    p.send("p");
    p.wait_for_text("holder: paused");
    p.wait_for_text("1 paused, 3 waiting");
    assert_eq!(state(&holder), "paused");
    p.send("c");
    p.wait_for_text("1 running, 3 waiting");
    assert_eq!(state(&holder), "running");
    // Asked first, and left as it is.
    p.send("S");
    p.wait_for_text("Stop `holder` with a checkpoint?");
    p.send("n");
    p.wait_for_text("left as it is");
    assert_eq!(state(&holder), "running");
    p.send("Sy");
    pty::poll_until("it stopped", || state(&holder) == "cancelled");
    // Its place is free, and who waited for its success never starts.
    pty::poll_until("the other is skipped", || state(&pupil) == "skipped");
    p.wait_for_text("skipped");
    p.send("c");
    pty::poll_until("it waits for its place again", || state(&holder) == "queued");
    assert_eq!(state(&later), "delayed");
    p.send("\u{3}");
    assert_eq!(p.wait_exit().code(), Some(0));
    for run in [&holder, &later] {
        drop(home.polyculture(&["runs", "cancel", run]).output());
    }
    let all = home.polyculture(&["--json", "runs", "list", "--state", "running"]).output().unwrap();
    let all: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    for run in all["items"].as_array().unwrap() {
        let id = run["id"].as_str().unwrap();
        drop(home.polyculture(&["runs", "cancel", id]).output());
    }
}

#[test]
fn the_demo_opens_the_workbench_and_goes_through_the_loop_beside_it() {
    let home = Home::new();
    let dir = home.dir.path().join("demo");
    let command = home.polyculture(&["demo", "--quick", "--dir", dir.to_str().unwrap()]);
    let mut p = Pty::spawn(&command, 100, 30, &[("POLYCULTURE_WORKSPACE", "")]);
    p.wait_for_text("From seeds to an evaluated model");
    p.wait_for_text("demo: ");
    // The loop itself is tested by the demo's own test; here it is enough that it gets going.
    p.wait_for(
        |s| s.contents().contains(" kept, ") && !s.contents().contains(" 0 kept"),
        "samples",
    );
    p.send("\u{3}");
    assert_eq!(p.wait_exit().code(), Some(0));
    assert!(p.screen(|s| s.contents().contains("the demo goes on without the screen")));
    // What it has not come to yet comes: the fine-tunes follow the samples.
    let list = ["-w", dir.to_str().unwrap(), "runs", "list"];
    let end = Instant::now() + Duration::from_mins(2);
    loop {
        let done = home.polyculture(&list).output().unwrap();
        if String::from_utf8_lossy(&done.stdout).contains("finetune") {
            break;
        }
        assert!(Instant::now() < end, "{}", String::from_utf8_lossy(&done.stdout));
        std::thread::sleep(Duration::from_millis(100));
    }
}
