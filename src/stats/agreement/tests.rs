//! Golden values and properties of the coefficients.

use proptest::prelude::*;

use super::*;
use crate::stats::Undefined;
use crate::stats::bootstrap::Resampling;

const ONE_TO_FIVE: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];

/// Rows are raters, 0 is a gap; turned into units by raters.
fn from_raters(raters: &[&[u8]]) -> Ratings {
    let rows: Vec<Vec<Option<f64>>> = (0..raters[0].len())
        .map(|u| raters.iter().map(|r| (r[u] > 0).then(|| f64::from(r[u]))).collect())
        .collect();
    Ratings::from_rows(None, &rows).unwrap()
}

/// The reliability data of Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", part C.
fn krippendorff_2011() -> Ratings {
    from_raters(&[
        &[1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        &[1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        &[0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        &[1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ])
}

fn close(ratings: &Ratings, which: Coefficient, want: f64) {
    let have = coefficient(ratings, which).unwrap();
    assert!((have - want).abs() < 1e-9, "{which:?}: {have}, expected {want}");
}

/// krippendorff 0.9.0 and irrCAC 0.4.4.
#[test]
fn coefficients_agree_with_krippendorff_and_irrcac() {
    use Coefficient as C;
    let r = krippendorff_2011();
    close(&r, C::AlphaNominal, 0.743_421_052_631_579);
    close(&r, C::AlphaOrdinal, 0.815_387_503_754_881_4);
    close(&r, C::AlphaInterval, 0.849_107_142_857_142_8);
    close(&r, C::AlphaRatio, 0.797_402_774_711_612_1);
    close(&r, C::Ac1, 0.775_444_068_127);
    close(&r, C::Ac2Ordinal, 0.898_939_769_908);
    close(&r, C::Ac2Quadratic, 0.914_000_723_552);
    close(&r, C::Raw, 0.818_181_818_182);

    let r = from_raters(&[&[1, 2, 3, 4, 5, 0], &[2, 2, 3, 5, 5, 1], &[1, 0, 4, 4, 0, 1]]);
    close(&r, C::AlphaNominal, 0.528_089_887_640_449_4);
    close(&r, C::AlphaOrdinal, 0.904_407_200_496_586);
    close(&r, C::AlphaInterval, 0.916_996_047_430_830_1);
    close(&r, C::AlphaRatio, 0.877_846_059_599_479);
    close(&r, C::Ac1, 0.585_412_667_946);
    close(&r, C::Ac2Ordinal, 0.886_792_452_83);
    close(&r, C::Ac2Quadratic, 0.921_397_379_913);
}

#[test]
fn the_ordinal_metric_is_neither_rank_distance_nor_other_weights() {
    let have = coefficient(&krippendorff_2011(), Coefficient::AlphaOrdinal).unwrap();
    // .8004: |a - b| as the distance; .8336: the weights that irrCAC calls ordinal.
    assert!((have - 0.8004).abs() > 0.01 && (have - 0.8336).abs() > 0.01);
}

#[test]
fn what_has_no_agreement_beyond_chance_says_why() {
    let beyond_chance = Coefficient::ALL.iter().filter(|c| **c != Coefficient::Raw);
    let unanimous = from_raters(&[&[4, 4, 4], &[4, 4, 4]]);
    let one_rater = from_raters(&[&[1, 2, 3]]);
    let one_unit = from_raters(&[&[1], &[2], &[1]]);
    let apart = from_raters(&[&[1, 2, 0, 0], &[0, 0, 3, 4]]);
    for c in beyond_chance {
        assert_eq!(coefficient(&unanimous, *c), Err(Undefined::Unanimous), "{c:?}");
        assert!(matches!(
            coefficient(&one_rater, *c),
            Err(Undefined::TooFew { unit: "raters", have: 1, .. })
        ));
        assert!(matches!(
            coefficient(&one_unit, *c),
            Err(Undefined::TooFew { unit: "units with two ratings", .. })
        ));
        assert_eq!(coefficient(&apart, *c), Err(Undefined::NoPairs), "{c:?}");
    }
    // A scale declared wider does not make unanimity an agreement beyond chance.
    let rows = vec![vec![Some(4.0); 3]; 5];
    let declared = Ratings::from_rows(Some(&ONE_TO_FIVE), &rows).unwrap();
    assert_eq!(coefficient(&declared, Coefficient::Ac1), Err(Undefined::Unanimous));
    assert_eq!(coefficient(&declared, Coefficient::Raw), Ok(1.0));
    let empty = Ratings::from_rows(None, &[]).unwrap();
    assert!(coefficient(&empty, Coefficient::Raw).is_err());
    let how = Resampling::default();
    assert!(bootstrap::<u8>(&empty, None, &Coefficient::ALL, "item", &how).is_err());
}

#[test]
fn a_scale_of_one_category_has_no_agreement_beyond_chance() {
    let rows = [vec![Some(3.0), Some(3.0), None], vec![Some(3.0); 3], vec![None, Some(3.0), None]];
    let r = Ratings::from_rows(Some(&[3.0]), &rows).unwrap();
    let how = Resampling { draws: 20, ..Resampling::default() };
    for (c, of) in bootstrap::<u8>(&r, None, &Coefficient::ALL, "item", &how).unwrap() {
        match c {
            Coefficient::Raw => assert_eq!(of.unwrap().value, 1.0),
            _ => assert_eq!(of, Err(Undefined::Unanimous), "{c:?}"),
        }
    }
    assert_eq!(components(&r), Err(Undefined::Unanimous));
    for kappa in pairwise_kappa(&r, &[0, 1, 2], "item", &how).unwrap() {
        assert_eq!(kappa.estimate, Err(Undefined::Unanimous), "{kappa:?}");
    }
}

#[test]
fn negative_scores_are_no_ratio_scale() {
    let rows = [vec![Some(-1.0), Some(2.0)], vec![Some(1.0), Some(2.0)]];
    let r = Ratings::from_rows(None, &rows).unwrap();
    assert!(matches!(
        coefficient(&r, Coefficient::AlphaRatio),
        Err(Undefined::BadParameter { .. })
    ));
    assert!(coefficient(&r, Coefficient::AlphaInterval).is_ok());
}

#[test]
fn a_draw_of_the_bootstrap_is_the_coefficient_of_the_drawn_units() {
    // Rebuild draws by hand with the same stream and compare the percentile ends.
    let r = krippendorff_2011();
    let how = Resampling { draws: 300, seed: 11, level: 0.9 };
    let all = bootstrap::<u8>(&r, None, &Coefficient::ALL, "item", &how).unwrap();
    for (which, fast) in all {
        let slow = crate::stats::bootstrap::statistic(r.units(), "item", &how, |picked| {
            let rows: Vec<Vec<Option<f64>>> =
                picked.iter().map(|&u| (0..r.raters()).map(|j| r.score(u, j)).collect()).collect();
            let drawn = Ratings::from_rows(Some(r.categories()), &rows).unwrap();
            coefficient(&drawn, which).ok()
        })
        .unwrap();
        let fast = fast.unwrap();
        let (a, b) = (fast.interval.unwrap(), slow.interval.unwrap());
        assert!((a.lo - b.lo).abs() < 1e-9 && (a.hi - b.hi).abs() < 1e-9, "{which:?} {a:?} {b:?}");
        assert!((fast.value - slow.value).abs() < 1e-12);
    }
}

#[test]
fn units_of_one_cluster_are_drawn_together() {
    let r = krippendorff_2011();
    let seed_of: Vec<usize> = (0..12).map(|u| u / 4).collect();
    let how = Resampling { draws: 2000, ..Resampling::default() };
    let which = [Coefficient::AlphaOrdinal, Coefficient::Raw];
    let by_seed = bootstrap(&r, Some(&seed_of), &which, "seed", &how).unwrap();
    let estimate = by_seed[0].1.as_ref().unwrap();
    assert_eq!((estimate.n, estimate.unit.as_str()), (3, "seed"));
    // Three clusters can be drawn in ten ways: no more than ten values.
    let i = estimate.interval.unwrap();
    assert!(i.lo < estimate.value && estimate.value < i.hi);
    assert!(bootstrap(&r, Some(&seed_of[1..]), &which, "seed", &how).is_err());
}

#[test]
fn unanimous_draws_are_counted_and_left_out() {
    // One unit of four disagrees: draws without it are unanimous, (3/4)^4 = 31.6 % of them.
    let r = from_raters(&[&[4, 4, 4, 1], &[4, 4, 4, 5]]);
    let how = Resampling { draws: 10_000, ..Resampling::default() };
    let all =
        bootstrap::<u8>(&r, None, &[Coefficient::Raw, Coefficient::AlphaOrdinal], "item", &how)
            .unwrap();
    let (raw, alpha) = (all[0].1.as_ref().unwrap(), all[1].1.as_ref().unwrap());
    assert_eq!((raw.degenerate, raw.draws), (0, 10_000));
    assert!(alpha.degenerate.abs_diff(3164) < 200, "{}", alpha.degenerate);
    assert!(alpha.note().unwrap().contains("degenerate"));
}

#[test]
fn an_undefined_coefficient_does_not_hide_the_others() {
    let r = from_raters(&[&[4, 4, 4], &[4, 4, 4]]);
    let all =
        bootstrap::<u8>(&r, None, &Coefficient::ORDERED, "item", &Resampling::default()).unwrap();
    assert_eq!(all[0].1, Err(Undefined::Unanimous));
    assert_eq!(all[1].1, Err(Undefined::Unanimous));
    assert_eq!(all[2].1.as_ref().unwrap().value, 1.0);
}

#[test]
fn names_are_those_of_the_json() {
    for c in Coefficient::ALL {
        assert_eq!(serde_json::to_value(c).unwrap(), c.name());
    }
}

type Rows = Vec<Vec<Option<f64>>>;

fn rows() -> impl Strategy<Value = Rows> {
    (2usize..6, 2usize..12).prop_flat_map(|(raters, units)| {
        let score = prop::option::weighted(0.8, (1u8..=5).prop_map(f64::from));
        prop::collection::vec(prop::collection::vec(score, raters), units)
    })
}

fn all_of(rows: &Rows) -> Vec<Result<f64, Undefined>> {
    let r = Ratings::from_rows(Some(&ONE_TO_FIVE), rows).unwrap();
    Coefficient::ALL.iter().map(|c| coefficient(&r, *c)).collect()
}

fn same(a: &[Result<f64, Undefined>], b: &[Result<f64, Undefined>]) -> bool {
    a.iter().zip(b).all(|(x, y)| match (x, y) {
        (Ok(x), Ok(y)) => (x - y).abs() < 1e-9,
        (x, y) => x == y,
    })
}

proptest! {
    #[test]
    fn the_order_of_units_and_raters_plays_no_part(
        (rows, turn) in (rows(), 0usize..10)
    ) {
        let want = all_of(&rows);
        let mut units = rows.clone();
        let n = units.len();
        units.rotate_left(turn % n);
        units.reverse();
        prop_assert!(same(&want, &all_of(&units)));
        let mut raters = rows.clone();
        for row in &mut raters {
            let k = row.len();
            row.rotate_left(turn % k);
            row.reverse();
        }
        prop_assert!(same(&want, &all_of(&raters)));
        // Which rater left the gap plays no part either: only a unit's scores do.
        let mut sorted = rows;
        for row in &mut sorted {
            row.sort_by(|a, b| a.partial_cmp(b).unwrap());
        }
        prop_assert!(same(&want, &all_of(&sorted)));
    }

    #[test]
    fn kappas_of_pairs_and_variances_do_not_depend_on_the_order_either(rows in rows()) {
        let of = |rows: &Rows| {
            let r = Ratings::from_rows(Some(&ONE_TO_FIVE), rows).unwrap();
            let clusters: Vec<usize> = (0..rows.len()).collect();
            let how = Resampling { draws: 1, ..Resampling::default() };
            let mut all: Vec<Result<f64, Undefined>> = pairwise_kappa(&r, &clusters, "item", &how)
                .unwrap()
                .into_iter()
                .map(|k| k.estimate.map(|e| e.value))
                .collect();
            let found = components(&r);
            all.extend([found.clone().map(|c| c.units), found.clone().map(|c| c.raters), found.map(|c| c.rest)]);
            all
        };
        let mut turned = rows.clone();
        turned.reverse();
        turned.iter_mut().for_each(|row| row.reverse());
        prop_assert!(same(&of(&rows), &of(&turned)));
    }

    #[test]
    fn a_unit_without_ratings_changes_nothing(rows in rows()) {
        let want = all_of(&rows);
        let mut more = rows;
        let gaps = vec![None; more[0].len()];
        more.push(gaps);
        prop_assert!(same(&want, &all_of(&more)));
    }

    #[test]
    fn no_coefficient_exceeds_one_and_full_agreement_reaches_it(rows in rows()) {
        for c in all_of(&rows).into_iter().flatten() {
            prop_assert!(c <= 1.0 + 1e-12);
        }
        let agreed: Rows =
            rows.iter().zip(0..).map(|(r, u)| vec![Some(f64::from(u % 5 + 1)); r.len()]).collect();
        for c in all_of(&agreed) {
            prop_assert!((c.unwrap() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn turning_the_scale_around_keeps_all_but_the_ratio_alpha(rows in rows()) {
        let turned: Rows = rows
            .iter()
            .map(|r| r.iter().map(|s| s.map(|x| 6.0 - x)).collect())
            .collect();
        let ratio = Coefficient::ALL.iter().position(|c| *c == Coefficient::AlphaRatio).unwrap();
        let (mut a, mut b) = (all_of(&rows), all_of(&turned));
        a[ratio] = Err(Undefined::NoPairs);
        b[ratio] = Err(Undefined::NoPairs);
        prop_assert!(same(&a, &b));
    }
}
