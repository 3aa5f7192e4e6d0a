//! The key: missing, wrong, echoed.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// Built here, so that nothing in the source looks like a key.
fn key() -> String {
    ["not", "a", "real", "one/7"].join("-")
}

fn key_file(dir: &Path) -> String {
    let path = dir.join("key");
    std::fs::write(&path, key()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!("key_file = \"{}\"\n", path.display())
}

#[test]
fn a_missing_key_is_said_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|_| Step::say("x"));
    let (path, open_to_all) = (dir.path().join("none"), dir.path().join("open"));
    std::fs::write(&open_to_all, key()).unwrap();
    std::fs::set_permissions(&open_to_all, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (line, says) in [
        (
            "key_env = \"POLYCULTURE_TEST_NO_SUCH_VARIABLE\"".to_owned(),
            "POLYCULTURE_TEST_NO_SUCH_VARIABLE",
        ),
        (format!("key_file = \"{}\"", path.display()), "none"),
        (format!("key_file = \"{}\"", open_to_all.display()), "chmod 600"),
        ("key_command = \"exit 1\"".into(), "failed"),
        ("key_command = \"echo\"".into(), "empty"),
        ("key_command = \"echo two words\"".into(), "blanks"),
    ] {
        let config = config(dir.path(), &endpoint, &line);
        let e = open(&config, "a", "", &places(dir.path())).unwrap_err();
        assert!(matches!(e, ProviderError::NoKey { .. }), "{e:?}");
        assert!(e.to_string().contains(says) && !e.to_string().contains(&key()), "{e}");
    }
    assert!(endpoint.seen().is_empty());
    assert!(!dir.path().join("replies.jsonl").exists());
}

#[test]
fn the_key_goes_into_one_header_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let from_command = format!("key_command = [\"printf\", \"{}\"]\nauth = \"api-key\"", key());
    let bearer = format!("Bearer {}", key());
    for (how, header, value) in [
        (key_file(dir.path()), "authorization", bearer.as_str()),
        (from_command, "api-key", key().as_str()),
    ] {
        // A service that repeats the key in everything it says, as JSON may write it.
        let endpoint = Endpoint::start(|seen| {
            let key = key();
            let echo = completion(&format!("your key is {key}")).to_string().replace('/', "\\/");
            match seen.asked().as_str() {
                "number 1" => Step::error(400, &format!("bad key {key}?")),
                "number 2" => Step::text(500, "text/plain", &format!("at {key}")),
                "number 3" => Step::text(200, "text/plain", &format!("{key} {key}")),
                _ => Step::text(200, "application/json", &echo),
            }
        });
        let mut m = model(dir.path(), &endpoint, &format!("{how}\nretries = 1"));
        let (replies, _) = ask_all(&mut m, &numbered(5)).unwrap();
        let seen = endpoint.seen();
        assert!(seen.iter().all(|s| s.header(header) == Some(value)));
        assert!(seen.iter().all(|s| !s.body.to_string().contains(&key())));
        let stored = std::fs::read_to_string(dir.path().join("replies.jsonl")).unwrap();
        let printed = format!("{replies:?} {m:?} {stored}").replace('\\', "");
        assert!(!printed.contains(&key()), "{printed}");
        assert_eq!(replies[0].as_ref().unwrap().text, "your key is [key]");
        assert!(replies[1].as_ref().unwrap_err().detail.contains("bad key [key]?"));
        std::fs::remove_file(dir.path().join("replies.jsonl")).unwrap();
    }
}

#[test]
fn a_wrong_key_is_said_in_the_services_words_without_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let how = key_file(dir.path());
    let endpoint =
        Endpoint::start(|_| Step::error(401, &format!("Incorrect API key provided: {}", key())));
    let e = ask_all(&mut model(dir.path(), &endpoint, &how), &numbered(9)).unwrap_err();
    let text = format!("{e} {e:?}");
    assert!(text.contains("Incorrect API key provided: [key]"), "{text}");
    assert!(!text.contains(&key()));
}

#[test]
fn a_proxy_is_used_and_one_that_is_not_there_is_no_secret() {
    let proxy = Endpoint::start(|_| Step::say("by proxy"));
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|_| Step::Close);
    let line = format!("proxy = \"http://127.0.0.1:{}\"", proxy.port);
    let mut m = model(dir.path(), &endpoint, &line);
    let (replies, _) = ask_all(&mut m, &numbered(1)).unwrap();
    assert_eq!(replies[0].as_ref().unwrap().text, "by proxy");
    assert!(proxy.seen()[0].line.starts_with("POST http://127.0.0.1"), "{}", proxy.seen()[0].line);
    assert!(endpoint.seen().is_empty());
}
