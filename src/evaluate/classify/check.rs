//! The look at a set before any money is spent: what is in the file, and how far a model that
//! knows every answer would come. An oracle gives, for each item, the word that the prompt asks for
//! its gold label; its macro-F1 is the ceiling of the set under a parser.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::data::Items;
use super::parser::{Parser, ParserName, Reading};
use super::task::{Task, best_constant};
use super::{ClassifyError, Item};
use crate::stats::bootstrap::Resampling;
use crate::stats::classification::{Answered, Texts};

/// Fewer items than this of the rarest label: no claim of significance (`docs/science.md`).
pub const FEWEST: u64 = 20;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// No items.
    Empty,
    /// Every item has the same gold label, or a declared label has no item.
    Degenerate,
    /// Items without a gold label.
    EmptyGold,
    /// Gold values that the task does not declare.
    Undeclared,
    /// A model that knows every answer scores below 1.
    Ceiling,
    /// Fewer than [`FEWEST`] items of a label.
    FewPositives,
    /// One text several times.
    Duplicates,
    /// One text with several gold labels.
    Contradictions,
    /// Items without a text.
    BlankText,
    /// Not the file that was released.
    OtherFile,
}

/// One thing that a reader of the figures should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// True where a run refuses the set unless told otherwise.
    pub stops: bool,
    /// In words, with the numbers.
    pub message: String,
}

/// What an oracle met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Misread {
    /// The gold label.
    pub gold: String,
    /// What the oracle said.
    pub said: String,
    /// What the parser made of it.
    pub read_as: String,
    /// On so many items.
    pub items: u64,
}

/// The outcome for one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The task.
    pub task: String,
    /// Which parser the ceiling is for.
    pub parser: ParserName,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Items in the file.
    pub items: u64,
    /// Different texts.
    pub texts: u64,
    /// Gold labels and their items, in the order of the task's labels, others after them.
    pub counts: Vec<(String, u64)>,
    /// Macro-F1 of the oracle over the labels that are scored; `None` without items.
    pub ceiling: Option<f64>,
    /// Where the oracle's answer is read as something else than its gold label.
    pub misread: Vec<Misread>,
    /// The label whose constant answer scores best, and its macro-F1.
    pub best_constant: Option<(String, f64)>,
    /// Items of the rarest declared label.
    pub rarest: u64,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Check {
    /// Findings that stop a run.
    pub fn stops(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.stops)
    }

    /// Refuses a set that would be scored to no end.
    ///
    /// # Errors
    /// [`ClassifyError::Refused`] with every finding that stops a run.
    pub fn pass(&self) -> Result<(), ClassifyError> {
        let reasons: Vec<&str> = self.stops().map(|f| f.message.as_str()).collect();
        if reasons.is_empty() {
            return Ok(());
        }
        Err(ClassifyError::Refused {
            task: self.task.clone(),
            reason: format!(
                "{}; `--allow-degenerate` runs it all the same, and its row says so",
                reasons.join("; ")
            ),
        })
    }
}

/// Reads a data file and checks it against its task.
///
/// # Errors
/// A line that is wrong; a parser that has no rules for the task.
pub fn check(task: &Task, path: &Path, parser: ParserName) -> Result<Check, ClassifyError> {
    let bytes = std::fs::read(path).map_err(ClassifyError::io(path))?;
    let sha256 = crate::evaluate::locked::checksum(&bytes);
    drop(bytes);
    check_items(task, Items::open(path, task)?, parser, sha256)
}

/// What an oracle says to an item: the word that the prompt asks for its gold label. An item
/// without one gets an empty reply.
pub fn oracle<'a>(task: &'a Task, gold: &'a str) -> &'a str {
    task.label(gold).map_or(gold, |i| task.labels[i].say.as_str())
}

