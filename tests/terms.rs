//! When and how runs may start and must end: dependencies, pools, delays, limits, retries, pauses,
//! at the door of the real binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]
#![allow(dead_code, reason = "the house is shared, and each test uses a part")]

#[path = "engine/house.rs"]
mod house;

use std::fs;

use house::{House, kill, process_lives};
use serde_json::Value;

/// `runs add` with options before the command.
fn add(house: &House, options: &[&str], script: &str) -> String {
    let words = [&["runs", "add"], options, &["--", "sh", "-c", script]].concat();
    house.json(&words)["id"].as_str().unwrap().to_owned()
}

fn refused(house: &House, words: &[&str]) -> String {
    let out = house.command(words).output().unwrap();
    assert!(!out.status.success(), "{words:?}: {out:?}");
    String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap()
}

fn processor_state(pid: i32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat[stat.rfind(')').unwrap() + 1..].trim_start().chars().next().unwrap()
}

#[test]
fn odd_terms_are_refused_before_anything_is_made() {
    let house = House::new();
    house.ok(&["engine", "start"]);
    let nobody = "20200101-000000-deadbeef";
    for (options, expected) in [
        (&["--after-ok", nobody][..], "no_such_run"),
        (&["--pool", "nowhere"], "there is no pool `nowhere`"),
        (&["--time-limit", "soon"], "expected a time"),
        (&["--not-before", "yesterday"], "expected a time"),
        (&["--checkpoint-signal", "KILL"], "cannot be heard"),
        (&["--threads", "0"], "0"),
    ] {
        let words = [&["runs", "add"], options, &["--", "true"]].concat();
        let said = refused(&house, &words);
        assert!(said.contains(expected), "{options:?}: {said}");
    }
    assert!(refused(&house, &["engine", "pool", "a b", "--capacity", "1"]).contains("no name"));
    let runs = house.workspace().join("runs");
    assert_eq!(fs::read_dir(runs).map_or(0, Iterator::count), 0, "no folder is left");
}

#[test]
fn a_run_waits_for_others_and_starts_or_is_skipped_by_how_they_end() {
    let house = House::new();
    let gate = house.file("gate");
    let good = add(&house, &[], &house::until(&gate));
    let bad = add(&house, &[], &format!("{}; exit 3", house::until(&gate)));
    let after_good = add(&house, &["--after-ok", &good], "true");
    let after_both = add(&house, &["--after-ok", &format!("{good},{bad}")], "true");
    let after_any = add(&house, &["--after-any", &format!("{good},{bad}")], "true");
    let on_failure = add(&house, &["--after-fail", &bad], "true");
    let never = add(&house, &["--after-fail", &good], "true");
    let chain = add(&house, &["--after-ok", &after_both], "true");
    let cleaner = add(&house, &["--after-any", &chain], "true");
    let stands = house.show(&after_good);
    assert_eq!(stands["state"], "blocked", "{stands}");
    assert_eq!(stands["reason"], format!("waits for {good} to succeed"));
    fs::write(&gate, "").unwrap();
    for (id, state) in [
        (&after_good, "succeeded"),
        (&after_both, "skipped"),
        (&after_any, "succeeded"),
        (&on_failure, "succeeded"),
        (&never, "skipped"),
        (&chain, "skipped"),
        (&cleaner, "succeeded"),
    ] {
        let end = house.wait(id);
        assert_eq!(end["state"], state, "{end}");
    }
    let why = house.show(&after_both);
    assert!(why["reason"].as_str().unwrap().contains(&format!("{bad} ended as failed")), "{why}");
    assert!(refused(&house, &["runs", "retry", &after_both]).contains("skipped again"));
}

#[test]
fn what_waits_is_not_forgotten_by_the_next_engine_nor_with_the_database() {
    let house = House::new();
    let gate = house.file("gate");
    let first = add(&house, &[], &house::until(&gate));
    let second = add(&house, &["--after-ok", &first], "true");
    let later = add(&house, &["--not-before", "2d"], "true");
    house.until_state(&first, "running");
    house.ok(&["engine", "stop"]);
    for name in ["engine.db", "engine.db-wal", "engine.db-shm"] {
        let _ = fs::remove_file(house.state().join(name));
    }
    assert_eq!(house.show(&second)["state"], "blocked");
    assert_eq!(house.show(&later)["state"], "delayed");
    // Ends while no engine lives: the next one sees what follows.
    kill(house.engine_pid());
    fs::write(&gate, "").unwrap();
    house::until_true("its end", || house.attempt(&first, 1).join("exit.json").exists());
    assert_eq!(house.wait(&second)["state"], "succeeded");
    house.ok(&["runs", "cancel", &later]);
    assert_eq!(house.show(&later)["state"], "cancelled");
}

