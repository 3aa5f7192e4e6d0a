//! What taking and giving back write.

use super::super::line::{Modes, enter_bytes, leave_bytes};

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
            name.chars().all(|c| c.is_ascii_digit() || c == '?')
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
                assert!(undone.contains(&(name.clone(), !state)), "{name} is not undone by {off:?}");
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
