//! The terminal room in a real pseudo-terminal: what is on when it runs, what is left when it ends,
//! however it ends.
//!
//! The program under test is this one: started again with `ROOM_CHILD` set it runs a small screen
//! instead of the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod pty;

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use nix::sys::signal::Signal as Sent;
use nix::sys::termios::Termios;
use polyculture::tui::terminal::{Copied, Input, Options, Signal, Terminal, inputs, panicked};
use pty::{Pty, poll_until, proc_status};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Block;

const CHILD: &str = "ROOM_CHILD";

/// The small screen. Does nothing when the tests themselves run.
#[test]
fn child() {
    let Ok(kind) = std::env::var(CHILD) else { return };
    let code = run(&kind);
    // The harness would print more and map the code.
    std::process::exit(code);
}

/// Runs until a key or the system ends it; the exit code tells why.
fn run(kind: &str) -> i32 {
    let (sender, receiver) = mpsc::channel();
    let options = Options { mouse: kind != "mouseless", ..Options::default() };
    let mut terminal = Terminal::start(options).unwrap();
    let thread = inputs(move |input| drop(sender.send(input))).unwrap();
    let mut lines = vec![String::from("ready")];
    loop {
        let (width, height) = terminal.size();
        let drawn = terminal.draw(|frame| {
            frame.render_widget(Block::bordered().title(format!("{width}x{height}")), frame.area());
            let buffer = frame.buffer_mut();
            for (y, line) in (1..height.saturating_sub(1)).zip(lines.iter().rev()) {
                let room = usize::from(width.saturating_sub(2));
                buffer.set_stringn(1, y, line, room, Style::default());
            }
            if width > 8 && height > 3 {
                buffer.set_style(Rect::new(1, 1, 5, 1), Style::new().bold());
            }
        });
        if drawn.is_err() {
            return 5;
        }
        match receiver.recv().unwrap() {
            Input::Lost => return 4,
            Input::Signal(Signal::HangUp) if kind == "deaf" => {}
            Input::Signal(Signal::HangUp) => return 6,
            Input::Signal(Signal::Terminate) if kind == "deaf" => {}
            Input::Signal(Signal::Terminate) => return 7,
            Input::Signal(Signal::Interrupt) => return 8,
            Input::Signal(Signal::Panicked) => {
                assert!(panicked());
                return 9;
            }
            Input::Signal(Signal::Suspend) => drop(terminal.suspend().unwrap()),
            Input::Signal(Signal::Continue) => {
                if terminal.refresh().is_err() {
                    return 5;
                }
            }
            Input::Resize(width, height) => terminal.resized(width, height).unwrap(),
            Input::Paste(text) => lines.push(format!("pasted {} bytes", text.len())),
            Input::Background { r, g, b } => lines.push(format!("background {r} {g} {b}")),
            Input::Focus(focus) => lines.push(format!("focus {focus}")),
            Input::Mouse(event) => lines.push(format!("mouse {} {}", event.column, event.row)),
            Input::Key(key) => {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                match key.code {
                    KeyCode::Char('z') if control => {
                        let stopped = terminal.suspend().unwrap();
                        lines.push(format!("suspended {stopped}"));
                    }
                    KeyCode::Char('q') => break,
                    KeyCode::Char('p') => panic!("in the loop"),
                    KeyCode::Char('t') => drop(std::thread::spawn(|| panic!("in a thread"))),
                    KeyCode::Char('b') => terminal.ask_background().unwrap(),
                    KeyCode::Char('c') => match terminal.copy("copied text") {
                        Copied::Sent { bytes } => lines.push(format!("copied {bytes}")),
                        other => lines.push(other.to_string()),
                    },
                    KeyCode::Char('o') => {
                        let status = terminal.outside(|| {
                            let ask = "stty -a | grep -o -- '-\\?icanon'; echo other program; \
                                       grep SigBlk /proc/self/status; read answer; exit 3";
                            Command::new("sh").args(["-c", ask]).status().unwrap()
                        });
                        lines.push(format!("outside {:?}", status.unwrap().code()));
                    }
                    // Frames in which nothing changed.
                    KeyCode::Char('n') => {}
                    KeyCode::Char('h') => std::thread::sleep(Duration::from_hours(1)),
                    other => lines.push(format!("key {other:?}")),
                }
            }
        }
    }
    terminal.leave();
    terminal.leave();
    drop(thread);
    0
}

