//! Options as complete answers: log-probability of each, its end token included.

use rayon::prelude::*;

use super::decoder::{Decoder, Pack};
use super::generate::{PackBuffers, pack_log_probs};
use super::tokenizer::ChatOptions;
use super::{ChatTokenizer, EmbeddedError};
use crate::domain::OptionScores;
use crate::domain::prompt::Prompt;

/// How scoring is cut up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreSettings {
    /// Threads; packs are spread over them. Results do not depend on it.
    pub threads: usize,
    /// Prompts in one pack: they share their beginnings.
    pub prompts_a_pack: usize,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self { threads: 1, prompts_a_pack: 40 }
    }
}

/// A model with its tokenizer, ready to score.
#[derive(Debug)]
pub struct Scorer {
    /// The model.
    pub model: Decoder,
    /// Its tokenizer.
    pub tokenizer: ChatTokenizer,
}

impl Scorer {
    /// Reads a model folder.
    ///
    /// # Errors
    /// What is wrong with it, by name.
    pub fn load(dir: &std::path::Path) -> Result<Self, EmbeddedError> {
        Self::open(dir, None, ChatOptions::default())
    }

    /// Reads a model folder, and an adapter that is merged into its weights.
    ///
    /// # Errors
    /// What is wrong with either, by name.
    pub fn load_adapted(
        dir: &std::path::Path,
        adapter: Option<&std::path::Path>,
    ) -> Result<Self, EmbeddedError> {
        Self::open(dir, adapter, ChatOptions::default())
    }

    /// See [`Scorer::load_adapted`]; `options` say how the model is spoken to.
    ///
    /// # Errors
    /// See there.
    pub fn open(
        dir: &std::path::Path,
        adapter: Option<&std::path::Path>,
        options: ChatOptions,
    ) -> Result<Self, EmbeddedError> {
        let model = super::adapter::load_model(dir, adapter)?;
        let dirs: Vec<_> = [adapter, Some(dir)].into_iter().flatten().collect();
        let tokenizer = ChatTokenizer::load_with(&dirs, model.config().vocab_size, options)?;
        Ok(Self { model, tokenizer })
    }

    /// See [`score_options`].
    ///
    /// # Errors
    /// See there.
    pub fn score(
        &self,
        prompts: &[Prompt],
        settings: ScoreSettings,
    ) -> Result<Vec<OptionScores>, EmbeddedError> {
        score_with(&self.model, &self.tokenizer, prompts, settings)
    }
}

/// Scores every option of every prompt on one thread, in the order given.
///
/// # Errors
/// A prompt that is too long for the model, an answer that the tokenizer cannot write, or
/// log-probabilities that are not numbers.
pub fn score_options(
    model: &Decoder,
    tokenizer: &ChatTokenizer,
    prompts: &[Prompt],
) -> Result<Vec<OptionScores>, EmbeddedError> {
    score_with(model, tokenizer, prompts, ScoreSettings::default())
}

/// See [`score_options`], with settings.
///
/// # Errors
/// See there.
pub fn score_with(
    model: &Decoder,
    tokenizer: &ChatTokenizer,
    prompts: &[Prompt],
    settings: ScoreSettings,
) -> Result<Vec<OptionScores>, EmbeddedError> {
    let size = settings.prompts_a_pack.max(1);
    // Sorted, neighbours share the longest beginnings, so that packs cut few of them in two.
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&i| (&prompts[i].system, &prompts[i].user));
    // One thread has a pool too: inside of a pass, work would go to the global one.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads.max(1))
        .build()
        .map_err(|e| EmbeddedError::Input(format!("{} threads: {e}", settings.threads)))?;
    let one = |b: &mut PackBuffers, part: &[usize]| {
        let part: Vec<&Prompt> = part.iter().map(|&i| &prompts[i]).collect();
        score_pack(model, tokenizer, &part, b)
    };
    let parts: Result<Vec<_>, _> =
        pool.install(|| order.par_chunks(size).map_init(PackBuffers::default, one).collect());
    let mut out = vec![OptionScores { log_probs: Vec::new() }; prompts.len()];
    for (i, scores) in order.into_iter().zip(parts?.into_iter().flatten()) {
        out[i] = scores;
    }
    Ok(out)
}

