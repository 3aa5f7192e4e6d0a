//! The stream of bytes that frames are.

use std::io;
use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::Frame;
use ratatui::buffer::CellWidth;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style as Look};
use ratatui::widgets::Block;
use unicode_segmentation::UnicodeSegmentation as _;

use super::super::colour::ColourDepth;
use super::super::painter::{Sink, Style};
use super::super::screen::Screen;

/// Counts sends and keeps them.
#[derive(Debug, Default)]
struct Counting {
    sends: Vec<Vec<u8>>,
}

impl Sink for Counting {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sends.push(bytes.to_vec());
        Ok(())
    }
}

const STYLE: Style = Style { synchronized: true, depth: ColourDepth::True, re_anchor: true };

fn screen(width: u16, height: u16, style: Style) -> Screen<Counting> {
    Screen::new(Counting::default(), (width, height), style).unwrap()
}

fn put(frame: &mut Frame<'_>, x: u16, y: u16, text: &str) {
    frame.buffer_mut().set_string(x, y, text, Look::default());
}

/// Cells as ratatui gives them.
fn cells(text: &str) -> u16 {
    text.graphemes(true).map(CellWidth::cell_width).sum()
}

/// The bytes of the last frame.
fn last(screen: &Screen<Counting>) -> String {
    String::from_utf8(screen.sink().sends.last().unwrap().clone()).unwrap()
}

/// What a terminal shows after all frames.
fn shown(screen: &Screen<Counting>) -> vt100::Parser {
    let (width, height) = screen.size();
    let (rows, columns) = (NonZeroU16::new(height).unwrap(), NonZeroU16::new(width).unwrap());
    let mut terminal = vt100::Parser::new(rows, columns, 0);
    screen.sink().sends.iter().for_each(|bytes| terminal.process(bytes));
    terminal
}

#[test]
fn a_frame_is_one_write_and_no_change_is_none() {
    let mut screen = screen(120, 40, STYLE);
    let draw = |screen: &mut Screen<Counting>, text: &str| {
        let drawn = screen.draw(|f| {
            f.render_widget(Block::bordered(), f.area());
            put(f, 3, 3, text);
            f.set_cursor_position((4, 3));
        });
        drawn.unwrap().bytes
    };
    assert!(draw(&mut screen, "one") > 0);
    assert_eq!(screen.sink().sends.len(), 1);
    for _ in 0..100 {
        assert_eq!(draw(&mut screen, "one"), 0);
    }
    assert_eq!(screen.sink().sends.len(), 1);
    let bytes = draw(&mut screen, "two");
    assert_eq!(screen.sink().sends.len(), 2);
    assert_eq!(bytes, last(&screen).len());
    assert_eq!(last(&screen), "\x1b[?2026h\x1b[4;4Htwo\x1b[4;5H\x1b[?2026l");
}

#[test]
fn every_frame_is_a_balanced_update_unless_that_is_off() {
    let mut on = screen(40, 10, STYLE);
    let mut off = screen(40, 10, Style { synchronized: false, ..STYLE });
    for n in 0..5 {
        for screen in [&mut on, &mut off] {
            screen.draw(|f| put(f, n, n, "好 text")).unwrap();
        }
    }
    for bytes in &on.sink().sends {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.starts_with("\x1b[?2026h") && text.ends_with("\x1b[?2026l"), "{text:?}");
        assert_eq!(text.matches("2026").count(), 2, "{text:?}");
    }
    assert_eq!(on.sink().sends.len(), 5);
    assert!(off.sink().sends.iter().all(|b| !String::from_utf8_lossy(b).contains("2026")));
}

#[test]
fn wide_letters_follow_each_other_without_moves() {
    let mut screen = screen(80, 24, STYLE);
    let text = "한국어와中文的宽字没有移动";
    screen.draw(|f| put(f, 2, 1, text)).unwrap();
    let bytes = last(&screen);
    assert!(bytes.contains(text), "{bytes:?}");
    assert!(bytes.len() < text.len() + 40, "{} bytes for {}", bytes.len(), text.len());
}