/// As [`check`], from items.
///
/// # Errors
/// See [`check`].
pub fn check_items(
    task: &Task,
    items: impl Iterator<Item = Result<Item, ClassifyError>>,
    parser: ParserName,
    sha256: String,
) -> Result<Check, ClassifyError> {
    let reader = Parser::of(task, parser)?;
    let labels = reader.labels().len();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut seen: HashMap<u64, (u64, String, bool)> = HashMap::new();
    let (mut n, mut blank) = (0u64, 0u64);
    for item in items {
        let item = item?;
        n += 1;
        blank += u64::from(item.text.trim().is_empty());
        let text = seen.entry(item.text_key()).or_insert((0, item.gold.clone(), false));
        text.0 += 1;
        text.2 |= text.1 != item.gold;
        *counts.entry(item.gold).or_default() += 1;
    }
    // The oracle's answer depends on the gold label only, so each is read once.
    let mut misread = Vec::new();
    let mut told = Texts::new(&[labels]).map_err(|source| ClassifyError::Undefined {
        what: format!("ceiling of {}", task.name),
        source,
    })?;
    for (gold, items) in &counts {
        let said = oracle(task, gold);
        let reading = reader.read(said);
        let right = reader.gold(gold);
        let index = right.unwrap_or(labels) as u32;
        let answer = reading.label().unwrap_or(labels) as u32;
        if !gold.is_empty() && (right.is_none() || reading.label() != right) {
            misread.push(Misread {
                gold: gold.clone(),
                said: said.to_owned(),
                read_as: reading_word(reading, &reader),
                items: *items,
            });
        }
        // Under our parser an item without a gold label is left out; the released one scores it.
        if gold.is_empty() && parser == ParserName::Default {
            continue;
        }
        for _ in 0..*items {
            told.add(vec![Answered { set: 0, gold: index, said: [answer; 2] }])
                .map_err(|source| ClassifyError::Undefined { what: "ceiling".into(), source })?;
        }
    }
    let ceiling =
        told.draws(&Resampling { draws: 1, ..Resampling::default() }).ok().map(|d| d.value[0]);
    let of = |gold: &str| counts.get(gold).copied().unwrap_or_default();
    let declared: Vec<u64> = task.labels.iter().map(|l| of(&l.gold)).collect();
    let constant = best_constant(&declared, n - declared.iter().sum::<u64>())
        .map(|(i, f1)| (task.labels[i].gold.clone(), f1));
    let mut listed: Vec<(String, u64)> =
        task.labels.iter().zip(&declared).map(|(l, c)| (l.gold.clone(), *c)).collect();
    listed.extend(
        counts.iter().filter(|(g, _)| task.label(g).is_none()).map(|(g, c)| (g.clone(), *c)),
    );
    let mut out = Check {
        task: task.name.clone(),
        parser,
        sha256,
        items: n,
        texts: seen.len() as u64,
        counts: listed,
        ceiling,
        misread,
        best_constant: constant,
        rarest: declared.iter().copied().min().unwrap_or_default(),
        findings: Vec::new(),
    };
    out.findings = findings(task, &out, &declared, &seen, blank);
    Ok(out)
}

fn reading_word(reading: Reading, parser: &Parser) -> String {
    match reading {
        Reading::Label(i) => parser.labels()[i].clone(),
        Reading::Refusal => "a refusal".into(),
        Reading::Invalid(_) => "no label".into(),
    }
}

fn findings(
    task: &Task,
    check: &Check,
    declared: &[u64],
    seen: &HashMap<u64, (u64, String, bool)>,
    blank: u64,
) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut say = |kind, stops, message: String| out.push(Finding { kind, stops, message });
    if check.items == 0 {
        say(FindingKind::Empty, true, "the file holds no items".into());
        return out;
    }
    let empty = check.counts.iter().find(|(g, _)| g.is_empty()).map_or(0, |(_, c)| *c);
    if empty > 0 {
        say(
            FindingKind::EmptyGold,
            true,
            format!("{empty} of {} items have no gold label", check.items),
        );
    }
    let stray: Vec<String> = check
        .counts
        .iter()
        .filter(|(g, _)| !g.is_empty() && task.label(g).is_none())
        .map(|(g, c)| format!("`{g}` ({c})"))
        .collect();
    if !stray.is_empty() {
        say(
            FindingKind::Undeclared,
            true,
            format!("gold values that the task does not declare: {}", stray.join(", ")),
        );
    }
    let present = declared.iter().filter(|c| **c > 0).count();
    if present < declared.len() {
        let absent: Vec<&str> = task
            .labels
            .iter()
            .zip(declared)
            .filter(|(_, c)| **c == 0)
            .map(|(l, _)| l.gold.as_str())
            .collect();
        let what =
            if present <= 1 { "every item has one gold label" } else { "a label is missing" };
        say(FindingKind::Degenerate, true, format!("{what}: no item is {}", absent.join(", ")));
    }
    if let Some(ceiling) = check.ceiling
        && ceiling < 1.0 - 1e-9
    {
        let mut how: Vec<String> = check
            .misread
            .iter()
            .map(|m| format!("`{}` for {} is read as {}", m.said, m.gold, m.read_as))
            .collect();
        how.truncate(7);
        let how = if how.is_empty() { String::new() } else { format!(" ({})", how.join(", ")) };
        say(
            FindingKind::Ceiling,
            true,
            format!(
                "a model that knows every answer scores {ceiling:.3} under parser {}{how}",
                check.parser
            ),
        );
    }
    if check.rarest < FEWEST && present == declared.len() {
        say(
            FindingKind::FewPositives,
            false,
            format!(
                "its rarest label has {} items, fewer than {FEWEST}: no claim of significance",
                check.rarest
            ),
        );
    }
    let repeats = check.items - check.texts;
    if repeats > 0 {
        say(
            FindingKind::Duplicates,
            false,
            format!("{repeats} items repeat a text: texts, not items, are resampled"),
        );
    }
    let contradictory = seen.values().filter(|(_, _, several)| *several).count();
    if contradictory > 0 {
        say(
            FindingKind::Contradictions,
            false,
            format!("{contradictory} texts have several gold labels"),
        );
    }
    if blank > 0 {
        say(FindingKind::BlankText, false, format!("{blank} items have no text"));
    }
    if let Some(e) = &task.expected
        && e.sha256.as_ref().is_some_and(|s| *s != check.sha256)
    {
        let same = check.items == e.items
            && task.labels.iter().zip(declared).all(|(l, c)| l.expected == Some(*c));
        say(
            FindingKind::OtherFile,
            false,
            if same {
                "not byte for byte the released file, but as many items of each label".into()
            } else {
                format!(
                    "not the released file: {} items, expected {}; figures are not comparable \
                     with published ones",
                    check.items, e.items
                )
            },
        );
    }
    out
}
