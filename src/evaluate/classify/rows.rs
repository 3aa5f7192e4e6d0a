//! The table of a run: for each set every model beside the answers that need no model, with
//! intervals and paired tests; then means by kind and by culture.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::check::{FEWEST, Finding};
use super::data::Items;
use super::figures::{counts, figure_rows, notes};
use super::job::asks_without_gold;
use super::kind::Kind;
use super::means::{MeanRow, means};
use super::parser::{Parser, ParserName};
use super::plan::{PlannedSet, TASK};
use super::results::Answer;
use super::{ClassifyError, ClassifyPlan};
use crate::evaluate::figures::TaskResult;
use crate::evaluate::locked::Locked;
use crate::stats::bootstrap::Resampling;
use crate::stats::classification::{Answered, Compared, Confusion, Texts};
use crate::stats::significance::holm;
use crate::stats::{Estimate, Undefined};

/// Gold labels of a set in memory, and which items stand for the same text.
#[derive(Debug, Clone, Default)]
pub struct Golds {
    /// By item: the label's index; `u16::MAX` for a value that is not scored, and for none.
    labels: Vec<u16>,
    /// By item: whether it is asked at all.
    asked: Vec<bool>,
    /// By item: the text's key.
    texts: Vec<u64>,
}

impl Golds {
    /// From the items of a set.
    ///
    /// # Errors
    /// A line that is wrong.
    pub fn read(items: Items, parser: &Parser, name: ParserName) -> Result<Self, ClassifyError> {
        let mut out = Self::default();
        for item in items {
            let item = item?;
            let label = parser.gold(&item.gold).and_then(|i| u16::try_from(i).ok());
            out.labels.push(label.unwrap_or(u16::MAX));
            out.asked.push(label.is_some() || asks_without_gold(name));
            out.texts.push(item.text_key());
        }
        Ok(out)
    }

    /// From gold labels (none: a value that is not scored) and what tells texts apart.
    pub fn from_parts(items: impl IntoIterator<Item = (Option<u16>, u64)>) -> Self {
        let mut out = Self::default();
        for (label, text) in items {
            out.labels.push(label.unwrap_or(u16::MAX));
            out.asked.push(label.is_some());
            out.texts.push(text);
        }
        out
    }

    /// Items.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without items.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Items that are asked about.
    pub fn asked(&self) -> usize {
        self.asked.iter().filter(|a| **a).count()
    }

    /// True where the item is asked about.
    pub fn is_asked(&self, item: usize) -> bool {
        self.asked.get(item) == Some(&true)
    }

    /// Gold label and text of each item that is asked about, with its number.
    pub fn scored(&self) -> impl Iterator<Item = (usize, Option<usize>, u64)> + '_ {
        (0..self.len()).filter(|i| self.asked[*i]).map(|i| {
            let label = self.labels[i];
            (i, (label != u16::MAX).then_some(usize::from(label)), self.texts[i])
        })
    }
}

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The value.
    pub value: f64,
    /// Its interval; `None` where one text leaves nothing to resample.
    pub ci: Option<[f64; 2]>,
}

impl From<&Estimate> for Figure {
    fn from(e: &Estimate) -> Self {
        Self { value: e.value, ci: e.interval.map(|i| [i.lo, i.hi]) }
    }
}

/// One label of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelRow {
    /// The gold label.
    pub label: String,
    /// Items of it.
    pub support: u64,
    /// `None` where nothing was called so.
    pub precision: Option<f64>,
    /// `None` where no item is it.
    pub recall: Option<f64>,
    /// `None` where neither.
    pub f1: Option<f64>,
}

/// A model beside another one on the same texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// The other model.
    pub against: String,
    /// This one minus the other one.
    pub difference: Figure,
    /// Two-sided.
    pub p: f64,
    /// After Holm over the printed table; `None` where no claim is made (see [`SetRow::few`]).
    pub p_holm: Option<f64>,
}

