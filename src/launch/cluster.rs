//! Runs that go to a cluster: what the command line, the user's configuration and the recipe ask of
//! SLURM, put together.

use super::{LaunchError, Prepared};
use crate::config::UserConfig;
use crate::job::{ArrayPlace, NewRun, RunKind, SlurmAsk};

/// Sends a run to SLURM. What `asked` does not say comes from `[slurm]` of the user's configuration,
/// then from the run's own resources (a recipe's `[resources]`).
///
/// # Errors
/// A configuration that does not parse, or an option that sbatch would misread.
pub fn on_slurm(run: &mut NewRun, asked: &SlurmAsk) -> Result<(), LaunchError> {
    let config = UserConfig::load()?.slurm.unwrap_or_default();
    // Threads of other kinds are those of this host, which says nothing about the nodes.
    let tuned = run.kind == RunKind::Finetune;
    let from_run = SlurmAsk {
        cpus: tuned.then_some(run.resources.threads),
        gpus: (run.resources.gpus > 0).then(|| run.resources.gpus.to_string()),
        // Later than the shim's own, which knows pauses and leaves a checkpoint.
        time: run.terms.time_limit_s.map(|s| (s.div_ceil(60) + 5).to_string()),
        mem: run.resources.memory_mib.map(|m| format!("{m}M")),
        ..SlurmAsk::default()
    };
    let ask = asked.clone().over(config).over(from_run);
    ask.check().map_err(LaunchError::Unusable)?;
    run.resources.threads = ask.cpus.unwrap_or(1);
    run.slurm = Some(ask);
    Ok(())
}

/// A name that no other array has.
pub fn array_name(word: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{word}-{}", &random[..12])
}

/// Runs as tasks of one array, `at_once` of them at a time.
pub fn as_array(runs: &mut [Prepared], group: &str, at_once: Option<u32>) {
    let of = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    for (index, prepared) in (0..of).zip(runs.iter_mut()) {
        let place = ArrayPlace { group: group.to_owned(), index, of, at_once };
        if let Some(slurm) = &mut prepared.run.slurm {
            slurm.array = Some(place);
        }
        prepared.run.env.insert("POLYCULTURE_ARRAY_INDEX".into(), index.to_string());
    }
}
