//! What a run asks of SLURM: the optional `slurm` part of `spec.json`, of the user's configuration,
//! and of the command line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Seconds before the time limit at which SLURM tells the job to write its checkpoint.
const WARNING_S: u32 = 120;

/// What is asked. What is not said is left to the cluster's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmAsk {
    /// `--partition`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// `--account`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `--qos`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qos: Option<String>,
    /// `--time`: minutes, `M:S`, `H:M:S`, `D-H`, `D-H:M` or `D-H:M:S`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `--nodes`. The shim runs on the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// `--ntasks`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntasks: Option<u32>,
    /// `--cpus-per-task`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// `--gpus-per-node`: a number, or `TYPE:NUMBER`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpus: Option<String>,
    /// `--mem`, per node: `8000M`, `16G`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<String>,
    /// `--constraint`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// Further options of sbatch, each a line of the job script: `--exclusive`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,
    /// The work is started by `srun`, once a task, on all nodes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub srun: bool,
    /// The work goes on from what an earlier attempt left: it is submitted again after a node
    /// failure, a preemption or its time limit. Not said: activities do, commands do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumable: Option<bool>,
    /// This program as the nodes see it; the path here without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// Seconds between two questions about its job, and about all others that are asked for in the
    /// same way; 30 without it, 10 while somebody watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_s: Option<u32>,
    /// Its place in an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayPlace>,
}

/// One task of an array: one submission, one run folder a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrayPlace {
    /// The same for all tasks: letters, digits, `-`, `_`.
    pub group: String,
    /// From 0.
    pub index: u32,
    /// How many tasks there are.
    pub of: u32,
    /// How many may run at a time; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
}

impl SlurmAsk {
    /// `self` where it says something, else `base`.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        let mut extra = base.extra;
        extra.extend(self.extra);
        Self {
            partition: self.partition.or(base.partition),
            account: self.account.or(base.account),
            qos: self.qos.or(base.qos),
            time: self.time.or(base.time),
            nodes: self.nodes.or(base.nodes),
            ntasks: self.ntasks.or(base.ntasks),
            cpus: self.cpus.or(base.cpus),
            gpus: self.gpus.or(base.gpus),
            mem: self.mem.or(base.mem),
            constraint: self.constraint.or(base.constraint),
            extra,
            srun: self.srun || base.srun,
            resumable: self.resumable.or(base.resumable),
            program: self.program.or(base.program),
            poll_s: self.poll_s.or(base.poll_s),
            array: self.array.or(base.array),
        }
    }

    /// Every option and its value, as sbatch spells them.
    pub fn options(&self) -> Vec<String> {
        let number = |n: Option<u32>| n.map(|n| n.to_string());
        let all = [
            ("partition", self.partition.clone()),
            ("account", self.account.clone()),
            ("qos", self.qos.clone()),
            ("time", self.time.clone()),
            ("nodes", number(self.nodes)),
            ("ntasks", number(self.ntasks)),
            ("cpus-per-task", number(self.cpus)),
            ("gpus-per-node", self.gpus.clone()),
            ("mem", self.mem.clone()),
            ("constraint", self.constraint.clone()),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some(format!("--{name}={}", value?)))
            .chain(self.extra.iter().cloned())
            .collect()
    }

    /// Says what sbatch would misread, before anything is written.
    ///
    /// # Errors
    /// A sentence that names the option and what was expected.
    pub fn check(&self) -> Result<(), String> {
        for option in self.options() {
            let name = option.split('=').next().unwrap_or(&option).to_owned();
            if !option.starts_with('-') || option.chars().any(char::is_control) {
                return Err(format!(
                    "slurm option `{option:?}`: expected one line that starts with -, such as --exclusive"
                ));
            }
            let value = option.split_once('=').map_or("", |(_, v)| v);
            let extra = self.extra.contains(&option);
            if !extra && (value.is_empty() || value.contains(char::is_whitespace)) {
                return Err(format!("slurm option {name}: expected one word, found {value:?}"));
            }
            if extra && names(&name, &OURS) {
                return Err(format!("slurm option {name} is set by polyculture itself"));
            }
            if extra && names(&name, &NO_JOB_HERE) {
                return Err(format!(
                    "slurm option {name} cannot be used: it makes no job that this cluster knows"
                ));
            }
        }
        if let Some(t) = &self.time
            && seconds(t).is_none()
        {
            return Err(format!(
                "slurm option --time: expected minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S, found {t:?}"
            ));
        }
        for (name, n) in [("nodes", self.nodes), ("ntasks", self.ntasks), ("cpus", self.cpus)] {
            if n == Some(0) {
                return Err(format!("slurm option {name}: expected at least 1"));
            }
        }
        if self.poll_s.is_some_and(|s| !(1..=3600).contains(&s)) {
            return Err("slurm option poll_s: expected 1 to 3600 seconds".into());
        }
        match &self.array {
            Some(a) if a.of == 0 || a.index >= a.of || a.at_once == Some(0) => {
                Err(format!("slurm array: task {} of {} is none", a.index, a.of))
            }
            Some(a) if a.group.is_empty() || !a.group.chars().all(is_plain) => {
                Err(format!("slurm array: `{}` is no plain name", a.group))
            }
            _ => Ok(()),
        }
    }

    /// Seconds before its time limit at which the job is told: two minutes, or a quarter of a
    /// shorter limit.
    pub fn warning_s(&self) -> u32 {
        let limit = self.time.as_deref().and_then(seconds);
        limit.map_or(WARNING_S, |s| u32::try_from(s / 4).unwrap_or(WARNING_S).clamp(1, WARNING_S))
    }
}

