//! The semantic filter: how near a text is to its seed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::AugmentError;
use crate::domain::Similarity;
use crate::text::{NgramProfile, fold, folded_words};

/// Something that says how near texts are to a seed.
pub trait SimilarityModel: Send + Sync {
    /// As it stands in the provenance of a run: `lexical`, `encoder:NAME`.
    fn name(&self) -> String;

    /// What a reader of its figures must know.
    fn note(&self) -> Option<String>;

    /// The similarity of each text with the seed.
    ///
    /// # Errors
    /// The model gave no usable number.
    fn similarity(&self, seed: &str, texts: &[&str]) -> Result<Vec<Similarity>, AugmentError>;

    /// How alike a text is to others, for near-duplicates that share few words; `None` where this
    /// model sees no more than the words.
    ///
    /// # Errors
    /// The model gave no usable number.
    fn likeness(&self, text: &str, others: &[&str]) -> Result<Option<Vec<f64>>, AugmentError> {
        let _ = (text, others);
        Ok(None)
    }
}

/// Length of the character n-grams.
const GRAM: usize = 4;

/// Without encoder weights: the mean of the cosine of character 4-grams and the Soerensen-Dice
/// coefficient of `strsim`, over the words that tell the seeds apart. Words that stand in many
/// seeds ("how often", "in this country's elections") count by their rarity: a text that shares
/// only them is not near.
#[derive(Debug, Clone)]
pub struct Lexical {
    /// Seeds that hold the stem.
    holders: BTreeMap<String, usize>,
    seeds: usize,
}

/// A word without its common endings: enough to let `robbery` meet `robberies`.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let end = word.char_indices().nth(5).map_or(word.len(), |(i, _)| i);
    &word[..end]
}

impl Lexical {
    /// Learns from the seeds which words are rare.
    pub fn new<'a>(seeds: impl IntoIterator<Item = &'a str>) -> Self {
        let mut holders: BTreeMap<String, usize> = BTreeMap::new();
        let mut n = 0;
        for seed in seeds {
            n += 1;
            let words = folded_words(seed);
            let mut stems: Vec<&str> = words.iter().map(|w| stem(w)).collect();
            stems.sort_unstable();
            stems.dedup();
            for s in stems {
                *holders.entry(s.to_owned()).or_default() += 1;
            }
        }
        Self { holders, seeds: n.max(1) }
    }

    /// Inverse document frequency, 0 for a word of every seed. A word of no seed weighs nothing:
    /// whether it is a synonym or a stray cannot be told by letters.
    fn weight(&self, stem: &str) -> f64 {
        self.holders.get(stem).map_or(0.0, |n| (self.seeds as f64 / *n as f64).ln())
    }

    /// Share of the seed's telling words (by weight) that the text has too.
    fn coverage(&self, seed: &str, text: &str) -> f64 {
        let (seed, text) = (folded_words(seed), folded_words(text));
        let there: Vec<&str> = text.iter().map(|w| stem(w)).collect();
        let (mut hit, mut all) = (0.0, 0.0);
        for word in &seed {
            let s = stem(word);
            let w = self.weight(s);
            all += w;
            if there.contains(&s) {
                hit += w;
            }
        }
        if all > 0.0 { hit / all } else { 0.0 }
    }
}

impl SimilarityModel for Lexical {
    fn name(&self) -> String {
        "lexical".into()
    }

    fn note(&self) -> Option<String> {
        Some(
            "no encoder weights were given: similarity is lexical (shared letters and telling words), \
             not meaning; give a sentence encoder with --encoder path:DIR or hub:ORG/NAME"
                .into(),
        )
    }

    fn similarity(&self, seed: &str, texts: &[&str]) -> Result<Vec<Similarity>, AugmentError> {
        let profile = NgramProfile::new(seed, GRAM);
        let folded = fold(seed);
        texts
            .iter()
            .map(|text| {
                let cosine = profile.cosine(&NgramProfile::new(text, GRAM));
                let dice = strsim::sorensen_dice(&folded, &fold(text));
                let value = 0.25 * cosine + 0.25 * dice + 0.5 * self.coverage(seed, text);
                Similarity::new(value).map_err(|e| AugmentError::Similarity {
                    model: self.name(),
                    reason: e.to_string(),
                })
            })
            .collect()
    }
}

/// Texts to unit vectors, one each.
pub type Embed = dyn Fn(&[&str]) -> Result<Vec<Vec<f32>>, String> + Send + Sync;

/// The cosine of sentence embeddings (paper, section 3.2).
pub struct Encoded {
    name: String,
    embed: Box<Embed>,
    /// Texts that were embedded lately: siblings are compared again and again.
    known: Mutex<HashMap<String, Vec<f32>>>,
}

/// Embeddings that are remembered; a seed needs a few dozen.
const REMEMBERED: usize = 4096;

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoded").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Encoded {
    /// Over a function that gives unit vectors.
    pub fn new(name: impl Into<String>, embed: Box<Embed>) -> Self {
        Self { name: format!("encoder:{}", name.into()), embed, known: Mutex::default() }
    }
}

impl SimilarityModel for Encoded {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn note(&self) -> Option<String> {
        None
    }

    fn similarity(&self, seed: &str, texts: &[&str]) -> Result<Vec<Similarity>, AugmentError> {
        self.cosines(seed, texts)?
            .into_iter()
            .map(|x| Similarity::new(x).map_err(|e| self.bad(e.to_string())))
            .collect()
    }

    fn likeness(&self, text: &str, others: &[&str]) -> Result<Option<Vec<f64>>, AugmentError> {
        let cosines = self.cosines(text, others)?;
        if let Some(x) = cosines.iter().find(|x| !x.is_finite()) {
            return Err(self.bad(format!("a likeness of {x}")));
        }
        Ok(Some(cosines))
    }
}

impl Encoded {
    fn bad(&self, reason: String) -> AugmentError {
        AugmentError::Similarity { model: self.name.clone(), reason }
    }

    fn cosines(&self, text: &str, others: &[&str]) -> Result<Vec<f64>, AugmentError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + others.len() >= REMEMBERED {
            known.clear();
        }
        let mut new: Vec<&str> = Vec::new();
        for t in std::iter::once(&text).chain(others) {
            if !known.contains_key(*t) && !new.contains(t) {
                new.push(t);
            }
        }
        if !new.is_empty() {
            let vectors = (self.embed)(&new).map_err(|e| self.bad(e))?;
            if vectors.len() != new.len() {
                return Err(self.bad(format!("{} vectors for {} texts", vectors.len(), new.len())));
            }
            known.extend(new.into_iter().map(str::to_owned).zip(vectors));
        }
        let of = |t: &str| known.get(t).map_or(&[][..], Vec::as_slice);
        let a = of(text);
        let dot = |b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        Ok(others.iter().map(|t| dot(of(t))).collect())
    }
}
