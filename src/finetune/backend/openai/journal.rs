//! `service.json` of an attempt: what was asked of the service, written durably before the next call.

use serde::{Deserialize, Serialize};

use crate::job::{Attempt, JobError};

/// The file's name.
pub(super) const FILE: &str = "service.json";

/// How far an attempt came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Stands in the job's metadata, so that it is found again.
    pub(super) key: String,
    /// Uploaded files.
    #[serde(default)]
    pub(super) training_file: Option<String>,
    #[serde(default)]
    pub(super) validation_file: Option<String>,
    /// The request for the job may be on its way.
    #[serde(default)]
    pub(super) creating: bool,
    /// The job.
    #[serde(default)]
    pub(super) job: Option<String>,
    /// Its end at the service, once it was seen.
    #[serde(default)]
    pub(super) ended: Option<String>,
}

impl Journal {
    /// Of one attempt; none where it wrote none.
    pub(super) fn of(attempt: &Attempt) -> Result<Option<Self>, JobError> {
        let path = attempt.file(FILE);
        match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(JobError::io(path)(e)),
            // A journal that cannot be read must not look like a job that was never asked for.
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| JobError::Malformed {
                path,
                line: Some(e.line() as u64),
                reason: e.to_string(),
            }),
        }
    }

    /// The newest of this attempt and the earlier ones.
    pub(super) fn newest(attempt: &Attempt) -> Result<Option<Self>, JobError> {
        for a in std::iter::once(attempt.clone()).chain(attempt.earlier()) {
            if let Some(j) = Self::of(&a)? {
                return Ok(Some(j));
            }
        }
        Ok(None)
    }

    /// Writes it durably.
    pub(super) fn write(&self, attempt: &Attempt) -> Result<(), JobError> {
        attempt.write_json(FILE, self)
    }
}
