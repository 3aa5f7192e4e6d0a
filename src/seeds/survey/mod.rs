//! Respondent rows, official survey and released country files alike, straight to counts: nothing
//! is kept of a respondent, so the memory stays flat whatever the file's size. One pass in blocks
//! on several threads; the same file gives the same sums whatever their number.

mod blocks;
mod collect;
mod counts;
mod cursor;
mod layout;
mod line;
mod tally;
mod unquote;
mod value;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::domain::Weighting;
use crate::table::quotes::{Piece, fields};
use crate::table::{Columns, TableError, first_bad_byte};

use super::{ImportProgress, SeedsError};
use blocks::{BLOCK_BYTES, BlockSource};
use collect::{Beside, collect};
pub use counts::SurveyCounts;
pub use layout::{Layout, QuestionColumn, Wanted};
use tally::Totals;

#[cfg(test)]
mod tests;

/// How a survey file is read.
#[derive(Debug, Clone)]
pub struct SurveyOptions {
    /// The questions.
    pub wanted: Wanted,
    /// The weights; `None` takes `W_WEIGHT` where the file has it.
    pub weighting: Option<Weighting>,
    /// Threads; 0 takes as many as the machine has.
    pub threads: usize,
}

/// What a survey file holds, before it is turned into counts.
#[derive(Debug)]
struct RawSums {
    layout: Layout,
    totals: Totals,
    beside: Beside,
}

/// Reads a file of respondent rows.
///
/// # Errors
/// The file cannot be read, is no UTF-8 text by its first bytes, has no country column or none of
/// the questions, or a record beyond [`crate::table::LINE_LIMIT`].
pub fn read(
    path: &Path,
    options: &SurveyOptions,
    progress: &(dyn Fn(ImportProgress<'_>) + Sync),
) -> Result<SurveyCounts, SeedsError> {
    let file = File::open(path).map_err(TableError::io(path))?;
    let bytes = file.metadata().map_or(0, |m| m.len());
    let read = read_from(file, path, bytes, BLOCK_BYTES, options, progress)?;
    Ok(SurveyCounts::of(read.layout, &read.totals, read.beside))
}

fn read_from<R: Read + Send>(
    reader: R,
    path: &Path,
    bytes: u64,
    block_bytes: usize,
    options: &SurveyOptions,
    progress: &(dyn Fn(ImportProgress<'_>) + Sync),
) -> Result<RawSums, SeedsError> {
    let mut source = BlockSource::new(reader, path, block_bytes)?;
    let delimiter = source.delimiter();
    let header = source.header()?;
    if header.is_empty() {
        let expected = "a header line such as `B_COUNTRY,B_COUNTRY_ALPHA,Q27`";
        return Err(TableError::Empty { path: path.to_owned(), expected }.into());
    }
    if let Some((i, bad)) = first_bad_byte(&header) {
        return Err(bad.at(path, 1, i as u64 + 1).into());
    }
    let (mut names, mut name) = (Vec::new(), Vec::new());
    fields(&header, delimiter.byte(), |piece| match piece {
        Piece::Bare(b) | Piece::Quoted(b) => name.push(b),
        Piece::End => {
            names.push(String::from_utf8(std::mem::take(&mut name)).unwrap_or_default());
        }
    });
    let columns = Columns::new(names, path, 1)?;
    let layout = Layout::of(&columns, delimiter, path, &options.wanted, options.weighting)?;
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        n => n,
    };
    let (totals, beside) = collect(source, &layout, threads, path, bytes, progress)?;
    Ok(RawSums { layout, totals, beside })
}
