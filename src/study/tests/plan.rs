use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::study::{NewStudy, Plan, StudyError, new_study, plan};

fn spec(items: usize, k: u32, seed: u64) -> NewStudy {
    NewStudy { k, ..NewStudy::named(StudyId::new("s").unwrap(), items, seed) }
}

fn by_item(plan: &Plan) -> BTreeMap<&str, Vec<&str>> {
    let mut out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for a in &plan.assignments {
        out.entry(a.item.as_str()).or_default().push(a.rater.as_str());
    }
    out
}

#[test]
fn settings_and_samples_that_make_no_study_are_refused() {
    let (all, survey) = (samples(3, 3), survey(3));
    for bad in [
        NewStudy { items: 0, ..spec(5, 2, 1) },
        NewStudy { k: 0, ..spec(5, 2, 1) },
        NewStudy { repeats: 0.9, ..spec(5, 2, 1) },
        NewStudy { repeats: f64::NAN, ..spec(5, 2, 1) },
        NewStudy { anchors: 6, ..spec(5, 2, 1) },
    ] {
        assert!(matches!(new_study(&all, &survey, &bad), Err(StudyError::BadSetting { .. })));
    }
    let mut unusable = samples(1, 3);
    unusable[0].decision = Decision::Failed(FailReason::NoRule { detail: String::new() });
    unusable[1].language = "de".into();
    unusable[2].text = "  ".into();
    unusable.push(sample(77, 0));
    let said = new_study(&unusable, &survey, &spec(5, 2, 1)).unwrap_err().to_string();
    assert!(said.contains("4 given, of them 4"), "{said}");
}

#[test]
fn too_few_raters_of_a_language_and_a_rater_twice_are_refused() {
    let items = new_study(&samples(3, 3), &survey(3), &spec(9, 3, 1)).unwrap();
    let two = [rater("a", &["en"]), rater("b", &["en", "de"]), rater("c", &["de"])];
    let said = plan(&items, &two, 1).unwrap_err().to_string();
    assert!(said.contains("3 raters each, 2 declare"), "{said}");
    assert!(plan(&items, &[], 1).is_err());
    let twice = [rater("a", &["en"]), rater("a", &["en"]), rater("b", &["en"])];
    assert!(matches!(plan(&items, &twice, 1), Err(StudyError::BadSetting { .. })));
}

#[test]
fn items_are_spread_over_seeds_with_anchors_repeats_and_controls() {
    let items = new_study(&samples(10, 9), &survey(10), &spec(50, 3, 4)).unwrap();
    assert_eq!(of_kind(&items, ItemKind::Sample), 40);
    assert_eq!(of_kind(&items, ItemKind::Anchor), 10);
    assert_eq!(of_kind(&items, ItemKind::Repeat), 4);
    for kind in [ItemKind::ControlIdentical, ItemKind::ControlUnrelated, ItemKind::ControlNegated] {
        assert!(of_kind(&items, kind) >= 1, "{kind:?}");
    }
    let mut per_seed: BTreeMap<&str, usize> = BTreeMap::new();
    for i in items.iter().filter(|i| i.kind.enters_estimates()) {
        *per_seed.entry(i.seed.as_str()).or_default() += 1;
    }
    assert_eq!(per_seed.values().copied().collect::<Vec<_>>(), [5; 10]);
    for i in &items {
        assert_eq!(i.kind.is_control(), i.expected.is_some(), "{i:?}");
        assert_eq!(i.sha256.len(), 64);
        match i.kind {
            ItemKind::ControlIdentical => assert_eq!(i.seed_text, i.sample_text),
            ItemKind::ControlNegated => {
                assert_eq!(i.sample_text, format!("It is not true that p{}", &i.seed_text[1..]));
            }
            ItemKind::Repeat => {
                let original = items.iter().find(|o| Some(&o.id) == i.repeat_of.as_ref()).unwrap();
                assert_eq!((original.kind, &original.sha256), (ItemKind::Sample, &i.sha256));
            }
            _ => {}
        }
    }
}

#[test]
fn the_choice_depends_on_the_seed_and_not_on_the_order_of_samples() {
    let (mut all, survey) = (samples(6, 6), survey(6));
    let first = new_study(&all, &survey, &spec(20, 3, 1)).unwrap();
    all.reverse();
    assert_eq!(new_study(&all, &survey, &spec(20, 3, 1)).unwrap(), first);
    assert_ne!(new_study(&all, &survey, &spec(20, 3, 2)).unwrap(), first);
}

