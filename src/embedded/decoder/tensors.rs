//! Safetensors files as streams: a tensor is converted to `f32` while it is read, so that a model
//! never stands in memory twice. Format: <https://github.com/huggingface/safetensors#format>

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::layout::Region;
use crate::embedded::EmbeddedError;

/// Bytes converted at once.
const PIECE: usize = 1 << 20;
/// The format's own limit on the header.
const MOST_HEADER: u64 = 100_000_000;

/// Number formats that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Stored {
    F32,
    F16,
    BF16,
}

impl Stored {
    fn width(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }
}

/// One tensor in the header of a file.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
    /// Which file, and where its data begins.
    #[serde(skip)]
    file: usize,
    #[serde(skip)]
    base: u64,
}

/// The tensors of one or several safetensors files.
#[derive(Debug)]
pub(crate) struct Tensors {
    files: Vec<PathBuf>,
    entries: BTreeMap<String, Entry>,
}

impl Tensors {
    /// Reads the headers.
    ///
    /// # Errors
    /// Not a safetensors file, a header that does not fit its file, a name that comes twice.
    pub(crate) fn open(files: Vec<PathBuf>) -> Result<Self, EmbeddedError> {
        let mut entries = BTreeMap::new();
        for (i, path) in files.iter().enumerate() {
            for (name, mut e) in header(path)? {
                e.file = i;
                if let Some(before) = entries.insert(name.clone(), e) {
                    let reason = format!(
                        "stands in {} and in {}",
                        files[before.file].display(),
                        path.display()
                    );
                    return Err(EmbeddedError::Tensor { name, reason });
                }
            }
        }
        Ok(Self { files, entries })
    }

    /// Names that are there.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Reads one tensor into `to`.
    ///
    /// # Errors
    /// It is missing, of another shape or type, or holds NaN or infinity.
    pub(crate) fn read(&mut self, region: &Region, to: &mut [f32]) -> Result<(), EmbeddedError> {
        let no = |reason: String| EmbeddedError::Tensor { name: region.name.clone(), reason };
        let e = self
            .entries
            .remove(&region.name)
            .ok_or_else(|| no(format!("missing: expected it with shape {:?}", region.shape)))?;
        if e.shape != region.shape {
            return Err(no(format!("shape {:?}: expected {:?}", e.shape, region.shape)));
        }
        let stored: Stored =
            serde_json::from_value(Value::String(e.dtype.clone())).map_err(|_| {
                no(format!(
                    "type {}: expected F32, F16 or BF16 (quantised weights are not computed here)",
                    e.dtype
                ))
            })?;
        let bytes = (to.len() * stored.width()) as u64;
        if e.data_offsets.1 - e.data_offsets.0 != bytes {
            return Err(no(format!("{:?} bytes: expected {bytes}", e.data_offsets)));
        }
        let path = &self.files[e.file];
        let mut file = File::open(path).map_err(EmbeddedError::io(path))?;
        file.seek(SeekFrom::Start(e.base + e.data_offsets.0)).map_err(EmbeddedError::io(path))?;
        let mut piece = vec![0u8; PIECE.min(bytes as usize)];
        for to in to.chunks_mut(PIECE / stored.width()) {
            let piece = &mut piece[..to.len() * stored.width()];
            file.read_exact(piece).map_err(EmbeddedError::io(path))?;
            convert(stored, piece, to);
        }
        if let Some(i) = to.iter().position(|x| !x.is_finite()) {
            return Err(no(format!("element {i} is {}: the weights are broken", to[i])));
        }
        Ok(())
    }
}

fn convert(stored: Stored, bytes: &[u8], to: &mut [f32]) {
    match stored {
        Stored::F32 => {
            for (x, b) in to.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *x = f32::from_le_bytes(*b);
            }
        }
        Stored::BF16 => {
            for (x, b) in to.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *x = f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16);
            }
        }
        Stored::F16 => {
            for (x, b) in to.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *x = half(u16::from_le_bytes(*b));
            }
        }
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let mantissa = u32::from(bits) & 0x3ff;
    match exponent {
        // Subnormal: mantissa x 2^-24.
        0 => f32::from_bits(sign | (mantissa as f32 * 2f32.powi(-24)).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
    }
}

