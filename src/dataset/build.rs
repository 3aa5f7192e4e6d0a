//! Seeds and kept samples, times cultures, into examples.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::audit::{audit, rows_of};
use super::label::{Label, LabelNote, Refusal, Refused, labels, target};
use super::leak::leaks;
use super::wording::{Wording, origin, wording};
use super::{AuditLabel, AuditReport, AuditRow, DatasetError, FindingKind};
use crate::domain::{
    Culture, CultureId, Decision, Distribution, Example, LabelPolicy, Question, QuestionId,
    RatedAtLeast, Sample, SampleId, Survey, Target, Weighting,
};

/// Which texts are used: the arms of the paper's ablation (section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stages {
    /// The seeds' own wording.
    SeedsOnly,
    /// Seeds and the samples of stage 1.
    Templates,
    /// Seeds and the samples of both stages, imported ones included.
    Both,
}

/// Whose answers the targets are, and whether the prompt names the culture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "arm", rename_all = "kebab-case")]
pub enum Arm {
    /// One culture's own answers.
    Culture {
        /// Whose.
        culture: CultureId,
    },
    /// Every culture's own answers, each row naming its culture (the paper's "One").
    One,
    /// Control: the mixture of all cultures as the target of every row.
    Blind {
        /// Whether rows name cultures all the same: as many rows as [`Arm::One`], same prompts.
        named: bool,
    },
    /// Control: the same share for each option, on the rows of [`Arm::One`].
    Uniform,
}

/// Everything that decides what a dataset holds. Stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSpec {
    /// Name, as used in findings and the card.
    pub name: String,
    /// How answers become targets.
    pub policy: LabelPolicy,
    /// Whose answers.
    pub arm: Arm,
    /// Which texts.
    pub stages: Stages,
    /// At most this many texts, the seeds counted first. Samples are taken question by question in
    /// an order of their own, so that the texts of a smaller set lie in every larger one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<usize>,
    /// Only samples that people rated so; the seeds' own wording stays. Who builds asks the ratings
    /// as they stand at that moment ([`Dataset::rated`] has the counts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rated: Option<RatedAtLeast>,
    /// Language of the texts (BCP 47), where translations are wanted instead of the survey's own
    /// wording. The frame of the prompt and its options stay in the survey's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Cultures in view (the mixture is over them); empty = all of the survey.
    #[serde(default)]
    pub cultures: Vec<CultureId>,
    /// Questions that stay out entirely.
    #[serde(default)]
    pub held_out_questions: Vec<QuestionId>,
    /// Kinds of findings that do not stop the build. They are still listed.
    #[serde(default)]
    pub allow: BTreeSet<FindingKind>,
}

/// What a dataset is made from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// Questions, cultures and answers.
    pub survey: &'a Survey,
    /// Samples of the training augmentation; only kept ones are used.
    pub samples: &'a [Sample],
    /// Samples of the held-out augmentation: the test paraphrases that must not leak.
    pub held_out: &'a [Sample],
    /// What people said about samples; looked at only where the spec asks for rated ones.
    pub said: &'a BTreeMap<SampleId, Scores>,
}

/// Scores that people gave to a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scores {
    /// How many.
    pub n: u32,
    /// Their sum.
    pub sum: u32,
    /// How many different people gave them.
    pub raters: u32,
}

/// A note on the label of one culture and question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellNote {
    /// The culture; `None` for the mixture.
    pub culture: Option<CultureId>,
    /// The question.
    pub question: QuestionId,
    /// What must be known.
    pub note: LabelNote,
}

/// What ratings left of the samples, at the time of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatedCount {
    /// Kept samples that the rest of the spec asks for.
    pub of: usize,
    /// Of those, rated by anybody whose ratings count.
    pub rated: usize,
    /// Of those, rated well enough: these are used.
    pub used: usize,
    /// Scores behind the samples that are used.
    pub scores: u64,
}

