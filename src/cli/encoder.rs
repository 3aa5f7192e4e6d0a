//! `--encoder`: from a reference to a folder with a sentence encoder.

use std::io::{self, IsTerminal};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::embedded::encoder::Encoder;
use crate::embedded::hub;

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
    let Some(repo) = reference.strip_prefix("hub:") else {
        return Err(Failure::usage(format!("`{reference}`: expected path:DIR or hub:ORG/NAME")));
    };
    let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    let folder = hub::fetch(repo, "main", &Encoder::FILES, &mut |p| {
        bar.set_message(p.file.to_owned());
        bar.set_length(p.total.unwrap_or(p.done));
        bar.set_position(p.done);
    })
    .map_err(Failure::failed)?;
    bar.finish_and_clear();
    Ok(folder.display().to_string())
}
