//! The two stages of one run, seed by seed.

use super::guards::{Guards, Reading, Siblings};
use super::select::{Candidate, in_turn};
use super::similarity::SimilarityModel;
use super::{AugmentError, Settings, sample_id};
use crate::domain::{
    Decision, FailReason, Provenance, Question, RejectReason, Sample, SampleId, Similarity, Stage,
};
use crate::providers::{Ask, Augmenter, Outcome, Parent, Proposal};

/// How many proposals are asked for each text that is wanted in the end: guards, filter and
/// near-duplicates take their share.
const STAGE_1_OVER: usize = 3;

/// Grows samples from one seed. `existing` are texts of the workspace that are in use already: those
/// of this seed and side of the split count towards `keep`, and a proposal that repeats one is
/// turned down as a duplicate.
///
/// # Errors
/// The provider cannot work at all, or the filter gave no usable number. A single proposal that
/// fails is a failed sample, not an error.
pub fn run(
    seed: &Question,
    augmenter: &dyn Augmenter,
    filter: &dyn SimilarityModel,
    threshold: f64,
    settings: &Settings,
    existing: &[Sample],
    run: Option<&str>,
) -> Result<Vec<Sample>, AugmentError> {
    let grower = Grower { seed, augmenter, filter, threshold, settings, run };
    let mut siblings = Siblings::new(settings.near_duplicate_edits);
    siblings.keep(Reading::new(&seed.text));
    let mut in_use = 0;
    for s in existing.iter().filter(|s| s.seed == seed.id && s.decision == Decision::Kept) {
        siblings.keep(Reading::new(&s.text));
        in_use += usize::from(s.provenance.held_out == settings.is_held_out());
    }
    let keep = settings.keep.saturating_sub(in_use);
    let ask = |n| Ask { n, rng_seed: settings.seed, scope: settings.scope.clone() };
    let failed = |e: crate::providers::ProviderError| AugmentError::Settings(e.to_string());

    let proposals =
        augmenter.paraphrase(seed, &ask(settings.templates * STAGE_1_OVER)).map_err(failed)?;
    let mut first = grower.judge(proposals, None, Stage::Template)?;
    let kept = grower.keep(&mut first, settings.templates.min(keep), &mut siblings, |s| {
        s.provenance.family.clone().unwrap_or_default()
    });

    let mut second: Vec<Sample> = Vec::new();
    let room = keep.saturating_sub(kept.len());
    let parents = if settings.synonyms == 0 { &[][..] } else { &kept[..] };
    for &i in parents {
        let parent = first[i].clone();
        let about = Parent {
            text: &parent.text,
            template: parent.provenance.template.as_deref(),
            family: parent.provenance.family.as_deref(),
        };
        let proposals =
            augmenter.substitute(seed, about, &ask(settings.synonyms)).map_err(failed)?;
        second.extend(grower.judge(proposals, Some(&parent), Stage::Synonym)?);
    }
    let filled = grower.keep(&mut second, room, &mut siblings, |s| {
        s.provenance.parent.as_ref().map(ToString::to_string).unwrap_or_default()
    });
    fill(&mut first, room - filled.len(), &mut siblings);
    first.extend(second);
    Ok(distinct_ids(first, existing))
}

struct Grower<'a> {
    seed: &'a Question,
    augmenter: &'a dyn Augmenter,
    filter: &'a dyn SimilarityModel,
    threshold: f64,
    settings: &'a Settings,
    run: Option<&'a str>,
}

impl Grower<'_> {
    /// Guards and filter. What passes is marked as kept for now; [`Self::keep`] makes the choice.
    fn judge(
        &self,
        proposals: Vec<Proposal>,
        parent: Option<&Sample>,
        stage: Stage,
    ) -> Result<Vec<Sample>, AugmentError> {
        let guards = Guards::new(&self.seed.text, &self.seed.language);
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
                    self.settings.seed,
                    stage.as_str(),
                    parent.map_or("", |p| p.id.as_str()),
                    self.run.unwrap_or_default()
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
                    provider: self.augmenter.name(),
                    version: self.augmenter.version(),
                    run: self.run.map(str::to_owned),
                    template: p.template,
                    family: p.family,
                    held_out: self.settings.is_held_out(),
                    parent: parent.map(|p| p.id.clone()),
                    substitutions: p.substitutions,
                    seed: self.settings.seed,
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
            if let Some(reason) = guards.check(reading, parent_reading.as_ref(), &relatives) {
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
        let scores: Vec<Similarity> = self.filter.similarity(&self.seed.text, &texts)?;
        for (&i, score) in with_text.iter().zip(scores) {
            samples[i].similarity = Some(score);
            if samples[i].decision == Decision::Kept && score.get() < self.threshold {
                samples[i].decision = Decision::Rejected(RejectReason::Dissimilar {
                    similarity: score.get(),
                    threshold: self.threshold,
                });
            }
        }
        Ok(())
    }

    /// Chooses `n` of what passed, groups in turn, no near-duplicates; says of the others why not.
    fn keep(
        &self,
        samples: &mut [Sample],
        n: usize,
        siblings: &mut Siblings,
        group: impl Fn(&Sample) -> String,
    ) -> Vec<usize> {
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
                let keep = self.settings.keep;
                samples[index].decision = Decision::Rejected(RejectReason::NotAmongBest { keep });
            } else {
                siblings.keep(reading);
                chosen.push(index);
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

/// Where stage 2 falls short, texts of stage 1 that were good but left over take the places.
fn fill(first: &mut [Sample], n: usize, siblings: &mut Siblings) {
    let mut places = n;
    for s in first.iter_mut() {
        let left_over = matches!(s.decision, Decision::Rejected(RejectReason::NotAmongBest { .. }));
        if places == 0 || !left_over {
            continue;
        }
        let reading = Reading::new(&s.text);
        if siblings.check(&reading).is_none() {
            siblings.keep(reading);
            s.decision = Decision::Kept;
            places -= 1;
        }
    }
}

/// A text that is in use already, or comes twice in one run, is one sample in the store and another
/// proposal in the counts: the later one gets an id of its own, so that its fate does not become
/// that of the text in use.
fn distinct_ids(mut samples: Vec<Sample>, existing: &[Sample]) -> Vec<Sample> {
    let mut seen: std::collections::BTreeSet<SampleId> =
        existing.iter().map(|s| s.id.clone()).collect();
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
