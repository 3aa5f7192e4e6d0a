//! Synonyms in context. An entry exchanges whole words only, for the seeds whose texts it was read
//! in, and gives every form (singular and plural, tenses) its own counterpart, so that number and
//! verb form agree by construction; capitals and articles are set after the exchange.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;

use super::agreement::{capitalized, with_articles};
use super::near::Words;
use crate::domain::Substitution;
use crate::providers::Partition;
use crate::text::tokens;

/// A synonym: `from[i]` may be said as `to[i]` in texts of the seeds named.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::providers) struct Entry {
    /// The forms as they stand in a text.
    pub from: Vec<String>,
    /// The forms to put there, one for each of `from`.
    pub to: Vec<String>,
    /// Seed ids, or template groups.
    pub of: Vec<String>,
    /// The side of the split.
    pub side: Partition,
}

impl Entry {
    /// What a substitution names as its rule: `are scarce > are in short supply`.
    pub(super) fn rule(&self) -> String {
        format!("{} > {}", self.from.join("|"), self.to.join("|"))
    }
}

/// One place where an entry fits.
#[derive(Debug)]
struct Fit<'a> {
    entry: &'a Entry,
    form: usize,
    start: usize,
    end: usize,
}

/// A text with words exchanged, and which.
pub(in crate::providers) type Variant = (String, Vec<Substitution>);

/// Random sets of exchanges in a row that bring nothing new, after which there is nothing new.
const PATIENCE: usize = 5;

/// Up to `n` texts in which words of the parent were exchanged. Each differs from the parent, and
/// from the others, by more words than a near-duplicate does. `english` sets `a` and `an` right,
/// which are other words in other languages.
pub(in crate::providers) fn variants(
    entries: &[&Entry],
    parent: &str,
    n: usize,
    english: bool,
    rng: &mut Xoshiro256PlusPlus,
) -> Vec<Variant> {
    let fits = fits(entries, parent);
    let mut order: Vec<usize> = (0..fits.len()).collect();
    let mut rendered = BTreeMap::new();
    let mut known = vec![Words::of(parent)];
    let mut made: Vec<Variant> = Vec::new();
    let mut in_vain = 0;
    while made.len() < n && in_vain < PATIENCE && !fits.is_empty() {
        order.shuffle(rng);
        let chosen = smallest_change(&fits, &order, (parent, english), &known[0], &mut rendered);
        let fresh = chosen.and_then(|chosen| {
            let (text, words) = rendered.get(&chosen)?;
            let fresh = !known.iter().any(|k| k.near(words));
            fresh.then(|| ((text.clone(), substitutions(&fits, &chosen, parent)), words.clone()))
        });
        if let Some((variant, words)) = fresh {
            in_vain = 0;
            known.push(words);
            made.push(variant);
        } else {
            in_vain += 1;
        }
    }
    made
}

/// Texts by the places exchanged (indices of fits, in the order of the text): few sets come up, and
/// each is rendered once.
type Rendered = BTreeMap<Vec<usize>, (String, Words)>;

