//! Many replies side by side: prompts are computed in one pass with their shared beginnings, then
//! every sequence takes one token a pass; finished ones leave, new ones enter.

use std::ops::ControlFlow;

use super::ending::{stopped, written};
use super::forward::{Buffers, Chunk, Keep, Run, Span, pass};
use super::plan::Plan;
use super::prefixes::Prefixes;
use super::product::{Kind, linear};
use super::sample::{Dice, Draw};
use crate::embedded::decoder::Decoder;
use crate::embedded::matmul::Into;
use crate::embedded::{ChatTokenizer, EmbeddedError};

/// How much is done at once. Replies do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerateSettings {
    /// Threads.
    pub threads: usize,
    /// Sequences that are written side by side.
    pub lanes: usize,
    /// Bytes of keys and values that are remembered for prompts to come.
    pub memory: usize,
}

impl Default for GenerateSettings {
    fn default() -> Self {
        Self { threads: 1, lanes: 16, memory: 1 << 30 }
    }
}

/// Most tokens of prompts in one pass; one prompt may be longer.
const PASS_ROWS: usize = 4096;

/// A prompt and how its reply is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Tokens of the prompt.
    pub prompt: Vec<u32>,
    /// How.
    pub draw: Draw,
}

/// What the model wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its text.
    pub text: String,
    /// True: it ended by itself, or at a stop text; false: cut off.
    pub ended: bool,
    /// Tokens of the prompt.
    pub prompt: usize,
    /// What was drawn, the end token included.
    pub tokens: Vec<u32>,
}

/// A prompt that cannot be answered; the others go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The prompt fills the model's context, or more.
    #[error(
        "the prompt has {tokens} tokens and the model takes {limit}, its reply included: shorten it"
    )]
    TooLong {
        /// Of the prompt.
        tokens: usize,
        /// Of the model.
        limit: usize,
    },
    /// A prompt without tokens, or with one that the model does not know.
    #[error("{0}")]
    Prompt(String),
}

/// One sequence being written.
struct Lane {
    id: u64,
    ask: Ask,
    before: Vec<Run>,
    tail: Chunk,
    ids: Vec<u32>,
    /// Most tokens it may draw.
    limit: usize,
    dice: Dice,
}

/// A model that writes.
#[derive(Debug)]
pub struct Generator {
    model: Decoder,
    tokenizer: ChatTokenizer,
    settings: GenerateSettings,
    ends: Vec<u32>,
    pool: rayon::ThreadPool,
    prefixes: Prefixes,
    buffers: Buffers,
    logits: Vec<f32>,
    scratch: Vec<f32>,
    computed: u64,
}

/// Hears of each reply; `Break` ends the batch.
pub type OnWritten<'a, E> =
    dyn FnMut(u64, Result<Written, Unanswered>) -> Result<ControlFlow<()>, E> + 'a;

