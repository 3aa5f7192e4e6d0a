//! Domain types to columns and back. A value that does not read back names its column.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A stored value that is not what the column should hold.
pub(super) fn unreadable(
    row: &Row<'_>,
    i: usize,
    why: impl std::fmt::Display,
    value: &str,
) -> rusqlite::Error {
    let column = row.as_ref().column_name(i).unwrap_or("?").to_owned();
    let start: String = value.chars().take(60).collect();
    rusqlite::Error::FromSqlConversionFailure(
        i,
        Type::Text,
        format!("column {column}: {why} (value `{start}`)").into(),
    )
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// A column of JSON text.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, i: usize) -> rusqlite::Result<T> {
    let text: String = row.get(i)?;
    serde_json::from_str(&text).map_err(|e| unreadable(row, i, e, &text))
}

/// The word that serde gives a unit variant.
pub(super) fn word<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

/// A column that holds a word: an id or a unit variant.
pub(super) fn from_word<T: DeserializeOwned>(row: &Row<'_>, i: usize) -> rusqlite::Result<T> {
    let text: String = row.get(i)?;
    let value = serde_json::Value::String(text);
    T::deserialize(&value).map_err(|e| unreadable(row, i, e, value.as_str().unwrap_or_default()))
}

/// A column that holds a word or nothing.
pub(super) fn from_word_opt<T: DeserializeOwned>(
    row: &Row<'_>,
    i: usize,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(i)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => from_word(row, i).map(Some),
    }
}

/// A column of RFC 3339 text.
pub(super) fn from_time(row: &Row<'_>, i: usize) -> rusqlite::Result<Timestamp> {
    let text: String = row.get(i)?;
    text.parse().map_err(|e| unreadable(row, i, e, &text))
}

/// A count column.
pub(super) fn from_count(row: &Row<'_>, i: usize) -> rusqlite::Result<u64> {
    let n: i64 = row.get(i)?;
    u64::try_from(n).map_err(|e| unreadable(row, i, e, &n.to_string()))
}

/// A count as SQLite holds it. Counts beyond 2^63 do not occur; they are kept at the limit.
pub(super) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Now, with microseconds and a fixed width, so that text order is time order.
pub(super) fn now() -> String {
    time(Timestamp::now())
}

/// A time with microseconds and a fixed width.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}
