//! Evaluations as a list shows them: without their plans, which may be large.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::RunId;

use super::codec::{from_time, from_word_opt};
use super::{Reader, StoreError};

/// One evaluation in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationHead {
    /// Its id: the run's, or a name.
    pub id: String,
    /// The run that computed it.
    pub run: Option<RunId>,
    /// `survey`, or another evaluation task.
    pub task: String,
    /// When.
    pub created: Timestamp,
    /// Of the plan's bytes, in hexadecimal.
    pub plan_sha256: String,
    /// Models or arms that the plan names, in its order.
    pub models: Vec<String>,
    /// The arm that all others are compared with, where the plan names one.
    pub against: Option<String>,
    /// Sets of texts, where the plan has some.
    pub sets: u64,
    /// Most units behind a figure over all cultures; `None` where no row says it.
    pub n: Option<u64>,
    /// Figures.
    pub rows: u64,
}

const HEADS: &str = "\
SELECT e.id, e.run, e.task, e.created, e.plan_sha256, \
       json_extract(e.plan, '$.models'), json_extract(e.plan, '$.first.name'), \
       json_extract(e.plan, '$.second.name'), json_extract(e.plan, '$.against'), \
       coalesce(json_array_length(e.plan, '$.sets'), 0), \
       (SELECT max(CASE WHEN r.culture IS NULL THEN json_extract(r.extra, '$.n') END) \
          FROM evaluation_row r WHERE r.evaluation = e.id AND r.question IS NULL), \
       (SELECT count(*) FROM evaluation_row r WHERE r.evaluation = e.id) \
FROM evaluation e ORDER BY e.created DESC, e.id DESC LIMIT ?1";

/// Names of models, whatever the task's plan says of each.
fn names(models: Option<&str>) -> Vec<String> {
    let value: Value = models.and_then(|m| serde_json::from_str(m).ok()).unwrap_or_default();
    let mut out: Vec<String> = Vec::new();
    for m in value.as_array().into_iter().flatten() {
        let name = m.as_str().or(m["arm"].as_str()).or(m["name"].as_str());
        if let Some(name) = name.filter(|n| out.iter().all(|o| o != n)) {
            out.push(name.to_owned());
        }
    }
    out
}

/// What SQL counts is never below 0.
fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

impl Reader<'_> {
    /// The newest evaluations, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn evaluation_heads(&self, limit: u32) -> Result<Vec<EvaluationHead>, StoreError> {
        self.all(HEADS, [limit], |r| {
            let models: Option<String> = r.get(5)?;
            let pair: [Option<String>; 2] = [r.get(6)?, r.get(7)?];
            let mut models = names(models.as_deref());
            models.extend(pair.into_iter().flatten());
            Ok(EvaluationHead {
                id: r.get(0)?,
                run: from_word_opt(r, 1)?,
                task: r.get(2)?,
                created: from_time(r, 3)?,
                plan_sha256: r.get(4)?,
                models,
                against: r.get(8)?,
                sets: count(r.get(9)?),
                n: r.get::<_, Option<i64>>(10)?.map(count),
                rows: count(r.get(11)?),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_named_whatever_a_plan_calls_them() {
        assert_eq!(names(None), Vec::<String>::new());
        assert_eq!(names(Some("3")), Vec::<String>::new());
        let arms = r#"[{"arm": "a", "seed": 1}, {"arm": "a", "seed": 2}, {"name": "b"}, "c", 4]"#;
        assert_eq!(names(Some(arms)), ["a", "b", "c"]);
    }
}