#[test]
fn a_pool_lets_so_many_of_its_runs_go_at_a_time_and_holds_nobody_else_back() {
    let house = House::new();
    let pool = |n: &str| house.ok(&["engine", "pool", "gpu0", "--capacity", n]);
    pool("1");
    let gate = house.file("gate");
    let wait = house::until(&gate);
    let first = add(&house, &["--pool", "gpu0"], &wait);
    let second = add(&house, &["--pool", "gpu0"], &wait);
    let urgent = add(&house, &["--pool", "gpu0", "--priority", "5"], &wait);
    house.until_state(&first, "running");
    assert_eq!(house.wait(&add(&house, &[], "true"))["state"], "succeeded", "of no pool");
    assert_eq!(house.show(&second)["state"], "queued");
    assert!(refused(&house, &["engine", "pool", "gpu0", "--remove"]).contains("3 runs"));
    house.ok(&["runs", "priority", &second, "9"]);
    pool("2");
    house.until_state(&second, "running");
    assert_eq!(house.show(&urgent)["state"], "queued", "the other went first");
    let pools = house.json(&["engine", "pool", "gpu0"]);
    let line = &pools["items"][0];
    assert_eq!((&line["taken"], &line["waiting"]), (&2.into(), &1.into()), "{pools}");
    fs::write(&gate, "").unwrap();
    for id in [&first, &second, &urgent] {
        assert_eq!(house.wait(id)["state"], "succeeded");
    }
    house.ok(&["engine", "pool", "gpu0", "--remove"]);
}

#[test]
fn a_delayed_run_starts_when_its_time_has_come_also_under_the_next_engine() {
    let house = House::new();
    let due = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1500);
    let soon = add(&house, &["--not-before", &due.to_string()], "true");
    let state = house.show(&soon);
    assert!(state["state"] != "delayed" || state["until"].is_string(), "{state}");
    kill(house.engine_pid());
    assert_eq!(house.wait(&soon)["state"], "succeeded");
    let shown = house.show(&soon);
    let time = |key: &str| shown[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    // Times are kept to the millisecond.
    assert!(time("started_at").as_millisecond() >= due.as_millisecond(), "{due}: {shown}");
}

#[test]
fn a_paused_run_stands_still_with_all_its_children_and_goes_on() {
    let house = House::with_slots(1);
    let (ticks, child) = (house.file("ticks"), house.file("child"));
    let gate = house.file("gate");
    let script = format!(
        "setsid sh -c 'echo $$ > {0}.n; mv {0}.n {0}; while :; do sleep 0.01; done' & \
         while [ ! -e {2} ]; do echo x >> {1}; sleep 0.01; done",
        child.display(),
        ticks.display(),
        gate.display()
    );
    let id = add(&house, &[], &script);
    house.until_state(&id, "running");
    house::until_true("the child", || child.exists() && ticks.exists());
    let grandchild: i32 = fs::read_to_string(&child).unwrap().trim().parse().unwrap();
    let paused = house.json(&["runs", "pause", &id]);
    assert_eq!(paused["state"], "paused", "{paused}");
    let work = house.processes(&id).1;
    assert_eq!(processor_state(work), 'T');
    // A parent whose child stopped before its exec sleeps in the kernel.
    assert!(matches!(processor_state(grandchild), 'T' | 'D'));
    // Its slot is free meanwhile.
    assert_eq!(house.wait(&add(&house, &[], "true"))["state"], "succeeded");
    // Another engine leaves it as it is, with or without its database.
    for lose in [false, true] {
        kill(house.engine_pid());
        if lose {
            for name in ["engine.db", "engine.db-wal", "engine.db-shm"] {
                let _ = fs::remove_file(house.state().join(name));
            }
        }
        house.ok(&["engine", "start"]);
        assert_eq!(house.show(&id)["state"], "paused");
        assert_eq!(processor_state(work), 'T');
    }
    let before = fs::read_to_string(&ticks).unwrap().len();
    assert_eq!(house.json(&["runs", "resume", &id])["state"], "running");
    house::until_true("it goes on", || fs::read_to_string(&ticks).unwrap().len() > before);
    assert!(!house.attempt(&id, 1).join("pause.json").exists());
    fs::write(&gate, "").unwrap();
    assert_eq!(house.wait(&id)["state"], "succeeded");
    assert!(!process_lives(grandchild));
}

