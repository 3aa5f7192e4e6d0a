//! The room from its door: a table of replies, then any reply at all.

use proptest::prelude::*;

use super::*;
use crate::providers::Usage;

fn reply(text: &str, finish: Finish) -> ChatReply {
    ChatReply {
        text: text.into(),
        finish,
        refusal: None,
        usage: Usage::default(),
        model: "m".into(),
        key: "k".into(),
        stored: false,
    }
}

fn kinds(text: &str, finish: Finish) -> Vec<String> {
    read_list(&reply(text, finish))
        .items
        .into_iter()
        .map(|i| i.unwrap_or_else(|f| format!("!{}", f.kind())))
        .collect()
}

#[test]
fn lists_are_found_in_every_dress() {
    let ab: &[&str] = &["Cats sleep all day.", "All day, cats sleep."];
    let cases: &[(&str, &str, &[&str])] = &[
        ("numbered", "1. Cats sleep all day.\n2. All day, cats sleep.", ab),
        ("brackets", "1) Cats sleep all day.\n\n2) All day, cats sleep.\n", ab),
        ("both brackets", "(1) Cats sleep all day.\n(2) All day, cats sleep.", ab),
        ("square", "[1] Cats sleep all day.\n[2] All day, cats sleep.", ab),
        ("arabic-indic digits", "١. Cats sleep all day.\n٢. All day, cats sleep.", ab),
        ("persian digits", "۱- Cats sleep all day.\n۲- All day, cats sleep.", ab),
        ("bengali digits", "১. Cats sleep all day.\n২. All day, cats sleep.", ab),
        ("devanagari digits", "१) Cats sleep all day.\n२) All day, cats sleep.", ab),
        ("full-width", "１．Cats sleep all day.\n２．All day, cats sleep.", ab),
        ("circled", "① Cats sleep all day.\n② All day, cats sleep.", ab),
        ("bullets", "- Cats sleep all day.\n- All day, cats sleep.", ab),
        ("dots", "•Cats sleep all day.\n• All day, cats sleep.", ab),
        ("bold numbers", "**1.** Cats sleep all day.\n**2.** All day, cats sleep.", ab),
        (
            "bold labels",
            "1. **Plain:** Cats sleep all day.\n2. **Time** - All day, cats sleep.",
            ab,
        ),
        ("labels", "Paraphrase 1: Cats sleep all day.\nParaphrase 2: All day, cats sleep.", ab),
        (
            "bold labels alone",
            "**Paraphrase 1:** Cats sleep all day.\n\n**Paraphrase 2:** All day, cats sleep.",
            ab,
        ),
        ("headings", "### 1. Cats sleep all day.\n### 2. All day, cats sleep.", ab),
        ("letters", "a) Cats sleep all day.\nb) All day, cats sleep.", ab),
        ("roman", "i. Cats sleep all day.\nii. All day, cats sleep.", ab),
        ("one line", "1. Cats sleep all day. 2. All day, cats sleep.", ab),
        ("bare lines", "Cats sleep all day.\nAll day, cats sleep.", ab),
        (
            "bare with preamble and postscript",
            "Sure! Here are two:\n\nCats sleep all day.\nAll day, cats sleep.\n\nLet me know if you need more!",
            ab,
        ),
        (
            "numbered with both",
            "Here you go:\n1. Cats sleep all day.\n2. All day, cats sleep.\nEach of these keeps the meaning.",
            ab,
        ),
        ("french preamble", "Bien sûr, voici :\nCats sleep all day.\nAll day, cats sleep.", ab),
        ("quotes", "1. \"Cats sleep all day.\"\n2. “All day, cats sleep.”", ab),
        ("german quotes", "1. „Cats sleep all day.“\n2. ‚All day, cats sleep.‘", ab),
        ("guillemets", "1. «Cats sleep all day.»\n2. »All day, cats sleep.«", ab),
        ("corner brackets", "1. 「Cats sleep all day.」\n2. 『All day, cats sleep.』", ab),
        ("glosses", "1. \"Cats sleep all day.\" (plain)\n2. All day, cats sleep. (Time first)", ab),
        ("italics in quotes", "* *\"Cats sleep all day.\"*\n* **All day, cats sleep.**", ab),
        ("blockquote", "> 1. Cats sleep all day.\n> 2. All day, cats sleep.", ab),
        (
            "sub-bullets explain",
            "1. Cats sleep all day.\n   - the plain order\n2. All day, cats sleep.\n   - time first",
            ab,
        ),
        (
            "headings over bullets",
            "1. **Plain**:\n   - Cats sleep all day.\n2. **Time**:\n   - All day, cats sleep.",
            ab,
        ),
        (
            "table",
            "| # | Sentence |\n|---|---|\n| 1 | Cats sleep all day. |\n| 2 | All day, cats sleep. |",
            ab,
        ),
        ("fence", "```\n1. Cats sleep all day.\n2. All day, cats sleep.\n```", ab),
        ("json", "[\"Cats sleep all day.\", \"All day, cats sleep.\"]", ab),
        ("json object", "{\"sentences\": [\"Cats sleep all day.\", \"All day, cats sleep.\"]}", ab),
        (
            "json in prose and a fence",
            "Sure!\n```json\n{\"sentences\": [\"Cats sleep all day.\",\n \"All day, cats sleep.\"]}\n```\nAnything else?",
            ab,
        ),
        (
            "json of objects",
            "{\"result\": [{\"id\": 1, \"text\": \"Cats sleep all day.\"}, {\"id\": 2, \"text\": \"All day, cats sleep.\"}]}",
            ab,
        ),
        (
            "json lines",
            "{\"text\": \"Cats sleep all day.\"}\n{\"text\": \"All day, cats sleep.\"}",
            ab,
        ),
        ("json by number", "{\"1\": \"Cats sleep all day.\", \"2\": \"All day, cats sleep.\"}", ab),
        (
            "json with numbering inside",
            "[\"1. Cats sleep all day.\", \"2. All day, cats sleep.\"]",
            ab,
        ),
        (
            "json after a bracketed remark",
            "[Note] As asked {see above}:\n[\"Cats sleep all day.\", \"All day, cats sleep.\"]",
            ab,
        ),
        ("python list", "[\n'Cats sleep all day.',\n'All day, cats sleep.',\n]", ab),
        (
            "reasoning",
            "<think>1. Dogs bark.\n2. Dogs howl.</think>\n1. Cats sleep all day.\n2. All day, cats sleep.",
            ab,
        ),
        (
            "reasoning opened by the prompt",
            "1. Dogs?\n</think>\n\n1. Cats sleep all day.\n2. All day, cats sleep.",
            ab,
        ),
        (
            "channels",
            "<|channel|>analysis<|message|>1. Dogs.<|end|><|channel|>final<|message|>1. Cats sleep all day.\n2. All day, cats sleep.<|return|>",
            ab,
        ),
        ("end mark", "1. Cats sleep all day.\n2. All day, cats sleep.<|im_end|>\n3. Dogs", ab),
        ("windows line ends", "1. Cats sleep all day.\r\n2. All day, cats sleep.\r\n", ab),
        ("json escapes", "[\"Caf\\u00e9s \\\"sleep\\\".\"]", &["Cafés \"sleep\"."]),
        (
            "decimals are no numbering",
            "1.5 million cats sleep.\n3-day weeks are short.",
            &["1.5 million cats sleep.", "3-day weeks are short."],
        ),
        (
            "quotes inside stay",
            "1. \"Yes\" is not \"no\"\n2. The so-called \"boss\"",
            &["\"Yes\" is not \"no\"", "The so-called \"boss\""],
        ),
        (
            "apostrophes stay",
            "1. The boys' parents' house.\n2. 'Tis a cat.",
            &["The boys' parents' house.", "'Tis a cat."],
        ),
        (
            "other scripts",
            "১. বিড়াল সারাদিন ঘুমায়।\n২. সারাদিন বিড়াল ঘুমায়।",
            &["বিড়াল সারাদিন ঘুমায়।", "সারাদিন বিড়াল ঘুমায়।"],
        ),
        (
            "right to left",
            "١- القطط تنام طوال اليوم.\n٢- طوال اليوم تنام القطط.",
            &["القطط تنام طوال اليوم.", "طوال اليوم تنام القطط."],
        ),
        (
            "a statement that says cannot",
            "1. I cannot accept war.\n2. War I cannot accept.",
            &["I cannot accept war.", "War I cannot accept."],
        ),
        (
            "one that begins with sure",
            "Sure signs of age are welcome.",
            &["Sure signs of age are welcome."],
        ),
    ];
    for (what, text, expected) in cases {
        assert_eq!(&kinds(text, Finish::Stop), expected, "{what}");
    }
}

