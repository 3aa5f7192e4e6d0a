//! From an attempt to its job: never two. Before sbatch is called, a durable file says so; who
//! finds that file without a job searches SLURM by the unique name before calling sbatch again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::{Access, ask};
use super::identity::{JobFile, SubmitFile};
use super::parse::{self, JobLine};
use super::{SlurmError, questions, script, seconds_of};
use crate::job::{JobError, SlurmAsk, crash_point, now, write_atomically};

/// Seconds after which a submission that nobody saw arrive is taken for one that never will.
const SETTLE_VARIABLE: &str = "POLYCULTURE_SLURM_SETTLE";

/// One submission: a job, or an array.
pub(super) struct Submission<'a> {
    /// The attempt's folder, or the array's.
    pub(super) dir: &'a Path,
    pub(super) ask: &'a SlurmAsk,
    pub(super) access: &'a Access,
    /// The work's environment, secrets included.
    pub(super) env: BTreeMap<String, String>,
    pub(super) name: String,
    pub(super) comment: String,
    /// The file name for SLURM's own messages, in `dir`; a pattern.
    pub(super) output: &'static str,
    /// The tasks of an array.
    pub(super) array: Option<String>,
    /// The text of the job script.
    pub(super) script: String,
}

/// Why there is no job yet, or will be none.
#[derive(Debug)]
pub(super) enum Trouble {
    Slurm(SlurmError),
    Folder(JobError),
}

impl From<SlurmError> for Trouble {
    fn from(e: SlurmError) -> Self {
        Self::Slurm(e)
    }
}

impl From<JobError> for Trouble {
    fn from(e: JobError) -> Self {
        Self::Folder(e)
    }
}

impl Submission<'_> {
    /// The job: the one that is known, the one that is found, or a new one. `doubtful_since`: when
    /// this engine first met a submission of unknown outcome.
    pub(super) fn ensure(&self, doubtful_since: &mut Option<Instant>) -> Result<JobFile, Trouble> {
        if let Some(known) = JobFile::read(self.dir)? {
            return Ok(known);
        }
        let before = SubmitFile::read(self.dir)?;
        if before.is_some() {
            let since = *doubtful_since.get_or_insert_with(Instant::now);
            end_stray_sbatch(&self.name);
            if let Some(line) = find(self.access, &self.name)?.into_iter().next() {
                let job = line.id.split('_').next().unwrap_or(&line.id).to_owned();
                let submitted = Some(line.submitted);
                return self.note(JobFile {
                    cluster: None,
                    job,
                    submitted,
                    name: self.name.clone(),
                });
            }
            let settle: Duration = seconds_of(SETTLE_VARIABLE, 15.0);
            if since.elapsed() < settle {
                let why = "an earlier submission may still arrive; looked for by its name";
                return Err(SlurmError::Waits(why.into()).into());
            }
            *doubtful_since = None;
        }
        self.submit(before.map_or(0, |b| b.tries))
    }

    fn submit(&self, tries: u32) -> Result<JobFile, Trouble> {
        let path = self.dir.join("job.sh");
        write_atomically(&path, self.script.as_bytes())?;
        SubmitFile { name: self.name.clone(), at: now(), tries: tries + 1 }.write(self.dir)?;
        crash_point("engine-before-sbatch");
        let words = script::arguments(
            self.ask,
            &self.name,
            &self.comment,
            &self.dir.join(self.output),
            self.array.as_deref(),
            &path,
        );
        let said = ask(self.access, &self.env, "sbatch", &words)?;
        crash_point("engine-after-sbatch");
        if said.code == Some(0) {
            let (job, cluster) = parse::sbatch(&said.out)?;
            return self.note(JobFile { cluster, job, submitted: None, name: self.name.clone() });
        }
        let complaint = said.complaint();
        if said.code.is_none() || parse::is_passing(&complaint) {
            return Err(SlurmError::Unreachable(complaint).into());
        }
        // It said no: there is no job, and nothing to search for.
        let _ = fs::remove_file(self.dir.join(SubmitFile::NAME));
        Err(SlurmError::Refused(complaint).into())
    }

    fn note(&self, file: JobFile) -> Result<JobFile, Trouble> {
        file.write(self.dir)?;
        Ok(file)
    }
}

/// Jobs of a name, in the queue or in accounting.
fn find(access: &Access, name: &str) -> Result<Vec<JobLine>, SlurmError> {
    let which = format!("--name={name}");
    let mut lines = questions::squeue(access, &which)?;
    if lines.is_empty() {
        lines = questions::sacct(access, &which)?.unwrap_or_default();
    }
    lines.retain(|l| l.name == name);
    Ok(lines)
}

/// Ends an sbatch that an engine which died had started and that still tries: it would submit
/// behind our back.
fn end_stray_sbatch(name: &str) {
    let want = format!("--job-name={name}");
    let Ok(dir) = fs::read_dir("/proc") else { return };
    for entry in dir.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else {
            continue;
        };
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if words.split(|b| *b == 0).any(|w| w == want.as_bytes()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}
