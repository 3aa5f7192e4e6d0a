//! Sentences on lines: numbered in any digits, bulleted, labelled, in a table, or bare between a
//! preamble and a postscript.

use super::clean::is_frame;

/// What stands before a line's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Bullet,
    Number,
}

struct Line<'a> {
    mark: Mark,
    text: &'a str,
}

/// Sentences found on lines.
pub(super) struct Found {
    pub items: Vec<String>,
    /// The last item is the last thing said: if the reply was cut, this one was.
    pub to_the_end: bool,
}

const BULLETS: [char; 18] = [
    '-', '*', '+', '\u{2022}', '\u{2023}', '\u{25e6}', '\u{25aa}', '\u{25cf}', '\u{25cb}',
    '\u{b7}', '\u{2013}', '\u{2014}', '\u{25ba}', '\u{25b6}', '\u{27a4}', '\u{2713}', '\u{2714}',
    '\u{30fb}',
];
/// What may stand after an item's number.
const AFTER_NUMBER: [char; 12] = [
    '.', ')', ':', ']', '-', '\u{2013}', '\u{3002}', '\u{ff0e}', '\u{ff1a}', '\u{ff09}',
    '\u{3001}', '\u{66b}',
];
/// Labels before a number or a colon: `Paraphrase 2:`.
const LABELS: [&str; 16] = [
    "paraphrased",
    "paraphrase",
    "sentence",
    "version",
    "variant",
    "variation",
    "option",
    "rewrite",
    "rephrased",
    "rephrase",
    "alternative",
    "translation",
    "rewritten",
    "item",
    "example",
    "output",
];
/// First words of what models say before a list, lower case.
const PREAMBLES: [&str; 34] = [
    "sure",
    "certainly",
    "of course",
    "absolutely",
    "okay",
    "ok,",
    "here are",
    "here is",
    "here's",
    "below are",
    "the following",
    "voici",
    "bien sûr",
    "aquí",
    "claro",
    "por supuesto",
    "aqui estão",
    "hier sind",
    "natürlich",
    "gerne",
    "ecco",
    "certo",
    "конечно",
    "вот",
    "tabii",
    "işte",
    "بالتأكيد",
    "بالطبع",
    "إليك",
    "অবশ্যই",
    "当然",
    "好的",
    "以下",
    "다음은",
];
/// First words of what models say after a list.
const POSTSCRIPTS: [&str; 26] = [
    "let me know",
    "i hope",
    "hope this",
    "note:",
    "note that",
    "please note",
    "(note",
    "feel free",
    "would you like",
    "each of these",
    "each sentence",
    "each version",
    "all of these",
    "these sentences",
    "these versions",
    "these paraphrases",
    "these rewrites",
    "is there anything",
    "explanation:",
    "j'espère",
    "n'hésitez",
    "espero que",
    "ich hoffe",
    "lass mich",
    "希望",
    "希望这",
];

/// How many lines of a text are numbered or bulleted.
pub(super) fn marked(text: &str) -> usize {
    text.lines().filter(|l| split_mark(l).mark != Mark::None).count()
}

/// A text without the number or bullet before it.
pub(super) fn without_mark(text: &str) -> &str {
    if text.contains('\n') { text } else { split_mark(text).text }
}

/// The sentences of a reply without JSON.
pub(super) fn sentences(text: &str) -> Found {
    let rows: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty() && !is_frame(l)).collect();
    if rows.iter().filter(|r| is_table_row(r)).count() >= 2 {
        return table(&rows);
    }
    let lines: Vec<Line<'_>> =
        rows.iter().map(|l| split_mark(l)).filter(|l| !l.text.is_empty()).collect();
    let count = |m: Mark| lines.iter().filter(|l| l.mark == m && !is_heading(l.text)).count();
    let (numbers, bullets) = (count(Mark::Number), count(Mark::Bullet));
    let plain: Vec<usize> = plain_lines(&lines);
    let wanted = match (numbers, bullets) {
        (2.., _) => Some(Mark::Number),
        (_, 2..) => Some(Mark::Bullet),
        (1, _) if plain.len() <= 1 => Some(Mark::Number),
        (_, 1) if plain.is_empty() => Some(Mark::Bullet),
        _ => None,
    };
    let chosen: Vec<usize> = match wanted {
        Some(mark) => (0..lines.len())
            .filter(|&i| lines[i].mark == mark && !is_heading(lines[i].text))
            .collect(),
        None => plain,
    };
    let to_the_end = chosen.last().is_some_and(|&i| i + 1 == lines.len());
    let mut items: Vec<String> = Vec::new();
    for &i in &chosen {
        match in_one_line(lines[i].text, lines[i].mark) {
            Some(many) => items.extend(many.into_iter().map(str::to_owned)),
            None => items.push(lines[i].text.to_owned()),
        }
    }
    Found { items, to_the_end }
}

