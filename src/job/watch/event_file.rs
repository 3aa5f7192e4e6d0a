//! TensorBoard's event files: records of length, masked checksum, bytes, masked checksum; in them
//! protobuf messages `Event`, of which the scalars are read (`simple_value`, and tensors of one
//! number). Formats: TensorFlow's `tfrecord` documentation, `event.proto`, `summary.proto`,
//! `tensor.proto`, `types.proto`.

use super::crc32c::masked;

/// A scalar of an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalar<'a> {
    /// Its tag.
    pub tag: &'a str,
    /// Its value, NaN and infinities among them.
    pub value: f64,
}

/// What the bytes from here on are.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A record: its message, and the bytes it takes in all.
    Whole(&'a [u8], usize),
    /// A record whose message does not match its checksum; the bytes it takes in all.
    Bad(usize),
    /// The record goes on behind these bytes: it is being written, or was torn.
    Torn,
    /// No record begins here.
    Broken,
}

/// Longer ones are no events of ours: pictures and graphs are far below.
const LONGEST: u64 = 1 << 30;

/// The record at the start of `bytes`.
pub fn frame(bytes: &[u8]) -> Frame<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<12>() else { return Frame::Torn };
    let (length, sum) = (&head[..8], &head[8..]);
    let n = length.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    if masked(length).to_le_bytes() != sum || n > LONGEST {
        return Frame::Broken;
    }
    let n = n as usize;
    let Some(message) = rest.get(..n) else { return Frame::Torn };
    let Some(sum) = rest.get(n..n + 4) else { return Frame::Torn };
    if masked(message).to_le_bytes() == sum {
        Frame::Whole(message, n + 16)
    } else {
        Frame::Bad(n + 16)
    }
}

/// A field of a message.
enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The fields of a message; ends at the first byte that is none.
struct Fields<'a>(&'a [u8]);

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut out = 0u64;
    for (i, b) in bytes.iter().enumerate().take(10) {
        out |= u64::from(b & 0x7f) << (7 * i);
        if b & 0x80 == 0 {
            *bytes = &bytes[i + 1..];
            return Some(out);
        }
    }
    None
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let key = varint(&mut self.0)?;
        let value = match key & 7 {
            0 => Field::Varint(varint(&mut self.0)?),
            1 => {
                let (head, rest) = self.0.split_first_chunk::<8>()?;
                self.0 = rest;
                Field::Fixed64(u64::from_le_bytes(*head))
            }
            2 => {
                let n = usize::try_from(varint(&mut self.0)?).ok()?;
                let (head, rest) = self.0.split_at_checked(n)?;
                self.0 = rest;
                Field::Bytes(head)
            }
            5 => {
                let (head, rest) = self.0.split_first_chunk::<4>()?;
                self.0 = rest;
                Field::Fixed32(u32::from_le_bytes(*head))
            }
            _ => return None,
        };
        Some((key >> 3, value))
    }
}

/// Time (seconds since 1970) and step of an event; `each` is told its scalars.
pub fn event<'a>(message: &'a [u8], each: &mut dyn FnMut(i64, Scalar<'a>)) -> (f64, i64) {
    let (mut time, mut step) = (f64::NAN, 0i64);
    let mut summaries: [Option<&[u8]>; 4] = [None; 4];
    let mut n = 0;
    for (number, field) in Fields(message) {
        match (number, field) {
            (1, Field::Fixed64(bits)) => time = f64::from_bits(bits),
            (2, Field::Varint(v)) => step = v.cast_signed(),
            (5, Field::Bytes(b)) if n < summaries.len() => {
                summaries[n] = Some(b);
                n += 1;
            }
            _ => {}
        }
    }
    // The step may stand behind the summary: fields have no order that is promised.
    for summary in summaries.into_iter().flatten() {
        for (number, field) in Fields(summary) {
            if let (1, Field::Bytes(value)) = (number, field)
                && let Some(scalar) = scalar(value)
            {
                each(step, scalar);
            }
        }
    }
    (time, step)
}

