//! What goes away: the controller, its memory, its programs, accounting, the folder of runs.

use std::fs;

use crate::house::{kill, until, until_true};
use crate::lab::Lab;

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
