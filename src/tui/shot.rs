//! A frame as an SVG picture: for the walkthrough, for reports of defects, for `Ctrl-S`.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::chart::{ScreenCell, screen_svg};
use crate::text::cluster_width;

const DARK: ([u8; 3], [u8; 3]) = ([0xd8, 0xde, 0xe9], [0x11, 0x15, 0x1c]);

/// The sixteen colours as most terminals show them (xterm's defaults).
const SIXTEEN: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

fn rgb(colour: Color, none: [u8; 3]) -> [u8; 3] {
    let of = |n: usize| SIXTEEN[n];
    match colour {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Black => of(0),
        Color::Red => of(1),
        Color::Green => of(2),
        Color::Yellow => of(3),
        Color::Blue => of(4),
        Color::Magenta => of(5),
        Color::Cyan => of(6),
        Color::Gray => of(7),
        Color::DarkGray => of(8),
        Color::LightRed => of(9),
        Color::LightGreen => of(10),
        Color::LightYellow => of(11),
        Color::LightBlue => of(12),
        Color::LightMagenta => of(13),
        Color::LightCyan => of(14),
        Color::White => of(15),
        Color::Indexed(n) if n < 16 => of(usize::from(n)),
        Color::Indexed(_) | Color::Reset => none,
    }
}

/// The frame as a picture; `background`: what the theme was made for.
pub fn svg(buffer: &Buffer, background: Option<[u8; 3]>) -> String {
    let ground = background.unwrap_or(DARK.1);
    let letters = if crate::tui::theme::contrast_ratio(ground, [0; 3]) > 10.0 {
        [0x24, 0x29, 0x2f]
    } else {
        DARK.0
    };
    let area = buffer.area;
    let rows: Vec<Vec<ScreenCell>> = (area.top()..area.bottom())
        .map(|y| {
            let mut row = Vec::new();
            let mut x = area.left();
            while x < area.right() {
                let cell = &buffer[(x, y)];
                let width = cluster_width(cell.symbol()).max(1) as u16;
                let m = cell.modifier;
                let (mut fg, mut bg) = (rgb(cell.fg, letters), rgb(cell.bg, ground));
                if m.contains(Modifier::REVERSED) {
                    std::mem::swap(&mut fg, &mut bg);
                }
                if m.contains(Modifier::DIM) {
                    fg = [0, 1, 2].map(|i| u8::midpoint(fg[i], bg[i]));
                }
                row.push(ScreenCell {
                    text: cell.symbol().to_owned(),
                    width: width as u8,
                    fg,
                    bg,
                    bold: m.contains(Modifier::BOLD),
                    underline: m.contains(Modifier::UNDERLINED),
                    italic: m.contains(Modifier::ITALIC),
                });
                x += width;
            }
            row
        })
        .collect();
    screen_svg(area.width, &rows)
}
