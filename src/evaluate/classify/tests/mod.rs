//! At the door of the room: the registry, the reference data, every shape of reply.

mod runs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::parser::{Invalid, Parser, ParserName, Reading};
use super::*;

/// The folder of the reference data, or `None` with a printed line.
fn reference() -> Option<PathBuf> {
    let dir = std::env::var_os("POLYCULTURE_REFERENCE_DATA").map(PathBuf::from);
    let dir = dir.filter(|d| d.join("tasks").is_dir());
    if dir.is_none() {
        println!("skipped: no reference data");
    }
    dir
}

fn task(name: &str) -> Task {
    registry().unwrap().into_iter().find(|t| t.name == name).unwrap()
}

/// The 12 sets of the reference data and the tasks they belong to.
const RELEASED: [(&str, &str); 12] = [
    ("arabic/OSACT5_hate_finegrained", "arabic/hate_fine-grained"),
    ("arabic/OffensEval2020", "arabic/offensive"),
    ("bengali/threat", "bengali/threat"),
    ("chinese/camouflage_spam", "chinese/spam"),
    ("english/SOLID_easy", "english/offensive_easy"),
    ("english/hate_offensive", "english/hate_offens"),
    ("german/HASOC", "german/hate_off"),
    ("korean/hate_detect_6", "korean/hate_6"),
    ("portuguese/homophobia", "portuguese/homophobia"),
    ("spanish/stereotype", "spanish/stereotype"),
    ("turkish/abusive", "turkish/abusive"),
    ("turkish/offenseCorpus_finegrained", "turkish/offensive_finegrained"),
];

#[test]
fn the_registry_knows_the_papers_59_sets_and_the_two_greek_ones() {
    let tasks = registry().unwrap();
    assert_eq!(tasks.len(), 61);
    let of_paper = || tasks.iter().filter(|t| t.culture != "greek");
    assert_eq!(of_paper().count(), 59);
    let runs = || of_paper().filter(|t| t.kind != Kind::Values);
    assert_eq!(runs().count(), 58);
    assert_eq!(runs().map(|t| t.pool.as_str()).collect::<BTreeSet<_>>().len(), 40);
    assert_eq!(runs().filter_map(|t| Some(t.expected.as_ref()?.items)).sum::<u64>(), 66_895);
    for t in &tasks {
        let expected = t.expected.as_ref().unwrap();
        let declared: Option<u64> = t.labels.iter().map(|l| l.expected).sum();
        assert!(
            declared.is_none_or(|d| d + expected.empty_gold == expected.items),
            "{}: its labels do not add up to its items",
            t.name
        );
        assert!(t.kind == Kind::Values || t.paper_rules.is_some(), "{}", t.name);
        assert_eq!(
            task_file(&t.name).map(|f| Task::parse(f, "x".as_ref()).unwrap()).as_ref(),
            Some(t)
        );
    }
}

/// The figures that the plan of the project was given with (`best_constant_macro_f1`).
#[test]
fn the_best_constant_answer_is_worked_out_for_every_set() {
    let tasks = registry().unwrap();
    let of = |name: &str| {
        tasks.iter().find(|t| t.name == name).unwrap().best_constant().map(|(_, f1)| f1).unwrap()
    };
    for (name, want) in [
        ("arabic/offensive", 0.444),
        ("arabic/hate_fine-grained", 0.135),
        ("english/offensive_easy", 0.5),
        ("english/hate_offens", 0.288),
        ("korean/hate_6", 0.378),
        ("turkish/offensive_finegrained", 0.176),
        ("spanish/offensive_ami", 0.349),
        ("greek/offensive", 0.497),
    ] {
        assert!((of(name) - want).abs() < 0.0006, "{name}: {}", of(name));
    }
}

#[test]
fn the_released_files_have_the_ceilings_of_science_under_the_released_parser() {
    let Some(dir) = reference() else { return };
    let mut ceilings = BTreeMap::new();
    for (file, name) in RELEASED {
        let path = dir.join("tasks").join(format!("{file}.jsonl"));
        let check = check(&task(name), &path, ParserName::Paper).unwrap();
        ceilings.insert(name, check.ceiling.unwrap());
    }
    let want = |name: &str| match name {
        "arabic/hate_fine-grained" => 0.207,
        "english/offensive_easy" => 0.5,
        "turkish/offensive_finegrained" => 0.8,
        _ => 1.0,
    };
    for (name, ceiling) in ceilings {
        assert!((ceiling - want(name)).abs() < 0.0005, "{name}: {ceiling}");
    }
}

