//! Answers as targets on the tree of their tokens.
//!
//! For shares p over complete answers the loss is `-sum_o p_o log P(answer_o, end included)`. On the
//! tree that is a cross-entropy at every branching: at the answer position against the shares of
//! first tokens, deeper (after `1`: end, or `0`) against conditional shares, weighted by the path.

use rand::RngExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::embedded::decoder::{Pack, Supervision};

/// One prompt and the answers wanted: complete token paths (end token included) with their shares.
/// A hard target is one path with share 1.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerTarget {
    /// Tokens up to where the answer begins.
    pub prompt: Vec<u32>,
    /// Paths and shares.
    pub answers: Vec<(Vec<u32>, f32)>,
}

/// What is supervised below the first token of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TailTargets {
    /// Every path, by its share: the loss itself, one row a path token.
    All,
    /// One path, drawn by the shares: the same loss and gradient in expectation, with the first
    /// token's term exact, at one row a prompt. The default: tails are short and soon learnt.
    #[default]
    Sampled,
}

/// Packs prompts with their answers and says what is wanted where. `seed` draws the sampled tails.
pub fn pack_targets(items: &[AnswerTarget], tails: TailTargets, seed: u64) -> (Pack, Supervision) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut sequences: Vec<Vec<u32>> = Vec::with_capacity(items.len());
    // (sequence, place of its first wanted row, tokens wanted from there, weight)
    let mut wanted: Vec<(usize, usize, &[u32], f32)> = Vec::new();
    for item in items {
        let Some(last) = item.prompt.len().checked_sub(1) else { continue };
        let drawn = match tails {
            TailTargets::All => None,
            TailTargets::Sampled => Some(draw(item.answers.iter().map(|a| a.1), rng.random())),
        };
        for (i, (path, share)) in item.answers.iter().enumerate() {
            if *share <= 0.0 || path.is_empty() {
                continue;
            }
            let (tail, weight) = match drawn {
                None => (path.len(), *share),
                Some(d) => (if d == i { path.len() } else { 1 }, 1.0),
            };
            // The end token is predicted, never read: the path without its last token is input.
            let mut s = item.prompt.clone();
            s.extend_from_slice(&path[..tail - 1]);
            sequences.push(s);
            let here = sequences.len() - 1;
            wanted.push((here, last, &path[..1], *share));
            if tail > 1 {
                wanted.push((here, last + 1, &path[1..], weight));
            }
        }
    }
    let (pack, rows) = Pack::from_sequences(&sequences);
    let mut cells = Vec::new();
    for (s, at, tokens, weight) in wanted {
        for (i, &t) in tokens.iter().enumerate() {
            cells.push((rows[s][at + i], t, weight));
        }
    }
    (pack, Supervision::new(cells))
}

/// The tail that [`pack_targets`] draws for each item, from the shares of its answers.
pub fn drawn_tails<'a>(shares: impl Iterator<Item = &'a [f32]>, seed: u64) -> Vec<usize> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    shares.map(|s| draw(s.iter().copied(), rng.random())).collect()
}

/// The path under `u` (0 to 1) of the cumulated shares.
fn draw(shares: impl Iterator<Item = f32> + Clone, u: f64) -> usize {
    let total: f64 = shares.clone().map(f64::from).sum();
    let mut left = u * total;
    let mut last = 0;
    for (i, share) in shares.enumerate().filter(|(_, s)| *s > 0.0) {
        last = i;
        left -= f64::from(share);
        if left < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::decoder::{Decoder, DecoderConfig, Workspace, log_probs};

    /// `1`, `2`, `10` with an end token 9.
    fn item() -> AnswerTarget {
        AnswerTarget {
            prompt: vec![3, 4, 5],
            answers: vec![(vec![1, 9], 0.5), (vec![2, 9], 0.2), (vec![1, 0, 9], 0.3)],
        }
    }

    fn model() -> Decoder {
        Decoder::random(DecoderConfig::llama(10, 8, 12, 2, 2, 2).unwrap(), 0.5, 4).unwrap()
    }

    fn loss(tails: TailTargets, seed: u64, grads: &mut [f32]) -> f64 {
        let (pack, s) = pack_targets(&[item()], tails, seed);
        model().loss(&pack, &s, 1.0, &mut Workspace::new(), Some(grads)).unwrap()
    }

    #[test]
    fn the_loss_on_the_tree_is_the_cross_entropy_of_complete_answers() {
        let m = model();
        let mut want = 0.0;
        for (path, share) in &item().answers {
            let whole = [&item().prompt[..], path].concat();
            let (pack, rows) = Pack::from_sequences(&[&whole[..whole.len() - 1]]);
            let asked: Vec<(u32, u32)> =
                path.iter().enumerate().map(|(i, &t)| (rows[0][2 + i], t)).collect();
            let lp = log_probs(&m, &pack, &asked, &mut Workspace::new()).unwrap();
            want -= f64::from(*share) * lp.iter().sum::<f64>();
        }
        let mut g = vec![0.0; m.weights.len()];
        let got = loss(TailTargets::All, 0, &mut g);
        assert!((got - want).abs() < 1e-5, "{got} against {want}");
    }

    #[test]
    fn sampled_tails_have_the_same_loss_and_gradient_in_the_mean() {
        let n = 4000;
        let len = model().weights.len();
        let mut exact = vec![0.0; len];
        let want = loss(TailTargets::All, 0, &mut exact);
        let mut mean = vec![0.0; len];
        let got = (0..n).map(|s| loss(TailTargets::Sampled, s, &mut mean)).sum::<f64>() / n as f64;
        assert!((got - want).abs() < 0.05, "{got} against {want}");
        let top = exact.iter().fold(0.0f32, |a, g| a.max(g.abs()));
        for (m, e) in mean.iter().zip(&exact) {
            assert!((m / n as f32 - e).abs() < 0.05 * top);
        }
    }

    #[test]
    fn a_hard_target_is_one_path_and_an_option_of_share_zero_costs_no_row() {
        let mut one = item();
        one.answers = vec![(vec![1, 0, 9], 1.0), (vec![2, 9], 0.0)];
        for tails in [TailTargets::All, TailTargets::Sampled] {
            let (pack, s) = pack_targets(&[one.clone()], tails, 1);
            assert_eq!(pack.tokens, [3, 4, 5, 1, 0]);
            assert_eq!(s.rows(), [2, 3, 4]);
        }
    }
}
