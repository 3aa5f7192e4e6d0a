//! Text made comparable: one spelling for what reads the same in any script.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// First characters of the decimal digits of scripts that people type numbers in; ten follow each.
const ZEROS: [char; 16] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}',
    '\u{be6}', '\u{c66}', '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}',
];

/// A digit of any of these scripts as an ASCII digit; other characters as they are.
fn digit(c: char) -> char {
    if c < '\u{660}' {
        return c;
    }
    ZEROS
        .iter()
        .find_map(|z| {
            let d = (c as u32).checked_sub(*z as u32)?;
            (d < 10).then(|| char::from(b'0' + d as u8))
        })
        .unwrap_or(c)
}

/// Marks that a hurried writer leaves out, and marks that cannot be seen: Latin and Greek accents,
/// Arabic vowels and the stretching stroke, zero-width and direction characters.
fn is_left_out(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}'
        | '\u{670}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Words with one blank between them, for comparing only: compatibility forms made plain, lower
/// case (the Turkish dotless i and the final sigma included), digits of other scripts as ASCII,
/// accents and invisible characters gone, everything that is no letter, digit or vowel sign a
/// blank. `**NOT_OFF**.` becomes `not off`.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        for b in text.bytes() {
            push(&mut out, char::from(b.to_ascii_lowercase()));
        }
    } else {
        let plain: String = text.nfkd().filter(|c| !is_left_out(*c)).nfc().collect();
        for c in plain.chars() {
            match c {
                'ı' => push(&mut out, 'i'),
                'ς' => push(&mut out, 'σ'),
                'ٱ' | 'أ' | 'إ' | 'آ' => push(&mut out, 'ا'),
                c => c.to_lowercase().for_each(|c| {
                    if !is_left_out(c) {
                        push(&mut out, if c == 'ς' { 'σ' } else { digit(c) });
                    }
                }),
            }
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

fn push(out: &mut String, c: char) {
    if c.is_alphanumeric() || is_combining_mark(c) {
        out.push(c);
    } else if !matches!(c, '\'' | '’') && !out.is_empty() && !out.ends_with(' ') {
        // An apostrophe joins: `isn't` is one word here, `isnt`.
        out.push(' ');
    }
}

/// True for scripts written without blanks between words, or with endings glued to them.
pub fn is_unspaced(word: &str) -> bool {
    word.chars().any(|c| {
        matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{e00}'..='\u{e7f}')
    })
}

/// The start and the end of a very long reply: an answer stands in one of them.
pub fn ends(text: &str) -> std::borrow::Cow<'_, str> {
    const HEAD: usize = 16 * 1024;
    const TAIL: usize = 4 * 1024;
    if text.len() <= HEAD + TAIL {
        return text.into();
    }
    let head = text.floor_char_boundary(HEAD);
    let tail = text.floor_char_boundary(text.len() - TAIL);
    format!("{}\n{}", &text[..head], &text[tail..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_the_same_folds_the_same() {
        for (a, b) in [
            ("**NOT_OFF**.", "not off"),
            ("  \u{201c}Off\u{201d} ", "OFF"),
            ("ＮＯＴ＿ＯＦＦ", "not-off"),
            ("١", "1"),
            ("০", "0"),
            ("HAYIR", "hayır"),
            ("İNCİTİCİ", "incitici"),
            ("ΠΡΟΣΒΛΗΤΙΚΌΣ", "προσβλητικός"),
            ("ofénsivo", "ofensivo"),
            ("مُسِيء", "مسيء"),
            ("isn’t", "isn't"),
            ("\u{200f}OFF\u{feff}", "off"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} and {b}");
        }
        assert_eq!(fold("হুমকি নেই"), "হুমকি নেই".nfkd().nfc().collect::<String>());
        assert_eq!(fold("🙂"), "");
    }
}
