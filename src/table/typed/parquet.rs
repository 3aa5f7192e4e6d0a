//! Apache Parquet: flat tables of optional columns, Snappy, one row group for every 64 Ki rows.

use std::io::{Error, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::{Cell, Column, Kind, TypedTable};

/// Rows of a row group.
const GROUP: usize = 65_536;

/// Key of the codebook in the file's own metadata.
const CODEBOOK: &str = "codebook";

pub(super) fn write(table: &TypedTable, out: &mut dyn Write) -> Result<(), Error> {
    // The library writes where other threads may write too, which `out` does not promise.
    let mut bytes = Vec::new();
    into(table, &mut bytes).map_err(Error::other)?;
    out.write_all(&bytes)
}

fn into(table: &TypedTable, bytes: &mut Vec<u8>) -> Result<(), ParquetError> {
    let fields = table.columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("table").with_fields(fields).build()?;
    let book = KeyValue::new(CODEBOOK.to_owned(), super::codebook(table));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("polyculture {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![book]))
        .build();
    let mut file = SerializedFileWriter::new(bytes, Arc::new(schema), Arc::new(properties))?;
    for rows in table.rows.chunks(GROUP) {
        let mut group = file.next_row_group()?;
        for at in 0..table.columns.len() {
            column(&mut group, rows, at)?;
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn field(c: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match c.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Int => (Physical::INT64, None),
        Kind::Double => (Physical::DOUBLE, None),
        Kind::Bool => (Physical::BOOLEAN, None),
        Kind::Time => {
            let unit = TimeUnit::MICROS;
            (Physical::INT64, Some(LogicalType::timestamp(true, unit)))
        }
    };
    let built = Type::primitive_type_builder(&c.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(built))
}

/// A cell of another kind than its column is written as empty: columns and rows are made side by
/// side, so it is a mistake of ours, and tests look for it.
fn column(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    rows: &[Vec<Cell>],
    at: usize,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".into()));
    };
    match writer.untyped() {
        ColumnWriter::ByteArrayColumnWriter(w) => {
            let (values, levels) = values(rows, at, |c| match c {
                Cell::Text(t) => Some(ByteArray::from(t.as_str())),
                _ => None,
            });
            w.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::Int64ColumnWriter(w) => {
            let (values, levels) = values(rows, at, |c| match c {
                Cell::Int(n) | Cell::Time(n, _) => Some(*n),
                _ => None,
            });
            w.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::DoubleColumnWriter(w) => {
            let (values, levels) = values(rows, at, |c| match c {
                Cell::Double(x) => Some(*x),
                _ => None,
            });
            w.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::BoolColumnWriter(w) => {
            let (values, levels) = values(rows, at, |c| match c {
                Cell::Bool(b) => Some(*b),
                _ => None,
            });
            w.write_batch(&values, Some(&levels), None)?;
        }
        _ => return Err(ParquetError::General("a column of a kind that is never made".into())),
    }
    writer.close()
}

/// The values that are there, and for every row whether there is one.
fn values<T>(rows: &[Vec<Cell>], at: usize, of: impl Fn(&Cell) -> Option<T>) -> (Vec<T>, Vec<i16>) {
    let mut values = Vec::with_capacity(rows.len());
    let levels = rows
        .iter()
        .map(|row| {
            let value = row.get(at).and_then(&of);
            let there = i16::from(value.is_some());
            values.extend(value);
            there
        })
        .collect();
    (values, levels)
}

/// Reads a flat table back: the names of its columns and its cells. Columns of other kinds than
/// ours come as text, as the library prints them.
///
/// # Errors
/// The file cannot be read, or is no Parquet file.
pub fn read_parquet(path: &Path) -> Result<(Vec<String>, Vec<Vec<Cell>>), Error> {
    let reader = SerializedFileReader::new(std::fs::File::open(path)?).map_err(Error::other)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names = schema.columns().iter().map(|c| c.name().to_owned()).collect();
    let mut rows = Vec::new();
    for row in reader.get_row_iter(None).map_err(Error::other)? {
        let row = row.map_err(Error::other)?;
        rows.push(row.get_column_iter().map(|(_, f)| cell(f)).collect());
    }
    Ok((names, rows))
}

fn cell(f: &Field) -> Cell {
    match f {
        Field::Null => Cell::Null,
        Field::Str(t) => Cell::Text(t.clone()),
        Field::Int(n) => Cell::Int(i64::from(*n)),
        Field::Long(n) => Cell::Int(*n),
        Field::Double(x) => Cell::Double(*x),
        Field::Bool(b) => Cell::Bool(*b),
        Field::TimestampMicros(n) => {
            let words = jiff::Timestamp::from_microsecond(*n).map(|t| t.to_string());
            Cell::Time(*n, words.unwrap_or_default())
        }
        other => Cell::Text(other.to_string()),
    }
}
