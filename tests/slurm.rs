//! Runs as jobs of a real SLURM: a controller, a node and two pretend GPUs of their own for every
//! test. Nothing here sleeps for luck; what is waited for is a condition.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

#[path = "engine/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;
#[path = "slurm/mod.rs"]
mod lab;
#[allow(dead_code, reason = "each test file uses a part of it")]
mod torch;

use std::fs;
use std::path::PathBuf;

use house::{kill, until, until_true};
use lab::Lab;

#[test]
fn a_run_goes_to_slurm_and_its_output_exit_code_and_job_come_back() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("gate");
    let line = format!("echo gpu $CUDA_VISIBLE_DEVICES; echo live; {}; exit 7", until(&gate));
    let id = lab.add(&["--gpus", "1", "--time", "10", "--cpus", "1"], &line);
    let running = lab.until(&id, "running", "SLURM job 1 on ");
    assert!(running["started_at"].is_string(), "{running}");
    // Live, from the shared folder.
    until_true("its output", || {
        fs::read_to_string(lab.attempt(&id, 1).join("out.log")).is_ok_and(|t| t.contains("live"))
    });
    fs::write(&gate, "").unwrap();
    let end = lab.wait(&id);
    assert_eq!((&end["state"], &end["exit_code"]), (&"failed".into(), &7.into()), "{end}");
    let log = fs::read_to_string(lab.attempt(&id, 1).join("out.log")).unwrap();
    assert!(log.starts_with("gpu 0\n") || log.starts_with("gpu 1\n"), "{log}");
    let job = lab.file(&id, 1, "slurm.json");
    assert_eq!(job["job"], "1");
    assert!(job["name"].as_str().unwrap().contains(&id), "{job}");
    assert!(job["submitted"].as_str().unwrap().starts_with("20"), "{job}");
    assert!(lab.file(&id, 1, "run.json")["host"].is_string());
    // A success is one, and SLURM's accounts agree.
    let fine = lab.add(&[], "true");
    assert_eq!(lab.wait(&fine)["state"], "succeeded");
    let missing = lab.json(&["runs", "add", "--on", "slurm", "--", "/nowhere/program"]);
    let end = lab.wait(missing["id"].as_str().unwrap());
    assert_eq!((&end["state"], &end["exit_code"]), (&"failed".into(), &127.into()), "{end}");
    let text = lab.slurm("squeue", &["-h", "-t", "all", "-o", "%i %T"]);
    for line in ["1 FAILED", "2 COMPLETED", "3 FAILED"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn what_slurm_refuses_fails_at_once_in_its_own_words() {
    let Some(lab) = Lab::up() else { return };
    for (options, says) in [
        (&["--partition", "nowhere"][..], "nvalid partition"),
        (&["--gpus", "9"], "not available"),
        (&["--sbatch=--no-such-option"], "no-such-option"),
    ] {
        let end = lab.wait(&lab.add(options, "true"));
        assert_eq!(end["state"], "failed", "{end}");
        assert!(end["reason"].as_str().unwrap().contains(says), "{end}");
    }
    for (options, says) in [
        (&["--on", "slurm", "--time", "soon"][..], "--time"),
        (&["--on", "slurm", "--sbatch=--job-name=mine"], "itself"),
        (&["--partition", "main"], "SLURM"),
        (&["--array", "2"], "one submission"),
    ] {
        let doc = lab.json(&[&["runs", "add"], options, &["--", "true"]].concat());
        assert!(doc["error"]["message"].as_str().unwrap().contains(says), "{doc}");
    }
    let waiting = lab.slurm("squeue", &["-h"]);
    assert_eq!(waiting.trim(), "");
}

#[test]
fn an_environment_full_of_slurms_variables_changes_nothing() {
    let Some(lab) = Lab::up() else { return };
    let full = [
        ("SBATCH_PARTITION", "nowhere"),
        ("SBATCH_JOB_NAME", "evil"),
        ("SBATCH_ACCOUNT", "nobody"),
        ("SBATCH_TIMELIMIT", "nonsense"),
        ("SBATCH_GRES", "gpu:99"),
        ("SBATCH_ARRAY_INX", "0-99"),
        ("SBATCH_HINT", "nonsense"),
        ("SLURM_CLUSTERS", "elsewhere"),
        ("SBATCH_CLUSTERS", "elsewhere"),
        ("SQUEUE_FORMAT", "%all"),
        ("SQUEUE_FORMAT2", "jobid"),
        ("SQUEUE_STATES", "SUSPENDED"),
        ("SQUEUE_USERS", "nobody"),
        ("SLURM_TIME_FORMAT", "%s|%s"),
        ("SLURM_BITSTR_LEN", "1"),
        ("SCANCEL_NAME", "evil"),
        ("SLURM_JOB_ID", "77"),
        ("SLURM_RESTART_COUNT", "5"),
        ("SLURM_ARRAY_TASK_ID", "3"),
        ("CUDA_VISIBLE_DEVICES", "7"),
    ];
    let id = lab.add_with(&["--gpus", "2"], "echo $SLURM_JOB_ID/$CUDA_VISIBLE_DEVICES", &full);
    assert_eq!(lab.wait(&id)["state"], "succeeded", "{}", lab.show(&id));
    let log = fs::read_to_string(lab.attempt(&id, 1).join("out.log")).unwrap();
    assert_eq!(log, "1/0,1\n");
    let gate = lab.house.file("never");
    let stopped = lab.add_with(&[], &until(&gate), &full);
    lab.until(&stopped, "running", "job 2");
    lab.json_with(&["runs", "cancel", &stopped], &full);
    assert_eq!(lab.wait(&stopped)["state"], "cancelled");
}

#[test]
fn an_engine_killed_before_or_after_sbatch_submits_one_job() {
    let Some(lab) = Lab::up() else { return };
    for (n, point) in ["engine-before-sbatch", "engine-after-sbatch"].into_iter().enumerate() {
        let starts = lab.house.file(&format!("starts-{n}"));
        lab.command(&["engine", "stop"]).output().unwrap();
        let id = lab.add_with(
            &[],
            &format!("echo x >> {}", starts.display()),
            &[("POLYCULTURE_TEST_CRASH", point)],
        );
        until_true("submit.json", || lab.attempt(&id, 1).join("submit.json").exists());
        until_true("the engine is dead", || {
            !lab.house.state().join("engine.sock").exists()
                || std::os::unix::net::UnixStream::connect(lab.house.state().join("engine.sock"))
                    .is_err()
        });
        assert!(!lab.attempt(&id, 1).join("slurm.json").exists());
        // Its successor, which no test variable kills.
        lab.json(&["engine", "start"]);
        assert_eq!(lab.wait(&id)["state"], "succeeded", "{}", lab.show(&id));
        assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n");
        let mine = lab.job_names().into_iter().filter(|name| name.contains(&id)).count();
        assert_eq!(mine, 1, "{point}");
    }
}

#[test]
fn an_engine_that_is_killed_while_jobs_wait_and_run_finds_them_again() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("gate");
    let run = lab.add(&[], &format!("{}; exit 3", until(&gate)));
    let held = lab.add(&["--sbatch=--hold"], "true");
    lab.until(&run, "running", "job 1");
    lab.until(&held, "starting", "JobHeldUser");
    kill(lab.house.engine_pid());
    fs::write(&gate, "").unwrap();
    until_true("exit.json", || lab.attempt(&run, 1).join("exit.json").exists());
    // The database too: everything is found in the folders.
    for name in ["engine.db", "engine.db-wal", "engine.db-shm"] {
        let _ = fs::remove_file(lab.house.state().join(name));
    }
    lab.json(&["engine", "start"]);
    let end = lab.wait(&run);
    assert_eq!((&end["state"], &end["exit_code"]), (&"failed".into(), &3.into()), "{end}");
    lab.until(&held, "starting", "JobHeldUser");
    lab.slurm("scontrol", &["release", "2"]);
    assert_eq!(lab.wait(&held)["state"], "succeeded");
    assert_eq!(lab.job_names().len(), 2);
}