#[test]
fn languages_keep_to_their_raters_and_the_groups_are_counted() {
    let mut items = new_study(&samples(4, 4), &survey(4), &spec(16, 2, 1)).unwrap();
    items.retain(|i| i.repeat_of.is_none());
    for (n, item) in items.iter_mut().enumerate() {
        item.language = if n % 2 == 0 { "en" } else { "el" }.into();
    }
    let mut who = vec![rater("a", &["en"]), rater("b", &["en"]), rater("c", &["el"])];
    who.push(rater("d", &["el"]));
    let apart = plan(&items, &who, 1).unwrap();
    assert_eq!(apart.groups, 2);
    for a in &apart.assignments {
        let item = items.iter().find(|i| i.id == a.item).unwrap();
        let rater = who.iter().find(|r| r.id == a.rater).unwrap();
        assert!(rater.languages.contains(&item.language));
    }
    who.push(rater("e", &["el", "en"]));
    assert_eq!(plan(&items, &who, 1).unwrap().groups, 1);
}

#[test]
fn raters_are_tied_together_even_without_anchors() {
    for seed in 0..20 {
        let spec = NewStudy { anchors: 0, controls: 0, repeats: 0.0, ..spec(12, 2, seed) };
        let items = new_study(&samples(4, 4), &survey(4), &spec).unwrap();
        assert_eq!(plan(&items, &raters(6), seed).unwrap().groups, 1, "seed {seed}");
    }
}

#[test]
fn sides_and_orders_are_mixed() {
    let items = new_study(&samples(10, 10), &survey(10), &spec(100, 3, 1)).unwrap();
    let plan = plan(&items, &raters(6), 1).unwrap();
    let swapped = plan.assignments.iter().filter(|a| a.swap).count() as f64;
    let share = swapped / plan.assignments.len() as f64;
    assert!((0.4..0.6).contains(&share), "{share}");
    let anchors: BTreeSet<&str> =
        items.iter().filter(|i| i.kind == ItemKind::Anchor).map(|i| i.id.as_str()).collect();
    let orders: BTreeSet<Vec<&str>> = raters(6)
        .iter()
        .map(|r| {
            let mine = plan.assignments.iter().filter(|a| a.rater == r.id);
            mine.map(|a| a.item.as_str()).filter(|i| anchors.contains(i)).collect()
        })
        .collect();
    assert_eq!(orders.len(), 6, "each rater has an order of their own");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_plan_keeps_its_rules(
        seeds in 1usize..8,
        each in 1usize..8,
        wanted in 1usize..60,
        k in 1u32..5,
        people in 4usize..12,
        seed in any::<u64>(),
    ) {
        let items = new_study(&samples(seeds, each), &survey(seeds), &spec(wanted, k, seed)).unwrap();
        let people = raters(people);
        let made = plan(&items, &people, seed).unwrap();
        prop_assert_eq!(&made, &plan(&items, &people, seed).unwrap(), "the same again");

        let given = by_item(&made);
        for item in &items {
            let who = &given[item.id.as_str()];
            let different: BTreeSet<_> = who.iter().collect();
            prop_assert_eq!(different.len(), who.len(), "different raters");
            prop_assert_eq!(who.len(), item.k.map_or(people.len(), |k| k as usize));
            if let Some(of) = &item.repeat_of {
                let originals: BTreeSet<_> = given[of.as_str()].iter().collect();
                prop_assert_eq!(different, originals, "a repeat has its original's raters");
            }
        }
        let (least, most) = (made.load.values().min(), made.load.values().max());
        prop_assert!(most.zip(least).is_some_and(|(m, l)| m - l <= 2), "{:?}", made.load);

        let mut place: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        let mut positions: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let mut slots = BTreeSet::new();
        for a in &made.assignments {
            place.insert((a.rater.as_str(), a.item.as_str()), a.position);
            positions.entry(a.rater.as_str()).or_default().push(a.position);
            prop_assert!(slots.insert((a.item.as_str(), a.slot)), "one rater a place");
            let k = items.iter().find(|i| i.id == a.item).and_then(|i| i.k);
            prop_assert!(k.is_none_or(|k| a.slot < k));
        }
        for at in positions.values() {
            prop_assert!(at.iter().copied().eq(0..at.len() as u32), "positions without gaps");
        }
        for item in &items {
            let Some(of) = &item.repeat_of else { continue };
            for who in &given[item.id.as_str()] {
                prop_assert!(place[&(*who, of.as_str())] < place[&(*who, item.id.as_str())]);
            }
        }
        prop_assert_eq!(made.groups, 1, "anchors or controls tie everybody together");
    }
}
