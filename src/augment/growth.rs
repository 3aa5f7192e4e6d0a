//! One seed's way through the two stages, whoever proposes and however long an answer takes: rules
//! answer at once ([`super::run`]), language models after a wave of calls ([`super::chat`]).
//! Judging and choosing are here, once.

use std::collections::BTreeSet;

use super::guards::{Guards, Reading, Siblings, changed_form};
use super::select::{Candidate, in_turn};
use super::similarity::SimilarityModel;
use super::{AugmentError, Settings, sample_id};
use crate::domain::{
    Decision, FailReason, Provenance, Question, RejectReason, Sample, SampleId, Similarity, Stage,
};
use crate::providers::{Outcome, Parent, Proposal};

/// How many proposals are asked for each text that is wanted in the end: guards, filter and
/// near-duplicates take their share.
pub(super) const STAGE_1_OVER: usize = 3;

/// What is the same for all seeds of a run.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    /// The semantic filter.
    pub filter: &'a dyn SimilarityModel,
    /// Its threshold.
    pub threshold: f64,
    /// The run's settings.
    pub settings: &'a Settings,
    /// Texts of the workspace that are in use already: those of the seed and side of the split
    /// count towards `keep`, and a proposal that repeats one is turned down as a duplicate.
    pub existing: &'a [Sample],
    /// The run.
    pub run: Option<&'a str>,
    /// Who proposes.
    pub provider: &'a str,
}

/// One seed between its stages.
pub(super) struct Growth<'a> {
    judge: Judge<'a>,
    seed: &'a Question,
    guards: Guards,
    siblings: Siblings,
    keep: usize,
    first: Vec<Sample>,
    parents: Vec<usize>,
    second: Vec<Sample>,
}

impl<'a> Growth<'a> {
    /// Nothing proposed yet.
    pub fn new(seed: &'a Question, judge: Judge<'a>) -> Self {
        let settings = judge.settings;
        let mut siblings = Siblings::new(settings.near_duplicate_edits);
        siblings.keep(Reading::new(&seed.text));
        let mut in_use = 0;
        let same = |s: &&Sample| {
            s.seed == seed.id && s.language == seed.language && s.decision == Decision::Kept
        };
        for s in judge.existing.iter().filter(same) {
            siblings.keep(Reading::new(&s.text));
            in_use += usize::from(s.provenance.held_out == settings.is_held_out());
        }
        Self {
            judge,
            seed,
            guards: Guards::new(&seed.text, &seed.language),
            siblings,
            keep: settings.keep.saturating_sub(in_use),
            first: Vec::new(),
            parents: Vec::new(),
            second: Vec::new(),
        }
    }

    /// True where enough texts of the seed are in use already.
    pub fn is_full(&self) -> bool {
        self.keep == 0
    }

    /// Judges the paraphrases and chooses those in which words will be exchanged.
    pub fn first(&mut self, version: &str, proposals: Vec<Proposal>) -> Result<(), AugmentError> {
        self.first = self.judged(version, proposals, None, Stage::Template)?;
        let wanted = self.judge.settings.templates.min(self.keep);
        let kept = keep(&mut self.first, wanted, &self.judge, &mut self.siblings, |s| {
            s.provenance.family.clone().unwrap_or_default()
        })?;
        self.parents = kept;
        Ok(())
    }

    /// The texts in which words are to be exchanged; none where stage 2 is left out, or where there
    /// is no room for what it would make.
    pub fn parents(&self) -> impl Iterator<Item = &Sample> {
        let left_out = self.judge.settings.synonyms == 0 || self.keep <= self.parents.len();
        let wanted = if left_out { 0 } else { self.parents.len() };
        self.parents[..wanted].iter().map(|&i| &self.first[i])
    }

    /// Judges the texts made of one parent.
    pub fn second(
        &mut self,
        version: &str,
        parent: &Sample,
        proposals: Vec<Proposal>,
    ) -> Result<(), AugmentError> {
        let judged = self.judged(version, proposals, Some(parent), Stage::Synonym)?;
        self.second.extend(judged);
        Ok(())
    }

