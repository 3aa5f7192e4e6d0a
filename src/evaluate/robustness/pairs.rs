//! Pairs of a text and what became of it: written by `robustness perturb`, drawn for a person who
//! says whether the label survived, and read back with the person's verdicts.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::job::{Said, Texts, changed_text};
use super::{Change, Changed, RobustnessPlan, Site, apply};
use crate::domain::Question;
use crate::evaluate::EvaluateError;
use crate::evaluate::figures::FigureRow;
use crate::providers::{Ask, Augmenter, Offline, Partition, Scope};
use crate::stats::dice::Dice;
use crate::stats::proportion::wilson;
use crate::table::{CsvReader, CsvRow, JsonlReader, TableError};

/// A text and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextPair {
    /// The item.
    pub item: String,
    /// The change.
    pub change: Change,
    /// Its label; empty for survey texts.
    #[serde(default)]
    pub label: String,
    /// The text as it is.
    pub original: String,
    /// The text as changed.
    pub text: String,
    /// Places changed.
    #[serde(default)]
    pub edits: usize,
}

fn bad(path: &Path, line: Option<u64>, reason: impl Into<String>) -> EvaluateError {
    EvaluateError::BadFile { path: path.to_owned(), line, reason: reason.into() }
}

fn of_table(path: &Path) -> impl Fn(TableError) -> EvaluateError + '_ {
    move |e| bad(path, e.line(), e.to_string())
}

/// One text to change: id, text, language, label, and what an injection wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainText {
    /// Its name.
    pub id: String,
    /// The text.
    pub text: String,
    /// BCP 47 tag.
    pub language: String,
    /// Its label, where it has one.
    pub label: String,
}

/// Reads texts: JSONL or CSV with `text` (or `data`, `tweet`, `comment`), and `id`, `label`,
/// `language` where they are there.
///
/// # Errors
/// A line without a text, an id that stands twice, an empty file; with file and line.
pub fn read_texts(path: &Path) -> Result<Vec<PlainText>, EvaluateError> {
    const TEXT: [&str; 4] = ["text", "data", "tweet", "comment"];
    let mut out: Vec<(u64, PlainText)> = Vec::new();
    let mut push = |line: u64, [text, id, label, language]: [Option<String>; 4]| {
        let text = text.filter(|t| !t.trim().is_empty());
        let Some(text) = text else {
            return Err(bad(path, Some(line), format!("no text: expected {}", TEXT.join(" or "))));
        };
        let given = |s: Option<String>| s.filter(|s| !s.trim().is_empty());
        out.push((
            line,
            PlainText {
                id: given(id).unwrap_or_else(|| format!("line-{line}")),
                text,
                language: given(language).unwrap_or_else(|| "und".into()),
                label: given(label).unwrap_or_default(),
            },
        ));
        Ok(())
    };
    if path.extension().is_some_and(|e| e == "jsonl" || e == "json") {
        let mut rows = JsonlReader::open(path).map_err(of_table(path))?;
        while let Some(row) = rows.next_row().map_err(of_table(path))? {
            let map = row.value.map_err(of_table(path))?;
            let cell = |names: &[&str]| {
                names.iter().find_map(|n| map.get(*n)).and_then(|v| match v {
                    serde_json::Value::String(s) => Some(s.clone()),
                    serde_json::Value::Number(n) => Some(n.to_string()),
                    _ => None,
                })
            };
            push(row.line, [cell(&TEXT), cell(&["id"]), cell(&["label"]), cell(&["language"])])?;
        }
    } else {
        let mut rows = CsvReader::open(path).map_err(of_table(path))?;
        let text = rows.require(&TEXT).map_err(of_table(path))?;
        let columns = ["id", "label", "language"].map(|c| rows.columns().find(&[c]));
        while let Some(row) = rows.next_row().map_err(of_table(path))? {
            match row {
                CsvRow::Ragged { line, found, expected } => {
                    let reason = format!("{found} fields, expected {expected} as in the header");
                    return Err(bad(path, Some(line), reason));
                }
                CsvRow::Record { line, fields } => {
                    let cell = |i: Option<usize>| i.and_then(|i| fields.get(i)).cloned();
                    let [id, label, language] = columns.map(cell);
                    push(line, [cell(Some(text)), id, label, language])?;
                }
            }
        }
    }
    if out.is_empty() {
        return Err(bad(path, None, "no text in it"));
    }
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (line, t) in &out {
        if let Some(first) = seen.insert(&t.id, *line) {
            let reason = format!("the id `{}` stands in line {first} already", t.id);
            return Err(bad(path, Some(*line), reason));
        }
    }
    Ok(out.into_iter().map(|(_, t)| t).collect())
}

