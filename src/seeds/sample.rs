//! The sample survey inside the binary: 50 seeds in our own wording, ten cultures, and the option
//! counts of their twelve countries (cited facts, unweighted; see `sample_data/NOTICE`).

use serde::{Deserialize, Serialize};

use crate::domain::{Culture, Question, Survey};
use crate::table::{CsvReader, LINE_LIMIT};

use super::SeedsError;
use super::import::read_counts;

const QUESTIONS: &str = include_str!("../../sample_data/questions.json");
const CULTURES: &str = include_str!("../../sample_data/cultures.json");
const OPTION_COUNTS: &str = include_str!("../../sample_data/option_counts.csv");

/// What must be said wherever figures of the sample are shown.
pub const NOTICE: &str = include_str!("../../sample_data/NOTICE");

/// The form of `questions.json`.
#[derive(Debug, Serialize, Deserialize)]
struct QuestionFile {
    version: u32,
    questions: Vec<Question>,
}

/// The form of `cultures.json`.
#[derive(Debug, Serialize, Deserialize)]
struct CultureFile {
    version: u32,
    cultures: Vec<Culture>,
}

fn json<T: serde::de::DeserializeOwned>(
    file: &'static str,
    text: &str,
    version: fn(&T) -> u32,
) -> Result<T, SeedsError> {
    let read: T = serde_json::from_str(text).map_err(|e| SeedsError::Sample {
        file,
        line: Some(e.line() as u64),
        reason: e.to_string(),
    })?;
    if version(&read) == 1 {
        Ok(read)
    } else {
        let reason = format!("version {}: expected 1", version(&read));
        Err(SeedsError::Sample { file, line: None, reason })
    }
}

/// The sample's questions.
///
/// # Errors
/// [`SeedsError::Sample`]: the build holds a broken file.
pub fn questions() -> Result<Vec<Question>, SeedsError> {
    json::<QuestionFile>("questions.json", QUESTIONS, |f| f.version).map(|f| f.questions)
}

/// The sample's cultures: the nine of the paper, and Greek.
///
/// # Errors
/// [`SeedsError::Sample`]: the build holds a broken file.
pub fn cultures() -> Result<Vec<Culture>, SeedsError> {
    json::<CultureFile>("cultures.json", CULTURES, |f| f.version).map(|f| f.cultures)
}

/// The whole sample.
///
/// # Errors
/// [`SeedsError::Sample`]: the build holds a broken file.
pub fn survey() -> Result<Survey, SeedsError> {
    let file = "option_counts.csv";
    let reader = CsvReader::new(OPTION_COUNTS.as_bytes(), file.as_ref(), LINE_LIMIT)?;
    let (counts, report) = read_counts(reader)?;
    if let Some(fault) = report.left_out.first.into_iter().next() {
        return Err(SeedsError::Sample { file, line: Some(fault.line), reason: fault.text });
    }
    Ok(Survey { questions: questions()?, cultures: cultures()?, counts, ..Survey::default() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::{AnswerCode, Cell, CountryCode, MissingKind, QuestionId, Weighting};

    #[test]
    fn every_culture_has_counts_for_its_countries_and_every_count_has_a_culture() {
        let survey = survey().unwrap();
        let ours: BTreeSet<_> = survey.cultures.iter().flat_map(|c| c.countries.clone()).collect();
        let counted: BTreeSet<_> = survey.counts.keys().map(|(c, _)| c.clone()).collect();
        assert_eq!(ours, counted);
        assert_eq!((survey.cultures.len(), ours.len()), (10, 12));
        assert_eq!(survey.counts.len(), 12 * 50);
        assert!(survey.counts.values().all(|c| c.weighting == Weighting::Unweighted));
    }

    #[test]
    fn golden_counts_are_those_of_the_survey() {
        // shared counts worked out from the public release: Iraq Q27, 1,107 and 93 of 1,200
        let survey = survey().unwrap();
        let key = |c: &str, q: &str| (CountryCode::new(c).unwrap(), QuestionId::new(q).unwrap());
        let iraq = &survey.counts[&key("IRQ", "Q27")];
        assert_eq!((iraq.valid[&1].n, iraq.valid[&2].n), (1107, 93));
        // never asked in Iraq and Jordan, and 18 questions in China
        let not_asked = &survey.counts[&key("IRQ", "Q36")];
        assert!(not_asked.not_asked());
        assert_eq!(not_asked.missing[&MissingKind::NotAsked].n, 1200);
        let china = survey.counts.iter().filter(|((c, _), n)| c.as_str() == "CHN" && n.not_asked());
        assert_eq!(china.count(), 18);
    }

    #[test]
    fn what_was_not_asked_and_what_is_unknown_are_different_cells() {
        let survey = survey().unwrap();
        for q in &survey.questions {
            for culture in &survey.cultures {
                for country in &culture.countries {
                    let cell = survey.cell(country, q);
                    assert_ne!(cell, Cell::NoData, "{country} {}", q.id);
                }
            }
        }
        assert!(AnswerCode::from_code(-4).is_some());
    }
}
