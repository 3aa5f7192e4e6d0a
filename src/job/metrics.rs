//! `metrics.jsonl`: what a run measures as it goes, one row a step.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{JobError, JsonlWriter};

/// One row. Values are in the unit of their name (`loss`: nats, `tokens_per_s`, `lr`, `grad_norm`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricsRow {
    /// RFC 3339 UTC.
    pub at: String,
    /// Steps done, counted from the start of the run, resumes included.
    pub step: u64,
    /// Steps in all, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What was measured. NaN and infinities are kept as words: they are never hidden.
    #[serde(default, serialize_with = "write_values", deserialize_with = "read_values")]
    pub values: BTreeMap<String, f64>,
}

fn write_values<S: Serializer>(v: &BTreeMap<String, f64>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(v.iter().map(|(k, x)| {
        let json = serde_json::Number::from_f64(*x)
            .map_or_else(|| serde_json::Value::String(x.to_string()), serde_json::Value::Number);
        (k, json)
    }))
}

fn read_values<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let raw = BTreeMap::<String, serde_json::Value>::deserialize(d)?;
    raw.into_iter()
        .map(|(k, v)| {
            let x = v
                .as_f64()
                .or_else(|| v.as_str().and_then(|s| s.parse().ok()))
                .ok_or_else(|| serde::de::Error::custom(format!("`{k}` is no number: {v}")))?;
            Ok((k, x))
        })
        .collect()
}

/// Appends rows to `metrics.jsonl`.
#[derive(Debug)]
pub struct MetricsWriter(JsonlWriter);

impl MetricsWriter {
    /// Over an open file.
    pub fn new(file: JsonlWriter) -> Self {
        Self(file)
    }

    /// Appends one row, stamped now.
    ///
    /// # Errors
    /// The disk is full.
    pub fn log(
        &mut self,
        step: u64,
        total: Option<u64>,
        values: &[(&str, f64)],
    ) -> Result<(), JobError> {
        self.0.write(&MetricsRow {
            at: jiff::Timestamp::now().to_string(),
            step,
            total,
            values: values.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_is_written_and_read_back_as_a_nan() {
        let row = MetricsRow {
            values: BTreeMap::from([("loss".to_owned(), f64::NAN), ("lr".to_owned(), 0.5)]),
            ..MetricsRow::default()
        };
        let back: MetricsRow = serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap();
        assert!(back.values["loss"].is_nan());
        assert_eq!(back.values["lr"], 0.5);
    }
}
