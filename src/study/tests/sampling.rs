use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::study::*;

/// The nine cultures of the sample data, with Greek left out.
const NINE: [(&str, &str); 9] = [
    ("arabic", "ar"),
    ("bengali", "bn"),
    ("chinese", "zh"),
    ("english", "en"),
    ("german", "de"),
    ("korean", "ko"),
    ("portuguese", "pt"),
    ("spanish", "es"),
    ("turkish", "tr"),
];

fn culture(id: &str, language: &str) -> Culture {
    Culture {
        id: CultureId::new(id).unwrap(),
        name: id.into(),
        countries: Vec::new(),
        place: id.into(),
        language: language.into(),
    }
}

fn cultures() -> Vec<CultureId> {
    NINE.iter().map(|(c, _)| CultureId::new(*c).unwrap()).collect()
}

/// English seeds and samples, and their translations into eight languages; Portuguese ones are
/// tagged `pt-BR`.
fn nine(seeds: usize, each: usize) -> Material {
    let survey =
        Survey { cultures: NINE.iter().map(|(c, l)| culture(c, l)).collect(), ..survey(seeds) };
    let mut all = samples(seeds, each);
    for (n, s) in all.iter_mut().enumerate() {
        s.similarity = Some(Similarity::new(0.7 + (n % 6) as f64 * 0.05).unwrap());
        s.provenance.run = Some(format!("run-{}", n % 2));
    }
    let english = all.clone();
    for (_, language) in NINE.iter().filter(|(_, l)| *l != "en") {
        let tag = if *language == "pt" { "pt-BR" } else { language };
        let translated = |s: &Sample, parent: Option<SampleId>| Sample {
            id: SampleId::new(format!("{}-{tag}-{}", s.id, parent.is_some())).unwrap(),
            language: tag.into(),
            text: format!("[{tag}] {}", s.text),
            stage: Stage::Translation,
            similarity: None,
            provenance: Provenance { parent, run: None, ..s.provenance.clone() },
            ..s.clone()
        };
        for s in &english {
            all.push(translated(s, Some(s.id.clone())));
            if s.id.as_str().ends_with("-0") {
                all.push(translated(s, None));
            }
        }
    }
    let mut known = Seeds::of(&survey);
    known.add_translations(&all);
    Material::Samples { samples: all, seeds: known, encoders: BTreeMap::new() }
}

fn spec(items: usize, seed: u64) -> StudySpec {
    let mut spec = StudySpec::named(StudyId::new("s").unwrap(), items, seed).over(9);
    spec.select.cultures = cultures();
    spec
}

fn people(each: usize) -> Vec<Rater> {
    let of = |(c, l): &(&str, &str), n: usize| Rater {
        cultures: vec![CultureId::new(*c).unwrap()],
        ..rater(&format!("{c}-{n}"), &[l])
    };
    NINE.iter().flat_map(|c| (0..each).map(move |n| of(c, n))).collect()
}

#[test]
fn a_culture_that_is_unknown_or_has_nothing_is_refused_by_name() {
    let mut wrong = spec(20, 1);
    wrong.select.cultures.push(CultureId::new("klingon").unwrap());
    let said = items_of(&wrong, &nine(3, 3)).unwrap_err().to_string();
    assert!(said.contains("`klingon`") && said.contains("arabic"), "{said}");
    let Material::Samples { mut samples, seeds, encoders } = nine(3, 3) else { unreachable!() };
    samples.retain(|s| s.language != "ko");
    let without = Material::Samples { samples, seeds, encoders };
    let said = items_of(&spec(20, 1), &without).unwrap_err().to_string();
    assert!(said.contains("korean") && said.contains("translate"), "{said}");
    let mut english = spec(20, 1);
    english.select.languages = vec!["de".into()];
    let said = items_of(&english, &without).unwrap_err().to_string();
    assert!(said.contains("arabic") && said.contains("not among the languages"), "{said}");
}

