//! One study on one page: its design, how far it is, its figures, its raters and judges, and what
//! was changed. Read once; [`super::html_of_study`] and [`paper`] print it.

mod flow;
mod paper;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::ReportError;
use crate::domain::StudyId;
use crate::store::{Amendment, Reader, StudyRecord, Withdrawal};
use crate::study::live::{Live, snapshot};
use crate::study::{
    Among, By, Calibration, Groups, Results, ResultsOptions, calibrate, results_by, results_with,
};

pub use flow::Flow;
pub use paper::{PaperForm, paper};

/// How the figures of a report are computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StudyReportOptions {
    /// Bootstrap draws.
    pub draws: usize,
    /// Epsilon of the alternative-annotator test.
    pub epsilon: f64,
    /// The share of "4 or 5" that a threshold of similarity should give.
    pub share: f64,
}

impl Default for StudyReportOptions {
    fn default() -> Self {
        Self { draws: 10_000, epsilon: ResultsOptions::default().epsilon, share: 0.9 }
    }
}

/// A text that raters read, without its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextUsed {
    /// `consent`, `guideline`, ..
    pub kind: String,
    /// BCP 47.
    pub language: String,
    /// Its version.
    pub version: String,
    /// Of its words.
    pub sha256: String,
}

/// A study on one page. No text of an item, no name of a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyReport {
    /// When it was read.
    pub created: Timestamp,
    /// Of the program.
    pub version: String,
    /// How the figures were computed.
    pub options: StudyReportOptions,
    /// The study as it was set up.
    pub record: StudyRecord,
    /// Items and ratings from the plan to the figures.
    pub flow: Flow,
    /// Progress, speed, controls, repeats, drift.
    pub live: Live,
    /// Figures of all people, and of each judge.
    pub results: Results,
    /// Figures by groups; only where there are groups.
    pub groups: Vec<Groups>,
    /// The encoder's similarity against people.
    pub calibration: Option<Calibration>,
    /// Why there is none.
    pub no_calibration: Option<String>,
    /// Texts that raters read.
    pub texts: Vec<TextUsed>,
    /// Versions of the guideline behind the ratings, with the ratings each.
    pub guidelines: BTreeMap<String, usize>,
    /// Versions of the consent text, with the people who agreed to each.
    pub consents: BTreeMap<String, usize>,
    /// What was changed after the plan was fixed.
    pub amendments: Vec<Amendment>,
    /// Who left.
    pub withdrawals: Vec<Withdrawal>,
    /// Where ratings were brought from, with their number.
    pub sources: BTreeMap<String, usize>,
    /// Of the first and the last event of a person.
    pub dates: Option<(Timestamp, Timestamp)>,
}

/// Reads a study.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn gather_study(
    reader: Reader<'_>,
    study: &StudyId,
    options: &StudyReportOptions,
) -> Result<StudyReport, ReportError> {
    let record = reader.need_study(study)?;
    let (draws, seed) = (options.draws, record.seed);
    let asked =
        ResultsOptions { draws, seed, epsilon: options.epsilon, ..ResultsOptions::default() };
    let results = results_with(reader, study, &asked)?;
    let mut groups = Vec::new();
    for by in By::ALL {
        let found = results_by(reader, study, by, Among::People, draws, seed)?;
        // one group that does not say what it is tells nothing
        if found.groups.len() > 1 || found.groups.iter().any(|g| !g.name.starts_with('(')) {
            groups.push(found);
        }
    }
    let (calibration, no_calibration) = match calibrate(reader, study, options.share, draws, seed) {
        Ok(found) => (Some(found), None),
        Err(why) => (None, Some(why.to_string())),
    };
    let mut guidelines: BTreeMap<String, usize> = BTreeMap::new();
    let mut sources: BTreeMap<String, usize> = BTreeMap::new();
    // judges' guidelines stand with the judges
    let people = reader.current_ratings(study)?;
    for row in people.into_iter().filter(|r| r.rater_kind != crate::store::RaterKind::Judge) {
        if let Some(version) = row.guideline_version {
            *guidelines.entry(version).or_default() += 1;
        }
        if let Some(source) = row.source {
            *sources.entry(source).or_default() += 1;
        }
    }
    let mut consents: BTreeMap<String, usize> = BTreeMap::new();
    for consent in reader.raters(study)?.into_iter().filter_map(|r| r.consent) {
        *consents.entry(consent.version).or_default() += 1;
    }
    let text = |t: crate::store::StudyText| TextUsed {
        kind: serde_json::to_value(t.kind)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default(),
        language: t.language,
        version: t.version,
        sha256: t.sha256,
    };
    let (flow, dates) = flow::flow(reader, study)?;
    Ok(StudyReport {
        created: Timestamp::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        options: *options,
        live: snapshot(reader, study, Timestamp::now())?,
        flow,
        dates,
        results,
        groups,
        calibration,
        no_calibration,
        texts: reader.study_texts(study)?.into_iter().map(text).collect(),
        guidelines,
        consents,
        amendments: reader.amendments(study)?,
        withdrawals: reader.withdrawals(study)?,
        sources,
        record,
    })
}