fn scalar(value: &[u8]) -> Option<Scalar<'_>> {
    let (mut tag, mut simple, mut tensor, mut plugin) = (None, None, None, None);
    for (number, field) in Fields(value) {
        match (number, field) {
            (1, Field::Bytes(b)) => tag = std::str::from_utf8(b).ok(),
            (2, Field::Fixed32(bits)) => simple = Some(f64::from(f32::from_bits(bits))),
            (8, Field::Bytes(b)) => tensor = Some(b),
            (9, Field::Bytes(b)) => plugin = plugin_of(b),
            _ => {}
        }
    }
    if plugin.is_some_and(|p| p != "scalars") {
        return None;
    }
    let value = simple.or_else(|| one_number(tensor?))?;
    Some(Scalar { tag: tag?, value })
}

/// The plugin that a summary's metadata name.
fn plugin_of(metadata: &[u8]) -> Option<&str> {
    let data = Fields(metadata).find_map(|f| match f {
        (1, Field::Bytes(b)) => Some(b),
        _ => None,
    })?;
    Fields(data).find_map(|f| match f {
        (1, Field::Bytes(b)) => std::str::from_utf8(b).ok(),
        _ => None,
    })
}

/// The number of a tensor that holds one.
fn one_number(tensor: &[u8]) -> Option<f64> {
    let mut kind = 0;
    let mut content: &[u8] = &[];
    let mut values: Vec<f64> = Vec::new();
    for (number, field) in Fields(tensor) {
        match (number, field) {
            (1, Field::Varint(k)) => kind = k,
            (4, Field::Bytes(b)) => content = b,
            (5, Field::Fixed32(b)) => values.push(f32::from_bits(b).into()),
            (6, Field::Fixed64(b)) => values.push(f64::from_bits(b)),
            (5, Field::Bytes(b)) if b.len() == 4 => values.push(le::<4>(b)?.0.into()),
            (6, Field::Bytes(b)) if b.len() == 8 => values.push(le::<8>(b)?.1),
            (7 | 10 | 11 | 13, Field::Varint(v)) => values.push(small(kind, v)),
            (7 | 10 | 11 | 13, Field::Bytes(mut b)) => {
                while !b.is_empty() {
                    values.push(small(kind, varint(&mut b)?));
                }
            }
            _ => {}
        }
        if values.len() > 1 {
            return None;
        }
    }
    match (values.as_slice(), kind, content.len()) {
        ([x], ..) => Some(*x),
        ([], 1, 4) => Some(f64::from(le::<4>(content)?.0)),
        ([], 2, 8) => Some(le::<8>(content)?.1),
        ([], 3, 4) => Some(f64::from(i32::from_le_bytes(content.try_into().ok()?))),
        ([], 9, 8) => Some(i64::from_le_bytes(content.try_into().ok()?) as f64),
        ([], 14 | 19, 2) => {
            Some(small(kind, u64::from(u16::from_le_bytes(content.try_into().ok()?))))
        }
        _ => None,
    }
}

/// The same bytes as `f32` and `f64`, where there are as many.
fn le<const N: usize>(b: &[u8]) -> Option<(f32, f64)> {
    let mut four = [0; 4];
    let mut eight = [0; 8];
    four.copy_from_slice(b.get(..4)?);
    if N == 8 {
        eight.copy_from_slice(b.get(..8)?);
    }
    Some((f32::from_le_bytes(four), f64::from_le_bytes(eight)))
}

/// A whole number, or the bits of a half (19) or a bfloat16 (14).
fn small(kind: u64, v: u64) -> f64 {
    match kind {
        14 => f64::from(f32::from_bits((v as u32) << 16)),
        19 => {
            let bits = v as u16;
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
            sign * match exponent {
                0 => fraction * 2f64.powi(-24),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                e => (1.0 + fraction / 1024.0) * 2f64.powi(e - 15),
            }
        }
        _ => v.cast_signed() as f64,
    }
}
