//! How a run gets its job: the one it has, its task of an array, or one of its own.

use std::path::PathBuf;

use super::super::launch;
use super::super::shim::mark_of;
use super::SlurmError;
use super::array::{self, Noted};
use super::carry::Carrier;
use super::identity::{JobFile, NodeFile, SubmitFile, name_of};
use super::poll::Board;
use super::script::{Task, script};
use super::submit::{Submission, Trouble};
use crate::job::{JobError, SlurmAsk};

impl Carrier {
    /// Asks about a job from now on.
    pub(super) fn follow(&mut self, file: JobFile) {
        let poll = self.ask.poll_s;
        let key = Board::follow(&self.sup.core, &self.access, &file.job, &file.name, poll);
        self.job = Some((file, key));
    }

    /// Makes sure that there is a job.
    pub(super) fn submit(&mut self) -> Result<(), Trouble> {
        if let Some(known) = JobFile::read(self.attempt().dir())? {
            self.follow(known);
            return Ok(());
        }
        if let Some(node) = NodeFile::read(self.attempt().dir())? {
            let name = if node.name.is_empty() { name_of(self.attempt()) } else { node.name };
            let file = JobFile { cluster: node.cluster, job: node.job, submitted: None, name };
            file.write(self.attempt().dir())?;
            self.follow(file);
            return Ok(());
        }
        if let Some(why) = self.sup.core.slurm.resting(&self.access) {
            return Err(SlurmError::Waits(why).into());
        }
        let file = match self.array_job()? {
            Some(file) => file,
            None => self.own_job()?,
        };
        file.write(self.attempt().dir())?;
        self.follow(file);
        Ok(())
    }

    /// The job of this attempt alone.
    fn own_job(&mut self) -> Result<JobFile, Trouble> {
        let dir = self.attempt().dir().to_owned();
        let ask = SlurmAsk { array: None, ..self.ask.clone() };
        let tasks =
            [Task { index: 0, attempt: &dir, mark: mark_of(self.attempt()).unwrap_or_default() }];
        let text = script(&ask, &self.program()?, &tasks);
        let submission = Submission {
            dir: &dir,
            ask: &ask,
            access: &self.access,
            env: self.environment(),
            name: name_of(self.attempt()),
            comment: format!("polyculture {}", self.sup.spec.id),
            output: "slurm.out",
            array: None,
            script: text,
        };
        submission.ensure(&mut self.doubtful)
    }

    /// The task of an array that is this attempt's; `None` when it goes alone.
    fn array_job(&mut self) -> Result<Option<JobFile>, Trouble> {
        let place = match &self.ask.array {
            Some(place) if self.attempt().number() == 1 && self.resubmits == 0 => place.clone(),
            _ => return Ok(None),
        };
        if SubmitFile::read(self.attempt().dir())?.is_some() {
            return Ok(None);
        }
        let dir = array::folder(self.attempt(), &place);
        let mark = mark_of(self.attempt()).unwrap_or_default();
        let attempt = self.attempt().dir().to_owned();
        let me = Noted { index: place.index, attempt, mark };
        let Some(all) = array::tasks(&dir, &place, &me, self.since)? else { return Ok(None) };
        let tasks: Vec<Task<'_>> = all
            .iter()
            .map(|t| Task { index: t.index, attempt: &t.attempt, mark: t.mark.clone() })
            .collect();
        let text = script(&self.ask, &self.program()?, &tasks);
        let submission = Submission {
            dir: &dir,
            ask: &self.ask,
            access: &self.access,
            env: self.environment(),
            name: format!("pc-{}", place.group),
            comment: format!("polyculture array {}", place.group),
            output: "slurm-%a.out",
            array: Some(array::list(&all, place.at_once)),
            script: text,
        };
        let file = submission.ensure(&mut self.doubtful)?;
        Ok(Some(JobFile { job: format!("{}_{}", file.job, place.index), ..file }))
    }

    fn program(&self) -> Result<PathBuf, Trouble> {
        if let Some(program) = &self.ask.program {
            return Ok(program.clone());
        }
        launch::this_program().map_err(|e| Trouble::Folder(JobError::Work(e.to_string())))
    }

    /// The work's environment. What is of this host only stays here.
    fn environment(&self) -> std::collections::BTreeMap<String, String> {
        let of_this_host = |name: &str| {
            name.starts_with("SLURM_")
                || matches!(
                    name,
                    "CUDA_VISIBLE_DEVICES"
                        | "NVIDIA_VISIBLE_DEVICES"
                        | "TMPDIR"
                        | "XDG_RUNTIME_DIR"
                )
        };
        let mut env = self.sup.spec.env.clone();
        env.retain(|name, _| name == "SLURM_CONF" || !of_this_host(name));
        env.extend(self.sup.secrets.clone());
        env
    }
}
