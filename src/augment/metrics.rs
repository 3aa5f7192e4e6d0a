//! Figures of a set of texts: how various they are, and how surprising.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::AugmentError;
use super::similarity::SimilarityModel;
use crate::domain::{Question, Sample};
use crate::text::folded_words;

/// Longest n-gram of self-BLEU.
const BLEU_N: usize = 4;
/// Weight of the bigram estimate against the unigram estimate.
const LAMBDA: f64 = 0.7;

/// Figures of a set of samples beside its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextMetrics {
    /// Texts.
    pub n: usize,
    /// Distinct n-grams / n-grams over all texts, n = 1, 2, 3 (Li et al. 2016). 1 = nothing twice.
    pub distinct: [f64; 3],
    /// Mean over texts of BLEU-4 against the other texts of the same seed (Zhu et al. 2018), with
    /// add-one smoothing above unigrams. 1 = all alike; `None` with one text a seed.
    pub self_bleu: Option<f64>,
    /// Perplexity per word under a bigram model fitted on the seeds: `P(w|v) = .7 bigram + .3
    /// unigram`, the unigram with add-one over the seeds' words and one place for unknown ones.
    /// Every text counts by its words, ends included, so that length does not decide.
    pub perplexity: f64,
    /// Mean over texts of 1 - the highest similarity to any seed: what the set adds to the seeds.
    /// In the unit of the similarity model (0 = copies of seeds). By embeddings this is 550 of
    /// them, not 50,000 calls.
    pub diversity_gain: f64,
    /// Mean over pairs of texts of one seed of 1 - similarity; `None` with one text a seed.
    pub within_seed_distance: Option<f64>,
    /// The similarity model behind the last two.
    pub similarity_model: String,
}

/// Works the figures out. `None` for no texts.
///
/// # Errors
/// No usable number from the similarity model.
pub fn text_metrics(
    samples: &[Sample],
    seeds: &[Question],
    model: &dyn SimilarityModel,
) -> Result<Option<TextMetrics>, AugmentError> {
    if samples.is_empty() || seeds.is_empty() {
        return Ok(None);
    }
    let words: Vec<Vec<String>> = samples.iter().map(|s| folded_words(&s.text)).collect();
    let mut by_seed: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, s) in samples.iter().enumerate() {
        by_seed.entry(s.seed.as_str()).or_default().push(i);
    }
    let texts: Vec<&str> = samples.iter().map(|s| s.text.as_str()).collect();
    let mut nearest = vec![f64::MIN; samples.len()];
    for seed in seeds {
        for (best, s) in nearest.iter_mut().zip(model.similarity(&seed.text, &texts)?) {
            *best = best.max(s.get());
        }
    }
    let (mut distance, mut pairs) = (0.0, 0usize);
    for members in by_seed.values() {
        for (k, &i) in members.iter().enumerate() {
            let others: Vec<&str> = members[k + 1..].iter().map(|&j| texts[j]).collect();
            if others.is_empty() {
                continue;
            }
            pairs += others.len();
            distance +=
                model.similarity(texts[i], &others)?.iter().map(|s| 1.0 - s.get()).sum::<f64>();
        }
    }
    let bleu: Vec<f64> = by_seed
        .values()
        .filter(|m| m.len() > 1)
        .flat_map(|m| {
            m.iter().map(|&i| {
                let others: Vec<&[String]> =
                    m.iter().filter(|&&j| j != i).map(|&j| words[j].as_slice()).collect();
                bleu(&words[i], &others)
            })
        })
        .collect();
    let seed_words: Vec<Vec<String>> = seeds.iter().map(|q| folded_words(&q.text)).collect();
    Ok(Some(TextMetrics {
        n: samples.len(),
        distinct: [1, 2, 3].map(|n| distinct(&words, n)),
        self_bleu: (!bleu.is_empty()).then(|| bleu.iter().sum::<f64>() / bleu.len() as f64),
        perplexity: Bigrams::fit(&seed_words).perplexity(&words),
        diversity_gain: nearest.iter().map(|x| 1.0 - x).sum::<f64>() / samples.len() as f64,
        within_seed_distance: (pairs > 0).then(|| distance / pairs as f64),
        similarity_model: model.name(),
    }))
}

fn distinct(texts: &[Vec<String>], n: usize) -> f64 {
    let mut seen: BTreeSet<&[String]> = BTreeSet::new();
    let mut all = 0usize;
    for t in texts {
        for gram in t.windows(n) {
            all += 1;
            seen.insert(gram);
        }
    }
    if all == 0 { 0.0 } else { seen.len() as f64 / all as f64 }
}