/// One model on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRow {
    /// Its reference.
    pub model: String,
    /// Macro-F1 over the labels that are scored.
    pub macro_f1: Figure,
    /// Share of items that are right.
    pub accuracy: f64,
    /// Refusals.
    pub refusals: u64,
    /// Replies that are no label.
    pub invalid: u64,
    /// Items without a reply, counted as wrong.
    pub unanswered: u64,
    /// F1 by label.
    pub labels: Vec<LabelRow>,
    /// Items by gold label (rows) and by what was read (columns: the labels, refusal, invalid).
    pub confusion: Vec<Vec<u64>>,
    /// Beside the first model of the plan.
    pub paired: Option<Paired>,
}

/// An answer that needs no model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineRow {
    /// `best constant`, `uniform`, `stratified`.
    pub name: String,
    /// For the constant: the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Macro-F1; of random answers that of their expected table.
    pub macro_f1: f64,
    /// Share of items that are right.
    pub accuracy: f64,
}

/// One set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetRow {
    /// The task.
    pub task: String,
    /// Its culture.
    pub culture: String,
    /// BCP 47 tag of its texts.
    pub language: String,
    /// Its kind.
    pub kind: Kind,
    /// Its pool.
    pub pool: String,
    /// How replies were read.
    pub parser: ParserName,
    /// The prompt's version.
    pub prompt: String,
    /// Items scored.
    pub items: u64,
    /// Items without a gold label, left out.
    pub left_out: u64,
    /// Different texts among those scored.
    pub texts: u64,
    /// What is resampled: `item` where every text stands there once, else `text`.
    pub unit: String,
    /// Labels that are scored, with their items.
    pub gold: Vec<(String, u64)>,
    /// True where a label has fewer than 20 items: no claim of significance.
    pub few: bool,
    /// True where its ceiling is below 1 or its labels are not as declared: left out of means.
    pub degenerate: bool,
    /// What the check found.
    pub findings: Vec<Finding>,
    /// Answers that need no model.
    pub baselines: Vec<BaselineRow>,
    /// The models.
    pub models: Vec<ModelRow>,
}

/// `evaluation.json`: the figures in the form of every task, and what they were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// Rows, counts and notes, as for every task.
    #[serde(flatten)]
    pub result: TaskResult,
    /// The sets.
    pub sets: Vec<SetRow>,
    /// Means by kind, by culture, and over the eight kinds.
    pub means: Vec<MeanRow>,
    /// Pools that were found to be one, and by how many texts.
    pub merged_pools: Vec<String>,
}

/// Sums up answers into the table.
///
/// # Errors
/// A figure that does not exist: a set without items.
pub fn classified(
    locked: &Locked<ClassifyPlan>,
    golds: &[Golds],
    answers: &[Vec<Vec<Answer>>],
) -> Result<Classified, ClassifyError> {
    let plan = &locked.plan;
    let sets = set_rows(plan, golds, answers)?;
    let (means, merged_pools) = means(plan, golds, answers)?;
    let result = TaskResult {
        task: TASK.to_owned(),
        plan: serde_json::to_value(plan).map_err(|e| ClassifyError::Plan(e.to_string()))?,
        plan_sha256: locked.sha256.clone(),
        rows: figure_rows(&sets, &means),
        counts: counts(&sets),
        notes: notes(plan, &merged_pools),
    };
    Ok(Classified { result, sets, means, merged_pools })
}

/// The sets alone: every figure with its interval, every pair with its test, Holm over them.
///
/// # Errors
/// See [`classified`].
pub fn set_rows(
    plan: &ClassifyPlan,
    golds: &[Golds],
    answers: &[Vec<Vec<Answer>>],
) -> Result<Vec<SetRow>, ClassifyError> {
    let mut sets: Vec<SetRow> = plan
        .sets
        .par_iter()
        .enumerate()
        .map(|(s, set)| {
            let of: Vec<&[Answer]> = answers.iter().map(|m| m[s].as_slice()).collect();
            set_row(plan, set, &golds[s], &of, s)
        })
        .collect::<Result<_, ClassifyError>>()?;
    adjust(&mut sets)?;
    Ok(sets)
}

