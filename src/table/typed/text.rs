//! The two text forms.

use std::io::{Error, Write};

use serde_json::{Map, Value};

use super::{Cell, TypedTable};

/// A text that no spreadsheet takes for a formula: one that begins with `=`, `+`, `-`, `@`, a tab
/// or a line break gets an apostrophe before it. Spreadsheets run such cells of a CSV file, quoted
/// or not, and what raters write ends there. Everything else stays as it is.
pub fn spreadsheet_safe(text: &str) -> std::borrow::Cow<'_, str> {
    // Spaces before the sign do not help: spreadsheets drop them. Full-width signs count too.
    match text.trim_start_matches(' ').chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            format!("'{text}").into()
        }
        _ => text.into(),
    }
}

pub(super) fn csv(table: &TypedTable, out: &mut dyn Write) -> Result<(), Error> {
    let mut csv = csv::Writer::from_writer(out);
    let failed = |e: csv::Error| Error::other(e);
    csv.write_record(table.columns.iter().map(|c| c.name.as_str())).map_err(failed)?;
    for row in &table.rows {
        let cells = row.iter().map(|cell| match cell {
            Cell::Null => String::new(),
            Cell::Text(t) => spreadsheet_safe(t).into_owned(),
            Cell::Int(n) => n.to_string(),
            Cell::Double(x) => x.to_string(),
            Cell::Bool(b) => b.to_string(),
            Cell::Time(_, t) => t.clone(),
        });
        csv.write_record(cells).map_err(failed)?;
    }
    csv.flush()
}

pub(super) fn jsonl(table: &TypedTable, out: &mut dyn Write) -> Result<(), Error> {
    for row in &table.rows {
        let object: Map<String, Value> = table
            .columns
            .iter()
            .zip(row)
            .map(|(column, cell)| {
                let value = match cell {
                    Cell::Null => Value::Null,
                    Cell::Text(t) | Cell::Time(_, t) => Value::from(t.as_str()),
                    Cell::Int(n) => Value::from(*n),
                    Cell::Double(x) => Value::from(*x),
                    Cell::Bool(b) => Value::from(*b),
                };
                (column.name.clone(), value)
            })
            .collect();
        writeln!(out, "{}", Value::Object(object))?;
    }
    Ok(())
}
