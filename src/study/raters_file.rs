//! Raters from a file, and pseudonyms for people whose names are kept apart.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::{CultureId, RaterId};
use crate::table::{CsvReader, CsvRow};

use super::StudyError;
use super::spec_parts::RaterSpec;

/// A person with the pseudonym they rate under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The pseudonym.
    pub rater: RaterId,
    /// The name, as it stood in the file.
    pub name: String,
}

/// Reads `id, languages, cultures` (CSV; several languages or cultures in a cell stand apart by
/// blanks, `;` or `|`). Every bad line is told; one refuses the file.
///
/// # Errors
/// The file cannot be read; a bad line; no rater in it.
pub fn read_raters(path: &Path) -> Result<Vec<RaterSpec>, StudyError> {
    let rows = rows(path, &["id", "rater", "rater_id", "pseudonym"])?;
    let parsed = rows.into_iter().map(|r| {
        let parse = || {
            if r.first.is_empty() {
                return Err("no id".to_owned());
            }
            let id = RaterId::new(r.first.clone()).map_err(|e| e.to_string())?;
            person(id, &r)
        };
        (r.line, parse())
    });
    finish(path, parsed.collect())
}

/// Reads `name, languages, cultures` and gives out pseudonyms `r001`, `r002`, .. by the order of
/// the file.
///
/// # Errors
/// As [`read_raters`]; a name stands twice.
pub fn read_names(path: &Path) -> Result<(Vec<RaterSpec>, Vec<Named>), StudyError> {
    let rows = rows(path, &["name", "person", "full_name", "email"])?;
    let width = rows.len().to_string().len().max(3);
    let mut names = Vec::new();
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    let mut parsed = Vec::new();
    for (n, r) in rows.into_iter().enumerate() {
        let line = r.line;
        let mut parse = || {
            if r.first.is_empty() {
                return Err("no name".to_owned());
            }
            if let Some(before) = lines.insert(r.first.clone(), line) {
                return Err(format!("the name stands in line {before} too"));
            }
            let id = RaterId::new(format!("r{:0width$}", n + 1)).map_err(|e| e.to_string())?;
            let person = person(id, &r)?;
            names.push(Named { rater: person.id.clone(), name: r.first.clone() });
            Ok(person)
        };
        parsed.push((line, parse()));
    }
    Ok((finish(path, parsed)?, names))
}

/// Writes the map of pseudonyms to names, readable by its owner only. It never lies in the
/// workspace: who reads the ratings must not read the names.
///
/// # Errors
/// [`StudyError::NamesInside`]; the file exists or cannot be written.
pub fn write_names(path: &Path, workspace: &Path, names: &[Named]) -> Result<(), StudyError> {
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_owned(),
        _ => PathBuf::from("."),
    };
    // links are followed: a link out of the workspace is outside, one into it is inside
    let (folder, root) = (folder.canonicalize()?, workspace.canonicalize()?);
    if folder.starts_with(&root) {
        return Err(StudyError::NamesInside { path: path.to_owned(), workspace: root });
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    let to_io = |e: csv::Error| std::io::Error::other(e.to_string());
    out.write_record(["rater", "name"]).map_err(to_io)?;
    for n in names {
        out.write_record([n.rater.as_str(), &n.name]).map_err(to_io)?;
    }
    let bytes = out.into_inner().map_err(|e| std::io::Error::other(e.to_string()))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(())
}

struct Line {
    line: u64,
    first: String,
    languages: Vec<String>,
    cultures: Vec<String>,
    ragged: Option<String>,
}

fn rows(path: &Path, first: &[&str]) -> Result<Vec<Line>, StudyError> {
    let mut reader = CsvReader::open(path)?;
    let id = reader.require(first)?;
    let languages = reader.require(&["languages", "language"])?;
    let cultures = reader.columns().find(&["cultures", "culture"]);
    let mut out = Vec::new();
    while let Some(row) = reader.next_row()? {
        let (line, fields, ragged) = match row {
            CsvRow::Record { line, fields } => (line, fields, None),
            CsvRow::Ragged { line, found, expected } => {
                let said = format!("{found} fields, expected {expected} as in the header");
                (line, Vec::new(), Some(said))
            }
        };
        let cell = |i: usize| fields.get(i).map_or("", |f| f.trim());
        let list = |text: &str| -> Vec<String> {
            text.split([' ', ';', '|', ',']).filter(|t| !t.is_empty()).map(str::to_owned).collect()
        };
        out.push(Line {
            line,
            first: cell(id).to_owned(),
            languages: list(cell(languages)),
            cultures: cultures.map(|c| list(cell(c))).unwrap_or_default(),
            ragged,
        });
    }
    Ok(out)
}

fn person(id: RaterId, r: &Line) -> Result<RaterSpec, String> {
    if let Some(said) = &r.ragged {
        return Err(said.clone());
    }
    if r.languages.is_empty() {
        return Err(format!("{id} declares no language"));
    }
    for l in &r.languages {
        let plain = l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !plain || !(2..=3).contains(&crate::domain::primary_language(l).len()) {
            return Err(format!("`{l}` is no language tag: expected one such as ar or pt-BR"));
        }
    }
    let cultures = r
        .cultures
        .iter()
        .map(|c| CultureId::new(c.as_str()).map_err(|e| e.to_string()))
        .collect::<Result<_, _>>()?;
    Ok(RaterSpec { id, languages: r.languages.clone(), cultures })
}

fn finish(
    path: &Path,
    parsed: Vec<(u64, Result<RaterSpec, String>)>,
) -> Result<Vec<RaterSpec>, StudyError> {
    let mut bad: Vec<String> = Vec::new();
    let mut good: Vec<RaterSpec> = Vec::new();
    for (line, p) in parsed {
        match p {
            Ok(p) if good.iter().any(|g| g.id == p.id) => {
                bad.push(format!("line {line}: {} stands twice", p.id));
            }
            Ok(p) => good.push(p),
            Err(e) => bad.push(format!("line {line}: {e}")),
        }
    }
    if good.is_empty() && bad.is_empty() {
        bad.push("the file has no rows below its header".to_owned());
    }
    if bad.is_empty() {
        return Ok(good);
    }
    bad.truncate(5);
    Err(StudyError::BadRaters { path: path.to_owned(), first: bad.join("; ") })
}
