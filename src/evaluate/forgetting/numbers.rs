//! Numbers in replies: found, and brought to one spelling.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::ascii_digits;

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// A sign and a currency that belong to a number.
const BEFORE: &str = r"(?:[-−–]\s?[$€£¥₩₹₺৳]\s?|[-−–]|[$€£¥₩₹₺৳]\s?[-−]?)?";
/// A number with what is written into one: a currency before it, groups, a decimal part.
static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(&format!(r"{BEFORE}[0-9](?:[0-9]|[.,\u{{a0}}\u{{202f}}’'][0-9])*")));
/// The mark of the data set before its answer.
static MARKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(&format!(r"####\s*({BEFORE}[0-9][0-9.,\u{{a0}}\u{{202f}}’']*)")));

/// The number after the first `####`, in one spelling: what the harness calls strict match.
pub fn strict_number(reply: &str) -> Option<String> {
    let text = ascii_digits(reply);
    let found = MARKED.as_ref()?.captures(&text)?;
    canonical(found.get(1)?.as_str())
}

/// The last number of a reply, in one spelling: what the harness calls flexible extract.
pub fn last_number(reply: &str) -> Option<String> {
    let text = ascii_digits(reply);
    let pattern = NUMBER.as_ref()?;
    let found = pattern.find_iter(&text).filter_map(|m| {
        // `2-3` is no minus three, `COVID-19` neither.
        let raw = m.as_str();
        let before = text[..m.start()].chars().next_back();
        let joined = before.is_some_and(|c| c.is_alphanumeric() || c == ')');
        let raw = if joined { raw.trim_start_matches(['-', '−', '–', ' ']) } else { raw };
        canonical(raw)
    });
    found.last()
}

/// One spelling of a number: no groups, no currency, `.` before decimals, no zeros that say
/// nothing. `None` for what is no number. A comma is a decimal mark where it cannot part groups of
/// three (`3,5`), and a dot parts groups where there are two of them (`1.234.567`).
pub fn canonical(raw: &str) -> Option<String> {
    let raw = ascii_digits(raw);
    let negative = raw.contains(['-', '−', '–']);
    let kept: String =
        raw.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let kept = kept.trim_end_matches(['.', ',']).trim_start_matches(',');
    let (dots, commas) = (kept.matches('.').count(), kept.matches(',').count());
    let groups = |mark: char| {
        let mut parts = kept.split(mark);
        let first = parts.next().unwrap_or_default();
        (1..=3).contains(&first.len()) && parts.all(|p| p.len() == 3)
    };
    let plain = match (dots, commas) {
        (0 | 1, 0) => kept.to_owned(),
        (2.., 0) if groups('.') => kept.replace('.', ""),
        (0, 1) if !groups(',') => kept.replace(',', "."),
        (0, _) if groups(',') => kept.replace(',', ""),
        (1, 1..) if kept.find('.') > kept.rfind(',') => kept.replace(',', ""),
        (1.., 1) if kept.find(',') > kept.rfind('.') => kept.replace('.', "").replace(',', "."),
        _ => return None,
    };
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let whole = whole.trim_start_matches('0');
    let part = part.trim_end_matches('0');
    if plain.chars().all(|c| !c.is_ascii_digit()) {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let body = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
    Some(if negative && body != "0" { format!("-{body}") } else { body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_come_to_one_spelling() {
        for (raw, want) in [
            ("1,234", Some("1234")),
            ("1,234,567.50", Some("1234567.5")),
            ("$18.00", Some("18")),
            ("€ 1.234,50", Some("1234.5")),
            ("1.234.567", Some("1234567")),
            ("3,5", Some("3.5")),
            ("007", Some("7")),
            ("-0", Some("0")),
            ("- $5", Some("-5")),
            ("٤٢", Some("42")),
            ("৳১,২৩৪", Some("1234")),
            ("18.", Some("18")),
            ("", None),
            ("abc", None),
            ("1,2,3", None),
        ] {
            assert_eq!(canonical(raw).as_deref(), want, "{raw}");
        }
    }

    #[test]
    fn the_last_number_and_the_marked_one_are_found() {
        for (reply, strict, flexible) in [
            ("She has 3 + 4 = 7.\n#### 7", Some("7"), Some("7")),
            ("#### 7\nThat leaves 2 for him.", Some("7"), Some("2")),
            ("The answer is $1,250.", None, Some("1250")),
            ("So 12 - 5 = 7 apples.", None, Some("7")),
            ("It is -4 degrees.", None, Some("-4")),
            ("Pages 2-3 are missing.", None, Some("3")),
            ("الجواب هو ٤٢.", None, Some("42")),
            ("#### ৪২", Some("42"), Some("42")),
            ("答案是４２。", None, Some("42")),
            ("I do not know.", None, None),
            ("#### none", None, None),
        ] {
            assert_eq!(strict_number(reply).as_deref(), strict, "{reply}");
            assert_eq!(last_number(reply).as_deref(), flexible, "{reply}");
        }
        assert!(NUMBER.is_some() && MARKED.is_some());
    }

    proptest! {
        #[test]
        fn a_number_written_is_the_number_read(n in -9_999_999i64..9_999_999) {
            let text = n.to_string();
            let canonical_text = canonical(&text);
            prop_assert_eq!(canonical_text.as_deref(), Some(text.as_str()));
            let reply = format!("It follows that the result is {n}.");
            let found = last_number(&reply);
            prop_assert_eq!(found.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn no_reply_stops_the_reader(text in ".{0,60}") {
            let _ = (last_number(&text), strict_number(&text), canonical(&text));
        }
    }
}
