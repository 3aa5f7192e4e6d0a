//! What an import tells of a file: how much was read, what was left out, and why.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::domain::CountryCode;

/// Faults that are shown one by one; the others are counted.
const SHOWN: usize = 20;

/// Something wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// 1-based.
    pub line: u64,
    /// What is wrong, what was expected, what was done.
    pub text: String,
}

/// Faults of one kind: all counted, the first twenty kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// All of them.
    pub total: u64,
    /// The first ones, in the order of the file.
    pub first: Vec<Fault>,
}

impl Faults {
    /// Adds one.
    pub fn push(&mut self, line: u64, text: impl Into<String>) {
        self.total += 1;
        if self.first.len() < SHOWN {
            self.first.push(Fault { line, text: text.into() });
        }
    }

    /// Adds those of a later part of the file.
    pub fn merge(&mut self, later: Self) {
        self.total += later.total;
        let room = SHOWN - self.first.len().min(SHOWN);
        self.first.extend(later.first.into_iter().take(room));
    }

    /// Moves all lines by the lines before the part of the file they were counted in.
    pub(super) fn shift(&mut self, before: u64) {
        self.first.iter_mut().for_each(|f| f.line += before);
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// What a file is, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// The released `WVQ.jsonl`.
    ReleasedSeeds,
    /// A country's respondents as released: no weights, summary rows at the end.
    CountryAnswers,
    /// The official survey file, with `W_WEIGHT`.
    OfficialSurvey,
    /// Questions in some language.
    Questionnaire,
    /// Respondents by country, question and code.
    OptionCounts,
}

impl FileKind {
    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::ReleasedSeeds => "released seeds (WVQ.jsonl)",
            Self::CountryAnswers => "respondent rows of a country file",
            Self::OfficialSurvey => "respondent rows of the official survey",
            Self::Questionnaire => "questionnaire",
            Self::OptionCounts => "option counts",
        }
    }
}

/// The report on one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// What it was taken for.
    pub kind: FileKind,
    /// Questions read from it (wordings or columns).
    pub questions: usize,
    /// People in it.
    pub respondents: u64,
    /// People by country.
    pub countries: Vec<(CountryCode, u64)>,
    /// Which weights stand behind the counts, as printed.
    pub weighting: Option<&'static str>,
    /// What was understood, and may be good to know.
    pub notes: Vec<String>,
    /// What a reader must know before using the data.
    pub warnings: Vec<String>,
    /// Lines that were not read.
    pub left_out: Faults,
    /// Cells that were not read.
    pub unreadable: Faults,
}

impl FileReport {
    /// Nothing read yet.
    pub fn new(path: &Path, kind: FileKind) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            questions: 0,
            respondents: 0,
            countries: Vec::new(),
            weighting: None,
            notes: Vec::new(),
            warnings: Vec::new(),
            left_out: Faults::default(),
            unreadable: Faults::default(),
        }
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress<'a> {
    /// The file in hand.
    pub path: &'a Path,
    /// Bytes of it that were read; several threads report, so it may step back a little.
    pub read: u64,
    /// Its size.
    pub bytes: u64,
}