/// Options that polyculture sets itself.
const OURS: [&str; 11] = [
    "--job-name",
    "-J",
    "--output",
    "-o",
    "--error",
    "-e",
    "--array",
    "-a",
    "--wrap",
    "--parsable",
    "--signal",
];

/// Options that submit elsewhere, or nothing: the job would be waited for in vain.
const NO_JOB_HERE: [&str; 4] = ["--clusters", "--cluster", "-M", "--test-only"];

/// True when an option is one of these; the value of a short one may be glued to it (`-Mlab`).
fn names(option: &str, list: &[&str]) -> bool {
    let word = option.split(' ').next().unwrap_or("");
    list.iter().any(|&o| word == o || (!o.starts_with("--") && word.starts_with(o)))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A time as sbatch reads it, in seconds; `None` where it reads none.
fn seconds(text: &str) -> Option<u64> {
    let numbers = |t: &str| t.split(':').map(|n| n.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    let total = if let Some((days, rest)) = text.split_once('-') {
        let days: u64 = days.parse().ok()?;
        let rest = match numbers(rest)?[..] {
            [h] => h * 3600,
            [h, m] => h * 3600 + m * 60,
            [h, m, s] => h * 3600 + m * 60 + s,
            _ => return None,
        };
        days * 86_400 + rest
    } else {
        match numbers(text)?[..] {
            [m] => m * 60,
            [m, s] => m * 60 + s,
            [h, m, s] => h * 3600 + m * 60 + s,
            _ => return None,
        }
    };
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sbatch_would_misread_is_refused_with_its_name() {
        let ask = SlurmAsk::default;
        let line = |l: &str| SlurmAsk { extra: vec![l.into()], ..ask() };
        let array = |index, of| Some(ArrayPlace { group: "g".into(), index, of, at_once: None });
        let cases = [
            (SlurmAsk { partition: Some("a b".into()), ..ask() }, "--partition"),
            (SlurmAsk { account: Some(String::new()), ..ask() }, "--account"),
            (SlurmAsk { mem: Some("1G\n#SBATCH -w x".into()), ..ask() }, "--mem"),
            (SlurmAsk { time: Some("soon".into()), ..ask() }, "--time"),
            (SlurmAsk { time: Some("0".into()), ..ask() }, "--time"),
            (SlurmAsk { nodes: Some(0), ..ask() }, "nodes"),
            (line("exclusive"), "starts with -"),
            (line("--x\nrm"), "one line"),
            (line("--job-name=mine"), "itself"),
            (line("-J mine"), "itself"),
            (line("-a0-3"), "itself"),
            (line("--clusters=far"), "this cluster"),
            (line("-Mfar"), "this cluster"),
            (line("--test-only"), "this cluster"),
            (SlurmAsk { poll_s: Some(0), ..ask() }, "poll_s"),
            (SlurmAsk { array: array(4, 4), ..ask() }, "task 4 of 4"),
        ];
        for (bad, says) in cases {
            let e = bad.check().unwrap_err();
            assert!(e.contains(says), "{e}");
        }
        let good = SlurmAsk {
            gpus: Some("a100:2".into()),
            extra: vec!["--mail-type=END".into(), "-w node 7".into()],
            array: array(3, 4),
            ..ask()
        };
        good.check().unwrap();
    }

    #[test]
    fn times_are_read_as_sbatch_reads_them() {
        for (text, s) in [
            ("1", 60),
            ("1:30", 90),
            ("1:0:0", 3600),
            ("2-0", 172_800),
            ("1-1:30", 91_800),
            ("1-0:0:5", 86_405),
        ] {
            assert_eq!(seconds(text), Some(s), "{text}");
        }
        for bad in ["", "x", "1:2:3:4", "1-", "-1", "1-2:3:4:5"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        let of = |t: &str| SlurmAsk { time: Some(t.into()), ..SlurmAsk::default() }.warning_s();
        assert_eq!((of("1"), of("60"), SlurmAsk::default().warning_s()), (15, 120, 120));
    }

    #[test]
    fn the_command_line_goes_over_the_configuration() {
        let base = SlurmAsk {
            partition: Some("long".into()),
            account: Some("lab".into()),
            extra: vec!["--a".into()],
            poll_s: Some(60),
            ..SlurmAsk::default()
        };
        let ask = SlurmAsk {
            partition: Some("short".into()),
            extra: vec!["--b".into()],
            ..SlurmAsk::default()
        };
        let both = ask.over(base);
        assert_eq!(both.poll_s, Some(60));
        assert_eq!(both.options(), ["--partition=short", "--account=lab", "--a", "--b"]);
    }
}