#[test]
fn after_a_doubtful_run_the_border_is_set_anew() {
    let runs = ["বাংলা", "ক্ষি", "क्षत्रिय", "ทำ", "👨\u{200D}👩\u{200D}👧", "❤\u{FE0F}", "🇧🇩", "☀"];
    for run in runs {
        let mut screen = screen(40, 3, STYLE);
        screen
            .draw(|f| {
                put(f, 0, 1, run);
                put(f, 20, 1, "│");
                put(f, cells(run), 1, "|x");
            })
            .unwrap();
        let bytes = last(&screen);
        let end = cells(run) + 1;
        assert!(bytes.contains(&format!("\x1b[2;{end}H|x")), "{run}: {bytes:?}");
        // Nothing inside the run is torn apart, and one erase goes before it.
        assert!(bytes.contains(run), "{run}: {bytes:?}");
        let erased = cells(run);
        let erase = if erased > 1 { format!("\x1b[{erased}X") } else { "\x1b[X".into() };
        assert!(bytes.contains(&erase), "{run}: {bytes:?}");
    }
}

#[test]
fn what_a_wider_reading_would_overwrite_is_drawn_again() {
    let mut screen = screen(20, 1, STYLE);
    let family = "👨\u{200D}👩\u{200D}👧";
    screen.draw(|f| put(f, 0, 0, "ab│cdef")).unwrap();
    screen.draw(|f| put(f, 0, 0, &format!("{family}│cdef"))).unwrap();
    // Unchanged, and drawn: terminals give the family up to six cells.
    assert!(last(&screen).contains(&format!("{family}\x1b[1;3H│cde")), "{:?}", last(&screen));
}

#[test]
fn without_re_anchoring_nothing_is_set_anew() {
    let mut screen = screen(40, 3, Style { re_anchor: false, ..STYLE });
    screen.draw(|f| put(f, 0, 1, "বাংলা|x")).unwrap();
    assert!(last(&screen).contains("বাংলা|x"), "{:?}", last(&screen));
}

#[test]
fn greek_moves_the_cursor_only_for_borders() {
    let mut screen = screen(40, 3, STYLE);
    screen.draw(|f| put(f, 0, 1, "Οι άνθρωποι │ x")).unwrap();
    assert!(last(&screen).contains("Οι άνθρωποι\x1b[2;13H│ x"), "{:?}", last(&screen));
}

#[test]
fn hostile_cells_send_no_control_character() {
    let hostile = [
        "\x1b",
        "\x1b[2J",
        "\x07",
        "\n",
        "\r",
        "\t",
        "\u{9b}",
        "\u{9d}0;x\u{9c}",
        "\x7f",
        "a\x1b]0;x\x07",
        "\u{202E}",
        "\u{2066}",
        "\u{85}",
        "\u{2028}",
        "",
        "\u{301}",
        "\u{200B}",
    ];
    let mut screen = screen(40, 2, STYLE);
    screen
        .draw(|f| {
            for (x, symbol) in (0..).zip(hostile) {
                f.buffer_mut()[(x, 0)].set_symbol(symbol);
            }
            put(f, 0, 1, "whole");
        })
        .unwrap();
    let bytes = last(&screen);
    for part in bytes.split('\x1b').skip(1) {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        assert!(part.starts_with('[') && end.is_some(), "{part:?} in {bytes:?}");
    }
    let stray = |c: char| c.is_control() && !matches!(c, '\x1b' | '\r' | '\n');
    assert!(!bytes.contains(stray), "{bytes:?}");
    assert!(!bytes.contains(['\u{202E}', '\u{2066}', '\u{2028}']), "{bytes:?}");
    let rows: Vec<String> = shown(&screen).screen().rows(0, 40).collect();
    assert_eq!(rows, ["", "whole"]);
}

#[test]
fn without_colours_a_selection_still_shows() {
    let mut screen = screen(10, 1, Style { depth: ColourDepth::Mono, ..STYLE });
    let look = Look::new().fg(Color::Red).bg(Color::Rgb(1, 2, 3));
    let look = look.add_modifier(Modifier::REVERSED | Modifier::BOLD);
    screen.draw(|f| f.buffer_mut().set_style(Rect::new(0, 0, 10, 1), look)).unwrap();
    assert!(last(&screen).contains("\x1b[1;7m"), "{:?}", last(&screen));
    assert!(!last(&screen).contains("38;") && !last(&screen).contains("[31"));
}

