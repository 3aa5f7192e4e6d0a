//! Runs as jobs of a real SLURM: a controller, a node and two pretend GPUs of their own for every
//! test. Nothing here sleeps for luck; what is waited for is a condition.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

#[path = "engine/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;
#[path = "slurm/mod.rs"]
mod lab;
#[path = "slurm/nodes.rs"]
mod nodes;
mod torch;
#[path = "slurm/trouble.rs"]
mod trouble;

use std::fs;

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