#[test]
fn what_cannot_be_used_fails_with_its_reason() {
    let stop = |t: &str| read_list(&reply(t, Finish::Stop));
    let fault = |t: &str| {
        let l = stop(t);
        assert!(l.items.is_empty(), "{t}: {:?}", l.items);
        l.fault.unwrap().kind()
    };
    for refusal in [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I cannot rewrite this.",
        "As an AI language model, I do not take sides.",
        "Sorry, I can't assist with that request.\n\nIs there anything else?",
        "Lo siento, pero no puedo ayudar con eso.",
        "Je suis désolé, mais je ne peux pas.",
        "Es tut mir leid, das geht nicht.",
        "抱歉，我无法完成这个请求。",
        "عذرًا، لا أستطيع المساعدة في ذلك.",
        "দুঃখিত, আমি এটা করতে পারব না।",
        "申し訳ありませんが、お手伝いできません。",
        "Извините, я не могу помочь.",
    ] {
        assert_eq!(fault(refusal), "refused", "{refusal}");
    }
    assert_eq!(fault(""), "unreadable");
    assert_eq!(fault(" \n\t "), "unreadable");
    assert_eq!(fault("<think>I wonder"), "unreadable");
    assert_eq!(fault("<!DOCTYPE html><html><body>502</body></html>"), "unreadable");
    assert_eq!(fault("```json\n```"), "unreadable");
    assert_eq!(fault("{\"sentences\": []}"), "unreadable");
    let mut filtered = reply("", Finish::Filtered);
    assert_eq!(read_list(&filtered).fault.unwrap().kind(), "refused");
    filtered.refusal = Some("No.".into());
    filtered.finish = Finish::Stop;
    assert_eq!(read_list(&filtered).fault.unwrap().kind(), "refused");

    let items: &[(&str, &[&str])] = &[
        ("1. Cats \u{1b}[31msleep.\n2. Dogs bark.", &["!unreadable", "Dogs bark."]),
        ("1. Cats \u{202e}sleep.\n2. Dogs bark.", &["!unreadable", "Dogs bark."]),
        ("[\"Cats\\u0007 sleep.\", \"Dogs bark.\"]", &["!unreadable", "Dogs bark."]),
        ("1. I'm sorry, but I can't.\n2. Dogs bark.", &["!refused", "Dogs bark."]),
        ("1. Cats **really** sleep.\n2. Dogs bark.", &["!unreadable", "Dogs bark."]),
        ("1. 123\n2. Dogs bark.", &["!unreadable", "Dogs bark."]),
    ];
    for (text, expected) in items {
        assert_eq!(&kinds(text, Finish::Stop), expected, "{text:?}");
    }
}

