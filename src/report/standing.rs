//! Where a workspace stands, in counts: what an overview shows, cheap enough to be read again at
//! every change. The whole story is [`gather`](super::gather).

use jiff::Timestamp;

use super::ReportError;
use crate::domain::StudyId;
use crate::store::{EvaluationFilter, EvaluationRow, Reader, SampleFilter};
use crate::study::{self, Figure, StudyStatus};

/// Draws behind the interval of the agreement shown here.
const DRAWS: usize = 1_000;

/// Counts of a workspace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Seeds.
    pub seeds: usize,
    /// Cultures.
    pub cultures: usize,
    /// Samples kept.
    pub kept: u64,
    /// Samples rejected.
    pub rejected: u64,
    /// Proposals that failed.
    pub failed: u64,
    /// The commonest reason of a rejection, with its count.
    pub first_reason: Option<(String, u64)>,
    /// Studies, newest last.
    pub studies: Vec<StudyStanding>,
    /// Datasets.
    pub datasets: usize,
    /// Names of the datasets that no model was trained on.
    pub untrained: usize,
    /// Registered models.
    pub models: usize,
    /// Evaluations.
    pub evaluations: usize,
    /// The best model of the newest evaluation.
    pub best: Option<Best>,
}

/// A study in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyStanding {
    /// Its name.
    pub id: StudyId,
    /// How far it is.
    pub status: StudyStatus,
    /// Ordinal alpha, AC2 and raw agreement, which belong together in print; none while there are
    /// no ratings.
    pub agreement: Vec<Figure>,
    /// Why there is none.
    pub undefined: Option<String>,
}

/// The best model of an evaluation, and what it is to be held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The evaluation.
    pub evaluation: String,
    /// Its task.
    pub task: String,
    /// When.
    pub created: Timestamp,
    /// The row.
    pub row: EvaluationRow,
}

impl Best {
    /// The interval, where there is one.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let ci = &self.row.extra["ci"];
        Some((ci[0].as_f64()?, ci[1].as_f64()?))
    }
}

/// Splits by how much they say about a model: unseen wordings, unseen questions, the seeds themselves.
const SPLITS: [&str; 3] = ["held-out-paraphrase", "held-out-question", "seed-wording"];
/// What the tasks are mainly measured by.
const METRICS: [&str; 3] = ["1-jsd", "macro-f1", "win-rate"];

/// Reads where a workspace stands.
///
/// # Errors
/// The database cannot be read.
pub fn standing(reader: Reader<'_>) -> Result<Standing, ReportError> {
    let mut out = Standing { cultures: reader.cultures()?.len(), ..Standing::default() };
    out.seeds = usize::try_from(reader.question_count()?).unwrap_or(usize::MAX);
    for c in reader.sample_counts(&SampleFilter::default())? {
        match c.decision.as_str() {
            "kept" => out.kept += c.n,
            "rejected" => {
                out.rejected += c.n;
                if out.first_reason.as_ref().is_none_or(|(_, n)| c.n > *n) {
                    out.first_reason = Some((c.reason, c.n));
                }
            }
            _ => out.failed += c.n,
        }
    }
    for record in reader.studies()? {
        let status = study::status(reader, &record.id)?;
        let (mut agreement, mut undefined) = (Vec::new(), None);
        if status.rated > 0 {
            let results = study::results(reader, &record.id, DRAWS, record.seed)?;
            undefined = results.undefined;
            let report = results.agreement;
            agreement = ["alpha-ordinal", "ac2-quadratic", "raw"]
                .iter()
                .filter_map(|name| report.as_ref()?.figure(name).cloned())
                .collect();
        }
        out.studies.push(StudyStanding { id: record.id, status, agreement, undefined });
    }
    let (datasets, models) = (reader.datasets()?, reader.models()?);
    out.untrained = datasets
        .iter()
        .filter(|d| !models.iter().any(|m| m.dataset.as_ref() == Some(&d.name)))
        .count();
    (out.datasets, out.models) = (datasets.len(), models.len());
    let evaluations = reader.evaluations()?;
    out.evaluations = evaluations.len();
    if let Some(e) = evaluations.last() {
        let filter = EvaluationFilter { by_question: Some(false), ..EvaluationFilter::default() };
        let rows = reader.evaluation_rows(&e.id, &filter)?;
        out.best = best(&rows).map(|row| Best {
            evaluation: e.id.clone(),
            task: e.task.clone(),
            created: e.created,
            row: row.clone(),
        });
    }
    Ok(out)
}

/// The trained model with the highest figure over all cultures, on the split that says most.
fn best(rows: &[EvaluationRow]) -> Option<&EvaluationRow> {
    let trained = |r: &EvaluationRow| r.extra["seeds"].as_u64().unwrap_or(0) > 0;
    for only_trained in [true, false] {
        for split in SPLITS.into_iter().map(Some).chain([None]) {
            let found = rows
                .iter()
                .filter(|r| r.culture.is_none() && r.value.is_some())
                .filter(|r| METRICS.contains(&r.metric.as_str()))
                .filter(|r| split.is_none_or(|s| r.split == s))
                .filter(|r| !only_trained || trained(r))
                .max_by(|a, b| a.value.unwrap_or(f64::MIN).total_cmp(&b.value.unwrap_or(f64::MIN)));
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Workspace;

    fn row(model: &str, split: &str, value: Option<f64>, seeds: u64) -> EvaluationRow {
        EvaluationRow {
            model: model.into(),
            culture: None,
            split: split.into(),
            question: None,
            metric: "1-jsd".into(),
            value,
            extra: serde_json::json!({"seeds": seeds, "ci": [0.1, 0.2]}),
        }
    }

    #[test]
    fn the_best_model_is_a_trained_one_on_the_split_that_says_most() {
        let rows = [
            row("lookup", "held-out-paraphrase", Some(1.0), 0),
            row("a", "held-out-paraphrase", Some(0.8), 3),
            row("b", "held-out-paraphrase", Some(0.9), 3),
            row("b", "seed-wording", Some(0.99), 3),
            row("c", "held-out-paraphrase", None, 3),
        ];
        let found = best(&rows).unwrap();
        assert_eq!((found.model.as_str(), found.value), ("b", Some(0.9)));
        assert_eq!(best(&rows[..1]).unwrap().model, "lookup");
        assert!(best(&[]).is_none());
    }

    #[test]
    fn a_fresh_workspace_has_seeds_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Workspace::create(dir.path()).unwrap();
        let survey = crate::seeds::sample::survey().unwrap();
        store.write(|tx| tx.put_survey(&survey)).unwrap();
        let s = standing(store.read()).unwrap();
        assert!(s.seeds > 0 && s.cultures > 0);
        assert_eq!((s.kept, s.studies.len(), s.evaluations, s.best), (0, 0, 0, None));
    }
}
