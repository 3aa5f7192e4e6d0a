//! Where a reply ends, and what its text is.

use super::Written;
use crate::embedded::{ChatTokenizer, EmbeddedError};

/// Where a stop text begins in the reply, looked for in its last tokens only until one is found.
pub(super) fn stopped(
    tokenizer: &ChatTokenizer,
    ends: &[u32],
    ids: &[u32],
    stop: &[String],
    whole: bool,
) -> Result<Option<usize>, EmbeddedError> {
    let stops = || stop.iter().filter(|s| !s.is_empty());
    let longest = stops().map(String::len).max().unwrap_or(0);
    // A token has at least one byte, except for special ones; eight more for characters in parts.
    let from = if whole { 0 } else { ids.len().saturating_sub(longest + 8) };
    let end = ids.len() - usize::from(ids.last().is_some_and(|t| ends.contains(t)));
    let text = tokenizer.decode(&ids[from..end])?;
    if !stops().any(|s| text.contains(s.as_str())) {
        return Ok(None);
    }
    let text = tokenizer.decode(&ids[..end])?;
    Ok(stops().filter_map(|s| text.find(s.as_str())).min())
}

/// The reply of what was drawn, for a prompt of so many tokens.
pub(super) fn written(
    tokenizer: &ChatTokenizer,
    ends: &[u32],
    ids: &[u32],
    prompt: usize,
    stop: Option<usize>,
) -> Result<Written, EmbeddedError> {
    let by_itself = ids.last().is_some_and(|t| ends.contains(t));
    let end = ids.len() - usize::from(by_itself);
    let mut text = tokenizer.decode(&ids[..end])?;
    if let Some(at) = stop {
        text.truncate(at);
    } else if !by_itself {
        // Cut off in the middle of a character: its first bytes are up to three tokens, and some
        // decoders make the whole run of bytes unreadable for them.
        for less in 1..=3.min(end) {
            if !text.ends_with('\u{FFFD}') {
                break;
            }
            text = tokenizer.decode(&ids[..end - less])?;
        }
        text.truncate(text.trim_end_matches('\u{FFFD}').len());
    }
    Ok(Written { text, ended: by_itself || stop.is_some(), prompt, tokens: ids.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::tokenizer::testing::{Shape, write_tokenizer};

    fn tokenizer(shape: Shape) -> ChatTokenizer {
        let dir = tempfile::tempdir().unwrap();
        let n = write_tokenizer(dir.path(), shape);
        ChatTokenizer::load(dir.path(), n).unwrap()
    }

    #[test]
    fn a_character_cut_in_the_middle_is_left_out_and_a_whole_one_stays() {
        for shape in Shape::ALL {
            let t = tokenizer(shape);
            let ends = t.ends();
            let ids = t.encode("yes \u{65e5}\u{672c}").unwrap();
            // Three bytes a character, none of them merged: these tokenizers know no Japanese.
            for (cut, text) in
                [(0, "yes \u{65e5}\u{672c}"), (1, "yes \u{65e5}"), (2, "yes \u{65e5}")]
            {
                let w = written(&t, &ends, &ids[..ids.len() - cut], 1, None).unwrap();
                assert_eq!((w.text.as_str(), w.ended), (text, false), "{shape:?}");
            }
            // A model that says a broken character and ends has said it.
            let said = [&ids[..ids.len() - 1], &ends[..1]].concat();
            let w = written(&t, &ends, &said, 1, None).unwrap();
            assert!(w.ended && w.text.ends_with('\u{FFFD}'), "{shape:?} {w:?}");
            assert_eq!(w.tokens.len(), ids.len());
        }
    }

    #[test]
    fn a_stop_text_is_found_across_tokens_and_the_first_one_counts() {
        for shape in Shape::ALL {
            let t = tokenizer(shape);
            let ids = t.encode("The answer is four. Next question: why? Because").unwrap();
            let stop: Vec<String> = ["why?", "Next question:", "never"].map(str::to_owned).into();
            let mut found = None;
            for n in 1..=ids.len() {
                let at = stopped(&t, &t.ends(), &ids[..n], &stop, false).unwrap();
                if let Some(at) = at {
                    found = Some((n, at));
                    break;
                }
            }
            let (n, at) = found.unwrap();
            assert!(n < ids.len());
            let w = written(&t, &t.ends(), &ids[..n], 1, Some(at)).unwrap();
            assert_eq!((w.text.as_str(), w.ended), ("The answer is four. ", true), "{shape:?}");
            let none = stopped(&t, &t.ends(), &ids, &["absent".to_owned()], true).unwrap();
            assert_eq!(none, None);
        }
    }
}
