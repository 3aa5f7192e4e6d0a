//! Scales out of running text: `1. Strongly agree 2. Agree ..`, in any script's digits.

use crate::domain::{Direction, Scale, ScaleKind, ScaleOption};

/// A scale that was read, and what had to be supposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadScale {
    /// The scale.
    pub scale: Scale,
    /// What a reader should know: inner points added, a code repaired, a direction supposed.
    pub notes: Vec<String>,
}

/// Digits of ASCII and of the scripts of the survey's languages.
fn digit(c: char) -> Option<u32> {
    const ZEROS: [char; 6] = ['0', '٠', '۰', '০', '०', '０'];
    ZEROS.iter().find_map(|&zero| (c as u32).checked_sub(zero as u32).filter(|d| *d < 10))
}

/// What stands between a code and its wording.
fn is_mark(c: char) -> bool {
    matches!(c, '.' | ')' | ':' | '=' | '．' | '、' | '）' | '：')
}

/// Codes and wordings in printed order; a wording may be empty.
fn read_options(text: &str) -> Vec<(u32, String)> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    // (start of the number, start of the wording, the code)
    let mut heads: Vec<(usize, usize, u32)> = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let at_word = i == 0 || chars[i - 1].1.is_whitespace() || ";|,/".contains(chars[i - 1].1);
        if !at_word || digit(chars[i].1).is_none() {
            i += 1;
            continue;
        }
        let mut end = i;
        let mut code = 0u32;
        // Greedy: `10.` is ten, never `1` and `0.`
        while let Some(d) = chars.get(end).and_then(|&(_, c)| digit(c)) {
            code = code.saturating_mul(10).saturating_add(d);
            end += 1;
        }
        let marked = chars.get(end).is_some_and(|&(_, c)| is_mark(c));
        // `2.5` is a number in a wording, not option 2.
        let decimal = chars.get(end + 1).is_some_and(|&(_, c)| digit(c).is_some());
        if marked && !decimal {
            let wording = chars.get(end + 1).map_or(text.len(), |&(at, _)| at);
            heads.push((chars[i].0, wording, code));
        }
        i = end.max(i + 1);
    }
    heads
        .iter()
        .enumerate()
        .map(|(n, &(_, from, code))| {
            let to = heads.get(n + 1).map_or(text.len(), |next| next.0);
            let wording = text[from..to].trim().trim_end_matches([';', '|', ',', '/']).trim();
            (code, wording.to_owned())
        })
        .collect()
}

/// Reads the options of a question. `known` is the scale that the project already holds for it:
/// its direction and kind are taken where the codes agree, and it can repair one wrong code.
///
/// # Errors
/// The reason, in words: no options, one option, a code twice that cannot be repaired, a gap in the
/// codes, a code above 255.
pub fn read_scale(text: &str, known: Option<&Scale>) -> Result<ReadScale, String> {
    let mut notes = Vec::new();
    let mut read = read_options(text);
    if read.is_empty() {
        return Err(format!(
            "no options in `{}`: expected codes with wordings, such as `1. Agree 2. Disagree`",
            text.trim().chars().take(60).collect::<String>()
        ));
    }
    if read.len() == 1 {
        return Err(format!(
            "only one option ({}. {}): expected at least two, such as `1. Agree 2. Disagree`",
            read[0].0, read[0].1
        ));
    }
    if let Some(code) = twice(&read) {
        let repaired = known.and_then(|k| repair(&read, k)).ok_or_else(|| {
            format!(
                "code {code} stands twice: every option needs its own code; mend the line, or \
                 import the question's scale from a questionnaire first"
            )
        })?;
        notes.push(format!(
            "code {code} stood twice; the codes were taken from the known scale ({})",
            repaired.iter().map(|(c, _)| c.to_string()).collect::<Vec<_>>().join(", ")
        ));
        read = repaired;
    }
    let (low, high) = ends(&read);
    if high > 255 {
        return Err(format!("code {high} is above 255: no scale of the survey has such a code"));
    }
    let mut end_labels_only = false;
    if read.len() == 2 && high - low > 1 {
        read = with_inner_points(&read);
        end_labels_only = true;
        notes.push(format!(
            "only the end points {low} and {high} were spelt out: read as a {}-point scale with \
             labels at its ends",
            read.len()
        ));
    }
    let mut codes: Vec<u32> = read.iter().map(|(c, _)| *c).collect();
    codes.sort_unstable();
    if let Some(gap) = codes.windows(2).find(|w| w[1] - w[0] > 1) {
        return Err(format!(
            "the codes jump from {} to {} (listed: {}): expected codes without gaps, or the two \
             end points alone",
            gap[0],
            gap[1],
            read.iter().map(|(c, _)| c.to_string()).collect::<Vec<_>>().join(", ")
        ));
    }
    // `1. Completely disagree 2. 3. .. 10. Completely agree`
    let inner_bare = read.iter().all(|(c, w)| {
        if *c == low || *c == high { !w.is_empty() } else { w.is_empty() || *w == c.to_string() }
    });
    if read.len() > 2 && inner_bare {
        end_labels_only = true;
        for (code, wording) in &mut read {
            if wording.is_empty() {
                *wording = code.to_string();
            }
        }
    }
    let options: Vec<ScaleOption> = read
        .into_iter()
        .map(|(code, label)| ScaleOption { code: u8::try_from(code).unwrap_or(u8::MAX), label })
        .collect();
    build(options, end_labels_only, known, notes)
}

