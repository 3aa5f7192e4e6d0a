//! Box drawing, blocks and braille as shapes: fonts leave gaps between rows, or lack them.

use super::svg::n;

/// The shapes of a cluster in a cell at `(left, top)`; `None` if it is ordinary text.
pub(super) fn glyph(text: &str, at: (f64, f64), cell: (f64, f64)) -> Option<String> {
    let mut chars = text.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return None };
    match c {
        '\u{2800}'..='\u{28ff}' => Some(braille(u32::from(c) - 0x2800, at, cell)),
        '\u{2580}'..='\u{259f}' => Some(block(c, at, cell)),
        _ => line(c, at, cell),
    }
}

fn rect(out: &mut String, at: (f64, f64), size: (f64, f64), opacity: f64) {
    let faint =
        if opacity < 1.0 { format!(" fill-opacity=\"{}\"", n(opacity)) } else { String::new() };
    *out += &format!(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" stroke=\"none\"{faint}/>",
        n(at.0),
        n(at.1),
        n(size.0),
        n(size.1)
    );
}

fn braille(bits: u32, (x, y): (f64, f64), (w, h): (f64, f64)) -> String {
    let mut out = String::new();
    for bit in (0..8).filter(|b| bits >> b & 1 == 1) {
        let (column, row) = match bit {
            0..=2 => (0, bit),
            3..=5 => (1, bit - 3),
            b => (b - 6, 3),
        };
        out += &format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"1.5\" stroke=\"none\"/>",
            n(x + w * (0.25 + 0.5 * f64::from(column))),
            n(y + h * (0.125 + 0.25 * f64::from(row)))
        );
    }
    out
}

fn block(c: char, (x, y): (f64, f64), (w, h): (f64, f64)) -> String {
    let mut out = String::new();
    let code = u32::from(c);
    match code {
        0x2580 => rect(&mut out, (x, y), (w, h / 2.0), 1.0),
        // Lower eighths, and the full block.
        0x2581..=0x2588 => {
            let high = h * f64::from(code - 0x2580) / 8.0;
            rect(&mut out, (x, y + h - high), (w, high), 1.0);
        }
        // Left eighths, from seven down.
        0x2589..=0x258f => {
            rect(&mut out, (x, y), (w * f64::from(0x2590 - code) / 8.0, h), 1.0);
        }
        0x2590 => rect(&mut out, (x + w / 2.0, y), (w / 2.0, h), 1.0),
        0x2591..=0x2593 => rect(&mut out, (x, y), (w, h), f64::from(code - 0x2590) / 4.0),
        0x2594 => rect(&mut out, (x, y), (w, h / 8.0), 1.0),
        0x2595 => rect(&mut out, (x + w * 7.0 / 8.0, y), (w / 8.0, h), 1.0),
        _ => {
            // Upper left, upper right, lower left, lower right.
            let quadrants: [bool; 4] = match c {
                '▖' => [false, false, true, false],
                '▗' => [false, false, false, true],
                '▘' => [true, false, false, false],
                '▙' => [true, false, true, true],
                '▚' => [true, false, false, true],
                '▛' => [true, true, true, false],
                '▜' => [true, true, false, true],
                '▝' => [false, true, false, false],
                '▞' => [false, true, true, false],
                _ => [false, true, true, true],
            };
            for (i, _) in quadrants.iter().enumerate().filter(|q| *q.1) {
                let place = (x + (i % 2) as f64 * w / 2.0, y + (i / 2) as f64 * h / 2.0);
                rect(&mut out, place, (w / 2.0, h / 2.0), 1.0);
            }
        }
    }
    out
}

/// Arms of a line character: up, right, down, left; and its thickness in pixels.
fn arms(c: char) -> Option<([bool; 4], f64)> {
    let (arms, thick) = match c {
        '─' | '╌' | '┄' => ("rl", 1.2),
        '│' | '╎' | '┆' | '┊' => ("ud", 1.2),
        '┌' | '╭' => ("rd", 1.2),
        '┐' | '╮' => ("dl", 1.2),
        '└' | '╰' => ("ur", 1.2),
        '┘' | '╯' => ("ul", 1.2),
        '├' => ("urd", 1.2),
        '┤' => ("udl", 1.2),
        '┬' => ("rdl", 1.2),
        '┴' => ("url", 1.2),
        '┼' => ("urdl", 1.2),
        '╴' => ("l", 1.2),
        '╵' => ("u", 1.2),
        '╶' => ("r", 1.2),
        '╷' => ("d", 1.2),
        '━' => ("rl", 2.6),
        '┃' => ("ud", 2.6),
        '┏' => ("rd", 2.6),
        '┓' => ("dl", 2.6),
        '┗' => ("ur", 2.6),
        '┛' => ("ul", 2.6),
        '┣' => ("urd", 2.6),
        '┫' => ("udl", 2.6),
        '┳' => ("rdl", 2.6),
        '┻' => ("url", 2.6),
        '╋' => ("urdl", 2.6),
        _ => return None,
    };
    Some((['u', 'r', 'd', 'l'].map(|a| arms.contains(a)), thick))
}

fn line(c: char, (x, y): (f64, f64), (w, h): (f64, f64)) -> Option<String> {
    let (arms, thick) = arms(c)?;
    let middle = (x + w / 2.0, y + h / 2.0);
    let ends = [(middle.0, y), (x + w, middle.1), (middle.0, y + h), (x, middle.1)];
    let reach: Vec<(f64, f64)> =
        ends.iter().zip(arms).filter(|(_, on)| *on).map(|(e, _)| *e).collect();
    let p = |p: (f64, f64)| format!("{} {}", n(p.0), n(p.1));
    let path = match (c, reach.as_slice()) {
        // Round corners: a curve through the middle.
        ('╭' | '╮' | '╰' | '╯', [a, b]) => format!("M{}Q{} {}", p(*a), p(middle), p(*b)),
        (_, ends) => ends.iter().map(|e| format!("M{}L{}", p(*e), p(middle))).collect(),
    };
    let dash = match c {
        '╌' | '┄' | '╎' | '┆' | '┊' => " stroke-dasharray=\"2 2\"",
        _ => "",
    };
    Some(format!("<path d=\"{path}\" fill=\"none\" stroke-width=\"{}\"{dash}/>", n(thick)))
}
