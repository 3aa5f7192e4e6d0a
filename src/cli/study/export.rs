//! `polyculture study export`: ratings as a long table.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::output::note;
use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::study::{ExportFormat, ExportOptions, ExportWhat, codebook, export};

/// What `study export` takes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// One row an event, or one row a current rating
    #[arg(long, value_enum, default_value_t = ExportRows::Current)]
    rows: ExportRows,
    /// csv or jsonl
    #[arg(long, value_enum, default_value_t = TableFormat::Csv)]
    format: TableFormat,
    /// Comments too
    #[arg(long)]
    comments: bool,
    /// Timings too
    #[arg(long)]
    timings: bool,
    /// Where to; standard output by default
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// Rows of a ratings export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the help of the flag says it")]
pub enum ExportRows {
    Events,
    Current,
}

/// Format of a table export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TableFormat {
    Csv,
    Jsonl,
}

/// Writes it.
///
/// # Errors
/// No such study; the file cannot be written.
pub fn run(ctx: &Context, args: ExportArgs) -> Result<(), Failure> {
    let ExportArgs { study, rows, format, comments, timings, output } = args;
    let options = ExportOptions {
        what: match rows {
            ExportRows::Events => ExportWhat::Events,
            ExportRows::Current => ExportWhat::Current,
        },
        format: match format {
            TableFormat::Csv => ExportFormat::Csv,
            TableFormat::Jsonl => ExportFormat::Jsonl,
        },
        comments,
        timings,
    };
    write_export(ctx, &study, &options, output)
}

fn write_export(
    ctx: &Context,
    study: &StudyId,
    options: &ExportOptions,
    output: Option<PathBuf>,
) -> Result<(), Failure> {
    let store = ctx.read()?;
    let Some(path) = output else {
        export(store.read(), study, options, &mut std::io::stdout().lock())?;
        return Ok(());
    };
    let file = File::create(&path).map_err(|e| Failure::failed(e).file(&path))?;
    let mut out = BufWriter::new(file);
    let rows = export(store.read(), study, options, &mut out)?;
    out.flush().map_err(|e| Failure::failed(e).file(&path))?;
    let book = path.with_extension("codebook.txt");
    std::fs::write(&book, codebook(options)).map_err(|e| Failure::failed(e).file(&book))?;
    note(&format!("{rows} rows in {}; columns explained in {}", path.display(), book.display()));
    Ok(())
}
