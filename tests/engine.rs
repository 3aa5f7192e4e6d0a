//! The engine at its door: the real binary, real signals, a state folder and a workspace of its
//! own for every test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]
#![allow(dead_code, reason = "the house is shared, and each test uses a part")]

#[path = "engine/house.rs"]
mod house;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use house::{House, kill, process_lives};
use serde_json::Value;

#[test]
fn a_run_that_exits_0_succeeds_and_its_output_is_kept() {
    let house = House::new();
    let id = house.add(&["sh", "-c", "echo out; echo err >&2"]);
    let end = house.wait(&id);
    assert_eq!(end["state"], "succeeded", "{end}");
    assert_eq!(end["exit_code"], 0);
    assert_eq!(house.ok(&["runs", "logs", &id]), "out\nerr\n");
    assert!(end["started_at"].is_string() && end["ended_at"].is_string());
}

#[test]
fn a_failing_exit_code_is_told_and_a_missing_program_is_127() {
    let house = House::new();
    for (argv, code) in [(&["sh", "-c", "exit 7"][..], 7), (&["/nowhere/program"], 127)] {
        let end = house.wait(&house.add(argv));
        assert_eq!(end["state"], "failed", "{end}");
        assert_eq!(end["exit_code"], code, "{end}");
    }
    let end = house.wait(&house.add(&["/nowhere/program"]));
    assert!(end["reason"].as_str().unwrap().contains("/nowhere/program"), "{end}");
}

#[test]
fn a_killed_engine_loses_nothing_and_its_successor_tells_the_exit_code() {
    let house = House::new();
    let gate = house.file("gate");
    let id = house.add(&["sh", "-c", &format!("{}; exit 7", house::until(&gate))]);
    house.until_state(&id, "running");
    let engine = house.engine_pid();
    kill(engine);
    house::until_true("the engine is dead", || !process_lives(engine));
    // Ends while no engine lives; the shim writes it down.
    fs::write(&gate, "").unwrap();
    house::until_true("exit.json", || house.attempt(&id, 1).join("exit.json").exists());
    let end = house.wait(&id);
    assert_ne!(house.engine_pid(), engine);
    assert_eq!((&end["state"], &end["exit_code"]), (&"failed".into(), &7.into()), "{end}");
    assert_eq!(end["attempt"], 1);
}

#[test]
fn a_run_that_goes_on_is_adopted_by_the_next_engine_and_not_started_again() {
    let house = House::new();
    let (gate, starts) = (house.file("gate"), house.file("starts"));
    let script = format!("echo x >> {}; {}", starts.display(), house::until(&gate));
    let id = house.add(&["sh", "-c", &script]);
    house.until_state(&id, "running");
    house::until_true("started", || starts.exists());
    kill(house.engine_pid());
    house.ok(&["engine", "start"]);
    assert_eq!(house.show(&id)["state"], "running");
    fs::write(&gate, "").unwrap();
    assert_eq!(house.wait(&id)["state"], "succeeded");
    assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n");
}

#[test]
fn work_whose_shim_was_killed_goes_on_and_ends_as_lost_not_as_success() {
    let house = House::new();
    let gate = house.file("gate");
    let id = house.add(&["sh", "-c", &house::until(&gate)]);
    house.until_state(&id, "running");
    let (shim, work) = house.processes(&id);
    kill(shim);
    house::until_true("the note", || house.show(&id)["reason"].is_string());
    assert!(process_lives(work));
    fs::write(&gate, "").unwrap();
    let end = house.wait(&id);
    assert_eq!(end["state"], "lost", "{end}");
    assert!(end["reason"].as_str().unwrap().contains("shim was killed"), "{end}");
}

#[test]
fn killed_work_fails_by_its_signal() {
    let house = House::new();
    let id = house.add(&["sh", "-c", &house::until(&house.file("never"))]);
    house.until_state(&id, "running");
    kill(house.processes(&id).1);
    let end = house.wait(&id);
    assert_eq!((&end["state"], &end["signal"]), (&"failed".into(), &9.into()), "{end}");
}

#[test]
fn when_engine_shim_and_work_are_killed_at_once_the_run_is_lost_and_a_retry_succeeds() {
    let house = House::new();
    let gate = house.file("gate");
    let id = house.add(&["sh", "-c", &house::until(&gate)]);
    house.until_state(&id, "running");
    let (shim, work) = house.processes(&id);
    for pid in [house.engine_pid(), shim, work] {
        kill(pid);
    }
    let end = house.wait(&id);
    assert_eq!(end["state"], "lost", "{end}");
    fs::write(&gate, "").unwrap();
    house.ok(&["runs", "retry", &id]);
    let end = house.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &2.into()), "{end}");
}

