//! How the training program is started: plainly, by torchrun on this machine, by torchrun on every
//! node of a job of SLURM, or as somebody says.

use std::path::Path;

/// Words that start the program, in the place of our own launcher: `{python}` and `{program}` in
/// them stand for both, `$NAME` for a variable of the environment. The program and its job file come
/// after them.
pub const LAUNCH_VARIABLE: &str = "POLYCULTURE_TORCH_LAUNCH";

/// How the training program is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launched {
    /// Program and arguments.
    pub words: Vec<String>,
    /// In a process group of its own: srun takes a TERM for an order to kill its tasks, which are
    /// told by a file and have a checkpoint to write.
    pub apart: bool,
}

impl Launched {
    /// For so many processes on each machine; `env`: the environment.
    pub fn new(
        python: &Path,
        folder: &Path,
        processes: u32,
        env: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let python = python.display().to_string();
        let file = |name: &str| folder.join(name).display().to_string();
        let program = file("train.py");
        let asked = env(LAUNCH_VARIABLE).filter(|v| !v.trim().is_empty());
        let torchrun = |more: &[String]| {
            let per_node = ["--nproc-per-node".to_owned(), processes.to_string()];
            [&[python.clone(), file("launch.py")], more, &per_node].concat()
        };
        let mut words: Vec<String> = match (asked, Nodes::of(&env)) {
            (Some(line), _) => line
                .split_whitespace()
                .map(|w| with_variables(&w.replace("{python}", &python), &env))
                .collect(),
            (None, Some(nodes)) => [nodes.srun(), torchrun(&nodes.meeting())].concat(),
            (None, None) if processes > 1 => torchrun(&["--standalone".into()]),
            (None, None) => vec![python],
        };
        if let Some(w) = words.iter_mut().find(|w| w.contains("{program}")) {
            *w = w.replace("{program}", &program);
        } else {
            words.push(program);
        }
        words.push(file("job.json"));
        let first = words.first().map(Path::new).and_then(Path::file_name);
        let apart = first.is_some_and(|f| f == "srun");
        Self { words, apart }
    }
}

/// Several nodes of a job of SLURM, with the place where their processes meet.
struct Nodes {
    count: u32,
    job: String,
    address: String,
}

impl Nodes {
    fn of(env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let count = env("SLURM_JOB_NUM_NODES")?.parse().ok().filter(|n| *n > 1)?;
        let address = format!("{}:{}", env("MASTER_ADDR")?, env("MASTER_PORT")?);
        Some(Self { count, job: env("SLURM_JOB_ID")?, address })
    }

    /// One task a node.
    fn srun(&self) -> Vec<String> {
        let n = self.count;
        vec![
            "srun".into(),
            format!("--nodes={n}"),
            format!("--ntasks={n}"),
            "--ntasks-per-node=1".into(),
            "--kill-on-bad-exit=1".into(),
        ]
    }

    /// What torchrun has to know of the others.
    fn meeting(&self) -> Vec<String> {
        vec![
            format!("--nnodes={}", self.count),
            "--rdzv-backend=c10d".into(),
            format!("--rdzv-id={}", self.job),
            format!("--rdzv-endpoint={}", self.address),
        ]
    }
}

/// A word with the variables that it names; of one that is not set the name stays.
fn with_variables(word: &str, env: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        let end =
            after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, left) = after.split_at(end);
        out += before;
        match env(name).filter(|_| !name.is_empty()) {
            Some(value) => out += &value,
            None => out = out + "$" + name,
        }
        rest = left;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(n: u32, env: &[(&str, &str)]) -> String {
        let value = |name: &str| env.iter().find(|e| e.0 == name).map(|e| e.1.to_owned());
        Launched::new(Path::new("/p/python"), Path::new("/a/trainer"), n, value).words.join(" ")
    }

    #[test]
    fn one_process_is_started_plainly_several_by_the_launcher_and_others_as_they_say() {
        let job = "/a/trainer/train.py /a/trainer/job.json";
        assert_eq!(words(1, &[]), format!("/p/python {job}"));
        assert_eq!(
            words(4, &[]),
            format!("/p/python /a/trainer/launch.py --standalone --nproc-per-node 4 {job}")
        );
        let line =
            "srun {python} -m torch.distributed.run --rdzv-endpoint $MASTER_ADDR:$MASTER_PORT";
        let env = [(LAUNCH_VARIABLE, line), ("MASTER_ADDR", "n1"), ("MASTER_PORT", "29")];
        assert_eq!(
            words(4, &env),
            format!("srun /p/python -m torch.distributed.run --rdzv-endpoint n1:29 {job}")
        );
        // What is not set is not swallowed.
        let unset = [(LAUNCH_VARIABLE, "x $NOWHERE,$ 5$")];
        assert!(words(1, &unset).starts_with("x $NOWHERE,$ 5$ /a/"));
        let own = [(LAUNCH_VARIABLE, "srun bash -c {program}")];
        assert!(words(2, &own).ends_with("-c /a/trainer/train.py /a/trainer/job.json"));
    }

    #[test]
    fn on_several_nodes_of_a_job_one_launcher_a_node_is_started_and_they_meet() {
        let all = [
            ("SLURM_JOB_NUM_NODES", "2"),
            ("SLURM_JOB_ID", "7"),
            ("MASTER_ADDR", "n1"),
            ("MASTER_PORT", "20007"),
        ];
        let line = words(4, &all);
        assert!(line.starts_with("srun --nodes=2 --ntasks=2 --ntasks-per-node=1 "), "{line}");
        assert!(line.contains("launch.py --nnodes=2 --rdzv-backend=c10d --rdzv-id=7 "), "{line}");
        assert!(line.contains("--rdzv-endpoint=n1:20007 --nproc-per-node 4 /a/trainer/train.py"));
        // One node of a job is a machine like any other.
        assert!(
            words(1, &[&[("SLURM_JOB_NUM_NODES", "1")], &all[1..]].concat()).starts_with("/p/")
        );
    }
}
