use proptest::prelude::*;

use super::*;
use crate::domain::StudyType;
use crate::study::{Rating, agreement, agreement_of, agreement_short, read_ratings};

fn rating(item: usize, rater: usize, score: u8, cluster: Option<usize>) -> Rating {
    Rating {
        item: format!("i{item}"),
        rater: format!("r{rater}"),
        score,
        cluster: cluster.map(|c| format!("Q{c}")),
    }
}

#[test]
fn nonsense_is_refused() {
    assert!(agreement(&[], 100, 1).is_err());
    let twice = [rating(1, 1, 3, None), rating(1, 1, 4, None)];
    assert!(agreement(&twice, 100, 1).is_err());
    assert!(agreement(&[rating(1, 1, 0, None)], 100, 1).is_err());
    assert!(agreement(&[rating(1, 1, 3, None)], 0, 1).is_err());
    let seeds = [rating(1, 1, 3, Some(1)), rating(1, 2, 4, Some(2))];
    assert!(agreement(&seeds, 100, 1).is_err());
}

/// Alpha by krippendorff 0.9.0; AC1 and AC2 by irrCAC 0.4.4, on the same data.
#[test]
fn the_published_example_gives_its_golden_values_through_a_file() {
    for delimiter in [',', ';', '\t'] {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), &krippendorff_csv(delimiter));
        let ratings = read_ratings(&path, None, true).unwrap().ratings;
        let report = agreement(&ratings, 500, 7).unwrap();
        for (name, golden, digits) in [
            ("alpha-nominal", 0.7434, 5e-5),
            ("alpha-ordinal", 0.8154, 5e-5),
            ("alpha-interval", 0.8491, 5e-5),
            ("ac1", 0.77544, 5e-6),
            ("ac2-ordinal", 0.89894, 5e-6),
            ("ac2-quadratic", 0.91400, 5e-6),
        ] {
            let figure = report.figure(name).unwrap();
            let value = figure.value.unwrap();
            assert!((value - golden).abs() < digits, "{name}: {value}");
            let interval = figure.interval.unwrap();
            assert!(interval.lo < value && value <= interval.hi, "{name}: {interval:?}");
            assert_eq!((figure.items, figure.raters, figure.unit.as_str()), (11, 4, "item"));
        }
        assert_eq!((report.items, report.ratings), (12, 41));
        assert!(report.notes.iter().any(|n| n.contains("name no seeds")), "{:?}", report.notes);
        assert!(report.notes.iter().any(|n| n.contains("1 of 12")), "{:?}", report.notes);
    }
}

/// Six items by four raters; the expected value is computed from mean squares by their definition
/// (Shrout and Fleiss 1979; their own table is in the statistics room's tests).
#[test]
fn icc_is_that_of_mean_squares_and_takes_items_with_gaps_too() {
    let table =
        [[5, 1, 3, 4], [3, 1, 2, 2], [4, 2, 3, 5], [4, 1, 3, 4], [5, 1, 3, 5], [3, 1, 3, 4]];
    let mut ratings: Vec<Rating> = table
        .iter()
        .enumerate()
        .flat_map(|(i, row)| row.iter().enumerate().map(move |(r, s)| rating(i, r, *s, None)))
        .collect();
    let full = agreement(&ratings, 200, 1).unwrap();
    let icc = full.figure("icc2k").unwrap();
    // mean squares by definition, from sums
    let n = 6.0;
    let k = 4.0;
    let rows: Vec<f64> = table.iter().map(|r| r.iter().sum::<u8>().into()).collect();
    let cols: Vec<f64> = (0..4).map(|c| table.iter().map(|r| f64::from(r[c])).sum()).collect();
    let all: f64 = rows.iter().sum();
    let sq: f64 = table.iter().flatten().map(|s| f64::from(*s).powi(2)).sum();
    let ss_rows = rows.iter().map(|x| x * x).sum::<f64>() / k - all * all / (n * k);
    let ss_cols = cols.iter().map(|x| x * x).sum::<f64>() / n - all * all / (n * k);
    let ss_rest = sq - all * all / (n * k) - ss_rows - ss_cols;
    let (bms, jms, ems) =
        (ss_rows / (n - 1.0), ss_cols / (k - 1.0), ss_rest / ((n - 1.0) * (k - 1.0)));
    let by_hand = (bms - ems) / (bms + (jms - ems) / n);
    assert!((icc.value.unwrap() - by_hand).abs() < 1e-12, "{:?} {by_hand}", icc.value);
    assert_eq!(icc.items, 6);
    let single = (bms - ems) / (bms + (k - 1.0) * ems + k * (jms - ems) / n);
    assert!((full.figure("icc2").unwrap().value.unwrap() - single).abs() < 1e-12);
    let effects = full.effects.as_ref().unwrap();
    assert_eq!(effects.leanings.len(), 4);
    assert!(effects.leanings[0].points.value > 0.5, "r0 is the most lenient: {effects:?}");
    assert!(effects.leanings[1].points.value < -0.5, "r1 is the most severe: {effects:?}");
    // a plan of k = 3 leaves gaps everywhere, and the figure is there all the same
    ratings.retain(|r| !matches!((r.item.as_str(), r.rater.as_str()), ("i1", "r2") | ("i4", "r0")));
    ratings.push(rating(99, 0, 1, None));
    let gaps = agreement(&ratings, 200, 1).unwrap();
    let icc = gaps.figure("icc2k").unwrap();
    assert_eq!(icc.items, 7);
    assert!(icc.value.is_some_and(|v| v != by_hand && v < 1.0), "{icc:?}");
}

