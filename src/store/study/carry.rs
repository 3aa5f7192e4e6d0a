//! A study as rows of all its tables, and those rows written into another workspace as they were.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value;

use crate::domain::StudyId;
use crate::store::{Reader, StoreError, Tx};

/// Tables with a `study` column, in an order in which nothing is missing: what triggers ask for
/// stands before what asks. `id`: numbers of rows that are given anew.
const OF_STUDY: [(&str, &str, bool); 11] = [
    ("item", "position", false),
    ("rater", "id", false),
    ("study_text", "at, kind, language, version", false),
    ("judge", "rater", false),
    ("judge_verdict", "rater, item, shown", false),
    ("consent_event", "id", true),
    ("qualification_event", "id", true),
    ("study_amendment", "n", false),
    ("adjudication", "item, n", false),
    ("study_key", "rater, fingerprint", false),
    ("withdrawal", "rater", false),
];

/// Rows of one table.
#[derive(Debug, Clone, PartialEq)]
struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    fn at(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == column)
    }

    fn cell(&self, row: &[Value], column: &str) -> Value {
        self.at(column).and_then(|i| row.get(i)).cloned().unwrap_or(Value::Null)
    }

    fn number(&self, row: &[Value], column: &str) -> Option<i64> {
        match self.cell(row, column) {
            Value::Integer(n) => Some(n),
            _ => None,
        }
    }
}

/// A whole study, read at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    study: Table,
    tables: Vec<Table>,
    assignments: Table,
    events: Table,
    views: Table,
}

impl Carried {
    /// Events of the log.
    pub fn events(&self) -> usize {
        self.events.rows.len()
    }

    /// Items.
    pub fn items(&self) -> usize {
        self.tables.iter().find(|t| t.name == "item").map_or(0, |t| t.rows.len())
    }

    /// One line for every row that matters, sorted, without numbers that differ from place to
    /// place: two copies of a study have the same lines.
    pub fn lines(&self) -> Vec<String> {
        let places: BTreeMap<i64, String> = self
            .assignments
            .rows
            .iter()
            .filter_map(|r| {
                let key = ["item", "slot", "rater", "position"]
                    .map(|c| format!("{:?}", self.assignments.cell(r, c)));
                Some((self.assignments.number(r, "id")?, key.join(" ")))
            })
            .collect();
        let uuids: BTreeMap<i64, Value> = self
            .events
            .rows
            .iter()
            .filter_map(|r| Some((self.events.number(r, "id")?, self.events.cell(r, "event_uuid"))))
            .collect();
        let mut out = Vec::new();
        for t in
            self.tables.iter().chain([&self.study, &self.assignments, &self.events, &self.views])
        {
            let numbered = t.columns.iter().any(|c| c == "event_uuid")
                || t.name == "assignment"
                || t.name == "consent_event";
            for row in &t.rows {
                let mut line = t.name.to_owned();
                for (column, value) in t.columns.iter().zip(row) {
                    let said = match (column.as_str(), value) {
                        ("id", _) if numbered => continue,
                        // where it came from is the one thing that differs
                        ("source", _) if t.name == "rating_event" => continue,
                        ("assignment", Value::Integer(n)) => {
                            places.get(n).cloned().unwrap_or_default()
                        }
                        ("previous", Value::Integer(n)) => format!("{:?}", uuids.get(n)),
                        (_, v) => format!("{v:?}"),
                    };
                    line.push('\u{1f}');
                    line += &said;
                }
                out.push(line);
            }
        }
        out.sort_unstable();
        out
    }
}