#[test]
fn a_controller_that_goes_away_and_comes_back_ends_nothing() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("gate");
    let run = lab.add(&[], &until(&gate));
    let held = lab.add(&["--sbatch=--hold"], "true");
    lab.until(&run, "running", "job 1 on");
    lab.until(&held, "starting", "JobHeldUser");
    lab.kill_controller("-TERM");
    lab.until(&run, "running", "unreachable");
    lab.until(&held, "starting", "unreachable");
    // A run that is asked for meanwhile waits.
    let late = lab.add(&[], "true");
    lab.until(&late, "starting", "not at SLURM yet");
    lab.start_controller(false);
    lab.slurm("scontrol", &["release", "2"]);
    fs::write(&gate, "").unwrap();
    for id in [&run, &held, &late] {
        let end = lab.wait(id);
        assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &1.into()), "{end}");
        let mine = lab.job_names().into_iter().filter(|name| name.contains(id.as_str())).count();
        assert_eq!(mine, 1);
    }
}

#[test]
fn a_job_that_the_controller_lost_is_submitted_again_and_its_reused_id_is_left_alone() {
    let Some(lab) = Lab::up() else { return };
    let starts = lab.house.file("starts");
    let line = format!("echo x >> {}", starts.display());
    let id = lab.add(&["--sbatch=--begin=now+1hour"], &line);
    lab.until(&id, "starting", "BeginTime");
    assert_eq!(lab.job(&id, 1), "1");
    // Killed before it saved what it had acknowledged; the next one gives the id to somebody else.
    kill(lab.house.engine_pid());
    lab.kill_controller("-KILL");
    lab.start_controller(true);
    let other = lab.slurm(
        "sbatch",
        &["--parsable", "--job-name=theirs", "--output=/dev/null", "--wrap=sleep 1000"],
    );
    assert_eq!(other.trim(), "1");
    lab.json(&["engine", "start"]);
    until_true("a new job", || {
        let path = lab.attempt(&id, 1).join("slurm.json");
        fs::read_to_string(path).is_ok_and(|t| t.contains("\"2\""))
    });
    lab.until(&id, "starting", "BeginTime");
    lab.json(&["runs", "cancel", &id]);
    assert_eq!(lab.wait(&id)["state"], "cancelled");
    until_true("ours is gone from the queue", || {
        !lab.slurm("squeue", &["-h", "-o", "%i"]).lines().any(|l| l == "2")
    });
    let theirs = lab.slurm("squeue", &["-h", "-j", "1", "-o", "%T"]);
    assert!(matches!(theirs.trim(), "RUNNING" | "PENDING"), "{theirs}");
    assert!(!starts.exists());
}

