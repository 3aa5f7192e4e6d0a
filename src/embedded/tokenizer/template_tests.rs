//! Chat templates and tokenizers of real shapes against transformers (`tests/golden/chat.py`).

use super::testing::{Shape, write_tokenizer};
use super::*;

fn folder(shape: Shape) -> (tempfile::TempDir, usize) {
    let dir = tempfile::tempdir().unwrap();
    let n = write_tokenizer(dir.path(), shape);
    (dir, n)
}

fn user(content: &str) -> Turn<'_> {
    Turn { role: Speaker::User, content }
}

/// With `POLYCULTURE_GOLDEN_FOLDERS`, leaves the folders there for the script that writes the
/// golden figures.
#[test]
fn the_folders_of_the_golden_figures_can_be_written() {
    for shape in Shape::ALL {
        let (dir, n) = folder(shape);
        assert!(n > 300, "{shape:?} {n}");
        ChatTokenizer::load(dir.path(), n).unwrap();
        if let Some(to) = std::env::var_os("POLYCULTURE_GOLDEN_FOLDERS") {
            let to = std::path::Path::new(&to).join(shape.name());
            std::fs::create_dir_all(&to).unwrap();
            write_tokenizer(&to, shape);
        }
    }
}

#[test]
fn a_text_cannot_forge_a_special_token() {
    for shape in Shape::ALL {
        let (dir, n) = folder(shape);
        let t = ChatTokenizer::load(dir.path(), n).unwrap();
        let special = shape.special();
        let count = |text: &str| {
            let ids = t.chat(&[user(text)]).unwrap();
            let inner: tokenizers::Tokenizer =
                tokenizers::Tokenizer::from_file(dir.path().join("tokenizer.json")).unwrap();
            ids.iter().filter(|i| special.contains(&&*inner.id_to_token(**i).unwrap())).count()
        };
        let plain = count("hello");
        for s in special {
            for text in
                [format!("a {s} b"), (*s).to_string(), format!("{s}{s}x"), format!("  {s}\n")]
            {
                assert_eq!(count(&text), plain, "{shape:?} {text:?}");
                // The words themselves arrive.
                let ids = t.chat(&[user(&text)]).unwrap();
                assert!(t.decode(&ids).unwrap().contains(text.trim()), "{shape:?} {text:?}");
            }
        }
        // Parts that only together make a marker.
        for text in ["<|im_", "<", "end|>", "|>"] {
            assert_eq!(count(text), plain);
        }
    }
}

#[test]
fn answers_end_with_the_turn_and_begin_where_the_template_begins_them() {
    for (shape, end) in
        [(Shape::Turns, "<|im_end|>"), (Shape::Headers, "<|end|>"), (Shape::Inst, "</s>")]
    {
        let (dir, n) = folder(shape);
        let t = ChatTokenizer::load(dir.path(), n).unwrap();
        let inner = tokenizers::Tokenizer::from_file(dir.path().join("tokenizer.json")).unwrap();
        assert_eq!(t.ends()[0], inner.token_to_id(end).unwrap(), "{shape:?}");
        for answer in ["1", "10", "Strongly agree"] {
            let ids = t.answer(answer).unwrap();
            assert_eq!(*ids.last().unwrap(), t.ends()[0]);
            assert_eq!(t.decode(&ids).unwrap().trim(), answer, "{shape:?}");
            assert!(ids[..ids.len() - 1].iter().all(|i| *i != t.ends()[0]));
        }
        assert!(t.answer(" ").is_err());
    }
}

#[derive(serde::Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    shape: String,
    messages: Vec<(String, String)>,
    ids: Vec<u32>,
    text: String,
    decoded: String,
}

#[test]
fn conversations_are_the_tokens_that_transformers_makes_of_them() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../../tests/golden/chat.json")).unwrap();
    for shape in Shape::ALL {
        let (dir, n) = folder(shape);
        let t = ChatTokenizer::load(dir.path(), n).unwrap();
        let cases: Vec<&Case> = golden.cases.iter().filter(|c| c.shape == shape.name()).collect();
        assert!(cases.len() > 5);
        for case in cases {
            let ids = t.chat(&turns(&case.messages)).unwrap();
            assert_eq!(ids, case.ids, "{shape:?}: {}\nnot {}", t.decode(&ids).unwrap(), case.text);
            assert_eq!(t.decode(&ids).unwrap(), case.decoded);
        }
    }
}

