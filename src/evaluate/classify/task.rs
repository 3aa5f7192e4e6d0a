//! A classification task as its file declares it: whose culture, which kind, where the texts come
//! from, which labels there are and by which words a model may give them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::ClassifyError;
use super::kind::Kind;
use super::parser::{PaperRules, ParserName};

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// As the label column of the data writes it.
    pub gold: String,
    /// The word that the prompt asks for.
    pub say: String,
    /// Other words for it that a model may answer, in any language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Items with this gold label in the set as it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// Where the texts come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The dataset's name.
    pub dataset: String,
    /// Who made it, and where it is described.
    pub citation: String,
    /// A page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Under which terms its owners give it.
    pub licence: String,
    /// How a user comes by the file.
    pub get: String,
}

/// Which columns hold what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnNames {
    /// The text: the first of these that a line has.
    pub text: Vec<String>,
    /// The gold label.
    pub label: String,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskPrompt {
    /// Changes whenever a word of it changes; part of the plan.
    pub version: String,
    /// System message; none when empty.
    #[serde(default)]
    pub system: String,
    /// User message, with `{text}` in it once.
    pub user: String,
}

/// The set as it was released: facts to compare a file with, not a condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Items.
    pub items: u64,
    /// SHA-256 of the released file, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Items without a gold label.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub empty_gold: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// `arabic/offensive`: the culture, a slash, a name.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// The culture's id.
    pub culture: String,
    /// BCP 47 tag of the texts.
    pub language: String,
    /// The kind.
    pub kind: Kind,
    /// Why this kind, where it was ours to settle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<String>,
    /// The pool of texts that it shares with other tasks; a pool is counted once in means.
    pub pool: String,
    /// Other names: that of the release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What a reader of its figures should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where the texts come from.
    pub source: Source,
    /// Columns of the data.
    pub columns: ColumnNames,
    /// The labels; macro-F1 is the mean over these, whatever the data hold.
    pub labels: Vec<Label>,
    /// What a model is asked.
    pub prompt: TaskPrompt,
    /// How a reply is read.
    pub parser: ParserName,
    /// The rules of the released parser for this task, for `--parser paper`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_rules: Option<PaperRules>,
    /// The set as it was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// The file: as [`Task`], with the places of what is checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<u32>,
    name: Spanned<String>,
    title: String,
    culture: Spanned<String>,
    language: String,
    kind: Spanned<String>,
    settled: Option<String>,
    pool: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    source: Source,
    columns: Spanned<ColumnNames>,
    labels: Vec<Spanned<Label>>,
    prompt: Spanned<TaskPrompt>,
    parser: Spanned<String>,
    paper_rules: Option<Spanned<String>>,
    expected: Option<Expected>,
}

