//! The questions themselves: squeue about all jobs at once, then whoever may know the rest.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::SlurmError;
use super::command::{Access, ask};
use super::parse::{self, JobLine, Phase, phase};
use super::poll::Key;

/// Jobs of one round that scontrol, which tells one at a time, is asked about.
const ONE_BY_ONE: usize = 20;

/// Answers to one question.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// By id and name.
    pub(super) found: HashMap<(String, String), JobLine>,
    /// Why nothing can be said of those that are not found.
    pub(super) doubt: Option<SlurmError>,
}

impl Answers {
    /// What was told of a job.
    pub(super) fn of(&self, key: &Key) -> Option<&JobLine> {
        self.found.get(&(key.job.clone(), key.name.clone()))
    }

    /// Takes lines in. One of another name is not ours, whatever its id.
    fn take(&mut self, asked: &[Key], lines: impl IntoIterator<Item = JobLine>) {
        let ours: HashSet<(&str, &str)> =
            asked.iter().map(|k| (k.job.as_str(), k.name.as_str())).collect();
        for line in lines {
            if ours.contains(&(line.id.as_str(), line.name.as_str())) {
                self.found.insert((line.id.clone(), line.name.clone()), line);
            }
        }
    }

    fn missing<'a>(&self, asked: &'a [Key]) -> Vec<&'a str> {
        asked.iter().filter(|k| self.of(k).is_none()).map(|k| k.job.as_str()).collect()
    }
}

/// One round of questions over one way.
pub(super) struct Round<'a> {
    pub(super) access: &'a Access,
    /// There is none; known before, or found out.
    pub(super) no_accounting: bool,
}

impl Round<'_> {
    /// What is known of jobs.
    pub(super) fn ask(&mut self, jobs: &[Key]) -> Result<Answers, SlurmError> {
        let mut answers = Answers::default();
        let ids: Vec<&str> = jobs.iter().map(|k| k.job.as_str()).collect();
        answers.take(jobs, self.squeue(&ids)?);
        // What cannot be told of the others is no news about those that were told.
        answers.doubt = self.ask_further(jobs, &mut answers).err();
        Ok(answers)
    }

    /// Jobs that squeue does not know.
    fn ask_further(&mut self, jobs: &[Key], answers: &mut Answers) -> Result<(), SlurmError> {
        let missing = answers.missing(jobs);
        if missing.is_empty() {
            return Ok(());
        }
        // Accounting may lag: only ends are taken from it.
        let lines = self.sacct(&missing)?;
        let ends = lines.into_iter().filter(|l| matches!(phase(&l.state), Phase::Ended(_)));
        answers.take(jobs, ends);
        // It asks whom squeue has asked: a second opinion, not worth a thousand processes.
        for id in answers.missing(jobs).into_iter().take(ONE_BY_ONE) {
            let line = self.scontrol(id)?;
            answers.take(jobs, line);
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
