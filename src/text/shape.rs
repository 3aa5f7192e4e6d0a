//! Arabic letters in the form that their neighbours ask for (Unicode's presentation forms), for
//! terminals that draw every cell by itself. Vowel marks stay on their letters.
//!
//! The forms are `ar-reshaper`'s table. Its own `reshape` is not used: it says nothing about which
//! letter became which, panics on a text that begins with a mark or holds a lone joiner, and takes
//! quadratic time in the number of ligatures.

use std::sync::OnceLock;

use ar_reshaper::form::Forms;
use ar_reshaper::letters::letters_db::LETTERS_ARABIC;

/// First and last code point of the letters that the table holds.
const FIRST: u32 = 0x0621;
const LAST: u32 = 0x06d3;
const NONE: char = '\0';
const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
const LAM: char = '\u{644}';

fn forms(c: char) -> Option<&'static Forms> {
    static TABLE: OnceLock<Vec<Option<Forms>>> = OnceLock::new();
    let at = u32::from(c).checked_sub(FIRST)?;
    let table = TABLE.get_or_init(|| {
        let mut table = vec![None; (LAST - FIRST + 1) as usize];
        for (letter, forms) in LETTERS_ARABIC {
            let row = u32::from(letter).checked_sub(FIRST).and_then(|i| table.get_mut(i as usize));
            if let Some(row) = row {
                *row = Some(forms);
            }
        }
        table
    });
    table.get(at as usize)?.as_ref()
}

/// The ligature of lam and this letter: isolated and final form.
fn lam_alef(alef: char) -> Option<(char, char)> {
    match alef {
        '\u{622}' => Some(('\u{fef5}', '\u{fef6}')),
        '\u{623}' => Some(('\u{fef7}', '\u{fef8}')),
        '\u{625}' => Some(('\u{fef9}', '\u{fefa}')),
        '\u{627}' => Some(('\u{fefb}', '\u{fefc}')),
        _ => None,
    }
}

/// How a cluster joins its neighbours in reading order.
#[derive(Debug, Clone, Copy, Default)]
struct Joins {
    before: bool,
    after: bool,
    /// A joiner stands behind it: it joins even where nothing follows.
    forced: bool,
}

fn joins(cluster: &str) -> Joins {
    let mut chars = cluster.chars();
    let forms = chars.next().and_then(forms);
    let mut out = Joins {
        before: forms.is_some_and(|f| f.end != NONE),
        after: forms.is_some_and(|f| f.initial != NONE),
        forced: false,
    };
    for c in chars {
        match c {
            NON_JOINER => (out.after, out.forced) = (false, false),
            JOINER => (out.after, out.forced) = (true, true),
            _ => {}
        }
    }
    out
}

/// What becomes of one cluster, or of two: lam and alef share a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shaped {
    /// Clusters that it stands for, 1 or 2.
    pub clusters: usize,
    /// The presentation form in place of the letters; `None` where the cluster stays as it is.
    pub form: Option<char>,
}

impl Shaped {
    /// Writes the form and the marks of the clusters that went into it.
    pub fn write(self, clusters: &[&str], out: &mut String) {
        match self.form {
            None => clusters.iter().for_each(|c| out.push_str(c)),
            Some(form) => {
                out.push(form);
                // Joiners have done their work and would only confuse a terminal.
                let marks = clusters.iter().flat_map(|c| c.chars().skip(1));
                out.extend(marks.filter(|c| !matches!(*c, NON_JOINER | JOINER)));
            }
        }
    }
}

/// Whether a text holds a letter that shaping would change.
pub(super) fn needs_shaping(text: &str) -> bool {
    text.chars().any(|c| matches!(u32::from(c), FIRST..=LAST))
}

/// Shapes the clusters of one paragraph.
pub(super) fn shape(clusters: &[&str]) -> Vec<Shaped> {
    let mut out = Vec::with_capacity(clusters.len());
    let mut before = Joins::default();
    let mut i = 0;
    while let Some(cluster) = clusters.get(i) {
        let this = joins(cluster);
        let next = clusters.get(i + 1).map(|c| joins(c)).unwrap_or_default();
        let first = cluster.chars().next().unwrap_or(NONE);
        let joined_before = this.before && before.after;
        let alef = clusters.get(i + 1).and_then(|c| c.chars().next());
        if first == LAM
            && this.after
            && !this.forced
            && let Some((isolated, end)) = alef.and_then(lam_alef)
        {
            let form = if joined_before { end } else { isolated };
            out.push(Shaped { clusters: 2, form: Some(form) });
            before = next;
            i += 2;
            continue;
        }
        let joined_after = this.after && (this.forced || next.before);
        let form = forms(first).map(|f| {
            let form = match (joined_before, joined_after) {
                (false, false) => f.isolated,
                (false, true) => f.initial,
                (true, false) => f.end,
                (true, true) => f.medial,
            };
            if form == NONE { f.isolated } else { form }
        });
        out.push(Shaped { clusters: 1, form });
        before = this;
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_segmentation::UnicodeSegmentation;

    fn shaped(text: &str) -> String {
        let clusters: Vec<&str> = text.graphemes(true).collect();
        let (mut out, mut at) = (String::new(), 0);
        for s in shape(&clusters) {
            s.write(&clusters[at..at + s.clusters], &mut out);
            at += s.clusters;
        }
        assert_eq!(at, clusters.len());
        out
    }

    #[test]
    fn what_has_no_forms_stays_and_nothing_is_lost() {
        for text in ["", "abc", "שלום", "狗", "\u{64b}", "\u{200d}", "\u{25cc}\u{64b}", "ࢠ"]
        {
            assert_eq!(shaped(text), text, "{text:?}");
        }
    }

    #[test]
    fn joiners_decide_where_neighbours_do_not() {
        // Heh alone, forced to join, and kept apart from its neighbour.
        assert_eq!(shaped("ه"), "\u{fee9}");
        assert_eq!(shaped("ه\u{200d}"), "\u{feeb}");
        assert_eq!(shaped(" \u{200d}ه"), " \u{200d}\u{feea}");
        assert_eq!(shaped("به"), "\u{fe91}\u{feea}");
        assert_eq!(shaped("ب\u{200c}ه"), "\u{fe8f}\u{fee9}");
        assert_eq!(shaped("ل\u{200c}ا"), "\u{fedd}\u{fe8d}");
    }

    #[test]
    fn lam_and_alef_become_one_letter_that_keeps_both_their_marks() {
        assert_eq!(shaped("لا"), "\u{fefb}");
        assert_eq!(shaped("بلا"), "\u{fe91}\u{fefc}");
        assert_eq!(shaped("لآلألإ"), "\u{fef5}\u{fef7}\u{fef9}");
        assert_eq!(shaped("لَا"), "\u{fefb}\u{64e}");
        // Alef does not join what follows.
        assert_eq!(shaped("سلام"), "\u{feb3}\u{fefc}\u{fee1}");
    }
}