#[test]
fn nine_cultures_get_items_in_their_languages_and_the_wording_says_where_it_is_from() {
    let items = items_of(&spec(180, 3), &nine(5, 6)).unwrap();
    let rated: Vec<&Item> = items.iter().filter(|i| i.kind.enters_estimates()).collect();
    assert_eq!(rated.len(), 180);
    for (culture, language) in NINE {
        let of: Vec<&&Item> = rated
            .iter()
            .filter(|i| i.culture.as_ref().is_some_and(|c| c.as_str() == culture))
            .collect();
        assert_eq!(of.len(), 20, "{culture}");
        assert!(of.iter().all(|i| same_language(&i.language, language)), "{culture}");
        let wording = if language == "en" { "survey" } else { "translation" };
        assert!(of.iter().all(|i| i.origin.wording.as_deref() == Some(wording)), "{culture}");
        // the same language on both sides, and the similarity of what was translated
        assert!(of.iter().all(|i| i.origin.similarity.is_some()));
        assert!(of.iter().all(|i| (language == "en") != i.seed_text.starts_with('[')));
        let mut seeds: BTreeMap<&str, usize> = BTreeMap::new();
        for i in &of {
            *seeds.entry(i.seed.as_str()).or_default() += 1;
        }
        assert_eq!(seeds.into_values().collect::<Vec<_>>(), [4; 5], "{culture}");
        let anchors = of.iter().filter(|i| i.kind == ItemKind::Anchor).count();
        assert_eq!(anchors, 4, "{culture}: 36 anchors over nine cultures");
        let controls: Vec<&Item> = items
            .iter()
            .filter(|i| {
                i.kind.is_control() && i.culture.as_ref().is_some_and(|c| c.as_str() == culture)
            })
            .collect();
        assert_eq!(controls.len(), 3, "{culture}");
        let negated = controls.iter().any(|i| i.kind == ItemKind::ControlNegated);
        assert_eq!(negated, language == "en", "a wrong negation is worse than none");
    }
}

#[test]
fn english_samples_serve_a_culture_only_where_english_is_named() {
    let mut spec = spec(18, 1);
    spec.select.cultures = vec![CultureId::new("arabic").unwrap()];
    spec.select.languages = vec!["ar".into(), "en".into(), "de".into()];
    let items = items_of(&spec, &nine(3, 3)).unwrap();
    let languages: BTreeSet<&str> = items.iter().map(|i| i.language.as_str()).collect();
    assert_eq!(languages, BTreeSet::from(["ar", "en"]));
    assert!(items.iter().all(|i| i.culture.as_ref().is_some_and(|c| c.as_str() == "arabic")));
}

#[test]
fn runs_stages_and_bands_choose_and_spread() {
    let mut spec = spec(40, 1);
    spec.select = Selection {
        runs: vec!["run-1".into()],
        similarity: Some("0.75..0.9".parse().unwrap()),
        languages: vec!["en".into()],
        ..Selection::default()
    };
    spec.strata = vec![Stratum::Band];
    let items = items_of(&spec, &nine(6, 8)).unwrap();
    assert!(items.iter().filter(|i| i.kind.enters_estimates()).all(|i| {
        i.origin.run.as_deref() == Some("run-1")
            && i.origin.similarity.is_some_and(|x| (0.75..0.9).contains(&x))
    }));
    let bands = strata(&items, Stratum::Band);
    let (least, most) = (bands.values().min().unwrap(), bands.values().max().unwrap());
    assert!(bands.len() >= 2 && most - least <= 8, "{bands:?}");
    let mut both = self::spec(90, 2);
    both.strata = vec![Stratum::Culture, Stratum::Band, Stratum::Seed];
    let items = items_of(&both, &nine(4, 9)).unwrap();
    let by_culture = strata(&items, Stratum::Culture);
    assert_eq!(by_culture.into_values().collect::<Vec<_>>(), [10; 9], "the first stratum first");
    spec.select.similarity = Some("0.99..1".parse().unwrap());
    assert!(matches!(items_of(&spec, &nine(6, 8)), Err(StudyError::NoSamples { .. })));
}

