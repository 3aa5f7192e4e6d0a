//! At the door of the room: what comes out, for every sample seed and any random seed.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::agreement::with_articles;
use super::*;
use crate::domain::{Direction, FailReason, Form, QuestionId, ScaleKind};
use crate::providers::{Partition, Scope};
use crate::text::{edits_between, folded_words, token_edits, words};

#[derive(serde::Deserialize)]
struct SampleQuestions {
    version: u32,
    questions: Vec<Question>,
}

fn questions() -> Vec<Question> {
    let text = include_str!("../../../sample_data/questions.json");
    let file: SampleQuestions = serde_json::from_str(text).unwrap();
    assert_eq!(file.version, 1);
    file.questions
}

fn question(id: &str) -> Question {
    questions().into_iter().find(|q| q.id.as_str() == id).unwrap()
}

fn ask(n: usize, rng_seed: u64, partition: Partition) -> Ask {
    Ask { n, rng_seed, scope: Scope::of(partition) }
}

fn parent(p: &Proposal) -> Parent<'_> {
    Parent { text: p.text().unwrap(), template: p.template.as_deref(), family: p.family.as_deref() }
}

/// Everything that one side of the rules gives a seed: first stage, then up to `variants` of each.
fn grown(
    offline: &Offline,
    q: &Question,
    side: Partition,
    rng_seed: u64,
    variants: usize,
) -> Vec<Proposal> {
    let mut all = offline.all_paraphrases(q, &ask(0, rng_seed, side));
    for p in all.clone() {
        all.extend(offline.substitute(q, parent(&p), &ask(variants, rng_seed, side)).unwrap());
    }
    all.retain(|p| p.text().is_some());
    all
}

/// How many remain when every text within two words of the seed or of one before it goes.
fn distinct(q: &Question, texts: &[Proposal]) -> usize {
    let mut kept = vec![folded_words(&q.text)];
    for text in texts.iter().filter_map(Proposal::text) {
        let words = folded_words(text);
        if kept.iter().all(|k| edits_between(k, &words) > NEAR_DUPLICATE_EDITS) {
            kept.push(words);
        }
    }
    kept.len() - 1
}

const SIDES: [Partition; 2] = [Partition::Train, Partition::HeldOut];

/// Not a check: prints every text for people to read. `POLYCULTURE_PRINT=Q33,Q224 cargo test --lib
/// providers::offline::tests::print_all -- --nocapture`; `all` for all seeds.
#[test]
fn print_all() {
    let Ok(wanted) = std::env::var("POLYCULTURE_PRINT") else { return };
    let offline = Offline::new().unwrap();
    for q in questions() {
        if wanted != "all" && !wanted.split(',').any(|w| w == q.id.as_str()) {
            continue;
        }
        println!("\n{} {}", q.id, q.text);
        for side in SIDES {
            let all = grown(&offline, &q, side, 1, 4);
            println!(" [{}: {} texts, {} distinct]", side.as_str(), all.len(), distinct(&q, &all));
            for p in all {
                let mark = if p.substitutions.is_empty() { " " } else { "+" };
                println!(" {mark} {:<34} {}", p.template.as_deref().unwrap(), p.text().unwrap());
            }
        }
    }
}