#[test]
fn a_new_size_paints_everything_in_one_write() {
    let mut screen = screen(40, 10, STYLE);
    screen.draw(|f| f.render_widget(Block::bordered(), f.area())).unwrap();
    for (width, height) in [(20, 5), (500, 200), (1, 1), (40, 10), (40, 10)] {
        let before = screen.sink().sends.len();
        screen.resize(width, height).unwrap();
        assert_eq!(screen.sink().sends.len(), before, "a resize itself writes nothing");
        screen
            .draw(|f| {
                assert_eq!((f.area().width, f.area().height), (width, height));
                f.render_widget(Block::bordered(), f.area());
            })
            .unwrap();
        assert_eq!(screen.sink().sends.len(), before + 1);
        assert!(last(&screen).starts_with("\x1b[?2026h\x1b[m\x1b[2J"), "{width}x{height}");
    }
}

#[test]
fn the_cursor_stands_where_the_frame_put_it() {
    let mut screen = screen(20, 4, STYLE);
    screen.draw(|f| put(f, 0, 0, "x")).unwrap();
    assert!(last(&screen).contains("\x1b[?25l"));
    screen
        .draw(|f| {
            put(f, 0, 0, "x");
            f.set_cursor_position((7, 2));
        })
        .unwrap();
    assert_eq!(last(&screen), "\x1b[?2026h\x1b[?25h\x1b[3;8H\x1b[?2026l");
    let terminal = shown(&screen);
    assert_eq!(terminal.screen().cursor_position(), (2, 7));
    assert!(!terminal.screen().hide_cursor());
    screen
        .draw(|f| {
            put(f, 0, 0, "x");
            f.set_cursor_position((900, 900));
        })
        .unwrap();
    assert_eq!(shown(&screen).screen().cursor_position(), (3, 19));
}

#[test]
fn long_blanks_are_erased_not_written() {
    let mut screen = screen(120, 1, STYLE);
    screen.draw(|f| put(f, 0, 0, &"x".repeat(110))).unwrap();
    screen.draw(|f| put(f, 0, 0, "x")).unwrap();
    assert!(last(&screen).len() < 40, "{:?}", last(&screen));
    assert_eq!(shown(&screen).screen().contents().trim_end(), "x");
}

/// A word of one of the scripts that people rate here.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "plain",
        "Straße",
        "λόγος",
        "한국어",
        "中文",
        "سلام",
        "שלום",
        "বাংলা",
        "ไทย",
        "│",
        "  ",
        "😀",
        "é",
        "ação",
    ])
}

fn look() -> impl Strategy<Value = Look> {
    (0u8..4, any::<bool>()).prop_map(|(n, bold)| {
        let look = match n {
            0 => Look::new(),
            1 => Look::new().fg(Color::Red),
            2 => Look::new().bg(Color::Rgb(10, 20, 30)),
            _ => Look::new().add_modifier(Modifier::REVERSED),
        };
        if bold { look.add_modifier(Modifier::BOLD) } else { look }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// What a terminal shows after many small changes is what it shows after one frame on a
    /// cleared screen.
    #[test]
    fn changes_add_up_to_the_whole_frame(
        frames in prop::collection::vec(
            prop::collection::vec((0u16..30, 0u16..4, word(), look()), 0..12), 1..6),
    ) {
        let mut by_steps = screen(30, 4, STYLE);
        let paint = |f: &mut Frame<'_>, words: &[(u16, u16, &str, Look)]| {
            for (x, y, word, look) in words {
                f.buffer_mut().set_string(*x, *y, word, *look);
            }
        };
        for words in &frames {
            by_steps.draw(|f| paint(f, words)).unwrap();
        }
        let mut at_once = screen(30, 4, STYLE);
        at_once.draw(|f| paint(f, frames.last().unwrap())).unwrap();
        same(&by_steps, &at_once)?;
    }

    /// The same for a list that scrolls: the terminal moves rows, and nobody sees it.
    #[test]
    fn a_list_that_scrolls_looks_as_if_drawn_at_once(
        rows in prop::collection::vec((word(), word(), look()), 40),
        at in prop::collection::vec(0usize..30, 2..8),
    ) {
        let paint = |f: &mut Frame<'_>, first: usize| {
            f.render_widget(Block::bordered(), f.area());
            for (y, (a, b, look)) in (1..11).zip(&rows[first..]) {
                let n = first + usize::from(y);
                let look = if y == 5 { Look::new().bg(Color::Rgb(1, 2, 3)) } else { *look };
                f.buffer_mut().set_string(1, y, format!("{n:04} {a} {b} {:>36}", n * 7919), look);
                put(f, 62, y, "the same");
            }
        };
        let mut by_steps = screen(80, 12, STYLE);
        for first in &at {
            // A step either way, and a leap.
            for first in [*first, first + 1, *first] {
                by_steps.draw(|f| paint(f, first)).unwrap();
            }
        }
        let moved = by_steps.sink().sends.iter().any(|b| b.ends_with(b"\x1b[?2026l")
            && String::from_utf8_lossy(b).contains("\x1b[2;11r"));
        prop_assert!(moved, "rows were moved");
        let mut at_once = screen(80, 12, STYLE);
        at_once.draw(|f| paint(f, *at.last().unwrap())).unwrap();
        same(&by_steps, &at_once)?;
    }
}

