//! The training set: rows grouped by text, and which of them make up a step.
//!
//! The examples of one text (its cultures) stand together, so that their prompts share a prefix.
//! Each pass shuffles the texts; each text goes through its prompt variants in a shuffled order.
//! All of it is a function of seed and step: a resumed run needs no state to go on.

use std::collections::{BTreeMap, HashMap};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest, Sha256};

use super::{FinetuneError, PromptChoice, TargetKind};
use crate::domain::prompt::{Prompt, Variant, render};
use crate::domain::{Culture, Example, Question, Survey, Target};
use crate::embedded::tokenizer::PromptReader;
use crate::embedded::training::AnswerTarget;

/// One text with its examples.
#[derive(Debug)]
struct Group<'a> {
    question: &'a Question,
    text: &'a str,
    variants: Vec<Variant>,
    examples: Vec<Row<'a>>,
}

#[derive(Debug)]
struct Row<'a> {
    culture: Option<&'a Culture>,
    /// By rank.
    shares: Vec<f64>,
}

/// One example in one of its variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    group: usize,
    example: usize,
    variant: usize,
}

/// A dataset that was checked against its survey.
#[derive(Debug)]
pub struct TrainingSet<'a> {
    groups: Vec<Group<'a>>,
    examples: usize,
}

impl<'a> TrainingSet<'a> {
    /// Groups and checks the rows.
    ///
    /// # Errors
    /// The row and what is wrong with it: an unknown question or culture, a target that is not on
    /// the scale; or there is no row at all.
    pub fn new(
        rows: &'a [Example],
        survey: &'a Survey,
        prompts: &PromptChoice,
        target: TargetKind,
    ) -> Result<Self, FinetuneError> {
        let mut at: HashMap<(&str, &str), usize> = HashMap::new();
        let mut groups: Vec<Group<'a>> = Vec::new();
        for (i, e) in rows.iter().enumerate() {
            let bad = |reason: String| FinetuneError::Row { row: i + 1, reason };
            let question = survey
                .question(&e.question)
                .ok_or_else(|| bad(format!("question {} is not in the survey", e.question)))?;
            let culture = match &e.culture {
                None => None,
                Some(c) => Some(
                    survey
                        .culture(c)
                        .ok_or_else(|| bad(format!("culture {c} is not in the survey")))?,
                ),
            };
            if e.text.trim().is_empty() {
                return Err(bad("the text is empty".into()));
            }
            let shares = shares(&e.target, question, target).map_err(bad)?;
            let n = groups.len();
            let g = *at.entry((e.question.as_str(), e.text.as_str())).or_insert(n);
            if g == n {
                groups.push(Group {
                    question,
                    text: &e.text,
                    variants: prompts.variants(question),
                    examples: Vec::new(),
                });
            }
            groups[g].examples.push(Row { culture, shares });
        }
        if groups.is_empty() {
            return Err(FinetuneError::Plan("the dataset has no rows to train on".into()));
        }
        Ok(Self { groups, examples: rows.len() })
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.examples
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.examples == 0
    }

    /// The prompt of a place, and the shares of its answers.
    pub fn prompt(&self, at: Place) -> (Prompt, &[f64]) {
        let group = &self.groups[at.group];
        let row = &group.examples[at.example];
        let variant = group.variants[at.variant];
        (render(group.question, group.text, row.culture, variant), &row.shares)
    }

    /// Every prompt text that training may show, for the tokenizer: each text in each variant, with
    /// the cultures taking turns so that each is named often.
    pub fn texts(&self) -> Vec<String> {
        let mut out = Vec::new();
        for g in &self.groups {
            for (i, &v) in g.variants.iter().enumerate() {
                let row = &g.examples[i % g.examples.len()];
                let p = render(g.question, g.text, row.culture, v);
                out.push(p.system);
                out.push(p.user);
            }
        }
        let mut cultures: BTreeMap<&str, &Culture> = BTreeMap::new();
        for c in self.groups.iter().flat_map(|g| &g.examples).filter_map(|e| e.culture) {
            cultures.insert(c.id.as_str(), c);
        }
        let g = &self.groups[0];
        for c in cultures.into_values() {
            for &v in &g.variants {
                let p = render(g.question, g.text, Some(c), v);
                out.push(p.system);
                out.push(p.user);
            }
        }
        out
    }
}