#[test]
fn the_sample_seeds_are_the_fifty_of_the_paper_with_their_scales() {
    let all = questions();
    let ranges = [27..=41, 122..=129, 132..=138, 158..=162, 169..=170, 196..=198, 224..=233];
    let expected: Vec<String> = ranges.into_iter().flatten().map(|n| format!("Q{n}")).collect();
    let ids: Vec<&str> = all.iter().map(|q| q.id.as_str()).collect();
    assert_eq!(ids, expected);
    assert_eq!(all.iter().map(|q| &q.topic).collect::<BTreeSet<_>>().len(), 7);
    assert_eq!(all.iter().map(|q| q.text.to_lowercase()).collect::<BTreeSet<_>>().len(), 50);
    for q in &all {
        let number: u32 = q.id.as_str()[1..].parse().unwrap();
        let printed: Vec<u8> = q.scale.options().iter().map(|o| o.code).collect();
        let (codes, direction, middle, ends): (Vec<u8>, _, _, _) = match number {
            33..=41 => ((1..=5).collect(), Direction::HigherIsLess, Some(3), false),
            122..=129 => (vec![2, 1, 0], Direction::HigherIsMore, Some(1), false),
            158..=162 => ((1..=10).collect(), Direction::HigherIsMore, None, true),
            _ => ((1..=4).collect(), Direction::HigherIsLess, None, false),
        };
        assert_eq!(printed, codes, "{}", q.id);
        assert_eq!(q.scale.direction(), direction, "{}", q.id);
        assert_eq!(q.scale.middle(), middle, "{}", q.id);
        assert_eq!(q.scale.end_labels_only(), ends, "{}", q.id);
        assert_eq!(q.scale.kind(), ScaleKind::Ordinal, "{}", q.id);
        let is_question = matches!(number, 132..=138 | 196..=198 | 224..=233);
        assert_eq!(q.form == Form::Question, is_question, "{}", q.id);
        assert!(q.text.ends_with(if is_question { '?' } else { '.' }), "{}", q.text);
        assert_eq!(q.topic.0, q.topic.0.to_lowercase());
    }
    assert_eq!(question("Q27").scale.label(1), Some("Strongly agree"));
    assert_eq!(question("Q122").scale.label(2), Some("Agree"));
    assert_eq!(question("Q160").scale.label(7), Some("7"));
    assert_eq!(question("Q160").scale.label(10), Some("Completely agree"));
    assert_eq!(question("Q196").scale.label(1), Some("Definitely should have the right"));
}

#[test]
fn there_are_twelve_templates_and_six_families_for_statements_and_for_questions() {
    let rules = Rules::embedded().unwrap();
    for group in ["statement", "personal", "effect", "occurrence", "government", "election"] {
        let templates = &rules.groups[group];
        assert!(templates.len() >= 12, "{group}: {}", templates.len());
        let texts: BTreeSet<&str> = templates.iter().map(|t| t.text.as_str()).collect();
        assert!(texts.len() >= 12, "{group}: {} texts", texts.len());
        let families: BTreeSet<&Family> = templates.iter().map(|t| &t.family).collect();
        assert!(families.len() >= 6, "{group}: {}", families.len());
    }
}

#[test]
fn every_seed_has_families_and_texts_enough_on_both_sides() {
    let offline = Offline::new().unwrap();
    for q in questions() {
        for (side, families, texts) in [(Partition::Train, 4, 15), (Partition::HeldOut, 2, 4)] {
            let scope = Scope::of(side);
            let found: Vec<Family> =
                offline.families(&q).into_iter().filter(|f| scope.allows(f)).collect();
            assert!(found.len() >= families, "{}: {} {}", q.id, side.as_str(), found.len());
            for family in found {
                let mut only = ask(2, 5, side);
                only.scope.families = vec![family.name.clone()];
                let two = offline.paraphrase(&q, &only).unwrap();
                let enough = two.iter().all(|p| p.text().is_some());
                // A sentence that was short to begin with leaves a family a single distinct text.
                assert!(two[0].text().is_some(), "{}: {}", q.id, family.name);
                assert!(enough || side == Partition::Train, "{}: {}", q.id, family.name);
            }
            let grown = distinct(&q, &grown(&offline, &q, side, 5, 2));
            assert!(grown >= texts, "{}: {} gives {grown}", q.id, side.as_str());
            if side == Partition::Train {
                let first = distinct(&q, &offline.all_paraphrases(&q, &ask(0, 5, side)));
                assert!(first >= 10, "{}: the first stage alone gives {first}", q.id);
            }
        }
    }
}

