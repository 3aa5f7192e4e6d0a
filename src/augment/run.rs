//! The two stages with a provider that answers at once.

use super::growth::{Growth, Judge, STAGE_1_OVER, as_parent};
use super::similarity::SimilarityModel;
use super::{AugmentError, Settings};
use crate::domain::{Question, Sample};
use crate::providers::{Ask, Augmenter, ProviderError};

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
    let provider = augmenter.name();
    let judge = Judge { filter, threshold, settings, existing, run, provider: &provider };
    grow(seed, augmenter, judge)
}

/// The same, with everything that is shared by a run's seeds.
pub(super) fn grow(
    seed: &Question,
    augmenter: &dyn Augmenter,
    judge: Judge<'_>,
) -> Result<Vec<Sample>, AugmentError> {
    let (settings, version) = (judge.settings, augmenter.version());
    let mut growth = Growth::new(seed, judge);
    let ask = |n| Ask { n, rng_seed: settings.seed, scope: settings.scope.clone() };
    let failed = |e: ProviderError| AugmentError::Settings(e.to_string());

    let proposals =
        augmenter.paraphrase(seed, &ask(settings.templates * STAGE_1_OVER)).map_err(failed)?;
    growth.first(&version, proposals)?;
    let parents: Vec<Sample> = growth.parents().cloned().collect();
    for parent in &parents {
        let proposals = augmenter
            .substitute(seed, as_parent(parent), &ask(settings.synonyms))
            .map_err(failed)?;
        growth.second(&version, parent, proposals)?;
    }
    growth.finish()
}