#[test]
fn under_our_parser_a_released_file_has_the_ceiling_1_or_is_flagged() {
    let Some(dir) = reference() else { return };
    for (file, name) in RELEASED {
        let path = dir.join("tasks").join(format!("{file}.jsonl"));
        let task = task(name);
        let check = check(&task, &path, ParserName::Default).unwrap();
        let stops: Vec<FindingKind> = check.stops().map(|f| f.kind).collect();
        match name {
            "english/offensive_easy" => {
                assert_eq!(stops, [FindingKind::Degenerate, FindingKind::Ceiling]);
                assert!((check.ceiling.unwrap() - 0.5).abs() < 1e-12);
            }
            "korean/hate_6" => {
                assert_eq!(stops, [FindingKind::EmptyGold]);
                assert_eq!(check.ceiling, Some(1.0));
                assert!(check.pass().unwrap_err().to_string().contains("218 of 1000"));
            }
            _ => {
                assert_eq!(stops, [], "{name}");
                assert_eq!(check.ceiling, Some(1.0), "{name}");
                check.pass().unwrap();
            }
        }
        // The facts that the registry states about the file.
        let expected = task.expected.as_ref().unwrap();
        let other = check.findings.iter().find(|f| f.kind == FindingKind::OtherFile);
        if name == "english/offensive_easy" {
            // An address was taken out of the copy: the counts say that it is the same set.
            assert!(other.is_some_and(|f| f.message.contains("as many items of each label")));
        } else {
            assert_eq!(Some(&check.sha256), expected.sha256.as_ref(), "{name}");
        }
        assert_eq!(check.items, expected.items, "{name}");
        for (label, (gold, n)) in task.labels.iter().zip(&check.counts) {
            assert_eq!((&label.gold, label.expected), (gold, Some(*n)), "{name}");
        }
        let few = check.findings.iter().any(|f| f.kind == FindingKind::FewPositives);
        let declared_few = task.labels.iter().all(|l| l.expected > Some(0))
            && task.labels.iter().any(|l| l.expected < Some(FEWEST));
        assert_eq!(few, declared_few, "{name}");
    }
}

#[test]
fn every_label_of_every_task_is_read_back_from_the_word_that_the_prompt_asks_for() {
    for t in registry().unwrap() {
        let parser = Parser::of(&t, ParserName::Default).unwrap();
        for (i, l) in t.labels.iter().enumerate() {
            assert!(
                t.prompt.user.contains(&l.say),
                "{}: the prompt never says `{}`",
                t.name,
                l.say
            );
            for said in [
                l.say.clone(),
                l.say.to_lowercase(),
                format!("**{}**.", l.say),
                format!("\u{201c}{}\u{201d}", l.say),
                format!("  {}\n\nBecause of its tone.", l.say),
                format!("Answer: {}", l.say),
                format!("The answer is \"{}\".", l.say),
                format!("{{\"label\": \"{}\", \"why\": \"tone\"}}", l.say),
                format!("Sure! Here is it:\n```json\n{{\"answer\": \"{}\"}}\n```", l.say),
                format!("<think>NOT_OFF? OFF? 1? 0?</think>{}", l.say),
                format!("The tone decides.\nFinal answer: {}", l.say),
            ] {
                assert_eq!(parser.read(&said), Reading::Label(i), "{}: {said}", t.name);
            }
            for word in &l.words {
                assert_eq!(parser.read(word), Reading::Label(i), "{}: {word}", t.name);
            }
        }
    }
}