    /// Makes the choice: all samples of the seed, every one with its fate.
    pub fn finish(mut self) -> Result<Vec<Sample>, AugmentError> {
        let room = self.keep.saturating_sub(self.parents.len());
        let filled = keep(&mut self.second, room, &self.judge, &mut self.siblings, |s| {
            s.provenance.parent.as_ref().map(ToString::to_string).unwrap_or_default()
        })?;
        fill(&mut self.first, room - filled.len(), &self.judge, &mut self.siblings)?;
        self.first.append(&mut self.second);
        Ok(distinct_ids(self.first, self.judge.existing))
    }

    /// Guards and filter. What passes is marked as kept for now; [`keep`] makes the choice.
    fn judged(
        &self,
        version: &str,
        proposals: Vec<Proposal>,
        parent: Option<&Sample>,
        stage: Stage,
    ) -> Result<Vec<Sample>, AugmentError> {
        let guards = &self.guards;
        let Judge { settings, run, .. } = self.judge;
        let parent_reading = parent.map(|p| Reading::new(&p.text));
        let mut samples: Vec<Sample> = Vec::with_capacity(proposals.len());
        let mut readings: Vec<Option<Reading>> = Vec::new();
        for (n, p) in proposals.into_iter().enumerate() {
            let (text, failure) = match p.outcome {
                Outcome::Text(t) => (crate::text::nfc(t.trim()).into_owned(), None),
                Outcome::Failed(f) => (String::new(), Some(f)),
            };
            let (text, failure) = match failure {
                None if text.is_empty() => (
                    text,
                    Some(FailReason::Provider { detail: "an empty text was proposed".into() }),
                ),
                other => (text, other),
            };
            readings.push(failure.is_none().then(|| Reading::new(&text)));
            // Failed proposals have no text to hash: their place in the run tells them apart.
            let key = if failure.is_some() {
                format!(
                    "{}\u{1f}{}\u{1f}{n}\u{1f}{}\u{1f}{}",
                    settings.seed,
                    stage.as_str(),
                    parent.map_or("", |p| p.id.as_str()),
                    run.unwrap_or_default()
                )
            } else {
                text.clone()
            };
            samples.push(Sample {
                id: self.id(&key)?,
                seed: self.seed.id.clone(),
                language: self.seed.language.clone(),
                text,
                stage,
                similarity: None,
                decision: failure.map_or(Decision::Kept, Decision::Failed),
                provenance: Provenance {
                    provider: self.judge.provider.to_owned(),
                    version: version.to_owned(),
                    run: run.map(str::to_owned),
                    template: p.template,
                    family: p.family,
                    held_out: settings.is_held_out(),
                    parent: parent.map(|p| p.id.clone()),
                    substitutions: p.substitutions,
                    seed: settings.seed,
                    reply: p.reply,
                },
            });
        }
        for i in 0..samples.len() {
            let Some(reading) = &readings[i] else { continue };
            let relatives: Vec<&Reading> = readings
                .iter()
                .enumerate()
                .filter(|(k, r)| *k != i && r.is_some())
                .filter_map(|(_, r)| r.as_ref())
                .collect();
            let reason = guards.check(reading, parent_reading.as_ref(), &relatives).or_else(|| {
                let seed = self.seed;
                changed_form(&samples[i].text, &seed.text, seed.form, &seed.language)
            });
            if let Some(reason) = reason {
                samples[i].decision = Decision::Rejected(reason);
            }
        }
        self.filter(&mut samples)?;
        Ok(samples)
    }

    fn id(&self, text: &str) -> Result<SampleId, AugmentError> {
        sample_id(&self.seed.id, &self.seed.language, text)
            .map_err(|e| AugmentError::Settings(e.to_string()))
    }