#[test]
fn held_out_rules_and_words_are_disjoint_from_training() {
    let rules = Rules::embedded().unwrap();
    for (group, templates) in &rules.groups {
        let texts = |side| -> BTreeSet<&str> {
            let of_side = templates.iter().filter(move |t| t.family.partition == side);
            of_side.map(|t| t.text.as_str()).collect()
        };
        let shared: Vec<_> =
            texts(Partition::Train).intersection(&texts(Partition::HeldOut)).copied().collect();
        assert!(shared.is_empty(), "{group}: {shared:?}");
    }
    // Statements share no clause either: each family has a block of its own.
    let slots_of = |group: &str, side| -> BTreeSet<String> {
        let of_side = rules.groups[group].iter().filter(|t| t.family.partition == side);
        of_side.flat_map(|t| template::slots(&t.text)).map(str::to_owned).collect()
    };
    for group in ["statement", "personal"] {
        let train = slots_of(group, Partition::Train);
        assert!(train.is_disjoint(&slots_of(group, Partition::HeldOut)), "{group}");
    }
    for seed in rules.seeds.values().filter(|b| b.contains_key("recast")) {
        let mut clauses: Vec<&String> =
            seed.iter().filter(|(k, _)| *k != "group").map(|(_, c)| c).collect();
        let all = clauses.len();
        clauses.sort();
        clauses.dedup();
        assert_eq!(clauses.len(), all, "{seed:?}");
    }
    let to = |side| -> BTreeSet<&String> {
        rules.lexicon.iter().filter(|e| e.side == side).flat_map(|e| &e.to).collect()
    };
    let (train, held) = (to(Partition::Train), to(Partition::HeldOut));
    let shared: Vec<_> = train.intersection(&held).collect();
    assert!(shared.is_empty(), "{shared:?}");
}