#[test]
fn a_reply_is_a_label_a_refusal_or_nothing_whatever_its_shape() {
    let hate = Parser::of(&task("german/hate"), ParserName::Default).unwrap();
    let fine = Parser::of(&task("arabic/hate_fine-grained"), ParserName::Default).unwrap();
    let threat = Parser::of(&task("bengali/threat"), ParserName::Default).unwrap();
    let (hs, not) = (Reading::Label(0), Reading::Label(1));
    let invalid = Reading::Invalid;
    let cases = [
        // Prose with one label, negated or not.
        (&hate, "This sentence contains hate speech against a group.", hs),
        (&hate, "The text does not contain any hate speech.", not),
        (&hate, "No hate speech here.", not),
        (&hate, "It isn't hateful.", not),
        (&hate, "Das ist keine Hassrede.", not),
        (&hate, "Yes, it attacks people for their origin.", hs),
        (&hate, "1. NOT_HS", not),
        (&hate, "- **HS**", hs),
        (&hate, "Label:\nHS", hs),
        (&hate, "```\nNOT_HS\n```", not),
        (&hate, "[\"HS\"]", hs),
        (&hate, "{\"hate\": false}", not),
        (&hate, "{\"classification\": [\"NOT_HS\"], \"score\": 0.2}", not),
        (&hate, "First I thought of HS. The answer is NOT_HS.", not),
        (&hate, "<think>HS or NOT_HS?</think>\nHS", hs),
        // Refusals, also those that mention what was asked.
        (&hate, "I'm sorry, but I can't help with that.", Reading::Refusal),
        (&hate, "I cannot help with hate speech.", Reading::Refusal),
        (&hate, "As an AI, I can't say whether this is HS or NOT_HS.", Reading::Refusal),
        (&hate, "Es tut mir leid, das beurteile ich nicht.", Reading::Refusal),
        (&hate, "I cannot see an attack on a group here: NOT_HS", not),
        // What is no answer.
        (&hate, "", invalid(Invalid::Empty)),
        (&hate, " \n\u{200b}```", invalid(Invalid::Empty)),
        (&hate, "HS or NOT_HS", invalid(Invalid::Several)),
        (&hate, "What a lovely day.", invalid(Invalid::NoLabel)),
        (&hate, "<think>HS, because", invalid(Invalid::CutOff)),
        (&hate, "{\"label\": \"HS\"", hs),
        (&hate, "<html><body>502 Bad Gateway</body></html>", invalid(Invalid::NoLabel)),
        (&hate, "\u{1b}[31mHS\u{1b}[0m", invalid(Invalid::NoLabel)),
        // More than two labels: a negation says nothing of the others.
        (&fine, "HS5", Reading::Label(5)),
        (&fine, "It is hate for gender: HS6.", Reading::Label(6)),
        (&fine, "NOT_HS", Reading::Label(0)),
        (&fine, "It is not HS2.", invalid(Invalid::NoLabel)),
        (&fine, "HS1 and HS6", invalid(Invalid::Several)),
        // Digits, also of other scripts; numbering is no label here.
        (&threat, "1", hs),
        (&threat, "\u{9e7}", hs),
        (&threat, "\u{9e6}।", not),
        (&threat, "0.", not),
        (&threat, "Answer: 1 (a threat)", hs),
        (&threat, "হ্যাঁ", hs),
        (&threat, "না, এতে কোনো হুমকি নেই।", not),
        (&threat, "10", invalid(Invalid::NoLabel)),
        (&threat, "It threatens no one: no threat.", not),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(parser, reply, want)| parser.read(reply) != *want)
        .map(|(parser, reply, want)| format!("{reply:?}: {:?}, not {want:?}", parser.read(reply)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ten_megabytes_of_reply_are_read_by_their_ends() {
    let hate = Parser::of(&task("german/hate"), ParserName::Default).unwrap();
    let long = format!("{}\nAnswer: HS", "so it goes ".repeat(1 << 20));
    assert_eq!(hate.read(&long), Reading::Label(0));
    let endless = "HS NOT_HS ".repeat(1 << 20);
    assert_eq!(hate.read(&endless), Reading::Invalid(Invalid::Several));
}

#[test]
fn what_the_service_says_of_a_reply_counts() {
    use crate::providers::{ChatReply, Finish, Usage};
    let parser = Parser::of(&task("german/hate"), ParserName::Default).unwrap();
    let reply = |text: &str, finish, refusal: Option<&str>| ChatReply {
        text: text.into(),
        finish,
        refusal: refusal.map(str::to_owned),
        usage: Usage::default(),
        model: "m".into(),
        key: "k".into(),
        stored: false,
    };
    let read = |r: &ChatReply| parser.read_reply(r);
    assert_eq!(read(&reply("HS", Finish::Stop, None)), Reading::Label(0));
    assert_eq!(read(&reply("HS", Finish::Filtered, None)), Reading::Refusal);
    assert_eq!(read(&reply("", Finish::Stop, Some("I can't"))), Reading::Refusal);
    let cut = Reading::Invalid(Invalid::CutOff);
    assert_eq!(read(&reply("The text speaks of", Finish::Length, None)), cut);
    assert_eq!(read(&reply("HS, since the", Finish::Length, None)), Reading::Label(0));
}
