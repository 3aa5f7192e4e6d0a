//! SLURM's answers as values. Pure: text in, values or a complaint out. Only the separated forms
//! are read; `--json` differs from version to version.

use super::SlurmError;

/// What a state means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// In SLURM's queue.
    Waiting,
    /// On its node, or being put there or cleared away.
    OnNode,
    /// Over.
    Ended(EndWord),
    /// A word that we do not know: shown, and never an end.
    Unknown,
}

/// How SLURM says that a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndWord {
    Completed,
    Failed,
    Cancelled,
    Timeout,
    OutOfMemory,
    NodeFail,
    Preempted,
    BootFail,
    Deadline,
    LaunchFailed,
    Revoked,
}

/// A state word of squeue, sacct or scontrol.
pub(super) fn phase(word: &str) -> Phase {
    // sacct says `CANCELLED by 1000`, and newer ones join flags with `+`.
    let word = word.split([' ', '+', ',']).next().unwrap_or(word);
    match word {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD"
        | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => Phase::Waiting,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT"
        | "RESIZING" | "UPDATE_DB" | "POWER_UP_NODE" => Phase::OnNode,
        "COMPLETED" => Phase::Ended(EndWord::Completed),
        "FAILED" => Phase::Ended(EndWord::Failed),
        "CANCELLED" => Phase::Ended(EndWord::Cancelled),
        "TIMEOUT" => Phase::Ended(EndWord::Timeout),
        "OUT_OF_MEMORY" => Phase::Ended(EndWord::OutOfMemory),
        "NODE_FAIL" => Phase::Ended(EndWord::NodeFail),
        "PREEMPTED" => Phase::Ended(EndWord::Preempted),
        "BOOT_FAIL" => Phase::Ended(EndWord::BootFail),
        "DEADLINE" => Phase::Ended(EndWord::Deadline),
        "LAUNCH_FAILED" | "RECONFIG_FAIL" => Phase::Ended(EndWord::LaunchFailed),
        "REVOKED" => Phase::Ended(EndWord::Revoked),
        _ => Phase::Unknown,
    }
}

/// One job as a program of SLURM tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobLine {
    /// `12`, or `12_3` for a task of an array.
    pub(super) id: String,
    /// Its state, as said.
    pub(super) state: String,
    /// When it was submitted, in SLURM's local time; part of the identity, never computed with.
    pub(super) submitted: String,
    /// Its first node or nodes.
    pub(super) nodes: String,
    /// Its name: ours is unique.
    pub(super) name: String,
    /// Why it waits or ended.
    pub(super) reason: String,
}

/// What squeue is asked for. The reason comes last: it may hold anything.
pub(super) const SQUEUE_FORMAT: &str = "%i|%T|%V|%N|%j|%r";

/// squeue's lines.
pub(super) fn squeue(text: &str) -> Result<Vec<JobLine>, SlurmError> {
    let upper = |state: &str| state.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    rows("squeue", 6, text, |fields| match fields {
        [id, state, submitted, nodes, name, reason] if upper(state) => {
            Some([id, state, submitted, nodes, name, reason])
        }
        _ => None,
    })
}

/// What sacct is asked for.
pub(super) const SACCT_FIELDS: &str = "JobID,State,Submit,NodeList,JobName";

/// sacct's lines (`-P -n -X`), later ones last. An array that still waits has one row `12_[0-3]`:
/// nothing about one task.
pub(super) fn sacct(text: &str) -> Result<Vec<JobLine>, SlurmError> {
    rows("sacct", 5, text, |fields| match fields {
        [id, state, submitted, nodes, name] => Some([id, state, submitted, nodes, name, ""]),
        _ => None,
    })
}

/// Lines of `n` fields between bars. `order`: id, state, submission, nodes, name and reason of a line's
/// fields; none where it is no such line. What stands behind the last bar may hold bars.
fn rows(
    program: &str,
    n: usize,
    text: &str,
    order: impl for<'a> Fn(&[&'a str]) -> Option<[&'a str; 6]>,
) -> Result<Vec<JobLine>, SlurmError> {
    text.lines()
        .filter(|l| !l.trim().is_empty())
        .map(|line| {
            let fields: Vec<&str> = line.splitn(n, '|').collect();
            let known = order(&fields).filter(|f| is_id(f[0]) && !f[1].is_empty());
            let [id, state, submitted, nodes, name, reason] = known
                .ok_or_else(|| SlurmError::Garbled { program: program.into(), line: line.into() })?
                .map(str::to_owned);
            Ok(JobLine { id, state, submitted, nodes, name, reason })
        })
        .collect()
}

