//! A plan with the text and checksum under which it is stored: locked before anything is asked,
//! and refused when it was changed afterwards. For every task but `survey`, whose plan has a lock
//! of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::EvaluateError;
use crate::job::{Attempt, JobError};

/// SHA-256 in hexadecimal.
pub fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, b| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{b:02x}");
        hex
    })
}

/// Checksums of the input files that a plan is tied to, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inputs(BTreeMap<String, String>);

impl Inputs {
    /// Ties a file to the plan by its bytes.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        self.0.insert(name.to_owned(), checksum(bytes));
        self
    }

    /// Checks every file of an attempt's input that the plan is tied to.
    ///
    /// # Errors
    /// A file is gone, or is not the one that was locked.
    pub fn check(&self, attempt: &Attempt) -> Result<(), JobError> {
        for (name, locked) in &self.0 {
            let path = attempt.input(name);
            let bytes = std::fs::read(&path).map_err(JobError::io(&path))?;
            let found = checksum(&bytes);
            if found != *locked {
                return Err(EvaluateError::PlanChanged {
                    file: name.clone(),
                    found,
                    locked: locked.clone(),
                }
                .into());
            }
        }
        Ok(())
    }
}

/// A plan as it is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked<P> {
    /// The plan.
    pub plan: P,
    /// `plan.json`.
    pub text: String,
    /// Of the text, in hexadecimal.
    pub sha256: String,
}

impl<P: Serialize + DeserializeOwned> Locked<P> {
    /// Locks a plan.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn new(plan: P) -> Result<Self, EvaluateError> {
        let text = serde_json::to_string_pretty(&plan)
            .map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
        let sha256 = checksum(text.as_bytes());
        Ok(Self { plan, text, sha256 })
    }

    /// Reads `plan.json` and `plan.sha256` of an attempt's input.
    ///
    /// # Errors
    /// A file is missing, the text is not the one that was locked, or it is no plan of this kind.
    pub fn read(attempt: &Attempt) -> Result<Self, JobError> {
        let read = |name: &str| {
            let path = attempt.input(name);
            std::fs::read_to_string(&path).map_err(JobError::io(path))
        };
        let (text, locked) = (read("plan.json")?, read("plan.sha256")?);
        let found = checksum(text.as_bytes());
        if found != locked.trim() {
            return Err(EvaluateError::PlanChanged {
                file: "plan.json".into(),
                found,
                locked: locked.trim().to_owned(),
            }
            .into());
        }
        let plan =
            serde_json::from_str(&text).map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
        Ok(Self { plan, text, sha256: found })
    }
}

/// The task that an evaluation's plan names.
///
/// # Errors
/// No `plan.json`, or one that names no task.
pub fn task_of(attempt: &Attempt) -> Result<String, JobError> {
    #[derive(Deserialize)]
    struct Named {
        task: String,
    }
    Ok(attempt.read_input::<Named>("plan.json")?.task)
}