#[test]
fn an_engine_that_dies_between_its_word_and_the_signal_pauses_all_the_same() {
    let house = House::new();
    let gate = house.file("gate");
    house.ok_with(&["engine", "start"], &[("POLYCULTURE_TEST_CRASH", "engine-before-stop")]);
    let id = add(&house, &[], &house::until(&gate));
    house.until_state(&id, "running");
    let work = house.processes(&id).1;
    let out = house.command(&["runs", "pause", &id]).output().unwrap();
    assert!(!out.status.success(), "{out:?}");
    house.ok(&["engine", "start"]);
    assert_eq!(house.show(&id)["state"], "paused");
    house::until_true("it stands still", || processor_state(work) == 'T');
    house.ok(&["runs", "cancel", &id]);
    assert_eq!(house.wait(&id)["state"], "cancelled", "a paused run can be ended");
    assert!(!process_lives(work));
}

#[test]
fn checkpoint_and_stop_signals_first_and_resume_goes_on_from_there() {
    let house = House::new();
    let saved = house.file("saved");
    // Counts on from what it saved; USR1 saves and ends.
    let script = format!(
        "n=$(cat {0} 2>/dev/null || echo 0); [ $n = 7 ] && exit 0; \
         trap 'echo 7 > {0}; exit 0' USR1; while :; do sleep 0.02; done",
        saved.display()
    );
    let id = add(&house, &["--checkpoint-signal", "USR1"], &script);
    house.until_state(&id, "running");
    // The trap stands once USR1 is among the caught signals.
    let work = house.processes(&id).1;
    house::until_true("the trap", || {
        let status = fs::read_to_string(format!("/proc/{work}/status")).unwrap();
        let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(caught, 16).unwrap() & (1 << 9) != 0
    });
    house.ok(&["runs", "stop", &id]);
    let end = house.wait(&id);
    assert_eq!(end["state"], "cancelled", "exit 0 of stopped work is no success: {end}");
    assert_eq!(fs::read_to_string(&saved).unwrap(), "7\n");
    assert!(refused(&house, &["runs", "pause", &id]).contains("only a running one"));
    house.ok(&["runs", "resume", &id]);
    let end = house.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &2.into()), "{end}");
}

#[test]
fn work_that_ignores_term_is_killed_after_its_grace_with_what_it_started() {
    let house = House::new();
    let child = house.file("child");
    let script = format!(
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > {0}.n; mv {0}.n {0}; while :; do sleep 0.05; done' & \
         while :; do sleep 0.05; done",
        child.display()
    );
    let id = add(&house, &["--grace", "1"], &script);
    house.until_state(&id, "running");
    house::until_true("the child", || child.exists());
    let grandchild: i32 = fs::read_to_string(&child).unwrap().trim().parse().unwrap();
    house.ok(&["runs", "cancel", &id]);
    let end = house.wait(&id);
    assert_eq!((&end["state"], &end["signal"]), (&"cancelled".into(), &9.into()), "{end}");
    assert!(!process_lives(grandchild));
}

#[test]
fn a_time_limit_ends_an_attempt_also_while_no_engine_lives() {
    let house = House::new();
    let id = add(&house, &["--time-limit", "1s"], "while :; do sleep 0.05; done");
    house.until_state(&id, "running");
    kill(house.engine_pid());
    house::until_true("its end", || house.attempt(&id, 1).join("exit.json").exists());
    let end = house.wait(&id);
    assert_eq!(end["state"], "timed_out", "{end}");
}

