use proptest::prelude::*;

use super::*;

const UNITS: i64 = 70;

fn truth(u: i64) -> i64 {
    1 + (u * u + 3 * u) % 5
}

/// Scores by arithmetic, so that another program can make the same.
fn person(u: i64, p: i64) -> Option<f64> {
    if p == 5 {
        return (u < 20).then_some(3.0);
    }
    if (u + p) % 7 == 0 {
        return None;
    }
    let mut t = truth(u);
    if (u * (p + 2) + p * p) % 4 == 0 {
        t += if u % 2 == 1 { 1 } else { -1 };
    }
    if (u + 5 * p) % 9 == 0 {
        t = 6 - t;
    }
    Some(t.clamp(1, 5) as f64)
}

fn judge(u: i64) -> Option<f64> {
    if u % 23 == 0 {
        return None;
    }
    let t = truth(u) + i64::from(u % 5 == 0) - if u % 11 == 0 { 2 } else { 0 };
    Some(t.clamp(1, 5) as f64)
}

fn data() -> (Vec<Vec<Option<f64>>>, Vec<Option<f64>>) {
    (
        (0..UNITS).map(|u| (0..6).map(|p| person(u, p)).collect()).collect(),
        (0..UNITS).map(judge).collect(),
    )
}

/// The authors' program (nitaytech/AltTest, commit 18428b1) with scipy, on the data above.
#[test]
fn the_test_agrees_with_the_authors_program() {
    let (people, judge) = data();
    for (scoring, epsilon, rate, advantage, p) in [
        (
            Scoring::NegRmse,
            0.2,
            1.0,
            0.790_977_443_609_022_6,
            [
                0.013_122_945_214_048_9,
                7.601_197_582_160_15e-5,
                0.013_964_461_211_493_7,
                1.366_977_416_032_03e-5,
                0.014_375_381_748_29,
            ],
        ),
        (
            Scoring::NegRmse,
            0.1,
            0.4,
            0.790_977_443_609_022_6,
            [
                0.111_257_885_923_919,
                0.003_453_008_420_420_65,
                0.088_504_374_322_211_5,
                0.000_860_728_276_628_154,
                0.114_783_625_041_214,
            ],
        ),
        (
            Scoring::Accuracy,
            0.15,
            0.6,
            0.780_513_784_461_152_9,
            [
                0.386_589_569_905_621,
                0.000_842_111_661_364_873,
                0.004_884_010_805_964_24,
                0.002_282_645_175_375_1,
                0.257_953_689_604_48,
            ],
        ),
        (
            Scoring::Accuracy,
            0.1,
            0.0,
            0.780_513_784_461_152_9,
            [
                0.595_516_469_264_529,
                0.005_855_760_928_467_5,
                0.015_277_385_250_108_2,
                0.013_090_848_662_195,
                0.454_277_196_350_467,
            ],
        ),
    ] {
        let spec = AltTestSpec { epsilon, scoring, ..AltTestSpec::default() };
        let r = alternative_annotator(&people, &judge, &spec).unwrap();
        assert_eq!((r.winning_rate, r.passes), (rate, rate >= 0.5), "{scoring:?} {epsilon}");
        assert!((r.advantage - advantage).abs() < 1e-12, "{}", r.advantage);
        assert_eq!(r.people.len(), 5);
        for (have, want) in r.people.iter().zip(p) {
            assert!((have.p - want).abs() < 1e-11, "{have:?}, expected {want}");
        }
        assert_eq!(r.left_out, [(5, 19)], "a person with too few units is named and not counted");
        assert_eq!(r.units, 66);
    }
}

#[test]
fn bad_input_and_too_few_people_are_refused_with_the_reason() {
    let (people, judge) = data();
    let spec = AltTestSpec::default();
    assert!(alternative_annotator(&people, &judge[1..], &spec).is_err());
    for bad in [
        AltTestSpec { epsilon: -0.1, ..spec },
        AltTestSpec { epsilon: f64::NAN, ..spec },
        AltTestSpec { q: 0.0, ..spec },
    ] {
        assert!(matches!(
            alternative_annotator(&people, &judge, &bad),
            Err(Undefined::BadParameter { .. })
        ));
    }
    let mut odd = judge.clone();
    odd[1] = Some(f64::NAN);
    assert!(alternative_annotator(&people, &odd, &spec).is_err());
    let two: Vec<Vec<Option<f64>>> = people.iter().map(|r| r[..2].to_vec()).collect();
    let why = alternative_annotator(&two, &judge, &spec).unwrap_err();
    assert!(matches!(why, Undefined::TooFew { have: 2, need: 3, .. }), "{why}");
    // the same with 29 units each, and with nobody at all
    let why = alternative_annotator(&people[..29], &judge[..29], &spec).unwrap_err();
    assert!(matches!(why, Undefined::TooFew { have: 0, need: 3, .. }), "{why}");
    assert!(alternative_annotator(&[], &[], &spec).is_err());
}

#[test]
fn one_who_always_says_the_same_as_all_ties_and_a_tie_is_a_win_within_epsilon() {
    let people = vec![vec![Some(4.0); 3]; 30];
    let judge = vec![Some(4.0); 30];
    let of = |epsilon| {
        let spec = AltTestSpec { epsilon, ..AltTestSpec::default() };
        alternative_annotator(&people, &judge, &spec).unwrap()
    };
    let r = of(0.1);
    assert_eq!((r.winning_rate, r.advantage, r.people[0].p), (1.0, 1.0, 0.0));
    assert_eq!(of(0.0).winning_rate, 0.0, "without epsilon a tie is no win");
    // a judge that is always wrong never wins
    let spec = AltTestSpec::default();
    let r = alternative_annotator(&people, &[Some(1.0); 30], &spec).unwrap();
    assert_eq!((r.winning_rate, r.advantage, r.people[0].p), (0.0, 0.0, 1.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_order_of_people_and_units_changes_nothing(
        cells in prop::collection::vec(prop::option::weighted(0.8, 1u8..=5), 60 * 4),
        judged in prop::collection::vec(1u8..=5, 60),
        turn in 0usize..60,
    ) {
        let people: Vec<Vec<Option<f64>>> =
            cells.chunks(4).map(|r| r.iter().map(|s| s.map(f64::from)).collect()).collect();
        let judge: Vec<Option<f64>> = judged.iter().map(|s| Some(f64::from(*s))).collect();
        let mut other = people.clone();
        other.iter_mut().for_each(|r| r.reverse());
        other.rotate_left(turn);
        let mut turned = judge.clone();
        turned.rotate_left(turn);
        let spec = AltTestSpec { min_units: 10, ..AltTestSpec::default() };
        let (a, b) = (alternative_annotator(&people, &judge, &spec), alternative_annotator(&other, &turned, &spec));
        match (a, b) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(a.winning_rate, b.winning_rate);
                prop_assert!((a.advantage - b.advantage).abs() < 1e-12);
                for (x, y) in a.people.iter().zip(b.people.iter().rev()) {
                    prop_assert!((x.p - y.p).abs() < 1e-12 && x.units == y.units);
                    prop_assert!(x.advantage + x.own >= 1.0 - 1e-12, "one of two is always as close");
                }
            }
            (a, b) => prop_assert!(a.is_err() && b.is_err()),
        }
    }
}