/// Mean squares .4 between items, 1.6 between raters, 2.4 residual: the divisor .4 + (1.6 - 2.4) / 2
/// is zero, and with 1 in the place of the last 2 it is -.5. Rounding must not make a number of it.
#[test]
fn an_icc_without_a_positive_divisor_is_undefined() {
    for last in [1, 2] {
        let table = [[2, 2, 3, 1, 3], [1, 1, 4, 5, last]];
        let ratings: Vec<Rating> = table
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().enumerate().map(move |(r, s)| rating(i, r, *s, None)))
            .collect();
        let figure = agreement(&ratings, 50, 1).unwrap().figure("icc2k").cloned().unwrap();
        assert_eq!(figure.value, None, "{figure:?}");
        assert!(figure.undefined.unwrap().contains("differ more"));
    }
}

#[test]
fn unanimous_ratings_have_no_coefficient_and_say_why() {
    let ratings: Vec<Rating> =
        (0..6).flat_map(|i| (0..3).map(move |r| rating(i, r, 5, Some(i / 2)))).collect();
    let report = agreement(&ratings, 200, 1).unwrap();
    for name in ["alpha-nominal", "alpha-ordinal", "alpha-interval", "ac2-quadratic", "icc2k"] {
        let figure = report.figure(name).unwrap();
        assert_eq!((figure.value, figure.interval), (None, None), "{name}");
        assert!(figure.undefined.as_ref().unwrap().contains("same"), "{name}");
    }
    for name in ["kappa-pairs", "kappa-pairs-quadratic", "kappa-fleiss", "icc2", "ac1"] {
        assert_eq!(report.figure(name).unwrap().value, None, "{name}");
    }
    assert!(report.effects.is_none());
    assert_eq!(report.figure("raw").unwrap().value, Some(1.0));
    assert_eq!(report.figure("mean").unwrap().value, Some(5.0));
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["figures"][0]["value"].is_null());
    assert!(json["figures"][0]["undefined"].as_str().unwrap().contains("undefined"));
}

#[test]
fn one_rater_or_no_shared_item_has_a_mean_and_no_agreement() {
    let alone = agreement(&[rating(1, 1, 3, None), rating(2, 1, 5, None)], 100, 1).unwrap();
    let apart = agreement(&[rating(1, 1, 3, None), rating(2, 2, 5, None)], 100, 1).unwrap();
    for report in [alone, apart] {
        assert_eq!(report.figure("alpha-ordinal").unwrap().value, None);
        assert_eq!(report.figure("raw").unwrap().value, None);
        assert_eq!(report.figure("mean").unwrap().value, Some(4.0));
        assert_eq!(report.distribution, [0, 0, 1, 0, 1]);
    }
}

