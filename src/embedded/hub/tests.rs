//! The client against a small hub on the loopback interface, written here.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const REPO: &str = "org/tiny";
const FILES: [(&str, bool); 3] =
    [("config.json", true), ("model.safetensors", true), ("modules.json", false)];

/// What the hub does wrong.
#[derive(Default)]
struct Faults {
    /// Bytes after which the connection is cut, one for each of the first answers with a body.
    cuts: Vec<usize>,
    /// The etag of the weights is not theirs.
    wrong_checksum: bool,
    /// Answers 200 and the whole file to a Range.
    ignores_ranges: bool,
    /// First answers that are HTTP 500.
    failures: usize,
    /// Every answer is this status.
    always: Option<(u16, &'static str)>,
    /// Served instead of the commit.
    commit: Option<&'static str>,
}

struct Server {
    address: String,
    /// Request line and Range of each request so far.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(files: BTreeMap<&'static str, Vec<u8>>, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        // Ends with the test process: it blocks in accept and holds nothing.
        std::thread::spawn(move || {
            let mut faults = faults;
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let Some(Ok(first)) = lines.next() else { continue };
                let headers: Vec<String> =
                    lines.map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
                let header = |name: &str| {
                    headers.iter().find_map(|h| {
                        let (key, value) = h.split_once(": ")?;
                        key.eq_ignore_ascii_case(name).then(|| value.to_owned())
                    })
                };
                let from: usize = header("range")
                    .and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
                    .unwrap_or(0);
                let token = header("authorization").map_or("", |_| " token");
                log.lock().unwrap().push(format!("{first} from {from}{token}"));
                let reply = answer(&first, from, &files, &mut faults);
                // A client that has what it wants may hang up.
                let _ = stream.write_all(&reply);
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn head(status: &str, headers: &[(&str, String)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text = format!("{text}{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn answer(
    request: &str,
    from: usize,
    files: &BTreeMap<&'static str, Vec<u8>>,
    faults: &mut Faults,
) -> Vec<u8> {
    let none = ("content-length", "0".to_owned());
    if let Some((status, code)) = faults.always {
        let code = ("x-error-code", code.to_owned());
        return head(&format!("{status} no"), &[none, code]);
    }
    if faults.failures > 0 {
        faults.failures -= 1;
        return head("500 no", &[none]);
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let wanted = [format!("/{REPO}/resolve/main/"), format!("/{REPO}/resolve/{COMMIT}/")];
    let name = wanted.iter().find_map(|p| path.strip_prefix(p.as_str()));
    // A signed address, as large files have: the bytes come from there.
    let name = name.or_else(|| path.strip_prefix("/store/")?.strip_suffix("?signature=secret"));
    let Some(body) = name.and_then(|n| files.get(n)) else {
        return head("404 no", &[none, ("x-error-code", "EntryNotFound".into())]);
    };
    let name = name.unwrap();
    let large = name.ends_with(".safetensors");
    let etag = match (large, faults.wrong_checksum) {
        (true, false) => sha256(body),
        (true, true) => "0".repeat(64),
        // As a git blob's: forty digits that follow the bytes.
        (false, _) => sha256(body)[..40].to_owned(),
    };
    let commit = ("x-repo-commit", faults.commit.unwrap_or(COMMIT).to_owned());
    if large && !path.starts_with("/store/") {
        return head(
            "302 elsewhere",
            &[
                none,
                commit,
                ("x-linked-etag", format!("\"{etag}\"")),
                ("x-linked-size", body.len().to_string()),
                ("location", format!("/store/{name}?signature=secret")),
            ],
        );
    }
    let about = [commit, ("etag", format!("W/\"{etag}\""))];
    if method == "HEAD" {
        let length = ("content-length", body.len().to_string());
        return head("200 OK", &[about[0].clone(), about[1].clone(), length]);
    }
    if from > body.len() {
        return head("416 no", &[none]);
    }
    let from = if faults.ignores_ranges { 0 } else { from };
    let rest = &body[from..];
    let length = ("content-length", rest.len().to_string());
    let mut reply = if from > 0 {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        head("206 part", &[length, ("content-range", range)])
    } else {
        head("200 OK", &[length])
    };
    let sent = if faults.cuts.is_empty() { rest.len() } else { faults.cuts.remove(0) };
    reply.extend_from_slice(&rest[..sent.min(rest.len())]);
    reply
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, b| format!("{text}{b:02x}"))
}

fn weights() -> Vec<u8> {
    (0..200_000u32).map(|i| (i * 31 % 251) as u8).collect()
}

fn served() -> BTreeMap<&'static str, Vec<u8>> {
    [("config.json", br#"{"model_type": "bert"}"#.to_vec()), ("model.safetensors", weights())]
        .into()
}

fn hub(server: &Server, cache: &Path) -> Hub {
    Hub {
        endpoint: server.address.clone(),
        cache: cache.to_owned(),
        token: None,
        offline: false,
        retry_wait: Duration::from_millis(1),
    }
}

fn quiet(_: Progress<'_>) {}

#[test]
fn a_full_download_lies_in_the_hubs_layout_and_is_not_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(served(), Faults::default());
    let hub = hub(&server, dir.path());
    let mut steps: Vec<(String, u64, Option<u64>)> = Vec::new();
    let folder = hub
        .fetch(REPO, "main", &FILES, &mut |p| steps.push((p.file.into(), p.done, p.total)))
        .unwrap();
    let root = dir.path().join("models--org--tiny");
    assert_eq!(folder, root.join("snapshots").join(COMMIT));
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert_eq!(
        std::fs::read_link(folder.join("model.safetensors")).unwrap(),
        PathBuf::from(format!("../../blobs/{}", sha256(&weights())))
    );
    assert_eq!(std::fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    assert!(root.join(".no_exist").join(COMMIT).join("modules.json").exists());
    let size = weights().len() as u64;
    assert!(steps.contains(&("model.safetensors".into(), 0, Some(size))));
    assert_eq!(steps.last().unwrap(), &("model.safetensors".into(), size, Some(size)));

    let requests = server.seen().len();
    for revision in ["main", COMMIT] {
        assert_eq!(hub.fetch(REPO, revision, &FILES, &mut quiet).unwrap(), folder);
    }
    assert_eq!(server.seen().len(), requests, "what is cached needs no request");
    let offline = Hub { offline: true, ..hub };
    assert_eq!(offline.fetch(REPO, "main", &FILES, &mut quiet).unwrap(), folder);
}

#[test]
fn a_download_that_was_cut_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    // The config whole, then the weights in three pieces.
    let faults = Faults { cuts: vec![1000, 70_000, 60_000], ..Faults::default() };
    let server = Server::start(served(), faults);
    let mut most = 0;
    let folder = hub(&server, dir.path())
        .fetch(REPO, "main", &FILES, &mut |p| {
            if p.file == "model.safetensors" {
                assert!(p.done >= most, "progress went back");
                most = p.done;
            }
        })
        .unwrap();
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), weights());
    let gets: Vec<String> = server
        .seen()
        .into_iter()
        .filter(|r| r.starts_with("GET /store/"))
        .map(|r| r.rsplit("from ").next().unwrap().to_owned())
        .collect();
    assert_eq!(gets, ["0", "70000", "130000"]);
}

#[test]
fn what_a_killed_process_left_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = dir.path().join("models--org--tiny/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let part = blobs.join(format!("{}.incomplete", sha256(&weights())));
    std::fs::write(&part, &weights()[..150_000]).unwrap();
    let server = Server::start(served(), Faults::default());
    let folder = hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap();
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert!(server.seen().iter().any(|r| r.contains("/store/") && r.ends_with("from 150000")));
    assert!(!part.exists());
}

#[test]
fn a_server_without_ranges_sends_the_whole_file_again() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults { cuts: vec![1000, 70_000], ignores_ranges: true, ..Faults::default() };
    let server = Server::start(served(), faults);
    let folder = hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap();
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn a_part_longer_than_the_file_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = dir.path().join("models--org--tiny/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let part = blobs.join(format!("{}.incomplete", sha256(&weights())));
    std::fs::write(&part, vec![0; 300_000]).unwrap();
    let server = Server::start(served(), Faults::default());
    let folder = hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap();
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn a_wrong_checksum_is_refused_and_nothing_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults { wrong_checksum: true, ..Faults::default() };
    let server = Server::start(served(), faults);
    let e = hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap_err();
    assert!(matches!(e, HubError::Checksum { .. }), "{e}");
    assert!(e.to_string().contains(&sha256(&weights())), "{e}");
    let root = dir.path().join("models--org--tiny");
    assert!(!root.join("snapshots").join(COMMIT).join("model.safetensors").exists());
    assert!(!root.join("refs/main").exists(), "an unfinished revision is not known");
    let left: Vec<String> = std::fs::read_dir(root.join("blobs"))
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, [sha256(&served()["config.json"])[..40].to_owned()], "only the config");
}

#[test]
fn what_is_not_there_is_said_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(served(), Faults::default());
    let e = hub(&server, dir.path())
        .fetch(REPO, "main", &[("config.json", true), ("tokenizer.json", true)], &mut quiet)
        .unwrap_err()
        .to_string();
    assert!(e.contains("org/tiny@main: no file `tokenizer.json` there (HTTP 404)"), "{e}");
    for (status, code, says) in [
        (404, "RepoNotFound", "no repository there"),
        (404, "RevisionNotFound", "no revision there"),
        (401, "", "private or gated"),
        (403, "GatedRepo", "HF_TOKEN"),
        (418, "", "HTTP 418"),
    ] {
        let faults = Faults { always: Some((status, code)), ..Faults::default() };
        let server = Server::start(served(), faults);
        let dir = tempfile::tempdir().unwrap();
        let e = hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap_err();
        assert!(e.to_string().contains(says), "{status} {code}: {e}");
    }
}

#[test]
fn a_server_in_trouble_is_asked_again_and_then_given_up_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(served(), Faults { failures: 3, ..Faults::default() });
    hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap();

    let dir = tempfile::tempdir().unwrap();
    // Cut at once, each time: no byte comes.
    let server = Server::start(served(), Faults { cuts: vec![0; 20], ..Faults::default() });
    let e = hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap_err();
    assert!(matches!(e, HubError::Network { tries: 5, .. }), "{e}");

    // A port that a connection holds, and that nobody listens at: a free one could become another
    // test's.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let holds = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let closed = holds.local_addr().unwrap();
    let server = Server { address: format!("http://{closed}"), seen: Arc::default() };
    let e = hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap_err();
    assert!(e.to_string().contains("refused"), "{e}");
}

#[test]
fn a_signed_address_and_the_token_are_in_no_message() {
    let dir = tempfile::tempdir().unwrap();
    let server =
        Server::start(served(), Faults { cuts: vec![1000, 5, 0, 0, 0, 0, 0], ..Faults::default() });
    let hub = Hub { token: Token::new(" hf_verysecret \n"), ..hub(&server, dir.path()) };
    let e = hub.fetch(REPO, "main", &FILES, &mut quiet).unwrap_err();
    for text in [e.to_string(), format!("{e:?}"), format!("{hub:?}")] {
        assert!(!text.contains("verysecret") && !text.contains("signature"), "{text}");
    }
    assert!(server.seen().iter().all(|r| r.ends_with(" token")), "{:?}", server.seen());
    // Not in clear text over a network.
    let open = Hub { endpoint: "http://hub.example.org".into(), ..hub };
    assert!(open.token_to_send().is_none());
    let sealed = Hub { endpoint: "https://hub.example.org".into(), ..open };
    assert!(sealed.token_to_send().is_some());
}

#[test]
fn names_that_leave_the_cache_are_refused_before_any_request() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(served(), Faults::default());
    let hub = hub(&server, dir.path());
    for (repo, revision, file) in [
        ("../etc", "main", "config.json"),
        ("a/b/c", "main", "config.json"),
        ("a--b", "main", "config.json"),
        ("", "main", "config.json"),
        (REPO, "../../x", "config.json"),
        (REPO, "main", "/etc/passwd"),
        (REPO, "main", "a/../../b"),
        (REPO, "main", "a b"),
    ] {
        let e = hub.fetch(repo, revision, &[(file, true)], &mut quiet).unwrap_err();
        assert!(matches!(e, HubError::BadName { .. }), "{repo} {revision} {file}: {e}");
    }
    assert!(server.seen().is_empty());
    // Nor may the server name such a thing.
    let faults = Faults { commit: Some("../../../x"), ..Faults::default() };
    let bad = Server::start(served(), faults);
    let hub = Hub { endpoint: bad.address.clone(), ..hub };
    let e = hub.fetch(REPO, "main", &FILES, &mut quiet).unwrap_err();
    assert!(matches!(e, HubError::BadName { what: "commit", .. }), "{e}");
}

#[test]
fn offline_without_the_files_says_which_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(served(), Faults::default());
    let offline = Hub { offline: true, ..hub(&server, dir.path()) };
    let e = offline.fetch(REPO, "main", &FILES, &mut quiet).unwrap_err().to_string();
    assert!(e.contains("`config.json` is not in the cache") && e.contains("HF_HUB_OFFLINE"), "{e}");
    // Another tool fetched the config only.
    hub(&server, dir.path()).fetch(REPO, "main", &FILES[..1], &mut quiet).unwrap();
    let e = offline.fetch(REPO, "main", &FILES, &mut quiet).unwrap_err().to_string();
    assert!(e.contains("`model.safetensors` is not in the cache"), "{e}");
    hub(&server, dir.path()).fetch(REPO, "main", &FILES[..2], &mut quiet).unwrap();
    // Whether the optional file exists was never asked; offline that is no reason to fail.
    assert!(offline.fetch(REPO, "main", &FILES, &mut quiet).is_ok());
}

