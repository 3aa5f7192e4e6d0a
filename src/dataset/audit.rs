//! The audit: what would make a model learn nonsense, row by row. Own datasets are refused by it,
//! files of others are described by it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::leak::NEAR_EDITS;
use super::{normal_text, word_edits};
use crate::domain::{
    Cell, Culture, CultureCell, Distribution, DomainError, Example, Question, QuestionId, Survey,
    Target,
};

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The same prompt and culture with another label.
    Contradiction,
    /// The same prompt, culture and label again.
    Duplicate,
    /// A label that is no option of the scale.
    OutOfScale,
    /// A label for a question that was not asked in this culture, or has no answers there.
    NeverAsked,
    /// A label where options were not offered.
    OptionNotOffered,
    /// A training text that is, or nearly is, a test text.
    TrainTestLeak,
    /// A template family, template or substitution rule used on both sides.
    SharedRule,
    /// A question that the survey does not have.
    UnknownQuestion,
    /// A culture that the survey does not have.
    UnknownCulture,
    /// A label that is neither a code nor shares.
    UnreadableLabel,
}

impl FindingKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Contradiction,
        Self::Duplicate,
        Self::OutOfScale,
        Self::NeverAsked,
        Self::OptionNotOffered,
        Self::TrainTestLeak,
        Self::SharedRule,
        Self::UnknownQuestion,
        Self::UnknownCulture,
        Self::UnreadableLabel,
    ];

    /// `contradiction`, `train-test-leak`, ..
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Duplicate => "duplicate",
            Self::OutOfScale => "out-of-scale",
            Self::NeverAsked => "never-asked",
            Self::OptionNotOffered => "option-not-offered",
            Self::TrainTestLeak => "train-test-leak",
            Self::SharedRule => "shared-rule",
            Self::UnknownQuestion => "unknown-question",
            Self::UnknownCulture => "unknown-culture",
            Self::UnreadableLabel => "unreadable-label",
        }
    }
}

impl std::str::FromStr for FindingKind {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| DomainError::UnknownWord {
            what: "kind of finding",
            value: s.into(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// One row that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The file, or the name of the dataset.
    pub file: String,
    /// 1-based row (for a file: its line).
    pub row: u64,
    /// Another row it collides with: the first one, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<u64>,
    /// In words.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}: {}: {}", self.file, self.row, self.kind.as_str(), self.detail)
    }
}

/// A label as found.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditLabel {
    /// A code.
    Code(i64),
    /// Shares by rank.
    Soft(Distribution),
    /// Something else.
    Unreadable(String),
}

impl AuditLabel {
    fn key(&self) -> String {
        match self {
            Self::Code(c) => c.to_string(),
            Self::Soft(d) => {
                d.shares().iter().map(|p| format!("{p:.9}")).collect::<Vec<_>>().join(" ")
            }
            Self::Unreadable(s) => s.clone(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Code(c) => c.to_string(),
            Self::Soft(d) => {
                let p: Vec<String> = d.shares().iter().map(|p| format!("{p:.2}")).collect();
                format!("[{}]", p.join(" "))
            }
            Self::Unreadable(s) => format!("`{s}`"),
        }
    }
}

/// A row to look at, whatever it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// The file, or the name of the dataset.
    pub file: String,
    /// 1-based.
    pub row: u64,
    /// All that the model reads: system message and user message, or the bare text for examples.
    pub prompt: String,
    /// The sentence that is asked, where it could be told from the prompt.
    pub text: String,
    /// The culture's id; `None` for culture-blind rows and where the file does not say.
    pub culture: Option<String>,
    /// The question, where it is known.
    pub question: Option<QuestionId>,
    /// Lowest and highest code that the prompt itself allows, where it says so.
    pub range: Option<(i64, i64)>,
    /// The label.
    pub label: AuditLabel,
}

/// Rows of own examples, for [`audit`].
pub fn rows_of(examples: &[Example], name: &str) -> Vec<AuditRow> {
    examples
        .iter()
        .enumerate()
        .map(|(i, e)| AuditRow {
            file: name.to_owned(),
            row: i as u64 + 1,
            prompt: format!("{} {}", e.question, e.text),
            text: e.text.clone(),
            culture: e.culture.as_ref().map(ToString::to_string),
            question: Some(e.question.clone()),
            range: None,
            label: match &e.target {
                Target::Hard(code) => AuditLabel::Code(i64::from(*code)),
                Target::Soft(d) => AuditLabel::Soft(d.clone()),
            },
        })
        .collect()
}