/// A dataset with all that was refused, noted and found.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What was asked for.
    pub spec: DatasetSpec,
    /// The rows, seeds first, in the order of the survey.
    pub examples: Vec<Example>,
    /// Cultures and questions without a label: not asked, options not offered, ..
    pub refused: Vec<Refused>,
    /// Ties, partial cultures, flags, approximations.
    pub notes: Vec<CellNote>,
    /// The weights behind the counts.
    pub weighting: BTreeSet<Weighting>,
    /// What ratings left of the samples, where they were asked.
    pub rated: Option<RatedCount>,
    /// The audit, allowed findings included.
    pub audit: AuditReport,
}

/// The equal-weight mean of the cultures whose answers may be used; `None` where there is none.
/// With it the number of cultures and the sum of their effective n.
pub fn mixture(
    survey: &Survey,
    cultures: &[&Culture],
    question: &Question,
) -> Option<(Distribution, usize, f64)> {
    let cells: Vec<_> = cultures.iter().filter_map(|c| survey.usable(c, question).ok()).collect();
    let mean = Distribution::mean(cells.iter().map(|c| &c.distribution)).ok()?;
    Some((mean, cells.len(), cells.iter().map(|c| c.effective_n).sum()))
}

/// Those that people rated so.
fn only_rated<'a>(
    wanted: &RatedAtLeast,
    used: &[&'a Sample],
    said: &BTreeMap<SampleId, Scores>,
) -> Result<(Vec<&'a Sample>, RatedCount), DatasetError> {
    let rated: Vec<(&Sample, Scores)> =
        used.iter().filter_map(|s| Some((*s, *said.get(&s.id)?))).collect();
    let (mut left, mut scores) = (Vec::new(), 0);
    for (sample, s) in rated.iter().filter(|(_, s)| wanted.holds(s.n, s.sum, s.raters)) {
        left.push(*sample);
        scores += u64::from(s.n);
    }
    let count = RatedCount { of: used.len(), rated: rated.len(), used: left.len(), scores };
    if left.is_empty() {
        return Err(DatasetError::NoneRated { wanted: wanted.clone(), count });
    }
    Ok((left, count))
}

/// The samples that make `n` texts together with the seeds: the first of every question, then the
/// second, each question's own in the order of a hash of their ids.
fn first_texts<'a>(
    used: &[&'a Sample],
    questions: &[&Question],
    n: usize,
) -> Result<Vec<&'a Sample>, DatasetError> {
    let all = questions.len() + used.len();
    if n < questions.len() || n > all {
        return Err(DatasetError::Texts { wanted: n, seeds: questions.len(), all });
    }
    // By the text it was made from: a smaller set holds the same texts in every language.
    let key = |s: &Sample| Sha256::digest(origin(s).as_bytes());
    let mut ranked: Vec<(usize, &Sample)> = Vec::with_capacity(used.len());
    for q in questions {
        let mut own: Vec<&Sample> = used.iter().copied().filter(|s| s.seed == q.id).collect();
        own.sort_by_key(|s| key(s));
        ranked.extend(own.into_iter().enumerate());
    }
    ranked.sort_by_key(|(place, s)| (*place, key(s)));
    ranked.truncate(n - questions.len());
    Ok(ranked.into_iter().map(|(_, s)| s).collect())
}