#[test]
fn settings_come_from_the_variables_of_the_hubs_own_tools() {
    let from = |pairs: &[(&str, &str)]| {
        Hub::from_variables(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    };
    let plain = from(&[("HOME", "/home/ada")]).unwrap();
    assert_eq!(plain.cache, Path::new("/home/ada/.cache/huggingface/hub"));
    assert_eq!(plain.endpoint, "https://huggingface.co");
    assert!(!plain.offline && plain.token.is_none());
    let all = from(&[
        ("HOME", "/home/ada"),
        ("XDG_CACHE_HOME", "/cache"),
        ("HF_HOME", "/models"),
        ("HF_ENDPOINT", "https://mirror.example.org/"),
        ("HF_HUB_OFFLINE", "1"),
        ("HF_TOKEN", "x"),
    ])
    .unwrap();
    assert_eq!(all.cache, Path::new("/models/hub"));
    assert_eq!(all.endpoint, "https://mirror.example.org");
    assert!(all.offline && all.token.is_some());
    assert_eq!(
        from(&[("HF_HOME", "/models"), ("HF_HUB_CACHE", "/elsewhere")]).unwrap().cache,
        Path::new("/elsewhere")
    );
    assert_eq!(
        from(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/cache")]).unwrap().cache,
        Path::new("/cache/huggingface/hub")
    );
    assert!(!from(&[("HOME", "/h"), ("HF_HUB_OFFLINE", "0")]).unwrap().offline);
    assert!(from(&[]).is_err());
    assert!(from(&[("HOME", "/h"), ("HF_ENDPOINT", "ftp://x")]).is_err());
}

#[test]
fn two_at_once_fetch_the_weights_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(served(), Faults::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                hub(&server, dir.path()).fetch(REPO, "main", &FILES, &mut quiet).unwrap()
            });
        }
    });
    let gets = server.seen().iter().filter(|r| r.starts_with("GET /store/")).count();
    assert_eq!(gets, 1);
}

#[test]
fn a_model_comes_with_the_weights_that_its_index_names_and_is_not_asked_for_again() {
    let index = br#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
    let mut files = served();
    let single = files.remove("model.safetensors").unwrap();
    files.insert("tokenizer.json", b"{}".to_vec());
    files.insert("model.safetensors.index.json", index.to_vec());
    files.insert("model-1.safetensors", single.clone());
    files.insert("model-2.safetensors", single[..9].to_vec());
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(files, Faults::default());
    let hub = hub(&server, dir.path());
    let folder = hub.fetch_model(REPO, "main", &mut quiet).unwrap();
    assert_eq!(std::fs::read(folder.join("model-2.safetensors")).unwrap(), single[..9]);
    let requests = server.seen().len();
    assert_eq!(hub.fetch_model(REPO, "main", &mut quiet).unwrap(), folder);
    assert_eq!(server.seen().len(), requests, "what is cached needs no request");
}
