//! What taking and giving back write.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::super::line::{Modes, enter_bytes, leave_bytes, write_all};

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Private and plain modes that a text switches on (true) or off.
fn switches(text: &str) -> Vec<(String, bool)> {
    text.split("\x1b[")
        .skip(1)
        .filter_map(|s| {
            let end = s.find(['h', 'l'])?;
            let (name, rest) = s.split_at(end);
            name.chars()
                .all(|c| c.is_ascii_digit() || c == '?')
                .then(|| (name.to_owned(), rest.starts_with('h')))
        })
        .collect()
}

#[test]
fn leaving_undoes_every_mode_that_entering_set() {
    for mouse in [false, true] {
        for explicit_bidi in [false, true] {
            let modes = Modes { mouse, explicit_bidi, asked: false };
            let (on, off) = (text(enter_bytes(modes)), text(leave_bytes(modes)));
            let undone = switches(&off);
            for (name, state) in switches(&on) {
                assert!(
                    undone.contains(&(name.clone(), !state)),
                    "{name} is not undone by {off:?}"
                );
            }
            assert!(undone.contains(&("?2026".into(), false)), "a frame cut short is ended");
            assert!(off.ends_with("\x1b[?25h\x1b[?1049l"), "the cursor shows, then the old screen");
            assert!(off.contains("\x1b[m") && off.contains("\x1b[0 q"));
        }
    }
}

#[test]
fn rows_are_laid_out_by_us_only_when_asked() {
    let with = Modes { explicit_bidi: true, ..Modes::default() };
    assert!(text(enter_bytes(with)).contains("\x1b[8l"));
    assert!(text(leave_bytes(with)).contains("\x1b[8h"));
    assert!(!text(enter_bytes(Modes::default())).contains("\x1b[8l"));
    assert!(!text(leave_bytes(Modes::default())).contains("\x1b[8h"));
}

#[test]
fn a_line_that_takes_little_at_a_time_gets_every_byte() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let frame: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).unwrap();
        got
    });
    let ours = OwnedFd::from(ours);
    write_all(&ours, &frame).unwrap();
    drop(ours);
    assert!(reader.join().unwrap() == frame);
}

#[test]
fn a_line_without_another_end_is_an_error() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    assert!(write_all(&OwnedFd::from(ours), b"frame").is_err());
}