#[test]
fn intervals_resample_seeds_where_the_ratings_name_them() {
    // all samples of a seed are alike: by seed there is far less information than by item
    let with = |seeds: bool| {
        let ratings: Vec<Rating> = (0..60)
            .flat_map(|i| {
                let seed = i / 10;
                let base = 1 + (seed % 5) as u8;
                let cluster = seeds.then_some(seed);
                (0..3).map(move |r| rating(i, r, if r == 2 { 3 } else { base }, cluster))
            })
            .collect();
        agreement(&ratings, 1_000, 3).unwrap()
    };
    let (by_seed, by_item) = (with(true), with(false));
    assert_eq!((by_seed.unit.as_str(), by_seed.units), ("seed", 6));
    assert_eq!((by_item.unit.as_str(), by_item.units), ("item", 60));
    for name in ["alpha-ordinal", "mean", "share-4-5"] {
        let width = |r: &crate::study::AgreementReport| {
            let i = r.figure(name).unwrap().interval.unwrap();
            i.hi - i.lo
        };
        assert!(width(&by_seed) > 1.5 * width(&by_item), "{name}");
    }
}

#[test]
fn preferences_have_win_rates_and_ties_and_a_scale_of_three() {
    // 1 the first, 2 a tie, 3 the second: 8 wins, 4 ties, 4 losses of 16
    let ratings: Vec<Rating> = (0..8)
        .flat_map(|i| (0..2).map(move |r| rating(i, r, [1, 1, 2, 3][(i + r) % 4], Some(i / 2))))
        .collect();
    let report = agreement_of(StudyType::Preference, &ratings, 200, 1).unwrap();
    for (name, value) in
        [("share-first", 0.5), ("share-tie", 0.25), ("share-second", 0.25), ("win-rate", 0.625)]
    {
        let figure = report.figure(name).unwrap();
        assert_eq!(figure.value, Some(value), "{name}");
        assert!(figure.interval.is_some() && figure.unit == "seed and rater");
    }
    assert!(report.figure("share-4-5").is_none());
    let off = [rating(1, 1, 4, None)];
    assert!(agreement_of(StudyType::Preference, &off, 100, 1).is_err(), "4 is no preference");
    let short = agreement_short(StudyType::Preference, &ratings, 200, 1).unwrap();
    assert_eq!(short.figure("win-rate"), report.figure("win-rate"));
    assert!(short.figure("icc2").is_none() && short.effects.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn neither_the_order_of_rows_nor_the_names_of_raters_change_a_figure(
        cells in proptest::collection::vec(proptest::option::of(1u8..=5), 30),
        seed in any::<u64>(),
    ) {
        let build = |f: &dyn Fn(usize) -> usize| -> Vec<Rating> {
            cells.iter().enumerate()
                .filter_map(|(at, s)| s.map(|s| rating(at / 5, f(at % 5), s, Some(at / 10))))
                .collect()
        };
        let plain = build(&|r| r);
        prop_assume!(!plain.is_empty());
        let mut other = build(&|r| 9 - r);
        other.reverse();
        let (a, b) = (agreement(&plain, 50, seed).unwrap(), agreement(&other, 50, seed).unwrap());
        for (x, y) in a.figures.iter().zip(&b.figures) {
            match (x.value, y.value) {
                (Some(v), Some(w)) => {
                    prop_assert!((v - w).abs() < 1e-9 * v.abs().max(1.0), "{}", x.name);
                }
                (v, w) => prop_assert_eq!(v, w),
            }
        }
    }
}

/// The 4 x 12 example of Krippendorff 2011 ("Computing Krippendorff's Alpha-Reliability"): four
/// observers, twelve units, 0 where there is no score.
const KRIPPENDORFF: [[u8; 12]; 4] = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
];

fn krippendorff_csv(delimiter: char) -> String {
    let mut text = format!("Rater{delimiter}ITEM{delimiter}Score\r\n");
    for (r, row) in KRIPPENDORFF.iter().enumerate() {
        for (i, score) in row.iter().enumerate().filter(|(_, s)| **s > 0) {
            text.push_str(
                &[format!("r{r}"), format!("u{i}"), score.to_string()].join(&delimiter.to_string()),
            );
            text.push_str("\r\n");
        }
    }
    text
}
