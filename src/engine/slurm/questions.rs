//! The questions themselves: squeue about all jobs at once, then whoever may know the rest.

use std::collections::{BTreeMap, HashMap};

use super::SlurmError;
use super::command::{Access, ask};
use super::parse::{self, JobLine, Phase, phase};
use super::poll::Key;

/// Jobs of one round that scontrol, which tells one at a time, is asked about.
const ONE_BY_ONE: usize = 20;

/// Answers to one question.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The jobs that are known, by id.
    pub(super) found: HashMap<String, JobLine>,
    /// Why nothing can be said of the others.
    pub(super) doubt: Option<SlurmError>,
}

/// One round of questions over one way.
pub(super) struct Round<'a> {
    pub(super) access: &'a Access,
    /// There is none; known before, or found out.
    pub(super) no_accounting: bool,
}

impl Round<'_> {
    /// What is known of jobs. A job of another name is not ours, whatever its id.
    pub(super) fn ask(&mut self, jobs: &[(Key, String)]) -> Result<Answers, SlurmError> {
        let names: HashMap<&str, &str> =
            jobs.iter().map(|(k, name)| (k.job.as_str(), name.as_str())).collect();
        let ours = |line: &JobLine| names.get(line.id.as_str()) == Some(&line.name.as_str());
        let mut found: HashMap<String, JobLine> = HashMap::new();
        let ids: Vec<&str> = jobs.iter().map(|(k, _)| k.job.as_str()).collect();
        for line in self.squeue(&ids)?.into_iter().filter(ours) {
            found.insert(line.id.clone(), line);
        }
        let missing: Vec<&str> = ids.into_iter().filter(|id| !found.contains_key(*id)).collect();
        // What the others cannot be asked about is no news about those that were told.
        let doubt = self.ask_further(&missing, ours, &mut found).err();
        Ok(Answers { found, doubt })
    }

    /// Jobs that squeue does not know.
    fn ask_further(
        &mut self,
        missing: &[&str],
        ours: impl Fn(&JobLine) -> bool,
        found: &mut HashMap<String, JobLine>,
    ) -> Result<(), SlurmError> {
        if missing.is_empty() {
            return Ok(());
        }
        for line in self.sacct(missing)?.into_iter().filter(&ours) {
            // Accounting may lag: only ends are taken from it.
            if matches!(phase(&line.state), Phase::Ended(_)) {
                found.insert(line.id.clone(), line);
            }
        }
        let unknown: Vec<&str> =
            missing.iter().copied().filter(|id| !found.contains_key(*id)).collect();
        // It asks whom squeue has asked: a second opinion, not worth a thousand processes.
        for id in unknown.into_iter().take(ONE_BY_ONE) {
            if let Some(line) = self.scontrol(id)?.filter(&ours) {
                found.insert(line.id.clone(), line);
            }
        }
        Ok(())
    }

    fn squeue(&self, ids: &[&str]) -> Result<Vec<JobLine>, SlurmError> {
        let list = format!("--jobs={}", ids.join(","));
        squeue(self.access, &list)
    }

    fn sacct(&mut self, ids: &[&str]) -> Result<Vec<JobLine>, SlurmError> {
        if self.no_accounting {
            return Ok(Vec::new());
        }
        let list = format!("--jobs={}", ids.join(","));
        let lines = sacct(self.access, &list)?;
        self.no_accounting = lines.is_none();
        Ok(lines.unwrap_or_default())
    }

    fn scontrol(&self, id: &str) -> Result<Option<JobLine>, SlurmError> {
        let words = ["show", "job", "-o", id].map(str::to_owned);
        let said = ask(self.access, &BTreeMap::new(), "scontrol", &words)?;
        match said.code {
            Some(0) => parse::scontrol(&said.out).map(Some),
            _ if parse::says_unknown_job(&said.complaint()) => Ok(None),
            _ => Err(SlurmError::Unreachable(said.complaint())),
        }
    }
}

/// squeue about jobs in any state, by ids or by name.
pub(super) fn squeue(access: &Access, which: &str) -> Result<Vec<JobLine>, SlurmError> {
    let words =
        ["--noheader", "--array", "--all", "--states=all", which, "-o", parse::SQUEUE_FORMAT];
    let said = ask(access, &BTreeMap::new(), "squeue", &words.map(str::to_owned))?;
    match said.code {
        Some(0) => parse::squeue(&said.out),
        // What it says when it was asked about one job that it has forgotten.
        _ if parse::says_unknown_job(&said.complaint()) => Ok(Vec::new()),
        _ => Err(SlurmError::Unreachable(said.complaint())),
    }
}

/// sacct about jobs, by ids or by name; `None` where there is no accounting.
pub(super) fn sacct(access: &Access, which: &str) -> Result<Option<Vec<JobLine>>, SlurmError> {
    let format = format!("--format={}", parse::SACCT_FIELDS);
    let words = ["-P", "-n", "-X", "--starttime=now-30days", which, &format].map(str::to_owned);
    let said = ask(access, &BTreeMap::new(), "sacct", &words)?;
    match said.code {
        Some(0) => parse::sacct(&said.out).map(Some),
        _ if said.err.contains("accounting storage is disabled") => Ok(None),
        _ => Err(SlurmError::Unreachable(said.complaint())),
    }
}
