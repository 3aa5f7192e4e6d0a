//! Which keys lie beside which, for the scripts of the cultures here.

/// Rows of keys from left to right; a blank is a key without a letter.
const LAYOUTS: [[&str; 3]; 4] = [
    ["qwertyuiop", "asdfghjkl", "zxcvbnm"],
    [" ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"],
    ["йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"],
    ["ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤر ىةوزظ"],
];

/// The Korean keyboard in two sets, as single letters: consonants left, vowels right.
const KOREAN: [&str; 3] = ["ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", "ㅋㅌㅊㅍㅠㅜㅡ"];

/// Keys that touch the key of a letter (small letters), in the letter's own layout.
pub(super) fn neighbours(letter: char) -> Vec<char> {
    LAYOUTS.iter().map(|rows| around(rows, letter)).find(|n| !n.is_empty()).unwrap_or_default()
}

/// The same for a single Korean letter.
pub(super) fn korean_neighbours(letter: char) -> Vec<char> {
    around(&KOREAN, letter)
}

fn around(rows: &[&str; 3], letter: char) -> Vec<char> {
    let keys: Vec<Vec<char>> = rows.iter().map(|r| r.chars().collect()).collect();
    let Some((row, at)) = keys
        .iter()
        .enumerate()
        .find_map(|(r, keys)| Some((r, keys.iter().position(|k| *k == letter)?)))
    else {
        return Vec::new();
    };
    let (row, at) = (row as isize, at as isize);
    // Rows are shifted by half a key to the right: above are `at` and the one after it.
    [(0, -1), (0, 1), (-1, 0), (-1, 1), (1, 0), (1, -1)]
        .into_iter()
        .filter_map(|(dr, da)| {
            let keys = keys.get(usize::try_from(row + dr).ok()?)?;
            keys.get(usize::try_from(at + da).ok()?).copied()
        })
        .filter(|k| *k != ' ')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_touch_and_stay_in_their_script() {
        assert_eq!(neighbours('g'), ['f', 'h', 't', 'y', 'b', 'v']);
        assert_eq!(neighbours('q'), ['w', 'a']);
        assert!(neighbours('α').contains(&'σ') && neighbours('ا').contains(&'ل'));
        assert!(korean_neighbours('ㄹ').contains(&'ㅎ'));
        assert!(neighbours('好').is_empty() && neighbours('1').is_empty());
    }

    #[test]
    fn touching_goes_both_ways() {
        for c in LAYOUTS.iter().flatten().flat_map(|r| r.chars()).filter(|c| *c != ' ') {
            for n in neighbours(c) {
                assert!(neighbours(n).contains(&c), "{c} {n}");
            }
        }
    }
}
