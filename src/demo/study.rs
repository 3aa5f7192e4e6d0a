//! The demo's study: three scripted raters, marked as such wherever they are shown.

use super::report::RatingCounts;
use crate::domain::StudyId;
use crate::launch::Place;
use crate::store::{DecisionKind, SampleFilter};
use crate::study::{NewStudy, create_study, fix_plan, rate_scripted, results, scripted_raters};

/// Sample items of the study.
const ITEMS: usize = 100;
/// Bootstrap draws of the agreement.
const DRAWS: usize = 10_000;
const SEED: u64 = 1;

/// Makes the study `demo`, lets the scripts rate it, and works out their agreement.
///
/// # Errors
/// In words: the study cannot be made or rated.
pub(super) fn rate(place: &Place) -> Result<RatingCounts, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let name = StudyId::new("demo").map_err(|e| text(&e))?;
    let mut store = place.write().map_err(|e| text(&e))?;
    let survey = store.read().survey().map_err(|e| text(&e))?;
    let kept = SampleFilter { decision: Some(DecisionKind::Kept), ..SampleFilter::default() };
    let mut samples = store.read().all_samples(&kept).map_err(|e| text(&e))?;
    samples.retain(|s| !s.provenance.held_out);
    let new = NewStudy::named(name.clone(), ITEMS, SEED);
    create_study(&mut store, &samples, &survey, &new).map_err(|e| text(&e))?;
    let raters = scripted_raters(&["en".into()]).map_err(|e| text(&e))?;
    fix_plan(&mut store, &name, &raters).map_err(|e| text(&e))?;
    rate_scripted(&mut store, &name, SEED).map_err(|e| text(&e))?;
    let results = results(store.read(), &name, DRAWS, SEED).map_err(|e| text(&e))?;
    let mut out =
        RatingCounts { raters: raters.len() as u64, scripted: true, ..RatingCounts::default() };
    if let Some(a) = results.agreement {
        out.n = a.ratings as u64;
        out.items = a.items as u64;
        if let Some(f) = a.figure("alpha-ordinal") {
            out.alpha_ordinal = f.value;
            out.alpha_ci = f.interval.map(|i| [i.lo, i.hi]);
        }
    }
    Ok(out)
}