/// Every text under every change. Injections want `wanted`. Paraphrases need a model and are left
/// out here (see a run of task `robustness`).
pub fn perturb(texts: &[PlainText], changes: &[Change], seed: u64, wanted: &str) -> Vec<TextPair> {
    let mut out = Vec::new();
    for change in changes {
        for t in texts {
            let site = Site { seed, item: &t.id, language: &t.language, wanted };
            if let Some(c) = apply(&t.text, *change, &site) {
                out.push(TextPair {
                    item: t.id.clone(),
                    change: *change,
                    label: t.label.clone(),
                    original: t.text.clone(),
                    text: c.text,
                    edits: c.edits,
                });
            }
        }
    }
    out
}

/// Survey seeds under every change. Paraphrases are made by the held-out template families, which
/// no training sample grows from; injections want the last option's code.
///
/// # Errors
/// The rule files of this build are broken.
pub fn perturb_seeds(
    seeds: &[Question],
    changes: &[Change],
    seed: u64,
) -> Result<Vec<TextPair>, EvaluateError> {
    let surveyed = SurveyTexts::new(seed)?;
    let mut out = Vec::new();
    for change in changes {
        for q in seeds {
            let Some(c) = surveyed.changed(q, q.id.as_str(), &q.text, *change)? else { continue };
            out.push(TextPair {
                item: q.id.to_string(),
                change: *change,
                label: String::new(),
                original: q.text.clone(),
                text: c.text,
                edits: c.edits,
            });
        }
    }
    Ok(out)
}

/// The rules, read once.
static RULES: LazyLock<Result<Offline, String>> =
    LazyLock::new(|| Offline::new().map_err(|e| e.to_string()));

/// Changes texts of survey questions.
#[derive(Debug)]
pub struct SurveyTexts {
    rules: &'static Offline,
    seed: u64,
}

impl SurveyTexts {
    /// With the rules of this build.
    ///
    /// # Errors
    /// The rule files are broken.
    pub fn new(seed: u64) -> Result<Self, EvaluateError> {
        let rules = RULES.as_ref().map_err(|e| EvaluateError::BadPlan(e.clone()))?;
        Ok(Self { rules, seed })
    }

    /// A text of a question under a change; `None` where the rules have no paraphrase of it.
    ///
    /// # Errors
    /// The rule files are broken.
    pub fn changed(
        &self,
        q: &Question,
        id: &str,
        text: &str,
        change: Change,
    ) -> Result<Option<Changed>, EvaluateError> {
        let wanted = q.scale.options().last().map_or(String::new(), |o| o.code.to_string());
        let site = Site { seed: self.seed, item: id, language: &q.language, wanted: &wanted };
        if let Some(c) = apply(text, change, &site) {
            return Ok(Some(c));
        }
        let rng_seed = Dice::new(self.seed, &["paraphrase", id]).below(1 << 30) as u64;
        let ask = Ask { n: 1, rng_seed, scope: Scope::of(Partition::HeldOut) };
        let made = self.rules.paraphrase(q, &ask);
        let made = made.map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
        Ok(made.first().and_then(|p| p.text()).map(|t| Changed { text: t.to_owned(), edits: 1 }))
    }
}

/// All changed texts of a run.
pub fn pairs_of_run(plan: &RobustnessPlan, texts: &Texts, said: &Said) -> Vec<TextPair> {
    let mut out = Vec::new();
    for change in &plan.changes {
        for (item, _, wanted) in &texts.items {
            let Some(text) = changed_text(plan, said, item, *wanted, *change) else { continue };
            out.push(TextPair {
                item: item.number.to_string(),
                change: *change,
                label: item.gold.clone(),
                original: item.text.clone(),
                text,
                edits: 1,
            });
        }
    }
    out
}