#[test]
fn an_engine_killed_at_any_point_of_a_run_starts_it_exactly_once() {
    for point in ["engine-before-fork", "engine-after-fork", "engine-before-end"] {
        let house = House::new();
        let starts = house.file("starts");
        let script = format!("echo x >> {}; exit 3", starts.display());
        let id = house.add_with(&["sh", "-c", &script], &[("POLYCULTURE_TEST_CRASH", point)]);
        let end = house.wait(&id);
        assert_eq!(end["exit_code"], 3, "{point}: {end}");
        assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n", "{point}");
        let log = fs::read_to_string(house.state().join("engine.log")).unwrap();
        assert!(log.matches(" at /").count() >= 2, "{point}: it was not killed: {log}");
    }
}

#[test]
fn a_shim_killed_at_any_point_never_makes_a_success_nor_a_second_start() {
    let cases = [
        ("shim-before-lock", "failed", 0),
        ("shim-after-lock", "lost", 0),
        ("shim-after-run-json", "lost", 1),
        ("shim-before-exit-json", "lost", 1),
        ("shim-after-exit-json", "succeeded", 1),
    ];
    for (point, state, most) in cases {
        let house = House::new();
        let starts = house.file("starts");
        let script = format!("echo x >> {}", starts.display());
        house.ok_with(&["engine", "start"], &[("POLYCULTURE_TEST_CRASH", point)]);
        let id = house.add(&["sh", "-c", &script]);
        let end = house.wait(&id);
        assert_eq!(end["state"], state, "{point}: {end}");
        let began = fs::read_to_string(&starts).unwrap_or_default().lines().count();
        assert!(began <= most, "{point}: started {began} times");
    }
}

#[test]
fn engines_that_race_for_a_folder_are_one_engine() {
    let house = House::new();
    let mut racers: Vec<_> =
        (0..6).map(|_| house.command(&["engine", "run"]).spawn().unwrap()).collect();
    let pid = house::until_some("an engine", || house.try_engine_pid());
    house::until_true("the others have left", || {
        racers.iter_mut().filter_map(|r| r.try_wait().unwrap()).count() == 5
    });
    assert_eq!(house.engine_pid(), pid);
    house.ok(&["engine", "stop"]);
    for mut r in racers {
        assert!(r.wait().unwrap().success());
    }
}

#[test]
fn the_same_request_twice_is_one_run() {
    let house = House::new();
    let request = [("POLYCULTURE_REQUEST_ID", "the-same")];
    let first = house.add_with(&["true"], &request);
    let text = house.ok_with(&["runs", "add", "--", "true"], &request);
    let second: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(second["id"], first.as_str());
    house.wait(&first);
    let folders = fs::read_dir(house.workspace().join("runs")).unwrap().count();
    assert_eq!(folders, 1, "the second folder is removed");
}

#[test]
fn a_torn_database_is_kept_aside_and_rebuilt_from_the_run_folders() {
    let house = House::new();
    let (gate, starts) = (house.file("gate"), house.file("starts"));
    let failed = house.add(&["sh", "-c", "exit 5"]);
    house.wait(&failed);
    let script = format!("echo x >> {}; {}", starts.display(), house::until(&gate));
    let live = house.add(&["sh", "-c", &script]);
    house.until_state(&live, "running");
    house::until_true("started", || starts.exists());
    let engine = house.engine_pid();
    kill(engine);
    house::until_true("the engine is dead", || !process_lives(engine));
    let db = house.state().join("engine.db");
    fs::write(&db, vec![0x5a; 20_000]).unwrap();
    fs::write(house.state().join("engine.db-wal"), "torn").unwrap();

    assert_eq!(house.show(&failed)["exit_code"], 5);
    assert_eq!(house.show(&live)["state"], "running");
    fs::write(&gate, "").unwrap();
    assert_eq!(house.wait(&live)["state"], "succeeded");
    assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n");
    let aside = fs::read_dir(house.state()).unwrap().flatten().find(|e| {
        let name = e.file_name().into_string().unwrap();
        name.starts_with("engine.db.damaged-") && !name.ends_with("-wal")
    });
    assert_eq!(fs::read(aside.unwrap().path()).unwrap(), vec![0x5a; 20_000]);
}

#[test]
fn a_deleted_database_is_rebuilt_too() {
    let house = House::new();
    let id = house.add(&["sh", "-c", "exit 5"]);
    house.wait(&id);
    house.ok(&["engine", "stop"]);
    fs::remove_file(house.state().join("engine.db")).unwrap();
    assert_eq!(house.show(&id)["exit_code"], 5);
}