/// Makes a dataset, audits it, and refuses it where the audit finds what is not allowed.
///
/// # Errors
/// [`DatasetError::Refused`] with all rows; an unknown culture or question; a policy and an arm
/// that do not go together; no example left.
pub fn build(spec: &DatasetSpec, sources: &Sources<'_>) -> Result<Dataset, DatasetError> {
    let survey = sources.survey;
    check(spec, survey)?;
    let cultures = in_view(spec, survey)?;
    let questions: Vec<&Question> =
        survey.questions.iter().filter(|q| !spec.held_out_questions.contains(&q.id)).collect();
    let wording = wording(spec.language.as_deref(), spec.stages, &questions, sources.samples);
    let (questions, unworded): (Vec<&Question>, Vec<&Question>) =
        questions.into_iter().partition(|q| wording.seeds.contains_key(&q.id));
    let used: Vec<&Sample> = wording
        .samples
        .iter()
        .copied()
        .filter(|s| questions.iter().any(|q| q.id == s.seed))
        .collect();
    let (used, rated) = match &spec.rated {
        Some(wanted) => {
            only_rated(wanted, &used, sources.said).map(|(used, count)| (used, Some(count)))?
        }
        None => (used, None),
    };
    let used = match spec.texts {
        Some(n) => first_texts(&used, &questions, n)?,
        None => used,
    };
    let mut out = Dataset {
        spec: spec.clone(),
        examples: Vec::new(),
        refused: unworded.iter().map(|q| no_text(q, spec)).collect(),
        notes: Vec::new(),
        weighting: survey.counts.values().map(|c| c.weighting).collect(),
        rated,
        audit: AuditReport::default(),
    };
    let named: Vec<Option<&Culture>> = match &spec.arm {
        Arm::Culture { culture } => vec![survey.culture(culture)],
        Arm::One | Arm::Uniform | Arm::Blind { named: true } => {
            cultures.iter().copied().map(Some).collect()
        }
        Arm::Blind { named: false } => vec![None],
    };
    for culture in named {
        add_culture(&mut out, survey, &cultures, culture, &questions, &wording, &used);
    }
    if out.examples.is_empty() {
        let why: Vec<String> = out.refused.iter().map(ToString::to_string).collect();
        return Err(DatasetError::Empty(why.join("; ")));
    }
    let held: Vec<&Sample> =
        sources.held_out.iter().filter(|s| s.decision == Decision::Kept).collect();
    out.audit =
        audit(&rows_of(&out.examples, &spec.name), Some(survey), &test_rows(survey, spec, &held));
    out.audit.findings.extend(leaks(&used, &held));
    let findings: Vec<_> =
        out.audit.findings.iter().filter(|f| !spec.allow.contains(&f.kind)).cloned().collect();
    if findings.is_empty() { Ok(out) } else { Err(DatasetError::Refused { findings }) }
}

fn check(spec: &DatasetSpec, survey: &Survey) -> Result<(), DatasetError> {
    if let (Stages::SeedsOnly, Some(rated)) = (spec.stages, &spec.rated) {
        return Err(DatasetError::BadSpec(format!(
            "seeds alone hold no samples that could be {rated}: ask for `--texts both`"
        )));
    }
    if matches!(spec.arm, Arm::Uniform) && spec.policy != LabelPolicy::Distribution {
        return Err(DatasetError::BadSpec(format!(
            "uniform targets are shares: policy `{}` cannot say them, use `distribution`",
            spec.policy.as_str()
        )));
    }
    if matches!(spec.arm, Arm::Blind { .. }) && spec.policy == LabelPolicy::Paper {
        return Err(DatasetError::BadSpec(
            "policy `paper` has no rule for a mixture of cultures: use `distribution`".into(),
        ));
    }
    if let Some(q) = spec.held_out_questions.iter().find(|q| survey.question(q).is_none()) {
        return Err(DatasetError::Unknown {
            what: "question",
            name: q.to_string(),
            known: survey.questions.iter().map(|q| q.id.as_str()).collect::<Vec<_>>().join(", "),
        });
    }
    Ok(())
}

fn in_view<'a>(spec: &DatasetSpec, survey: &'a Survey) -> Result<Vec<&'a Culture>, DatasetError> {
    let known = || survey.cultures.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().join(", ");
    let find = |id: &CultureId| {
        survey.culture(id).ok_or_else(|| DatasetError::Unknown {
            what: "culture",
            name: id.to_string(),
            known: known(),
        })
    };
    if let Arm::Culture { culture } = &spec.arm {
        find(culture)?;
    }
    if spec.cultures.is_empty() {
        return Ok(survey.cultures.iter().collect());
    }
    spec.cultures.iter().map(find).collect()
}

fn no_text(q: &Question, spec: &DatasetSpec) -> Refused {
    let language = spec.language.clone().unwrap_or_else(|| q.language.clone());
    Refused { culture: None, question: q.id.clone(), reason: Refusal::NoText { language } }
}