fn build(
    options: Vec<ScaleOption>,
    end_labels_only: bool,
    known: Option<&Scale>,
    mut notes: Vec<String>,
) -> Result<ReadScale, String> {
    let mut codes: Vec<u8> = options.iter().map(|o| o.code).collect();
    codes.sort_unstable();
    let known = known.filter(|k| k.codes() == codes);
    let (kind, direction) = match known {
        Some(k) => (k.kind(), k.direction()),
        None => (ScaleKind::Ordinal, direction_of(&options)),
    };
    if kind == ScaleKind::Ordinal && direction == Direction::None {
        notes.push(
            "whether a higher code is more or less could not be told from the wording: add a \
             column `direction` (higher-is-more, higher-is-less)"
                .into(),
        );
    }
    let middle = known.and_then(Scale::middle).or_else(|| {
        let hard = |o: &&ScaleOption| o.label.eq_ignore_ascii_case("hard to say");
        options.iter().find(hard).map(|o| o.code)
    });
    let reason = |e: crate::domain::DomainError| match e {
        crate::domain::DomainError::BadScale { reason, .. } => reason,
        other => other.to_string(),
    };
    let mut scale = Scale::new(options, kind, direction).map_err(reason)?;
    if let Some(code) = middle {
        scale = scale.with_middle(code).map_err(reason)?;
    }
    if end_labels_only {
        scale = scale.with_end_labels_only();
    }
    Ok(ReadScale { scale, notes })
}

fn twice(read: &[(u32, String)]) -> Option<u32> {
    read.iter().enumerate().find(|(i, o)| read[..*i].iter().any(|p| p.0 == o.0)).map(|(_, o)| o.0)
}

fn ends(read: &[(u32, String)]) -> (u32, u32) {
    let codes = || read.iter().map(|(c, _)| *c);
    (codes().min().unwrap_or(0), codes().max().unwrap_or(0))
}

/// The wordings with the known codes in printed order, when all codes but one agree by place.
fn repair(read: &[(u32, String)], known: &Scale) -> Option<Vec<(u32, String)>> {
    if known.len() != read.len() {
        return None;
    }
    let codes: Vec<u32> = known.options().iter().map(|o| u32::from(o.code)).collect();
    let wrong = codes.iter().zip(read).filter(|(k, r)| **k != r.0).count();
    (wrong == 1).then(|| codes.into_iter().zip(read.iter().map(|r| r.1.clone())).collect())
}

/// Fills a scale of which only the ends are given, in their order.
fn with_inner_points(ends: &[(u32, String)]) -> Vec<(u32, String)> {
    let (first, last) = (&ends[0], &ends[1]);
    let inner: Vec<u32> = if first.0 < last.0 {
        (first.0 + 1..last.0).collect()
    } else {
        (last.0 + 1..first.0).rev().collect()
    };
    let mut out = vec![first.clone()];
    out.extend(inner.into_iter().map(|c| (c, c.to_string())));
    out.push(last.clone());
    out
}

