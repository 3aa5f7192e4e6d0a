//! Many replies side by side: prompts are computed in one pass with their shared beginnings, then
//! every sequence takes one token a pass; finished ones leave, new ones enter.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::forward::{Buffers, Chunk, Keep, Run, Span, pass};
use super::prefixes::Prefixes;
use super::product::{Kind, linear};
use super::sample::{Dice, Draw};
use crate::embedded::decoder::{Decoder, Pack};
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
                stopped(&self.tokenizer, &self.ends, lane, ended)?
            };
            if ended || stop.is_some() {
                over.push((lane.id, stop));
            }
        }
        for (id, stop) in over {
            let Some(at) = lanes.iter().position(|l| l.id == id) else { continue };
            let lane = lanes.remove(at);
            let written = written(&self.tokenizer, &self.ends, &lane, stop)?;
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
                    for p in positions.clone() {
                        let row = rows[&p];
                        out.extend_from_slice(&l[row * width..(row + 1) * width]);
                    }
                    out
                });
                Chunk { layers: layers.collect() }
            });
        }
        // Several lanes may share a wanted row: give each its own.
        let vocab = self.model.config().vocab_size;
        if plan.wanted.len() < new.len() || plan.wanted.len() > 1 {
            let each: Vec<f32> = plan
                .last
                .iter()
                .flat_map(|w| self.logits[w * vocab..(w + 1) * vocab].iter().copied())
                .collect();
            self.logits = each;
        }
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

/// Which rows of the prompts are computed in a pass, and what they see.
struct Plan {
    tokens: Vec<u32>,
    spans: Vec<Span>,
    wanted: Vec<u32>,
    /// By sequence: the row of each position that is computed.
    rows: Vec<HashMap<usize, usize>>,
    /// By sequence: the place of its last row in `wanted`.
    last: Vec<usize>,
}

impl Plan {
    /// `found`: the runs of each sequence that are known, and their length. The last token of a
    /// sequence is computed in any case: the reply begins with its numbers.
    fn new(sequences: &[&[u32]], found: &[(Vec<Run>, usize)]) -> Self {
        let (pack, places) = Pack::from_sequences(sequences);
        // One sequence through each segment; which, does not matter.
        let mut through = vec![None; pack.segments.len()];
        let mut ends_here = vec![false; pack.segments.len()];
        let segment_of = |row: u32| pack.segments.partition_point(|s| s.rows.end <= row as usize);
        for (s, rows) in places.iter().enumerate() {
            let mut segments: Vec<usize> = rows.iter().map(|r| segment_of(*r)).collect();
            segments.dedup();
            segments.iter().for_each(|g| through[*g] = Some(s));
            segments.last().iter().for_each(|g| ends_here[**g] = true);
        }
        let mut plan = Self {
            tokens: Vec::new(),
            spans: Vec::new(),
            wanted: Vec::new(),
            rows: Vec::new(),
            last: Vec::new(),
        };
        let mut row_of = vec![None; pack.len()]; // row of the pack -> row of the pass
        for (g, segment) in pack.segments.iter().enumerate() {
            let Some(s) = through[g] else { continue };
            let first = pack.positions[segment.rows.start] as usize;
            let (runs, known) = &found[s];
            let mut from = segment.rows.start + known.saturating_sub(first);
            if ends_here[g] {
                from = from.min(segment.rows.end - 1);
            }
            if from >= segment.rows.end {
                continue;
            }
            let start = plan.tokens.len();
            for r in from..segment.rows.end {
                row_of[r] = Some(plan.tokens.len());
                plan.tokens.push(pack.tokens[r]);
            }
            let first = pack.positions[from] as usize;
            let mut here: Vec<std::ops::Range<usize>> = Vec::new();
            // Ancestors' rows that are new stand behind what is known.
            for &r in &places[s][(*known).min(first)..first] {
                let Some(row) = row_of[r as usize] else { continue };
                match here.last_mut().filter(|h| h.end == row) {
                    Some(h) => h.end += 1,
                    None => here.push(row..row + 1),
                }
            }
            plan.spans.push(Span {
                rows: start..plan.tokens.len(),
                first,
                before: shortened(runs, first.min(*known)),
                here,
            });
        }
        let mut wanted: Vec<u32> = places
            .iter()
            .filter_map(|p| p.last().and_then(|r| row_of[*r as usize]).map(|r| r as u32))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        for p in &places {
            let row = p.last().and_then(|r| row_of[*r as usize]).unwrap_or(0) as u32;
            plan.last.push(wanted.partition_point(|w| *w < row));
            plan.rows.push(
                p.iter().enumerate().filter_map(|(i, r)| Some((i, row_of[*r as usize]?))).collect(),
            );
        }
        plan.wanted = wanted;
        plan
    }
}

/// The first `length` rows of runs.
fn shortened(runs: &[Run], length: usize) -> Vec<Run> {
    let mut left = length;
    let mut out = Vec::with_capacity(runs.len());
    for r in runs {
        let n = r.rows.len().min(left);
        if n == 0 {
            break;
        }
        out.push(Run { chunk: r.chunk.clone(), rows: r.rows.start..r.rows.start + n });
        left -= n;
    }
    out
}

/// Where a stop text begins in the reply, looked for in its last tokens only until one is found.
fn stopped(
    tokenizer: &ChatTokenizer,
    ends: &[u32],
    lane: &Lane,
    whole: bool,
) -> Result<Option<usize>, EmbeddedError> {
    let stops = || lane.ask.draw.stop.iter().filter(|s| !s.is_empty());
    let longest = stops().map(String::len).max().unwrap_or(0);
    // A token has at least one byte, except for special ones; eight more for characters in parts.
    let from = if whole { 0 } else { lane.ids.len().saturating_sub(longest + 8) };
    let end = lane.ids.len() - usize::from(lane.ids.last().is_some_and(|t| ends.contains(t)));
    let text = tokenizer.decode(&lane.ids[from..end])?;
    if !stops().any(|s| text.contains(s.as_str())) {
        return Ok(None);
    }
    let text = tokenizer.decode(&lane.ids[..end])?;
    Ok(stops().filter_map(|s| text.find(s.as_str())).min())
}

fn written(
    tokenizer: &ChatTokenizer,
    ends: &[u32],
    lane: &Lane,
    stop: Option<usize>,
) -> Result<Written, EmbeddedError> {
    let by_itself = lane.ids.last().is_some_and(|t| ends.contains(t));
    let end = lane.ids.len() - usize::from(by_itself);
    let mut text = tokenizer.decode(&lane.ids[..end])?;
    if let Some(at) = stop {
        text.truncate(at);
    } else if !by_itself {
        // Cut off in the middle of a character.
        text.truncate(text.trim_end_matches('\u{FFFD}').len());
    }
    Ok(Written {
        text,
        ended: by_itself || stop.is_some(),
        prompt: lane.ask.prompt.len(),
        tokens: lane.ids.clone(),
    })
}