/// Lines that are neither preamble nor postscript nor heading, whatever their mark.
fn plain_lines(lines: &[Line<'_>]) -> Vec<usize> {
    let starts = |text: &str, with: &[&str]| {
        let lower = text.trim_start_matches(['*', '_', '#', ' ']).to_lowercase();
        with.iter().any(|p| {
            lower.strip_prefix(p).is_some_and(|rest| {
                p.ends_with([',', ':']) || !p.is_ascii() || !rest.starts_with(char::is_alphanumeric)
            })
        })
    };
    let mut from = 0;
    // `Sure thing is sure.` alone is what there is: a preamble has something after it.
    while from + 1 < lines.len()
        && (is_heading(lines[from].text) || starts(lines[from].text, &PREAMBLES))
    {
        from += 1;
    }
    let mut to = lines.len();
    for i in (from + 1..lines.len()).rev() {
        if starts(lines[i].text, &POSTSCRIPTS) {
            to = i;
        }
    }
    (from..to).filter(|&i| !is_heading(lines[i].text)).collect()
}

/// `Here are three versions:`, `**Viewpoint:**`.
fn is_heading(text: &str) -> bool {
    text.trim_end_matches(['*', '_', ' ']).ends_with([':', '\u{ff1a}'])
}

/// A line's mark and what stands after it; emphasis and quoting signs of markdown around the mark
/// go with it.
fn split_mark(line: &str) -> Line<'_> {
    let mut text = line.trim();
    text = text.trim_start_matches(['#', '>']).trim_start();
    let mut mark = Mark::None;
    for _ in 0..3 {
        // `**1.** text`: the emphasis belongs to the number.
        let inner = text.trim_start_matches(['*', '_']);
        let (found, rest) = if let Some(rest) = after_number(inner) {
            (
                Mark::Number,
                if inner.len() < text.len() { rest.trim_start_matches(['*', '_']) } else { rest },
            )
        } else if let Some(rest) = after_bullet(text) {
            (Mark::Bullet, rest)
        } else {
            break;
        };
        if rest.trim().is_empty() {
            break;
        }
        mark = if mark == Mark::Number { mark } else { found };
        text = rest.trim_start();
    }
    Line { mark, text: after_label(text).trim() }
}

fn after_bullet(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    let rest = chars.next().filter(|c| BULLETS.contains(c)).map(|_| chars.as_str())?;
    let rest = rest.strip_prefix(char::is_whitespace).or_else(|| {
        text.starts_with(['\u{2022}', '\u{25cf}', '\u{25aa}', '\u{30fb}']).then_some(rest)
    })?;
    let rest = rest.trim_start();
    // A task list.
    Some(rest.strip_prefix("[ ]").or_else(|| rest.strip_prefix("[x]")).unwrap_or(rest))
}