#[test]
fn a_running_job_that_slurm_forgot_is_lost_unless_its_own_end_is_there() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("never");
    let id = lab.add(&[], &until(&gate));
    lab.until(&id, "running", "job 1");
    lab.kill_controller("-KILL");
    lab.start_controller(true);
    // The node ends what its controller does not know; the shim may or may not write its end.
    let end = lab.wait(&id);
    assert_eq!(end["state"], "lost", "{end}");
    // One that ended while nobody looked, and is known nowhere any more, tells its own end.
    let fine = lab.add(&[], "exit 4");
    lab.kill_engine_after_submit(&fine);
    until_true("exit.json", || lab.attempt(&fine, 1).join("exit.json").exists());
    lab.kill_controller("-KILL");
    lab.start_controller(true);
    let end = lab.wait(&fine);
    assert_eq!((&end["state"], &end["exit_code"]), (&"failed".into(), &4.into()), "{end}");
}

#[test]
fn a_job_that_slurm_has_purged_ends_as_its_folder_says_and_never_as_a_success() {
    let Some(lab) = Lab::of(1, 2) else { return };
    let (gate, never) = (lab.house.file("gate"), lab.house.file("never"));
    let told = lab.add(&[], &format!("{}; exit 5", until(&gate)));
    let untold = lab.add(&[], &until(&never));
    lab.until(&told, "running", "job 1");
    lab.until(&untold, "running", "job 2");
    kill(lab.house.engine_pid());
    fs::write(&gate, "").unwrap();
    until_true("exit.json", || lab.attempt(&told, 1).join("exit.json").exists());
    // The other one's shim and work are killed on the node: nobody writes its end.
    let (shim, work) = lab.house.processes(&untold);
    kill(shim);
    kill(work);
    // SLURM purges once a minute.
    lab.until_forgotten();
    lab.json(&["engine", "start"]);
    let end = lab.wait(&told);
    assert_eq!((&end["state"], &end["exit_code"]), (&"failed".into(), &5.into()), "{end}");
    let end = lab.wait(&untold);
    assert_eq!(end["state"], "lost", "{end}");
    assert!(end["reason"].as_str().unwrap().contains("knows the job no more"), "{end}");
}

#[test]
fn accounting_tells_the_end_of_a_job_that_the_controller_forgot() {
    let Some(lab) = Lab::up() else { return };
    let (gate, rows) = (lab.house.file("never"), lab.house.file("rows"));
    // There is no accounting in this SLURM: its answers are played, in sacct's own form.
    let path = lab.wrapped(
        "sacct",
        &format!("[ -e {0} ] && exec cat {0}; exec $real \"$@\"", rows.display()),
    );
    let id = lab.add_with(&[], &until(&gate), &[("PATH", path.as_str())]);
    lab.until(&id, "running", "job 1");
    let name = lab.file(&id, 1, "slurm.json")["name"].as_str().unwrap().to_owned();
    let row = |state: &str, name: &str| format!("1|{state}|2026-11-21T20:59:15|n1|{name}\n");
    fs::write(&rows, row("COMPLETED", "theirs") + &row("OUT_OF_MEMORY", &name)).unwrap();
    let (shim, work) = lab.house.processes(&id);
    lab.kill_controller("-KILL");
    kill(shim);
    kill(work);
    lab.start_controller(true);
    let end = lab.wait(&id);
    assert_eq!(end["state"], "out_of_memory", "{end}");
}

#[test]
fn a_real_accounting_daemon_is_waited_for_and_tells_what_the_controller_forgot() {
    let Some(lab) = Lab::with_accounting() else { return };
    let never = lab.house.file("never");
    let doctor = lab.json(&["doctor"]).to_string();
    assert!(doctor.contains("accounting on"), "{doctor}");
    let id = lab.add(&["--resumable"], &until(&never));
    lab.until(&id, "running", "job 1");
    kill(lab.house.engine_pid());
    let name = lab.file(&id, 1, "slurm.json")["name"].as_str().unwrap().to_owned();
    lab.slurm("scancel", &["1"]);
    let words = ["-P", "-n", "-X", "--format=State,JobName"];
    until_true("it is in the accounts", || {
        let told = lab.slurm("sacct", &words);
        told.lines().any(|l| l.starts_with("CANCELLED") && l.ends_with(&name))
    });
    lab.kill_controller("-KILL");
    lab.start_controller(true);
    lab.accounting_daemon(true);
    lab.json(&["engine", "start"]);
    // Its shim wrote that it was told to end; by whom, only SLURM knows, and it cannot be asked.
    lab.until(&id, "running", "unreachable");
    lab.accounting_daemon(false);
    let end = lab.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"cancelled".into(), &1.into()), "{end}");
    let exit = lab.file(&id, 1, "exit.json");
    assert!(exit["note"].as_str().unwrap().contains("somebody else"), "{exit}");
}

