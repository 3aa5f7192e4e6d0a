//! Paired differences between arms: the rows of `compare`. The unit is the question, as
//! everywhere; prompts, orders, texts and cultures are averaged first, training seeds are nested.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::aggregate::{ArmScores, CellId};
use super::{EvaluateError, Metric, Plan};
use crate::domain::{QuestionId, Split};
use crate::stats::bootstrap::{Resampling, Seeded, nested_difference};
use crate::stats::significance::{Alternative, holm, sign_flip};

/// Sign flips where there are too many patterns to enumerate.
const FLIPS: usize = 20_000;

/// One arm against another: 1-JSD over the cells that both have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairRow {
    /// The split.
    pub split: Split,
    /// The arm that is compared.
    pub arm: String,
    /// The arm it is compared with.
    pub against: String,
    /// Mean of `arm` minus mean of `against`; positive: `arm` is nearer to people.
    pub diff: f64,
    /// 95 % interval.
    pub ci: Option<[f64; 2]>,
    /// Questions.
    pub n: usize,
    /// Two-sided sign-flip test over questions.
    pub p: f64,
    /// After Holm over the printed pairs.
    pub p_holm: f64,
    /// Questions on which `arm` is better, equal, worse.
    pub wins: [usize; 3],
}

/// Every arm of the plan against the arm `plan.against`, split by split. Empty without one.
///
/// # Errors
/// The arm has no scores, or a figure that does not exist.
pub fn pairs(plan: &Plan, arms: &[ArmScores]) -> Result<Vec<PairRow>, EvaluateError> {
    let Some(against) = &plan.against else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for &split in &plan.splits {
        let here: Vec<&ArmScores> = arms.iter().filter(|a| a.split == Some(split)).collect();
        let Some(base) =
            here.iter().find(|a| &a.arm == against || a.arm == format!("{against}, own culture"))
        else {
            continue;
        };
        for arm in here.iter().filter(|a| a.arm != base.arm) {
            out.extend(pair(plan, split, arm, base)?);
        }
    }
    let p: Vec<f64> = out.iter().map(|r| r.p).collect();
    if !p.is_empty() {
        let adjusted = holm(&p).map_err(|source| EvaluateError::Undefined {
            what: "Holm adjustment of the pairs".into(),
            source,
        })?;
        out.iter_mut().zip(adjusted).for_each(|(r, p)| r.p_holm = p);
    }
    Ok(out)
}

fn pair(
    plan: &Plan,
    split: Split,
    arm: &ArmScores,
    base: &ArmScores,
) -> Result<Option<PairRow>, EvaluateError> {
    let (Some(a), Some(b)) = (arm.cells.get(&Metric::Jsd), base.cells.get(&Metric::Jsd)) else {
        return Ok(None);
    };
    let both = |id: &CellId| a.contains_key(id) && b.contains_key(id);
    let (a, b) = (by_question(a, both), by_question(b, both));
    if a.is_empty() {
        return Ok(None);
    }
    let undefined = |source| EvaluateError::Undefined {
        what: format!("{} against {}", arm.arm, base.arm),
        source,
    };
    let seeded = |rows: &BTreeMap<QuestionId, Vec<f64>>| {
        Seeded::from_rows(&rows.values().cloned().collect::<Vec<_>>()).map_err(undefined)
    };
    let (sa, sb) = (seeded(&a)?, seeded(&b)?);
    let how = Resampling { draws: plan.draws, ..Resampling::seeded(plan.seed) };
    let e = nested_difference(&sa, &sb, "question", &how).map_err(undefined)?;
    let d: Vec<f64> = sa.unit_means().iter().zip(sb.unit_means()).map(|(x, y)| x - y).collect();
    let test = sign_flip(&d, Alternative::TwoSided, FLIPS, plan.seed).map_err(undefined)?;
    let count = |f: fn(&f64) -> bool| d.iter().filter(|x| f(x)).count();
    Ok(Some(PairRow {
        split,
        arm: arm.arm.clone(),
        against: base.arm.clone(),
        diff: e.value,
        ci: e.interval.map(|i| [i.lo, i.hi]),
        n: d.len(),
        p: test.p,
        p_holm: test.p,
        wins: [count(|x| *x > 0.0), count(|x| *x == 0.0), count(|x| *x < 0.0)],
    }))
}

fn by_question(
    cells: &super::Cells,
    both: impl Fn(&CellId) -> bool,
) -> BTreeMap<QuestionId, Vec<f64>> {
    let mut sums: BTreeMap<QuestionId, (Vec<f64>, f64)> = BTreeMap::new();
    for (id, values) in cells.iter().filter(|(id, _)| both(id)) {
        let (sum, n) = sums.entry(id.1.clone()).or_insert_with(|| (vec![0.0; values.len()], 0.0));
        sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
        *n += 1.0;
    }
    sums.into_iter().map(|(q, (s, n))| (q, s.into_iter().map(|x| x / n).collect())).collect()
}