#[test]
fn a_plan_over_cultures_says_before_what_it_will_be() {
    let (items, draft) = plan_draft(&spec(180, 3), &nine(5, 6), &people(4), 12.0).unwrap();
    assert_eq!(draft.groups, 9);
    assert_eq!(draft.load.len(), 36);
    assert_eq!(draft.ratings, draft.load.values().sum::<usize>());
    assert!((draft.hours - draft.ratings as f64 * 12.0 / 3600.0).abs() < 1e-9);
    let of = |stratum, label: &str| {
        let found = draft.strata.iter().find(|s| s.stratum == stratum && s.label == label);
        found.map(|s| s.items)
    };
    assert_eq!(of(Stratum::Culture, "korean"), Some(20));
    let said = draft.warnings.join("\n");
    for word in ["translation", "9 groups", "negates"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let made = plan(&items, &people(4), 3).unwrap();
    assert_eq!(made.load, draft.load);
    let few: Vec<Rater> = people(2);
    let said = plan(&items, &few, 3).unwrap_err().to_string();
    assert!(said.contains("culture") && said.contains("3 raters each, 2 declare"), "{said}");
}

#[test]
fn regions_do_not_part_a_language_and_cultures_part_raters() {
    let mut spec = spec(10, 1);
    spec.select.cultures = vec![CultureId::new("portuguese").unwrap()];
    let items = items_of(&spec, &nine(3, 4)).unwrap();
    assert!(items.iter().all(|i| i.language == "pt-BR" || i.kind.is_control()));
    let undeclared = rater("any", &["pt"]);
    let of = |culture: &str| Rater {
        cultures: vec![CultureId::new(culture).unwrap()],
        ..rater("one", &["pt", "en"])
    };
    for i in &items {
        assert!(undeclared.may_rate(i) && of("portuguese").may_rate(i));
        assert!(!of("spanish").may_rate(i) && !rater("x", &["es"]).may_rate(i));
        // one answer by itself: only people of the culture, who say so
        let answer = Item { context: Some("what?".into()), seed_text: String::new(), ..i.clone() };
        assert!(!undeclared.may_rate(&answer) && of("portuguese").may_rate(&answer));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_plan_over_languages_and_cultures_keeps_its_rules(
        each in 2usize..6,
        wanted in 9usize..90,
        k in 1u32..4,
        team in 4usize..7,
        seed in any::<u64>(),
    ) {
        let spec = StudySpec { k, ..spec(wanted, seed) };
        let material = nine(4, each);
        let items = items_of(&spec, &material).unwrap();
        let Material::Samples { mut samples, seeds, encoders } = material else { unreachable!() };
        samples.reverse();
        let again = items_of(&spec, &Material::Samples { samples, seeds, encoders }).unwrap();
        prop_assert_eq!(&items, &again, "whatever the order of the samples");
        let people = people(team);
        let made = plan(&items, &people, seed).unwrap();
        prop_assert_eq!(&made, &plan(&items, &people, seed).unwrap(), "the same again");
        let mut given: BTreeMap<&str, Vec<&Rater>> = BTreeMap::new();
        let mut place: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for a in &made.assignments {
            let r = people.iter().find(|r| r.id == a.rater).unwrap();
            given.entry(a.item.as_str()).or_default().push(r);
            place.insert((a.rater.as_str(), a.item.as_str()), a.position as usize);
        }
        for item in &items {
            let who = &given[item.id.as_str()];
            prop_assert_eq!(who.len(), item.k.map_or(team, |k| k as usize), "k exact");
            prop_assert!(who.iter().all(|r| r.may_rate(item)));
            let Some(of) = &item.repeat_of else { continue };
            for r in who {
                let (first, second) =
                    (place[&(r.id.as_str(), of.as_str())], place[&(r.id.as_str(), item.id.as_str())]);
                prop_assert!(first < second);
                // the originals and what is no repeat leave room for the distance
                let load = made.load[&r.id];
                let repeats = items.iter().filter(|i| {
                    i.repeat_of.is_some() && place.contains_key(&(r.id.as_str(), i.id.as_str()))
                }).count();
                if load >= 2 * repeats + LAG {
                    prop_assert!(second - first >= LAG, "{first} {second} of {load}");
                }
            }
        }
        for (culture, _) in NINE {
            let of: Vec<usize> = made.load.iter()
                .filter(|(r, _)| r.as_str().starts_with(culture)).map(|(_, n)| *n).collect();
            let (least, most) = (of.iter().min().unwrap(), of.iter().max().unwrap());
            prop_assert!(most - least <= 2, "{culture}: {of:?}");
        }
    }
}