/// Whether two terminals show the same.
fn same(one: &Screen<Counting>, other: &Screen<Counting>) -> Result<(), TestCaseError> {
    let (one, other) = (shown(one), shown(other));
    let (rows, columns) = (one.screen().size().0, one.screen().size().1);
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            let (a, b) = (one.screen().cell(row, column), other.screen().cell(row, column));
            let (a, b) = (a.unwrap(), b.unwrap());
            let blank = |c: &vt100::Cell| c.contents().trim().is_empty();
            prop_assert!(
                a.contents() == b.contents() || (blank(a) && blank(b)),
                "{row},{column}: {:?} and {:?}",
                a.contents(),
                b.contents()
            );
            prop_assert_eq!(a.bgcolor(), b.bgcolor(), "{},{}", row, column);
            prop_assert_eq!(a.inverse(), b.inverse(), "{},{}", row, column);
        }
    }
    Ok(())
}

/// Bytes of moving a selection by one row in a list 110 cells wide, all rows full of this text.
fn selection_move(text: &str) -> usize {
    let mut screen = screen(120, 40, STYLE);
    let mut row = String::new();
    while cells(&row) + cells(text) < 110 {
        row.push_str(text);
        row.push(' ');
    }
    let mut draw = |selected: u16| {
        let drawn = screen.draw(|f| {
            f.render_widget(Block::bordered(), f.area());
            for y in 1..39 {
                let look = Look::new();
                let look = if y == selected { look.add_modifier(Modifier::REVERSED) } else { look };
                f.buffer_mut().set_string(2, y, &row, look);
            }
        });
        drawn.unwrap().bytes
    };
    draw(7);
    draw(8)
}

#[test]
fn a_selection_moves_for_few_bytes() {
    for (text, most) in [("plain words", 300), ("한국어 문장", 600), ("中文的句子", 600)]
    {
        let bytes = selection_move(text);
        assert!(bytes <= most, "{text}: {bytes} bytes");
    }
    // Rows of scripts that take three bytes a letter, their runs set anew: what they are, written
    // once for each of two rows, and a third for the moves.
    for text in ["সুন্দর বাংলা", "ภาษาไทย", "हिन्दी भाषा"]
    {
        let letters = 110 / usize::from(cells(text) + 1) * text.len();
        let bytes = selection_move(text);
        assert!(bytes <= 2 * letters * 5 / 3 + 100, "{text}: {bytes} bytes, {letters} of letters");
    }
}
#[test]
fn what_is_left_of_a_wide_letter_that_was_half_overwritten_is_drawn_anew() {
    let mut screen = screen(30, 4, STYLE);
    screen.draw(|f| put(f, 14, 1, "한국어")).unwrap();
    let look = Look::new().bg(Color::Rgb(10, 20, 30));
    screen.draw(|f| f.buffer_mut().set_string(11, 1, "한국어", look)).unwrap();
    assert!(last(&screen).contains("한국어\x1b[m   \x1b[?2026l"), "{:?}", last(&screen));
}
