//! Evaluations: the locked plan, and one row a figure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{CultureId, QuestionId, RunId};

use super::codec::{from_json, from_time, from_word_opt, json, time};
use super::sample_filter::Conditions;
use super::{Reader, StoreError, Tx};

/// One evaluation with the plan it was locked to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// Its id: the run's, or a name.
    pub id: String,
    /// The run that computed it.
    pub run: Option<RunId>,
    /// `survey`, or another evaluation task.
    pub task: String,
    /// The plan.
    pub plan: serde_json::Value,
    /// Of the plan's bytes, in hexadecimal.
    pub plan_sha256: String,
    /// When.
    pub created: Timestamp,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRow {
    /// The model or baseline, as it is printed.
    pub model: String,
    /// The culture it is scored against; `None` for a mean over cultures.
    pub culture: Option<CultureId>,
    /// `held-out-paraphrase`, `held-out-question`, ..
    pub split: String,
    /// The question; `None` for a figure over all.
    pub question: Option<QuestionId>,
    /// `1-jsd`, ..
    pub metric: String,
    /// The figure in the metric's unit; `None` = undefined, and `extra` says why.
    pub value: Option<f64>,
    /// Interval, n, unit, baseline, difference.
    pub extra: serde_json::Value,
}

/// Which rows are wanted; the default wants all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvaluationFilter {
    /// Of this model.
    pub model: Option<String>,
    /// Against this culture.
    pub culture: Option<CultureId>,
    /// On this split.
    pub split: Option<String>,
    /// This metric.
    pub metric: Option<String>,
    /// `Some(true)`: rows of single questions; `Some(false)`: rows over all questions.
    pub by_question: Option<bool>,
}

const COLUMNS: &str = "id, run, task, plan, plan_sha256, created";

fn evaluation(r: &rusqlite::Row<'_>) -> rusqlite::Result<EvaluationRecord> {
    Ok(EvaluationRecord {
        id: r.get(0)?,
        run: from_word_opt(r, 1)?,
        task: r.get(2)?,
        plan: from_json(r, 3)?,
        plan_sha256: r.get(4)?,
        created: from_time(r, 5)?,
    })
}

impl Tx<'_> {
    /// Stores an evaluation. Its plan is locked: the same id with another plan is refused.
    ///
    /// # Errors
    /// The plan differs from the stored one; the database cannot be written.
    pub fn put_evaluation(&self, e: &EvaluationRecord) -> Result<(), StoreError> {
        if let Some(old) = self.evaluation(&e.id)? {
            if old.plan_sha256 == e.plan_sha256 {
                return Ok(());
            }
            return Err(StoreError::Refused {
                path: self.path.to_owned(),
                rule: format!(
                    "evaluation `{}` is locked to plan {}, not {}; a changed plan is a new \
                     evaluation",
                    e.id, old.plan_sha256, e.plan_sha256
                ),
            });
        }
        self.run(
            "INSERT INTO evaluation (id, run, task, plan, plan_sha256, created) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                &e.id,
                e.run.as_ref().map(RunId::as_str),
                &e.task,
                self.sql(json(&e.plan))?,
                &e.plan_sha256,
                time(e.created),
            ),
        )?;
        Ok(())
    }

    /// Stores rows; a row with the same model, culture, split, question and metric is replaced.
    ///
    /// # Errors
    /// No such evaluation; the database cannot be written.
    pub fn put_evaluation_rows(
        &self,
        evaluation: &str,
        rows: &[EvaluationRow],
    ) -> Result<(), StoreError> {
        if self.evaluation(evaluation)?.is_none() {
            return Err(StoreError::not_found(self.path, "evaluation", evaluation));
        }
        for row in rows {
            self.run(
                "INSERT INTO evaluation_row \
                 (evaluation, model, culture, split, question, metric, value, extra) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                 ON CONFLICT (evaluation, model, ifnull(culture, ''), split, \
                              ifnull(question, ''), metric) \
                 DO UPDATE SET value = excluded.value, extra = excluded.extra",
                (
                    evaluation,
                    &row.model,
                    row.culture.as_ref().map(CultureId::as_str),
                    &row.split,
                    row.question.as_ref().map(QuestionId::as_str),
                    &row.metric,
                    row.value,
                    self.sql(json(&row.extra))?,
                ),
            )?;
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// One evaluation.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn evaluation(&self, id: &str) -> Result<Option<EvaluationRecord>, StoreError> {
        self.one(&format!("SELECT {COLUMNS} FROM evaluation WHERE id = ?1"), [id], evaluation)
    }

    /// All evaluations, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn evaluations(&self) -> Result<Vec<EvaluationRecord>, StoreError> {
        self.all(&format!("SELECT {COLUMNS} FROM evaluation ORDER BY created, id"), [], evaluation)
    }

    /// Rows of one evaluation, in the order they were stored.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn evaluation_rows(
        &self,
        id: &str,
        filter: &EvaluationFilter,
    ) -> Result<Vec<EvaluationRow>, StoreError> {
        let mut c = Conditions::default();
        c.add("evaluation = ?", id.to_owned());
        if let Some(x) = &filter.model {
            c.add("model = ?", x.clone());
        }
        if let Some(x) = &filter.culture {
            c.add("culture = ?", x.as_str().to_owned());
        }
        if let Some(x) = &filter.split {
            c.add("split = ?", x.clone());
        }
        if let Some(x) = &filter.metric {
            c.add("metric = ?", x.clone());
        }
        if let Some(x) = filter.by_question {
            c.plain(if x { "question IS NOT NULL" } else { "question IS NULL" });
        }
        let sql = format!(
            "SELECT model, culture, split, question, metric, value, extra \
             FROM evaluation_row{} ORDER BY row",
            c.sql()
        );
        self.all(&sql, rusqlite::params_from_iter(c.params), |r| {
            Ok(EvaluationRow {
                model: r.get(0)?,
                culture: from_word_opt(r, 1)?,
                split: r.get(2)?,
                question: from_word_opt(r, 3)?,
                metric: r.get(4)?,
                value: r.get(5)?,
                extra: from_json(r, 6)?,
            })
        })
    }
}
