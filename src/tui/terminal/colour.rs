//! How many colours the terminal has, and every colour brought down to that.

use std::cell::Cell;

use ratatui::style::Color;

/// What a terminal can show, poorest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ColourDepth {
    /// No colours: bold, underlined and reversed only.
    Mono,
    /// The eight colours and their bright brothers.
    Sixteen,
    /// The palette of 256.
    #[default]
    Indexed256,
    /// 24 bits.
    True,
}

/// The depth that the environment tells of: `NO_COLOR`, `COLORTERM`, `TERM`.
///
/// Inside tmux `COLORTERM` may be the outer terminal's: tmux brings 24 bits down itself where the
/// outer terminal lacks them, so it is believed.
pub fn colour_depth(get: impl Fn(&str) -> Option<String>) -> ColourDepth {
    let value = |name: &str| get(name).unwrap_or_default().to_ascii_lowercase();
    if !value("NO_COLOR").is_empty() {
        return ColourDepth::Mono;
    }
    let term = value("TERM");
    let mono = ["", "dumb", "vt100", "vt102", "vt220", "vt320", "xterm-mono"];
    if mono.contains(&term.as_str()) {
        return ColourDepth::Mono;
    }
    // GNU screen says so of its outer terminal, and cannot itself.
    let gnu_screen = !value("STY").is_empty() && value("TMUX").is_empty();
    let says_true = ["truecolor", "24bit"].contains(&value("COLORTERM").as_str());
    let known = ["kitty", "alacritty", "wezterm", "foot", "ghostty", "contour", "direct"];
    if !gnu_screen && (says_true || known.iter().any(|name| term.contains(name))) {
        return ColourDepth::True;
    }
    if term.contains("256color") || gnu_screen {
        return ColourDepth::Indexed256;
    }
    ColourDepth::Sixteen
}

/// Whether the background is light, as far as `COLORFGBG` (`foreground;background`, indexes of the
/// sixteen) tells; `None` where it is not set or not understood.
pub fn light_background(get: impl Fn(&str) -> Option<String>) -> Option<bool> {
    let index: u8 = get("COLORFGBG")?.rsplit(';').next()?.trim().parse().ok()?;
    (index < 16).then_some(index == 7 || index == 15)
}

/// Whether a background of these three parts (0 to 255) is light: its relative luminance is over
/// one half of white's, as eyes judge it.
pub fn is_light(r: u8, g: u8, b: u8) -> bool {
    2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b) > 5000 * 255
}

/// xterm's sixteen.
const BASIC: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// Steps of the 6 x 6 x 6 cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest colour that a terminal of this depth has.
pub(super) fn reduce(colour: Color, depth: ColourDepth) -> Color {
    match (depth, colour) {
        (ColourDepth::Mono, _) => Color::Reset,
        (ColourDepth::True, c) => c,
        (ColourDepth::Indexed256, Color::Rgb(r, g, b)) => Color::Indexed(known_256(r, g, b)),
        (ColourDepth::Sixteen, Color::Rgb(r, g, b)) => Color::Indexed(nearest_16(r, g, b)),
        (ColourDepth::Sixteen, Color::Indexed(n)) if n >= 16 => {
            let (r, g, b) = rgb_of(n);
            Color::Indexed(nearest_16(r, g, b))
        }
        (_, c) => c,
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let d = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    3 * d(a.0, b.0) + 6 * d(a.1, b.1) + d(a.2, b.2)
}

fn nearest_16(r: u8, g: u8, b: u8) -> u8 {
    let best = (0u8..16).min_by_key(|&i| distance((r, g, b), BASIC[usize::from(i)]));
    best.unwrap_or(7)
}

thread_local! {
    /// Colours looked up last. A theme has some thirty, and every cell of a frame asks for two.
    static KNOWN: [Cell<Option<(u8, u8, u8, u8)>>; 64] = const { [const { Cell::new(None) }; 64] };
}

fn known_256(r: u8, g: u8, b: u8) -> u8 {
    let place = (usize::from(r) * 7 + usize::from(g) * 13 + usize::from(b) * 31) % 64;
    KNOWN.with(|all| match all[place].get() {
        Some((kr, kg, kb, index)) if (kr, kg, kb) == (r, g, b) => index,
        _ => {
            let index = nearest_256(r, g, b);
            all[place].set(Some((r, g, b, index)));
            index
        }
    })
}

fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    let step = |v: u8| (0u8..6).min_by_key(|&i| STEPS[usize::from(i)].abs_diff(v)).unwrap_or(0);
    let cube = 16 + 36 * step(r) + 6 * step(g) + step(b);
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let grey = 232 + u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(23).min(23);
    if distance((r, g, b), rgb_of(grey)) < distance((r, g, b), rgb_of(cube)) { grey } else { cube }
}

fn rgb_of(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => BASIC[usize::from(index)],
        16..=231 => {
            let n = usize::from(index - 16);
            (STEPS[n / 36], STEPS[n / 6 % 6], STEPS[n % 6])
        }
        232..=255 => {
            let v = 8 + 10 * (index - 232);
            (v, v, v)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pairs: &[(&str, &str)]) -> ColourDepth {
        colour_depth(|name| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_tells_the_depth() {
        use ColourDepth::{Indexed256, Mono, Sixteen, True};
        let cases: [(&[(&str, &str)], ColourDepth); 10] = [
            (&[], Mono),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Mono),
            (&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], Mono),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Indexed256),
            (&[("TERM", "linux")], Sixteen),
            (&[("TERM", "xterm")], Sixteen),
            (&[("TERM", "tmux-256color"), ("TMUX", "x"), ("COLORTERM", "truecolor")], True),
            (&[("TERM", "screen"), ("STY", "x"), ("COLORTERM", "truecolor")], Indexed256),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "24bit")], True),
            (&[("TERM", "foot")], True),
        ];
        for (pairs, expected) in cases {
            assert_eq!(depth(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_colour_comes_down_to_its_nearest_neighbour() {
        let red = Color::Rgb(250, 5, 5);
        assert_eq!(reduce(red, ColourDepth::True), red);
        assert_eq!(reduce(red, ColourDepth::Indexed256), Color::Indexed(196));
        assert_eq!(reduce(red, ColourDepth::Sixteen), Color::Indexed(9));
        assert_eq!(reduce(red, ColourDepth::Mono), Color::Reset);
        assert_eq!(reduce(Color::Rgb(30, 30, 30), ColourDepth::Indexed256), Color::Indexed(234));
        assert_eq!(reduce(Color::Indexed(231), ColourDepth::Sixteen), Color::Indexed(15));
        assert_eq!(reduce(Color::Cyan, ColourDepth::Sixteen), Color::Cyan);
    }

    #[test]
    fn the_background_is_told_by_colorfgbg_or_by_its_parts() {
        let hint = |v: &str| light_background(|_| Some(v.to_owned()));
        assert_eq!(hint("0;15"), Some(true));
        assert_eq!(hint("15;default;0"), Some(false));
        assert_eq!(hint("15;default"), None);
        assert_eq!(light_background(|_| None), None);
        assert!(is_light(255, 250, 240) && !is_light(30, 30, 46));
    }
}