    /// The semantic filter. Rejected texts get their similarity too: a person may want to see it.
    fn filter(&self, samples: &mut [Sample]) -> Result<(), AugmentError> {
        let with_text: Vec<usize> =
            (0..samples.len()).filter(|&i| !samples[i].text.is_empty()).collect();
        let texts: Vec<&str> = with_text.iter().map(|&i| samples[i].text.as_str()).collect();
        let scores: Vec<Similarity> = self.judge.filter.similarity(&self.seed.text, &texts)?;
        for (&i, score) in with_text.iter().zip(scores) {
            samples[i].similarity = Some(score);
            if samples[i].decision == Decision::Kept && score.get() < self.judge.threshold {
                samples[i].decision = Decision::Rejected(RejectReason::Dissimilar {
                    similarity: score.get(),
                    threshold: self.judge.threshold,
                });
            }
        }
        Ok(())
    }
}

/// Chooses `n` of what passed, groups in turn, no near-duplicates; says of the others why not.
fn keep(
    samples: &mut [Sample],
    n: usize,
    judge: &Judge<'_>,
    siblings: &mut Siblings,
    group: impl Fn(&Sample) -> String,
) -> Result<Vec<usize>, AugmentError> {
    let passed: Vec<Candidate> = (0..samples.len())
        .filter(|&i| samples[i].decision == Decision::Kept)
        .map(|index| Candidate { index, group: group(&samples[index]) })
        .collect();
    let mut chosen = Vec::new();
    for index in in_turn(&passed, passed.len()) {
        let reading = Reading::new(&samples[index].text);
        if let Some(reason) = siblings.check(&reading) {
            samples[index].decision = Decision::Rejected(reason);
        } else if chosen.len() == n {
            let keep = judge.settings.keep;
            samples[index].decision = Decision::Rejected(RejectReason::NotAmongBest { keep });
        } else if let Some(reason) = alike(judge, siblings, &reading)? {
            samples[index].decision = Decision::Rejected(reason);
        } else {
            siblings.keep(reading);
            chosen.push(index);
        }
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// A near-duplicate by meaning and build, which the count of words did not show.
fn alike(
    judge: &Judge<'_>,
    siblings: &Siblings,
    text: &Reading,
) -> Result<Option<RejectReason>, AugmentError> {
    let Some(limit) = judge.settings.near_duplicate_likeness else { return Ok(None) };
    let others: Vec<&str> = siblings.kept().map(Reading::text).collect();
    let likeness = judge.filter.likeness(text.text(), &others)?;
    Ok(likeness.and_then(|x| siblings.check_likeness(text, &x, limit)))
}

/// Where stage 2 falls short, texts of stage 1 that were good but left over take the places.
fn fill(
    first: &mut [Sample],
    n: usize,
    judge: &Judge<'_>,
    siblings: &mut Siblings,
) -> Result<(), AugmentError> {
    let mut places = n;
    for s in first.iter_mut() {
        let left_over = matches!(s.decision, Decision::Rejected(RejectReason::NotAmongBest { .. }));
        if places == 0 || !left_over {
            continue;
        }
        let reading = Reading::new(&s.text);
        if siblings.check(&reading).is_none() && alike(judge, siblings, &reading)?.is_none() {
            siblings.keep(reading);
            s.decision = Decision::Kept;
            places -= 1;
        }
    }
    Ok(())
}

/// A text that is in use already, or comes twice in one run, is one sample in the store and another
/// proposal in the counts: the later one gets an id of its own, so that its fate does not become
/// that of the text in use.
fn distinct_ids(mut samples: Vec<Sample>, existing: &[Sample]) -> Vec<Sample> {
    let mut seen: BTreeSet<SampleId> = existing.iter().map(|s| s.id.clone()).collect();
    for s in &mut samples {
        let mut again = 2;
        while !seen.insert(s.id.clone()) {
            let base = s.id.as_str().split('.').next().unwrap_or_default().to_owned();
            if let Ok(id) = SampleId::new(format!("{base}.{again}")) {
                s.id = id;
            }
            again += 1;
        }
    }
    samples
}

/// A sample as a parent, for those who exchange its words.
pub(super) fn as_parent(s: &Sample) -> Parent<'_> {
    Parent {
        text: &s.text,
        template: s.provenance.template.as_deref(),
        family: s.provenance.family.as_deref(),
    }
}