/// Shares by rank; for hard targets one share of 1.
fn shares(target: &Target, q: &Question, kind: TargetKind) -> Result<Vec<f64>, String> {
    let n = q.scale.len();
    let point = |rank: usize| (0..n).map(|r| if r == rank { 1.0 } else { 0.0 }).collect();
    match target {
        Target::Hard(code) => q
            .scale
            .rank(*code)
            .map(point)
            .ok_or_else(|| format!("the answer {code} is not on the scale of {}", q.id)),
        Target::Soft(d) if d.len() != n => {
            Err(format!("{} shares for the {n} options of {}", d.len(), q.id))
        }
        Target::Soft(d) => Ok(match kind {
            TargetKind::Distribution => d.shares().to_vec(),
            // Ties go to the lowest code, and ranks follow codes.
            TargetKind::Hard => point(d.modes()[0]),
        }),
    }
}

/// Parts a dataset: rows to learn from, and the rows of a share of its texts that no step sees. All
/// rows of a text go the same way, and a larger share holds what a smaller one does.
pub fn hold_out(rows: Vec<Example>, share: f64, seed: u64) -> (Vec<Example>, Vec<Example>) {
    let name = |e: &Example| {
        let text = format!("{seed}\0{}\0{}", e.question, e.text);
        <[u8; 32]>::from(Sha256::digest(text.as_bytes()))
    };
    let mut texts: Vec<[u8; 32]> = rows.iter().map(name).collect();
    texts.sort_unstable();
    texts.dedup();
    let n = (share * texts.len() as f64).ceil() as usize;
    // One text at least is learned from.
    let n = n.min(texts.len().saturating_sub(1));
    let Some(border) = n.checked_sub(1).map(|i| texts[i]) else { return (rows, Vec::new()) };
    rows.into_iter().partition(|e| name(e) > border)
}

/// The order of a training set under one seed.
#[derive(Debug)]
pub struct DataOrder<'a> {
    set: &'a TrainingSet<'a>,
    seed: u64,
    batch: usize,
    /// `(group, example)` of one pass, and which pass that is.
    pass: Option<(u64, Vec<(usize, usize)>)>,
}

impl<'a> DataOrder<'a> {
    /// Batches of `batch` examples.
    pub fn new(set: &'a TrainingSet<'a>, seed: u64, batch: usize) -> Self {
        Self { set, seed, batch: batch.max(1), pass: None }
    }

    /// Where the examples of step `step` (0-based) stand. Passes follow each other without a gap.
    pub fn places(&mut self, step: u64) -> Vec<Place> {
        let n = self.set.examples as u64;
        let first = step * self.batch as u64;
        (first..first + self.batch as u64)
            .map(|i| {
                let pass = i / n;
                let (group, example) = self.pass(pass)[(i % n) as usize];
                let variant = variant_of(&self.set.groups[group], self.seed, group, pass);
                Place { group, example, variant }
            })
            .collect()
    }

    /// The examples of step `step` (0-based) as tokens.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub fn step(
        &mut self,
        step: u64,
        reader: &mut PromptReader<'_>,
    ) -> Result<Vec<AnswerTarget>, FinetuneError> {
        let mut out = Vec::with_capacity(self.batch);
        let mut paths: HashMap<String, Vec<u32>> = HashMap::new();
        for place in self.places(step) {
            let (p, shares) = self.set.prompt(place);
            let mut answers = Vec::with_capacity(p.answers.len());
            for (answer, share) in p.answers.iter().zip(shares) {
                if *share <= 0.0 {
                    continue;
                }
                if !paths.contains_key(answer) {
                    paths.insert(answer.clone(), reader.answer(answer)?);
                }
                answers.push((paths[answer].clone(), *share as f32));
            }
            out.push(AnswerTarget { prompt: reader.prompt(&p)?, answers });
        }
        Ok(out)
    }

    fn pass(&mut self, pass: u64) -> &[(usize, usize)] {
        if self.pass.as_ref().is_none_or(|p| p.0 != pass) {
            let mut groups: Vec<usize> = (0..self.set.groups.len()).collect();
            groups.shuffle(&mut rng(self.seed, 1, pass));
            let order = groups
                .into_iter()
                .flat_map(|g| (0..self.set.groups[g].examples.len()).map(move |e| (g, e)))
                .collect();
            self.pass = Some((pass, order));
        }
        self.pass.as_ref().map_or(&[], |p| &p.1)
    }
}

/// The variant of a text in a pass: all of them in a shuffled order, then again in another one.
fn variant_of(group: &Group<'_>, seed: u64, g: usize, pass: u64) -> usize {
    let n = group.variants.len() as u64;
    let mut order: Vec<usize> = (0..group.variants.len()).collect();
    order.shuffle(&mut rng(seed, 2 + g as u64, pass / n));
    order[(pass % n) as usize]
}

/// A generator for one purpose; the mixing constants are those of SplitMix64.
fn rng(seed: u64, purpose: u64, n: u64) -> Xoshiro256PlusPlus {
    let mixed = purpose.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ n.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    Xoshiro256PlusPlus::seed_from_u64(seed ^ mixed)
}