#[test]
fn accounting_that_is_away_ends_nothing_and_hides_no_other_job() {
    let Some(lab) = Lab::of(1, 2) else { return };
    let never = lab.house.file("never");
    let (broken, rows) = (lab.house.file("broken"), lab.house.file("rows"));
    // Its answers are played; slurmdbd is away while `broken` is there.
    let body = format!(
        "if [ -e {0} ]; then echo 'sacct: error: slurm_persist_conn_open: failed' >&2; exit 1; fi\n\
         [ -e {1} ] && cat {1}; exit 0",
        broken.display(),
        rows.display()
    );
    let path = lab.wrapped("sacct", &body);
    let path = [("PATH", path.as_str())];
    fs::write(&broken, "").unwrap();
    let gone = lab.add_with(&["--resumable"], &until(&never), &path);
    lab.until(&gone, "running", "job 1");
    let name = lab.file(&gone, 1, "slurm.json")["name"].as_str().unwrap().to_owned();
    let (shim, work) = lab.house.processes(&gone);
    // Stopped, so that the engine cannot see the end before SLURM has forgotten the job.
    lab.kill_controller("-KILL");
    kill(shim);
    kill(work);
    lab.start_controller(true);
    lab.until(&gone, "running", "persist_conn");
    // A new one is told of, though it has the id that was lost.
    let fresh = lab.add_with(&["--sbatch=--hold"], "true", &path);
    lab.until(&fresh, "starting", "JobHeldUser");
    assert_eq!((lab.job(&fresh, 1), lab.job(&gone, 1)), ("1".into(), "1".into()));
    assert_eq!(lab.show(&gone)["state"], "running");
    fs::write(&rows, format!("1|PREEMPTED|2026-11-21T20:59:15|n1|{name}\n")).unwrap();
    fs::remove_file(&broken).unwrap();
    until_true("attempt 2", || lab.attempt(&gone, 2).exists());
    let end = lab.file(&gone, 1, "exit.json");
    assert!(end["lost"].as_str().unwrap().contains("preempted"), "{end}");
    lab.until(&fresh, "starting", "JobHeldUser");
}

#[test]
fn a_folder_of_runs_that_is_away_for_a_while_ends_nothing() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("gate");
    let id = lab.add(&[], &until(&gate));
    lab.until(&id, "running", "job 1");
    let runs = lab.house.workspace().join("runs");
    let away = lab.house.file("away");
    fs::rename(&runs, &away).unwrap();
    // An empty folder in its place, as an unmounted file system leaves it.
    fs::create_dir(&runs).unwrap();
    let log = lab.house.state().join("engine.log");
    until_true("it is said", || {
        let listed = lab.json(&["runs", "list"]);
        listed.to_string().contains("cannot be reached now")
            || fs::read_to_string(&log).is_ok_and(|t| t.contains("removed"))
    });
    // Longer than the patience with a folder that was deleted.
    let seen = lab.slurm("squeue", &["-h", "-o", "%M"]);
    until_true("some seconds later", || {
        let now = lab.slurm("squeue", &["-h", "-o", "%M"]);
        assert!(!now.trim().is_empty(), "the job was ended");
        let seconds = |t: &str| t.trim().rsplit(':').next().unwrap().parse::<u32>().unwrap();
        (60 + seconds(&now) - seconds(&seen)) % 60 >= 5
    });
    fs::remove_dir(&runs).unwrap();
    fs::rename(&away, &runs).unwrap();
    lab.until(&id, "running", "job 1 on");
    fs::write(&gate, "").unwrap();
    let end = lab.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &1.into()), "{end}");
}

#[test]
fn an_squeue_that_fails_or_babbles_ends_nothing() {
    let Some(lab) = Lab::up() else { return };
    let (gate, broken) = (lab.house.file("gate"), lab.house.file("broken"));
    let body = format!(
        "if [ -e {0} ]; then case $(cat {0}) in\n\
         fail) echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1 ;;\n\
         babble) echo 'Welcome to the cluster! COMPLETED'; exit 0 ;;\n\
         crash) kill -SEGV $$ ;;\n\
         esac; fi\nexec $real \"$@\"",
        broken.display()
    );
    let path = lab.wrapped("squeue", &body);
    let id = lab.add_with(&["--resumable"], &until(&gate), &[("PATH", path.as_str())]);
    lab.until(&id, "running", "job 1 on");
    for (how, says) in [("fail", "Unable to contact"), ("babble", "Welcome"), ("crash", "killed")] {
        fs::write(&broken, how).unwrap();
        lab.until(&id, "running", says);
    }
    // It ends while squeue fails: its own file tells.
    fs::write(&gate, "").unwrap();
    let end = lab.wait(&id);
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &1.into()), "{end}");
    // And one that waits goes on waiting until squeue is well again.
    let held = lab.add_with(&["--sbatch=--hold"], "true", &[("PATH", path.as_str())]);
    lab.until(&held, "starting", "unreachable");
    fs::remove_file(&broken).unwrap();
    lab.until(&held, "starting", "JobHeldUser");
    lab.slurm("scontrol", &["release", "2"]);
    assert_eq!(lab.wait(&held)["state"], "succeeded");
}

