//! Korean syllables taken apart into their letters and put together again (Unicode, chapter 3.12).

/// Initial consonants, vowels and finals as single letters, in the order of the code chart.
const INITIALS: &str = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const VOWELS: &str = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ";
const FINALS: &str = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";

/// A syllable's letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syllable {
    pub initial: char,
    pub vowel: char,
    pub last: Option<char>,
}

impl Syllable {
    /// Takes a syllable apart; `None` for any other character.
    pub fn of(c: char) -> Option<Self> {
        let n = u32::from(c).checked_sub(0xac00).filter(|n| *n < 11_172)? as usize;
        Some(Self {
            initial: INITIALS.chars().nth(n / 588)?,
            vowel: VOWELS.chars().nth(n % 588 / 28)?,
            last: (n % 28).checked_sub(1).and_then(|i| FINALS.chars().nth(i)),
        })
    }

    /// Puts it together; `None` where a letter cannot stand in its place.
    pub fn join(self) -> Option<char> {
        let place = |of: &str, c: char| of.chars().position(|x| x == c);
        let last = match self.last {
            None => 0,
            Some(c) => place(FINALS, c)? + 1,
        };
        let n = (place(INITIALS, self.initial)? * 21 + place(VOWELS, self.vowel)?) * 28 + last;
        char::from_u32(0xac00 + n as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syllable_comes_back_from_its_letters() {
        for c in '\u{ac00}'..='\u{d7a3}' {
            assert_eq!(Syllable::of(c).and_then(Syllable::join), Some(c));
        }
        assert_eq!(Syllable::of('a'), None);
        let han = Syllable::of('한').unwrap();
        assert_eq!((han.initial, han.vowel, han.last), ('ㅎ', 'ㅏ', Some('ㄴ')));
        assert_eq!(Syllable { last: Some('ㄸ'), ..han }.join(), None);
    }
}