impl Generator {
    /// Takes a model with its tokenizer.
    ///
    /// # Errors
    /// No threads.
    pub fn new(
        model: Decoder,
        tokenizer: ChatTokenizer,
        settings: GenerateSettings,
    ) -> Result<Self, EmbeddedError> {
        let threads = settings.threads.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|e| EmbeddedError::Input(format!("{threads} threads: {e}")))?;
        let ends = tokenizer.ends();
        Ok(Self {
            model,
            tokenizer,
            settings,
            ends,
            pool,
            prefixes: Prefixes::default(),
            buffers: Buffers::default(),
            logits: Vec::new(),
            scratch: Vec::new(),
            computed: 0,
        })
    }

    /// Its model.
    pub fn model(&self) -> &Decoder {
        &self.model
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &ChatTokenizer {
        &self.tokenizer
    }

    /// Tokens of prompts that were computed, not found: what prefix reuse saves shows here.
    pub fn computed(&self) -> u64 {
        self.computed
    }

    /// Answers every prompt that `next` gives, drawn from as there is room.
    ///
    /// # Errors
    /// The model's numbers are broken, or the caller's own error.
    pub fn run<E: From<EmbeddedError>>(
        &mut self,
        next: &mut dyn FnMut() -> Result<Option<(u64, Ask)>, E>,
        done: &mut OnWritten<'_, E>,
    ) -> Result<(), E> {
        let mut lanes: Vec<Lane> = Vec::new();
        let mut more = true;
        let mut waiting = None;
        while more || !lanes.is_empty() {
            let mut new = Vec::new();
            let mut rows = 0;
            while more && lanes.len() + new.len() < self.settings.lanes.max(1) {
                let Some((id, ask)) = waiting.take().map_or_else(&mut *next, |a| Ok(Some(a)))?
                else {
                    more = false;
                    break;
                };
                match self.check(&ask) {
                    Err(e) => {
                        if done(id, Err(e))?.is_break() {
                            more = false;
                        }
                    }
                    Ok(_) if !new.is_empty() && rows + ask.prompt.len() > PASS_ROWS => {
                        waiting = Some((id, ask));
                        break;
                    }
                    Ok(limit) => {
                        rows += ask.prompt.len();
                        new.push(lane(id, ask, limit));
                    }
                }
            }
            if !new.is_empty() {
                self.prefill(&mut new);
                lanes.append(&mut new);
                // The new lanes' numbers stand at the end of the old ones' turn: draw at once.
                let first = lanes.len() - self.logits.len() / self.model.config().vocab_size;
                self.draw(&mut lanes, first, done, &mut more)?;
            }
            if !lanes.is_empty() {
                self.step(&mut lanes);
                self.draw(&mut lanes, 0, done, &mut more)?;
            }
        }
        Ok(())
    }

    /// How many tokens the reply may have.
    fn check(&self, ask: &Ask) -> Result<usize, Unanswered> {
        let c = self.model.config();
        let (tokens, limit) = (ask.prompt.len(), c.max_position_embeddings);
        if tokens >= limit {
            return Err(Unanswered::TooLong { tokens, limit });
        }
        if let Some(t) = ask.prompt.iter().find(|t| **t as usize >= c.vocab_size) {
            return Err(Unanswered::Prompt(format!(
                "token {t} is outside the vocabulary of {}",
                c.vocab_size
            )));
        }
        if tokens == 0 {
            return Err(Unanswered::Prompt("the prompt has no tokens".into()));
        }
        Ok(ask.draw.max_tokens.min(limit - tokens))
    }

    /// Draws a token for each lane from `first` on; `self.logits` holds their rows.
    fn draw<E: From<EmbeddedError>>(
        &mut self,
        lanes: &mut Vec<Lane>,
        first: usize,
        done: &mut OnWritten<'_, E>,
        more: &mut bool,
    ) -> Result<(), E> {
        let vocab = self.model.config().vocab_size;
        let mut over = Vec::new();
        for (lane, logits) in lanes[first..].iter_mut().zip(self.logits.chunks_exact(vocab)) {
            let mut ended = lane.limit == 0;
            if lane.limit > 0 {
                let token = lane.dice.next(logits).ok_or_else(|| {
                    EmbeddedError::Input(
                        "the model's numbers are not numbers: its weights are broken".into(),
                    )
                })?;
                lane.ids.push(token);
                ended = self.ends.contains(&token) || lane.ids.len() >= lane.limit;
            }
            let stop = if lane.ask.draw.stop.is_empty() {
                None
            } else {
                stopped(&self.tokenizer, &self.ends, &lane.ids, &lane.ask.draw.stop, ended)?
            };
            if ended || stop.is_some() {
                over.push((lane.id, stop));
            }
        }
        for (id, stop) in over {
            let Some(at) = lanes.iter().position(|l| l.id == id) else { continue };
            let lane = lanes.remove(at);
            let written =
                written(&self.tokenizer, &self.ends, &lane.ids, lane.ask.prompt.len(), stop)?;
            if done(id, Ok(written))?.is_break() {
                *more = false;
                lanes.clear();
                break;
            }
        }
        Ok(())
    }

    /// Computes the prompts of new lanes, as far as they are not known; `self.logits` holds the
    /// numbers after each.
    fn prefill(&mut self, new: &mut [Lane]) {
        let sequences: Vec<&[u32]> = new.iter().map(|l| l.ask.prompt.as_slice()).collect();
        let found: Vec<(Vec<Run>, usize)> =
            sequences.iter().map(|s| self.prefixes.find(s)).collect();
        let plan = Plan::new(&sequences, &found);
        let mut chunk = Chunk::default();
        let (model, b) = (&self.model, &mut self.buffers);
        self.pool.install(|| {
            let keep = &mut Keep::Chunk(&mut chunk);
            pass(model, Kind::Prompts, &plan.tokens, &plan.spans, &plan.wanted, keep, b);
        });
        self.computed += plan.tokens.len() as u64;
        self.head(Kind::Prompts, plan.wanted.len());
        let width = 2 * self.model.config().kv_dim();
        for (s, rows) in sequences.iter().zip(&plan.rows) {
            self.prefixes.insert(s, |positions| {
                let layers = chunk.layers.iter().map(|l| {
                    let mut out = Vec::with_capacity(positions.len() * width);
                    // What is not in the tree was computed in this pass.
                    for row in rows[positions.clone()].iter().flatten() {
                        out.extend_from_slice(&l[row * width..(row + 1) * width]);
                    }
                    out
                });
                Chunk { layers: layers.collect() }
            });
        }
        // Wanted rows stand sorted, and several lanes may share one: give each its own.
        let vocab = self.model.config().vocab_size;
        let mut each = Vec::with_capacity(new.len() * vocab);
        for w in &plan.last {
            each.extend_from_slice(&self.logits[w * vocab..(w + 1) * vocab]);
        }
        self.logits = each;
        for lane in new.iter_mut() {
            lane.before = self.prefixes.find(&lane.ask.prompt).0;
        }
        let a_token = 8 * self.model.config().kv_dim() * self.model.config().num_hidden_layers;
        self.prefixes.shrink(self.settings.memory / a_token.max(1));
    }

    /// One token for every lane.
    fn step(&mut self, lanes: &mut [Lane]) {
        let tokens: Vec<u32> = lanes.iter().filter_map(|l| l.ids.last().copied()).collect();
        let mut tails = Vec::with_capacity(lanes.len());
        let mut spans = Vec::with_capacity(lanes.len());
        for (i, lane) in lanes.iter_mut().enumerate() {
            spans.push(Span {
                rows: i..i + 1,
                first: lane.ask.prompt.len() + lane.ids.len() - 1,
                before: lane.before.clone(),
                here: Vec::new(),
            });
            tails.push(&mut lane.tail);
        }
        let wanted: Vec<u32> = (0..tokens.len() as u32).collect();
        let (model, b) = (&self.model, &mut self.buffers);
        self.pool.install(|| {
            pass(model, Kind::Next, &tokens, &spans, &wanted, &mut Keep::Tails(tails), b);
        });
        self.head(Kind::Next, wanted.len());
    }

    fn head(&mut self, kind: Kind, rows: usize) {
        let c = self.model.config();
        self.logits.resize(rows * c.vocab_size, 0.0);
        let head = &self.model.weights[self.model.layout().head.clone()];
        let (x, y, s) = (&self.buffers.out, &mut self.logits, &mut self.scratch);
        self.pool.install(|| linear(kind, y, Into::Replace, x, head, c.hidden_size, s));
    }
}

fn lane(id: u64, ask: Ask, limit: usize) -> Lane {
    let dice = Dice::new(&ask.draw);
    Lane { id, ask, before: Vec::new(), tail: Chunk::default(), ids: Vec::new(), limit, dice }
}