/// What an audit saw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditReport {
    /// Rows looked at.
    pub rows: u64,
    /// Different prompts (with their culture) among them.
    pub distinct_prompts: u64,
    /// Rows whose question is not known: what needs the survey was not checked for them.
    pub unresolved: u64,
    /// All findings, by file order and row.
    pub findings: Vec<Finding>,
}

impl AuditReport {
    /// Rows with a finding of this kind.
    pub fn rows_with(&self, kind: FindingKind) -> u64 {
        let mut rows: Vec<(&str, u64)> = self
            .findings
            .iter()
            .filter(|f| f.kind == kind)
            .map(|f| (f.file.as_str(), f.row))
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows.len() as u64
    }

    /// Share of rows with a finding of this kind, 0 to 1. For contradictions: all rows of a prompt
    /// that has more than one label, as counted in science ("China 42 %").
    pub fn share(&self, kind: FindingKind) -> f64 {
        if self.rows == 0 { 0.0 } else { self.rows_with(kind) as f64 / self.rows as f64 }
    }

    /// Counts by kind, without the kinds that were not found.
    pub fn by_kind(&self) -> BTreeMap<FindingKind, u64> {
        FindingKind::ALL
            .into_iter()
            .map(|k| (k, self.rows_with(k)))
            .filter(|(_, n)| *n > 0)
            .collect()
    }
}

/// Looks at every row: alone, against the others, against the survey and against the test rows.
pub fn audit(rows: &[AuditRow], survey: Option<&Survey>, test: &[AuditRow]) -> AuditReport {
    let mut report = AuditReport { rows: rows.len() as u64, ..AuditReport::default() };
    let mut found: Vec<(usize, Finding)> = Vec::new();
    same_prompts(rows, &mut report, &mut found);
    let cells = survey.map(Cells::new);
    for (i, r) in rows.iter().enumerate() {
        let mut say = |kind, detail: String| found.push((i, finding(r, kind, None, detail)));
        if let AuditLabel::Unreadable(s) = &r.label {
            say(FindingKind::UnreadableLabel, format!("`{s}` is neither a code nor shares"));
        }
        if r.question.is_none() {
            report.unresolved += 1;
        }
        if let (Some((lo, hi)), AuditLabel::Code(c)) = (r.range, &r.label)
            && !(lo..=hi).contains(c)
        {
            say(FindingKind::OutOfScale, format!("the label {c} is not among {lo} to {hi}"));
        }
        if let Some(cells) = &cells {
            cells.look(r, &mut say);
        }
    }
    against_test(rows, test, &mut found);
    found.sort_by_key(|(i, f)| (*i, f.kind));
    report.findings = found.into_iter().map(|(_, f)| f).collect();
    report
}

fn finding(r: &AuditRow, kind: FindingKind, also: Option<u64>, detail: String) -> Finding {
    Finding { kind, file: r.file.clone(), row: r.row, also, detail }
}

/// Contradictions and duplicates.
fn same_prompts(rows: &[AuditRow], report: &mut AuditReport, found: &mut Vec<(usize, Finding)>) {
    let mut groups: HashMap<(String, Option<&str>), Vec<usize>> = HashMap::new();
    for (i, r) in rows.iter().enumerate() {
        groups.entry((normal_text(&r.prompt), r.culture.as_deref())).or_default().push(i);
    }
    report.distinct_prompts = groups.len() as u64;
    for group in groups.values().filter(|g| g.len() > 1) {
        let mut first_of: BTreeMap<String, usize> = BTreeMap::new();
        for &i in group {
            let r = &rows[i];
            match first_of.get(&r.label.key()) {
                Some(&first) => found.push((
                    i,
                    finding(
                        r,
                        FindingKind::Duplicate,
                        Some(rows[first].row),
                        format!("the same as row {}", rows[first].row),
                    ),
                )),
                None => {
                    first_of.insert(r.label.key(), i);
                }
            }
        }
        if first_of.len() > 1 {
            for &i in group {
                let r = &rows[i];
                let others: Vec<usize> =
                    first_of.values().copied().filter(|&j| rows[j].label != r.label).collect();
                let Some(&j) = others.first() else { continue };
                found.push((
                    i,
                    finding(
                        r,
                        FindingKind::Contradiction,
                        Some(rows[j].row),
                        format!(
                            "label {}, but row {} has {} for the same prompt and culture",
                            r.label.shown(),
                            rows[j].row,
                            rows[j].label.shown()
                        ),
                    ),
                ));
            }
        }
    }
}

