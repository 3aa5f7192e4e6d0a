//! Colours as theme files write them: `#rrggbb`, or one of the terminal's sixteen by name.

use ratatui::style::Color;

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Red, green, blue.
    Rgb([u8; 3]),
    /// One of the terminal's sixteen, 0 to 15.
    Terminal(u8),
}

const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

impl Paint {
    /// Reads `#rrggbb` or a name.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(hex) = text.strip_prefix('#') {
            if hex.len() != 6 || !hex.is_ascii() {
                return None;
            }
            let part = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).ok();
            return Some(Self::Rgb([part(0)?, part(2)?, part(4)?]));
        }
        NAMES.iter().position(|n| *n == text).map(|n| Self::Terminal(n as u8))
    }

    /// For ratatui. The terminal's writer reduces it to what the terminal can.
    pub fn colour(self) -> Color {
        match self {
            Self::Rgb([r, g, b]) => Color::Rgb(r, g, b),
            Self::Terminal(n) => match n {
                0 => Color::Black,
                1 => Color::Red,
                2 => Color::Green,
                3 => Color::Yellow,
                4 => Color::Blue,
                5 => Color::Magenta,
                6 => Color::Cyan,
                7 => Color::Gray,
                8 => Color::DarkGray,
                9 => Color::LightRed,
                10 => Color::LightGreen,
                11 => Color::LightYellow,
                12 => Color::LightBlue,
                13 => Color::LightMagenta,
                14 => Color::LightCyan,
                _ => Color::White,
            },
        }
    }

    /// Its parts, where it is known what they are.
    pub fn rgb(self) -> Option<[u8; 3]> {
        match self {
            Self::Rgb(c) => Some(c),
            Self::Terminal(_) => None,
        }
    }
}