fn score_pack(
    model: &Decoder,
    tokenizer: &ChatTokenizer,
    prompts: &[&Prompt],
    buffers: &mut PackBuffers,
) -> Result<Vec<OptionScores>, EmbeddedError> {
    let mut reader = tokenizer.reader();
    let mut sequences = Vec::new();
    let mut paths = Vec::new(); // (prompt, first place, tokens)
    for (i, p) in prompts.iter().enumerate() {
        let prompt = reader.prompt(p)?;
        for answer in &p.answers {
            let path = reader.answer(answer)?;
            let mut s = prompt.clone();
            s.extend_from_slice(&path[..path.len() - 1]);
            sequences.push(s);
            paths.push((i, prompt.len() - 1, path));
        }
    }
    let (pack, rows) = Pack::from_sequences(&sequences);
    let mut asked = Vec::new(); // (row, token, option)
    for (s, (_, at, path)) in paths.iter().enumerate() {
        for (k, &t) in path.iter().enumerate() {
            asked.push((rows[s][at + k], t, s));
        }
    }
    asked.sort_unstable();
    let pairs: Vec<(u32, u32)> = asked.iter().map(|a| (a.0, a.1)).collect();
    let found = pack_log_probs(model, &pack, &pairs, buffers)?;
    let mut sums = vec![0.0; paths.len()];
    for (a, lp) in asked.iter().zip(found) {
        if lp.is_nan() {
            return Err(EmbeddedError::Input(
                "the model's log-probabilities are not numbers: its weights are broken".into(),
            ));
        }
        sums[a.2] += lp;
    }
    let mut out: Vec<OptionScores> =
        prompts.iter().map(|_| OptionScores { log_probs: Vec::new() }).collect();
    for ((i, _, _), lp) in paths.iter().zip(sums) {
        out[*i].log_probs.push(lp);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::{DecoderConfig, tokenizer};

    fn prompt(user: &str, answers: &[&str]) -> Prompt {
        Prompt {
            system: String::new(),
            user: user.into(),
            answers: answers.iter().map(|a| (*a).to_owned()).collect(),
        }
    }

    fn scorer() -> Scorer {
        let t = tokenizer::train(
            &["Do you agree? 1 2 3 How would people in Greece answer?".to_owned()],
            &["0123456789"],
            60,
            true,
        )
        .unwrap();
        let c = DecoderConfig::llama(t.vocab_size(), 16, 24, 2, 2, 1).unwrap();
        Scorer { model: Decoder::random(c, 0.3, 1).unwrap(), tokenizer: t }
    }

    #[test]
    fn scores_are_the_same_alone_together_and_on_threads() {
        let s = scorer();
        let prompts: Vec<Prompt> = ["Do you agree?", "Do you?", "Greece", "Do you agree? 1"]
            .iter()
            .cycle()
            .take(30)
            .map(|u| prompt(u, &["1", "2", "10"]))
            .collect();
        let together = s.score(&prompts, ScoreSettings::default()).unwrap();
        let threads =
            s.score(&prompts, ScoreSettings { threads: 3, ..ScoreSettings::default() }).unwrap();
        assert_eq!(together, threads);
        for (p, t) in prompts.iter().zip(&together) {
            let alone = &score_options(&s.model, &s.tokenizer, std::slice::from_ref(p)).unwrap()[0];
            for (a, b) in alone.log_probs.iter().zip(&t.log_probs) {
                assert!((a - b).abs() < 1e-4, "{a} against {b}");
            }
        }
    }

    #[test]
    fn one_and_ten_share_their_beginning_and_cannot_both_be_sure() {
        let s = scorer();
        let got = s.score(&[prompt("x", &["1", "10", "2"])], ScoreSettings::default()).unwrap();
        assert!(got[0].listed_mass() <= 1.0);
        assert_eq!(got[0].log_probs.len(), 3);
    }

    #[test]
    fn broken_weights_and_unwritable_answers_are_errors() {
        let mut s = scorer();
        let e = s.score(&[prompt("x", &["\u{3b1}", "2"])], ScoreSettings::default()).unwrap_err();
        assert!(e.to_string().contains("\u{3b1}"), "{e}");
        let at = s.model.layout().regions[2].start;
        s.model.weights[at] = f32::NAN;
        assert!(s.score(&[prompt("x", &["1", "2"])], ScoreSettings::default()).is_err());
    }
}