#[test]
fn an_sbatch_that_hangs_after_it_was_heard_makes_one_job() {
    let Some(lab) = Lab::up() else { return };
    let (once, starts) = (lab.house.file("once"), lab.house.file("starts"));
    // Submits, and then never says so.
    let body = format!(
        "if [ ! -e {0} ]; then touch {0}; $real \"$@\" >/dev/null; exec sleep 1000; fi\n\
         exec $real \"$@\"",
        once.display()
    );
    let path = lab.wrapped("sbatch", &body);
    let id = lab.add_with(
        &[],
        &format!("echo x >> {}", starts.display()),
        &[("PATH", path.as_str()), ("POLYCULTURE_SLURM_TIMEOUT", "2")],
    );
    assert_eq!(lab.wait(&id)["state"], "succeeded", "{}", lab.show(&id));
    assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n");
    assert_eq!(lab.job_names().len(), 1);
}

#[test]
fn cancelling_stops_what_waits_and_what_runs_and_work_that_ignores_term() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("never");
    let (told, ready) = (lab.house.file("told"), lab.house.file("ready"));
    let polite = format!(
        "trap 'echo checkpoint > {}; exit 0' TERM; touch {}; {}",
        told.display(),
        ready.display(),
        until(&gate)
    );
    let run = lab.add(&[], &polite);
    let held = lab.add(&["--sbatch=--hold"], "true");
    lab.until(&run, "running", "job 1");
    lab.until(&held, "starting", "JobHeldUser");
    until_true("its trap stands", || ready.exists());
    for id in [&run, &held] {
        lab.json(&["runs", "cancel", id]);
        let end = lab.wait(id);
        assert_eq!(end["state"], "cancelled", "{end}");
    }
    // Code 0 after it was told to stop is no success.
    assert_eq!(fs::read_to_string(&told).unwrap(), "checkpoint\n");
    assert_eq!(lab.file(&run, 1, "exit.json")["code"], 0);
    // One that ignores TERM is killed after the grace.
    let deaf_ready = lab.house.file("deaf");
    let deaf =
        lab.add(&[], &format!("trap '' TERM; touch {}; {}", deaf_ready.display(), until(&gate)));
    until_true("it is deaf", || deaf_ready.exists());
    lab.json(&["runs", "cancel", &deaf]);
    let end = lab.wait(&deaf);
    assert_eq!(end["state"], "cancelled", "{end}");
    until_true("no job is left", || lab.slurm("squeue", &["-h"]).trim().is_empty());
}

#[test]
fn what_somebody_else_cancels_at_slurm_is_cancelled_and_not_tried_again() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("never");
    let run = lab.add(&["--resumable"], &until(&gate));
    let held = lab.add(&["--sbatch=--hold", "--resumable"], "true");
    // Ignores TERM: SLURM kills it and its shim with it, so that nobody writes its end.
    let deaf_ready = lab.house.file("deaf");
    let deaf = lab.add(
        &["--resumable"],
        &format!("trap '' TERM; touch {}; {}", deaf_ready.display(), until(&gate)),
    );
    lab.until(&run, "running", "job");
    until_true("it is deaf", || deaf_ready.exists());
    lab.until(&held, "starting", "JobHeldUser");
    for id in [&run, &held, &deaf] {
        let job = lab.job(id, 1);
        lab.slurm("scancel", &[&job]);
        let end = lab.wait(id);
        assert_eq!((&end["state"], &end["attempt"]), (&"cancelled".into(), &1.into()), "{end}");
    }
}

/// A run that goes on in a next attempt: it notes each of its starts, and waits for a gate.
struct GoingOn {
    line: String,
    starts: PathBuf,
    gate: PathBuf,
}

impl GoingOn {
    fn new(lab: &Lab) -> Self {
        let (gate, starts) = (lab.house.file("gate"), lab.house.file("starts"));
        let line = format!("echo $POLYCULTURE_ATTEMPT >> {}; {}", starts.display(), until(&gate));
        Self { line, starts, gate }
    }

    /// Its second attempt starts, and succeeds.
    fn ends_in_attempt_2(&self, lab: &Lab, id: &str) {
        until_true("its second start", || {
            let second = format!("{id}/attempt-2");
            fs::read_to_string(&self.starts).is_ok_and(|t| t.contains(&second))
        });
        fs::write(&self.gate, "").unwrap();
        let end = lab.wait(id);
        assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &2.into()), "{end}");
    }
}