fn start(kind: &str, cols: u16, rows: u16) -> (Pty, Termios) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(CHILD, kind);
    let pty = Pty::spawn(&command, cols, rows, &[]);
    let before = pty.termios_found();
    pty.wait_for_text("ready");
    (pty, before)
}

/// Everything is as it was before, and every mode that was on is off.
fn assert_whole(pty: &Pty, before: &Termios) {
    assert!(pty.is_cooked());
    assert_eq!(pty.termios(), *before, "the settings are those that were found");
    pty.screen(|screen| {
        assert!(!screen.alternate_screen(), "the old screen");
        assert!(!screen.hide_cursor(), "the cursor shows");
        assert!(!screen.bracketed_paste(), "paste is off");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    });
    let text = String::from_utf8_lossy(&pty.bytes_since(0)).into_owned();
    for (on, off) in [
        ("\x1b[?2026h", "\x1b[?2026l"),
        ("\x1b[?1004h", "\x1b[?1004l"),
        ("\x1b[?2004h", "\x1b[?2004l"),
        ("\x1b[?7l", "\x1b[?7h"),
        ("\x1b[8l", "\x1b[8h"),
        ("\x1b[?1049h", "\x1b[?1049l"),
    ] {
        assert!(text.rfind(off) > text.rfind(on), "{on:?} is not undone");
    }
}

#[test]
fn quitting_leaves_the_terminal_as_it_was() {
    for kind in ["plain", "mouseless"] {
        let (mut pty, before) = start(kind, 80, 24);
        assert!(!pty.is_cooked());
        pty.screen(|screen| {
            assert!(screen.alternate_screen() && screen.bracketed_paste());
            let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
            assert_eq!(mouse, kind == "plain");
        });
        pty.send("q");
        assert!(pty.wait_end_of_output().success());
        assert_whole(&pty, &before);
    }
}

#[test]
fn signals_end_it_with_the_terminal_whole() {
    for (signal, code) in
        [(Sent::SIGTERM, 7), (Sent::SIGHUP, 6), (Sent::SIGINT, 8), (Sent::SIGQUIT, 7)]
    {
        let (mut pty, before) = start("plain", 80, 24);
        pty.signal(signal);
        assert_eq!(pty.wait_end_of_output().code(), Some(code), "{signal}");
        assert_whole(&pty, &before);
    }
}

#[test]
fn a_panic_in_the_loop_is_printed_on_a_whole_terminal() {
    let (mut pty, before) = start("plain", 80, 24);
    pty.send("p");
    assert!(!pty.wait_end_of_output().success());
    assert_whole(&pty, &before);
    assert!(pty.screen_text().contains("in the loop"), "{}", pty.screen_text());
}

#[test]
fn a_panic_in_another_thread_ends_it_with_the_terminal_whole() {
    let (mut pty, before) = start("plain", 80, 24);
    pty.send("t");
    assert_eq!(pty.wait_end_of_output().code(), Some(9));
    assert_whole(&pty, &before);
    assert!(pty.screen_text().contains("in a thread"), "{}", pty.screen_text());
}

