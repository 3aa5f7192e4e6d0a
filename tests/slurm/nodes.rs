//! Many nodes and many jobs: srun, the training program on two nodes, arrays, nodes that fail.

use std::fs;
use std::path::PathBuf;

use crate::house::{until, until_true};
use crate::lab::Lab;
use crate::torch;

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
