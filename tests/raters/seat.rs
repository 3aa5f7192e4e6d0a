//! One rater at a terminal: what the screen says, and what was asked of the program.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::World;
use crate::pty::{DEADLINE, Pty, Started, start};

/// Size of the raters' terminals.
const SIZE: (u16, u16) = (100, 30);

/// What a screen says, as far as a rater has to know to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing to answer yet.
    Nothing,
    /// A page that Enter leaves, or scrolls first.
    Page,
    /// A pair of practice that waits for a score.
    Practice,
    /// The pair of this number.
    Pair(usize),
    /// The end.
    Done,
}

/// What a key is to bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// `saved: pair N = S`.
    Saved(usize, u8),
    /// `taken back: pair N`.
    TakenBack(usize),
    /// The pair of this number put off: another one.
    PutOff(usize),
    /// Another screen than this text.
    Change(String),
    /// The end of the program.
    End,
}

/// A key that was pressed, and what came of it so far.
#[derive(Debug, Clone)]
pub struct Asked {
    pub wants: Wants,
    pub at: Instant,
    /// Milliseconds until a second connection saw the row.
    pub row: Option<f64>,
    /// Milliseconds until the screen said so.
    pub screen: Option<f64>,
}

impl Asked {
    /// True where a row of the log has to come of it.
    pub fn is_event(&self) -> bool {
        matches!(self.wants, Wants::Saved(..) | Wants::TakenBack(_) | Wants::PutOff(_))
    }
}

/// What a screen with this text asks for.
pub fn shown(text: &str) -> Shown {
    if text.contains("Done. Thank you.") {
        return Shown::Done;
    }
    // what pages say of themselves: the welcome, the guideline, feedback, breaks, texts covered, ..
    let page = ["Enter goes on", "Enter shows the", "Enter: I have read this", " more lines: j"];
    if page.iter().any(|words| text.contains(words)) {
        return Shown::Page;
    }
    if text.contains("rate it as you would in the study") {
        return Shown::Practice;
    }
    let number = |line: &str| {
        line.trim_start().strip_prefix("pair ")?.split_whitespace().next()?.parse().ok()
    };
    text.lines().find_map(number).map_or(Shown::Nothing, Shown::Pair)
}

/// Goes by Enter, and through practice, to the first pair that waits.
pub fn to_a_pair(pty: &Pty) {
    let begins = std::time::Instant::now();
    loop {
        pty.wait_for(|s| shown(&s.contents()) != Shown::Nothing, "something to answer");
        let text = pty.screen_text();
        match shown(&text) {
            Shown::Pair(_) | Shown::Done => return,
            Shown::Practice => pty.send("3"),
            Shown::Page => pty.send("\r"),
            Shown::Nothing => {}
        }
        assert!(begins.elapsed() < DEADLINE, "no pair in time:\n{text}");
        pty.wait_for(|s| is_other(&text, &s.contents()), "another screen");
    }
}

/// Whether a screen came to something else, and not just to a write under way.
fn is_other(before: &str, now: &str) -> bool {
    now != before && !now.contains("saving ..") && shown(now) != Shown::Nothing
}

pub struct Seat {
    pub name: String,
    child: Child,
    master: OwnedFd,
    terminal: vt100::Parser,
    pub asked: Option<Asked>,
    /// When the next key is due.
    pub due: Option<Instant>,
    pub ended: bool,
    /// Keys pressed so far, over all its lives.
    pub keys: usize,
    pub bytes: usize,
}

impl Seat {
    pub fn new(world: &World, name: &str) -> Self {
        let Started { child, master, .. } = start(&world.rate(name), SIZE.0, SIZE.1, &[]);
        Self {
            name: name.to_owned(),
            child,
            master,
            terminal: fresh(),
            asked: None,
            due: None,
            ended: false,
            keys: 0,
            bytes: 0,
        }
    }

    /// The same rater comes again after a kill.
    pub fn again(&mut self, world: &World) {
        let Started { child, master, .. } = start(&world.rate(&self.name), SIZE.0, SIZE.1, &[]);
        (self.child, self.master) = (child, master);
        (self.terminal, self.asked, self.due) = (fresh(), None, None);
    }

    pub fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    pub fn text(&self) -> String {
        self.terminal.screen().contents()
    }

    pub fn shown(&self) -> Shown {
        shown(&self.text())
    }

    /// Presses a key.
    pub fn press(&mut self, key: &[u8], wants: Wants) {
        self.asked = Some(Asked { wants, at: Instant::now(), row: None, screen: None });
        self.due = None;
        self.keys += 1;
        let n = nix::unistd::write(&self.master, key).expect("a terminal that takes a key");
        assert_eq!(n, key.len());
    }

    /// Reads what there is; false where the program is gone.
    pub fn read(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match nix::unistd::read(&self.master, &mut buffer) {
            Ok(n) if n > 0 => {
                self.bytes += n;
                self.terminal.process(&buffer[..n]);
                true
            }
            Err(nix::errno::Errno::EINTR) => true,
            // EIO: nobody holds the other end
            Ok(_) | Err(_) => false,
        }
    }

    /// Whether the screen shows what the key was to bring about.
    pub fn answered(&self) -> bool {
        let Some(asked) = &self.asked else { return false };
        match &asked.wants {
            Wants::Saved(n, s) => {
                let text = self.text();
                // a break hides the line that names the pair
                text.contains(&format!("saved: pair {n} = {s}"))
                    || text.contains("Everything is saved.")
            }
            Wants::TakenBack(n) => self.text().contains(&format!("taken back: pair {n}")),
            Wants::PutOff(n) => {
                let text = self.text();
                !matches!(shown(&text), Shown::Nothing | Shown::Pair(_))
                    || matches!(shown(&text), Shown::Pair(now) if now != *n)
            }
            Wants::Change(before) => is_other(before, &self.text()),
            Wants::End => false,
        }
    }

    /// Kills the program as nothing else can, then reads what it had written: that is what its
    /// rater saw.
    pub fn kill(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGKILL).expect("a living program");
        self.child.wait().expect("a child");
        while self.read() {}
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("a child")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn fresh() -> vt100::Parser {
    let nonzero = |n| std::num::NonZeroU16::new(n).expect("a size");
    vt100::Parser::new(nonzero(SIZE.1), nonzero(SIZE.0), 0)
}
