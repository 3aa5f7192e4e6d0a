//! Colours of drawings: light, dark, and names that a page's style sheet fills in.

use std::fmt::{self, Display};

/// One colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Red, green, blue.
    Rgb([u8; 3]),
    /// A custom property of the page that the drawing stands in.
    Var(&'static str),
}

impl Display for Paint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rgb([r, g, b]) => write!(f, "#{r:02x}{g:02x}{b:02x}"),
            Self::Var(name) => write!(f, "var(--{name})"),
        }
    }
}

/// The colours of one drawing. Text keeps a contrast of 4.5 on the background and on every heat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    /// Behind everything.
    pub background: Paint,
    /// Words and numbers.
    pub text: Paint,
    /// Words that matter less.
    pub muted: Paint,
    /// Lines of axes.
    pub axis: Paint,
    /// Lines behind a plot.
    pub grid: Paint,
    /// Thresholds and chosen points.
    pub mark: Paint,
    /// What is well.
    pub good: Paint,
    /// What is wrong.
    pub bad: Paint,
    /// Series.
    pub series: [Paint; 8],
    /// Heat: low, middle of a diverging scale, high. A sequential scale goes from middle to high.
    pub heat: [Paint; 3],
}

const fn rgb(hex: u32) -> Paint {
    Paint::Rgb([(hex >> 16) as u8, (hex >> 8) as u8, hex as u8])
}

impl Palette {
    /// Dark words on white.
    pub const LIGHT: Self = Self {
        background: rgb(0xff_ffff),
        text: rgb(0x1b_1f24),
        muted: rgb(0x57_606a),
        axis: rgb(0x6e_7781),
        grid: rgb(0xe3_e6ea),
        mark: rgb(0x9a_3412),
        good: rgb(0x1a_7f37),
        bad: rgb(0xcf_222e),
        series: [
            rgb(0x00_72b2),
            rgb(0xc2_4e00),
            rgb(0x00_7a5a),
            rgb(0xa3_3b7c),
            rgb(0x5b_4bc4),
            rgb(0x8a_6100),
            rgb(0x3f_6a77),
            rgb(0x44_4c56),
        ],
        heat: [rgb(0xf3_a77c), rgb(0xff_ffff), rgb(0x84_bce8)],
    };

    /// Light words on nearly black.
    pub const DARK: Self = Self {
        background: rgb(0x12_161b),
        text: rgb(0xe6_e9ed),
        muted: rgb(0x9b_a5b0),
        axis: rgb(0x7d_8790),
        grid: rgb(0x2a_3038),
        mark: rgb(0xfd_ba74),
        good: rgb(0x56_d364),
        bad: rgb(0xff_7b72),
        series: [
            rgb(0x58_b4f0),
            rgb(0xf0_8a4b),
            rgb(0x3f_cfa0),
            rgb(0xe0_8cc2),
            rgb(0xa5_9cf5),
            rgb(0xe3_b341),
            rgb(0x87_bccb),
            rgb(0xc0_c7cf),
        ],
        heat: [rgb(0x8f_4a1e), rgb(0x1b_2027), rgb(0x1f_5f95)],
    };

    /// Names instead of colours: [`Palette::css`] of a light and a dark palette gives them values.
    pub const PAGE: Self = Self {
        background: Paint::Var("background"),
        text: Paint::Var("text"),
        muted: Paint::Var("muted"),
        axis: Paint::Var("axis"),
        grid: Paint::Var("grid"),
        mark: Paint::Var("mark"),
        good: Paint::Var("good"),
        bad: Paint::Var("bad"),
        series: [
            Paint::Var("series-0"),
            Paint::Var("series-1"),
            Paint::Var("series-2"),
            Paint::Var("series-3"),
            Paint::Var("series-4"),
            Paint::Var("series-5"),
            Paint::Var("series-6"),
            Paint::Var("series-7"),
        ],
        heat: [Paint::Var("heat-low"), Paint::Var("heat-middle"), Paint::Var("heat-high")],
    };

    /// The n-th series, again from the first after the last.
    pub fn series(&self, style: usize) -> Paint {
        self.series[style % self.series.len()]
    }

    /// A heat from 0 to 1 on a sequential or a diverging scale.
    pub fn heat(&self, value: f64, diverging: bool) -> String {
        let [low, middle, high] = self.heat;
        let value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.5 };
        if !diverging {
            return mix(middle, high, value);
        }
        if value < 0.5 {
            mix(middle, low, 1.0 - 2.0 * value)
        } else {
            mix(middle, high, 2.0 * value - 1.0)
        }
    }

    /// Values for the names of [`Palette::PAGE`], as declarations of a style sheet.
    pub fn css(&self) -> String {
        let mut out = String::new();
        let names = Self::PAGE;
        let mut say = |name: Paint, value: Paint| {
            if let Paint::Var(name) = name {
                out += &format!("--{name}:{value};");
            }
        };
        say(names.background, self.background);
        say(names.text, self.text);
        say(names.muted, self.muted);
        say(names.axis, self.axis);
        say(names.grid, self.grid);
        say(names.mark, self.mark);
        say(names.good, self.good);
        say(names.bad, self.bad);
        names.series.iter().zip(self.series).for_each(|(n, v)| say(*n, v));
        names.heat.iter().zip(self.heat).for_each(|(n, v)| say(*n, v));
        out
    }
}

/// Between two colours: 0 is the first, 1 the second.
fn mix(a: Paint, b: Paint, share: f64) -> String {
    if let (Paint::Rgb(a), Paint::Rgb(b)) = (a, b) {
        let part = |i: usize| {
            (f64::from(a[i]) + (f64::from(b[i]) - f64::from(a[i])) * share).round() as u8
        };
        return Paint::Rgb([part(0), part(1), part(2)]).to_string();
    }
    format!("color-mix(in srgb, {b} {:.0}%, {a})", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light(p: Paint) -> f64 {
        let Paint::Rgb(c) = p else { panic!("a name") };
        let lin = c.map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]
    }

    fn contrast(a: Paint, b: Paint) -> f64 {
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn words_can_be_read_on_the_background_and_on_every_heat() {
        for p in [Palette::LIGHT, Palette::DARK] {
            for heat in p.heat {
                assert!(contrast(p.text, heat) >= 4.5, "{heat}: {}", contrast(p.text, heat));
            }
            for words in [p.text, p.muted, p.mark, p.good, p.bad] {
                assert!(contrast(words, p.background) >= 4.5, "{words}");
            }
            for line in p.series.into_iter().chain([p.axis]) {
                assert!(contrast(line, p.background) >= 3.0, "{line}");
            }
        }
    }

    #[test]
    fn heat_goes_from_end_to_end() {
        let p = Palette::LIGHT;
        assert_eq!(p.heat(0.0, false), "#ffffff");
        assert_eq!(p.heat(1.0, false), p.heat[2].to_string());
        assert_eq!(p.heat(0.0, true), p.heat[0].to_string());
        assert_eq!(p.heat(0.5, true), "#ffffff");
        assert_eq!(p.heat(f64::NAN, true), "#ffffff");
        assert_eq!(
            Palette::PAGE.heat(0.25, false),
            "color-mix(in srgb, var(--heat-high) 25%, var(--heat-middle))"
        );
        assert!(p.css().contains("--series-7:#444c56;"));
    }
}