/// Takes fits in the given order, skipping those that overlap, until the text is no near-duplicate
/// of the parent. `None` where all of them together are not enough.
fn smallest_change(
    fits: &[Fit<'_>],
    order: &[usize],
    (parent, english): (&str, bool),
    parent_words: &Words,
    rendered: &mut Rendered,
) -> Option<Vec<usize>> {
    let mut chosen: Vec<usize> = Vec::new();
    for &next in order {
        let fit = &fits[next];
        if chosen.iter().any(|&c| fit.start < fits[c].end && fits[c].start < fit.end) {
            continue;
        }
        chosen.push(next);
        chosen.sort_by_key(|&c| fits[c].start);
        let (_, words) = rendered.entry(chosen.clone()).or_insert_with(|| {
            let places: Vec<_> = chosen.iter().map(|&c| &fits[c]).collect();
            let text = exchanged(parent, &places, english);
            let words = Words::of(&text);
            (text, words)
        });
        if !parent_words.near(words) {
            return Some(chosen);
        }
    }
    None
}

fn substitutions(fits: &[Fit<'_>], chosen: &[usize], parent: &str) -> Vec<Substitution> {
    let one = |&c: &usize| Substitution {
        from: parent[fits[c].start..fits[c].end].to_owned(),
        to: fits[c].entry.to[fits[c].form].clone(),
        rule: fits[c].entry.rule(),
    };
    chosen.iter().map(one).collect()
}

/// Every place where a form of an entry stands, on word boundaries.
fn fits<'a>(entries: &[&'a Entry], parent: &str) -> Vec<Fit<'a>> {
    let there = tokens(parent);
    let lower = parent.to_lowercase();
    let mut found = Vec::new();
    for &entry in entries {
        for (form, from) in entry.from.iter().enumerate() {
            // A cheap look first: most entries do not occur.
            if !lower.contains(&from.to_lowercase()) {
                continue;
            }
            let wanted = tokens(from);
            if wanted.is_empty() {
                continue;
            }
            for window in there.windows(wanted.len()) {
                let same = window.iter().zip(&wanted).enumerate().all(|(i, (t, w))| {
                    t.text == w.text || (i == 0 && t.text == capitalized(w.text))
                });
                if let (true, Some(first), Some(last)) = (same, window.first(), window.last()) {
                    found.push(Fit { entry, form, start: first.start, end: last.end() });
                }
            }
        }
    }
    // Where a longer phrase fits, a shorter one inside it was not read in that context.
    let spans: Vec<(usize, usize)> = found.iter().map(|f| (f.start, f.end)).collect();
    found.retain(|f| {
        !spans
            .iter()
            .any(|&(start, end)| start <= f.start && f.end <= end && end - start > f.end - f.start)
    });
    found
}

/// The parent with all chosen places exchanged, articles set right in English.
fn exchanged(parent: &str, chosen: &[&Fit<'_>], english: bool) -> String {
    let mut out = String::with_capacity(parent.len() + 32);
    let mut copied = 0;
    for fit in chosen {
        out.push_str(&parent[copied..fit.start]);
        let to = &fit.entry.to[fit.form];
        let was_capital = parent[fit.start..].starts_with(char::is_uppercase)
            && !fit.entry.from[fit.form].starts_with(char::is_uppercase);
        // A sentence begins with a capital even where `I think` gives way to `it is my belief`.
        if was_capital || fit.start == 0 {
            out.push_str(&capitalized(to));
        } else {
            out.push_str(to);
        }
        copied = fit.end;
    }
    out.push_str(&parent[copied..]);
    if english { with_articles(&out) } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn entry(from: &str, to: &str) -> Entry {
        let forms = |s: &str| s.split('|').map(str::to_owned).collect();
        Entry { from: forms(from), to: forms(to), of: vec![], side: Partition::Train }
    }

    fn one(entries: &[Entry], parent: &str) -> Option<String> {
        let refs: Vec<&Entry> = entries.iter().collect();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        variants(&refs, parent, 1, true, &mut rng).pop().map(|(text, _)| text)
    }

    #[test]
    fn words_are_exchanged_whole_with_case_number_and_article() {
        let cases = [
            (
                "boy|boys",
                "young man|young men",
                "A boy and boys.",
                Some("A young man and young men."),
            ),
            ("women", "female persons", "Dogs like women and womenfolk.", None),
            (
                "major",
                "extremely important and weighty",
                "A major aim.",
                Some("An extremely important and weighty aim."),
            ),
            (
                "are scarce",
                "are in short supply",
                "Are scarce, scarce are.",
                Some("Are in short supply, scarce are."),
            ),
        ];
        for (from, to, parent, expected) in cases {
            assert_eq!(one(&[entry(from, to)], parent).as_deref(), expected, "{parent}");
        }
    }

    #[test]
    fn a_change_too_small_to_count_is_no_variant() {
        assert_eq!(one(&[entry("big", "large")], "A big dog barks."), None);
        assert_eq!(one(&[], "A big dog barks."), None);
    }
}