#[test]
fn a_failed_node_is_waited_for_and_the_run_goes_on_in_a_next_attempt() {
    let Some(lab) = Lab::up() else { return };
    let work = GoingOn::new(&lab);
    let id = lab.add(&["--resumable"], &work.line);
    let once = lab.add(&[], &work.line);
    lab.until(&id, "running", "job 1");
    lab.until(&once, "running", "job 2");
    let update = |state: &str| {
        let state = format!("State={state}");
        lab.slurm("scontrol", &["update", "NodeName=n1", &state, "Reason=test"]);
    };
    update("DOWN");
    let end = lab.wait(&once);
    assert_eq!((&end["state"], &end["attempt"]), (&"lost".into(), &1.into()), "{end}");
    assert!(end["reason"].as_str().unwrap().contains("node failed"), "{end}");
    until_true("attempt 2", || lab.attempt(&id, 2).exists());
    update("RESUME");
    work.ends_in_attempt_2(&lab, &id);
}

#[test]
fn a_preempted_run_goes_on_in_a_next_attempt() {
    let Some(lab) = Lab::up() else { return };
    let work = GoingOn::new(&lab);
    let id = lab.add(&["--partition", "main", "--resumable"], &work.line);
    lab.until(&id, "running", "job 1");
    let urgent = ["--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 1"];
    lab.slurm("sbatch", &urgent);
    until_true("attempt 2", || lab.attempt(&id, 2).exists());
    let lost = lab.file(&id, 1, "exit.json");
    assert!(lost["lost"].as_str().unwrap().contains("preempted"), "{lost}");
    work.ends_in_attempt_2(&lab, &id);
}

#[test]
fn a_time_limit_stops_a_run_which_goes_on_where_it_can() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("never");
    let dull = lab.add(&["--time", "1"], &until(&gate));
    // Tells its shim to leave it alone: SLURM itself must end it.
    let deaf = lab.add(&["--time", "1"], &format!("trap '' TERM; {}", until(&gate)));
    let state = lab.house.file("step");
    let counting = format!(
        "trap 'exit 0' TERM; n=$(cat {0} 2>/dev/null || echo 0); echo $((n + 1)) > {0}; \
         [ $n -ge 1 ] && exit 0; {1}",
        state.display(),
        until(&gate)
    );
    let goes_on = lab.add(&["--time", "1", "--resumable"], &counting);
    for id in [&dull, &deaf] {
        let end = lab.wait_long(id);
        assert_eq!((&end["state"], &end["attempt"]), (&"timed_out".into(), &1.into()), "{end}");
    }
    let end = lab.wait_long(&goes_on);
    if end["attempt"] == 1 {
        until_true("attempt 2", || lab.show(&goes_on)["attempt"] == 2);
    }
    let end = lab.wait_long(&goes_on);
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &2.into()), "{end}");
    assert_eq!(lab.file(&goes_on, 1, "exit.json")["stopped"], "time_limit");
}

#[test]
fn an_array_is_one_submission_with_a_folder_for_every_task() {
    let Some(lab) = Lab::up() else { return };
    let words = ["runs", "add", "--on", "slurm", "--array", "4%2", "--", "sh", "-c"];
    let line = "echo task $POLYCULTURE_ARRAY_INDEX; exit $POLYCULTURE_ARRAY_INDEX";
    let doc = lab.json(&[&words[..], &[line]].concat());
    let ids: Vec<String> =
        doc["items"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().into()).collect();
    assert_eq!(ids.len(), 4);
    for (n, id) in ids.iter().enumerate() {
        let end = lab.wait(id);
        assert_eq!(end["exit_code"], n, "{end}");
        let log = fs::read_to_string(lab.attempt(id, 1).join("out.log")).unwrap();
        assert_eq!(log, format!("task {n}\n"));
        assert_eq!(lab.job(id, 1), format!("1_{n}"));
    }
    let arrays = lab.slurm("squeue", &["-h", "-r", "-t", "all", "-o", "%F"]);
    assert!(arrays.lines().all(|l| l == "1"), "{arrays}");
    // One of them again, alone.
    lab.json(&["runs", "retry", &ids[3]]);
    until_true("attempt 2 ended", || {
        let view = lab.show(&ids[3]);
        view["attempt"] == 2 && view["ended_at"].is_string()
    });
    assert_eq!(lab.show(&ids[3])["exit_code"], 3);
    assert!(!lab.job(&ids[3], 2).contains('_'));
}

