//! The texts that both backends train on, frozen: every (prompt, answers, shares) once, which of them
//! make up each step, and which tail is drawn for each. No tokens: those are the model's.

use std::collections::HashMap;
use std::io::{BufRead, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::prompt::Prompt;
use crate::domain::{Example, Survey};
use crate::embedded::ChatTokenizer;
use crate::embedded::training::{TailTargets, drawn_tails};
use crate::finetune::job::{EVAL_EXAMPLES, step_seed};
use crate::finetune::{DataOrder, FinetuneError, Place, Recipe, TrainingSet, hold_out};
use crate::job::{JobError, read_jsonl};

pub(super) const ROWS: &str = "rows.jsonl";
pub(super) const ORDER: &str = "order.jsonl";
pub(super) const EVAL: &str = "eval.json";

/// A line of `rows.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TextRow {
    /// Instructions; may be empty.
    pub(super) system: String,
    /// The question.
    pub(super) user: String,
    /// Complete answers with a share above 0.
    pub(super) answers: Vec<String>,
    /// Their shares.
    pub(super) shares: Vec<f32>,
}

/// A line of `order.jsonl`: rows of a step (0-based) and, where tails are sampled, the answer whose
/// tail is learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) rows: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tails: Option<Vec<usize>>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    pub(super) rows: Vec<TextRow>,
    pub(super) order: Vec<Batch>,
    pub(super) eval: Option<Batch>,
}

impl Frozen {
    /// As the local trainer would go through the dataset.
    ///
    /// # Errors
    /// A row of the dataset that cannot be trained on.
    pub(super) fn new(
        recipe: &Recipe,
        examples: &[Example],
        survey: &Survey,
    ) -> Result<Self, FinetuneError> {
        let (learned, unseen) = hold_out(examples.to_vec(), recipe.eval_share, recipe.seed);
        let mut frozen = Self::default();
        let set = TrainingSet::new(&learned, survey, &recipe.prompts, recipe.target)?;
        let mut order = DataOrder::new(&set, recipe.seed, recipe.batch);
        let mut known = HashMap::new();
        for step in 0..recipe.length().steps(set.len(), recipe.batch) {
            let places = order.places(step);
            let seed = step_seed(recipe.seed, step);
            let batch = frozen.batch(recipe, &set, &places, seed, &mut known);
            frozen.order.push(batch);
        }
        if !unseen.is_empty() {
            let set = TrainingSet::new(&unseen, survey, &recipe.prompts, recipe.target)?;
            let n = set.len().min(EVAL_EXAMPLES);
            let places = DataOrder::new(&set, recipe.seed, n).places(0);
            let batch = frozen.batch(recipe, &set, &places, recipe.seed, &mut HashMap::new());
            frozen.eval = Some(batch);
        }
        Ok(frozen)
    }

    fn batch(
        &mut self,
        recipe: &Recipe,
        set: &TrainingSet<'_>,
        places: &[Place],
        seed: u64,
        known: &mut HashMap<Place, usize>,
    ) -> Batch {
        let mut rows = Vec::with_capacity(places.len());
        for place in places {
            let row = *known.entry(*place).or_insert_with(|| {
                let (prompt, shares) = set.prompt(*place);
                self.rows.push(row(prompt, shares));
                self.rows.len() - 1
            });
            rows.push(row);
        }
        let tails = match recipe.tails {
            TailTargets::All => None,
            TailTargets::Sampled => {
                Some(drawn_tails(rows.iter().map(|r| &self.rows[*r].shares[..]), seed))
            }
        };
        Batch { rows, tails }
    }

    /// As files of a run's input.
    ///
    /// # Errors
    /// A row that JSON cannot hold.
    pub(super) fn files(&self) -> Result<Vec<(String, Vec<u8>)>, FinetuneError> {
        let no = |e: serde_json::Error| FinetuneError::Plan(e.to_string());
        let (mut rows, mut order) = (Vec::new(), Vec::new());
        for r in &self.rows {
            serde_json::to_writer(&mut rows, r).map_err(no)?;
            rows.push(b'\n');
        }
        for b in &self.order {
            serde_json::to_writer(&mut order, b).map_err(no)?;
            order.push(b'\n');
        }
        let mut out = vec![(ROWS.to_owned(), rows), (ORDER.to_owned(), order)];
        if let Some(e) = &self.eval {
            out.push((EVAL.to_owned(), serde_json::to_vec(e).map_err(no)?));
        }
        Ok(out)
    }
}

fn row(prompt: Prompt, shares: &[f64]) -> TextRow {
    let Prompt { system, user, answers } = prompt;
    let kept = answers.into_iter().zip(shares).filter(|(_, s)| **s > 0.0);
    let (answers, shares) = kept.map(|(a, s)| (a, *s as f32)).unzip();
    TextRow { system, user, answers, shares }
}

/// Writes the rows as tokens of a model: `{"p": prompt, "a": answers, "w": shares}` a line. The same
/// reading of template and tokenizer as in training and evaluation inside this program.
///
/// # Errors
/// A text that the tokenizer cannot write, by its row; the disk is full.
pub(super) fn write_tokens(
    rows: &Path,
    tokenizer: &ChatTokenizer,
    to: &Path,
) -> Result<(), JobError> {
    let rows: Vec<TextRow> = read_jsonl(rows)?;
    let mut reader = tokenizer.reader();
    let mut out = BufWriter::new(std::fs::File::create(to).map_err(JobError::io(to))?);
    for (i, r) in rows.into_iter().enumerate() {
        let bad = |e: &dyn std::fmt::Display| JobError::Work(format!("{ROWS}, row {}: {e}", i + 1));
        let prompt = Prompt { system: r.system, user: r.user, answers: Vec::new() };
        let p = reader.prompt(&prompt).map_err(|e| bad(&e))?;
        let mut answers = Vec::with_capacity(r.answers.len());
        for a in &r.answers {
            answers.push(reader.answer(a).map_err(|e| bad(&e))?);
        }
        let line = json!({"p": p, "a": answers, "w": r.shares});
        writeln!(out, "{line}").map_err(JobError::io(to))?;
    }
    out.flush().map_err(JobError::io(to))
}

/// Lines of a file: how many steps an order has.
pub(super) fn lines(path: &Path) -> Result<u64, JobError> {
    let file = std::fs::File::open(path).map_err(JobError::io(path))?;
    let mut n = 0;
    for line in std::io::BufReader::new(file).lines() {
        line.map_err(JobError::io(path))?;
        n += 1;
    }
    Ok(n)
}
