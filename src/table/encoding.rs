//! What the first bytes of a file say: text, text with a mark, or no text at all.

use std::path::Path;

use super::TableError;

/// The mark that some programs write before UTF-8 text; the official survey file has it.
pub const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// How a file starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStart {
    /// Plain text so far.
    Plain,
    /// UTF-8 with its mark: three bytes to skip.
    Utf8Bom,
    /// Not UTF-8 text: what it is, and the way out.
    Other {
        /// In words, with an article.
        what: &'static str,
        /// How to get text from it.
        way_out: &'static str,
    },
}

impl FileStart {
    /// Reads the first bytes (eight are enough).
    pub fn of(bytes: &[u8]) -> Self {
        const EXPORT: &str = "export it as CSV (UTF-8) from the program that wrote it";
        let other = |what, way_out| Self::Other { what, way_out };
        if bytes.starts_with(UTF8_BOM) {
            return Self::Utf8Bom;
        }
        let known: [(&[u8], &'static str, &'static str); 9] = [
            (b"\xFF\xFE", "UTF-16 text", "convert it: `iconv -f UTF-16 -t UTF-8 FILE > NEW`"),
            (b"\xFE\xFF", "UTF-16 text", "convert it: `iconv -f UTF-16 -t UTF-8 FILE > NEW`"),
            (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save it as CSV"),
            (b"\x1F\x8B", "a gzip archive", "unpack it: `gunzip FILE`"),
            (b"$FL2", "an SPSS file", EXPORT),
            (b"$FL3", "an SPSS file", EXPORT),
            (b"<stata_d", "a Stata file", EXPORT),
            (b"PAR1", "a Parquet file", EXPORT),
            (b"%PDF", "a PDF document", "look for the data file beside it"),
        ];
        known
            .iter()
            .find(|(magic, ..)| bytes.starts_with(magic))
            .map_or(Self::Plain, |&(_, what, way_out)| other(what, way_out))
    }

    /// Bytes of the mark to skip.
    ///
    /// # Errors
    /// [`TableError::NotText`] for anything but UTF-8.
    pub fn skip(self, path: &Path) -> Result<usize, TableError> {
        match self {
            Self::Plain => Ok(0),
            Self::Utf8Bom => Ok(UTF8_BOM.len()),
            Self::Other { what, way_out } => {
                Err(TableError::NotText { path: path.to_owned(), what, way_out })
            }
        }
    }
}

/// Offset of the first byte that makes a text not UTF-8, or that is NUL.
pub fn first_bad_byte(bytes: &[u8]) -> Option<(usize, BadByte)> {
    let nul = memchr::memchr(0, bytes).map(|i| (i, BadByte::Nul));
    if bytes.is_ascii() {
        return nul;
    }
    let utf8 = std::str::from_utf8(bytes).err().map(|e| (e.valid_up_to(), BadByte::NotUtf8));
    [nul, utf8].into_iter().flatten().min_by_key(|(i, _)| *i)
}

/// What is wrong with a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadByte {
    /// Zero.
    Nul,
    /// Part of no UTF-8 character.
    NotUtf8,
}

impl BadByte {
    /// The error for it; `line` and `byte` are 1-based.
    pub fn at(self, path: &Path, line: u64, byte: u64) -> TableError {
        let path = path.to_owned();
        match self {
            Self::Nul => TableError::NulByte { path, line, byte },
            Self::NotUtf8 => TableError::NotUtf8 { path, line, byte },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_text_are_recognised_with_the_way_out() {
        for (bytes, words) in [
            (&b"\xFF\xFEQ\0"[..], "iconv"),
            (b"\xFE\xFF\0Q", "iconv"),
            (b"PK\x03\x04....", "CSV"),
            (b"$FL2@(#)", "export"),
        ] {
            let e = FileStart::of(bytes).skip(Path::new("f")).unwrap_err().to_string();
            assert!(e.contains(words), "{e}");
        }
        assert_eq!(FileStart::of(b"\xEF\xBB\xBFQ1").skip(Path::new("f")).unwrap(), 3);
        assert_eq!(FileStart::of(b"").skip(Path::new("f")).unwrap(), 0);
    }

    #[test]
    fn the_first_bad_byte_is_found_wherever_it_stands() {
        assert_eq!(first_bad_byte("ärger".as_bytes()), None);
        assert_eq!(first_bad_byte(b"ab\xE4c\0"), Some((2, BadByte::NotUtf8)));
        assert_eq!(first_bad_byte(b"a\0\xE4"), Some((1, BadByte::Nul)));
    }
}
