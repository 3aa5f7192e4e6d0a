//! Importing questions and answers from files, by what they hold and not by their names.
//! One bad line never loses the others: it stands in the file's report.

mod option_counts;
mod questionnaire;
mod released;
mod respondents;
mod sniff;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::domain::{
    CountryCode, OptionCounts, PaperMeans, Question, QuestionId, Survey, Weighting,
};

use super::{FileKind, FileReport, ImportProgress, SeedsError};
pub(super) use option_counts::read_counts;
pub use sniff::sniff;

/// Questions whose codes must be recoded before they are ordinal (science: "WVS files").
const NEED_RECODING: [u16; 15] =
    [56, 111, 119, 221, 222, 241, 242, 243, 244, 245, 246, 247, 248, 249, 254];

/// Whether the survey's codes of a question are no scale as they stand.
pub fn needs_recoding(id: &QuestionId) -> bool {
    let number = id.as_str().strip_prefix('Q').and_then(|n| n.parse::<u16>().ok());
    number.is_some_and(|n| n > 0 && NEED_RECODING.contains(&n))
}

/// What is wanted from the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Weights behind the counts; `None` takes `W_WEIGHT` where a file has it. For a file without
    /// weights, weights that are asked for are an error.
    pub weighting: Option<Weighting>,
    /// Questions to count in respondent rows; `None` takes those that are known.
    pub questions: Option<BTreeSet<QuestionId>>,
    /// Count every `Q` column of respondent rows, known or not.
    pub every_question: bool,
    /// Threads; 0 takes as many as the machine has.
    pub threads: usize,
}

/// What the files hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imported {
    /// Wordings with scales, in the order of the files; several languages may share an id.
    pub questions: Vec<Question>,
    /// Counts by country and question.
    pub counts: BTreeMap<(CountryCode, QuestionId), OptionCounts>,
    /// The release's means, from respondent rows.
    pub paper_means: BTreeMap<(CountryCode, QuestionId), PaperMeans>,
    /// One report a file that was read.
    pub files: Vec<FileReport>,
    /// Files that were not read at all, and why; the others stand.
    pub refused: Vec<(PathBuf, String)>,
}

impl Imported {
    /// Puts the imported data into a survey: counts and means replace those of the same country
    /// and question, questions those of the same id and language.
    pub fn apply(self, survey: &mut Survey) {
        for question in self.questions {
            let same = |q: &&mut Question| q.id == question.id && q.language == question.language;
            match survey.questions.iter_mut().find(same) {
                Some(old) => *old = question,
                None => survey.questions.push(question),
            }
        }
        for (key, counts) in self.counts {
            // Means belong to the respondents behind the counts that are replaced.
            survey.paper_means.remove(&key);
            survey.counts.insert(key, counts);
        }
        survey.paper_means.extend(self.paper_means);
    }

    /// Takes over the counts of one file; a country and question that another file of this import
    /// already holds is left out and said, because the same people would be counted twice.
    fn add_counts(
        &mut self,
        counts: BTreeMap<(CountryCode, QuestionId), OptionCounts>,
        means: &BTreeMap<(CountryCode, QuestionId), PaperMeans>,
        report: &mut FileReport,
    ) {
        let mut twice: BTreeMap<CountryCode, usize> = BTreeMap::new();
        for (key, value) in counts {
            if self.counts.contains_key(&key) {
                *twice.entry(key.0).or_default() += 1;
                continue;
            }
            if let Some(m) = means.get(&key) {
                self.paper_means.insert(key.clone(), *m);
            }
            self.counts.insert(key, value);
        }
        for (country, n) in twice {
            report.warnings.push(format!(
                "{country}: {n} questions were already imported from another file of this import; \
                 the counts of this file were left out (import one of them alone)"
            ));
        }
    }
}

/// Imports files of any known kind. Questions are read before respondents, whatever the order of
/// the files, so that a flipped column finds its scale. A file that cannot be read is named in
/// [`Imported::refused`]; the others are imported.
///
/// `known` holds the questions of the workspace, or of the sample.
///
/// # Errors
/// The first file's error, when no file could be read at all.
pub fn import(
    paths: &[PathBuf],
    known: &Survey,
    options: &ImportOptions,
    progress: &(dyn Fn(ImportProgress<'_>) + Sync),
) -> Result<Imported, SeedsError> {
    let mut out = Imported::default();
    let mut first_error = None;
    let mut kinds: Vec<(usize, FileKind)> = Vec::new();
    let mut fail = |out: &mut Imported, path: &Path, e: SeedsError| {
        out.refused.push((path.to_owned(), e.to_string()));
        first_error.get_or_insert(e);
    };
    for (i, path) in paths.iter().enumerate() {
        match sniff(path) {
            Ok(kind) => kinds.push((i, kind)),
            Err(e) => fail(&mut out, path, e),
        }
    }
    let of_questions = |k: FileKind| matches!(k, FileKind::ReleasedSeeds | FileKind::Questionnaire);
    kinds.sort_by_key(|&(i, kind)| (!of_questions(kind), i));
    for (i, kind) in kinds {
        let path = &paths[i];
        let result = match kind {
            FileKind::ReleasedSeeds => released::import(path, known, &mut out),
            FileKind::Questionnaire => questionnaire::import(path, known, &mut out),
            FileKind::OptionCounts => option_counts::import(path, &mut out),
            FileKind::CountryAnswers | FileKind::OfficialSurvey => {
                respondents::import(path, kind, known, options, progress, &mut out)
            }
        };
        if let Err(e) = result {
            fail(&mut out, path, e);
        }
    }
    match first_error {
        Some(e) if out.files.is_empty() => Err(e),
        _ => Ok(out),
    }
}