#[test]
fn a_temporary_failure_is_tried_again_by_itself_and_others_are_not() {
    let house = House::new();
    let fast = [("POLYCULTURE_RETRY_FIRST_MS", "1")];
    house.ok_with(&["engine", "start"], &fast);
    let count = house.file("count");
    let script = |code: u32| {
        format!("echo x >> {0}; [ $(wc -l < {0}) -ge 3 ] && exit 0; exit {code}", count.display())
    };
    let id = add(&house, &["--retries", "2"], &script(75));
    let end = house.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &3.into()), "{end}");
    fs::remove_file(&count).unwrap();
    let id = add(&house, &["--retries", "2"], &script(1));
    let end = house.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"failed".into(), &1.into()), "{end}");
    // Three short lives are enough, however many retries are left; dependents wait till then.
    let id = add(&house, &["--retries", "9"], "exit 75");
    let after = add(&house, &["--after-fail", &id], "true");
    let end = house.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"failed".into(), &3.into()), "{end}");
    assert_eq!(house.wait(&after)["state"], "succeeded");
}

#[test]
fn a_lost_attempt_is_tried_again_where_the_run_allows_it() {
    let house = House::new();
    house.ok_with(&["engine", "start"], &[("POLYCULTURE_RETRY_FIRST_MS", "1")]);
    let gate = house.file("gate");
    let id = add(&house, &["--retries", "1"], &house::until(&gate));
    house.until_state(&id, "running");
    let (shim, work) = house.processes(&id);
    kill(shim);
    kill(work);
    house::until_true("the second attempt", || {
        let view = house.show(&id);
        view["attempt"] == 2 && view["state"] == "running"
    });
    fs::write(&gate, "").unwrap();
    assert_eq!(house.wait(&id)["state"], "succeeded");
}

/// Sets the clock back, as far as the engine can see: everything that it wrote lies in the future.
#[test]
fn a_clock_set_back_loses_nothing_and_keeps_the_order() {
    let house = House::with_slots(1);
    let (gate, order) = (house.file("gate"), house.file("order"));
    let line = |n: u32| format!("echo {n} >> {}", order.display());
    let first = add(&house, &[], &format!("{}; {}", house::until(&gate), line(1)));
    let second = add(&house, &[], &line(2));
    house.until_state(&first, "running");
    kill(house.engine_pid());
    let db = rusqlite::Connection::open(house.state().join("engine.db")).unwrap();
    db.execute_batch(
        "UPDATE runs SET queued_at = queued_at + 86400000, started_at = started_at + 86400000;
         UPDATE events SET at = at + 86400000;",
    )
    .unwrap();
    drop(db);
    let third = add(&house, &[], &line(3));
    fs::write(&gate, "").unwrap();
    for id in [&first, &second, &third] {
        assert_eq!(house.wait(id)["state"], "succeeded");
    }
    assert_eq!(fs::read_to_string(&order).unwrap(), "1\n2\n3\n", "by arrival, not by the clock");
}

#[test]
fn ten_thousand_queued_runs_are_all_there_and_the_first_of_them_start() {
    let house = House::in_memory(1);
    let gate = house.file("gate");
    let first = add(&house, &[], &house::until(&gate));
    house.until_state(&first, "running");
    house.ok(&["engine", "stop"]);
    // Folders as `runs add` writes them: the next engine takes them in, as after a lost database.
    let runs = house.workspace().join("runs");
    let spec: Value =
        serde_json::from_slice(&fs::read(runs.join(&first).join("spec.json")).unwrap()).unwrap();
    for n in 0..10_000 {
        let id = format!("20990101-000000-{n:08x}");
        let dir = runs.join(&id);
        fs::create_dir_all(dir.join("attempt-1")).unwrap();
        fs::create_dir(dir.join("input")).unwrap();
        let mut spec = spec.clone();
        spec["id"] = id.clone().into();
        spec["request_id"] = id.into();
        spec["argv"] = serde_json::json!(["true"]);
        fs::write(dir.join("spec.json"), serde_json::to_vec(&spec).unwrap()).unwrap();
    }
    house.ok(&["engine", "start"]);
    let status = house.json(&["engine", "status"]);
    assert_eq!(status["runs"]["queued"], 10_000, "{status}");
    let urgent = add(&house, &["--priority", "1"], "true");
    fs::write(&gate, "").unwrap();
    assert_eq!(house.wait(&first)["state"], "succeeded");
    assert_eq!(house.wait(&urgent)["state"], "succeeded");
    house::until_true("the queue moves", || {
        house.json(&["engine", "status"])["runs"]["succeeded"].as_i64().unwrap() > 20
    });
}