/// A normalised text and its question.
type TextOf<'a> = (String, Option<&'a QuestionId>);

/// Training texts that are test texts of the same question, or one word away from one.
fn against_test(rows: &[AuditRow], test: &[AuditRow], found: &mut Vec<(usize, Finding)>) {
    let tests: Vec<String> = test.iter().map(|t| normal_text(&t.text)).collect();
    // Many rows repeat one text for several cultures: each text is compared once.
    let mut seen: HashMap<TextOf<'_>, Option<(usize, usize)>> = HashMap::new();
    for (i, r) in rows.iter().enumerate() {
        let text = normal_text(&r.text);
        let words = text.split(' ').count();
        let hit = seen.entry((text.clone(), r.question.as_ref())).or_insert_with(|| {
            tests
                .iter()
                .enumerate()
                .filter(|(j, t)| {
                    let other = &test[*j].question;
                    **t == text
                        || (*other == r.question || other.is_none() || r.question.is_none())
                            && t.split(' ').count().abs_diff(words) <= NEAR_EDITS
                })
                .map(|(j, t)| (j, word_edits(t, &text)))
                .find(|(_, edits)| *edits <= NEAR_EDITS)
        });
        if let Some((j, edits)) = *hit {
            let t = &test[j];
            let near = if edits == 0 { "is" } else { "is one word away from" };
            found.push((
                i,
                finding(
                    r,
                    FindingKind::TrainTestLeak,
                    Some(t.row),
                    format!("the text {near} row {} of {}", t.row, t.file),
                ),
            ));
        }
    }
}

/// What the survey says of every culture and question, looked up once.
struct Cells<'a> {
    survey: &'a Survey,
    cells: HashMap<(&'a str, &'a QuestionId), (&'a Culture, Option<CultureCell>)>,
}

impl<'a> Cells<'a> {
    fn new(survey: &'a Survey) -> Self {
        let mut cells = HashMap::new();
        for c in &survey.cultures {
            for q in &survey.questions {
                cells.insert((c.id.as_str(), &q.id), (c, survey.culture_cell(c, q)));
            }
        }
        Self { survey, cells }
    }

    fn look(&self, r: &AuditRow, say: &mut impl FnMut(FindingKind, String)) {
        let Some(id) = &r.question else { return };
        let Some(question) = self.survey.question(id) else {
            say(FindingKind::UnknownQuestion, format!("{id} is not in the survey"));
            return;
        };
        on_scale(r, question, say);
        let Some(culture) = &r.culture else { return };
        match self.cells.get(&(culture.as_str(), id)) {
            None => say(FindingKind::UnknownCulture, format!("`{culture}` is not in the survey")),
            Some((c, None)) => {
                let why = match c.countries.iter().map(|x| self.survey.cell(x, question)).next() {
                    Some(Cell::NotAsked) => "was not asked",
                    Some(Cell::AllMissing { .. }) => "has no valid answer",
                    _ => "has no data",
                };
                say(FindingKind::NeverAsked, format!("{id} {why} in {culture}"));
            }
            Some((_, Some(cell))) if cell.has_option_not_offered() => say(
                FindingKind::OptionNotOffered,
                format!("the end options of {id} were not offered in {culture}"),
            ),
            Some(_) => {}
        }
    }
}

fn on_scale(r: &AuditRow, q: &Question, say: &mut impl FnMut(FindingKind, String)) {
    match &r.label {
        // Where the prompt states its range, that was looked at already.
        AuditLabel::Code(c)
            if r.range.is_none() && !u8::try_from(*c).is_ok_and(|c| q.scale.has(c)) =>
        {
            say(
                FindingKind::OutOfScale,
                format!("the label {c} is no option of {}: {:?}", q.id, q.scale.codes()),
            );
        }
        AuditLabel::Soft(d) if d.len() != q.scale.len() => say(
            FindingKind::OutOfScale,
            format!("{} shares for the {} options of {}", d.len(), q.scale.len(), q.id),
        ),
        _ => {}
    }
}