#[test]
fn many_jobs_are_carried_by_a_few_threads() {
    let Some(lab) = Lab::up() else { return };
    let (gate, n) = (lab.house.file("gate"), 120);
    fs::write(&gate, "").unwrap();
    let before = lab.add(&[], "true");
    assert_eq!(lab.wait(&before)["state"], "succeeded");
    let array = n.to_string();
    let words =
        ["runs", "add", "--on", "slurm", "--array", &array, "--sbatch=--hold", "--", "sleep", "60"];
    let doc = lab.json(&words);
    let ids: Vec<String> =
        doc["items"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().into()).collect();
    lab.until(ids.last().unwrap(), "starting", "JobHeldUser");
    lab.until(&ids[0], "starting", "JobHeldUser");
    until_true("all have their job", || {
        ids.iter().all(|id| lab.attempt(id, 1).join("slurm.json").exists())
    });
    let status = fs::read_to_string(format!("/proc/{}/status", lab.house.engine_pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("Threads:")).unwrap();
    let threads: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(threads < 60, "{threads} threads for {n} jobs");
    // Ended at SLURM by one word: everybody hears of it.
    lab.slurm("scancel", &["2"]);
    until_true("all have ended", || {
        let text = lab.json(&["runs", "list", "--limit", "500"]);
        let items = text["items"].as_array().unwrap();
        items.iter().filter(|r| r["state"] == "cancelled").count() == n
    });
}

#[test]
fn a_job_of_two_nodes_starts_the_command_on_both_and_is_stopped_on_both() {
    let Some(lab) = Lab::of(2, 300) else { return };
    let (told, ready, gate) =
        (lab.house.file("told"), lab.house.file("ready"), lab.house.file("gate"));
    fs::create_dir(&ready).unwrap();
    fs::create_dir(&told).unwrap();
    let line = format!(
        "trap 'touch {}/$SLURMD_NODENAME; exit 0' TERM; \
         echo $SLURM_PROCID $SLURMD_NODENAME $SLURM_NNODES ${{MASTER_ADDR:?}} ${{MASTER_PORT:?}}; \
         touch {}/$SLURMD_NODENAME; {}",
        told.display(),
        ready.display(),
        until(&gate)
    );
    let two = ["--srun", "--nodes", "2", "--ntasks", "2", "--cpus", "1"];
    let (first, second) = (lab.add(&two, &line), lab.add(&two, &line));
    let both = |dir: &std::path::Path| ["n1", "n2"].iter().all(|n| dir.join(n).exists());
    lab.until(&first, "running", "job 1 on n[1-2]");
    until_true("it runs on both", || both(&ready));
    lab.json(&["runs", "cancel", &first]);
    assert_eq!(lab.wait(&first)["state"], "cancelled");
    until_true("both were told", || both(&told));
    lab.until(&second, "running", "job 2 on n[1-2]");
    fs::write(&gate, "").unwrap();
    assert_eq!(lab.wait(&second)["state"], "succeeded", "{}", lab.show(&second));
    let log = fs::read_to_string(lab.attempt(&second, 1).join("out.log")).unwrap();
    let mut lines: Vec<Vec<&str>> = log.lines().map(|l| l.split_whitespace().collect()).collect();
    lines.sort();
    assert_eq!(lines.len(), 2, "{log}");
    assert_eq!((lines[0][..3].join(" "), lines[1][1]), ("0 n1 2".into(), "n2"), "{log}");
    assert_eq!(lines[0][3..], lines[1][3..], "one address for both: {log}");
}

#[test]
fn srun_starts_the_command_once_a_task_and_cancelling_reaches_them_all() {
    let Some(lab) = Lab::up() else { return };
    let out = lab.house.file("tasks");
    let line = format!("echo $SLURM_PROCID of $SLURM_NTASKS >> {}", out.display());
    let id = lab.add(&["--srun", "--ntasks", "2", "--sbatch=--overcommit"], &line);
    assert_eq!(lab.wait(&id)["state"], "succeeded", "{}", lab.show(&id));
    let mut lines: Vec<String> =
        fs::read_to_string(&out).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["0 of 2", "1 of 2"]);
}

#[test]
fn a_run_folder_deleted_by_hand_ends_its_job() {
    let Some(lab) = Lab::up() else { return };
    let gate = lab.house.file("never");
    let id = lab.add(&[], &until(&gate));
    lab.until(&id, "running", "job 1");
    fs::remove_dir_all(lab.attempt(&id, 1).parent().unwrap()).unwrap();
    let end = lab.wait(&id);
    assert_eq!(end["state"], "lost", "{end}");
    until_true("no job is left", || lab.slurm("squeue", &["-h"]).trim().is_empty());
}

#[test]
fn doctor_tells_what_slurm_there_is() {
    let Some(lab) = Lab::up() else { return };
    let doc = lab.json(&["doctor"]);
    let items = doc["items"].as_array().unwrap();
    let line = items.iter().find(|i| i["check"] == "slurm").unwrap();
    let says = line["says"].as_str().unwrap();
    for word in ["slurm", "cluster lab", "no accounting", "main"] {
        assert!(says.contains(word), "{says}");
    }
    lab.kill_controller("-KILL");
    let doc = lab.json(&["doctor"]);
    let line = doc["items"].as_array().unwrap().iter().find(|i| i["check"] == "slurm").unwrap();
    assert_eq!(line["ok"], false, "{line}");
}

