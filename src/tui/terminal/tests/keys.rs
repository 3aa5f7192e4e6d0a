//! Bytes of terminals, whole and cut.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEventKind};
use proptest::prelude::*;

use super::super::Input;
use super::super::parser::{PASTE_LIMIT, Parser, key};

const NONE: KeyModifiers = KeyModifiers::NONE;

fn parser() -> Parser {
    Parser::new(Duration::from_millis(25))
}

/// All that bytes say, the wait after them included.
fn read(bytes: &[u8]) -> Vec<Input> {
    let (mut parser, mut out) = (parser(), Vec::new());
    parser.feed(bytes, &mut out);
    parser.give_up(&mut out);
    assert!(parser.patience().is_none(), "nothing waits after giving up");
    out
}

/// The same, one byte at a time.
fn read_in_bits(bytes: &[u8]) -> Vec<Input> {
    let (mut parser, mut out) = (parser(), Vec::new());
    for byte in bytes {
        parser.feed(std::slice::from_ref(byte), &mut out);
    }
    parser.give_up(&mut out);
    out
}

fn press(code: KeyCode, modifiers: KeyModifiers) -> Vec<Input> {
    vec![key(code, modifiers)]
}

#[test]
fn keys_are_read_whole_and_in_bits() {
    let (alt, control, shift) = (KeyModifiers::ALT, KeyModifiers::CONTROL, KeyModifiers::SHIFT);
    let c = KeyCode::Char;
    let cases: [(&[u8], KeyCode, KeyModifiers); 34] = [
        (b"j", c('j'), NONE),
        (b"J", c('J'), shift),
        ("ب".as_bytes(), c('ب'), NONE),
        ("한".as_bytes(), c('한'), NONE),
        ("😀".as_bytes(), c('😀'), NONE),
        (b"\r", KeyCode::Enter, NONE),
        (b"\n", c('j'), control),
        (b"\t", KeyCode::Tab, NONE),
        (b"\x7f", KeyCode::Backspace, NONE),
        (b"\x08", c('h'), control),
        (b"\x10", c('p'), control),
        (b"\x1a", c('z'), control),
        (b"\0", c(' '), control),
        (b"\x1b", KeyCode::Esc, NONE),
        (b"\x1bj", c('j'), alt),
        ("\x1bß".as_bytes(), c('ß'), alt),
        (b"\x1b\r", KeyCode::Enter, alt),
        (b"\x1b]", c(']'), alt),
        (b"\x1b[", c('['), alt),
        (b"\x1bP", c('P'), alt | shift),
        (b"\x1b[A", KeyCode::Up, NONE),
        (b"\x1bOB", KeyCode::Down, NONE),
        (b"\x1b[1;5C", KeyCode::Right, control),
        (b"\x1b[Z", KeyCode::BackTab, shift),
        (b"\x1bOP", KeyCode::F(1), NONE),
        (b"\x1b[[B", KeyCode::F(2), NONE),
        (b"\x1b[15~", KeyCode::F(5), NONE),
        (b"\x1b[24;2~", KeyCode::F(12), shift),
        (b"\x1b[3~", KeyCode::Delete, NONE),
        (b"\x1b[6;3~", KeyCode::PageDown, alt),
        (b"\x1b[27u", KeyCode::Esc, NONE),
        (b"\x1b[105;5u", c('i'), control),
        (b"\x1b[9;2u", KeyCode::BackTab, shift),
        (b"\x1b[27;5;106~", c('j'), control),
    ];
    for (bytes, code, modifiers) in cases {
        assert_eq!(read(bytes), press(code, modifiers), "{bytes:?}");
        assert_eq!(read_in_bits(bytes), press(code, modifiers), "{bytes:?} in bits");
    }
}

#[test]
fn a_sequence_that_ssh_cut_in_two_is_one_key() {
    let (mut parser, mut out) = (parser(), Vec::new());
    parser.feed(b"k\x1b", &mut out);
    assert_eq!(out, press(KeyCode::Char('k'), NONE));
    assert_eq!(parser.patience(), Some(Duration::from_millis(25)));
    parser.feed(b"[A", &mut out);
    assert_eq!(out.last(), Some(&key(KeyCode::Up, NONE)));
    assert_eq!(parser.patience(), None, "idle: no timer");
}

