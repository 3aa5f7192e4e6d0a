//! The room from its door: requests as they are sent, replies as proposals.

use super::*;
use crate::domain::{Form, Question};
use crate::providers::prompts::Library;
use crate::providers::{ChatReply, Finish, Outcome, Parent, Partition, Proposal, Scope, Usage};

fn seed(text: &str, language: &str) -> Question {
    serde_json::from_value(serde_json::json!({
        "id": "Q1", "topic": "t", "language": language, "text": text, "form": "statement",
        "scale": {
            "options": [{"code": 1, "label": "yes"}, {"code": 2, "label": "no"}],
            "kind": "ordinal", "direction": "higher-is-less",
        },
        "notes": [],
    }))
    .unwrap()
}

fn said(text: &str) -> Answer {
    Ok(ChatReply {
        text: text.into(),
        finish: Finish::Stop,
        refusal: None,
        usage: Usage::default(),
        model: "m".into(),
        key: "abc".into(),
        stored: false,
    })
}

fn failed() -> Answer {
    Err(CallFailed { code: "timeout".into(), detail: "nothing for 60 s".into() })
}

fn synonyms() -> SynonymsInContext {
    SynonymsInContext::new(Library::built_in().load("synonyms").unwrap(), Manner::default())
}

fn exchanged(language: &str, parent: &str, n: usize, answer: &Answer) -> Vec<Proposal> {
    let about = Parent { text: parent, template: Some("t"), family: Some("order") };
    synonyms().read(&seed("Something else.", language), about, n, 1, answer)
}

#[test]
fn families_keep_to_their_side_and_their_form() {
    let prompt = Library::built_in().load("paraphrase").unwrap();
    let p = Paraphrases::new(prompt, Manner::default());
    let train = p.families(Form::Statement, &Scope::of(Partition::Train)).unwrap();
    let held = p.families(Form::Question, &Scope::of(Partition::HeldOut)).unwrap();
    assert!(train.len() >= 5 && held.len() >= 2);
    assert!(train.iter().all(|f| !held.contains(f)));
    let named = Scope { families: vec!["order".into()], ..Scope::default() };
    assert_eq!(p.families(Form::Statement, &named).unwrap(), ["order"]);
    let unknown = Scope { families: vec!["limerick".into()], ..Scope::default() };
    assert!(p.families(Form::Statement, &unknown).unwrap_err().to_string().contains("order"));
}

#[test]
fn a_request_holds_the_seed_the_number_and_a_shape_where_it_is_wanted() {
    let prompt = Library::built_in().load("paraphrase").unwrap();
    let q = seed("Work is a duty towards {{ society }}.", "pt-BR");
    let ask = |structured| {
        let manner = Manner { structured, ..Manner::default() };
        Paraphrases::new(prompt.clone(), manner).request(&q, "order", 3, 7).unwrap()
    };
    let r = ask(true);
    let user = &r.messages.last().unwrap().content;
    // What stands in a seed is data, not a template.
    assert!(user.contains("Work is a duty towards {{ society }}."), "{user}");
    assert!(user.contains("in 3 different ways") && user.contains("Portuguese"), "{user}");
    assert_eq!(r.sampling.seed, Some(7));
    assert_eq!(r.schema.as_ref().unwrap().name, "sentences");
    assert!(ask(false).schema.is_none());
    assert_ne!(
        r,
        Paraphrases::new(prompt.clone(), Manner::default()).request(&q, "order", 3, 8).unwrap()
    );
}

#[test]
fn as_many_proposals_come_out_as_were_asked_for() {
    let prompt = Library::built_in().load("paraphrase").unwrap();
    let p = Paraphrases::new(prompt, Manner::default());
    for answer in [
        said("1. Cats.\n2. Dogs.\n3. Cows.\n4. Hens."),
        said(""),
        said("Sorry, I can't."),
        failed(),
    ] {
        for n in [0, 1, 3, 9] {
            assert_eq!(p.read("order", n, &answer).len(), n);
            assert_eq!(exchanged("en", "A long life is good.", n, &answer).len(), n);
        }
    }
    let all = p.read("order", 2, &failed());
    assert!(
        all.iter()
            .all(|p| matches!(&p.outcome, Outcome::Failed(f) if f.kind() == "call-failed/timeout"))
    );
    assert!(all.iter().all(|p| p.reply.is_none() && p.family.as_deref() == Some("order")));
}

#[test]
fn words_are_exchanged_whole_in_their_form_and_articles_follow_in_english_only() {
    let reply = |pairs: &[(&str, &str)]| {
        let words: Vec<_> =
            pairs.iter().map(|(w, s)| serde_json::json!({"word": w, "synonyms": [s]})).collect();
        said(&serde_json::json!({ "words": words }).to_string())
    };
    // Which words are exchanged is drawn, two in a sentence: with two given, one text has both.
    let any = |language: &str, parent: &str, pairs: &[(&str, &str)]| -> Vec<String> {
        let made = exchanged(language, parent, 24, &reply(pairs));
        let said = |p: Proposal| match p.outcome {
            Outcome::Text(t) => t,
            Outcome::Failed(f) => format!("!{}", f.kind()),
        };
        made.into_iter().map(said).collect()
    };
    let cases: &[(&str, &str, &[(&str, &str)], &str)] = &[
        (
            "en",
            "A boy finds a major town where boys play.",
            &[("boy", "lad"), ("major", "important")],
            "A lad finds an important town where boys play.",
        ),
        (
            "en",
            "Women work with womenfolk.",
            &[("women", "female persons"), ("work", "earn a living")],
            "Female persons earn a living with womenfolk.",
        ),
        // `a` is a preposition there, and stays one.
        (
            "pt",
            "Ele vai a importante cidade todos os dias.",
            &[("cidade", "povoação antiga"), ("dias", "santos dias")],
            "Ele vai a importante povoação antiga todos os santos dias.",
        ),
        ("en", "A big dog barks.", &[("big", "large")], "!too-few"),
        ("en", "A big dog barks.", &[("cat", "feline")], "!unreadable"),
        (
            "en",
            "A big dog barks.",
            &[("dog", "σκύλος"), ("big", "1st"), ("barks", "barks, loudly")],
            "!unreadable",
        ),
    ];
    for (language, parent, pairs, expected) in cases {
        let made = any(language, parent, pairs);
        assert!(made.iter().any(|m| m == expected), "{parent}: {made:?}");
    }
    let parent = "A boy finds a major town where boys play.";
    let made = exchanged("en", parent, 1, &reply(cases[0].2)).remove(0);
    assert!(made.substitutions.iter().all(|s| parent.contains(&s.from) && s.rule == "reply abc"));
    assert_eq!(made.family.as_deref(), Some("order"));
    // The same reply and the same random seed make the same text.
    assert_eq!(made, exchanged("en", parent, 1, &reply(cases[0].2)).remove(0));
}