/// Holm over the printed table: every pair of every set about which a claim may be made.
fn adjust(sets: &mut [SetRow]) -> Result<(), ClassifyError> {
    let mut tested: Vec<&mut Paired> = sets
        .iter_mut()
        .filter(|s| !s.few && !s.degenerate)
        .flat_map(|s| s.models.iter_mut().filter_map(|m| m.paired.as_mut()))
        .collect();
    let p: Vec<f64> = tested.iter().map(|t| t.p).collect();
    let adjusted = holm(&p).map_err(|source| undefined("Holm adjustment", source))?;
    for (t, p) in tested.iter_mut().zip(adjusted) {
        t.p_holm = Some(p);
    }
    Ok(())
}

pub(super) fn undefined(what: &str, source: Undefined) -> ClassifyError {
    ClassifyError::Undefined { what: what.to_owned(), source }
}

/// The number of labels that are scored under a set's parser.
pub(super) fn scored_labels(set: &PlannedSet) -> Result<Vec<String>, ClassifyError> {
    Ok(Parser::of(&set.task, set.parser)?.labels().to_vec())
}

/// An answer's place in a table: the number of labels for "none of them".
pub(super) fn place(label: Option<usize>, labels: usize) -> u32 {
    label.unwrap_or(labels) as u32
}

fn set_row(
    plan: &ClassifyPlan,
    set: &PlannedSet,
    golds: &Golds,
    answers: &[&[Answer]],
    number: usize,
) -> Result<SetRow, ClassifyError> {
    let labels = scored_labels(set)?;
    let n = labels.len();
    let seed = plan.seed.wrapping_add(number as u64);
    let how = Resampling { draws: plan.draws, ..Resampling::seeded(seed) };
    let what = |m: usize| format!("{} of {}", set.task.name, plan.models[m]);
    let mut by_text: HashMap<u64, Vec<(Option<usize>, usize)>> = HashMap::new();
    for (i, gold, text) in golds.scored() {
        by_text.entry(text).or_default().push((gold, i));
    }
    let texts = by_text.len() as u64;
    let items = golds.asked() as u64;
    let unit = if texts == items { "item" } else { "text" };
    let grouped = |a: usize, b: usize| -> Result<Texts, Undefined> {
        let mut out = Texts::new(&[n])?;
        for group in by_text.values() {
            out.add(
                group
                    .iter()
                    .map(|(gold, i)| Answered {
                        set: 0,
                        gold: place(*gold, n),
                        said: [place(answers[a][*i].label(), n), place(answers[b][*i].label(), n)],
                    })
                    .collect(),
            )?;
        }
        Ok(out)
    };
    let mut models = Vec::new();
    for m in 0..plan.models.len() {
        let (own, paired) = if m == 0 && plan.models.len() > 1 {
            (None, None) // its interval comes from the first pair
        } else {
            let swaps = if m == 0 { 1 } else { plan.swaps };
            let c: Compared = grouped(m, 0)
                .and_then(|t| t.compare(unit, &how, swaps))
                .map_err(|e| undefined(&what(m), e))?;
            if m == 1 {
                let first: &mut ModelRow = &mut models[0];
                first.macro_f1 = Figure::from(&c.b);
            }
            let paired = (m > 0).then(|| Paired {
                against: plan.models[0].clone(),
                difference: Figure::from(&c.difference),
                p: c.p,
                p_holm: None,
            });
            (Some(Figure::from(&c.a)), paired)
        };
        let mut row = model_row(&plan.models[m], &labels, golds, answers[m])
            .map_err(|e| undefined(&what(m), e))?;
        row.macro_f1 = own.unwrap_or(row.macro_f1);
        row.paired = paired;
        models.push(row);
    }
    let gold: Vec<(String, u64)> = labels
        .iter()
        .enumerate()
        .map(|(i, l)| (l.clone(), golds.scored().filter(|(_, g, _)| *g == Some(i)).count() as u64))
        .collect();
    Ok(SetRow {
        task: set.task.name.clone(),
        culture: set.task.culture.clone(),
        language: set.task.language.clone(),
        kind: set.task.kind,
        pool: set.task.pool.clone(),
        parser: set.parser,
        prompt: set.task.prompt.version.clone(),
        items,
        left_out: golds.len() as u64 - items,
        texts,
        unit: unit.to_owned(),
        few: gold.iter().any(|(_, c)| *c < FEWEST),
        degenerate: set.is_degenerate(),
        findings: set.findings.clone(),
        baselines: baselines(&gold, items),
        gold,
        models,
    })
}

