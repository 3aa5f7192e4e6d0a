//! Digits of other scripts: models answer `٤`, `৪` or `４` where `4` was asked for.

use std::borrow::Cow;

/// The zeros of the decimal digits in use, by script (Unicode 16, general category Nd).
const ZEROS: [char; 20] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}',
    '\u{be6}', '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}',
    '\u{1040}', '\u{17e0}', '\u{1810}', '\u{ff10}',
];

/// The value of a decimal digit of any of the scripts above, ASCII included.
pub fn digit_value(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).map(|d| d as u8);
    }
    let zero = ZEROS.iter().rev().find(|z| **z <= c)?;
    u8::try_from(u32::from(c) - u32::from(*zero)).ok().filter(|d| *d < 10)
}

/// The text with ASCII digits, and with `.` and `,` for the decimal and thousands marks of Arabic
/// and the full-width ones between digits. Borrowed where nothing changes.
pub fn ascii_digits(text: &str) -> Cow<'_, str> {
    let foreign = |c: char| !c.is_ascii() && (digit_value(c).is_some() || mark(c).is_some());
    if !text.chars().any(foreign) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let within = out.ends_with(|p: char| p.is_ascii_digit())
            && chars.peek().is_some_and(|n| digit_value(*n).is_some());
        match (digit_value(c), mark(c)) {
            (Some(d), _) => out.push(char::from(b'0' + d)),
            (None, Some(m)) if within => out.push(m),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn mark(c: char) -> Option<char> {
    match c {
        '\u{66b}' | '\u{ff0e}' => Some('.'),
        '\u{66c}' | '\u{ff0c}' => Some(','),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_of_every_script_are_read() {
        for (text, want) in [
            ("٤", "4"),
            ("۴ از ۵", "4 از 5"),
            ("৪/৫", "4/5"),
            ("４．５", "4.5"),
            ("१२", "12"),
            ("١٬٢٣٤٫٥", "1,234.5"),
            ("好，４", "好，4"),
            ("no 4 here", "no 4 here"),
        ] {
            assert_eq!(ascii_digits(text), want);
        }
        assert!(matches!(ascii_digits("plain 7"), Cow::Borrowed(_)));
        assert_eq!(digit_value('৭'), Some(7));
        assert_eq!(digit_value('四'), None);
    }

    proptest! {
        #[test]
        fn nothing_but_digits_and_their_marks_changes(text in ".{0,40}") {
            let out = ascii_digits(&text).into_owned();
            prop_assert_eq!(out.chars().count(), text.chars().count());
            for (a, b) in text.chars().zip(out.chars()) {
                prop_assert!(a == b || digit_value(a).is_some() || mark(a) == Some(b));
            }
            prop_assert_eq!(ascii_digits(&out).into_owned(), out.clone());
        }
    }
}
