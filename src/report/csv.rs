//! Every figure of every evaluation as one long table.

use super::{ReportError, WorkspaceReport};

const HEAD: [&str; 17] = [
    "evaluation",
    "task",
    "plan_sha256",
    "created",
    "model",
    "culture",
    "split",
    "question",
    "metric",
    "value",
    "ci_lo",
    "ci_hi",
    "n",
    "unit",
    "diff",
    "diff_lo",
    "diff_hi",
];

/// The rows as CSV (RFC 4180), one figure a line. Undefined values are empty.
///
/// # Errors
/// None that a string in memory can have; the signature is that of its writer.
pub fn csv(r: &WorkspaceReport) -> Result<String, ReportError> {
    let mut w = ::csv::Writer::from_writer(Vec::new());
    let wrong = |e: ::csv::Error| ReportError::Csv(e.to_string());
    w.write_record(HEAD).map_err(wrong)?;
    let number = |x: Option<f64>| x.map_or_else(String::new, |v| v.to_string());
    for e in &r.evaluations {
        for row in &e.rows {
            let x = &row.extra;
            w.write_record([
                e.id.clone(),
                e.task.clone(),
                e.plan_sha256.clone(),
                e.created.to_string(),
                row.model.clone(),
                row.culture.as_ref().map_or_else(String::new, ToString::to_string),
                row.split.clone(),
                row.question.as_ref().map_or_else(String::new, ToString::to_string),
                row.metric.clone(),
                number(row.value),
                number(x["ci"][0].as_f64()),
                number(x["ci"][1].as_f64()),
                x["n"].as_u64().map_or_else(String::new, |n| n.to_string()),
                x["unit"].as_str().unwrap_or_default().to_owned(),
                number(x["diff"].as_f64()),
                number(x["diff_ci"][0].as_f64()),
                number(x["diff_ci"][1].as_f64()),
            ])
            .map_err(wrong)?;
        }
    }
    let bytes = w.into_inner().map_err(|e| ReportError::Csv(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| ReportError::Csv(e.to_string()))
}
