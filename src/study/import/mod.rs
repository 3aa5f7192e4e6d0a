//! Ratings made elsewhere, into a study of this workspace: long tables, and what Label Studio,
//! Argilla and Potato write. People's ratings only: what models said there is left out and said.

mod argilla;
mod label_studio;
mod names;
mod potato;
mod read;
mod store;
#[cfg(test)]
mod tests;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::StudyId;
use crate::store::{ImportRecord, Item, Workspace};
use crate::table::TableError;

use super::StudyError;
use super::rating_file::BadLine;
use super::setup::hex;

pub use read::{RatingFormat, ReadOptions, read_ratings_as};

/// How a file is read into a study.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// How the file is read.
    pub read: ReadOptions,
    /// A CSV that gives each name of the other tool its pseudonym here: `name`, `rater`.
    pub raters: Option<PathBuf>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Whose file it was taken for.
    pub format: RatingFormat,
    /// Rows below the header, or annotations.
    pub rows: usize,
    /// Ratings stored now.
    pub stored: usize,
    /// Ratings that stood already with the same score: the file was read before.
    pub known: usize,
    /// Raters who were new to the study.
    pub new_raters: usize,
    /// What a reader must know: what was left out, and why.
    pub notes: Vec<String>,
    /// Lines not taken.
    pub bad: Vec<BadLine>,
}

/// [`import_ratings_as`] of whatever format, without a file of names.
///
/// # Errors
/// As there.
pub fn import_ratings(
    workspace: &mut Workspace,
    study: &StudyId,
    path: &Path,
    strict: bool,
) -> Result<ImportReport, StudyError> {
    let read = ReadOptions { strict, ..ReadOptions::default() };
    import_ratings_as(workspace, study, path, &ImportOptions { read, raters: None })
}

/// Reads a file as [`read_ratings_as`] does and stores its ratings, all in one transaction. Items
/// are found by item id, by sample id where one item alone shows that sample, or by their texts
/// where those fit one item. Raters are taken for people, and never change what a rater of the
/// study is. A rater who has the item by the plan rates there; others take a free place. Events
/// carry where they come from, when they were made and how long that took.
///
/// # Errors
/// As [`read_ratings_as`]; no such study. Items without a free place, ratings that differ from what
/// stands and names of the wrong form are bad lines; with `strict` nothing is stored then.
pub fn import_ratings_as(
    workspace: &mut Workspace,
    study: &StudyId,
    path: &Path,
    options: &ImportOptions,
) -> Result<ImportReport, StudyError> {
    let reader = workspace.read();
    let record = reader.need_study(study)?;
    let items = reader.items(study)?;
    let names = names(&items);
    let (mut file, format) = read::read_for(path, &options.read, &items, &names)?;
    let raters = reader.raters(study)?;
    self::names::rename(&mut file, format, study, &raters, options.raters.as_deref())?;
    let sha256 = checksum(path)?;
    let stem = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let source = format!("{}:{stem}@{}", format.as_str(), sha256.get(..8).unwrap_or_default());
    let strict = options.read.strict;
    workspace.write_as(|tx| {
        let into = store::Into { study, items: &items, names: &names, source: &source };
        let mut report = store::store(tx, &into, &file, format, record.study_type.top())?;
        let mut fresh = std::mem::take(&mut report.bad);
        file.bad.append(&mut fresh);
        file.bad.sort_by_key(|b| b.line);
        report.bad.clone_from(&file.bad);
        if strict {
            file.check(path, true)?;
        }
        tx.log_import(&ImportRecord {
            kind: "ratings".into(),
            file: path.to_string_lossy().into_owned(),
            sha256: sha256.clone(),
            report: serde_json::to_value(&report).unwrap_or_default(),
        })?;
        Ok(report)
    })
}

/// Items by their own name, and by their sample where that is unambiguous (a repeat shows a
/// sample a second time and is only reached by its own name).
fn names(items: &[Item]) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    // a sample can be an item of several cultures
    let mut several = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        if let (Some(sample), None) = (&item.sample, &item.repeat_of)
            && out.insert(sample.as_str().to_owned(), i).is_some()
        {
            several.insert(sample.as_str().to_owned());
        }
    }
    out.retain(|name, _| !several.contains(name));
    for (i, item) in items.iter().enumerate() {
        out.insert(item.id.as_str().to_owned(), i);
    }
    out
}

fn checksum(path: &Path) -> Result<String, StudyError> {
    use std::io::Read as _;
    let io = || TableError::io(path);
    let mut file = std::fs::File::open(path).map_err(io())?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0u8; 1 << 16]);
    loop {
        let n = file.read(&mut buffer).map_err(io())?;
        if n == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..n]);
    }
}
