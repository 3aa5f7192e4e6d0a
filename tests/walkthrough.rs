//! The walkthrough in `docs/`: the five activities from start to end by the keyboard alone, in
//! 80x24, each step with the picture that the program itself saves (F12).
//!
//!     POLYCULTURE_WRITE_WALKTHROUGH=1 cargo test --test walkthrough
//!
//! writes `docs/walkthrough.md` and its pictures anew. Without the variable, the words on every
//! picture are compared with those in `docs/`: what drifted is named. Numbers, times and curves are
//! left out of the comparison, since they differ between machines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod pty;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pty::{Pty, poll_until};

struct Walk {
    dir: tempfile::TempDir,
    pty: Pty,
    page: String,
    shots: Vec<(String, String)>,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

impl Walk {
    fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("config")).unwrap();
        fs::write(dir.path().join("config/config.toml"), "").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        // Without a workspace near, the default one is made: as on the first day.
        command
            .env("HOME", dir.path())
            .env("XDG_DATA_HOME", dir.path().join("data"))
            .env("POLYCULTURE_STATE_DIR", dir.path().join("state"))
            .env("POLYCULTURE_CONFIG", dir.path().join("config/config.toml"))
            .env_remove("POLYCULTURE_WORKSPACE")
            .env("COLORTERM", "truecolor")
            .current_dir(dir.path());
        let pty = Pty::spawn(&command, 80, 24, &[("COLORTERM", "truecolor")]);
        Self { dir, pty, page: String::new(), shots: Vec::new() }
    }

    fn workspace(&self) -> PathBuf {
        self.dir.path().join("data/polyculture/workspace")
    }

    /// Keys, then what the screen has to show.
    fn step(&mut self, keys: &str, shows: &str) {
        self.pty.send(keys);
        self.pty.wait_for_text(shows);
    }

    fn wait(&mut self, shows: &str) {
        self.pty.wait_for_text(shows);
    }

    fn wait_without(&mut self, gone: &str) {
        self.pty.wait_for(|s| !s.contents().contains(gone), gone);
    }

    /// Waits for work of minutes on a slow machine.
    fn wait_long(&mut self, shows: &str) {
        for _ in 0..600 {
            if self.pty.screen(|s| s.contents().contains(shows)) {
                return;
            }
            self.pty.bytes_within(std::time::Duration::from_millis(500));
        }
        panic!("no `{shows}`:\n{}", self.pty.screen_text());
    }

    /// A picture, and what a reader is told beside it.
    fn shot(&mut self, name: &str, says: &str) {
        let exports = self.workspace().join("exports");
        drop(fs::remove_dir_all(&exports));
        // Notes come and go with the engine's pace: Ctrl-L takes the last one away. Then whatever is
        // still being read gets its time.
        if name != "help" {
            self.pty.send("\x0c");
        }
        for _ in 0..60 {
            if self.pty.bytes_within(std::time::Duration::from_millis(400)) == 0 {
                break;
            }
        }
        // F12, as xterm sends it.
        self.pty.send("\x1b[24~");
        let mut found = None;
        poll_until(&format!("picture of {name}: {}", self.pty.screen_text()), || {
            found = fs::read_dir(&exports).ok().and_then(|mut d| Some(d.next()?.ok()?.path()));
            found.as_ref().is_some_and(|f| {
                fs::read_to_string(f).is_ok_and(|t| t.trim_end().ends_with("</svg>"))
            })
        });
        let svg = fs::read_to_string(found.unwrap()).unwrap();
        // Nobody's home is called like a temporary folder.
        let svg = svg.replace(self.dir.path().to_str().unwrap(), "/home/ada");
        let file = format!("{:02}-{name}.svg", self.shots.len() + 1);
        writeln!(self.page, "{says}\n\n![{name}](walkthrough/{file})\n").unwrap();
        self.shots.push((file, svg));
    }
}

/// Words of a picture: letters alone, tags and numbers left out.
fn words(svg: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for part in svg.split('>').filter_map(|p| p.split('<').next()) {
        let part = part.replace("&lt;", " ").replace("&gt;", " ").replace("&amp;", " ");
        for word in part.split(|c: char| !c.is_alphabetic()) {
            // Cut words at an edge, ids and units are no words.
            if word.chars().count() > 4 {
                out.insert(word.to_owned());
            }
        }
    }
    out
}