impl Task {
    /// Reads a task file.
    ///
    /// # Errors
    /// What is wrong with it, at its line: not TOML, a key that is unknown or missing, a kind or
    /// parser that is none, fewer than two labels, one label or one word given twice, a prompt
    /// without `{text}`.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ClassifyError> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() as u64 + 1;
        let bad = |at: Option<usize>, reason: String| ClassifyError::TaskFile {
            path: path.to_owned(),
            line: at.map(line),
            reason,
        };
        let file: File = toml::from_str(text)
            .map_err(|e| bad(e.span().map(|s| s.start), e.message().to_owned()))?;
        let at = |s: std::ops::Range<usize>| Some(s.start);
        if *file.version.get_ref() != 1 {
            return Err(bad(
                at(file.version.span()),
                format!("form {}: this polyculture reads form 1", file.version.get_ref()),
            ));
        }
        let kind = file.kind.get_ref().parse().map_err(|e| bad(at(file.kind.span()), e))?;
        let parser = file.parser.get_ref().parse().map_err(|e| bad(at(file.parser.span()), e))?;
        let paper_rules = match &file.paper_rules {
            Some(r) => Some(r.get_ref().parse().map_err(|e| bad(at(r.span()), e))?),
            None => None,
        };
        let name = file.name.get_ref();
        let of_culture =
            name.split_once('/').is_some_and(|(c, n)| c == file.culture.get_ref() && is_slug(n));
        if !of_culture || !is_slug(file.culture.get_ref()) {
            return Err(bad(
                at(file.name.span()),
                format!(
                    "the name `{name}` should be `{}/NAME`: the culture, a slash, then letters, \
                     digits, `-`, `_`",
                    file.culture.get_ref()
                ),
            ));
        }
        if file.columns.get_ref().text.is_empty() {
            return Err(bad(
                at(file.columns.span()),
                "`text` names no column: give at least one, such as [\"data\"]".into(),
            ));
        }
        if file.prompt.get_ref().user.matches("{text}").count() != 1 {
            return Err(bad(
                at(file.prompt.span()),
                "`user` must hold {text} once: that is where the text goes".into(),
            ));
        }
        if file.labels.len() < 2 {
            return Err(bad(None, "fewer than two [[labels]]: nothing could be told apart".into()));
        }
        if file.labels.len() > 200 {
            return Err(bad(None, "more than 200 [[labels]]: this is no classification".into()));
        }
        check_labels(&file.labels).map_err(|(span, reason)| bad(at(span), reason))?;
        let prompt = file.prompt.get_ref();
        if let Some(l) = file.labels.iter().find(|l| {
            let say = &l.get_ref().say;
            !prompt.user.contains(say) && !prompt.system.contains(say)
        }) {
            return Err(bad(
                at(l.span()),
                format!("the prompt never says `{}`: a model cannot know it", l.get_ref().say),
            ));
        }
        Ok(Self {
            pool: file.pool.unwrap_or_else(|| name.clone()),
            name: file.name.into_inner(),
            title: file.title,
            culture: file.culture.into_inner(),
            language: file.language,
            kind,
            settled: file.settled,
            aliases: file.aliases,
            notes: file.notes,
            source: file.source,
            columns: file.columns.into_inner(),
            labels: file.labels.into_iter().map(Spanned::into_inner).collect(),
            prompt: file.prompt.into_inner(),
            parser,
            paper_rules,
            expected: file.expected,
        })
    }

    /// The index of a gold label as the data writes it.
    pub fn label(&self, gold: &str) -> Option<usize> {
        self.labels.iter().position(|l| l.gold == gold)
    }

    /// Macro-F1 of always giving the same label, by the label for which it is best; from the
    /// declared counts. `None` without them.
    pub fn best_constant(&self) -> Option<(usize, f64)> {
        let counts: Option<Vec<u64>> = self.labels.iter().map(|l| l.expected).collect();
        let empty = self.expected.as_ref().map_or(0, |e| e.empty_gold);
        best_constant(&counts?, empty)
    }
}

/// The label for which a constant answer has the best macro-F1, and that macro-F1, from the gold
/// counts and the number of items that have no gold label (which no answer gets right).
pub fn best_constant(counts: &[u64], without_gold: u64) -> Option<(usize, f64)> {
    let n = counts.iter().sum::<u64>() + without_gold;
    let (best, most) =
        counts.iter().copied().enumerate().max_by_key(|(i, c)| (*c, usize::MAX - i))?;
    if n == 0 {
        return None;
    }
    Some((best, 2.0 * most as f64 / (n + most) as f64 / counts.len() as f64))
}

fn is_slug(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Every gold value and every word belongs to one label.
fn check_labels(labels: &[Spanned<Label>]) -> Result<(), (std::ops::Range<usize>, String)> {
    let mut golds: Vec<&str> = Vec::new();
    let mut words: Vec<(String, &str)> = Vec::new();
    for l in labels {
        let label = l.get_ref();
        if label.gold.is_empty() {
            return Err((
                l.span(),
                "a label with an empty `gold`: an item without a gold label is left out and \
                 counted, it is no class"
                    .into(),
            ));
        }
        if golds.contains(&label.gold.as_str()) {
            return Err((l.span(), format!("the label `{}` stands here twice", label.gold)));
        }
        golds.push(&label.gold);
        if label.say.trim().is_empty() {
            return Err((l.span(), format!("label `{}`: `say` is empty", label.gold)));
        }
        for word in std::iter::once(&label.say).chain(&label.words) {
            let folded = super::parser::fold(word);
            if let Some((_, other)) = words.iter().find(|(w, g)| *w == folded && *g != label.gold) {
                return Err((
                    l.span(),
                    format!(
                        "the word `{word}` is given for `{other}` and for `{}`: a reply with it \
                         could not be read",
                        label.gold
                    ),
                ));
            }
            words.push((folded, &label.gold));
        }
    }
    Ok(())
}