/// The one line of `scontrol show job -o`. Values may hold spaces: a field begins at a known name.
pub(super) fn scontrol(text: &str) -> Result<JobLine, SlurmError> {
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let field = |name: &str| -> Option<&str> {
        let key = format!("{name}=");
        let at = if line.starts_with(&key) { 0 } else { line.find(&format!(" {key}"))? + 1 };
        let rest = line.get(at + key.len()..)?;
        Some(rest.split(' ').next().unwrap_or(rest))
    };
    let id = match (field("ArrayJobId"), field("ArrayTaskId"), field("JobId")) {
        (Some(array), Some(task), _) => Some(format!("{array}_{task}")),
        (_, _, Some(id)) => Some(id.to_owned()),
        _ => None,
    };
    match (id, field("JobState")) {
        (Some(id), Some(state)) => Ok(JobLine {
            id,
            state: state.into(),
            submitted: field("SubmitTime").unwrap_or_default().into(),
            nodes: field("NodeList").filter(|n| *n != "(null)").unwrap_or_default().into(),
            name: field("JobName").unwrap_or_default().into(),
            reason: field("Reason").unwrap_or_default().into(),
        }),
        _ => Err(SlurmError::Garbled {
            program: "scontrol".into(),
            line: line.chars().take(200).collect(),
        }),
    }
}

/// `sbatch --parsable`: the id, and after a `;` the cluster. Warnings may stand before it.
pub(super) fn sbatch(text: &str) -> Result<(String, Option<String>), SlurmError> {
    let line = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default().trim();
    let (id, cluster) = match line.split_once(';') {
        Some((id, cluster)) => (id, Some(cluster.to_owned())),
        None => (line, None),
    };
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_digit()) {
        return Err(SlurmError::Garbled { program: "sbatch".into(), line: text.trim().into() });
    }
    Ok((id.to_owned(), cluster.filter(|c| !c.is_empty())))
}

/// `12`, `12_3`, `12_[0-3%2]`, `12+0`.
fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "_[]-,%+:.".contains(c))
}

/// True when a complaint says that a job is not known, which is an answer.
pub(super) fn says_unknown_job(complaint: &str) -> bool {
    complaint.contains("Invalid job id specified")
}

/// True when a complaint is about the way to SLURM, or about a state that passes: the same request
/// may do later.
pub(super) fn is_passing(complaint: &str) -> bool {
    const PASSING: [&str; 15] = [
        "Unable to contact slurm controller",
        "Socket timed out",
        "temporarily unable",
        "temporarily unavailable",
        "Zero Bytes were transmitted",
        "Transport endpoint",
        "Connection refused",
        "Connection reset",
        "Connection timed out",
        "Communication connection failure",
        "Slurm backup controller in standby",
        "Slurmctld communications",
        "Protocol authentication error",
        "Munge",
        "Resource temporarily",
    ];
    PASSING.iter().any(|p| complaint.contains(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_none_is_an_error_and_never_an_end() {
        for bad in [
            "slurm_load_jobs error: Unable to contact slurm controller",
            "12|COMPLETED",
            "|COMPLETED|t|n|x|r",
            "12||t|n|x|r",
            "abc|COMPLETED|t|n|x|r",
            "12|completed?|t|n|x|r",
            "<html>|RUNNING|a|b|c|d",
        ] {
            assert!(matches!(squeue(bad), Err(SlurmError::Garbled { .. })), "{bad}");
        }
        assert!(scontrol("").is_err());
        assert!(scontrol("No jobs in the system").is_err());
        for bad in ["", "Submitted batch job 12", "x;lab", "12x"] {
            assert!(sbatch(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_slurm_22_05_prints_is_read() {
        let text = "2_3|PENDING|2026-11-21T20:59:23||arr|JobArrayTaskLimit\n\
                    1|FAILED|2026-11-21T20:59:15|vm|pc-abc|NonZeroExitCode\n";
        let rows = squeue(text).unwrap();
        assert_eq!((rows[0].id.as_str(), phase(&rows[0].state)), ("2_3", Phase::Waiting));
        assert_eq!(phase(&rows[1].state), Phase::Ended(EndWord::Failed));
        assert_eq!(rows[1].name, "pc-abc");
        let with_bar = squeue("1|RUNNING|t|n|x|a|b").unwrap();
        assert_eq!(with_bar[0].reason, "a|b");
        let one = "JobId=4 ArrayJobId=2 ArrayTaskId=1 JobName=arr UserId=root(0) JobState=RUNNING \
                   Reason=None SubmitTime=2026-11-21T20:59:23 NodeList=(null) Comment=JobState=X\n";
        let job = scontrol(one).unwrap();
        assert_eq!(
            (job.id.as_str(), job.state.as_str(), job.nodes.as_str()),
            ("2_1", "RUNNING", "")
        );
        assert_eq!(sbatch("12\n").unwrap(), ("12".into(), None));
        let warned = sbatch("sbatch: lua: be nice\n12;lab\n").unwrap();
        assert_eq!(warned, ("12".into(), Some("lab".into())));
        let row = &sacct("2_1|CANCELLED by 0|t|n|arr\n").unwrap()[0];
        assert_eq!(phase(&row.state), Phase::Ended(EndWord::Cancelled));
    }

    #[test]
    fn unknown_words_are_no_end() {
        for word in ["", "PONDERING", "None", "COMPLETED?"] {
            assert_eq!(phase(word), Phase::Unknown, "{word}");
        }
    }
}
