//! Where a run goes: this host, or a job of SLURM.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Failure;
use super::args::{Command, RunsCommand};
use crate::job::SlurmAsk;

/// Where a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Where {
    /// This host
    #[default]
    Here,
    /// A job of SLURM
    Slurm,
}

/// Where a run goes, and what is asked of SLURM. What is not said comes from `[slurm]` of the
/// user's configuration, then from the recipe, then from the cluster.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "On a cluster")]
pub struct OnArgs {
    /// Where it runs
    #[arg(long, value_enum, default_value_t = Where::Here)]
    pub on: Where,
    /// Partition
    #[arg(long, value_name = "NAME")]
    pub partition: Option<String>,
    /// Account that pays
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Quality of service
    #[arg(long, value_name = "NAME")]
    pub qos: Option<String>,
    /// Time limit: minutes, H:M:S, D-H, ..
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Nodes; the shim runs on the first
    #[arg(long, value_name = "N")]
    pub nodes: Option<u32>,
    /// Tasks, for --srun
    #[arg(long, value_name = "N")]
    pub ntasks: Option<u32>,
    /// CPUs of a task
    #[arg(long, value_name = "N")]
    pub cpus: Option<u32>,
    /// GPUs. Here: N to lease, of those in your CUDA_VISIBLE_DEVICES. On SLURM, of a node: N or TYPE:N
    #[arg(long, value_name = "N")]
    pub gpus: Option<String>,
    /// Memory of a node: 8000M, 16G
    #[arg(long, value_name = "SIZE")]
    pub mem: Option<String>,
    /// Features that the nodes must have
    #[arg(long, value_name = "FEATURES")]
    pub constraint: Option<String>,
    /// A further option of sbatch, such as --sbatch=--exclusive; may be repeated
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// Start the command by srun, once a task
    #[arg(long)]
    pub srun: bool,
    /// Whether it goes on from what an earlier attempt left: after a node failure, a preemption or
    /// its time limit it is then submitted again. Activities do, commands do not
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub resumable: Option<bool>,
    /// This program, as the nodes see it
    #[arg(long, value_name = "FILE")]
    pub node_program: Option<PathBuf>,
}

impl OnArgs {
    /// What is asked of SLURM; `None`: it runs here.
    ///
    /// # Errors
    /// SLURM's options without `--on slurm`.
    pub fn ask(&self) -> Result<Option<SlurmAsk>, Failure> {
        let ask = SlurmAsk {
            partition: self.partition.clone(),
            account: self.account.clone(),
            qos: self.qos.clone(),
            time: self.time.clone(),
            nodes: self.nodes,
            ntasks: self.ntasks,
            cpus: self.cpus,
            gpus: self.gpus.clone(),
            mem: self.mem.clone(),
            constraint: self.constraint.clone(),
            extra: self.sbatch.clone(),
            srun: self.srun,
            resumable: self.resumable,
            program: self.node_program.clone(),
            poll_s: None,
            array: None,
        };
        match self.on {
            Where::Slurm => Ok(Some(ask)),
            Where::Here if SlurmAsk { gpus: None, ..ask.clone() } == SlurmAsk::default() => {
                Ok(None)
            }
            Where::Here => {
                Err(Failure::usage("--partition, --time, --gpus and the like are asked of SLURM")
                    .hint("say --on slurm too"))
            }
        }
    }
}

impl OnArgs {
    /// GPUs to lease on this host.
    ///
    /// # Errors
    /// No number.
    pub fn gpus_here(&self) -> Result<u32, Failure> {
        match (&self.gpus, self.on) {
            (Some(n), Where::Here) => n.parse().map_err(|_| {
                Failure::usage(format!("--gpus {n}: expected a number of GPUs of this host"))
                    .hint("a type (a100:2) is asked of SLURM: say --on slurm too")
            }),
            _ => Ok(0),
        }
    }
}

impl Command {
    /// Where the run goes that this command starts.
    pub(super) fn on(&self) -> Option<&OnArgs> {
        match self {
            Self::Augment(a) => Some(&a.start.on),
            Self::Translate(a) => Some(&a.start.on),
            Self::Finetune(a) => Some(&a.start.on),
            Self::Evaluate(a) => Some(&a.start.on),
            Self::Compare(a) => Some(&a.start.on),
            Self::Judge(a) => Some(&a.start.on),
            Self::Sweep(a) => Some(&a.on),
            Self::Runs(RunsCommand::Add { start, .. }) => Some(&start.on),
            _ => None,
        }
    }
}