/// Draws `n` pairs that did change, the changes in turn and no text twice where there are enough.
pub fn draw_pairs(pairs: &[TextPair], n: usize, seed: u64) -> Vec<TextPair> {
    let mut by_change: BTreeMap<String, Vec<&TextPair>> = BTreeMap::new();
    for p in pairs.iter().filter(|p| p.text != p.original) {
        by_change.entry(p.change.to_string()).or_default().push(p);
    }
    for (name, list) in &mut by_change {
        Dice::new(seed, &["check", name]).shuffle(list);
        list.reverse(); // drawn from the end
    }
    let mut out: Vec<TextPair> = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    while out.len() < n {
        let before = out.len();
        for list in by_change.values_mut() {
            if out.len() == n {
                break;
            }
            let fresh = list.iter().rposition(|p| !used.contains(&p.item.as_str()));
            if let Some(i) = fresh.or_else(|| list.len().checked_sub(1)) {
                let p = list.remove(i);
                used.push(&p.item);
                out.push(p.clone());
            }
        }
        if out.len() == before {
            break;
        }
    }
    out
}

/// Writes pairs for a person: one row a pair, with an empty column `verdict`.
///
/// # Errors
/// The file cannot be written.
pub fn write_pairs(pairs: &[TextPair], out: impl Write) -> Result<(), std::io::Error> {
    let mut csv = csv::Writer::from_writer(out);
    let failed = |e: csv::Error| std::io::Error::other(e);
    csv.write_record(["pair", "item", "change", "label", "original", "changed", "verdict"])
        .map_err(failed)?;
    for (n, p) in (1..).zip(pairs) {
        csv.write_record([
            &n.to_string(),
            &p.item,
            &p.change.to_string(),
            &p.label,
            &p.original,
            &p.text,
            "",
        ])
        .map_err(failed)?;
    }
    csv.flush()
}

/// What a person said of drawn pairs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairVerdicts {
    /// Rows.
    pub pairs: usize,
    /// The label still fits.
    pub kept: usize,
    /// It does not.
    pub lost: usize,
    /// The person could not say.
    pub unsure: usize,
    /// Not looked at yet.
    pub open: usize,
    /// Share kept among kept and lost, over all and by change.
    pub rows: Vec<FigureRow>,
}

/// Reads the file of [`write_pairs`] back. `verdict` is yes, no or unsure (in a few languages), or
/// empty.
///
/// # Errors
/// No such columns, or a verdict that is none; with file and line.
pub fn read_verdicts(path: &Path) -> Result<PairVerdicts, EvaluateError> {
    let mut rows = CsvReader::open(path).map_err(of_table(path))?;
    let verdict = rows.require(&["verdict"]).map_err(of_table(path))?;
    let change = rows.require(&["change"]).map_err(of_table(path))?;
    let mut out = PairVerdicts::default();
    let mut by_change: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    while let Some(row) = rows.next_row().map_err(of_table(path))? {
        let (line, fields) = match row {
            CsvRow::Record { line, fields } => (line, fields),
            CsvRow::Ragged { line, found, expected } => {
                let reason = format!("{found} fields, expected {expected} as in the header");
                return Err(bad(path, Some(line), reason));
            }
        };
        out.pairs += 1;
        let cell = |i: usize| fields.get(i).map_or("", |s| s.trim());
        let of = by_change.entry(cell(change).to_owned()).or_default();
        match cell(verdict).to_lowercase().as_str() {
            "" => out.open += 1,
            "yes" | "y" | "1" | "ja" | "sí" | "si" | "sim" | "evet" | "ναι" | "نعم" | "是"
            | "예" | "হ্যাঁ" => {
                out.kept += 1;
                of.0 += 1;
            }
            "no" | "n" | "0" | "nein" | "não" | "hayır" | "όχι" | "لا" | "否" | "아니요" | "না" =>
            {
                out.lost += 1;
                of.1 += 1;
            }
            "unsure" | "?" => out.unsure += 1,
            other => {
                let reason =
                    format!("`{other}` is no verdict: expected yes, no, unsure, or nothing");
                return Err(bad(path, Some(line), reason));
            }
        }
    }
    let share = |split: &str, kept: usize, lost: usize| match wilson(
        kept as u64,
        (kept + lost) as u64,
        0.95,
        "pair",
    ) {
        Ok(e) => FigureRow::of("people", split, "label-kept", &e),
        Err(why) => FigureRow::undefined("people", split, "label-kept", why),
    };
    out.rows.push(share("all", out.kept, out.lost));
    for (name, (kept, lost)) in by_change.iter().filter(|(_, (k, l))| k + l > 0) {
        out.rows.push(share(name, *kept, *lost));
    }
    Ok(out)
}