/// `1.`, `(2)`, `[3]`, `٤-`, `５．`, `Paraphrase 6:`, `a)`, `iv.`
fn after_number(text: &str) -> Option<&str> {
    let opened = text.trim_start_matches(['(', '[', '\u{ff08}', '\u{3010}', '#']);
    let lower = opened.get(..24.min(opened.len())).unwrap_or(opened).to_lowercase();
    let label = LABELS.iter().find(|l| lower.starts_with(**l));
    let number_at = label.map_or(opened, |l| opened.get(l.len()..).unwrap_or("").trim_start());
    let digits = number_at.chars().take_while(|c| c.is_numeric()).count();
    let rest = if (1..=3).contains(&digits) {
        let end = number_at.char_indices().nth(digits).map_or(number_at.len(), |(i, _)| i);
        let circled = number_at.starts_with(|c| matches!(c, '\u{2460}'..='\u{2473}'));
        let rest = &number_at[end..];
        if circled {
            return Some(rest.trim_start_matches(AFTER_NUMBER));
        }
        rest
    } else if label.is_none() {
        let letters = opened.chars().take_while(|c| matches!(c, 'i' | 'v' | 'x')).count();
        let one = opened.chars().next().filter(|c| matches!(c, 'a'..='h' | 'A'..='H'));
        match (letters, one) {
            (1..=4, _) => &opened[letters..],
            (_, Some(c)) if opened[c.len_utf8()..].starts_with(')') => &opened[c.len_utf8()..],
            _ => return None,
        }
    } else {
        return None;
    };
    let rest = rest.trim_start_matches(['*', '_']);
    let trimmed = rest.trim_start();
    let after = trimmed.strip_prefix(AFTER_NUMBER)?;
    let after = after.trim_start_matches([')', ']', '.', '*', '_', '\u{3011}']);
    // `1.5 million people`, `10-year plans`, `3:30`, and `12 - 14 years`.
    let glued = after.starts_with(|c: char| c.is_numeric());
    let dash_in_word =
        trimmed.starts_with(['-', '\u{2013}']) && after.starts_with(char::is_alphabetic);
    let spaced_range = after.trim_start().starts_with(|c: char| c.is_numeric())
        && trimmed.starts_with(['-', '\u{2013}']);
    (!glued && !dash_in_word && !spaced_range).then_some(after)
}

/// `Translation: ..`, `**Viewpoint:** ..`, `**Order** - ..`
fn after_label(text: &str) -> &str {
    let lower = text.get(..24.min(text.len())).unwrap_or(text).to_lowercase();
    if let Some(l) = LABELS.iter().find(|l| lower.starts_with(**l))
        && let Some(rest) = text.get(l.len()..)
        && let Some(after) = rest.trim_start().strip_prefix([':', '\u{ff1a}'])
        && !after.trim().is_empty()
    {
        return after.trim_start();
    }
    if let Some(inner) = text.strip_prefix("**")
        && let Some(end) = inner.find("**")
        && end <= 48
    {
        let (label, rest) = (&inner[..end], &inner[end + 2..]);
        let closed = label.trim_end().ends_with([':', '\u{ff1a}']);
        let after = rest.trim_start().strip_prefix([':', '\u{ff1a}', '\u{2013}', '\u{2014}', '-']);
        match (closed, after) {
            (true, _) if !rest.trim().is_empty() => return rest.trim_start(),
            (_, Some(after)) if !after.trim().is_empty() => return after.trim_start(),
            _ => {}
        }
    }
    text
}

/// `1. One thing. 2. Another. 3. A third.` on one line.
fn in_one_line(text: &str, mark: Mark) -> Option<Vec<&str>> {
    if mark != Mark::Number {
        return None;
    }
    let mut pieces = Vec::new();
    let (mut from, mut next) = (0, 2);
    loop {
        let cut = [format!(" {next}. "), format!(" {next}) "), format!(" ({next}) ")]
            .iter()
            .filter_map(|m| text[from..].find(m.as_str()).map(|i| (from + i, m.len())))
            .min();
        let Some((at, len)) = cut else { break };
        pieces.push(text[from..at].trim());
        (from, next) = (at + len, next + 1);
    }
    pieces.push(text[from..].trim());
    (pieces.len() > 1).then_some(pieces)
}

fn is_table_row(line: &str) -> bool {
    let line = line.trim();
    line.len() > 2 && line.starts_with('|') && line.ends_with('|')
}

/// The longest cell of each row below the header.
fn table(rows: &[&str]) -> Found {
    let is_rule = |r: &str| r.chars().all(|c| "|-: ".contains(c));
    let header = rows.iter().position(|r| is_table_row(r) && is_rule(r));
    let body: Vec<(usize, &&str)> = rows
        .iter()
        .enumerate()
        .skip(header.map_or(0, |h| h + 1))
        .filter(|(_, r)| is_table_row(r) && !is_rule(r))
        .collect();
    let items = body
        .iter()
        .filter_map(|(_, r)| r.trim().split('|').map(str::trim).max_by_key(|c| c.len()))
        .map(str::to_owned)
        .collect();
    // A row that was cut has no closing bar and is no row.
    Found { items, to_the_end: false }
}