/// What a higher code means, by English wordings at the ends; [`Direction::None`] where they do
/// not tell.
fn direction_of(options: &[ScaleOption]) -> Direction {
    let less = |label: &str| {
        let label = label.to_lowercase();
        ["disagree", "not ", "never", "least", "against", "no ", "none"]
            .iter()
            .any(|w| label.contains(w))
            || label == "no"
    };
    let lowest = options.iter().min_by_key(|o| o.code);
    let highest = options.iter().max_by_key(|o| o.code);
    match (lowest, highest) {
        (Some(l), Some(h)) if less(&l.label) && !less(&h.label) => Direction::HigherIsMore,
        (Some(l), Some(h)) if !less(&l.label) && less(&h.label) => Direction::HigherIsLess,
        _ => Direction::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str) -> Vec<u8> {
        read_scale(text, None).unwrap().scale.options().iter().map(|o| o.code).collect()
    }

    #[test]
    fn scales_that_no_answer_could_be_read_on_are_refused_with_the_reason() {
        for (text, words) in [
            ("", "no options"),
            ("Agree, disagree", "no options"),
            ("1. Agree", "only one option"),
            ("1. A 2. B 4. C 4. D", "code 4 stands twice"),
            ("1. A 2. B 3. C 10. D", "jump from 3 to 10"),
            ("1. A 300. B", "above 255"),
            ("1. Same 2. same", "stands twice"),
            ("1. A 2. 3. C 4. D", "no wording"),
            ("1. A 99999999999999999999. B", "above 255"),
        ] {
            let e = read_scale(text, None).unwrap_err();
            assert!(e.contains(words), "{text:?}: {e}");
        }
    }

    #[test]
    fn ten_is_ten_wherever_it_stands_in_the_list() {
        assert_eq!(codes("1. low 2. b 3. c 4. d 5. e 6. f 7. g 8. h 9. i 10. high").len(), 10);
        assert_eq!(
            codes("1. low 10. high 2. b 3. c 4. d 5. e 6. f 7. g 8. h 9. i"),
            [1, 10, 2, 3, 4, 5, 6, 7, 8, 9]
        );
        let bare = read_scale("1. low 2. 3. 4. 5. 6. 7. 8. 9. 10. high", None).unwrap().scale;
        assert!(bare.end_labels_only());
        assert_eq!(bare.label(10), Some("high"));
    }

    #[test]
    fn end_points_alone_become_the_whole_scale() {
        let read = read_scale("1. Completely disagree 10. Completely agree ", None).unwrap();
        assert_eq!(read.scale.codes(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert!(read.scale.end_labels_only());
        assert_eq!(read.scale.label(5), Some("5"));
        assert_eq!(read.scale.direction(), Direction::HigherIsMore);
        assert!(read.notes[0].contains("10-point"));
        assert_eq!(codes("3. x 0. y"), [3, 2, 1, 0]);
    }

    #[test]
    fn a_code_that_stands_twice_is_repaired_by_the_known_scale_only() {
        let text = "1. Strongly agree 2. agree 4. Disagree 4. Strongly disagree";
        let known = read_scale("1. SA 2. A 3. D 4. SD", None).unwrap().scale;
        let read = read_scale(text, Some(&known)).unwrap();
        assert_eq!(read.scale.codes(), [1, 2, 3, 4]);
        assert_eq!(read.scale.label(3), Some("Disagree"));
        assert!(read.notes[0].contains("stood twice"));
        let other = read_scale("1. a 2. b 3. c 4. d 5. e", None).unwrap().scale;
        assert!(read_scale(text, Some(&other)).is_err());
    }

    #[test]
    fn printed_order_direction_and_middle_are_kept() {
        let s = read_scale("2. Agree 1. Hard to say 0. Disagree", None).unwrap().scale;
        assert_eq!(s.options()[0].code, 2);
        assert_eq!(s.middle(), Some(1));
        assert_eq!(s.direction(), Direction::HigherIsMore);
        let s = read_scale("1. Strongly agree 2. Strongly disagree", None).unwrap().scale;
        assert_eq!(s.direction(), Direction::HigherIsLess);
    }

    #[test]
    fn other_scripts_and_marks_are_read() {
        for text in [
            "١. موافق ٢. غير موافق",
            "১) একমত ২) দ্বিমত",
            "１．同意 ２．不同意",
            "1、同意;2、不同意",
            "1=Ja | 2=Nein",
            "1: sí, 2: no",
        ] {
            assert_eq!(codes(text), [1, 2], "{text}");
        }
        let s = read_scale("1=Ja | 2=Nein", None).unwrap();
        assert_eq!(s.scale.label(1), Some("Ja"));
        assert!(s.notes[0].contains("direction"), "{:?}", s.notes);
        // a number inside a wording is no option
        assert_eq!(codes("1. less than 2.5 hours 2. more"), [1, 2]);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}", codes in "[0-9.) ]{0,40}") {
            let _ = read_scale(&text, None);
            let _ = read_scale(&codes, None);
        }
    }
}
