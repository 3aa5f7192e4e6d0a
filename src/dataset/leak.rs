//! Whether a held-out paraphrase is really held out: families, templates, substitution rules and
//! texts of training and test must not meet.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, FindingKind, normal_text, word_edits};
use crate::domain::{Question, QuestionId, Sample, SampleId, Stage};

/// Texts of one question at this many word edits or fewer are "the same or near": one exchanged
/// word is a stage-2 sibling, not another paraphrase.
pub(crate) const NEAR_EDITS: usize = 1;

/// What both sides share of template families, templates and substitution rules, and training
/// samples that are marked as held out. Rows are 1-based positions in the two slices; what is
/// shared is a finding of the test side's row.
pub fn leaks(training: &[&Sample], held_out: &[&Sample]) -> Vec<Finding> {
    let mut families: BTreeMap<&str, u64> = BTreeMap::new();
    let mut templates: BTreeMap<&str, u64> = BTreeMap::new();
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    let mut pairs: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (i, s) in training.iter().enumerate() {
        let row = i as u64 + 1;
        let p = &s.provenance;
        if let Some(f) = &p.family {
            families.entry(f).or_insert(row);
        }
        if let Some(t) = &p.template {
            templates.entry(t).or_insert(row);
        }
        for sub in &p.substitutions {
            rules.entry(&sub.rule).or_insert(row);
            pairs.entry((normal_text(&sub.from), normal_text(&sub.to))).or_insert(row);
        }
    }
    let mut out = Vec::new();
    for (i, s) in training.iter().enumerate().filter(|(_, s)| s.provenance.held_out) {
        out.push(Finding {
            kind: FindingKind::SharedRule,
            file: "training samples".into(),
            row: i as u64 + 1,
            also: None,
            detail: format!("{} was made for the test set and is marked as held out", s.id),
        });
    }
    for (i, s) in held_out.iter().enumerate() {
        let mut say = |what: String, other: u64| {
            out.push(Finding {
                kind: FindingKind::SharedRule,
                file: "held-out samples".into(),
                row: i as u64 + 1,
                also: Some(other),
                detail: format!("{} shares {what} with training sample {other}", s.id),
            });
        };
        let p = &s.provenance;
        match &p.family {
            Some(f) => {
                if let Some(&row) = families.get(f.as_str()) {
                    say(format!("family `{f}`"), row);
                }
            }
            None => {
                say("an unknown family (it states none, so nothing shows it disjoint)".into(), 0);
            }
        }
        if let Some((t, &row)) =
            p.template.as_ref().and_then(|t| Some((t, templates.get(t.as_str())?)))
        {
            say(format!("template `{t}`"), row);
        }
        for sub in &p.substitutions {
            if let Some(&row) = rules.get(sub.rule.as_str()) {
                say(format!("substitution rule `{}`", sub.rule), row);
            } else if let Some(&row) = pairs.get(&(normal_text(&sub.from), normal_text(&sub.to))) {
                say(format!("the substitution {} -> {}", sub.from, sub.to), row);
            }
        }
    }
    out
}

/// A held-out sample that had to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// The sample.
    pub sample: SampleId,
    /// The training text it repeats, and how near it is in word edits.
    pub of: String,
    /// Word edits between them: 0 is the same text.
    pub edits: usize,
}

/// Held-out samples after those too near to training were taken out.
#[derive(Debug, Clone, PartialEq)]
pub struct Separation {
    /// Those that stay.
    pub kept: Vec<Sample>,
    /// Those that went, each with its reason.
    pub dropped: Vec<Dropped>,
}

/// Takes out held-out samples whose text is the same as, or one word away from, a training text or
/// the seed of the same question: two families can arrive at one sentence. Families and rules are
/// not looked at here: [`leaks`] refuses those.
pub fn separate(questions: &[Question], training: &[Sample], held_out: &[Sample]) -> Separation {
    let mut known: BTreeMap<&QuestionId, BTreeSet<String>> = BTreeMap::new();
    for q in questions {
        known.entry(&q.id).or_default().insert(normal_text(&q.text));
    }
    for s in training {
        known.entry(&s.seed).or_default().insert(normal_text(&s.text));
    }
    let mut out = Separation { kept: Vec::new(), dropped: Vec::new() };
    for s in held_out {
        let text = normal_text(&s.text);
        let near = known.get(&s.seed).into_iter().flatten().find_map(|t| {
            let edits = word_edits(t, &text);
            (edits <= NEAR_EDITS).then(|| (t.clone(), edits))
        });
        match near {
            Some((of, edits)) => {
                out.dropped.push(Dropped { sample: s.id.clone(), of, edits });
            }
            None => out.kept.push(s.clone()),
        }
    }
    out
}

/// True for samples made by the stage wanted.
pub(crate) fn in_stage(s: &Sample, stages: super::Stages) -> bool {
    match stages {
        super::Stages::SeedsOnly => false,
        super::Stages::Templates => s.stage == Stage::Template,
        super::Stages::Both => true,
    }
}