fn counts(text: &[String], n: usize) -> BTreeMap<&[String], usize> {
    let mut out = BTreeMap::new();
    for gram in text.windows(n) {
        *out.entry(gram).or_default() += 1;
    }
    out
}

/// BLEU-4 of one text against references: clipped precisions, brevity penalty against the
/// reference nearest in length (Papineni et al. 2002).
fn bleu(text: &[String], references: &[&[String]]) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    let mut log_sum = 0.0;
    for n in 1..=BLEU_N {
        let own = counts(text, n);
        let mut most: BTreeMap<&[String], usize> = BTreeMap::new();
        for r in references {
            for (gram, c) in counts(r, n) {
                let m = most.entry(gram).or_default();
                *m = (*m).max(c);
            }
        }
        let hit: usize = own.iter().map(|(g, c)| (*c).min(most.get(g).copied().unwrap_or(0))).sum();
        let all: usize = own.values().sum();
        let smooth = usize::from(n > 1);
        if hit + smooth == 0 || all + smooth == 0 {
            return 0.0;
        }
        log_sum += ((hit + smooth) as f64 / (all + smooth) as f64).ln();
    }
    let nearest = references
        .iter()
        .map(|r| r.len())
        .min_by_key(|len| (len.abs_diff(text.len()), *len))
        .unwrap_or(0);
    let penalty =
        if text.len() >= nearest { 1.0 } else { (1.0 - nearest as f64 / text.len() as f64).exp() };
    penalty * (log_sum / BLEU_N as f64).exp()
}

/// An interpolated bigram model.
struct Bigrams<'a> {
    unigrams: BTreeMap<&'a str, usize>,
    bigrams: BTreeMap<(&'a str, &'a str), usize>,
    before: BTreeMap<&'a str, usize>,
    total: usize,
}

/// Marks the beginning and the end of a text.
const EDGE: &str = "\u{2}";

impl<'a> Bigrams<'a> {
    fn fit(texts: &'a [Vec<String>]) -> Self {
        let mut m = Self {
            unigrams: BTreeMap::new(),
            bigrams: BTreeMap::new(),
            before: BTreeMap::new(),
            total: 0,
        };
        for t in texts {
            let mut last = EDGE;
            for w in t.iter().map(String::as_str).chain([EDGE]) {
                *m.unigrams.entry(w).or_default() += 1;
                *m.bigrams.entry((last, w)).or_default() += 1;
                *m.before.entry(last).or_default() += 1;
                m.total += 1;
                last = w;
            }
        }
        m
    }

    fn probability(&self, last: &str, word: &str) -> f64 {
        let places = self.unigrams.len() + 1;
        let uni = (self.unigrams.get(word).copied().unwrap_or(0) + 1) as f64
            / (self.total + places) as f64;
        match self.before.get(last) {
            Some(n) => {
                let bi = self.bigrams.get(&(last, word)).copied().unwrap_or(0) as f64 / *n as f64;
                LAMBDA * bi + (1.0 - LAMBDA) * uni
            }
            None => uni,
        }
    }

    fn perplexity(&self, texts: &[Vec<String>]) -> f64 {
        let (mut log, mut n) = (0.0, 0usize);
        for t in texts {
            let mut last = EDGE;
            for w in t.iter().map(String::as_str).chain([EDGE]) {
                log -= self.probability(last, w).ln();
                n += 1;
                last = w;
            }
        }
        (log / n.max(1) as f64).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(t: &str) -> Vec<String> {
        folded_words(t)
    }

    #[test]
    fn distinct_n_counts_what_stands_once() {
        let t = vec![words("a b a b"), words("a c")];
        assert!((distinct(&t, 1) - 3.0 / 6.0).abs() < 1e-12);
        assert!((distinct(&t, 2) - 3.0 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_copy_has_bleu_one_and_a_stranger_nearly_none() {
        let a = words("the cat sat on the mat today");
        assert!((bleu(&a, &[&a]) - 1.0).abs() < 1e-12);
        assert!(bleu(&words("dogs bark loudly at night now"), &[&a]) < 0.1);
    }

    #[test]
    fn perplexity_finds_its_bigrams_and_is_a_probability_model() {
        let seeds = vec![words("the cat sat"), words("the dog sat")];
        let m = Bigrams::fit(&seeds);
        // after `the`: cat, dog, sat, the, end, and one unknown word make 1
        let sum: f64 = ["the", "cat", "dog", "sat", EDGE, "unknown"]
            .iter()
            .map(|w| m.probability("the", w))
            .sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        assert!(m.perplexity(&seeds) < m.perplexity(&[words("sat dog the")]));
    }
}
