//! What SLURM there is, for `polyculture doctor`.

use std::collections::BTreeMap;

use super::command::{Access, ask};

/// Version, accounting and partitions of the SLURM that this environment reaches. `Ok(None)`: there
/// is none here, which is no fault.
///
/// # Errors
/// A sentence: SLURM's programs are here, and the controller does not answer.
pub fn doctor() -> Result<Option<String>, String> {
    let access = Access::of(&BTreeMap::new());
    let run = |program: &str, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        ask(&access, &BTreeMap::new(), program, &words)
    };
    let Ok(version) = run("sinfo", &["--version"]) else { return Ok(None) };
    let version = version.out.trim().to_owned();
    let partitions =
        run("sinfo", &["-h", "-o", "%P %a, %D nodes, limit %l"]).map_err(|e| e.to_string())?;
    if partitions.code != Some(0) {
        return Err(format!(
            "{version} is here, and its controller does not answer: {}. Is SLURM_CONF right, and \
             are slurmctld and munge up?",
            partitions.complaint()
        ));
    }
    let config = run("scontrol", &["show", "config"]).map(|s| s.out).unwrap_or_default();
    let setting = |name: &str| {
        config.lines().find_map(|l| {
            let (key, value) = l.split_once('=')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    let accounting = match setting("AccountingStorageType").as_deref() {
        None => "accounting unknown",
        Some(t) if t.ends_with("/none") => "no accounting (ends are asked of the controller)",
        Some(_) => "accounting on",
    };
    let kept = setting("MinJobAge").unwrap_or_else(|| "?".into());
    let lines: Vec<&str> = partitions.out.lines().map(str::trim).collect();
    Ok(Some(format!(
        "{version}, cluster {}, {accounting}, ended jobs are kept {kept}; partitions: {}",
        setting("ClusterName").unwrap_or_else(|| "?".into()),
        lines.join("; ")
    )))
}