fn model_row(
    model: &str,
    labels: &[String],
    golds: &Golds,
    answers: &[Answer],
) -> Result<ModelRow, Undefined> {
    let n = labels.len();
    // One row and column more than labels: gold values that are not scored still make wrong calls.
    let mut matrix = Confusion::new(n + 1)?;
    let mut confusion = vec![vec![0u64; n + 2]; n];
    let (mut refusals, mut invalid, mut unanswered, mut right) = (0, 0, 0, 0u64);
    for (i, gold, _) in golds.scored() {
        let said = answers[i];
        refusals += u64::from(said == Answer::REFUSAL);
        invalid += u64::from(said == Answer::INVALID);
        unanswered += u64::from(said == Answer::UNANSWERED);
        right += u64::from(gold.is_some() && said.label() == gold);
        let column = match said.label() {
            Some(l) => l,
            None if said == Answer::REFUSAL => n,
            None => n + 1,
        };
        if let Some(row) = gold.and_then(|g| confusion.get_mut(g)) {
            row[column] += 1;
        }
        matrix.add(gold.unwrap_or(n), said.label())?;
    }
    let rows: Vec<LabelRow> = labels
        .iter()
        .enumerate()
        .map(|(i, l)| {
            let s = matrix.scores(i);
            LabelRow {
                label: l.clone(),
                support: s.support,
                precision: s.precision,
                recall: s.recall,
                f1: s.f1,
            }
        })
        .collect();
    let value = rows.iter().map(|r| r.f1.unwrap_or(0.0)).sum::<f64>() / n as f64;
    Undefined::unless_enough("items", golds.asked(), 1)?;
    Ok(ModelRow {
        model: model.to_owned(),
        macro_f1: Figure { value, ci: None },
        accuracy: right as f64 / golds.asked() as f64,
        refusals,
        invalid,
        unanswered,
        labels: rows,
        confusion,
        paired: None,
    })
}

/// The answers that need no model: the best constant one, a coin, a coin with the gold's shares.
pub(super) fn baselines(gold: &[(String, u64)], items: u64) -> Vec<BaselineRow> {
    let n = items as f64;
    let k = gold.len() as f64;
    let share = |c: u64| c as f64 / n.max(1.0);
    // F1 of the expected table: 2 E[hits] / (support + E[called]).
    let expected = |chance: &dyn Fn(u64) -> f64| {
        let f1: f64 = gold
            .iter()
            .map(|(_, c)| {
                let called = n * chance(*c);
                let both = *c as f64 + called;
                if both > 0.0 { 2.0 * *c as f64 * chance(*c) / both } else { 0.0 }
            })
            .sum();
        let right: f64 = gold.iter().map(|(_, c)| share(*c) * chance(*c)).sum();
        (f1 / k, right)
    };
    let mut out = Vec::new();
    let counts: Vec<u64> = gold.iter().map(|(_, c)| *c).collect();
    let missing = items.saturating_sub(counts.iter().sum());
    if let Some((i, f1)) = super::task::best_constant(&counts, missing) {
        out.push(BaselineRow {
            name: "best constant".into(),
            label: Some(gold[i].0.clone()),
            macro_f1: f1,
            accuracy: share(counts[i]),
        });
    }
    for (name, (macro_f1, accuracy)) in
        [("uniform", expected(&|_| 1.0 / k)), ("stratified", expected(&|c| share(c)))]
    {
        out.push(BaselineRow { name: name.into(), label: None, macro_f1, accuracy });
    }
    out
}