/// All rows of one culture (or of the mixture): seeds, then samples; twice for policy `paper`.
fn add_culture(
    out: &mut Dataset,
    survey: &Survey,
    cultures: &[&Culture],
    culture: Option<&Culture>,
    questions: &[&Question],
    wording: &Wording<'_>,
    used: &[&Sample],
) {
    let id = culture.map(|c| c.id.clone());
    let mut made: Vec<(&Question, Vec<Label>)> = Vec::new();
    for &q in questions {
        match labels_for(&out.spec, survey, cultures, culture, q) {
            Ok(labels) => {
                for note in labels.iter().flat_map(|l| &l.notes) {
                    let note = CellNote {
                        culture: id.clone(),
                        question: q.id.clone(),
                        note: note.clone(),
                    };
                    if !out.notes.contains(&note) {
                        out.notes.push(note);
                    }
                }
                made.push((q, labels));
            }
            Err(refused) => out.refused.push(refused),
        }
    }
    let halves = made.iter().map(|(_, l)| l.len()).max().unwrap_or(0);
    for half in 0..halves {
        let example =
            |q: &Question, label: &Label, text: &str, text_id: &str, family: &str| Example {
                culture: id.clone(),
                question: q.id.clone(),
                text: text.to_owned(),
                text_id: text_id.to_owned(),
                family: family.to_owned(),
                target: label.target.clone(),
                effective_n: label.effective_n,
            };
        for (q, labels) in &made {
            if let (Some(label), Some((text, id))) = (labels.get(half), wording.seeds.get(&q.id)) {
                out.examples.push(example(q, label, text, id, "seed"));
            }
        }
        for s in used {
            let Some((q, labels)) = made.iter().find(|(q, _)| q.id == s.seed) else { continue };
            if let Some(label) = labels.get(half) {
                let family = s.provenance.family.as_deref().unwrap_or("unknown");
                out.examples.push(example(q, label, &s.text, s.id.as_str(), family));
            }
        }
    }
}

fn labels_for(
    spec: &DatasetSpec,
    survey: &Survey,
    cultures: &[&Culture],
    culture: Option<&Culture>,
    q: &Question,
) -> Result<Vec<Label>, Refused> {
    let refuse =
        |reason| Refused { culture: culture.map(|c| c.id.clone()), question: q.id.clone(), reason };
    // A control has the rows of the arm it controls for: what is refused there is refused here.
    let own = culture.map(|c| labels(survey, c, q, spec.policy)).transpose()?;
    match spec.arm {
        Arm::Culture { .. } | Arm::One => own.ok_or_else(|| refuse(Refusal::NoData)),
        Arm::Uniform => Ok(vec![Label {
            target: Target::Soft(Distribution::uniform(&q.scale)),
            effective_n: 0.0,
            notes: Vec::new(),
        }]),
        Arm::Blind { .. } => {
            let (d, _, effective_n) =
                mixture(survey, cultures, q).ok_or_else(|| refuse(Refusal::NoData))?;
            let (target, notes) = target(&d, &q.scale, spec.policy).map_err(refuse)?;
            Ok(vec![Label { target, effective_n, notes }])
        }
    }
}

/// Texts that training must not hold: held-out paraphrases, and held-out questions in any wording.
fn test_rows(survey: &Survey, spec: &DatasetSpec, held: &[&Sample]) -> Vec<AuditRow> {
    let row = |file: &str, row: usize, question: &QuestionId, text: &str| AuditRow {
        file: file.to_owned(),
        row: row as u64 + 1,
        prompt: text.to_owned(),
        text: text.to_owned(),
        culture: None,
        question: Some(question.clone()),
        range: None,
        label: AuditLabel::Unreadable(String::new()),
    };
    let mut rows: Vec<AuditRow> = held
        .iter()
        .enumerate()
        .map(|(i, s)| row("held-out samples", i, &s.seed, &s.text))
        .collect();
    rows.extend(
        survey
            .questions
            .iter()
            .enumerate()
            .filter(|(_, q)| spec.held_out_questions.contains(&q.id))
            .map(|(i, q)| row("held-out questions", i, &q.id, &q.text)),
    );
    rows
}
