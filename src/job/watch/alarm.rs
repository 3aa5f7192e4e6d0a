//! What a person should look at: NaN, spikes, silence.

use serde::{Serialize, Serializer};

use super::pace::{STALL_GAPS, STALL_LEAST, STALL_LONGEST};
use crate::job::Curves;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// NaN or infinite values.
    NotFinite,
    /// A value far above what was usual.
    Spike,
    /// No new step for long.
    Stall,
}

/// One alarm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alarm {
    /// What.
    pub kind: AlarmKind,
    /// Of which curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// The step: of NaN the first, of a spike its top, of a stall the last.
    pub step: Option<u64>,
    /// The value; a NaN as the word.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "number_or_word")]
    pub value: Option<f64>,
    /// In words.
    pub words: String,
}

/// JSON has no NaN: such a value is its word.
#[allow(clippy::ref_option, reason = "serde gives the field as it is")]
pub fn number_or_word<S: Serializer>(x: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
    match x {
        Some(x) if x.is_finite() => s.serialize_f64(*x),
        Some(x) => s.serialize_str(&x.to_string()),
        None => s.serialize_none(),
    }
}

/// Curves whose spikes matter: a throughput that leaps is none.
fn watched(metric: &str) -> bool {
    metric.contains("loss") || metric.contains("grad_norm")
}

/// The alarms of some curves; `silent` is how many seconds ago the last sign of life was, where the
/// run should be alive.
pub fn alarms(curves: &Curves, silent: Option<f64>) -> Vec<Alarm> {
    let mut out = Vec::new();
    for (name, c) in &curves.of {
        if c.not_finite > 0 {
            let last = c.last.filter(|l| !l.1.is_finite());
            let now = if last.is_some() { ", and at the last one" } else { "" };
            let first = c.first_not_finite;
            out.push(Alarm {
                kind: AlarmKind::NotFinite,
                metric: Some(name.clone()),
                step: first,
                value: Some(last.map_or(f64::NAN, |l| l.1)),
                words: format!(
                    "{name} is NaN or infinite at {} of {} values, first at step {}{now}",
                    c.not_finite,
                    c.n,
                    first.unwrap_or(0)
                ),
            });
        }
    }
    for (name, c) in curves.of.iter().filter(|(n, _)| watched(n)) {
        if let Some(s) = c.spikes.last() {
            let more = match c.spikes.len() {
                1 => String::new(),
                n => format!(" ({n} spikes)"),
            };
            out.push(Alarm {
                kind: AlarmKind::Spike,
                metric: Some(name.clone()),
                step: Some(s.step),
                value: Some(s.value),
                words: format!(
                    "{name} leapt to {:.4} at step {} where {:.4} was usual{more}",
                    s.value, s.step, s.usual
                ),
            });
        }
    }
    let patience = curves.pace().patience();
    if let (Some(silent), Some(patience)) = (silent, patience)
        && silent > patience
    {
        let gap = curves.pace().gap.unwrap_or(0.0);
        out.push(Alarm {
            kind: AlarmKind::Stall,
            metric: None,
            step: curves.step(),
            value: Some(silent),
            words: format!(
                "no new step for {silent:.0} s; a row usually comes every {gap:.1} s (alarm: {STALL_GAPS:.0} times that, {STALL_LONGEST:.0} times the longest gap, and {STALL_LEAST:.0} s)"
            ),
        });
    }
    out
}
