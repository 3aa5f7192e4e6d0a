//! What a study would be, while its settings are still being chosen: how many samples match, how
//! items spread, what each rater gets, what it costs in hours, and how narrow its intervals will be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::RaterId;
use crate::store::{Item, ItemKind, Rater};

use super::draft::{StratumCount, draft, item_warnings};
use super::setup::strata;
use super::spec_parts::Stratum;
use super::{
    Material, Power, PowerDesign, Spread, StudyError, StudySpec, answers, items_of, power, sampling,
};

/// A look ahead. Nothing was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// Samples (or answers) that may enter, each counted once for every culture it may enter for;
    /// absent where the items are chosen already.
    pub matching: Option<usize>,
    /// Items by kind.
    pub items: BTreeMap<ItemKind, usize>,
    /// Samples and anchors by stratum and label; seeds are left out, they are many.
    pub strata: Vec<StratumCount>,
    /// Different seeds among samples and anchors.
    pub seeds: usize,
    /// Items of each rater; empty before raters are known.
    pub load: BTreeMap<RaterId, usize>,
    /// All ratings asked for, controls and repeats too; before raters are known, those of samples
    /// and repeats alone.
    pub ratings: usize,
    /// Time of all raters together.
    pub hours: f64,
    /// Time of the busiest; absent before raters are known.
    pub longest_hours: Option<f64>,
    /// Seconds an item that the hours assume.
    pub seconds: f64,
    /// Interval widths to expect; absent before raters are known.
    pub power: Option<Power>,
    /// What to mind, in sentences.
    pub warnings: Vec<String>,
}

/// Looks ahead: the same choice and plan that `study new` and `study plan` would make.
///
/// # Errors
/// As [`items_of`] and [`super::plan`].
pub fn outlook(
    spec: &StudySpec,
    from: &Material,
    raters: &[Rater],
    seconds: f64,
    spread: &Spread,
) -> Result<Outlook, StudyError> {
    spec.check()?;
    let matching = match from {
        Material::Samples { samples, seeds, encoders } => {
            sampling::candidates(spec, samples, seeds, encoders)?.len()
        }
        Material::Answers(rows) => answers::candidates(spec, rows)?.len(),
    };
    let items = items_of(spec, from)?;
    Ok(Outlook { matching: Some(matching), ..outlook_of(spec, &items, raters, seconds, spread)? })
}

/// Looks ahead where the items are chosen already.
///
/// # Errors
/// As [`super::plan`].
pub fn outlook_of(
    spec: &StudySpec,
    items: &[Item],
    raters: &[Rater],
    seconds: f64,
    spread: &Spread,
) -> Result<Outlook, StudyError> {
    let mut kinds: BTreeMap<ItemKind, usize> = BTreeMap::new();
    for item in items {
        *kinds.entry(item.kind).or_default() += 1;
    }
    let of = |kind| kinds.get(&kind).copied().unwrap_or(0);
    let seeds: BTreeSet<_> =
        items.iter().filter(|i| i.kind.enters_estimates()).map(|i| &i.seed).collect();
    let mut out = Outlook {
        matching: None,
        seeds: seeds.len(),
        strata: spec
            .strata
            .iter()
            .filter(|s| **s != Stratum::Seed)
            .flat_map(|s| {
                let labels = strata(items, *s).into_iter();
                labels.map(|(label, items)| StratumCount { stratum: *s, label, items })
            })
            .collect(),
        load: BTreeMap::new(),
        ratings: items.iter().map(|i| i.k.unwrap_or(0) as usize).sum(),
        hours: 0.0,
        longest_hours: None,
        seconds,
        power: None,
        warnings: Vec::new(),
        items: kinds.clone(),
    };
    out.hours = out.ratings as f64 * seconds / 3600.0;
    if raters.is_empty() {
        out.warnings = item_warnings(spec, items);
        return Ok(out);
    }
    let plan = draft(spec, items, raters, seconds)?;
    // raters of one culture rate one part of the items: an anchor has as many as may rate it
    let busy = plan.load.values().filter(|n| **n > 0).count();
    out.power = Some(power(&PowerDesign {
        items: of(ItemKind::Sample),
        k: spec.k as usize,
        anchors: of(ItemKind::Anchor),
        raters: busy,
        anchor_raters: busy.div_ceil(plan.groups.max(1)),
        seeds: out.seeds,
        study_type: spec.study_type,
        spread: spread.clone(),
        seed: spec.seed,
    }));
    out.load = plan.load;
    out.ratings = plan.ratings;
    out.hours = plan.hours;
    out.longest_hours = Some(plan.longest_hours);
    out.warnings = plan.warnings;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{StudyId, StudyType};
    use crate::study::Seeds;
    use crate::study::tests::{raters, samples, survey};

    fn material() -> Material {
        Material::Samples {
            samples: samples(8, 6),
            seeds: Seeds::of(&survey(8)),
            encoders: std::collections::BTreeMap::new(),
        }
    }

    fn spec() -> StudySpec {
        StudySpec::named(StudyId::new("pilot").unwrap(), 20, 1)
    }

    fn look(spec: &StudySpec, n: usize) -> Result<Outlook, StudyError> {
        outlook(spec, &material(), &raters(n), 12.0, &Spread::default_of(StudyType::Similarity))
    }

    #[test]
    fn settings_that_cannot_be_are_refused_with_what_can() {
        let e = look(&StudySpec { items: 0, anchors: 0, ..spec() }, 5).unwrap_err();
        assert!(e.to_string().contains("1 or more"), "{e}");
        assert!(matches!(look(&spec(), 2).unwrap_err(), StudyError::TooFewRaters { .. }));
    }

    #[test]
    fn without_raters_items_are_counted_and_nothing_is_promised_about_load() {
        let o = look(&spec(), 0).unwrap();
        assert_eq!((o.matching, o.seeds), (Some(48), 8));
        assert!(o.load.is_empty() && o.power.is_none() && o.longest_hours.is_none());
        assert!(o.hours > 0.0);
    }

    #[test]
    fn load_hours_and_widths_are_those_of_the_plan_that_would_be_fixed() {
        let o = look(&spec(), 5).unwrap();
        assert_eq!(o.load.values().sum::<usize>(), o.ratings);
        assert!((o.hours - o.ratings as f64 * 12.0 / 3600.0).abs() < 1e-9);
        let narrow = |o: &Outlook| o.power.as_ref().unwrap().mean_width.unwrap();
        let more = look(&StudySpec { items: 40, ..spec() }, 5).unwrap();
        assert!(narrow(&more) < narrow(&o), "more items, a narrower interval of the mean");
        assert!(o.power.as_ref().unwrap().alpha_width.is_some());
    }
}