#[test]
fn a_loop_that_hangs_is_ended_by_the_second_request() {
    let (mut pty, before) = start("deaf", 80, 24);
    pty.send("h");
    let mut ended = false;
    let end = std::time::Instant::now() + pty::DEADLINE;
    while !ended {
        assert!(std::time::Instant::now() < end, "it does not end");
        // Gone between the look and the signal is gone too.
        let _ = nix::sys::signal::kill(pty.pid(), Sent::SIGTERM);
        ended = pty.try_exit().is_some();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(pty.wait_end_of_output().code(), Some(128 + 15));
    assert_whole(&pty, &before);
}

#[test]
fn a_lost_terminal_ends_it() {
    // Deaf: it does not hear SIGHUP. Half: a sequence that never ends.
    for kind in ["plain", "deaf"] {
        for half in ["", "\x1b[200~half a paste", "\x1b[1;"] {
            let (mut pty, _) = start(kind, 80, 24);
            pty.send(half);
            pty.hang_up();
            let status = pty.wait_exit();
            // By the end of input, by failing to draw, by SIGHUP (which may come when nobody
            // listens any more).
            let hung_up = status.signal() == Some(Sent::SIGHUP as i32);
            let told = match status.code() {
                Some(code) => code == 4 || code == 5 || (code == 6 && kind == "plain"),
                None => hung_up,
            };
            assert!(told, "{kind} {half:?}: {status}");
        }
    }
}

#[test]
fn a_terminal_without_a_shell_is_not_suspended() {
    let (mut pty, before) = start("plain", 80, 24);
    pty.send("\x1a");
    pty.wait_for_text("suspended false");
    pty.send("q");
    pty.wait_end_of_output();
    assert_whole(&pty, &before);
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_paints_again() {
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    let env = [("PS1", "shell> "), (CHILD, "plain"), ("HISTFILE", "/dev/null")];
    let mut pty = Pty::spawn(&shell, 100, 30, &env);
    pty.wait_for_text("shell> ");
    let program = std::env::current_exe().unwrap();
    pty.send(format!("{} --exact child --nocapture\n", program.display()));
    pty.wait_for_text("ready");
    for round in 1..=2 {
        pty.send("\x1a");
        pty.wait_for(|s| !s.alternate_screen(), "the shell's screen");
        pty.wait_for_text("Stopped");
        // The shell sets its own editing mode; a command of it sees a cooked terminal.
        pty.send(format!("stty -a | grep -o -- '-\\?icanon' | sed s/^/{round}:/\n"));
        pty.wait_for_text(&format!("{round}:icanon"));
        let from = pty.count();
        pty.send("fg\n");
        pty.wait_for(|s| s.alternate_screen() && s.contents().contains("suspended true"), "frame");
        pty.wait_for_bytes(from, b"\x1b[2J", "a full repaint");
        // From outside it comes as a signal.
        pty.send("x");
        pty.wait_for_text("key Char('x')");
    }
    pty.send("q");
    pty.wait_for(|s| !s.alternate_screen(), "the shell's screen");
    pty.send("exit\n");
    assert!(pty.wait_exit().success());
}

#[test]
fn killed_while_it_is_stopped_it_ends() {
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    let env = [("PS1", "shell> "), (CHILD, "plain"), ("HISTFILE", "/dev/null")];
    let mut pty = Pty::spawn(&shell, 100, 30, &env);
    pty.wait_for_text("shell> ");
    let program = std::env::current_exe().unwrap();
    pty.send(format!("{} --exact child --nocapture\n", program.display()));
    pty.wait_for_text("ready");
    pty.send("\x1a");
    pty.wait_for_text("Stopped");
    pty.send("bg\n");
    // The shell tells of its jobs when it is asked.
    let asked = |text: &str, times: usize| {
        poll_until(text, || {
            pty.send("jobs\n");
            std::thread::sleep(Duration::from_millis(50));
            pty.screen_text().matches(text).count() >= times
        });
    };
    asked("Stopped", 2);
    pty.send("kill %1\n");
    asked("Exit 7", 1);
    assert!(!pty.screen(vt100::Screen::alternate_screen));
    pty.send("exit\n");
    pty.wait_exit();
}

#[test]
fn stopped_and_continued_by_others_it_paints_again() {
    let (mut pty, before) = start("plain", 80, 24);
    let from = pty.count();
    pty.signal(Sent::SIGSTOP);
    poll_until("stop", || proc_state(&pty) == 'T');
    pty.signal(Sent::SIGCONT);
    pty.wait_for_bytes(from, b"\x1b[2J", "a full repaint");
    pty.send("q");
    pty.wait_end_of_output();
    assert_whole(&pty, &before);
}

fn proc_state(pty: &Pty) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pty.pid())).unwrap();
    stat.rsplit(") ").next().unwrap().chars().next().unwrap()
}