#[test]
fn a_tiny_model_is_tuned_and_scored_on_the_cluster_and_its_results_come_home() {
    let Some(lab) = Lab::up() else { return };
    fs::remove_file(lab.house.workspace().join("polyculture.toml")).unwrap();
    let workspace = lab.house.workspace().display().to_string();
    lab.json(&["init", &workspace]);
    let augment = lab.json(&["augment", "--on", "slurm", "--seeds", "Q27"]);
    assert_eq!(lab.wait_long(augment["id"].as_str().unwrap())["state"], "succeeded");
    let samples = lab.json(&["samples", "list"]);
    assert!(!samples["items"].as_array().unwrap().is_empty(), "its samples were merged");
    // One culture: what is scored is no concern of this test, only where.
    lab.json(&["dataset", "build", "d", "--culture", "arabic"]);
    let tune = ["finetune", "--on", "slurm", "--dataset", "d", "--steps", "4", "--name", "small"];
    let tuned = lab.json(&tune);
    let id = tuned["id"].as_str().unwrap();
    assert_eq!(lab.wait_long(id)["state"], "succeeded", "{}", lab.show(id));
    assert!(lab.attempt(id, 1).join("metrics.jsonl").exists());
    assert_eq!(lab.file(id, 1, "slurm.json")["job"], "2");
    let models = lab.json(&["models", "list"]);
    assert_eq!(models["items"][0]["alias"], "small", "{models}");
    let words = ["evaluate", "--on", "slurm", "--model", "small", "--cultures", "arabic"];
    let scored = lab.json(&words);
    let id = scored["id"].as_str().unwrap();
    assert_eq!(lab.wait_long(id)["state"], "succeeded", "{}", lab.show(id));
    assert!(lab.attempt(id, 1).join("evaluation.json").exists());
    assert_eq!(lab.job_names().len(), 3);
}

#[test]
fn the_training_program_runs_on_two_nodes_that_meet_and_goes_on_after_a_stop() {
    let Some(_) = torch::python() else { return };
    let Some(lab) = Lab::of(2, 300) else { return };
    fs::remove_file(lab.house.workspace().join("polyculture.toml")).unwrap();
    lab.json(&["init", &lab.house.workspace().display().to_string()]);
    lab.json(&["dataset", "build", "d", "--culture", "german"]);
    let family = polyculture::embedded::decoder::Family::Qwen2;
    let base = torch::base(&lab.house.file("."), family, |_| {});
    let recipe = lab.house.file("r.toml");
    let more = "steps = 600\ncheckpoint_every = 200";
    fs::write(&recipe, torch::recipe(&base, "torch", true, more, "")).unwrap();
    let recipe = recipe.display().to_string();
    let words = ["finetune", "--on", "slurm", "--nodes", "2", "--dataset", "d", "--recipe"];
    let run = lab.json(&[&words[..], &[&recipe, "--name", "two"]].concat());
    let id = run["id"].as_str().unwrap();
    let log = |n| fs::read_to_string(lab.attempt(id, n).join("out.log")).unwrap_or_default();
    let progress = lab.attempt(id, 1).join("progress.json");
    torch::until("the first steps", || {
        assert!(!lab.show(id)["ended_at"].is_string(), "{}\n{}", lab.show(id), log(1));
        fs::read_to_string(&progress).is_ok_and(|t| t.contains("loss"))
    });
    assert!(log(1).contains("2 processes on 2 machines"), "{}", log(1));
    lab.json(&["runs", "cancel", id]);
    let end = lab.wait_long(id);
    assert_eq!(end["state"], "cancelled", "{end}\n{}", log(1));
    // Stopped with a checkpoint, not killed: the next attempt goes on from it.
    let saved = polyculture::finetune::checkpoint::list(&lab.attempt(id, 1).join("checkpoints"));
    assert!(!saved.is_empty(), "{}", log(1));
    lab.json(&["runs", "retry", id]);
    until_true("attempt 2", || lab.attempt(id, 2).exists());
    let end = lab.wait_long(id);
    assert_eq!((&end["state"], &end["attempt"]), (&"succeeded".into(), &2.into()), "{}", log(2));
    let done = fs::read_to_string(lab.attempt(id, 2).join("results.jsonl")).unwrap();
    assert!(done.contains(&format!("\"resumed_from\":{}", saved[0].0)), "{done}");
}

#[test]
fn a_sweep_is_one_array_and_one_evaluation() {
    let Some(lab) = Lab::up() else { return };
    fs::remove_file(lab.house.workspace().join("polyculture.toml")).unwrap();
    lab.json(&["init", &lab.house.workspace().display().to_string()]);
    let augment = lab.json(&["augment", "--on", "slurm", "--seeds", "Q27"]);
    assert_eq!(lab.wait_long(augment["id"].as_str().unwrap())["state"], "succeeded");
    let words = ["sweep", "ablation", "--seeds", "1", "--steps", "2", "--hold-out-questions", "1"];
    let report = lab.json(&[&words[..], &["--cultures", "arabic", "--on", "slurm"]].concat());
    assert_eq!(report["arms"].as_array().unwrap().len(), 3, "{report}");
    let runs = report["runs"].as_array().unwrap();
    let jobs: Vec<String> = runs.iter().map(|r| lab.job(r["id"].as_str().unwrap(), 1)).collect();
    assert_eq!(jobs[..3], ["2_0", "2_1", "2_2"], "{jobs:?}");
    assert!(jobs.len() == 4 && !jobs[3].contains('_'), "{jobs:?}");
}
