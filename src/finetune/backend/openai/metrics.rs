//! Events of a job as rows of our metrics and lines of the log.

use serde_json::Value;

/// An event as it is told on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) words: String,
    /// Step, steps in all, values.
    pub(super) row: Option<(u64, Option<u64>, Vec<(String, f64)>)>,
}

/// Reads one event; whatever it lacks is left out.
pub(super) fn told(event: &Value) -> Told {
    let id = event["id"].as_str().unwrap_or_default().to_owned();
    let words = event["message"].as_str().unwrap_or_default().to_owned();
    let data = &event["data"];
    let row = data["step"].as_u64().and_then(|step| {
        let values: Vec<(String, f64)> = data
            .as_object()?
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "step" | "total_steps"))
            .filter_map(|(name, v)| {
                let x = v.as_f64().or_else(|| v.as_str().and_then(|s| s.parse().ok()))?;
                let ours = match name.as_str() {
                    "train_loss" => "loss",
                    "valid_loss" => "eval_loss",
                    other => other,
                };
                Some((ours.to_owned(), x))
            })
            .collect();
        (!values.is_empty()).then(|| (step, data["total_steps"].as_u64(), values))
    });
    Told { id, words, row }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metrics_become_rows_and_whatever_else_comes_is_no_panic() {
        let e = json!({"id": "ftevent-1", "type": "metrics", "message": "Step 3/9", "data":
            {"step": 3, "total_steps": 9, "train_loss": 0.5, "valid_loss": 0.7, "other": [1]}});
        let t = told(&e);
        let (step, total, values) = t.row.unwrap();
        assert_eq!((step, total), (3, Some(9)));
        assert_eq!(values, [("loss".to_owned(), 0.5), ("eval_loss".to_owned(), 0.7)]);
        assert!(
            told(&json!({"data": {"step": 1, "train_loss": "NaN"}})).row.unwrap().2[0].1.is_nan()
        );
        for odd in [json!(null), json!([]), json!({"data": {"step": -1}}), json!({"data": 3})] {
            assert_eq!(told(&odd).row, None);
        }
    }
}