#[test]
fn another_program_gets_a_whole_terminal_and_its_keys() {
    let (mut pty, before) = start("plain", 80, 24);
    pty.send("o");
    pty.wait_for(|s| !s.alternate_screen() && s.contents().contains("SigBlk"), "other program");
    let text = pty.screen_text();
    assert!(text.lines().any(|l| l.ends_with(" icanon") || l == "icanon"), "cooked: {text}");
    assert!(text.contains("0000000000000000"), "no signal is blocked in children: {text}");
    assert_eq!(pty.termios(), before);
    pty.resize(90, 20);
    // q would end us; the other program gets it.
    pty.send("q\n");
    pty.wait_for_text("outside Some(3)");
    pty.wait_for_text("90x20");
    pty.send("q");
    assert!(pty.wait_end_of_output().success());
    assert_whole(&pty, &before);
}

#[test]
fn a_storm_of_resizes_ends_in_the_last_size() {
    let (mut pty, before) = start("plain", 80, 24);
    for n in 0..200u16 {
        pty.resize(1 + n * 7 % 300, 1 + n * 3 % 100);
    }
    pty.resize(500, 200);
    pty.wait_for(|s| s.contents().contains("500x200") && s.contents().contains("ready"), "500x200");
    pty.resize(40, 10);
    pty.wait_for(|s| s.contents().contains("40x10") && s.contents().contains("ready"), "40x10");
    pty.send("q");
    assert!(pty.wait_end_of_output().success());
    assert_whole(&pty, &before);
}

#[test]
fn a_megabyte_of_pasted_binary_is_one_paste() {
    let (mut pty, before) = start("plain", 80, 24);
    // Every byte but ESC, which terminals take out of pastes; q and p are among them.
    let binary: Vec<u8> = (0..=255u8).filter(|b| *b != 0x1b).cycle().take(1024 * 1024).collect();
    pty.send("\x1b[200~");
    pty.send(&binary);
    pty.send("\x1b[201~");
    pty.wait_for_text("pasted ");
    pty.send("x");
    pty.wait_for_text("key Char('x')");
    pty.send("q");
    assert!(pty.wait_end_of_output().success());
    assert_whole(&pty, &before);
}

#[test]
fn idle_it_writes_nothing_and_does_not_wake() {
    let (mut pty, _) = start("plain", 80, 24);
    pty.send("x");
    pty.wait_for_text("key Char('x')");
    let wakeups = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", pty.pid())).unwrap();
        let id = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().parse().unwrap();
        let switches = |id| proc_status(nix::unistd::Pid::from_raw(id), "voluntary_ctxt_switches");
        tasks.map(|task| switches(id(task.unwrap())).unwrap()).sum::<u64>()
    };
    // The frame is out when it is read; its writer may still be on its way to sleep.
    let mut before = wakeups();
    poll_until("rest", || {
        std::thread::sleep(Duration::from_millis(100));
        let now = wakeups();
        let rests = now == before;
        before = now;
        rests
    });
    assert_eq!(pty.bytes_within(Duration::from_secs(1)), 0);
    assert_eq!(wakeups(), before, "nothing woke it");
    // Frames in which nothing changed cost nothing either.
    let from = pty.count();
    pty.send("n".repeat(50));
    pty.send("y");
    pty.wait_for_text("key Char('y')");
    let text = String::from_utf8(pty.bytes_since(from)).unwrap();
    assert_eq!(text.matches("\x1b[?2026h").count(), 1, "{text:?}");
    pty.send("q");
    assert!(pty.wait_exit().success());
}

#[test]
fn answers_and_copies_pass_without_being_typed() {
    let (mut pty, before) = start("plain", 80, 24);
    pty.send("b");
    pty.wait_for_bytes(0, b"\x1b]11;?\x1b\\", "a question for the background");
    pty.send("\x1b]11;rgb:ffff/");
    pty.send("fafa/f0f0\x1b\\");
    pty.wait_for_text("background 255 250 240");
    pty.send("c");
    pty.wait_for_bytes(0, b"\x1b]52;c;Y29waWVkIHRleHQ=\x07", "a copy");
    pty.wait_for_text("copied 11");
    pty.send("\x1b[I\x1b[<0;10;5M");
    pty.wait_for_text("mouse 9 4");
    pty.send("q");
    assert!(pty.wait_end_of_output().success());
    assert_whole(&pty, &before);
}
