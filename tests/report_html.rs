//! `polyculture report --format html` of a real workspace, opened in a real browser where there is
//! one: `POLYCULTURE_CHROMIUM`, or a Chromium on the path.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LABEL: &str = "</script><img src=x onerror=alert(1)>";
const SECTIONS: [&str; 5] = ["pipeline", "agreement", "training", "leaderboard", "provenance"];

const STUDY_SECTIONS: [&str; 9] =
    ["design", "flow", "scores", "groups", "calibration", "raters", "judges", "quality", "changes"];

struct Place(tempfile::TempDir);

impl Place {
    fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.args(args)
            .current_dir(self.0.path())
            .env("POLYCULTURE_STATE_DIR", self.0.path().join("s"))
            .env("POLYCULTURE_CONFIG", self.0.path().join("no-config.toml"))
            .env("POLYCULTURE_WORKSPACE", self.workspace())
            .stdin(Stdio::null());
        c
    }

    fn workspace(&self) -> PathBuf {
        self.0.path().join("w")
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.command(args).output().unwrap();
        assert!(out.status.success(), "{args:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ =
            self.command(&["engine", "stop"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A Chromium, by the variable or on the path.
fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("POLYCULTURE_CHROMIUM").filter(|v| !v.is_empty()) {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "POLYCULTURE_CHROMIUM names no file: {}", named.display());
        return Some(named);
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path).flat_map(|d| names.map(|n| d.join(n))).find(|p| p.is_file())
}

/// What a browser made of a page.
struct Loaded {
    /// The document after loading.
    dom: String,
    /// Lines of the console.
    console: Vec<String>,
    /// Addresses that were asked for over a network, but for those that the browser asks by itself.
    asked: Vec<String>,
}

/// Loads a page without a network.
fn load(browser: &Path, page: &Path) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("net.json");
    let out = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--no-pings",
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("file://{}", page.display()))
        .env("HOME", dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{}: {said}", browser.display());
    let net = fs::read_to_string(log).unwrap();
    let addresses = net.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = [".google.com", ".googleapis.com", ".gvt1.com"];
    let outside = addresses.filter(|a| a.starts_with("http") || a.starts_with("ws")).filter(|a| {
        let host = a.split('/').nth(2).unwrap_or_default();
        !own.iter().any(|o| host.ends_with(o))
    });
    Loaded {
        asked: outside.map(str::to_owned).collect(),
        dom: String::from_utf8_lossy(&out.stdout).into_owned(),
        console: said.lines().filter(|l| l.contains("CONSOLE")).map(str::to_owned).collect(),
    }
}

#[test]
fn the_page_of_a_whole_workspace_opens_in_a_browser_and_asks_for_nothing() {
    let p = Place(tempfile::tempdir().unwrap());
    p.ok(&["demo", "--headless", "--quick", "--dir", p.workspace().to_str().unwrap()]);
    p.ok(&["runs", "add", "--label", LABEL, "--wait", "--", "true"]);
    let page = p.0.path().join("report.html");
    p.ok(&["report", "--format", "html", "-o", page.to_str().unwrap()]);
    let text = fs::read_to_string(&page).unwrap();
    assert_eq!(p.ok(&["report", "--format", "html"]).lines().count(), text.lines().count());
    assert!(
        text.contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"),
        "the label is text"
    );
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("url("));
    for what in ["alpha-ordinal", "ac2-quadratic", "raw", "loss (nats)", "baseline: uniform"] {
        assert!(text.contains(what), "{what}");
    }
    // The only address is the name of a namespace.
    let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("http:") && !elsewhere.contains("https:"));

    // One study by itself, of the same kind.
    let status: serde_json::Value =
        serde_json::from_str(&p.ok(&["study", "status", "--json"])).unwrap();
    let status = status.to_string();
    let name = status.split("\"study\":\"").nth(1).and_then(|s| s.split('"').next()).unwrap();
    let study = p.0.path().join("study.html");
    let to = study.to_str().unwrap();
    p.ok(&["study", "report", "--study", name, "--draws", "200", "-o", to]);
    let of_study = fs::read_to_string(&study).unwrap();
    assert!(of_study.contains("scripted"), "who rated is said");
    assert!(!of_study.contains("<script") && !of_study.contains("<img"));

    let Some(browser) = chromium() else {
        eprintln!(
            "SKIPPED: no Chromium on the path and none in POLYCULTURE_CHROMIUM: the page was not \
             opened in a browser"
        );
        return;
    };
    // First a page that does what ours must not: without it, silence would prove nothing.
    let bad = p.0.path().join("bad.html");
    let wrong = "<img src=\"http://elsewhere.invalid/a.png\"/><script>console.error(1)</script>";
    fs::write(&bad, format!("<!DOCTYPE html><html><body>{wrong}</body></html>")).unwrap();
    let seen = load(&browser, &bad);
    assert!(seen.asked.iter().any(|a| a.contains("elsewhere.invalid")), "{:?}", seen.asked);
    assert!(!seen.console.is_empty(), "an error on the console is seen");

    let seen = load(&browser, &study);
    for id in STUDY_SECTIONS {
        assert!(seen.dom.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    let charts = of_study.matches("<svg").count();
    assert!(charts > 4, "{charts}");
    assert_eq!(seen.dom.matches("<svg").count(), charts, "every chart is there");
    assert_eq!(seen.console, Vec::<String>::new());
    assert_eq!(seen.asked, Vec::<String>::new());

    let seen = load(&browser, &page);
    for id in SECTIONS {
        assert!(seen.dom.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    let charts = text.matches("<svg").count();
    assert!(charts > 5);
    assert_eq!(seen.dom.matches("<svg").count(), charts, "every chart is there");
    assert!(!seen.dom.contains("<img") && !seen.dom.contains("<script"), "no text became markup");
    assert_eq!(seen.console, Vec::<String>::new());
    assert_eq!(seen.asked, Vec::<String>::new());
}
