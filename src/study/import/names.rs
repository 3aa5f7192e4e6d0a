//! Who rated: names of another tool become pseudonyms. Names of people do not enter a workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::domain::StudyId;
use crate::store::Rater;
use crate::study::StudyError;
use crate::study::rating_file::{BadLine, RatingFile};
use crate::study::setup::hex;
use crate::table::{CsvReader, CsvRow};

use super::RatingFormat;

/// Replaces the names of raters: by the file given; a rater of the study stays; a number gets the
/// tool's name before it; any other name becomes a part of its checksum. A plain table keeps its
/// names: it is ours, and they are pseudonyms already.
pub(super) fn rename(
    file: &mut RatingFile,
    format: RatingFormat,
    study: &StudyId,
    raters: &[Rater],
    given: Option<&Path>,
) -> Result<(), StudyError> {
    let given = given.map(read).transpose()?;
    if format == RatingFormat::Csv && given.is_none() {
        return Ok(());
    }
    let known: BTreeSet<&str> = raters.iter().map(|r| r.id.as_str()).collect();
    let mut hidden = BTreeSet::new();
    let mut unknown = Vec::new();
    for (n, rating) in file.ratings.iter_mut().enumerate() {
        let name = rating.rater.trim().to_owned();
        rating.rater = match given.as_ref().map(|g| g.get(&name)) {
            Some(Some(rater)) => rater.clone(),
            Some(None) => {
                unknown.push((n, name));
                continue;
            }
            None if known.contains(name.as_str()) => name,
            None if name.bytes().all(|b| b.is_ascii_digit()) => {
                format!("{}-{name}", format.as_str())
            }
            None => {
                let hash = hex(&Sha256::digest(format!("{study}/{name}").as_bytes()));
                let short = hash.get(..8).unwrap_or_default();
                hidden.insert(name);
                format!("{}-{short}", format.as_str())
            }
        };
    }
    if !hidden.is_empty() {
        file.notes.push(format!(
            "{} names of raters became pseudonyms; --raters FILE (name,rater) chooses them",
            hidden.len()
        ));
    }
    // from the end, so that the places before stay
    for (n, name) in unknown.into_iter().rev() {
        file.ratings.remove(n);
        let line = file.lines.remove(n);
        let record = if n < file.beside.len() { file.beside.remove(n).record } else { None };
        let reason = format!("`{name}` is not in the file of raters: expected a line for it");
        file.bad.push(BadLine { line, record, reason });
    }
    Ok(())
}

/// `name,rater`.
fn read(path: &Path) -> Result<BTreeMap<String, String>, StudyError> {
    let mut reader = CsvReader::open(path)?;
    let (name, rater) =
        (reader.require(&["name", "annotator", "user"])?, reader.require(&["rater"])?);
    let mut out = BTreeMap::new();
    while let Some(row) = reader.next_row()? {
        if let CsvRow::Record { fields, .. } = row {
            let cell = |i: usize| fields.get(i).map(|f| f.trim().to_owned()).unwrap_or_default();
            out.insert(cell(name), cell(rater));
        }
    }
    Ok(out)
}
