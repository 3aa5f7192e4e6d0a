//! GPUs out of a file, read again at each question: for tests, which make one disappear or load it.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Device, Gpus};

/// Names the file.
pub const PRETEND_VARIABLE: &str = "POLYCULTURE_PRETEND_GPUS";

/// The file's form: `{"devices": [..]}`, or `{"error": ".."}` for a driver that does not answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    devices: Vec<Device>,
    #[serde(default)]
    error: Option<String>,
}

/// The file.
#[derive(Debug)]
pub(super) struct Pretend(pub(super) PathBuf);

impl Gpus for Pretend {
    fn devices(&self) -> Result<Vec<Device>, String> {
        let text = match std::fs::read(&self.0) {
            Ok(t) => t,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(format!("{}: {e}", self.0.display())),
        };
        let file: File =
            serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", self.0.display()))?;
        match file.error {
            Some(e) => Err(e),
            None => Ok(file.devices),
        }
    }

    fn about(&self) -> String {
        format!("pretended by {}", self.0.display())
    }
}