/// The header of one file, checked against the file's size.
fn header(path: &Path) -> Result<Vec<(String, Entry)>, EmbeddedError> {
    let malformed = |reason: String| EmbeddedError::Malformed { path: path.to_owned(), reason };
    let mut file = File::open(path).map_err(EmbeddedError::io(path))?;
    let size = file.metadata().map_err(EmbeddedError::io(path))?.len();
    let mut head = [0u8; 9];
    let whole = file.read_exact(&mut head).is_ok();
    let n = u64::from_le_bytes(*head.first_chunk::<8>().unwrap_or(&[0; 8]));
    if !whole || n > MOST_HEADER || n + 8 > size || head[8] != b'{' {
        return Err(EmbeddedError::Refused {
            path: path.to_owned(),
            reason: "not a safetensors file (a pickle, or a large-file pointer?): expected \
                     weights saved with safetensors"
                .into(),
        });
    }
    let mut text = vec![b'{'; n as usize];
    file.read_exact(&mut text[1..]).map_err(EmbeddedError::io(path))?;
    let object: BTreeMap<String, Value> =
        serde_json::from_slice(&text).map_err(|e| malformed(format!("its header: {e}")))?;
    let mut out = Vec::with_capacity(object.len());
    for (name, value) in object {
        if name == "__metadata__" {
            continue;
        }
        let mut e: Entry = serde_json::from_value(value)
            .map_err(|e| malformed(format!("its header, `{name}`: {e}")))?;
        let (from, to) = e.data_offsets;
        if from > to || to > size - 8 - n {
            return Err(malformed(format!("`{name}` ends after the file: a broken download?")));
        }
        e.base = 8 + n;
        out.push((name, e));
    }
    Ok(out)
}

/// Writes named `f32` tensors of one flat buffer as a safetensors file.
///
/// # Errors
/// The disk is full.
pub fn save_tensors(path: &Path, regions: &[Region], flat: &[f32]) -> Result<(), EmbeddedError> {
    let mut object = serde_json::Map::new();
    object.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut at = 0;
    for r in regions {
        let end = at + 4 * r.len();
        object.insert(
            r.name.clone(),
            json!({"dtype": "F32", "shape": r.shape, "data_offsets": [at, end]}),
        );
        at = end;
    }
    let mut text = Value::Object(object).to_string().into_bytes();
    // Data begins at a multiple of 8.
    text.resize(text.len().next_multiple_of(8), b' ');
    let io = EmbeddedError::io(path);
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::with_capacity(PIECE, File::create(path)?);
        file.write_all(&(text.len() as u64).to_le_bytes())?;
        file.write_all(&text)?;
        for r in regions {
            for x in &flat[r.range()] {
                file.write_all(&x.to_le_bytes())?;
            }
        }
        file.flush()
    };
    write().map_err(io)
}

/// Reads a safetensors file into one flat buffer; `regions` are all that it may hold.
///
/// # Errors
/// A tensor is missing, extra, of another shape or type, or holds NaN or infinity: by name.
pub fn load_tensors(path: &Path, regions: &[Region]) -> Result<Vec<f32>, EmbeddedError> {
    let mut tensors = Tensors::open(vec![path.to_owned()])?;
    let flat = fill(&mut tensors, regions)?;
    match tensors.names().next() {
        None => Ok(flat),
        Some(name) => Err(EmbeddedError::Tensor {
            name: name.to_owned(),
            reason: format!("not expected in {}", path.display()),
        }),
    }
}

/// A flat buffer with every region read from the tensors.
pub(crate) fn fill(tensors: &mut Tensors, regions: &[Region]) -> Result<Vec<f32>, EmbeddedError> {
    let mut flat = vec![0.0; regions.iter().map(|r| r.start + r.len()).max().unwrap_or(0)];
    for r in regions {
        tensors.read(r, &mut flat[r.range()])?;
    }
    Ok(flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_are_those_of_the_standard() {
        let table = [
            (0x0000u16, 0.0f32),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (bits, want) in table {
            assert_eq!(half(bits).to_bits(), want.to_bits(), "{bits:#x}");
        }
        assert!(half(0x7e01).is_nan());
    }

    #[test]
    fn what_we_write_the_safetensors_crate_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let regions = [
            Region { name: "b".into(), shape: vec![2, 3], start: 1 },
            Region { name: "a".into(), shape: vec![1], start: 0 },
        ];
        let flat = [9.0f32, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        save_tensors(&path, &regions, &flat).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensor("b").unwrap().shape(), [2, 3]);
        assert_eq!(file.tensor("a").unwrap().data(), 9.0f32.to_le_bytes());
        assert_eq!(load_tensors(&path, &regions).unwrap(), flat);
    }
}
