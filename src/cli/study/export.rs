//! `polyculture study export`: a study as tables, each with its codebook.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::output::note;
use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::store::Reader;
use crate::study::{ExportFormat, ExportOptions, ExportWhat, codebook, export};

/// What `study export` takes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// Which table
    #[arg(long, value_enum, default_value_t = ExportRows::Current)]
    rows: ExportRows,
    /// csv, jsonl or parquet
    #[arg(long, value_enum, default_value_t = TableFormat::Csv)]
    format: TableFormat,
    /// Comments too
    #[arg(long)]
    comments: bool,
    /// Timings too
    #[arg(long)]
    timings: bool,
    /// Texts of items marked as sensitive too
    #[arg(long)]
    sensitive: bool,
    /// Where to; standard output by default
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Every table into this folder, with its codebook
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["output", "rows"])]
    all: Option<PathBuf>,
}

/// A table of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportRows {
    /// One row a rating that stands
    Current,
    /// One row an event: edits, skips, flags and undos too
    Events,
    /// The items with their origin and texts
    Items,
    /// The raters, by pseudonym
    Raters,
    /// Who was given what
    Assignments,
    /// What model judges said, both orders
    Verdicts,
    /// The researcher's word on items
    Adjudications,
    /// What was changed after the plan was fixed
    Amendments,
}

/// Format of a table export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TableFormat {
    Csv,
    Jsonl,
    Parquet,
}

impl From<ExportRows> for ExportWhat {
    fn from(rows: ExportRows) -> Self {
        match rows {
            ExportRows::Current => Self::Current,
            ExportRows::Events => Self::Events,
            ExportRows::Items => Self::Items,
            ExportRows::Raters => Self::Raters,
            ExportRows::Assignments => Self::Assignments,
            ExportRows::Verdicts => Self::Verdicts,
            ExportRows::Adjudications => Self::Adjudications,
            ExportRows::Amendments => Self::Amendments,
        }
    }
}

impl From<TableFormat> for ExportFormat {
    fn from(format: TableFormat) -> Self {
        match format {
            TableFormat::Csv => Self::Csv,
            TableFormat::Jsonl => Self::Jsonl,
            TableFormat::Parquet => Self::Parquet,
        }
    }
}

/// Writes it.
///
/// # Errors
/// No such study; the file cannot be written.
pub fn run(ctx: &Context, args: ExportArgs) -> Result<(), Failure> {
    let ExportArgs { study, rows, format, comments, timings, sensitive, output, all } = args;
    let options =
        ExportOptions { what: rows.into(), format: format.into(), comments, timings, sensitive };
    let store = ctx.read()?;
    let reader = store.read();
    if let Some(folder) = all {
        fs::create_dir_all(&folder).map_err(|e| Failure::failed(e).file(&folder))?;
        let mut files = Vec::new();
        for what in ExportWhat::ALL {
            let options = ExportOptions { what, ..options };
            let name = format!("{}.{}", what.file_stem(), options.format.extension());
            let path = folder.join(name);
            let rows = to_file(reader, &study, &options, &path)?;
            files.push(json!({"table": what, "file": path, "rows": rows}));
        }
        return ctx.out.show(&json!({"study": study, "files": files}), || {
            let rows = |f: &serde_json::Value| {
                let file = f["file"].as_str().unwrap_or_default().to_owned();
                format!("  {file}: {} rows\n", f["rows"])
            };
            let lines: String = files.iter().map(rows).collect();
            format!("{study}: {} tables, each with its codebook\n{lines}", files.len())
        });
    }
    let Some(path) = output else {
        let mut out = std::io::stdout().lock();
        return match export(reader, &study, &options, &mut out) {
            Err(crate::study::StudyError::Write(e))
                if e.kind() == std::io::ErrorKind::BrokenPipe =>
            {
                Ok(())
            }
            other => Ok(other.map(|_| ())?),
        };
    };
    let rows = to_file(reader, &study, &options, &path)?;
    let book = path.with_extension("codebook.txt");
    note(&format!("{rows} rows in {}; columns explained in {}", path.display(), book.display()));
    Ok(())
}

fn to_file(
    reader: Reader<'_>,
    study: &StudyId,
    options: &ExportOptions,
    path: &Path,
) -> Result<usize, Failure> {
    let file = File::create(path).map_err(|e| Failure::failed(e).file(path))?;
    let mut out = BufWriter::new(file);
    let rows = export(reader, study, options, &mut out)?;
    out.flush().map_err(|e| Failure::failed(e).file(path))?;
    let book = path.with_extension("codebook.txt");
    fs::write(&book, codebook(options)).map_err(|e| Failure::failed(e).file(&book))?;
    Ok(rows)
}