impl Reader<'_> {
    /// Reads a study with all that belongs to it, at one moment.
    ///
    /// # Errors
    /// No such study; the database cannot be read.
    pub fn carry(&self, study: &StudyId) -> Result<Carried, StoreError> {
        self.snapshot(|r| {
            r.need_study(study)?;
            let tables = OF_STUDY
                .iter()
                .map(|(name, order, _)| {
                    r.table(
                        name,
                        &format!("FROM {name} t WHERE t.study = ?1 ORDER BY {order}"),
                        study,
                    )
                })
                .collect::<Result<Vec<_>, _>>()?;
            let joined = |name: &str| {
                format!(
                    "FROM {name} t JOIN assignment a ON a.id = t.assignment \
                     WHERE a.study = ?1 ORDER BY t.id"
                )
            };
            Ok(Carried {
                study: r.table("study", "FROM study t WHERE t.id = ?1", study)?,
                tables,
                assignments: r.table(
                    "assignment",
                    "FROM assignment t WHERE t.study = ?1 ORDER BY t.id",
                    study,
                )?,
                events: r.table("rating_event", &joined("rating_event"), study)?,
                views: r.table("view_event", &joined("view_event"), study)?,
            })
        })
    }

    fn table(&self, name: &'static str, from: &str, study: &StudyId) -> Result<Table, StoreError> {
        let sql = format!("SELECT t.* {from}");
        let read = || -> rusqlite::Result<Table> {
            let mut statement = self.conn.prepare(&sql)?;
            let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let n = columns.len();
            let rows = statement
                .query_map([study.as_str()], |r| (0..n).map(|i| r.get(i)).collect())?
                .collect::<rusqlite::Result<Vec<Vec<Value>>>>()?;
            Ok(Table { name, columns, rows })
        };
        self.sql(read())
    }
}

impl Tx<'_> {
    /// Writes a study that was read elsewhere: original uuids and times, assignments and events in
    /// the order of the log, so that every rule of the tables is asked again. `source` marks
    /// events that have no mark yet.
    ///
    /// # Errors
    /// A study of that name is there; a row breaks a rule.
    pub fn put_carried(&self, from: &Carried, source: &str) -> Result<(), StoreError> {
        // not fixed until the end: a fixed study takes no items
        let fixed = from.study.at("fixed");
        for row in &from.study.rows {
            let mut open = row.clone();
            if let Some(i) = fixed {
                open[i] = Value::Null;
            }
            self.put_row(&from.study, &open, None)?;
        }
        let (first, rest): (Vec<&Table>, Vec<&Table>) = from.tables.iter().partition(|t| {
            // amendments before the places that they allow
            matches!(t.name, "item" | "rater" | "study_text" | "study_amendment")
        });
        for t in first {
            self.put_rows(t)?;
        }
        self.put_log(from, source)?;
        for t in rest {
            self.put_rows(t)?;
        }
        if let (Some(row), Some(at)) = (from.study.rows.first(), fixed)
            && row[at] != Value::Null
        {
            let id = from.study.cell(row, "id");
            self.run("UPDATE study SET fixed = ?2 WHERE id = ?1", (id, row[at].clone()))?;
        }
        Ok(())
    }

    fn put_rows(&self, t: &Table) -> Result<(), StoreError> {
        let anew = OF_STUDY.iter().any(|(name, _, anew)| *name == t.name && *anew);
        for row in &t.rows {
            self.put_row(t, row, anew.then_some("id"))?;
        }
        Ok(())
    }

    fn put_row(&self, t: &Table, row: &[Value], without: Option<&str>) -> Result<i64, StoreError> {
        let kept: Vec<usize> =
            (0..t.columns.len()).filter(|i| Some(t.columns[*i].as_str()) != without).collect();
        let names: Vec<&str> = kept.iter().map(|i| t.columns[*i].as_str()).collect();
        let marks: Vec<String> = (1..=kept.len()).map(|n| format!("?{n}")).collect();
        let sql =
            format!("INSERT INTO {} ({}) VALUES ({})", t.name, names.join(", "), marks.join(", "));
        self.run(&sql, rusqlite::params_from_iter(kept.iter().map(|i| &row[*i])))?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Assignments and events by the order of the log. An assignment comes in when its first event
    /// does, after those that had its place before were released.
    fn put_log(&self, from: &Carried, source: &str) -> Result<(), StoreError> {
        let mut log = Log::new(self, &from.assignments);
        let mut events: BTreeMap<i64, i64> = BTreeMap::new();
        let t = &from.events;
        for row in &t.rows {
            let (Some(id), Some(old)) = (t.number(row, "id"), t.number(row, "assignment")) else {
                continue;
            };
            let new = log.open(old)?;
            let mut row = row.clone();
            for (column, value) in [
                ("assignment", Some(Value::Integer(new))),
                (
                    "previous",
                    t.number(&row, "previous")
                        .map(|p| events.get(&p).map_or(Value::Null, |n| Value::Integer(*n))),
                ),
                (
                    "source",
                    (t.cell(&row, "source") == Value::Null).then(|| Value::Text(source.to_owned())),
                ),
            ] {
                if let (Some(i), Some(value)) = (t.at(column), value) {
                    row[i] = value;
                }
            }
            events.insert(id, self.put_row(t, &row, Some("id"))?);
        }
        let all: Vec<i64> =
            from.assignments.rows.iter().filter_map(|r| from.assignments.number(r, "id")).collect();
        for id in &all {
            log.open(*id)?;
        }
        for id in &all {
            log.close(*id)?;
        }
        let t = &from.views;
        for row in &t.rows {
            let mut row = row.clone();
            let new = t.number(&row, "assignment").and_then(|a| log.done.get(&a)).copied();
            if let (Some(i), Some(new)) = (t.at("assignment"), new) {
                row[i] = Value::Integer(new);
            }
            self.put_row(t, &row, Some("id"))?;
        }
        Ok(())
    }
}

