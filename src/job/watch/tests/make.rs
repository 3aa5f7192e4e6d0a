//! Files as trainers write them, of our own making.

use crate::job::watch::crc32c::masked;

pub fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

pub fn bytes(field: u64, b: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(b.len() as u64), b.to_vec()].concat()
}

pub fn number(field: u64, n: u64) -> Vec<u8> {
    [varint(field << 3), varint(n)].concat()
}

pub fn float(field: u64, x: f32) -> Vec<u8> {
    [varint(field << 3 | 5), x.to_le_bytes().to_vec()].concat()
}

pub fn double(field: u64, x: f64) -> Vec<u8> {
    [varint(field << 3 | 1), x.to_le_bytes().to_vec()].concat()
}

pub fn record(message: &[u8]) -> Vec<u8> {
    let n = (message.len() as u64).to_le_bytes();
    [&n[..], &masked(&n).to_le_bytes(), message, &masked(message).to_le_bytes()].concat()
}

/// A summary's value: `simple_value`.
pub fn simple(tag: &str, x: f32) -> Vec<u8> {
    [bytes(1, tag.as_bytes()), float(2, x)].concat()
}

/// A summary's value: a tensor, with its plugin where one is named.
pub fn tensor(tag: &str, plugin: Option<&str>, tensor: &[u8]) -> Vec<u8> {
    let mut out = [bytes(1, tag.as_bytes()), bytes(8, tensor)].concat();
    if let Some(p) = plugin {
        out.extend(bytes(9, &bytes(1, &bytes(1, p.as_bytes()))));
    }
    out
}

/// An event with these values.
pub fn event(time: f64, step: u64, values: &[Vec<u8>]) -> Vec<u8> {
    let summary: Vec<u8> = values.iter().flat_map(|v| bytes(1, v)).collect();
    record(&[double(1, time), number(2, step), bytes(5, &summary)].concat())
}

/// The first record of every file.
pub fn version(time: f64) -> Vec<u8> {
    record(&[double(1, time), bytes(3, b"brain.Event:2")].concat())
}

/// A file of `train/loss`, one event a step, `1 / step`.
pub fn losses(start: f64, steps: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let mut out = version(start);
    for (i, s) in steps.enumerate() {
        out.extend(event(start + i as f64, s, &[simple("train/loss", 1.0 / s as f32)]));
    }
    out
}

/// A bar as tqdm draws it over the one before.
pub fn bar(n: u64, total: u64, seconds: u64) -> String {
    let percent = n * 100 / total.max(1);
    format!(
        "\r{percent:3}%|{}| {n}/{total} [{:02}:{:02}<00:09,  9.25it/s]",
        "█".repeat((percent / 10) as usize),
        seconds / 60,
        seconds % 60
    )
}

/// A row printed by transformers between two bars.
pub fn printed(row: &str, n: u64, total: u64, seconds: u64) -> String {
    format!("\r{}\r{row}\n{}", " ".repeat(40), bar(n, total, seconds))
}