/// Other people's templates stay outside of the repository: `tests/golden/templates.py` writes what
/// transformers makes of a folder of them.
#[test]
fn published_templates_say_what_they_say_in_transformers() {
    let Some(dir) = std::env::var_os("POLYCULTURE_TEMPLATES").map(std::path::PathBuf::from) else {
        println!("skipped: no folder of templates (POLYCULTURE_TEMPLATES)");
        return;
    };
    #[derive(serde::Deserialize)]
    struct Published {
        name: String,
        messages: Vec<(String, String)>,
        text: Option<String>,
    }
    let text = std::fs::read_to_string(dir.join("expected.json")).unwrap();
    let cases: Vec<Published> = serde_json::from_str(&text).unwrap();
    let names: std::collections::BTreeMap<String, String> =
        [("bos_token", "<s>"), ("eos_token", "</s>")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
    let mut wrong = Vec::new();
    for case in &cases {
        let source = std::fs::read_to_string(dir.join(&case.name)).unwrap();
        let Some(want) = &case.text else { continue };
        let guard = super::guard::Guard::default();
        let got = super::template::ChatTemplate::new(&source, names.clone(), false)
            .and_then(|t| t.render(&turns(&case.messages), true, &guard));
        match got {
            Ok(got) if got == *want => {}
            Ok(got) => wrong.push(format!("{}:\n{got:?}\n{want:?}", case.name)),
            Err(e) => wrong.push(format!("{}: {e}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn turns(messages: &[(String, String)]) -> Vec<Turn<'_>> {
    let role = |r: &str| match r {
        "system" => Speaker::System,
        "user" => Speaker::User,
        _ => Speaker::Assistant,
    };
    messages.iter().map(|(r, content)| Turn { role: role(r), content }).collect()
}

/// A folder of a shape with another template (or none).
fn with_template(shape: Shape, template: Option<&str>) -> (tempfile::TempDir, usize) {
    let (dir, n) = folder(shape);
    let path = dir.path().join("tokenizer_config.json");
    let mut config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    config["chat_template"] = template.into();
    std::fs::write(&path, config.to_string()).unwrap();
    (dir, n)
}

fn text(dir: &std::path::Path, n: usize, options: ChatOptions, turns: &[Turn<'_>]) -> String {
    let t = ChatTokenizer::load_with(&[dir], n, options).unwrap();
    t.decode(&t.chat(turns).unwrap()).unwrap()
}

#[test]
fn a_template_without_a_place_for_the_system_gets_it_in_the_first_user_message() {
    let system = Turn { role: Speaker::System, content: "Say only the number." };
    let refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}\
                   {% for m in messages %}{{ '<s>' + m.content }}{% endfor %}</s>";
    let drops = "{% for m in messages %}{% if m.role != 'system' %}{{ '<s>' + m.content }}\
                 {% endif %}{% endfor %}</s>";
    for template in [refuses, drops] {
        let (dir, n) = with_template(Shape::Inst, Some(template));
        let got = text(dir.path(), n, ChatOptions::default(), &[system, user("Do you agree?")]);
        assert_eq!(got, "Say only the number.\n\nDo you agree?");
        let got = text(dir.path(), n, ChatOptions::default(), &[user("Do you agree?")]);
        assert_eq!(got, "Do you agree?");
    }
}

#[test]
fn a_base_model_is_spoken_to_only_where_that_is_asked_for() {
    let (dir, n) = with_template(Shape::Inst, None);
    let e = ChatTokenizer::load(dir.path(), n).unwrap_err().to_string();
    assert!(e.contains("base model") && e.contains("plain"), "{e}");
    let plain = ChatOptions { plain: true, ..ChatOptions::default() };
    let system = Turn { role: Speaker::System, content: "A survey." };
    let got = text(dir.path(), n, plain, &[system, user("Do you agree?")]);
    assert_eq!(got, "A survey.\n\nQuestion: Do you agree?\nAnswer:");
    let t = ChatTokenizer::load_with(&[dir.path()], n, plain).unwrap();
    let ids = t.answer("4").unwrap();
    assert_eq!(ids.last(), Some(&t.ends()[0]));
    // Saved with a tuned model, it is its template from then on.
    let to = tempfile::tempdir().unwrap();
    t.save(to.path()).unwrap();
    let again = ChatTokenizer::load(to.path(), n).unwrap();
    assert_eq!(again.chat(&[user("x")]).unwrap(), t.chat(&[user("x")]).unwrap());
}

#[test]
fn thinking_is_off_unless_it_is_asked_for() {
    let (dir, n) = folder(Shape::Turns);
    let off = text(dir.path(), n, ChatOptions::default(), &[user("Why?")]);
    assert!(off.ends_with("<think>\n\n</think>\n\n"), "{off:?}");
    let thinking = ChatOptions { thinking: true, ..ChatOptions::default() };
    let on = text(dir.path(), n, thinking, &[user("Why?")]);
    assert!(on.ends_with("assistant\n"), "{on:?}");
}

#[test]
fn what_templates_call_is_there() {
    let template = "{% generation %}{{ {'a': 'é<b>', 'n': [1, 2.5, true, none]} | tojson }}\
                    {% endgeneration %}|{{ [1] | tojson(indent=2) }}|\
                    {{ strftime_now('%d %B %Y') }}|{% for i in range(9) %}{% if i == 2 %}\
                    {% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}\
                    {% endfor %}|{{ messages[0]['content'].strip().split(' ')[::-1] | join('-') }}\
                    {{ messages[0].content[:0] }}";
    let (dir, n) = with_template(Shape::Headers, Some(template));
    let got = text(dir.path(), n, ChatOptions::default(), &[user("question two")]);
    assert_eq!(
        got,
        "{\"a\": \"\u{e9}<b>\", \"n\": [1, 2.5, true, null]}|[\n  1\n]|26 July 2024|013|two-question"
    );
}

#[test]
fn an_end_that_nothing_names_is_an_error() {
    let (dir, n) = with_template(Shape::Turns, Some("{{ messages[0].content }}"));
    let path = dir.path().join("tokenizer_config.json");
    let config = std::fs::read_to_string(&path).unwrap().replace("eos_token", "other");
    std::fs::write(&path, config).unwrap();
    let e = ChatTokenizer::load(dir.path(), n).unwrap_err().to_string();
    assert!(e.contains("nothing ends a reply"), "{e}");
}
