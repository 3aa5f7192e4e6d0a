//! `polyculture rate` as a forced command: whatever is typed, pasted or sent, it rates and does
//! nothing else. The real program in a pseudo-terminal, with every trap set that we could think of:
//! its PATH holds programs that tell when they are run, its environment names editors, pagers and
//! files of keys that bind everything, and another rater's words lie in the same database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets an error fails"
)]

mod pty;

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use polyculture::domain::{ItemId, QuestionId, RaterId, Score, StudyId, StudyType};
use polyculture::store::{
    Access, Action, Consent, Item, ItemKind, ItemOrigin, NewEvent, Rater, RaterKind, Reason,
    StudyRecord, Workspace,
};
use polyculture::study::fix_plan;
use pty::Pty;

/// Pairs of each rater: more than all keys together rate.
const PAIRS: usize = 90;
/// What must never be on the screen of `r1`: the other rater, their words, the folder.
const SECRETS: [&str; 3] = ["zelda", "unspeakable", "hiddenfolder"];
/// Words of screens and tools that are not part of rating.
const ELSEWHERE: [&str; 6] =
    ["Fine-tune", "palette", "Overview", "Who rates what", "Rate samples of your own", "written:"];

fn study() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn rater(name: &str) -> RaterId {
    RaterId::new(name).unwrap()
}

struct Trap(tempfile::TempDir);

