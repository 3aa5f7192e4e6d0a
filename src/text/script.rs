//! Scripts of letters, as far as telling languages apart needs them.

/// A writing system. Source of the ranges: Unicode 16, Blocks.txt and Scripts.txt, main blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are Unicode's")]
pub enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Ethiopic,
    Devanagari,
    Bengali,
    Gurmukhi,
    Gujarati,
    Odia,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Sinhala,
    Thai,
    Lao,
    Tibetan,
    Myanmar,
    Georgian,
    Khmer,
    Mongolian,
    Hiragana,
    Katakana,
    Hangul,
    Han,
}

/// First and last code point with their script; the rest counts as no known script.
const RANGES: [(u32, u32, Script); 47] = [
    (0x0041, 0x005a, Script::Latin),
    (0x0061, 0x007a, Script::Latin),
    (0x00aa, 0x00ba, Script::Latin),
    (0x00c0, 0x02af, Script::Latin),
    (0x0370, 0x03ff, Script::Greek),
    (0x0400, 0x052f, Script::Cyrillic),
    (0x0531, 0x058f, Script::Armenian),
    (0x0591, 0x05f4, Script::Hebrew),
    (0x0600, 0x06ff, Script::Arabic),
    (0x0750, 0x077f, Script::Arabic),
    (0x0870, 0x08ff, Script::Arabic),
    (0x0900, 0x097f, Script::Devanagari),
    (0x0980, 0x09ff, Script::Bengali),
    (0x0a00, 0x0a7f, Script::Gurmukhi),
    (0x0a80, 0x0aff, Script::Gujarati),
    (0x0b00, 0x0b7f, Script::Odia),
    (0x0b80, 0x0bff, Script::Tamil),
    (0x0c00, 0x0c7f, Script::Telugu),
    (0x0c80, 0x0cff, Script::Kannada),
    (0x0d00, 0x0d7f, Script::Malayalam),
    (0x0d80, 0x0dff, Script::Sinhala),
    (0x0e00, 0x0e7f, Script::Thai),
    (0x0e80, 0x0eff, Script::Lao),
    (0x0f00, 0x0fff, Script::Tibetan),
    (0x1000, 0x109f, Script::Myanmar),
    (0x10a0, 0x10ff, Script::Georgian),
    (0x1100, 0x11ff, Script::Hangul),
    (0x1200, 0x139f, Script::Ethiopic),
    (0x1780, 0x17ff, Script::Khmer),
    (0x1800, 0x18af, Script::Mongolian),
    (0x1c90, 0x1cbf, Script::Georgian),
    (0x1d00, 0x1dbf, Script::Latin),
    (0x1e00, 0x1eff, Script::Latin),
    (0x1f00, 0x1fff, Script::Greek),
    (0x2c60, 0x2c7f, Script::Latin),
    (0x2d80, 0x2ddf, Script::Ethiopic),
    (0x2de0, 0x2dff, Script::Cyrillic),
    (0x3005, 0x3007, Script::Han),
    (0x3041, 0x309f, Script::Hiragana),
    (0x30a0, 0x30ff, Script::Katakana),
    (0x3400, 0x9fff, Script::Han),
    (0xa640, 0xa69f, Script::Cyrillic),
    (0xac00, 0xd7af, Script::Hangul),
    (0xf900, 0xfaff, Script::Han),
    (0xfb50, 0xfeff, Script::Arabic),
    (0xff21, 0xff5a, Script::Latin),
    (0x20000, 0x323af, Script::Han),
];

/// The script of a letter; `None` for digits, marks, and scripts that are not in the table.
pub fn script_of(c: char) -> Option<Script> {
    if !c.is_alphabetic() {
        return None;
    }
    let code = u32::from(c);
    let i = RANGES.partition_point(|r| r.1 < code);
    RANGES.get(i).filter(|r| r.0 <= code).map(|r| r.2)
}

/// The share of a text's letters that belong to these scripts; `None` for a text without letters.
pub fn script_share(text: &str, scripts: &[Script]) -> Option<f64> {
    let (mut letters, mut of_them) = (0usize, 0usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        of_them += usize::from(script_of(c).is_some_and(|s| scripts.contains(&s)));
    }
    (letters > 0).then(|| of_them as f64 / letters as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_in_order_and_letters_find_their_script() {
        assert!(RANGES.windows(2).all(|w| w[0].1 < w[1].0));
        let cases = [
            ('a', Some(Script::Latin)),
            ('ß', Some(Script::Latin)),
            ('λ', Some(Script::Greek)),
            ('ж', Some(Script::Cyrillic)),
            ('ع', Some(Script::Arabic)),
            ('ক', Some(Script::Bengali)),
            ('न', Some(Script::Devanagari)),
            ('国', Some(Script::Han)),
            ('の', Some(Script::Hiragana)),
            ('국', Some(Script::Hangul)),
            ('ก', Some(Script::Thai)),
            ('1', None),
            ('٣', None),
            (' ', None),
        ];
        for (c, expected) in cases {
            assert_eq!(script_of(c), expected, "{c}");
        }
        assert_eq!(script_share("1 2", &[Script::Latin]), None);
        assert_eq!(script_share("ab λμ 12", &[Script::Greek]), Some(0.5));
    }
}