#[test]
fn the_last_sentence_of_a_reply_that_was_cut_is_not_taken() {
    let cases: &[(&str, &[&str])] = &[
        ("1. Cats sleep.\n2. Dogs ba", &["Cats sleep.", "!cut-off"]),
        ("Cats sleep.\nDogs ba", &["Cats sleep.", "!cut-off"]),
        ("[\"Cats sleep.\", \"Dogs ba", &["Cats sleep.", "!cut-off"]),
        (
            "{\"sentences\": [\"Cats sleep.\", \"Dogs bark.\", \"Co",
            &["Cats sleep.", "Dogs bark.", "!cut-off"],
        ),
        ("```json\n[{\"text\": \"Cats sleep.\"}, {\"text\": \"Do", &["Cats sleep.", "!cut-off"]),
        ("1. Cats sleep.\n2. Dogs bark.\nI hope that", &["Cats sleep.", "Dogs bark."]),
        ("[\"Cats sleep.\"]\nI hope", &["Cats sleep."]),
        ("<think>so many", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(&kinds(text, Finish::Length), expected, "{text:?}");
    }
    let five = read_list(&reply("1. Cats sleep.\n2. Dogs ba", Finish::Length)).exactly(4);
    let kinds: Vec<_> = five[1..].iter().map(|i| i.as_ref().unwrap_err().kind()).collect();
    assert_eq!(kinds, ["cut-off", "cut-off", "cut-off"]);
    let few = read_list(&reply("1. Cats sleep.\n2. Dogs bark.", Finish::Stop)).exactly(3);
    assert_eq!(few[2], Err(FailReason::TooFew { asked: 3, came: 2 }));
    // A service that does not say that it cut, and JSON that shows it.
    assert_eq!(kinds_of("[\"Cats sleep.\", \"Do"), ["Cats sleep.", "!cut-off"]);
}

fn kinds_of(text: &str) -> Vec<String> {
    kinds(text, Finish::Unknown)
}

#[test]
fn one_text_is_one_text() {
    let one = |t: &str| read_one(&reply(t, Finish::Stop)).map_err(|f| f.kind());
    let text = "Οι γάτες κοιμούνται.";
    for dressed in [
        text.to_owned(),
        format!("«{text}»"),
        format!("Translation: {text}"),
        format!("Here is the translation:\n\n{text}\n\nLet me know if it helps."),
        format!("{{\"translation\": \"{text}\"}}"),
        format!("<think>Greek..</think>{text}"),
        format!("1. {text}"),
    ] {
        assert_eq!(one(&dressed).as_deref(), Ok(text), "{dressed}");
    }
    assert_eq!(one("A.\nB."), Err("unreadable".into()));
    assert_eq!(one(""), Err("unreadable".into()));
}

#[test]
fn synonyms_are_read_from_json_lines_and_torn_json() {
    let read = |t: &str, f| read_synonyms(&reply(t, f));
    let expected: Synonyms = vec![
        ("big".into(), vec!["large".into(), "sizeable".into()]),
        ("goal".into(), vec!["aim".into()]),
    ];
    for text in [
        r#"{"big": ["large", "sizeable"], "goal": ["aim"]}"#,
        r#"Sure: {"synonyms": {"big": ["large", "sizeable", "big"], "goal": "aim"}} Done."#,
        r#"[{"word": "big", "synonyms": ["large", "sizeable"]}, {"word": "goal", "synonyms": ["aim"]}]"#,
        r#"{"words": [{"word": "big", "synonyms": "large, sizeable"}, {"word": "goal", "synonyms": ["aim"]}]}"#,
        "big: large, sizeable\ngoal: aim",
        "1. **big**: large, sizeable\n2. **goal**: aim",
        "- big → large, sizeable\n- goal → aim",
        r#"{"big": ["large", "sizeable"], "goal": ["aim"], "life": ["exis"#,
        r#"{"big": ["large", "sizeable"], "goal": ["aim"],}"#,
    ] {
        assert_eq!(read(text, Finish::Stop).as_ref(), Ok(&expected), "{text}");
    }
    let cut = read("big: large, sizeable\ngoal: aim\nlife: exis", Finish::Length);
    assert_eq!(cut.as_ref(), Ok(&expected));
    for (text, kind) in [
        ("", "unreadable"),
        ("{}", "unreadable"),
        ("I'm sorry, but I can't help with that.", "refused"),
        ("There are none.", "unreadable"),
        ("[[[[", "unreadable"),
    ] {
        assert_eq!(read(text, Finish::Stop).unwrap_err().kind(), kind, "{text}");
    }
}

#[test]
fn ten_megabytes_of_anything_are_read_quickly_and_in_part() {
    for unit in
        ["[", "{", "\"", "1. a\n", "<think>", "[\"", "{\"a\":[", "```\n", "- ", "\\", "\u{ff11}."]
    {
        let text = unit.repeat(10_000_000 / unit.len());
        let listed = read_list(&reply(&text, Finish::Stop));
        assert!(listed.items.len() <= READ);
        let _ = read_synonyms(&reply(&text, Finish::Stop));
    }
}

/// Every kept text stood in the reply, as it is or with JSON escapes undone.
fn stood_there(raw: &str, item: &str) -> bool {
    let escaped = serde_json::to_string(item).unwrap();
    raw.contains(item) || raw.contains(escaped.trim_matches('"'))
}

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("1. ".to_owned()),
        Just("\n".to_owned()),
        Just("[\"".to_owned()),
        Just("\", \"".to_owned()),
        Just("\"]".to_owned()),
        Just("{\"sentences\": ".to_owned()),
        Just("**".to_owned()),
        Just("“".to_owned()),
        Just("”".to_owned()),
        Just("<think>".to_owned()),
        Just("</think>".to_owned()),
        Just("```json\n".to_owned()),
        Just("| ".to_owned()),
        Just("Here are:\n".to_owned()),
        Just("٢- ".to_owned()),
        Just("(".to_owned()),
        Just(") ".to_owned()),
        "[A-Za-zäé, .!?:'\"-]{1,24}",
        "\\PC{0,8}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_reply_makes_it_panic_or_invent(text in soup(), cut in any::<bool>(), n in 0usize..9) {
        let r = reply(&text, if cut { Finish::Length } else { Finish::Stop });
        let listed = read_list(&r);
        for item in listed.items.iter().flatten() {
            prop_assert!(stood_there(&text, item), "{item:?} in {text:?}");
            prop_assert!(!item.trim().is_empty());
        }
        prop_assert_eq!(listed.exactly(n).len(), n);
        if let Ok(item) = read_one(&r) {
            prop_assert!(stood_there(&text, &item));
        }
        for (word, synonyms) in read_synonyms(&r).unwrap_or_default() {
            prop_assert!(stood_there(&text, &word));
            prop_assert!(synonyms.iter().all(|s| stood_there(&text, s)));
        }
    }
}