#[test]
fn a_database_of_a_newer_program_is_a_clear_error_and_stays_as_it_is() {
    let house = House::new();
    house.ok(&["engine", "start"]);
    house.ok(&["engine", "stop"]);
    let path = house.state().join("engine.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let out = house.command(&["runs", "list"]).output().unwrap();
    assert_eq!(out.status.code(), Some(3));
    let words = String::from_utf8(out.stdout).unwrap();
    assert!(words.contains("schema 99") && words.contains("upgrade polyculture"), "{words}");
    assert!(path.exists());
}

#[test]
fn a_stale_socket_is_replaced_and_a_deleted_one_made_again() {
    let house = House::new();
    let socket = house.state().join("engine.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    house.ok(&["engine", "start"]);
    let pid = house.engine_pid();
    fs::remove_file(&socket).unwrap();
    house::until_true("the socket is back", || socket.exists());
    assert_eq!(house.engine_pid(), pid);
}

#[test]
fn a_client_gone_in_mid_frame_and_one_that_talks_nonsense_harm_nobody() {
    let house = House::new();
    house.ok(&["engine", "start"]);
    let socket = house.state().join("engine.sock");
    let mut gone = UnixStream::connect(&socket).unwrap();
    gone.write_all(b"{\"id\":1,\"do\":\"stop\"}").unwrap();
    drop(gone);
    let mut odd = UnixStream::connect(&socket).unwrap();
    odd.write_all(b"what?\n{\"id\":4,\"do\":\"dance\"}\n\xff\xfe\n").unwrap();
    let mut heard = String::new();
    while heard.lines().count() < 4 {
        let mut block = [0; 4096];
        let n = odd.read(&mut block).unwrap();
        assert!(n > 0, "{heard}");
        heard.push_str(std::str::from_utf8(&block[..n]).unwrap());
    }
    assert!(heard.contains("\"id\":4,\"error\":{\"code\":\"bad_request\""), "{heard}");
    // A request without its line break was never made.
    assert_eq!(house.wait(&house.add(&["true"]))["state"], "succeeded");
}

#[test]
fn a_grandchild_that_left_the_session_is_ended_with_the_run() {
    let house = House::new();
    let pid_file = house.file("pid");
    let script = format!(
        "setsid sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600' & while [ ! -e {0} ]; do sleep 0.01; done",
        pid_file.display()
    );
    let id = house.add(&["sh", "-c", &script]);
    assert_eq!(house.wait(&id)["state"], "succeeded");
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    assert!(!process_lives(pid));
}

#[test]
fn a_cancelled_run_is_cancelled_whether_it_waits_runs_or_lost_its_shim() {
    let house = House::with_slots(1);
    let never = house::until(&house.file("never"));
    let first = house.add(&["sh", "-c", &never]);
    let second = house.add(&["sh", "-c", &never]);
    house.until_state(&first, "running");
    assert_eq!(house.show(&second)["state"], "queued");
    house.ok(&["runs", "cancel", &second]);
    assert_eq!(house.wait(&second)["state"], "cancelled");
    house.ok(&["runs", "cancel", &first]);
    let end = house.wait(&first);
    assert_eq!((&end["state"], &end["signal"]), (&"cancelled".into(), &15.into()), "{end}");

    let third = house.add(&["sh", "-c", &never]);
    house.until_state(&third, "running");
    let (shim, work) = house.processes(&third);
    kill(shim);
    house::until_true("the note", || house.show(&third)["reason"].is_string());
    house.ok(&["runs", "cancel", &third]);
    assert_eq!(house.wait(&third)["state"], "cancelled");
    assert!(!process_lives(work));
    let out = house.command(&["runs", "cancel", &third]).output().unwrap();
    assert_eq!(out.status.code(), Some(2), "an ended run");
    assert!(String::from_utf8(out.stdout).unwrap().contains("not_now"));
}

#[test]
fn runs_start_in_order_and_never_more_than_there_are_slots() {
    let house = House::with_slots(1);
    let log = house.file("order");
    let ids: Vec<String> = (0..4)
        .map(|i| {
            house.add(&["sh", "-c", &format!("echo {i} >> {0}; echo {i} >> {0}", log.display())])
        })
        .collect();
    for id in &ids {
        assert_eq!(house.wait(id)["state"], "succeeded");
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), "0\n0\n1\n1\n2\n2\n3\n3\n");
}

#[test]
fn ctrl_c_while_waiting_leaves_the_run_going_and_tells_the_way_back() {
    let house = House::new();
    let gate = house.file("gate");
    let id = house.add(&["sh", "-c", &house::until(&gate)]);
    house.until_state(&id, "running");
    let waiting = house.command(&["runs", "wait", &id]).spawn().unwrap();
    let pid = i32::try_from(waiting.id()).unwrap();
    // Its handler stands once INT is among the caught signals (bit 1 of SigCgt).
    house::until_true("the handler", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(caught, 16).unwrap() & 2 != 0
    });
    house::interrupt(pid);
    let out = waiting.wait_with_output().unwrap();
    assert!(out.status.success());
    let words = String::from_utf8(out.stderr).unwrap();
    assert!(words.contains(&format!("polyculture runs logs -f {id}")), "{words}");
    assert_eq!(house.show(&id)["state"], "running");
    fs::write(&gate, "").unwrap();
    assert_eq!(house.wait(&id)["state"], "succeeded");
}

#[test]
fn an_unknown_run_is_named_in_the_error() {
    let house = House::new();
    let out = house.command(&["runs", "show", "20200101-000000-deadbeef"]).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    let words = String::from_utf8(out.stdout).unwrap();
    assert!(words.contains("no_such_run") && words.contains("deadbeef"), "{words}");
}
