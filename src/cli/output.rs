//! What goes to stdout: one JSON document, or lines and tables for people. Text that came from
//! data passes the door of `text/` first, so that no escape sequence reaches the terminal.

use std::io::{self, Write};

use serde::Serialize;

use super::Failure;
use crate::text;

/// How a command answers.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// `--json` was given.
    pub json: bool,
}

impl Output {
    /// One document: as JSON with `--json`, else the lines of `human`.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn show<T: Serialize>(
        self,
        value: &T,
        human: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json { document(value) } else { print(&human()) }
    }

    /// A list: `{"items": [..], "next": ..}`.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn list<T: Serialize>(
        self,
        items: &[T],
        next: Option<String>,
        human: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            document(&Items { items, next })
        } else {
            print(&human())?;
            if let Some(next) = next {
                note(&format!("more: --after {next}"));
            }
            Ok(())
        }
    }
}

/// A list as a document.
#[derive(Serialize)]
struct Items<'a, T> {
    items: &'a [T],
    next: Option<String>,
}

/// Written from the values themselves: a tree of 5,000 runs between costs as much again.
fn document<T: Serialize>(value: &T) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value)?)
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let done = out.write_all(text.as_bytes()).and_then(|()| {
        if text.ends_with('\n') || text.is_empty() { Ok(()) } else { out.write_all(b"\n") }
    });
    match done.and_then(|()| out.flush()) {
        // `polyculture .. | head` is no error
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// A remark for people, on stderr.
pub fn note(text: &str) {
    // A closed stderr must not stop the work.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Lines of aligned columns; the first row is the head. Columns whose cells are all numbers are
/// set flush right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let clean: Vec<Vec<String>> =
        rows.iter().map(|r| r.iter().map(|c| text::display(c)).collect()).collect();
    let width = |i: usize| {
        clean
            .iter()
            .filter_map(|r| r.get(i))
            .map(|c| text::width(c))
            .chain([text::width(head[i])])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let right: Vec<bool> = (0..head.len())
        .map(|i| {
            !clean.is_empty()
                && clean
                    .iter()
                    .filter_map(|r| r.get(i))
                    .all(|c| c.is_empty() || c == "-" || c.parse::<f64>().is_ok())
        })
        .collect();
    let line = |cells: &[String]| {
        let mut s = String::new();
        for (i, w) in widths.iter().enumerate() {
            let cell = cells.get(i).map_or("", String::as_str);
            let pad = " ".repeat(w.saturating_sub(text::width(cell)));
            if i > 0 {
                s.push_str("  ");
            }
            if right[i] {
                s.push_str(&pad);
                s.push_str(cell);
            } else {
                s.push_str(cell);
                s.push_str(&pad);
            }
        }
        s.trim_end().to_owned() + "\n"
    };
    let mut out = line(&head.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
    for row in &clean {
        out.push_str(&line(row));
    }
    out
}