#[test]
fn answers_are_not_typed() {
    let background = Input::Background { r: 255, g: 128, b: 0 };
    let background = vec![background];
    assert_eq!(read(b"\x1b]11;rgb:ffff/8080/0000\x07"), background);
    assert_eq!(read_in_bits(b"\x1b]11;rgb:ff/80/00\x1b\\"), background);
    let nothing: [&[u8]; 9] = [
        b"\x1b]11;rgb:zz/80/00\x07",
        b"\x1b]11;rgb:ff/80\x07",
        b"\x1b]52;c;aGk=\x07",
        b"\x1b[?62;c",
        b"\x1b[>0;276;0c",
        b"\x1b[12;40R",
        b"\x1bP1+r436f=323536\x1b\\",
        b"\x1b[57428;1:3u",
        b"\x1b[M !!",
    ];
    for bytes in nothing {
        assert_eq!(read(bytes), [], "{bytes:?}");
        assert_eq!(read_in_bits(bytes), [], "{bytes:?} in bits");
    }
}

#[test]
fn what_follows_garbage_is_read() {
    let garbage: [&[u8]; 6] = [
        b"\xff",
        b"\x1b[12\x01",
        b"\x1b[12;\x1b[99999999999999999999~",
        b"\xe4\xbd\x1b[I\x1b[O",
        b"\x1b]0;title",
        b"\xc2\x9b",
    ];
    for bytes in garbage {
        let all = [bytes, b"\x1b[B"].concat();
        assert_eq!(read(&all).last(), Some(&key(KeyCode::Down, NONE)), "{bytes:?}");
    }
    let endless = [b"\x1b]".as_slice(), &[b'x'; 10_000], b"q"].concat();
    assert_eq!(read(&endless).last(), Some(&key(KeyCode::Char('q'), NONE)));
}

#[test]
fn the_mouse_counts_from_zero() {
    let cases = [
        ("\x1b[<0;1;1M", MouseEventKind::Down(MouseButton::Left), 0, 0),
        ("\x1b[<2;300;50m", MouseEventKind::Up(MouseButton::Right), 299, 49),
        ("\x1b[<32;5;6M", MouseEventKind::Drag(MouseButton::Left), 4, 5),
        ("\x1b[<65;5;6M", MouseEventKind::ScrollDown, 4, 5),
    ];
    for (bytes, kind, column, row) in cases {
        let got = read(bytes.as_bytes());
        let [Input::Mouse(event)] = got.as_slice() else { panic!("{bytes:?}: {got:?}") };
        assert_eq!((event.kind, event.column, event.row), (kind, column, row), "{bytes:?}");
    }
    assert_eq!(read(b"\x1b[I\x1b[O"), [Input::Focus(true), Input::Focus(false)]);
}

#[test]
fn a_paste_is_one_text_whatever_is_in_it() {
    let paste = |content: &[u8]| [b"\x1b[200~".as_slice(), content, b"\x1b[201~q"].concat();
    let q = key(KeyCode::Char('q'), NONE);
    let cases: [(&[u8], &str); 5] = [
        (b"", ""),
        (b"one\r\ntwo\rthree", "one\ntwo\nthree"),
        (b"\x1b[A\x1b]11;?\x07\x03", "\x1b[A\x1b]11;?\x07\x03"),
        (b"\xff\xfe\0", "\u{FFFD}\u{FFFD}\0"),
        ("সুন্দর".as_bytes(), "সুন্দর"),
    ];
    for (content, text) in cases {
        let expected = [Input::Paste(text.into()), q.clone()];
        assert_eq!(read(&paste(content)), expected, "{content:?}");
        assert_eq!(read_in_bits(&paste(content)), expected, "{content:?} in bits");
    }
}

#[test]
fn a_paste_is_capped_and_one_without_an_end_ends_by_itself() {
    let mut parser = parser();
    let mut out = Vec::new();
    parser.feed(b"\x1b[200~", &mut out);
    for _ in 0..3 * PASTE_LIMIT / 4096 {
        parser.feed(&[b'x'; 4096], &mut out);
    }
    parser.feed(b"\x1b[201~", &mut out);
    let Some(Input::Paste(text)) = out.pop() else { panic!("no paste") };
    assert_eq!(text.len(), PASTE_LIMIT);

    parser.feed(b"\x1b[200~half\x1b[20", &mut out);
    assert!(parser.patience().is_some() && out.is_empty());
    parser.give_up(&mut out);
    assert_eq!(out, [Input::Paste("half\x1b[20".into())]);
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_survived(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        cut in 1usize..50,
    ) {
        let (mut parser, mut out) = (parser(), Vec::new());
        for piece in bytes.chunks(cut) {
            parser.feed(piece, &mut out);
        }
        parser.give_up(&mut out);
        parser.feed(b"\x1b[B", &mut out);
        prop_assert_eq!(out.last(), Some(&key(KeyCode::Down, NONE)));
    }
}
