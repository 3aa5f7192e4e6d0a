//! A header: names to column numbers.

use std::collections::HashMap;
use std::path::Path;

use super::{Delimiter, TableError};

/// The columns of a table, looked up without regard to case and outer spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    names: Vec<String>,
    by_name: HashMap<String, usize>,
}

/// The code of a column that carries its label too: `Q1` of `Q1: Important in life: Family`, as
/// some single-country survey files write it.
pub fn column_code(name: &str) -> &str {
    name.split_once(": ").map_or(name, |(code, _)| code).trim()
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

impl Columns {
    /// Makes the look-up from the header's cells.
    ///
    /// # Errors
    /// A name that stands twice; columns without a name are allowed and never found.
    pub fn new(names: Vec<String>, path: &Path, line: u64) -> Result<Self, TableError> {
        let mut by_name = HashMap::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            if name.trim().is_empty() {
                continue;
            }
            if let Some(first) = by_name.insert(key(name), i) {
                return Err(TableError::DuplicateColumn {
                    path: path.to_owned(),
                    line,
                    name: name.clone(),
                    first: first + 1,
                    second: i + 1,
                });
            }
        }
        for (i, name) in names.iter().enumerate() {
            let code = key(column_code(name));
            if !code.is_empty() {
                by_name.entry(code).or_insert(i);
            }
        }
        Ok(Self { names, by_name })
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True for a header without cells.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Names in file order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Column of the first of these names that the header has.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|n| self.by_name.get(&key(n)).copied())
    }

    /// As [`Columns::find`], and an error that lists what is there.
    ///
    /// # Errors
    /// [`TableError::MissingColumn`].
    pub fn require(
        &self,
        names: &[&str],
        path: &Path,
        line: u64,
        delimiter: Delimiter,
    ) -> Result<usize, TableError> {
        self.find(names).ok_or_else(|| TableError::MissingColumn {
            path: path.to_owned(),
            line,
            missing: names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or "),
            found: self.summary(),
            delimiter: delimiter.label(),
        })
    }

    /// The first names, for messages.
    pub fn summary(&self) -> String {
        const SHOWN: usize = 12;
        let mut text = self
            .names
            .iter()
            .take(SHOWN)
            .map(|n| {
                let cut: String = n.chars().take(40).collect();
                format!("`{cut}`")
            })
            .collect::<Vec<_>>()
            .join(", ");
        if self.names.len() > SHOWN {
            text = format!("{text} and {} more", self.names.len() - SHOWN);
        }
        if text.is_empty() { "no columns".into() } else { text }
    }
}
