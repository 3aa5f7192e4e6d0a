//! The room from its door.

use std::fs;

use serde_json::json;

use super::*;

fn replaced(name: &str, text: &str) -> Result<PromptFile, PromptError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(format!("{name}.toml")), text).unwrap();
    Library::of_folder(dir.path()).load(name)
}

const GOOD: &str = "name = \"translate\"\nversion = 7\npurpose = \"mine\"\nuser = \"\"\"\nInto {{ target }}:\n{{ text }}\"\"\"\n";

#[test]
fn a_wrong_file_is_named_with_its_line_and_what_was_expected() {
    let cases = [
        ("a key of no meaning", GOOD.replace("purpose", "purpos"), 3, "purpos"),
        ("no TOML", GOOD.replace("version = 7", "version ="), 2, ""),
        ("an unknown placeholder", GOOD.replace("{{ text }}", "{{ text }}{{ texd }}"), 6, "texd"),
        ("one that is missing", GOOD.replace("{{ target }}", "it"), 4, "{{ target }}"),
        ("another name", GOOD.replace("\"translate\"", "\"translation\""), 1, "translation"),
        ("an open brace", GOOD.replace("{{ text }}", "{{ text"), 6, "template"),
        ("an unknown filter", GOOD.replace("{{ text }}", "{{ text | }}"), 6, "template"),
        ("no user message", "name = \"translate\"\nversion = 1\npurpose = \"\"".into(), 1, "user"),
    ];
    for (what, text, line, word) in cases {
        let e = replaced("translate", &text).unwrap_err();
        let PromptError::Bad { line: found, detail, .. } = &e else { panic!("{what}: {e}") };
        assert_eq!(*found, line, "{what}: {e}");
        assert!(detail.contains(word), "{what}: {e}");
        assert!(e.to_string().contains("translate.toml"), "{what}: {e}");
    }
    let e = Library::built_in().load("../secret").unwrap_err().to_string();
    assert!(e.contains("translate") && e.contains("paraphrase"), "{e}");
}

#[test]
fn a_users_file_takes_the_place_of_ours_and_has_a_version_of_its_own() {
    let ours = Library::built_in().load("translate").unwrap();
    let mine = replaced("translate", GOOD).unwrap();
    assert!(ours.tag().starts_with("translate-1-"));
    assert!(mine.tag().starts_with("translate-7-"));
    assert_ne!(ours.hash, mine.hash);
    assert_eq!(mine.requires, ours.requires);
    let messages = mine.render(json!({"text": "{{ target }}", "target": "Greek"})).unwrap();
    assert_eq!(messages.len(), 1);
    // a value is never read as a template
    assert_eq!(messages[0].content, "Into Greek:\n{{ target }}");
    assert!(mine.render(json!({"text": "x"})).is_err());
}

#[test]
fn every_embedded_prompt_can_be_read_and_rendered() {
    for (name, file) in Library::built_in().list() {
        let file = file.unwrap();
        let given: serde_json::Map<String, serde_json::Value> = file
            .requires
            .iter()
            .chain(&file.offers)
            .map(|n| (n.clone(), if n == "words" { json!(["a", "b"]) } else { json!("X") }))
            .collect();
        let messages = file.render(&given).unwrap();
        assert!(messages.iter().all(|m| !m.content.contains("{{")), "{name}");
        assert!(!file.purpose.is_empty());
    }
}
