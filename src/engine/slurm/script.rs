//! The job script and sbatch's arguments. Pure.

use std::path::Path;

use crate::job::{MARK, SlurmAsk};

/// Names the seconds before the time limit at which the job is told; the shim reads it.
const WARNING: &str = "POLYCULTURE_SLURM_WARNING_S";

/// Seconds before the time limit at which this job is told, as its script says.
pub(in crate::engine) fn warning_s() -> u32 {
    std::env::var(WARNING).ok().and_then(|s| s.parse().ok()).unwrap_or(10)
}

/// One task of a submission: its attempt folder and the mark of its processes.
pub(super) struct Task<'a> {
    pub(super) index: u32,
    pub(super) attempt: &'a Path,
    pub(super) mark: String,
}

/// The script of one job, or of an array.
pub(super) fn script(ask: &SlurmAsk, program: &Path, tasks: &[Task<'_>]) -> String {
    let mut out = String::from("#!/bin/sh\n");
    for option in ask.options() {
        out += &format!("#SBATCH {option}\n");
    }
    out += "# Written by polyculture, which submits it once. The shim keeps the account of the run in\n\
            # its folder; SLURM's own messages are in slurm.out there.\n";
    out += &format!("export {WARNING}={}\n", ask.warning_s());
    // However many nodes were asked for, by whatever option; and what srun takes from no other
    // variable since SLURM 22.05.
    out += "if [ \"${SLURM_JOB_NUM_NODES:-1}\" -gt 1 ]; then\n\
            export MASTER_ADDR=\"$(hostname)\"\n\
            export MASTER_PORT=\"$((20000 + SLURM_JOB_ID % 20000))\"\nfi\n\
            if [ -n \"$SLURM_CPUS_PER_TASK\" ]; then\n\
            export SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\"\nfi\n";
    let one = |t: &Task<'_>| {
        format!(
            "attempt={}; export {MARK}={}",
            quoted(&t.attempt.to_string_lossy()),
            quoted(&t.mark)
        )
    };
    match tasks {
        [only] if ask.array.is_none() => out += &format!("{}\n", one(only)),
        many => {
            out += "export POLYCULTURE_ARRAY_INDEX=\"$SLURM_ARRAY_TASK_ID\"\n\
                    case \"$SLURM_ARRAY_TASK_ID\" in\n";
            for task in many {
                out += &format!("{}) {} ;;\n", task.index, one(task));
            }
            out += "*) echo \"no task $SLURM_ARRAY_TASK_ID in this array\" >&2; exit 64 ;;\nesac\n";
        }
    }
    out += &format!("exec {} __shim \"$attempt\"\n", quoted(&program.to_string_lossy()));
    out
}

/// sbatch's arguments. `output` is where SLURM's own messages go.
pub(super) fn arguments(
    ask: &SlurmAsk,
    name: &str,
    comment: &str,
    output: &Path,
    array: Option<&str>,
    script: &Path,
) -> Vec<String> {
    let mut out = vec![
        "--parsable".to_owned(),
        format!("--job-name={name}"),
        format!("--comment={comment}"),
        format!("--output={}", pattern(output)),
        "--open-mode=append".into(),
        format!("--signal=B:USR1@{}", ask.warning_s()),
        // One attempt, one job: what is to go on is submitted again as the next attempt.
        "--no-requeue".into(),
        "--export=ALL".into(),
        format!("--chdir={}", script.parent().unwrap_or(Path::new("/")).display()),
    ];
    if let Some(list) = array {
        out.push(format!("--array={list}"));
    }
    out.push(script.to_string_lossy().into_owned());
    out
}

/// A file as sbatch's pattern: a percent sign of a folder is doubled.
fn pattern(file: &Path) -> String {
    let folder = file.parent().unwrap_or(Path::new("")).to_string_lossy().replace('%', "%%");
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("{folder}/{name}")
}

/// A word for sh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ArrayPlace;

    #[test]
    fn odd_paths_come_through_the_shell_whole() {
        let dir = tempfile::tempdir().unwrap();
        let attempt = dir.path().join("it's $HOME `x` %j/attempt-1");
        let program = dir.path().join("a program");
        std::fs::write(
            &program,
            "#!/bin/sh\nprintf '%s|%s|%s' \"$1\" \"$2\" \"$POLYCULTURE_ATTEMPT\"\n",
        )
        .unwrap();
        let array = Some(ArrayPlace { group: "g".into(), index: 0, of: 2, at_once: None });
        for ask in [SlurmAsk::default(), SlurmAsk { array, ..SlurmAsk::default() }] {
            let tasks = [Task { index: 0, attempt: &attempt, mark: "r/attempt-1".into() }];
            let file = dir.path().join("job.sh");
            // As SLURM would, but through sh, which needs no execute permission of the program.
            let text = script(&ask, &program, &tasks).replace("exec ", "exec sh ");
            std::fs::write(&file, text).unwrap();
            let out = std::process::Command::new("sh")
                .arg(&file)
                .env("SLURM_ARRAY_TASK_ID", "0")
                .output()
                .unwrap();
            let said = String::from_utf8(out.stdout.clone()).unwrap();
            assert_eq!(said, format!("__shim|{}|r/attempt-1", attempt.display()), "{out:?}");
        }
        let list = arguments(&SlurmAsk::default(), "n", "c", &attempt, None, &program);
        assert!(list.iter().any(|a| a.starts_with("--output=") && a.contains("%%j")), "{list:?}");
    }
}
