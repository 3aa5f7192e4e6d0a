use super::super::{effects, icc};
use super::*;
use crate::stats::bootstrap::Resampling;

fn matrix(rows: &[&[f64]]) -> Ratings {
    let rows: Vec<Vec<Option<f64>>> =
        rows.iter().map(|r| r.iter().map(|x| (*x > 0.0).then_some(*x)).collect()).collect();
    Ratings::from_rows(None, &rows).unwrap()
}

/// Shrout and Fleiss 1979, six targets by four judges.
const SHROUT: [&[f64]; 6] = [
    &[9., 2., 5., 8.],
    &[6., 1., 3., 2.],
    &[8., 4., 6., 8.],
    &[7., 1., 2., 6.],
    &[10., 5., 6., 9.],
    &[6., 2., 4., 7.],
];

#[test]
fn complete_data_have_the_mean_squares_of_shrout_and_fleiss() {
    let r = matrix(&SHROUT);
    let (by_squares, of) = (icc(&r).unwrap(), components(&r).unwrap());
    assert!((of.icc_single().unwrap() - by_squares.icc2).abs() < 1e-12);
    assert!((of.icc_mean().unwrap() - by_squares.icc2k).abs() < 1e-12);
    assert!((of.icc_single().unwrap() - 0.289_763_779_527_559).abs() < 1e-12, "the golden value");
    assert_eq!(of.per_unit, 4.0);
    // (11.24 - 1.02) / 4, (32.49 - 1.02) / 6, 1.02: table 3 of the paper, in mean squares
    assert!((of.units - 2.556).abs() < 0.01 && (of.raters - 5.244).abs() < 0.01, "{of:?}");
    assert!((of.rest - 1.0194).abs() < 0.001);
}

/// By the definition of the method, through projections in numpy (`benches/study_oracles`).
#[test]
fn gaps_are_taken_as_they_are() {
    let rows: [&[f64]; 7] = [
        &[4., 5., 0., 3.],
        &[2., 3., 1., 0.],
        &[0., 5., 4., 4.],
        &[1., 0., 0., 1.],
        &[3., 4., 3., 2.],
        &[5., 0., 4., 0.],
        &[0., 2., 0., 0.],
    ];
    let of = components(&matrix(&rows)).unwrap();
    for (have, want) in [
        (of.units, 1.839_398_496_240_603_6),
        (of.raters, 0.505_199_362_041_456_8),
        (of.rest, 0.146_315_789_473_683_32),
    ] {
        assert!((have - want).abs() < 1e-12, "{of:?}");
    }
    assert!((of.per_unit - 2.153_846_153_846_154).abs() < 1e-12);
}

#[test]
fn what_cannot_be_told_apart_is_said() {
    assert_eq!(components(&matrix(&[&[4., 4.], &[4., 4.]])), Err(Undefined::Unanimous));
    assert!(matches!(
        components(&matrix(&[&[4.], &[3.]])),
        Err(Undefined::TooFew { unit: "raters", .. })
    ));
    assert!(matches!(
        components(&matrix(&[&[4., 2.]])),
        Err(Undefined::TooFew { unit: "units", .. })
    ));
    // a chain: each further rating only ties one more unit or rater to the rest
    let chain = matrix(&[&[4., 2., 0.], &[0., 3., 5.]]);
    assert!(matches!(components(&chain), Err(Undefined::TooFew { have: 0, .. })), "{chain:?}");
    let apart = matrix(&[&[4., 0.], &[0., 3.]]);
    assert!(components(&apart).is_err());
}

#[test]
fn permuting_raters_and_units_changes_nothing() {
    let rows: [&[f64]; 5] = [
        &[4., 5., 0., 3.],
        &[2., 3., 1., 0.],
        &[0., 5., 4., 4.],
        &[1., 2., 0., 1.],
        &[3., 4., 3., 2.],
    ];
    let turned: Vec<Vec<f64>> =
        rows.iter().rev().map(|r| r.iter().rev().copied().collect()).collect();
    let turned: Vec<&[f64]> = turned.iter().map(Vec::as_slice).collect();
    let (a, b) = (matrix(&rows), matrix(&turned));
    let (x, y) = (components(&a).unwrap(), components(&b).unwrap());
    assert!((x.units - y.units).abs() < 1e-12 && (x.raters - y.raters).abs() < 1e-12);
    let times = [1.0; 5];
    let (l, m) = (Crossed::of(&a).leanings(&times, &x), Crossed::of(&b).leanings(&times, &y));
    for (p, q) in l.iter().zip(m.iter().rev()) {
        assert!((p.unwrap() - q.unwrap()).abs() < 1e-12);
    }
}

#[test]
fn a_unit_counted_twice_is_two_units() {
    let rows: [&[f64]; 4] = [&[4., 5., 0.], &[2., 3., 1.], &[0., 5., 4.], &[1., 2., 2.]];
    let twice: [&[f64]; 5] = [rows[0], rows[1], rows[1], rows[2], rows[3]];
    let of = Crossed::of(&matrix(&rows)).fit(&[1.0, 2.0, 1.0, 1.0]).unwrap();
    let want = components(&matrix(&twice)).unwrap();
    assert!((of.units - want.units).abs() < 1e-12 && (of.rest - want.rest).abs() < 1e-12);
}

/// On complete data the prediction has a closed form: n s2 / (n s2 + rest) of the mean's distance.
#[test]
fn a_leaning_is_the_distance_of_means_drawn_to_zero() {
    let r = matrix(&SHROUT);
    let of = components(&r).unwrap();
    let means: Vec<f64> =
        (0..4).map(|j| SHROUT.iter().map(|row| row[j]).sum::<f64>() / 6.0).collect();
    let grand = means.iter().sum::<f64>() / 4.0;
    let pull = 6.0 * of.raters / (6.0 * of.raters + of.rest);
    let how = Resampling { draws: 100, ..Resampling::default() };
    let e = effects(&r, &[0, 1, 2, 3, 4, 5], "item", &how).unwrap();
    for (leaning, mean) in e.leanings.iter().zip(means) {
        let want = pull * (mean - grand);
        assert!((leaning.points.value - want).abs() < 1e-10, "{leaning:?} {want}");
        assert!(leaning.points.interval.unwrap().contains(leaning.points.value));
        assert_eq!(leaning.ratings, 6);
    }
    let shares: f64 = e.shares.iter().map(|s| s.as_ref().unwrap().value).sum();
    assert!((shares - 1.0).abs() < 1e-12);
    assert!(e.icc_single.unwrap().interval.unwrap().lo < 0.29);
}