#[test]
fn every_lexicon_entry_is_used_by_some_text_of_its_side() {
    let offline = Offline::new().unwrap();
    let mut unused: BTreeSet<(String, String)> = BTreeSet::new();
    for e in &offline.rules.lexicon {
        unused.extend(e.from.iter().map(|f| (e.rule(), f.clone())));
    }
    for q in questions() {
        for side in SIDES {
            for p in offline.all_paraphrases(&q, &ask(0, 1, side)) {
                let there = folded_words(p.text().unwrap()).join(" ");
                let there = format!(" {there} ");
                for e in offline.rules.entries(&q, &Scope::of(side)) {
                    for from in &e.from {
                        if there.contains(&format!(" {} ", folded_words(from).join(" "))) {
                            unused.remove(&(e.rule(), from.clone()));
                        }
                    }
                }
            }
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
}

/// What a strict reader would stop at first, checked on every text there is.
fn check_sentence(q: &Question, text: &str) {
    let what = format!("{}: {text}", q.id);
    assert!(text.starts_with(char::is_uppercase), "{what}");
    let end = if q.form == Form::Question { '?' } else { '.' };
    assert!(text.ends_with(end), "{what}");
    assert_eq!(with_articles(text), text, "{what}");
    for broken in ["  ", "{", "}", " ,", " .", " ?", "..", "\u{201c}", "\""] {
        assert!(!text.contains(broken), "{what}: `{broken}`");
    }
    // Every sentence of two begins with a capital.
    for (at, _) in text.match_indices(". ") {
        assert!(text[at + 2..].starts_with(char::is_uppercase), "{what}");
    }
    let all = folded_words(text);
    assert!(all.windows(2).all(|w| w[0] != w[1]), "{what}: a doubled word");
    // Polarity: no negation comes or goes.
    let negations = |s: &str| {
        let negations = ["not", "no", "never", "nothing", "without", "neither", "nor", "nobody"];
        folded_words(s).iter().filter(|w| negations.contains(&w.as_str())).count()
    };
    assert_eq!(negations(text), negations(&q.text), "{what}: negation");
    // Who, where and how strongly stay said.
    for said in ["this country", "your country", "neighborhood", "always", "almost"] {
        let whole = |s: &str| s.to_lowercase().contains(said);
        assert_eq!(whole(text), whole(&q.text), "{what}: `{said}`");
    }
    let stranger = ["maybe", "perhaps", "might", "certainly", "definitely", "must", "all men"];
    for word in stranger {
        let almost = text.contains("almost certain") && word == "certainly";
        assert!(almost || !text.to_lowercase().contains(word), "{what}: `{word}`");
    }
}

#[test]
fn every_text_is_well_formed_and_keeps_polarity_place_and_strength() {
    let offline = Offline::new().unwrap();
    for q in questions() {
        check_sentence(&q, &q.text);
        for side in SIDES {
            for p in grown(&offline, &q, side, 3, 6) {
                if q.id.as_str() != "Q39" {
                    check_sentence(&q, p.text().unwrap());
                } else if p.substitutions.is_empty() {
                    // `not working` may become `doing no work`, which is one negation as well.
                    check_sentence(&q, p.text().unwrap());
                }
                assert!(p.template.is_some() && p.family.is_some());
            }
        }
    }
}

#[test]
fn exchanged_words_are_whole_and_recorded() {
    let offline = Offline::new().unwrap();
    for q in questions() {
        for side in SIDES {
            for p in offline.all_paraphrases(&q, &ask(0, 1, side)) {
                for s in offline.substitute(&q, parent(&p), &ask(6, 9, side)).unwrap() {
                    let Some(text) = s.text() else { continue };
                    assert!(!s.substitutions.is_empty());
                    assert_eq!((&s.template, &s.family), (&p.template, &p.family));
                    let mut allowed: BTreeSet<String> =
                        folded_words(p.text().unwrap()).into_iter().collect();
                    for x in &s.substitutions {
                        assert!(p.text().unwrap().contains(&x.from), "{x:?}");
                        allowed.extend(folded_words(&x.to));
                    }
                    allowed.extend(["a".to_owned(), "an".to_owned()]);
                    for word in words(text) {
                        let word = folded_words(word).concat();
                        assert!(allowed.contains(&word), "`{word}` in {text}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_seed_without_blocks_gets_frames_or_an_honest_failure() {
    let offline = Offline::new().unwrap();
    let mut q = question("Q27");
    q.id = QuestionId::new("Q1").unwrap();
    q.text = "The family is very important in life".into();
    let texts = offline.paraphrase(&q, &ask(3, 1, Partition::Train)).unwrap();
    assert!(texts.iter().all(|p| p.text().is_some_and(|t| t.contains("the family is very"))));
    let none = offline.substitute(&q, parent(&texts[0]), &ask(2, 1, Partition::Train)).unwrap();
    assert!(none.iter().all(|p| matches!(p.outcome, Outcome::Failed(FailReason::NoRule { .. }))));
    assert!(none.iter().all(|p| p.family.is_some()));

    // An id that was given to another question gets no block of ours.
    q.id = QuestionId::new("Q27").unwrap();
    let texts = offline.paraphrase(&q, &ask(3, 1, Partition::Train)).unwrap();
    assert!(texts.iter().filter_map(Proposal::text).all(|t| !t.contains("parents")));

    // A name keeps its capital, so such a clause is not put into a frame.
    q.text = "Berlin is a fine city".into();
    let texts = offline.paraphrase(&q, &ask(3, 1, Partition::Train)).unwrap();
    assert_eq!(texts.len(), 3);
    assert!(texts.iter().all(|p| p.text().is_none()));

    q.text = "Die Familie ist wichtig".into();
    q.language = "de".into();
    let texts = offline.paraphrase(&q, &ask(1, 1, Partition::Train)).unwrap();
    assert!(
        matches!(&texts[0].outcome, Outcome::Failed(FailReason::NoRule { detail }) if detail.contains("Q27"))
    );
}

#[test]
fn an_unknown_family_is_refused_by_name() {
    let offline = Offline::new().unwrap();
    let mut wrong = ask(1, 1, Partition::Train);
    wrong.scope.families = vec!["limerick".into()];
    let error = offline.paraphrase(&question("Q27"), &wrong).unwrap_err();
    assert!(error.to_string().contains("limerick") && error.to_string().contains("cleft"));
}

#[test]
fn few_proposals_come_from_as_many_families() {
    let offline = Offline::new().unwrap();
    for q in questions() {
        let five = offline.paraphrase(&q, &ask(5, 11, Partition::Train)).unwrap();
        let families: BTreeSet<_> = five.iter().filter_map(|p| p.family.as_deref()).collect();
        assert!(families.len() >= 4, "{}: {families:?}", q.id);
    }
}

#[test]
fn the_version_names_the_rule_data_and_no_call_is_planned() {
    let offline = Offline::new().unwrap();
    assert_eq!(offline.name(), "offline");
    assert!(offline.version().starts_with("rules-1-"));
    assert_eq!(offline.version(), Offline::new().unwrap().version());
    assert_eq!(offline.plan(50, 250), 0);
}

/// The released wording of the same questions is recognised, so that an imported file gets the
/// blocks too (statements; the released migration items are asked as questions).
#[test]
fn released_wordings_of_the_seeds_find_their_blocks() {
    let Ok(dir) = std::env::var("POLYCULTURE_REFERENCE_DATA") else {
        println!("skipped: no reference data");
        return;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&dir).join("seeds/WVQ.jsonl")).unwrap();
    let offline = Offline::new().unwrap();
    let mut found = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut q = question(&format!("Q{}", row["q_id"].as_str().unwrap()));
        if (122..130).contains(&row["q_id"].as_str().unwrap().parse::<u32>().unwrap()) {
            continue;
        }
        row["q_content"].as_str().unwrap().clone_into(&mut q.text);
        let first = &offline.paraphrase(&q, &ask(1, 1, Partition::Train)).unwrap()[0];
        let own = first.template.as_deref().is_some_and(|t| !t.starts_with("any-"));
        assert!(own, "{}: {}", q.id, q.text);
        found += 1;
    }
    assert_eq!(found, 42);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_random_seed_gives_the_same_answer_twice_and_as_many_proposals_as_asked(
        rng_seed in any::<u64>(), which in 0usize..50, n in 0usize..40, held in any::<bool>(),
    ) {
        let offline = Offline::new().unwrap();
        let q = &questions()[which];
        let ask = ask(n, rng_seed, if held { Partition::HeldOut } else { Partition::Train });
        let made = offline.paraphrase(q, &ask).unwrap();
        prop_assert_eq!(made.len(), n);
        prop_assert_eq!(&made, &offline.paraphrase(q, &ask).unwrap());
        let texts: Vec<&Proposal> = made.iter().filter(|p| p.text().is_some()).collect();
        for (i, p) in texts.iter().enumerate() {
            check_sentence(q, p.text().unwrap());
            prop_assert!(p.template.is_some() && p.family.is_some());
            let family = offline.families(q).into_iter().find(|f| Some(&f.name) == p.family.as_ref());
            prop_assert_eq!(family.unwrap().partition, ask.scope.partition.unwrap());
            for other in &texts[..i] {
                let edits = token_edits(p.text().unwrap(), other.text().unwrap());
                prop_assert!(edits > NEAR_DUPLICATE_EDITS);
            }
        }
        if let Some(p) = texts.first() {
            let made = offline.substitute(q, parent(p), &ask).unwrap();
            prop_assert_eq!(made.len(), n);
            prop_assert_eq!(&made, &offline.substitute(q, parent(p), &ask).unwrap());
            for s in made.iter().filter_map(Proposal::text) {
                prop_assert!(token_edits(p.text().unwrap(), s) > NEAR_DUPLICATE_EDITS);
            }
        }
    }
}