impl Trap {
    fn new() -> Self {
        let trap = Self(tempfile::tempdir().unwrap());
        let made = Command::new(env!("CARGO_BIN_EXE_polyculture"))
            .arg("init")
            .arg(trap.folder())
            .env("POLYCULTURE_STATE_DIR", trap.path("state"))
            .env("POLYCULTURE_CONFIG", trap.path("config/config.toml"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        trap.fill();
        trap.set();
        trap
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn folder(&self) -> PathBuf {
        self.path("hiddenfolder")
    }

    /// A study that two rate, one of whom was there before.
    fn fill(&self) {
        let items: Vec<Item> = (1..=PAIRS)
            .map(|i| Item {
                id: ItemId::new(format!("i{i:03}")).unwrap(),
                kind: ItemKind::Sample,
                k: Some(2),
                seed: QuestionId::new("Q27").unwrap(),
                sample: None,
                language: "en".into(),
                culture: None,
                seed_text: format!("Neighbours should help each other, way {i}."),
                sample_text: format!("One should help the neighbours, way {i}."),
                sha256: "00".into(),
                repeat_of: None,
                expected: None,
                context: None,
                sensitive: i % 10 == 0,
                origin: ItemOrigin::default(),
            })
            .collect();
        let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let record = StudyRecord {
            id: study(),
            created: now,
            study_type: StudyType::Similarity,
            k: 2,
            seed: 3,
            spec: serde_json::json!({}),
            fixed: None,
        };
        let person = |name: &str| Rater {
            id: rater(name),
            kind: RaterKind::Human,
            languages: vec!["en".into()],
            cultures: Vec::new(),
            consent: Some(Consent { version: "consent@1".into(), at: now }),
        };
        let mut ws = Workspace::open(&self.folder(), Access::Write).unwrap();
        ws.write(|tx| tx.put_study(&record, &items)).unwrap();
        fix_plan(&mut ws, &study(), &[person("r1"), person("zelda")]).unwrap();
        let of = ws.read().assignments_of(&study(), &rater("zelda")).unwrap();
        for a in of.iter().take(20) {
            let rated = Action::Submit(Score::new(1).unwrap());
            ws.submit_rating(&NewEvent::new(a.id, rater("zelda"), rated)).unwrap();
            let said = NewEvent {
                reason: Some(Reason::Comment),
                comment: Some("unspeakable".into()),
                ..NewEvent::new(a.id, rater("zelda"), Action::Flag)
            };
            ws.submit_rating(&said).unwrap();
        }
    }

    /// Programs that tell when they are run, and files that bind keys to everything.
    fn set(&self) {
        let bin = self.path("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let tells = format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\n", self.path("escaped").display());
        for name in [
            "sh",
            "bash",
            "less",
            "more",
            "vi",
            "vim",
            "nano",
            "xdg-open",
            "open",
            "ssh",
            "env",
            "polyculture",
            "trap",
        ] {
            let file = bin.join(name);
            std::fs::write(&file, &tells).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        // what gives the program its terminal
        let real = ["/usr/bin/setsid", "/bin/setsid"].into_iter().find(|p| Path::new(p).exists());
        symlink(real.expect("setsid of util-linux"), bin.join("setsid")).unwrap();
        std::fs::create_dir_all(self.path("config")).unwrap();
        std::fs::write(
            self.path("config/keys.toml"),
            "[keys]\n\"app.palette\" = [\"x\", \"ctrl-p\"]\n\"app.suspend\" = [\"z\"]\n\
             \"app.settings\" = [\"X\"]\n\"app.export\" = [\"e\"]\n\"app.shot\" = [\"f12\"]\n\
             \"app.plain\" = [\"y\"]\n\"app.filter\" = [\"/\"]\n",
        )
        .unwrap();
    }

    fn rate(&self) -> Pty {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.arg("-w")
            .arg(self.folder())
            .args(["rate", "--study", "pilot", "--as", "r1"])
            .current_dir(self.0.path());
        let trap = self.path("bin/trap").display().to_string();
        let (path, state, config, elsewhere) = (
            self.path("bin").display().to_string(),
            self.path("state").display().to_string(),
            self.path("config/config.toml").display().to_string(),
            self.path("elsewhere").display().to_string(),
        );
        Pty::spawn(
            &c,
            100,
            30,
            &[
                ("PATH", &path),
                ("EDITOR", &trap),
                ("VISUAL", &trap),
                ("PAGER", &trap),
                ("BROWSER", &trap),
                ("SHELL", &trap),
                ("LESSOPEN", &trap),
                ("POLYCULTURE_STATE_DIR", &state),
                ("POLYCULTURE_CONFIG", &config),
                ("POLYCULTURE_WORKSPACE", &elsewhere),
                ("SSH_ORIGINAL_COMMAND", "sh -c 'echo escaped'"),
            ],
        )
    }

    fn events(&self) -> usize {
        let ws = Workspace::open(&self.folder(), Access::Read).unwrap();
        ws.read().events_of(&study(), &rater("r1")).unwrap().len()
    }

    /// Goes on to a pair from wherever the keys led, and rates it; proves that all that was sent
    /// before was taken.
    fn rates(&self, pty: &Pty, after: &str) {
        let end = Instant::now() + pty::DEADLINE;
        let before = self.events();
        loop {
            let text = pty.screen_text();
            no_secret(&text, after);
            let key: &str = if ["Keys on Rate", "Ctrl-S saves", "Esc goes back", "Your pairs"]
                .iter()
                .any(|w| text.contains(w))
                || text.contains("(y/n)")
            {
                "\x1b"
            } else if text.contains("Enter") {
                "\r"
            } else {
                "3"
            };
            pty.send(key);
            // until what the key did is seen, or a moment: an escape has to stand alone
            std::thread::sleep(Duration::from_millis(60));
            if self.events() > before {
                return;
            }
            assert!(Instant::now() < end, "after {after} nothing rates any more:\n{text}");
        }
    }

    /// No child, no file but its own, nothing written that is none of its business.
    fn holds(&self, pty: &Pty, after: &str) {
        let pid = pty.pid();
        let children = children_of(pid.as_raw());
        assert!(children.is_empty(), "after {after}: children {children:?}");
        let root = self.folder().canonicalize().unwrap();
        // what whoever runs the tests left open to all that they start
        let inherited: Vec<PathBuf> = std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .flatten()
            .filter_map(|f| std::fs::read_link(f.path()).ok())
            .collect();
        let own = |target: &Path| {
            let text = target.to_string_lossy();
            let plain = text.trim_end_matches(" (deleted)");
            inherited.iter().any(|i| i == target)
                || plain.starts_with("/dev/pts/")
                || ["/dev/null", "/dev/tty", "/dev/urandom"].contains(&plain)
                || ["pipe:", "socket:", "anon_inode:"].iter().any(|p| plain.starts_with(p))
                || Path::new(plain)
                    .strip_prefix(&root)
                    .is_ok_and(|f| f.to_string_lossy().starts_with(Workspace::FILE))
                || Path::new(plain).starts_with(self.path("state").canonicalize().unwrap())
        };
        for fd in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
            if let Ok(target) = std::fs::read_link(fd.path()) {
                assert!(own(&target), "after {after} it has {} open", target.display());
            }
        }
        let escaped = std::fs::read_to_string(self.path("escaped")).unwrap_or_default();
        assert_eq!(escaped, "", "after {after} a program was run");
        assert!(!self.folder().join("exports").exists(), "after {after}");
        assert!(!self.path("elsewhere").exists(), "after {after}");
        let config: Vec<_> = std::fs::read_dir(self.path("config"))
            .unwrap()
            .flatten()
            .map(|f| f.file_name())
            .collect();
        assert_eq!(config, ["keys.toml"], "after {after}");
    }
}

fn no_secret(text: &str, after: &str) {
    for word in SECRETS.iter().chain(&ELSEWHERE) {
        assert!(!text.contains(word), "after {after} `{word}` is on the screen:\n{text}");
    }
}

/// Processes whose parent this is.
fn children_of(pid: i32) -> Vec<String> {
    let of = |f: std::fs::DirEntry| -> Option<String> {
        let stat = std::fs::read_to_string(f.path().join("stat")).ok()?;
        // the name stands in brackets and may hold anything
        let rest = stat.rsplit_once(')')?.1;
        let parent: i32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        (parent == pid).then_some(stat)
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(of).collect()
}

/// Bytes of a key as a terminal sends them.
fn bytes_of(key: &str) -> Option<Vec<u8>> {
    let csi = |s: &str| Some(format!("\x1b[{s}").into_bytes());
    if let Some(rest) = key.strip_prefix("ctrl-") {
        let c = rest.chars().next().filter(char::is_ascii_lowercase)?;
        return (rest.len() == 1).then(|| vec![c as u8 - b'a' + 1]);
    }
    if let Some(rest) = key.strip_prefix("alt-") {
        return Some([&[0x1b], rest.as_bytes()].concat());
    }
    match key {
        "enter" => Some(b"\r".to_vec()),
        "tab" => Some(b"\t".to_vec()),
        "backtab" => csi("Z"),
        "space" => Some(b" ".to_vec()),
        "esc" => None,
        "up" => csi("A"),
        "down" => csi("B"),
        "right" => csi("C"),
        "left" => csi("D"),
        "home" => csi("H"),
        "end" => csi("F"),
        "pageup" => csi("5~"),
        "pagedown" => csi("6~"),
        "f1" => Some(b"\x1bOP".to_vec()),
        "f5" => csi("15~"),
        "f12" => csi("24~"),
        one if one.chars().count() == 1 => Some(one.as_bytes().to_vec()),
        _ => None,
    }
}

/// Every key of every command of the workbench, but those that leave.
fn keys() -> BTreeSet<Vec<u8>> {
    let out = Command::new(env!("CARGO_BIN_EXE_polyculture"))
        .args(["--json", "keys"])
        .env("POLYCULTURE_CONFIG", "/nonexistent/config.toml")
        .output()
        .unwrap();
    let all: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let named = all["items"].as_array().unwrap().iter().flat_map(|c| c["keys"].as_array().unwrap());
    let mut keys: BTreeSet<Vec<u8>> = named.filter_map(|k| bytes_of(k.as_str().unwrap())).collect();
    assert!(keys.len() > 50, "the keymap could not be read");
    keys.extend((b'a'..=b'z').map(|c| vec![c - b'a' + 1]));
    keys.extend((b' '..=b'~').map(|c| vec![0x1b, c]));
    keys.extend((b' '..=b'~').map(|c| vec![c]));
    keys.extend((11..=34).map(|n| format!("\x1b[{n}~").into_bytes()));
    keys.extend(b"PQRS".iter().map(|c| vec![0x1b, b'O', *c]));
    // q leaves, Ctrl-C and Ctrl-Q too; [ and O after an escape begin something longer
    for not in [&b"q"[..], b"\x03", b"\x11", b"\x1b[", b"\x1bO", b"\x1bP", b"\x1b]", b"\x1b_"] {
        keys.remove(not);
    }
    for string in [&b"\x1b^"[..], b"\x1bX"] {
        keys.remove(string);
    }
    keys
}

#[test]
fn whatever_is_typed_nothing_but_rating_can_be_reached() {
    let trap = Trap::new();
    let mut pty = trap.rate();
    pty.wait_for_text("Enter goes on");
    trap.holds(&pty, "the start");
    trap.rates(&pty, "the start");

    let all: Vec<Vec<u8>> = keys().into_iter().collect();
    for some in all.chunks(24) {
        for key in some {
            pty.send(key);
        }
        let said = format!("{:?}", String::from_utf8_lossy(&some.concat()));
        trap.rates(&pty, &said);
        trap.holds(&pty, &said);
    }

    for (name, bytes) in [
        (
            "clicks",
            "\x1b[<0;3;1M\x1b[<0;3;1m\x1b[<2;9;1M\x1b[<64;5;5M\x1b[M !!\x1b[32;5;5M".repeat(50),
        ),
        (
            "a paste",
            "\x1b[200~:q!\n!sh\r\x1b]52;c;YQ==\x07\x1b[2J\x03\x1a\x1c\0:shell\x1b[201~".into(),
        ),
        ("a paste in words", "c\x1b[200~\x1b[31m!sh\n\x03\x1a$(id)`id`\x1b[201~".into()),
        ("colours", "\x1b]10;rgb:ffff/ffff/ffff\x07\x1b]11;?\x07\x1b]0;title\x1b\\".repeat(200)),
        ("a long string", format!("\x1b]{}\x1b\\", "x".repeat(100_000))),
        (
            "device strings",
            format!("\x1bP{}\x1b\\\x1b_{}\x1b\\", "q".repeat(50_000), "z".repeat(9)),
        ),
        (
            "reports",
            "\x1b[?1;2c\x1b[0n\x1b[5;5R\x1b[?2026;2$y\x1b[I\x1b[O\x1b[999999999999;1~".repeat(200),
        ),
        ("rubbish", String::from_utf8_lossy(&(0x80..=0xff).collect::<Vec<u8>>()).into_owned()),
        ("noughts", "\0\0\x1c\x1d\x1e\x1f\x04\x04".into()),
    ] {
        pty.send(&bytes);
        trap.rates(&pty, name);
        trap.holds(&pty, name);
    }

    for (cols, rows) in [(1, 1), (2, 1), (1, 40), (500, 2), (300, 120), (40, 10), (100, 30)] {
        pty.resize(cols, rows);
    }
    trap.rates(&pty, "resizing");
    for signal in [Signal::SIGTSTP, Signal::SIGCONT, Signal::SIGWINCH, Signal::SIGTSTP] {
        pty.signal(signal);
    }
    trap.rates(&pty, "signals of job control");
    trap.holds(&pty, "signals of job control");

    // not a byte of it, even between two frames
    let written = pty.bytes_since(0);
    for word in SECRETS {
        let found = written.windows(word.len()).any(|w| w == word.as_bytes());
        assert!(!found, "`{word}` was written to the terminal");
    }
    // the other rater's work is as it was
    let ws = Workspace::open(&trap.folder(), Access::Read).unwrap();
    assert_eq!(ws.read().events_of(&study(), &rater("zelda")).unwrap().len(), 40);

    pty.hang_up();
    pty.wait_exit();
    let escaped = std::fs::read_to_string(trap.path("escaped")).unwrap_or_default();
    assert_eq!(escaped, "");
}