fn walk() -> Walk {
    let mut w = Walk::begin();
    w.wait("From seeds to an evaluated model");
    w.wait("10 cultures");
    w.wait("engine at rest");
    w.shot(
        "overview",
        "`polyculture` opens the workbench. On the first day it makes a workspace from the sample seeds. \
         The Overview shows the loop, and the next step: Enter takes it.",
    );
    w.step("\r", "polyculture augment");
    w.shot(
        "augment",
        "The next step is to grow samples. The form says how many proposals and calls that takes, what \
         they cost, and the command that does the same in a script. Enter starts it.",
    );
    w.step("\r", "Q27");
    w.wait_long("seeds: succeeded");
    w.shot(
        "seeds",
        "Seeds (`2`): each question with the answers of every culture, how many answered, and what is \
         missing. `v` shows them as a heat map, `c` compares two cultures.",
    );
    w.step("3", "kept");
    w.shot(
        "samples",
        "Samples (`3`): what grew, how alike it is to its seed, and what became of it. `a` accepts, `x` \
         rejects, `E` edits, `u` undoes.",
    );
    w.step("h", "hreshold");
    w.shot("histogram", "`h`: similarities as a histogram, with the threshold to move and the number it would keep.");
    w.step("q", "From seeds to an evaluated model");
    w.step("4", "No study yet");
    w.step("n", "Rate samples of your own");
    w.step("\r", "Welcome");
    w.step("\r", "Guideline");
    w.step("\r", "pair 1 of");
    w.shot("rate", "Rate (`4`): two texts, one key. The guideline is at `g`; which text is the seed is not told.");
    w.step("4", "saved: pair 1 = 4");
    w.step("5", "saved: pair 2 = 5");
    w.step("u", "pair 2 of");
    w.step("3", "= 3");
    w.shot(
        "rated",
        "`saved` stands there once the rating is on the disk, and not before. `u` goes back.",
    );
    // Digits rate here: Alt and a digit switch screens everywhere.
    w.step("\x1b5", "No dataset yet");
    w.step("n", "polyculture dataset build");
    w.step("\r", "built all");
    // The audit is read on a lane of its own.
    w.wait_without("auditing");
    w.shot("dataset", "Fine-tune (`5`): a dataset of seeds and kept samples, with its audit.");
    w.step("t", "polyculture finetune");
    w.shot("recipe", "`t`: the recipe, with what it takes of memory and time. Wrong values are told as they are typed.");
    // Fewer steps than the preset: the field `Length` is the eighth.
    w.step(&"\t".repeat(7), "Length");
    w.step("\x1560", "60");
    w.step("\r", "run started");
    w.step("\t", "tokens/s");
    w.wait("succeeded");
    w.shot("curves", "Training runs report as they go: loss, learning rate, gradient norm, tokens a second, time left.");
    w.step("6", "No evaluation yet");
    w.step("n", "Start an evaluation");
    w.step("\t", "Models");
    w.step(" ", "polyculture evaluate");
    w.shot(
        "evaluate",
        "Evaluate (`6`): models and tasks, with calls, cost and time before anything starts.",
    );
    w.step("\r", "started");
    w.wait_long("Evaluations · 1 of 1");
    w.wait_long("nothing runs");
    w.step("\r", "mixture of other");
    w.shot(
        "leaderboard",
        "The leaderboard has the baselines in it: what needs no model at all. `+` and `-` mark differences \
         whose interval excludes zero, `*` a paired test that holds. Enter looks behind a figure.",
    );
    w.step("7", "augment");
    w.shot(
        "runs",
        "Runs (`7`): everything the engine did and does, with logs, metrics and results.",
    );
    w.step("8", "themes");
    w.shot(
        "settings",
        "Settings (`8`): providers with a test button, themes, keys, directions, `doctor`.",
    );
    w.step("?", "This screen");
    w.shot("help", "`?` shows every key that works here; `:` does anything by its name.");
    w.pty.send("x\x03");
    assert_eq!(w.pty.wait_exit().code(), Some(0));
    let mut stop = Command::new(env!("CARGO_BIN_EXE_polyculture"));
    stop.env("POLYCULTURE_STATE_DIR", w.dir.path().join("state")).args(["engine", "stop"]);
    drop(stop.output());
    w
}

#[test]
fn the_five_activities_are_done_by_keys_alone_and_the_pictures_in_docs_are_of_this_program() {
    let w = walk();
    let folder = docs().join("walkthrough");
    let page = format!(
        "# A walk through the workbench\n\nMade by `tests/walkthrough.rs` from a real walk through the program, in 80 \
         columns and 24 rows, by keys alone. The pictures are the program's own.\n\n{}",
        w.page
    );
    if std::env::var_os("POLYCULTURE_WRITE_WALKTHROUGH").is_some() {
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        for (name, svg) in &w.shots {
            fs::write(folder.join(name), svg).unwrap();
        }
        fs::write(docs().join("walkthrough.md"), page).unwrap();
        return;
    }
    let again = "POLYCULTURE_WRITE_WALKTHROUGH=1 cargo test --test walkthrough";
    let known = fs::read_to_string(docs().join("walkthrough.md")).unwrap();
    assert_eq!(known, page, "docs/walkthrough.md is of another walk: {again}");
    for (name, svg) in &w.shots {
        let known = fs::read_to_string(folder.join(name)).unwrap();
        let (old, new) = (words(&known), words(svg));
        let gone: Vec<_> = old.difference(&new).collect();
        let come: Vec<_> = new.difference(&old).collect();
        assert!(
            gone.is_empty() && come.is_empty(),
            "{name} has drifted: gone {gone:?}, come {come:?}. Look at it, then: {again}"
        );
    }
}
