//! Intraclass correlations (Shrout and Fleiss 1979).

use serde::{Deserialize, Serialize};

use super::Ratings;
use crate::stats::Undefined;

/// The six intraclass correlations and what they rest on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Icc {
    /// ICC(1,1): each unit has raters of its own; one rating.
    pub icc1: f64,
    /// ICC(2,1): raters are a sample; absolute agreement of one rating.
    pub icc2: f64,
    /// ICC(3,1): these raters only; consistency of one rating.
    pub icc3: f64,
    /// ICC(1,k): as `icc1`, for the mean of all raters.
    pub icc1k: f64,
    /// ICC(2,k): as `icc2`, for the mean of all raters.
    pub icc2k: f64,
    /// ICC(3,k): as `icc3`, for the mean of all raters.
    pub icc3k: f64,
    /// Units rated by every rater: only these count.
    pub units: usize,
    /// Units left out because a rating is missing.
    pub dropped: usize,
    /// Raters.
    pub raters: usize,
}

/// Intraclass correlations over the units that every rater rated.
///
/// # Errors
/// Fewer than two raters or complete units, or units that do not differ at all.
pub fn icc(ratings: &Ratings) -> Result<Icc, Undefined> {
    let k = ratings.raters();
    Undefined::unless_enough("raters", k, 2)?;
    let rows: Vec<Vec<f64>> = (0..ratings.units())
        .filter_map(|u| (0..k).map(|r| ratings.score(u, r)).collect())
        .collect();
    let n = rows.len();
    Undefined::unless_enough("units rated by every rater", n, 2)?;
    let (units, raters) = (n as f64, k as f64);
    let grand = rows.iter().flatten().sum::<f64>() / (units * raters);
    let total: f64 = rows.iter().flatten().map(|x| (x - grand).powi(2)).sum();
    let between: f64 =
        rows.iter().map(|row| raters * (row.iter().sum::<f64>() / raters - grand).powi(2)).sum();
    let columns: f64 = (0..k)
        .map(|r| units * (rows.iter().map(|row| row[r]).sum::<f64>() / units - grand).powi(2))
        .sum();
    // Mean squares: between units, within units, between raters, residual.
    let bms = between / (units - 1.0);
    let wms = (total - between).max(0.0) / (units * (raters - 1.0));
    let jms = columns / (raters - 1.0);
    let ems = (total - between - columns).max(0.0) / ((units - 1.0) * (raters - 1.0));
    if total == 0.0 {
        return Err(Undefined::Unanimous);
    }
    // Equal unit means leave the averaged forms a division by (nearly) zero.
    if bms <= 1e-12 * total {
        return Err(Undefined::NoVariance);
    }
    Ok(Icc {
        icc1: (bms - wms) / (bms + (raters - 1.0) * wms),
        icc2: (bms - ems) / (bms + (raters - 1.0) * ems + raters * (jms - ems) / units),
        icc3: (bms - ems) / (bms + (raters - 1.0) * ems),
        icc1k: (bms - wms) / bms,
        icc2k: (bms - ems) / (bms + (jms - ems) / units),
        icc3k: (bms - ems) / bms,
        units: n,
        dropped: ratings.units() - n,
        raters: k,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrout_and_fleiss() -> Vec<Vec<Option<f64>>> {
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
            .iter()
            .map(|r| r.iter().map(|x| Some(f64::from(*x))).collect())
            .collect()
    }

    /// Table 2 of Shrout and Fleiss 1979; made with pingouin 0.6.1.
    #[test]
    fn the_six_forms_agree_with_pingouin() {
        let r = icc(&Ratings::from_rows(None, &shrout_and_fleiss()).unwrap()).unwrap();
        for (have, want) in [
            (r.icc1, 0.165_741_768_405_475_5),
            (r.icc2, 0.289_763_779_527_559_16),
            (r.icc3, 0.714_840_714_840_715_4),
            (r.icc1k, 0.442_797_133_679_268_8),
            (r.icc2k, 0.620_050_547_598_989_3),
            (r.icc3k, 0.909_315_542_377_069_7),
        ] {
            assert!((have - want).abs() < 1e-12, "{r:?}");
        }
        assert_eq!((r.units, r.dropped, r.raters), (6, 0, 4));
    }

    #[test]
    fn units_with_a_gap_are_left_out_and_counted() {
        let mut rows = shrout_and_fleiss();
        let whole = icc(&Ratings::from_rows(None, &rows).unwrap()).unwrap();
        rows.push(vec![Some(3.0), None, Some(3.0), Some(3.0)]);
        let r = icc(&Ratings::from_rows(None, &rows).unwrap()).unwrap();
        assert_eq!((r.units, r.dropped), (6, 1));
        assert_eq!(r.icc2, whole.icc2);
    }

    #[test]
    fn without_variance_there_is_no_correlation() {
        let of = |rows: &[[f64; 2]]| {
            let rows: Vec<Vec<Option<f64>>> =
                rows.iter().map(|r| r.iter().map(|x| Some(*x)).collect()).collect();
            icc(&Ratings::from_rows(None, &rows).unwrap())
        };
        assert_eq!(of(&[[4.0, 4.0], [4.0, 4.0]]), Err(Undefined::Unanimous));
        assert_eq!(of(&[[1.0, 3.0], [3.0, 1.0]]), Err(Undefined::NoVariance));
        assert!(matches!(of(&[[1.0, 2.0]]), Err(Undefined::TooFew { .. })));
        assert!(matches!(
            icc(&Ratings::from_rows(None, &[vec![Some(1.0)], vec![Some(2.0)]]).unwrap()),
            Err(Undefined::TooFew { unit: "raters", .. })
        ));
    }
}