/// Assignments on their way.
struct Log<'a, 'b> {
    tx: &'a Tx<'b>,
    table: &'a Table,
    /// Rows by their old number.
    rows: BTreeMap<i64, &'a [Value]>,
    /// Old numbers by item, ascending.
    of_item: BTreeMap<String, Vec<i64>>,
    /// Old number to new.
    done: BTreeMap<i64, i64>,
    closed: BTreeSet<i64>,
}

impl<'a, 'b> Log<'a, 'b> {
    fn new(tx: &'a Tx<'b>, table: &'a Table) -> Self {
        let rows: BTreeMap<i64, &[Value]> = table
            .rows
            .iter()
            .filter_map(|r| Some((table.number(r, "id")?, r.as_slice())))
            .collect();
        let mut of_item: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (id, row) in &rows {
            of_item.entry(format!("{:?}", table.cell(row, "item"))).or_default().push(*id);
        }
        Self { tx, table, rows, of_item, done: BTreeMap::new(), closed: BTreeSet::new() }
    }

    /// Makes an assignment, not released; those before it in its place or with its rater are
    /// released first.
    fn open(&mut self, id: i64) -> Result<i64, StoreError> {
        if let Some(new) = self.done.get(&id) {
            return Ok(*new);
        }
        let t = self.table;
        let Some(row) = self.rows.get(&id).copied() else {
            return Err(self.tx.refused(format!("assignment {id} is missing from the log")));
        };
        let same = |r: &[Value], c: &str| t.cell(r, c) == t.cell(row, c);
        let of_item = self.of_item.get(&format!("{:?}", t.cell(row, "item")));
        let before: Vec<i64> = of_item
            .into_iter()
            .flatten()
            .take_while(|n| **n < id)
            .filter(|n| self.rows.get(*n).is_some_and(|r| same(r, "slot") || same(r, "rater")))
            .copied()
            .collect();
        for earlier in before {
            self.open(earlier)?;
            self.close(earlier)?;
        }
        let mut row = row.to_vec();
        if let Some(i) = t.at("released_at") {
            row[i] = Value::Null;
        }
        let new = self.tx.put_row(t, &row, Some("id"))?;
        self.done.insert(id, new);
        Ok(new)
    }

    /// Releases an assignment where it was released, at the time at which it was.
    fn close(&mut self, id: i64) -> Result<(), StoreError> {
        let released = self.rows.get(&id).map(|r| self.table.cell(r, "released_at"));
        if let (Some(new), Some(at @ Value::Text(_))) = (self.done.get(&id), released)
            && self.closed.insert(id)
        {
            self.tx.run("UPDATE assignment SET released_at = ?2 WHERE id = ?1", (*new, at))?;
        }
        Ok(())
    }
}
